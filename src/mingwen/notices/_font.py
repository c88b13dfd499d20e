"""The font that draws labels, and how high its ink stands.

The ink is measured without anti-aliased edges, on the lowest letter, digit or full hanzi of the wording: the strictest
reading of "text height" in GB 45438-2025 §5.2 and §5.4.
"""

import io
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from mingwen.domain.errors import Misused
from mingwen.domain.notices import Style

FULL_HANZI_EMS = 0.7
"""Hanzi with less ink height (一, 二) are flat by nature and are not measured."""
MAX_WORDING = 120
"""Characters."""
MAX_FONT_BYTES = 64 * 1024 * 1024
REFERENCE_PIXELS = 512
"""Font size at which proportions are measured."""


@lru_cache(maxsize=1)
def _own_font() -> bytes:
    return files("mingwen.notices").joinpath("fonts", "NotoSansSC-Bold-Labels.otf").read_bytes()


@lru_cache(maxsize=32)
def _font(data: bytes | None, pixels: int) -> ImageFont.FreeTypeFont:
    data = _own_font() if data is None else data
    if len(data) <= MAX_FONT_BYTES:
        try:
            return ImageFont.truetype(io.BytesIO(data), pixels, layout_engine=ImageFont.Layout.BASIC)
        except (OSError, ValueError) as broken:
            reason = str(broken)
    else:
        reason = f"is {len(data)} bytes"
    raise Misused("notice.font", f"expected a TrueType or OpenType font, but it {reason}", hint="set `font` to such a file")


def _glyph(font: ImageFont.FreeTypeFont, character: str) -> NDArray[np.uint8]:
    mask = font.getmask(character)
    return np.asarray(mask, np.uint8).reshape(mask.size[1], mask.size[0])


def _ink_height(font: ImageFont.FreeTypeFont, character: str) -> int:
    """Return the rows that hold more than half-covered pixels, from first to last."""
    rows = np.flatnonzero((_glyph(font, character) > 127).any(axis=1))  # noqa: PLR2004 - half
    return int(rows[-1] - rows[0] + 1) if len(rows) else 0


@lru_cache(maxsize=64)
def _measured(wording: str, data: bytes | None) -> tuple[str, float]:
    """Return the lowest glyph of the wording that counts, and its ink height in ems, once every glyph is known to exist."""
    font = _font(data, REFERENCE_PIXELS)
    if len(wording) > MAX_WORDING:
        raise Misused("notice.wording", f"expected at most {MAX_WORDING} characters, got {len(wording)}", hint="shorten it")
    missing = _glyph(font, "\U0010ffff").tobytes()
    for character in dict.fromkeys("".join(wording.split())):
        glyph = _glyph(font, character)
        if glyph.tobytes() == missing or not glyph.any():
            raise Misused(
                "notice.glyph",
                f"expected a font that can draw the wording, but it lacks {character!r} (U+{ord(character):04X})",
                hint="set `font` to a TrueType or OpenType file that has it",
            )
    heights = {c: _ink_height(font, c) / REFERENCE_PIXELS for c in wording if c.isalnum()}
    counted = {c: h for c, h in heights.items() if not is_hanzi(c) or h >= FULL_HANZI_EMS}
    return min((counted or heights).items(), key=lambda pair: pair[1])


def is_hanzi(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or character >= "\U00020000"


def ink_pixels(wording: str, font: ImageFont.FreeTypeFont) -> int:
    return min(_ink_height(font, c) for c in wording if c.isalnum() and not _flat(c, font))


def _flat(character: str, font: ImageFont.FreeTypeFont) -> bool:
    return is_hanzi(character) and _ink_height(font, character) < FULL_HANZI_EMS * font.size - 1


def with_ink(style: Style, target: int) -> ImageFont.FreeTypeFont:
    """Return the smallest font whose lowest glyph has at least ``target`` pixels of ink."""
    _, ems = _measured(style.wording, style.font)
    size = max(int(target / ems), 1)
    while ink_pixels(style.wording, _font(style.font, size)) < target:
        size += 1
    return _font(style.font, size)
