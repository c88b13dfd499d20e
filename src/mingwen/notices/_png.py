"""A PNG or APNG with a label: the pixels are coded anew, every other chunk is carried over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from struct import Struct
from zlib import crc32

import av
import numpy as np
from PIL import Image

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Style
from mingwen.notices import _room
from mingwen.notices._lettering import Label
from mingwen.notices._palette import COLOURS, Palette, stepped, used_in
from mingwen.notices._raster import burnt_in, decoded, label_of, labelled

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 200_000
MAX_FRAMES = 5_000
DEEP_BITS = 16
DEEP = {"gray16be": 1, "ya16be": 2, "rgb48be": 3, "rgba64be": 4}
"""Channels of the formats in which 16 bits a channel are decoded."""

LEAST_GREYS = 4
"""Of a label, for letters that are not jagged; a palette with room for fewer gives way to full colours."""

CODED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"fcTL", b"fdAT")
"""Chunks that belong to the pixels and come from the coder."""
BEHIND_TABLE = (b"bKGD", b"hIST")
"""PNG, third edition, §5.6: they stand behind PLTE, everything else before it or anywhere."""
BOUND_TO_DEPTH = (b"sBIT", b"bKGD", b"hIST")
"""Chunks whose meaning hangs on colour type and depth; they go when these change."""

_FRAME = Struct(">IIIIIHHBB")
"""fcTL: sequence number, width, height, x, y, delay numerator, denominator, disposal, blending."""

Chunk = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Source:
    """The chunks of a file that are carried over, and its frames."""

    header: bytes
    before: Sequence[Chunk]
    after: Sequence[Chunk]
    delays: Sequence[tuple[int, int]]
    first_is_frame: bool
    """Whether the still picture is the first frame of the animation."""


def mark(data: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Return the file with a label, the label, and what else the user should know."""
    image = decoded(data, "PNG")
    label = label_of(image, style)
    source = _read(data)
    if source.delays:
        note = "; 16 bits a channel became 8" if source.header[8] == DEEP_BITS else ""
        return _written(source, _frames(image, label, source, len(data))), label, note
    deep = source.header[8] == DEEP_BITS
    still = _deep(data, label) if deep else _indexed(image, label) or _coded(labelled(image, label, in_place=True))
    return _written(source, iter((still,))), label, ""


def _read(data: bytes) -> _Source:
    chunks = list(_chunks(data))
    kinds = [kind for kind, _ in chunks]
    if not chunks or kinds[0] != b"IHDR" or b"IDAT" not in kinds:
        raise Malformed("png.chunks", "expected IHDR first and an IDAT, the file has them not", hint="get a whole copy")
    middle = kinds.index(b"IDAT")
    frames = [(at, _FRAME.unpack(body)) for at, (kind, body) in enumerate(chunks) if kind == b"fcTL" and len(body) == _FRAME.size]
    return _Source(
        header=chunks[0][1],
        before=[c for c in chunks[:middle] if c[0] not in CODED],
        after=[c for c in chunks[middle:] if c[0] not in CODED],
        delays=[(frame[5], frame[6]) for _, frame in frames] if b"acTL" in kinds[:middle] else (),
        first_is_frame=bool(frames) and frames[0][0] < middle,
    )


def _chunks(data: bytes) -> Iterator[Chunk]:
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + size]
        if len(kind) < 4 or len(body) < size or kind == b"IEND":  # noqa: PLR2004 - a chunk's name
            return
        yield kind, body
        at += 12 + size
    raise Malformed("png.chunks", f"expected at most {MAX_CHUNKS} chunks, got more", hint="the file is built to exhaust readers")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + crc32(kind + body).to_bytes(4, "big")


def _coded(image: Image.Image) -> bytes:
    out = BytesIO()
    image.info = {}
    image.save(out, "PNG")
    return out.getvalue()


