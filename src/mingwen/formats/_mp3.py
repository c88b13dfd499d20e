"""MP3: an ID3v2 frame ``TXXX`` with the description AIGC (TC260-PG-202510A).

Read too: several tags in a row, a tag at the file's end, other text frames, and an APEv2 item. Structure of the sound: ISO/IEC
11172-3 §2.4.1.3 and 13818-3; of APEv2: wiki.hydrogenaudio.org, "APEv2 specification".
"""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.domain.errors import Malformed
from mingwen.domain.labels import mentions
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _id3, _id3_clues
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

MAX_TAGS: Final = 16
"""ID3v2 tags in a row at the file's beginning; two are seen."""
MAX_TAIL_BYTES: Final = 128 << 10
"""How much of the file's end is searched for labels that no tag explains."""
MAX_APE_BYTES: Final = 1 << 20
"""Size of an APEv2 tag that is read."""
MAX_APE_ITEMS: Final = 1_000
SEARCH_BYTES: Final = 64 << 10
"""How far behind the tags the first frame of sound is searched: some writers leave zeros or rubbish there."""

_KILOBITS: Final = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Layer III, by index: MPEG 1 (True), MPEG 2 and 2.5 (False)."""
_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Samples a second, by version bits and index."""
_SYNC: Final = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
"""Eleven bits of ones, a version that exists, layer III."""
_SAME: Final = 0xFFFE_0C00
"""Sync, version, layer and sample rate: what all frames of a file share."""

_APE_HEAD: Final = 32
_STRANGERS: Final = (
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "AAC in ADTS", "wrap it into M4A: `ffmpeg -i in.aac -c copy out.m4a`"),
    (re.compile(rb"\xff[\xe4-\xe7\xf4-\xf7\xfc-\xff]"), "MPEG audio of layer I or II", "encode it as MP3"),
    (re.compile(rb"fLaC"), "FLAC", "let the file's name end in .flac; then FLAC's own comments get the label"),
    (re.compile(rb"RIFF|RF64"), "a WAV", "take the ID3 tag off the front and label the WAV"),
    (re.compile(rb"OggS"), "Ogg", "take the ID3 tag off the front and label the Ogg file"),
    (re.compile(rb"....ftyp", re.DOTALL), "an MP4", "take the ID3 tag off the front and label the MP4 file"),
)


@dataclass(frozen=True, slots=True)
class _Tags:
    """Every tag of a file, in file order."""

    id3: tuple[_id3.Tag, ...]
    head: int
    """How many of them stand at the beginning."""
    sound: int
    """Offset behind them."""
    end: int
    """Offset of ID3v1, or the file's end."""
    unread: tuple[Unread, ...]


@dataclass(frozen=True, slots=True)
class _Item:
    """An APEv2 item."""

    name: str
    text: str
    start: int
    stop: int

    @property
    def named(self) -> bool:
        return self.name.upper() == "AIGC"

    @property
    def is_label(self) -> bool:
        return self.named or mentions(self.text)

    @property
    def site(self) -> Site:
        """The label in it."""
        return Site(f"APEv2 {self.name}", self.text, Wrapper.BARE if self.named else Wrapper.WRAPPED, guide=False)


@dataclass(frozen=True, slots=True)
class _Ape:
    """An APEv2 tag, as its footer tells."""

    items: tuple[_Item, ...] = ()
    ends: tuple[int, ...] = ()
    """Offsets of the header, if there is one, and of the footer."""
    size: int = 0
    count: int = 0

    @property
    def labels(self) -> list[_Item]:
        """The items with a label."""
        return [i for i in self.items if i.is_label]

    @property
    def counts_without_labels(self) -> bytes:
        """Size and number of items as header and footer write them."""
        return struct.pack("<II", self.size - sum(i.stop - i.start for i in self.labels), self.count - len(self.labels))


def read(source: BinaryIO) -> Reading:
    """Find labels in every ID3v2 tag and in APEv2; the sound is looked at only to tell whether it is MP3."""
    tags = _tags(source)
    sites: list[Site] = []
    unread = list(tags.unread)
    in_heads = 0
    for i, tag in enumerate(tags.id3):
        labels, missed = _id3.labels(source, tag)
        sites += [label.site for label in labels]
        unread += missed
        in_heads = len(sites) if i < tags.head else in_heads
    try:
        sites += [item.site for item in _ape(source, tags).labels]
    except Malformed as e:
        unread.append(Unread("APEv2", e.message))
    return Reading(tuple(sites), tuple(unread or _hidden(source, tags, sites[in_heads:])))


def _hidden(source: BinaryIO, tags: "_Tags", sites: list[Site]) -> list[Unread]:
    """Tell of a label near the file's end that is none of ``sites``: tags may stand in an order that is not followed."""
    size = size_of(source)
    start = max(size - MAX_TAIL_BYTES, tags.sound)
    return stray.unexplained(read_at(source, start, size - start, what="the file's end"), sites, "the file's end")


def splice(source: BinaryIO, label: str) -> Splice:
    """Put the frame into the first tag, or a new tag before the sound; labels elsewhere go, the rest stays."""
    tags = _tags(source)
    if tags.unread:
        raise _broken(tags.unread[0].reason)
    edits: list[Edit] = [] if tags.head else [Edit(0, 0, _id3.new_tag(label))]
    for i, tag in enumerate(tags.id3):
        labels, _ = _id3.labels(source, tag)
        first = i == 0 and tags.head > 0
        edits += _id3.edits(tag, labels, label if first else "") if first or labels else []
    ape = _ape(source, tags)
    edits += [Edit(item.start, item.stop, b"") for item in ape.labels]
    if ape.labels:
        edits += [Edit(at + 12, at + 20, ape.counts_without_labels) for at in ape.ends]
    return spliced(edits, size_of(source))


