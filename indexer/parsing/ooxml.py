"""Reads OOXML packages (docx, pptx): parts, relationships and properties.

Parts are found through relationships with their types' last words, so the transitional and the
strict name spaces are the same here, and a dangling relationship costs one part, not the document.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from urllib.parse import unquote

from indexer.errors import UnreadableDocument
from indexer.parsing.builder import TextBuilder
from indexer.parsing.ole import refuse_ole
from indexer.parsing.xmlsafe import Element, attribute, local, parse_xml
from indexer.parsing.zipsafe import SafeZip


@dataclass(frozen=True, slots=True)
class Relationship:
    """A link from one part to another; `part` is "" when it leads outside or nowhere."""

    id: str
    type: str
    """Last word of the type's address: "footnotes", "slide", "notesSlide"."""
    part: str


class Package:
    """An OOXML file."""

    def __init__(self, content: bytes, *, what: str) -> None:
        """Open and check the package.

        Raises:
            UnreadableDocument: broken, encrypted or a bomb.
        """
        refuse_ole(content, what)
        self.what = what
        self.zip = SafeZip(content, what=what)
        self._relationships: dict[str, dict[str, Relationship]] = {}

    def main_part(self, *fallbacks: str) -> str:
        """The part with the document itself.

        Raises:
            UnreadableDocument: there is none.
        """
        for link in self.relationships("").values():
            if link.type == "officeDocument" and link.part:
                return link.part
        for name in fallbacks:
            if found := self.zip.find(name):
                return found
        raise UnreadableDocument(
            f"This {self.what} is damaged: its main part is missing.",
            "Get the file again from where it came.",
        )

    def relationships(self, part: str) -> dict[str, Relationship]:
        """Links of a part by id, in their order; "" stands for the package."""
        if part not in self._relationships:
            self._relationships[part] = self._read_relationships(part)
        return self._relationships[part]

    def related(self, part: str, *types: str) -> list[str]:
        """Existing parts of these types that a part links to."""
        return [link.part for link in self.relationships(part).values() if link.type in types and link.part]

    def xml(self, part: str) -> Element:
        """The root of a part.

        Raises:
            UnreadableDocument: missing or damaged.
        """
        return parse_xml(self.zip.read(part), what=self.what)

    def xml_if_sound(self, part: str | None) -> Element | None:
        """The root of a part that the document can do without; None when missing or damaged."""
        if part is None:
            return None
        data = self.zip.read_if_there(part)
        if data is None:
            return None
        try:
            return parse_xml(data, what=self.what)
        except UnreadableDocument:
            return None

    def properties(self) -> dict[str, str]:
        """Metadata of the core and extended properties, and the title under "title"."""
        found: dict[str, str] = {}
        for part in self.related("", "core-properties") or ["docProps/core.xml"]:
            root = self.xml_if_sound(self.zip.find(part))
            for element in root if root is not None else ():
                key = _CORE.get(local(element))
                text = (element.text or "").strip()
                if key and text and text not in _OF_TEMPLATES:
                    found.setdefault(key, text)
        for part in self.related("", "extended-properties"):
            root = self.xml_if_sound(part)
            for element in root if root is not None else ():
                if local(element) == "Application" and element.text:
                    found.setdefault("producer", element.text)
        return found

    def _read_relationships(self, part: str) -> dict[str, Relationship]:
        folder, name = posixpath.split(part)
        root = self.xml_if_sound(self.zip.find(posixpath.join(folder, "_rels", name + ".rels")))
        links: dict[str, Relationship] = {}
        for element in root if root is not None else ():
            kind = element.get("Type", "").rpartition("/")[2]
            target = ""
            if element.get("TargetMode") != "External":
                target = self._resolve(folder, element.get("Target", ""))
            identity = element.get("Id", "")
            links[identity] = Relationship(identity, kind, target)
        return links

    def _resolve(self, folder: str, target: str) -> str:
        path = unquote(target.partition("#")[0])
        joined = posixpath.normpath(posixpath.join("/" + folder, path)).lstrip("/")
        return self.zip.find(joined) or ""


_OF_TEMPLATES = frozenset(
    ("python-docx", "2013-12-23T23:15:00Z", "2013-01-27T09:14:16Z", "2013-01-27T09:15:58Z")
)
"""What documents made by programs have from the template of a library: nobody's name, no document's date."""
_CORE = {
    "title": "title",
    "creator": "author",
    "subject": "subject",
    "keywords": "keywords",
    "language": "language",
    "created": "created",
    "modified": "modified",
}


def chosen(element: Element) -> Element | None:
    """What to read of an `AlternateContent`: the choice if it has content, else the fallback."""
    options = [child for child in element if local(child) in ("Choice", "Fallback")]
    for option in options:
        if len(option):
            return option
    return None


def write_drawing(root: Element, out: TextBuilder) -> None:
    """Add the text of a chart, a diagram or the shapes on a sheet; a chart's values as a table."""
    seen: set[str] = set()
    for paragraph in root.iter("{*}p"):
        text = " ".join("".join(run.text or "" for run in paragraph.iter("{*}t")).split())
        if text and text not in seen:
            seen.add(text)
            out.paragraph(text)
    series = [_series(element) for element in root.iter("{*}ser")]
    if not series:
        return
    out.row(["", *(name for name, _labels, _values in series)], first=True)
    labels: dict[str, str] = {}
    for _name, names, values in series:
        labels.update({index: names.get(index, labels.get(index, "")) for index in values})
    for index, label in labels.items():
        out.row([label, *(values.get(index, "") for _name, _labels, values in series)])


def _series(element: Element) -> tuple[str, dict[str, str], dict[str, str]]:
    """Name, labels by index and values by index of one series of a chart."""
    parts: dict[str, dict[str, str]] = {}
    for child in element:
        tag = _SERIES.get(local(child))
        if tag:
            parts[tag] = {
                attribute(point, "idx"): next((value.text or "" for value in point.iter("{*}v")), "")
                for point in child.iter("{*}pt")
            }
    name = " ".join(parts.get("name", {}).values())
    return name, parts.get("labels", {}), parts.get("values", {})


_SERIES = {"tx": "name", "cat": "labels", "xVal": "labels", "val": "values", "yVal": "values"}


def flag(element: Element | None, name: str) -> bool:
    """Whether a switch such as `<w:vanish/>` is there and not turned off."""
    if element is None:
        return False
    child = element.find("{*}" + name)
    return child is not None and attribute(child, "val") not in ("0", "false", "off")
