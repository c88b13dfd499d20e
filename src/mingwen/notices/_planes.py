"""Drawing a label into a video frame's planes: no colour conversion, nothing touched outside the label's box.

Blending is the same in Y′CbCr as in R′G′B′, for one is an affine map of the other: grey and white have their luma and
neutral chroma.
"""

import re
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from mingwen.domain.errors import Refused
from mingwen.notices._lettering import Label, Shares

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

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


def drawn(frame: VideoFrame, label: Label) -> VideoFrame:
    """Return a copy of the frame with the label."""
    out = VideoFrame(frame.width, frame.height, frame.format.name)
    for number, (old, new) in enumerate(zip(frame.planes, out.planes, strict=True)):
        pixels = _pixels(old, frame)
        _draw(pixels, frame, number, label)
        new.update(_laid_out(pixels, new))
    out.pts, out.duration, out.pict_type = frame.pts, frame.duration, frame.pict_type
    if frame.time_base:
        out.time_base = frame.time_base
    out.colorspace, out.color_range = frame.colorspace, frame.color_range
    out.color_trc, out.color_primaries = frame.color_trc, frame.color_primaries
    return out


def _pixels(plane: VideoPlane, frame: VideoFrame) -> Pixels:
    """Return a plane as rows × columns × interleaved components."""
    together = 2 if frame.format.name.startswith("nv") and plane.width < frame.width else 1
    data, shape = bytes(plane), (plane.height, plane.width, together)
    if frame.format.components[0].bits <= 8:  # noqa: PLR2004 - a byte
        return np.frombuffer(data, np.uint8).reshape(plane.height, -1)[:, : plane.width * together].reshape(shape).copy()
    return np.frombuffer(data, np.uint16).reshape(plane.height, -1)[:, : plane.width * together].reshape(shape).copy()


def _laid_out(pixels: Pixels, plane: VideoPlane) -> bytes:
    rows = np.zeros((plane.height, plane.line_size), np.uint8)
    flat = pixels.reshape(plane.height, -1).view(np.uint8)
    rows[:, : flat.shape[1]] = flat
    return rows.tobytes()


def _draw(pixels: Pixels, frame: VideoFrame, number: int, label: Label) -> None:
    """Blend the label into one plane, in place."""
    height, width, components = pixels.shape
    part = _shrunk(label, round(frame.width / width), round(frame.height / height))
    left, top, right, bottom = part.box
    under = pixels[top:bottom, left:right].astype(np.float32)
    rows, columns = under.shape[:2]
    part = replace(part, plate=part.plate[:rows, :columns], ink=part.ink[:rows, :columns])
    over = part.blend(under, lambda grey: (_level(frame, number, grey),) * components)
    pixels[top:bottom, left:right] = np.rint(over).astype(pixels.dtype)


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


def _shrunk(label: Label, across: int, down: int) -> Label:
    """Return the label at a plane's own resolution, each sample the mean of those it stands for."""

    def mean(shares: Shares) -> Shares:
        height, width = shares.shape
        blocks = shares.reshape(height // down, down, width // across, across)
        return np.asarray(blocks.mean(axis=(1, 3)), np.float32)

    return replace(label, x=label.x // across, y=label.y // down, plate=mean(label.plate), ink=mean(label.ink))
