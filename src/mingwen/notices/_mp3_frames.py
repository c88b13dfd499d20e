"""The frames of an MP3: where they stand between its tags, and the bytes that one borrows from those before it."""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from mingwen.containers import id3v2
from mingwen.domain.errors import Malformed, Refused

V1, V2, V25 = 3, 2, 0
LAYER_3 = 1
MONO = 3
RATES = {V1: (44100, 48000, 32000), V2: (22050, 24000, 16000), V25: (11025, 12000, 8000)}
_LOW = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
KILOBITS = {V1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320), V2: _LOW, V25: _LOW}
HEADER = 4
CRC = 2
SEARCH_BYTES = 1 << 20
"""How far behind the tags the first frame may begin."""
WINDOW_BYTES = 1 << 18
"""How much is read at once when frames are walked."""
_FREE = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\0-\x0b]")
"""A frame of layer III whose header names no bit rate."""
STRIDE = 32
"""The place of every so many-th frame is kept; an hour has 138,000."""
RESERVOIR_FRAMES = 64
"""As many frames may hold what one borrows: 255 bytes from frames that have no more than 5 each."""
MAX_TAGS = 16
MAX_FRAME_BYTES = 2881
ID3V1_BYTES, APE_BYTES, LYRICS_BYTES = 128, 32, 15


@dataclass(frozen=True, slots=True)
class Frame:
    """The header of an MPEG audio frame, layer III (ISO/IEC 11172-3 §2.4.1.3, 13818-3)."""

    head: bytes

    @property
    def version(self) -> int:
        """One of V1, V2, V25."""
        return self.head[1] >> 3 & 3

    @property
    def bit_rate(self) -> int:
        """In bits a second."""
        return KILOBITS[self.version][self.head[2] >> 4] * 1000

    @property
    def rate(self) -> int:
        """Samples a second."""
        return RATES[self.version][self.head[2] >> 2 & 3]

    @property
    def mono(self) -> bool:
        """One channel."""
        return self.head[3] >> 6 == MONO

    @property
    def samples(self) -> int:
        """Of each channel."""
        return 1152 if self.version == V1 else 576

    @property
    def size(self) -> int:
        """In bytes, header and all."""
        return self.samples // 8 * self.bit_rate // self.rate + (self.head[2] >> 1 & 1)

    @property
    def side(self) -> int:
        """Where the side information begins."""
        return HEADER + (0 if self.head[1] & 1 else CRC)

    @property
    def side_bytes(self) -> int:
        """Of the side information."""
        return (17 if self.mono else 32) if self.version == V1 else (9 if self.mono else 17)

    def borrowed(self, data: bytes) -> int:
        """How many bytes of its main data stand in the frames before it: ``main_data_begin`` (§2.4.1.7)."""
        first = int.from_bytes(data[self.side : self.side + 2], "big")
        return first >> 7 if self.version == V1 else first >> 8

    def level(self, data: bytes) -> int:
        """How loud it is: ``global_gain`` of its first granule and channel, in steps of 1.5 dB; 0 for silence."""
        bits = int.from_bytes(data[self.side : self.side + 9].ljust(9, b"\0"), "big")
        before = (18 if self.mono else 20) if self.version == V1 else (9 if self.mono else 10)
        used, gain = bits >> 72 - before - 12 & 0xFFF, bits >> 72 - before - 29 & 0xFF
        return gain if used else 0

    def silent(self, held: bytes) -> bytes:
        """Return a frame of silence like this one, of the least bit rate, at whose end ``held`` stands for the next to borrow.

        All side information is 0: it borrows nothing, and its granules have no bits; so what follows is never decoded.
        """
        for index in range(1, 15):
            head = bytes((0xFF, self.head[1] | 1, index << 4 | self.head[2] & 0x0D, self.head[3]))
            frame = replace(self, head=head)
            if (room := frame.size - HEADER - frame.side_bytes) >= len(held):
                break
        return head + bytes(frame.side_bytes + room - len(held)) + held


@dataclass(slots=True)
class Track:
    """The frames between a file's tags."""

    start: int
    """Of the first."""
    stop: int
    """Behind the last whole one."""
    like: Frame
    """The first."""
    sizes: dict[int, int]
    """Of frames, by the second and third byte of their headers."""
    count: int = 0
    marks: "array[int]" = field(default_factory=lambda: array("Q"))
    """Where every ``STRIDE``-th begins."""
    bit_rates: set[int] = field(default_factory=set)
    """Indices."""


def extent(source: BinaryIO) -> tuple[int, int, int]:
    """Return where the tags at the beginning end, where those at the end begin, and the file's length."""
    length = source.seek(0, 2)
    return id3v2.behind(source), _tail(source, length), length


def first_frame(source: BinaryIO, begin: int, stop: int) -> tuple[int, Frame]:
    """Find the first frame that another one follows, or that ends the file.

    Raises:
        Malformed: there is none (``mp3.frames``).
        Refused: it is of a free bit rate (``notice.codec``).
    """
    window = _read(source, begin, min(SEARCH_BYTES + 2 * MAX_FRAME_BYTES, max(stop - begin, 0)))
    at = window.find(b"\xff")
    while 0 <= at < SEARCH_BYTES:
        frame = _frame(window[at : at + HEADER])
        after = at + frame.size if frame else 0
        if frame and (_alike(frame, _frame(window[after : after + HEADER])) or begin + after == stop):
            return begin + at, frame
        at = window.find(b"\xff", at + 1)
    if _FREE.match(window):
        raise Refused("notice.codec", "expected an MP3 of a usual bit rate, got a free one", hint="encode it anew at 320 kb/s")
    raise Malformed(
        "mp3.frames", f"expected an MPEG audio frame, layer III, within {SEARCH_BYTES} bytes", hint="is it an MP3 file?"
    )


