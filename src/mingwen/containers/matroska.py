"""Matroska and WebM (RFC 9559): where a Segment's parts, Clusters and blocks stand, and what a video track's entry says."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import cos, radians, sin
from struct import unpack
from typing import BinaryIO, Final, NamedTuple

from mingwen.containers import ebml
from mingwen.containers.ebml import CRC32, VOID, Element
from mingwen.containers.edits import read_at, size_of

MAX_OUTERMOST: Final = 64
"""Elements before the first Segment."""
MAX_CLUSTERS: Final = 100_000
"""Ten hours of Clusters of a second have 36,000."""
MAX_PARTS: Final = 4096
"""Elements of a Segment besides Clusters and Voids."""
MAX_PART_BYTES: Final = 16 << 20
"""Of one element that is read whole: tracks, cues, a SeekHead."""
MAX_TIME: Final = 1 << 48
"""In ticks; what is later is not believed."""
MAX_IDLE: Final = 65_536
"""Elements that are no blocks where blocks are expected, besides one for each Cluster of unknown size."""
MAX_AHEAD: Final = 16
"""Elements before the first block of a Cluster that are looked at."""
MAX_IN_GROUP: Final = 64
"""Children of one BlockGroup; a picture has some three."""

EBML, SEGMENT = 0x1A45DFA3, 0x18538067
SEEKHEAD, SEEK, SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AC
INFO, TIMESTAMP_SCALE = 0x1549A966, 0x2AD7B1
TRACKS, TRACK_ENTRY, CODEC_PRIVATE, TRACK_NUMBER, TRACK_TYPE = 0x1654AE6B, 0xAE, 0x63A2, 0xD7, 0x83
CLUSTER, TIMESTAMP, POSITION, PREV_SIZE = 0x1F43B675, 0xE7, 0xA7, 0xAB
SIMPLE_BLOCK, BLOCK_GROUP, BLOCK, BLOCK_DURATION, REFERENCE_BLOCK = 0xA3, 0xA0, 0xA1, 0x9B, 0xFB
CUES, CUE_POINT, CUE_TIME, CUE_POSITIONS = 0x1C53BB6B, 0xBB, 0xB3, 0xB7
CUE_TRACK, CUE_CLUSTER, CUE_RELATIVE, CUE_STATE, CUE_REFERENCE = 0xF7, 0xF1, 0xF0, 0xEA, 0xDB
_PARTS: Final = frozenset({SEEKHEAD, INFO, TRACKS, CLUSTER, CUES, 0x1043A770, 0x1941A469, 0x1254C367})
"""Children of a Segment, which end a Cluster of unknown size (RFC 9559 §5.1)."""

CODECS: Final = {
    b"V_MPEG4/ISO/AVC": "h264",
    b"V_MPEGH/ISO/HEVC": "hevc",
    b"V_VP8": "vp8",
    b"V_VP9": "vp9",
    b"V_AV1": "av1",
    b"V_MPEG4/ISO/SP": "mpeg4",
    b"V_MPEG4/ISO/ASP": "mpeg4",
    b"V_MPEG4/ISO/AP": "mpeg4",
    b"V_MJPEG": "mjpeg",
    b"V_MPEG1": "mpeg1video",
    b"V_MPEG2": "mpeg2video",
    b"V_PRORES": "prores",
    b"V_FFV1": "ffv1",
    b"V_THEORA": "theora",
}
"""CodecID → codec as ffmpeg calls it."""
VIDEO = 1
"""A TrackType."""
_CODEC_ID, _DEFAULT_DURATION, _TRACK_SCALE, _ENCODINGS, _OPERATION = 0x86, 0x23E383, 0x23314F, 0x6D80, 0xE2
_PICTURE, _WIDTH, _HEIGHT, _SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT = 0xE0, 0xB0, 0xBA, 0x54B0, 0x54BA, 0x54B2
_ALPHA, _PROJECTION, _ROLL = 0x53C0, 0x7670, 0x7675
_UNKNOWN_UNIT = 4
_MAX_ASPECT: Final = 1 << 16
_SIMPLE_HEAD_BYTES: Final = 24
"""ID and size of a block, its track, time and flags: 20 at most."""
KEY, DISCARDABLE, LACED = 0x80, 0x01, 0x06
"""Flags of a block (RFC 9559 §10.1)."""


class Cluster(NamedTuple):
    """One Cluster."""

    start: int
    data: int
    stop: int
    known: bool
    """Has it a size?"""
    time: int
    heads: tuple[Element, ...]
    """Its CRC-32, position and size of the one before, as far as there are any."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The first Segment of a file."""

    head: Element
    stop: int
    parts: tuple[Element, ...]
    """All children in order but Clusters and Voids."""
    clusters: tuple[Cluster, ...]

    def first(self, kind: int) -> Element | None:
        """Return the first child of a kind."""
        return next((p for p in self.parts if p.kind == kind), None)


