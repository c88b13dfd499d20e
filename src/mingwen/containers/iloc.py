"""Where the items of a ``meta`` box stand (``iloc``, ISO/IEC 14496-12 §8.11.3): the table, to be read and written anew."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from mingwen.containers.boxes import broken
from mingwen.containers.chunk_offsets import Shift

MAX_ITEMS: Final = 65_536
MAX_EXTENTS: Final = 262_144
"""Of all items together."""

IN_FILE: Final = 0
IN_IDAT: Final = 1
"""Construction methods; 2 is an extent of another item."""

_WIDTHS = frozenset({0, 4, 8})
_U32 = 1 << 32
_U63 = 1 << 63
_WIDE_NUMBERS: Final = 2
"""The version from which items and their count are numbered in 32 bits; from 1 on there are construction methods."""


@dataclass(frozen=True, slots=True)
class Extent:
    """One run of an item's bytes."""

    offset: int
    """From the place's base."""
    length: int
    """In bytes; 0 is all there is."""
    index: int = 0
    """Meant for construction method 2 alone."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one item stands."""

    item: int
    extents: tuple[Extent, ...]
    base: int = 0
    method: int = IN_FILE
    reference: int = 0
    """The data reference: 0 is this file."""

    @property
    def absolute(self) -> bool:
        """Do its offsets count from the beginning of this file?"""
        return self.method == IN_FILE and self.reference == 0


@dataclass(frozen=True, slots=True)
class Table:
    """All of an ``iloc``."""

    version: int
    offset_size: int
    length_size: int
    base_size: int
    index_size: int
    places: tuple[Place, ...]

    def moved(self, shift: Shift) -> "Table":
        """Return the table of the output: what stands in the file itself moves."""
        return replace(self, places=tuple(_moved(p, shift) if p.absolute else p for p in self.places))

    def closed(self, end: int) -> "Table":
        """Return the table with a length where an extent has none, and so reaches to the ``end`` of the file."""
        return replace(self, places=tuple(_closed(p, end) if p.absolute else p for p in self.places))

    def with_place(self, new: Place) -> "Table":
        """Put ``new`` where the item's place is, or at the end."""
        kept = tuple(new if p.item == new.item else p for p in self.places)
        return replace(self, places=kept if new in kept else (*kept, new))

    def packed(self) -> bytes:
        """Write the body of the box, its fields no wider than before if that is enough.

        Raises:
            Malformed: there are more items than the version can count, or offsets beyond 2^63 (``iso.broken``).
        """
        # Where one item counts from a base all do: C2PA's library (0.38) moves bases of 0 and the offsets behind them, too.
        based = any(p.base for p in self.places)
        places = tuple(_based(p) if based and p.absolute and not p.base else p for p in self.places)
        extents = [e for p in places for e in p.extents]
        offset_size = _fitting(self.offset_size, (e.offset for e in extents))
        length_size = _fitting(self.length_size, (e.length for e in extents))
        base_size = _fitting(self.base_size, (p.base for p in places))
        number = 2 if self.version < _WIDE_NUMBERS else 4
        if len(self.places) >= 1 << 8 * number:
            raise broken(f"iloc would hold {len(self.places)} items")
        out = [
            bytes((self.version, 0, 0, 0, offset_size << 4 | length_size, base_size << 4 | self.index_size)),
            len(self.places).to_bytes(number),
        ]
        for place in places:
            out.append(place.item.to_bytes(number))
            if self.version:
                out.append(place.method.to_bytes(2))
            out += (place.reference.to_bytes(2), place.base.to_bytes(base_size), len(place.extents).to_bytes(2))
            for extent in place.extents:
                out.append(extent.index.to_bytes(self.index_size))
                out += (extent.offset.to_bytes(offset_size), extent.length.to_bytes(length_size))
        return b"".join(out)


class _Numbers:
    """A cursor over big-endian numbers."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, width: int) -> int:
        """Return the next one, ``width`` bytes wide."""
        self._at += width
        if self._at > len(self._data):
            raise broken("iloc ends within an entry")
        return int.from_bytes(self._data[self._at - width : self._at])


def parse(body: bytes) -> Table:
    """Read the body of an ``iloc``.

    Raises:
        Malformed: it lies about its length, has fields of odd widths, or more items than are read (``iso.broken``).
    """
    numbers = _Numbers(body)
    version = numbers.take(4) >> 24
    sizes = numbers.take(2)
    offset_size, length_size, base_size, index_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15 if version else 0
    if version > _WIDE_NUMBERS or not _WIDTHS.issuperset((offset_size, length_size, base_size, index_size)):
        raise broken(f"iloc is of version {version} with fields of {sizes:04x}")
    number = 2 if version < _WIDE_NUMBERS else 4
    count = numbers.take(number)
    if count > MAX_ITEMS:
        raise broken(f"iloc declares {count} items, more than the {MAX_ITEMS} that are read")
    places: list[Place] = []
    left = MAX_EXTENTS
    for _ in range(count):
        item = numbers.take(number)
        method = numbers.take(2) & 15 if version else IN_FILE
        reference, base, extents = numbers.take(2), numbers.take(base_size), numbers.take(2)
        left -= extents
        if left < 0:
            raise broken(f"iloc holds more than {MAX_EXTENTS} extents")
        triples = ((numbers.take(index_size), numbers.take(offset_size), numbers.take(length_size)) for _ in range(extents))
        places.append(Place(item, tuple(Extent(offset, length, i) for i, offset, length in triples), base, method, reference))
    if len({p.item for p in places}) < count:
        raise broken("iloc names an item twice")
    return Table(version, offset_size, length_size, base_size, index_size, tuple(places))


def _closed(place: Place, end: int) -> Place:
    if all(e.length for e in place.extents):
        return place
    extents = tuple(e if e.length else replace(e, length=end - place.base - e.offset) for e in place.extents)
    if any(e.length < 0 for e in extents):
        raise broken(f"item {place.item} begins behind the end")
    return replace(place, extents=extents)


def _based(place: Place) -> Place:
    base = min((e.offset for e in place.extents), default=0)
    return replace(place, base=base, extents=tuple(replace(e, offset=e.offset - base) for e in place.extents))


def _moved(place: Place, shift: Shift) -> Place:
    base = shift(place.base) if place.base else 0
    extents = tuple(Extent(shift(place.base + e.offset) - base, e.length, e.index) for e in place.extents)
    if any(e.offset < 0 for e in extents):
        raise broken(f"item {place.item} stands across the end of the meta")
    return replace(place, base=base, extents=extents)


def _fitting(width: int, values: Iterable[int]) -> int:
    """Return the width of a field: as it was if the largest value fits, else 4 or 8 bytes."""
    top = max(values, default=0)
    if top >= _U63:
        raise broken(f"iloc names byte {top}")
    if top < 1 << 8 * width:
        return width
    return 4 if top < _U32 else 8
