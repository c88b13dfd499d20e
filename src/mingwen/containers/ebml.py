"""EBML elements: walk their heads in a stream within bounds, and build elements that fill a given room (RFC 8794)."""

import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from mingwen.domain.errors import Malformed

MAX_ELEMENTS: Final = 4_000_000
"""Elements of one walk; eleven hours of a live recording of a hundred blocks a second have as many."""
MAX_INSIDE: Final = 65_536
"""Elements of one payload in memory."""
VOID: Final = 0xEC
CRC32: Final = 0xBF

_MAX_ID_BYTES: Final = 4
_MAX_SIZE_BYTES: Final = 8
_MAX_HEAD_BYTES: Final = _MAX_ID_BYTES + _MAX_SIZE_BYTES
_LEAST_ID: Final = 0x10
"""The first byte of an ID of four bytes, the longest there is (RFC 8794 §5)."""
_WIDTHS: Final = tuple(9 - first.bit_length() for first in range(256))
"""How long the number is that a byte begins (RFC 8794 §4); 9 says that none is."""
_SHORT_VOID: Final = 128
"""Voids below have a size of one byte, others of eight."""
_CRC_BYTES: Final = 6


class Element(NamedTuple):
    """Where one element stands."""

    kind: int
    """Its ID with the length marker, as specifications print it."""
    start: int
    data: int
    stop: int
    """Behind its data; where the size is unknown, behind its head."""
    known: bool
    """Has it a size?"""


def walk(source: BinaryIO, start: int, stop: int) -> Iterator[Element]:
    """Yield the elements between ``start`` and ``stop``; one of unknown size is followed by what stands in it.

    Raises:
        Malformed: no element stands where one should, one reaches behind ``stop`` or the file's end, or there are more than
            ``MAX_ELEMENTS`` (``ebml.broken``).
    """
    at = start
    for _ in range(MAX_ELEMENTS):
        if at >= stop:
            return
        found = _element(source, at)
        if found.stop > stop:
            raise broken(f"expected {found.stop - found.start} bytes of {found.kind:X} at {at}, found {stop - at}")
        yield found
        at = found.stop
    raise broken(f"expected at most {MAX_ELEMENTS} elements")


def element(head: bytes, at: int) -> Element:
    """Read the head of an element from the bytes that stand ``at``.

    Raises:
        Malformed: no element begins so (``ebml.broken``).
    """
    id_bytes = _WIDTHS[head[0]] if head else 0
    length = id_bytes + _WIDTHS[head[id_bytes]] if id_bytes < len(head) else 0
    if not head or head[0] < _LEAST_ID or not id_bytes < length <= len(head) or not head[id_bytes]:
        raise broken(f"expected an element at {at}, found {head[:_MAX_HEAD_BYTES].hex(' ') or 'the end'}")
    most = (1 << 7 * (length - id_bytes)) - 1
    size = int.from_bytes(head[id_bytes:length]) & most
    data = at + length
    return Element(int.from_bytes(head[:id_bytes]), at, data, data if size == most else data + size, size != most)


def inside(data: bytes) -> Iterator[tuple[Element, bytes]]:
    """Yield the elements of a payload in memory, each with its own; of unknown size none may be.

    Raises:
        Malformed: as ``walk``, and if there are more than ``MAX_INSIDE``.
    """
    for number, found in enumerate(walk(io.BytesIO(data), 0, len(data))):
        if not found.known or number == MAX_INSIDE:
            raise broken(f"expected at most {MAX_INSIDE} elements, each with a size, found another {found.kind:X}")
        yield found, data[found.data : found.stop]


def packed(kind: int, payload: bytes, width: int = 0) -> bytes:
    """Build an element whose size has ``width`` bytes, or as many as it needs."""
    return _id(kind) + sized(len(payload), width) + payload


def sized(size: int, width: int = 0) -> bytes:
    """Write a size in ``width`` bytes if it fits there, else in as many as it needs (RFC 8794 §4)."""
    least = next(n for n in range(1, _MAX_SIZE_BYTES + 1) if size < (1 << 7 * n) - 1)  # all ones would mean unknown
    width = max(width, least)
    return (size | 1 << 7 * width).to_bytes(width)


def void(room: int) -> bytes:
    """Return an empty element of exactly ``room`` bytes, 2 at least."""
    return _void_head(room).ljust(room, b"\0")


def fitted(kind: int, payload: bytes, room: int, *, clear: int = 0) -> bytes | None:
    """Build an element and the head of the Void that fills its ``room`` up; None if it does not fit.

    At least the first ``clear`` bytes are written, so that nothing of what stood there stays; what follows may stay as it
    is, for a Void may hold anything.
    """
    new = packed(kind, payload)
    if room - len(new) == 1:  # no Void is that short
        new = packed(kind, payload, len(new) - len(payload) - len(_id(kind)) + 1)
    if len(new) > room:
        return None
    return (new + _void_head(room - len(new))).ljust(clear, b"\0")


def sealed(children: bytes) -> bytes:
    """Put a CRC-32 element before its siblings (RFC 8794 §11.3.1)."""
    return packed(CRC32, zlib.crc32(children).to_bytes(4, "little")) + children


def unsealed(payload: bytes) -> bytes:
    """Take the CRC-32 away that a payload begins with."""
    return payload[_CRC_BYTES:] if has_crc(payload) else payload


def has_crc(payload: bytes) -> bool:
    """Say whether a payload begins with its CRC-32."""
    return payload[:2] == b"\xbf\x84" and len(payload) >= _CRC_BYTES


def text(payload: bytes) -> str:
    """Decode a string, which zeros may follow (RFC 8794 §7.5)."""
    return payload.partition(b"\0")[0].decode("utf-8", "replace")


def broken(what: str) -> Malformed:
    """Build the one error for what is no EBML."""
    return Malformed("ebml.broken", what, hint="the file is damaged, cut off or still being written; get a whole copy")


def _element(source: BinaryIO, at: int) -> Element:
    source.seek(at)
    return element(source.read(_MAX_HEAD_BYTES), at)


def _id(kind: int) -> bytes:
    return kind.to_bytes((kind.bit_length() + 7) // 8)


def _void_head(room: int) -> bytes:
    if not room:
        return b""
    return _id(VOID) + (sized(room - 2) if room <= _SHORT_VOID else sized(room - 9, 8))
