"""An MP3 with the rhythm: frames are put before or behind the content's, which are copied as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import av
import numpy as np

from mingwen.domain.errors import Malformed
from mingwen.domain.notices import Moment, Style
from mingwen.notices._cue import Samples, copied, cue

V1, V2, V25 = 3, 2, 0
LAYER_3 = 1
MONO = 3
RATES = {V1: (44100, 48000, 32000), V2: (22050, 24000, 16000), V25: (11025, 12000, 8000)}
KILOBITS = {
    V1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    V2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SEARCH_BYTES = 1 << 20
"""How far behind the tags the first frame may begin."""
MAX_TAGS = 16
MAX_FRAME_BYTES = 2881
ID3V1_BYTES, APE_BYTES, LYRICS_BYTES = 128, 32, 15
VBRI_AT = 36
TOC = 100
"""Entries of Xing's table: for each percent of the time, where it lies, in 256ths of the bytes."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """The header of an MPEG audio frame, layer III (ISO/IEC 11172-3 §2.4.1.3, 13818-3)."""

    version: int
    bit_rate: int
    rate: int
    padded: bool
    mono: bool

    @property
    def samples(self) -> int:
        """Of each channel."""
        return 1152 if self.version == V1 else 576

    @property
    def size(self) -> int:
        """In bytes, header and all."""
        return self.samples // 8 * self.bit_rate // self.rate + self.padded

    @property
    def side_bytes(self) -> int:
        """Of the side information behind the header."""
        return (17 if self.mono else 32) if self.version == V1 else (9 if self.mono else 17)


def mark(source: BinaryIO, sink: BinaryIO, style: Style) -> None:
    """Write the file with the rhythm, in constant memory."""
    length = source.seek(0, 2)
    stop = _tail(source, length)
    start, frame = _first_frame(source, _head(source), stop)
    source.seek(start)
    first = source.read(frame.size)
    summary = _summary(first, frame)
    music = start + len(first) if summary else start
    front = _frames(cue(style, frame.rate, Moment.START), frame) if Moment.START in style.moments else []
    back = _frames(cue(style, frame.rate, Moment.END), frame) if Moment.END in style.moments else []
    sink.writelines(copied(source, 0, start))
    if summary:
        sink.write(_recounted(first, summary, front, back))
    for frames in (front, copied(source, music, stop), back, copied(source, stop, length)):
        sink.writelines(frames)


