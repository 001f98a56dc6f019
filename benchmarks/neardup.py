"""Copies, near-copies and versions: what is found of known pairs, and 20,000 documents in time."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

from benchmarks.result import CORPORA, Result, Row, row
from indexer import neardup
from indexer.catalogue import Catalogue, Fingerprint, NewDocument
from indexer.catalogue import kinship as stored
from indexer.config import Config
from indexer.kinship import Kinship
from indexer.library import Library
from indexer.related import CopyReport
from indexer.types import Chunk, ParsedDocument, Status

FOLDER = CORPORA / "near-dup"
SETTINGS = Config.model_validate({"embedding": {"provider": "none"}})
NAMES = {"numbers": "{stem}.v{version}.md", "dates": "{stem} {date}.md", "words": "{stem}{word}.md"}
CHUNKS = 3
DIMENSIONS = 384
FIELD = 1.5
"""What all synthetic vectors have in common: the cosine of two is 0.7, as in a library of one field."""
WORDS = (" draft", "", " revised", " final")

Pair = frozenset[str]


def run(*, quick: bool = False) -> Result:
    """Pairs of the corpus by kind, order of its families, time and memory for many documents."""
    rows: list[Row] = []
    data = {}
    if FOLDER.is_dir():
        found, report = _compared(FOLDER / "docs")
        for kind, truth in _truth().items():
            for half in ("one half", "the other half"):
                rows += _scores(kind, half, found[kind], truth)
        data["pairs"] = {kind: len(pairs) for kind, pairs in found.items()}
        rows.append(_order(report, "numbers", _versions("numbers")))
        for naming in () if quick else ("dates", "words"):
            rows.append(_renamed(naming))
    rows += _many(2_000 if quick else 20_000)
    return {"title": "Copies, near-copies, versions", "rows": rows, "data": data}


# --- pairs ----------------------------------------------------------------------------------------


def _truth() -> dict[str, set[Pair]]:
    """Pairs by kind.

    The table's likeness of the copies in other formats is that of another program's extraction, as its
    notes say; that they are the same text is known from how they were made. So they count as what they
    were made from.
    """
    documents = _documents()
    made_from = {
        line["path"]: line["source"].removeprefix("made here from ")
        for line in documents
        if line["source"].startswith("made here from ") and line["note"].startswith(("same", "exact"))
    }
    kinds: dict[Pair, str] = {}
    with (FOLDER / "pairs.csv").open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            kinds[frozenset((line["a"], line["b"]))] = line["relation"]
    truth: dict[str, set[Pair]] = {"same text": set(), "near-copies": set()}
    for a, b in combinations(sorted(line["path"] for line in documents), 2):
        source = made_from.get(a, a), made_from.get(b, b)
        relation = "same-text" if source[0] == source[1] else kinds.get(frozenset(source), "")
        if relation in ("exact", "same-text"):
            truth["same text"].add(frozenset((a, b)))
        elif relation == "near":
            truth["near-copies"].add(frozenset((a, b)))
    return truth


def _documents() -> list[dict[str, str]]:
    """The lines of the table of documents; what is made here has a note beyond its columns."""
    with (FOLDER / "documents.csv").open(encoding="utf-8", newline="") as lines:
        return [
            dict(zip(("path", "group", "version", "date", "source", "note"), (*line, ""), strict=False))
            for line in list(csv.reader(lines))[1:]
        ]


def _compared(folder: Path) -> tuple[dict[str, set[Pair]], CopyReport]:
    """Pairs by kind as the library sees them, and its report."""
    with tempfile.TemporaryDirectory() as place, Library.open(Path(place), SETTINGS, watch=False) as library:
        for _ in library.sync([str(folder)]):
            pass
        report = library.duplicates(limit=10_000)
        with library.catalogue.reader() as db:
            likenesses = stored.likenesses(db)
            paths: dict[int, list[str]] = {}
            for each in stored.held(db):
                paths.setdefault(each.document, []).append(str(Path(each.path).relative_to(folder)))
    same = [pair for pair, (_, equal) in likenesses.items() if equal]
    classes = neardup.groups([*same, *((document, document) for document in paths)])
    found = {
        "same text": {
            frozenset(pair)
            for group in classes
            for pair in combinations([path for document in group for path in paths[document]], 2)
        }
    }
    found["near-copies"] = {
        frozenset((x, y))
        for (a, b), (likeness, _) in likenesses.items()
        if likeness.jaccard >= neardup.NEAR
        for x in paths[a]
        for y in paths[b]
    } - found["same text"]
    return found, report


def _scores(kind: str, half: str, found: set[Pair], truth: set[Pair]) -> Iterator[Row]:
    part = {pair for pair in found | truth if (_digest(pair) % 2 == 0) == (half == "one half")}
    right = len(found & truth & part)
    wanted = (0.95, 0.90) if kind == "same text" else (0.90, 0.85)
    for what, of, least in zip(("precision", "recall"), (found, truth), wanted, strict=True):
        count = len(of & part)
        share = right / count if count else 1.0
        yield row(
            f"{kind}, {half}: {what}",
            share,
            f"({right} of {count})",
            budget=f">= {least}",
            met=share >= least,
        )


def _digest(pair: Pair) -> int:
    return hashlib.blake2b("|".join(sorted(pair)).encode(), digest_size=2).digest()[0]


# --- families -------------------------------------------------------------------------------------


def _versions(naming: str) -> dict[str, list[str]]:
    """Names of the versions of each text, oldest first."""
    named: dict[str, list[str]] = {}
    for line in _documents():
        if line["path"].startswith("rfc/") and line["note"] == "version":
            stem = Path(line["path"]).name.split(".v")[0]
            number = int(line["version"])
            name = NAMES[naming].format(stem=stem, version=number, date=line["date"], word=WORDS[number - 1])
            named.setdefault(stem, []).append(name)
    return named


def _order(report: CopyReport, naming: str, versions: dict[str, list[str]]) -> Row:
    """Share of neighbouring versions that are in one family and in the right order."""
    places = {
        Path(each.path).name: (number, each.place)
        for number, family in enumerate(report.families)
        for each in family.versions
    }
    pairs = [pair for names in versions.values() for pair in pairwise(names) if pair[0] != pair[1]]
    same = _truth()["same text"]
    paths = {
        name: f"rfc/{stem}.v{at}.md" for stem, names in versions.items() for at, name in enumerate(names, 1)
    }
    right = 0
    for older, newer in pairs:
        a, b = places.get(older), places.get(newer)
        if a is not None and b is not None and a[0] == b[0]:
            # Versions that differ in nothing but marks share a place.
            right += a[1] == b[1] if frozenset((paths[older], paths[newer])) in same else a[1] > b[1]
    what = f"{len(versions)} families named by {naming}: neighbours in the right order"
    return row(
        what,
        right / len(pairs),
        f"({right} of {len(pairs)})",
        budget=">= 0.95",
        met=right >= 0.95 * len(pairs),
    )


def _renamed(naming: str) -> Row:
    """The same with other names, all files of one date on disk."""
    with tempfile.TemporaryDirectory() as place:
        for stem, names in _versions(naming).items():
            for number, name in enumerate(names, 1):
                target = Path(place) / name
                shutil.copyfile(FOLDER / "docs" / "rfc" / f"{stem}.v{number}.md", target)
                os.utime(target, (1_700_000_000, 1_700_000_000))
        _, report = _compared(Path(place))
    return _order(report, naming, _versions(naming))


# --- many -----------------------------------------------------------------------------------------


def _many(count: int) -> Iterator[Row]:
    """Synthetic documents of 300 words, three chunks with vectors: one in five a near-copy, one in twenty in
    three versions."""
    with tempfile.TemporaryDirectory() as place:
        catalogue = Catalogue(Path(place) / "catalogue.sqlite3")
        try:
            _fill(catalogue, count)
            kinship = Kinship(catalogue, lambda: 1)
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the highest begins anew
            before = _resident_mb("VmRSS")
            began = time.perf_counter()
            report = kinship.report()
            took = time.perf_counter() - began
            peak = _resident_mb("VmHWM") - before
            again = Kinship(catalogue, lambda: 1)
            began = time.perf_counter()
            again.report()
            second = time.perf_counter() - began
        finally:
            catalogue.close()
    budget = 60.0 * count / 20_000
    yield row(
        f"{count:,} documents signed, compared by words and vectors, grouped",
        took,
        "s",
        budget=f"<= {budget:g} s",
        met=took <= budget,
    )
    yield row("the same after a new start, everything known", second, "s")
    yield row("memory for it at most", peak, "MB", budget="<= 300 MB", met=peak <= 300)
    yield row("groups of copies found", report.total, "groups", reference=f"{count // 5:,} copies made")
    yield row("families found", report.families_total, "families", reference=f"{count // 20:,} made")


def _resident_mb(which: str) -> float:
    """Resident memory of this process: VmRSS now, VmHWM at its highest."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{which}:")) / 1024


