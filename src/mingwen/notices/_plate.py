"""The plate that letters stand on: half-opaque and rounded, with a soft outline around the letters.

Whatever lies beneath, letters and plate differ by more than WCAG 2.2 §1.4.3 asks for (4.5:1): blending is monotonous in each
channel, so the worst pixel is white beneath a dark plate and black beneath a light one, and the opacities are made for these.
They are never less, whatever the picture, so the promise holds for every frame of a film, not only for that which was looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mingwen.notices._layout import Setter, Text

Mask = NDArray[np.uint8]

SHADOW = 0.06
"""Radius of the soft outline, in ink heights."""
SHADOW_OPACITY = 0.45
"""Of the outline within the plate, around the letters."""
SMALLEST_BLUR = 1.0


@dataclass(frozen=True, slots=True)
class Tone:
    """Greys of a plate and its letters, 0 to 1 as R′G′B′ has them, and how opaque the plate is."""

    plate: float
    ink: float
    opacity: float

    def over(self, beneath: NDArray[np.uint8]) -> "Tone":
        """Return the tone for what lies beneath: the busier it is, the less of it may be seen through the plate."""
        busy = min(float(beneath.std(axis=(0, 1)).mean()) / BUSY, 1)
        steps = ceil(busy * STEPS)
        return replace(self, opacity=self.opacity + (BUSY_OPACITY - self.opacity) * steps / STEPS)


ON_DARK = Tone(16 / 255, 1.0, 0.62)
"""White letters on a dark plate: 5.3:1 over white, over anything darker more."""
ON_LIGHT = Tone(1.0, 16 / 255, 0.72)
"""Dark letters on a light plate: 9.5:1 over black, and 5.6:1 over the black of four full inks (CMYK)."""
BRIGHT = 0.6 * 255
"""Mean of the stored values above which what lies beneath gets a light plate."""
ROWS_LOOKED_AT = 48
STEPS = 8
"""Of opacity, so that labels that look the same are drawn once."""
BUSY, BUSY_OPACITY = 64, 0.75
"""Standard deviation of the stored values, the mean of the channels, from which a plate is as opaque as it gets."""


def tone_over(beneath: NDArray[np.uint8]) -> Tone:
    """Choose the tone of a label by what is stored beneath it, R′G′B′ of 8 bits; a few thousand pixels of it tell enough."""
    step = max(min(beneath.shape[:2]) // ROWS_LOOKED_AT, 1)
    beneath = beneath[::step, ::step]
    return (ON_LIGHT if beneath.mean() > BRIGHT else ON_DARK).over(beneath)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A label without its place and tone: three maps of 0 to 255, shared by all labels that look the same; read only."""

    letters: Mask
    outline: Mask
    cover: Mask

    def each(self, change: Callable[[Mask], Mask]) -> "Drawing":
        """Return the drawing with all its maps changed alike."""
        return Drawing(change(self.letters), change(self.outline), change(self.cover))

    def plate(self, tone: Tone) -> NDArray[np.float32]:
        """Return how much of the plate's grey replaces what lies beneath, 0 to 1."""
        outline = np.arange(256, dtype=np.float32) * np.float32(SHADOW_OPACITY / 255)
        return share(self.cover) * (1 - np.float32(1 - tone.opacity) * (1 - outline))[self.outline]


def share(mask: Mask) -> NDArray[np.float32]:
    return np.multiply(mask, np.float32(1 / 255), dtype=np.float32)


def drawn(text: Text, by: Setter, pad: tuple[int, int], target: int, radius: int) -> Drawing:
    """Draw a text on its plate, ``pad`` pixels from the edges."""
    letters = Image.new("L", (text.width + 2 * pad[0], text.height + 2 * pad[1]))
    ink = Image.new("L", (text.width, text.height))
    for piece in text.pieces:
        by.draw(ink, piece)
    letters.paste(ink, (pad[0], pad[1] + min(text.drop, pad[1])))
    blurred = letters.filter(ImageFilter.GaussianBlur(max(SHADOW * target, SMALLEST_BLUR)))
    outline = blurred.point([min(2 * v, 255) for v in range(256)])
    maps = np.asarray(letters), np.asarray(outline), _rounded(letters.width, letters.height, radius)
    for each in maps:
        each.flags.writeable = False
    return Drawing(*maps)


def _rounded(width: int, height: int, radius: int) -> Mask:
    """Return a full box with round corners, smooth by the distance of their pixels from the arc."""
    cover = np.full((height, width), 255, np.uint8)
    radius = min(radius, width // 2, height // 2)
    across = radius - 0.5 - np.arange(radius)
    distance = np.hypot(across[:, None], across)
    corner = np.rint(255 * np.clip(radius + 0.5 - distance, 0, 1)).astype(np.uint8)
    for rows, columns in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        cover[::rows, ::columns][:radius, :radius] = corner
    return cover
