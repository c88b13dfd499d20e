"""XMP packets: find the TC260:AIGC property, or set it and keep every other byte.

Source of the property: TC260-PG-20259A and 20257A: prefix ``TC260``, namespace ``NAMESPACE``, property ``AIGC``, value = the bare
seven-key JSON as text. Readers also take the attribute form and any prefix bound to the namespace. A property AIGC of another
namespace whose text is a label is a label at a wrong place: it is read as such, and gives way to the right one.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from mingwen.domain.errors import Malformed
from mingwen.domain.labels import mentions
from mingwen.domain.sites import Site, Wrapper

NAMESPACE: Final = "http://www.tc260.org.cn/ns/AIGC/1.0/"
PLACE: Final = "XMP TC260:AIGC"
MAX_PACKET_BYTES: Final = 16 << 20
"""Larger packets are not parsed; Photoshop's histories reach a few MB."""
MAX_DEPTH: Final = 64
MAX_PROPERTIES: Final = 64
MAX_NAMESPACE_CHARS: Final = 80
"""Of a stranger's namespace that a place quotes."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NAME_OF_PROPERTY = "AIGC"
_PROPERTY = f"{NAMESPACE} {_NAME_OF_PROPERTY}"
_DESCRIPTION = f"{_RDF} Description"
_TAG = re.compile(rb"""<(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_NAME = re.compile(rb"</?([^\s/>]+)")
_ATTRIBUTE = re.compile(rb"""(?<!\s)\s++(?:[^\s=:"'<>]++:)?AIGC\s*=\s*("[^"]*"|'[^']*')""")
_NEW = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    f' <rdf:RDF xmlns:rdf="{_RDF}">\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
).encode()


@dataclass(slots=True)
class _Property:
    """One AIGC property: byte range of the whole element or of the start tag that has the attribute."""

    start: int
    stop: int
    text: str
    attribute: bool
    name: str
    """Namespace and name."""

    @property
    def own(self) -> bool:
        """Is it of the guide's namespace?"""
        return self.name == _PROPERTY


@dataclass(slots=True)
class _Open:
    """A property element whose end has not come."""

    name: str
    depth: int
    text: list[str]


class _Walk:
    """One pass of the parser over a packet, noting byte offsets; a DTD is refused, so no entity can be declared."""

    def __init__(self, data: bytes) -> None:
        self.found: list[_Property] = []
        self.about = ""
        self.rdf_end: tuple[int, bytes] | None = None
        """Offset of the tag that ends rdf:RDF, and its prefix."""
        self._data = data
        self._stack: list[tuple[str, int]] = []
        self._open: _Open | None = None
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self._parser.CharacterDataHandler, self._parser.StartDoctypeDeclHandler = self._characters, _refuse_doctype
        _bound(data)
        try:
            self._parser.Parse(data.rstrip(b"\0"), True)  # noqa: FBT003 - the C API takes it by position
        except (expat.ExpatError, UnicodeError, LookupError, ValueError) as e:
            raise _broken(f"is no well-formed XML: {e}") from e

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self._parser.CurrentByteIndex
        self._stack.append((name, at))
        if len(self._stack) > MAX_DEPTH:
            raise _broken(f"nests deeper than {MAX_DEPTH}")
        if name == _DESCRIPTION:
            self.about = self.about or attributes.get(f"{_RDF} about", "")
        elif _is_property(name):
            self._enter(name)
        if len(self.found) >= MAX_PROPERTIES:
            raise _broken(f"has more than {MAX_PROPERTIES} AIGC properties")
        for key in filter(_is_property, attributes):
            self._note(_Property(at, at + _tag_length(self._data, at), attributes[key].strip(), attribute=True, name=key))

    def _enter(self, name: str) -> None:
        """Begin a property; one of the guide's may stand within one of another namespace, and then counts alone."""
        if self._open is None or (self._open.name != _PROPERTY and name == _PROPERTY):
            self._open = _Open(name, len(self._stack), [])
        elif name == _PROPERTY:
            raise _broken("has one AIGC property within another")

    def _end(self, name: str) -> None:
        at = self._parser.CurrentByteIndex
        depth = len(self._stack)
        _, began = self._stack.pop()
        if self._open is not None and self._open.depth == depth:
            text = "".join(self._open.text).strip()
            self._note(_Property(began, self._stop(began, at), text, attribute=False, name=name))
            self._open = None
        elif name == f"{_RDF} RDF":
            last = began if self._is_empty(began) else at
            self.rdf_end = (last, _prefix(self._data, last))

    def _is_empty(self, began: int) -> bool:
        """Is it one tag that opens and closes? The parser then names its end as where the next thing begins."""
        return self._data.startswith(b"/>", began + _tag_length(self._data, began) - 2)

    def _stop(self, began: int, at: int) -> int:
        last = began if self._is_empty(began) else at
        return last + _tag_length(self._data, last)

    def _note(self, property_: _Property) -> None:
        if property_.own or mentions(property_.text):
            self.found.append(property_)

    def _characters(self, text: str) -> None:
        if self._open is not None:
            self._open.text.append(text)


