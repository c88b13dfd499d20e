"""A small layer of a JPEG XL picture, coded without loss: a modular frame of one group (ISO/IEC 18181-1 Annexes C and H).

One tree with a leaf a kind of channel, the clamped gradient as predictor, prefix codes, and runs by LZ77 with the distance 1.
"""

import heapq
from collections.abc import Iterator, Sequence
from itertools import count as numbers
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.notices._jxl_bits import Writer

Plane: TypeAlias = NDArray[np.int32]
Row: TypeAlias = NDArray[np.int64]
Codes: TypeAlias = tuple[Row, Row]
"""For each context and token the bits, the first of them lowest, and how many they are."""

SIDE: Final = 1024
"""Of a group at most, and so of a layer."""
GRADIENT: Final = 5
"""H.5.2"""
LEAST_RUN: Final = 8
FIRST_RUN: Final = 224
"""The token from which on tokens are lengths of runs."""
MAX_TOKENS: Final = 256
SPLIT: Final = 4
"""Of the numbers in tokens: below 16 as they are, then exponents with one bit of the mantissa."""
MAX_LEAVES: Final = 7
"""Channels with a code of their own; the last one is for all the others. With that of the distances there are eight."""
TREE_CONTEXTS: Final = 6
ALL_TO_FIRST: Final = 3
LONGEST: Final = 15
"""Bits of a prefix code."""
_THIRTY_SECOND: Final = 0x2800
"""As a number of 16 bits."""
_LENGTHS_IN_ORDER: Final = (1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15)
"""Of RFC 7932 §3.5, which prefix codes are written by (C.2.4)."""


class Tokens(NamedTuple):
    """Numbers as they are written: each by the code of its context, and some bits behind."""

    context: Row
    token: Row
    bits: Row
    width: Row


