"""A label in a picture: letters on a half-opaque plate, white on dark or dark on white as the picture has it, with measured ink.

GB 45438-2025 §5.2 and §5.4 ask for a text height of at least 5 % of the shortest side and do not say
which height. We measure what the reader sees, and the strictest of it: the ink, without anti-aliased
edges, of the lowest letter, digit or full hanzi of the wording; an ``e`` of "AI-generated" counts, flat hanzi
such as 一 and punctuation do not.

A label is two maps of shares, ``plate`` and ``ink``. Every pixel format blends them with its own values for their greys, so
that nothing but the label's box is touched and no picture is converted for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mingwen.domain.errors import Refused
from mingwen.domain.notices import Box, Layout, Style
from mingwen.notices import _faces
from mingwen.notices._font import composed, ink_pixels, with_ink
from mingwen.notices._layout import laid_out, setter
from mingwen.notices._plate import ON_DARK, Drawing, Mask, Tone, drawn, share, tone_over
from mingwen.notices._proportions import MARGIN, PAD_X, PAD_Y, RADIUS

T = TypeVar("T", np.uint8, np.float32)
Shares: TypeAlias = NDArray[np.float32]
Level: TypeAlias = Callable[[float], Sequence[float]]
"""How a pixel format writes a grey of 0 to 1: one value a channel."""
Look: TypeAlias = Callable[[Box], NDArray[np.uint8]]
"""What is stored in a box of the picture: height × width × 3, R′G′B′ of 8 bits; a large box may come reduced."""

LEAST_INK_PIXELS = 9
"""Below this hanzi cannot be told apart; §5.2 asks for legible type besides the 5 %."""
CACHED_DRAWINGS = 4
"""Three bytes a pixel each: 12 MB for a picture of 12,000 × 12,000 pixels."""

TIGHTER = (1.0, 0.6, 0.3)
"""Shares of the proportions that are tried in turn, in a picture with little room; a tiny one begins with the second."""
TINY = 100
"""Pixels of the shortest side."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How stored pixels come from shown ones: mirror, then swap rows and columns (Exif orientation, video display matrix)."""

    mirror_x: bool = False
    mirror_y: bool = False
    transpose: bool = False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return the size as shown of a picture stored as ``width`` × ``height``, or the other way round."""
        return (height, width) if self.transpose else (width, height)

    def map(self, shares: NDArray[T]) -> NDArray[T]:
        """Turn a map from shown to stored."""
        turned = shares[:: -1 if self.mirror_y else 1, :: -1 if self.mirror_x else 1]
        return np.ascontiguousarray(turned.T if self.transpose else turned)

    def back(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn rows × columns × channels from stored to shown."""
        turned = pixels.swapaxes(0, 1) if self.transpose else pixels
        return turned[:: -1 if self.mirror_y else 1, :: -1 if self.mirror_x else 1]


