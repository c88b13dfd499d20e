"""Raw AAC in ADTS frames: labels that others left are read, none is written.

Read: ID3 tags before the sound, and what stands behind it. Structure: ISO/IEC 13818-7 §6.2.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _glued, _id3_clues, _tagged
from mingwen.formats._shape import HEAD_BYTES, Clue, Reading

MAX_TAIL_BYTES: Final = 128 << 10
"""How much of the file's end is searched for labels."""

_HEAD_BYTES: Final = 7
_SYNC, _SYNC_MASK = 0xFFF0, 0xFFF6
"""Twelve bits of ones, an id, layer 0."""
_SAME: Final = 0xFFFE_FDC0
"""Sync, id, layer, profile, sample rate and channels without the private bit: what all frames of a file share."""
_RATES: Final = 13


def read(source: BinaryIO) -> Reading:
    """Find labels in ID3 tags and at the file's end."""
    tags = _tagged.leading(source)
    start = _tagged.behind(tags)
    source.seek(start)
    begin = source.read(HEAD_BYTES)
    if not is_sound(begin):
        raise Malformed(
            "adts.broken",
            f"expected ADTS frames at {start}, found {begin[:8].hex(' ') or 'nothing'}",
            hint="the file is damaged or no raw AAC; get a whole copy, or encode it anew",
        )
    tagged = _tagged.read(source, tags)
    behind = _glued.read(source, *_tagged.tail(source, start, most=MAX_TAIL_BYTES), "behind the sound")
    return Reading((*tagged.sites, *behind.sites), (*tagged.unread, *behind.unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Refuse: the guide names no place that the format has.

    Raises:
        Refused: always (``adts.no-place``).
        Malformed: the file is no ADTS.
    """
    _ = read(source), label
    raise Refused(
        "adts.no-place",
        "expected a format that has a place for the label, got raw AAC (ADTS), which has none",
        hint="wrap the same sound into M4A: `ffmpeg -i in.aac -c copy out.m4a`",
    )


def is_sound(data: bytes) -> bool:
    """Does an ADTS frame stand here, and another behind it as far as ``data`` shows?"""
    if len(data) < _HEAD_BYTES or int.from_bytes(data[:2]) & _SYNC_MASK != _SYNC or data[2] >> 2 & 15 >= _RATES:
        return False
    length = int.from_bytes(data[3:6]) >> 5 & 0x1FFF
    following = data[length : length + 4]
    if len(following) < 4:  # noqa: PLR2004
        return length >= _HEAD_BYTES
    return length >= _HEAD_BYTES and not (int.from_bytes(following) ^ int.from_bytes(data[:4])) & _SAME


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield what the ID3 tags hold."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    for tag in _tagged.leading(source):
        yield from _id3_clues.clues(source, tag)
