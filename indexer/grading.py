"""The quality of a library: keeps the measures up to date, and tells them by folder, type and month.

Documents are measured when they are read. What an older version of the measure has seen is measured again
here, from the text in the catalogue, when indexing has come to rest.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from indexer import quality
from indexer.catalogue import Catalogue, measures
from indexer.catalogue.measures import Graded
from indexer.errors import AppError
from indexer.findings import MEANINGS, REMEDIES, Finding, GradedFile, Group, Quality, QualityReport, Reason
from indexer.types import UnreadFile

log = logging.getLogger(__name__)

BATCH = 20
"""Documents measured between two transactions."""
LOOK_S = 5.0
"""Longest time between two looks at whether indexing has come to rest."""
PAGES_NAMED = 12
"""Poor pages of one document that an answer names."""
WORST = 50
"""Files named in a report unless more are asked for."""

Rest = Callable[[int, float], tuple[int, bool]]


class Grading:
    """Measures of an open library. Thread-safe.

    Args:
        catalogue: The truth.
        poor_below: Score below which a document is poor; 0: none is.
        changed: Called when measures have changed what lists show.
    """

    def __init__(self, catalogue: Catalogue, poor_below: int, changed: Callable[[], None]) -> None:
        self._catalogue = catalogue
        self.poor_below = poor_below
        self._changed = changed
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._done = False
        if catalogue.meta(measures.POOR_BELOW) != str(poor_below):
            try:
                catalogue.set_meta(measures.POOR_BELOW, str(poor_below))
            except AppError as exc:  # a full disk: the old threshold holds for lists until there is room
                log.warning("the threshold of quality was not kept: %s", exc)

    # --- in the background ---

    def start(self, rest: Rest) -> None:
        """Measure what is to be measured again, once, in a thread, when nothing is being indexed.

        Args:
            rest: Given the changes seen and the longest time in seconds, waits for a further change;
                returns the changes so far, and whether nothing is being indexed.
        """
        self._thread = threading.Thread(target=self._run, args=(rest,), name="quire-grade", daemon=True)
        self._thread.start()

    def _run(self, rest: Rest) -> None:
        seen, resting = -1, False
        while not resting and not self._stopping.is_set():
            seen, resting = rest(seen, LOOK_S)
        self.settle()

    def close(self) -> None:
        """Stop after the document at hand; what is left is done at the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def settle(self) -> None:
        """Measure all that was measured by another version; a failure is logged and harms nobody."""
        with self._lock:
            if self._done or self._stopping.is_set():
                return
            try:
                while batch := self._unmeasured():
                    self._measure(batch)
                    if self._stopping.is_set():
                        return
                self._done = True
            except AppError as exc:
                log.warning("documents were not measured: %s", exc)

    def _unmeasured(self) -> list[int]:
        with self._catalogue.reader() as db:
            return measures.unmeasured(db, BATCH)

    def _measure(self, documents: Iterable[int]) -> None:
        for document in documents:
            if self._stopping.is_set():
                return
            with self._catalogue.reader() as db:
                found = measures.as_parsed(db, document)
            if found is None:
                continue
            parsed, language, chunks = found
            try:
                measured = quality.measure(parsed, language, chunks)
            except Exception:
                log.exception("a document could not be measured")
                measured = Quality(score=100)
            with self._catalogue.transaction() as db:
                measures.put(db, document, measured, ((chunk.id, chunk) for chunk in chunks))
        self._changed()

    # --- questions ---

    def poor(self, files: Collection[int] | None) -> tuple[UnreadFile, ...]:
        """Those of these files (None: of all) whose text is poor, with the reason and the remedy."""
        with self._catalogue.reader() as db:
            rows = measures.poor_files(db, files)
        return tuple(_unread(path, score, measures.as_findings(stored)) for path, score, stored in rows)

    def poor_pages(self, documents: Collection[str]) -> tuple[UnreadFile, ...]:
        """Those of these documents (`sha256:…`) that are sound but for some pages, which are named."""
        hashes = [document.removeprefix("sha256:") for document in documents]
        with self._catalogue.reader() as db:
            rows = measures.weak_pages(db, hashes, self.poor_below)
        pages: dict[str, list[tuple[int | None, int]]] = {}
        for path, page, score in rows:
            pages.setdefault(path, []).append((page, score))
        return tuple(_unread_pages(path, found) for path, found in pages.items())

    def weak(self, chunks: Collection[int]) -> frozenset[int]:
        """Those of these chunks whose text is poor."""
        with self._catalogue.reader() as db:
            return frozenset(measures.weak(db, chunks, self.poor_below))

    def report(self, files: Collection[int] | None, *, limit: int = WORST) -> QualityReport:
        """The quality of these files (None: of all)."""
        return summed(self.graded(files), self.poor_below, limit)

    def graded(self, files: Collection[int] | None) -> list[Graded]:
        """These files (None: all) with score and findings."""
        with self._catalogue.reader() as db:
            return measures.graded(db, files)


