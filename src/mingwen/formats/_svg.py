"""SVG: an XMP packet in the root's ``<metadata>`` (our documented default; the guide: UNKNOWN).

Read too: packets elsewhere, and labels as JSON in metadata, ``<title>``, ``<desc>``, comments and attributes. The document is
parsed for the offsets of its parts and edited as bytes. No entity is expanded in text, none is fetched, and in attributes
(Illustrator writes its namespaces so) they are bounded. Structure: SVG 2 §5.9; XML 1.0.
"""

import base64
import binascii
import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, TypeVar
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from mingwen.containers import stray
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import WRAPPER_KEY, mentions
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _xmp
from mingwen.formats._shape import MAX_CLUES, Channel, Clue, Reading, Site, Unread, Wrapper

MAX_BYTES: Final = 256 << 20
"""Larger documents are not parsed; maps reach some ten MB."""
MAX_METADATA_BYTES: Final = 8 << 20
"""Of all metadata together."""
MAX_TAG_BYTES: Final = 1 << 20
"""A longer tag (with a picture in it) cannot give up a label in its attributes."""
MAX_DEPTH: Final = 1000
MAX_NAMESPACES: Final = 256
MAX_PARTS: Final = 1024
"""Metadata elements, and texts that describe."""
MAX_ENTITY_CHARS: Final = 1024
MAX_EXPANDED_CHARS: Final = 32 << 20
STEP_BYTES: Final = 64 << 10

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns# RDF"
_SAYING: Final = {"title", "desc", "metadata"}
"""Elements that describe and are not drawn."""
_SHOWN: Final = {"<title>", "<desc>"}
_SCOPE_END: Final = b"</scope>"
_NAME = re.compile(rb"<([^\s/>]+)")
_TAG = re.compile(rb"""<(?:[^"'>]++|"[^"]*+"|'[^']*')*+>""")
_ATTRIBUTE = re.compile(rb"""[^\s="'<>/]++\s*+=\s*+("[^"]*+"|'[^']*+')""")
_MANIFEST = re.compile(rb"<(?:[\w.-]+:)?manifest[^<>]*+>([A-Za-z0-9+/=\s]+)<")


_T = TypeVar("_T")


@dataclass(slots=True)
class _Metadata:
    """An outermost metadata element, or RDF that stands in none."""

    start: int
    scope: bytes
    """A start tag that declares the namespaces it stands in."""
    guide: bool
    """Is it metadata of the root?"""
    rdf: bool = False
    """Does it hold RDF?"""
    last: int = 0
    """Offset of its last tag, if it has two."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A text, comment or attribute that describes."""

    place: str
    text: str
    start: int
    """Of the text itself; for a comment or attribute, of its tag."""
    stop: int = 0


@dataclass(slots=True)
class _Document:
    """What one pass found."""

    metadata: list[_Metadata] = field(default_factory=list)
    texts: list[_Text] = field(default_factory=list)
    encoding: str = ""
    root: int = 0
    title: tuple[int, int] = (0, 0)
    """Offsets of the first and last tag of the title or description behind which new metadata may stand."""
    problem: Malformed | None = None
    """What stopped the parser."""

    @property
    def labels(self) -> list[_Text]:
        return [t for t in self.texts if mentions(t.text)]

    @property
    def target(self) -> _Metadata | None:
        """Where the label belongs, if there is such a place already."""
        own = [m for m in self.metadata if m.guide]
        return next((m for m in own if m.rdf), own[0] if own else None)


@dataclass(slots=True)
class _Open:
    """An element whose end has not come."""

    name: str
    start: int
    said: bool
    """Is it one that describes, or within one?"""
    namespaces: dict[str, str]


