"""A label laid out as outlines, for pages and drawings that have no pixels: which letter stands where on a plate of what size.

All lengths are ink heights of the label: those of its lowest letter, digit or full hanzi, as in ``_lettering``; y runs upwards.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from mingwen.domain.errors import Misused, Refused
from mingwen.domain.notices import Layout, Position, Style
from mingwen.notices._outlines import glyph
from mingwen.notices._proportions import LEADING, MARGIN, MAX_WORDING, PAD_X, PAD_Y, RADIUS

PLATE_GREY, INK_GREY = 16 / 255, 1.0
PLATE_OPACITY = 0.8
"""Whatever lies beneath, white letters then stand out by 10:1 or more."""
EDGE = 0.06
"""Width of the light line around the plate, which shows where a dark page ends."""
FULL_HANZI_EMS = 0.7
"""Hanzi with less ink height (一, 二) are flat by nature and are not measured."""
ARC = 0.5523
"""How far the control points of a quarter circle stand from its ends, in radii."""


class Letter(NamedTuple):
    """One character and where its origin stands, counted from the plate's lower left corner."""

    character: str
    x: float
    y: float


class Plate(NamedTuple):
    """A label laid out."""

    width: float
    height: float
    em: float
    """The size of the font."""
    lines: tuple[tuple[Letter, ...], ...]
    """Each in its order, spaces left out."""


def plate(style: Style, room: tuple[float, float]) -> Plate:
    """Lay out the label in as few lines as fit into ``room``, width and height in ink heights, margins included.

    Raises:
        Refused: there is no room for it (``notice.no-room``).
        Misused: the font cannot draw the wording (``notice.glyph``, ``notice.font``), or it is too long (``notice.wording``).
    """
    if len(style.wording) > MAX_WORDING:
        raise Misused("notice.wording", f"expected at most {MAX_WORDING} characters, got {len(style.wording)}", hint="shorten it")
    em = 1 / _lowest(style)
    wide, high = room[0] - 2 * (MARGIN + PAD_X), room[1] - 2 * (MARGIN + PAD_Y)
    made = _columns(style, em, high) if style.layout is Layout.VERTICAL else _rows(style, em, wide)
    if made.width - 2 * PAD_X > wide + 1e-6 or made.height - 2 * PAD_Y > high + 1e-6:
        raise Refused(
            "notice.no-room",
            f"expected room for {made.width:.1f} × {made.height:.1f} heights of its ink, there is {room[0]:.1f} × {room[1]:.1f}",
            hint="shorten the wording, or enlarge the page; letters are never drawn lower than legible",
        )
    return made


def place(position: Position, made: Plate, room: tuple[float, float]) -> tuple[float, float]:
    """Return where the plate's lower left corner stands, counted from the room's."""
    name = position.value
    free = room[0] - made.width, room[1] - made.height
    x = MARGIN if "left" in name else free[0] - MARGIN if "right" in name else free[0] / 2
    y = free[1] - MARGIN if "top" in name else MARGIN if "bottom" in name else free[1] / 2
    return x, y


def outline(made: Plate) -> list[tuple[float, ...]]:
    """Return the plate's rounded outline as segments, as ``_cff.Segment`` has them."""
    w, h, r = made.width, made.height, RADIUS
    k = r * (1 - ARC)
    return [
        (r, 0),
        (w - r, 0, 0),
        (w - k, 0, w, k, w, r),
        (w, h - r, 0),
        (w, h - k, w - k, h, w - r, h),
        (r, h, 0),
        (k, h, 0, h - k, 0, h - r),
        (0, r, 0),
        (0, k, k, 0, r, 0),
    ]


def _lowest(style: Style) -> float:
    """Return the ink height of the lowest character that counts, in ems; every character must have a glyph."""
    inks = {c: glyph(c, style.font).ink for c in style.wording if not c.isspace()}
    heights = {c: ink[1] - ink[0] for c, ink in inks.items() if c.isalnum()}
    counted = [h for c, h in heights.items() if not _is_hanzi(c) or h >= FULL_HANZI_EMS]
    lowest = min(counted or heights.values())
    if lowest <= 0:
        raise Misused(
            "notice.glyph", "expected a font that draws the wording, but a letter of it is empty", hint="set another `font`"
        )
    return lowest


def _is_hanzi(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or character >= "\U00020000"


def _rows(style: Style, em: float, wide: float) -> Plate:
    def length(text: str) -> float:
        return em * sum(_advance(c, style) for c in text.rstrip())

    texts = _wrapped(_words(style.wording), length, wide)
    bottom, top = _reach(style, em)
    step = top - bottom + LEADING
    width = max(length(text) for text in texts) + 2 * PAD_X
    height = top - bottom + step * (len(texts) - 1) + 2 * PAD_Y
    lines = []
    for number, text in enumerate(texts):
        x, y = (width - length(text)) / 2, height - PAD_Y - top - step * number
        line = []
        for character in text:
            if not character.isspace():
                line.append(Letter(character, x, y))
            x += em * _advance(character, style)
        lines.append(tuple(line))
    return Plate(width, height, em, tuple(lines))


def _columns(style: Style, em: float, high: float) -> Plate:
    """Stack the letters upright, columns from right to left."""
    bottom, top = _reach(style, em)
    step = top - bottom + LEADING / 2
    most = max(int((high + LEADING / 2) / step), 1)
    letters = "".join(style.wording.split())
    texts = [letters[at : at + most] for at in range(0, len(letters), most)]
    column = em * max(_advance(c, style) for c in letters)
    width = column * len(texts) + LEADING / 2 * (len(texts) - 1) + 2 * PAD_Y
    height = step * len(texts[0]) - LEADING / 2 + 2 * PAD_X
    lines = []
    for number, text in enumerate(texts):
        middle = width - PAD_Y - column / 2 - (column + LEADING / 2) * number
        line = [Letter(c, middle - em * _advance(c, style) / 2, height - PAD_X - top - step * row) for row, c in enumerate(text)]
        lines.append(tuple(line))
    return Plate(width, height, em, tuple(lines))


def _advance(character: str, style: Style) -> float:
    return 0.3 if character.isspace() else glyph(character, style.font).advance


def _reach(style: Style, em: float) -> tuple[float, float]:
    """Return lowest and highest ink of the wording."""
    inks = [glyph(c, style.font).ink for c in style.wording if not c.isspace()]
    return em * min(a for a, _ in inks), em * max(b for _, b in inks)


def _words(wording: str) -> list[str]:
    """Split where a line may break: after a space or hyphen, and around every hanzi."""
    words: list[str] = []
    for before, character in pairwise(" " + " ".join(wording.split())):
        opens = (_is_hanzi(before) and character.isalnum()) or _is_hanzi(character) or before in " -，。、；："
        if opens or not words:
            words.append(character)
        else:
            words[-1] += character
    return words


def _wrapped(words: Sequence[str], length: Callable[[str], float], wide: float) -> list[str]:
    lines = [""]
    for word in words:
        if lines[-1] and length(lines[-1] + word) > wide:
            lines.append("")
        lines[-1] += word
    return [line.strip() for line in lines]
