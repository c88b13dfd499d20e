"""Offsets that count from the beginning of a file, and what has to change in them when bytes are put in before their target.

All of ISO/IEC 14496-12: ``stco`` and ``co64`` (§8.7.5), ``saio`` in a track (§8.7.9), ``iloc`` (§8.11.3), ``tfhd`` (§8.8.7),
``tfra`` (§8.8.10), ``sidx`` (§8.16.3). A ``saio`` in a fragment counts from the base of its ``tfhd``, so that it needs no change.
"""

import sys
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from struct import pack
from typing import BinaryIO, Final, Protocol

from mingwen.containers.boxes import Box, Node, boxes, broken, named, walk
from mingwen.containers.edits import Edit, read_at
from mingwen.domain.sites import Unread

MAX_INDEX_BYTES: Final = 64 << 20
"""Of a ``tfra`` or an ``iloc`` outside the moov; a fragment takes 19 bytes at most."""
MAX_TRACKS: Final = 1024
"""In one fragment."""

_U32 = 1 << 32
_U63 = 1 << 63
_U16, _U31 = (1 << 16) - 1, (1 << 31) - 1
_NARROW, _WIDE = 4, 8
_FULL_HEAD = 4
_HAS_BASE = 0x000001
"""``tfhd``: base_data_offset is present."""
_IN_THIS_FILE = 0x000001
"""``dref`` entry: the media data are in the file with the moov."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Everything from ``pivot`` on moves by ``growth`` bytes; it may be negative."""

    pivot: int
    growth: int

    @property
    def still(self) -> bool:
        """Say whether nothing moves."""
        return not self.growth

    def __call__(self, offset: int) -> int:
        """Return where a byte of the source stands in the output."""
        return offset + self.growth if offset >= self.pivot else offset

    def table(self, data: bytes, width: int) -> tuple[int, bytes]:
        """Move a table of big-endian offsets of ``width`` bytes; return its width then, and its bytes."""
        table = array("I" if width == _NARROW else "Q", data)
        if sys.byteorder == "little":
            table.byteswap()
        top = max(table, default=0)
        if top >= _U63:
            raise broken(f"a table points to byte {top}")
        wide = width == _WIDE or self(top) >= _U32
        pivot, growth = self.pivot, self.growth
        if min(table, default=0) >= pivot and table.itemsize == (_WIDE if wide else _NARROW):
            return width, _all_moved(data, growth, width)
        table = array("Q" if wide else "I", (o + growth if o >= pivot else o for o in table))
        if sys.byteorder == "little":
            table.byteswap()
        return _WIDE if wide else _NARROW, table.tobytes()


class Movement(Protocol):
    """What moves: a ``Shift``, or many at once."""

    @property
    def still(self) -> bool:
        """Say whether nothing moves."""

    def __call__(self, offset: int) -> int:
        """Return where a byte of the source stands in the output."""

    def table(self, data: bytes, width: int) -> tuple[int, bytes]:
        """Move a table of big-endian offsets of ``width`` bytes; return its width then, and its bytes."""


def shifted(node: Node, shift: Movement) -> Node:
    """Return a moov (or a box in it) with every offset moved; 32-bit tables that overflow become 64-bit ones.

    Raises:
        Malformed: a table lies about its length, or a field is too small for its new offset (``iso.broken``).
    """
    if shift.still or (node.kind == b"minf" and not is_in_this_file(node)):
        return node
    move = _MOVES.get(node.kind, {})
    return replace(
        node,
        children=tuple(
            shifted(c, shift) if c.children is not None else move[c.kind](c, shift) if c.kind in move else c
            for c in node.children or ()
        ),
    )


def patches(source: BinaryIO, box: Box, shift: Movement) -> Iterator[Edit]:
    """Return what changes in one box outside the moov.

    Raises:
        Malformed: as ``shifted``.
    """
    find = _PATCHES.get(box.kind)
    return find(source, box, shift) if find and not shift.still else iter(())


# --- in the moov --------------------------------------------------------------------------------------------------------