def _frames(samples: Samples, like: _Frame) -> list[bytes]:
    """Encode samples as frames that need no others, in the version, rate, channels and bit rate of the content."""
    coder = av.CodecContext.create("libmp3lame", "w")
    layout = "mono" if like.mono else "stereo"
    coder.sample_rate, coder.layout, coder.format, coder.bit_rate = like.rate, layout, "fltp", like.bit_rate
    coder.options = {"reservoir": "0"}
    channels, out = 1 if like.mono else 2, list[bytes]()
    blocks = np.pad(samples, (0, -len(samples) % like.samples)).astype(np.float32).reshape(-1, like.samples)
    for number, block in enumerate(blocks):
        frame = av.AudioFrame.from_ndarray(np.tile(block, (channels, 1)), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = like.rate, number * like.samples
        out += [bytes(packet) for packet in coder.encode(frame)]
    return out + [bytes(packet) for packet in coder.encode(None)]


# --- where the content lies -------------------------------------------------------------------------------------------


def _read(source: BinaryIO, at: int, count: int) -> bytes:
    source.seek(max(at, 0))
    return source.read(count)


def _head(source: BinaryIO) -> int:
    """Return where the ID3v2 tags end."""
    at = 0
    for _ in range(MAX_TAGS):
        head = _read(source, at, 10)
        if len(head) < 10 or head[:3] != b"ID3":  # noqa: PLR2004 - ID3v2.4 §3.1
            break
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        at += 10 + size + (10 if head[5] & 0x10 else 0)
    return at


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


def _first_frame(source: BinaryIO, begin: int, stop: int) -> tuple[int, _Frame]:
    """Find the first frame that another one follows, or that ends the file."""
    window = _read(source, begin, min(SEARCH_BYTES + 2 * MAX_FRAME_BYTES, max(stop - begin, 0)))
    at = window.find(b"\xff")
    while 0 <= at < SEARCH_BYTES:
        frame = _frame(window[at : at + 4])
        after = at + frame.size if frame else 0
        if frame and (_alike(frame, _frame(window[after : after + 4])) or begin + after == stop):
            return begin + at, frame
        at = window.find(b"\xff", at + 1)
    raise Malformed(
        "mp3.frames", f"expected an MPEG audio frame, layer III, within {SEARCH_BYTES} bytes", hint="is it an MP3 file?"
    )


def _alike(one: _Frame, other: _Frame | None) -> bool:
    return other is not None and (one.version, one.rate, one.mono) == (other.version, other.rate, other.mono)


def _frame(head: bytes) -> _Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - 11 bits of sync
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bits, rate = head[2] >> 4, head[2] >> 2 & 3
    if version not in RATES or layer != LAYER_3 or rate > 2 or bits in (0, 15):  # noqa: PLR2004 - reserved values
        return None
    kilobits = KILOBITS[V1 if version == V1 else V2][bits]
    return _Frame(version, kilobits * 1000, RATES[version][rate], bool(head[2] & 2), head[3] >> 6 == MONO)


# --- the summary that a player reads first -----------------------------------------------------------------------------


def _summary(first: bytes, frame: _Frame) -> int:
    """Return where Xing, Info or VBRI stands in the first frame, or 0 when that is music already."""
    at = 4 + frame.side_bytes
    if first[at : at + 4] in (b"Xing", b"Info"):
        return at
    return VBRI_AT if first[VBRI_AT : VBRI_AT + 4] == b"VBRI" else 0


def _recounted(first: bytes, at: int, front: list[bytes], back: list[bytes]) -> bytes:
    """Return the summary with frames and bytes of the whole, so that players show the right length and seek well."""
    out = bytearray(first)
    frames, size = len(front) + len(back), sum(map(len, front + back))
    if out[at : at + 4] == b"VBRI":
        _add(out, at + 10, size)
        _add(out, at + 14, frames)
        return bytes(out)
    flags, field = out[at + 7], at + 8
    old = [0, 0]
    for number, (bit, more) in enumerate(((1, frames), (2, size))):
        if flags & bit:
            old[number] = _add(out, field, more)
            field += 4
    if flags & 4 and len(out) >= field + TOC:
        shares = (len(front), sum(map(len, front))), (old[0], old[1]), (len(back), sum(map(len, back)))
        out[field : field + TOC] = bytes(_table(bytes(out[field : field + TOC]), shares))
        field += TOC
    _settle_lame(out, field + (4 if flags & 8 else 0), size)
    return bytes(out)


def _add(out: bytearray, at: int, more: int) -> int:
    old = int.from_bytes(out[at : at + 4], "big")
    out[at : at + 4] = min(old + more, 0xFFFFFFFF).to_bytes(4, "big")
    return old


def _table(old: bytes, shares: tuple[tuple[int, int], ...]) -> Iterator[int]:
    """Yield Xing's table for rhythm, content, rhythm, given the frames and bytes of each."""
    time, place = [0.0], [0.0]
    (front, front_bytes), (frames, size), (back, back_bytes) = shares
    time += [front + frames * percent / TOC for percent in range(TOC)] + [front + frames, front + frames + back]
    place += [front_bytes + size * entry / 256 for entry in old] + [front_bytes + size, front_bytes + size + back_bytes]
    total = max(time[-1], 1), max(place[-1], 1)
    for percent in range(TOC):
        yield min(int(np.interp(percent / TOC * total[0], time, place) / total[1] * 256), 255)


def _settle_lame(out: bytearray, lame: int, more: int) -> None:
    """Correct LAME's extension: length of the music; its checksum becomes 0, the tag's own is computed anew."""
    if len(out) < lame + 36 or not bytes(out[lame : lame + 4]).isalnum():
        return
    _add(out, lame + 28, more)
    out[lame + 32 : lame + 34] = bytes(2)
    out[lame + 34 : lame + 36] = _crc16(bytes(out[: lame + 34])).to_bytes(2, "big")


def _crc16(data: bytes) -> int:
    """Return CRC-16/ARC, as LAME computes it over the frame up to itself."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
