"""The query language: text to a syntax tree, and back.

One grammar for every client (ux.md, section 3). Any string is legal: what is not an operator, a known
field or a quote is text. Standard library only, so that the interface can import it before its first
frame. Must not know where documents are kept or how they are ranked; `indexer.values` understands the
dates and numbers of fields.

A query is either *ranking* (plain words rank, `+`, quotes and fields demand, `-` excludes) or, as soon
as `OR`, `|`, `AND` or a group in parentheses appears, *boolean* (everything demands; OR binds tighter
than the AND between words).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from indexer import values

Role = Literal["word", "phrase", "field", "value", "operator", "ignored"]
Span = tuple[int, int]

MAX_CHARACTERS = 20_000
"""What lies behind it is ignored, and said so: nobody types it, and each word costs."""

ANY = "*"
"""Value of a field that only has to be there."""

MAX_DEPTH = 30
"""Groups inside groups; deeper parentheses are text."""


@dataclass(frozen=True, slots=True)
class Word:
    """A plain word as typed, without its escapes."""

    text: str
    prefix: bool = False
    """Anything that begins so: `begin*`, or the word being typed."""
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order, or near each other."""

    text: str
    near: int | None = None
    """Words that may lie between them in any order; None: exactly as written."""
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """`name:value,value`: any of the values."""

    name: str
    values: tuple[str, ...]
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Must:
    """`+word` in a ranking query."""

    child: Word


@dataclass(frozen=True, slots=True)
class Not:
    """`-x` or `NOT x`."""

    child: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of the children."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the children; two or more."""

    children: tuple[Node, ...]


