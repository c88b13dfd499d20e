"""The metadata blocks of a FLAC that count samples, bytes or frames: read, and made true again (RFC 9639 §8)."""

import io
from dataclasses import dataclass, field
from typing import BinaryIO

from mingwen.containers import id3v2
from mingwen.containers.edits import read_at, size_of
from mingwen.domain.errors import Malformed
from mingwen.notices._pcm import Labels

MARK = b"fLaC"
STREAM_INFO, SEEK_TABLE, CUE_SHEET = 0, 3, 5
INFO_BYTES, POINT_BYTES = 34, 18
MAX_BLOCKS = 1_024
ID3V1_BYTES = 128
LAST = 0x80
LEAST_BLOCK = 16
PLACEHOLDER = b"\xff" * 8 + bytes(10)
SHEET_BYTES, TRACK_BYTES, INDEX_BYTES = 396, 36, 12
CD_FLAG_AT, CD_FLAG, SECTOR = 136, 0x80, 588
"""A sheet of a CD has places at whole sectors only (RFC 9639 §8.7)."""


@dataclass(frozen=True, slots=True)
class Info:
    """STREAMINFO."""

    block: bytes
    """All of it, with its head of four bytes."""

    def _number(self, start: int, stop: int) -> int:
        return int.from_bytes(self.block[4 + start : 4 + stop])

    @property
    def least_block(self) -> int:
        """Samples of the smallest block but the last."""
        return self._number(0, 2)

    @property
    def most_block(self) -> int:
        """Samples of the largest block."""
        return self._number(2, 4)

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self._number(10, 13) >> 4

    @property
    def channels(self) -> int:
        """1 to 8."""
        return (self.block[16] >> 1 & 7) + 1

    @property
    def bits(self) -> int:
        """Of a sample."""
        return (self._number(12, 14) >> 4 & 31) + 1

    @property
    def frames(self) -> int:
        """Samples of each channel; 0 where the writer did not know."""
        return self._number(13, 18) & (1 << 36) - 1

    @property
    def md5(self) -> bytes:
        """Of all samples; zeros where the writer did not know."""
        return self.block[22:38]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a file stand."""

    info: Info
    info_at: int
    blocks: tuple[tuple[int, int, int], ...]
    """Kind, offset of the data, its size."""
    start: int
    """Of the frames."""
    stop: int

    def of_kind(self, kind: int) -> list[tuple[int, int]]:
        """Return where the data of blocks of a kind stands, and its size."""
        return [(at, size) for k, at, size in self.blocks if k == kind]

    def seek_points(self, source: BinaryIO) -> set[int]:
        """Return the samples that seek tables point to."""
        return {int.from_bytes(point[:8]) for at, size in self.of_kind(SEEK_TABLE) for point in _points(source, at, size)}


@dataclass(slots=True)
class Marks:
    """What is learnt while frames are written."""

    wanted: set[int]
    """Samples of the content that seek points name."""
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Those at which a frame begins: its offset from the first one, its samples."""
    written: int = 0
    least: int = 1 << 24
    most: int = 0

    def note(self, at: int, samples: int, count: int) -> None:
        """Take down a frame of so many samples and bytes, which holds the content from sample ``at``."""
        if at in self.wanted:
            self.seen[at] = self.written, samples
        self.written += count
        self.least, self.most = min(self.least, count), max(self.most, count)


def layout(source: BinaryIO) -> Layout:
    """Walk the blocks.

    Raises:
        Malformed: no stream of FLAC begins where one must, or its blocks do not end (``flac.blocks``).
    """
    at = id3v2.behind(source)
    if read_at(source, at, 4, what="the mark fLaC") != MARK:
        raise _broken(f"the mark fLaC at {at}")
    at += 4
    blocks, end = list[tuple[int, int, int]](), size_of(source)
    for _ in range(MAX_BLOCKS):
        head = read_at(source, at, 4, what="block head")
        size = int.from_bytes(head[1:])
        if at + 4 + size > end:
            raise _broken(f"a block of {size} bytes at {at}, {end - at - 4} are left")
        blocks.append((head[0] & ~LAST, at + 4, size))
        at += 4 + size
        if head[0] & LAST:
            break
    else:
        raise _broken(f"at most {MAX_BLOCKS} blocks")
    if blocks[0][0] != STREAM_INFO or blocks[0][2] != INFO_BYTES:
        raise _broken("the stream's info first")
    info = Info(read_at(source, blocks[0][1] - 4, 4 + INFO_BYTES, what="STREAMINFO"))
    if info.most_block < LEAST_BLOCK:
        raise _broken(f"blocks of at least {LEAST_BLOCK} samples, got {info.most_block}")
    return Layout(info, blocks[0][1], tuple(blocks), at, _before_tags(source, at, end))