def _chunks(node: Node, shift: Movement) -> Node:
    wide, table = _moved(node, _FULL_HEAD, shift, wide=node.kind == b"co64")
    return Node(b"co64" if wide else b"stco", bytes(node.body[:_FULL_HEAD]) + table)


def _auxiliary(node: Node, shift: Movement) -> Node:
    at = _FULL_HEAD + (8 if int.from_bytes(node.body[1:4]) & 1 else 0)
    wide, table = _moved(node, at, shift, wide=node.body[:1] != b"\0")
    return Node(node.kind, bytes([1 if wide else 0]) + bytes(node.body[1:at]) + table)


def _moved(node: Node, at: int, shift: Movement, *, wide: bool) -> tuple[bool, bytes]:
    """Move a table that begins with its count; return whether it is 64 bits wide now, and its bytes."""
    count, width = int.from_bytes(node.body[at : at + 4]), _WIDE if wide else _NARROW
    stop = at + 4 + count * width
    if stop > len(node.body):
        raise broken(f"{named(node.kind)} declares {count} entries in {len(node.body)} bytes")
    width, table = shift.table(bytes(node.body[at + 4 : stop]), width)
    return width == _WIDE, pack(">I", count) + table + bytes(node.body[stop:])


def _all_moved(table: bytes, growth: int, width: int) -> bytes:
    """Add ``growth`` to every big-endian entry at once, as one long number: none overflows, so none carries over."""
    ones = int.from_bytes((1).to_bytes(width) * (len(table) // width))
    return (int.from_bytes(table) + growth * ones).to_bytes(len(table))


def is_in_this_file(minf: Node) -> bool:
    """Say whether a track's chunks are in the file itself: its data references say so."""
    dinf = minf.first(b"dinf")
    dref = dinf.first(b"dref") if dinf else None
    if dref is None:
        return True
    body = dref.body[8:]
    flags = {int.from_bytes(body[b.body + 1 : b.body + 4]) & _IN_THIS_FILE for b in boxes(body) if not isinstance(b, Unread)}
    if len(flags) > 1:
        raise broken("a track has its data in this file and in others")
    return flags != {0}


# --- items of a meta ----------------------------------------------------------------------------------------------------


class _Fields:
    """A cursor over big-endian numbers that can be changed where they stand."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.at = 0

    def take(self, width: int) -> int:
        """Return the next number, ``width`` bytes wide."""
        self.at += width
        if self.at > len(self.data):
            raise broken("a table ends within an entry")
        return int.from_bytes(self.data[self.at - width : self.at])

    def put(self, width: int, value: int) -> None:
        """Overwrite the number just taken."""
        if not 0 <= value < 1 << 8 * width:
            raise broken(f"an offset becomes {value}, more than its field of {width} bytes holds")
        self.data[self.at - width : self.at] = value.to_bytes(width)


def _items(node: Node, shift: Movement) -> Node:
    fields = _Fields(bytes(node.body))
    version = fields.take(4) >> 24
    sizes = fields.take(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    number = 2 if version < 2 else 4  # noqa: PLR2004 - version 2 has wide numbers
    for _ in range(fields.take(number)):
        fields.take(number)
        method = fields.take(2) & 15 if version else 0
        elsewhere = fields.take(2)
        base = fields.take(base_size)
        absolute = method == 0 and elsewhere == 0  # not in an idat, not in another item, not in another file
        if absolute and not offset_size and base_size:
            fields.put(base_size, shift(base))
        extents = fields.take(2)
        if not (offset_size and absolute):
            fields.take(extents * (index_size + offset_size + length_size))
            continue
        for _ in range(extents):
            fields.take(index_size)
            offset = fields.take(offset_size)
            fields.put(offset_size, shift(base + offset) - base)
            fields.take(length_size)
    return replace(node, body=bytes(fields.data))


def _item_patches(source: BinaryIO, meta: Box, shift: Movement) -> Iterator[Edit]:
    # iloc is not always a full box's first child, but meta's version and flags always come before the children.
    for box in walk(source, meta.body + _FULL_HEAD, meta.stop):
        if not isinstance(box, Unread) and box.kind == b"iloc":
            yield Edit(box.body, box.stop, bytes(_items(Node(b"iloc", _body(source, box)), shift).body))


# --- fragments ----------------------------------------------------------------------------------------------------------


def _fragment_patches(source: BinaryIO, moof: Box, shift: Movement) -> Iterator[Edit]:
    tracks = 0
    for traf in walk(source, moof.body, moof.stop):
        if isinstance(traf, Unread):
            raise broken(f"in a moof {traf.place} {traf.reason}")
        if traf.kind != b"traf":
            continue
        tracks += 1
        if tracks > MAX_TRACKS:
            raise broken(f"a moof holds more than {MAX_TRACKS} tracks")
        head = next((b for b in walk(source, traf.body, traf.stop) if isinstance(b, Box) and b.kind == b"tfhd"), None)
        if head is not None and int.from_bytes(read_at(source, head.body, 4, what="tfhd")) & _HAS_BASE:
            at = head.body + 8
            base = int.from_bytes(read_at(source, at, 8, what="tfhd"))
            if at + 8 > head.stop:
                raise broken("a tfhd ends before its base_data_offset")
            yield Edit(at, at + 8, _wide(shift(base)))


def _random_access_patches(source: BinaryIO, mfra: Box, shift: Movement) -> Iterator[Edit]:
    for box in walk(source, mfra.body, mfra.stop):
        if isinstance(box, Box) and box.kind == b"tfra":
            yield Edit(box.body, box.stop, _fragment_index(_body(source, box), shift))


def _fragment_index(body: bytes, shift: Movement) -> bytes:
    """Move the moof offsets of a ``tfra``: after version, track and lengths come entries of one size."""
    fields = _Fields(body)
    width = 8 if fields.take(4) >> 24 else 4
    fields.take(4)
    lengths = fields.take(4)
    rest = sum((lengths >> bits & 3) + 1 for bits in (4, 2, 0))
    for _ in range(fields.take(4)):
        fields.take(width)
        fields.put(width, shift(fields.take(width)))
        fields.take(rest)
    return bytes(fields.data)


def _segment_patches(source: BinaryIO, sidx: Box, shift: Movement) -> Iterator[Edit]:
    """Move a ``sidx``'s first_offset, which counts from its own end, and mend the sizes of what it refers to."""
    fields = _Fields(_body(source, sidx))
    width = _WIDE if fields.take(4) >> 24 else _NARROW
    fields.take(8 + width)
    offset = fields.take(width)
    at, end = sidx.stop + offset, shift(sidx.stop)
    fields.put(width, shift(at) - end)
    for _ in range(fields.take(4) & _U16):  # 16 bits that are reserved stand before
        word = fields.take(4)
        size = shift(at + (word & _U31)) - shift(at)
        if size > _U31:
            raise broken(f"a part that a sidx refers to grows to {size} bytes")
        fields.put(4, word & ~_U31 | size)
        at += word & _U31
        fields.take(8)
    if bytes(fields.data) != _body(source, sidx):
        yield Edit(sidx.body, sidx.stop, bytes(fields.data))


def _body(source: BinaryIO, box: Box) -> bytes:
    length = box.stop - box.body
    if length > MAX_INDEX_BYTES:
        raise broken(f"{named(box.kind)} has {length} bytes, more than the {MAX_INDEX_BYTES} that are read")
    return read_at(source, box.body, length, what=named(box.kind))


def _wide(value: int) -> bytes:
    if not 0 <= value < 2 * _U63:
        raise broken(f"an offset becomes {value}")
    return value.to_bytes(8)


_MOVES: dict[bytes, dict[bytes, Callable[[Node, Movement], Node]]] = {
    b"stbl": {b"stco": _chunks, b"co64": _chunks, b"saio": _auxiliary},
    b"meta": {b"iloc": _items},
}
_PATCHES: dict[bytes, Callable[[BinaryIO, Box, Movement], Iterator[Edit]]] = {
    b"meta": _item_patches,
    b"moof": _fragment_patches,
    b"mfra": _random_access_patches,
    b"sidx": _segment_patches,
}
