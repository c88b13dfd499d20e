"""Drawing a label into a video frame's planes: no colour conversion, nothing touched outside the label's box.

Blending is the same in Y′CbCr as in R′G′B′, for one is an affine map of the other: grey and white have their luma and
neutral chroma. So a label is a product and a sum for each sample of a plane, reckoned once for all frames of a kind.
"""

import re
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from mingwen.domain.errors import Refused
from mingwen.domain.notices import Box
from mingwen.notices._lettering import Label, Look, Shares

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Kind: TypeAlias = tuple[str, int, int, int, int]

GRID = 4
"""Boxes begin and end on multiples of the coarsest chroma subsampling."""
FORMATS = re.compile(r"(?:yuvj?4(?:10|11|20|22|40|44)p|yuva4(?:20|22|44)p|gbra?p|gray)(?:9|10|12|14|16)?(?:le)?|nv12|nv16|nv24")
FULL_RANGE = 2
PQ, HLG = 16, 18
WHITE = {PQ: 0.58, HLG: 0.75}
"""Signal of diffuse white, 203 cd/m², by ITU-R BT.2408 §2.2; full signal would glare."""


def require(name: str) -> None:
    """Raise unless a label can be drawn on frames of this pixel format.

    Raises:
        Refused: the format is packed or of a rare kind (``notice.pixels``).
    """
    if not FORMATS.fullmatch(name):
        raise Refused("notice.pixels", f"expected planar YUV, RGB or grey, got {name}", hint="convert the video to yuv420p first")


def look(frame: VideoFrame) -> Look:
    """Return what shows the R′G′B′ of a box of the frame, as stored."""
    return partial(_seen, frame)


def _seen(frame: VideoFrame, box: Box) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    return np.asarray(frame.to_ndarray(format="rgb24")[top:bottom, left:right], np.uint8)


class Stamp:
    """A label ready to be put on many frames."""

    def __init__(self, label: Label) -> None:
        self._label = label
        self._kind: Kind | None = None
        self._marks: tuple[_Mark, ...] = ()

    def put(self, frame: VideoFrame) -> VideoFrame:
        """Draw the label on the frame, which is a copy from now on if a decoder still needs it; side data stays."""
        kind = frame.format.name, frame.width, frame.height, frame.color_range, frame.color_trc
        if kind != self._kind:
            self._kind = kind
            self._marks = tuple(_mark(self._label, frame, number) for number in range(len(frame.planes)))
        frame.make_writable()
        for number, mark in enumerate(self._marks):
            left, top, right, bottom = mark.box
            part = _pixels(frame, number)[top:bottom, left:right]
            part[:] = np.rint(part * mark.keep + mark.give)
        return frame


@dataclass(frozen=True, slots=True)
class _Mark:
    """What becomes of the samples in a box of one plane: a share is kept, and something is given."""

    box: Box
    keep: Shares
    give: Shares


def _pixels(frame: VideoFrame, number: int) -> Pixels:
    """Return a plane as rows × columns × interleaved components: the memory of the frame itself."""
    plane = frame.planes[number]
    together = 2 if frame.format.name.startswith("nv") and plane.width < frame.width else 1
    octets = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
    rows: Pixels = octets if frame.format.components[0].bits <= 8 else octets.view(np.uint16)  # noqa: PLR2004 - a byte
    return rows[:, : plane.width * together].reshape(plane.height, plane.width, together)


def _mark(label: Label, frame: VideoFrame, number: int) -> _Mark:
    height, width, _ = _pixels(frame, number).shape
    across, down = round(frame.width / width), round(frame.height / height)
    left, top = label.x // across, label.y // down
    rows, columns = min(label.height // down, height - top), min(label.width // across, width - left)
    plate, ink = (_mean(shares, across, down)[:rows, :columns, None] for shares in (label.plate, label.ink))
    beneath, above = (_level(frame, number, grey) for grey in (label.plate_grey, label.ink_grey))
    give = beneath * plate * (1 - ink) + above * ink
    return _Mark((left, top, left + columns, top + rows), (1 - plate) * (1 - ink), np.asarray(give, np.float32))


def _level(frame: VideoFrame, number: int, grey: float) -> float:
    """Return the value of a grey in a plane."""
    component = frame.format.components[number]
    depth = 1 << component.bits
    if component.is_alpha:
        return depth - 1
    if number in {1, 2} and not frame.format.is_rgb:  # PyAV's own is_chroma knows subsampled planes only
        return depth / 2
    full = frame.color_range == FULL_RANGE or frame.format.name.startswith(("yuvj", "gb"))
    black, span = (0.0, depth - 1.0) if full else (depth / 16, depth * 219 / 256)
    return black + span * grey * WHITE.get(frame.color_trc, 1.0)


def _mean(shares: Shares, across: int, down: int) -> Shares:
    """Return a map at a plane's own resolution, each sample the mean of those it stands for."""
    height, width = shares.shape
    blocks = shares.reshape(height // down, down, width // across, across)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)
