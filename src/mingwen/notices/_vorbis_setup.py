"""Vorbis' setup header: codebooks, floors, residues, mappings and modes (Vorbis I specification §3, §4.2.4, §6 to §8)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.containers.ogg_pages import broken
from mingwen.domain.errors import Refused

Values: TypeAlias = NDArray[np.float64]

BOOK = 0x564342
LONGEST_WORD = 32
MAX_SCALARS = 1 << 20
"""Entries of all codebooks times their dimensions; encoders use less than 100,000."""
STAGES = 8
"""Of a residue."""


class Bits:
    """Numbers of a packet, least significant bit first (§2)."""

    def __init__(self, data: bytes, start: int) -> None:
        self.data, self.at = data, start * 8

    def read(self, count: int) -> int:
        """Take so many bits.

        Raises:
            Malformed: the packet ends before (``ogg.broken``).
        """
        stop = self.at + count
        if stop > len(self.data) * 8:
            raise broken("expected a whole Vorbis setup header")
        word = int.from_bytes(self.data[self.at >> 3 : (stop + 7) >> 3], "little")
        value = word >> (self.at & 7) & (1 << count) - 1
        self.at = stop
        return value

    def flag(self) -> bool:
        """Take a bit."""
        return bool(self.read(1))

    def many(self, count: int, bits: int) -> list[int]:
        """Take so many numbers."""
        return [self.read(bits) for _ in range(count)]


@dataclass(frozen=True)
class Book:
    """A codebook (§3)."""

    dimensions: int
    lengths: tuple[int, ...]
    """Of the codewords; 0 for entries without one."""
    lattice: Values | None
    """The values that each dimension takes by itself, where they are the same for all."""
    vectors: Values | None
    """(entries, dimensions); None for a book of numbers alone."""

    @cached_property
    def words(self) -> tuple[int, ...]:
        """The codewords, their first bit least significant (§3.2.1)."""
        next_, out = [0] * (LONGEST_WORD + 1), list[int]()
        used = [length for length in self.lengths if length]
        for length in self.lengths:
            word = next_[length] if length and len(used) > 1 else 0
            out.append(int(f"{word:0{length}b}"[::-1], 2) if length else 0)
            if length and len(used) > 1:
                if word >> length:
                    raise broken("expected Vorbis codewords that form a tree")
                _take(next_, length, word)
        return tuple(out)

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """Which entries have a codeword."""
        return np.array(self.lengths) > 0


def _take(next_: list[int], length: int, word: int) -> None:
    """Mark a codeword as used, and with it all that begin alike."""
    for n in range(length, 0, -1):
        if next_[n] & 1:
            next_[n] = next_[n - 1] << 1 if n > 1 else next_[n] + 1
            break
        next_[n] += 1
    for n in range(length + 1, LONGEST_WORD + 1):
        if next_[n] >> 1 != word:
            break
        word, next_[n] = next_[n], next_[n - 1] << 1


@dataclass(frozen=True, slots=True)
class FloorClass:
    """How a class of partitions of a floor is written (§7.2.2)."""

    dimensions: int
    bits: int
    """That choose among ``books`` for each dimension."""
    master: int
    books: tuple[int, ...]
    """−1 for a value of 0 that is not written."""


@dataclass(frozen=True, slots=True)
class Floor:
    """A floor of type 1."""

    partitions: tuple[FloorClass, ...]
    multiplier: int


@dataclass(frozen=True, slots=True)
class Residue:
    """§8.6.1."""

    kind: int
    begin: int
    end: int
    size: int
    """Of a partition."""
    class_book: int
    stages: tuple[tuple[int, ...], ...]
    """For each class the books of its stages, −1 for none."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """§4.2.4."""

    coupling: tuple[tuple[int, int], ...]
    mux: tuple[int, ...]
    """The submap of each channel."""
    submaps: tuple[tuple[int, int], ...]
    """Floor and residue of each."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A kind of packet."""

    long: bool
    mapping: int


@dataclass(frozen=True, slots=True)
class Setup:
    """What the first and the third header say."""

    channels: int
    rate: int
    sizes: tuple[int, int]
    """Of short and long blocks."""
    bit_rate: int
    books: tuple[Book, ...]
    floors: tuple[Floor, ...]
    residues: tuple[Residue, ...]
    mappings: tuple[Mapping, ...]
    modes: tuple[Mode, ...]

    @property
    def mode_bits(self) -> int:
        """Of the number of the mode in a packet."""
        return (len(self.modes) - 1).bit_length()


def setup(headers: Sequence[bytes]) -> Setup:
    """Read the headers.

    Raises:
        Malformed: they are not whole (``ogg.broken``).
        Refused: the coding is of the kind before Vorbis 1.0 (``notice.codec``).
    """
    first, _, third = headers
    if len(first) < 30 or not first.startswith(b"\1vorbis") or not third.startswith(b"\5vorbis"):  # noqa: PLR2004 - §4.2.2
        raise broken("expected the headers of Vorbis")
    _, channels, rate, _, nominal, _, sizes = struct.unpack_from("<IBIiiiB", first, 7)
    if not channels or not rate:
        raise broken("expected Vorbis with channels and a rate")
    bits = Bits(third, 7)
    try:
        books = _books(bits)
        bits.many(bits.read(6) + 1, 16)
        floors = tuple(_floor(bits) for _ in range(bits.read(6) + 1))
        residues = tuple(_residue(bits) for _ in range(bits.read(6) + 1))
        mappings = tuple(_mapping(bits, channels) for _ in range(bits.read(6) + 1))
        modes = tuple(_mode(bits) for _ in range(bits.read(6) + 1))
    except (IndexError, ValueError, OverflowError) as e:
        raise broken("expected a Vorbis setup header that fits together") from e
    return Setup(
        channels, rate, (1 << (sizes & 15), 1 << (sizes >> 4)), max(nominal, 0), books, floors, residues, mappings, modes
    )


