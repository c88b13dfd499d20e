"""The sample entry of a video track (ISO/IEC 14496-12 §12.1.3, ISO/IEC 14496-15): codec, configuration, size and pixels."""

from dataclasses import dataclass, replace
from fractions import Fraction
from struct import pack
from typing import Final

from mingwen.containers.boxes import Box, Node, boxes, broken, named
from mingwen.domain.sites import Unread

CODECS: Final = {
    b"avc1": "h264",
    b"avc2": "h264",
    b"avc3": "h264",
    b"avc4": "h264",
    b"hvc1": "hevc",
    b"hev1": "hevc",
    b"dva1": "h264",
    b"dvav": "h264",
    b"dvh1": "hevc",
    b"dvhe": "hevc",
    b"vvc1": "vvc",
    b"vvi1": "vvc",
    b"vp08": "vp8",
    b"vp09": "vp9",
    b"av01": "av1",
    b"s263": "h263",
    b"h263": "h263",
    b"jpeg": "mjpeg",
    b"mjpa": "mjpeg",
    b"apch": "prores",
    b"apcn": "prores",
    b"apcs": "prores",
    b"apco": "prores",
    b"ap4h": "prores",
    b"ap4x": "prores",
}
"""Entry → codec as ffmpeg calls it."""
OBJECTS: Final = {0x20: "mpeg4", 0x6C: "mjpeg", 0x6A: "mpeg1video", **dict.fromkeys(range(0x60, 0x66), "mpeg2video")}
"""objectTypeIndication of an ``esds`` → codec (ISO/IEC 14496-1, registered at mp4ra.org)."""
CONFIGS: Final = frozenset({b"avcC", b"hvcC", b"vvcC", b"av1C", b"vpcC", b"esds"})

_FIXED = 78
"""What stands before the boxes of an entry."""
_COUNTED = 8
"""Before the entries stand version, flags and their number."""
_PROTECTED = frozenset({b"encv", b"drmi"})
_VISION = frozenset({b"dva1", b"dvav", b"dvh1", b"dvhe"})
_ES, _DECODER = 3, 4
_MAX_ASPECT: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One way in which samples of a track are coded."""

    kind: bytes
    codec: str
    config: bytes
    width: int
    height: int
    aspect: Fraction
    obstacle: str


def entry(stsd: Node, number: int) -> Entry:
    """Read the entry of that number, which begins with 1.

    Raises:
        Malformed: there is none, or it is shorter than it has to be (``iso.broken``).
    """
    at = _entry_box(stsd, number)
    body = bytes(stsd.body[at.body : at.stop])
    inner = dict(reversed(_children(body)))
    kind = at.kind
    config = next((c for k, c in _children(body) if k in CONFIGS), b"")
    codec = _object(config) if kind == b"mp4v" else CODECS.get(kind, "")
    obstacle = ""
    if kind in _PROTECTED or b"sinf" in inner:
        obstacle = "the track is encrypted"
    elif kind == b"resv":
        obstacle = "the track is of a restricted scheme"
    elif kind in _VISION:
        obstacle = "the track is Dolby Vision, whose pictures no other decoder shows as they are meant"
    return Entry(kind, codec, config, *_size(body), _aspect(inner.get(b"pasp", b"")), obstacle)


def configured(stsd: Node, number: int, config: bytes) -> Node:
    """Return the box with another decoder configuration in an entry.

    Raises:
        Malformed: the entry has none (``iso.broken``).
    """
    at = _entry_box(stsd, number)
    body = bytes(stsd.body[at.body : at.stop])
    old = next((b for b in boxes(body[_FIXED:]) if isinstance(b, Box) and b.kind in CONFIGS), None)
    if old is None:
        raise broken(f"{named(at.kind)} has no decoder configuration")
    start, stop = _FIXED + old.start, _FIXED + old.stop
    body = body[:start] + pack(">I4s", 8 + len(config), old.kind) + config + body[stop:]
    whole = pack(">I4s", 8 + len(body), at.kind) + body
    return replace(stsd, body=bytes(stsd.body[: at.start]) + whole + bytes(stsd.body[at.stop :]))


def _entry_box(stsd: Node, number: int) -> Box:
    """Return where an entry stands in the body of a ``stsd``."""
    for count, box in enumerate(boxes(stsd.body[_COUNTED:]), 1):
        if isinstance(box, Unread) or count > number:
            break
        if count == number:
            at = Box(box.kind, box.start + _COUNTED, box.head, box.stop + _COUNTED)
            if at.stop - at.body < _FIXED:
                raise broken(f"the sample entry {named(box.kind)} has {at.stop - at.body} bytes")
            return at
    raise broken(f"stsd has no sample entry {number}")


def _children(body: bytes) -> list[tuple[bytes, bytes]]:
    found = [b for b in boxes(body[_FIXED:]) if isinstance(b, Box)]
    return [(b.kind, body[_FIXED + b.body : _FIXED + b.stop]) for b in found]


def _size(body: bytes) -> tuple[int, int]:
    return int.from_bytes(body[24:26]), int.from_bytes(body[26:28])


def _aspect(pasp: bytes) -> Fraction:
    wide, high = int.from_bytes(pasp[:4]), int.from_bytes(pasp[4:8])
    return Fraction(wide, high) if 0 < wide < _MAX_ASPECT * high and 0 < high < _MAX_ASPECT * wide else Fraction(1)


def _object(esds: bytes) -> str:
    """Return the codec that an elementary stream descriptor names (ISO/IEC 14496-1 §7.2.6)."""
    at = 4
    for tag in (_ES, _DECODER):
        if esds[at : at + 1] != bytes([tag]):
            return ""
        at += 1
        while esds[at : at + 1] >= b"\x80":  # its length, seven bits a byte
            at += 1
        at += 1
        if tag == _ES:
            flags = esds[at + 2] if at + 2 < len(esds) else 0
            at += 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
            at += 1 + esds[at] if flags & 0x40 and at < len(esds) else 0
    return OBJECTS.get(esds[at], "") if at < len(esds) else ""
