"""The folders a library watches: which path belongs to which, what may become one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from indexer.catalogue import Catalogue
from indexer.errors import NotFoundError, UsageError
from indexer.ignore import RuleBook, Rules
from indexer.listing import as_paths
from indexer.types import Root


class RootBook:
    """The roots as the catalogue holds them."""

    def __init__(
        self, catalogue: Catalogue, ignore: Sequence[str], own: Path, never: frozenset[bytes]
    ) -> None:
        """Args: the catalogue, patterns to ignore, the library's own folder, folders never looked at."""
        self._catalogue = catalogue
        self._ignore = tuple(ignore)
        self._own = os.fspath(own)
        self._never = never

    def place(self, path: str) -> bytes:
        """The real path of a folder or file of documents.

        Raises:
            UsageError: it does not exist, or it is the library's own.
        """
        place = os.path.realpath(Path(path).expanduser())
        if not Path(place).exists():
            raise UsageError(f"{path} does not exist.", hint="Check the spelling.")
        if place == self._own or place.startswith(self._own + os.sep):
            raise UsageError(
                f"{path} belongs to the library itself.", hint="Add the folders of your documents."
            )
        return os.fsencode(place)

    def covering(self, place: bytes) -> bytes | None:
        """The root that holds a path already, unless it ignores it."""
        for root in self._catalogue.root_paths().values():
            if place != root and not place.startswith(root.rstrip(b"/") + b"/"):
                continue
            rules = Rules.for_root(root, self._ignore, self._never)
            if RuleBook(root, rules).at(place) is not None:
                return root
        return None

    def cover(self, path: str) -> bytes:
        """The root that holds a path, made when there is none; roots inside a new one become a part of it.

        Raises:
            UsageError: it does not exist, or it is the library's own.
        """
        place = self.place(path)
        covering = self.covering(place)
        if covering is not None:
            return covering
        with self._catalogue.transaction() as db:
            root_id = self._catalogue.add_root(place)
            for other, inside in self._catalogue.root_paths().items():
                if inside != place and inside.startswith(place.rstrip(b"/") + b"/"):
                    self._catalogue.adopt_files(root_id, inside)
                    db.execute("DELETE FROM roots WHERE id = ?", (other,))
        return place

    def root(self, place: bytes) -> Root:
        """What is known of the root at a path."""
        shown = place.decode("utf-8", "replace")
        return next(root for root in self._catalogue.roots() if root.path == shown)

    def find(self, path: str) -> tuple[int, Root]:
        """The root a person means, with its id. Raises NotFoundError."""
        wanted = set(as_paths(path))
        for root_id, place in self._catalogue.root_paths().items():
            if os.fsdecode(place) in wanted or place.decode("utf-8", "replace") in wanted:
                return root_id, self.root(place)
        raise NotFoundError(f"{path} is not a root of the library.", hint="'quire roots' lists them.")
