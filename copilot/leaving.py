"""The way of a prompt to a language model: what may go, with which values replaced, and a note of it.

Every call of a model is made here. For a model on this machine nothing is changed. For any other, text
of documents goes only as their folders allow, everything is hidden that they want hidden, and the answer
comes back with the values in their places.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from copilot.background import Task
from copilot.disclosure import PlannedCall, Preview, SentDocument, Withheld
from copilot.passages import Source
from copilot.prompts import Quoted
from copilot.providers import Message, Provider
from copilot.types import Notice, Turn
from indexer.egress import Call, RehearsedError
from indexer.errors import EgressRefusedError
from indexer.library import Library
from indexer.policy import Ruling
from indexer.redaction import Vault
from indexer.text import safe_text

KEPT_BACK = "(this answer is not sent)"
"""In place of an earlier answer that must not go."""

AROUND = 200
"""Characters before and behind a passage that are looked at: a number may begin or end there."""

_PLACEHOLDERS = (
    "\n- Words in these brackets ⟦ ⟧, like ⟦MAIL-1⟧, stand for values you are not shown. Write them exactly "
    "as they are, brackets included."
)


class Door:
    """One question's (or summary's) way out. Not thread-safe."""

    def __init__(self, library: Library, provider: Provider | None, *, agreed: bool = False) -> None:
        """Begin with nothing said.

        Args:
            library: Whose documents these are.
            provider: The model; None when none is asked.
            agreed: The person lets documents under the policy "ask" go, for this call.
        """
        self._library = library
        self._provider = provider
        self._remote = provider is not None and not provider.is_local
        self._agreed = agreed
        self._vault: Vault | None = None
        self._rulings: dict[str, Ruling] = {}
        self._told: dict[str, Withheld] = {}
        self._planned: list[PlannedCall] | None = None
        self._going: list[str] = []
        self._told_of_hidden = False
        """An earlier answer of the conversation holds what must be hidden."""

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        """Documents that were kept back so far."""
        return tuple(self._told.values())

    # --- what may go ---

    def permits(self, document: str, path: str = "") -> bool:
        """Whether text of a document may go; one that may not is remembered, with its path."""
        ruling = self._ruling(document)
        if ruling is None or not self._keeps(ruling):
            return True
        self._told[document] = Withheld(
            path=path, document=document, policy=ruling.policy, reason=ruling.reason
        )
        return False

    def permitted(self, sources: Sequence[Source]) -> list[Source]:
        """The passages that may go, in order."""
        self._look_up([source.hit.document for source in sources])
        return [source for source in sources if self.permits(source.hit.document, source.hit.path)]

    def turns(self, history: Sequence[Turn]) -> tuple[Turn, ...]:
        """The conversation without answers from documents that must not go, or may not."""
        if not self._remote and self._library.embeds_here:
            return tuple(history)
        return tuple(turn if self._may_repeat(turn) else replace(turn, answer=KEPT_BACK) for turn in history)

    def _may_repeat(self, turn: Turn) -> bool:
        if not turn.answer or not turn.documents:
            return not turn.answer
        rulings = self._library.guard.rulings(turn.documents).values()
        self._told_of_hidden |= any(ruling.policy != "allow" for ruling in rulings)
        return not any(self._keeps(ruling) for ruling in rulings)

    def _keeps(self, ruling: Ruling) -> bool:
        return ruling.policy == "never" or (ruling.policy == "ask" and not self._agreed)

    def _ruling(self, document: str) -> Ruling | None:
        """The ruling, or None when nothing leaves the machine."""
        if not self._remote:
            return None
        self._look_up([document])
        return self._rulings[document]

    def _look_up(self, documents: Sequence[str]) -> None:
        if self._remote:
            missing = [document for document in documents if document not in self._rulings]
            self._rulings |= self._library.guard.rulings(missing)

    # --- what it looks like ---

    def begin(self, sources: Sequence[Source], *texts: str) -> None:
        """Decide whether values are hidden, before anything is quoted.

        Args:
            sources: The passages that go.
            texts: What else goes: the question, the conversation.
        """
        if self._remote and self._hides([source.hit.document for source in sources]):
            self._open_vault().reserve([*texts, *(source.hit.text for source in sources)])

    def _hides(self, documents: Sequence[str]) -> bool:
        """Whether anything that goes together with these documents must be hidden.

        Without documents the configuration decides: what was typed may come from any of them.
        """
        privacy = self._library.config.privacy
        if self._told_of_hidden:
            return True
        if not documents:
            return privacy.policy != "allow" or any(found != "allow" for found in privacy.folders.values())
        self._look_up(documents)
        return any(self._rulings[document].policy != "allow" for document in documents)

    def _open_vault(self) -> Vault:
        if self._vault is None:
            self._vault = self._library.guard.vault()
        return self._vault

    def hide(self, text: str) -> str:
        """A question, a title, an earlier answer as it may go."""
        return text if self._vault is None else self._vault.hide(text)

    def quoted(self, source: Source) -> Quoted:
        """A passage as the model sees it."""
        hit = source.hit
        title = hit.title or os.path.basename(hit.path)
        text = hit.text
        if self._vault is not None:
            window = self._library.text(hit.document, hit.start - AROUND, hit.end + AROUND)
            before = window.text[: hit.start - window.start]
            text = self._vault.hide(text, before=before, after=window.text[hit.end - window.start :])
            title = self._vault.hide(title)
        place = f"{title}, page {hit.page}" if hit.page else title
        return Quoted(number=source.passage.number, source=place, text=text)

    # --- going ---

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        purpose: str,
        documents: Sequence[str],
        task: Task[Any],
    ) -> Iterator[str]:
        """The model's text, with the values that were hidden.

        Args:
            messages: The prompt, hidden as far as its maker could; it is looked through once more.
            max_tokens: Length of the answer at most.
            purpose: For the log: answer, question, summary.
            documents: `sha256:…` of all that text in the prompt is from.
            task: Told of notes; closes the connection when it is cancelled.

        Raises:
            EgressRefusedError: a document may not go to this model.
            ProviderError: the model failed.
        """
        assert self._provider is not None
        messages, log = self._ready(messages, purpose, documents, max_tokens)
        stream = self._provider.stream(
            messages,
            max_tokens=max_tokens,
            on_call=log,
            on_note=lambda text: task.emit(Notice(text=safe_text(text, 300, single_line=True))),
        )
        with task.on_cancel(stream.close), closing(stream):
            yield from stream if self._vault is None else self._vault.show_all(stream)
        task.check()

    def _ready(
        self, messages: Sequence[Message], purpose: str, documents: Sequence[str], max_tokens: int
    ) -> tuple[Sequence[Message], Callable[[Call], None] | None]:
        """The prompt as it goes and what notes it; ends here in a rehearsal."""
        assert self._provider is not None
        self._refuse(documents)
        if self._remote and (self._vault is not None or self._hides(documents)):
            messages = self._hidden(messages)
        counts = self._vault.counts if self._vault else {}
        if self._planned is not None:
            self._rehearse(messages, purpose, documents, max_tokens)
        if not self._remote:
            return messages, None
        return messages, self._library.guard.logger(self._provider.name, purpose, documents, counts)

    def _refuse(self, documents: Sequence[str]) -> None:
        """The last look before text goes: whoever made the prompt should have left these out."""
        self._rulings = {}  # a policy may have changed since
        kept = [document for document in documents if not self.permits(document)]
        if kept:
            reason = self._told[kept[0]].reason
            raise EgressRefusedError(
                f"A document does not leave this machine: {safe_text(reason, 200, single_line=True)}.",
                hint="'quire privacy PATH' shows the policy of a file.",
            )

    def _hidden(self, messages: Sequence[Message]) -> list[Message]:
        vault = self._open_vault()
        vault.reserve(message.content for message in messages)
        hidden = [replace(message, content=vault.hide_again(message.content)) for message in messages]
        if vault.counts and hidden[0].role == "system":
            hidden[0] = replace(hidden[0], content=hidden[0].content + _PLACEHOLDERS)
        return hidden

    # --- without going ---

    @property
    def rehearsing(self) -> bool:
        """Whether nothing goes."""
        return self._planned is not None

    def rehearse(self) -> None:
        """From now on nothing goes: calls are written down and fail with `RehearsedError`."""
        self._planned = []

    def _rehearse(
        self, messages: Sequence[Message], purpose: str, documents: Sequence[str], max_tokens: int
    ) -> None:
        assert self._provider is not None
        assert self._planned is not None
        written = self._provider.rehearse(messages, max_tokens=max_tokens)
        self._planned.append(
            PlannedCall(
                purpose=purpose,
                url=written.url,
                bytes=len(written.body),
                body=written.body.decode("utf-8", "replace"),
                certain=not self._planned,
            )
        )
        self._going += [document for document in documents if document not in self._going]
        raise RehearsedError("Nothing was sent.")

    def preview(self, notes: Sequence[str] = ()) -> Preview:
        """What was written down."""
        provider, planned = self._provider, self._planned or []
        rulings = self._library.guard.rulings(self._going)
        return Preview(
            model=provider.name if provider else "",
            host=provider.host if provider else "",
            local=not self._remote,
            bytes=sum(call.bytes for call in planned),
            calls=tuple(planned),
            documents=tuple(
                SentDocument(
                    path=self._library.details(document).path, document=document, policy=ruling.policy
                )
                for document, ruling in rulings.items()
            ),
            redacted=self._vault.counts if self._vault else {},
            withheld=self.withheld,
            notes=tuple(notes),
        )


def explained(withheld: Sequence[Withheld]) -> str:
    """Why there are quotes instead of an answer by the model, with what can be done about it."""
    count = len(withheld)
    documents = f"{count} document{'s' if count != 1 else ''}"
    asks = all(each.policy == "ask" for each in withheld)
    remedy = "It may go once you agree." if asks else ""
    return (
        f"What was found in {documents} is kept from the model by its folder's policy. {remedy}".strip()
        + (" These are quotes.")
    )
