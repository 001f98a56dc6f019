"""What could be put in order, from what the library knows. Proposes; nothing here changes a file.

Left out whatever is asked for: version-control checkouts, folders of programs and source code, hidden and
read-only folders, and files that are not on the disk as they were read.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import stat
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from email.utils import parseaddr

from indexer.catalogue import Catalogue, arranging
from indexer.catalogue.arranging import Fact
from indexer.families import Document, Place, file_marks, keep
from indexer.organize import disk, naming
from indexer.organize.check import CHECKOUTS
from indexer.organize.disk import is_inside
from indexer.organize.plan import identity
from indexer.organize.request import OrganizeRequest, Proposal, Proposed
from indexer.types import Status

PROGRAMS = frozenset(
    {
        b"Makefile", b"CMakeLists.txt", b"configure.ac", b"meson.build", b"package.json", b"pyproject.toml",
        b"setup.py", b"Cargo.toml", b"go.mod", b"pom.xml", b"build.gradle", b"composer.json", b"Gemfile",
        b"mix.exs", b"Package.swift", b"dune-project", b"stack.yaml", b"flake.nix", b"conf.py", b"mkdocs.yml",
        b"index.html", b"index.htm",
    }
)  # fmt: skip
"""What lies in the folder of a program or of a set of pages that name each other."""

NAMELESS = "{date} {title}"
"""For files whose names say nothing, when no template is given."""

ARCHIVE = b"Archive"
_ARCHIVES = frozenset({"archive", "archiv", "archives", "archivo", "archivio", "old", "alt", "归档", "存档"})
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_AUTHORS = re.compile(r"\s*(?:;|\||\band\b|&|\n|、|，)\s*")


def proposal(
    request: OrganizeRequest, catalogue: Catalogue, scope: Collection[int] | None, *, library: str
) -> Proposal:
    """A proposal from what a catalogue knows; see `propose`."""
    facts: list[Fact] = []
    if not request.nothing:
        with catalogue.reader() as db:
            facts = arranging.facts(db)
    roots = list(catalogue.root_paths().values())
    return propose(request, facts, scope, roots=roots, library=library)


def propose(
    request: OrganizeRequest,
    facts: Sequence[Fact],
    scope: Collection[int] | None,
    *,
    roots: Sequence[bytes],
    library: str,
) -> Proposal:
    """A proposal; its actions ordered by path.

    Args:
        request: What may be proposed.
        facts: Every file in the library.
        scope: Ids of the files that may be touched; None: all.
        roots: Folders of the library, as the disk has them.
        library: Its own folder.
    """
    survey = _Survey(library)
    left_out: Counter[str] = Counter()
    usable: list[Fact] = []
    chosen: list[Fact] = []
    for each in facts:
        reason = survey.objection(each)
        in_scope = scope is None or each.id in scope
        if reason and in_scope:
            left_out[reason] += 1
        elif not reason:
            usable.append(each)
            if in_scope:
                chosen.append(each)
    drafting = _Drafting(request)
    actions = drafting.actions(chosen, usable)
    archive = os.fsencode(request.archive)
    outside = archive and not any(is_inside(archive, root) for root in roots)
    return Proposal(
        roots=tuple(map(os.fsdecode, roots)),
        library=library,
        into=(request.archive,) if outside and any(each.word == "archive" for each in actions) else (),
        actions=tuple(actions),
        considered=len(chosen) + sum(left_out.values()),
        left_out=tuple(sorted(left_out.items())),
    )


class _Survey:
    """What the disk has against touching a file, folder by folder."""

    def __init__(self, library: str) -> None:
        self._library = os.fsencode(library)
        self._folders: dict[bytes, str] = {}

    def objection(self, fact: Fact) -> str:
        """Why a file is never touched; "" when it may be."""
        relative = fact.path[len(fact.root.rstrip(b"/")) + 1 :]
        if not is_inside(fact.path, fact.root):
            return "a folder of the library by themselves"
        if is_inside(fact.path, self._library):
            return "the library's own"
        if any(part.startswith(b".") for part in relative.split(b"/")):
            return "hidden"
        if fact.kind == "code":
            return "program sources"
        return self._folder(os.path.dirname(fact.path), fact.root) or _staleness(fact)

    def _folder(self, folder: bytes, root: bytes) -> str:
        known = self._folders.get(folder)
        if known is None:
            known = self._look(folder, root)
            self._folders[folder] = known
        return known

    def _look(self, folder: bytes, root: bytes) -> str:
        try:
            with os.scandir(folder) as entries:
                names = {entry.name for entry in entries}
        except OSError:
            return "in a folder that cannot be listed"
        if names & CHECKOUTS:
            return "in a version-control checkout"
        if names & PROGRAMS and is_inside(folder + b"/x", root):
            return "in the folder of a program or a web site"
        above = self._above(folder, root)
        if above:
            return above
        return "" if os.access(folder, os.W_OK | os.X_OK) else "in a read-only folder"

    def _above(self, folder: bytes, root: bytes) -> str:
        """What holds of a folder because of those around it; above the root only checkouts count."""
        if folder == b"/":
            return ""
        around = os.path.dirname(folder)
        if folder != root:
            found = self._folder(around, root)
            return "" if found == "in a read-only folder" else found
        while True:
            if any(os.path.lexists(os.path.join(around, name)) for name in CHECKOUTS):
                return "in a version-control checkout"
            if around == b"/":
                return ""
            around = os.path.dirname(around)


def _staleness(fact: Fact) -> str:
    try:
        found = os.lstat(fact.path)
    except OSError:
        return "not there any more"
    same = (found.st_size, found.st_mtime_ns, found.st_ctime_ns) == (fact.size, fact.mtime_ns, fact.ctime_ns)
    return "" if same and stat.S_ISREG(found.st_mode) else "changed since they were read"


class _Drafting:
    """Makes the lines, no two of which want one path."""

    def __init__(self, request: OrganizeRequest) -> None:
        self._request = request
        self._names: dict[bytes, set[str]] = {}
        plain = not (request.rename or request.folder or request.copies or request.archive_old)
        self._rename = naming.check(request.rename, folders=False) if request.rename else ""
        self._folder = naming.check(request.folder, folders=True) if request.folder else ""
        self._plain = plain

    def actions(self, chosen: Sequence[Fact], usable: Sequence[Fact]) -> list[Proposed]:
        """Lines for the files chosen, in the order of their paths."""
        found: dict[bytes, Proposed] = {}
        if self._plain or self._request.copies:
            found.update(self._copies(chosen, usable))
        for each in chosen:
            if each.path not in found or found[each.path].word == "keep":
                line = self._placed(each)
                if line is not None:
                    found[each.path] = line
        return [found[path] for path in sorted(found)]

    # --- copies ---

    def _copies(self, chosen: Sequence[Fact], usable: Sequence[Fact]) -> Iterator[tuple[bytes, Proposed]]:
        groups: dict[str, list[Fact]] = defaultdict(list)
        for each in usable:
            if each.size:
                groups[each.hash].append(each)
        touchable = {each.id for each in chosen}
        for group in groups.values():
            best, why = _kept(group)
            spare = [
                each
                for each in group
                if each.id in touchable and each is not best and self._is_spare(each, best)
            ]
            for each in spare:
                yield each.path, _line("trash", each, "the same bytes", kept=best.path)
            if spare and best.id in touchable:
                yield best.path, _line("keep", best, f"the copy that stays: {why}")

    def _is_spare(self, fact: Fact, best: Fact) -> bool:
        """Whether a copy goes: any, when copies were asked for; else one that is called so or lies beside."""
        if _inode(fact.path) == _inode(best.path):
            return False
        beside = os.path.dirname(fact.path) == os.path.dirname(best.path)
        return self._request.copies or beside or file_marks(os.fsdecode(fact.path)).copy

    # --- names and folders ---

    def _placed(self, fact: Fact) -> Proposed | None:
        """A new name or place for a file, if it should have one."""
        if self._request.archive_old and fact.place > 0:
            return self._archived(fact)
        if fact.status != Status.INDEXED or _has_companions(fact):
            return None  # nothing is known of what could not be read
        fields = fields_of(fact)
        folder, name = os.path.split(fact.path)
        extension = naming.split(name).extension
        wanted, why = self._name(fact, fields, extension)
        place = self._home(fact, fields) if self._folder else folder
        if place == folder and wanted == name:
            return None
        target = self._free(place, wanted, fact.path)
        if target == fact.path:
            return None
        word = "rename" if place == folder else "move"
        used = naming.used(f"{self._folder} {self._rename}") if not why else ()
        return _line(word, fact, why or ", ".join(fields[key] for key in used if fields[key]), target=target)

    def _name(self, fact: Fact, fields: Mapping[str, str], extension: bytes) -> tuple[bytes, str]:
        """The name a file should have, and why."""
        name = os.path.basename(fact.path)
        if self._rename:
            return naming.name_from(self._rename, fields, extension) or name, ""
        if self._plain and fields["title"] and naming.is_meaningless(name):
            wanted = naming.name_from(NAMELESS, fields, extension)
            return wanted or name, "its name says nothing"
        return name, ""

    def _home(self, fact: Fact, fields: Mapping[str, str]) -> bytes:
        inner = naming.folders_from(self._folder, fields)
        return os.path.join(fact.root, inner) if inner else os.path.dirname(fact.path)

    def _archived(self, fact: Fact) -> Proposed | None:
        relative = fact.path[len(fact.root.rstrip(b"/")) + 1 :]
        if any(part.lower() in _ARCHIVES for part in os.fsdecode(os.path.dirname(relative)).split("/")):
            return None
        archive = os.fsencode(self._request.archive) or os.path.join(fact.root, self._archive(fact.root))
        if is_inside(fact.path, archive):
            return None
        place = os.path.join(archive, os.path.dirname(relative)).rstrip(b"/")
        target = self._free(place, os.path.basename(fact.path), fact.path)
        newest = os.path.basename(fact.newest)
        return _line(
            "archive", fact, f"an older version of {newest}" if newest else "an older version", target=target
        )

    def _archive(self, root: bytes) -> bytes:
        """The archive folder a root has already, or a new one."""
        names = sorted(name for name in _listed(root) if os.fsdecode(name).lower() in _ARCHIVES)
        return next((name for name in names if disk.is_folder(os.path.join(root, name))), ARCHIVE)

    def _free(self, folder: bytes, name: bytes, own: bytes) -> bytes:
        """A path in a folder under which nothing is and nothing will be, numbered if need be."""
        taken = self._names.get(folder)
        if taken is None:
            taken = self._names[folder] = {naming.folded(each) for each in _listed(folder)}
        split = naming.split(name)
        number = 1
        while True:
            tail = f" ({number})".encode() if number > 1 else b""
            candidate = split.stem + tail + split.extension
            is_own = os.path.join(folder, candidate) == own
            if is_own or (naming.folded(candidate) not in taken and len(candidate) <= naming.NAME_BYTES):
                taken.add(naming.folded(candidate))
                return os.path.join(folder, candidate)
            number += 1


def _line(word: str, fact: Fact, reason: str, *, target: bytes = b"", kept: bytes = b"") -> Proposed:
    return Proposed(
        word=word,  # type: ignore[arg-type]
        source=os.fsdecode(fact.path),
        target=os.fsdecode(target),
        kept=os.fsdecode(kept),
        id=identity(fact.size, fact.mtime_ns, fact.hash),
        size_bytes=fact.size,
        mtime_ns=fact.mtime_ns,
        reason=reason,
    )


def _listed(folder: bytes) -> list[bytes]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError:
        return []


def _inode(path: bytes) -> tuple[int, int]:
    try:
        found = os.lstat(path)
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def _kept(group: Sequence[Fact]) -> tuple[Fact, str]:
    """The copy to keep, as `quire duplicates` would choose it, and why."""
    named = [each for each in group if _is_well_named(each.path)] or group
    by_path = {os.fsdecode(each.path): each for each in named}
    places = tuple(Place(each.document, path, each.mtime_ns, each.size) for path, each in by_path.items())
    first = named[0]
    document = Document(first.document, places, first.modified or first.created, first.quality, first.format)
    chosen = keep([document], same_text=True)
    return by_path[chosen.place.path], chosen.why


def _has_companions(fact: Fact) -> bool:
    """Whether it is a saved web page whose pictures lie beside it, in a folder named after it."""
    stem = naming.split(fact.path).stem
    return fact.kind == "web" and any(
        disk.is_folder(stem + tail) for tail in (b"_files", b"-files", b"_Dateien")
    )


def _is_well_named(path: bytes) -> bool:
    name = os.fsdecode(os.path.basename(path))
    return name.isprintable() and not naming.is_meaningless(os.path.basename(path))


# --- fields ----------------------------------------------------------------------------------------


def fields_of(fact: Fact) -> dict[str, str]:
    """What a template can name of a file; "" for what is not known."""
    name = os.path.basename(fact.path)
    stem = naming.split(name).stem.decode("utf-8", "replace")
    told = _date(fact)
    changed = dt.datetime.fromtimestamp(max(fact.mtime_ns, 0) / 1e9).date().isoformat()
    year = file_marks(os.fsdecode(fact.path)).date[0]
    found = _DATE.match(told or changed)
    named_year = f"{year:04}" if year and not told.startswith(str(year)) and _is_near(year, fact) else ""
    title = fact.title if naming.is_telling(fact.title) else ""
    return {
        "date": told,
        "year": named_year or (found[1] if found else ""),
        "month": "" if named_year else (found[2] or "") if found else "",
        "modified": changed,
        "author": naming.shortened(_author(fact), 60),
        "title": naming.shortened(naming.clean(title)),
        "subject": naming.shortened(naming.clean(fact.subject)),
        "type": fact.kind,
        "language": fact.language,
        "name": naming.clean(stem),
        "folder": naming.clean(os.path.basename(os.path.dirname(fact.path)).decode("utf-8", "replace")),
    }


def _date(fact: Fact) -> str:
    """The date in the name, else the one the content tells; a file's own is that of its copying, often."""
    year, month, day = file_marks(os.fsdecode(fact.path)).date
    if month and year <= dt.date.today().year + 1:
        return "-".join([f"{year:04}", *(f"{part:02}" for part in (month, day) if part)])
    for told in (fact.created, fact.modified):
        found = _DATE.match(told)
        if found and 1900 <= int(found[1]) <= 2100:
            return found[0]
    return ""


def _is_near(year: int, fact: Fact) -> bool:
    """Whether a number in a name is a year: IMG_2044 is none."""
    return year <= dt.date.today().year + 1 and not naming.is_meaningless(os.path.basename(fact.path))


def _author(fact: Fact) -> str:
    """The first author, without a mail address."""
    told = fact.author or fact.sender
    name, address = parseaddr(told) if "@" in told else (told, "")
    first = _AUTHORS.split((name or address.partition("@")[0]).strip())[0]
    before, comma, after = first.partition(",")
    if comma and (" " in before.strip() or "," in after):  # not "Smith, John"
        first = before
    return naming.clean(first)
