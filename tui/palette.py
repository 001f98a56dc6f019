"""What text looks like, by its meaning: one table for all widgets that draw their own lines.

The styles are made from the theme's colours here and not in the style sheet, where each would be
matched against every rule for every widget: that was a third of the time to the first frame. Nothing
relies on colour alone; on a theme of the terminal's own colours the cursor is reversed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    _Mixin = Widget
else:
    _Mixin = object  # a second base of Textual's would change where a widget finds its style rules

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
        # differences; the marks in the text say the same without a style
        "removed": style("error") + reverse,
        "added": style("primary") + Style(bold=True, underline=True),
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


class Painted(_Mixin):
    """A widget that draws its own lines, in these styles.

    The styles are looked up once for all lines of a refresh, and `refresh_changed` sends only the lines
    that look different: over SSH a refresh costs what it sends.
    """

    def draw_line(self, y: int) -> Strip:
        """Line `y` of the widget, in exactly its width."""
        raise NotImplementedError

    def render_lines(self, crop: Region) -> list[Strip]:
        """Take the styles of this moment, then draw."""
        self._painted = styles_of(self)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw a line and remember what it looks like."""
        strip = self.draw_line(y)
        self._drawn[y] = strip
        return strip

    def refresh_changed(self) -> None:
        """Draw the lines anew that are not on screen as they should be."""
        if not self.is_attached:
            return
        self._painted = styles_of(self)
        width, height = self.size
        changed = [y for y in range(height) if self._drawn.get(y) != self.draw_line(y)]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    @functools.cached_property
    def _drawn(self) -> dict[int, Strip]:
        return {}

    @property
    def paint(self) -> dict[str, Style]:
        """The styles by name; "" is the plain one."""
        painted: dict[str, Style] | None = getattr(self, "_painted", None)
        return styles_of(self) if painted is None else painted


def styles_of(widget: Widget) -> dict[str, Style]:
    """The styles for a widget's lines, in the theme of this moment."""
    app = widget.app
    return mixed(widget.rich_style, colours(app.theme_variables, ansi=app.current_theme.ansi))


def _colour(theme: Mapping[str, str], name: str) -> RichColor | None:
    value = theme.get(name, "")
    return Color.parse(value).rich_color if value else None
