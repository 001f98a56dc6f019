"""The page of `quire report`: the library in numbers, as one file without scripts and without requests.

Takes the overview as the wire has it. Plots are drawn here as SVG; every number in a plot stands in a table
as well. All foreign text passes `safe_text` and is escaped; the page's policy forbids everything but its own
style, so that nothing in it can reach a network.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from indexer.findings import MEANINGS, REMEDIES
from indexer.text import safe_text

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of the page: no script, no picture, no font, no frame, no request."""

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5b6475; --line: #d7dce4; --ground: #ffffff;
  --panel: #f5f7fa; --bar: #3568b8; --good: #2e7d4f; --fair: #b07a1a; --poor: #b8352f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #9aa5b8; --line: #363d4a;
  --ground: #14171d; --panel: #1c2129; --bar: #6f9fe8; --good: #5fbf87; --fair: #e0ad52;
  --poor: #ef7a73; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 76rem; color: var(--ink);
  background: var(--ground);
  font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.4rem 0 .6rem; }
p.sub { color: var(--soft); margin: .2rem 0 1.4rem; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem;
  margin: 0; }
.tiles div { background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
  padding: .7rem .9rem; }
.tiles dt { color: var(--soft); font-size: .85rem; } .tiles dd { margin: 0; font-size: 1.45rem;
  font-weight: 600; }
.plots { columns: 3 21rem; column-gap: 1rem; } .plots section { break-inside: avoid; margin-bottom: 1rem; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
  padding: .4rem 1rem 1rem; min-width: 0; }
section h2 { margin: .6rem 0; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--ink); font-size: 13px; }
svg .n { fill: var(--soft); } svg .b { fill: var(--bar); } svg .good { fill: var(--good); }
svg .fair { fill: var(--fair); } svg .poor { fill: var(--poor); }
details summary { cursor: pointer; color: var(--soft); margin-top: .6rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%;
  font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--soft); font-weight: 600; } td.r, th.r { text-align: right; white-space: nowrap; }
