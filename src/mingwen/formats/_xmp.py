"""XMP packets: find the TC260:AIGC property, or set it and keep every other byte.

Source of the property: TC260-PG-20259A and 20257A: prefix ``TC260``, namespace ``NAMESPACE``, property ``AIGC``, value = the bare
seven-key JSON as text. Readers also take the attribute form and any prefix bound to the namespace.
"""

import re
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from mingwen.domain.errors import Malformed

NAMESPACE: Final = "http://www.tc260.org.cn/ns/AIGC/1.0/"
PLACE: Final = "XMP TC260:AIGC"
MAX_PACKET_BYTES: Final = 16 << 20
"""Larger packets are not parsed; Photoshop's histories reach a few MB."""
MAX_DEPTH: Final = 64
MAX_PROPERTIES: Final = 64

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PROPERTY = f"{NAMESPACE} AIGC"
_DESCRIPTION = f"{_RDF} Description"
_TAG = re.compile(rb"""<(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_NAME = re.compile(rb"</?([^\s/>]+)")
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


class _Walk:
    """One pass of the parser over a packet, noting byte offsets; a DTD is refused, so no entity can be declared."""

    def __init__(self, data: bytes) -> None:
        self.found: list[_Property] = []
        self.about = ""
        self.rdf_end: tuple[int, bytes] | None = None
        """Offset of the tag that ends rdf:RDF, and its prefix."""
        self._data = data
        self._stack: list[tuple[str, int]] = []
        self._text: list[str] | None = None
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
        if name == _PROPERTY:
            if self._text is not None:
                raise _broken("has one AIGC property within another")
            self._text = []
        elif name == _DESCRIPTION:
            self.about = self.about or attributes.get(f"{_RDF} about", "")
        if len(self.found) >= MAX_PROPERTIES:
            raise _broken(f"has more than {MAX_PROPERTIES} AIGC properties")
        if _PROPERTY in attributes:
            self.found.append(_Property(at, at + _tag_length(self._data, at), attributes[_PROPERTY].strip(), attribute=True))

    def _end(self, name: str) -> None:
        at = self._parser.CurrentByteIndex
        _, began = self._stack.pop()
        if name == _PROPERTY and self._text is not None:
            self.found.append(_Property(began, at + _tag_length(self._data, at), "".join(self._text).strip(), attribute=False))
            self._text = None
        elif name == f"{_RDF} RDF":
            self.rdf_end = (at, _prefix(self._data, at))

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)


def labels(packet: bytes) -> list[str]:
    """Return the texts of all AIGC properties of the packet, element and attribute form, in order.

    Raises:
        Malformed: the packet is no well-formed XML, has a DOCTYPE, or is too large or deep (``xmp.broken``).
    """
    if not _may_name(packet):
        _bound(packet)
        return []
    return [p.text for p in _Walk(_narrow(packet)).found]


def _may_name(packet: bytes) -> bool:
    """Say whether the namespace may stand in the packet: in plain bytes, by character references, or in wider characters."""
    return NAMESPACE.encode() in packet or b"&#" in packet or b"\0" in packet.rstrip(b"\0")


def edit(packet: bytes | None, text: str) -> bytes:
    """Return the packet with exactly one AIGC property, of value ``text``; None makes a new packet.

    An element that is there keeps its place and gets the new value; further ones go. All other bytes stay, but for a packet
    in UTF-16, which becomes UTF-8 as every container here wants it.

    Raises:
        Malformed: as ``labels``, and if there is no ``rdf:RDF`` to put the property into (``xmp.broken``).
    """
    data = _NEW if packet is None else _narrow(packet)
    walk = _Walk(data)
    kept = next((p for p in walk.found if not p.attribute), None)
    for extra in sorted((p for p in walk.found if p is not kept), key=lambda p: p.start, reverse=True):
        data = data[: extra.start] + (_without_attribute(data, extra) if extra.attribute else b"") + data[extra.stop :]
    if any(p.attribute for p in walk.found) or len(walk.found) > 1:
        walk = _Walk(data)
    return _set(data, walk, _escape(text))


def without(packet: bytes) -> bytes:
    """Return the packet with its AIGC properties blanked by spaces, as long as before, so that nothing has to move.

    Raises:
        Malformed: as ``labels``.
    """
    data = _narrow(packet)
    for p in _Walk(data).found:
        rest = _without_attribute(data, p) if p.attribute else b""
        data = data[: p.start] + rest.ljust(p.stop - p.start) + data[p.stop :]
    return data.ljust(len(packet))


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


def _without_attribute(data: bytes, at: _Property) -> bytes:
    """Take the AIGC attribute out of one start tag; its prefix is whatever is bound to the namespace."""
    tag = data[at.start : at.stop]
    return re.sub(rb"""\s+[^\s=:"'<>]+:AIGC\s*=\s*("[^"]*"|'[^']*')""", b"", tag, count=1)


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