def is_packet(data: bytes) -> bool:
    """Say whether XML is XMP, which RDF's namespace tells: other kinds may stand at some places as well."""
    return _RDF.encode() in data.replace(b"\0", b"")


def sites(packet: bytes, place: str = PLACE, *, guide: bool) -> list[Site]:
    """Return every label of a packet that stands at ``place``; those of another namespace are never the guide's.

    Raises:
        Malformed: the packet is no well-formed XML, has a DOCTYPE, or is too large or deep (``xmp.broken``).
    """
    return [
        Site(place if p.own else _strange(place, p.name), p.text, Wrapper.BARE, guide=guide and p.own) for p in _found(packet)
    ]


def _strange(place: str, name: str) -> str:
    namespace = name.rpartition(" ")[0]
    return place.replace(PLACE.removeprefix("XMP "), f"AIGC of {namespace[:MAX_NAMESPACE_CHARS]!r}")


def _found(packet: bytes) -> list[_Property]:
    if not _may_name(packet):
        _bound(packet)
        return []
    return _Walk(_narrow(packet)).found


def _may_name(packet: bytes) -> bool:
    """Say whether the property may stand in the packet: its name in plain bytes (no reference can spell a name), or wider."""
    return _NAME_OF_PROPERTY.encode() in packet or b"\0" in packet.rstrip(b"\0")


def _is_property(name: str) -> bool:
    return name.rpartition(" ")[2] == _NAME_OF_PROPERTY


def edit(packet: bytes | None, text: str) -> bytes:
    """Return the packet with exactly one AIGC property, of value ``text``; None makes a new packet.

    An element that is there keeps its place and gets the new value; further ones go. All other bytes stay, but for a packet
    in UTF-16, which becomes UTF-8 as every container here wants it.

    Raises:
        Malformed: as ``sites``, and if there is no ``rdf:RDF`` to put the property into (``xmp.broken``).
    """
    data = _NEW if packet is None else _narrow(packet)
    walk = _Walk(data)
    kept = next((p for p in walk.found if p.own and not p.attribute), None)
    extras = [p for p in walk.found if p is not kept]
    for start, stop, rest in _removals(data, extras):
        data = data[:start] + rest + data[stop:]
    return _set(data, _Walk(data) if extras else walk, _escape(text))


def without(packet: bytes) -> bytes:
    """Return the packet with its AIGC properties blanked by spaces, as long as before, so that nothing has to move.

    Raises:
        Malformed: as ``sites``.
    """
    data = _narrow(packet)
    for start, stop, rest in _removals(data, _Walk(data).found):
        data = data[:start] + rest.ljust(stop - start) + data[stop:]
    return data.ljust(len(packet))


