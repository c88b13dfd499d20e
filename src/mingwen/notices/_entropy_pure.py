"""The functions of _entropy.c in Python, for where there was no compiler: the same bytes, far slower.

_entropy.pyi says what they take and return, _entropy.c how an entry of a lookup table is laid out.
"""

import re

import numpy as np
from numpy.typing import NDArray

QUICK = 1 << 12
DC_SIZE, DC_BOUND, EOB_RUN, CORRECTIONS = 11, 16383, 0x7FFF, 1024
_MARKER = re.compile(rb"\xff[^\x00]", re.DOTALL)

Words = NDArray[np.uint32]
Counts = NDArray[np.int64]
Coefs = NDArray[np.int16]
Pattern = NDArray[np.uint8]


class Source:
    """Bits to read."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = bytes(data) + b"\xff" * 16
        self.bits = len(data) * 8
        self.at = 0

    def window(self) -> int:
        """Return the next 64 bits, of which the last seven may be wanting."""
        byte, bit = divmod(self.at, 8)
        return int.from_bytes(self.data[byte : byte + 8].ljust(8, b"\xff"), "big") << bit & 0xFFFFFFFFFFFFFFFF

    def take(self, count: int) -> int:
        """Read ``count`` bits, at most 32."""
        value = self.window() >> 64 - count if count else 0
        self.at += count
        return value

    def symbol(self, table: list[int]) -> tuple[int, int]:
        """Read a code; return the run and the size that it says."""
        window = self.window()
        entry = table[window >> 52]
        entry = entry if entry >> 24 else table[QUICK + (window >> 48)]
        if not entry >> 24:
            raise ValueError("expected a Huffman code, found other bits")
        self.at += entry >> 24
        return entry >> 20 & 15, entry >> 16 & 15

    def value(self, size: int) -> int:
        """Read extra bits (T.81 F.2.2.1, EXTEND)."""
        value = self.take(size)
        return value - (1 << size) + 1 if size and not value >> size - 1 else value

    def difference(self, table: list[int]) -> int:
        """Read a DC difference."""
        run, size = self.symbol(table)
        if run or size > DC_SIZE:
            raise ValueError("expected a Huffman code, found other bits")
        return self.value(size)

    def check(self) -> None:
        """Raise if more was read than there is."""
        if self.at > self.bits:
            raise ValueError("expected more coded data, found their end")


class Sink:
    """Bits to write, and how often each symbol was."""

    def __init__(self, codes: Words, tally: Counts) -> None:
        self.codes, self.tally = codes.tolist(), tally
        self.data, self.held, self.count = bytearray(), 0, 0

    def put(self, value: int, count: int) -> None:
        """Append ``count`` bits."""
        self.held = self.held << count | value & (1 << count) - 1
        self.count += count
        if self.count >= 4096:  # noqa: PLR2004 - seldom, so that long numbers are moved seldom
            self.count, rest = self.count % 8, self.count // 8
            self.data += (self.held >> self.count).to_bytes(rest, "big")
            self.held &= (1 << self.count) - 1

    def symbol(self, table: int, symbol: int) -> None:
        """Append the code of a symbol."""
        self.tally[table, symbol] += 1
        code = self.codes[table][symbol]
        self.put(code & 0xFFFF, code >> 16)

    def value(self, value: int, size: int) -> None:
        """Append extra bits: a negative value is written less one."""
        self.put(value - 1 if value < 0 else value, size)

    def difference(self, table: int, value: int) -> None:
        """Append a DC difference."""
        self.symbol(table, abs(value).bit_length())
        self.value(value, abs(value).bit_length())

    def copy(self, source: Source, stop: int) -> None:
        """Append bits of the source as they are."""
        bits = int.from_bytes(source.data[source.at // 8 : stop // 8 + 1], "big") >> 8 - stop % 8
        self.put(bits, stop - source.at)
        source.at = stop

    def finished(self) -> tuple[bytes, int]:
        """Fill the last byte up with ones (T.81 F.1.2.3); return all bytes, and the bits before that."""
        bits = len(self.data) * 8 + self.count
        self.put(0xFF, -self.count % 8)
        return bytes(self.data) + self.held.to_bytes(self.count // 8, "big"), bits


def next_marker(data: bytes, at: int) -> int:
    """Return where the next FF stands that is not a stuffed byte; -1 for none."""
    found = _MARKER.search(data, at)
    return found.start() if found else -1


def plain(data: bytes, start: int, stop: int) -> bytes:
    """Return coded data without stuffing."""
    return data[start:stop].replace(b"\xff\0", b"\xff")


def _pass_block(source: Source, table: list[int]) -> None:
    k = 1
    while k < 64:  # noqa: PLR2004 - the coefficients of a block
        entry = table[source.window() >> 52]
        reach = entry >> 5 & 255
        if entry & 31 and k + reach <= 64:  # noqa: PLR2004 - the same
            source.at += entry & 31
            if entry >> 13 & 1:
                return
            k += reach
            continue
        run, size = source.symbol(table)
        source.at += size
        if not size and run < 15:  # noqa: PLR2004 - ZRL
            return
        k += run + 1
        if size and k > 64:  # noqa: PLR2004 - the same
            raise ValueError("expected at most 64 coefficients in a block")


def _read_block(source: Source, table: list[int], out: Coefs) -> None:
    k = 1
    while k < 64:  # noqa: PLR2004 - the coefficients of a block
        run, size = source.symbol(table)
        if not size and run < 15:  # noqa: PLR2004 - ZRL
            return
        k += run
        if size and k > 63:  # noqa: PLR2004 - the same
            raise ValueError("expected at most 64 coefficients in a block")
        if size:
            out[k] = source.value(size)
        k += 1


def read_mcus(  # noqa: PLR0913, PLR0917 - as in C
    bits: bytes | bytearray, tables: Words, pattern: Pattern, wanted: Counts, coefs: Coefs, marks: Counts, count: int
) -> int:
    """Pass ``count`` MCUs, fill in coefficients and marks of the wanted ones (ascending), and return the bit at the end."""
    source, before, found = Source(bits), [0] * 4, 0
    rows, blocks, places = tables.tolist(), pattern.tolist(), {mcu: n for n, mcu in enumerate(wanted.tolist())}
    coefs[:] = 0
    for mcu in range(count):
        place, start = places.get(mcu), source.at
        if place is not None:
            marks[place, 0], marks[place, 2:] = start, _bounded(*before)
            found += 1
        for number, (slot, dc, ac) in enumerate(blocks):
            before[slot] += source.difference(rows[dc])
            if place is None:
                _pass_block(source, rows[ac])
            else:
                out = coefs[place * len(blocks) + number]
                out[0] = _bounded(before[slot])[0]
                _read_block(source, rows[ac], out)
            source.check()
        if place is not None:
            marks[place, 1] = source.at
    if found < len(wanted):
        raise ValueError("arrays do not fit each other")
    return source.at


def _bounded(*values: int) -> tuple[int, ...]:
    if any(abs(value) > DC_BOUND for value in values):
        raise ValueError("expected a coefficient in range")
    return values


def write_mcus(  # noqa: PLR0913, PLR0917 - as in C
    bits: bytes | bytearray, codes: Words, pattern: Pattern, coefs: Coefs, marks: Counts, tally: Counts, stop: int
) -> tuple[bytes, int]:
    """Return plain data with new MCUs, from the byte in which the first one begins to bit ``stop``, and their number of bits."""
    source, sink, blocks = Source(bits), Sink(codes, tally), pattern.tolist()
    source.at = int(marks[0, 0]) // 8 * 8 if len(marks) else stop
    before: list[int] = []
    for number, (start, end, *predictions) in enumerate(marks.tolist()):
        if start > source.at or not number:
            sink.copy(source, start)
            before = predictions
        source.at = end
        for (slot, dc, ac), block in zip(blocks, coefs[number * len(blocks) :].tolist(), strict=False):
            sink.difference(dc, block[0] - before[slot])
            before[slot] = block[0]
            _write_ac(sink, ac, block)
    sink.copy(source, stop)
    return sink.finished()


def _write_ac(sink: Sink, table: int, block: list[int]) -> None:
    run = 0
    for value in block[1:]:
        if not value:
            run += 1
            continue
        for _ in range(run // 16):
            sink.symbol(table, 0xF0)
        size = abs(value).bit_length()
        sink.symbol(table, run % 16 << 4 | size)
        sink.value(value, size)
        run = 0
    if run:
        sink.symbol(table, 0)
