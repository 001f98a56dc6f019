"""What became of a cited passage in the newest version of its document: the words that differ there.

Only citations of older versions are looked at; their texts are compared word by word, once for each pair.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from copilot.passages import page_of
from copilot.types import Citation, Newer, Rewording
from indexer import worddiff
from indexer.catalogue import kinship
from indexer.errors import NotFoundError
from indexer.library import Library
from indexer.text import safe_text
from indexer.types import DocumentDetails
from indexer.worddiff import Edit

LONGEST = 2_000_000
"""Characters of a text up to which the words are compared; of longer ones only the newer file is named."""
MOST = 3
"""Changes that are told of one passage."""
WIDTH = 60
"""Characters of each."""


def checked(citations: Iterable[Citation], library: Library) -> tuple[Citation, ...]:
    """The citations, those of older versions with what the newest says in their place."""
    given = tuple(citations)
    documents = list(dict.fromkeys(citation.document for citation in given))
    with library.catalogue.reader() as db:
        newest = kinship.newest_by_hash(db, [each.removeprefix("sha256:") for each in documents])
    if not newest:
        return tuple(replace(each, newer=None) if each.newer else each for each in given)
    comparison = _Comparison(library)
    found = []
    for citation in given:
        path = newest.get(citation.document.removeprefix("sha256:"))
        newer = comparison.of(citation, path) if path else None
        found.append(replace(citation, newer=newer) if newer != citation.newer else citation)
    return tuple(found)


class _Comparison:
    """Texts of versions beside each other."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._edits: dict[tuple[str, str], list[Edit]] = {}

    def of(self, citation: Citation, path: str) -> Newer | None:
        """The newest version at the place of a citation; None when it has gone meanwhile."""
        try:
            details = self._library.details(path)
        except NotFoundError:
            return None
        name = safe_text(os.path.basename(path), 80, single_line=True)
        edits = self._compared(citation.document, details)
        if not edits:
            return Newer(
                path=path,
                document=details.document,
                page=None,
                start=0,
                end=0,
                changes=(),
                text=f"older version; the newer one is {name}",
            )
        start, end = _span(edits, citation.start, citation.end)
        changes = tuple(_changes(edits, citation.start, citation.end))
        page = page_of(details, start)
        place = f"{name}, p. {page}" if page else name
        gone = bool(changes) and not worddiff.count_words(self._text(details, start, end))
        if gone and self._elsewhere(citation, details):
            changes, gone = (), False
        return Newer(
            path=path,
            document=details.document,
            page=page,
            start=start,
            end=start if gone else end,
            changes=changes,
            text=_said(place, changes, gone=gone),
        )

    def _compared(self, old: str, new: DocumentDetails) -> list[Edit]:
        key = (old, new.document)
        if key not in self._edits:
            texts = [
                self._library.catalogue.text(each.removeprefix("sha256:")) for each in (old, new.document)
            ]
            within = all(0 < len(text) <= LONGEST for text in texts)
            self._edits[key] = worddiff.diff(*texts) if within else []
        return self._edits[key]

    def _elsewhere(self, citation: Citation, new: DocumentDetails) -> bool:
        """Whether the passage was moved."""
        text = self._text(new, 0, new.characters)
        return " ".join(citation.quote.split()) in " ".join(text.split())

    def _text(self, details: DocumentDetails, start: int, end: int) -> str:
        return self._library.catalogue.text(details.document.removeprefix("sha256:"), start, end)


def _span(edits: Sequence[Edit], start: int, end: int) -> tuple[int, int]:
    """Where the text between two places of the first stands in the second."""
    return _place(edits, start, end=False), _place(edits, end, end=True)


def _place(edits: Sequence[Edit], position: int, *, end: bool) -> int:
    for edit in edits:
        after = edit.a_start + len(edit.a)
        if position < after or (end and position == after and edit.a):
            if edit.op == "equal":
                return edit.b_start + min(position - edit.a_start, len(edit.b))
            return edit.b_start + (len(edit.b) if end else 0)
    return edits[-1].b_start + len(edits[-1].b)


def _changes(edits: Sequence[Edit], start: int, end: int) -> Iterator[Rewording]:
    """The edits that touch a span of the first text, as far as they lie in it."""
    for edit in edits:
        after = edit.a_start + len(edit.a)
        touches = edit.a_start < end and after > start if edit.a else start < edit.a_start < end
        if edit.op == "equal" or not touches:
            continue
        old = edit.a[max(0, start - edit.a_start) : max(0, end - edit.a_start)]
        if worddiff.count_words(old) or worddiff.count_words(edit.b):
            yield Rewording(old=" ".join(old.split()), new=" ".join(edit.b.split()))


def _said(place: str, changes: Sequence[Rewording], *, gone: bool) -> str:
    if gone:
        return f"older version; the newer one ({place}) no longer says it"
    if not changes:
        return f"older version; the newer one ({place}) says the same"
    told = [change.text(WIDTH) for change in changes[:MOST]]
    if len(changes) > MOST:
        told.append(f"{len(changes) - MOST} more")
    return f"older version; in the newer one ({place}): {', '.join(told)}"
