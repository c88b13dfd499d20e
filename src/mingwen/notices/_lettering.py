"""Drawing a label: letters on a half-opaque plate, white on dark or dark on white as the picture has it, with measured ink.

GB 45438-2025 §5.2 and §5.4 ask for a text height of at least 5 % of the shortest side and do not say
which height. We measure what the reader sees, and the strictest of it: the ink, without anti-aliased
edges, of the lowest letter, digit or full hanzi of the wording; an ``e`` of "AI-generated" counts, flat hanzi
such as 一 and punctuation do not.

A label is two maps of shares, ``plate`` and ``ink``. Every pixel format blends them with its own values for their greys, so
that nothing but the label's box is touched and no picture is converted for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import ceil
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from mingwen.domain.errors import Refused
from mingwen.domain.notices import Box, Position, Style
from mingwen.notices._font import ink_pixels, is_hanzi, with_ink

Shares: TypeAlias = NDArray[np.float32]
Maps: TypeAlias = tuple[Shares, Shares, Shares]
"""Plate, ink and cover."""
Level: TypeAlias = Callable[[float], Sequence[float]]
"""How a pixel format writes a grey of 0 to 1: one value a channel."""
Look: TypeAlias = Callable[[Box], NDArray[np.uint8]]
"""What is stored in a box of the picture: height × width × 3, R′G′B′ of 8 bits."""

PLATE_OPACITY = 0.62
"""On white it leaves white letters a contrast of 5.2:1, on anything darker more; WCAG 2.2 §1.4.3 asks for 4.5:1."""
DARK, LIGHT = 16 / 255, 1.0
"""Greys of the plate and the letters, one each."""
BRIGHT = 0.6
"""Mean of the stored values above which what lies beneath gets a light plate with dark letters; 7:1 even on black."""
SHADOW_OPACITY = 0.45
"""Of the soft dark outline within the plate, around the letters."""
LEAST_INK_PIXELS = 9
"""Below this hanzi cannot be told apart; §5.2 asks for legible type besides the 5 %."""
SMOOTHING = 4
"""How much larger the plate is drawn before it is scaled down, so that its corners are smooth."""

# Lengths in ink heights of the label.
PAD_X, PAD_Y, MARGIN, RADIUS, LEADING, SHADOW = 0.72, 0.52, 0.6, 0.42, 0.55, 0.06


@dataclass(frozen=True, slots=True)
class Turn:
    """How stored pixels come from shown ones: mirror, then swap rows and columns (Exif orientation, video display matrix)."""

    mirror_x: bool = False
    mirror_y: bool = False
    transpose: bool = False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return the size as shown of a picture stored as ``width`` × ``height``, or the other way round."""
        return (height, width) if self.transpose else (width, height)

    def map(self, shares: Shares) -> Shares:
        """Turn a map from shown to stored."""
        turned = shares[:: -1 if self.mirror_y else 1, :: -1 if self.mirror_x else 1]
        return np.ascontiguousarray(turned.T if self.transpose else turned)


@dataclass(frozen=True, slots=True)
class Label:
    """A drawn label, as stored: where its box lies in the picture, and three maps of its height × width."""

    x: int
    y: int
    plate: Shares
    """0 to 1: how much of the plate's grey replaces what lies beneath."""
    ink: Shares
    """0 to 1: how much of the letters' grey then replaces that."""
    cover: Shares
    """0 to 1: where the plate is at all; a transparent picture becomes opaque there."""
    ink_pixels: int
    """The measured height of the lowest glyph."""
    plate_grey: float = DARK
    ink_grey: float = LIGHT
    """0 to 1, as R′G′B′ has them."""

    @property
    def height(self) -> int:
        """Of the box, in pixels."""
        return int(self.ink.shape[0])

    @property
    def width(self) -> int:
        """Of the box, in pixels."""
        return int(self.ink.shape[1])

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.x, self.y, self.x + self.width, self.y + self.height

    def blend(self, under: Shares, level: Level) -> Shares:
        """Return the label over ``under`` (height × width × channels, any scale), given how that scale writes a grey."""
        share, ink = self.plate[..., None], self.ink[..., None]
        plate = under * (1 - share) + np.asarray(level(self.plate_grey), np.float32) * share
        return plate * (1 - ink) + np.asarray(level(self.ink_grey), np.float32) * ink


