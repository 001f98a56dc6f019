"""One export on its way: choose, read, ask, compare, write.

Texts and pairs lie in files beside the export while it is made; in memory are a sketch and a few hundred
bytes of each document, and the hashes of those pairs that are not for training.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from copilot.background import Background, Task
from copilot.dataset import DataKind, Exported, ExportEvent, ExportProgress, ExportRequest
from copilot.engine import VERSION
from copilot.export import (
    choosing,
    cleaning,
    generating,
    leaks,
    licences,
    marked,
    pairs,
    parquet,
    schema,
    splitting,
)
from copilot.export.card import Tally, card, counted
from copilot.export.cleaning import CleanText, Place
from copilot.export.drawing import page_of
from copilot.export.folder import Folder, SplitFiles, Spool
from copilot.export.licences import Licence
from copilot.export.pairs import Evidence, Pair
from copilot.providers import Models, Provider
from indexer import neardup
from indexer.catalogue import corpus, read_text
from indexer.catalogue.corpus import DocumentRecord, Placed
from indexer.errors import ProviderError, StoreError, UsageError
from indexer.library import Library
from indexer.neardup import Sketch
from indexer.text import fold

SHORTEST = 80
"""Characters of a text that is worth a record."""
EVERY = 10
"""Documents between two reports of progress."""


def export(
    request: ExportRequest, library: Library, models: Models, scope_of: Callable[[int], str]
) -> Background[ExportEvent]:
    """Write a data set; the last event is `Exported`. `close` cancels, and nothing is left behind.

    Args:
        request: What to write, and where.
        library: The documents.
        models: Lead to the language model, for `generate`.
        scope_of: The scope a turn of the history was asked in.

    Raises:
        UsageError: the folder cannot be written, or the request makes no sense.
    """
    place = _place(request, library)
    provider = _provider(request, models)
    if request.format == "parquet":
        parquet.demand()

    def work(task: Task[ExportEvent]) -> Iterator[ExportEvent]:
        try:
            with (
                Folder(place, overwrite=request.overwrite) as folder,
                closing(_Export(request, library, provider, scope_of, folder, task)) as made,
            ):
                yield from made.events()
        except OSError as exc:
            raise StoreError(
                f"The export to {place} failed: {exc.strerror or exc}.",
                hint="Nothing was left behind. Free some space on the disk, or name a folder elsewhere.",
            ) from exc

    return Background(work)


def _place(request: ExportRequest, library: Library) -> Path:
    place = Path(request.folder)
    if not place.is_absolute():
        raise UsageError(f"{place} is no absolute path.")
    real = place.parent.resolve() / place.name
    for root in (*(Path(each.path) for each in library.catalogue.roots()), library.directory):
        if real == root or root in real.parents:
            raise UsageError(
                f"{place} is in {root}, a folder of the library: the export would become documents itself.",
                hint="Name a folder elsewhere.",
            )
    if abs(sum(share for _, share in request.split) - 1) > 1e-6 or not request.kinds:
        raise UsageError("The shares of the splits do not add up to 1.", hint="For example --split 0.9/0.1.")
    if any(not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name) or share < 0 for name, share in request.split):
        raise UsageError("A split has a name of small letters and a share between 0 and 1.")
    Folder.check(place, overwrite=request.overwrite)
    return place


def _provider(request: ExportRequest, models: Models) -> Provider | None:
    if not request.generate:
        return None
    provider, note = models.provider()
    if provider is None:
        raise UsageError(
            "There is no language model to write pairs.", hint=note or "Set [language_model] first."
        )
    return provider


@dataclass(slots=True, kw_only=True)
class _Read:
    """A document that was read: what its pairs need later."""

    place: str
    """Where it lies, absolute."""
    licence: Licence
    path: str
    """As it is exported."""
    title: str


class _Export:
    """Holds what the steps share."""

    def __init__(
        self,
        request: ExportRequest,
        library: Library,
        provider: Provider | None,
        scope_of: Callable[[int], str],
        folder: Folder,
        task: Task[ExportEvent],
    ) -> None:
        self.request = request
        self.library = library
        self.provider = provider
        self.scope_of = scope_of
        self.folder = folder
        self.task = task
        self.tally = Tally()
        self.notes: list[str] = []
        self.read: dict[str, _Read] = {}
        self.texts = Spool(folder.work / ".texts")
        self.pairs = Spool(folder.work / ".pairs")
        self.sketches: list[Sketch] = []
        self.shared_titles: set[str] = set()
        self.asked: set[bytes] = set()
        self.preferences: list[marked.Preference] = []
        self.dropped: set[int] = set()
        self.candidates = generating.Candidates(request.calls if provider else 0, request.seed)

    def close(self) -> None:
        """Delete what is only needed on the way."""
        self.texts.close()
        self.pairs.close()

    def events(self) -> Iterator[ExportEvent]:
        """Make the export; the last event says what came of it."""
        yield ExportProgress(stage="choosing")
        selection = choosing.choose(self.request, self.library)
        self.groups = selection.groups
        self.tally.in_scope = selection.in_scope
        self.tally.left_out["text"] = Counter(selection.left_out)
        yield from self._read_all(selection.documents)
        judged = self._judged()
        yield from self._generated()
        yield ExportProgress(stage="comparing", total=len(self.texts))
        self._compare()
        yield ExportProgress(stage="writing", total=len(self.texts))
        self._write(judged)
        yield self._publish()

    # --- reading ---------------------------------------------------------------------------------------

    def _read_all(self, documents: tuple[Placed, ...]) -> Iterator[ExportEvent]:
        titles = Counter(fold(each.title) for each in documents)
        self.shared_titles = {title for title, count in titles.items() if count > 1}
        with self.library.catalogue.reader() as db:
            beside = licences.Beside(corpus.licence_files(db), self._beginning)
        for at, each in enumerate(documents):
            self.task.check()
            if at % EVERY == 0:
                yield ExportProgress(stage="reading", done=at, total=len(documents), current=each.relative)
            record = self._record(each.document, each.path)
            if record is None:  # taken away meanwhile
                self.tally.without("text", "no longer there")
            else:
                self._read_one(record, beside)

    def _record(self, document: str, path: str) -> DocumentRecord | None:
        with self.library.catalogue.reader() as db:
            return corpus.record(db, document, path)

    def _beginning(self, document: int, characters: int) -> str:
        with self.library.catalogue.reader() as db:
            return read_text(db, document, 0, characters)

    def _read_one(self, record: DocumentRecord, beside: licences.Beside) -> None:
        text = self.library.catalogue.text(record.document.removeprefix("sha256:"))
        clean = cleaning.clean(text, record)
        quality = cleaning.quality(clean.text, record.quality)
        if len(clean.text.strip()) < SHORTEST:
            return self.tally.without("text", f"shorter than {SHORTEST} characters")
        if quality < self.request.min_quality:
            return self.tally.without("text", f"quality below {self.request.min_quality}")
        licence = (
            licences.own(text, record.metadata, record.fields)
            or beside.of(record.path, record.root)
            or licences.NONE
        )
        hidden, title, place = self._hidden(clean, record.title)
        path = {"absolute": record.path, "relative": record.relative, "none": ""}[self.request.paths]
        read = _Read(place=record.path, licence=licence, path=path, title=title)
        self.read[record.document] = read
        self.texts.add(self._text_record(record, read, hidden, quality))
        self.sketches.append(neardup.sketch(neardup.shingles(hidden)))
        self._count(record, licence, quality, clean)
        if "qa" in self.request.kinds:
            called = pairs.title_of(record, self.shared_titles)
            for found in (pairs.from_headings, pairs.from_tables):
                for pair in found(text, record, called, self.request.seed):
                    self._take(pair, {record.document: place})
            if self.provider is not None:
                pages = cleaning.hidden_pages(record)
                chunks = self.library.chunks(record.document)
                self.candidates.offer(record.document, (each for each in chunks if each.page not in pages))
        return None

    def _hidden(self, clean: CleanText, title: str) -> tuple[str, str, Place]:
        """Text and title with their values replaced, and what tells where a span of the document went."""
        if not self.request.redact:
            return clean.text, title, clean.place
        vault = self.library.guard.vault()
        vault.reserve([title])
        hidden = vault.hide(clean.text)
        title = vault.hide(title)
        self.tally.redacted.update(vault.counts)
        return hidden, title, cleaning.through(clean, vault.places(hidden))

    def _text_record(self, record: DocumentRecord, read: _Read, text: str, quality: int) -> dict[str, Any]:
        return {
            "id": record.document[7:23],
            "text": text,
            "title": read.title,
            "path": read.path,
            "document": record.document,
            "language": record.language,
            "type": record.kind,
            "format": record.format,
            "created": record.created,
            "pages": record.pages or None,
            "quality": quality,
            "tags": list(record.tags),
            "licence": read.licence.name,
            "licence_source": read.licence.source,
            "provenance": {
                "path": "" if self.request.paths == "none" else record.relative,
                "document": record.document,
                "parser": record.parser,
                "quire": VERSION,
            },
        }

    def _count(self, record: DocumentRecord, licence: Licence, quality: int, clean: CleanText) -> None:
        tally = self.tally
        tally.documents += 1
        tally.languages[record.language] += 1
        tally.types[record.kind] += 1
        tally.folders[record.relative.rpartition("/")[0].partition("/")[0] or "."] += 1
        tally.licences[licence.name] += 1
        tally.quality[min(quality // 10 * 10, 90)] += 1
        tally.furniture += clean.furniture
        tally.hidden_pages += clean.hidden_pages
        tally.suspected_pages += clean.suspected_pages

    # --- pairs -----------------------------------------------------------------------------------------

    def _take(self, pair: Pair, places: dict[str, Place]) -> None:
        """Keep a pair if it can be proven, says nothing that is to be hidden, and was not asked before."""
        proofs = []
        for proof in pair.evidence:
            place = places[proof.document](proof.start, proof.end)
            if place is None:
                return self.tally.without("qa", "its quote holds what is hidden or was taken out")
            if self.library.text(proof.document, proof.start, proof.end).text != proof.quote:
                return self.tally.without("qa", "its quote is not in the document any more")
            proofs.append(schema.evidence(proof, place))
        if self._shows_secrets(pair.question, pair.answer):
            return self.tally.without("qa", "it holds a value that is to be hidden")
        key = hashlib.blake2b(fold(pair.question).encode(), digest_size=16).digest()
        if key in self.asked:
            return self.tally.without("qa", "the same question was there before")
        self.asked.add(key)
        self.groups.join(proof.document for proof in pair.evidence)
        self.pairs.add({**asdict(replace(pair, evidence=())), "evidence": proofs})
        return None

    def _shows_secrets(self, *texts: str) -> bool:
        text = "\n\n".join(texts)
        return self.request.redact and self.library.guard.vault().hide(text) != text

    def _judged(self) -> list[marked.Marked]:
        """Judged answers from the documents that are exported; the good ones are pairs."""
        if not {"qa", "preference", "eval"} & set(self.request.kinds):
            return []
        found = []
        for each in marked.read(self.library, self.scope_of):
            if any(document not in self.read for document in each.cited):
                self._without_marked("judged, but a document of its answer is left out")
            elif self._shows_secrets(each.question, each.answer, *(proof.quote for proof in each.evidence)):
                self._without_marked("judged, but it holds a value that is to be hidden")
            else:
                found.append(each)
        if "qa" in self.request.kinds:
            for pair in marked.pairs(found):
                self._take(pair, self._places(pair.evidence))
        if "preference" in self.request.kinds:
            self.preferences = list(marked.preferences(found))
            for preference in self.preferences:
                self.groups.join(proof.document for proof in preference.evidence)
        return found

    def _without_marked(self, reason: str) -> None:
        for kind in ("qa", "preference", "eval"):
            if kind in self.request.kinds:
                self.tally.without(kind, reason)

    def _places(self, evidence: Iterable[Evidence]) -> dict[str, Place]:
        """Where the spans of documents went, worked out again."""
        found: dict[str, Place] = {}
        for document in dict.fromkeys(proof.document for proof in evidence):
            record = self._record(document, self.read[document].place)
            if record is None:
                found[document] = cleaning.nowhere
                continue
            text = self.library.catalogue.text(document.removeprefix("sha256:"))
            clean = cleaning.clean(text, record)
            found[document] = clean.place
            if self.request.redact:
                vault = self.library.guard.vault()
                vault.reserve([record.title])
                found[document] = cleaning.through(clean, vault.places(vault.hide(clean.text)))
        return found

    def _generated(self) -> Iterator[ExportEvent]:
        if self.provider is None or "qa" not in self.request.kinds:
            return
        chosen = self.candidates.chosen()
        left_out = self.tally.left_out.setdefault("qa", Counter())
        made = generating.generate(chosen, self.library, self.provider, self.task, left_out)
        try:
            for at, pair in enumerate(made, 1):
                yield ExportProgress(stage="asking", done=at, total=len(chosen))
                if pair is not None:
                    self._take(pair, self._places(pair.evidence))
        except ProviderError as exc:
            self.notes.append(f"The language model failed, so fewer pairs were written: {exc}")

    # --- comparing and writing -------------------------------------------------------------------------

    def _compare(self) -> None:
        """Bring together what is alike; leave out pairs that nearly say what another split's pair says."""
        documents = list(self.read)
        for a, b in splitting.alike(self.sketches, lambda at: neardup.shingles(self.texts[at]["text"])):
            self.task.check()
            self.groups.join((documents[a], documents[b]))
        self.tally.groups = len({self.groups.of(document) for document in documents})
        self._drop_leaks()

    def _drop_leaks(self) -> None:
        """Leave out pairs that nearly say what those of another split do, from the larger one."""
        largest_first = [name for name, _ in sorted(self.request.split, key=lambda each: -each[1])]
        splits = [self._split(self._group_of(record)) for record in self.pairs]
        for at in leaks.leaking(self.pairs, splits, largest_first):
            self.task.check()
            self.dropped.add(at)
            self.tally.without("qa", "nearly the same as a pair of another split")

    def _group_of(self, record: dict[str, Any]) -> str:
        return self.groups.of(record["evidence"][0]["document"])

    def _write(self, judged: list[marked.Marked]) -> None:
        records: dict[DataKind, Iterator[tuple[str, dict[str, Any]]]] = {
            "text": self._text_records(),
            "qa": self._pair_records(),
            "preference": self._preference_records(),
            "eval": self._cases(judged),
        }
        for kind, found in records.items():
            if kind in self.request.kinds:
                self._write_kind(kind, found)
        self.close()
        (self.folder.work / "README.md").write_text(card(self.request, self.tally), "utf-8")

    def _write_kind(self, kind: DataKind, records: Iterator[tuple[str, dict[str, Any]]]) -> None:
        files = SplitFiles(
            self.folder.work,
            kind,
            schema.fields(kind, self.request.style),
            self.request.format,
            page=page_of(kind),
        )
        try:
            for split, record in records:
                self.task.check()
                files.add(split, record)
        finally:
            files.close()
        self.tally.records[kind] = files.counts
        if kind in ("text", "qa") and files.counts:
            empty = [name for name, share in self.request.split if share and not files.counts.get(name)]
            if empty:
                self.notes.append(f"No {kind} record fell into {', '.join(empty)}: there are few groups.")

    def _split(self, group: str) -> str:
        return splitting.choose(group, self.request.seed, self.request.split)

    def _text_records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for record in self.texts:
            group = self.groups.of(record["document"])
            yield self._split(group), {**record, "family": group[7:19]}

    def _pair_records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for at, record in enumerate(self.pairs):
            if at in self.dropped:
                continue
            said = schema.pair(self.request.style, record["question"], record["answer"])
            self.tally.sources[record["source"]] += 1
            origin = self._origin(record["question"] + record["answer"], record["evidence"])
            yield (
                self._split(self._group_of(record)),
                {**said, **origin, "source": record["source"], "language": record["language"]},
            )

    def _preference_records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for each in self.preferences:
            places = self._places(each.evidence)
            found = [(proof, places[proof.document](proof.start, proof.end)) for proof in each.evidence]
            evidence = [schema.evidence(proof, place) for proof, place in found]
            said = schema.preference(self.request.style, each.question, each.chosen, each.rejected)
            origin = self._origin(each.question + each.chosen + each.rejected, evidence)
            yield self._split(self._group_of(origin)), {**said, **origin, "language": each.language}

    def _origin(self, said: str, evidence: list[dict[str, Any]]) -> dict[str, Any]:
        document = evidence[0]["document"]
        read = self.read[document]
        if "text" not in self.request.kinds:
            evidence = [{**each, "text_start": None, "text_end": None} for each in evidence]
        return {
            "id": hashlib.sha256(f"{said}\0{document}".encode()).hexdigest()[:16],
            "document": document,
            "path": read.path,
            "title": read.title,
            "family": self.groups.of(document)[7:19],
            "licence": read.licence.name,
            "evidence": evidence,
        }

    def _cases(self, judged: list[marked.Marked]) -> Iterator[tuple[str, dict[str, Any]]]:
        for each in judged:
            found = marked.case(each)
            if found is not None:
                yield "test", found

    def _publish(self) -> Exported:
        tally = self.tally
        return Exported(
            folder=str(self.folder.place),
            documents=tally.in_scope,
            records=counted(tally.records),
            left_out={kind: dict(sorted((+found).items())) for kind, found in tally.left_out.items()},
            redacted=dict(sorted(tally.redacted.items())),
            files=self.folder.publish(),
            notes=tuple(self.notes),
            sources=dict(sorted(tally.sources.items())),
        )