def _fill(catalogue: Catalogue, count: int) -> None:
    root = catalogue.add_root(b"/documents")
    made = list(_synthetic(count))
    mark = Fingerprint(1, 1, 1, 1, 1)
    for first in range(0, len(made), 500):
        part = made[first : first + 500]
        catalogue.mark_pending(root, [(path.encode(), mark) for path, _ in part])
        files = catalogue.file_states(root)
        with catalogue.transaction():
            for path, text in part:
                document, _ = catalogue.store_document(_document(text))
                catalogue.link(files[path.encode()].id, document, mark)
        _embed(catalogue, part)


def _embed(catalogue: Catalogue, made: list[tuple[str, str]]) -> None:
    """Vectors as a model might give: all of one field, so that nearly every pair looks worth a look."""
    model = catalogue.use_model("synthetic/1", DIMENSIONS)
    keys = [key for _, text in made for key in _document(text).keys]
    vectors = np.stack(
        [np.random.default_rng(list(key)).normal(size=DIMENSIONS).astype(np.float32) + FIELD for key in keys]
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    catalogue.store_vectors(model, keys, vectors)


def _document(text: str) -> NewDocument:
    step = len(text) // CHUNKS + 1
    chunks = tuple(
        Chunk(
            ordinal=at,
            start=at * step,
            end=min((at + 1) * step, len(text)),
            page=None,
            heading="",
            text=text[at * step : (at + 1) * step],
            language="en",
        )
        for at in range(CHUNKS)
    )
    return NewDocument(
        hash=hashlib.sha256(text.encode()).hexdigest(),
        size_bytes=len(text),
        parser="text/1",
        language="en",
        parsed=ParsedDocument(title="", text=text, kind="text", format="text"),
        chunks=chunks,
        keys=tuple(hashlib.blake2b(each.text.encode(), digest_size=16).digest() for each in chunks),
        status=Status.INDEXED,
    )


def _synthetic(count: int) -> Iterator[tuple[str, str]]:
    """(path, text): of every 20 documents 4 are near-copies of another, 3 are versions of one."""
    pick = np.random.default_rng(7)
    vocabulary = np.array([f"word{number}" for number in range(30_000)])
    words = vocabulary[:300]
    for number in range(count):
        kind = number % 20
        folder = f"/documents/{number // 100}"
        if kind in (4, 6, 8, 10):  # a near-copy of the one before
            words[pick.integers(0, len(words), 2)] = "edited"
            path = f"{folder}/letter {number}x.txt"
        elif kind in (13, 14):
            words[60 * (kind - 12) : 60 * (kind - 12) + 40] = pick.choice(vocabulary, 40)
            path = f"{folder}/plan {number // 20}a v{kind - 11}.txt"
        else:
            words = pick.choice(vocabulary, 300)
            path = f"{folder}/plan {number // 20}a v1.txt" if kind == 12 else f"{folder}/letter {number}x.txt"
        yield path, " ".join(words)
