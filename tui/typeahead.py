"""Keys take effect one after the other, however fast they come.

Over SSH keys arrive in bursts, and people type ahead. Textual hands each key to the focused widget's
queue and runs a binding only when the key has bubbled up to the app, so in a burst `Ctrl-U abc` inserts
"abc" before the line is cleared, and `Enter j` types a "j" into the input that Enter was to leave. Here
a key waits until the one before it has been through all queues on its way, and what is typed before
the first frame waits for the input that is to take it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.widgets import Input

_PATIENCE_S = 0.3
"""Longest wait for one queue, or for a dialog to take the focus."""
_ROUNDS = 2
"""A handler may post another message to its own queue: the second round waits for that one."""


class TypeAhead(App[int], inherit_bindings=False):
    """Dispatches keys in their order. A single key is not delayed."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._keys: deque[events.Key] = deque()
        self._typist: asyncio.Task[None] | None = None
        self._keys_wanted = False

    def take_keys(self) -> None:
        """The first part has the focus: hand out what was typed so far, and from now on at once."""
        self._keys_wanted = True
        self._start_typist()

    async def on_event(self, event: events.Event) -> None:
        """Put keys in line; everything else goes its way."""
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
            return
        self._keys.append(event)
        self._start_typist()

    def _start_typist(self) -> None:
        if self._keys and self._keys_wanted and (self._typist is None or self._typist.done()):
            self._typist = asyncio.create_task(self._dispatch_keys())

    async def _dispatch_keys(self) -> None:
        before: events.Key | None = None
        try:
            while self._keys:
                event = self._keys.popleft()
                if before is not None and not self._both_typed(before, event):
                    await self._settle()
                await super().on_event(event)
                before = event
        except Exception as exc:  # noqa: BLE001 - the app's own way of ending by an exception
            self._handle_exception(exc)

    def _both_typed(self, before: events.Key, event: events.Key) -> bool:
        """Two characters for one input: its queue keeps their order."""
        return before.is_printable and event.is_printable and isinstance(self.screen.focused, Input)

    async def _settle(self) -> None:
        """Wait until every queue from the focused widget up to the app has been worked through."""
        for _ in range(_ROUNDS):
            start = self.screen.focused or self.screen
            for node in start.ancestors_with_self:
                await _worked_through(node)
        deadline_s = time.monotonic() + _PATIENCE_S
        while self.screen.is_modal and self.screen.focused is None and time.monotonic() < deadline_s:
            await asyncio.sleep(0.005)


async def _worked_through(node: MessagePump) -> None:
    reached = asyncio.Event()
    if node.is_running and node.call_later(reached.set):
        try:
            await asyncio.wait_for(reached.wait(), _PATIENCE_S)
        except TimeoutError:
            pass  # a handler that waits for something else must not stop the keyboard
