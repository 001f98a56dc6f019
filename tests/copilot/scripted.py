"""A language model that says what the test wrote, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from copilot.background import Background, Task
from copilot.providers import Message, Models, Provider
from indexer.config import Config
from indexer.egress import Call, Planned
from indexer.errors import ProviderError


class ScriptedProvider:
    """Answers each prompt with the next text; an exception in the list is raised at its place."""

    def __init__(self, *answers: str | Exception, is_local: bool = True, context_tokens: int = 8192) -> None:
        self.name = "scripted"
        self.host = "127.0.0.1:1" if is_local else "api.example.com"
        self.is_local = is_local
        self.context_tokens = context_tokens
        self.answer_tokens = min(400, context_tokens // 4)
        self.answers = list(answers)
        self.prompts: list[list[Message]] = []

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        on_call: Callable[[Call], None] | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> Background[str]:
        self.prompts.append(list(messages))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

        def work(task: Task[str]) -> Iterator[str]:
            if on_call is not None:
                size = sum(len(message.content) for message in messages)
                on_call(Call(host=self.host, local=self.is_local, bytes=size, outcome="200"))
            if isinstance(answer, Exception):
                raise answer
            text, cut, _ = answer.partition("<CUT>")
            for word in text.split(" "):
                yield f"{word} "
            if cut:
                raise ProviderError("The connection to scripted was cut off.", hint="Ask again.")

        return Background(work)

    def rehearse(self, messages: Sequence[Message], *, max_tokens: int) -> Planned:
        body = json.dumps([message.content for message in messages], ensure_ascii=False).encode()
        return Planned(url=f"https://{self.host}/", host=self.host, local=self.is_local, body=body)


class ScriptedModels(Models):
    """Leads to the scripted model, or to none with a reason."""

    def __init__(self, provider: ScriptedProvider | None, note: str = "") -> None:
        super().__init__(Config())
        self.scripted = provider
        self.note = note

    def provider(self) -> tuple[Provider | None, str]:
        return self.scripted, self.note
