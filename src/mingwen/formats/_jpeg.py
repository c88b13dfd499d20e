"""JPEG: XMP in an APP1 segment (TC260-PG-20259A).

Read too: Exif UserComment and ImageDescription (Annex B), a bare label glued into an APPn or COM segment, and what stands after
EOI. Structure: ITU-T T.81 Annex B; XMP specification part 3, §1.1.3.
"""

import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import OLDER_FIELDS, mentions
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _exif, _iptc, _xmp
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

MAX_SEGMENTS: Final = 10_000
"""Header segments that are walked; a large ICC profile or a maker's preview takes a few hundred."""
STEP_BYTES: Final = 64 << 10
"""The step in which EOI is looked for, from the file's end."""
MAX_SEGMENT_BYTES: Final = 65_533
"""T.81 B.1.1.4: the length field has 16 bits and counts itself."""

_SOI: Final = b"\xff\xd8"
_EOI: Final = b"\xff\xd9"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION: Final = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_PLACE: Final = f"extended {_xmp.PLACE}"
_EXIF: Final = b"Exif\0\0"
_SOS, _COM, _APP0, _APP1, _APP11, _APP13, _APP15 = 0xDA, 0xFE, 0xE0, 0xE1, 0xEB, 0xED, 0xEF
_RESOURCES: Final = b"Photoshop 3.0\0"
_ONES_OWN: Final = (_XMP, _EXIF, _EXTENSION, _RESOURCES, b"JFIF\0", b"JFXX\0", b"ICC_PROFILE\0", b"MPF\0", b"Adobe", b"JP")
"""Beginnings of segments that are standards' own; what else stands in an APPn is a vendor's."""
MAX_HELD_BYTES: Final = 8 << 20
"""Of extended XMP and of manifests, which are joined from segments."""
_ALONE: Final = {0x01, *range(0xD0, 0xD8)}
"""TEM and RSTn: markers without a length."""


@dataclass(frozen=True, slots=True)
class _Segment:
    marker: int
    start: int
    """Offset of the 0xFF."""
    data: bytes
    """What follows the length field."""
    stop: int

    @property
    def is_xmp(self) -> bool:
        return self.marker == _APP1 and self.data.startswith(_XMP)

    @property
    def is_exif(self) -> bool:
        return self.marker == _APP1 and self.data.startswith(_EXIF)

    @property
    def is_extended(self) -> bool:
        return self.marker == _APP1 and self.data.startswith(_EXTENSION)

    @property
    def is_manifest(self) -> bool:
        """Is it a part of a JUMBF box? What a manifest holds is signed, and read by its own verifiers."""
        return self.marker == _APP11 and self.data.startswith(b"JP")

    @property
    def is_index(self) -> bool:
        return self.marker == _APP0 + 2 and self.data.startswith(b"MPF\0")

    @property
    def name(self) -> str:
        return "COM" if self.marker == _COM else f"APP{self.marker - _APP0}"


