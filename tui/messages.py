"""What happened, as widgets and panes tell each other: past events, named so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from copilot.types import Citation, Session
    from copilot.types import Status as LibraryState
    from indexer.labelled import Labelling
    from indexer.types import Progress


class SessionOpened(Message):
    """The library is open (again)."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session


class SessionLost(Message):
    """The library cannot be reached; it is tried again in `retry_s` seconds."""

    def __init__(self, error: BaseException, retry_s: float) -> None:
        super().__init__()
        self.error = error
        self.retry_s = retry_s


class ProgressChanged(Message):
    """The library is at another point of its work."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress

    def can_replace(self, message: Message) -> bool:
        """Only the newest progress counts."""
        return isinstance(message, ProgressChanged)


class StatusRead(Message):
    """The library's counts and models are known."""

    def __init__(self, status: LibraryState) -> None:
        super().__init__()
        self.status = status


class LabellingRead(Message):
    """Tags, collections, fields and rules are known."""

    def __init__(self, labelling: Labelling) -> None:
        super().__init__()
        self.labelling = labelling


class ReaderWanted(Message):
    """Somebody wants to read a document from a place on."""

    def __init__(
        self,
        path: str,
        document: str,
        *,
        start: int = 0,
        end: int = 0,
        page: int | None = None,
        query: str = "",
    ) -> None:
        super().__init__()
        self.path = path
        self.document = document
        self.start = start
        self.end = end
        self.page = page
        self.query = query

    @classmethod
    def of_citation(cls, citation: Citation) -> ReaderWanted:
        """The source of a citation, its quote lit."""
        return cls(
            citation.path, citation.document, start=citation.start, end=citation.end, page=citation.page
        )


class DiffWanted(Message):
    """Somebody wants to see what differs between two documents, the second the newer one."""

    def __init__(self, a: str, b: str) -> None:
        super().__init__()
        self.a = a
        self.b = b


class Said(Message):
    """A pane has something for the left half of the status line."""

    def __init__(self, pane: str, text: str) -> None:
        super().__init__()
        self.pane = pane
        self.text = text
