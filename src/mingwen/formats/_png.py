"""PNG: XMP in an uncompressed ``iTXt`` chunk, keyword ``XML:com.adobe.xmp`` (TC260-PG-20259A).

Annex B's alternative, a ``tEXt`` chunk named AIGC, is read too, as are text chunks of any keyword, zTXt, Exif, and what
stands after IEND. Structure: PNG specification, third edition, §5 and §11.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.domain.errors import Malformed
from mingwen.domain.labels import mentions
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _exif, _xmp
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS: Final = 1_000_000
"""Chunks that are walked; a 4 GB PNG in 8 KiB IDATs has half of that."""
MAX_TEXT_BYTES: Final = 8 << 20
"""Of all text chunks together, unpacked; and of one Exif chunk."""
MAX_UNREAD: Final = 64
"""How many chunks that cannot be read are told of."""

_XMP_KEYWORD: Final = b"XML:com.adobe.xmp"
_XMP_PROFILE: Final = b"Raw profile type xmp"
_EXIF_PROFILES: Final = {b"Raw profile type exif", b"Raw profile type APP1"}
_TEXT_CHUNKS: Final = {b"tEXt", b"zTXt", b"iTXt"}
_CONTENT: Final = {b"IDAT", b"fdAT", b"eXIf", b"caBX"}
"""Pictures, and what is read or signed: not searched for a label at an odd place."""
_OVERHEAD: Final = 12  # length, type, CRC


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    start: int
    """Offset of the length field."""
    size: int
    """Bytes of data."""

    @property
    def stop(self) -> int:
        return self.start + _OVERHEAD + self.size


@dataclass(frozen=True, slots=True)
class _Text:
    """A text chunk taken apart."""

    chunk: _Chunk
    keyword: bytes
    data: bytes
    codec: str

    @property
    def is_xmp(self) -> bool:
        """Is it the guide's place?"""
        return self.chunk.kind == b"iTXt" and self.keyword == _XMP_KEYWORD

    @property
    def packet(self) -> bytes:
        """XMP, at the guide's place or not: any text chunk of its keyword, or ImageMagick's profile in hexadecimal."""
        if self.keyword == _XMP_KEYWORD:
            return self.data
        return self.profile if self.keyword == _XMP_PROFILE else b""

    @property
    def tiff(self) -> bytes:
        """An Exif block as ImageMagick's profile; APP1 profiles hold what a JPEG has there, which may be XMP as well."""
        if self.keyword not in _EXIF_PROFILES:
            return b""
        block = self.profile.removeprefix(b"Exif\0\0")
        return block if block[:2] in {b"II", b"MM"} else b""

    @property
    def profile(self) -> bytes:
        """ImageMagick's profiles: a name, a length and the bytes in hexadecimal, on lines of their own."""
        try:
            return bytes.fromhex(self.data.split(b"\n", 3)[-1].decode("latin-1"))
        except ValueError as e:
            raise _broken(self.chunk, "is no hexadecimal profile") from e

    @property
    def sites(self) -> list[Site]:
        """The labels of XMP in it."""
        place = _xmp.PLACE if self.is_xmp else f"{self.chunk.kind.decode()} {_xmp.PLACE}"
        return _xmp.sites(self.packet, place, guide=self.is_xmp)