class Block(NamedTuple):
    """One block, alone or in its group."""

    start: int
    data: int
    stop: int
    """Of the SimpleBlock or BlockGroup."""
    inner: Element
    """The block itself."""
    payload: int
    """Where the frame begins."""
    time: int
    """In ticks, from the beginning of the Cluster."""
    flags: int
    key: bool
    duration: int
    """In ticks; 0 if it is not said."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a video track's entry says."""

    number: int
    codec: str
    config: bytes
    width: int
    height: int
    aspect: Fraction
    matrix: tuple[int, ...] | None
    nanoseconds: int
    """Of one picture; 0 if it is not said."""
    obstacle: str


def segment(source: BinaryIO) -> Segment:
    """Walk the first Segment.

    Raises:
        Malformed: there is none, or elements contradict each other, or are more than the constants say (``ebml.broken``).
    """
    end = size_of(source)
    for number, element in enumerate(ebml.walk(source, 0, 1 << 63)):
        if element.kind == SEGMENT:
            break
        if number == MAX_OUTERMOST or not element.known:
            raise ebml.broken(f"expected a Segment, found {element.kind:X}")
    else:
        raise ebml.broken("expected a Segment, found none")
    if element.known and element.stop > end:
        raise ebml.broken(f"expected {element.stop - element.data} bytes in the Segment, found {end - element.data}")
    return _segment(source, element, element.stop if element.known else end)


def blocks(source: BinaryIO, cluster: Cluster, track: int) -> Iterator[Block]:
    """Yield the blocks of one track in a Cluster.

    Raises:
        Malformed: elements contradict each other (``ebml.broken``).
    """
    at = cluster.data
    mine, idle = 0x80 | track, 0
    while at < cluster.stop:
        source.seek(at)
        head = source.read(_SIMPLE_HEAD_BYTES)
        if length := _foreign(head, mine):  # most blocks are of other tracks
            at += length
            continue
        element = ebml.element(head, at)
        if not element.known or element.stop > cluster.stop:
            raise ebml.broken(f"expected {element.kind:X} at {at} to end in its Cluster")
        idle += element.kind not in {SIMPLE_BLOCK, BLOCK_GROUP}
        if idle > MAX_IDLE:
            raise ebml.broken(f"expected at most {MAX_IDLE} elements that are no blocks")
        if element.kind == SIMPLE_BLOCK:
            block = _block(head[element.data - at :], element, element, track)
        else:
            block = _group(source, element, track) if element.kind == BLOCK_GROUP else None
        if block is not None:
            yield block
        at = element.stop


def payload(source: BinaryIO, part: Element) -> bytes:
    """Read one part of a Segment whole, if it has not more than ``MAX_PART_BYTES``."""
    size = part.stop - part.data
    if size > MAX_PART_BYTES:
        raise ebml.broken(f"expected at most {MAX_PART_BYTES} bytes in {part.kind:X}, which has {size}")
    return read_at(source, part.data, size, what=f"element {part.kind:X}")


