"""What can be done about the file or the group under the cursor of the Library: a menu, and the doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.citing import Target, file_name
from tui.messages import DiffWanted, ReaderWanted
from tui.panes.previewing import PreviewPane
from tui.remedies import Remedy, kin_remedies, remedies
from tui.widgets.cells import line_text
from tui.widgets.kintable import KinRow
from tui.widgets.rows import Choice

if TYPE_CHECKING:
    from indexer.findings import Decoding
    from indexer.types import DocumentDetails, FileRow


class MendingPane(PreviewPane):
    """A list of files, or of copies and versions, with remedies."""

    @property
    def file_row(self) -> FileRow | None:
        """The file under the cursor, where files are listed."""
        raise NotImplementedError

    @property
    def kin_row(self) -> KinRow | None:
        """The line under the cursor, where copies or versions are listed."""
        raise NotImplementedError

    def load(self, *, keep: bool) -> None:
        """Fetch the list anew; `keep` leaves the cursor on its file."""
        raise NotImplementedError

    def action_mend(self) -> None:
        """Offer what can be done about this file."""
        row, kin, target = self.file_row, self.kin_row, self.target()
        if target is None:
            self.quire.say_briefly("There is no document here.")
            return
        offered = kin_remedies(kin) if kin is not None else remedies(row) if row is not None else []
        choices = [Choice(remedy.letter, f"{remedy.letter}  {remedy.label}") for remedy in offered]

        def act(letter: str | None) -> None:
            # of the row the menu was opened on: meanwhile the list may have moved
            for remedy in offered:
                if remedy.letter == letter and kin is not None:
                    self._mend_kin(remedy, kin, target)
                elif remedy.letter == letter and row is not None:
                    self._mend_file(remedy, row, target)

        self.quire.choose_letter(line_text(file_name(target.path), 60), choices, act)

    def _mend_file(self, remedy: Remedy, row: FileRow, target: Target) -> None:
        match remedy.id:
            case "retry":
                self.read_again([row.path])
            case "ocr":
                self.quire.read_scans([row.path])
            case "decode":
                self._offer_encodings(row.path)
            case "exclude" | "include":
                self._exclude([row.path], excluded=remedy.id == "exclude")
            case "differ" if row.newer:
                self.post_message(DiffWanted(row.path, row.newer))
            case "differ":
                self.post_message(DiffWanted(row.copy_of, row.path))
            case _:
                self._look(remedy, target)

    def _mend_kin(self, remedy: Remedy, row: KinRow, target: Target) -> None:
        match remedy.id:
            case "differ":
                self.show_difference(row)
            case "keep":
                self._exclude(list(row.kin.apart), excluded=True)
            case "mark":
                self.quire.marks.add(row.kin.others)
            case _:
                self._look(remedy, target)

    def _look(self, remedy: Remedy, target: Target) -> None:
        match remedy.id:
            case "relatives":
                self.show_relatives(target)
            case "read":
                self.post_message(ReaderWanted(target.path, target.document))
            case "view":
                self.action_view()
            case "details":
                self.action_details()

    # --- read again

    def action_retry(self) -> None:
        """Read the marked files or this one again."""
        paths = self.targets()
        if paths:
            self.read_again(paths)

    def read_again(self, paths: list[str]) -> None:
        """Read files again and say how many."""

        def tell(count: int) -> None:
            files = "1 file is" if count == 1 else f"{count:,} files are"
            self.quire.say_briefly(f"{files} read again.")

        self.call("retry", lambda session: session.retry(paths), tell)

    # --- another encoding

    def _offer_encodings(self, path: str) -> None:
        def offer(found: tuple[Decoding, ...]) -> None:
            if not any(not each.current for each in found):
                self.quire.say_briefly("It makes no sense in any other encoding.")
                return
            choices = [
                Choice(
                    each.encoding,
                    f"{each.encoding}  {each.score}{' (now)' if each.current else ''}",
                    line_text(each.sample, 200),
                )
                for each in found
            ]
            self.quire.choose("Read it as", choices, lambda chosen: self._decode(path, chosen, found))

        self.call("decode", lambda session: session.decodings(path), offer)

    def _decode(self, path: str, encoding: str | None, found: tuple[Decoding, ...]) -> None:
        if encoding is None or any(each.current and each.encoding == encoding for each in found):
            return

        def tell(details: DocumentDetails) -> None:
            quality = "" if details.quality is None else f"; quality {details.quality}"
            self.quire.say_briefly(f"Read as {line_text(encoding, 30)}{quality}.")
            self.load(keep=True)

        self.call("decode", lambda session: session.decode(path, encoding), tell)

    # --- out of answers

    def _exclude(self, paths: list[str], *, excluded: bool) -> None:
        from indexer.labelled import LabelChange

        change = LabelChange(targets=tuple(paths), excluded=excluded)

        def tell(count: int) -> None:
            documents = "1 document is" if count == 1 else f"{count:,} documents are"
            self.quire.say_briefly(
                f"{documents} {'left out of' if excluded else 'back in'} answers; u undoes."
            )
            self.load(keep=True)

        self.call("label", lambda session: session.label(change).documents, tell)

    # --- what differs

    def compare(self, row: KinRow) -> None:
        """Show what differs from the file to keep; what does not differ is read."""
        if row.is_read:
            self.post_message(ReaderWanted(row.path or row.kin.kept, row.document))
        else:
            self.show_difference(row)

    def show_difference(self, row: KinRow) -> None:
        """From the file to keep to a copy, from an older version to the newest."""
        other = row.kin.others[0] if row.kept or not row.path else row.path
        pair = (other, row.kin.kept) if row.kin.versions else (row.kin.kept, other)
        self.post_message(DiffWanted(*pair))
