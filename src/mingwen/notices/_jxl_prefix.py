"""Prefix codes of a JPEG XL codestream, read (ISO/IEC 18181-1 §C.2.4, which is RFC 7932 §3.4 and §3.5)."""

from collections.abc import Callable, Iterator
from typing import Final

from mingwen.domain.errors import Malformed
from mingwen.notices._jxl_bits import Bits

LONGEST: Final = 15
_LENGTHS: Final = {(0, 2): 0, (1, 2): 4, (2, 2): 3, (3, 3): 2, (7, 4): 1, (15, 4): 5}
_LENGTHS_IN_ORDER: Final = (1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15)
"""RFC 7932 §3.5."""
_SIMPLE: Final = {1: (0,), 2: (1, 1), 3: (1, 2, 2), 4: (2, 2, 2, 2), 5: (1, 2, 3, 3)}
"""Lengths of the codes of a few symbols: RFC 7932 §3.4."""

Symbols = dict[tuple[int, int], int]
"""Bits, the first of them lowest, and how many they are → a symbol."""


def looked_up(bits: Bits, symbols: Symbols) -> Callable[[], int]:
    """Return what reads the next symbol."""
    return lambda: one_of(bits, symbols, LONGEST)


def one_of(bits: Bits, symbols: Symbols, longest: int) -> int:
    """Read a symbol, by a code of at most ``longest`` bits."""
    code = 0
    for count in range(longest + 1):
        if (code, count) in symbols:
            return symbols[code, count]
        code |= bits.take(1) << count
    raise broken("a code stands for nothing")


def prefix_code(bits: Bits, size: int) -> Symbols:
    """Read the code of an alphabet of ``size`` symbols: RFC 7932 §3.4 and §3.5."""
    if size == 1:
        return {(0, 0): 0}
    kind = bits.take(2)
    if kind == 1:
        symbols = [bits.take((size - 1).bit_length()) for _ in range(bits.take(2) + 1)]
        shape = _SIMPLE[len(symbols) + (len(symbols) == 4 and bits.flag())]  # noqa: PLR2004 - where there are two shapes
        groups = [sorted(s for s, n in zip(symbols, shape, strict=True) if n == length) for length in range(4)]
        return _canonical(iter([(length, s) for length, group in enumerate(groups) for s in group]))
    lengths, space = dict[int, int](), 32
    for symbol in _LENGTHS_IN_ORDER[kind:]:
        if space <= 0:
            break
        length = one_of(bits, _LENGTHS, 4)
        if length:
            lengths[symbol] = length
            space -= 32 >> length
    one = {(0, 0): next(iter(lengths), 0)}
    code = one if len(lengths) == 1 else _canonical(iter(sorted((n, s) for s, n in lengths.items())))
    return _canonical(iter(sorted((n, s) for s, n in enumerate(_code_lengths(bits, code, size)) if n)))


def _code_lengths(bits: Bits, code: Symbols, size: int) -> list[int]:
    out: list[int] = []
    space, before, repeat, repeated = 1 << LONGEST, 8, 0, 0
    while len(out) < size and space > 0:
        length = one_of(bits, code, 5)
        if length <= LONGEST:
            out.append(length)
            repeat = 0
            before, space = (length, space - (1 << LONGEST >> length)) if length else (before, space)
            continue
        extra, value = length - 14, before if length == 16 else 0  # noqa: PLR2004 - 16 and 17 repeat
        if not repeat or value != repeated:
            repeat, repeated = 0, value
        old = repeat
        repeat = ((repeat - 2) << extra if repeat else 0) + bits.take(extra) + 3
        out += [value] * (repeat - old)
        space -= (repeat - old) * (1 << LONGEST >> value) if value else 0
    if len(out) > size:
        raise broken("a prefix code has too many symbols")
    return out


def _canonical(symbols: Iterator[tuple[int, int]]) -> Symbols:
    """Return the codes of symbols that come by length."""
    out, code, before = Symbols(), 0, 0
    for length, symbol in symbols:
        code <<= length - before
        before = length
        if code >> length:
            raise broken("a prefix code has too many codes")
        out[int(f"{code:0{length}b}"[::-1], 2) if length else 0, length] = symbol
        code += 1
    return out


def broken(what: str) -> Malformed:
    """Build the one error for codes that contradict themselves."""
    return Malformed(
        "jxl.broken", f"expected a sound codestream, but {what}", hint="get a whole copy of the file, or save it anew"
    )
