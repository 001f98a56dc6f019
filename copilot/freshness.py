"""Whether the files behind citations are still what was read: said beside the citation when they are not.

A stat tells it nearly always; only a file whose stat differs is hashed. Knows no text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from copilot import superseded
from copilot.types import Citation
from indexer.library import Library
from indexer.standing import standing
from indexer.text import safe_text
from indexer.types import Standing

CHANGED = "The file has changed since it was read; 'quire index' reads it again."
GONE = "The file is gone."
UNKNOWN = "It cannot be looked at now, so it may have changed."


def checked(citations: Iterable[Citation], library: Library) -> tuple[Citation, ...]:
    """The citations, each with what is to be said about its file and, if it has one, its newer version.

    Each file is looked at once.
    """
    known: dict[tuple[str, str], str] = {}
    follow = library.config.watch.follow_symlinks
    found = []
    for citation in citations:
        key = (citation.path, citation.document)
        if key not in known:
            known[key] = note(
                standing(library.catalogue, citation.path, citation.document, follow_symlinks=follow)
            )
        found.append(replace(citation, note=known[key]) if known[key] != citation.note else citation)
    return superseded.checked(found, library)


def note(found: Standing) -> str:
    """One line for a person; "" when the file is what it was."""
    match found.state:
        case "same":
            return ""
        case "moved":
            return f"Moved to {safe_text(found.path, single_line=True)}."
        case "changed":
            return CHANGED
        case "gone":
            return GONE
    return UNKNOWN
