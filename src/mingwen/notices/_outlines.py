"""Letters as outlines, for what is drawn without pixels, as TrueType and OpenType files hold them (OpenType 1.9)."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from mingwen.domain.errors import Misused
from mingwen.notices._cff import Outlines, Segment

MAX_FONT_BYTES = 64 * 1024 * 1024
MAX_POINTS = 20_000
MAX_PARTS = 64
"""Glyphs that one is put together from."""
STEPS = 16
"""Points at which a curve is measured."""


class Glyph(NamedTuple):
    """One letter; all numbers are ems, y upwards from the baseline."""

    advance: float
    segments: tuple[Segment, ...]

    @property
    def ink(self) -> tuple[float, float]:
        """Lowest and highest point; (0, 0) of a space."""
        heights = [y for _, y in points(self.segments)]
        return min(heights, default=0), max(heights, default=0)


def strokes(segments: Iterable[Segment]) -> Iterator[tuple[str, Segment]]:
    """Yield ``(operator, coordinates)`` as pages and drawings both write them: "m", "l", "c", and "h" where a contour closes."""
    operators, inside = {2: "m", 3: "l", 6: "c"}, False
    for segment in segments:
        if len(segment) == 2 and inside:  # noqa: PLR2004 - see Segment
            yield "h", ()
        yield operators[len(segment)], segment[:2] if len(segment) == 3 else segment  # noqa: PLR2004
        inside = True
    yield "h", ()


def points(segments: Sequence[Segment]) -> list[tuple[float, float]]:
    """Return points on the outline, as many as are needed to measure it."""
    out: list[tuple[float, float]] = []
    for segment in segments:
        if len(segment) == 6:  # noqa: PLR2004 - see Segment
            p = (*out[-1], *segment)
            for n in range(1, STEPS + 1):
                t = n / STEPS
                a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
                out.append((a * p[0] + b * p[2] + c * p[4] + d * p[6], a * p[1] + b * p[3] + c * p[5] + d * p[7]))
        else:
            out.append((segment[0], segment[1]))
    return out


@lru_cache(maxsize=64)
def glyph(character: str, font: bytes | None) -> Glyph:
    """Return a character's outline; None as font is what ships with the package.

    Raises:
        Misused: the font is none, or lacks the character (``notice.font``, ``notice.glyph``).
    """
    try:
        for face in _own_faces() if font is None else (_face(font),):
            if number := face.numbers.get(ord(character), 0):
                return face.glyph(number)
    except (struct.error, LookupError, ValueError, TypeError, ArithmeticError, AttributeError) as e:
        hint = "set `font` to such a file, one with outlines"
        raise Misused("notice.font", f"expected a TrueType or OpenType font, but {type(e).__name__}: {e}", hint=hint) from e
    raise Misused(
        "notice.glyph",
        f"expected a font that can draw the wording, but it lacks {character!r} (U+{ord(character):04X})",
        hint="set `font` to a TrueType or OpenType file that has it",
    )


@cache
def _own_faces() -> "tuple[_Face, ...]":
    """Return the faces that ship with the package, that of hanzi first."""
    folder = files("mingwen.notices").joinpath("fonts")
    fonts = sorted((f for f in folder.iterdir() if f.name.endswith((".otf", ".ttf"))), key=lambda f: ("SC" not in f.name, f.name))
    return tuple(_Face(f.read_bytes()) for f in fonts)


@lru_cache(maxsize=2)
def _face(font: bytes) -> "_Face":
    if len(font) > MAX_FONT_BYTES:
        raise ValueError(f"it has {len(font)} bytes")
    return _Face(font)


class _Face:
    """One face, the first of a collection."""

    def __init__(self, data: bytes) -> None:
        at = struct.unpack_from(">L", data, 12)[0] if data[:4] == b"ttcf" else 0
        (count,) = struct.unpack_from(">H", data, at + 4)
        entries = [struct.unpack_from(">4sLLL", data, at + 12 + 16 * n) for n in range(count)]
        self._tables = {tag: data[start : start + length] for tag, _, start, length in entries}
        head = self._tables[b"head"]
        (self._em,) = struct.unpack_from(">H", head, 18)
        self._wide = head[51]
        (self._metrics,) = struct.unpack_from(">H", self._tables[b"hhea"], 34)
        self.numbers = _characters(self._tables[b"cmap"])
        self._cubic = Outlines(self._tables[b"CFF "]) if b"CFF " in self._tables else None

    def glyph(self, number: int) -> Glyph:
        """Return a glyph, scaled to ems."""
        (advance,) = struct.unpack_from(">H", self._tables[b"hmtx"], 4 * min(number, self._metrics - 1))
        segments = self._cubic[number] if self._cubic else self._quadratic(number, [MAX_PARTS])
        return Glyph(advance / self._em, tuple(_scaled(s, self._em) for s in segments))

    def _quadratic(self, number: int, left: list[int]) -> list[Segment]:
        """Read the table ``glyf``; ``left`` counts down the glyphs that may still be read."""
        left[0] -= 1
        if left[0] < 0:
            raise ValueError("more parts than a letter needs")
        start, stop = struct.unpack_from(
            *((">LL", self._tables[b"loca"], 4 * number) if self._wide else (">HH", self._tables[b"loca"], 2 * number))
        )
        data = self._tables[b"glyf"][start if self._wide else 2 * start : stop if self._wide else 2 * stop]
        if not data:
            return []
        (contours,) = struct.unpack_from(">h", data)
        return _simple(data, contours) if contours >= 0 else self._composed(data, left)

    def _composed(self, data: bytes, left: list[int]) -> list[Segment]:
        out: list[Segment] = []
        at, more = 10, True
        while more:
            flags, number = struct.unpack_from(">HH", data, at)
            dx, dy = struct.unpack_from(">hh" if flags & 1 else ">bb", data, at + 4)
            at += 8 if flags & 1 else 6
            count = 1 if flags & 0x08 else 2 if flags & 0x40 else 4 if flags & 0x80 else 0
            m = [v / 16384 for v in struct.unpack_from(f">{count}h", data, at)]
            at += 2 * count
            a, b, c, d = (m[0], 0, 0, m[0]) if count == 1 else (m[0], 0, 0, m[1]) if count == 2 else m or (1, 0, 0, 1)  # noqa: PLR2004
            if not flags & 2:
                raise ValueError("parts placed by points are not read")
            for segment in self._quadratic(number, left):
                pairs = zip(segment[::2], segment[1::2], strict=False)
                moved = [v for x, y in pairs for v in (a * x + c * y + dx, b * x + d * y + dy)]
                out.append((*moved, 0) if len(segment) == 3 else tuple(moved))  # noqa: PLR2004 - see Segment
            more = bool(flags & 0x20)
        return out


def _scaled(segment: Segment, em: int) -> Segment:
    return tuple(v / em for v in segment)


def _characters(data: bytes) -> dict[int, int]:
    """Return which glyph each character has, by the widest of the Unicode tables."""
    (count,) = struct.unpack_from(">H", data, 2)
    records = [struct.unpack_from(">HHL", data, 4 + 8 * n) for n in range(count)]
    unicode = [(encoding, at) for platform, encoding, at in records if platform in {0, 3} and encoding in {1, 3, 4, 10}]
    formats = {struct.unpack_from(">H", data, at)[0]: at for _, at in sorted(unicode)}
    if 12 in formats:  # noqa: PLR2004
        at = formats[12]
        (groups,) = struct.unpack_from(">L", data, at + 12)
        out: dict[int, int] = {}
        for n in range(min(groups, len(data) // 12)):
            first, last, number = struct.unpack_from(">LLL", data, at + 16 + 12 * n)
            out.update(zip(range(first, min(last, first + 0xFFFF) + 1), range(number, number + 0x10000), strict=False))
            if len(out) > 0x110000:  # noqa: PLR2004 - all of Unicode
                break
        return out
    return _narrow(data, formats[4])


def _narrow(data: bytes, at: int) -> dict[int, int]:
    """Read a table of format 4."""
    count = struct.unpack_from(">H", data, at + 6)[0] // 2
    ends, starts, deltas, offsets = (
        struct.unpack_from(f">{count}H", data, at + 14 + n * 2 * count + (2 if n else 0)) for n in range(4)
    )
    base = at + 16 + 6 * count
    out: dict[int, int] = {}
    for n, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for code in range(start, min(end, 0xFFFE) + 1):
            number = code
            if offsets[n]:
                (number,) = struct.unpack_from(">H", data, base + 2 * n + offsets[n] + 2 * (code - start))
            out[code] = (number + deltas[n]) & 0xFFFF if number or not offsets[n] else 0
    return out


def _simple(data: bytes, contours: int) -> list[Segment]:
    ends = struct.unpack_from(f">{contours}H", data, 10)
    count = max(ends, default=-1) + 1
    if count > MAX_POINTS:
        raise ValueError("more points than a letter needs")
    at = 10 + 2 * contours
    at += 2 + struct.unpack_from(">H", data, at)[0]
    flags: list[int] = []
    while len(flags) < count:
        flags.append(data[at])
        at += 1
        if flags[-1] & 8:
            flags += [flags[-1]] * data[at]
            at += 1
    xs, at = _coordinates(data, at, flags[:count], 2, 16)
    ys, _ = _coordinates(data, at, flags[:count], 4, 32)
    out: list[Segment] = []
    for start, end in pairwise((-1, *ends)):
        out += _contour([(xs[n], ys[n], flags[n] & 1) for n in range(start + 1, end + 1)])
    return out


def _coordinates(data: bytes, at: int, flags: Sequence[int], short: int, same: int) -> tuple[list[int], int]:
    out, value = [], 0
    for flag in flags:
        if flag & short:
            value += data[at] if flag & same else -data[at]
            at += 1
        elif not flag & same:
            value += int.from_bytes(data[at : at + 2], signed=True)
            at += 2
        out.append(value)
    return out, at


def _contour(dots: Sequence[tuple[float, float, int]]) -> list[Segment]:
    """Turn quadratic curves, with the points between two controls that are left out, into cubic ones."""
    if not dots:
        return []
    full: list[tuple[float, float, int]] = []
    for before, dot in pairwise([dots[-1], *dots]):
        if not before[2] and not dot[2]:
            full.append(((before[0] + dot[0]) / 2, (before[1] + dot[1]) / 2, 1))
        full.append(dot)
    first = next((n for n, dot in enumerate(full) if dot[2]), 0)
    full = [*full[first:], *full[: first + 1]]
    x, y, _ = full[0]
    out: list[Segment] = [(x, y)]
    control: tuple[float, float] | None = None
    for dot in full[1:]:
        if not dot[2]:
            control = dot[:2]
            continue
        if control:
            p, q = control
            out.append(((x + 2 * p) / 3, (y + 2 * q) / 3, (dot[0] + 2 * p) / 3, (dot[1] + 2 * q) / 3, dot[0], dot[1]))
        else:
            out.append((dot[0], dot[1], 0))
        x, y, control = dot[0], dot[1], None
    return out
