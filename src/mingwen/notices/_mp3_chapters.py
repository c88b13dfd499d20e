"""Chapters in ID3v2 tags: moved to where their content is heard once labels stand in it (ID3v2 Chapter Frame Addendum)."""

from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

from mingwen.domain.errors import Refused

HEAD = 10
MAX_FRAMES = 10_000
MAX_NAME_BYTES = 1_024
V3, V4 = 3, 4
UNSYNCHRONISED, EXTENDED = 0x80, 0x40
UNUSED = b"\xff" * 8
"""Offsets in bytes, which would no longer be right; players then go by the times."""
Change: TypeAlias = tuple[int, bytes]
"""An offset, and what stands there now."""


def moved(source: BinaryIO, stop: int, later: Callable[[float], float]) -> Iterator[Change]:
    """Yield the new times of all chapters in the tags before ``stop``.

    Raises:
        Refused: a chapter is written so that its times cannot be changed where they stand (``notice.chapters``).
    """
    at = 0
    while at + HEAD <= stop:
        source.seek(at)
        head = source.read(HEAD)
        if head[:3] != b"ID3":
            return
        end = at + HEAD + _safe(head[6:10])
        if head[3] in (V3, V4):
            yield from _of_tag(source, head, at + HEAD, min(end, stop), later)
        at = end + (HEAD if head[5] & 0x10 else 0)


def _of_tag(source: BinaryIO, head: bytes, at: int, stop: int, later: Callable[[float], float]) -> Iterator[Change]:
    size_of = _safe if head[3] == V4 else int.from_bytes
    if head[5] & EXTENDED:
        source.seek(at)
        at += size_of(source.read(4)) + (4 if head[3] == V3 else 0)
    for _ in range(MAX_FRAMES):
        source.seek(at)
        frame = source.read(HEAD)
        if at + HEAD > stop or not frame[:4].isalnum():
            return
        size = size_of(frame[4:8])
        if frame[:4] == b"CHAP":
            yield from _of_chapter(source, at + HEAD, size, later, plain=not frame[9] and not head[5] & UNSYNCHRONISED)
        at += HEAD + size


def _of_chapter(source: BinaryIO, at: int, size: int, later: Callable[[float], float], *, plain: bool) -> Iterator[Change]:
    body = source.read(min(size, MAX_NAME_BYTES))
    times = body.find(b"\0") + 1
    if not plain or not times or len(body) < times + 16:
        hint = "save the tags once with a tag editor, as ID3v2.4 without unsynchronisation"
        raise Refused("notice.chapters", "expected chapters whose times can be moved, got others", hint=hint)
    old = (int.from_bytes(body[times + n : times + n + 4], "big") for n in (0, 4))
    new = b"".join(min(round(later(t / 1000) * 1000), 0xFFFFFFFF).to_bytes(4, "big") for t in old)
    yield at + times, new + UNUSED


def _safe(number: bytes) -> int:
    size = 0
    for byte in number:
        size = size << 7 | byte & 0x7F
    return size
