"""Carrying over what a muxer leaves behind in MP4, MOV and M4A: tags, covers, XMP.

The muxer writes ``moov`` last; its tag boxes are replaced by the source's, byte for byte, and top-level ``uuid``
boxes (XMP among them) are put behind it.
"""

from typing import BinaryIO, TypeAlias

from mingwen.containers.boxes import Box, boxes, broken, walk
from mingwen.containers.edits import copied, size_of
from mingwen.domain.errors import Malformed
from mingwen.domain.sites import Unread

MAX_MOOV_BYTES = 256 * 1024 * 1024
MAX_UUID_BYTES = 64 * 1024 * 1024
TAGS = (b"udta", b"meta", b"uuid")
"""Boxes in moov that hold what people wrote about the file."""
CHAPTERS = b"chpl"
"""Nero's chapter list in udta: the muxer writes it anew, for chapters may have moved."""


Matrix: TypeAlias = tuple[int, ...]
"""ISO/IEC 14496-12 §8.3.2."""


def top(source: BinaryIO) -> tuple[Box, ...]:
    """Return the boxes at the top of a file.

    Raises:
        Malformed: one has no length that can be (``iso.broken``).
    """
    return tuple(map(_sound, walk(source, 0, size_of(source))))


def _sound(box: Box | Unread) -> Box:
    if isinstance(box, Unread):
        raise broken(f"{box.place} {box.reason}")
    return box


def inner(body: bytes) -> list[tuple[bytes, bytes]]:
    """Return ``(kind, whole box)`` of what stands in a box's body; what does not parse ends it."""
    return [(box.kind, body[box.start : box.stop]) for box in boxes(body) if isinstance(box, Box)]


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
