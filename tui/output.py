"""Results as text for people and as JSON for scripts. Takes answers as the wire has them.

Every string that comes from a document, a name or a model passes `safe_text` before it is printed. JSON
is printed in ASCII: escapes keep control characters away from the terminal and lone bytes of file names
intact, whatever the locale is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from indexer.findings import REMEDIES
from indexer.text import safe_text
from tui import wrapping
from tui.wrapping import wrapped

MARKS = {"supported": " ", "partly": "~", "unsupported": "?", "contradicted": "!"}
"""What stands before a sentence; the same marks as in the interface."""


def print_json(value: object) -> None:
    """One object on one line of standard output."""
    click.echo(json.dumps(value))


# --- JSON of the contract --------------------------------------------------------------------------


def search_json(result: Mapping[str, Any]) -> dict[str, Any]:
    """The search result of the contract; a retriever that did not find a hit has the score null."""
    hits = [{**hit, "scores": {"keyword": None, "semantic": None, **hit["scores"]}} for hit in result["hits"]]
    return {**{key: value for key, value in result.items() if key != "spans"}, "hits": hits}


def status_json(status: Mapping[str, Any]) -> dict[str, Any]:
    """The status of the contract."""
    library = status["library"]
    return {
        **{key: library[key] for key in ("library", "roots", "files", "documents", "chunks", "vectors")},
        "pending": {"parse": library["pending_parse"], "embed": library["pending_embed"]},
        "failed": library["failed"],
        "engine": status["engine"],
        "models": {
            "embedding": library["embedding_model"] or None,
            "language": status["language_model"]["name"] or None,
        },
        "notes": [note for note in (library["embedding_note"], status["language_model"]["note"]) if note],
        "revision": library["revision"],
    }


# --- text ------------------------------------------------------------------------------------------


def shown_path(path: str) -> str:
    """A path as short as it can be typed from here, without anything a terminal would obey."""
    here = os.getcwd().rstrip("/") + "/"  # noqa: PTH109  (Path.cwd would only be turned back)
    home = os.path.expanduser("~").rstrip("/") + "/"  # noqa: PTH111
    if path.startswith(here) and len(path) > len(here):
        path = path[len(here) :]
    elif len(home) > 1 and path.startswith(home):
        path = "~/" + path[len(home) :]
    return safe_text(path, single_line=True)


def highlighted(text: str, spans: Sequence[Sequence[int]], *, indent: str = "") -> str:
    """Text, wrapped, with the spans in bold (which `click.echo` takes out again when it prints to a file)."""
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts.append(safe_text(text[at:start], single_line=True))
        parts.append(f"\x01{safe_text(text[start:end], single_line=True)}\x02")
        at = end
    parts.append(safe_text(text[at:], single_line=True))
    # Marks of one character until the lines are cut; safe_text has left no others of their kind.
    lines = "\n".join(wrapped("".join(parts), first=indent, rest=indent))
    return lines.replace("\x01", "\x1b[1m").replace("\x02", "\x1b[0m")


def search_text(result: Mapping[str, Any]) -> str:
    """Hits as a list: place, title, how it was found, and the passage below."""
    lines: list[str] = []
    for hit in result["hits"]:
        lines.append(_hit_line(hit))
        lines.append(highlighted(hit["snippet"], hit["highlights"], indent="     "))
        if hit["explain"]:
            lines += [f"     | {line}" for line in safe_text(hit["explain"]).splitlines()]
    return "\n".join(lines)


def _hit_line(hit: Mapping[str, Any]) -> str:
    copies = f"  ={len(hit['paths'])}" if len(hit["paths"]) > 1 else ""
    page = f"  p.{hit['page']}" if hit["page"] else ""
    meaning_only = "  ~" if list(hit["matched_by"]) == ["semantic"] else ""
    title = f"  {safe_text(hit['title'], 60, single_line=True)}" if hit["title"] else ""
    old = f"  (old of {shown_path(hit['newer'])})" if hit["newer"] else ""
    name = click.style(shown_path(hit["path"]), bold=True)
    tags = "".join(f"  #{safe_text(tag, 60, single_line=True)}" for tag in hit["tags"])
    return f"{hit['rank']:3d}  {name}{page}{copies}{meaning_only}{title}{old}{tags}"


def search_summary(result: Mapping[str, Any]) -> str:
    """One line: how many, of how many, in what time."""
    shown, total = len(result["hits"]), result["total"]
    count = f"{shown} of {total}" if total > shown else str(shown)
    scope = f" in {result['in_scope']:,} of {result['documents']:,} documents"
    return f"{count} found{scope}, {result['took_ms']:.0f} ms, {result['mode']}"


def answer_text(answer: Mapping[str, Any]) -> str:
    """An answer with its marks, then the sources and what could not be read."""
    if answer["findings"]:
        return "\n".join([*_findings(answer), *_coverage(answer["coverage"])])
    if answer["status"] == "not_found":
        head = ["Not in your documents."]
        if answer["nearest"]:
            head += ["The nearest passages:", *_sources(answer["nearest"])]
        return "\n".join([*head, *_coverage(answer["coverage"])])
    stop = "。" if wrapping.columns(answer["label"][:1]) > 1 else "."
    label = [f"   {answer['label']}{stop}"] if answer["label"] else []
    return "\n".join([*label, *_sentences(answer["claims"]), "", *sources_text(answer)])


def sure_text(confidence: float | None) -> str:
    """How likely it is that the documents hold an answer, in words; "" when that was not measured."""
    return "" if confidence is None else f"{min(confidence, 0.99):.0%} sure that the documents answer it"


def sources_text(result: Mapping[str, Any]) -> list[str]:
    """Lines with the citations and the coverage of an answer or a summary."""
    conflicts = _conflicts(result.get("conflicts", ()))
    return [*conflicts, *_sources(result["citations"]), *_coverage(result["coverage"])]


def summary_text(summary: Mapping[str, Any]) -> str:
    """A summary, its sentences marked like those of an answer."""
    return "\n".join([*_sentences(summary["sentences"]), "", *sources_text(summary)])


def _sentences(sentences: Iterable[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for sentence in sentences:
        mark = MARKS.get(sentence["verdict"], "?")
        numbers = "".join(f"[{n}]" for n in sentence["citations"])
        *above, text = sentence["text"].split("\n")  # a row of a table stands below its header
        for header in above:
            lines += wrapped(safe_text(header, single_line=True), first=f" {mark} ", rest="   ")
        text = f"{safe_text(text, single_line=True)} {numbers}".rstrip()
        lines += wrapped(text, first="   " if above else f" {mark} ", rest="   ")
        if sentence["reason"] and mark != " ":
            lines += wrapped(safe_text(sentence["reason"], single_line=True), first="     ", rest="     ")
            if sentence["quote"]:
                quote = safe_text(sentence["quote"], 200, single_line=True)
                lines += wrapped(f'"{quote}"', first="     ", rest="     ")
    return lines


def _sources(citations: Iterable[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for citation in citations:
        page = f"  p.{citation['page']}" if citation["page"] else ""
        lines.append(f" [{citation['n']}] {shown_path(citation['path'])}{page}")
        quote = safe_text(" ".join(citation["quote"].split()), 200, single_line=True)
        lines += wrapped(f'"{quote}"', first="     ", rest="     ")
        if citation["note"]:
            lines += wrapped(safe_text(citation["note"], single_line=True), first="     ! ", rest="       ")
        if citation.get("newer"):
            newer = safe_text(citation["newer"]["text"], single_line=True)
            lines += wrapped(newer, first="     ! ", rest="       ")
    return lines


def _conflicts(conflicts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Values that documents give for the same thing, newest first."""
    lines: list[str] = []
    for conflict in conflicts:
        about = safe_text(conflict["about"], 300, single_line=True)
        lines += wrapped(f"Documents disagree: {about}", first=" ! ", rest="   ")
        values = [safe_text(row["value"], 60, single_line=True) for row in conflict["rows"]]
        width = max(map(wrapping.columns, values), default=0)
        for row, value in zip(conflict["rows"], values, strict=True):
            page = f"  p.{row['page']}" if row["page"] else ""
            place = f"{shown_path(row['path'])}{page} [{row['citation']}]"
            lines.append(f"     {wrapping.padded(value, width)}  {row['date']}  {place}")
    return [*lines, ""] if lines else lines


