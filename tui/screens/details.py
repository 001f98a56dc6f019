"""What is known of a document and what people put on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from tui.citing import file_name
from tui.keys import NOTED
from tui.screens.texts import TextDialog, details_text
from tui.widgets.cells import line_text

if TYPE_CHECKING:
    from indexer.labelled import Labels
    from indexer.types import DocumentDetails


class DetailsDialog(TextDialog):
    """Details with a key that writes a note."""

    BINDINGS: ClassVar[list[BindingType]] = list(NOTED)

    def __init__(
        self, details: DocumentDetails, labels: Labels, *, edit_note: Callable[[Labels], None]
    ) -> None:
        """Show both; `edit_note` is called when somebody wants to write."""
        text = "\n".join([*labels_text(labels), details_text(details)])
        super().__init__(line_text(file_name(details.path)), text)
        self._labels = labels
        self._edit_note = edit_note

    def action_note(self) -> None:
        """Write the note; the details come back afterwards."""
        self.dismiss(None)
        self._edit_note(self._labels)


def labels_text(labels: Labels) -> list[str]:
    """What people put on a document, one fact a line; of a note every line."""
    tags = ", ".join(f"({tag.name})" if tag.rule else tag.name for tag in labels.tags)
    fields = {name: value for name, value in labels.fields.items() if name not in labels.ruled_fields}
    facts = [
        ("tags", tags),
        *(("note" if at == 0 else "", line) for at, line in enumerate(labels.note.splitlines())),
        *fields.items(),
        *((name, f"{labels.fields[name]} (by a rule)") for name in labels.ruled_fields),
        ("answers", "kept out of answers" if labels.excluded else ""),
        ("refused tags", ", ".join(labels.refused)),
        *(
            ("feedback", f"{'helped with' if each.verdict > 0 else 'was wrong for'} {each.query}")
            for each in labels.verdicts
        ),
    ]
    return [
        f"{f'{name}:' if name else '':<18} {line_text(value, 2_000)}"
        for name, value in facts
        if value or not name
    ]
