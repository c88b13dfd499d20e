"""Films looked at: when a label stands in them, and a sheet of what they show."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import BinaryIO, Final, TypeAlias

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mingwen.domain.errors import Malformed
from mingwen.domain.explicit import Read, Seen
from mingwen.domain.notices import Box
from mingwen.notices._look import Pixels, labels_on

Edges: TypeAlias = NDArray[np.float32]

LOOKED_AT: Final = (0.0, 0.4, 1.0)
"""Seconds at which the opening is read; the label is then followed picture by picture."""
LONGEST: Final = 20.0
"""Seconds that a label is followed."""
MAX_FRAMES: Final = 2_400
LIKE: Final = 0.8
"""Correlation of the edges in a label's box from which on it is still the same."""
SMALLER: Final = 64
"""Rows that a box is brought to before it is compared."""


@contextmanager
def film(source: BinaryIO) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a film for reading.

    Raises:
        Malformed: it does not decode (``video.broken``).
    """
    source.seek(0)
    try:
        with av.open(source, "r", metadata_errors="replace") as container:
            if not container.streams.video:
                raise Malformed("video.streams", "expected a video track, found none", hint="is it a video?")
            yield container, container.streams.video[0]
    except (FFmpegError, ValueError, ArithmeticError) as broken:
        raise Malformed("video.broken", f"expected a whole film, but {broken}", hint="get a whole copy") from broken


def perceived(source: BinaryIO, read: Read) -> tuple[Seen, ...]:
    """Read the label of a film's opening, and measure how long it stands.

    Raises:
        Malformed: the film does not decode (``video.broken``).
    """
    with film(source) as (container, stream):
        first: Seen | None = None
        like, start, last, began, ahead = None, Fraction(), Fraction(), Fraction(), list(LOOKED_AT)
        for number, frame in enumerate(islice(container.decode(stream), MAX_FRAMES)):
            now = _time(frame)
            start = now if number == 0 else start
            after = now - start
            if first is None:
                if not ahead:
                    break
                if after < ahead[0]:
                    continue
                ahead = [t for t in ahead if t > after]
                pixels = shown(frame)
                seen = labels_on(pixels, read)
                if seen:
                    first, like, began = seen[0], _edges(pixels, seen[0].box), after
            elif like is not None and not _is_like(like, _edges(shown(frame), first.box)):
                return (_timed(first, began, after),)
            last = after + Fraction(frame.duration or 0) * (frame.time_base or 0)
            if after > LONGEST:
                return (_timed(first, began, last),) if first else ()
        return (replace(_timed(first, began, last), to_end=True),) if first else ()


def shown(frame: VideoFrame) -> Pixels:
    """Return a frame as it is shown: turned by its display matrix."""
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))


def _timed(seen: Seen, began: Fraction, until: Fraction) -> Seen:
    begins = began if began > LOOKED_AT[0] else Fraction()
    return replace(seen, starts=float(begins), lasts=float(until - begins))


def _time(frame: VideoFrame) -> Fraction:
    return Fraction(frame.pts or 0) * (frame.time_base or 1)


def _edges(pixels: Pixels, box: Box) -> Edges:
    """Return how the greys in a box change from column to column and row to row; a plate alone has nothing of it."""
    left, top, right, bottom = box
    step = max((bottom - top) // SMALLER, 1)
    grey = pixels[top:bottom:step, left:right:step].astype(np.float32).mean(axis=2)
    edges = np.concatenate([np.diff(grey, axis=1).ravel(), np.diff(grey, axis=0).ravel()])
    return np.asarray(edges - edges.mean(), np.float32)


def _is_like(one: Edges, other: Edges) -> bool:
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return bool(size > 0 and float((one * other).sum()) / size >= LIKE)
