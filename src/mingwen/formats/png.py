"""PNG: XMP in an uncompressed ``iTXt`` chunk, keyword ``XML:com.adobe.xmp`` (TC260-PG-20259A).

Annex B's alternative, a ``tEXt`` chunk named AIGC, is read too, as are text chunks of any keyword, zTXt, Exif, and what
stands after IEND. Structure: PNG specification, third edition, §5 and §11.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import mentions
from mingwen.domain.media import Medium, Splice
from mingwen.formats import _exif, _stray, _xmp
from mingwen.formats._bytes import Edit, read_at, size_of, spliced
from mingwen.formats._shape import Format, Reading, Site, Unread, Wrapper

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS: Final = 1_000_000
"""Chunks that are walked; a 4 GB PNG in 8 KiB IDATs has half of that."""
MAX_TEXT_BYTES: Final = 8 << 20
"""Size of one text chunk, packed or not, that is read."""

_XMP_KEYWORD: Final = b"XML:com.adobe.xmp"
_TEXT_CHUNKS: Final = {b"tEXt", b"zTXt", b"iTXt"}
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
        return self.chunk.kind == b"iTXt" and self.keyword == _XMP_KEYWORD


def claims(head: bytes, _: str) -> bool:
    """The eight bytes of §5.2."""
    return head.startswith(SIGNATURE)


def read(source: BinaryIO) -> Reading:
    """Find labels in text chunks, Exif and after IEND."""
    sites: list[Site] = []
    unread: list[Unread] = []
    stop = len(SIGNATURE)
    ended = False
    try:
        for chunk in _chunks(source):
            stop, ended = chunk.stop, chunk.kind == b"IEND"
            try:
                sites += _sites(source, chunk)
            except Malformed as e:
                unread.append(Unread(chunk.kind.decode("latin-1"), e.message))
    except Malformed as e:
        unread.append(Unread("chunks", e.message))
    else:
        if not ended:
            unread.append(Unread("chunks", "ends without IEND, so chunks may be missing"))
        sites += _stray.sites(source, stop, "after IEND")
    return Reading(tuple(sites), tuple(unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the XMP property in the packet that is there, or in a new chunk right after IHDR; nothing else moves."""
    chunks = list(_chunks(source))
    if not chunks or chunks[0].kind != b"IHDR" or chunks[-1].kind != b"IEND":
        raise Malformed("png.broken", "expected chunks from IHDR to IEND", hint="the file is cut off or no PNG; get a whole copy")
    texts = [_text(source, c) for c in chunks if c.kind in _TEXT_CHUNKS and c.size <= MAX_TEXT_BYTES]
    packets = [t for t in texts if t.is_xmp]
    edits = [Edit(t.chunk.start, t.chunk.stop, b"") for t in [*packets[1:], *filter(_is_label, texts)]]
    if packets:
        edits.append(Edit(packets[0].chunk.start, packets[0].chunk.stop, _xmp_chunk(_xmp.edit(packets[0].data, label))))
    else:
        edits.append(Edit(chunks[0].stop, chunks[0].stop, _xmp_chunk(_xmp.edit(None, label))))
    blocks = [(c, _data(source, c)) for c in chunks if c.kind == b"eXIf"]
    edits += [Edit(c.start, c.stop, _packed(b"eXIf", _exif.blank(data))) for c, data in blocks if _exif.labels(data)]
    return spliced([*edits, *_stray.edits(source, chunks[-1].stop)], size_of(source))


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
    raise Refused("png.too-many-chunks", f"expected at most {MAX_CHUNKS} chunks", hint="re-save the picture with larger chunks")


def _sites(source: BinaryIO, chunk: _Chunk) -> list[Site]:
    if chunk.kind == b"eXIf":
        return [Site(place, text, Wrapper.WRAPPED, guide=False) for place, text in _exif.labels(_data(source, chunk))]
    if chunk.kind not in _TEXT_CHUNKS:
        return []
    text = _text(source, chunk)
    if text.is_xmp:
        return [Site(_xmp.PLACE, value, Wrapper.BARE, guide=True) for value in _xmp.labels(text.data)]
    if not _is_label(text):
        return []
    place = f"{chunk.kind.decode()} {text.keyword.decode('latin-1')}"
    # Annex B shows the wrapped form under the keyword AIGC, although the place bears the name; the bare one is seen as well.
    wrapper = Wrapper.EITHER if b"AIGC" in text.keyword else Wrapper.WRAPPED
    return [Site(place, text.data.decode(text.codec, "replace"), wrapper, guide=False)]


def _is_label(text: _Text) -> bool:
    return not text.is_xmp and (b"AIGC" in text.keyword or mentions(text.data.decode(text.codec, "replace")))


def _data(source: BinaryIO, chunk: _Chunk) -> bytes:
    """Read a chunk's data and hold it to its CRC."""
    if chunk.size > MAX_TEXT_BYTES:
        raise _broken(chunk, f"has {chunk.size} bytes, more than the {MAX_TEXT_BYTES} that are read")
    data = read_at(source, chunk.start + 4, chunk.size + 8, what="chunk data")
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:]):
        raise _broken(chunk, "fails its CRC")
    return data[4:-4]


def _text(source: BinaryIO, chunk: _Chunk) -> _Text:
    """Take a text chunk apart: §11.3.3.2 to 11.3.3.4."""
    keyword, nul, rest = _data(source, chunk).partition(b"\0")
    if not nul:
        raise _broken(chunk, "has no keyword")
    if chunk.kind == b"tEXt":
        return _Text(chunk, keyword, rest, "latin-1")
    if chunk.kind == b"zTXt":
        return _Text(chunk, keyword, _inflate(chunk, rest[1:]), "latin-1")
    parts = rest[2:].split(b"\0", 2)
    if len(parts) != 3:  # noqa: PLR2004 - language tag, translated keyword, text
        raise _broken(chunk, "lacks its language or text")
    return _Text(chunk, keyword, _inflate(chunk, parts[2]) if rest[0] else parts[2], "utf-8")


def _inflate(chunk: _Chunk, packed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, MAX_TEXT_BYTES)
    except zlib.error as e:
        raise _broken(chunk, "cannot be decompressed") from e
    if not inflater.eof:
        raise _broken(chunk, f"is cut off or unpacks to more than {MAX_TEXT_BYTES} bytes")
    return data


def _xmp_chunk(packet: bytes) -> bytes:
    return _packed(b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + packet)


def _packed(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _broken(chunk: _Chunk, what: str) -> Malformed:
    kind = chunk.kind.decode("latin-1")
    return Malformed("png.broken", f"chunk {kind!r} at {chunk.start} {what}", hint="the file is damaged; get a whole copy")


MEMBER = Format(
    name="png",
    mime="image/png",
    suffixes=(".png", ".apng"),
    place=_xmp.PLACE,
    source="TC260-PG-20259A (A)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    read=read,
    splice=splice,
)
