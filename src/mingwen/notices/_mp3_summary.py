"""What a player reads of an MP3 before it plays: Xing's or VBRI's counts and tables, LAME's lengths of silence at the ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.notices._insertions import Insertion
from mingwen.notices._mp3_frames import HEADER, STRIDE, Frame, Track

VBRI_AT = 36
TOC = 100
"""Entries of Xing's table: for each percent of the time, where it lies, in 256ths of the bytes."""
LAME_BYTES = 36
DECODER_DELAY = 529
"""Samples by which every decoder of layer III is late; LAME's numbers leave them out at the front and count them at the end."""
ENCODER_DELAY = 576
"""By which our encoder is late."""
MOST_SILENCE = 4095
"""12 bits."""
Anchors: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Numbers of frames, and where they begin."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The frame that bears one, or nothing."""

    frame: bytes = b""
    at: int = 0
    """Where Xing, Info or VBRI stands in it."""

    @property
    def is_vbri(self) -> bool:
        """Is it VBRI, as Fraunhofer's encoders write?"""
        return self.frame[self.at : self.at + 4] == b"VBRI"

    @property
    def lame_at(self) -> int:
        """Where LAME's extension stands, or 0."""
        if not self.frame or self.is_vbri:
            return 0
        flags = self.frame[self.at + 7]
        at = self.at + 8 + 4 * (flags & 1) + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2
        return at if len(self.frame) >= at + LAME_BYTES and self.frame[at : at + 4].isalnum() else 0

    @property
    def silence(self) -> tuple[int, int] | None:
        """Samples that are no content at the beginning, the decoder's delay left out, and at the end; None if it does not say."""
        if not (at := self.lame_at):
            return None
        both = int.from_bytes(self.frame[at + 21 : at + 24], "big")
        return both >> 12, both & MOST_SILENCE


def summary(first: bytes, frame: Frame) -> Summary:
    """Find it in a file's first frame."""
    at = HEADER + frame.side_bytes
    if first[at : at + 4] in (b"Xing", b"Info") and len(first) >= at + 120:
        return Summary(first, at)
    return Summary(first, VBRI_AT) if first[VBRI_AT : VBRI_AT + 4] == b"VBRI" and len(first) >= VBRI_AT + 26 else Summary()


def recounted(old: Summary, track: Track, labels: Sequence[Insertion], padding: int | None) -> bytes:
    """Return its frame with counts and tables of the whole, so that players show the right length and seek well.

    ``padding`` are the samples at the end that are no content now; None leaves what is written there.
    """
    if not old.frame:
        return b""
    out = bytearray(old.frame)
    frames, size = sum(len(i.frames) for i in labels), sum(i.size for i in labels)
    anchors = _anchors(track, labels, base=track.start - len(old.frame))
    if old.is_vbri:
        _add(out, old.at + 10, size)
        _add(out, old.at + 14, frames)
        _retable(out, old.at + 18, anchors)
        return bytes(out)
    flags, field = out[old.at + 7], old.at + 8
    for bit, more in ((1, frames), (2, size)):
        if flags & bit:
            _add(out, field, more)
            field += 4
    if flags & 4:
        shares = np.interp(np.arange(TOC) / TOC * anchors[0][-1], *anchors) / max(anchors[1][-1], 1)
        out[field : field + TOC] = np.clip(shares * 256, 0, 255).astype(np.uint8).tobytes()
    if old.lame_at:
        _settle_lame(out, old.lame_at, size, padding)
    return bytes(out)


def _anchors(track: Track, labels: Sequence[Insertion], *, base: int) -> Anchors:
    """Return numbers of frames of the whole and their distances from ``base`` on, where the summary stands."""
    times = np.append(np.arange(len(track.marks)) * STRIDE, track.count).astype(float)
    places = np.append(np.array(track.marks, float), track.stop)
    starts = np.array([i.frame for i in labels], float)
    more = np.cumsum([0, *(len(i.frames) for i in labels)]), np.cumsum([0, *(i.size for i in labels)])
    behind = np.searchsorted(starts, times, side="right")
    at, size = (times + more[0][behind], places + more[1][behind])
    begun = starts + more[0][:-1], np.array([i.at for i in labels], float) + more[1][:-1]
    order = np.argsort(np.append(at, begun[0]), kind="stable")
    return np.append(at, begun[0])[order], np.append(size, begun[1])[order] - base


def _retable(out: bytearray, at: int, anchors: Anchors) -> None:
    """Write VBRI's table anew: bytes of so many frames, in units of a scale."""
    entries, _, width, _ = (int.from_bytes(out[at + n : at + n + 2], "big") for n in (0, 2, 4, 6))
    if not entries or width not in (1, 2, 3, 4) or at + 8 + entries * width > len(out):
        return
    each = -(-int(anchors[0][-1]) // entries)
    sizes = np.diff(np.interp(np.arange(entries + 1) * each, *anchors))
    scale = max(int(sizes.max()) >> 8 * width, 0) + 1
    out[at + 2 : at + 4], out[at + 6 : at + 8] = (min(n, 0xFFFF).to_bytes(2, "big") for n in (scale, each))
    table = b"".join(int(size // scale).to_bytes(width, "big") for size in sizes)
    out[at + 8 : at + 8 + len(table)] = table


def _add(out: bytearray, at: int, more: int) -> None:
    old = int.from_bytes(out[at : at + 4], "big")
    out[at : at + 4] = min(old + more, 0xFFFFFFFF).to_bytes(4, "big")


def _settle_lame(out: bytearray, lame: int, more: int, padding: int | None) -> None:
    """Correct LAME's extension: padding, length of the music; the music's checksum becomes 0, the tag's own is computed anew."""
    if padding is not None:
        both = int.from_bytes(out[lame + 21 : lame + 24], "big") & ~MOST_SILENCE | padding
        out[lame + 21 : lame + 24] = both.to_bytes(3, "big")
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
