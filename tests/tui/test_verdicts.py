"""Verdicts beside the sentences they belong to, while an answer is written and after."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from copilot.grounding import with_marks
from copilot.types import Answer, Claim
from tests.tui.screens import answer, ask, lines, ready, text, until
from tests.tui.scripted import ScriptedSession, make_answer
from tui.app import QuireApp
from tui.widgets.answerview import VERDICT_MARKS, Entry

Make = Callable[..., QuireApp]

CLAIMS = (
    Claim(text="The rent is 1,250 euros.", verdict="supported", citations=(1,), quote="It is 1,250 euros."),
    Claim(
        text="It began in 2023!",
        verdict="contradicted",
        citations=(1, 2),
        reason="2023 is not in [1]; [1] has 2022.",
        quote="The lease began in 2022.",
    ),
    Claim(text="Dogs are welcome.", verdict="unsupported", citations=(), reason="None says it."),
    Claim(text="租金是每月1250欧元。", verdict="partly", citations=(2,), reason="Another language."),
)


def written() -> Answer:
    """An answer as the ledger makes it: claims without marks, the text with them."""
    whole = " ".join(with_marks(claim.text, claim.citations) for claim in CLAIMS)
    return replace(make_answer("when?"), claims=CLAIMS, answer=whole)


def test_every_claim_finds_its_sentence_with_its_marks() -> None:
    entry = Entry("when?")
    entry.finish(written())
    assert [entry.text[mark.start : mark.end] for mark in entry.marked] == [
        "The rent is 1,250 euros [1].",
        "It began in 2023 [1][2]!",
        "Dogs are welcome.",
        "租金是每月1250欧元 [2]。",
    ]
    assert [mark.verdict for mark in entry.marked] == [claim.verdict for claim in CLAIMS]


@pytest.mark.parametrize(
    "raw",
    [
        "The **rent** is 1,250 euros [1]. It began in 2023 [1][2]! And then",
        "The rent is 1,250 euros. [1] It began in 2023! [1][2] And then",
        "# The rent is [1,250 euros](http://x.example) [1].\n\n- It began in 2023 [1] [2]!\n- And then",
    ],
)
def test_a_raw_stream_is_marked_as_well(raw: str) -> None:
    entry = Entry("when?")
    entry.text = raw
    entry.check(CLAIMS[:2])
    marked = {mark.verdict: raw[mark.start : mark.end] for mark in entry.marked}
    assert "2023" in marked["contradicted"]
    assert "rent" not in marked["contradicted"]
    assert "1,250" in marked["supported"]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_reason_and_quote_stand_below_what_is_not_supported(
    make_app: Make, size: tuple[int, int]
) -> None:
    async with make_app(ScriptedSession(answer=written())).run_test(size=size) as pilot:
        app = await ask(pilot, "when?")
        shown = [line.strip() for line in lines(app)]
        screen = text(app)
        assert " ! It began in 2023 [1][2]!" in screen
        assert "2023 is not in [1]; [1] has 2022." in screen
        assert '"The lease began in 2022."' in screen
        assert " ? Dogs are welcome." in screen
        assert " ~ 租金是每月1250欧元 [2]。" in screen
        assert not any(line.startswith(("!", "?", "~")) and "1,250" in line for line in shown)
        assert '"It is 1,250 euros."' not in screen  # nothing is said of what is supported


async def test_verdicts_appear_while_the_answer_is_written(make_app: Make) -> None:
    session = ScriptedSession(answer=written(), hold_answer=threading.Event())
    async with make_app(session).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("f3", *"when?", "enter")
        await until(pilot, lambda: "[1] has 2022." in text(app), "the verdict")
        assert not answer(app).entries[-1].done
        assert " ! It began in 2023 [1][2]!" in text(app)
        assert session.hold_answer is not None
        session.hold_answer.set()
        await until(pilot, lambda: answer(app).entries[-1].done, "the end")


def test_every_verdict_has_a_mark_of_its_own() -> None:
    assert len(set(VERDICT_MARKS.values())) == len(VERDICT_MARKS) == 4
