"""HEIF and AVIF: XMP as an item of the file's ``meta`` box, of type ``mime`` and content type ``application/rdf+xml``.

TC260-PG-20259A points to ISO/IEC 23008-12 (Annex A: Exif and XMP); the boxes are those of ISO/IEC 14496-12 §8.11. A new packet
stands in an ``mdat`` at the end of the file, so that only the meta grows, and all offsets to what stands behind it. Read too:
Exif items, XMP in a ``uuid`` box, and the moov of a sequence.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from struct import pack
from typing import BinaryIO, Final, NamedTuple

from mingwen.containers import item_meta, stray
from mingwen.containers.boxes import Box, Node, broken, named, packed, resized, size, tree, walk
from mingwen.containers.chunk_offsets import Shift, patches, shifted
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.containers.iloc import Extent, Place
from mingwen.containers.item_meta import Item, Meta, Span
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _exif, _moov, _uuid, _xmp
from mingwen.formats._shape import Clue, Reading, Site, Unread, Wrapper

MAX_TEXTS: Final = 64
"""Items that may hold text and are read; a picture has two or three."""
MAX_TEXT_BYTES: Final = 8 << 20
"""Of all of them together: they may name the same bytes again and again."""
MAX_UNREAD: Final = 64
"""How many channels that cannot be read are told of."""
MAX_MOOV_BYTES: Final = 16 << 20
"""Of a sequence; one of an hour has 4 MiB."""

_CODED = frozenset({b"ftyp", b"mdat", b"moof"})
"""What holds no text."""
_MOVED = frozenset({b"moof", b"mfra", b"sidx"})
_BEHIND: Final = "after the last box"
_ROUNDS = 4
"""Offsets may become wider once, or twice; the rest is room."""


def read(source: BinaryIO) -> Reading:
    """Find labels in the items of the meta, in XMP beside it, and in the moov of a sequence."""
    found: list[Site | Unread] = []
    seen: set[bytes] = set()
    stop = 0
    for box in walk(source, 0, size_of(source)):
        if isinstance(box, Unread):
            behind = stray.read(source, stop, _BEHIND)
            found += (box, *behind.sites, *behind.unread)
            break
        stop = box.stop
        if box.kind in seen and box.kind in {b"meta", b"moov"}:
            found.append(Unread(named(box.kind), "stands more than once; only the first was read"))
        elif box.kind not in _CODED:
            found += _FINDERS.get(box.kind, _uuid.findings)(source, box)
        seen.add(box.kind)
    if not seen & {b"meta", b"moov"}:
        found.append(Unread("meta", "is missing, and with it all that a label could stand in"))
    return Reading(tuple(f for f in found if isinstance(f, Site)), tuple(f for f in found if isinstance(f, Unread))[:MAX_UNREAD])


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give XMP and Exif, and a C2PA manifest."""
    return _clues.bounded(_clues_of(source))


def splice(source: BinaryIO, label: str) -> Splice:
    """Describe the file with ``label`` in its XMP item and nowhere else; the coded pictures stay, if elsewhere.

    Raises:
        Refused: there is no meta to hold an item (``heif.no-meta``).
        Malformed: the boxes contradict themselves, or a label stands where it cannot be changed (``iso.broken``, ``xmp.broken``).
    """
    layout = _layout(source)
    meta = item_meta.parse(source, layout.meta)
    if any(p.absolute and _meets(p, layout.meta) for p in meta.table.places):
        raise broken("an item's place in the file is within the meta")
    change = _change(source, layout, meta, label)
    node, shift = _settled(meta, change, size_of(source))
    edits = [Edit(layout.meta.start, layout.meta.stop, packed(node)), *change.edits]
    for box in layout.others:
        edits += _moov_edits(source, box, shift) if box.kind == b"moov" else patches(source, box, shift)
        if box.kind == b"uuid":
            edits += _uuid.without_label(source, box)
    return spliced(edits, size_of(source))


# --- reading ------------------------------------------------------------------------------------------------------------


def _in_meta(source: BinaryIO, box: Box) -> Iterator[Site | Unread]:
    try:
        meta = item_meta.parse(source, box)
    except Malformed as e:
        yield Unread("meta", e.message)
        return
    texts = [i for i in meta.items if i.may_hold_text]
    if len(texts) > MAX_TEXTS:
        yield Unread("meta", f"has {len(texts)} items that may hold text, more than the {MAX_TEXTS} that are read")
    budget = MAX_TEXT_BYTES
    within: list[Site] = []
    for item in texts[:MAX_TEXTS]:
        place = _xmp.PLACE if item.is_xmp else f"item {item.number} {named(item.kind)}"
        try:
            data = meta.text(source, item)
            budget -= len(data)
            if budget < 0:
                yield Unread("meta", f"has items of more than the {MAX_TEXT_BYTES} bytes that are read")
                break
            sites = _sites(item, data)
        except Malformed as e:
            yield Unread(place, e.message)
            continue
        yield from sites
        yield from stray.unexplained(data, sites, place)
        if any(s.in_idat for s in meta.spans(item, size_of(source))):
            within += sites
    yield from stray.unexplained(bytes(read_at(source, box.body, box.stop - box.body, what="meta")), within, "meta")


