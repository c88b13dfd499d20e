"""Matroska and WebM: a ``SimpleTag`` named AIGC in ``Segment/Tags``, of no target, its ``TagString`` the JSON (TC260-PG-20257A).

Clusters are stepped over and never move where anything points behind them: the tags are edited where they stand, fill a Void, or
go to the Segment's end and into the SeekHead. Read too: labels under other names, of single tracks, nested, binary, in the
Segment's information, in attached texts, in further Segments and behind them. Structure: RFC 9559.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final

from mingwen.containers import ebml, stray
from mingwen.containers.ebml import CRC32, VOID, Element
from mingwen.containers.edits import Edit, growth_of, read_at, size_of, spliced
from mingwen.domain.errors import Malformed
from mingwen.domain.labels import WRAPPER_KEY, mentions
from mingwen.domain.media import Medium, Splice
from mingwen.formats import _clues, _matroska_tags, _xmp
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

MAX_SEGMENTS: Final = 64
MAX_OUTERMOST: Final = 4096
"""Elements that are no part of another; what follows them is searched as bytes."""
MAX_PARTS: Final = 4096
"""Elements of a Segment besides Clusters, Voids beside each other being one; a film has some ten."""
MAX_PART_BYTES: Final = 4 << 20
"""Of one element that is read whole: tags, information, tracks, a SeekHead."""
MAX_ATTACHED_BYTES: Final = 1 << 20
"""Of one attached text that is read."""
MAX_UNREAD: Final = 64

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_SEEKHEAD, _INFO, _TRACKS, _CLUSTER = 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1F43B675
_CUES, _CHAPTERS, _ATTACHMENTS, _TAGS = 0x1C53BB6B, 0x1043A770, 0x1941A469, 0x1254C367
_PARTS: Final = frozenset({_SEEKHEAD, _INFO, _TRACKS, _CLUSTER, _CUES, _CHAPTERS, _ATTACHMENTS, _TAGS})
"""Children of a Segment, which end a Cluster of unknown size (RFC 9559 §5.1)."""
_NAMES: Final = {_INFO: "Info", _TRACKS: "Tracks", _CHAPTERS: "Chapters", _ATTACHMENTS: "Attachments", _TAGS: "Tags"}
_TEXTLESS: Final = frozenset({_SEEKHEAD, _CUES, VOID, CRC32})
_POSITION: Final = 0xA7
"""Of a Cluster; a place in the Segment that hardly anybody writes or reads."""
_LOOKED_AT: Final = 4
"""Children of the first Cluster, of which a position is the second by custom."""
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_TITLE, _MUXING_APP, _WRITING_APP = 0x7BA9, 0x4D80, 0x5741
_INFO_TEXTS: Final = {_TITLE: "Title", _MUXING_APP: "MuxingApp", _WRITING_APP: "WritingApp", 0x7384: "SegmentFilename"}
_TRACK_ENTRY, _TRACK_TYPE, _VIDEO, _AUDIO = 0xAE, 0x83, 1, 2
_FILE, _FILE_NAME, _FILE_TYPE, _FILE_DATA = 0x61A7, 0x466E, 0x4660, 0x465C
_TEXT_TYPES: Final = ("text/", "application/json", "application/xml", "application/rdf+xml")
_TEXT_SUFFIXES: Final = (".json", ".txt", ".xml", ".xmp")
_BEHIND: Final = "after Segment"

_NO_END: Final = 1 << 63

Finding = Site | Unread


@dataclass(frozen=True, slots=True)
class _Segment:
    """One Segment: a file has one, and recordings that were joined several."""

    head: Element
    stop: int
    parts: tuple[Element, ...]
    """All children in order but Clusters; Voids beside each other are one."""
    cluster: int | None
    """Where the first Cluster begins."""
    positioned: bool
    """Does the first Cluster name its own position?"""
    broken: str
    """Why the walk ended early, or ""."""

    def of(self, kind: int) -> list[Element]:
        """Return the children of one kind."""
        return [p for p in self.parts if p.kind == kind]

    def room(self, part: Element) -> int:
        """Return where a child and the Void behind it end."""
        return next((v.stop for v in self.of(VOID) if v.start == part.stop), part.stop)


@dataclass(frozen=True, slots=True)
class _Seek:
    """One entry of a SeekHead, or whatever else stands in one."""

    raw: bytes
    target: int
    """Its ID; 0 if it is no entry."""
    position: int
    """Counted from the Segment's data, as is every position in a Segment (RFC 9559 §16)."""