def _findings(answer: Mapping[str, Any]) -> list[str]:
    """The table of a counted answer: a line for each value, below the count."""
    cited = {citation["n"]: citation for citation in answer["citations"]}
    found = [finding for finding in answer["findings"] if finding["found"]]
    lines = [safe_text(answer["answer"].partition("\n")[0]), ""]
    names = [os.path.basename(finding["path"]) for finding in found]
    width = min(max(map(wrapping.columns, names), default=0), 36)
    for finding, name in zip(found, names, strict=True):
        for cell in finding["cells"]:
            citation = cited[cell["citation"]]
            page = f"p.{citation['page']}" if citation["page"] else ""
            shown = safe_text(name, width or 1, single_line=True)
            value = safe_text(cell["value"], 40, single_line=True)
            head = f" {MARKS[cell['verdict']]} {wrapping.padded(shown, width)} {page:>6}  {value}"
            lines.append(head.rstrip())
            quote = safe_text(" ".join(citation["quote"].split()), 200, single_line=True)
            lines += wrapped(f'[{citation["n"]}] "{quote}"', first="     ", rest="     ")
            newer = (citation.get("newer") or {}).get("text", "")
            for note in (cell["reason"], citation["note"], newer, finding["note"]):
                lines += (
                    wrapped(safe_text(note, single_line=True), first="     ! ", rest="       ")
                    if note
                    else []
                )
    return [*lines, ""] if found else lines


