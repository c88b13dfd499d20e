"""The outlines of a font whose letters are cubic: Compact Font Format (Adobe Technical Notes 5176, and 5177 for charstrings).

Hints are passed over: an outline is drawn at any size, by viewers of their own mind.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

MAX_OPERATORS = 20_000
"""Of one glyph, its subroutines included."""
MAX_DEPTH = 10
"""TN 5177 appendix B: subroutines within each other."""
MAX_STACK = 513

Segment: TypeAlias = tuple[float, ...]
"""Two numbers begin a contour, which is closed before the next; six are a cubic curve's points; a line is (x, y, 0)."""

_CHARSTRINGS, _PRIVATE, _SUBROUTINES, _FD_ARRAY, _FD_SELECT = 17, 18, 19, 0x0C24, 0x0C25
_OWN_PARTS = 3
"""FDSelect's format by ranges."""


@dataclass(frozen=True, slots=True)
class _Index:
    """An INDEX: byte strings, one after the other."""

    data: bytes
    offsets: tuple[int, ...]

    def __getitem__(self, number: int) -> bytes:
        if not 0 <= number < len(self.offsets) - 1:
            raise IndexError(number)
        return self.data[self.offsets[number] : self.offsets[number + 1]]

    def __len__(self) -> int:
        return len(self.offsets) - 1


_EMPTY = _Index(b"", (0,))


def _index(data: bytes, at: int) -> tuple[_Index, int]:
    """Read the INDEX at an offset; return it and what comes behind."""
    count = int.from_bytes(data[at : at + 2])
    if not count:
        return _EMPTY, at + 2
    width = data[at + 2]
    base = at + 2 + (count + 1) * width
    cells = range(at + 3, at + 3 + (count + 1) * width, width)
    offsets = tuple(base + int.from_bytes(data[cell : cell + width]) for cell in cells)
    return _Index(data, offsets), offsets[-1]


def _dictionary(data: bytes) -> Mapping[int, list[float]]:
    """Read a DICT; real numbers, which none of the entries that matter has, as 0."""
    out: dict[int, list[float]] = {}
    operands: list[float] = []
    at = 0
    while at < len(data):
        first = data[at]
        at += 1
        if first <= 21:  # noqa: PLR2004 - TN 5176 §4, here and below
            if first == 12:  # noqa: PLR2004
                first = 0x0C00 | data[at]
                at += 1
            out[first] = operands
            operands = []
        elif first == 30:  # noqa: PLR2004
            while data[at] & 15 != 15 and data[at] >> 4 != 15:  # noqa: PLR2004
                at += 1
            at += 1
            operands.append(0)
        elif first in {28, 29}:
            width = 2 if first == 28 else 4  # noqa: PLR2004
            operands.append(int.from_bytes(data[at : at + width], signed=True))
            at += width
        else:
            value, at = _short(data, first, at)
            operands.append(value)
    return out


def _short(data: bytes, first: int, at: int) -> tuple[int, int]:
    if first <= 246:  # noqa: PLR2004
        return first - 139, at
    if first <= 250:  # noqa: PLR2004
        return (first - 247) * 256 + data[at] + 108, at + 1
    return -(first - 251) * 256 - data[at] - 108, at + 1


