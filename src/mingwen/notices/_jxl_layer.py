"""A small layer of a JPEG XL picture, coded without loss: a modular frame of one group (ISO/IEC 18181-1 Annexes C and H).

One tree with a leaf a kind of channel, the clamped gradient as predictor, prefix codes, and runs by LZ77 with the distance 1.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count as numbers
from itertools import repeat
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.notices._jxl_bits import Writer

Plane: TypeAlias = NDArray[np.int32]
Code: TypeAlias = tuple[int, int]
"""Bits, the first of them lowest, and how many."""

SIDE: Final = 1024
"""Of a group at most, and so of a layer."""
GRADIENT: Final = 5
"""H.5.2"""
LEAST_RUN: Final = 8
FIRST_RUN: Final = 224
"""The token from which on tokens are lengths of runs."""
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


class Token(NamedTuple):
    """A number as it is written: by the code of its context, and some bits behind."""

    context: int
    token: int
    bits: int = 0
    width: int = 0


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
    tree = list(_tree(leaves))
    _write(out, tree, _codes(out, tree, TREE_CONTEXTS))
    tokens = [t for n, plane in enumerate(planes) for t in _tokens(max(leaves - 1 - n, 0), plane, leaves)]
    codes = _codes(out, tokens, leaves)
    out.numbers([(1, 1), (1, 1)])  # H.2: the global tree, a default for the predictor that is not used
    if colours > 1 and not xyb:  # H.6.3: green and blue are added to red
        out.numbers([(1, 2), (0, 2), (0, 2), (0, 3), (1, 2), (ALL_TO_FIRST, 2)])
    else:
        out.put(0, 2)
    _write(out, tokens, codes)
    return out.done()


def _tree(leaves: int) -> Iterator[Token]:
    """Give a chain of questions whether the channel's number (property 0) is larger, breadth first: H.4.2."""
    for channel in reversed(range(leaves - 1)):
        yield Token(1, 1)
        yield Token(0, 2 * channel)
        yield from _leaf()
    yield from _leaf()


def _leaf() -> Iterator[Token]:
    for context, value in ((1, 0), (2, GRADIENT), (3, 0), (4, 0), (5, 0)):
        yield Token(context, value)


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


def _tokens(context: int, plane: Plane, distances: int) -> Iterator[Token]:
    """Give a plane's residues, row by row, repeated ones as runs."""
    flat = _residues(plane).ravel()
    packed = np.where(flat < 0, -2 * flat - 1, 2 * flat)
    starts = np.flatnonzero(np.diff(packed, prepend=-1))
    for value, length in zip(packed[starts].tolist(), np.diff(starts, append=packed.size).tolist(), strict=True):
        literal = _token(context, value)
        yield literal
        if length - 1 >= LEAST_RUN:
            token, bits, width = _hybrid(length - 1 - LEAST_RUN, 0, 0)
            yield Token(context, FIRST_RUN + token, bits, width)
            yield Token(distances, 1)  # C.3.3: the second of the special ones, one sample to the left
        else:
            yield from repeat(literal, length - 1)


def _token(context: int, value: int) -> Token:
    return Token(context, *_hybrid(value, SPLIT, 1))


def _hybrid(value: int, split: int, mantissa: int) -> tuple[int, int, int]:
    """Split a number into a token and bits: C.3.3, none of the mantissa's lowest bits in the token."""
    if value < 1 << split:
        return value, 0, 0
    exponent = value.bit_length() - 1
    rest, count = value - (1 << exponent), exponent - mantissa
    return (1 << split) + ((exponent - split) << mantissa) + (rest >> count), rest & (1 << count) - 1, count


def _codes(out: Writer, tokens: Sequence[Token], contexts: int) -> list[dict[int, Code]]:
    """Write the prefix codes of several contexts, and one of the distances of runs: C.2.1."""
    out.numbers([(1, 1), (0, 2), (2, 2), (LEAST_RUN - 5, 2), (0, 4)])
    out.numbers([(1, 1), (3, 2), *((n, 3) for n in range(contexts + 1))])  # C.2.2: every context its own code
    out.put(1, 1)
    out.numbers([(SPLIT, 4), (1, 3), (0, 2)] * (contexts + 1))
    counts = [Counter[int]() for _ in range(contexts + 1)]
    for token in tokens:
        counts[token.context][token.token] += 1
    for found in counts:
        top = max(found, default=0)
        size = top.bit_length() - 1
        out.numbers([(1, 1), (size, 4), (top, size)] if top else [(0, 1)])
    return [_code(out, found) for found in counts]


def _code(out: Writer, found: Counter[int]) -> dict[int, Code]:
    """Write one prefix code: RFC 7932 §3.4 and §3.5."""
    top = max(found, default=0)
    if len(found) < 2:  # noqa: PLR2004 - of one symbol nothing is written
        if top:
            out.numbers([(1, 2), (0, 2), (top, top.bit_length())])
        return {top: (0, 0)}
    lengths = _lengths(found)
    # Lengths of 0 to 15 are written in four bits each, which is what a code of sixteen equal lengths comes to.
    out.put(0, 2)
    out.numbers([(int(n <= LONGEST), 2) for n in _LENGTHS_IN_ORDER])
    out.numbers([(_reversed(lengths.get(n, 0), 4), 4) for n in range(top + 1)])
    codes, code, before = dict[int, Code](), 0, 0
    for symbol in sorted(lengths, key=lambda n: (lengths[n], n)):
        code <<= lengths[symbol] - before
        before = lengths[symbol]
        codes[symbol] = (_reversed(code, before), before)
        code += 1
    return codes


def _lengths(found: Counter[int]) -> dict[int, int]:
    """Return how many bits each symbol takes, by Huffman; at most 15."""
    order = numbers()
    heap = [(count, next(order), {symbol: 0}) for symbol, count in found.items()]
    heapq.heapify(heap)
    while len(heap) > 1:
        (one, _, left), (two, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (one + two, next(order), {n: depth + 1 for n, depth in (left | right).items()}))
    lengths = heap[0][2]
    if max(lengths.values()) > LONGEST:
        return _lengths(Counter({n: count // 2 + 1 for n, count in found.items()}))
    return lengths


def _reversed(value: int, count: int) -> int:
    return int(f"{value:0{count}b}"[::-1], 2)


def _write(out: Writer, tokens: Iterable[Token], codes: Sequence[dict[int, Code]]) -> None:
    for context, token, bits, width in tokens:
        out.put(*codes[context][token])
        if width:
            out.put(bits, width)
