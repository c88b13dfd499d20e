"""The XML parts of a packed document: one pass that notes byte offsets, edits that keep every other byte, and labels in it.

A DTD with declarations is refused, so no entity can be declared; one that only names its file is allowed, as old ODF has it.
"""

import html
import io
import itertools
import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from mingwen.containers import stray, zip_archive
from mingwen.containers.edits import Edit
from mingwen.containers.zip_archive import Archive, Entry
from mingwen.domain.clues import Channel, Clue
from mingwen.domain.errors import Malformed
from mingwen.domain.labels import FIELDS, WRAPPER_KEY, mentions
from mingwen.domain.sites import Reading, Site, Unread, Wrapper
from mingwen.formats import _clues

MAX_PART_BYTES: Final = 4 << 20
"""Larger parts are not parsed; the properties and lists that are read have some KB."""
MAX_OTHERS_BYTES: Final = 16 << 20
"""Of all parts together that only might hold a label."""
MAX_OTHERS: Final = 64
MAX_DEPTH: Final = 64
MAX_ELEMENTS: Final = 100_000
"""Of one part, and of all together that only might hold a label or a signature."""
MAX_LABELS: Final = 64
VISIBLE_CHARS: Final = 4096
"""Of a document's visible text, at either end."""
REACH_BYTES: Final = 256 << 10
"""How much markup is looked at for them."""
MAX_TEXT_BYTES: Final = 64 << 20
"""A longer part's end is not unpacked."""