def walked(source: BinaryIO, start: int, stop: int, like: Frame) -> Track:
    """Step over all frames from ``start`` on; of a last one that is cut off nothing is told."""
    track = Track(start, start, like, _sizes(like))
    at = start
    while at + HEADER <= stop:
        window = _read(source, at, min(WINDOW_BYTES, stop - at))
        passed = _step(window, at, stop, track)
        if not passed:
            break
        at += passed
    return track


def _step(window: bytes, base: int, stop: int, track: Track) -> int:
    """Count the frames that begin in ``window``; return how far it is done with, 0 at the end."""
    sizes, seen, count, at, last = track.sizes, set[int](), track.count, 0, len(window) - HEADER
    end = track.stop
    while at <= last:
        size = sizes.get(window[at + 1] << 8 | window[at + 2], 0) if window[at] == 0xFF else 0  # noqa: PLR2004 - sync
        if not size:
            if (at := _resumed(window, at, sizes)) <= last:
                continue
            break
        if base + at + size > stop:
            break  # cut off; the next window begins with it, and ends the walk
        if not count % STRIDE:
            track.marks.append(base + at)
        seen.add(window[at + 2])
        count += 1
        at += size
        end = base + at
    track.count, track.stop = count, end
    track.bit_rates |= {byte >> 4 for byte in seen}
    return at


def _resumed(window: bytes, at: int, sizes: dict[int, int]) -> int:
    """Return where frames go on behind bytes that are none."""
    while 0 <= (at := window.find(b"\xff", at + 1)) <= len(window) - HEADER:
        if sizes.get(window[at + 1] << 8 | window[at + 2]):
            return at
    return len(window) - HEADER + 1


def around(source: BinaryIO, track: Track, number: int, *, reach: int) -> tuple[int, list[tuple[int, bytes]]]:
    """Return the frames from ``reach`` before ``number`` to as many behind it, with their offsets, and the first one's number."""
    first = max(number - reach, 0) // STRIDE * STRIDE
    if first >= track.count:
        first = max((track.count - 1) // STRIDE * STRIDE, 0)
    found = list[tuple[int, bytes]]()
    at = track.marks[first // STRIDE] if track.count else track.start
    while at < track.stop and first + len(found) <= number + reach:
        window = _read(source, at, min(WINDOW_BYTES, track.stop - at))
        here = 0
        while here <= len(window) - HEADER and first + len(found) <= number + reach:
            size = track.sizes.get(window[here + 1] << 8 | window[here + 2], 0) if window[here] == 0xFF else 0  # noqa: PLR2004
            if not size:
                here = _resumed(window, here, track.sizes)
            elif here + size > len(window):
                break
            else:
                found.append((at + here, window[here : here + size]))
                here += size
        if not here:
            break
        at += here
    return first, found


def reservoir(frames: Sequence[bytes], need: int) -> bytes:
    """Return the last ``need`` bytes of main data in ``frames``, or what there is of them."""
    held = b""
    for data in reversed(frames):
        if len(held) >= need:
            break
        frame = Frame(data[:HEADER])
        held = data[frame.side + frame.side_bytes :] + held
    return held[len(held) - min(need, len(held)) :]


# --- tags and headers -------------------------------------------------------------------------------------------------


def _read(source: BinaryIO, at: int, count: int) -> bytes:
    source.seek(max(at, 0))
    return source.read(count)


def _tail(source: BinaryIO, length: int) -> int:
    """Return where ID3v1, APE and Lyrics3 tags begin at the end of the file."""
    stop = length
    for _ in range(MAX_TAGS):
        size = _last_tag(_read(source, stop - ID3V1_BYTES, min(ID3V1_BYTES, stop)))
        if not 0 < size <= stop:
            break
        stop -= size
    return stop


def _last_tag(end: bytes) -> int:
    """Return the bytes of the tag that ends here, or 0."""
    if len(end) == ID3V1_BYTES and end[:3] == b"TAG":
        return ID3V1_BYTES
    if end[-APE_BYTES:][:8] == b"APETAGEX":
        footer = end[-APE_BYTES:]
        with_header = APE_BYTES if footer[23] & 0x80 else 0
        return int.from_bytes(footer[12:16], "little") + with_header
    if end[-9:] == b"LYRICS200" and end[-LYRICS_BYTES:-9].isdigit():
        return int(end[-LYRICS_BYTES:-9]) + LYRICS_BYTES
    return 0


def _alike(one: Frame, other: Frame | None) -> bool:
    return other is not None and (one.version, one.rate, one.mono) == (other.version, other.rate, other.mono)


def _frame(head: bytes) -> Frame | None:
    if len(head) < HEADER or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - 11 bits of sync
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bits, rate = head[2] >> 4, head[2] >> 2 & 3
    usual = version in RATES and layer == LAYER_3 and rate < 3 and bits not in (0, 15)  # noqa: PLR2004 - reserved values
    return Frame(bytes(head)) if usual else None


def _sizes(like: Frame) -> dict[int, int]:
    """Return the sizes of frames of this version and rate, by the second and third byte of their headers."""
    heads = (
        bytes((0xFF, like.head[1] & 0xFE | bare, index << 4 | like.head[2] & 0x0C | low, like.head[3]))
        for bare in (0, 1)
        for index in range(1, 15)
        for low in range(4)  # padding and a private bit
    )
    return {head[1] << 8 | head[2]: Frame(head).size for head in heads}
