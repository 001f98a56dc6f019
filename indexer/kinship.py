"""Keeps up which documents are copies or versions of each other, and answers what is asked of that.

Signatures and compared pairs belong to contents and lie in the catalogue, so a rename costs nothing and
a new document is compared once. `refresh` brings both up to date and derives the families; one thread
(`quire-kin`) calls it when indexing has come to rest, and whoever asks for copies calls it first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise

import numpy as np

from indexer import echoes, families, neardup, worddiff
from indexer.catalogue import Catalogue
from indexer.catalogue import kinship as stored
from indexer.catalogue.kinship import Held, Signed
from indexer.catalogue.reads import read_text
from indexer.copies import NOTHING, Findings, Told, report, tell
from indexer.echoing import Echoing
from indexer.errors import AppError, NotFoundError, UsageError
from indexer.families import Document, Pair, Place
from indexer.neardup import Likeness, Shingles
from indexer.related import CopyReport, Difference, Edit
from indexer.types import DocumentDetails

log = logging.getLogger(__name__)

BATCH = 100
"""Documents signed, or pairs compared, between two transactions; the work can stop there."""
HELD_BYTES = 64 << 20
"""Shingles kept while pairs are compared."""
PAUSE_S = 1.0
"""Least time between two looks: while files are saved one after the other, all wait for one comparison."""
RESTING = 20
"""Times as long as the last comparison took that the next one waits: at most a twentieth of a core."""
LONGEST_REST_S = 120.0
LOOK_S = 30.0
"""Longest time between two looks at whether something has changed."""
FURNISHED = 0.75
"""Share of the smaller text the larger must hold before headers and footers are looked for."""
TOO_LONG = 5_000_000
"""Characters of a text that would take a gigabyte to compare by word."""
LONGEST = 2_000_000
"""Characters of a text up to which words are compared to tell a series from versions."""


Rest = Callable[[int, float], tuple[int, bool]]


class Kinship:
    """Copies and versions of an open library. Thread-safe."""

    def __init__(self, catalogue: Catalogue, revision: Callable[[], int]) -> None:
        """Keep the parts.

        Args:
            catalogue: The catalogue.
            revision: Grows with every change of the library.
        """
        self._catalogue = catalogue
        self._revision = revision
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._echoing = Echoing(catalogue, self._text, self._stopping)
        self._thread: threading.Thread | None = None
        self._seen = -1
        self._told = NOTHING
        self._series: dict[Pair, bool] = {}
        self._then: Callable[[], None] = lambda: None

    # --- in the background ---

    def after(self, then: Callable[[], None]) -> None:
        """Call this in the thread, too, whenever it has refreshed."""
        self._then = then

    def start(self, rest: Rest) -> None:
        """Refresh in a thread whenever the library has changed and come to rest.

        Args:
            rest: Given the changes seen and the longest time in seconds, waits for a further change;
                returns the changes so far, and whether nothing is being indexed.
        """
        self._thread = threading.Thread(target=self._run, args=(rest,), name="quire-kin", daemon=True)
        self._thread.start()

    def _run(self, rest: Rest) -> None:
        seen = -1
        took = 0.0
        while not self._stopping.wait(min(max(PAUSE_S, RESTING * took), LONGEST_REST_S)):
            seen, resting = rest(seen, LOOK_S)
            began = time.monotonic()
            took = 0.0
            if resting and not self._stopping.is_set():
                self.settle()
                self._then()
                took = time.monotonic() - began

    def close(self) -> None:
        """Stop at the end of the present batch; what is left is done at the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    # --- bringing up to date ---

    def settle(self) -> None:
        """Refresh; a failure is logged and harms nobody, the next change tries again."""
        try:
            self.refresh()
        except AppError as exc:  # a full disk: indexing tells
            log.warning("copies and versions were not compared: %s", exc)
        except Exception:
            log.exception("comparing copies and versions")

    def refresh(self) -> None:
        """Sign and compare what is new, and order the families."""
        with self._lock:
            revision = self._revision()
            if revision == self._seen:
                return
            self._sign()
            signed, held = self._read()
            self._compare(signed, held)
            said_again = self._echoing.refresh(self._told_by_words())
            if not self._stopping.is_set():
                found = self._findings(signed, held, said_again)
                self._order(found)
                self._told, self._seen = tell(found), revision

    def _read(self) -> tuple[list[Signed], list[Held]]:
        with self._catalogue.reader() as db:
            return stored.signatures(db, neardup.VERSION), stored.held(db)

    def _sign(self) -> None:
        while not self._stopping.is_set():
            with self._catalogue.reader() as db:
                waiting = stored.unsigned(db, neardup.VERSION, BATCH)
            if not waiting:
                return
            found = [(document, neardup.sign(self._text(document))) for document, _ in waiting]
            with self._catalogue.transaction() as db:
                stored.put_signatures(db, neardup.VERSION, found)

    def _text(self, document: int) -> str:
        with self._catalogue.reader() as db:
            return read_text(db, document, 0, neardup.LONGEST)

    def _compare(self, signed: Sequence[Signed], held: Sequence[Held]) -> None:
        with self._catalogue.reader() as db:
            known = stored.likenesses(db)
        documents = _documents(held)
        by_id = {each.document: each for each in signed}
        members = {each: families.member(documents[each]) for each in documents if each in by_id}
        wanted = {*_same_keys(signed), *_candidates(signed), *families.pairs_by_name(members)}
        pairs = sorted(
            pair for pair in wanted - known.keys() if pair[0] in documents and pair[1] in documents
        )
        comparison = _Comparison(self._text, by_id, documents)
        for first in range(0, len(pairs), BATCH):
            if self._stopping.is_set():
                return
            part = [(a, b, *comparison.of(a, b)) for a, b in pairs[first : first + BATCH]]
            with self._catalogue.transaction() as db:
                stored.put_likenesses(db, part)
        fresh = [each.document for each in signed if not each.compared]
        if fresh:
            with self._catalogue.transaction() as db:
                stored.set_compared(db, fresh)

    def _told_by_words(self) -> set[Pair]:
        """Pairs whose runs of words say that they are the same or nearly."""
        with self._catalogue.reader() as db:
            found = stored.likenesses(db)
        return {pair for pair, (told, same) in found.items() if same or told.jaccard >= neardup.NEAR}

    def _order(self, found: Findings) -> None:
        kin = [each.places for each in found.kin]
        with self._catalogue.reader() as db:
            before = stored.versions(db)
        after = {
            document: (number, place)
            for number, family in enumerate(kin, 1)
            for place, documents in enumerate(family)
            for document in documents
        }
        if after != before:
            with self._catalogue.transaction() as db:
                stored.put_versions(db, kin)

    def _findings(
        self, signatures: Sequence[Signed], held: Sequence[Held], said_again: Mapping[Pair, float]
    ) -> Findings:
        with self._catalogue.reader() as db:
            pairs = stored.likenesses(db)
        signed = {each.document: each for each in signatures}
        documents = {each: found for each, found in _documents(held).items() if each in signed}
        members = {each: families.member(found) for each, found in documents.items()}
        pairs = {pair: told for pair, told in pairs.items() if pair[0] in documents and pair[1] in documents}
        likeness = {pair: told[0] for pair, told in pairs.items()}
        same = [pair for pair, told in pairs.items() if told[1]]
        long_enough = {each for each in documents if signed[each].shingles >= neardup.LEAST}
        near = [
            pair
            for pair, told in likeness.items()
            if told.jaccard >= neardup.NEAR and pair[0] in long_enough and pair[1] in long_enough
        ]
        by_meaning = {
            pair: share
            for pair, share in said_again.items()
            if share >= echoes.NEAR and pair[0] in long_enough and pair[1] in long_enough
        }
        return Findings(
            documents=documents,
            hashes={each.document: each.hash for each in held},
            likeness=likeness,
            same=same,
            near=sorted({*near, *by_meaning}),
            by_meaning=by_meaning,
            kin=families.kin(documents, members, likeness, same, self._is_series),
        )

    def _is_series(self, a: int, b: int) -> bool:
        if (a, b) not in self._series:
            texts = [self._text(each) for each in (a, b)]
            self._series[a, b] = max(map(len, texts)) > LONGEST or worddiff.mostly_numbers(
                worddiff.diff(*texts)
            )
        return self._series[a, b]

    # --- questions ---

    @property
    def told(self) -> Told | None:
        """Groups and families as of the last comparison; None before the first one."""
        return self._told if self._seen >= 0 else None

    def report(
        self, *, limit: int = 200, differences: bool = False, among: Collection[str] | None = None
    ) -> CopyReport:
        """Copies, near-copies and versions, brought up to date first.

        Args:
            limit: Most groups and most families.
            differences: Count the words that differ in each near-copy, too.
            among: Only groups and families with one of these paths; None: all.
        """
        self.refresh()
        return report(self._told, limit=limit, text=self._text if differences else None, among=among)

    def diff(self, a: DocumentDetails, b: DocumentDetails, *, context: int) -> Difference:
        """What differs between two documents, word by word; long equal stretches shortened.

        Raises:
            NotFoundError: one of them has no text.
            UsageError: one is too long.
        """
        texts = [self._whole(each) for each in (a, b)]
        edits = worddiff.diff(*texts)
        removed, added, kept = worddiff.summary(edits)
        return Difference(
            a=a.path,
            b=b.path,
            removed=removed,
            added=added,
            kept=kept,
            note=self._note(a, b),
            edits=tuple(_shown(edit, context) for edit in edits),
        )

    def _whole(self, details: DocumentDetails) -> str:
        if not details.characters:
            raise NotFoundError(f"{details.path} has no text to compare.", hint=details.hint)
        if details.characters > TOO_LONG:
            raise UsageError(
                f"{details.path} is too long to be compared word by word.",
                hint=f"It has {details.characters:,} characters; up to {TOO_LONG:,} are compared.",
            )
        return self._catalogue.text(details.document.removeprefix("sha256:"))

    def _note(self, a: DocumentDetails, b: DocumentDetails) -> str:
        if a.document == b.document:
            return "Both files hold the same bytes."
        with self._catalogue.reader() as db:
            ranks = stored.places_of(db, [each.document.removeprefix("sha256:") for each in (a, b)])
        if len(ranks) < 2 or ranks[0][0] != ranks[1][0] or ranks[0][1] == ranks[1][1]:
            return ""
        return f"The {'first' if ranks[0][1] > ranks[1][1] else 'second'} is the older version."