def medium(source: BinaryIO) -> Medium:
    """Tell sound alone from film by the types of the tracks."""
    types = {
        int.from_bytes(value)
        for segment in _segments(source)[:1]
        for tracks in segment.of(_TRACKS)[:1]
        for entry, track in ebml.inside(_payload(source, tracks))
        if entry.kind == _TRACK_ENTRY
        for element, value in ebml.inside(track)
        if element.kind == _TRACK_TYPE
    }
    return Medium.AUDIO if _AUDIO in types and _VIDEO not in types else Medium.VIDEO


def read(source: BinaryIO) -> Reading:
    """Find labels in tags, information and attachments of every Segment, and behind the last."""
    segments = _segments(source)
    found: list[Finding] = []
    for number, segment in enumerate(segments):
        for part in segment.parts:
            found += _findings(source, part, first=number == 0)
        if segment.broken:
            found.append(Unread("Segment", segment.broken))
    behind = stray.read(source, segments[-1].stop, _BEHIND)
    sites = tuple(f for f in found if isinstance(f, Site))
    unread = tuple(f for f in found if isinstance(f, Unread))
    return Reading(sites + behind.sites, (unread + behind.unread)[:MAX_UNREAD])


def splice(source: BinaryIO, label: str) -> Splice:
    """Put the label into the first Segment's tags; see the module for what moves."""
    segments = _segments(source)
    edits: list[Edit] = []
    for number, segment in enumerate(segments):
        if segment.broken:
            raise ebml.broken(segment.broken)
        home = _home(source, segment) if number == 0 else None
        inner = [e for part in segment.parts if part is not home for e in _cleared(source, part)]
        if number == 0:
            inner += _placed(source, segment, home, label)
        edits += [*inner, *_resized(segment, inner)]
    return spliced([*edits, *stray.edits(source, segments[-1].stop)], size_of(source))


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the programs and the title that the information names, and every tag."""
    parts = (part for segment in _segments(source) for part in segment.parts)
    return _clues.bounded(Clue(Channel.TAG, name, text) for part in parts for name, text in _told(source, part))


# --- walking ------------------------------------------------------------------------------------------------------------


def _segments(source: BinaryIO) -> list[_Segment]:
    """Walk the file; every Segment has a head of its own before it.

    Raises:
        Malformed: there is no Segment (``ebml.broken``).
    """
    end = size_of(source)
    out: list[_Segment] = []
    at = 0
    for _ in range(MAX_OUTERMOST):
        if at >= end or len(out) == MAX_SEGMENTS:
            break
        try:
            element = next(ebml.walk(source, at, _NO_END))
        except Malformed:
            if out:
                break  # what follows is no EBML, and searched as such
            raise
        if out and element.kind not in {_EBML, _SEGMENT, VOID, CRC32}:
            break
        if element.kind == _SEGMENT:
            out.append(_segment(source, element, min(element.stop, end) if element.known else end, end))
        at = out[-1].stop if element.kind == _SEGMENT else element.stop
    if not out:
        raise ebml.broken("expected a Segment, found none")
    return out


def _segment(source: BinaryIO, head: Element, stop: int, end: int) -> _Segment:
    """Walk a Segment's children, and those of Clusters of unknown size as if they were beside them."""
    parts: list[Element] = []
    cluster: int | None = None
    positioned = False
    within = False  # a Cluster of unknown size?
    broken = f"expected {head.stop - head.data} bytes in the Segment, found {end - head.data}" if head.stop > end else ""
    try:
        for element in ebml.walk(source, head.data, stop):
            kind = element.kind
            if not head.known and kind in {_EBML, _SEGMENT}:
                stop = element.start
                break
            if kind == _CLUSTER:
                if cluster is None:
                    cluster, positioned = element.start, _is_positioned(source, element)
                within = not element.known
            elif not within or kind in _PARTS:
                within = False
                _add(parts, element)
    except Malformed as e:
        broken = broken or e.message
    return _Segment(head, stop, tuple(parts), cluster, positioned, broken)


