"""The keyword index: Tantivy behind one door.

Owns `<library>/keyword/`, which is derived from the catalogue and may be deleted at any time. Two kinds
of entries lie in one index: *chunk* entries (text, title, heading; no path, so that a rename touches
none of them) and *file* entries (name, path, title). Every entry carries the catalogue's ids; Tantivy
stores no text. Must not know SQL, vectors or how results are fused.

Writing is for one thread; searching is for any number of them, each on the snapshot of the last
`commit` or `reload`.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import tantivy

from indexer import analysis
from indexer.errors import StoreError

VERSION = 1
"""Of the fields and of `indexer.analysis`; an index of another version is built again."""

HEAP_BYTES = 60_000_000
"""Memory for postings before a segment is written; the whole of 12,000 chunks fits."""

LONGEST_WORD = 128
"""Bytes of the longest word indexed; longer ones are base64 and the like."""

_STAMP = "complete.json"
_FOOTER_MAGIC = 1337


class Match(NamedTuple):
    """A chunk found by its words."""

    chunk: int
    document: int
    score: float


class KeywordIndex:
    """Words to chunks and file names.

    Args:
        directory: Made when missing. Damaged or outdated content is wiped.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._writer: Any = None
        self._searcher: Any = None
        self._index: Any = None
        self._needs_rebuild = False
        self._schema = _schema()
        self._analyzer = _analyzer()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._is_sound():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._needs_rebuild = True
        try:
            self._open()
        except StoreError:
            if self._needs_rebuild:
                raise
            self.wipe()

    # --- state -----------------------------------------------------------------------------------

    @property
    def needs_rebuild(self) -> bool:
        """The index does not hold what the catalogue holds: it is new, was damaged or is outdated.

        Set it to False once every document and file was added and committed; until then every start
        asks for the rebuild again.
        """
        return self._needs_rebuild

    @needs_rebuild.setter
    def needs_rebuild(self, value: bool) -> None:
        stamp = self._directory / _STAMP
        if value:
            stamp.unlink(missing_ok=True)
        else:
            stamp.write_text(json.dumps({"version": VERSION}))
        self._needs_rebuild = value

    def wipe(self) -> None:
        """Throw everything away and start empty; `needs_rebuild` is True afterwards."""
        self.close()
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._needs_rebuild = True
        self._open()

    def close(self) -> None:
        """Let go of the writer; what was not committed is dropped."""
        self._writer = None

    def _open(self) -> None:
        with _door("open"):
            self._index = tantivy.Index(self._schema, str(self._directory), reuse=True)
            self._index.register_tokenizer("words", self._analyzer)
            self._index.config_reader(reload_policy="manual")
            self._writer = self._index.writer(HEAP_BYTES, 1)
            self._searcher = self._index.searcher()

    def _is_sound(self) -> bool:
        stamp, meta = self._directory / _STAMP, self._directory / "meta.json"
        try:
            if json.loads(stamp.read_bytes()) != {"version": VERSION}:
                return False
            expected = set(_segment_files(json.loads(meta.read_bytes())))
            return all(_checksum_holds(self._directory / name) for name in expected)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    # --- writing ---------------------------------------------------------------------------------

    def add_document(
        self, document_id: int, language: str, title: str, chunks: Iterable[tuple[int, str, str, str]]
    ) -> None:
        """Add a document's chunks, in place of what the index held of it.

        Args:
            document_id: The catalogue's id.
            language: ISO 639-1 code of the document, or "".
            title: From the content; may be empty.
            chunks: (chunk id, heading path, text, ISO 639-1 code or "").
        """
        prepared_title = analysis.prepare(title)
        with _door("write"):
            self._writer.delete_documents_by_term("document", document_id)
            for chunk_id, heading, text, _ in chunks:
                entry = tantivy.Document()
                entry.add_unsigned("chunk", chunk_id)
                entry.add_unsigned("document", document_id)
                entry.add_text("text", analysis.prepare(text))
                if title:
                    entry.add_text("title", prepared_title)
                if heading:
                    entry.add_text("heading", analysis.prepare(heading))
                self._writer.add_document(entry)

    def drop_document(self, document_id: int) -> None:
        """Remove a document's chunks; its files stay."""
        with _door("write"):
            self._writer.delete_documents_by_term("document", document_id)

    def add_file(self, file_id: int, document_id: int, name: str, path: str, title: str) -> None:
        """Add a path, in place of what the index held of this file.

        Args:
            file_id: The catalogue's id.
            document_id: The document it holds, or 0 for none.
            name: Last part of the path.
            path: As shown.
            title: Of the document; may be empty.
        """
        with _door("write"):
            self._writer.delete_documents_by_term("file", file_id)
            entry = tantivy.Document()
            entry.add_unsigned("file", file_id)
            entry.add_unsigned("holds", document_id)
            entry.add_text("name", analysis.prepare(name))
            entry.add_text("path", analysis.prepare(path))
            self._writer.add_document(entry)

    def drop_file(self, file_id: int) -> None:
        """Remove a path; the document's chunks stay."""
        with _door("write"):
            self._writer.delete_documents_by_term("file", file_id)

    def commit(self) -> None:
        """Make everything since the last commit durable and searchable."""
        with _door("write"):
            self._writer.commit()
        self.reload()

    def rollback(self) -> None:
        """Forget everything since the last commit."""
        with _door("write"):
            self._writer.rollback()

    def reload(self) -> None:
        """Search what was committed last."""
        with _door("read"):
            self._index.reload()
            self._searcher = self._index.searcher()

    # --- reading ---------------------------------------------------------------------------------

    def count(self) -> tuple[int, int]:
        """Chunk entries and file entries."""
        searcher = self._searcher
        with _door("read"):
            everything = tantivy.Query.all_query()
            files = searcher.search(_any_number("file"), limit=1, count=True).count
            total = searcher.search(everything, limit=1, count=True).count
        return total - files, files

    def chunk_ids(self, document_id: int) -> list[int]:
        """Chunks the index holds of a document, ascending."""
        searcher = self._searcher
        query = tantivy.Query.term_query(self._schema, "document", document_id)
        with _door("read"):
            found = searcher.search(query, limit=max(1, searcher.num_docs), count=False)
            return sorted(searcher.fast_field_values("chunk", [address for _, address in found.hits]))

    def search_words(self, words: str, limit: int = 20) -> list[Match]:
        """Chunks that hold any of the words, best first."""
        terms = self._analyzer.analyze(analysis.prepare(words, open_end=True))
        queries = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, field, term))
            for term in dict.fromkeys(terms)
            for field in ("text", "title", "heading")
        ]
        with _door("read"):
            return self._run(tantivy.Query.boolean_query(queries), limit)

    def _run(self, query: Any, limit: int) -> list[Match]:
        searcher = self._searcher
        hits = searcher.search(query, limit=limit, count=False).hits
        addresses = [address for _, address in hits]
        chunks = searcher.fast_field_values("chunk", addresses)
        documents = searcher.fast_field_values("document", addresses)
        return [
            Match(chunk, document, score)
            for (score, _), chunk, document in zip(hits, chunks, documents, strict=True)
        ]


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for number in ("chunk", "document", "file", "holds"):
        builder.add_unsigned_field(number, indexed=True, fast=True)
    for words in ("text", "title", "heading", "name", "path"):
        builder.add_text_field(words, tokenizer_name="words", index_option="position")
    return builder.build()


