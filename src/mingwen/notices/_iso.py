"""Carrying over what a muxer leaves behind in MP4, MOV and M4A: tags, covers, XMP.

The muxer writes ``moov`` last; its tag boxes are replaced by the source's, byte for byte, and top-level ``uuid``
boxes (XMP among them) are put behind it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from mingwen.domain.errors import Malformed
from mingwen.notices._cue import copied

HEADER = 8
"""Size and kind."""
MAX_BOXES = 100_000
MAX_MOOV_BYTES = 256 * 1024 * 1024
MAX_UUID_BYTES = 64 * 1024 * 1024
TAGS = (b"udta", b"meta", b"uuid")
"""Boxes in moov that hold what people wrote about the file."""
CHAPTERS = b"chpl"
"""Nero's chapter list in udta: the muxer writes it anew, for chapters may have moved."""


Matrix: TypeAlias = tuple[int, ...]
"""ISO/IEC 14496-12 §8.3.2."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box at the top of a file, header included."""

    kind: bytes
    start: int
    stop: int


def top(source: BinaryIO) -> tuple[Box, ...]:
    """Return the boxes at the top of a file."""
    return tuple(_top(source))


def _top(source: BinaryIO) -> Iterator[Box]:
    length, at = source.seek(0, 2), 0
    for _ in range(MAX_BOXES):
        source.seek(at)
        head = source.read(16)
        if len(head) < HEADER:
            return
        size = int.from_bytes(head[:4], "big")
        size = int.from_bytes(head[8:16], "big") if size == 1 else size or length - at
        if size < HEADER or at + size > length:
            raise Malformed("iso.boxes", f"expected a box at {at}, its size is {size} of {length - at}", hint="get a whole copy")
        yield Box(head[4:8], at, at + size)
        at += size
    raise Malformed("iso.boxes", f"expected at most {MAX_BOXES} boxes, got more", hint="the file is built to exhaust readers")


def inner(body: bytes) -> list[tuple[bytes, bytes]]:
    """Return ``(kind, whole box)`` of what stands in a box's body; what does not parse ends it."""
    out, at = list[tuple[bytes, bytes]](), 0
    while at + 8 <= len(body) and HEADER <= (size := int.from_bytes(body[at : at + 4], "big")) <= len(body) - at:
        out.append((body[at + 4 : at + 8], body[at : at + size]))
        at += size
    return out


def _box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def _moov(stream: BinaryIO) -> tuple[Box, bytes]:
    box = next((b for b in top(stream) if b.kind == b"moov"), None)
    if box is None or box.stop - box.start > MAX_MOOV_BYTES:
        raise Malformed("iso.moov", f"expected a moov of at most {MAX_MOOV_BYTES} bytes", hint="get a whole copy")
    return box, b"".join(copied(stream, box.start, box.stop))[8:]


def graft(source: BinaryIO, sink: BinaryIO) -> None:
    """Give the muxed file in ``sink`` the tag boxes of ``source``; its moov must stand last."""
    place, ours = _moov(sink)
    _, theirs = _moov(source)
    made = [box for kind, box in inner(ours) if kind not in TAGS]
    chapters = [c for kind, box in inner(ours) if kind == b"udta" for k, c in inner(box[8:]) if k == CHAPTERS]
    tags = [box if kind != b"udta" else _without_chapters(box) for kind, box in inner(theirs) if kind in TAGS]
    if chapters:
        tags = _with_chapters(tags, chapters)
    sink.seek(place.start)
    sink.write(_box(b"moov", b"".join(made + tags)))
    for box in top(source):
        if box.kind == b"uuid" and box.stop - box.start <= MAX_UUID_BYTES:
            sink.writelines(copied(source, box.start, box.stop))
    sink.truncate()


def _without_chapters(udta: bytes) -> bytes:
    boxes = inner(udta[8:])
    rest = udta[8 + sum(len(box) for _, box in boxes) :]
    return _box(b"udta", b"".join(box for kind, box in boxes if kind != CHAPTERS) + rest)


def _with_chapters(tags: list[bytes], chapters: list[bytes]) -> list[bytes]:
    """Put the chapters into the first udta, before the four zero bytes that may end it, or into a new one."""
    for number, tag in enumerate(tags):
        if tag[4:8] == b"udta":
            return [*tags[:number], _box(b"udta", b"".join(chapters) + tag[8:]), *tags[number + 1 :]]
    return [*tags, _box(b"udta", b"".join(chapters))]
