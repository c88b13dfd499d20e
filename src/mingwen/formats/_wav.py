"""WAV: a subchunk of its own, ``AIGC``, that holds the bare JSON (TC260-PG-202510A).

Read too: LIST/INFO, an ID3 tag in an ``id3`` chunk, XMP in ``_PMX``, and what stands behind the RIFF's end.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from mingwen.containers import riff, stray
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.containers.riff import Chunk, Form
from mingwen.domain.errors import Malformed
from mingwen.domain.labels import mentions
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _id3, _id3_clues, _xmp
from mingwen.formats._characters import guessed
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

MAX_TEXT_BYTES: Final = 4 << 20
"""Size of all metadata chunks of one kind together that are read; what is beyond is reported as unread."""

_TAG_CHARGE: Final = MAX_TEXT_BYTES // 4
"""What an ID3 tag counts for, however large: its pictures are stepped over, its texts have a limit of their own."""

_PLACE: Final = "WAV AIGC"
_BEHIND: Final = "after RIFF"


@dataclass(slots=True)
class _Found:
    """What one chunk holds: its labels, and a way to the edits of its data that take them out."""

    sites: list[Site] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    inner: Callable[[], list[Edit]] = list
    whole: bool = False
    """Is the whole chunk the label, to be taken out with its head?"""


def read(source: BinaryIO) -> Reading:
    """Find labels in the metadata chunks; the samples are stepped over."""
    form = riff.form(source)
    sites: list[Site] = []
    unread: list[Unread] = []
    for _, found in _findings(source, form):
        sites += found.sites
        unread += found.unread
    if form.broken:
        unread.append(Unread("RIFF chunks", form.broken))
    unread += riff.odd(source, form, {*_READERS, b"data", b"C2PA"})
    behind = stray.read(source, form.stop, _BEHIND)
    return Reading((*sites, *behind.sites), (*unread, *behind.unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Append the chunk, or put it before samples whose size is not honest; labels elsewhere go, the rest stays."""
    form = riff.form(source)
    edits: list[Edit] = []
    for chunk, found in _findings(source, form):
        edits += [Edit(chunk.start, chunk.stop, b"")] if found.whole else riff.framed(chunk, found.inner())
    at = _position(form)
    edits.append(Edit(at, at, riff.packed(b"AIGC", label.encode("ascii"))))
    edits += riff.resized(form, edits)
    return spliced([*edits, *stray.edits(source, form.stop)], size_of(source))


def _position(form: Form) -> int:
    """Find the place for the chunk: the end, if a reader that steps over the samples gets there."""
    samples = [c for c in form.chunks if c.kind == b"data"]
    if not samples:
        raise Malformed("wav.no-data", "expected a data chunk, found none", hint="the file holds no samples; get a whole copy")
    # Readers such as ffmpeg take a data chunk of size 0 for one that reaches to the file's end.
    if form.broken or any(not c.whole or c.size == 0 for c in samples):
        return samples[0].start
    return form.chunks[-1].stop


def _findings(source: BinaryIO, form: Form) -> list[tuple[Chunk, _Found]]:
    """Read every chunk that may hold a label, and those whose pad byte is missing, in file order."""
    findings: list[tuple[Chunk, _Found]] = []
    spent: Counter[bytes] = Counter()
    for chunk in form.chunks:
        reader = _READERS.get(chunk.kind)
        if not chunk.whole:
            continue  # the walk says so
        if reader is None:
            findings += [(chunk, _Found())] if chunk is form.chunks[-1] else []
            continue
        spent[chunk.kind] += _TAG_CHARGE if reader is _tag else chunk.size
        if spent[chunk.kind] > MAX_TEXT_BYTES:
            reason = f"holds more than the {MAX_TEXT_BYTES} bytes that are read"
            findings.append((chunk, _Found(unread=[Unread(riff.name(chunk.kind), reason)], whole=reader is _own)))
        else:
            findings.append((chunk, _attempt(reader, source, chunk)))
    return findings