td.path { overflow-wrap: anywhere; min-width: 14rem; } td.poor { color: var(--poor); font-weight: 600; }
td small { color: var(--soft); display: block; } footer { margin-top: 3rem; color: var(--soft); }
"""

_ROW, _LABEL, _WIDTH = 24, 150, 460
_BAR = _WIDTH - _LABEL - 60

Row = Mapping[str, Any]
Colour = Callable[[int, Row], str]


def page(overview: Mapping[str, Any]) -> str:
    """The whole page."""
    quality = overview["quality"]
    made = overview["made"].replace("T", " ")
    scope = f" · {_text(overview['scope'])}" if overview["scope"] else ""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Quire: {_text(overview['library'])}</title><style>{_STYLE}</style></head><body>",
        "<h1>The library in numbers</h1>",
        f'<p class="sub">{_text(overview["library"])} · {_text(made)}{scope}</p>',
        _tiles(overview),
        "<h2>What there is</h2>",
        '<div class="plots">',
        _plot("Quality", overview["scores"], "score", _by_score),
        _plot("Types", overview["types"], "type"),
        _plot("Sizes", overview["sizes"], "size"),
        _plot("Age", overview["ages"], "year of the last change"),
        _plot("Languages", overview["languages"], "language"),
        _plot("Copies and versions", overview["copies"], "relation", _by_relation),
        _plot("Without text", overview["unread"], "reason", lambda at, row: "fair"),
        "</div>",
        "<h2>Why quality is lost</h2>",
        _reasons(quality["reasons"]),
        _groups("Quality by folder", "folder", quality["folders"]),
        _groups("Quality by type", "type", quality["types"]),
        _groups("Quality by month of the last change", "month", quality["months"]),
        "<h2>The lowest scores</h2>",
        _worst(quality["worst"], quality["poor_below"]),
        "<footer>Made by Quire. This file is complete in itself and asks no other for anything.</footer>",
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _tiles(overview: Mapping[str, Any]) -> str:
    quality = overview["quality"]
    score = "–" if quality["score"] is None else str(quality["score"])
    tiles = [
        ("files", f"{quality['files']:,}"),
        ("different documents", f"{overview['documents']:,}"),
        ("size", size(overview["size_bytes"])),
        ("mean quality", f"{score} of 100"),
        (f"poor (below {quality['poor_below']})", f"{quality['poor']:,}"),
        ("without text", f"{sum(row['files'] for row in overview['unread']):,}"),
    ]
    inner = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in tiles)
    return f'<dl class="tiles">{inner}</dl>'


# --- plots ---------------------------------------------------------------------------------------


def _plot(title: str, rows: Sequence[Row], what: str, colour: Colour = lambda at, row: "b") -> str:
    """A bar for each row, and the same numbers as a table."""
    if not any(row["files"] for row in rows):
        return f"<section><h2>{_text(title)}</h2><p>Nothing.</p></section>"
    table = _table(
        (what, "files", "size"),
        ((_cell(row["name"]), _number(row["files"]), _right(size(row["size_bytes"]))) for row in rows),
    )
    return (
        f"<section><h2>{_text(title)}</h2>{bars(title, rows, colour)}"
        f"<details open><summary>numbers</summary>{table}</details></section>"
    )


def bars(title: str, rows: Sequence[Row], colour: Colour) -> str:
    """Horizontal bars by number of files, as SVG."""
    most = max(row["files"] for row in rows)
    drawn = []
    for at, row in enumerate(rows):
        y = at * _ROW
        width = max(2.0, _BAR * row["files"] / most) if row["files"] else 0.0
        name = safe_text(row["name"] or "unknown", 18, single_line=True)
        drawn.append(
            f'<text x="{_LABEL - 8}" y="{y + 16}" text-anchor="end">{html.escape(name)}</text>'
            f'<rect class="{colour(at, row)}" x="{_LABEL}" y="{y + 4}" width="{width:.1f}" height="16"/>'
            f'<text class="n" x="{_LABEL + width + 6:.1f}" y="{y + 16}">{row["files"]:,}</text>'
        )
    height = len(rows) * _ROW + 4
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{html.escape(title)}: files">'
        f"{''.join(drawn)}</svg>"
    )


def _by_score(at: int, row: Row) -> str:
    return "poor" if at < 5 else "fair" if at < 8 else "good"


def _by_relation(at: int, row: Row) -> str:
    return "b" if at == 0 else "fair"


# --- tables --------------------------------------------------------------------------------------


def _reasons(reasons: Sequence[Row]) -> str:
    if not reasons:
        return "<p>Nothing was found.</p>"
    rows = (
        (
            _cell(str(MEANINGS.get(reason["code"], reason["note"]))),
            _number(reason["files"]),
            _cell(REMEDIES[reason["remedy"]], empty="–"),
        )
        for reason in reasons
    )
    return _table(("reason", "files", "what helps"), rows)


def _groups(title: str, what: str, groups: Sequence[Row]) -> str:
    rows = (
        (
            _cell(group["name"] or "unknown", "path"),
            _number(group["files"]),
            _right(size(group["size_bytes"])),
            _right("–" if group["score"] is None else str(group["score"])),
            _number(group["poor"]),
        )
        for group in groups
    )
    return f"<h2>{_text(title)}</h2>" + _table((what, "files", "size", "score", "poor"), rows)


def _worst(files: Sequence[Row], below: int) -> str:
    if not files:
        return "<p>Every text is of full quality.</p>"
    rows = (
        (
            f'<td class="r{" poor" if file["score"] < below else ""}">{file["score"]}</td>',
            f'<td class="path">{_text(file["path"], 400)}<small>{_text(file["title"], 120)}</small></td>',
            "<td>"
            + "<br>".join(
                _text(f"{finding['note']} {REMEDIES.get(finding['remedy'], '')}", 300)
                for finding in file["findings"]
                if finding["cost"]
            )
            + "</td>",
        )
        for file in files
    )
    return _table(("score", "file", "reasons and what helps"), rows)


_RIGHT = frozenset({"files", "size", "score", "poor"})


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(
        f'<th scope="col"{" class=r" if name in _RIGHT and at else ""}>{_text(name)}</th>'
        for at, name in enumerate(heads)
    )
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: str, kind: str = "", empty: str = "unknown") -> str:
    return f"<td{f' class={kind}' if kind else ''}>{_text(value or empty, 400)}</td>"


def _number(value: int) -> str:
    return _right(f"{value:,}")


def _right(value: str) -> str:
    return f'<td class="r">{_text(value)}</td>'


def _text(value: str, limit: int = 200) -> str:
    """Foreign text for the page: cleaned, on one line, escaped."""
    return html.escape(safe_text(value, limit, single_line=True))


def size(count: int) -> str:
    """Bytes for a person."""
    amount = float(count)
    for unit in _units():
        if amount < 1000 or unit == "TB":
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError(count)


def _units() -> Iterator[str]:
    yield from ("bytes", "KB", "MB", "GB", "TB")
