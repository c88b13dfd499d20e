"""AIFF and AIFF-C: an ID3v2 tag in the chunk ``ID3 ``, as MP3 has it (no guide names a place).

Read too: further tags, XMP in ``APPL``, every other chunk but the sound, and what stands behind the FORM's end.
Structure: Audio Interchange File Format 1.3 (1989); AIFF-C draft (1991); XMP specification part 3, §1.1.2.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.containers import riff, stray
from mingwen.containers.edits import Edit, growth_of, read_at, size_of, spliced
from mingwen.containers.riff import Chunk
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _glued, _id3, _id3_clues, _xmp
from mingwen.formats._characters import guessed
from mingwen.formats._shape import MAX_CLUE_CHARS, Channel, Clue, Reading, Unread

MAX_TAGS: Final = 8
"""ID3 chunks that are read; one is seen."""
MAX_PACKET_BYTES: Final = 4 << 20
"""Size of one XMP packet that is read."""

_HEAD: Final = 12
"""``FORM``, size, type."""
_MAX_SIZE: Final = (1 << 32) - 1
_BEHIND: Final = "after FORM"
_XMP: Final = b"XMP "
"""The signature of an APPL chunk that holds a packet."""
_SOUND: Final = frozenset({b"SSND", b"COMM", b"FVER", b"MARK", b"INST"})
"""Chunks of numbers: no label stands in them."""
_TEXTS: Final = frozenset({b"NAME", b"AUTH", b"(c) ", b"ANNO"})


@dataclass(frozen=True, slots=True)
class _Form:
    size: int
    chunks: tuple[Chunk, ...]
    stop: int
    broken: str
    """Why the walk ended early, or ""."""

    @property
    def tags(self) -> list[Chunk]:
        return [c for c in self.chunks if c.kind in {b"ID3 ", b"id3 "}]


def read(source: BinaryIO) -> Reading:
    """Find labels in every chunk but the sound, and behind the FORM."""
    form = _form(source)
    tags = form.tags
    readings = [_attempt(source, chunk) for chunk in form.chunks if chunk not in tags[MAX_TAGS:]]
    if form.broken:
        readings.append(Reading(unread=(Unread("AIFF chunks", form.broken),)))
    if len(tags) > MAX_TAGS:
        readings.append(Reading(unread=(Unread("ID3", f"stands {len(tags)} times, more than the {MAX_TAGS} that are read"),)))
    readings.append(stray.read(source, form.stop, _BEHIND))
    return Reading(tuple(s for r in readings for s in r.sites), tuple(u for r in readings for u in r.unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Put the frame into the first ID3 chunk, or a new one behind all others; labels elsewhere go, the rest stays."""
    form = _form(source)
    tags = form.tags
    if form.broken or not form.chunks or len(tags) > MAX_TAGS:
        raise _broken(form.broken or f"expected chunks, and at most {MAX_TAGS} ID3 tags")
    edits: list[Edit] = []
    for chunk in form.chunks:
        mine = label if tags[:1] == [chunk] else ""
        inner = _inner(source, chunk, mine)
        edits += riff.framed(chunk, inner, "big") if inner or chunk is form.chunks[-1] else []
    if not tags:
        at = form.chunks[-1].stop
        tag = _id3.new_tag(label)
        edits.append(Edit(at, at, b"ID3 " + len(tag).to_bytes(4) + tag + bytes(len(tag) % 2)))
    edits.append(Edit(4, 8, _sized(form.stop - 8 + growth_of(edits))))
    return spliced([*edits, *stray.edits(source, form.stop)], size_of(source))


def _form(source: BinaryIO) -> _Form:
    """Walk the chunks.

    Raises:
        Malformed: the head is not there (``file.truncated``).
    """
    head, end = read_at(source, 0, _HEAD, what="FORM head"), size_of(source)
    size = int.from_bytes(head[4:8])
    stop = min(8 + size, end)
    chunks: list[Chunk] = []
    broken = f"expected {8 + size} bytes by the size in the head, but the file has {end}" if not _HEAD <= 8 + size <= end else ""
    try:
        for chunk in riff.walk(source, _HEAD, stop, end=end, order="big"):
            chunks.append(chunk)  # noqa: PERF402 - what came before the break is kept
    except Malformed as e:
        broken = e.message
    chunks = [c for c in chunks if c.whole]
    return _Form(size, tuple(chunks), max([stop, *(c.stop for c in chunks)]), broken)


