"""AVI: a child chunk ``AIGC`` of ``LIST/INFO`` that holds the bare JSON (TC260-PG-20257A).

The indexes of an AVI count from the list ``movi`` or from the file's beginning, and OpenDML's from the beginning only. So
``movi`` never moves: the label takes its room from the filler before it (``JUNK``), or stands behind everything else.
Read too: the other texts of every INFO list, XMP in ``_PMX``, the headers, filler, chunks of no known kind, and what stands
behind the end. Structure: AVI RIFF File Reference (Microsoft); OpenDML AVI File Format Extensions 1.02 (1996).
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.containers import riff, stray
from mingwen.containers.edits import Edit, growth_of, read_at, size_of, spliced
from mingwen.containers.riff import Chunk, Form
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import mentions
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _glued, _xmp
from mingwen.formats._characters import guessed
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

MAX_FORMS: Final = 4_096
"""RIFFs of the form AVIX behind the first; each has up to 1 GiB."""
MAX_CHUNKS: Final = 4_096
"""Chunks of all RIFFs together that are looked into; each RIFF has about ten."""
MAX_TEXT_BYTES: Final = 4 << 20
"""Size of all INFO lists, or of one XMP packet, that is read."""
MAX_TEXTS: Final = 1_000
"""Children of one INFO list that are read."""

_PLACE: Final = "LIST/INFO AIGC"
_BEHIND: Final = "after RIFF"
_INDEX: Final = b"idx1"
_TYPE_BYTES: Final = 4
"""What a LIST is of stands first in its data."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A child of an INFO list."""

    chunk: Chunk
    text: str

    @property
    def site(self) -> Site | None:
        name = riff.name(self.chunk.kind)
        if name == "AIGC":
            return Site(_PLACE, self.text, Wrapper.BARE, guide=True)
        return Site(f"LIST/INFO {name}", self.text, Wrapper.WRAPPED, guide=False) if mentions(self.text) else None


@dataclass(frozen=True, slots=True)
class _Film:
    """A whole file."""

    form: Form
    """The first RIFF."""
    chunks: tuple[Chunk, ...]
    """Those of all RIFFs."""
    stop: int
    """Where the last of them ends."""
    lists: dict[Chunk, bytes]
    """What every LIST is of."""
    broken: str

    def of(self, kind: bytes) -> list[Chunk]:
        """Return the lists of one kind."""
        return [c for c, of in self.lists.items() if of == kind]

    @property
    def others(self) -> list[Chunk]:
        """Chunks in which a label may be glued: all but sound and pictures, index, manifest, and what is read closely."""
        known = {b"C2PA", _INDEX, b"_PMX"}
        return [c for c in self.chunks if c.whole and c.kind not in known and self.lists.get(c) not in {b"INFO", b"movi"}]


def read(source: BinaryIO) -> Reading:
    """Find labels in every chunk but ``movi`` and the index, and behind the end."""
    film = _film(source)
    sites: list[Site] = []
    unread = [Unread("AVI chunks", film.broken)] if film.broken else []
    for chunk in film.of(b"INFO"):
        try:
            sites += [t.site for t in _texts(source, chunk) if t.site]
        except Malformed as e:
            unread.append(Unread("LIST/INFO", e.message))
    for chunk in _packets(film):
        try:
            sites += _labels(source, chunk)
        except Malformed as e:
            unread.append(Unread("_PMX", e.message))
    rest = [_glued.read(source, c.data, c.end, f"AVI {riff.name(film.lists.get(c, c.kind))}") for c in film.others]
    rest.append(stray.read(source, film.stop, _BEHIND))
    return Reading((*sites, *itertools.chain(*(r.sites for r in rest))), (*unread, *itertools.chain(*(r.unread for r in rest))))


def splice(source: BinaryIO, label: str) -> Splice:
    """Put the chunk into an INFO list before ``movi`` if filler gives the room, else behind the rest; no ``movi`` moves.

    Raises:
        Refused: there is no filler, and further RIFFs behind the first would move (``avi.no-room``).
    """
    film = _film(source)
    movi = next(iter(film.of(b"movi")), None)
    if movi is None:
        raise _broken("expected a list movi, found none")
    packed = riff.packed(b"AIGC", label.encode("ascii"))
    glued = {c: edits for c in film.others if (edits := _glued.blanked(source, c.data, c.end))}
    filler = next((c for c in film.others if c.kind == b"JUNK" and c.start < movi.start and c not in glued), None)
    infos = [c for c in film.of(b"INFO") if c.whole]
    target = next((c for c in infos if c.start < movi.start), None)
    edits = _before(source, target, filler, packed)
    if not edits:
        target = next((c for c in infos if c.start > movi.start and c in film.form.chunks), None)
        edits = _behind(source, film, target, packed)
    edits += itertools.chain(*(_filled(source, c) for c in infos if c is not target), *glued.values())
    for chunk in _packets(film):
        if _labels(source, chunk):
            packet = read_at(source, chunk.data, chunk.size, what="_PMX")
            edits.append(Edit(chunk.data, chunk.end, _xmp.without(packet)))
    return spliced([*edits, *stray.edits(source, film.stop)], size_of(source))