def _sites(item: Item, data: bytes) -> list[Site]:
    if item.is_xmp:
        return _xmp.sites(data, guide=True)
    if item.kind != b"Exif":
        return []
    return [Site(place, text, Wrapper.WRAPPED, guide=False) for place, text in _exif.labels(data[item_meta.tiff_start(data) :])]


def _in_moov(source: BinaryIO, box: Box) -> Iterator[Site | Unread]:
    """Read the moov of a sequence: what is the guide's place in a film is none in a picture."""
    for finding in _moov.read(source, box, most=MAX_MOOV_BYTES):
        yield replace(finding, guide=False) if isinstance(finding, Site) else finding


_FINDERS = {b"meta": _in_meta, b"moov": _in_moov}


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    for box in walk(source, 0, size_of(source)):
        if isinstance(box, Unread):
            return
        if box.kind == b"meta":
            yield from _told(source, box)
        elif box.kind == b"uuid":
            yield from _uuid.clues(source, box)


def _told(source: BinaryIO, box: Box) -> Iterator[Clue]:
    with suppress(Malformed):
        meta, budget = item_meta.parse(source, box), MAX_TEXT_BYTES
        for item in [i for i in meta.items if i.may_hold_text][:MAX_TEXTS]:
            data = meta.text(source, item)
            budget -= len(data)
            if budget < 0:
                return
            if item.is_xmp:
                yield _clues.xmp(_xmp.PLACE, data)
            elif item.kind == b"Exif":
                yield from _clues.exif(data[item_meta.tiff_start(data) :])


# --- writing ------------------------------------------------------------------------------------------------------------


_Spot = tuple[int, int, int]
_Placed = tuple[tuple[Edit, ...], _Spot]


class _Blank(NamedTuple):
    """What overwrites a run of an item's bytes."""

    item: int
    span: Span
    data: bytes


@dataclass(frozen=True, slots=True)
class _Layout:
    """The boxes of a file that matter for a new label."""

    meta: Box
    others: tuple[Box, ...]
    """Boxes that hold offsets or labels."""
    last: Box


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of the items, before it is known how far everything moves."""

    node: Node
    """The meta with all that changes in it, but for its ``iloc``."""
    item: int
    edits: tuple[Edit, ...]
    """What changes beside the meta."""
    place: _Spot
    """Where the packet goes: an offset in the source, how many new bytes come before it there, and its length."""


def _layout(source: BinaryIO) -> _Layout:
    found: dict[bytes, Box] = {}
    others: list[Box] = []
    last: Box | None = None
    for box in walk(source, 0, size_of(source)):
        if isinstance(box, Unread):
            raise broken(f"{box.place} {box.reason}")
        if box.kind in {b"meta", b"moov"}:
            if box.kind in found:
                raise broken(f"there are two {named(box.kind)}")
            found[box.kind] = box
        if box.kind in _MOVED | {b"moov", b"uuid"}:
            others.append(box)
        last = box
    if last is None or b"meta" not in found:
        raise Refused(
            "heif.no-meta",
            "expected a picture in items, found none, so that there is no place for its metadata",
            hint="write a still picture of it, or a film in MP4",
        )
    return _Layout(found[b"meta"], tuple(others), last)


def _meets(place: Place, box: Box) -> bool:
    return any(
        place.base + e.offset < box.stop and (not e.length or place.base + e.offset + e.length > box.start) for e in place.extents
    )


def _change(source: BinaryIO, layout: _Layout, meta: Meta, label: str) -> _Change:
    length = size_of(source)
    xmp = next((i for i in meta.items if i.is_xmp), None)
    blanks = list(_blanks(source, meta, xmp))
    old: list[_Blank] = []
    if xmp is None:
        number, packet = meta.free_number(), _xmp.edit(None, label)
        node = item_meta.with_item(meta, number)
    else:
        number, packet = xmp.number, _xmp.edit(meta.text(source, xmp), label)
        node = item_meta.with_plain_item(meta, xmp) if xmp.encoding else meta.node
        old = list(_cut(meta, xmp, bytes(len(meta.data(source, xmp))), length))
    changed = [*old, *blanks]
    meta.require_alone({b.item for b in changed}, [b.span for b in changed], length)
    there = _replaced(source, layout.last, [b.span for b in old], packet)
    return _with_blanks(_Change(node, number, *(there or _appended(source, layout.last, packet))), blanks if there else changed)


def _replaced(source: BinaryIO, last: Box, spans: list[Span], packet: bytes) -> _Placed | None:
    """Put the packet where the old one is, if that ends the file or is long enough; None if it must stand elsewhere."""
    if len(spans) != 1 or spans[0].in_idat:
        return None
    _, start, stop = spans[0]
    if last.kind == b"mdat" and last.body <= start and stop == last.stop:
        return (*_grown(source, last, len(packet) - (stop - start)), Edit(start, stop, packet)), (start, 0, len(packet))
    packet = packet.rstrip(b"\0").ljust(stop - start)
    return ((Edit(start, stop, packet),), (start, 0, len(packet))) if len(packet) == stop - start else None


def _blanks(source: BinaryIO, meta: Meta, kept: Item | None) -> Iterator[_Blank]:
    """Yield what overwrites the labels in Exif and in all XMP but the one item; what cannot be read stays as it is."""
    for item in [i for i in meta.items if i.may_hold_text and i is not kept][:MAX_TEXTS]:
        try:
            data = meta.text(source, item)
            if not _sites(item, data):
                continue
        except Malformed:
            continue
        if item.encoding:
            raise broken(f"item {item.number} holds a second label, compressed")
        start = item_meta.tiff_start(data)
        new = _xmp.without(data) if item.is_xmp else data[:start] + _exif.blank(data[start:])
        yield from _cut(meta, item, new, size_of(source))


def _cut(meta: Meta, item: Item, data: bytes, length: int) -> Iterator[_Blank]:
    """Lay ``data`` over an item's bytes."""
    at = 0
    for span in meta.spans(item, length):
        yield _Blank(item.number, span, data[at : at + span.stop - span.start])
        at += span.stop - span.start