def read(source: BinaryIO) -> Reading:
    """Find labels in the segments before the first scan, and behind the end."""
    sites: list[Site] = []
    unread: list[Unread] = []
    extended: list[_Segment] = []
    try:
        for segment in _segments(source):
            extended += [segment] if segment.is_extended else []
            try:
                found = _sites(segment)
                sites += found
                if not (segment.is_extended or segment.is_manifest):
                    unread += stray.unexplained(segment.data, found, segment.name)
            except Malformed as e:
                unread.append(Unread(segment.name, e.message))
        found = _extended_sites(extended)
        sites += found
        unread += stray.unexplained(b"".join(_extended(extended)), found, _EXTENDED_PLACE)
    except Malformed as e:
        unread.append(Unread("segments or extended XMP", e.message))
    else:
        end = _end(source, segment.stop)
        if end is None:
            unread.append(Unread("scans", "ends without EOI: the file is cut off"))
        tail = _tail(source, segment.stop)
        behind = stray.read(source, tail, "after EOI")
        sites += behind.sites
        unread += behind.unread
        unread += stray.hidden(source, segment.stop, tail, "scans")
    return Reading(tuple(sites), tuple(unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the XMP property in the packet that is there, or in a new APP1 behind APP0 and Exif; nothing else moves."""
    segments = list(_segments(source))
    packets = [s for s in segments if s.is_xmp]
    edits: list[Edit] = [Edit(s.start, s.stop, b"") for s in packets[1:] if _sites(s)]
    edits += [e for s in segments for e in _without_label(s)]
    if packets:
        edits.append(Edit(packets[0].start, packets[0].stop, _xmp_segment(_xmp.edit(packets[0].data[len(_XMP) :], label))))
    else:
        at = max((s.stop for s in segments if s.marker == _APP0 or s.is_exif), default=len(_SOI))
        at = min([at, *(s.start for s in segments if s.is_index)])
        edits.append(Edit(at, at, _xmp_segment(_xmp.edit(None, label))))
    edits += stray.edits(source, _tail(source, segments[-1].stop))
    _require_index(segments, edits)
    if _extended_sites([s for s in segments if s.is_extended]):
        hint = "write the picture's XMP anew without the label, or take the original"
        raise Refused("jpeg.extended-xmp", "expected no label in extended XMP, found one", hint=hint)
    return spliced(edits, size_of(source))


def _require_index(segments: list[_Segment], edits: list[Edit]) -> None:
    """Refuse what would move the pictures that a multi-picture index (CIPA DC-007) points to, counted from itself."""
    for index in (s for s in segments if s.is_index):
        if sum(len(e.new) - (e.stop - e.start) for e in edits if e.start >= index.stop):
            raise Refused(
                "jpeg.index",
                "expected the metadata before the picture's multi-picture index, found some behind it",
                hint="save the picture anew, or take its first picture alone",
            )


def _extended_sites(segments: list[_Segment]) -> list[Site]:
    return [site for packet in _extended(segments) for site in _xmp.sites(packet, _EXTENDED_PLACE, guide=False)]


def _extended(segments: list[_Segment]) -> list[bytes]:
    """Join extended XMP (XMP specification part 3, §1.1.3.1: GUID, length, offset, then a part)."""
    parts: dict[bytes, dict[int, bytes]] = {}
    for s in segments:
        head = s.data[len(_EXTENSION) :]
        parts.setdefault(head[:32], {})[int.from_bytes(head[36:40])] = head[40:]
    return [b"".join(found[at] for at in sorted(found)) for found in parts.values()]


def _segments(source: BinaryIO) -> Iterator[_Segment]:
    """Walk the metadata segments (APPn, COM) before the first scan, and end with an empty one at the scan."""
    at = len(_SOI)
    for _ in range(MAX_SEGMENTS):
        first, marker = read_at(source, at, 2, what="segment marker")
        if first != 0xFF:  # noqa: PLR2004 - every marker begins so
            raise _broken(f"expected a marker at {at}, found {first:#04x}")
        if marker == 0xFF or marker in _ALONE:  # noqa: PLR2004 - B.1.1.2: fill bytes may precede a marker
            at += 1 if marker == 0xFF else 2  # noqa: PLR2004
            continue
        if marker in {_SOS, _EOI[1]}:
            yield _Segment(marker, at, b"", at)
            return
        length = int.from_bytes(read_at(source, at + 2, 2, what="segment length"))
        if length < 2:  # noqa: PLR2004 - the length counts its own two bytes
            raise _broken(f"segment at {at} says it has {length} bytes")
        stop = at + 2 + length
        if _APP0 <= marker <= _APP15 or marker == _COM:
            yield _Segment(marker, at, read_at(source, at + 4, length - 2, what=f"segment {marker:#04x}"), stop)
        at = stop
    raise _broken(f"more than {MAX_SEGMENTS} segments stand before the picture")


def _sites(segment: _Segment) -> list[Site]:
    if segment.is_xmp:
        return _xmp.sites(segment.data[len(_XMP) :], guide=True)
    if segment.is_exif:
        found = _exif.labels(segment.data[len(_EXIF) :])
        return [Site(place, text, Wrapper.WRAPPED, guide=False) for place, text in found]
    glued = [segment.data[start:stop].decode("utf-8", "replace") for start, stop in _glued(segment)]
    return [Site(segment.name, text, Wrapper.EITHER, guide=False) for text in glued]


def _glued(segment: _Segment) -> list[tuple[int, int]]:
    """Find labels among other bytes of a segment: ``AIGC{…}`` near JFIF, or JSON in a comment."""
    data = segment.data
    if segment.is_extended or segment.is_manifest or b"{" not in data:
        return []
    if found := stray.objects(data):
        return found
    # What no plain key gives away: escaped ones, and the older schema.
    telling = b"\\u" in data or OLDER_FIELDS[0].encode() in data
    return (
        [(data.index(b"{"), data.rfind(b"}") + 1 or len(data))] if telling and mentions(data.decode("utf-8", "replace")) else []
    )


def _without_label(segment: _Segment) -> list[Edit]:
    """Blank a label that stands in Exif or glued into another segment, which keeps its length; a comment goes whole."""
    if segment.is_exif:
        tiff = segment.data[len(_EXIF) :]
        return [Edit(segment.start + 4 + len(_EXIF), segment.stop, _exif.blank(tiff))] if _exif.labels(tiff) else []
    glued = [] if segment.is_xmp else _glued(segment)
    if glued and segment.marker == _COM:
        return [Edit(segment.start, segment.stop, b"")]
    base = segment.stop - len(segment.data)
    return [Edit(base + start, base + stop, bytes(stop - start)) for start, stop in glued]


def _tail(source: BinaryIO, scan: int) -> int:
    """Return from where labels are looked for closely. Not from the last EOI: what follows a label may end in the same bytes."""
    return max(scan, size_of(source) - STEP_BYTES)


def _end(source: BinaryIO, scan: int) -> int | None:
    """Return the offset behind the last EOI, looked for from the file's end down to the first scan; None if there is none.

    Entropy-coded data cannot hold the marker (T.81 B.1.1.5), so a cut-off picture has none.
    """
    upper = size_of(source)
    while upper > scan:
        lower = max(scan, upper - STEP_BYTES)
        found = read_at(source, lower, upper - lower, what="scans").rfind(_EOI)
        if found >= 0:
            return lower + found + len(_EOI)
        upper = lower + 1 if lower > scan else scan
    return None


def _xmp_segment(packet: bytes) -> bytes:
    """Wrap a packet; one that is too long first gives up its padding, which XMP part 1 §7.3 provides for edits."""
    if len(_XMP) + len(packet) > MAX_SEGMENT_BYTES:
        head, mark, end = packet.rpartition(b"<?xpacket end=")
        packet = head.rstrip() + b"\n" + mark + end
    if len(_XMP) + len(packet) > MAX_SEGMENT_BYTES:
        raise Refused(
            "jpeg.no-room",
            f"expected an XMP packet of at most {MAX_SEGMENT_BYTES - len(_XMP)} bytes with the label, got {len(packet)}",
            hint="the picture's own XMP nearly fills its segment; shorten it, for example its edit history",
        )
    return bytes([0xFF, _APP1]) + (len(_XMP) + len(packet) + 2).to_bytes(2) + _XMP + packet


def _broken(what: str) -> Malformed:
    return Malformed("jpeg.broken", what, hint="the file is damaged or no JPEG; get a whole copy")


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give comments, Exif, XMP, IPTC, a manifest in APP11 (C2PA 2.2 Appendix A), and what vendors put into segments."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    extended: list[_Segment] = []
    boxes: list[_Segment] = []
    held = 0
    with suppress(Malformed):
        for segment in _segments(source):
            if segment.is_extended or segment.is_manifest:
                held += len(segment.data)
                (extended if segment.is_extended else boxes).extend([segment] if held <= MAX_HELD_BYTES else [])
            else:
                yield from _of_segment(segment)
    yield from (_clues.xmp("extended XMP", packet) for packet in _extended(extended))
    for store in _joined(boxes):
        yield _clues.manifest("APP11", io.BytesIO(store), 0, len(store))


def _of_segment(segment: _Segment) -> Iterable[Clue]:
    data = segment.data
    if segment.is_xmp:
        return [_clues.xmp("APP1", data[len(_XMP) :])]
    if segment.is_exif:
        return _clues.exif(data[len(_EXIF) :])
    if segment.marker == _COM:
        return [Clue(Channel.TEXT, "comment", data.decode("utf-8", "replace").rstrip("\0"))]
    if segment.marker == _APP13 and data.startswith(_RESOURCES):
        return _iptc.clues(data[len(_RESOURCES) :])
    if data.startswith(_ONES_OWN):
        return ()
    return [Clue(Channel.PRIVATE, segment.name, _clues.printable(data))]


def _joined(segments: list[_Segment]) -> list[bytes]:
    """Join JUMBF boxes (ISO/IEC 19566-5 Annex D): JP, box number, packet number, then the box; its head stands in each part."""
    parts: dict[bytes, dict[int, bytes]] = {}
    for s in segments:
        parts.setdefault(s.data[2:4], {})[int.from_bytes(s.data[4:8])] = s.data[8:]
    stores: list[bytes] = []
    for found in parts.values():
        first, *rest = (found[number] for number in sorted(found))
        head = 16 if first[:4] == b"\0\0\0\1" else 8
        stores.append(b"".join([first, *(part[head:] for part in rest)]))
    return stores