def label_for(  # noqa: PLR0913 - the picture's own facts, each of which may be left out
    style: Style, width: int, height: int, *, turn: Turn = Turn(), aspect: float = 1.0, grid: int = 1, look: Look | None = None
) -> Label:
    """Draw the label for a picture stored as ``width`` × ``height``; its box begins and ends on multiples of ``grid`` pixels.

    ``aspect`` is the width of a stored pixel by its height; the label is drawn for what is shown and squeezed into it. ``look``
    lets the plate be chosen by what lies beneath; without it the plate is dark.

    Raises:
        Refused: the picture has no room for it (``notice.no-room``).
        Misused: the font is none, or lacks a character (``notice.font``, ``notice.glyph``).
    """
    shown = turn.size(max(round(width * aspect), 1), height)
    maps, margin, ink = _lettered(style, shown)
    size = maps[0].shape[1], maps[0].shape[0]
    x, y = _place(style.position, size, shown, margin)
    x = shown[0] - x - size[0] if turn.mirror_x else x
    y = shown[1] - y - size[1] if turn.mirror_y else y
    left, top = (y, x) if turn.transpose else (x, y)
    stored = [_squeezed(turn.map(m), aspect) for m in maps]
    label = _aligned(round(left / aspect), top, stored, grid, ink)
    if look and look(label.box).mean() > BRIGHT * 255:
        return replace(label, plate_grey=LIGHT, ink_grey=DARK)
    return label


@lru_cache(maxsize=4)
def _lettered(style: Style, shown: tuple[int, int]) -> tuple[Maps, int, int]:
    """Draw the label for a size as shown: maps not to be written to, margin and ink height in pixels.

    Kept, since pictures of one size come in rows and drawing takes longer than what else there is to a JPEG.
    """
    target = max(ceil(style.ink_height_share * min(shown) - 1e-9), LEAST_INK_PIXELS)  # §5.2, §5.4
    font = with_ink(style, target)
    margin = _margin(target, shown)
    room = shown[0] - 2 * margin, shown[1] - 2 * margin
    maps = _draw(_lines(style.wording, font, room[0] - 2 * _pad(target)[0]), font, target)
    size = maps[0].shape[1], maps[0].shape[0]
    if size[0] > room[0] or size[1] > room[1]:
        raise Refused(
            "notice.no-room",
            f"expected room for a label of {size[0]} × {size[1]} pixels, the picture has {shown[0]} × {shown[1]}",
            hint="shorten the wording, or enlarge the picture; letters are never drawn lower than legible",
        )
    for shares in maps:
        shares.flags.writeable = False
    return maps, margin, ink_pixels(style.wording, font)


def _squeezed(shares: Shares, aspect: float) -> Shares:
    """Scale a map's width from square pixels to stored ones."""
    width = round(shares.shape[1] / aspect)
    if width == shares.shape[1]:
        return shares
    scaled = Image.fromarray(shares).resize((width, shares.shape[0]), Image.Resampling.HAMMING)
    return np.clip(np.asarray(scaled, np.float32), 0, 1)


def _aligned(x: int, y: int, maps: Sequence[Shares], grid: int, ink_pixels: int) -> Label:
    """Widen the box with nothing until it lies on the grid."""
    height, width = maps[0].shape
    around = ((y % grid, -(y + height) % grid), (x % grid, -(x + width) % grid))
    plate, ink, cover = (np.pad(m, around) for m in maps)
    return Label(x - x % grid, y - y % grid, plate, ink, cover, ink_pixels)