def _indexed(image: Image.Image, label: Label) -> bytes | None:
    """Draw with the colours of a palette, which keeps them all; None if there is none, or it has no room for a label's."""
    if image.mode != "P":
        return None
    indices, colours = np.array(image), np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    clear = image.info.get("transparency", b"")
    opacity = np.full(COLOURS, 255, np.uint8)
    opacity[: len(clear) if isinstance(clear, bytes) else 0] = np.frombuffer(clear, np.uint8) if isinstance(clear, bytes) else 0
    if isinstance(clear, int):
        opacity[clear] = 0
    palette = Palette(colours, used_in(indices) | (np.arange(COLOURS) < len(colours)) & (opacity < 255), None)  # noqa: PLR2004
    if palette.room < LEAST_GREYS:
        return None
    greys, levels = stepped(label)
    left, top, right, bottom = label.box
    part = indices[top:bottom, left:right]
    part[levels >= 0] = palette.taken(greys)[levels[levels >= 0]]
    count = int(max(indices.max() + 1, len(colours)))
    out, file = Image.fromarray(indices, "P"), BytesIO()
    out.putpalette(palette.table[:count].tobytes())
    file_options = {"transparency": opacity[:count].tobytes()} if (opacity < 255).any() else {}  # noqa: PLR2004 - opaque
    out.save(file, "PNG", **file_options)
    return file.getvalue()


def _deep(data: bytes, label: Label) -> bytes:
    """Code a picture of 16 bits a channel, which Pillow would cut to 8."""
    with av.open(BytesIO(data), "r", format="png_pipe") as container:
        frame = next(container.decode(video=0))
    if frame.format.name not in DEEP:
        raise Malformed(
            "png.depth", f"expected 16 bits a channel, decoded to {frame.format.name}", hint="save the file again as PNG"
        )
    channels = DEEP[frame.format.name]
    frame.make_writable()
    stored = np.frombuffer(memoryview(frame.planes[0]), ">u2").reshape(frame.height, -1)
    view = stored[:, : frame.width * channels].reshape(frame.height, frame.width, channels)
    left, top, right, bottom = label.box
    part = burnt_in(view[top:bottom, left:right].astype(np.uint16), label, alpha=channels in (2, 4))
    stored[top:bottom, left * channels : right * channels] = part.reshape(part.shape[0], -1)
    coder = av.CodecContext.create("png", "w")
    coder.width, coder.height, coder.pix_fmt = frame.width, frame.height, frame.format.name
    coder.framerate = Fraction(1)
    frame.pts = None
    return b"".join(bytes(packet) for packet in (*coder.encode(frame), *coder.encode(None)))


def _frames(image: Image.Image, label: Label, source: _Source, size: int) -> Iterator[bytes]:
    """Code every frame of an animation whole, as it is seen after disposal and blending."""
    count = len(source.delays) + (not source.first_is_frame)
    _room.require_animated(count * image.width * image.height, size)
    if count > MAX_FRAMES:
        raise Refused("notice.too-large", f"expected at most {MAX_FRAMES} frames, got {count}", hint="shorten the animation")
    if count != getattr(image, "n_frames", 1):
        raise Malformed("png.frames", f"expected {getattr(image, 'n_frames', 1)} frames, got {count}", hint="get a whole copy")
    for number in range(count):
        image.seek(number)
        yield _coded(labelled(image, label, mode="RGBA"))


def _written(source: _Source, pictures: Iterator[bytes]) -> bytes:
    """Put the chunks of the source around the pictures, each of which is a PNG file of its own."""
    out, header, sequence = bytearray(SIGNATURE), b"", 0
    delays = iter(source.delays)
    for number, picture in enumerate(pictures):
        coded = dict[bytes, bytes]()
        for kind, body in _chunks(picture):
            coded[kind] = coded.get(kind, b"") + body
        if number == 0:
            header = coded[b"IHDR"]
            around = _still_true(source.before, source.header, header)
            table = [(kind, coded[kind]) for kind in (b"PLTE", b"tRNS") if kind in coded]
            first = [c for c in around if c[0] not in BEHIND_TABLE]
            last = [c for c in around if c[0] in BEHIND_TABLE]
            out += _chunk(b"IHDR", header) + b"".join(_chunk(*c) for c in (*first, *table, *last))
        if source.delays and (number > 0 or source.first_is_frame):
            size = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
            out += _chunk(b"fcTL", _FRAME.pack(sequence, *size, 0, 0, *next(delays), 0, 0))
            sequence += 1
        if number == 0:
            out += _chunk(b"IDAT", coded[b"IDAT"])
        else:
            out += _chunk(b"fdAT", sequence.to_bytes(4, "big") + coded[b"IDAT"])
            sequence += 1
    return bytes(out) + b"".join(_chunk(*c) for c in source.after) + _chunk(b"IEND", b"")


def _still_true(chunks: Sequence[Chunk], before: bytes, after: bytes) -> list[Chunk]:
    same = before[8:10] == after[8:10]
    return [c for c in chunks if same or c[0] not in BOUND_TO_DEPTH]
