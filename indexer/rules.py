"""Rules: a query that gives a tag or a field to every document it finds, for as long as it finds it.

What rules give is derived and kept apart from what people give. Each rule is asked anew when indexing has
come to rest and something changed, or when labels or rules change; only differences are written.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Collection

from indexer import naming, values
from indexer.catalogue import Catalogue
from indexer.catalogue import labels as stored
from indexer.errors import AppError, NotFoundError, UsageError
from indexer.labelled import FieldKind, Rule
from indexer.query import Field, parse
from indexer.text import fold

log = logging.getLogger(__name__)

_OWN = frozenset({"tag", "collection"})
_OWN_STATES = frozenset({"tagged", "untagged"})
LEAP_S = 3600.0
"""A rule with a relative date (`before:2y`) changes by itself: all are asked again after this."""


class Rules:
    """The rules of an open library. Thread-safe."""

    def __init__(
        self,
        catalogue: Catalogue,
        file_ids: Callable[[str], frozenset[int]],
        *,
        revision: Callable[[], int],
        changed: Callable[[], None],
    ) -> None:
        self._catalogue = catalogue
        self._file_ids = file_ids
        self._revision = revision
        self._changed = changed
        self._lock = threading.Lock()
        self._seen = (-1, dt.datetime.min)

    def save(self, query: str, gives: str) -> Rule:
        """Keep a rule and let it hold at once; returns it, also when it was there.

        Raises:
            UsageError: the query is empty or depends on tags, or what it gives cannot be taken.
        """
        query = " ".join(query.split())
        _refuse_dependent(query)
        with self._catalogue.transaction() as db:
            field, value = "", ""
            if "=" in gives:
                name, _, text = gives.partition("=")
                field = naming.clean_field(name)
                kinds = stored.custom_fields(db)
                kind = kinds.get(field) or naming.kind_of(text)
                value = _ruled_value(field, text.strip(), kind)
                stored.make_field(db, field, kind)
            else:
                value = naming.clean_tag(gives)
                value = stored.spelling(db, fold(value)) or value
            number = stored.save_rule(db, query, field, value)
        self.refresh(anyway=True)
        with self._catalogue.reader() as db:
            return next(rule for rule in stored.rules(db) if rule.id == number)

    def remove(self, rule: int) -> None:
        """Forget a rule and what it gave. Raises NotFoundError."""
        with self._catalogue.transaction() as db:
            if not stored.remove_rule(db, rule):
                raise NotFoundError(f"There is no rule {rule}.", hint="'quire tag rules' numbers them.")

    def settle(self) -> None:
        """Refresh; a failure is logged and harms nobody, the next change tries again."""
        try:
            self.refresh()
        except AppError as exc:
            log.warning("rules were not applied: %s", exc)
        except Exception:
            log.exception("applying rules")

    def refresh(self, *, anyway: bool = False) -> None:
        """Ask every rule again; unless `anyway`, only when something has changed since."""
        with self._lock:
            revision, now = self._revision(), dt.datetime.now()
            stale = (now - self._seen[1]).total_seconds() > LEAP_S if self._seen[0] >= 0 else True
            if not anyway and revision == self._seen[0] and not stale:
                return
            with self._catalogue.reader() as db:
                rules = stored.rules(db)
            changed = [self._ask(rule) for rule in rules]
            self._seen = (revision, now)
        if any(changed):
            self._changed()

    def _ask(self, rule: Rule) -> bool:
        """Bring one rule up to date; whether something changed."""
        name, sign, value = rule.gives.partition("=")
        found = self._file_ids(rule.query)
        with self._catalogue.reader() as db:
            before = stored.ruled(db, rule.id)
        after = self._values(found, value) if sign else dict.fromkeys(found, name)
        given = {file: text for file, text in after.items() if before.get(file) != text}
        gone = before.keys() - after.keys()
        if not given and not gone:
            return False
        with self._catalogue.transaction() as db:
            stored.set_ruled(db, rule.id, name if sign else fold(name), gone, given)
        return True

    def _values(self, files: Collection[int], value: str) -> dict[int, str]:
        """The value for each file: a date that counts from the file's last change differs."""
        if not value.startswith("+"):
            return dict.fromkeys(files, value)
        with self._catalogue.reader() as db:
            changed = stored.changed_at(db, files)
        found = {}
        for file, mtime_ns in changed.items():
            moment = values.later(dt.datetime.fromtimestamp(mtime_ns / 1e9), value[1:])
            if moment is not None:
                found[file] = moment.date().isoformat()
        return found


def _ruled_value(field: str, text: str, kind: FieldKind) -> str:
    if kind == "date" and text.startswith("+"):
        if values.later(dt.datetime.now(), text[1:]) is None:
            raise UsageError(f"{field} takes a date or a span such as +1y, not {text}.")
        return text.lower()
    if not text:
        raise UsageError(f"A rule needs a value for {field}.", hint=f"For example {field}=+1y.")
    return naming.clean_value(field, text, kind, dt.datetime.now())


def _refuse_dependent(query: str) -> None:
    """Rules do not build on tags: which one came first would decide what they give."""
    parsed = parse(query)
    if parsed.empty:
        raise UsageError("A rule needs a query.", hint="For example: path:invoices type:pdf")
    for leaf, _ in parsed.leaves():
        if isinstance(leaf, Field) and (
            leaf.name in _OWN or (leaf.name == "is" and _OWN_STATES & {v.lower() for v in leaf.values})
        ):
            raise UsageError(
                f"A rule cannot depend on {leaf.name}:, since tags come from rules.",
                hint="Use words, path:, type:, lang: and the like.",
            )