def _pad(target: int) -> tuple[int, int]:
    return round(PAD_X * target), round(PAD_Y * target)


def _margin(target: int, shown: tuple[int, int]) -> int:
    """Return the distance to the edge: a share of the ink, but at most a twentieth of a tiny picture."""
    return min(round(MARGIN * target), min(shown) // 20) if target == LEAST_INK_PIXELS else round(MARGIN * target)


def _place(position: Position, size: tuple[int, int], shown: tuple[int, int], margin: int) -> tuple[int, int]:
    name = position.value
    free = shown[0] - size[0], shown[1] - size[1]
    x = margin if "left" in name else free[0] - margin if "right" in name else free[0] // 2
    y = margin if "top" in name else free[1] - margin if "bottom" in name else free[1] // 2
    return x, y


# --- lines --------------------------------------------------------------------------------------------------------------------


def _tokens(wording: str) -> list[str]:
    """Split where a line may break: after a space or hyphen, and around every hanzi."""
    tokens: list[str] = []
    for before, character in pairwise(" " + " ".join(wording.split())):
        opens = (is_hanzi(before) and character.isalnum()) or is_hanzi(character) or before in " -，。、；："
        if opens or not tokens:
            tokens.append(character)
        else:
            tokens[-1] += character
    return tokens


def _lines(wording: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Break the wording into the fewest lines that fit, then make them as even as they can be."""
    tokens = _tokens(wording)
    lines = _wrapped(tokens, font, width)
    for narrower in range(19, 9, -1):
        tighter = _wrapped(tokens, font, width * narrower / 20)
        if len(tighter) > len(lines) or max(map(font.getlength, tighter)) > width:
            break
        lines = tighter if len(lines) > 1 else lines
    return lines


def _wrapped(tokens: list[str], font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    lines = [""]
    for token in tokens:
        if lines[-1] and font.getlength((lines[-1] + token).rstrip()) > width:
            lines.append("")
        lines[-1] += token
    return [line.strip() for line in lines]


# --- drawing ------------------------------------------------------------------------------------------------------------------


def _draw(lines: list[str], font: ImageFont.FreeTypeFont, target: int) -> Maps:
    """Return plate, ink and cover of the label with its lines, each centred by its ink."""
    boxes = [font.getbbox(line, anchor="ls") for line in lines]
    step = round(max(b[3] for b in boxes) - min(b[1] for b in boxes) + LEADING * target)
    top, bottom = round(boxes[0][1]), round(boxes[-1][3]) + step * (len(lines) - 1)
    pad_x, pad_y = _pad(target)
    width = round(max(b[2] - b[0] for b in boxes)) + 2 * pad_x
    height = bottom - top + 2 * pad_y
    letters = Image.new("L", (width, height))
    pen = ImageDraw.Draw(letters)
    for number, (line, box) in enumerate(zip(lines, boxes, strict=True)):
        x = (width - (box[2] - box[0])) / 2 - box[0]
        pen.text((round(x), pad_y - top + step * number), line, fill=255, font=font, anchor="ls")
    plate = _plate(width, height, round(RADIUS * target))
    shadow = _share(letters.filter(ImageFilter.MaxFilter(3)).filter(ImageFilter.GaussianBlur(max(SHADOW * target, 1))))
    cover = _share(plate)
    share = cover * (1 - (1 - PLATE_OPACITY) * (1 - SHADOW_OPACITY * shadow))
    return share, _share(letters), cover


def _plate(width: int, height: int, radius: int) -> Image.Image:
    large = Image.new("L", (width * SMOOTHING, height * SMOOTHING))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), radius * SMOOTHING, fill=255)
    return large.resize((width, height), Image.Resampling.BOX)


def _share(mask: Image.Image) -> Shares:
    return np.asarray(mask, np.float32) / np.float32(255)