_TAG: Final = re.compile(rb"""<(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_ATTRIBUTE: Final = re.compile(rb"""\s(?:[^\s=:"'<>]+:)?([^\s=:"'<>]+)\s*=\s*("[^"]*"|'[^']*')""")
_SUSPECT: Final = re.compile(rb"aigc|ContentProducer|ProduceID|&#0*(?:6[5-9]|[7-9]\d|1[0-2]\d|x0*[4-7][0-9a-f]);", re.IGNORECASE)
"""A word of a label; or a letter written as a number, which may begin one."""
_SEPARATOR: Final = " "
_PERCENT: Final = re.compile("(?:%[0-9A-Fa-f]{2})+")

_PIECE: Final = re.compile(r"<(/?)(?:[\w.-]+:)?([\w.-]*)([^<>]*)>|([^<]+|<)")
"""A tag as slash, local name and the rest of it, or the text between two."""
_UNSEEN: Final = frozenset(
    {"head", "style", "script", "instrText", "delText", "tracked-changes", "automatic-styles", "font-face-decls"}
)
_BREAKS: Final = frozenset({"p", "h", "h1", "h2", "h3", "li", "tr", "si", "div", "br", "line-break"})
_TEXTUAL: Final = (".json", ".xml", ".txt", ".rdf", ".xmp", "/aigc", "/.aigc")


@dataclass(slots=True)
class Element:
    """One element; offsets are those in the part's view."""

    name: str
    """Namespace, a space, local name; or only the local name."""
    attributes: dict[str, str]
    start: int
    inner: int
    """Behind the start tag."""
    parent: "Element | None"
    end: int = 0
    """Where the end tag begins."""
    stop: int = 0
    """Behind the end tag; equal to ``inner`` where one tag is both."""
    text: str = ""
    """Its own text, without that of the elements in it."""
    leaf: bool = True

    @property
    def local(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition(_SEPARATOR)[2]


@dataclass(slots=True)
class Part:
    """One XML part, parsed."""

    view: bytes
    """Its bytes; of UTF-16 those in UTF-8."""
    codec: str
    elements: list[Element] = field(default_factory=list)
    """In the order of their start tags; the first is the root."""
    prefixes: dict[str, str] = field(default_factory=dict)
    """What the root binds: namespace to prefix with its colon, "" for the default namespace."""

    @property
    def root(self) -> Element:
        """The outermost element."""
        return self.elements[0]

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Return the part's bytes with edits of its view made; one within another is made by it."""
        out, cursor = [], 0
        for start, stop, new in sorted(edits, key=lambda e: e[:2]):
            if start >= cursor:
                out += [self.view[cursor:start], new]
                cursor = stop
        text = b"".join([*out, self.view[cursor:]])
        return text if self.codec == "utf-8" else text.decode().encode(self.codec)

    def within(self, parent: Element, new: str) -> Edit:
        """Return the edit that puts markup before the end tag of an element, which may be an empty one."""
        if parent.stop > parent.inner:
            return Edit(parent.end, parent.end, new.encode())
        opening = self.view[parent.start : parent.stop]
        name = re.split(rb"[\s/>]", opening[1:], maxsplit=1)[0]
        return Edit(parent.start, parent.stop, opening[:-2].rstrip() + b">" + new.encode() + b"</" + name + b">")

    def attribute(self, element: Element, name: str, value: str) -> Edit:
        """Return the edit that sets an attribute without namespace."""
        new = f'{name}="{escaped(value)}"'.encode()
        for m in _ATTRIBUTE.finditer(self.view, element.start, element.inner):
            if m[1] == name.encode() and self.view[m.start() + 1 : m.end(1)] == m[1]:
                return Edit(m.start() + 1, m.end(), new)
        at = element.start + len(re.split(rb"[\s/>]", self.view[element.start : element.inner], maxsplit=1)[0])
        return Edit(at, at, b" " + new)

    def prefix(self, namespace: str, usual: str) -> tuple[str, str]:
        """Return a prefix for elements of a namespace, and the declaration it needs if the root makes none."""
        if namespace in self.prefixes:
            return self.prefixes[namespace], ""
        return f"{usual}:", f' xmlns:{usual}="{namespace}"'


class _Walk:
    """One pass of the parser over a part."""

    def __init__(self, part: Part, name: str) -> None:
        self._part, self._name = part, name
        self._stack: list[tuple[Element, list[str]]] = []
        self._parser = expat.ParserCreate("utf-8" if part.codec != "utf-8" else None, _SEPARATOR)
        self._parser.buffer_text = True
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self._parser.CharacterDataHandler, self._parser.StartDoctypeDeclHandler = self._characters, self._doctype
        self._parser.StartNamespaceDeclHandler = self._declared
        try:
            self._parser.Parse(part.view, True)  # noqa: FBT003 - the C API takes it by position
        except (expat.ExpatError, UnicodeError, LookupError, ValueError) as e:
            raise broken(name, f"is no well-formed XML: {e}") from e

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self._parser.CurrentByteIndex
        tag = _TAG.match(self._part.view, at)
        if tag is None or len(self._stack) >= MAX_DEPTH or len(self._part.elements) >= MAX_ELEMENTS:
            raise broken(self._name, f"nests deeper than {MAX_DEPTH} or has more than {MAX_ELEMENTS} elements")
        parent = self._stack[-1][0] if self._stack else None
        if parent:
            parent.leaf = False
        element = Element(name, attributes, at, tag.end(), parent)
        self._part.elements.append(element)
        self._stack.append((element, []))

    def _end(self, _: str) -> None:
        at = self._parser.CurrentByteIndex
        element, text = self._stack.pop()
        element.text = "".join(text).strip()
        element.end = element.stop = element.inner
        if self._part.view[element.inner - 2 : element.inner] != b"/>":
            closing = _TAG.match(self._part.view, at)
            element.end, element.stop = at, closing.end() if closing else at

    def _characters(self, text: str) -> None:
        if self._stack:
            self._stack[-1][1].append(text)

    def _declared(self, prefix: str | None, uri: str | None) -> None:
        if not self._part.elements and uri:
            self._part.prefixes.setdefault(uri, f"{prefix}:" if prefix else "")

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_internal_subset: int) -> None:
        if has_internal_subset:
            raise broken(self._name, "declares a DTD of its own")


def parsed(archive: Archive, entry: Entry) -> Part:
    """Unpack and parse an XML part.

    Raises:
        Malformed: it cannot be unpacked (``zip.entry``), or is no well-formed XML or too large or deep (``part.broken``).
    """
    part = _viewed(archive.unpacked(entry, MAX_PART_BYTES), entry.name)
    _Walk(part, entry.name)
    return part


def _viewed(data: bytes, name: str) -> Part:
    for mark, codec in ((b"\xff\xfe", "utf-16-le"), (b"<\0", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\0<", "utf-16-be")):
        if data.startswith(mark):
            try:
                return Part(data.decode(codec).encode(), codec)
            except UnicodeError as e:
                raise broken(name, "is no valid UTF-16") from e
    return Part(data, "utf-8")


def broken(name: str, what: str) -> Malformed:
    """Build the one error for a part that cannot be followed."""
    return Malformed("part.broken", f"part {name!r} {what}", hint="open the document in its own program and save it again")


def escaped(text: str) -> str:
    """Write text for an element or an attribute in double quotes."""
    return html.escape(text, quote=False).replace('"', "&quot;")


@dataclass(frozen=True, slots=True)
class Found:
    """A label in a part, and what takes its place in the part's view when it goes."""

    site: Site
    gone: Edit


Finder = Callable[[Part, Entry], Iterable[Found]]
"""Finds the labels of a part whose names it knows; ``loose`` finds those of any other."""


def loose(part: Part, entry: Entry, known: Iterable[Element] = ()) -> Iterator[Found]:
    """Find labels that stand anywhere: the text of an element, or an attribute, that is named AIGC or holds a label's JSON."""
    skipped = {id(e) for e in known}
    for element in part.elements:
        if id(element) in skipped:
            continue
        named = WRAPPER_KEY in element.local.upper()
        if element.leaf and element.text and (named or mentions(element.text)):
            wrapper = Wrapper.EITHER if named else Wrapper.WRAPPED
            site = Site(f"{entry.name} {element.local}", element.text, wrapper, guide=False)
            rest = escaped(_without_label(element.text))
            yield Found(site, Edit(element.inner, element.end, rest.encode()))
        yield from _attributes(part, entry, element)


def _attributes(part: Part, entry: Entry, element: Element) -> Iterator[Found]:
    values = {name.rpartition(_SEPARATOR)[2]: value for name, value in element.attributes.items() if mentions(value)}
    if not values:
        return
    for m in _ATTRIBUTE.finditer(part.view, element.start, element.inner):
        if value := values.pop(m[1].decode("utf-8", "replace"), ""):
            site = Site(f"{entry.name} {element.local}", value, Wrapper.EITHER, guide=False)
            yield Found(site, Edit(m.start(2) + 1, m.end(2) - 1, b""))


def others(archive: Archive, known: Iterable[Entry], wanted: Callable[[Entry], bool]) -> Iterator[tuple[Entry, Part]]:
    """Yield the parts, not yet parsed, that may hold a label without being its place, but for those without a word of it.

    Parts that are ``known`` are left out; texts whose name tells of a label are wanted in any document.

    Raises:
        Malformed: they are more than are read (``part.too-many``), or one cannot be unpacked (``zip.entry``).
    """
    skipped, unpacked, elements, count = set(known), 0, 0, 0
    for entry in archive.entries:
        if entry in skipped or not (wanted(entry) or _telling(entry)):
            continue
        count, unpacked = count + 1, unpacked + entry.size
        if count > MAX_OTHERS or unpacked > MAX_OTHERS_BYTES or elements > MAX_ELEMENTS:
            raise _too_many("parts that may hold a label", MAX_OTHERS)
        part = _viewed(archive.unpacked(entry, MAX_OTHERS_BYTES), entry.name)
        if _SUSPECT.search(part.view):
            yield entry, part
            elements += len(part.elements)


def _too_many(what: str, most: int) -> Malformed:
    return Malformed(
        "part.too-many",
        f"expected at most {most} {what}, with {MAX_OTHERS_BYTES} bytes and {MAX_ELEMENTS} elements in all, but there is more",
        hint="take custom data out of the document",
    )


def _telling(entry: Entry) -> bool:
    return WRAPPER_KEY.casefold() in entry.key and f"/{entry.key}".endswith(_TEXTUAL)


def stated(part: Part, entry: Entry) -> list[Found]:
    """Find the labels in a part of any kind: XML, or a text that is a label's JSON and nothing else."""
    text = part.view.decode("utf-8", "replace").strip("\ufeff \t\r\n")
    if text.startswith("<"):
        _Walk(part, entry.name)
        return list(loose(part, entry))
    if not mentions(text) or _without_label(text, whole=True):
        return []
    return [Found(Site(entry.name, text, Wrapper.EITHER, guide=False), Edit(0, len(part.view), b"{}"))]


def _without_label(text: str, *, whole: bool = False) -> str:
    """Return what else a text says than the label's JSON in it; of a ``whole`` one also if the object is more than a label."""
    for brace in itertools.islice(re.finditer("{", text), MAX_LABELS):
        try:
            value, stop = json.JSONDecoder().raw_decode(text, brace.start())
        except (ValueError, RecursionError):
            continue
        if mentions(text[brace.start() : stop]):
            more = whole and not value.keys() <= {WRAPPER_KEY, *FIELDS}
            return text if more else (text[: brace.start()] + text[stop:]).strip()
    return ""


class Finding:
    """A reading while it grows: a part that cannot be read becomes an ``Unread``, and the rest is read."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.sites: list[Site] = []
        self.unread: list[Unread] = []
        self.known: list[Entry] = []
        self._elements = 0

    def part(self, entry: Entry, find: Finder) -> Part | None:
        """Find the labels in a part; return it parsed, None where it cannot be."""
        self.known.append(entry)
        part = Part(b"", "utf-8")
        try:
            if self._elements > MAX_ELEMENTS:
                raise _too_many("parts of properties", MAX_OTHERS)
            part = _viewed(self.archive.unpacked(entry, MAX_PART_BYTES), entry.name)
            _Walk(part, entry.name)
            self._take(entry, part, list(find(part, entry)))
        except Malformed as e:
            self.unread.append(Unread(entry.name, e.message))
            return None
        finally:
            self._elements += len(part.elements)
        return part

    def reading(self, wanted: Callable[[Entry], bool]) -> Reading:
        """Look at the other parts, and where no program looks; return all that was found."""
        try:
            for entry, part in others(self.archive, self.known, wanted):
                try:
                    self._take(entry, part, stated(part, entry))
                except Malformed as e:
                    self.unread.append(Unread(entry.name, e.message))
        except Malformed as e:
            self.unread.append(Unread("other parts", e.message))
        net = zip_archive.nets(self.archive)
        return Reading((*self.sites, *net.sites)[:MAX_LABELS], (*self.unread, *net.unread)[:MAX_LABELS])

    def _take(self, entry: Entry, part: Part, found: list[Found]) -> None:
        sites = [f.site for f in found]
        self.sites += sites
        if len(self.sites) > MAX_LABELS:
            self.unread.append(Unread(entry.name, f"holds more labels than the {MAX_LABELS} that are read"))
        self.unread += stray.unexplained(part.view, sites, entry.name)


def cleared(archive: Archive, known: Iterable[Entry], wanted: Callable[[Entry], bool]) -> dict[Entry, bytes]:
    """Return the new bytes of the other parts that hold labels, without these; what cannot be read is kept."""
    out = {}
    with suppress(Malformed):
        for entry, part in others(archive, known, wanted):
            with suppress(Malformed):
                if found := stated(part, entry):
                    out[entry] = part.edited(f.gone for f in found)
    return out


def signed(archive: Archive, names: str) -> Iterator[tuple[str, list[Element]]]:
    """Yield what the signatures in parts of these ``names`` cover: the path of a part, and the elements that tell how.

    Raises:
        Malformed: a signature cannot be read, so nobody knows what it covers.
    """
    signatures = [e for e in archive.entries if re.fullmatch(names, e.key)]
    elements = 0
    for entry in signatures:
        if elements > MAX_ELEMENTS or len(signatures) > MAX_OTHERS:
            raise _too_many("signatures", MAX_OTHERS)
        inner: dict[int, list[Element]] = {}
        covered: list[tuple[str, list[Element]]] = []
        part = parsed(archive, entry)
        elements += len(part.elements)
        for element in part.elements:
            around = inner.get(id(element.parent))
            if element.local == "Reference":
                around = []
                covered.append((resolved("", element.attributes.get("URI", "").partition("?")[0]).casefold(), around))
            elif around is not None:
                around.append(element)
            if around is not None:
                inner[id(element)] = around
        yield from covered


def resolved(folder: str, reference: str) -> str:
    """Return the path in the archive that a reference in a part of ``folder`` leads to."""
    path = unquoted(reference).partition("#")[0]
    return posixpath.normpath(f"/{path}" if path.startswith("/") else f"/{folder}/{path}").lstrip("/")


def unquoted(reference: str) -> str:
    """Undo the percent signs of a reference."""
    return _PERCENT.sub(lambda m: bytes.fromhex(m[0].replace("%", "")).decode("utf-8", "replace"), reference)


def visible(markup: bytes) -> str:
    """Return the text a reader sees in a stretch of markup, whose first and last tags may be cut."""
    text = markup.decode("utf-8", "replace")
    first = text.find(">")
    if 0 <= first < (text.find("<") if "<" in text else len(text)):
        text = text[first + 1 :]
    cut = text.rfind("<")
    if cut > text.rfind(">"):
        text = text[:cut]
    out: list[str] = []
    unseen = ""
    for slash, name, rest, between in _PIECE.findall(text):
        if unseen:
            unseen = "" if slash and name == unseen else unseen
        elif between:
            out.append(between)
        elif name in _UNSEEN and not slash and not rest.endswith("/"):
            unseen = name
        elif name in _BREAKS and (slash or rest.endswith("/")):
            out.append("\n")
    lines = (" ".join(line.split()) for line in html.unescape("".join(out)).split("\n"))
    return "\n".join(line for line in lines if line)


def body(archive: Archive, first: Entry | None, last: Entry | None) -> Iterator[Clue]:
    """Yield the visible beginning of one part and the visible end of another, or of the same."""
    for entry, name in ((first, "beginning"), (last, "end")):
        if entry is None:
            continue
        try:
            head, tail = archive.ends(entry, REACH_BYTES, MAX_TEXT_BYTES)
        except Malformed:
            continue
        text = visible(head) if name == "beginning" else visible(tail or head)
        if text:
            yield Clue(Channel.BODY, name, text[:VISIBLE_CHARS] if name == "beginning" else text[-VISIBLE_CHARS:])


def tags(part: Part) -> Iterator[Clue]:
    """Yield the short texts of a part of properties by the names of their elements."""
    for element in part.elements:
        if element.leaf and element.text:
            yield Clue(Channel.TAG, element.local, element.text)


def manifests(archive: Archive) -> Iterator[Clue]:
    """Yield the C2PA manifest store: C2PA 2.2 Appendix A, embedding into ZIP-based formats."""
    for entry in archive.named("META-INF/content_credential.c2pa")[:1]:
        try:
            store = archive.unpacked(entry, MAX_PART_BYTES)
        except Malformed:
            return
        yield _clues.manifest(entry.name, io.BytesIO(store), 0, len(store))