def _removals(data: bytes, properties: list[_Property]) -> Iterator[tuple[int, int, bytes]]:
    """Yield, from the last to the first, where a property stands and what is left of it; one tag may have two attributes."""
    elements = [p for p in properties if not p.attribute]
    outer = [p for p in properties if not any(e.start < p.start and p.stop <= e.stop for e in elements)]
    for start, stop, attribute in sorted({(p.start, p.stop, p.attribute) for p in outer}, reverse=True):
        texts = [p.text for p in properties if p.start == start and p.attribute]
        yield start, stop, _without_attributes(data[start:stop], texts) if attribute else b""


def _set(data: bytes, walk: _Walk, value: str) -> bytes:
    if walk.found:
        only = walk.found[0]
        opening = data[only.start : only.stop]
        head = opening[: _tag_length(opening, 0)]
        name = re.split(rb"[\s/>]", head[1:], maxsplit=1)[0]
        if head.endswith(b"/>"):
            head = head[:-2] + b">"
        return data[: only.start] + head + value.encode() + b"</" + name + b">" + data[only.stop :]
    if walk.rdf_end is None:
        raise _broken("holds no rdf:RDF element")
    at, prefix = walk.rdf_end
    colon = prefix + b":" if prefix else b""
    qualified = colon or b"rdf:"
    declare = b"" if prefix else f' xmlns:rdf="{_RDF}"'.encode()
    new = (
        b"<%sDescription%s %sabout=" % (qualified, declare, qualified)
        + f'"{_escape(walk.about)}" xmlns:TC260="{NAMESPACE}"><TC260:AIGC>{value}</TC260:AIGC></'.encode()
        + b"%sDescription>" % qualified
    )
    if data[at : at + 2] == b"</":
        return data[:at] + new + b"\n " + data[at:]
    length = _tag_length(data, at)
    empty = data[at : at + length]
    return data[:at] + empty[:-2] + b">" + new + b"</" + colon + b"RDF>" + data[at + length :]


def _without_attributes(tag: bytes, texts: list[str]) -> bytes:
    """Take the AIGC attributes of these values out of one start tag; their prefixes are whatever is bound to the namespaces."""
    values = {" ".join(text.split()) for text in texts}

    def kept(match: re.Match[bytes]) -> bytes:
        value = html.unescape(match[1][1:-1].decode("utf-8", "replace"))
        return b"" if " ".join(value.split()) in values else match[0]

    return _ATTRIBUTE.sub(kept, tag)


def _tag_length(data: bytes, at: int) -> int:
    """Return how long the tag at ``at`` is; a ``>`` within quotes does not end it."""
    match = _TAG.match(data, at)
    if match is None:
        raise _broken("has a tag that does not end")
    return match.end() - at


def _prefix(data: bytes, at: int) -> bytes:
    name = _NAME.match(data, at)
    return name.group(1).rpartition(b":")[0] if name else b""


def _refuse_doctype(*_: object) -> None:
    raise _broken("has a DOCTYPE, which XMP forbids")


def _is_wide(data: bytes) -> bool:
    return data[:2] in {b"\xfe\xff", b"\xff\xfe"} or data[:2] in {b"<\0", b"\0<"}


def _narrow(data: bytes) -> bytes:
    """Turn a UTF-16 packet into UTF-8."""
    if not _is_wide(data):
        return data
    try:
        return data.decode("utf-16-be" if data[:2] in {b"\xfe\xff", b"\0<"} else "utf-16-le").removeprefix("\ufeff").encode()
    except UnicodeError as e:
        raise _broken(f"is no valid UTF-16: {e}") from e


def _escape(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, entity)
    return text


def _bound(data: bytes) -> None:
    if len(data) > MAX_PACKET_BYTES:
        raise _broken(f"has {len(data)} bytes, more than the {MAX_PACKET_BYTES} that are read")


def _broken(what: str) -> Malformed:
    return Malformed(
        "xmp.broken", f"expected a sound XMP packet, but it {what}", hint="the packet is kept as it is; repair it first"
    )
