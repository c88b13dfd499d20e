"""Flash Video: a string property AIGC at the end of the script tag ``onMetaData`` (TC260-PG-20257A).

At the end, since ffmpeg's reader goes no further than a string of 1,024 bytes. The tag grows, so that the offsets in it
(``keyframes/filepositions``, ``lastkeyframelocation``, ``filesize``) grow with it. Read too: other properties, other script
tags, XMP in ``onXMPData``, and what stands behind the last tag. Structure: Adobe Flash Video File Format Specification 10.1,
Annex E.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.edits import Edit, growth_of, read_at, size_of, spliced
from mingwen.domain.errors import Malformed
from mingwen.domain.labels import WRAPPER_KEY, mentions
from mingwen.domain.media import Medium, Splice
from mingwen.formats import _amf, _clues, _xmp
from mingwen.formats._amf import Value
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

MAX_TAGS: Final = 4_000_000
"""Tags that are walked; eleven hours of a hundred a second."""
MAX_SCRIPTS: Final = 65_536
"""Script tags among them; a subtitle each second for eighteen hours."""
MAX_SCRIPT_BYTES: Final = 4 << 20
"""Of one that is read."""
MAX_UNREAD: Final = 64

_HEAD: Final = 9
_TAG_HEAD: Final = 11
_SIZE_BYTES: Final = 4
"""Of the size of the tag before, which follows every tag (E.3)."""
_AUDIO, _VIDEO, _SCRIPT = 8, 9, 18
_KINDS: Final = frozenset({_AUDIO, _VIDEO, _SCRIPT})
_ENCRYPTED: Final = 0x20
_RESERVED: Final = 0xC0
_HAS_AUDIO, _HAS_VIDEO = 4, 1
_LOOKED_AT: Final = 256
"""Tags that must hold no picture if the file is called sound."""

_NAME: Final = b"onMetaData"
_METADATA: Final = _amf.packed_string(_NAME)
_ROOT: Final = ("1",)
"""The value behind the name."""
_OFFSETS: Final = ((*_ROOT, "filesize"), (*_ROOT, "lastkeyframelocation"), (*_ROOT, "keyframes", "filepositions"))
_TEXTS: Final = frozenset({_amf.STRING, _amf.LONG_STRING})
_TELLING: Final = (WRAPPER_KEY.encode(), b"ContentProducer", b"ProduceID", b"\\u")
"""A script tag without any of these holds no label, whatever else is wrong with it."""
_BEHIND: Final = "after the last tag"


@dataclass(frozen=True, slots=True)
class _Tag:
    """One tag, with the size that follows it."""

    kind: int
    start: int
    size: int
    """Bytes of data."""

    @property
    def data(self) -> int:
        return self.start + _TAG_HEAD

    @property
    def end(self) -> int:
        return self.data + self.size

    @property
    def stop(self) -> int:
        return self.end + _SIZE_BYTES

    @property
    def encrypted(self) -> bool:
        return bool(self.kind & _ENCRYPTED)


@dataclass(frozen=True, slots=True)
class _File:
    """What a walk of all tags found."""

    first: int
    """Where the first tag begins."""
    scripts: tuple[_Tag, ...]
    stop: int
    """Behind the last tag."""
    broken: str
    """Why the walk ended early, or ""."""


def medium(source: BinaryIO) -> Medium:
    """Trust the flags of the head only if no picture follows (E.2)."""
    flags = read_at(source, 4, 1, what="FLV head")[0]
    if flags & _HAS_VIDEO or not flags & _HAS_AUDIO:
        return Medium.VIDEO
    first = islice(_tags(source, _first(source)), _LOOKED_AT)
    return Medium.VIDEO if any(t.kind == _VIDEO for t in first) else Medium.AUDIO


def read(source: BinaryIO) -> Reading:
    """Find labels in every script tag and behind the last tag."""
    file = _walked(source)
    home = _home(source, file)
    sites: list[Site] = []
    unread = [Unread("tags", file.broken)] if file.broken else []
    for tag in file.scripts:
        found = _findings(source, tag, guide=tag is home)
        sites += [f for f in found if isinstance(f, Site)]
        unread += [f for f in found if isinstance(f, Unread)]
    behind = stray.read(source, file.stop, _BEHIND)
    return Reading((*sites, *behind.sites), (*unread, *behind.unread)[:MAX_UNREAD])


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the property at the end of the first ``onMetaData``, or in a new one before all tags.

    Raises:
        Malformed: the tags cannot be followed, or the metadata is no AMF0 (``flv.broken``, ``amf.broken``).
    """
    file = _walked(source)
    if file.broken:
        raise _broken(file.broken)
    home = _home(source, file)
    inner = {tag: _labels_out(source, tag) for tag in file.scripts if tag is not home}
    edits: list[Edit] = []
    if home is None:
        edits.append(Edit(file.first, file.first, _new_tag(label)))
    else:
        inner[home] = _label_in(_data(source, home), label)
    growths = [(e.start, growth_of([e])) for e in edits] + [(tag.start, growth_of(inner[tag])) for tag in inner if inner[tag]]
    moved = _movement(growths)
    for tag in file.scripts:
        edits += _framed(tag, [*inner[tag], *_moved_offsets(source, tag, moved)])
    return spliced([*edits, *stray.edits(source, file.stop)], size_of(source))


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the strings of the script tags, and XMP."""
    return _clues.bounded(clue for tag in _walked(source).scripts for clue in _told(source, tag))


# --- walking ------------------------------------------------------------------------------------------------------------


def _first(source: BinaryIO) -> int:
    return int.from_bytes(read_at(source, 0, _HEAD, what="FLV head")[5:]) + _SIZE_BYTES


def _walked(source: BinaryIO) -> _File:
    first = _first(source)
    scripts: list[_Tag] = []
    stop, broken = first, ""
    try:
        for tag in _tags(source, first):
            stop = tag.stop
            if tag.kind & ~_ENCRYPTED == _SCRIPT:
                scripts.append(tag)
            if len(scripts) > MAX_SCRIPTS:
                raise _broken(f"expected at most {MAX_SCRIPTS} script tags")
    except Malformed as e:
        broken = e.message
    if stop == first and not broken:
        broken = "holds no tag"
    return _File(first, tuple(scripts), min(stop, size_of(source)), broken)


def _tags(source: BinaryIO, at: int) -> Iterator[_Tag]:
    """Walk tag heads; what is no tag and is not followed by its size ends the tags.

    Raises:
        Malformed: the file ends within a tag, or there are more than ``MAX_TAGS`` (``flv.broken``).
    """
    end = size_of(source)
    for _ in range(MAX_TAGS):
        if at == end:
            return
        head = read_at(source, at, _TAG_HEAD, what="tag head")
        tag = _Tag(head[0], at, int.from_bytes(head[1:4]))
        if head[0] & ~_ENCRYPTED not in _KINDS and (head[0] & _RESERVED or tag.stop > end or not _is_followed(source, tag)):
            return
        if tag.stop > end:
            raise _broken(f"expected {tag.size + _SIZE_BYTES} bytes behind the head of the tag at {at}, found {end - tag.data}")
        yield tag
        at = tag.stop
    raise _broken(f"expected at most {MAX_TAGS} tags")


def _is_followed(source: BinaryIO, tag: _Tag) -> bool:
    return int.from_bytes(read_at(source, tag.end, _SIZE_BYTES, what="tag size")) == _TAG_HEAD + tag.size


def _home(source: BinaryIO, file: _File) -> _Tag | None:
    return next((t for t in file.scripts if not t.encrypted and _is_metadata(source, t)), None)


def _is_metadata(source: BinaryIO, tag: _Tag) -> bool:
    return tag.size > len(_METADATA) and read_at(source, tag.data, len(_METADATA), what="script tag") == _METADATA


def _data(source: BinaryIO, tag: _Tag) -> bytes:
    if tag.size > MAX_SCRIPT_BYTES:
        raise _broken(f"expected at most {MAX_SCRIPT_BYTES} bytes in a script tag, found {tag.size}")
    return read_at(source, tag.data, tag.size, what="script tag")


# --- reading ------------------------------------------------------------------------------------------------------------


def _findings(source: BinaryIO, tag: _Tag, *, guide: bool) -> list[Site | Unread]:
    place = _NAME.decode() if guide else f"script tag at {tag.start}"
    if tag.encrypted:
        return [Unread(place, "is encrypted")]
    try:
        data = _data(source, tag)
        found = list(_within(data, place, guide=guide)) if any(word in data for word in _TELLING) else []
    except Malformed as e:
        return [Unread(place, e.message)]
    return found + stray.unexplained(data, [f for f in found if isinstance(f, Site)], place)


def _within(data: bytes, script: str, *, guide: bool) -> Iterator[Site | Unread]:
    for value in _amf.values(data):
        place = f"{script} {'/'.join(value.path[1:])}".strip()
        text = _amf.string(data, value)
        if _is_named(value):
            exact = guide and value.path == (*_ROOT, WRAPPER_KEY)
            yield Site(place, text, Wrapper.BARE, guide=exact) if value.kind in _TEXTS else Unread(place, "is no text")
        elif _xmp.is_packet(text.encode()):
            yield from _xmp.sites(text.encode(), f"{place} {_xmp.PLACE}", guide=False)
        elif mentions(text):
            yield Site(place, text, Wrapper.WRAPPED, guide=False)


def _is_named(value: Value) -> bool:
    """GB 45438-2025 Annex E a: the name contains AIGC."""
    return value.named and value.kind != _amf.OBJECT_END and WRAPPER_KEY in value.path[-1]


def _told(source: BinaryIO, tag: _Tag) -> Iterator[Clue]:
    try:
        data = b"" if tag.encrypted else _data(source, tag)
        for value in _amf.values(data):
            text = _amf.string(data, value)
            if _xmp.is_packet(text.encode()):
                yield _clues.xmp(f"script tag {value.path[-1]}", text.encode())
            elif text and value.named:
                yield Clue(Channel.TAG, value.path[-1], text)
    except Malformed:
        return


# --- writing ------------------------------------------------------------------------------------------------------------


def _label_in(data: bytes, label: str) -> list[Edit]:
    """Return the edits of a script tag's data that set the property and take other labels out."""
    end = next((v for v in _amf.values(data) if v.kind == _amf.OBJECT_END and v.path == _ROOT), None)
    if end is None:
        raise _amf.broken(f"expected an object or an ECMA array in {_NAME.decode()}, found none")
    return _counted(data, _without(data), Edit(end.start, end.start, _property(label)), end)


