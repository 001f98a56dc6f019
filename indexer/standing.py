"""How a file on disk stands to the document that was read from it: the same, changed, moved, gone.

A stat decides when it equals the one in the catalogue; otherwise the file is hashed. Looks, and changes
nothing: that is the pipeline's.
"""

from __future__ import annotations

import hashlib
import os

from indexer.catalogue import Catalogue, Fingerprint
from indexer.errors import UnreadableDocument
from indexer.parsing.opening import open_document
from indexer.types import Standing


def standing(catalogue: Catalogue, path: str, document: str, *, follow_symlinks: bool = False) -> Standing:
    """Compare a file with what was read from it.

    Args:
        catalogue: Knows what the file was like when it was read.
        path: As a hit shows it; a member of a container is judged by its container.
        document: `sha256:<hex>` of what was read.
        follow_symlinks: As in the settings.
    """
    digest = document.removeprefix("sha256:")
    place = os.fsencode(path)
    whole = catalogue.container_of(place)
    if whole is None:
        whole = place.partition(b"!/")[0] if not os.path.lexists(place) else place
    mark = _mark(whole, follow_symlinks)
    if mark is None:
        return _elsewhere(catalogue, digest, follow_symlinks) or Standing(state="gone")
    held, quiet = _held(catalogue, place, whole, mark)
    if quiet:
        if held == digest:
            return Standing(state="same")
        return _elsewhere(catalogue, digest, follow_symlinks) or Standing(state="changed")
    found = _hashed(catalogue, whole, follow_symlinks)
    if found is None:
        return Standing(state="unknown")
    if place == whole:
        return Standing(state="same" if found == digest else "changed")
    container = _held(catalogue, whole, whole, mark)[0]
    return Standing(state="same" if found == container and held == digest else "changed")


def _mark(path: bytes, follow_symlinks: bool) -> Fingerprint | None:
    try:
        return Fingerprint.of(os.stat(path, follow_symlinks=follow_symlinks))  # noqa: PTH116 - bytes
    except (OSError, ValueError):
        return None


def _held(catalogue: Catalogue, place: bytes, whole: bytes, mark: Fingerprint) -> tuple[str, bool]:
    """The hash of the document the catalogue has for a path, and whether its file was left alone since."""
    state = catalogue.file_at(place)
    container = state if place == whole else catalogue.file_at(whole)
    if state is None or container is None:
        return "", False
    document = catalogue.document_by_id(state.document_id or 0)
    known = Fingerprint(container.size, container.mtime_ns, container.ctime_ns, container.dev, container.ino)
    return document.hash if document else "", known == mark and container.status == "indexed"


def _elsewhere(catalogue: Catalogue, digest: str, follow_symlinks: bool) -> Standing | None:
    """Another path that holds the content now."""
    for place in catalogue.paths_of(digest):
        whole = catalogue.container_of(place) or place
        mark = _mark(whole, follow_symlinks)
        if mark is not None and _held(catalogue, place, whole, mark) == (digest, True):
            return Standing(state="moved", path=place.decode("utf-8", "replace"))
    return None


def _hashed(catalogue: Catalogue, path: bytes, follow_symlinks: bool) -> str | None:
    """Hex SHA-256 of the file; None when it cannot be opened."""
    roots = [root for root in catalogue.root_paths().values() if path == root or path.startswith(root + b"/")]
    root = max(roots, key=len, default=os.path.dirname(path))
    try:
        descriptor = open_document(path, root=root, follow_symlinks=follow_symlinks)
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (UnreadableDocument, OSError):
        return None