def _before(source: BinaryIO, target: Chunk | None, filler: Chunk | None, packed: bytes) -> list[Edit]:
    """Return the edits before ``movi``, with the filler shrunk or grown by as much; none if it has not the room."""
    if target is None and filler is None:
        return []
    edits = _put(source, target, filler.start if filler else 0, packed)
    growth = growth_of(edits)
    if filler is None or growth % 2 or growth > filler.size:
        return [] if growth else edits
    end = filler.data + filler.size
    size = (filler.size - growth).to_bytes(4, "little")
    return [*edits, Edit(filler.start + 4, filler.data, size), Edit(end - max(growth, 0), end, bytes(max(-growth, 0)))]


def _behind(source: BinaryIO, film: _Film, target: Chunk | None, packed: bytes) -> list[Edit]:
    """Return the edits behind ``movi``: into the INFO list there, or into a new one as the first RIFF's last chunk."""
    form = film.form
    if form.broken:
        raise _broken(form.broken)
    last = form.chunks[-1]
    edits = _put(source, target, last.stop, packed)
    edits += riff.framed(last, []) if target is not last else []
    if film.stop > form.stop and growth_of(edits):
        raise Refused(
            "avi.no-room",
            f"expected {len(packed)} bytes of filler (JUNK) before the list movi of an AVI of several RIFFs, found fewer",
            hint="copy it once, which makes room: `ffmpeg -i in.avi -map 0 -c copy out.avi`",
        )
    return [*edits, *riff.resized(form, edits)]


def _put(source: BinaryIO, target: Chunk | None, at: int, packed: bytes) -> list[Edit]:
    """Put the child last into the list, whose other labels go; without a list, put a new one at ``at``."""
    if target is None:
        return [Edit(at, at, riff.packed(b"LIST", b"INFO" + packed))]
    end = target.data + target.size
    drops = [Edit(t.chunk.start, t.chunk.stop, b"") for t in _texts(source, target) if t.site]
    return riff.framed(target, [*drops, Edit(end, end, bytes(target.size % 2) + packed)])


def _filled(source: BinaryIO, info: Chunk) -> list[Edit]:
    """Make filler of the labels of another list, so that nothing moves."""
    found = [t.chunk for t in _texts(source, info) if t.site]
    return [e for c in found for e in (Edit(c.start, c.start + 4, b"JUNK"), Edit(c.data, c.end, bytes(c.size)))]


def _film(source: BinaryIO) -> _Film:
    form, end = riff.form(source), size_of(source)
    more: list[Chunk] = []
    stop, broken = form.stop, form.broken
    try:
        for _ in range(MAX_FORMS):
            head = read_at(source, stop, min(riff.HEAD, end - stop), what="RIFF head")
            if head[:4] != b"RIFF" or head[8:] != b"AVIX":
                break
            after = stop + 8 + int.from_bytes(head[4:8], "little")
            more += riff.walk(source, stop + riff.HEAD, min(after, end), end=end)
            stop = min(after, end)
    except Malformed as e:
        broken, stop = e.message, end
    chunks = (*form.chunks, *more)
    if len(chunks) > MAX_CHUNKS:
        chunks, broken = chunks[:MAX_CHUNKS], f"are {len(chunks)}, more than the {MAX_CHUNKS} that are looked into"
    typed = [c for c in chunks if c.kind == b"LIST" and c.size >= _TYPE_BYTES and c.data + _TYPE_BYTES <= end]
    lists = {c: read_at(source, c.data, _TYPE_BYTES, what="LIST") for c in typed}
    return _Film(form, chunks, stop, lists, broken)


def _texts(source: BinaryIO, info: Chunk) -> list[_Text]:
    if info.size > MAX_TEXT_BYTES:
        raise _broken(f"has {info.size} bytes, more than the {MAX_TEXT_BYTES} that are read")
    end = info.data + info.size
    found: list[_Text] = []
    for child in riff.walk(source, info.data + _TYPE_BYTES, end, end=end):
        if len(found) == MAX_TEXTS:
            raise _broken(f"holds more than the {MAX_TEXTS} texts that are read")
        found.append(_Text(child, guessed(read_at(source, child.data, child.size, what=riff.name(child.kind)).rstrip(b"\0"))))
    return found


def _packets(film: _Film) -> list[Chunk]:
    return [c for c in film.chunks if c.kind == b"_PMX" and c.whole]


def _labels(source: BinaryIO, chunk: Chunk) -> list[Site]:
    """Read XMP (specification part 3, §2.1.1)."""
    if chunk.size > MAX_TEXT_BYTES:
        raise _broken(f"has {chunk.size} bytes, more than the {MAX_TEXT_BYTES} that are read")
    packet = read_at(source, chunk.data, chunk.size, what="_PMX")
    return _xmp.sites(packet, f"AVI _PMX {_xmp.PLACE}", guide=False)


def _broken(what: str) -> Malformed:
    return Malformed("avi.broken", what, hint="the file is damaged or cut off; get a whole copy")


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the texts of the INFO lists by their ids, XMP, and a C2PA manifest."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    film = _film(source)
    for chunk in film.of(b"INFO"):
        try:
            yield from (Clue(Channel.TAG, riff.name(t.chunk.kind), t.text) for t in _texts(source, chunk))
        except Malformed:
            continue
    for chunk in film.chunks:
        if chunk.kind == b"C2PA":
            yield _clues.manifest("C2PA", source, chunk.data, min(chunk.end, chunk.stop))
        elif chunk.kind == b"_PMX" and chunk.whole and chunk.size <= MAX_TEXT_BYTES:
            yield _clues.xmp("_PMX", read_at(source, chunk.data, chunk.size, what="_PMX"))