def _labels_out(source: BinaryIO, tag: _Tag) -> list[Edit]:
    """Return the edits that take labels out of another script tag; what cannot be read is kept."""
    try:
        data = b"" if tag.encrypted else _data(source, tag)
        return _counted(data, _without(data)) if any(word in data for word in _TELLING) else []
    except Malformed:
        return []


_Removed = tuple[Edit, int]
"""An edit, and where the count is that goes down by one; 0 if there is none."""


def _without(data: bytes) -> list[_Removed]:
    """Take out every property that is a label; a text that has no name becomes empty, a packet of XMP loses its property."""
    out: list[_Removed] = []
    gone: Value | None = None  # and all that stands in it
    for value in _amf.values(data):
        if gone and value.path[: len(gone.path)] == gone.path and (value.path != gone.path or value.kind == _amf.OBJECT_END):
            out[-1] = (Edit(gone.start, value.stop, b""), gone.counter)
            continue
        gone = None
        text = _amf.string(data, value)
        if _is_named(value) or (value.named and mentions(text) and not _xmp.is_packet(text.encode())):
            gone = value
            out.append((Edit(value.start, value.stop, b""), value.counter))
        elif _xmp.is_packet(text.encode()):
            start = value.stop - len(text.encode())
            out.append((Edit(start, value.stop, _xmp.without(data[start : value.stop])), 0))
        elif mentions(text):
            out.append((Edit(value.marker, value.stop, _amf.packed_string(b"")), 0))
    return out


