"""The house themes, and which theme a terminal gets when nobody chose one."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

QUIRE_DARK = Theme(
    name="quire-dark",
    primary="#8fb3d9",
    secondary="#9fb8a6",
    accent="#e0b866",
    warning="#e0a458",
    error="#e07a70",
    success="#8fbf8f",
    foreground="#d6d8dc",
    background="#15171b",
    surface="#15171b",
    panel="#23272e",
    dark=True,
    variables={"quire-cursor": "#8fb3d9", "quire-cursor-text": "#10141a", "quire-dim": "#8a9099"},
)
QUIRE_LIGHT = Theme(
    name="quire-light",
    primary="#2f5f8f",
    secondary="#4b6b55",
    accent="#8a5a00",
    warning="#9a5b00",
    error="#a8322a",
    success="#2f6b3a",
    foreground="#22252a",
    background="#fbfaf7",
    surface="#fbfaf7",
    panel="#eae7df",
    dark=False,
    variables={"quire-cursor": "#2f5f8f", "quire-cursor-text": "#ffffff", "quire-dim": "#6a6f76"},
)
HOUSE = (QUIRE_DARK, QUIRE_LIGHT)


def automatic_theme(environ: Mapping[str, str]) -> str:
    """The terminal's own 16 colours where it has no more or NO_COLOR asks for none."""
    term = environ.get("TERM", "")
    rich = "256color" in term or "direct" in term or bool(environ.get("COLORTERM"))
    return "quire-dark" if rich and "NO_COLOR" not in environ else "ansi-dark"