def _add(parts: list[Element], element: Element) -> None:
    if not element.known:
        raise ebml.broken(f"expected a size at {element.kind:X}, found none")
    if len(parts) == MAX_PARTS:
        raise ebml.broken(f"expected at most {MAX_PARTS} elements beside Clusters")
    if parts and element.kind == parts[-1].kind == VOID and parts[-1].stop == element.start:
        start, data = parts[-1].start, parts[-1].data
        parts[-1] = Element(VOID, start, data, element.stop, known=True)
    else:
        parts.append(element)


def _is_positioned(source: BinaryIO, cluster: Element) -> bool:
    """Look at the first few children of a Cluster for a position; one that cannot be looked into may have it."""
    stop = cluster.stop if cluster.known else size_of(source)
    try:
        return any(child.kind == _POSITION for child in islice(ebml.walk(source, cluster.data, stop), _LOOKED_AT))
    except Malformed:
        return True


def _payload(source: BinaryIO, part: Element) -> bytes:
    size = part.stop - part.data
    if size > MAX_PART_BYTES:
        raise ebml.broken(f"expected at most {MAX_PART_BYTES} bytes in {_name(part)}, which has {size}")
    return read_at(source, part.data, size, what=_name(part))


def _name(part: Element) -> str:
    return _NAMES.get(part.kind, f"element {part.kind:X}")


# --- reading ------------------------------------------------------------------------------------------------------------


def _findings(source: BinaryIO, part: Element, *, first: bool) -> list[Finding]:
    if part.kind in _TEXTLESS:
        return []
    try:
        return list(_READERS.get(part.kind, _in_other)(source, part, first))
    except Malformed as e:
        return [Unread(f"Segment/{_name(part)}", e.message)]


def _in_tags(source: BinaryIO, part: Element, first: bool) -> list[Finding]:  # noqa: FBT001 - a row of a table
    payload = _payload(source, part)
    found = list(_matroska_tags.findings(payload, first=first))
    sites = [f for f in found if isinstance(f, Site)]
    return found + stray.unexplained(payload, sites, "Segment/Tags")


def _in_info(source: BinaryIO, part: Element, _: bool) -> list[Finding]:  # noqa: FBT001 - a row of a table
    payload = _payload(source, part)
    texts = [(f"Segment/Info {_INFO_TEXTS.get(e.kind, f'{e.kind:X}')}", value) for e, value in _told_labels(payload)]
    sites = [Site(place, ebml.text(value), Wrapper.WRAPPED, guide=False) for place, value in texts]
    return sites + stray.unexplained(payload, sites, "Segment/Info")


def _in_attachments(source: BinaryIO, part: Element, _: bool) -> Iterator[Finding]:  # noqa: FBT001 - a row of a table
    for _file, place, value in _attached_texts(source, part):
        if value is None:
            yield Unread(place, f"has more than the {MAX_ATTACHED_BYTES} bytes that are read")
        else:
            sites = _attached_labels(value, place)
            yield from sites
            yield from stray.unexplained(value, sites, place)


def _in_other(source: BinaryIO, part: Element, _: bool) -> list[Unread]:  # noqa: FBT001 - a row of a table
    """Search tracks, chapters and what no specification names: they have no place for a label."""
    stop = min(part.stop, part.data + MAX_PART_BYTES)
    place = f"Segment/{_name(part)}"
    if found := stray.hidden(source, part.data, stop, place):
        return found
    return [Unread(place, f"has more than the {MAX_PART_BYTES} bytes that are read")] if stop < part.stop else []


_READERS: Final[dict[int, Callable[[BinaryIO, Element, bool], "list[Finding] | list[Unread] | Iterator[Finding]"]]] = {
    _TAGS: _in_tags,
    _INFO: _in_info,
    _ATTACHMENTS: _in_attachments,
}


def _told_labels(payload: bytes) -> list[tuple[Element, bytes]]:
    """Return the texts of the Segment's information that are labels."""
    return [(e, value) for e, value in ebml.inside(payload) if mentions(ebml.text(value))]


