"""MPEG transport streams are searched and not written.

A label may stand in any table, descriptor, metadata stream or user data, so that there is no header to go by: the payloads of
each stream are joined and searched for the word that every label holds. It is looked for in the first ``MAX_SEARCHED_BYTES`` and
the last ``END_BYTES``; of a longer file the middle is ``Unread``, since a search that is not whole must not say "not found". What
is scrambled is ``Unread`` as well. Structure: ISO/IEC 13818-1 §2.4.3.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.edits import read_at, size_of
from mingwen.domain.errors import Refused
from mingwen.domain.media import Splice
from mingwen.formats._shape import Clue, Reading, Unread

MAX_SEARCHED_BYTES: Final = 256 << 20
"""At the beginning; half a second."""
END_BYTES: Final = 4 << 20
STEP_PACKETS: Final = 8192
"""Packets that are in memory at once: 1.5 MiB."""

_SYNC: Final = 0x47
_HEAD: Final = 4
_SCRAMBLED, _ADAPTATION, _PAYLOAD = 0xC0, 0x20, 0x10
"""Of the fourth byte."""
_PLACE: Final = "streams"


def read(source: BinaryIO) -> Reading:
    """Say whether the streams hold what looks like a label; what it belongs to is not looked at."""
    offset, length = (0, 188) if read_at(source, 0, 1, what="packet")[0] == _SYNC else (4, 192)
    count = -(-size_of(source) // length)
    first = min(count, MAX_SEARCHED_BYTES // length)
    last = max(first, count - END_BYTES // length)
    unread = [] if first == last else [Unread(_PLACE, f"are not searched from byte {first * length} to {last * length}")]
    for start, stop in ((0, first), (last, count)):
        unread += _searched(source, offset, length, range(start, stop))
    return Reading((), tuple(dict.fromkeys(unread)))


def splice(source: BinaryIO, label: str) -> Splice:  # noqa: ARG001 - the contract's
    """Refuse.

    Raises:
        Refused: always (``mpegts.no-place``).
    """
    raise Refused(
        "mpegts.no-place",
        "expected a format with a place for a label, got an MPEG transport stream, which has none for the guide's XMP",
        hint="put the streams into MP4 or Matroska first: `ffmpeg -i in.ts -c copy out.mp4`",
    )


def clues(source: BinaryIO) -> Iterator[Clue]:  # noqa: ARG001 - the contract's
    """Yield nothing: what made a stream stands in the samples."""
    yield from ()


def _searched(source: BinaryIO, offset: int, length: int, packets: range) -> Iterator[Unread]:
    """Search some packets, numbered from 0, of one length and with the sync byte at one offset."""
    tails: dict[int, bytes] = {}
    scrambled = 0
    for first in packets[::STEP_PACKETS]:
        source.seek(first * length)
        data = source.read(length * min(STEP_PACKETS, packets.stop - first))
        yield from stray.unexplained(data, (), _PLACE)
        streams: dict[int, list[bytes]] = {}
        for at in range(offset, len(data) - _HEAD, length):
            if data[at] != _SYNC:
                yield Unread(_PLACE, f"have no sync byte at {first * length + at}, so that they cannot be followed")
                return
            pid, flags = int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF, data[at + 3]
            scrambled |= flags & _SCRAMBLED
            if flags & _PAYLOAD:
                start = at + _HEAD + (1 + data[at + _HEAD] if flags & _ADAPTATION else 0)
                streams.setdefault(pid, []).append(data[start : at - offset + length])
        for pid, parts in streams.items():
            joined = tails.get(pid, b"") + b"".join(parts)
            yield from stray.unexplained(joined, (), _PLACE)
            tails[pid] = joined[-len(stray.WORD) + 1 :]
    if scrambled:
        yield Unread(_PLACE, "are scrambled")