def _tags(source: BinaryIO) -> _Tags:
    """Collect the tags.

    Raises:
        Malformed: something else than MPEG layer III follows those at the beginning (``mp3.stranger``, ``mp3.broken``).
    """
    size = size_of(source)
    found: list[_id3.Tag] = []
    unread: list[Unread] = []
    at = 0
    try:
        while (tag := _id3.tag_at(source, at, size)) is not None:
            if len(found) == MAX_TAGS:
                raise _broken(f"more than {MAX_TAGS} ID3 tags stand at the file's beginning")
            found.append(tag)
            at = tag.stop
    except Malformed as e:
        unread.append(Unread("ID3", e.message))
    head = len(found)
    if not unread and not any(tag.missing for tag in found):
        _require_sound(source, at)
    end = _id3.end_before_v1(source, floor=at)
    try:
        last = _id3.tag_before(source, end, floor=at)
        found += [last] if last else []
    except Malformed as e:
        unread.append(Unread("ID3 at the end", e.message))
    return _Tags(tuple(found), head, at, end, tuple(unread))


def _require_sound(source: BinaryIO, start: int) -> None:
    """Raise unless layer III begins within ``SEARCH_BYTES``."""
    source.seek(start)
    data = source.read(SEARCH_BYTES)
    begin = data.lstrip(b"\0")
    for pattern, what, hint in _STRANGERS:
        if pattern.match(begin):
            raise Malformed("mp3.stranger", f"expected MPEG layer III behind the ID3 tag, found {what}", hint=hint)
    if not any(is_sound(data, m.start()) for m in _SYNC.finditer(data)):
        raise _broken(f"expected MPEG layer III behind the ID3 tag, found {begin[:8].hex(' ') or 'nothing'}")


def is_sound(data: bytes, at: int = 0) -> bool:
    """Does a frame of layer III stand here, and another behind it as far as ``data`` shows?"""
    length = _frame_bytes(data[at : at + 4])
    following = data[at + length : at + length + 4]
    if not length or len(following) < 4:  # noqa: PLR2004
        return length > 0 and at == 0
    return not (int.from_bytes(following) ^ int.from_bytes(data[at : at + 4])) & _SAME


def _frame_bytes(head: bytes) -> int:
    """Return the length of the frame, or 0 if it is none of layer III (ISO/IEC 11172-3 §2.4.2.3)."""
    if len(head) < 4 or not _SYNC.match(head):  # noqa: PLR2004
        return 0
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if bitrate in {0, 15} or rate == 3:  # noqa: PLR2004 - free format, which needs the next frame, and reserved values
        return 0
    first = version == 3  # noqa: PLR2004
    return (144_000 if first else 72_000) * _KILOBITS[first][bitrate] // _RATES[version][rate] + (head[2] >> 1 & 1)


def _ape(source: BinaryIO, tags: _Tags) -> _Ape:
    """Find the tag before ID3v1 or the last ID3v2 tag, and its items.

    Raises:
        Malformed: the tag is too large, or its parts do not fit together (``mp3.broken``).
    """
    end = tags.id3[-1].start if len(tags.id3) > tags.head else tags.end
    foot = end - _APE_HEAD
    if foot < tags.sound:
        return _Ape()
    mark, version, size, count, flags = struct.unpack("<8sIIII", read_at(source, foot, 24, what="APEv2 footer"))
    if mark != b"APETAGEX" or version not in {1000, 2000}:
        return _Ape()
    start = end - size
    head = start - _APE_HEAD
    if size < _APE_HEAD or start < tags.sound or size > MAX_APE_BYTES or count > MAX_APE_ITEMS:
        raise _broken(f"expected an APEv2 tag of at most {MAX_APE_BYTES} bytes, it says {size} with {count} items")
    data = read_at(source, start, size - _APE_HEAD, what="APEv2 items")
    headed = flags >> 31 and head >= tags.sound and read_at(source, head, 8, what="APEv2 header") == mark
    return _Ape(_ape_items(data, start, count), (head, foot) if headed else (foot,), size, count)


def _ape_items(data: bytes, start: int, count: int) -> tuple[_Item, ...]:
    items: list[_Item] = []
    at = 0
    for _ in range(count):
        key, mark, _rest = data[at + 8 : at + 8 + 256].partition(b"\0")
        value = at + 8 + len(key) + 1
        size = int.from_bytes(data[at : at + 4], "little")
        if not mark or value + size > len(data):
            raise _broken("expected APEv2 items to fit into their tag, but one runs past its end")
        text = data[value : value + size].decode("utf-8", "replace").rstrip("\0")
        items.append(_Item(key.decode("latin-1"), text, start + at, start + value + size))
        at = value + size
    return tuple(items)


def _broken(what: str) -> Malformed:
    return Malformed("mp3.broken", what, hint="the file is damaged or no MP3; get a whole copy, or encode it anew")


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give the texts and manifests of every ID3 tag, and the items of APEv2."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    tags = _tags(source)
    for tag in tags.id3:
        yield from _id3_clues.clues(source, tag)
    with suppress(Malformed):
        yield from (Clue(Channel.TAG, item.name, item.text) for item in _ape(source, tags).items)
