"""Huffman tables of JPEG: looked up in, made longer without moving a code, made anew (ITU-T T.81, Annexes C and K.2)."""

from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

LONGEST = 16
QUICK_BITS = 12
"""Of the first of the two windows; _entropy.c says what an entry holds."""
ZRL = 0xF0


@dataclass(frozen=True, slots=True)
class Table:
    """A table as DHT has it (T.81 B.2.4.2)."""

    counts: bytes
    """How many codes there are of 1 to 16 bits."""
    symbols: bytes
    """In the order of their codes."""

    @property
    def used(self) -> int:
        """How much of the 65,536 words of 16 bits begins with a code."""
        return sum(count << LONGEST - length for length, count in enumerate(self.counts, 1))


def table_at(data: bytes) -> tuple[Table, int]:
    """Read a table and say how many bytes it takes.

    Raises:
        ValueError: its codes do not fit into the lengths they claim.
    """
    counts = data[:LONGEST]
    end = LONGEST + sum(counts)
    table = Table(counts, data[LONGEST:end])
    if len(counts) < LONGEST or len(data) < end or end > LONGEST + 256 or table.used > 1 << LONGEST:
        raise ValueError("expected a Huffman table, its codes do not fit")
    return table, end


def _lengths(table: Table) -> NDArray[np.int64]:
    return np.repeat(np.arange(1, LONGEST + 1), list(table.counts))


@lru_cache(maxsize=64)
def codes(table: Table) -> NDArray[np.uint32]:
    """Return length << 16 | code for each of 256 symbols; 0 where it has none."""
    lengths = _lengths(table)
    spans = 1 << (LONGEST - lengths)
    first = (np.cumsum(spans) - spans) >> (LONGEST - lengths)
    out = np.zeros(256, np.uint32)
    symbols = np.frombuffer(table.symbols, np.uint8)
    out[symbols[::-1]] = (lengths << LONGEST | first)[::-1]
    return out


@lru_cache(maxsize=8)
def lookups(tables: tuple[Table, ...]) -> NDArray[np.uint32]:
    """Return, for each table, an entry for each window of 12 bits and, behind these, of 16."""
    return np.stack([_lookup(table) for table in tables])


def _lookup(table: Table) -> NDArray[np.uint32]:
    lengths = _lengths(table)
    entries = lengths << 24 | np.frombuffer(table.symbols, np.uint8).astype(np.int64) << 16
    whole = np.zeros(1 << LONGEST, np.int64)
    whole[: table.used] = np.repeat(entries, 1 << (LONGEST - lengths))
    quick = whole[:: 1 << LONGEST - QUICK_BITS].copy()
    quick[quick >> 24 > QUICK_BITS] = 0
    return np.concatenate([quick | _leaps(whole), whole]).astype(np.uint32)


def _leaps(whole: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return bits, coefficients and end of as many AC symbols as have their code within each window of 12 bits."""
    windows = np.arange(1 << QUICK_BITS) << LONGEST - QUICK_BITS
    bits, reach, ended = (np.zeros(1 << QUICK_BITS, np.int64) for _ in range(3))
    going = np.ones(1 << QUICK_BITS, bool)
    while going.any():
        entry = whole[windows << bits & 0xFFFF]
        length, run, size = entry >> 24, entry >> 20 & 15, entry >> 16 & 15
        going &= (length > 0) & (bits + length <= QUICK_BITS)
        ends = (size == 0) & (run < 15)  # noqa: PLR2004 - ZRL passes 16 and goes on
        bits += going * (length + size)
        reach += going * np.where(ends, 1, run + 1)
        ended |= going & ends
        going &= ~ends & (bits < QUICK_BITS)
    return ended << 13 | reach << 5 | bits


def extended(table: Table, missing: bytes) -> Table | None:
    """Return the table with codes for the missing symbols and every other code as it is; None where there is no room."""
    counts = bytearray(table.counts)
    longest = max((length for length, count in enumerate(counts, 1) if count), default=1)
    for length in range(longest, LONGEST + 1):
        room = ((1 << LONGEST) - table.used >> LONGEST - length) - 1  # the code of ones alone is no code (T.81 C)
        if room >= len(missing) and counts[length - 1] + len(missing) < 256:  # noqa: PLR2004 - a byte holds it
            counts[length - 1] += len(missing)
            return Table(bytes(counts), table.symbols + missing)
    return None


def optimal(tally: NDArray[np.int64]) -> Table:
    """Return the best table for symbols that occur so often."""
    often = {symbol: int(count) for symbol, count in enumerate(tally) if count}
    heap: list[tuple[int, int, list[int]]] = [(count, symbol, [symbol]) for symbol, count in often.items()]
    heap += [(1, -1, [-1])]  # stands for the code of ones alone, which is left out in the end
    heapify(heap)
    lengths = dict.fromkeys([-1, *often], 0)
    while len(heap) > 1:
        (a, _, few), (b, tie, many) = heappop(heap), heappop(heap)
        for symbol in few + many:
            lengths[symbol] += 1
        heappush(heap, (a + b, tie, few + many))
    bits = [0] * 260
    for length in lengths.values():
        bits[length] += 1
    for length in range(len(bits) - 1, LONGEST, -1):  # T.81 K.3: two leaves too deep find a place higher up
        while bits[length]:
            above = next(n for n in range(length - 2, 0, -1) if bits[n])
            bits[length] -= 2
            bits[length - 1] += 1
            bits[above + 1] += 2
            bits[above] -= 1
    bits[max(n for n, count in enumerate(bits) if count)] -= 1
    symbols = sorted(often, key=lambda symbol: (-often[symbol], symbol))
    return Table(bytes(bits[1 : LONGEST + 1]), bytes(symbols))