def _broken(what: str) -> Malformed:
    return Malformed("flac.blocks", f"expected {what}", hint="the file is damaged or cut off; get a whole copy")


def _before_tags(source: BinaryIO, start: int, end: int) -> int:
    """Return where the frames end: before an ID3v1 tag, if there is one."""
    tagged = end - start >= ID3V1_BYTES and read_at(source, end - ID3V1_BYTES, 3, what="ID3v1") == b"TAG"
    return end - ID3V1_BYTES if tagged else end


def _points(source: BinaryIO, at: int, size: int) -> list[bytes]:
    data = read_at(source, at, size, what="SEEKTABLE")
    return [data[p : p + POINT_BYTES] for p in range(0, size - POINT_BYTES + 1, POINT_BYTES)]


def settle(source: BinaryIO, sink: BinaryIO, layout: Layout, plan: Labels, marks: Marks, md5: bytes) -> None:
    """Let the blocks in the output, which stand where they stood, tell the truth about it."""
    sink.seek(layout.info_at)
    sink.write(_info(layout.info, plan, marks, md5))
    for at, size in layout.of_kind(SEEK_TABLE):
        moved = sorted(_point(p, plan, marks) for p in _points(source, at, size))
        sink.seek(at)
        sink.write(b"".join(moved))
    for at, size in layout.of_kind(CUE_SHEET):
        sink.seek(at)
        sink.write(_sheet(bytearray(read_at(source, at, size, what="CUESHEET")), plan))
    sink.seek(0, io.SEEK_END)


def _info(info: Info, plan: Labels, marks: Marks, md5: bytes) -> bytes:
    block = bytearray(info.block[4:])
    frames = plan.frames + plan.added
    block[4:7], block[7:10] = (min(n, (1 << 24) - 1).to_bytes(3) for n in (marks.least, marks.most))
    counted = int.from_bytes(block[13:18]) >> 36 << 36 | (frames if frames < 1 << 36 else 0)
    block[13:18] = counted.to_bytes(5)
    block[18:34] = md5
    return bytes(block)


def _point(point: bytes, plan: Labels, marks: Marks) -> bytes:
    """Move a seek point; one at which no frame begins becomes a placeholder, which sorts last."""
    sample = int.from_bytes(point[:8])
    if sample not in marks.seen:
        return PLACEHOLDER
    offset, samples = marks.seen[sample]
    return plan.moved(sample).to_bytes(8) + offset.to_bytes(8) + samples.to_bytes(2)


def _sheet(sheet: bytearray, plan: Labels) -> bytes:
    """Move the tracks of a cue sheet and their indices, which count from the track's start; the lead-out stands at the end."""
    at, places = SHEET_BYTES, list[int]()
    for _ in range(sheet[SHEET_BYTES - 1] if len(sheet) >= SHEET_BYTES else 0):
        if at + TRACK_BYTES > len(sheet):
            break
        track, count = int.from_bytes(sheet[at : at + 8]), sheet[at + TRACK_BYTES - 1]
        moved = plan.frames + plan.added if not count else plan.moved(track)
        sheet[at : at + 8] = moved.to_bytes(8)
        for index in range(
            at + TRACK_BYTES, min(at + TRACK_BYTES + count * INDEX_BYTES, len(sheet) - INDEX_BYTES + 1), INDEX_BYTES
        ):
            place = plan.moved(track + int.from_bytes(sheet[index : index + 8]))
            sheet[index : index + 8] = (place - moved).to_bytes(8)
            places.append(place)
        at += TRACK_BYTES + count * INDEX_BYTES
        places.append(moved)
    if any(place % SECTOR for place in places):
        sheet[CD_FLAG_AT] &= ~CD_FLAG & 0xFF
    return bytes(sheet)