def read(source: BinaryIO) -> Reading:
    """Find labels in text chunks, Exif and after IEND."""
    sites: list[Site] = []
    unread: list[Unread] = []
    chunk: _Chunk | None = None
    budget = MAX_TEXT_BYTES
    try:
        for chunk in _chunks(source):
            try:
                found, used = _sites(source, chunk, budget)
                unread += _odd(source, chunk, found, budget)
            except Malformed as e:
                unread.append(Unread(chunk.kind.decode("latin-1"), e.message))
            else:
                sites += found
                budget -= used
    except Malformed as e:
        unread.append(Unread("chunks", e.message))
    else:
        if chunk is None or chunk.kind != b"IEND":
            unread.append(Unread("chunks", "ends without IEND, so chunks may be missing"))
        else:
            behind = stray.read(source, chunk.stop, "after IEND")
            sites += behind.sites
            unread += behind.unread
    return Reading(tuple(sites), tuple(unread[:MAX_UNREAD]))


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the XMP property in the packet that is there, or in a new chunk right after IHDR; nothing else moves."""
    chunks = list(_chunks(source))
    if not chunks or chunks[0].kind != b"IHDR" or chunks[-1].kind != b"IEND":
        raise Malformed("png.broken", "expected chunks from IHDR to IEND", hint="the file is cut off or no PNG; get a whole copy")
    texts = _texts(source, [c for c in chunks if c.kind in _TEXT_CHUNKS])
    packets = [t for t in texts if t.is_xmp]
    edits = [Edit(t.chunk.start, t.chunk.stop, b"") for t in [*packets[1:], *filter(_is_label, texts)]]
    if packets:
        edits.append(Edit(packets[0].chunk.start, packets[0].chunk.stop, _xmp_chunk(_xmp.edit(packets[0].data, label))))
    else:
        edits.append(Edit(chunks[0].stop, chunks[0].stop, _xmp_chunk(_xmp.edit(None, label))))
    blocks = [(c, _data(source, c, MAX_TEXT_BYTES)) for c in chunks if c.kind == b"eXIf"]
    edits += [Edit(c.start, c.stop, _packed(b"eXIf", _exif.blank(data))) for c, data in blocks if _exif.labels(data)]
    edits += [Edit(t.chunk.start, t.chunk.stop, _blanked(t)) for t in texts if t.tiff and _exif.labels(t.tiff)]
    return spliced([*edits, *stray.edits(source, chunks[-1].stop)], size_of(source))


def _chunks(source: BinaryIO) -> Iterator[_Chunk]:
    """Walk the chunk headers up to IEND without reading data."""
    at, size = len(SIGNATURE), size_of(source)
    for _ in range(MAX_CHUNKS):
        if at == size:
            return
        length, kind = struct.unpack(">I4s", read_at(source, at, 8, what="chunk header"))
        chunk = _Chunk(kind, at, length)
        if chunk.stop > size:
            raise Malformed(
                "file.truncated",
                f"chunk {kind.decode('latin-1')!r} says {length} bytes, but the file ends after {max(size - at - 8, 0)}",
                hint="the file is cut off or lies about its lengths; get a whole copy",
            )
        yield chunk
        if kind == b"IEND":
            return
        at = chunk.stop
    raise Malformed("png.too-many-chunks", f"expected at most {MAX_CHUNKS} chunks", hint="re-save the picture with larger chunks")


def _sites(source: BinaryIO, chunk: _Chunk, budget: int) -> tuple[list[Site], int]:
    """Return the labels in a chunk, and how many bytes of text were unpacked for them."""
    if chunk.kind == b"eXIf":
        found = _exif.labels(_data(source, chunk, MAX_TEXT_BYTES))
        return [Site(place, text, Wrapper.WRAPPED, guide=False) for place, text in found], 0
    if chunk.kind not in _TEXT_CHUNKS:
        return [], 0
    text = _text(source, chunk, budget)
    kind = chunk.kind.decode()
    if text.packet:
        return text.sites, len(text.data)
    if text.tiff:
        found = _exif.labels(text.tiff)
        return [Site(f"{kind} {place}", value, Wrapper.WRAPPED, guide=False) for place, value in found], len(text.data)
    if not _is_label(text):
        return [], len(text.data)
    # Annex B shows the wrapped form under the keyword AIGC, although the place bears the name; the bare one is seen as well.
    wrapper = Wrapper.EITHER if b"AIGC" in text.keyword else Wrapper.WRAPPED
    place = f"{kind} {text.keyword.decode('latin-1')}"
    return [Site(place, text.data.decode(text.codec, "replace"), wrapper, guide=False)], len(text.data)


def _odd(source: BinaryIO, chunk: _Chunk, sites: list[Site], budget: int) -> list[Unread]:
    """Say so if a chunk seems to hold a label where none is read: another property of XMP, or a chunk that nobody knows."""
    kind = chunk.kind.decode("latin-1")
    if chunk.kind in _TEXT_CHUNKS:
        return stray.unexplained(_text(source, chunk, budget).packet, sites, kind)
    if chunk.kind in _CONTENT:
        return []
    return stray.hidden(source, chunk.start + 8, chunk.stop - 4, kind)


def _is_label(text: _Text) -> bool:
    if text.packet:
        return not text.is_xmp and bool(text.sites)
    return not text.is_xmp and (b"AIGC" in text.keyword or mentions(text.data.decode(text.codec, "replace")))


def _texts(source: BinaryIO, chunks: list[_Chunk]) -> list[_Text]:
    """Read text chunks of ``MAX_TEXT_BYTES`` in all; each may be a bomb."""
    out: list[_Text] = []
    budget = MAX_TEXT_BYTES
    for chunk in chunks:
        out.append(_text(source, chunk, budget))
        budget -= len(out[-1].data)
    return out


def _data(source: BinaryIO, chunk: _Chunk, most: int) -> bytes:
    """Read a chunk's data and hold it to its CRC."""
    if chunk.size > most:
        raise _broken(chunk, f"brings the text to more than the {MAX_TEXT_BYTES} bytes that are read")
    data = read_at(source, chunk.start + 4, chunk.size + 8, what="chunk data")
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:]):
        raise _broken(chunk, "fails its CRC")
    return data[4:-4]