def _shown(edit: worddiff.Edit, context: int) -> Edit:
    a, b = edit.a, edit.b
    if edit.op == "equal" and context >= 0:
        a, b = (
            text if len(text) <= 2 * context + 1 else f"{text[:context]}…{text[len(text) - context :]}"
            for text in (a, b)
        )
    return Edit(op=edit.op, a=a, b=b, a_start=edit.a_start, b_start=edit.b_start)


class _Comparison:
    """Compares documents pair by pair; the shingles of the latest ones are kept."""

    def __init__(
        self, text: Callable[[int], str], signed: Mapping[int, Signed], documents: Mapping[int, Document]
    ) -> None:
        self._text = text
        self._signed = signed
        self._documents = documents
        self._kept: OrderedDict[int, Shingles] = OrderedDict()
        self._bytes = 0

    def of(self, a: int, b: int) -> tuple[Likeness, bool]:
        """How alike two documents are, and whether they hold the same text."""
        keys = self._signed[a].key, self._signed[b].key
        if keys[0] == keys[1] and keys[0]:
            return Likeness(1.0, 1.0), True
        likeness = neardup.compare(self._shingles(a), self._shingles(b))
        formats = {self._documents[a].format, self._documents[b].format}
        same = (
            len(formats) > 1
            and likeness.containment >= FURNISHED
            and worddiff.only_furniture(worddiff.diff(self._text(a), self._text(b)))
        )
        return likeness, same

    def _shingles(self, document: int) -> Shingles:
        found = self._kept.pop(document, None)
        if found is None:
            found = neardup.shingles(self._text(document))
            self._bytes += found.nbytes
        self._kept[document] = found
        while self._bytes > HELD_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.nbytes
        return found


def _documents(held: Sequence[Held]) -> dict[int, Document]:
    places: dict[int, list[Place]] = {}
    for each in held:
        places.setdefault(each.document, []).append(
            Place(each.document, each.path, each.mtime_ns, each.size_bytes)
        )
    return {
        each.document: Document(
            each.document, tuple(places[each.document]), each.dated, each.quality, each.format
        )
        for each in held
    }


def _same_keys(signed: Sequence[Signed]) -> list[Pair]:
    """Documents with the same letters and digits, as a chain."""
    keys: dict[bytes, list[int]] = {}
    for each in signed:
        if each.key:
            keys.setdefault(each.key, []).append(each.document)
    return [pair for same in keys.values() for pair in pairwise(same)]


def _candidates(signed: Sequence[Signed]) -> list[Pair]:
    """Pairs that a band of the signatures brings together, one of them new."""
    if not signed:
        return []
    fresh = np.array([not each.compared for each in signed])
    if not fresh.any():
        return []
    sketches = np.frombuffer(b"".join(each.sketch for each in signed), dtype="<u4").reshape(len(signed), -1)
    ids = [each.document for each in signed]
    return [(ids[a], ids[b]) for a, b in neardup.candidates(sketches, fresh).tolist()]
