"""The keyword index as a store: open, write, read.

Owns `<library>/keyword/`, which is derived from the catalogue and may be deleted at any time. Two kinds
of entries lie in one index: *chunk* entries (text, title, heading; no path, so that a rename touches
none of them) and *file* entries (name, path, title). Every entry carries the catalogue's ids; Tantivy
stores no text. Must not know SQL, vectors or how results are fused.

Writing is for one thread; searching is for any number of them, each on the snapshot of the last
`commit` or `reload`.
"""

from __future__ import annotations

import json
import re
import shutil
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import tantivy

from indexer.errors import StoreError
from indexer.keyword.analyzers import indexed, words_analyzer
from indexer.keyword.plans import MUST, NAMES, TEXTS, Group, Plan, Planner, Scope, any_of
from indexer.keyword.vocabulary import Vocabulary, languages_key
from indexer.query import Phrase, Word

VERSION = 1
"""Of the fields and of `indexer.analysis`; an index of another version is built again."""

HEAP_BYTES = 60_000_000
"""Memory for postings before a segment is written; the whole of 12,000 chunks fits."""

FEW = 300
"""Documents up to which the rest of a query is looked for in them instead of everywhere."""

WIDE_SCOPE = 2000
"""Documents in a scope from which on ids are compared after the search instead of looked up in it."""

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
        self._index: Any = None
        self._needs_rebuild = False
        self._schema = _schema()
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
            self._index.register_tokenizer("words", words_analyzer())
            self._index.config_reader(reload_policy="manual")
            self._writer = self._index.writer(HEAP_BYTES, 1)
            self._see()

    def _see(self) -> None:
        """Take the newest snapshot; searches under way finish on theirs."""
        self._vocabulary = Vocabulary(self._index.searcher())

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
        with _door("write"):
            self._delete("document", document_id)
            for chunk_id, heading, text, _ in chunks:
                entry = tantivy.Document()
                entry.add_unsigned("chunk", chunk_id)
                entry.add_unsigned("document", document_id)
                entry.add_text("text", indexed(text))
                if heading:
                    entry.add_text("heading", indexed(heading))
                self._writer.add_document(entry)

    def drop_document(self, document_id: int) -> None:
        """Remove a document's chunks; its files stay."""
        with _door("write"):
            self._delete("document", document_id)

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
            self._delete("file", file_id)
            entry = tantivy.Document()
            entry.add_unsigned("file", file_id)
            entry.add_unsigned("holds", document_id)
            entry.add_text("name", indexed(_spread(name)))
            entry.add_text("title", indexed(title))
            self._writer.add_document(entry)

    def drop_file(self, file_id: int) -> None:
        """Remove a path; the document's chunks stay."""
        with _door("write"):
            self._delete("file", file_id)

    def _delete(self, field: str, number: int) -> None:
        # `delete_documents_by_term` takes a Python int for another type and finds nothing.
        self._writer.delete_documents_by_query(tantivy.Query.term_query(self._schema, field, number))

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
            self._see()

    # --- reading ---------------------------------------------------------------------------------

    @property
    def snapshot(self) -> object:
        """Another object after each change of what is found; what was kept for the last one is stale."""
        return self._vocabulary

    def count(self) -> tuple[int, int]:
        """Chunk entries and file entries."""
        searcher = self._vocabulary.searcher
        with _door("read"):
            everything = tantivy.Query.all_query()
            files = searcher.search(tantivy.Query.exists_query("file"), limit=1, count=True).count
            total = searcher.search(everything, limit=1, count=True).count
        return total - files, files

    def chunk_ids(self, document_id: int) -> list[int]:
        """Chunks the index holds of a document, ascending."""
        searcher = self._vocabulary.searcher
        query = tantivy.Query.term_query(self._schema, "document", document_id)
        with _door("read"):
            found = searcher.search(query, limit=max(1, searcher.num_docs), count=False)
            return sorted(searcher.fast_field_values("chunk", [address for _, address in found.hits]))

    def plan(
        self,
        leaves: Iterable[Word | Phrase],
        languages: Sequence[str] = (),
        corrected: Mapping[str, str] = MappingProxyType({}),
    ) -> Plan:
        """Resolve what is sought against the index as it is now.

        Args:
            leaves: Words and phrases that rank.
            languages: ISO 639-1 codes whose inflections count: of the question, of the library.
            corrected: Words that are typing errors, with the word that is meant.
        """
        with _door("read"):
            planner = Planner(self._schema, self._vocabulary)
            return planner.plan(leaves, languages_key(languages), corrected)

    def top(self, plan: Plan, limit: int, scope: Scope | None = None) -> list[Match]:
        """Chunks within the scope that hold anything sought, best first."""
        if plan.ranking is None or (scope and scope.empty):
            return []
        scope = scope or Scope()
        searcher = plan.vocabulary.searcher
        with _door("read"):
            wide = scope.documents is not None and len(scope.documents) > WIDE_SCOPE
            if wide and scope.chunks is None:
                # Looking up thousands of ids costs more than passing over what is outside the scope.
                documents = scope.documents or frozenset()
                found = self._run(searcher, plan.ranking, 4 * limit)
                inside = [match for match in found if match.document in documents]
                if len(inside) >= limit or len(found) < 4 * limit:
                    return inside[:limit]
            filters = [
                self._ids(field, ids)
                for field, ids in (("document", scope.documents), ("chunk", scope.chunks))
                if ids is not None
            ]
            return self._run(searcher, _filtered(plan.ranking, filters), limit)

    def score(self, plan: Plan, chunks: Collection[int]) -> dict[int, float]:
        """The keyword score of each of these chunks; one that holds nothing sought is left out."""
        if plan.ranking is None or not chunks:
            return {}
        with _door("read"):
            query = _filtered(plan.ranking, [self._ids("chunk", chunks)])
            return {
                match.chunk: match.score for match in self._run(plan.vocabulary.searcher, query, len(chunks))
            }

    def names(self, plan: Plan, limit: int, documents: Collection[int] | None = None) -> dict[int, float]:
        """Documents whose file name holds anything sought, with the score of the best name."""
        if plan.names is None or (documents is not None and not documents):
            return {}
        searcher = plan.vocabulary.searcher
        with _door("read"):
            query = plan.names
            if documents is not None:
                query = _filtered(query, [self._ids("holds", documents)])
            hits = searcher.search(query, limit=limit, count=False).hits
            held = searcher.fast_field_values("holds", [address for _, address in hits])
        scores: dict[int, float] = {}
        for (score, _), document in zip(hits, held, strict=True):
            if document:
                scores.setdefault(int(document), float(score))
        return scores

    def documents(
        self, leaf: Word | Phrase | str, field: str = "", languages: Sequence[str] = ()
    ) -> frozenset[int]:
        """Ids of all documents that hold a word or phrase.

        Args:
            leaf: A part of a query; a plain string is a phrase, its last word a beginning if it ends
                with `*`.
            field: text, heading, name or title; "" means any of them.
            languages: As in `plan`.
        """
        if isinstance(leaf, str) and leaf.endswith("*"):
            leaf = Word(leaf[:-1], prefix=True)
        with _door("read"):
            planner = Planner(self._schema, self._vocabulary)
            groups = planner.groups(leaf, languages_key(languages))
            found = [_holders(planner, group, field) for group in groups]
        return frozenset.intersection(*found) if found else frozenset()

    def holders(self, plan: Plan) -> frozenset[int]:
        """Ids of the documents that hold everything sought, wherever in them."""
        with _door("read"):
            planner = Planner(self._schema, plan.vocabulary)
            held: frozenset[int] | None = None
            for group in sorted(plan.telling, key=lambda group: group.entries):
                if held is not None and len(held) <= FEW:
                    held = _holders(planner, group, within=held)
                else:
                    found = _holders(planner, group)
                    held = found if held is None else held & found
                if not held:
                    break
        return held or frozenset()

    def chunks_under(self, heading: str) -> frozenset[int]:
        """Ids of the chunks under a heading that holds these words in this order."""
        with _door("read"):
            planner = Planner(self._schema, self._vocabulary)
            found: list[frozenset[int]] = [
                _collect(planner.vocabulary.searcher, planner.holding(group, ("heading",)), "chunk")
                for group in planner.groups(heading, ())
            ]
        return frozenset.intersection(*found) if found else frozenset()

    def suggest(self, plan: Plan) -> dict[str, str]:
        """The words of a plan that are nowhere, not even in a name, each with the nearest that is.

        Words of grammar are none that a library has to know.
        """
        with _door("read"):
            planner = Planner(self._schema, plan.vocabulary)
            unknown = [
                group
                for group in plan.groups
                if len(group.words) == 1 and not group.known and not group.particle
            ]
            nearest = {
                group.text: plan.vocabulary.nearest(group.text)
                for group in unknown
                if not _holders(planner, group)
            }
        return {wrong: right for wrong, right in nearest.items() if right}

    def _ids(self, field: str, ids: Collection[int]) -> Any:
        return any_of(self._schema, field, list(ids))

    def _run(self, searcher: Any, query: Any, limit: int) -> list[Match]:
        hits = searcher.search(query, limit=max(1, limit), count=False).hits
        addresses = [address for _, address in hits]
        chunks = searcher.fast_field_values("chunk", addresses)
        documents = searcher.fast_field_values("document", addresses)
        return [
            Match(chunk, document, score)
            for (score, _), chunk, document in zip(hits, chunks, documents, strict=True)
        ]


