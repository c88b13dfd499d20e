"""The typefaces that draw labels, and how high their ink stands.

The ink is measured without anti-aliased edges, on the lowest letter, digit or full hanzi of the wording: the strictest
reading of "text height" in GB 45438-2025 §5.2 and §5.4. What is small by nature is not measured: marks above and below letters,
signs that lengthen a sound, and in scripts whose letters are all of one height those that are not (一, っ, י).
"""

import io
from functools import lru_cache
from importlib.resources import files
from unicodedata import bidirectional, category, normalize

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, features

from mingwen.domain.errors import Misused
from mingwen.notices._proportions import MAX_WORDING

MAX_FONT_BYTES = 64 * 1024 * 1024
REFERENCE_PIXELS = 256
"""Font size at which proportions are measured."""
PROBE_PIXELS = 48
"""Font size at which glyphs are told from the one for missing characters."""
HALF = 127

OWN_FONTS = ("NotoSansSC-Bold-Labels.otf", "NotoSans-Bold-Labels.ttf")
"""Chinese, Japanese, Korean and western Latin; the rest of Latin, Greek, Cyrillic, Hebrew and Arabic. The first that has all."""

HANZI = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
KANA = ((0x3041, 0x30FF), (0x31F0, 0x31FF))
HANGUL = ((0xAC00, 0xD7A3),)
HEBREW = ((0x05D0, 0x05F2),)
FULL_EMS = ((HANZI, 0.7), (KANA, 0.6), (HANGUL, 0.6), (HEBREW, 0.45))
"""Ink height in ems from which a letter counts as a full one of its script; of any other script every letter counts."""
SHAPED = ((0x0590, 0x08FF), (0x0900, 0x109F), (0x1780, 0x18AF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFF), (0x10800, 0x10FFF))
"""Scripts whose letters join, reorder, or run from right to left; so do marks of any script."""


def is_among(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(character) <= last for first, last in ranges)


def composed(wording: str) -> str:
    """Put letters and their marks together where there is one character for both, and leave out what would not be seen."""
    one = normalize("NFC", wording)
    return one if is_shaped(one) else "".join(c for c in one if category(c) != "Cf")


def is_shaped(wording: str) -> bool:
    """Say whether the wording can only be drawn by a library that shapes text."""
    return any(is_among(c, SHAPED) or category(c) in ("Mn", "Mc") for c in wording)


def direction(wording: str) -> str | None:
    """Return ``rtl`` or ``ltr`` as the first strong character has it (Unicode UAX #9, P2); None where nothing is to be shaped."""
    if not is_shaped(wording):
        return None
    strong = (bidirectional(c) for c in wording)
    return "rtl" if next((b for b in strong if b in ("L", "R", "AL")), "L") != "L" else "ltr"


@lru_cache(maxsize=len(OWN_FONTS))
def _own_font(name: str) -> bytes:
    return files("mingwen.notices").joinpath("fonts", name).read_bytes()


@lru_cache(maxsize=32)
def _font(data: bytes, pixels: int, *, shaped: bool) -> ImageFont.FreeTypeFont:
    if len(data) <= MAX_FONT_BYTES:
        engine = ImageFont.Layout.RAQM if shaped else ImageFont.Layout.BASIC
        try:
            return ImageFont.truetype(io.BytesIO(data), pixels, layout_engine=engine)
        except (OSError, ValueError) as broken:
            reason = str(broken)
    else:
        reason = f"is {len(data)} bytes"
    raise Misused("notice.font", f"expected a TrueType or OpenType font, but it {reason}", hint="set `font` to such a file")


def _glyph(font: ImageFont.FreeTypeFont, character: str) -> NDArray[np.uint8]:
    """Return a glyph's ink, rows × columns."""
    left, top, right, bottom = font.getbbox(character, anchor="ls")
    image = Image.new("L", (max(round(right - left), 1), max(round(bottom - top), 1)))
    ImageDraw.Draw(image).text((-left, -top), character, fill=255, font=font, anchor="ls")
    return np.asarray(image)


def _ink_height(font: ImageFont.FreeTypeFont, character: str) -> int:
    """Return the rows that hold more than half-covered pixels, from first to last."""
    rows = np.flatnonzero((_glyph(font, character) > HALF).any(axis=1))
    return int(rows[-1] - rows[0] + 1) if len(rows) else 0


def _lacking(wording: str, data: bytes) -> str:
    """Return the first character that the font cannot draw, or nothing."""
    font = _font(data, PROBE_PIXELS, shaped=False)
    missing = _glyph(font, "\U0010ffff").tobytes()
    for character in dict.fromkeys("".join(wording.split())):
        glyph = _glyph(font, character)
        if category(character) != "Cf" and (glyph.tobytes() == missing or not glyph.any()):
            return character
    return ""


@lru_cache(maxsize=64)
def _typeface(wording: str, own: bytes | None) -> bytes:
    """Return the font that draws the wording, once every glyph is known to exist."""
    if len(wording) > MAX_WORDING:
        raise Misused("notice.wording", f"expected at most {MAX_WORDING} characters, got {len(wording)}", hint="shorten it")
    if is_shaped(wording) and not features.check("raqm"):
        raise Misused(
            "notice.shaping",
            "expected a Pillow with Raqm, for the wording's letters join or run from right to left, got one without",
            hint="install Pillow from its wheels, or with libraqm and fribidi; or choose another wording",
        )
    candidates = map(_own_font, OWN_FONTS) if own is None else [own]
    lacking = ""
    for data in candidates:
        lacks = _lacking(wording, data)
        if not lacks:
            return data
        lacking = lacking or lacks
    raise Misused(
        "notice.glyph",
        f"expected a font that can draw the wording, but it lacks {lacking!r} (U+{ord(lacking):04X})",
        hint="set `font` to a TrueType or OpenType file that has it",
    )


def _heights(wording: str, font: ImageFont.FreeTypeFont) -> dict[str, int]:
    """Return the ink heights of the characters that count."""
    heights = {c: _ink_height(font, c) for c in dict.fromkeys("".join(wording.split()))}
    letters = {c: h for c, h in heights.items() if c.isalnum() and category(c) != "Lm"} or heights
    return {c: h for c, h in letters.items() if h >= _full_ems(c) * font.size - 1} or letters


def _full_ems(character: str) -> float:
    return next((ems for ranges, ems in FULL_EMS if is_among(character, ranges)), 0.0)


@lru_cache(maxsize=64)
def _lowest_ems(wording: str, data: bytes) -> float:
    return min(_heights(wording, _font(data, REFERENCE_PIXELS, shaped=False)).values()) / REFERENCE_PIXELS


def ink_pixels(wording: str, font: ImageFont.FreeTypeFont) -> int:
    """Return the ink height of the lowest character that counts."""
    return min(_heights(wording, font).values())


@lru_cache(maxsize=64)
def _size(wording: str, data: bytes, target: int) -> int:
    size = max(int(target / _lowest_ems(wording, data)), 1)
    while ink_pixels(wording, _font(data, size, shaped=False)) < target:
        size += 1
    return size


def with_ink(wording: str, own: bytes | None, target: int) -> ImageFont.FreeTypeFont:
    """Return the smallest font whose lowest glyph has at least ``target`` pixels of ink; ``own`` is the user's font file."""
    data = _typeface(wording, own)
    return _font(data, _size(wording, data, target), shaped=is_shaped(wording))
