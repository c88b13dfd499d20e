"""WebP: XMP in the chunk ``XMP ``, with its flag in ``VP8X`` (TC260-PG-20259A).

A simple file (one VP8 or VP8L chunk) becomes an extended one. Read too: Exif (Annex B), and what stands behind the RIFF's
end. Structure: RFC 9649; the picture's size stands in RFC 6386 §9.1 and RFC 9649 §3.4.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from mingwen.containers import riff, stray
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.containers.riff import Chunk, Form
from mingwen.domain.errors import Malformed
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _exif, _xmp
from mingwen.formats._shape import Clue, Reading, Site, Unread, Wrapper

MAX_TEXT_BYTES: Final = 8 << 20
"""Size of one XMP or EXIF chunk that is read."""
MAX_TEXT_CHUNKS: Final = 16
"""XMP and EXIF chunks that are read; RFC 9649 §2.7 allows one of each."""

_FLAG_ALPHA, _FLAG_EXIF, _FLAG_XMP = 0x10, 0x08, 0x04
"""RFC 9649 §2.7, figure 7."""
_CONTENT: Final = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"C2PA"})
_VP8X_BYTES: Final = 10
_BEHIND: Final = "after RIFF"
_EXIF_PREFIX: Final = b"Exif\0\0"
"""Not in the specification, but written by some programs as in JPEG."""


def read(source: BinaryIO) -> Reading:
    """Find labels in the XMP and EXIF chunks, and behind the RIFF's end."""
    form = riff.form(source)
    sites: list[Site] = []
    unread = [Unread("RIFF chunks", form.broken)] if form.broken else []
    texts = [c for c in form.chunks if c.kind in {b"XMP ", b"EXIF"} and c.whole]
    for chunk in texts[:MAX_TEXT_CHUNKS]:
        try:
            found = _sites(source, chunk)
            sites += found
            unread += stray.unexplained(_data(source, chunk), found, riff.name(chunk.kind))
        except Malformed as e:
            unread.append(Unread(riff.name(chunk.kind), e.message))
    if len(texts) > MAX_TEXT_CHUNKS:
        unread.append(Unread("RIFF chunks", f"hold {len(texts)} of XMP and EXIF, more than the {MAX_TEXT_CHUNKS} that are read"))
    unread += riff.odd(source, form, {*_CONTENT, b"XMP ", b"EXIF"})
    behind = stray.read(source, form.stop, _BEHIND)
    return Reading((*sites, *behind.sites), (*unread, *behind.unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Put the packet behind all other chunks and set its flag; the picture, ICCP, EXIF, ANIM and ANMF stay as they are.

    Of several packets the first is edited and the others go: RFC 9649 §2.7 lets readers ignore them.
    """
    form = riff.form(source)
    if form.broken or not form.chunks:
        raise _broken(form.broken or "expected a picture, found no chunk")
    packets = [c for c in form.chunks if c.kind == b"XMP "]
    edits: list[Edit] = [Edit(c.start, c.stop, b"") for c in packets]
    edits += _extended(source, form)
    for chunk in form.chunks:
        if chunk.kind == b"EXIF":
            edits += _blanked(source, chunk)
        elif chunk.kind != b"XMP ":
            edits += riff.framed(chunk, [])
    packet = _xmp.edit(_data(source, packets[0]) if packets else None, label)
    at = form.chunks[-1].stop
    edits.append(Edit(at, at, riff.packed(b"XMP ", packet)))
    edits += riff.resized(form, edits)
    return spliced([*edits, *stray.edits(source, form.stop)], size_of(source))


def _sites(source: BinaryIO, chunk: Chunk) -> list[Site]:
    data = _data(source, chunk)
    if chunk.kind == b"XMP ":
        return _xmp.sites(data, guide=True)
    return [Site(place, text, Wrapper.WRAPPED, guide=False) for place, text in _exif.labels(data.removeprefix(_EXIF_PREFIX))]


def _blanked(source: BinaryIO, chunk: Chunk) -> list[Edit]:
    """Blank a label in Exif, which keeps its length; a block that cannot be read is kept as it is."""
    try:
        tiff = _data(source, chunk).removeprefix(_EXIF_PREFIX)
        end = chunk.end
        inner = [Edit(end - len(tiff), end, _exif.blank(tiff))] if _exif.labels(tiff) else []
    except Malformed:
        inner = []
    return riff.framed(chunk, inner)


def _extended(source: BinaryIO, form: Form) -> list[Edit]:
    """Set the XMP flag in VP8X, or put a VP8X before a simple picture."""
    first = form.chunks[0]
    if first.kind == b"VP8X":
        if first.size < _VP8X_BYTES:
            raise _broken(f"expected {_VP8X_BYTES} bytes in VP8X, got {first.size}")
        flags = read_at(source, first.data, 1, what="VP8X")[0]
        return [Edit(first.data, first.data + 1, bytes([flags | _FLAG_XMP]))]
    width, height, alpha = _canvas(source, first)
    flags = _FLAG_XMP | (_FLAG_ALPHA if alpha else 0)
    if any(c.kind == b"EXIF" for c in form.chunks):
        flags |= _FLAG_EXIF
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return [Edit(first.start, first.start, riff.packed(b"VP8X", bytes([flags, 0, 0, 0]) + sizes))]


def _canvas(source: BinaryIO, picture: Chunk) -> tuple[int, int, bool]:
    """Read width, height and whether there is alpha from the picture's own head."""
    head = read_at(source, picture.data, min(picture.size, 10), what="picture head")
    if picture.kind == b"VP8 " and head[3:6] == b"\x9d\x01\x2a" and len(head) == 10 and not head[0] & 1:  # noqa: PLR2004
        # RFC 6386 §9.1: 14 bits each; the upper two bits are a scale that decoders of WebP ignore
        width, height = (int.from_bytes(head[i : i + 2], "little") & 0x3FFF for i in (6, 8))
        if width and height:
            return width, height, False
    if picture.kind == b"VP8L" and head[:1] == b"\x2f" and len(head) >= 5:  # noqa: PLR2004 - RFC 9649 §3.4: 14 + 14 + 1 + 3 bits
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    raise _broken(f"expected VP8X or a picture in VP8 or VP8L first, found {picture.kind!r} with {head[:6].hex(' ')}")


def _data(source: BinaryIO, chunk: Chunk) -> bytes:
    if chunk.size > MAX_TEXT_BYTES:
        raise _broken(f"{riff.name(chunk.kind)} has {chunk.size} bytes, more than the {MAX_TEXT_BYTES} that are read")
    return read_at(source, chunk.data, chunk.size, what=riff.name(chunk.kind))


def _broken(what: str) -> Malformed:
    return Malformed("webp.broken", what, hint="the file is damaged or cut off; get a whole copy, or save the picture anew")


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give XMP, Exif, and a manifest in the chunk ``C2PA`` (C2PA 2.2 Appendix A)."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    for chunk in riff.form(source).chunks:
        if chunk.kind == b"C2PA":
            yield _clues.manifest("C2PA", source, chunk.data, min(chunk.end, chunk.stop))
        elif chunk.kind in {b"XMP ", b"EXIF"} and chunk.whole and chunk.size <= MAX_TEXT_BYTES:
            data = _data(source, chunk)
            yield from [_clues.xmp("XMP", data)] if chunk.kind == b"XMP " else _clues.exif(data.removeprefix(_EXIF_PREFIX))