def _holders(
    planner: Planner, group: Group, field: str = "", within: frozenset[int] | None = None
) -> frozenset[int]:
    """Documents that hold a group in a field, or anywhere, their names and titles included.

    Kept for as long as the snapshot lives, unless asked for `within` a few documents only.
    """
    kept = planner.vocabulary.held
    found = kept.get((group, field))
    if found is not None:
        return found if within is None else found & within
    searcher = planner.vocabulary.searcher
    found = frozenset()
    for key, fields in (("document", TEXTS), ("holds", NAMES)):
        wanted = [name for name in fields if field in ("", name)]
        if wanted:
            query = planner.holding(group, wanted)
            if within is not None:
                query = _filtered(query, [any_of(planner.schema, key, list(within))])
            found |= _collect(searcher, query, key)
    found -= {0}
    if within is None:
        if len(kept) > 2000:
            kept.clear()
        kept[group, field] = found
    return found


def _collect(searcher: Any, query: Any, field: str) -> frozenset[int]:
    """Every value of a number field among the entries found, gathered in Rust."""
    terms = {"values": {"terms": {"field": field, "size": 1_000_000}}}
    buckets = searcher.aggregate(query, terms)["values"]["buckets"]
    return frozenset(int(bucket["key"]) for bucket in buckets)


def _filtered(query: Any, filters: Sequence[Any]) -> Any:
    """The query where the filters hold; they do not score."""
    if not filters:
        return query
    demands = [(MUST, tantivy.Query.const_score_query(given, 0.0)) for given in filters]
    return tantivy.Query.boolean_query([(MUST, query), *demands])


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for number in ("chunk", "document", "file", "holds"):
        builder.add_unsigned_field(number, indexed=True, fast=True)
    for words in ("text", "heading", "name", "title"):
        builder.add_text_field(words, tokenizer_name="words", index_option="position")
    return builder.build()


_HUMP = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")


def _spread(name: str) -> str:
    """A file name with the words in it apart: `QuarterlyReport2025` is found by `report`, too."""
    spread = _HUMP.sub(" ", name)
    return name if spread == name else f"{name} {spread}"


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
