"""TIFF and BigTIFF: XMP in tag 700 of the first directory, type UNDEFINED (TC260-PG-20259A).

Read too: type BYTE, which most programs write, packets of other directories, text tags (Annex B), and what no directory names.
A new tag needs a new first directory, which is put at the file's end; no pixel and no other offset moves. Structure: TIFF 6.0 §2;
XMP specification part 3, §1.1.7.
"""

import itertools
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from mingwen.containers import ifd, stray
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.containers.ifd import Directory, Entry, Layout
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import mentions
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _iptc, _xmp
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

MAX_VALUE_BYTES: Final = 8 << 20
"""A longer value is only searched for what looks like a label."""
MIN_VALUE_BYTES: Final = 16
"""No label is as short."""
MAX_UNREAD: Final = 64
MAX_RANGES: Final = 50_000
"""Stretches of a file that are held; those beside each other are one."""
ROOM_BYTES: Final = 2048
"""White space in a new packet, which XMP part 1 §7.3 provides for edits: the next label stands in the same place."""

_XMP, _C2PA, _IPTC, _USER_COMMENT = 0x02BC, 0xCD41, 0x83BB, 0x9286
_BYTES: Final = {1, 2, 6, 7, 129}
"""Types whose values may be text."""
_ASCII: Final = {2, 129}
_PIXELS: Final = {0x0111: 0x0117, 0x0144: 0x0145, 0x0201: 0x0202}
"""Tags of offsets, and of how many bytes stand there: strips, tiles, JPEG's old form."""
_LAYERS: Final = {0x935C, 0x015B}
"""Photoshop's layers and JPEG's tables: pixels in a tag."""
_RAW_KINDS: Final = {32803, 34892}
"""PhotometricInterpretation of a sensor's own values: CFA and LinearRaw (TIFF/EP, DNG)."""
_PHOTOMETRIC, _DNG_VERSION = 0x0106, 0xC612
_WIDE: Final = {0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject"}
"""Windows writes them in UTF-16 LE whatever the file's order."""
_NAMES: Final = _WIDE | {
    0x010D: "DocumentName",
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x011D: "PageName",
    0x0131: "Software",
    0x0132: "DateTime",
    0x013B: "Artist",
    0x013C: "HostComputer",
    0x8298: "Copyright",
    0x9003: "DateTimeOriginal",
    0x9004: "DateTimeDigitized",
    _USER_COMMENT: "UserComment",
    0xA420: "ImageUniqueID",
    0xA430: "CameraOwnerName",
    0xA431: "BodySerialNumber",
    0xA433: "LensMake",
    0xA434: "LensModel",
    0xA436: "ImageTitle",
    0xA437: "Photographer",
    0xA438: "ImageEditor",
    0xA439: "CameraFirmware",
    0xA43A: "RAWDevelopingSoftware",
    0xA43B: "ImageEditingSoftware",
    0xA43C: "MetadataEditingSoftware",
    0xA480: "GDALMetadata",
}
_CHARSETS: Final = {b"UNICODE\0": "", b"JIS\0\0\0\0\0": "iso2022_jp"}
_BEHIND: Final = "after the last part"
_STORE: Final = re.compile(rb"(....)jumb....jumdc2pa", re.DOTALL)
_LOST: Final = re.compile(rb"\{[^{}]*+\}")
"""A label that no directory names any more, as JSON or within XMP."""


@dataclass(frozen=True, slots=True)
class _Value:
    """The bytes of one entry that may say something; of a manifest none."""

    shape: Layout
    directory: str
    entry: Entry
    data: bytes

    @property
    def is_guide(self) -> bool:
        return self.entry.tag == _XMP and self.directory == "IFD0"

    @property
    def name(self) -> str:
        """Exif's English name of the tag; GPS and Interop number theirs anew."""
        known = _NAMES.get(self.entry.tag) if not self.directory.endswith(("GPS", "Interop")) else None
        return known or f"{self.entry.tag:#06x}"

    @property
    def place(self) -> str:
        below = "" if self.directory == "IFD0" else f"{self.directory.removeprefix('IFD0 ')} "
        if self.entry.tag == _XMP:
            return f"{below}{_xmp.PLACE}"
        return f"{'Exif' if below in {'', 'Exif '} else below.strip()} {self.name}"

    @property
    def is_text(self) -> bool:
        return self.entry.kind in _ASCII or self.name in _NAMES.values()

    @property
    def text(self) -> str:
        codec, data = "utf-8", self.data
        if self.name == "UserComment":
            codec = _CHARSETS.get(data[:8], "utf-8") or ("utf-16-le" if self.shape.order == "<" else "utf-16-be")
            data = data[8:]
        elif self.name in _WIDE.values():
            codec = "utf-16-le"
        return data.decode(codec, "replace").rstrip("\0 ")


@dataclass(slots=True)
class _Map:
    """Which stretches of the file the directories name."""

    ranges: list[tuple[int, int]] = field(default_factory=list)
    full: bool = False

    def add(self, start: int, stop: int) -> None:
        if len(self.ranges) >= 2 * MAX_RANGES:
            self.join()
            self.full = self.full or len(self.ranges) > MAX_RANGES
        if not self.full:
            self.ranges.append((start, stop))

    def join(self) -> None:
        """Join what overlaps, or leaves no room for a label between."""
        out: list[tuple[int, int]] = []
        for start, stop in sorted(self.ranges):
            if out and start < out[-1][1] + MIN_VALUE_BYTES:
                out[-1] = out[-1][0], max(stop, out[-1][1])
            else:
                out.append((start, stop))
        self.ranges = out

    def gaps(self, size: int) -> list[tuple[int, int]]:
        """Return what is not named, in order; the last one reaches to the file's end, empty or not."""
        self.join()
        inner = [(a[1], min(b[0], size)) for a, b in itertools.pairwise(self.ranges) if a[1] < size]
        return [*inner, (min(self.ranges[-1][1], size), size)]


def read(source: BinaryIO) -> Reading:
    """Find labels in packets and text tags of all directories, and in what none of them names."""
    sites: list[Site] = []
    unread: list[Unread] = []
    shape, size, named = ifd.layout(source), size_of(source), _Map()
    for value in _values(source, shape, _mapped(source, shape, named)):
        found = [value] if isinstance(value, Unread) else _findings(value)
        sites += [f for f in found if isinstance(f, Site)]
        unread += [f for f in found if isinstance(f, Unread)][: MAX_UNREAD - len(unread)]
    *inner, (end, _) = named.gaps(size)
    if (early := named.ranges[-1][1] - size) > 0:
        unread.append(Unread("pixels or values", f"end {early} bytes early"))
    if named.full:
        unread.append(
            Unread("parts", f"are more than the {MAX_RANGES} that are told apart, so that some bytes are not explained")
        )
    for start, stop in inner:
        for begin, end_ in _besides_manifests(source, start, stop):
            unread += stray.hidden(source, begin, end_, "between the parts")
    behind = stray.read(source, end, _BEHIND)
    tail = read_at(source, end, min(size - end, stray.MAX_TAIL_BYTES), what=_BEHIND)
    return Reading((*sites, *behind.sites), (*unread, *behind.unread, *stray.unexplained(tail, behind.sites, _BEHIND)))


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the XMP property in the packet that is there, or in a new one at the file's end; nothing else moves.

    Raises:
        Refused: a camera's raw picture, whose maker's programs may want it as it was; no room (``tiff.raw``, ``tiff.no-room``).
        Malformed: the first directory or its packet cannot be followed (``tiff.broken``, ``xmp.broken``).
    """
    shape, size, named = ifd.layout(source), size_of(source), _Map()
    edits: list[Edit] = []
    main: _Value | None = None
    for value in _values(source, shape, _no_raw(source, shape, _mapped(source, shape, named))):
        if isinstance(value, Unread):
            continue
        if main is None and value.is_guide:
            main = value
        elif any(isinstance(f, Site) for f in _findings(value)):
            edits.append(_blanked(value))
    gaps = named.gaps(size)
    strays = stray.edits(source, gaps[-1][0])
    edits += [Edit(s.start, s.stop, bytes(s.stop - s.start)) for s in strays]
    lost = [e for start, stop in gaps for e in _lost(source, start, stop)]
    edits += [e for e in lost if not any(s.start < e.stop and e.start < s.stop for s in strays)]
    edits += _replaced(shape, main, label, size) if main else _added(source, shape, label, size)
    return spliced(edits, size)


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give XMP, text tags, IPTC, and a C2PA manifest."""
    shape = ifd.layout(source)
    values = _values(source, shape, ifd.walk(source, shape))
    return _clues.bounded(itertools.chain.from_iterable(_told(source, v) for v in values if isinstance(v, _Value)))


# --- reading ------------------------------------------------------------------------------------------------------------


def _mapped(source: BinaryIO, shape: Layout, named: _Map) -> Iterator[Directory | Unread]:
    """Walk the directories and note what they name: themselves, their values and their pixels."""
    named.add(0, shape.root + shape.offset.size)
    left = size_of(source)
    for directory in ifd.walk(source, shape):
        yield directory
        if isinstance(directory, Unread):
            continue
        named.add(directory.start, directory.stop)
        by_tag = {e.tag: e for e in directory.entries}
        for entry in directory.entries:
            if not entry.inline:
                named.add(entry.start, entry.stop)
        for offsets, counts in ((by_tag[o], by_tag.get(c)) for o, c in _PIXELS.items() if o in by_tag):
            left -= offsets.size
            if left < 0:
                yield Unread("pixels", "are named more than once, so what is behind them is not known")
                return
            for start, stop in _pixels(source, shape, offsets, counts):
                named.add(start, stop)


def _pixels(source: BinaryIO, shape: Layout, offsets: Entry, counts: Entry | None) -> Iterator[tuple[int, int]]:
    """Return where strips or tiles stand; without a count, one reaches to the file's end (TIFF 6.0 requires it, some lack it)."""
    size = size_of(source)
    if offsets.stop > size or (counts and counts.stop > size):
        return  # the map tells of it
    starts = ifd.numbers(source, shape, offsets)
    lengths = ifd.numbers(source, shape, counts) if counts and counts.number == offsets.number else ()
    for i, start in enumerate(starts):
        yield start, start + lengths[i] if lengths else max(start, size)


def _no_raw(source: BinaryIO, shape: Layout, directories: Iterator[Directory | Unread]) -> Iterator[Directory | Unread]:
    """Let no camera's raw picture through: DNG, and what has a sensor's own values, as NEF, CR2 and ARW have."""
    raw = read_at(source, 8, 2, what="header") == b"CR"
    for directory in directories:
        for e in directory.entries if isinstance(directory, Directory) else ():
            kind = struct.unpack(shape.order + "H", e.field[:2])[0] if e.tag == _PHOTOMETRIC else 0
            raw = raw or e.tag == _DNG_VERSION or kind in _RAW_KINDS
        if raw:
            hint = "label the picture that is developed from it"
            raise Refused("tiff.raw", "expected a finished picture, got a camera's raw file, which is kept as it is", hint=hint)
        yield directory


def _values(source: BinaryIO, shape: Layout, directories: Iterator[Directory | Unread]) -> Iterator[_Value | Unread]:
    """Read what may say something; values may overlap, so no more bytes are read than the file has."""
    size = left = size_of(source)
    seen: set[tuple[int, int, int]] = set()
    for directory in directories:
        if isinstance(directory, Unread):
            yield directory
            continue
        for e in directory.entries:
            key = (e.tag, e.start, e.size)
            if key in seen or not _tells(e):
                continue
            seen.add(key)
            left -= e.size
            if e.stop > size or left < 0:
                yield Unread(directory.name, f"names bytes for tag {e.tag:#06x} that the file has not, or more than once")
                continue
            value = _Value(shape, directory.name, e, b"")
            if e.tag == _C2PA:
                yield value
            elif e.size <= MAX_VALUE_BYTES:
                yield replace(value, data=read_at(source, e.start, e.size, what="value"))
            elif e.tag == _XMP:
                yield Unread(value.place, f"has {e.size} bytes, more than the {MAX_VALUE_BYTES} that are read")
            else:
                yield from stray.hidden(source, e.start, e.stop, value.place)


def _tells(entry: Entry) -> bool:
    if entry.tag in {_XMP, _IPTC, _C2PA}:
        return True
    return entry.kind in _BYTES and entry.tag not in _LAYERS and (entry.size >= MIN_VALUE_BYTES or entry.tag in _NAMES)


def _findings(value: _Value) -> list[Site | Unread]:
    if value.entry.tag == _C2PA:  # signed: what it holds is for its own verifiers, and stays
        return []
    sites: list[Site] = []
    if value.entry.tag == _XMP:
        try:
            sites = _xmp.sites(value.data, value.place, guide=value.is_guide)
        except Malformed as e:
            return [Unread(value.place, e.message)]
    elif value.is_text and mentions(value.text):
        return [Site(value.place, value.text, Wrapper.WRAPPED, guide=False)]
    return [*sites, *stray.unexplained(value.data, sites, value.place)]


def _told(source: BinaryIO, value: _Value) -> Iterator[Clue]:
    if value.entry.tag == _XMP:
        yield _clues.xmp(value.place, value.data)
    elif value.entry.tag == _C2PA:
        yield _clues.manifest(value.name, source, value.entry.start, value.entry.stop)
    elif value.entry.tag == _IPTC:
        yield from _iptc.datasets(value.data)
    elif value.is_text:
        yield Clue(Channel.EXIF, value.name, value.text)


# --- writing ------------------------------------------------------------------------------------------------------------


def _blanked(value: _Value) -> Edit:
    gone = _xmp.without(value.data) if value.entry.tag == _XMP else bytes(value.entry.size)
    return Edit(value.entry.start, value.entry.stop, gone)


def _besides_manifests(source: BinaryIO, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Leave out an older manifest store, as C2PA's library leaves it behind when it writes the next one: it says what was."""
    head = read_at(source, start, min(stop - start, MAX_VALUE_BYTES), what="what is between the parts")
    at = 0
    for store in _STORE.finditer(head):
        if store.start() >= at:
            yield start + at, start + store.start()
            at = store.start() + int.from_bytes(store[1])
    yield min(start + at, stop), stop


def _lost(source: BinaryIO, start: int, stop: int) -> Iterator[Edit]:
    """Blank labels that no directory names, left by programs that write a packet anew elsewhere."""
    if stop - start <= MAX_VALUE_BYTES:
        for m in _LOST.finditer(read_at(source, start, stop - start, what="what is between the parts")):
            if stray.WORD in m[0]:
                yield Edit(start + m.start(), start + m.end(), b" " * len(m[0]))


def _replaced(shape: Layout, old: _Value, label: str, size: int) -> list[Edit]:
    """Write the packet where it stands, if it fits or is the last thing in the file, or else at the file's end."""
    e = old.entry
    packet = _xmp.edit(old.data.rstrip(b"\0") or None, label)
    fitting = _fitted(packet, e.size)
    if fitting and not e.inline:
        edit, start, count = Edit(e.start, e.stop, fitting), e.start, e.size
        return [edit, Edit(e.at, e.at + shape.entry.size, ifd.packed(shape, _XMP, count, start))]
    roomy = _roomy(packet)
    if e.stop == size and not e.inline:
        return [Edit(e.start, size, roomy), Edit(e.at, e.at + shape.entry.size, ifd.packed(shape, _XMP, len(roomy), e.start))]
    start = _aligned(size)
    blank = [] if e.inline else [Edit(e.start, e.stop, b" " * e.size)]
    entry = Edit(e.at, e.at + shape.entry.size, _pointing(shape, start, roomy))
    return [*blank, entry, Edit(size, size, bytes(start - size) + roomy)]


def _added(source: BinaryIO, shape: Layout, label: str, size: int) -> list[Edit]:
    """Put a first directory with one more tag, in order as TIFF 6.0 §2 wants, and the packet at the file's end."""
    old = next(d for d in ifd.walk(source, shape) if isinstance(d, Directory))
    if any(e.tag == _XMP for e in old.entries):
        raise ifd.broken("names XMP that cannot be read")
    width, head = shape.entry.size, shape.count.size
    if len(old.entries) + 1 >= 1 << 16:
        raise Refused("tiff.no-room", "expected room for one more tag, found 65535", hint="save the picture anew")
    body = read_at(source, old.start + head, old.stop - old.start - head, what="IFD0")
    index = width * next((i for i, e in enumerate(old.entries) if e.tag > _XMP), len(old.entries))
    start = _aligned(size)
    at = start + head + width + len(body)
    packet = _roomy(_xmp.edit(None, label))
    directory = shape.count.pack(len(old.entries) + 1) + body[:index] + _pointing(shape, at, packet) + body[index:]
    root = Edit(shape.root, shape.root + shape.offset.size, shape.offset.pack(start))
    return [root, Edit(size, size, bytes(start - size) + directory + packet)]


def _pointing(shape: Layout, at: int, packet: bytes) -> bytes:
    if not shape.big and at + len(packet) >= 1 << 32:
        hint = "write it as BigTIFF: tiffcp -8"
        raise Refused("tiff.no-room", "expected less than the 4 GiB that a TIFF can have", hint=hint)
    return ifd.packed(shape, _XMP, len(packet), at)


def _aligned(at: int) -> int:
    """BigTIFF wants directories at multiples of eight, TIFF at even offsets."""
    return at + -at % 8


def _roomy(packet: bytes) -> bytes:
    return _fitted(packet, len(packet) + ROOM_BYTES) or packet


def _fitted(packet: bytes, size: int) -> bytes | None:
    """Return the packet with as much padding before its end (XMP part 1 §7.3) as makes it ``size`` long; None if it is longer."""
    head, mark, end = packet.rstrip().rpartition(b"<?xpacket end=")
    if not mark:
        return packet.ljust(size) if len(packet) <= size else None
    head, tail = head.rstrip() + b"\n", mark + end
    return head.ljust(size - len(tail)) + tail if len(head) + len(tail) <= size else None
