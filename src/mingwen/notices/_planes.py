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
from mingwen.notices._lettering import PLATE_GREY, Label, Shares

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
    dark, light = _levels(frame, number)
    left, top, right, bottom = part.box
    under = pixels[top:bottom, left:right].astype(np.float32)
    part = replace(part, tint=part.tint[: under.shape[0], : under.shape[1]], ink=part.ink[: under.shape[0], : under.shape[1]])
    over = part.blend(under, (dark,) * components, (light,) * components)
    pixels[top:bottom, left:right] = np.rint(over).astype(pixels.dtype)


def _levels(frame: VideoFrame, number: int) -> tuple[float, float]:
    """Return the values of the plate's dark and the letters' white in a plane."""
    component = frame.format.components[number]
    depth = 1 << component.bits
    if component.is_alpha:
        return depth - 1, depth - 1
    if component.is_chroma:
        return depth / 2, depth / 2
    full = frame.color_range == FULL_RANGE or frame.format.name.startswith(("yuvj", "gb"))
    black, span = (0.0, depth - 1.0) if full else (depth / 16, depth * 219 / 256)
    white = WHITE.get(frame.color_trc, 1.0)
    return black + span * PLATE_GREY * white, black + span * white


def _shrunk(label: Label, across: int, down: int) -> Label:
    """Return the label at a plane's own resolution, each sample the mean of those it stands for."""

    def mean(shares: Shares) -> Shares:
        height, width = shares.shape
        blocks = shares.reshape(height // down, down, width // across, across)
        return np.asarray(blocks.mean(axis=(1, 3)), np.float32)

    return replace(label, x=label.x // across, y=label.y // down, tint=mean(label.tint), ink=mean(label.ink))
