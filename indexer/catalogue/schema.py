"""The tables of the catalogue, in one place, with what each column counts.

Identity: a *document* is a content (SHA-256 of its bytes), a *file* is a path that holds it now, a *chunk*
is a span of a document's text, a *vector* belongs to `chunks.key`, 16 bytes of SHA-256 over all that goes
into the embedded text, so that copies, renames and unchanged parts of an edited document share it.
"""

from __future__ import annotations

SCHEMA_VERSION = 4
"""`PRAGMA user_version`. A newer file is refused, an older one is migrated."""

TEXT_BLOCK = 65_536
"""Characters in one row of `texts`; offset `o` lies in block `o // TEXT_BLOCK`."""

_APPEND_ONLY = """
CREATE TRIGGER egress_log_kept BEFORE DELETE ON egress_log
BEGIN SELECT RAISE(ABORT, 'the log of what was sent is append-only'); END;
CREATE TRIGGER egress_log_unchanged BEFORE UPDATE ON egress_log
WHEN OLD.outcome <> 'sending' OR NEW.outcome = 'sending'
    OR (NEW.id, NEW.created_ns, NEW.host, NEW.model, NEW.purpose, NEW.bytes, NEW.documents, NEW.redacted)
        IS NOT
        (OLD.id, OLD.created_ns, OLD.host, OLD.model, OLD.purpose, OLD.bytes, OLD.documents, OLD.redacted)
BEGIN SELECT RAISE(ABORT, 'the log of what was sent is append-only'); END;
"""
"""An entry of the log gets its outcome once; nothing else of it ever changes."""

_KINSHIP = """
CREATE TABLE signatures (                       -- of documents with text; what they are compared by
    document_id INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,               -- of indexer.neardup
    key         BLOB NOT NULL,                  -- equal for the same text in another format; empty: no words
    shingles    INTEGER NOT NULL,               -- different runs of five words
    sketch      BLOB NOT NULL,                  -- MinHash, little-endian uint32
    compared    INTEGER NOT NULL DEFAULT 0      -- 1: with every document that was there
) STRICT;

CREATE TABLE likenesses (                       -- pairs whose texts were compared
    a           INTEGER NOT NULL REFERENCES signatures (document_id) ON DELETE CASCADE,
    b           INTEGER NOT NULL REFERENCES signatures (document_id) ON DELETE CASCADE, -- a < b
    jaccard     REAL NOT NULL,                  -- of the runs of five words, 0..1
    containment REAL NOT NULL,                  -- share of the smaller one that the other holds
    same        INTEGER NOT NULL,               -- 1: the same text, but for headers and footers
    PRIMARY KEY (a, b)
) STRICT, WITHOUT ROWID;
CREATE INDEX likenesses_b ON likenesses (b);

CREATE TABLE versions (                         -- derived from names, dates and likenesses
    document_id INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    family      INTEGER NOT NULL,
    place       INTEGER NOT NULL                -- 0: the newest
) STRICT;
CREATE INDEX versions_family ON versions (family, place);
"""

