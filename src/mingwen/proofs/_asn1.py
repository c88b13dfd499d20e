"""DER, taken apart element by element (ITU-T X.690): what time stamps and certificates are written in.

``domain._der`` reads keys, which are small and flat; a token is larger, nested, and its SETs need not be sorted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mingwen.domain._der import SEQUENCE, encode
from mingwen.domain.errors import Malformed

MOST_BYTES: Final = 64 * 1024
MOST_ELEMENTS: Final = 256
"""In one row."""
MOST_NUMBER_BYTES: Final = 64
"""Of an INTEGER or an OBJECT IDENTIFIER: a serial number takes 20, a nonce as many as one likes."""

BOOLEAN, NULL, UTF8_STRING, UTC_TIME, GENERALIZED_TIME, SET = 0x01, 0x05, 0x0C, 0x17, 0x18, 0x31
TRUE: Final = encode(BOOLEAN, b"\xff")

_LONG: Final = 0x80
_MOST_DIGITS: Final = 3
_TIMES: Final = {
    UTC_TIME: re.compile(rb"(\d\d)(\d{10})()Z"),
    GENERALIZED_TIME: re.compile(rb"(\d{4})(\d{10})(?:\.(\d{1,9}))?Z"),
}


@dataclass(frozen=True, slots=True)
class Element:
    """One tag, its content, and both as they stand."""

    tag: int
    body: bytes
    whole: bytes

    @property
    def row(self) -> "Row":
        """What is inside."""
        return Row(self.body)

    def one(self, *tags: int) -> "Element":
        """Return the one element that is inside."""
        row = self.row
        found = row.take(*tags)
        row.end()
        return found


class Row:
    """Elements that stand one after another, taken from the front."""

    def __init__(self, data: bytes) -> None:
        if len(data) > MOST_BYTES:
            raise malformed(f"at most {MOST_BYTES} bytes", f"{len(data)}")
        self._data, self._at, self._taken = data, 0, 0

    def take(self, *tags: int) -> Element:
        """Take the next element, which must have one of these tags; any, where none is given."""
        found = self._next()
        if tags and found.tag not in tags:
            raise malformed(f"an element {bytes(tags).hex(' ')}", f"{found.tag:02x}")
        self._at += len(found.whole)
        return found

    def maybe(self, tag: int) -> Element | None:
        """Take the next element if it has this tag."""
        return self.take(tag) if self._data[self._at : self._at + 1] == bytes([tag]) else None

    def rest(self, *tags: int) -> Iterator[Element]:
        """Take all that are left."""
        while self._at < len(self._data):
            yield self.take(*tags)

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self._at < len(self._data):
            raise malformed("nothing more", self._data[self._at : self._at + 8].hex(" "))

    def _next(self) -> Element:
        data, at = self._data, self._at
        self._taken += 1
        head = data[at : at + 2]
        if self._taken > MOST_ELEMENTS or len(head) < 2 or head[0] & 0x1F == 0x1F:  # noqa: PLR2004 - X.690 §8.1.2.4
            raise malformed(f"one of at most {MOST_ELEMENTS} elements", head.hex(" ") or "nothing")
        digits = data[at + 2 : at + 2 + (head[1] & ~_LONG)] if head[1] >= _LONG else b""
        count = int.from_bytes(digits) if head[1] >= _LONG else head[1]
        start = at + 2 + len(digits)
        whole = data[at : start + count]
        short_enough = count >= _LONG and digits[0] if head[1] >= _LONG else True  # X.690 §10.1: the shortest form
        if len(digits) > _MOST_DIGITS or not short_enough or len(whole) < start - at + count:
            raise malformed("an element in DER", data[at : at + 8].hex(" "))
        return Element(head[0], data[start : start + count], whole)


def element(data: bytes, *tags: int) -> Element:
    """Read the one element that ``data`` is."""
    return Element(0, data, data).one(*tags)


def sequence(data: bytes) -> Row:
    """Return what is inside of the one SEQUENCE that ``data`` is."""
    return element(data, SEQUENCE).row


def integer(element: Element) -> int:
    """Read an INTEGER, or what has its content under another tag."""
    body = element.body
    value = int.from_bytes(body, signed=True)
    shortest = (value if value >= 0 else ~value).bit_length() // 8 + 1  # X.690 §8.3.2
    if len(body) > MOST_NUMBER_BYTES or len(body) != shortest:
        raise malformed(f"an INTEGER of at most {MOST_NUMBER_BYTES} bytes", body[:8].hex(" "))
    return value


def boolean(element: Element | None) -> bool:
    """Read a BOOLEAN that is false where it is left out."""
    if element and element.body not in (b"\0", b"\xff"):
        raise malformed("a BOOLEAN", element.body[:8].hex(" "))
    return element is not None and element.body == b"\xff"


def bits(element: Element) -> bytes:
    """Read a BIT STRING of whole bytes."""
    if element.body[:1] != b"\0":
        raise malformed("a BIT STRING of whole bytes", element.body[:8].hex(" "))
    return element.body[1:]


def time(element: Element) -> datetime:
    """Read a UTCTime or GeneralizedTime in UTC with seconds (RFC 5280 §4.1.2.5), and perhaps a fraction (RFC 3161 §2.4.2)."""
    found = _TIMES[element.tag].fullmatch(element.body)
    try:
        if found:
            year, rest, fraction = (g.decode() for g in found.groups(b""))
            century = "" if element.tag == GENERALIZED_TIME else "20" if year < "50" else "19"
            return datetime.strptime(f"{century}{year}{rest}.{fraction[:6] or 0}+0000", "%Y%m%d%H%M%S.%f%z").astimezone(UTC)
    except ValueError:
        pass  # the 31st of February
    raise malformed("a time in UTC", repr(element.body[:24]))


def oid(dotted: str) -> bytes:
    """Write the content of an OBJECT IDENTIFIER."""
    first, second, *arcs = map(int, dotted.split("."))
    return b"".join(_base128(arc) for arc in (40 * first + second, *arcs))


def dotted(body: bytes) -> str:
    """Read the content of an OBJECT IDENTIFIER."""
    arcs, arc = [], 0
    for byte in body[:MOST_NUMBER_BYTES]:
        arc = arc << 7 | byte & 0x7F
        if byte < _LONG:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2) if arcs else 0
    text = ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:]))) if arcs else ""
    if not arcs or oid(text) != body:
        raise malformed("an OBJECT IDENTIFIER", body[:8].hex(" "))
    return text


def malformed(expected: str, came: str) -> Malformed:
    """What is raised for bytes that are no time stamp."""
    return Malformed("stamp.malformed", f"expected {expected}, got {came}", hint="the time stamp is cut off, or is none")


def _base128(arc: int) -> bytes:
    last = bytes([arc & 0x7F])
    while arc := arc >> 7:
        last = bytes([arc & 0x7F | _LONG]) + last
    return last
