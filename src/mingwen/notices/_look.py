"""Pictures as they are shown, and labels on them measured: the ink's height in their own pixels."""

import io
import warnings
from collections.abc import Sequence
from typing import BinaryIO, Final, TypeAlias

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.explicit import Read, Seen
from mingwen.domain.notices import Box, has_elements
from mingwen.notices import _room
from mingwen.notices._raster import in_bytes

Pixels: TypeAlias = NDArray[np.uint8]
"""Height × width × 3, R′G′B′, as shown."""

_HINT: Final = "look at it in a viewer, or make a PNG of it"
AROUND: Final = 0.15
"""Of a line's height that is looked at beyond the box that was read: such boxes are a little off."""
LEAST_SHARE: Final = 0.5
"""Of the highest letter; what is lower is a dash or a dot."""
MOST: Final = 0.5
FULL: Final = 0.75
"""Of a plate's side, without its round corners; letters leave more room between them."""
RIM: Final = 1
"""Pixels of a plate's edge that is smoothed."""
_SMALL: Final = 8
"""Columns of ink closer than a line's height by this belong to one letter, as the parts of a hanzi do."""
_APART: Final = 5
"""Ink above or below a letter by more than a line's height by this is none of it, but a speck of what lies around the label."""


_OPENED: Final = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""What Pillow decodes itself, and no plugin that somebody else in the process may have added."""


def upright(source: BinaryIO) -> Pixels:
    """Decode a picture as it is shown: turned by its Exif orientation, on white paper; the first of several.

    Raises:
        Malformed: it does not decode (``image.broken``).
        Refused: it is too large for its bytes (``notice.too-large``).
    """
    source.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened = Image.open(source, formats=_OPENED)
            _room.require(opened.width * opened.height, source.seek(0, io.SEEK_END))
            ImageOps.exif_transpose(opened, in_place=True)
            picture = in_bytes(opened)
            if picture.has_transparency_data:
                picture = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
            return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
    except UnidentifiedImageError:
        return _by_film(source)
    except Image.DecompressionBombError as bomb:
        raise Refused("notice.too-large", f"expected fewer pixels: {bomb}", hint="make the picture smaller") from bomb
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError) as broken:
        raise Malformed("image.broken", f"expected a whole picture, but {broken}", hint="get a whole copy") from broken


def _by_film(source: BinaryIO) -> Pixels:
    """Decode what Pillow has no plugin for."""
    source.seek(0)
    try:
        with av.open(source, "r") as container:
            stream = container.streams.video[0]
            stream.codec_context.options = {"max_pixels": str(_room.MOST_PIXELS)}
            frame = next(container.decode(stream))
            return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    except (FFmpegError, ValueError, IndexError, AttributeError, StopIteration) as broken:  # no decoder, no context
        reason = getattr(broken, "strerror", None) or broken
        raise Malformed(
            "image.undecoded",
            f"expected a picture that can be decoded here, which JPEG XL and SVG cannot; the decoder says: {reason}",
            hint=_HINT,
        ) from broken


def labels_on(picture: Pixels, read: Read) -> tuple[Seen, ...]:
    """Read the labels of a picture and measure each."""
    height, width = picture.shape[:2]
    out: list[Seen] = []
    for line in read(picture.tobytes(), width, height):
        if not has_elements(line.text):
            continue
        box = _within(line.box, width, height)
        seen = Seen(line.text, box, width, height, ink_height(picture, box))
        same = next((n for n, other in enumerate(out) if _overlap(box, other.box)), None)
        if same is None:
            out.append(seen)
        elif seen.ink_pixels < out[same].ink_pixels:  # a box that holds more than the line takes what is around it for ink
            out[same] = seen
    return tuple(out)


def ink_height(picture: Pixels, box: Box) -> int:
    """Return the height of the lowest letter in a box that holds one line, in pixels."""
    left, top, right, bottom = box
    more = max(round(AROUND * (bottom - top)), 2)
    part = picture[max(top - more, 0) : bottom + more, max(left - more, 0) : right + more].astype(np.float32)
    grey = part @ np.array((0.299, 0.587, 0.114), np.float32)
    ink = _is_ink(grey)
    if (inside := _plate(ink)) is not None:
        ink = _is_ink(grey[inside])
    apart, gap = max((bottom - top) // _APART, 1), max((bottom - top) // _SMALL, 1)
    letters = _runs(np.any(ink, axis=0), gap=gap)
    within = [(a, b) for a, b in letters if a > 0 and b < ink.shape[1]] or letters  # what reaches the rim is no letter
    heights = [_extent(ink[:, a:b].sum(axis=1), gap=apart) for a, b in within]
    highest = max(heights, default=0)
    return min((h for h in heights if h >= LEAST_SHARE * highest), default=0)


def _is_ink(grey: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Part letters from what is around them by Otsu's threshold: the letters are what the border is not."""
    values, counts = np.unique(np.rint(grey).astype(int), return_counts=True)
    below, total = np.cumsum(counts), counts.sum()
    sums = np.cumsum(values * counts)
    first, second = sums / below, (sums[-1] - sums) / np.maximum(total - below, 1)
    between = below * (total - below) * (first - second) ** 2
    light = grey > (first[between.argmax()] + second[between.argmax()]) / 2
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    is_light: NDArray[np.bool_] = light if border.mean() <= 0.5 else ~light  # noqa: PLR2004 - most of it
    return is_light


def _plate(ink: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Return what lies within a plate that was taken for ink, as a reader's box may reach beyond it; its sides are full."""
    rows, columns = (np.flatnonzero(ink.mean(axis=axis) > MOST) for axis in (1, 0))
    if min(len(rows), len(columns)) <= 2 * RIM + 2:
        return None
    top, bottom, left, right = rows[0] + RIM, rows[-1] - RIM, columns[0] + RIM, columns[-1] - RIM
    sides = ink[top, left:right], ink[bottom, left:right], ink[top:bottom, left], ink[top:bottom, right]
    full = min(float(side.mean()) for side in sides) > FULL
    return (slice(top, bottom + 1), slice(left, right + 1)) if full else None


def _runs(inked: NDArray[np.bool_], *, gap: int) -> Sequence[tuple[int, int]]:
    """Return the runs of columns or rows that hold ink, those closer than ``gap`` as one."""
    at = np.flatnonzero(inked)
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > gap)
    starts, stops = np.concatenate([at[:1], at[breaks + 1]]), np.concatenate([at[breaks], at[-1:]])
    return [(int(a), int(b) + 1) for a, b in zip(starts, stops, strict=True)]


def _extent(rows: NDArray[np.int_], *, gap: int) -> int:
    """Return how far the rows reach that hold most of the ink, from the first to the last."""
    runs = _runs(rows > 0, gap=gap)
    first, stop = max(runs, key=lambda run: int(rows[run[0] : run[1]].sum()), default=(0, 0))
    return stop - first


def _within(box: Box, width: int, height: int) -> Box:
    left, top = max(min(box[0], width - 1), 0), max(min(box[1], height - 1), 0)
    return left, top, max(min(box[2], width), left + 1), max(min(box[3], height), top + 1)


def _overlap(one: Box, other: Box) -> bool:
    """Do two boxes share more than half of the smaller one?"""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return across > 0 and down > 0 and across * down > smaller / 2
