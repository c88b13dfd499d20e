"""A WebP, still or animated, with a label: the pictures are coded anew, every other chunk is carried over."""

from collections.abc import Iterator, Sequence
from io import BytesIO

from PIL import Image

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Style
from mingwen.notices import _room
from mingwen.notices._lettering import Label
from mingwen.notices._raster import decoded, label_of, labelled

QUALITY = 95
"""Of a lossy picture: the file does not say with which quality it was made, so we lose as little as is sensible."""
MAX_CHUNKS = 100_000
MAX_FRAMES = 5_000
ALPHA_FLAG = 0x10
NO_BLENDING = 0x02
"""ANMF: the frame replaces the canvas; with the disposal bit clear the canvas stays."""
PICTURE = (b"VP8 ", b"VP8L", b"ALPH")

Chunk = tuple[bytes, bytes]


def mark(data: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Return the file with a label, the label, and what else the user should know."""
    image = decoded(data, "WEBP")
    label = label_of(image, style)
    chunks = list(_chunks(data, 12))
    frames = [body for kind, body in chunks if kind == b"ANMF"]
    if frames:
        return _file(_animated(chunks, frames, image, label, len(data))), label, ""
    lossless = any(kind == b"VP8L" for kind, _ in chunks)
    picture = _coded(labelled(image, label, in_place=True), lossless=lossless)
    return _file(_still(chunks, picture)), label, ""


def _chunks(data: bytes, at: int) -> Iterator[Chunk]:
    for _ in range(MAX_CHUNKS):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if len(kind) < 4 or len(body) < size:  # noqa: PLR2004 - a chunk's name
            return
        yield kind, body
        at += 8 + size + size % 2
    raise Malformed("webp.chunks", f"expected at most {MAX_CHUNKS} chunks, got more", hint="the file is built to exhaust readers")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)


def _file(chunks: Sequence[Chunk]) -> bytes:
    body = b"WEBP" + b"".join(_chunk(*c) for c in chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _coded(image: Image.Image, *, lossless: bool) -> list[Chunk]:
    """Return the chunks of one picture, without any container around them."""
    out = BytesIO()
    image.info = {}
    image.save(out, "WEBP", lossless=lossless, quality=QUALITY, exact=True, method=4)
    return [c for c in _chunks(out.getvalue(), 12) if c[0] in PICTURE]


def _still(chunks: list[Chunk], picture: list[Chunk]) -> list[Chunk]:
    if chunks[0][0] != b"VP8X":
        return picture
    first = next(at for at, (kind, _) in enumerate(chunks) if kind in PICTURE)
    rest = [c for c in chunks[first:] if c[0] not in PICTURE]
    return chunks[:first] + picture + rest


def _animated(chunks: list[Chunk], frames: list[bytes], image: Image.Image, label: Label, size: int) -> list[Chunk]:
    """Code every frame whole, as it is seen after disposal and blending, with its own duration."""
    _room.require_animated(len(frames) * image.width * image.height, size)
    if len(frames) > MAX_FRAMES:
        raise Refused(
            "notice.too-large", f"expected at most {MAX_FRAMES} frames, got {len(frames)}", hint="shorten the animation"
        )
    if len(frames) != getattr(image, "n_frames", 1):
        raise Malformed("webp.frames", f"expected {len(frames)} frames that decode, got others", hint="get a whole copy")
    extent = (image.width - 1).to_bytes(3, "little") + (image.height - 1).to_bytes(3, "little")
    coded = list[Chunk]()
    for number, old in enumerate(frames):
        image.seek(number)
        image.load()
        picture = _coded(labelled(image, label), lossless=any(kind == b"VP8L" for kind, _ in _chunks(old, 16)))
        body = bytes(6) + extent + old[12:15] + bytes((NO_BLENDING,)) + b"".join(_chunk(*c) for c in picture)
        coded.append((b"ANMF", body))
    first = next(at for at, (kind, _) in enumerate(chunks) if kind == b"ANMF")
    head = [(kind, bytes((body[0] | ALPHA_FLAG, *body[1:])) if kind == b"VP8X" else body) for kind, body in chunks[:first]]
    return head + coded + [c for c in chunks[first:] if c[0] != b"ANMF"]