def _unread(path: str, score: int, findings: Sequence[Finding]) -> UnreadFile:
    worst = next((finding for finding in findings if finding.cost), None)
    return UnreadFile(
        path=path,
        reason=f"Its text is poor ({score} of 100){f': {worst.note}' if worst else '.'}",
        hint=REMEDIES[worst.remedy] if worst else "",
    )


def _unread_pages(path: str, found: Sequence[tuple[int | None, int]]) -> UnreadFile:
    numbers = [page for page, _ in found if page is not None]
    listed = ", ".join(map(str, numbers[:PAGES_NAMED])) + (" …" if len(numbers) > PAGES_NAMED else "")
    place = f"p. {listed}" if numbers else "parts of it"
    worst = min(score for _, score in found)
    return UnreadFile(
        path=path,
        reason=f"Only {place}: the text there is poor ({worst} of 100).",
        hint="'quire quality' with its path tells why.",
    )


def summed(rows: Sequence[Graded], poor_below: int, limit: int) -> QualityReport:
    """Files with their scores as a report."""
    scores = [row.score for row in rows if row.score is not None]
    worst = sorted(
        (row for row in rows if row.score is not None and row.score < 100 and row.status == "indexed"),
        key=lambda row: (row.score, row.path),
    )
    return QualityReport(
        files=len(rows),
        measured=len(scores),
        score=_mean(scores),
        poor_below=poor_below,
        poor=sum(_is_poor(row, poor_below) for row in rows),
        reasons=_reasons(rows),
        folders=_groups(rows, lambda row: os.path.dirname(row.path.partition("!/")[0]), poor_below),
        types=_groups(rows, lambda row: row.kind, poor_below),
        months=_groups(rows, _month, poor_below),
        worst=tuple(
            GradedFile(
                path=row.path,
                title=row.title,
                document=f"sha256:{row.hash}",
                score=row.score or 0,
                findings=measures.as_findings(row.findings),
            )
            for row in worst[:limit]
        ),
    )


def _groups(rows: Sequence[Graded], key: Callable[[Graded], str], poor_below: int) -> tuple[Group, ...]:
    held: dict[str, list[Graded]] = {}
    for row in rows:
        held.setdefault(key(row), []).append(row)
    groups = []
    for name, members in sorted(held.items()):
        scores = [row.score for row in members if row.score is not None]
        groups.append(
            Group(
                name=name,
                files=len(members),
                size_bytes=sum(row.size_bytes for row in members),
                measured=len(scores),
                score=_mean(scores),
                poor=sum(_is_poor(row, poor_below) for row in members),
            )
        )
    return tuple(groups)


def _is_poor(row: Graded, poor_below: int) -> bool:
    """Whether there is text and it is poor; without text a document is not poor but unread."""
    return row.status == "indexed" and row.score is not None and row.score < poor_below


def _month(row: Graded) -> str:
    try:
        return dt.datetime.fromtimestamp(row.mtime_ns / 1e9).strftime("%Y-%m")
    except (ValueError, OverflowError, OSError):  # a date that no calendar has
        return ""


def _reasons(rows: Iterable[Graded]) -> tuple[Reason, ...]:
    counts: Counter[str] = Counter()
    costly: Counter[str] = Counter()
    samples: dict[str, Finding] = {}
    for row in rows:
        for finding in measures.as_findings(row.findings) if row.findings != "[]" else ():
            counts[finding.code] += 1
            costly[finding.code] += finding.cost > 0
            samples.setdefault(finding.code, finding)
    order = sorted(counts, key=lambda code: (-costly[code], -counts[code], code))
    return tuple(
        Reason(
            code=code,
            files=counts[code],
            note=MEANINGS.get(code, samples[code].note),
            remedy=samples[code].remedy,
        )
        for code in order
    )


def _mean(scores: Sequence[int]) -> int | None:
    return round(sum(scores) / len(scores)) if scores else None