def _analyzer() -> Any:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(LONGEST_WORD))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .build()
    )


def _any_number(field: str) -> Any:
    return tantivy.Query.exists_query(field)


def _segment_files(meta: Any) -> Iterator[str]:
    """Names of the files that the segments in Tantivy's `meta.json` consist of."""
    for segment in meta["segments"]:
        name = segment["segment_id"].replace("-", "")
        yield from (f"{name}.{part}" for part in ("fast", "fieldnorm", "idx", "pos", "store", "term"))
        if segment["deletes"]:
            yield f"{name}.{segment['deletes']['opstamp']}.del"


def _checksum_holds(path: Path) -> bool:
    """Whether a segment file is what Tantivy wrote: body, JSON footer, its length, a magic number."""
    content = path.read_bytes()
    if len(content) < 8 or int.from_bytes(content[-4:], "little") != _FOOTER_MAGIC:
        return False
    footer_start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    if footer_start < 0:
        return False
    footer = json.loads(content[footer_start:-8])
    return bool(zlib.crc32(memoryview(content)[:footer_start]) == footer["crc"])


@contextmanager
def _door(doing: str) -> Iterator[None]:
    """Translate Tantivy's failures, panics of its Rust code included."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as exc:
        raise StoreError(f"The keyword index failed ({doing}): {exc}.", hint=_REMEDY) from exc
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":
            raise
        raise StoreError(f"The keyword index is damaged ({doing}): {exc}.", hint=_REMEDY) from exc


_REMEDY = "It is built again from the catalogue at the next start; 'quire doctor' tells more."