def timestamp_scale(source: BinaryIO, found: Segment) -> int:
    """Return how many nanoseconds a tick takes."""
    info = found.first(INFO)
    values = dict(_values(payload(source, info))) if info else {}
    scale = number(values.get(TIMESTAMP_SCALE, b"")) or 1_000_000
    if scale > 1 << 40:
        raise ebml.broken(f"expected ticks shorter than an hour, found {scale} ns")
    return scale


def video(tracks: bytes) -> Entry | None:
    """Return the first video track that the payload of Tracks tells of."""
    for element, body in ebml.inside(tracks):
        if element.kind == TRACK_ENTRY:
            values = dict(reversed(_values(body)))
            if number(values.get(TRACK_TYPE, b"")) == VIDEO:
                return _entry(values)
    return None


def number(data: bytes) -> int:
    """Read an unsigned integer."""
    return int.from_bytes(data[:8])


def _segment(source: BinaryIO, head: Element, stop: int) -> Segment:
    """Walk a Segment's children, and those of Clusters of unknown size as if they were beside them."""
    parts: list[Element] = []
    clusters: list[Cluster] = []
    within = False  # a Cluster of unknown size?
    idle = 0
    for element in ebml.walk(source, head.data, stop):
        kind = element.kind
        if within and (kind in _PARTS or kind in {EBML, SEGMENT}):
            clusters[-1] = clusters[-1]._replace(stop=element.start)
            within = False
        if kind in {EBML, SEGMENT}:
            stop = element.start
            break
        if kind == CLUSTER:
            clusters.append(_cluster(source, element, stop))
            within = not element.known
        elif not within and kind != VOID:
            if not element.known:
                raise ebml.broken(f"expected a size at {kind:X}, found none")
            parts.append(element)
        idle += kind not in {CLUSTER, SIMPLE_BLOCK, BLOCK_GROUP}
        if len(clusters) > MAX_CLUSTERS or len(parts) > MAX_PARTS or idle > len(clusters) + MAX_IDLE:
            raise ebml.broken(f"expected at most {MAX_CLUSTERS} Clusters, {MAX_PARTS} parts and {MAX_IDLE} Voids")
    return Segment(head, stop, tuple(parts), tuple(clusters))


def _cluster(source: BinaryIO, element: Element, end: int) -> Cluster:
    """Look at what stands before the blocks."""
    time, heads = 0, list[Element]()
    stop = element.stop if element.known else end
    for child in islice(ebml.walk(source, element.data, stop), MAX_AHEAD):
        if child.kind in {SIMPLE_BLOCK, BLOCK_GROUP} or child.kind in _PARTS:
            break
        if child.kind == TIMESTAMP:
            time = number(read_at(source, child.data, min(child.stop - child.data, 8), what="a Cluster's time"))
        elif child.kind in {CRC32, POSITION, PREV_SIZE} and len(heads) < 3:  # noqa: PLR2004 - one of each
            heads.append(child)
    if time > MAX_TIME:
        raise ebml.broken(f"expected the time of a Cluster, found {time}")
    return Cluster(element.start, element.data, stop, element.known, time, tuple(heads))


def _foreign(head: bytes, mine: int) -> int:
    """Return how long a SimpleBlock of another track is; 0 for all that takes a closer look."""
    if len(head) < _SIMPLE_HEAD_BYTES or head[0] != SIMPLE_BLOCK:
        return 0
    width = 9 - head[1].bit_length()
    if width > 8 or head[1 + width] == mine or head[1 + width] < 0x80:  # noqa: PLR2004 - a track with a number of one byte
        return 0
    most = (1 << 7 * width) - 1
    size = int.from_bytes(head[1 : 1 + width]) & most
    return 1 + width + size if size != most else 0


def _block(head: bytes, outer: Element, inner: Element, track: int) -> Block | None:
    """Read track, time and flags; None if the block is of another track."""
    width = 9 - head[0].bit_length() if head else 9
    if len(head) < width + 3 or inner.stop - inner.data < width + 3:
        raise ebml.broken(f"expected a block at {inner.start}, found {head.hex(' ')}")
    if int.from_bytes(head[:width]) & (1 << 7 * width) - 1 != track:
        return None
    (time,) = unpack(">h", head[width : width + 2])
    flags = head[width + 2]
    return Block(*outer[1:4], inner, inner.data + width + 3, time, flags, bool(flags & KEY), 0)


