"""Single coded pictures as HEIF items hold them: AV1 and HEVC, decoded to planes and encoded again."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Final, TypeAlias

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mingwen.containers import item_meta
from mingwen.containers.boxes import Box, Node, boxes, broken, tree, walk
from mingwen.containers.item_properties import properties
from mingwen.domain.errors import Malformed, Refused
from mingwen.notices import _heif_stills
from mingwen.notices._heif_pictures import CODED, MAX_PIXELS

WANTED_DB: Final = 48.0
"""Peak signal to noise ratio, over all planes, from which on we do not ask for better."""
QUALITIES: Final = {"libsvtav1": (8, 4, 1), "libx265": (16, 11, 6)}
"""Of one picture, from small to good: the first that is good enough is taken."""
DECODERS: Final = {b"av1C": "libdav1d", b"hvcC": "hevc"}
BYTE: Final = 8
FULL_RANGE: Final = 2
LIMITED_RANGE: Final = 1
_STILL: Final = {"yuv420p": "mainstillpicture", "yuvj420p": "mainstillpicture", "yuv420p10le": "main10"}
"""HEVC profiles that the brands ``heic`` and ``heix`` allow."""
_SVT: Final = frozenset({"yuv420p", "yuv420p10le"})
"""What SVT-AV1 encodes."""
_SAMPLE_ENTRY = 8 + 86
"""Of a ``stsd``: its head, and that of a picture's entry (ISO/IEC 14496-12 §12.1.3)."""


Colour: TypeAlias = tuple[int, int, int, bool]
"""Primaries, transfer and matrix by ITU-T H.273, and whether the range is full."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A picture as an item holds it."""

    config: Node
    data: bytes
    decibels: float
    """How near it is to what was encoded; infinite if it is the same."""
    format: str
    """Of the pixels that decode from it."""
    untold: Colour | None
    """What colours they are, if the data no longer say so."""


def decoded(kind: bytes, config: bytes, data: bytes, colour: Colour | None) -> VideoFrame:
    """Decode an item; ``colour`` overrides what its data say of it.

    Raises:
        Malformed: it does not decode (``image.broken``).
    """
    coder = av.CodecContext.create(DECODERS[CODED[kind]], "r")
    coder.thread_count = 1  # see _coding: dav1d may wait for its workers for ever
    if not isinstance(coder, av.VideoCodecContext):
        raise TypeError(type(coder))
    coder.extradata = config
    coder.options = {"max_pixels": str(MAX_PIXELS)}
    try:
        frames = [*coder.decode(av.Packet(data)), *coder.decode(None)]
    except FFmpegError as e:
        raise _undecodable(str(e)) from e
    if not frames or not isinstance(frames[-1], VideoFrame):
        raise _undecodable("nothing came out")
    frame = frames[-1]
    if colour:
        frame.color_primaries, frame.color_trc, frame.colorspace = colour[:3]
        frame.color_range = FULL_RANGE if colour[3] else LIMITED_RANGE
    return frame


def encoded(kind: bytes, frame: VideoFrame, like: bytes) -> Coded:
    """Encode a picture so that it looks the same; ``like`` is the configuration that it had.

    Raises:
        Refused: there is no encoder for its pixels (``notice.pixels``).
    """
    config = CODED[kind]
    if config == b"hvcC":
        return _best(kind, frame, "libx265", {"preset": "ultrafast", "x265-params": _x265(frame)})
    if frame.format.name in _SVT:
        return _best(kind, frame, "libsvtav1", {"preset": "6", "svtav1-params": f"avif=1{_level(like)}"})
    return _still(kind, frame)


def _best(kind: bytes, frame: VideoFrame, encoder: str, options: dict[str, str]) -> Coded:
    for quality in QUALITIES[encoder]:
        config, data = _muxed(frame, encoder, {**options, "crf": str(quality)})
        if config.kind != CODED[kind]:
            raise Malformed("image.broken", f"expected {CODED[kind]!r}, got {config.kind!r}", hint="please report it")
        made = decoded(kind, bytes(config.body), data, None)
        if nearness(frame, made) >= WANTED_DB:
            break
    return _told(config, data, frame, made)


