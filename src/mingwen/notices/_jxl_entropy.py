"""Entropy-coded numbers of a JPEG XL codestream, read (ISO/IEC 18181-1 Annex C): ICC profiles and orders are made of them."""

from collections.abc import Callable
from typing import Final, NamedTuple

from mingwen.notices._jxl_bits import Bits
from mingwen.notices._jxl_prefix import LONGEST, broken, looked_up, one_of, prefix_code

MAX_NUMBERS: Final = 1 << 19
"""In one stream."""
RANGE_BITS, RANGE = 12, 1 << 12
"""What the counts of an ANS distribution add up to."""
_STATE: Final = 1 << 16
_LOGS: Final = {
    **{(v, 3): n for v, n in ((0, 10), (2, 7), (4, 6), (5, 8), (6, 9))},
    **{(v, 4): n for v, n in ((3, 3), (7, 5), (9, 4), (11, 1), (15, 2))},
    (17, 5): 0,
    (33, 6): 11,
    (1, 7): 12,
    (65, 7): 13,
}
"""C.2.5: the code of logarithms of counts; 13 repeats."""
_REPEAT: Final = 13


class _Config(NamedTuple):
    """How a number is split into a token and bits: C.3.3."""

    split: int
    high: int
    low: int

    def value(self, bits: Bits, token: int) -> int:
        """Return the number."""
        if token < 1 << self.split:
            return token
        inside = self.high + self.low
        count = self.split - inside + (token - (1 << self.split) >> inside)
        if count > 32:  # noqa: PLR2004 - numbers have no more bits
            raise broken("a number is too large")
        top = 1 << self.high | token >> self.low & (1 << self.high) - 1
        return (top << count | bits.take(count)) << self.low | token & (1 << self.low) - 1


class Numbers:
    """A stream of numbers, each of a context."""

    def __init__(self, bits: Bits, contexts: int) -> None:
        self._bits = bits
        self._least = 0
        if runs := bits.flag():
            self._first, self._least = (
                bits.number((224, 0), (512, 0), (4096, 0), (8, 15)),
                bits.number((3, 0), (4, 0), (5, 2), (9, 8)),
            )
            self._length = _config(bits, 8)
        self._map = _clusters(bits, contexts + runs)
        prefix = bits.flag()
        log = LONGEST if prefix else 5 + bits.take(2)
        count = max(self._map) + 1
        self._configs = [_config(bits, log) for _ in range(count)]
        self._symbol: list[Callable[[], int]]
        if prefix:
            sizes = [_short(bits, 4) + 1 for _ in range(count)]
            self._symbol = [looked_up(bits, prefix_code(bits, size)) for size in sizes]
        else:
            tables = [_alias(_counts(bits, log), log) for _ in range(count)]
            self._symbol = [self._by_ans(table, RANGE_BITS - log) for table in tables]
            self._state = bits.take(32)
        self._done: list[int] = []
        self._copied = self._from = 0

    def take(self, context: int) -> int:
        """Return the next number."""
        if len(self._done) >= MAX_NUMBERS:
            raise broken(f"it has more than {MAX_NUMBERS} numbers in a header")
        if not self._copied:
            cluster = self._map[context]
            token = self._symbol[cluster]()
            if not self._least or token < self._first:
                self._done.append(self._configs[cluster].value(self._bits, token))
                return self._done[-1]
            self._copied = self._length.value(self._bits, token - self._first) + self._least
            cluster = self._map[-1]
            distance = self._configs[cluster].value(self._bits, self._symbol[cluster]()) + 1
            self._from = len(self._done) - min(distance, len(self._done))
        self._done.append(self._done[self._from] if self._from < len(self._done) else 0)
        self._copied, self._from = self._copied - 1, self._from + 1
        return self._done[-1]

    def _by_ans(self, table: list[tuple[int, int, int, int, int]], width: int) -> Callable[[], int]:
        """Return what reads a symbol by a table of one distribution: C.2.6."""

        def symbol() -> int:
            low = self._state & RANGE - 1
            at, offset = low >> width, low & (1 << width) - 1
            cutoff, other, start, own, others = table[at]
            found, offset, count = (at, offset, own) if offset < cutoff else (other, start + offset, others)
            self._state = count * (self._state >> RANGE_BITS) + offset
            if self._state < _STATE:
                self._state = self._state << 16 | self._bits.take(16)
            return found

        return symbol


def skip_profile(bits: Bits) -> None:
    """Pass over an ICC profile: Annex E.4."""
    size = bits.long()
    if size > MAX_NUMBERS:
        raise broken(f"its ICC profile has {size} bytes, more than the {MAX_NUMBERS} that are read")
    numbers, before, last = Numbers(bits, 41), 0, 0
    for at in range(size):
        context = 0 if at <= 128 else 1 + _kind(last) + 8 * min(_kind_before(before), 4)  # noqa: PLR2004 - the head of a profile
        before, last = last, numbers.take(context) & 255


def skip_order(bits: Bits, size: int) -> None:
    """Pass over an order of sections: F.3.2."""
    numbers = Numbers(bits, 8)
    last = 0
    for _ in range(min(numbers.take(_order_context(size)), size)):
        last = numbers.take(_order_context(last))