class Outlines:
    """The outlines of one table ``CFF ``, by the number of the glyph."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        _, at = _index(data, data[2])
        tops, at = _index(data, at)
        _, at = _index(data, at)
        self._shared, _ = _index(data, at)
        self._top = _dictionary(tops[0])
        self._glyphs, _ = _index(data, int(self._top[_CHARSTRINGS][0]))

    def __getitem__(self, number: int) -> list[Segment]:
        pen = _Pen(self._shared, self._own(number))
        pen.run(self._glyphs[number], 0)
        return pen.segments

    def _own(self, number: int) -> _Index:
        """Return the subroutines of the part of the font that a glyph belongs to."""
        top = self._top
        if _FD_ARRAY in top:
            parts, _ = _index(self._data, int(top[_FD_ARRAY][0]))
            top = _dictionary(parts[self._part(number, int(top[_FD_SELECT][0]))])
        size, at = (int(v) for v in top.get(_PRIVATE, [0, 0]))
        offset = _dictionary(self._data[at : at + size]).get(_SUBROUTINES)
        return _index(self._data, at + int(offset[0]))[0] if offset else _EMPTY

    def _part(self, number: int, at: int) -> int:
        if self._data[at] != _OWN_PARTS:
            return self._data[at + 1 + number]
        count = int.from_bytes(self._data[at + 1 : at + 3])
        ranges = (struct.unpack_from(">HB", self._data, at + 3 + 3 * n) for n in range(count))
        return max((int(first), int(part)) for first, part in ranges if first <= number)[1]


@dataclass(slots=True)
class _Pen:
    """What runs a Type 2 charstring."""

    shared: _Index
    own: _Index
    segments: list[Segment] = field(default_factory=list)
    stack: list[float] = field(default_factory=list)
    x: float = 0
    y: float = 0
    hints: int = 0
    left: int = MAX_OPERATORS
    ended: bool = False

    def run(self, code: bytes, depth: int) -> None:
        """Run a charstring or a subroutine.

        Raises:
            ValueError, IndexError: it is none, or exceeds a bound.
        """
        if depth > MAX_DEPTH:
            raise ValueError("subroutines too deep")
        at = 0
        while at < len(code) and not self.ended:
            first = code[at]
            at += 1
            if first >= 32 or first == 28:  # noqa: PLR2004 - TN 5177 §3.2
                at = self._push(code, first, at)
                continue
            self.left -= 1
            if self.left < 0:
                raise ValueError("more operators than a letter needs")
            if first in {10, 29}:
                self._call(self.own if first == 10 else self.shared, depth)  # noqa: PLR2004
            elif first == 11:  # noqa: PLR2004 - return
                return
            elif first in {1, 3, 18, 23, 19, 20}:
                self.hints += len(self.stack) // 2
                self.stack.clear()
                at += (self.hints + 7) // 8 if first in {19, 20} else 0
            else:
                kind = first
                if first == 12:  # noqa: PLR2004
                    kind = 0x0C00 | code[at]
                    at += 1
                _OPERATORS[kind](self)
                self.stack.clear()

    def _push(self, code: bytes, first: int, at: int) -> int:
        if len(self.stack) >= MAX_STACK:
            raise ValueError("more operands than a stack holds")
        if first == 28:  # noqa: PLR2004
            self.stack.append(int.from_bytes(code[at : at + 2], signed=True))
            return at + 2
        if first == 255:  # noqa: PLR2004
            self.stack.append(int.from_bytes(code[at : at + 4], signed=True) / 65536)
            return at + 4
        value, at = _short(code, first, at)
        self.stack.append(value)
        return at

    def _call(self, subroutines: _Index, depth: int) -> None:
        count = len(subroutines)
        bias = 107 if count < 1240 else 1131 if count < 33900 else 32768  # noqa: PLR2004 - TN 5177 §4.7
        self.run(subroutines[int(self.stack.pop()) + bias], depth + 1)

    def move(self, dx: float, dy: float) -> None:
        self.x, self.y = self.x + dx, self.y + dy
        self.segments.append((self.x, self.y))

    def line(self, dx: float, dy: float) -> None:
        self.x, self.y = self.x + dx, self.y + dy
        self.segments.append((self.x, self.y, 0))

    def curve(self, *d: float) -> None:
        """Draw a curve, each point counted from the one before."""
        x1, y1 = self.x + d[0], self.y + d[1]
        x2, y2 = x1 + d[2], y1 + d[3]
        self.x, self.y = x2 + d[4], y2 + d[5]
        self.segments.append((x1, y1, x2, y2, self.x, self.y))

    def end(self) -> None:
        self.ended = True

    def lines(self, stack: list[float]) -> None:
        for dx, dy in zip(stack[::2], stack[1::2], strict=True):
            self.line(dx, dy)

    def curves(self, stack: list[float]) -> None:
        for at in range(0, len(stack) - 5, 6):
            self.curve(*stack[at : at + 6])

    def straight(self, *, level: bool) -> None:
        """hlineto, vlineto: lines by turns."""
        for d in self.stack:
            self.line(*((d, 0) if level else (0, d)))
            level = not level

    def bent(self, *, level: bool) -> None:
        """hvcurveto, vhcurveto: curves that begin and end level or upright by turns."""
        s = self.stack
        for at in range(0, len(s) - 3, 4):
            a, b, c, d = s[at : at + 4]
            rest = s[at + 4] if at + 5 == len(s) else 0
            self.curve(*((a, 0, b, c, rest, d) if level else (0, a, b, c, d, rest)))
            level = not level

    def flat(self, *, level: bool) -> None:
        """hhcurveto, vvcurveto: curves that begin and end level, or upright."""
        s = self.stack
        odd = s.pop(0) if len(s) % 4 else 0
        for at in range(0, len(s) - 3, 4):
            a, b, c, d = s[at : at + 4]
            self.curve(*((a, odd, b, c, d, 0) if level else (odd, a, b, c, 0, d)))
            odd = 0

    def flex(self) -> None:
        self.curves(self.stack[:12])

    def hflex(self) -> None:
        a, b, c, d, e, f, g = self.stack[:7]
        self.curves([a, 0, b, c, d, 0, e, 0, f, -c, g, 0])

    def hflex1(self) -> None:
        a, b, c, d, e, f, g, h, i = self.stack[:9]
        self.curves([a, b, c, d, e, 0, f, 0, g, h, i, -(b + d + h)])

    def flex1(self) -> None:
        s = self.stack[:11]
        dx, dy = sum(s[0:10:2]), sum(s[1:10:2])
        self.curves([*s[:10], *((s[10], -dy) if abs(dx) > abs(dy) else (-dx, s[10]))])

    def mixed(self, *, lines_first: bool) -> None:
        """rlinecurve, rcurveline."""
        cut = len(self.stack) - 6 if lines_first else len(self.stack) - 2
        (self.lines if lines_first else self.curves)(self.stack[:cut])
        (self.curves if lines_first else self.lines)(self.stack[cut:])


_OPERATORS: Mapping[int, Callable[[_Pen], None]] = {
    4: lambda pen: pen.move(0, pen.stack[-1]),
    21: lambda pen: pen.move(*pen.stack[-2:]),
    22: lambda pen: pen.move(pen.stack[-1], 0),
    5: lambda pen: pen.lines(pen.stack),
    6: lambda pen: pen.straight(level=True),
    7: lambda pen: pen.straight(level=False),
    8: lambda pen: pen.curves(pen.stack),
    14: _Pen.end,
    24: lambda pen: pen.mixed(lines_first=False),
    25: lambda pen: pen.mixed(lines_first=True),
    26: lambda pen: pen.flat(level=False),
    27: lambda pen: pen.flat(level=True),
    30: lambda pen: pen.bent(level=False),
    31: lambda pen: pen.bent(level=True),
    0x0C22: _Pen.hflex,
    0x0C23: _Pen.flex,
    0x0C24: _Pen.hflex1,
    0x0C25: _Pen.flex1,
}
"""TN 5177 §4.1 to §4.3."""