def _attached_texts(source: BinaryIO, part: Element) -> Iterator[tuple[Element, str, bytes | None]]:
    """Yield each attached file that is a text: where it stands, its place, and what it holds if that is short enough."""
    for file in ebml.walk(source, part.data, part.stop):
        if file.kind != _FILE:
            continue
        children = {e.kind: e for e in ebml.walk(source, file.data, file.stop)}
        name, mime = (_short_text(source, children.get(kind)) for kind in (_FILE_NAME, _FILE_TYPE))
        lower, data = name.lower(), children.get(_FILE_DATA)
        telling = mime.startswith(_TEXT_TYPES) or lower.endswith(_TEXT_SUFFIXES) or WRAPPER_KEY.lower() in lower
        if data and telling:
            size = data.stop - data.data
            value = read_at(source, data.data, size, what="attached file") if size <= MAX_ATTACHED_BYTES else None
            yield file, f"Segment/Attachments {name}", value


def _attached_labels(value: bytes, place: str) -> list[Site]:
    """Return the labels of an attached text: those in a packet of XMP, or all of it."""
    if _xmp.is_packet(value):
        return _xmp.sites(value, f"{place} {_xmp.PLACE}", guide=False)
    text = value.decode("utf-8", "replace")
    return [Site(place, text, Wrapper.EITHER, guide=False)] if mentions(text) else []


def _short_text(source: BinaryIO, element: Element | None) -> str:
    if element is None:
        return ""
    return ebml.text(read_at(source, element.data, min(element.stop - element.data, 1024), what="attached file"))


def _told(source: BinaryIO, part: Element) -> list[tuple[str, str]]:
    try:
        if part.kind == _TAGS:
            return list(_matroska_tags.texts(_payload(source, part)))
        if part.kind == _INFO:
            told = [(_INFO_TEXTS.get(e.kind, ""), ebml.text(value)) for e, value in ebml.inside(_payload(source, part))]
            return [(name, text) for name, text in told if name and text]
    except Malformed:
        return []
    return []


# --- writing ------------------------------------------------------------------------------------------------------------


def _home(source: BinaryIO, segment: _Segment) -> Element | None:
    """Choose the Tags that get the label: those that have one at the guide's place, else the first."""
    tags = segment.of(_TAGS)
    labelled = (t for t in tags if any(isinstance(f, Site) and f.guide for f in _in_tags(source, t, first=True)))
    return next(labelled, tags[0] if tags else None)


def _placed(source: BinaryIO, segment: _Segment, home: Element | None, label: str) -> list[Edit]:
    """Return the edits that bring the label into ``home``, and it to where it fits."""
    payload = _matroska_tags.labelled(_payload(source, home) if home else b"", label)
    seeks = {part: _seeks(source, part) for part in segment.of(_SEEKHEAD)}
    if home and (edit := _in_place(segment, home, payload, seeks)):
        return [edit]
    edits = [Edit(home.start, home.stop, ebml.void(home.stop - home.start))] if home else []
    new = _elsewhere(segment, payload, seeks)
    return [*edits, new, *_resought(segment, seeks, home, new.start)]


_Seeks = dict[Element, list[_Seek]]


def _in_place(segment: _Segment, home: Element, payload: bytes, seeks: _Seeks) -> Edit | None:
    stop = segment.room(home)
    if new := ebml.fitted(_TAGS, payload, stop - home.start, clear=home.stop - home.start):
        return Edit(home.start, home.start + len(new), new)
    if stop == segment.stop or _may_move(segment, home.start + 1, seeks):
        return Edit(home.start, stop, ebml.packed(_TAGS, payload))
    return None


def _elsewhere(segment: _Segment, payload: bytes, seeks: _Seeks) -> Edit:
    """Find a Void that is large enough, but not the one a SeekHead grows into; else the first Cluster moves, or nothing does."""
    kept = {head.stop for head in seeks}
    for free in segment.of(VOID):
        if free.start not in kept and (new := ebml.fitted(_TAGS, payload, free.stop - free.start)):
            return Edit(free.start, free.start + len(new), new)
    before_clusters = segment.cluster is not None and _may_move(segment, segment.cluster, seeks)
    at = segment.cluster if before_clusters and segment.cluster is not None else segment.stop
    return Edit(at, at, ebml.packed(_TAGS, payload))


def _may_move(segment: _Segment, at: int, seeks: _Seeks) -> bool:
    """Say whether nothing points to ``at`` or behind, as in a live recording."""
    if segment.of(_CUES) or segment.positioned:
        return False
    return all(segment.head.data + seek.position < at for entries in seeks.values() for seek in entries if seek.target)


