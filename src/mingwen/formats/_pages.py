"""Ogg's pages: step over them, read the packets of some, and write those anew (RFC 3533 §6)."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.domain.errors import Malformed
from mingwen.formats._bytes import Edit, read_at, size_of

MAX_PAGES: Final = 1 << 20
"""Pages of one file that are walked; 4 GiB have as many."""
MAX_SEGMENTS: Final = 255
"""Of one page, each of at most 255 bytes."""

CONTINUED, BEGIN, END = 1, 2, 4
"""Flags of a page."""
NO_GRANULE: Final = (1 << 64) - 1
"""The position of a page on which no packet ends."""
_HEAD: Final = struct.Struct("<4sBBQIIIB")
_SEQUENCE_AT, _CHECKSUM_AT, _SEGMENTS_AT = 18, 22, 26
_MIRRORED: Final = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it stands in the file."""

    start: int
    flags: int
    granule: int
    serial: int
    """The number of the stream it belongs to."""
    sequence: int
    checksum: int
    lacing: bytes
    """Lengths of the segments; one below 255 ends a packet."""

    @property
    def body(self) -> int:
        """Offset of the segments."""
        return self.start + _HEAD.size + len(self.lacing)

    @property
    def stop(self) -> int:
        """Offset behind the page, which may be behind the file's end."""
        return self.body + sum(self.lacing)

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
    for _ in range(MAX_PAGES):
        source.seek(at)
        data = source.read(_HEAD.size + MAX_SEGMENTS)
        if len(data) < _HEAD.size:
            return
        mark, version, flags, granule, serial, sequence, checksum, count = _HEAD.unpack_from(data)
        page = Page(at, flags, granule, serial, sequence, checksum, data[_HEAD.size : _HEAD.size + count])
        if mark != b"OggS" or version or page.stop > size or len(page.lacing) < count:
            return
        yield page
        at = page.stop
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
        written.append(_page(flags, granule, old.serial, pages[0].sequence + i, taken, data[: sum(taken)]))
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


def _page(flags: int, granule: int, serial: int, sequence: int, lacing: bytes, data: bytes) -> bytes:
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
