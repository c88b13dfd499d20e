"""JPEG XL: XMP in a box ``xml `` before the codestream (ISO/IEC 18181-2; no guide names the format).

A bare codestream is put into a container, as it is. Nothing in a container counts from its beginning, so that nothing else has to
change. Read too: ``Exif``, and what stands behind the end; boxes compressed with Brotli (``brob``) are told of.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from struct import pack
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.boxes import Box, named, walk
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.containers.item_meta import tiff_start
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _exif, _xmp
from mingwen.formats._shape import Clue, Reading, Site, Unread, Wrapper

MAX_TEXTS: Final = 64
"""Boxes of metadata that are read."""
MAX_TEXT_BYTES: Final = 8 << 20
"""Of all of them together."""
MAX_ODD_BYTES: Final = 1 << 20
"""How much of a box that is not understood is searched for a label."""
MAX_UNREAD: Final = 64
"""How many channels that cannot be read are told of."""
REACH_BYTES: Final = 64 << 10
"""Of a bare codestream, which does not say where it ends, so much is searched for a stray label."""

_BARE = b"\xff\n"
_SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"
_TYPE = pack(">I4s4sI4s", 20, b"ftyp", b"jxl ", 0, b"jxl ")
_CODESTREAM = frozenset({b"jxlc", b"jxlp"})
_SILENT = frozenset({b"JXL ", b"ftyp", b"jxll", b"jxli", b"jumb", b"jbrd", *_CODESTREAM})
"""Boxes that hold no text, or no label."""
_COMPRESSED: Final = frozenset({b"xml ", b"Exif", b"jumb"})
"""What a ``brob`` may hold that would be read if it were not compressed."""
_BEHIND: Final = "after the codestream"
_REBUILD = "write the picture anew without compressed boxes: cjxl --compress_boxes=0"


def read(source: BinaryIO) -> Reading:
    """Find labels in the boxes of XMP and Exif, and behind the end."""
    if _is_bare(source):
        return stray.read(source, _tail(source), _BEHIND)
    found: list[Site | Unread] = []
    kinds: set[bytes] = set()
    stop, texts, budget = 0, 0, MAX_TEXT_BYTES
    for box in walk(source, 0, size_of(source)):
        if isinstance(box, Unread):
            behind = stray.read(source, stop, _BEHIND)
            found += (box, *behind.sites, *behind.unread)
            break
        stop = box.stop
        kinds.add(box.kind)
        if box.kind in {b"xml ", b"Exif"}:
            texts, budget = texts + 1, budget - (box.stop - box.body)
            if texts > MAX_TEXTS or budget < 0:
                found.append(Unread(named(box.kind), f"is beyond the {MAX_TEXTS} boxes of {MAX_TEXT_BYTES} bytes that are read"))
                break
        found += _findings(source, box)
    if kinds.isdisjoint(_CODESTREAM):
        found.append(Unread("boxes", "hold no codestream, so some may be missing"))
    return Reading(tuple(f for f in found if isinstance(f, Site)), tuple(f for f in found if isinstance(f, Unread))[:MAX_UNREAD])


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the XMP property in the first packet, or in a new one before the codestream; a bare codestream gets a container.

    Raises:
        Refused: the XMP is compressed, and so cannot be changed (``jxl.compressed``).
        Malformed: the boxes contradict themselves (``jxl.broken``).
    """
    length = size_of(source)
    if _is_bare(source):
        strays = stray.edits(source, _tail(source))
        kept = length + sum(len(e.new) - (e.stop - e.start) for e in strays)
        head = _SIGNATURE + _TYPE + _box(b"xml ", _xmp.edit(None, label)) + _head(b"jxlc", kept)
        return spliced([Edit(0, 0, head), *strays], length)
    boxes = list(_sound(source))
    start = next((b.start for b in boxes if b.kind in _CODESTREAM), None)
    if start is None:
        raise _broken("there is no codestream")
    if any(b.kind == b"brob" and _inner(source, b) == b"xml " for b in boxes):
        raise Refused("jxl.compressed", "expected XMP as text, found it compressed with Brotli", hint=_REBUILD)
    packets = [b for b in boxes if b.kind == b"xml " and _xmp.is_packet(_data(source, b))]
    edits = [Edit(start, start, _box(b"xml ", _xmp.edit(None, label)))]
    if packets:
        edits = [Edit(packets[0].start, packets[0].stop, _box(b"xml ", _xmp.edit(_data(source, packets[0]), label)))]
    for box in boxes:
        if box not in packets[:1] and box.kind in {b"xml ", b"Exif"} and any(isinstance(f, Site) for f in _findings(source, box)):
            edits.append(Edit(box.body, box.stop, _BLANKED[box.kind](_data(source, box))))
    return spliced(edits, length)


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give XMP and Exif, and a C2PA manifest."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    for box in () if _is_bare(source) else walk(source, 0, size_of(source)):
        if isinstance(box, Unread):
            return
        if box.kind == b"jumb":  # the first box of the store itself
            yield _clues.manifest("jumb", source, box.start, box.stop)
        elif box.kind in _BLANKED:
            with suppress(Malformed):
                data = _data(source, box)
                yield from [_clues.xmp(_xmp.PLACE, data)] if box.kind == b"xml " else _clues.exif(data[tiff_start(data) :])


