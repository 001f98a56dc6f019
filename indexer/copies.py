"""What was found of copies and versions, as a person reads it: groups with the file to keep, families."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from indexer import families, neardup, worddiff
from indexer.families import Document, Kin, Pair, Place
from indexer.neardup import Likeness
from indexer.related import Copy, CopyGroup, CopyReport, Family, Relation, Version

DIFFERENCES = 200
"""Near-copies of a report whose words are compared; those that free most space first."""
LONGEST = 1_000_000
"""Characters of a text whose differing words are counted for a report."""

_LOOSER: tuple[Relation, ...] = ("exact", "same-text", "near")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that is known of the likeness of the documents in the library."""

    documents: Mapping[int, Document]
    hashes: Mapping[int, str]
    likeness: Mapping[Pair, Likeness]
    """Of compared pairs, smaller id first."""
    same: Sequence[Pair]
    """Pairs with the same text; a chain where there are several."""
    near: Sequence[Pair]
    """Pairs of near-copies."""
    by_meaning: Mapping[Pair, float]
    """Of those the pairs that only the vectors of their chunks told, with the share that both say."""
    kin: Sequence[Kin]

    def meant(self, a: int, b: int) -> float:
        """Share that both say, of a pair that its words did not tell; else 0."""
        return round(self.by_meaning.get((min(a, b), max(a, b)), 0.0), 3)

    def similarity(self, a: int, b: int) -> float:
        """Jaccard of two documents as far as it is known; of a chain of copies that of its links."""
        if a == b:
            return 1.0
        found = self.likeness.get((min(a, b), max(a, b)))
        return round(found.jaccard, 3) if found else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All groups and families of a library, ready to be asked about."""

    groups: tuple[CopyGroup, ...]
    """Those that free most space first."""
    families: tuple[Family, ...]
    compared: int
    ids: Mapping[str, int]
    """Document by hash, of those in near-copies."""
    kept: Mapping[str, str]
    """Path of each exact copy and copy of the text: the path proposed to be kept."""

    @property
    def copies(self) -> int:
        """Files of all groups, beside the ones to keep."""
        return sum(len(group.files) - 1 for group in self.groups)


NOTHING = Told(groups=(), families=(), compared=0, ids={}, kept={})


def tell(found: Findings) -> Told:
    """Groups and families from what was found."""
    groups = tuple(sorted(_groups(found), key=lambda group: (-group.frees_bytes, group.files[0].path)))
    near = {each.document[7:] for group in groups if group.relation == "near" for each in group.files}
    return Told(
        groups=groups,
        families=tuple(_family(found, kin) for kin in found.kin),
        compared=len(found.documents),
        ids={digest: document for document, digest in found.hashes.items() if digest in near},
        kept={
            each.path: group.files[0].path
            for group in groups
            if group.relation != "near"
            for each in group.files[1:]
        },
    )


def report(
    told: Told, *, limit: int, text: Callable[[int], str] | None, among: Collection[str] | None = None
) -> CopyReport:
    """The report, of at most `limit` groups and families.

    Args:
        told: All groups and families.
        limit: Most groups and most families.
        text: Reads a document's text to count the words that differ; None: they are not counted.
        among: Only groups and families with at least one of these paths; None: all.
    """
    groups, families = told.groups, told.families
    if among is not None:
        groups = tuple(each for each in groups if any(file.path in among for file in each.files))
        families = tuple(each for each in families if any(file.path in among for file in each.versions))
    shown = groups[:limit]
    if text is not None:
        shown = tuple(
            _counted(group, told.ids, text) if at < DIFFERENCES else group for at, group in enumerate(shown)
        )
    return CopyReport(
        groups=shown,
        families=families[:limit],
        total=len(groups),
        families_total=len(families),
        frees_bytes=sum(group.frees_bytes for group in groups if group.relation != "near"),
        compared=told.compared,
    )


def _groups(found: Findings) -> list[CopyGroup]:
    same = neardup.groups(
        [*found.same, *((each.id, each.id) for each in found.documents.values() if len(each.places) > 1)]
    )
    leader = {document: group[0] for group in same for document in group}
    kin = _kin(found, leader)
    made = [_group(found, [found.documents[each] for each in group], same_text=True) for group in same]
    # Versions of one document are no copies to be removed: they are told under families.
    led = [(leader.get(a, a), leader.get(b, b)) for a, b in found.near]
    led = [(a, b) for a, b in led if a != b and kin.get(a, -1) != kin.get(b, -2)]
    for group in neardup.groups(led):
        made.append(_group(found, [found.documents[each] for each in group], same_text=False))
    return made


def _kin(found: Findings, leader: Mapping[int, int]) -> dict[int, int]:
    """Number of the family of each document, copies of the text under their first."""
    return {
        leader.get(document, document): number
        for number, each in enumerate(found.kin)
        for place in each.places
        for document in place
    }


def _group(found: Findings, group: Sequence[Document], *, same_text: bool) -> CopyGroup:
    ids = {each.id for each in group}
    # Of a damaged copy and its original the original is to be kept, however old.
    damaged = any(a in ids and b in ids for a, b in found.by_meaning)
    chosen = families.keep(group, same_text=same_text, damaged=damaged)
    best = chosen.place
    rest = [place for document in group for place in document.places if place != best]
    rest.sort(key=lambda place: (place.document != best.document, place.path))
    files = tuple(_copy(found, best, place, same_text=same_text) for place in (best, *rest))
    return CopyGroup(
        relation=max((each.relation for each in files), key=_LOOSER.index),
        why=chosen.why,
        frees_bytes=sum(place.size_bytes for place in rest),
        files=files,
    )


def _copy(found: Findings, best: Place, place: Place, *, same_text: bool) -> Copy:
    exact = place.document == best.document
    meant = 0.0 if exact or same_text else found.meant(best.document, place.document)
    return Copy(
        path=place.path,
        document=f"sha256:{found.hashes[place.document]}",
        format=found.documents[place.document].format,
        size_bytes=place.size_bytes,
        mtime_ns=place.mtime_ns,
        relation="exact" if exact else "same-text" if same_text else "near",
        similarity=meant or (1.0 if same_text else found.similarity(best.document, place.document)),
        by_meaning=meant > 0,
    )


def _counted(group: CopyGroup, ids: Mapping[str, int], text: Callable[[int], str]) -> CopyGroup:
    """The group with the words counted that its near-copies and its first file have not in common."""
    if group.relation != "near":
        return group
    first = text(ids[group.files[0].document[7:]])[:LONGEST]
    files = []
    for each in group.files:
        if each.relation == "near":
            removed, added, _ = worddiff.summary(worddiff.diff(first, text(ids[each.document[7:]])[:LONGEST]))
            each = replace(each, removed=removed, added=added)
        files.append(each)
    return replace(group, files=tuple(files))


def _family(found: Findings, kin: Kin) -> Family:
    newest = kin.places[0][0]
    return Family(
        name=kin.name,
        versions=tuple(
            Version(
                path=place.path,
                document=f"sha256:{found.hashes[document]}",
                place=number,
                mtime_ns=place.mtime_ns,
                similarity=1.0 if number == 0 else found.similarity(newest, document),
            )
            for number, documents in enumerate(kin.places)
            for document in documents
            for place in found.documents[document].places
        ),
    )