Node = Word | Phrase | Field | Must | Not | And | Or


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. Two are equal when they mean the same, wherever their parts stood."""

    clauses: tuple[Node, ...]
    """Ranking: each clause by itself. Boolean: all of them hold."""
    boolean: bool = False
    sort: str = ""
    """relevance, new, old, name, size, or "" when not said."""
    mode: str = ""
    """auto, keyword, semantic, or "" when not said."""
    text: str = field(default="", compare=False)
    problems: tuple[str, ...] = field(default=(), compare=False)
    """For a person: what was left out and why."""
    spans: tuple[tuple[int, int, Role], ...] = field(default=(), compare=False)
    """Ascending, not overlapping."""

    def __str__(self) -> str:
        return print_query(self)

    @property
    def empty(self) -> bool:
        """Nothing is searched for: newest documents are meant."""
        return not self.clauses

    def leaves(self) -> Iterator[tuple[Word | Phrase | Field, bool]]:
        """Every word, phrase and field from left to right, with whether it is wanted (not excluded)."""
        for clause in self.clauses:
            yield from _leaves(clause, wanted=True)

    @property
    def sought(self) -> tuple[Word | Phrase, ...]:
        """Words and phrases that rank, in order."""
        return tuple(leaf for leaf, wanted in self.leaves() if wanted and not isinstance(leaf, Field))

    @property
    def plain(self) -> str:
        """What is sought, as one line of text: what an embedding model reads."""
        return " ".join(leaf.text for leaf in self.sought)


def parse(
    text: str,
    *,
    now: dt.datetime | None = None,
    typing: bool = False,
    custom: Mapping[str, str] | None = None,
) -> Query:
    """Parse any string.

    Args:
        text: As typed.
        now: Local time that relative dates count from; the present when None.
        typing: The last word may be unfinished: it matches as a prefix.
        custom: Kinds of the fields somebody made, by name: they need no `field.` before them, and
            their values are checked.
    """
    return _Parser(text, now or dt.datetime.now(), custom or {}, typing=typing).parse()


# --- tokens --------------------------------------------------------------------------------------

Token = Literal["word", "phrase", "field", "(", ")", "or", "and", "not", "-", "+"]


@dataclass(slots=True)
class _Token:
    kind: Token
    start: int
    end: int
    text: str = ""
    values: tuple[str, ...] = ()
    near: int | None = None
    prefix: bool = False
    colon: int = 0
    """Where the value of a field begins."""


# Controls and lone surrogates separate like a blank: they can be pasted, but nobody means them.
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_QUOTES = {'"': '"', "“": "”“", "„": "“”"}
_QUOTED_ESCAPES = frozenset('\\"“”„')
_NAME = re.compile(r"([A-Za-z]+):")
_CUSTOM_NAME = re.compile(r"(field\.)?([A-Za-z][\w-]*):", re.IGNORECASE)
_NEAR = re.compile(r"~(\d{1,3})(?=$|[\s)])")
_OPERATORS: dict[str, Token] = {"OR": "or", "|": "or", "AND": "and", "NOT": "not"}
_UNARY = frozenset({"-", "+", "not"})
_BINARY = frozenset({"or", "and"})
_OPENING = _BINARY | {"("}


class _Lexer:
    """Cuts the text into tokens; spans refer to the text given."""

    def __init__(self, text: str, custom: Mapping[str, str]) -> None:
        self.text = text
        self.custom = custom
        self.length = min(len(text), MAX_CHARACTERS)
        self.at = 0
        self.depth = 0
        self.problems: list[str] = []

    def tokens(self) -> Iterator[_Token]:
        while self._skip_blank():
            yield self._next()

    def _skip_blank(self) -> bool:
        if blank := _BLANK.match(self.text, self.at):
            self.at = blank.end()
        return self.at < self.length

    def _peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.text[at] if at < self.length else ""

    def _take(self, kind: Token, count: int) -> _Token:
        self.at += count
        return _Token(kind, self.at - count, self.at)

    def _next(self) -> _Token:
        char, following = self._peek(), self._peek(1)
        if char == "(" and self.depth < MAX_DEPTH:
            self.depth += 1
            return self._take("(", 1)
        if char == ")" and self.depth:
            self.depth -= 1
            return self._take(")", 1)
        apart = not self.at or self.text[self.at - 1] in "(+-" or _BLANK.match(self.text[self.at - 1])
        if char in ("-", "+") and apart and following and following != char and not _BLANK.match(following):
            return self._take("-" if char == "-" else "+", 1)
        if char in _QUOTES and (phrase := self._phrase()):
            return phrase
        if found := self._custom_field():
            return found
        if (name := _NAME.match(self.text, self.at, self.length)) and (found := self._field(name)):
            return found
        return self._word()

    def _phrase(self) -> _Token | None:
        """A quoted phrase, or None when the quote is alone; an open one ends with the text."""
        start = self.at
        content = self._quoted()
        if not content and (self.at == start + 1 or self.text[self.at - 1] not in _QUOTES[self.text[start]]):
            self.at = start
            return None
        token = _Token("phrase", start, self.at, content)
        if near := _NEAR.match(self.text, self.at, self.length):
            token.near, token.end, self.at = int(near[1]), near.end(), near.end()
        return token

    def _quoted(self) -> str:
        closing = _QUOTES[self._peek()]
        self.at += 1
        content: list[str] = []
        while (char := self._peek()) and char not in closing:
            if char == "\\" and self._peek(1) in _QUOTED_ESCAPES:
                self.at += 1
                char = self._peek()
            content.append(char)
            self.at += 1
        self.at += bool(char)
        return _BLANK.sub(" ", "".join(content)).strip()

    def _word(self) -> _Token:
        start = self.at
        content, star = self._bare("")
        raw = self.text[start : self.at]
        if raw in _OPERATORS:
            return _Token(_OPERATORS[raw], start, self.at, content)
        return _Token("word", start, self.at, content, prefix=star)

    def _bare(self, stop: str) -> tuple[str, bool]:
        """Text up to a blank, the end of the group or a character of `stop`; and whether `*` ended it."""
        content: list[str] = []
        inner, star = 0, False
        while (char := self._peek()) and not _BLANK.match(char) and char not in stop:
            if char == ")" and not inner and self.depth:
                break
            inner += (char == "(") - (char == ")" and inner > 0)
            if star:
                content.append("*")
            star = char == "*" and bool(content)
            if char == "\\" and self._escapes(first=not content):
                self.at += 1
                char = self._peek()
            if not star:
                content.append(char)
            self.at += 1
        return "".join(content), star

    def _escapes(self, *, first: bool) -> bool:
        r"""Whether a backslash escapes what follows: a sign, or a word; in `C:\temp` it is itself."""
        following = self._peek(1)
        return bool(following) and not _BLANK.match(following) and (first or not following.isalnum())

    def _field(self, name: re.Match[str]) -> _Token | None:
        key = values.ALIASES.get(name[1].lower(), name[1].lower())
        if key not in values.FIELDS:
            following = self.text[name.end() : name.end() + 1]
            if len(key) > 1 and following and not _BLANK.match(following) and following not in ":/\\":
                self.problems.append(f"no field {name[1]}:")
            return None
        return self._field_token(key, name.end())

    def _custom_field(self) -> _Token | None:
        name = _CUSTOM_NAME.match(self.text, self.at, self.length)
        if name is None or not (name[1] or name[2].lower() in self.custom):
            return None
        return self._field_token(values.CUSTOM + name[2].lower(), name.end())

    def _field_token(self, key: str, colon: int) -> _Token:
        start, self.at = self.at, colon
        found: list[str] = []
        while True:
            if self._peek() in _QUOTES:
                value = self._quoted()
            else:
                value, star = self._bare(",")
                value += "*" * star
            if value:
                found.append(value)
            if self._peek() != ",":
                break
            self.at += 1
        return _Token("field", start, self.at, key, tuple(found), colon=colon)


# --- the parser ----------------------------------------------------------------------------------


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str, now: dt.datetime, custom: Mapping[str, str], *, typing: bool) -> None:
        self.text = text
        self.now = now
        self.custom = custom
        lexer = _Lexer(text, custom)
        self.tokens = list(lexer.tokens())
        self.problems = lexer.problems
        self.at = 0
        self.sort = self.mode = ""
        self.spans: list[tuple[int, int, Role]] = []
        if len(text) > MAX_CHARACTERS:
            self.problems.append(f"only the first {MAX_CHARACTERS:,} characters count")
            self.spans.append((MAX_CHARACTERS, len(text), "ignored"))
        if typing and self.tokens:
            self._open_last_word()
        self._match_parentheses()
        self._drop_idle()
        self.boolean = any(token.kind in ("(", "or", "and") for token in self.tokens)

    def parse(self) -> Query:
        clauses = _flat(self._all(until_close=False), And)
        return Query(
            tuple(clauses),
            self.boolean and bool(clauses),
            self.sort,
            self.mode,
            self.text,
            tuple(dict.fromkeys(self.problems)),
            tuple(sorted(self.spans)),
        )

    def _open_last_word(self) -> None:
        last = self.tokens[-1]
        if (
            last.kind in ("word", "or", "and", "not")
            and last.end == len(self.text)
            and last.text[-1:].isalnum()
        ):
            last.kind, last.prefix = "word", True

    def _match_parentheses(self) -> None:
        """Turn parentheses without a partner into text."""
        opened: list[_Token] = []
        for token in self.tokens:
            if token.kind == "(":
                opened.append(token)
            elif token.kind == ")":
                opened.pop()
        for token in opened:
            token.kind, token.text = "word", "("

    def _drop_idle(self) -> None:
        """Leave out operators and groups with nothing to work on, such as the OR in `plan OR`."""
        kept: list[_Token] = []

        def ignore_trailing(kinds: frozenset[str]) -> None:
            while kept and kept[-1].kind in kinds:
                self._ignore(kept.pop())

        for token in self.tokens:
            if token.kind == "field" and not self._accept(token):
                continue
            if token.kind == "phrase" and not token.text:
                self._ignore(token)
                continue
            if token.kind in ("or", "and"):
                ignore_trailing(_UNARY)
                if not kept or kept[-1].kind in _OPENING:
                    self._ignore(token)
                    continue
            elif token.kind == ")":
                ignore_trailing(_UNARY | _BINARY)
                if kept and kept[-1].kind == "(":
                    self._ignore(kept.pop())
                    self._ignore(token)
                    continue
            kept.append(token)
        ignore_trailing(_UNARY | _BINARY)
        if not kept and self.tokens and all(token.text in _OPERATORS for token in self.tokens):
            # Nothing but operators: somebody looks for the word.
            kept = [token for token in self.tokens if token.text.isalpha()]
            taken = {token.start for token in kept}
            self.spans = [span for span in self.spans if span[0] not in taken]
            for token in kept:
                token.kind = "word"
        self.tokens = kept

    def _ignore(self, token: _Token) -> None:
        self.spans.append((token.start, token.end, "ignored"))

    def _accept(self, token: _Token) -> bool:
        """Keep a field's good values, name its bad ones, take `sort:` and `mode:` out of the tree."""
        if not token.values and token.text == "tag":
            token.values = (ANY,)
        if not token.values:
            self.problems.append(f"{token.text}: needs a value")
            self._ignore(token)
            return False
        good = []
        for value in token.values:
            kind = self.custom.get(token.text.removeprefix(values.CUSTOM), "")
            if problem := values.problem(token.text, value, self.now, kind):
                self.problems.append(problem)
            else:
                good.append(value)
        if token.text in ("sort", "mode"):
            if good:
                setattr(self, token.text, good[-1].lower())
                self._mark_field(token)
            else:
                self._ignore(token)
            return False
        token.values = tuple(good)
        if not good:
            self._ignore(token)
        return bool(good)

    def _all(self, *, until_close: bool) -> list[Node]:
        found: list[Node] = []
        while self.at < len(self.tokens):
            kind = self.tokens[self.at].kind
            if kind == ")" and until_close:
                break
            if kind == "and":
                self._mark("operator")
                continue
            found.append(self._any())
        return found

    def _any(self) -> Node:
        choices = [self._one()]
        while self.at < len(self.tokens) and self.tokens[self.at].kind == "or":
            self._mark("operator")
            choices.append(self._one())
        flat = _flat(choices, Or)
        return flat[0] if len(flat) == 1 else Or(tuple(flat))

    def _one(self) -> Node:
        wanted, demanded = True, False
        while self.tokens[self.at].kind in ("-", "+", "not"):
            if self._mark("operator").kind == "+":
                demanded = True
            else:
                wanted = not wanted
                demanded = wanted
        token = self.tokens[self.at]
        child = self._group() if token.kind == "(" else self._leaf()
        if not wanted:
            return child.child if isinstance(child, Not) else Not(child)
        return Must(child) if demanded and not self.boolean and isinstance(child, Word) else child

    def _group(self) -> Node:
        self._mark("operator")
        children = self._all(until_close=True)
        self._mark("operator")
        flat = _flat(children, And)
        return flat[0] if len(flat) == 1 else And(tuple(flat))

    def _leaf(self) -> Node:
        token = self.tokens[self.at]
        span = (token.start, token.end)
        if token.kind == "field":
            self.at += 1
            self._mark_field(token)
            return Field(token.text, token.values, span)
        if token.kind == "phrase":
            self._mark("phrase")
            return Phrase(token.text, token.near, span)
        self._mark("word")
        return Word(token.text, token.prefix, span)

    def _mark(self, role: Role) -> _Token:
        token = self.tokens[self.at]
        self.at += 1
        self.spans.append((token.start, token.end, role))
        return token

    def _mark_field(self, token: _Token) -> None:
        self.spans.append((token.start, token.colon, "field"))
        if token.end > token.colon:
            self.spans.append((token.colon, token.end, "value"))