def _text(source: BinaryIO, chunk: _Chunk, most: int) -> _Text:
    """Take a text chunk apart: §11.3.3.2 to 11.3.3.4."""
    keyword, nul, rest = _data(source, chunk, most).partition(b"\0")
    if not nul:
        raise _broken(chunk, "has no keyword")
    if chunk.kind == b"tEXt":
        return _Text(chunk, keyword, rest, "latin-1")
    if chunk.kind == b"zTXt":
        return _Text(chunk, keyword, _inflate(chunk, rest[1:], most), "latin-1")
    parts = rest[2:].split(b"\0", 2)
    if len(parts) != 3:  # noqa: PLR2004 - language tag, translated keyword, text
        raise _broken(chunk, "lacks its language or text")
    return _Text(chunk, keyword, _inflate(chunk, parts[2], most) if rest[0] else parts[2], "utf-8")


def _inflate(chunk: _Chunk, packed: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, max(most, 1))
    except zlib.error as e:
        raise _broken(chunk, "cannot be decompressed") from e
    if not inflater.eof:
        raise _broken(chunk, f"is cut off, or brings the text to more than {MAX_TEXT_BYTES} bytes")
    return data


def _xmp_chunk(packet: bytes) -> bytes:
    return _packed(b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + packet)


def _blanked(text: _Text) -> bytes:
    """Write a profile anew whose Exif holds a label."""
    *head, _ = text.data.split(b"\n", 3)
    block = text.profile[: -len(text.tiff)] + _exif.blank(text.tiff)
    return _packed(b"zTXt", text.keyword + b"\0\0" + zlib.compress(b"\n".join([*head, block.hex().encode(), b""])))


def _packed(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _broken(chunk: _Chunk, what: str) -> Malformed:
    kind = chunk.kind.decode("latin-1")
    return Malformed("png.broken", f"chunk {kind!r} at {chunk.start} {what}", hint="the file is damaged; get a whole copy")


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give every text chunk by its keyword, XMP, Exif, and a manifest in ``caBX`` (C2PA 2.2 Appendix A)."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    budget = MAX_TEXT_BYTES
    with suppress(Malformed):
        for chunk in _chunks(source):
            if chunk.kind == b"caBX":
                yield _clues.manifest("caBX", source, chunk.start + 8, chunk.stop - 4)
            elif chunk.kind == b"eXIf":
                with suppress(Malformed):
                    yield from _clues.exif(_data(source, chunk, MAX_TEXT_BYTES))
            elif chunk.kind in _TEXT_CHUNKS:
                with suppress(Malformed):
                    text = _text(source, chunk, budget)
                    budget -= len(text.data)
                    yield from _of_text(text)


def _of_text(text: _Text) -> list[Clue]:
    if text.packet:
        return [_clues.xmp(text.chunk.kind.decode(), text.packet)]
    if text.tiff:
        return _clues.exif(text.tiff)
    return [Clue(Channel.TEXT, text.keyword.decode("latin-1"), text.data.decode(text.codec, "replace"))]
