"""A labelled file on one page: the picture, the film's moments, the sound's wave."""

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO, Final

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mingwen.domain.errors import Malformed
from mingwen.notices import _look
from mingwen.notices._listen import require_rate
from mingwen.notices._watch import film, shown

LONGEST_SIDE: Final = 1600
TILE: Final = 480
"""Pixels that a film's picture is wide or high at most on the sheet."""
COLUMNS: Final = 3
GAP, CAPTION = 12, 28
BEGINNING: Final = (0.0, 1.0, 1.9, 2.1)
"""Seconds of a film that are shown besides its middle and its end: around the end of a label of two seconds."""
HEARD: Final = 20.0
"""Seconds of a sound that are drawn at its beginning, and at its end."""
RATE: Final = 8000
WAVE: Final = (1200, 160)
_PAPER, _INK, _FAINT = (250, 250, 250), (30, 30, 30), (150, 150, 150)


def picture(source: BinaryIO) -> bytes:
    """Show a picture as it is, at most ``LONGEST_SIDE`` pixels wide or high."""
    shown_ = Image.fromarray(_look.upright(source))
    shown_.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return _png(shown_)


def moments(source: BinaryIO) -> bytes:
    """Show a film at ``BEGINNING``, in its middle and at its end."""
    tiles = list(_tiles(source))
    width, height = (max(getattr(tile, side) for _, tile in tiles) for side in ("width", "height"))
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (width + GAP) + GAP, rows * (height + CAPTION + GAP) + GAP), _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for number, (seconds, tile) in enumerate(tiles):
        x = GAP + number % COLUMNS * (width + GAP)
        y = GAP + number // COLUMNS * (height + CAPTION + GAP)
        sheet.paste(tile, (x, y))
        pen.text((x, y + height + 4), f"{seconds:.2f} s", fill=_INK, font=font)
    return _png(sheet)


def _tiles(source: BinaryIO) -> Iterator[tuple[float, Image.Image]]:
    with film(source) as (container, stream):
        length = float(container.duration or 0) / av.time_base
        start = float((stream.start_time or 0) * (stream.time_base or 0))
        last = -1.0
        for wanted in (*(t for t in BEGINNING if t < length or t == 0), length / 2, max(length - 0.1, 0)):
            if wanted <= last:
                continue
            if wanted > BEGINNING[-1]:
                container.seek(int((start + wanted) / float(stream.time_base or 1)), stream=stream)
            frame = next(
                (f for f in islice(container.decode(stream), 1000) if f.time is None or f.time - start >= wanted - 0.02), None
            )
            if frame is None:
                return
            last = float((frame.time or 0) - start)
            tile = Image.fromarray(shown(frame))
            tile.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
            yield last, tile


def wave(source: BinaryIO) -> bytes:
    """Draw the first and the last seconds of a sound.

    Raises:
        Malformed: it does not decode (``audio.broken``).
    """
    source.seek(0)
    try:
        with av.open(source, "r") as container:
            length = float(container.duration or 0) / av.time_base
            parts = [(0.0, _samples(container, HEARD))]
            if length > 2 * HEARD:
                container.seek(int((length - HEARD) * av.time_base))
                parts.append((length - HEARD, _samples(container, HEARD)))
    except (FFmpegError, ValueError, IndexError) as broken:
        raise Malformed("audio.broken", f"expected a sound that decodes, but {broken}", hint="get a whole copy") from broken
    width, height = WAVE
    sheet = Image.new("RGB", (width + 2 * GAP, len(parts) * (height + CAPTION + GAP) + GAP), _PAPER)
    for number, (begins, samples) in enumerate(parts):
        _drawn(sheet, samples, begins, GAP + number * (height + CAPTION + GAP))
    return _png(sheet)


def _samples(container: "av.container.InputContainer", seconds: float) -> NDArray[np.float32]:
    resampler, out = av.AudioResampler("flt", "mono", RATE), list[NDArray[np.float32]]()
    for frame in container.decode(audio=0):
        require_rate(frame)
        out += [np.asarray(f.to_ndarray(), np.float32).ravel() for f in resampler.resample(frame)]
        if sum(map(len, out)) > seconds * RATE:
            break
    return np.concatenate([*out, np.zeros(0, np.float32)])[: int(seconds * RATE)]


def _drawn(sheet: Image.Image, samples: NDArray[np.float32], begins: float, top: int) -> None:
    pen, font, (width, height) = ImageDraw.Draw(sheet), ImageFont.load_default(16), WAVE
    middle = top + height / 2
    pen.line((GAP, middle, GAP + width, middle), fill=_FAINT)
    columns: Sequence[NDArray[np.float32]] = np.array_split(samples, width) if len(samples) else []
    for x, part in enumerate(columns):
        if len(part):
            low, high = float(part.min()), float(part.max())
            pen.line((GAP + x, middle - high * height / 2, GAP + x, middle - low * height / 2 + 1), fill=_INK)
    seconds = len(samples) / RATE
    for tick in range(int(seconds) + 1):
        x = GAP + round(tick / max(seconds, 1e-9) * width)
        pen.line((x, top + height, x, top + height + 5), fill=_FAINT)
        if tick % 5 == 0:
            pen.text((x, top + height + 6), f"{begins + tick:.0f} s", fill=_INK, font=font)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