def _group(source: BinaryIO, outer: Element, track: int) -> Block | None:
    """Read a BlockGroup: what refers to no other is a key (RFC 9559 §10.2)."""
    found: Block | None = None
    key, duration = True, 0
    for count, child in enumerate(ebml.walk(source, outer.data, outer.stop)):
        if count == MAX_IN_GROUP or not child.known:
            raise ebml.broken(f"expected at most {MAX_IN_GROUP} elements with a size in a BlockGroup")
        if child.kind == BLOCK:
            head = read_at(source, child.data, min(child.stop - child.data, 11), what="a block")
            found = _block(head, outer, child, track)
            if found is None:
                return None
        elif child.kind == BLOCK_DURATION:
            duration = number(read_at(source, child.data, min(child.stop - child.data, 8), what="a duration"))
        key = key and child.kind != REFERENCE_BLOCK
    return found._replace(key=key, duration=min(duration, MAX_TIME)) if found else None


def _values(body: bytes) -> list[tuple[int, bytes]]:
    return [(element.kind, value) for element, value in ebml.inside(body)]


def _entry(values: dict[int, bytes]) -> Entry:
    codec = values.get(_CODEC_ID, b"").rstrip(b"\0")
    picture = dict(reversed(_values(values.get(_PICTURE, b""))))
    width, height = number(picture.get(_WIDTH, b"")), number(picture.get(_HEIGHT, b""))
    obstacles = (
        (_ENCODINGS in values, "its blocks are compressed or encrypted"),
        (_OPERATION in values, "it is made of other tracks"),
        (_real(values.get(_TRACK_SCALE, b"")) not in {0, 1}, "its clock runs at a speed of its own"),
        (number(picture.get(_ALPHA, b"")) != 0, "its transparency stands beside the pictures"),
    )
    return Entry(
        number(values.get(TRACK_NUMBER, b"")),
        CODECS.get(codec, ""),
        values.get(CODEC_PRIVATE, b""),
        width,
        height,
        _aspect(picture, width, height),
        _turned(picture),
        min(number(values.get(_DEFAULT_DURATION, b"")), 1 << 40),
        next((why for there, why in obstacles if there), ""),
    )


def _aspect(picture: dict[int, bytes], width: int, height: int) -> Fraction:
    """Return the shape of a pixel: how a picture is shown, by how it is stored (RFC 9559 §5.1.4.1.28)."""
    wide = (number(picture.get(_SHOWN_WIDTH, b"")) or width) * height
    high = (number(picture.get(_SHOWN_HEIGHT, b"")) or height) * width
    if number(picture.get(_SHOWN_UNIT, b"")) >= _UNKNOWN_UNIT:
        return Fraction(1)
    return Fraction(wide, high) if 0 < wide < _MAX_ASPECT * high and 0 < high < _MAX_ASPECT * wide else Fraction(1)


def _turned(picture: dict[int, bytes]) -> tuple[int, ...] | None:
    """Return the matrix of a picture that is rolled, counter-clockwise, in degrees (RFC 9559 §5.1.4.1.28.46)."""
    projection = dict(_values(picture.get(_PROJECTION, b"")))
    roll = _real(projection.get(_ROLL, b""))
    if not roll or not -360 <= roll <= 360:  # noqa: PLR2004 - degrees
        return None
    a, b = (round(f(radians(roll)) * (1 << 16)) for f in (cos, sin))
    return None if (a, b) == (1 << 16, 0) else (a, -b, 0, b, a, 0, 0, 0, 1 << 30)


def _real(data: bytes) -> float:
    """Read a floating-point number of 4 or 8 bytes; 0 for anything else."""
    kind = {4: ">f", 8: ">d"}.get(len(data))
    return float(unpack(kind, data)[0]) if kind else 0.0