def _attempt(source: BinaryIO, chunk: Chunk) -> Reading:
    try:
        return _reader(source, chunk)(source, chunk)
    except Malformed as e:
        return Reading(unread=(Unread(riff.name(chunk.kind), e.message),))


def _reader(source: BinaryIO, chunk: Chunk) -> Callable[[BinaryIO, Chunk], Reading]:
    if chunk.kind in {b"ID3 ", b"id3 "}:
        return _read_tag
    if chunk.kind in _SOUND:
        return lambda *_: Reading()
    return _read_packet if _is_packet(source, chunk) else _read_other


def _read_tag(source: BinaryIO, chunk: Chunk) -> Reading:
    tag = _id3.tag_at(source, chunk.data, chunk.end)
    if tag is None:
        return _read_other(source, chunk)
    labels, unread = _id3.labels(source, tag)
    return Reading(tuple(label.site for label in labels), tuple(unread))


def _read_packet(source: BinaryIO, chunk: Chunk) -> Reading:
    return Reading(tuple(_xmp.sites(_packet(source, chunk), f"AIFF APPL {_xmp.PLACE}", guide=False)))


def _read_other(source: BinaryIO, chunk: Chunk) -> Reading:
    return _glued.read(source, chunk.data, chunk.end, f"AIFF {riff.name(chunk.kind)}")


def _inner(source: BinaryIO, chunk: Chunk, label: str) -> list[Edit]:
    """Return the edits of a chunk's data that take labels out and, unless ``label`` is "", put it into the tag there."""
    reader = _reader(source, chunk)
    if reader is _read_tag and (tag := _id3.tag_at(source, chunk.data, chunk.end)):
        labels, _ = _id3.labels(source, tag)
        return _id3.edits(tag, labels, label) if label or labels else []
    if label:
        return [Edit(chunk.data, chunk.end, _id3.new_tag(label))]  # an ID3 chunk without a tag
    if reader is _read_packet and _attempt(source, chunk).sites:
        return [Edit(chunk.data + 4, chunk.end, _xmp.without(_packet(source, chunk)))]
    return _glued.blanked(source, chunk.data, chunk.end) if reader is _read_other else []


def _is_packet(source: BinaryIO, chunk: Chunk) -> bool:
    return chunk.kind == b"APPL" and chunk.size > 4 and read_at(source, chunk.data, 4, what="APPL") == _XMP  # noqa: PLR2004


def _packet(source: BinaryIO, chunk: Chunk) -> bytes:
    if chunk.size > MAX_PACKET_BYTES:
        raise _broken(f"has {chunk.size} bytes of XMP, more than the {MAX_PACKET_BYTES} that are read")
    return read_at(source, chunk.data + 4, chunk.size - 4, what="XMP in APPL")


def _sized(size: int) -> bytes:
    if size > _MAX_SIZE:
        raise Refused(
            "aiff.too-large",
            f"expected an AIFF of less than 4 GiB with the label, got {size} bytes",
            hint="convert it to FLAC or RF64, which may be larger: `ffmpeg -i in.aiff out.flac`",
        )
    return size.to_bytes(4)


def _broken(what: str) -> Malformed:
    return Malformed("aiff.broken", what, hint="the file is damaged or cut off; get a whole copy")


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the text chunks by their kinds, the tags' frames and the XMP packet."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    form = _form(source)
    for chunk in form.chunks:
        if chunk.kind in _TEXTS:
            text = read_at(source, chunk.data, min(chunk.size, MAX_CLUE_CHARS), what=riff.name(chunk.kind))
            yield Clue(Channel.TAG, riff.name(chunk.kind), guessed(text.rstrip(b"\0")))
        elif _is_packet(source, chunk) and chunk.size <= MAX_PACKET_BYTES:
            yield _clues.xmp("AIFF APPL", _packet(source, chunk))
    for chunk in form.tags[:MAX_TAGS]:
        try:
            tag = _id3.tag_at(source, chunk.data, chunk.end)
        except Malformed:
            continue
        yield from _id3_clues.clues(source, tag) if tag else ()
