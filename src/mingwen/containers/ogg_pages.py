"""Ogg's pages: step over them, read the packets of some, and write those anew (RFC 3533 §6)."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

from mingwen.containers.edits import Edit, read_at, size_of
from mingwen.domain.errors import Malformed

MAX_PAGES: Final = 1 << 20
"""Pages of one file that are walked; 4 GiB have as many."""
WINDOW_BYTES: Final = 256 << 10
"""How much is read at once."""
MAX_SEGMENTS: Final = 255
"""Of one page, each of at most 255 bytes."""

CONTINUED, BEGIN, END = 1, 2, 4
"""Flags of a page."""
NO_GRANULE: Final = (1 << 64) - 1
"""The position of a page on which no packet ends."""
_HEAD: Final = struct.Struct("<4sBBQIIIB")
_SEQUENCE_AT, _CHECKSUM_AT, _SEGMENTS_AT = 18, 22, 26
_MIRRORED: Final = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))


class Page(NamedTuple):
    """One page as it stands in the file; a tuple, since hours of sound have a million."""

    start: int
    flags: int
    granule: int
    serial: int
    """The number of the stream it belongs to."""
    sequence: int
    checksum: int
    lacing: bytes
    """Lengths of the segments; one below 255 ends a packet."""
    body: int
    """Offset of the segments."""
    stop: int
    """Offset behind the page."""

    @property
    def ends_whole(self) -> bool:
        """Does the last packet on it end here?"""
        return self.lacing[-1:] != b"\xff" and bool(self.lacing)


def walk(source: BinaryIO, start: int = 0) -> Iterator[Page]:
    """Yield the pages that stand whole in the file, up to the first place where none begins.

    Raises:
        Malformed: there are more than ``MAX_PAGES`` (``ogg.broken``).
    """
    at, size = start, size_of(source)
    window, base = b"", 0
    for _ in range(MAX_PAGES):
        if at - base + _HEAD.size + MAX_SEGMENTS > len(window):
            source.seek(at)
            window, base = source.read(WINDOW_BYTES), at
        head = at - base
        if head + _HEAD.size > len(window):
            return
        mark, version, flags, granule, serial, sequence, checksum, count = _HEAD.unpack_from(window, head)
        lacing = window[head + _HEAD.size : head + _HEAD.size + count]
        body = at + _HEAD.size + count
        stop = body + sum(lacing)
        if mark != b"OggS" or version or stop > size or len(lacing) < count:
            return
        yield Page(at, flags, granule, serial, sequence, checksum, lacing, body, stop)
        at = stop
    raise broken(f"expected at most {MAX_PAGES} pages")


def packets(source: BinaryIO, pages: Sequence[Page]) -> list[bytes]:
    """Join the segments of ``pages``, which begin and end with whole packets."""
    data = b"".join(read_at(source, p.body, p.stop - p.body, what="Ogg page") for p in pages)
    found: list[bytes] = []
    start = stop = 0
    for length in b"".join(p.lacing for p in pages):
        stop += length
        if length < MAX_SEGMENTS:
            found.append(data[start:stop])
            start = stop
    return found


def paged(packets: Sequence[bytes], pages: Sequence[Page]) -> list[bytes]:
    """Write header ``packets`` onto as many pages as there were, or onto more if they have not room.

    Flags and numbers follow those of ``pages``; further pages count on from the last.
    """
    lacing = b"".join(b"\xff" * (len(p) // MAX_SEGMENTS) + bytes([len(p) % MAX_SEGMENTS]) for p in packets)
    data = b"".join(packets)
    count = max(len(pages), -(-len(lacing) // MAX_SEGMENTS))
    written: list[bytes] = []
    inside = False
    for i in range(count):
        old = pages[min(i, len(pages) - 1)]
        taken = lacing[: max(0, min(MAX_SEGMENTS, len(lacing) - (count - 1 - i)))]
        flags = (CONTINUED if inside else 0) | (pages[-1].flags & END if i == count - 1 else 0)
        granule = 0 if any(length < MAX_SEGMENTS for length in taken) else NO_GRANULE
        written.append(page(flags, granule, old.serial, pages[0].sequence + i, taken, data[: sum(taken)]))
        lacing, data = lacing[len(taken) :], data[sum(taken) :]
        inside = taken[-1] == MAX_SEGMENTS if taken else inside
    return written


def renumbered(page: Page, by: int) -> Edit:
    """Return the edit that counts a page ``by`` further; its checksum is corrected, and its segments are not read.

    The checksum is linear: what changes in it depends on the changed bits and the distance to the page's end.
    """
    sequence = (page.sequence + by) & 0xFFFF_FFFF
    change = (page.sequence ^ sequence).to_bytes(4, "little") + bytes(page.stop - page.start - _CHECKSUM_AT)
    at = page.start + _SEQUENCE_AT
    return Edit(at, at + 8, struct.pack("<II", sequence, page.checksum ^ checksum(change)))


def checksum(data: bytes) -> int:
    """Compute RFC 3533 §6's CRC: polynomial 04C11DB7, most significant bit first, from 0; zlib's is its mirror image."""
    mirrored = zlib.crc32(data.translate(_MIRRORED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def narrowed(start: int, old: bytes, new: bytes) -> list[Edit]:
    """Return the edits that make ``new`` of the page ``old``, and keep the segments at both ends that are the same."""
    before, after = (_HEAD.size + page[_SEGMENTS_AT] for page in (old, new))
    front = _shared(old[before:], new[after:])
    back = _shared(old[before + front :][::-1], new[after + front :][::-1])
    same = _CHECKSUM_AT if old[:_CHECKSUM_AT] == new[:_CHECKSUM_AT] else 0
    head = Edit(start + same, start + before, new[same:after])
    return [head, Edit(start + before + front, start + len(old) - back, new[after + front : len(new) - back])]


def broken(what: str) -> Malformed:
    """Build the error for pages that cannot be followed."""
    return Malformed("ogg.broken", what, hint="the file is damaged or cut off; get a whole copy, or encode it anew")


def page(flags: int, granule: int, serial: int, sequence: int, lacing: bytes, data: bytes) -> bytes:
    """Build one page, its checksum included."""

    def build(check: int) -> bytes:
        return _HEAD.pack(b"OggS", 0, flags, granule, serial, sequence & 0xFFFF_FFFF, check, len(lacing)) + lacing + data

    return build(checksum(build(0)))


def _shared(a: bytes, b: bytes) -> int:
    """Return how many bytes both begin with."""
    least, most = 0, min(len(a), len(b))
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if a[least:middle] == b[least:middle] else (least, middle - 1)
    return least