def section(grey: Plane, others: Sequence[Plane], *, colours: int, xyb: bool) -> bytes:
    """Code the one section of a frame: grey, in one or three channels, and the channels beside it.

    With ``xyb`` the grey is Y in steps of 1/4096.
    """
    out = Writer()
    out.put(not xyb, 1)
    if xyb:  # G.1.2: the steps of X, Y and B, times 128; with equal steps B − Y is nothing in a grey
        out.numbers([(_THIRTY_SECOND, 16)] * 3)
    planes = [grey, *[np.zeros_like(grey)] * (colours - 1), *others]
    leaves = min(len(planes), MAX_LEAVES)
    out.put(1, 1)
    tree = _literals(*np.array(list(_tree(leaves)), np.int64).T)
    _write(out, tree, _codes(out, tree, TREE_CONTEXTS))
    found = [_tokens(max(leaves - 1 - n, 0), plane, leaves) for n, plane in enumerate(planes)]
    tokens = Tokens(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    codes = _codes(out, tokens, leaves)
    out.numbers([(1, 1), (1, 1)])  # H.2: the global tree, a default for the predictor that is not used
    if colours > 1 and not xyb:  # H.6.3: green and blue are added to red
        out.numbers([(1, 2), (0, 2), (0, 2), (0, 3), (1, 2), (ALL_TO_FIRST, 2)])
    else:
        out.put(0, 2)
    _write(out, tokens, codes)
    return out.done()


def _tree(leaves: int) -> Iterator[tuple[int, int]]:
    """Give contexts and numbers: a chain of questions whether a channel's number is larger, breadth first (H.4.2)."""
    leaf = ((1, 0), (2, GRADIENT), (3, 0), (4, 0), (5, 0))
    for channel in reversed(range(leaves - 1)):
        yield from ((1, 1), (0, 2 * channel), *leaf)
    yield from leaf


def _residues(plane: Plane) -> Plane:
    """Return what the clamped gradient leaves: H.5.2."""
    north = np.vstack([plane[:1], plane[:-1]])
    west = np.hstack([north[:, :1], plane[:, :-1]])
    west[0, 0] = 0
    north[0] = west[0]
    corner = np.hstack([west[:, :1], north[:, :-1]])
    corner[0] = west[0]
    low, high = np.minimum(north, west), np.maximum(north, west)
    return plane - np.where(corner < low, high, np.where(corner > high, low, north + west - corner))


def _tokens(context: int, plane: Plane, distances: int) -> Tokens:
    """Return a plane's residues, row by row, repeated ones as runs."""
    flat = _residues(plane).ravel().astype(np.int64)
    packed = np.where(flat < 0, -2 * flat - 1, 2 * flat)
    starts = np.flatnonzero(np.diff(packed, prepend=-1))
    again = np.diff(starts, append=packed.size) - 1
    long = again >= LEAST_RUN
    counts = np.where(long, 3, again + 1)
    out = _literals(np.full(int(counts.sum()), context, np.int64), packed[starts].repeat(counts))
    runs = (np.cumsum(counts) - counts)[long] + 1
    token, bits, width = _hybrid(again[long] - LEAST_RUN, 0, 0)
    out.token[runs], out.bits[runs], out.width[runs] = FIRST_RUN + token, bits, width
    # C.3.3: the second of the special distances is one sample to the left.
    out.context[runs + 1], out.token[runs + 1], out.bits[runs + 1], out.width[runs + 1] = distances, 1, 0, 0
    return out


def _literals(contexts: Row, values: Row) -> Tokens:
    return Tokens(contexts, *_hybrid(values, SPLIT, 1))


def _hybrid(values: Row, split: int, mantissa: int) -> tuple[Row, Row, Row]:
    """Split numbers into tokens and bits: C.3.3, none of the mantissa's lowest bits in the token."""
    plain = values < 1 << split
    exponents = np.where(plain, mantissa, np.frexp(values.astype(np.float64))[1].astype(np.int64) - 1)
    width = exponents - mantissa
    rest = values - (1 << exponents)
    token = (1 << split) + ((exponents - split) << mantissa) + (rest >> width)
    return np.where(plain, values, token), np.where(plain, 0, rest & (1 << width) - 1), width


def _codes(out: Writer, tokens: Tokens, contexts: int) -> Codes:
    """Write the prefix codes of several contexts, and one of the distances of runs: C.2.1."""
    out.numbers([(1, 1), (0, 2), (2, 2), (LEAST_RUN - 5, 2), (0, 4)])
    out.numbers([(1, 1), (3, 2), *((n, 3) for n in range(contexts + 1))])  # C.2.2: every context its own code
    out.put(1, 1)
    out.numbers([(SPLIT, 4), (1, 3), (0, 2)] * (contexts + 1))
    flat = tokens.context * MAX_TOKENS + tokens.token
    counts = np.bincount(flat, minlength=(contexts + 1) * MAX_TOKENS).reshape(-1, MAX_TOKENS)
    tops = [int(np.flatnonzero(row)[-1]) if row.any() else 0 for row in counts]
    for top in tops:
        size = top.bit_length() - 1
        out.numbers([(1, 1), (size, 4), (top, size)] if top else [(0, 1)])
    bits, widths = np.zeros_like(counts), np.zeros_like(counts)
    for number, (row, top) in enumerate(zip(counts, tops, strict=True)):
        found = {int(n): int(row[n]) for n in np.flatnonzero(row)}
        for symbol, code in _code(out, found, top).items():
            bits[number, symbol], widths[number, symbol] = code
    return bits, widths


def _code(out: Writer, found: dict[int, int], top: int) -> dict[int, tuple[int, int]]:
    """Write one prefix code: RFC 7932 §3.4 and §3.5."""
    if len(found) < 2:  # noqa: PLR2004 - of one symbol nothing is written
        if top:
            out.numbers([(1, 2), (0, 2), (top, top.bit_length())])
        return {}
    lengths = _lengths(found)
    # Lengths of 0 to 15 are written in four bits each, which is what a code of sixteen equal lengths comes to.
    out.put(0, 2)
    out.numbers([(int(n <= LONGEST), 2) for n in _LENGTHS_IN_ORDER])
    out.numbers([(_reversed(lengths.get(n, 0), 4), 4) for n in range(top + 1)])
    codes, code, before = dict[int, tuple[int, int]](), 0, 0
    for symbol in sorted(lengths, key=lambda n: (lengths[n], n)):
        code <<= lengths[symbol] - before
        before = lengths[symbol]
        codes[symbol] = (_reversed(code, before), before)
        code += 1
    return codes


def _lengths(found: dict[int, int]) -> dict[int, int]:
    """Return how many bits each symbol takes, by Huffman; at most 15."""
    order = numbers()
    heap = [(count, next(order), {symbol: 0}) for symbol, count in found.items()]
    heapq.heapify(heap)
    while len(heap) > 1:
        (one, _, left), (two, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (one + two, next(order), {n: depth + 1 for n, depth in (left | right).items()}))
    lengths = heap[0][2]
    if max(lengths.values()) > LONGEST:
        return _lengths({n: count // 2 + 1 for n, count in found.items()})
    return lengths


def _reversed(value: int, count: int) -> int:
    return int(f"{value:0{count}b}"[::-1], 2)


def _write(out: Writer, tokens: Tokens, codes: Codes) -> None:
    bits, widths = (table[tokens.context, tokens.token] for table in codes)
    out.array(bits | tokens.bits << widths, widths + tokens.width)