def _attempt(reader: "_Reader", source: BinaryIO, chunk: Chunk) -> _Found:
    try:
        return reader(source, chunk)
    except Malformed as e:
        return _Found(unread=[Unread(riff.name(chunk.kind), e.message)])


def _own(source: BinaryIO, chunk: Chunk) -> _Found:
    return _Found([Site(_PLACE, _text(source, chunk), Wrapper.BARE, guide=True)], whole=True)


def _info(source: BinaryIO, chunk: Chunk) -> _Found:
    """Read the text chunks of LIST/INFO; other lists (cue points, for one) hold no metadata of the file."""
    sites: list[Site] = []
    inner: list[Edit] = []
    for child in _children(source, chunk):
        text = _text(source, child)
        named = child.kind == b"AIGC"
        if named or mentions(text):
            wrapper = Wrapper.BARE if named else Wrapper.WRAPPED
            sites.append(Site(f"WAV LIST/INFO {riff.name(child.kind)}", text, wrapper, guide=False))
            inner.append(Edit(child.start, child.stop, b""))
    return _Found(sites, inner=lambda: inner)


def _children(source: BinaryIO, chunk: Chunk) -> Iterator[Chunk]:
    end = chunk.end
    if read_at(source, chunk.data, min(4, chunk.size), what="LIST type") != b"INFO":
        return iter(())
    return riff.walk(source, chunk.data + 4, end, end=end)


def _tag(source: BinaryIO, chunk: Chunk) -> _Found:
    tag = _id3.tag_at(source, chunk.data, chunk.end)
    if tag is None:
        return _Found()
    labels, unread = _id3.labels(source, tag)
    sites = [Site(f"WAV id3 {x.site.place}", x.site.text, x.site.wrapper, guide=False) for x in labels]
    return _Found(sites, unread, (lambda: _id3.edits(tag, labels, "")) if labels else list)


def _packet(source: BinaryIO, chunk: Chunk) -> _Found:
    """Read XMP (specification part 3, §2.1.3); only the label leaves the packet, which keeps its length."""
    packet = read_at(source, chunk.data, chunk.size, what="_PMX")
    sites = _xmp.sites(packet, f"WAV _PMX {_xmp.PLACE}", guide=False)
    return _Found(
        sites,
        stray.unexplained(packet, sites, "_PMX"),
        lambda: [Edit(chunk.data, chunk.end, _xmp.without(packet))] if sites else [],
    )


def _text(source: BinaryIO, chunk: Chunk) -> str:
    return guessed(read_at(source, chunk.data, chunk.size, what=riff.name(chunk.kind)).rstrip(b"\0"))


_Reader = Callable[[BinaryIO, Chunk], _Found]
_READERS: Final[dict[bytes, _Reader]] = {b"AIGC": _own, b"LIST": _info, b"id3 ": _tag, b"ID3 ": _tag, b"_PMX": _packet}


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give LIST/INFO, ID3, XMP, and a manifest in the chunk ``C2PA`` (C2PA 2.2 Appendix A)."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    for chunk in riff.form(source).chunks:
        if chunk.kind == b"C2PA":
            yield _clues.manifest("C2PA", source, chunk.data, min(chunk.end, chunk.stop))
        elif (reader := _READERS.get(chunk.kind)) and chunk.whole and (reader is _tag or chunk.size <= MAX_TEXT_BYTES):
            with suppress(Malformed):
                yield from _metadata(source, chunk)


def _metadata(source: BinaryIO, chunk: Chunk) -> Iterator[Clue]:
    if chunk.kind == b"LIST":
        for child in _children(source, chunk):
            yield Clue(Channel.TAG, riff.name(child.kind), _text(source, child))
    elif chunk.kind == b"_PMX":
        yield _clues.xmp("_PMX", read_at(source, chunk.data, chunk.size, what="_PMX"))
    elif (tag := _id3.tag_at(source, chunk.data, chunk.end)) is not None:
        yield from _id3_clues.clues(source, tag)
