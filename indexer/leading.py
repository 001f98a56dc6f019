"""Lets the newest version of a document lead its older ones in a list of results."""

from __future__ import annotations

from indexer.catalogue import Connection
from indexer.catalogue.kinship import versions_among
from indexer.hits import Wanted

DEPTH = 200
"""Results that are looked at."""
TIE = 0.8
"""Share of an older version's score that the newest must have to come before it: who searches for words that
only the old version holds is shown the old one first, with a note."""


def lead(db: Connection, wanted: list[Wanted]) -> list[Wanted]:
    """The same results, each newest version before the older ones that score about the same.

    Args:
        db: A reader.
        wanted: One result a document, best first.
    """
    head = wanted[:DEPTH]
    places = versions_among(db, {each.best.candidate.document for each in head})
    if len(places) < 2:
        return wanted
    leaders: dict[int, Wanted] = {}
    for each in list(head):
        family, place = places.get(each.best.candidate.document, (0, 0))
        if not family:
            continue
        leader = leaders.setdefault(family, each)
        leads_older = place == 0 and places[leader.best.candidate.document][1] > 0
        if leads_older and each.score >= TIE * leader.score:
            head.remove(each)
            head.insert(head.index(leader), each)
    return head + wanted[DEPTH:]