def _still(kind: bytes, frame: VideoFrame) -> Coded:
    """Encode AV1 in what SVT-AV1 does not, one picture of 8 bits, or greys of more beside neutral colour."""
    if (wide := _heif_stills.coloured(frame)) is not None:
        return _best(kind, wide, "libsvtav1", {"preset": "6", "svtav1-params": "avif=1"})
    for quality in _heif_stills.QUALITIES:
        source = BytesIO(_heif_stills.avif(frame, quality))
        box = next(b for b in walk(source, 0, len(source.getvalue())) if isinstance(b, Box) and b.kind == b"meta")
        meta = item_meta.parse(source, box)
        data = meta.data(source, meta.items[0], most=MAX_PIXELS)
        config = next(n for n in properties(meta.node).of(meta.items[0].number) if n.kind == b"av1C")
        made = decoded(kind, bytes(config.body), data, None)
        if nearness(frame, made) >= WANTED_DB:
            break
    return _told(config, data, frame, made)


def _told(config: Node, data: bytes, frame: VideoFrame, made: VideoFrame) -> Coded:
    was, is_now = _colour(frame), _colour(made)
    return Coded(config, data, nearness(frame, made), made.format.name, None if was == is_now else was)


def _colour(frame: VideoFrame) -> Colour:
    full = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
    return int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace), full


def _x265(frame: VideoFrame) -> str:
    profile = _STILL.get(frame.format.name)
    return "log-level=none:keyint=1:info=0:total-frames=1" + (f":profile={profile}" if profile else "")


def _level(like: bytes) -> str:
    """Ask for the level that the picture had: libavif wants it equal in all tiles of a grid (seq_level_idx, AV1 §A.3)."""
    index = like[1] & 31 if len(like) > 1 else 31
    return f":level={(index // 4 + 2) * 10 + index % 4}" if index < 20 else ""  # noqa: PLR2004 - 7.0 and beyond


def _muxed(frame: VideoFrame, encoder: str, options: dict[str, str]) -> tuple[Node, bytes]:
    """Encode one picture, and let the muxer of MP4 write it as HEIF has it too: its configuration, and its data."""
    out = BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream(encoder, 1, options=options)
        if not isinstance(stream, VideoStream):
            raise TypeError(type(stream))
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, frame.format.name
        coder = stream.codec_context
        coder.color_primaries, coder.color_trc = frame.color_primaries, frame.color_trc
        coder.colorspace, coder.color_range = frame.colorspace, frame.color_range
        if encoder == "libx265":
            coder.codec_tag = "hvc1"  # parameter sets in the configuration alone
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    parts = {b.kind: b for b in walk(out, 0, out.getbuffer().nbytes) if isinstance(b, Box)}
    data = out.getvalue()
    moov, _ = tree(b"moov", memoryview(data)[parts[b"moov"].body : parts[b"moov"].stop])
    node: Node | None = moov
    for kind in (b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        node = node.first(kind) if node else None
    entry = node.body[_SAMPLE_ENTRY:] if node else b""
    configs = [Node(b.kind, bytes(entry[b.body : b.stop])) for b in boxes(entry) if isinstance(b, Box) and b.kind in DECODERS]
    if not configs:
        raise broken("the encoder gave no configuration")
    return configs[0], data[parts[b"mdat"].body : parts[b"mdat"].stop]


def nearness(one: VideoFrame, other: VideoFrame) -> float:
    """Return the peak signal to noise ratio of two frames over all samples of the planes that both have, in decibels.

    Raises:
        Refused: they are of different sizes or depths (``notice.pixels``).
    """
    if (one.width, one.height) != (other.width, other.height):
        size = f"{one.width} × {one.height}"
        raise Refused("notice.pixels", f"expected an encoder for {size}, got {other.width} × {other.height}", hint="crop it")
    squares, count = 0.0, 0
    for ours, theirs in zip(samples(one), samples(other), strict=False):
        squares += float(np.square(ours.astype(np.float32) - theirs).sum(dtype=np.float64))
        count += ours.size
    top = (1 << one.format.components[0].bits) - 1
    return 10 * math.log10(top * top * count / squares) if squares else math.inf


def samples(frame: VideoFrame) -> Iterator[NDArray[np.uint8] | NDArray[np.uint16]]:
    """Give each plane as rows × columns."""
    for plane in frame.planes:
        data = bytes(plane)
        whole = np.frombuffer(data, np.uint8) if frame.format.components[0].bits <= BYTE else np.frombuffer(data, np.uint16)
        yield whole.reshape(plane.height, -1)[:, : plane.width]


def _undecodable(what: str) -> Malformed:
    return Malformed("image.broken", f"expected a picture that decodes, but {what}", hint="get a whole copy")
