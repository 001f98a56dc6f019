"""The marked documents: one set for all panes, kept in the order they were marked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator


class Marks:
    """Paths that a person marked; `changed` is called after every change."""

    def __init__(self, paths: Iterable[str], changed: Callable[[], None]) -> None:
        self._paths = dict.fromkeys(paths)
        self._changed = changed

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._paths))

    def toggle(self, path: str) -> None:
        """Mark a path or take the mark back."""
        if path in self._paths:
            del self._paths[path]
        else:
            self._paths[path] = None
        self._changed()

    def add(self, paths: Iterable[str]) -> None:
        """Mark all of them."""
        before = len(self._paths)
        self._paths.update(dict.fromkeys(paths))
        if len(self._paths) != before:
            self._changed()

    def clear(self) -> None:
        """Take all marks back."""
        if self._paths:
            self._paths.clear()
            self._changed()