def cost_text(cost: Mapping[str, Any]) -> str:
    """What a question to every document will take."""
    where = f", text goes to {cost['host']}" if cost["host"] else ""
    kept = f"; {cost['kept']:,} are known from before" if cost["kept"] else ""
    return (
        f"{cost['documents']:,} documents: {cost['calls']:,} calls of {cost['model']}, "
        f"about {cost['tokens']:,} tokens{where}{kept}"
    )


def _withheld(withheld: Sequence[Mapping[str, Any]]) -> list[str]:
    """Documents that were kept from the model, with the reason and the remedy."""
    lines = []
    for each in withheld[:5]:
        lines += _beside(f" ! kept from the model ({each['policy']}): ", each)
    if len(withheld) > 5:
        lines.append(f" ! and {len(withheld) - 5:,} more that were kept from the model")
    if any(each["policy"] == "ask" for each in withheld):
        lines.append("   --agree lets those under 'ask' go this time; --dry-run shows what would go")
    return lines


def _coverage(coverage: Mapping[str, Any]) -> list[str]:
    lines = [f" read {coverage['read']:,} of {coverage['in_scope']:,} documents in scope"]
    waiting = coverage.get("waiting", 0)
    lines += _withheld(coverage.get("withheld", ()))
    unread = coverage["unread"][: len(coverage["unread"]) - min(waiting, 50)]
    for file in unread[:5]:
        lines += _beside(" ! not read: ", file)
    if len(unread) > 5:
        lines.append(f" ! and {len(unread) - 5:,} more that could not be read; 'quire status' lists them")
    if waiting:
        lines.append(f" ! {waiting:,} still to be read: new or changed; 'quire index' reads them now")
    return lines


class WordWrap:
    """Prints text that arrives in pieces, with its lines broken between words."""

    def __init__(self) -> None:
        """Begin at the left edge."""
        self._word = ""
        self._column = 0

    def write(self, text: str) -> None:
        """Print all words that are complete; the last one waits for what follows."""
        for char in safe_text(text):
            if char in " \n":
                self._put_word(char)
                continue
            if self._word and wrapping.may_break(self._word[-1], char):
                self._put_word("")
            self._word += char

    def end(self) -> None:
        """Print what waits, and end the line."""
        self._put_word("\n")

    def _put_word(self, after: str) -> None:
        takes = wrapping.columns(self._word)
        if self._column and self._column + takes > wrapping.width():
            click.echo()
            self._column = 0
        click.echo(self._word + after, nl=False)
        self._column = 0 if after == "\n" else self._column + takes + len(after)
        self._word = ""


def _all_by_meaning(library: Mapping[str, Any]) -> str:
    """Not the number of vectors, which equal passages share: it would look as if some were missing."""
    done = library["embedding_model"] and library["chunks"] and not library["pending_embed"]
    return ", all searchable by meaning" if done else ""


def status_text(status: Mapping[str, Any]) -> str:
    """The status as lines; failures with their reasons, at most twenty of them."""
    library, engine = status["library"], status["engine"]
    lines = [
        f"library    {shown_path(library['library'])}",
        *(f"folder     {_root_line(root)}" for root in library["roots"]),
        f"files      {library['files']:,} ({library['documents']:,} different documents)",
        f"passages   {library['chunks']:,}{_all_by_meaning(library)}",
    ]
    if library["pending_parse"] or library["pending_embed"]:
        lines.append(
            f"waiting    {library['pending_parse']:,} documents, {library['pending_embed']:,} passages"
        )
    lines += [f"pictures   {text}" for text in [ocr_text(library)] if text]
    model = status["language_model"]
    meaning = library["embedding_model"] or library["embedding_note"] or "its model is being loaded"
    lines.append(f"meaning    {safe_text(meaning)}")
    place = "stays on this machine" if model["local"] else f"text goes to {model['host']}"
    lines.append(f"answers    {safe_text(model['name'] or 'quotes only')} ({safe_text(place)})")
    lines += [f"           {safe_text(note)}" for note in [model["note"]] if note]
    if engine:
        lines.append(
            f"engine     pid {engine['pid']}, {engine['version']}, up {engine['uptime_s']:.0f} s, "
            f"{engine['rss_mb']:.0f} MB"
        )
    failed = library["failed"]
    if failed:
        lines.append(f"not read   {len(failed)}")
    for file in failed[:20]:
        lines += _beside("  ! ", file)
    if len(failed) > 20:
        lines.append(f"  and {len(failed) - 20} more; --json lists all")
    return "\n".join(lines)


