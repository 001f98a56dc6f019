"""What text looks like, by its meaning: one table for all widgets that draw their own lines.

The styles are made from the theme's colours here and not in the style sheet, where each would be
matched against every rule for every widget: that was a third of the time to the first frame. Nothing
relies on colour alone; on a theme of the terminal's own colours the cursor is reversed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color
from textual.widget import Widget

_NAMES = ("foreground", "background", "panel", "primary", "accent", "warning", "error", "quire-dim")

Colours = tuple[tuple[str, str], ...]
"""The theme's variables that styles are made of, and whether it is one of the terminal's own colours."""


def colours(variables: Mapping[str, str], *, ansi: bool) -> Colours:
    """The part of a theme's variables that styles need."""
    return (*((name, variables.get(name, "")) for name in _NAMES), ("ansi", "yes" if ansi else ""))


@functools.lru_cache(maxsize=64)
def mixed(base: Style, chosen: Colours) -> dict[str, Style]:
    """All styles on top of a widget's own style; "" is that one."""
    theme = dict(chosen)

    def style(foreground: str = "", background: str = "") -> Style:
        return Style.from_color(_colour(theme, foreground), _colour(theme, background))

    reverse = Style(reverse=True)
    if theme["ansi"]:
        cursor, lit = reverse, Style(reverse=True, bold=True)
        blurred = reverse
    else:
        cursor, lit = style("background", "primary"), style("background", "accent") + Style(bold=True)
        blurred = style("foreground", "panel") + Style(bold=True)
    styles = {
        # lines of the frame
        "current": Style(reverse=True, bold=True),
        "key": Style(bold=True),
        "dim": style("quire-dim"),
        "alert": style("warning") + Style(bold=True),
        # lists
        "match": style("accent") + Style(bold=True, underline=True),
        "name": Style(bold=True),
        "mark": style("accent") + Style(bold=True),
        "warn": style("warning"),
        "head": style("quire-dim") + Style(bold=True),
        "cursor": cursor,
        "cursor-blurred": blurred,
        # text
        "title": style("", "panel") + Style(bold=True),
        "title-dim": style("quire-dim", "panel"),
        "lit": lit,
        "quote": style("accent") + Style(underline=True),
        # answers
        "question": style("primary") + Style(bold=True),
        "cite": style("primary") + Style(bold=True),
        "partly": style("accent"),
        "bad": style("error") + Style(underline=True),
        # queries
        "field": style("primary") + Style(bold=True),
        "operator": style("accent") + Style(bold=True),
        "phrase": Style(underline=True),
        "ignored": style("quire-dim") + Style(italic=True),
    }
    return {"": base} | {name: base + own for name, own in styles.items()}


def styles_of(widget: Widget) -> dict[str, Style]:
    """The styles for a widget's lines, in the theme of this moment."""
    app = widget.app
    return mixed(widget.rich_style, colours(app.theme_variables, ansi=app.current_theme.ansi))


def _colour(theme: Mapping[str, str], name: str) -> RichColor | None:
    value = theme.get(name, "")
    return Color.parse(value).rich_color if value else None