def _flat(nodes: list[Node], kind: type[And] | type[Or]) -> list[Node]:
    """The nodes, with those of this kind replaced by their children."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.children if isinstance(node, kind) else (node,))
    return flat


def _leaves(node: Node, *, wanted: bool) -> Iterator[tuple[Word | Phrase | Field, bool]]:
    match node:
        case Not(child):
            yield from _leaves(child, wanted=not wanted)
        case Must(child):
            yield child, wanted
        case And(children) | Or(children):
            for child in children:
                yield from _leaves(child, wanted=wanted)
        case leaf:
            yield leaf, wanted


# --- printing ------------------------------------------------------------------------------------

_SPECIAL = re.compile(r'[\\"“”„():*,]')
_QUOTED_SPECIAL = re.compile(r'[\\"“”„]')


def print_query(query: Query) -> str:
    """Text that parses to an equal query."""
    parts = list(map(_print, query.clauses))
    if query.boolean and not any(isinstance(clause, Or) for clause in query.clauses):
        parts = [f"({' '.join(parts)})"]
    parts += [f"{name}:{value}" for name, value in (("sort", query.sort), ("mode", query.mode)) if value]
    return " ".join(parts)


def _print(node: Node) -> str:
    match node:
        case Word(text, prefix):
            return _escape(text) + "*" * prefix
        case Phrase(text, near):
            return _quote(text) + ("" if near is None else f"~{near}")
        case Field(name, found):
            return f"{name}:{','.join(map(_quote, found))}"
        case Must(child):
            return "+" + _print(child)
        case Not(Or() as child):
            return f"-({_print(child)})"
        case Not(child):
            return "-" + _print(child)
        case And(children):
            return f"({' '.join(_print(child) for child in children)})"
        case Or(children):
            return " OR ".join(map(_print, children))
    raise AssertionError(node)


def _quote(text: str) -> str:
    return '"' + _QUOTED_SPECIAL.sub(r"\\\g<0>", text) + '"'


def _escape(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    return "\\" + escaped if text in _OPERATORS or text[:1] in ("-", "+") else escaped