def _books(bits: Bits) -> tuple[Book, ...]:
    books, room = list[Book](), MAX_SCALARS
    for _ in range(bits.read(8) + 1):
        if bits.read(24) != BOOK:
            raise broken("expected a Vorbis codebook")
        dimensions, entries = bits.read(16), bits.read(24)
        room -= entries * dimensions
        if not dimensions or room < 0:
            raise broken(f"expected codebooks of at most {MAX_SCALARS} numbers")
        books.append(_book(bits, dimensions, entries))
    return tuple(books)


def _book(bits: Bits, dimensions: int, entries: int) -> Book:
    lengths = _ordered(bits, entries) if bits.flag() else _lengths(bits, entries)
    kind = bits.read(4)
    if not kind:
        return Book(dimensions, lengths, None, None)
    least, step = _float(bits.read(32)), _float(bits.read(32))
    width, running = bits.read(4) + 1, bits.flag()
    root = _root(entries, dimensions)
    values = np.array(bits.many(root if kind == 1 else entries * dimensions, width), float) * step + least
    if kind == 1:
        digits = np.arange(entries)[:, np.newaxis] // root ** np.arange(dimensions) % root
        vectors = values[digits]
    else:
        vectors = values.reshape(entries, dimensions)
    whole = kind == 1 and not running and root**dimensions == entries
    return Book(dimensions, lengths, values if whole else None, np.cumsum(vectors, axis=1) if running else vectors)


def _lengths(bits: Bits, entries: int) -> tuple[int, ...]:
    if bits.flag():
        return tuple(bits.read(5) + 1 if bits.flag() else 0 for _ in range(entries))
    return tuple(length + 1 for length in bits.many(entries, 5))


def _ordered(bits: Bits, entries: int) -> tuple[int, ...]:
    lengths, length = list[int](), bits.read(5) + 1
    while len(lengths) < entries and length <= LONGEST_WORD:
        lengths += [length] * bits.read((entries - len(lengths)).bit_length())
        length += 1
    if len(lengths) != entries:
        raise broken("expected as many codewords as entries")
    return tuple(lengths)


def _root(entries: int, dimensions: int) -> int:
    """Return the largest number whose power is not above the entries (§9.2.3)."""
    root = int(entries ** (1 / dimensions)) + 1
    while root**dimensions > entries:
        root -= 1
    return root


def _float(word: int) -> float:
    """§9.2.2."""
    return float((-1 if word >> 31 else 1) * (word & 0x1FFFFF) * 2.0 ** ((word >> 21 & 0x3FF) - 788))


def _floor(bits: Bits) -> Floor:
    if bits.read(16) != 1:
        raise Refused("notice.codec", "expected Vorbis with floors of type 1, got type 0", hint="encode the sound anew")
    partitions = bits.many(bits.read(5), 4)
    classes = list[FloorClass]()
    for _ in range(max(partitions, default=-1) + 1):
        dimensions, width = bits.read(3) + 1, bits.read(2)
        master = bits.read(8) if width else -1
        classes.append(FloorClass(dimensions, width, master, tuple(n - 1 for n in bits.many(1 << width, 8))))
    multiplier, places = bits.read(2) + 1, bits.read(4)
    bits.many(sum(classes[n].dimensions for n in partitions), places)
    return Floor(tuple(classes[n] for n in partitions), multiplier)


def _residue(bits: Bits) -> Residue:
    kind, begin, end, size = bits.read(16), bits.read(24), bits.read(24), bits.read(24) + 1
    classes, book = bits.read(6) + 1, bits.read(8)
    masks = [bits.read(3) | (bits.read(5) << 3 if bits.flag() else 0) for _ in range(classes)]
    stages = tuple(tuple(bits.read(8) if mask >> n & 1 else -1 for n in range(STAGES)) for mask in masks)
    return Residue(kind, begin, end, size, book, stages)


def _mapping(bits: Bits, channels: int) -> Mapping:
    bits.read(16)
    submaps = bits.read(4) + 1 if bits.flag() else 1
    width = (channels - 1).bit_length()
    coupling = tuple((bits.read(width), bits.read(width)) for _ in range(bits.read(8) + 1)) if bits.flag() else ()
    bits.read(2)
    mux = tuple(bits.many(channels, 4)) if submaps > 1 else (0,) * channels
    pairs = [bits.many(3, 8)[1:] for _ in range(submaps)]
    return Mapping(coupling, mux, tuple((floor, residue) for floor, residue in pairs))


def _mode(bits: Bits) -> Mode:
    long = bits.flag()
    bits.read(32)
    return Mode(long, bits.read(8))