def _with_blanks(change: _Change, blanks: list[_Blank]) -> _Change:
    """Add what is overwritten: in the file as edits, in the ``idat`` at once."""
    old = change.node.first(b"idat")
    idat = bytearray(old.body if old else b"")
    for _, span, data in blanks:
        if span.in_idat:
            idat[span.start : span.stop] = data
    node = change.node.with_child(Node(b"idat", bytes(idat))) if old else change.node
    edits = tuple(Edit(s.start, s.stop, data) for _, s, data in blanks if not s.in_idat)
    return replace(change, node=node, edits=(*change.edits, *edits))


def _appended(source: BinaryIO, last: Box, packet: bytes) -> _Placed:
    """Put the packet into a new ``mdat`` at the end; one that is open to the end takes it in."""
    is_open = read_at(source, last.start, 4, what="the last box") == bytes(4)
    if is_open and last.kind == b"mdat":
        return (Edit(last.stop, last.stop, packet),), (last.stop, 0, len(packet))
    # A meta or moov is written anew, with its size; all others keep their bytes.
    closing = resized(last, last.stop - last.start) if is_open and last.kind not in {b"meta", b"moov"} else ()
    new = pack(">I4s", len(packet) + 8, b"mdat") + packet
    return (*closing, Edit(last.stop, last.stop, new)), (last.stop, 8, len(packet))


def _grown(source: BinaryIO, box: Box, growth: int) -> tuple[Edit, ...]:
    is_open = read_at(source, box.start, 4, what="the last box") == bytes(4)
    return () if is_open or not growth else resized(box, box.stop - box.start + growth)


def _settled(meta: Meta, change: _Change, end: int) -> tuple[Node, Shift]:
    """Return the new meta, and how everything behind it moves."""
    start, behind, length = change.place
    growth = 0
    closed = meta.table.closed(end)
    for _ in range(_ROUNDS):
        shift = Shift(meta.box.stop, growth)
        packet = Extent(shift(start) + behind, length)
        table = closed.moved(shift).with_place(Place(change.item, (packet,)))
        node = change.node.with_child(Node(b"iloc", table.packed()))
        settled = size(node) - (meta.box.stop - meta.box.start)
        if settled == growth:
            return node, shift
        growth = settled
    raise broken("the offsets of the items do not settle")


def _moov_edits(source: BinaryIO, box: Box, shift: Shift) -> Iterator[Edit]:
    """Move the offsets of a sequence and take labels out of its moov, which keeps its length."""
    length = box.stop - box.body
    if length > MAX_MOOV_BYTES:
        raise broken(f"moov has {length} bytes, more than the {MAX_MOOV_BYTES} that are read")
    old, faults = tree(b"moov", memoryview(read_at(source, box.body, length, what="moov")))
    if faults:
        raise broken(f"{faults[0].place} {faults[0].reason}")
    if old.first(b"cmov"):
        raise broken("moov is compressed")
    new = shifted(_moov.unlabelled(old), shift)
    room = box.stop - box.start - size(new)
    if room and room < 8:  # noqa: PLR2004 - the head of a box
        raise broken("the offsets of the moov have no room to grow")
    if room:
        new = replace(new, children=(*(new.children or ()), Node(b"free", bytes(room - 8))))
    yield Edit(box.start, box.stop, packed(new))