def ocr_text(library: Mapping[str, Any], before: str = "") -> str:
    """How many pages wait for OCR, after `before`; "" when none does."""
    count = library["pending_ocr"]
    if not count:
        return ""
    pages = "1 page" if count == 1 else f"{count:,} pages"
    if library["ocr_engines"]:
        return f"{before}{pages} of pictures {'is' if count == 1 else 'are'} not read by OCR yet"
    return f"{before}{pages} of pictures {'needs' if count == 1 else 'need'} OCR ('quire doctor' says how)"


def _root_line(root: Mapping[str, Any]) -> str:
    state = "" if root["state"] == "watched" else f"  ({root['state']})"
    note = f"  {safe_text(root['note'], single_line=True)}" if root["note"] else ""
    return f"{shown_path(root['path'])}  {root['files']:,} files{state}{note}"


def _beside(mark: str, file: Mapping[str, Any]) -> list[str]:
    """A file with its reason and remedy: on a line if they fit, else below it. The path is not broken."""
    hint = f" {file['hint']}" if file.get("hint") else ""
    reason = safe_text(f"{file['reason']}{hint}", single_line=True)
    head = f"{mark}{shown_path(file['path'])}:"
    if wrapping.columns(f"{head} {reason}") <= wrapping.width():
        return [f"{head} {reason}"]
    return [head, *wrapped(reason, first="     ", rest="     ")]


def roots_text(roots: Iterable[Mapping[str, Any]]) -> str:
    """One folder a line."""
    return "\n".join(_root_line(root) for root in roots)


def details_text(details: Mapping[str, Any]) -> str:
    """What is known of a document, one fact a line; empty ones are left out."""
    facts: list[tuple[str, object]] = [
        ("path", shown_path(details["path"])),
        ("title", details["title"]),
        ("type", f"{details['kind']} ({details['format']})"),
        ("language", details["language"]),
        ("pages", details["pages"] or ""),
        ("size", f"{details['size_bytes']:,} bytes, {details['characters']:,} characters"),
        ("passages", details["chunks"]),
        ("state", details["state"]),
        ("reason", f"{details['reason']} {details['hint']}".strip()),
        ("quality", "" if details["quality"] is None else details["quality"]),
        *(("", line) for line in findings_text(each for each in details["findings"] if each["cost"])),
        ("encoding", details["encoding"]),
        ("tags", ", ".join(details["tags"])),
        *((key, value) for key, value in sorted(details["metadata"].items())),
        *(("copy", shown_path(path)) for path in details["duplicates"]),
        *(("version", shown_path(path)) for path in details["versions"]),
        *(("warning", warning) for warning in details["warnings"]),
        ("ocr", _ocr_pages(details["ocr_pages"])),
        ("no text on pages", ", ".join(map(str, details["textless_pages"]))),
        ("document", details["document"]),
    ]
    return "\n".join(
        f"{safe_text(name):<10} {safe_text(str(value), single_line=True)}"
        for name, value in facts
        if value != ""
    )


def findings_text(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Why a document has its quality: a line for each finding, with its pages and what helps."""
    lines = []
    for finding in findings:
        pages = ", ".join(map(str, finding["pages"]))
        where = f" (page {pages})" if len(finding["pages"]) == 1 else f" (pages {pages})" if pages else ""
        text = f"{finding['note'].rstrip('.')}{where}. {REMEDIES.get(finding['remedy'], '')}"
        lines.append(safe_text(text.strip(), 300, single_line=True))
    return lines


def _ocr_pages(pages: Sequence[Sequence[int]]) -> str:
    """Pages whose text is from OCR, with how sure it was."""
    shown = [f"page {page} ({confidence}%)" for page, confidence in pages[:20]]
    if len(pages) > 20:
        shown.append(f"and {len(pages) - 20:,} more; --json lists all")
    return ", ".join(shown)


def checks_text(checks: Iterable[Mapping[str, Any]]) -> str:
    """One check a line, with the remedy below what failed."""
    lines: list[str] = []
    for check in checks:
        lines.append(
            f"{'ok  ' if check['ok'] else 'FAIL'} {safe_text(check['name'])}: {safe_text(check['detail'])}"
        )
        if check["remedy"] and not check["ok"]:
            lines.append(f"       {safe_text(check['remedy'])}")
    return "\n".join(lines)