_QUALITY = """
CREATE TABLE measures (                         -- why documents have the quality they have
    document_id INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,               -- of indexer.quality: measured again when this changes
    findings    TEXT NOT NULL,                  -- JSON array of indexer.findings.Finding, dearest first
    stretches   TEXT NOT NULL,                  -- JSON [[start, end, page, score, [code]]], flawed ones
    hidden      TEXT NOT NULL DEFAULT '{}',     -- JSON {page: percent of its text no reader sees}
    recognised  TEXT NOT NULL DEFAULT '{}'      -- JSON {page: how sure OCR was, 0..100}
) STRICT;

CREATE TABLE weak_chunks (                      -- chunks that lie in flawed stretches
    chunk_id    INTEGER PRIMARY KEY REFERENCES chunks (id) ON DELETE CASCADE,
    quality     INTEGER NOT NULL                -- 0..100
) STRICT;

CREATE TABLE decodings (                        -- encodings that somebody chose
    hash        TEXT PRIMARY KEY,               -- document
    encoding    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

TABLES = (
    """
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE roots (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    path     BLOB NOT NULL UNIQUE,             -- os.fsencode of the absolute path
    state    TEXT NOT NULL DEFAULT 'watched',  -- watched, polled, missing
    note     TEXT NOT NULL DEFAULT '',
    added_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE documents (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    hash        TEXT NOT NULL UNIQUE,          -- hex SHA-256 of the bytes, without "sha256:"
    size_bytes  INTEGER NOT NULL,
    status      TEXT NOT NULL,                 -- indexer.types.Status
    reason      TEXT NOT NULL DEFAULT '',
    hint        TEXT NOT NULL DEFAULT '',
    title       TEXT NOT NULL DEFAULT '',
    kind        TEXT NOT NULL DEFAULT 'other', -- indexer.types.Kind
    format      TEXT NOT NULL DEFAULT '',
    language    TEXT NOT NULL DEFAULT '',      -- ISO 639-1
    created     TEXT NOT NULL DEFAULT '',      -- ISO 8601, from the content's metadata
    pages       INTEGER NOT NULL DEFAULT 0,
    characters  INTEGER NOT NULL DEFAULT 0,
    chunk_count INTEGER NOT NULL DEFAULT 0,
    members     INTEGER NOT NULL DEFAULT 0,    -- files inside it (attachments, entries), one level down
    quality     INTEGER,                       -- 0..100
    parser      TEXT NOT NULL DEFAULT '',      -- "pdf/1+chunks/1": read again when this changes
    metadata    TEXT NOT NULL DEFAULT '{}',    -- JSON object of strings
    warnings    TEXT NOT NULL DEFAULT '[]',    -- JSON array of strings
    page_spans  TEXT NOT NULL DEFAULT '[]',    -- JSON [[number, start, end, label], ...]
    headings    TEXT NOT NULL DEFAULT '[]',    -- JSON [[level, start, end], ...]
    textless    TEXT NOT NULL DEFAULT '[]',    -- JSON array of page numbers
    parsed_ns   INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE texts (
    document_id INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    block       INTEGER NOT NULL,
    text        BLOB NOT NULL,                 -- zlib of UTF-8
    PRIMARY KEY (document_id, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE files (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    root_id      INTEGER NOT NULL REFERENCES roots (id) ON DELETE CASCADE,
    path         BLOB NOT NULL UNIQUE,         -- absolute; members: container path + b"!/" + member name
    path_text    TEXT NOT NULL,                -- the path as shown and searched
    name         TEXT NOT NULL,                -- last part, as shown
    ext          TEXT NOT NULL,                -- lower case, without dot
    container_id INTEGER REFERENCES files (id) ON DELETE CASCADE,
    size_bytes   INTEGER NOT NULL,
    mtime_ns     INTEGER NOT NULL,
    ctime_ns     INTEGER NOT NULL,
    dev          INTEGER NOT NULL,             -- as SQLite's signed 64 bits
    ino          INTEGER NOT NULL,
    document_id  INTEGER REFERENCES documents (id),
    status       TEXT NOT NULL,                -- of the path: indexed means: see the document's
    reason       TEXT NOT NULL DEFAULT '',
    hint         TEXT NOT NULL DEFAULT '',
    added_ns     INTEGER NOT NULL
) STRICT;
CREATE INDEX files_document ON files (document_id);
CREATE INDEX files_root ON files (root_id);
CREATE INDEX files_container ON files (container_id) WHERE container_id IS NOT NULL;
CREATE INDEX files_mtime ON files (mtime_ns);

CREATE TABLE chunks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    ordinal     INTEGER NOT NULL,
    start       INTEGER NOT NULL,              -- characters of the document's text
    "end"       INTEGER NOT NULL,
    page        INTEGER,
    heading     TEXT NOT NULL DEFAULT '',
    language    TEXT NOT NULL DEFAULT '',
    key         BLOB NOT NULL,                 -- names what is embedded: title, heading, text
    UNIQUE (document_id, ordinal)
) STRICT;
CREATE INDEX chunks_key ON chunks (key);

CREATE TABLE models (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL UNIQUE,
    dimensions  INTEGER NOT NULL
) STRICT;

CREATE TABLE vectors (
    id       INTEGER PRIMARY KEY AUTOINCREMENT, -- grows for ever; Chroma's id is str(id)
    model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    key      BLOB NOT NULL,
    vector   BLOB NOT NULL,                     -- little-endian float16
    UNIQUE (model_id, key)
) STRICT;

CREATE TABLE embed_queue (                      -- documents that may have chunks without a vector
    document_id INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    priority    INTEGER NOT NULL                -- smaller first
) STRICT;
CREATE INDEX embed_queue_priority ON embed_queue (priority);

CREATE TABLE generations (                      -- sealed Chroma directories in use
    name       TEXT PRIMARY KEY,                -- directory below <library>/vectors
    model_id   INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    lo         INTEGER NOT NULL,                -- vector ids lo..hi of the moment it was built, both included
    hi         INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    manifest   TEXT NOT NULL,                   -- SHA-256 of manifest.json
    created_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keyword_outbox (                   -- what Tantivy must still do; replaying a row is harmless
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    op          TEXT NOT NULL,                  -- add-document, drop-document, add-file, drop-file
    target      INTEGER NOT NULL                -- id of the document or file
) STRICT;

CREATE TABLE tags (
    hash TEXT NOT NULL,                         -- document
    tag  TEXT NOT NULL,
    PRIMARY KEY (hash, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE excluded (
    hash TEXT PRIMARY KEY                       -- documents kept out of answers
) STRICT, WITHOUT ROWID;

CREATE TABLE feedback (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    created_ns INTEGER NOT NULL,
    kind       TEXT NOT NULL,                   -- search, answer
    query      TEXT NOT NULL,
    hash       TEXT NOT NULL DEFAULT '',
    chunk_key  BLOB,
    verdict    INTEGER NOT NULL,                -- +1, -1
    content    TEXT NOT NULL DEFAULT '{}'       -- JSON: answer, passages
) STRICT;

CREATE TABLE summaries (
    key        TEXT PRIMARY KEY,                -- hash of documents, request and model
    value      TEXT NOT NULL,                   -- JSON of copilot.types.Summary
    created_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE egress_log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    created_ns INTEGER NOT NULL,
    host       TEXT NOT NULL,
    model      TEXT NOT NULL,
    purpose    TEXT NOT NULL,                   -- answer, summary, embedding
    bytes      INTEGER NOT NULL,
    documents  TEXT NOT NULL DEFAULT '[]',      -- JSON array of hashes
    outcome    TEXT NOT NULL,                   -- 'sending' until it is known
    redacted   TEXT NOT NULL DEFAULT '{}'       -- JSON {kind: values hidden}
) STRICT;
"""
    + _APPEND_ONLY
    + _KINSHIP
    + _QUALITY
)

MIGRATIONS: dict[int, str] = {
    1: "ALTER TABLE egress_log ADD COLUMN redacted TEXT NOT NULL DEFAULT '{}';" + _APPEND_ONLY,
    2: _KINSHIP,
    3: _QUALITY,
}
"""What turns a catalogue of a version into one of the next."""
