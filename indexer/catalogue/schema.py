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

_ECHOES = """
CREATE TABLE means (                            -- of documents whose every chunk has a vector
    document_id INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    model_id    INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    mean        BLOB NOT NULL,                  -- direction of its vectors' mean, little-endian float16
    compared    INTEGER NOT NULL DEFAULT 0      -- 1: with every document that had one
) STRICT;
CREATE INDEX means_model ON means (model_id);

CREATE TABLE echoes (                           -- pairs compared by the vectors of their chunks
    a           INTEGER NOT NULL REFERENCES means (document_id) ON DELETE CASCADE,
    b           INTEGER NOT NULL REFERENCES means (document_id) ON DELETE CASCADE, -- a < b
    share       REAL NOT NULL,                  -- of the shorter one that the other says again, 0..1
    PRIMARY KEY (a, b)
) STRICT, WITHOUT ROWID;
CREATE INDEX echoes_b ON echoes (b);
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

_LABELS = """
CREATE TABLE cards (                            -- what people put on a file; outlives it
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id  INTEGER UNIQUE REFERENCES files (id) ON DELETE SET NULL, -- NULL: waits for its file
    path     BLOB NOT NULL,                     -- where the file is or was; empty: only its content tells
    hash     TEXT NOT NULL,                     -- of the last content read; empty: not known
    note     TEXT NOT NULL DEFAULT '',
    excluded INTEGER NOT NULL DEFAULT 0         -- 1: kept out of answers
) STRICT;
CREATE INDEX cards_path ON cards (path);
CREATE INDEX cards_hash ON cards (hash);

CREATE TRIGGER cards_follow AFTER UPDATE OF path, document_id ON files
BEGIN UPDATE cards SET path = NEW.path,
    hash = coalesce((SELECT hash FROM documents WHERE id = NEW.document_id), hash) WHERE file_id = NEW.id;
END;