class _Walk:
    """One pass of the parser, noting byte offsets."""

    def __init__(self) -> None:
        self.document = _Document()
        self._stack: list[_Open] = []
        self._declared: dict[str, str] = {}
        self._within: _Metadata | None = None
        self._depth = 0
        """Of the metadata that is open."""
        self._drawn = False
        """Has the root a child already that is neither title nor description?"""
        self._text: list[str] = []
        self._text_start = 0
        self._left = MAX_METADATA_BYTES
        self._longest = self._references = 0
        self._parser = p = expat.ParserCreate(namespace_separator=" ")
        p.StartElementHandler, p.EndElementHandler, p.CommentHandler = self._start, self._end, self._comment
        p.ProcessingInstructionHandler = self._instruction
        p.CharacterDataHandler = p.DefaultHandler = self._characters  # with a default handler, expat expands no entity in text
        p.StartNamespaceDeclHandler, p.EntityDeclHandler, p.XmlDeclHandler = self._namespace, self._entity, self._declaration

    def feed(self, data: bytes, *, last: bool = False) -> None:
        self._references += data.count(b"&")
        if self._longest * self._references > MAX_EXPANDED_CHARS:
            raise _broken(f"expands entities to more than {MAX_EXPANDED_CHARS} characters")
        self._parser.Parse(data, last)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self._flushed()
        inherited = self._stack[-1].namespaces if self._stack else {}
        namespaces = inherited | self._declared if self._declared else inherited
        self._declared = {}
        local = name.rpartition(" ")[2]
        named = local == WRAPPER_KEY
        said = (bool(self._stack) and self._stack[-1].said) or local in _SAYING or named
        self._stack.append(_Open(name, at, said and not (named and self._within), namespaces))
        if len(self._stack) > MAX_DEPTH or len(namespaces) > MAX_NAMESPACES:
            raise _broken(f"nests deeper than {MAX_DEPTH}, or declares more than {MAX_NAMESPACES} namespaces")
        if len(self._stack) == 1:
            if local != "svg":
                raise _broken(f"begins with <{local}>")
            self.document.root = at
        elif len(self._stack) == 2 and local not in {"title", "desc"}:  # noqa: PLR2004 - a child of the root
            self._drawn = True
        if self._within is None and (local == "metadata" or name == _RDF):
            guide = len(self._stack) == 2 and local == "metadata"  # noqa: PLR2004 - the same
            scope = _scope(namespaces, self.document.encoding)
            self._spend(len(scope))
            self._within, self._depth = _Metadata(at, scope, guide), len(self._stack)
            self._note(self.document.metadata, self._within)
        if self._within and name == _RDF:
            self._within.rdf = True
        for key, value in attributes.items():
            last = key.rpartition(" ")[2]
            if mentions(value) and not (self._within and last == WRAPPER_KEY):  # the packet's own reader finds those
                self._note(self.document.texts, _Text(f"attribute {last}", value, at))

    def _end(self, _: str) -> None:
        at = self._flushed()
        if self._within and len(self._stack) == self._depth:
            self._within.last, self._within = at, None
        if len(self._stack) == 2 and not self._drawn:  # noqa: PLR2004 - the root's title or description
            self.document.title = self._stack[-1].start, at
        self._stack.pop()

    def _characters(self, text: str) -> None:
        if not self._stack or not self._stack[-1].said:
            return
        if not self._text:
            self._text_start = self._parser.CurrentByteIndex
        self._text.append(text)
        self._spend(len(text))

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _broken(f"describes itself with more than {MAX_METADATA_BYTES} characters")

    def _flushed(self) -> int:
        """Note the text that ends here, and return where that is."""
        at = self._parser.CurrentByteIndex
        if self._text:
            text = "".join(self._text)
            self._text = []
            place = f"<{self._stack[-1].name.rpartition(' ')[2]}>"
            if mentions(text) or (place in _SHOWN and len(self.document.texts) < MAX_CLUES):
                self._note(self.document.texts, _Text(place, text, self._text_start, at))
        return at

    def _comment(self, text: str) -> None:
        at = self._flushed()
        if mentions(text) or len(self.document.texts) < MAX_CLUES:
            self._note(self.document.texts, _Text("comment", text, at))

    def _instruction(self, _target: str, text: str) -> None:
        at = self._flushed()
        if mentions(text):
            self._note(self.document.texts, _Text("comment", text, at))

    def _note(self, held: list[_T], new: _T) -> None:
        held.append(new)
        if len(held) > MAX_PARTS:
            raise _broken(f"has more than {MAX_PARTS} labels or metadata elements")

    def _namespace(self, prefix: str | None, uri: str | None) -> None:
        self._declared[prefix or ""] = uri or ""

    def _entity(self, _name: str, _parameter: bool, value: str | None, *_: object) -> None:  # noqa: FBT001 - expat calls it so
        if value is not None and (len(value) > MAX_ENTITY_CHARS or "&" in value or "%" in value):
            raise _broken(f"has an entity of more than {MAX_ENTITY_CHARS} characters, or of other entities")
        self._longest = max(self._longest, len(value or ""))

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.document.encoding = encoding or ""