def _counted(data: bytes, removed: list[_Removed], added: Edit | None = None, end: Value | None = None) -> list[Edit]:
    """Return the edits, and those of the counts of the ECMA arrays they change."""
    changes: dict[int, int] = {}
    for counter in [counter for _, counter in removed if counter]:
        changes[counter] = changes.get(counter, 0) - 1
    if end and end.counter:
        changes[end.counter] = changes.get(end.counter, 0) + 1
    edits = [edit for edit, _ in removed] + ([added] if added else [])
    for at, change in changes.items():
        count = int.from_bytes(data[at : at + 4])
        if change and count:  # some writers leave it 0; readers go by the end mark
            edits.append(Edit(at, at + 4, max(count + change, 0).to_bytes(4)))
    return edits


def _property(label: str) -> bytes:
    return _amf.packed_name(WRAPPER_KEY.encode()) + _amf.packed_string(label.encode())


def _new_tag(label: str) -> bytes:
    """Build an ``onMetaData`` with nothing else (E.4.4, E.5)."""
    array = bytes([_amf.ECMA_ARRAY]) + (1).to_bytes(4) + _property(label) + bytes([0, 0, _amf.OBJECT_END])
    data = _METADATA + array
    return bytes([_SCRIPT]) + len(data).to_bytes(3) + bytes(7) + data + (_TAG_HEAD + len(data)).to_bytes(4)


def _movement(growths: list[tuple[int, int]]) -> Callable[[int], int]:
    """Return what an offset becomes when tags at offsets grow by so much."""
    ordered = sorted(growths)
    starts = [at for at, _ in ordered]
    totals = list(accumulate((growth for _, growth in ordered), initial=0))
    return lambda offset: offset + totals[bisect_left(starts, offset)]


def _moved_offsets(source: BinaryIO, tag: _Tag, moved: Callable[[int], int]) -> list[Edit]:
    """Return the edits that keep the offsets in an ``onMetaData`` true; they are numbers, counted from the file's beginning."""
    if tag.encrypted or not _is_metadata(source, tag):
        return []
    out: list[Edit] = []
    data = _data(source, tag)
    for value in _amf.values(data):
        if value.kind != _amf.NUMBER or not any(value.path[: len(p)] == p for p in _OFFSETS):
            continue
        old = _amf.number(data, value)
        if old.is_integer() and (new := moved(int(old))) != old:
            out.append(Edit(value.marker + 1, value.stop, _amf.packed_number(float(new))))
    return out


def _framed(tag: _Tag, inner: list[Edit]) -> list[Edit]:
    """Return the edits of a tag's data at their places in the file, with the sizes around it made true."""
    edits = [Edit(tag.data + start, tag.data + stop, new) for start, stop, new in inner]
    if growth := growth_of(inner):
        size = tag.size + growth
        edits.append(Edit(tag.start + 1, tag.start + 4, size.to_bytes(3)))
        edits.append(Edit(tag.end, tag.stop, (_TAG_HEAD + size).to_bytes(4)))
    return edits


def _broken(what: str) -> Malformed:
    return Malformed("flv.broken", what, hint="the file is damaged, cut off or still being written; get a whole copy")