def _resought(segment: _Segment, seeks: _Seeks, home: Element | None, at: int) -> list[Edit]:
    """Let the first SeekHead name the tags where they stand now, if it has room, and none where they stood."""
    old = home.start - segment.head.data if home else -1
    edits: list[Edit] = []
    for number, (head, entries) in enumerate(seeks.items()):
        kept = b"".join(s.raw for s in entries if not (s.target == _TAGS and s.position == old))
        more = kept + _entry(at - segment.head.data) if number == 0 else kept
        room = segment.room(head) - head.start
        sealed = entries[:1] and entries[0].target == CRC32
        for children in (more, kept):
            payload = ebml.sealed(children) if sealed else children
            if new := ebml.fitted(_SEEKHEAD, payload, room, clear=head.stop - head.start):
                edits.append(Edit(head.start, head.start + len(new), new))
                break
    return edits


def _seeks(source: BinaryIO, head: Element) -> list[_Seek]:
    """Take a SeekHead apart."""
    payload = _payload(source, head)
    out: list[_Seek] = []
    for element, value in ebml.inside(payload):
        if element.kind == CRC32:
            out.append(_Seek(b"", CRC32, -1))
        elif element.kind != VOID:
            inner = {e.kind: int.from_bytes(v[:8]) for e, v in ebml.inside(value)} if element.kind == _SEEK else {}
            raw = payload[element.start : element.stop]
            out.append(_Seek(raw, inner.get(_SEEK_ID, 0), inner.get(_SEEK_POSITION, 0)))
    return out


def _entry(position: int) -> bytes:
    number = position.to_bytes(max(1, (position.bit_length() + 7) // 8))
    return ebml.packed(_SEEK, ebml.packed(_SEEK_ID, _TAGS.to_bytes(4)) + ebml.packed(_SEEK_POSITION, number))


def _cleared(source: BinaryIO, part: Element) -> list[Edit]:
    """Return the edits that take labels out of a part that keeps its length; what cannot be read is kept."""
    try:
        if part.kind == CRC32:  # of the whole Segment, whose bytes change
            return [Edit(part.start, part.stop, ebml.void(part.stop - part.start))]
        edits = _CLEANERS[part.kind](source, part) if part.kind in _CLEANERS else []
    except Malformed:
        return []
    return [*edits, *_unsealed(source, part)] if edits and part.kind != _TAGS else edits


def _tags_cleared(source: BinaryIO, part: Element) -> list[Edit]:
    payload = _payload(source, part)
    rest = _matroska_tags.without(payload)
    room = part.stop - part.start
    if rest == payload:
        return []
    new = ebml.fitted(_TAGS, rest, room, clear=room) if rest else None
    return [Edit(part.start, part.stop, new or ebml.void(room))]


def _info_cleared(source: BinaryIO, part: Element) -> list[Edit]:
    """Blank texts with zeros, which end a string (RFC 8794 §7.5)."""
    told = _told_labels(_payload(source, part))
    return [Edit(part.data + e.data, part.data + e.stop, bytes(e.stop - e.data)) for e, _ in told]


def _attachments_cleared(source: BinaryIO, part: Element) -> list[Edit]:
    labels = [file for file, place, value in _attached_texts(source, part) if _attached_labels(value or b"", place)]
    return [Edit(file.start, file.stop, ebml.void(file.stop - file.start)) for file in labels]


_CLEANERS: Final[dict[int, Callable[[BinaryIO, Element], list[Edit]]]] = {
    _TAGS: _tags_cleared,
    _INFO: _info_cleared,
    _ATTACHMENTS: _attachments_cleared,
}


def _unsealed(source: BinaryIO, part: Element) -> list[Edit]:
    """Make a Void of the checksum of a part that changes."""
    first = next(ebml.walk(source, part.data, part.stop))
    return [Edit(first.start, first.stop, ebml.void(first.stop - first.start))] if first.kind == CRC32 else []


def _resized(segment: _Segment, edits: list[Edit]) -> list[Edit]:
    """Keep the Segment's size true; positions count from its data, so that a longer head moves nothing."""
    growth = growth_of(edits)
    if not growth or not segment.head.known:
        return []
    start = segment.head.start + 4
    size = segment.stop - segment.head.data + growth
    return [Edit(start, segment.head.data, ebml.sized(size, segment.head.data - start))]