def read(source: BinaryIO) -> Reading:
    """Find labels in packets, and in what describes the document."""
    document = _parsed(source)
    sites = [Site(t.place, t.text.strip(), Wrapper.EITHER, guide=False) for t in document.labels]
    unread = [Unread("document", document.problem.message)] if document.problem else []
    for metadata in document.metadata if not document.problem else ():
        place = _xmp.PLACE if metadata.guide else f"other {_xmp.PLACE}"
        try:
            sites += _xmp.sites(_wrapped(metadata, _raw(source, metadata)), place, guide=metadata.guide)
        except Malformed as e:
            unread.append(Unread(place, e.message))
    if not unread and _words(source) > sum(s.text.count(stray.WORD.decode()) for s in sites):
        unread.append(Unread("document", "holds what looks like a label at a place where none is read"))
    return Reading(tuple(sites), tuple(unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the XMP property in the root's metadata, or in new metadata before what is drawn; labels elsewhere become spaces.

    Raises:
        Refused: the document is in UTF-16, or a label stands where it cannot be taken out (``svg.utf-16``, ``svg.stuck``).
        Malformed: it is no well-formed SVG, or goes beyond what is read (``svg.broken``, ``xmp.broken``).
    """
    if _is_wide(source):
        raise Refused("svg.utf-16", "expected SVG in UTF-8, got UTF-16", hint="save it in UTF-8: iconv, or any editor")
    document = _parsed(source)
    if document.problem:
        raise document.problem
    blanks = [_blank(source, t) for t in document.labels]
    edits: list[Edit] = []
    for metadata in document.metadata:
        old = _raw(source, metadata)
        stop = metadata.start + len(old)
        data = old
        for b in (b for b in blanks if metadata.start <= b.start < stop):
            at = b.start - metadata.start
            data = data[:at] + b.new + data[at + len(b.new) :]
        blanks = [b for b in blanks if not metadata.start <= b.start < stop]
        new = _labelled(metadata, data, label) if metadata is document.target else _without(metadata, data)
        edits += [Edit(metadata.start, stop, new)] if new != old else []
    if document.target is None:
        edits.append(_added(source, document, label))
    return spliced([*edits, *blanks], size_of(source))


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give XMP, manifests, comments, titles and descriptions."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    document = _parsed(source)
    for metadata in document.metadata if not document.problem else ():
        data = _raw(source, metadata)
        if metadata.rdf:
            yield _clues.xmp(_xmp.PLACE, data)
        yield from (_manifest(m[1]) for m in _MANIFEST.finditer(data))
    for t in document.texts:
        yield Clue(Channel.TEXT if t.place == "comment" else Channel.BODY, t.place.strip("<>"), t.text.strip())


def _parsed(source: BinaryIO) -> _Document:
    """Parse the whole document; what stops the parser is the problem of what was found until then."""
    walk = _Walk()
    document, size = walk.document, size_of(source)
    if _is_wide(source) or size > MAX_BYTES:
        document.problem = _broken(f"is in UTF-16, or larger than the {MAX_BYTES} bytes that are read")
        return document
    try:
        for at in range(0, size, STEP_BYTES):
            walk.feed(read_at(source, at, min(STEP_BYTES, size - at), what="document"))
        walk.feed(b"", last=True)
    except Malformed as e:
        document.problem = e
    except (expat.ExpatError, LookupError, ValueError) as e:
        document.problem = _broken(f"is no well-formed XML, or in an encoding that is not read: {e}")
    return document


def _is_wide(source: BinaryIO) -> bool:
    head = read_at(source, 0, min(4, size_of(source)), what="document")
    return head[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in head


def _scope(namespaces: dict[str, str], encoding: str) -> bytes:
    """Return a start tag in which a part of the document reads as it does there, in the document's encoding."""
    declared = "".join(f" xmlns{':' * bool(k)}{k}={quoteattr(v)}" for k, v in namespaces.items() if k != "xml")
    head = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding else ""
    return f"{head}<scope{declared}>".encode("ascii", "xmlcharrefreplace")


def _wrapped(metadata: _Metadata, data: bytes) -> bytes:
    return metadata.scope + data + _SCOPE_END


def _unwrapped(metadata: _Metadata, data: bytes) -> bytes:
    return data[len(metadata.scope) : -len(_SCOPE_END)]


def _raw(source: BinaryIO, metadata: _Metadata) -> bytes:
    """Return the bytes of the whole element."""
    length = _stop(source, metadata.start, metadata.last) - metadata.start
    if length > MAX_METADATA_BYTES:
        raise _broken(f"has metadata of {length} bytes, more than the {MAX_METADATA_BYTES} that are read")
    return read_at(source, metadata.start, length, what="metadata")


def _stop(source: BinaryIO, start: int, last: int) -> int:
    """Return the offset behind an element, whose one tag may be its own end: expat then tells no offset of a last one."""
    tag = _tag(source, start)
    return start + len(tag) if tag.endswith(b"/>") else last + len(_tag(source, last))


def _tag(source: BinaryIO, at: int) -> bytes:
    found = _TAG.match(read_at(source, at, min(MAX_TAG_BYTES, size_of(source) - at), what="tag"))
    if not found:
        raise _broken(f"has a tag at {at} of more than {MAX_TAG_BYTES} bytes")
    return found[0]


def _words(source: BinaryIO) -> int:
    """Count what every label holds, in all the document."""
    count, kept, size = 0, b"", size_of(source)
    for at in range(0, size, STEP_BYTES):
        data = kept + read_at(source, at, min(STEP_BYTES, size - at), what="document")
        count += data.count(stray.WORD)
        kept = data[1 - len(stray.WORD) :]
    return count


def _labelled(metadata: _Metadata, data: bytes, label: str) -> bytes:
    """Set the property in the packet, or put a packet at the end of metadata that has none."""
    if metadata.rdf:
        return _unwrapped(metadata, _xmp.edit(_wrapped(metadata, data), label))
    data = _without(metadata, data)
    if data.endswith(b"/>"):
        return data[:-2] + b">" + _packet(label) + b"</" + _name(data) + b">"
    at = data.rindex(b"</")
    return data[:at] + _packet(label) + data[at:]


def _without(metadata: _Metadata, data: bytes) -> bytes:
    packet = _wrapped(metadata, data)
    return _unwrapped(metadata, _xmp.without(packet)) if _xmp.sites(packet, guide=False) else data


def _added(source: BinaryIO, document: _Document, label: str) -> Edit:
    """Put new metadata behind the root's start tag, title and description."""
    root = _tag(source, document.root)
    prefix, colon, _ = _name(root).rpartition(b":")
    element = prefix + colon + b"metadata"
    new = b"<%s>%s</%s>" % (element, _packet(label), element)
    at = document.root + len(root)
    if root.endswith(b"/>"):
        return Edit(at - 2, at, b">" + new + b"</" + _name(root) + b">")
    if any(document.title):
        at = _stop(source, *document.title)
    return Edit(at, at, new)


def _packet(label: str) -> bytes:
    """Return a new packet in ASCII, whatever the document's encoding: XMP part 1 §7.3.2 lets the mark be empty."""
    return _xmp.edit(None, label).replace(b"\xef\xbb\xbf", b"")


def _name(tag: bytes) -> bytes:
    found = _NAME.match(tag)
    return found[1] if found else b""


def _blank(source: BinaryIO, text: _Text) -> Edit:
    """Return the edit that writes spaces over a label, from its first brace to its last."""
    start = text.start
    if text.stop:
        raw = read_at(source, start, text.stop - start, what="text")
    elif text.place == "comment":
        raw = read_at(source, start, min(MAX_TAG_BYTES, size_of(source) - start), what="comment")
        raw = raw[: min(i for end in (b"-->", b"?>") if (i := raw.find(end)) >= 0)]
    else:
        values = (m.span(1) for m in _ATTRIBUTE.finditer(_tag(source, start)))
        a, b = next(((a, b) for a, b in values if _says(_tag(source, start)[a:b])), (0, 0))
        raw, start = _tag(source, start)[a:b], start + a
    first, last = raw.find(b"{"), raw.rfind(b"}") + 1
    if first < 0 or last <= first:
        hint = "take it out with the program that wrote it"
        raise Refused("svg.stuck", f"expected to take a label out of {text.place}, but its braces are escaped", hint=hint)
    if _says(raw[last:]):  # one more begins there and has no end
        last = len(raw)
    return Edit(start + first, start + last, b" " * (last - first))


def _says(value: bytes) -> bool:
    return mentions(html.unescape(value.decode("utf-8", "replace")))


def _manifest(text: bytes) -> Clue:
    try:
        store = base64.b64decode(text)
    except binascii.Error:
        store = b""
    return _clues.manifest("c2pa:manifest", io.BytesIO(store), 0, len(store))


def _broken(what: str) -> Malformed:
    return Malformed("svg.broken", f"expected a sound SVG, but it {what}", hint="open and save it with a program that draws it")
