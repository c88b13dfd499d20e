"""Bits of a JPEG XL codestream, from the least significant on, and its variable numbers (ISO/IEC 18181-1 §B.2)."""

from collections.abc import Sequence
from struct import pack, unpack
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Width: TypeAlias = tuple[int, int]
"""An offset, and how many bits are added to it."""


class Bits:
    """A cursor over bits; beyond the end stands ``EOFError``."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at
        """In bits."""

    def take(self, count: int) -> int:
        """Return the next ``count`` bits as a number."""
        start, stop = self.at // 8, (self.at + count + 7) // 8
        if stop > len(self.data):
            raise EOFError("the codestream ends within a header")
        value = int.from_bytes(self.data[start:stop], "little") >> self.at % 8
        self.at += count
        return value & (1 << count) - 1

    def flag(self) -> bool:
        """Return the next bit."""
        return bool(self.take(1))

    def number(self, *widths: Width) -> int:
        """Return a U32, one of four widths."""
        offset, count = widths[self.take(2)]
        return offset + self.take(count)

    def long(self) -> int:
        """Return a U64."""
        kind = self.take(2)
        if kind < 3:  # noqa: PLR2004 - the three short forms
            return (0, 1 + self.take(4) if kind == 1 else 0, 17 + self.take(8) if kind == 2 else 0)[kind]  # noqa: PLR2004
        value, shift = self.take(12), 12
        while self.flag():
            count = 4 if shift == 60 else 8  # noqa: PLR2004 - what is left of 64 bits
            value |= self.take(count) << shift
            shift += count
            if count == 4:  # noqa: PLR2004 - as above
                break
        return value

    def half(self) -> float:
        """Return a floating-point number of 16 bits."""
        return float(unpack("<e", pack("<H", self.take(16)))[0])

    def align(self) -> None:
        """Go on to the next byte."""
        self.at += -self.at % 8


class Writer:
    """Bits to be written."""

    def __init__(self) -> None:
        self._value = 0
        self._count = 0
        self._done = bytearray()

    def put(self, value: int, count: int) -> None:
        """Append the lowest ``count`` bits."""
        self._value |= (value & (1 << count) - 1) << self._count
        self._count += count
        if self._count >= 1024:  # noqa: PLR2004 - a short number is shifted fast
            whole = self._count // 8
            self._done += (self._value & (1 << whole * 8) - 1).to_bytes(whole, "little")
            self._value >>= whole * 8
            self._count -= whole * 8

    def number(self, value: int, *widths: Width) -> None:
        """Append a U32, in the first width that fits."""
        kind, (offset, count) = next((n, w) for n, w in enumerate(widths) if 0 <= value - w[0] < 1 << w[1])
        self.put(kind, 2)
        self.put(value - offset, count)

    def copy(self, bits: Bits, stop: int) -> None:
        """Append what a cursor reads up to ``stop``."""
        while bits.at < stop:
            count = min(stop - bits.at, 512)
            self.put(bits.take(count), count)

    def numbers(self, values: Sequence[tuple[int, int]]) -> None:
        """Append several values, each with its count of bits."""
        for value, count in values:
            self.put(value, count)

    def array(self, values: NDArray[np.int64], widths: NDArray[np.int64]) -> None:
        """Append many numbers of at most 63 bits."""
        ends = np.cumsum(widths)
        words, shifts = np.divmod(ends - widths, 64)
        total = int(ends[-1]) if ends.size else 0
        out = np.zeros(total // 64 + 2, np.uint64)
        plain, by = values.astype(np.uint64), shifts.astype(np.uint64)
        # No two have a bit in common, so that a sum is what is wanted.
        np.add.at(out, words, plain << by)
        np.add.at(out, words + 1, plain >> np.uint64(1) >> (np.uint64(63) - by))
        self.put(int.from_bytes(out.astype("<u8").tobytes(), "little"), total)

    @property
    def at(self) -> int:
        """How many bits there are."""
        return len(self._done) * 8 + self._count

    def done(self) -> bytes:
        """Return all of it, filled up to a byte with zeros."""
        return bytes(self._done) + self._value.to_bytes((self._count + 7) // 8, "little")