def _order_context(value: int) -> int:
    return min(value.bit_length(), 7)


def _kind(byte: int) -> int:
    """Return what sort of byte it is: E.4.1."""
    if chr(byte).isascii() and (chr(byte).isalnum() or byte in b".,"):
        return int(not chr(byte).isalpha())
    return 2 + byte if byte < 2 else 4 if byte < 16 else 6 if byte == 255 else 5 if byte > 240 else 7  # noqa: PLR2004


def _kind_before(byte: int) -> int:
    kind = _kind(byte)
    return kind if kind < 2 else 2 if byte < 16 else 3 if byte > 240 else 4  # noqa: PLR2004


def _config(bits: Bits, log: int) -> _Config:
    split = bits.take(log.bit_length())
    if split >= log:
        return _Config(log, 0, 0)
    high = bits.take(split.bit_length())
    if high > split:
        raise broken("a number has more leading bits than bits")
    low = bits.take((split - high).bit_length())
    if high + low > split:
        raise broken("a number has more leading and trailing bits than bits")
    return _Config(split, high, low)


def _clusters(bits: Bits, contexts: int) -> list[int]:
    """Return which distribution each context has: C.2.2."""
    if contexts == 1:
        return [0]
    if bits.flag():
        width = bits.take(2)
        return [bits.take(width) for _ in range(contexts)]
    moved = bits.flag()
    numbers = Numbers(bits, 1)
    found = [numbers.take(0) for _ in range(contexts)]
    if max(found) >= contexts:
        raise broken("a context has a distribution that is not there")
    if moved:
        order = list(range(256))
        for n, at in enumerate(found):
            found[n] = order.pop(at)
            order.insert(0, found[n])
    return found


def _short(bits: Bits, width: int) -> int:
    """Return a number whose count of bits comes first, itself in ``width`` bits."""
    if not bits.flag():
        return 0
    count = bits.take(width)
    return (1 << count) + bits.take(count)


# --- ANS -------------------------------------------------------------------------------------------------------------------


def _counts(bits: Bits, log: int) -> list[int]:
    """Read a distribution: C.2.5."""
    if bits.flag():
        symbols = [_short(bits, 3) for _ in range(bits.take(1) + 1)]
        counts = [0] * (max(symbols) + 1)
        counts[symbols[0]] = bits.take(RANGE_BITS) if len(symbols) > 1 else RANGE
        counts[symbols[-1]] += RANGE - counts[symbols[0]] if len(symbols) > 1 else 0
    elif bits.flag():
        size = _short(bits, 3) + 1
        counts = [RANGE // size + (n < RANGE % size) for n in range(size)]
    else:
        counts = _written_out(bits)
    if len(counts) > 1 << log or sum(counts) != RANGE or min(counts) < 0:
        raise broken("a distribution does not add up")
    return counts


def _written_out(bits: Bits) -> list[int]:
    steps = 0
    while steps < 3 and bits.flag():  # noqa: PLR2004 - the bits of a 13
        steps += 1
    shift = (bits.take(steps) | 1 << steps) - 1
    size = _short(bits, 3) + 3
    logs: list[int] = []
    repeats: dict[int, int] = {}
    while len(logs) < size:
        logs.append(one_of(bits, _LOGS, 7))
        if logs[-1] == _REPEAT:
            repeats[len(logs) - 1] = _short(bits, 3) + 4
            logs += [0] * (repeats[len(logs) - 1] - 1)
    logs = logs[:size]
    largest = max((n for n in logs if n != _REPEAT), default=0)
    omitted = next((at for at, n in enumerate(logs) if n == largest), 0)
    counts = [0] * size
    same = 0
    for at, n in enumerate(logs):
        same = repeats.get(at, same)
        if same:
            same -= 1
            counts[at] = counts[at - 1] if at else 0
        elif at != omitted and n:
            width = max(min(n - 1, shift - (RANGE_BITS - n + 1 >> 1)), 0)
            counts[at] = (1 << n - 1) + (bits.take(width) << n - 1 - width)
    counts[omitted] = RANGE - sum(counts)
    return counts


def _alias(counts: list[int], log: int) -> list[tuple[int, int, int, int, int]]:
    """Return for each bucket where its own symbol ends, the other one, where its share begins, and both counts: C.2.6."""
    size, width = 1 << log, RANGE >> log
    counts = counts + [0] * (size - len(counts))
    if RANGE in counts:
        only = counts.index(RANGE)
        return [(0, only, width * n, 0, RANGE) for n in range(size)]
    ends, others, starts = list(counts), list(range(size)), [0] * size
    over = [n for n, count in enumerate(counts) if count > width]
    under = [n for n, count in enumerate(counts) if count < width]
    while over:
        large, small = over.pop(), under.pop()
        ends[large] -= width - ends[small]
        others[small], starts[small] = large, ends[large]
        if ends[large] != width:
            (under if ends[large] < width else over).append(large)
    whole = [end == width for end in ends]
    return [
        (0, n, 0, counts[n], counts[n]) if whole[n] else (ends[n], others[n], starts[n] - ends[n], counts[n], counts[others[n]])
        for n in range(size)
    ]