def _findings(source: BinaryIO, box: Box) -> Iterable[Site | Unread]:
    if box.kind in _SILENT:
        return ()
    if box.kind == b"brob":
        inner = _inner(source, box)
        return (Unread(f"brob {named(inner)}", "is compressed with Brotli"),) if inner in _COMPRESSED else ()
    if box.kind not in _BLANKED:
        data = read_at(source, box.body, min(box.stop - box.body, MAX_ODD_BYTES), what=named(box.kind))
        return stray.unexplained(data, (), named(box.kind))
    try:
        data = _data(source, box)
        sites = _sites(box, data)
    except Malformed as e:
        return (Unread(named(box.kind), e.message),)
    return (*sites, *stray.unexplained(data, sites, named(box.kind)))


def _sites(box: Box, data: bytes) -> list[Site]:
    if box.kind == b"xml ":
        return _xmp.sites(data, guide=True)
    return [Site(place, text, Wrapper.WRAPPED, guide=False) for place, text in _exif.labels(data[tiff_start(data) :])]


def _blanked_exif(data: bytes) -> bytes:
    start = tiff_start(data)
    return data[:start] + _exif.blank(data[start:])


_BLANKED = {b"xml ": _xmp.without, b"Exif": _blanked_exif}


def _inner(source: BinaryIO, box: Box) -> bytes:
    return read_at(source, box.body, min(4, box.stop - box.body), what="brob")


def _data(source: BinaryIO, box: Box) -> bytes:
    length = box.stop - box.body
    if length > MAX_TEXT_BYTES:
        raise _broken(f"{named(box.kind)} has {length} bytes, more than the {MAX_TEXT_BYTES} that are read")
    return read_at(source, box.body, length, what=named(box.kind))


def _is_bare(source: BinaryIO) -> bool:
    return read_at(source, 0, min(2, size_of(source)), what="signature") == _BARE


def _tail(source: BinaryIO) -> int:
    return max(len(_BARE), size_of(source) - REACH_BYTES)


def _sound(source: BinaryIO) -> Iterator[Box]:
    for box in walk(source, 0, size_of(source)):
        if isinstance(box, Unread):
            raise _broken(f"{box.place} {box.reason}")
        yield box


def _box(kind: bytes, data: bytes) -> bytes:
    return _head(kind, len(data)) + data


def _head(kind: bytes, length: int) -> bytes:
    """Return the head of a box: §9.2, as in ISO/IEC 14496-12."""
    return pack(">I4s", length + 8, kind) if length + 8 < 1 << 32 else pack(">I4sQ", 1, kind, length + 16)


def _broken(what: str) -> Malformed:
    return Malformed("jxl.broken", f"expected sound boxes, but {what}", hint="get a whole copy of the file, or save it anew")
