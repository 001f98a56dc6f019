"""Groups of copies and families of versions, from names, dates and likeness. Knows no store."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from indexer import neardup, versions
from indexer.neardup import Likeness
from indexer.versions import Marks, Member

STEM_CROWD = 12
"""Documents of one stem from which only neighbours in order are compared."""
STRONG = 0.05
"""Jaccard that is enough for two files of one folder whose names number their versions: drafts get rewritten
to the last sentence, but unrelated texts share next to nothing."""
FAIR = 0.3
"""Jaccard demanded when a name says `final`, `old` or `copy`, or when the folders differ."""
WEAK = 0.5
"""Jaccard demanded when names differ by a date or a bare number (1.2) only."""
SERIES = 6
"""Documents of one stem told apart by dates or bare numbers only, from which on they are taken for a series,
like monthly reports on one form, whatever they share: a report left out of answers by mistake is worse than
an old version let in."""

Pair = tuple[int, int]


class Place(NamedTuple):
    """A file as families see it."""

    document: int
    path: str
    mtime_ns: int
    size_bytes: int = 0


class Document(NamedTuple):
    """A content and where it lies."""

    id: int
    places: tuple[Place, ...]
    """At least one."""
    dated: str
    quality: int | None
    format: str


class Kin(NamedTuple):
    """A family found: documents by place, newest first; documents with the same text share a place."""

    name: str
    places: tuple[tuple[int, ...], ...]


def file_marks(path: str) -> Marks:
    """The marks of a file by its path."""
    pure = PurePosixPath(path)
    return versions.marks(pure.name, pure.parent.name)


def member(document: Document) -> Member:
    """A document with the marks of the name that says most; the shortest path of several such."""
    told = min(
        document.places, key=lambda place: (-_told(file_marks(place.path)), len(place.path), place.path)
    )
    newest = max(place.mtime_ns for place in document.places)
    return Member(document.id, file_marks(told.path), document.dated, newest)


def _told(marks: Marks) -> int:
    return 4 * bool(marks.version) + 4 * bool(marks.date[0]) + 2 * bool(marks.state) + marks.copy


def pairs_by_name(members: Mapping[int, Member]) -> list[Pair]:
    """Pairs whose names differ in marks of versions alone, smaller id first, ascending."""
    stems: dict[str, list[Member]] = defaultdict(list)
    for each in members.values():
        if each.marks.stem:
            stems[each.marks.stem].append(each)
    found: set[Pair] = set()
    for same in stems.values():
        if len(same) > 1 and any(each.marks.marked for each in same):
            found.update(_pairs(same))
    return sorted(found)


def _pairs(same: list[Member]) -> Iterable[Pair]:
    same = sorted(same, key=lambda each: (each.marks.date, each.marks.version, each.marks.state, each.id))
    crowd = len(same) > STEM_CROWD
    for at, a in enumerate(same):
        for b in same[at + 1 : at + 2] if crowd else same[at + 1 :]:
            if a.marks.marked or b.marks.marked:
                yield (min(a.id, b.id), max(a.id, b.id))


def kin(
    documents: Mapping[int, Document],
    members: Mapping[int, Member],
    likeness: Mapping[Pair, Likeness],
    same: Iterable[Pair],
    is_series: Callable[[int, int], bool],
) -> list[Kin]:
    """Families of at least two versions.

    Args:
        documents: All documents by id.
        members: The same as `member` sees them.
        likeness: Of the pairs that were compared, smaller id first.
        same: Pairs with the same text.
        is_series: Whether two documents differ in numbers mostly, like two invoices: such are not
            versions of each other.
    """
    weak = Counter(each.marks.stem for each in members.values() if not _is_explicit(each.marks))
    linked = [
        (a, b)
        for a, b in pairs_by_name(members)
        if (a, b) in likeness
        and _links(documents[a], documents[b], members[a].marks, members[b].marks, likeness[a, b])
        and not (
            _is_weak(members[a].marks, members[b].marks)
            and (weak[members[a].marks.stem] >= SERIES or is_series(a, b))
        )
    ]
    together: dict[int, int] = {}
    for copies in neardup.groups(list(same)):
        together.update(dict.fromkeys(copies, copies[0]))
    found = []
    for family in neardup.groups(linked):
        places = _places([members[each] for each in family], together)
        if len(places) > 1:
            found.append(Kin(_name(documents, places), places))
    return found


def _links(a: Document, b: Document, x: Marks, y: Marks, likeness: Likeness) -> bool:
    near = bool(_folders(a) & _folders(b))
    if x.explicit and y.explicit and near:
        return likeness.jaccard >= STRONG or likeness.containment >= 2 * STRONG
    return likeness.jaccard >= (WEAK if _is_weak(x, y) else FAIR) or (
        near and likeness.containment >= neardup.HELD
    )


def _is_weak(x: Marks, y: Marks) -> bool:
    """The names differ in a date or a bare number (1.2) only."""
    told = x.explicit or y.explicit or x.state != y.state or x.copy != y.copy
    return not told


def _is_explicit(marks: Marks) -> bool:
    """The name says that it is a version, a draft or a copy."""
    return bool(marks.explicit or marks.state or marks.copy)


def _folders(document: Document) -> set[str]:
    return {str(PurePosixPath(place.path).parent) for place in document.places}


def _places(family: Sequence[Member], together: Mapping[int, int]) -> tuple[tuple[int, ...], ...]:
    places: dict[int, list[int]] = {}
    for each in versions.ordered(family):
        places.setdefault(together.get(each.id, each.id), []).append(each.id)
    return tuple(tuple(each) for each in places.values())


def _name(documents: Mapping[int, Document], places: Sequence[Sequence[int]]) -> str:
    return PurePosixPath(documents[places[0][0]].places[0].path).name


_Criterion = tuple[str, Callable[[Document, Place], Any]]


class Keep(NamedTuple):
    """The file of a group proposed to be kept, and why."""

    place: Place
    why: str


def keep(group: Sequence[Document], *, same_text: bool, damaged: bool = False) -> Keep:
    """Which of several copies to keep, and by what it was told from the others.

    Names that say `copy` or `old` come last. Of the same text the best read and most central file is
    kept, of texts that differ the newest; of `damaged` ones the best read, then the newest.
    """
    crowded = Counter(_folder(place) for document in group for place in document.places)
    central: list[_Criterion] = [
        ("in the least deep folder", lambda _, place: -len(PurePosixPath(place.path).parts)),
        ("beside most of the others", lambda _, place: crowded[_folder(place)]),
    ]
    recent: list[_Criterion] = [
        ("the newest by name", lambda _, place: file_marks(place.path)[1:5]),
        ("the newest content", lambda document, _: document.dated[:19]),
        ("the newest file", lambda _, place: place.mtime_ns),
    ]
    # What was not measured cannot be compared.
    measured = all(document.quality is not None for document in group)
    best: _Criterion = ("the best read", lambda document, _: document.quality if measured else 0)
    order = (best, *central, *recent) if same_text else (*recent, best, *central)
    if damaged and not same_text:
        order = (best, *recent, *central)
    criteria: list[_Criterion] = [
        ("not named a copy", lambda _, place: not file_marks(place.path).copy),
        ("not named old", lambda _, place: file_marks(place.path).state != -2),
        *order,
        ("the shortest path", lambda _, place: -len(place.path)),
    ]
    left = sorted(
        ((document, place) for document in group for place in document.places), key=lambda each: each[1].path
    )
    said = []
    for label, worth in criteria:
        top = max(worth(*each) for each in left)
        kept = [each for each in left if worth(*each) == top]
        if len(kept) < len(left):
            said.append(label)
        left = kept
    return Keep(left[0][1], ", ".join(said) or "the first by name")


def _folder(place: Place) -> str:
    return str(PurePosixPath(place.path).parent)