@dataclass(frozen=True, slots=True)
class Label:
    """A drawn label, as stored: where its box lies in the picture, and three maps of its height × width, which are read only."""

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
    plate_grey: float = ON_DARK.plate
    ink_grey: float = ON_DARK.ink
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
    lets the plate be chosen by what lies beneath, and faces be found; without it the plate is dark and stands where it should.

    Raises:
        Refused: the picture has no room for it (``notice.no-room``).
        Misused: the font is none, or lacks a character (``notice.font``, ``notice.glyph``); the wording cannot be
            shaped here (``notice.shaping``).
    """
    shown = turn.size(max(round(width * aspect), 1), height)
    target = max(ceil(style.ink_height_share * min(shown) - 1e-9), LEAST_INK_PIXELS)  # §5.2, §5.4
    asked = style.wording, style.font, style.layout, target, shown
    drawing, ink_height, margin = _fitting(*asked)
    size = drawing.cover.shape[1], drawing.cover.shape[0]
    x, y = _faces.clear_place(style, size, shown, margin, look and (lambda: turn.back(look((0, 0, width, height)))))
    x = shown[0] - x - size[0] if turn.mirror_x else x
    y = shown[1] - y - size[1] if turn.mirror_y else y
    left, top = (y, x) if turn.transpose else (x, y)
    left = round(left / aspect)
    stored = _Stored(turn, aspect, grid, (left % grid, top % grid))
    across, down = turn.size(*size)
    right, bottom = left + round(across / aspect), top + down
    box = left - left % grid, top - top % grid, right + -right % grid, bottom + -bottom % grid
    tone = tone_over(look(box)) if look else ON_DARK
    return Label(*box[:2], *_maps(asked, stored, tone), ink_height, tone.plate, tone.ink)


@dataclass(frozen=True, slots=True)
class _Stored:
    """How a drawing becomes what is stored."""

    turn: Turn
    aspect: float
    grid: int
    off: tuple[int, int]
    """How far it lies from the grid."""


_Asked: TypeAlias = tuple[str, bytes | None, Layout, int, tuple[int, int]]
"""What ``_fitting`` is asked for."""


@lru_cache(maxsize=CACHED_DRAWINGS)
def _maps(asked: _Asked, stored: _Stored, tone: Tone) -> tuple[Shares, Shares, Shares]:
    """Return plate, ink and cover as stored; not to be written to, since labels that look the same share them."""
    drawing, _, _ = _fitting(*asked)
    turned = drawing.each(lambda mask: _aligned(_squeezed(stored.turn.map(mask), stored.aspect), *stored.off, stored.grid))
    maps = turned.plate(tone), share(turned.letters), share(turned.cover)
    for each in maps:
        each.flags.writeable = False
    return maps


@lru_cache(maxsize=CACHED_DRAWINGS)
def _fitting(
    wording: str, own_font: bytes | None, layout: Layout, target: int, shown: tuple[int, int]
) -> tuple[Drawing, int, int]:
    """Draw the wording for a picture of a size: return the drawing, its ink height and its margin."""
    wording = composed(wording)
    font = with_ink(wording, own_font, target)
    by = setter(wording, font)
    for tighter in TIGHTER[min(shown) < TINY :]:
        across, down = round(PAD_X * tighter * target), round(PAD_Y * tighter * target)
        pad = (down, across) if layout is Layout.VERTICAL else (across, down)
        margin = _margin(target, shown, tighter)
        room = shown[0] - 2 * (margin + pad[0]), shown[1] - 2 * (margin + pad[1])
        text = laid_out(wording, by, room, target, layout)
        if text.width <= room[0] and text.height <= room[1]:
            return drawn(text, by, pad, target, round(RADIUS * tighter * target)), ink_pixels(wording, font), margin
    raise Refused(
        "notice.no-room",
        f"expected room for letters of {text.width} × {text.height} pixels, the picture has {shown[0]} × {shown[1]}",
        hint="shorten the wording, or enlarge the picture; letters are never drawn lower than legible",
    )


def _squeezed(mask: Mask, aspect: float) -> Mask:
    """Scale a map's width from square pixels to stored ones."""
    width = round(mask.shape[1] / aspect)
    if width == mask.shape[1]:
        return mask
    return np.asarray(Image.fromarray(mask).resize((width, mask.shape[0]), Image.Resampling.HAMMING))


def _aligned(mask: Mask, x: int, y: int, grid: int) -> Mask:
    """Widen a map at ``x``, ``y`` with nothing until it lies on the grid."""
    height, width = mask.shape
    around = ((y % grid, -(y + height) % grid), (x % grid, -(x + width) % grid))
    return np.pad(mask, around) if np.any(around) else mask


def _margin(target: int, shown: tuple[int, int], tighter: float) -> int:
    """Return the distance to the edge: a share of the ink, but at most a twentieth of a tiny picture."""
    margin = round(MARGIN * tighter * target)
    return min(margin, min(shown) // 20) if target == LEAST_INK_PIXELS else margin
