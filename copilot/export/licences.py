"""Under which licence a document is: what it says of itself, or what a licence file beside it says.

A guess would be worse than none: what no rule recognises is "unknown".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

UNKNOWN = "unknown"
HEAD = 4_000
"""Characters at the beginning and at the end of a text in which it says its own licence."""

_SPDX = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9][A-Za-z0-9.+() -]{0,80})")
_TITLES: tuple[tuple[str, str], ...] = (
    (r"GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3", "AGPL-3.0-only"),
    (r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3", "LGPL-3.0-only"),
    (r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1", "LGPL-2.1-only"),
    (r"GNU GENERAL PUBLIC LICENSE\s+Version 3", "GPL-3.0-only"),
    (r"GNU GENERAL PUBLIC LICENSE\s+Version 2", "GPL-2.0-only"),
    (r"Apache License\s+Version 2\.0", "Apache-2.0"),
    (r"Mozilla Public License,? Version 2\.0", "MPL-2.0"),
    (r"CC0 1\.0 Universal", "CC0-1.0"),
    (r"Attribution-ShareAlike 4\.0 International", "CC-BY-SA-4.0"),
    (r"Attribution-NonCommercial 4\.0 International", "CC-BY-NC-4.0"),
    (r"Attribution 4\.0 International", "CC-BY-4.0"),
    (r"Permission is hereby granted, free of charge, to any person obtaining\s+a copy", "MIT"),
    (r"Permission to use, copy, modify, and/or distribute this software", "ISC"),
    (
        r"Redistribution and use in source and binary forms[\s\S]{0,1500}Neither the name",
        "BSD-3-Clause",
    ),
    (r"Redistribution and use in source and binary forms", "BSD-2-Clause"),
    (r"free and unencumbered software released into the public domain", "Unlicense"),
)
_STATEMENTS: tuple[tuple[str, str], ...] = (
    (r"public domain or under the CC0-1\.0", "CC0-1.0"),
    (r"creativecommons\.org/publicdomain/zero/1\.0", "CC0-1.0"),
    (r"creativecommons\.org/licenses/(by(?:-nc)?(?:-nd|-sa)?)/(\d\.\d)", "CC-{0}-{1}"),
    (r"licen[sc]ed under (?:the )?Apache Licen[sc]e,? Version 2\.0", "Apache-2.0"),
    (r"licen[sc]ed under (?:the )?MIT licen[sc]e", "MIT"),
    (r"licen[sc]ed under (?:the )?GNU (?:GPL|General Public Licen[sc]e)[, ]+v(?:ersion )?3", "GPL-3.0-only"),
    (
        r"(?:this|the) (?:document|work|text|paper|book) (?:has been |is |was )?(?:hereby )?"
        r"(?:placed in|in|released into|dedicated to) the public domain",
        "public-domain",
    ),
)
_TITLE_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), name) for pattern, name in _TITLES)
_STATEMENT_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), name) for pattern, name in _STATEMENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A licence and where it is told."""

    name: str
    """SPDX identifier, "public-domain", or "unknown"."""
    source: str
    """"field", "metadata", "text", the name of the licence file, or ""."""


NONE = Licence(name=UNKNOWN, source="")


def of_file(text: str) -> str:
    """The SPDX identifier of a licence's own text; "" when it is not known."""
    tag = _SPDX.search(text[:HEAD])
    if tag:
        return tag[1].strip()
    head = text[:HEAD]
    return next((name for pattern, name in _TITLE_PATTERNS if pattern.search(head)), "")


def own(text: str, metadata: Mapping[str, str], fields: Mapping[str, str] | None = None) -> Licence | None:
    """The licence that the owner noted for a document, or that it names itself.

    Args:
        text: Its text.
        metadata: Its metadata.
        fields: The owner's own fields.
    """
    noted = {name.casefold(): value for name, value in (fields or {}).items()}
    noted_licence = noted.get("licence") or noted.get("license")
    if noted_licence:
        return Licence(name=" ".join(noted_licence.split())[:80], source="field")
    told = metadata.get("license") or metadata.get("licence") or metadata.get("rights")
    if told:
        return Licence(name=" ".join(told.split())[:80], source="metadata")
    for part in (text[:HEAD], text[-HEAD:]):
        tag = _SPDX.search(part)
        if tag:
            return Licence(name=tag[1].strip(" -"), source="text")
    for part in (text[:HEAD], text[-HEAD:]):
        joined = " ".join(part.split())
        for pattern, name in _STATEMENT_PATTERNS:
            found = pattern.search(joined)
            if found:
                groups = [group.upper() for group in found.groups()]
                return Licence(name=name.format(*groups), source="text")
    return None


class Beside:
    """Licence files of a library: each holds for its folder and the folders below, the nearest wins."""

    def __init__(self, files: Sequence[tuple[str, int, int]], read: Callable[[int, int], str]) -> None:
        """Know where they are; they are read when they are needed.

        Args:
            files: (path, document id, characters) of each.
            read: Reads the first characters of a document.
        """
        self._files: dict[str, list[tuple[str, int]]] = {}
        self._read = read
        self._names: dict[int, str] = {}
        for path, document, _ in files:
            folder, _, name = path.rpartition("/")
            self._files.setdefault(folder, []).append((name, document))

    def of(self, path: str, root: str) -> Licence | None:
        """The licence for a path, looked for from its folder up to the root."""
        folder = path.partition("!/")[0].rpartition("/")[0]
        while folder == root.rstrip("/") or folder.startswith(root.rstrip("/") + "/"):
            names = {self._name(document): name for name, document in self._files.get(folder, ())}
            names.pop("", None)
            if len(names) == 1:
                ((licence, name),) = names.items()
                return Licence(name=licence, source=name)
            if names:  # several: nobody can tell which one holds
                return None
            folder = folder.rpartition("/")[0]
        return None

    def _name(self, document: int) -> str:
        if document not in self._names:
            self._names[document] = of_file(self._read(document, HEAD))
        return self._names[document]
