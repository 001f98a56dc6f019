"""What can fail, sorted by what the user can do about it.

Every error a person may see is an `AppError`: a message, a remedy, an exit code. Anything else that
escapes is a bug and is logged with its traceback.
"""

from __future__ import annotations


class AppError(Exception):
    """An expected failure: what happened and what to do about it."""

    title = "Quire cannot do that"
    exit_code = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the message (one sentence) and the remedy (one sentence, may be empty)."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip() if self.hint else self.message


class ConfigError(AppError):
    """The configuration or the command line is wrong."""

    title = "Configuration"
    exit_code = 2


class UsageError(AppError):
    """The request makes no sense as given: a bad path, an empty question."""

    title = "Usage"
    exit_code = 2


class LibraryBusyError(AppError):
    """Another process owns the library."""

    title = "Library in use"


class LibraryRefusedError(AppError):
    """The library's folder is unsafe: network file system, foreign owner, newer schema."""

    title = "Library refused"


class StoreError(AppError):
    """SQLite, Tantivy or Chroma failed: disk full, damage."""

    title = "Storage"


class DamagedError(StoreError):
    """The catalogue's file is damaged; nothing may be written to it."""

    title = "Catalogue damaged"


class NotFoundError(AppError):
    """The path or document is not in the library."""

    title = "Not in the library"
    exit_code = 1


class UnreadableDocument(AppError):
    """A document that cannot be read, with the status it gets.

    Raised by parsers. `reason` is one sentence for a person, `hint` the remedy.
    """

    title = "Unreadable document"

    def __init__(
        self, reason: str, hint: str = "", *, status: str = "broken", format: str = "", pages: int = 0
    ) -> None:
        """Keep the reason.

        `status` is a value of `indexer.types.Status`, `format` "" when unknown; `pages` counts those that
        are pictures, all of the document's.
        """
        super().__init__(reason, hint=hint)
        self.reason = reason
        self.status = status
        self.format = format
        self.pages = pages


class ModelMissingError(AppError):
    """An embedding model is configured but not there."""

    title = "No embedding model"


class OcrMissingError(AppError):
    """OCR is asked for and no engine for it is there."""

    title = "No OCR"


class EgressRefusedError(AppError):
    """The privacy policy forbids this connection."""

    title = "Not sent"


class ProviderError(AppError):
    """A model server failed: refused, timed out, sent garbage."""

    title = "Language model"

    def __init__(self, message: str, *, hint: str = "", retryable: bool = False) -> None:
        """Keep whether the same request may succeed later."""
        super().__init__(message, hint=hint)
        self.retryable = retryable


class ConsentNeededError(AppError):
    """A question costs more calls of the model than may be made without asking."""

    title = "Many calls"
    exit_code = 2


class EngineError(AppError):
    """The engine cannot be started or does not answer."""

    title = "Engine"
