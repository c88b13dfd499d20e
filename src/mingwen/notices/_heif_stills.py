"""AV1 pictures that a video encoder does not make: 4:4:4, 4:2:2 and grey of 8 bits, by Pillow; greys of 10 bits as 4:2:0."""

from io import BytesIO
from typing import Final

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from mingwen.domain.errors import Refused

QUALITIES: Final = (92, 97, 100)
SAMPLINGS: Final = {"gray": "4:0:0", "yuv444p": "4:4:4", "yuv422p": "4:2:2", "yuv420p": "4:2:0"}
FULL_RANGE: Final = 2

Plane = NDArray[np.float32]


def coloured(frame: VideoFrame) -> VideoFrame | None:
    """Return greys of 10 bits with two planes of neutral colour, which an encoder of 4:2:0 takes; None for all else."""
    if frame.format.name != "gray10le":
        return None
    out = VideoFrame(frame.width, frame.height, "yuv420p10le")
    old = np.frombuffer(bytes(frame.planes[0]), np.uint16).reshape(frame.height, -1)[:, : frame.width]
    for number, plane in enumerate(out.planes):
        rows = np.full((plane.height, plane.line_size // 2), 512, np.uint16)
        if number == 0:
            rows[:, : frame.width] = old
        plane.update(rows.tobytes())
    out.color_range = frame.color_range
    return out


def avif(frame: VideoFrame, quality: int) -> bytes:
    """Encode planes of 8 bits as they are: what is given to the encoder is what its own conversion makes them of.

    Raises:
        Refused: the planes have more bits, or are of another kind (``notice.pixels``).
    """
    sampling = SAMPLINGS.get(frame.format.name)
    if sampling is None:
        raise Refused(
            "notice.pixels",
            f"expected AV1 in 4:2:0 of 8 or 10 bits, or in 8 bits, got {frame.format.name}",
            hint="convert the picture, for example with avifenc --yuv 420",
        )
    planes = [_whole(frame, number) for number in range(len(frame.planes))]
    full = frame.color_range == FULL_RANGE
    out = BytesIO()
    name = "full" if full else "limited"
    _image(planes, full=full).save(out, "AVIF", quality=quality, subsampling=sampling, range=name, speed=7)
    return out.getvalue()


def _whole(frame: VideoFrame, number: int) -> Plane:
    """Return a plane at the size of the picture, each sample as often as it stands for a pixel."""
    plane = frame.planes[number]
    rows = np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, -1)[:, : plane.width]
    down, across = -(-frame.height // plane.height), -(-frame.width // plane.width)
    return rows.repeat(down, 0).repeat(across, 1)[: frame.height, : frame.width].astype(np.float32)


def _image(planes: list[Plane], *, full: bool) -> Image.Image:
    """Undo ITU-R BT.601, whatever the planes mean."""
    luma = planes[0] if full else (planes[0] - 16) * (255 / 219)
    if len(planes) == 1:
        return Image.fromarray(np.clip(np.rint(luma), 0, 255).astype(np.uint8), "L")
    blue, red = ((plane - 128) * (1 if full else 255 / 224) for plane in planes[1:])
    rgb = [luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue]
    return Image.fromarray(np.clip(np.rint(np.stack(rgb, axis=2)), 0, 255).astype(np.uint8), "RGB")