CREATE TABLE card_tags (
    card_id INTEGER NOT NULL REFERENCES cards (id) ON DELETE CASCADE,
    key     TEXT NOT NULL,                      -- the tag folded, as it is compared
    tag     TEXT NOT NULL,
    given   INTEGER NOT NULL,                   -- 1: has it; 0: was taken away or refused
    PRIMARY KEY (card_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX card_tags_key ON card_tags (key);

CREATE TABLE card_fields (
    card_id INTEGER NOT NULL REFERENCES cards (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (card_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE card_verdicts (                    -- on hits
    card_id INTEGER NOT NULL REFERENCES cards (id) ON DELETE CASCADE,
    query   TEXT NOT NULL,
    verdict INTEGER NOT NULL,                   -- +1, -1
    PRIMARY KEY (card_id, query)
) STRICT, WITHOUT ROWID;

CREATE TABLE custom_fields (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL                          -- text, date, number
) STRICT, WITHOUT ROWID;
INSERT INTO custom_fields VALUES ('review', 'date');

CREATE TABLE collections (
    key   TEXT PRIMARY KEY,                     -- the name folded
    name  TEXT NOT NULL,
    query TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE label_rules (                      -- what a query gives to all it finds
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    query TEXT NOT NULL,
    field TEXT NOT NULL,                        -- name of the field it sets; empty: it gives a tag
    value TEXT NOT NULL,                        -- tag or value
    UNIQUE (query, field, value)
) STRICT;

CREATE TABLE ruled (                            -- derived: where rules hold now
    rule_id INTEGER NOT NULL REFERENCES label_rules (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    key     TEXT NOT NULL,                      -- the tag folded, or the field's name
    value   TEXT NOT NULL,
    PRIMARY KEY (rule_id, file_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ruled_file ON ruled (file_id);

CREATE TABLE label_undo (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    created_ns INTEGER NOT NULL,
    says       TEXT NOT NULL,
    before     TEXT NOT NULL                    -- JSON: cards as they were
) STRICT;

CREATE VIEW file_tags (file_id, key, tag, rule_id) AS
SELECT c.file_id, t.key, t.tag, NULL FROM card_tags t JOIN cards c ON c.id = t.card_id
WHERE t.given = 1 AND c.file_id IS NOT NULL
UNION ALL
SELECT r.file_id, r.key, r.value, r.rule_id FROM ruled r JOIN label_rules l ON l.id = r.rule_id
WHERE l.field = '' AND NOT EXISTS (
    SELECT 1 FROM cards c JOIN card_tags t ON t.card_id = c.id WHERE c.file_id = r.file_id AND t.key = r.key);

CREATE VIEW file_fields (file_id, name, value, rule_id) AS
SELECT c.file_id, v.name, v.value, NULL FROM card_fields v JOIN cards c ON c.id = v.card_id
WHERE c.file_id IS NOT NULL
UNION ALL
SELECT r.file_id, r.key, r.value, r.rule_id FROM ruled r JOIN label_rules l ON l.id = r.rule_id
WHERE l.field <> '' AND NOT EXISTS (
    SELECT 1 FROM cards c JOIN card_fields v ON v.card_id = c.id
    WHERE c.file_id = r.file_id AND v.name = r.key
) AND NOT EXISTS (
    SELECT 1 FROM ruled o JOIN label_rules p ON p.id = o.rule_id
    WHERE o.file_id = r.file_id AND o.key = r.key AND o.rule_id > r.rule_id AND p.field <> '');
"""

_FROM_HASHES = """
INSERT INTO cards (file_id, path, hash, excluded)
SELECT f.id, f.path, d.hash, EXISTS (SELECT 1 FROM excluded e WHERE e.hash = d.hash)
FROM files f JOIN documents d ON d.id = f.document_id
WHERE d.hash IN (SELECT hash FROM tags UNION SELECT hash FROM excluded);
INSERT INTO cards (path, hash, excluded)
SELECT x'', h.hash, EXISTS (SELECT 1 FROM excluded e WHERE e.hash = h.hash)
FROM (SELECT hash FROM tags UNION SELECT hash FROM excluded) h
WHERE NOT EXISTS (SELECT 1 FROM cards c WHERE c.hash = h.hash);
INSERT OR IGNORE INTO card_tags (card_id, key, tag, given)
SELECT c.id, lower(t.tag), t.tag, 1 FROM tags t JOIN cards c ON c.hash = t.hash;
DROP TABLE tags;
DROP TABLE excluded;
"""
"""Tags and exclusions of an older catalogue, which hung on contents."""

_RECOGNISED = """
CREATE TABLE ocr_queue (                        -- pages that are to be recognised
    hash     TEXT NOT NULL,                     -- document
    page     INTEGER NOT NULL,
    state    INTEGER NOT NULL,                  -- 0 stopped by a person, 1 waiting, 2 asked for
    engine   TEXT NOT NULL DEFAULT '',          -- asked for; '' as the settings say
    language TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (hash, page)
) STRICT, WITHOUT ROWID;
CREATE INDEX ocr_queue_state ON ocr_queue (state);

CREATE TABLE ocr_pages (                        -- what came of pages that were
    hash       TEXT NOT NULL,                   -- document
    page       INTEGER NOT NULL,
    engine     TEXT NOT NULL,                   -- with version and languages; of a failure: all engines there
    text       BLOB NOT NULL,                   -- zlib of UTF-8
    confidence INTEGER NOT NULL,                -- 0..100
    reason     TEXT NOT NULL DEFAULT '',        -- why it failed
    created_ns INTEGER NOT NULL,
    stored     INTEGER NOT NULL DEFAULT 0,      -- 1: it is in the document's text
    PRIMARY KEY (hash, page, engine)
) STRICT, WITHOUT ROWID;
CREATE INDEX ocr_pages_unstored ON ocr_pages (hash) WHERE stored = 0;
CREATE INDEX documents_textless ON documents (id) WHERE textless <> '[]';
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
    + _ECHOES
    + _QUALITY
    + _LABELS
    + _RECOGNISED
)

MIGRATIONS: dict[int, str] = {
    1: "ALTER TABLE egress_log ADD COLUMN redacted TEXT NOT NULL DEFAULT '{}';" + _APPEND_ONLY,
    2: _KINSHIP,
    3: _ECHOES + _QUALITY + _LABELS + _FROM_HASHES + _RECOGNISED,
}
"""What turns a catalogue of a version into one of the next."""
