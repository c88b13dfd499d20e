"""Text in the lowest bits of a PNG's alpha channel, column by column: stealth_pnginfo and stealth_pngcomp.

Described by https://github.com/NovelAI/novelai-image-metadata; other programs write it too. Only the first bits are read, of
as few rows as they take: an opaque picture differs in the first one. PNG: third edition, §9 (filters) and §11.2.1 (IHDR).
"""

import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

MAGICS: Final = (b"stealth_pnginfo", b"stealth_pngcomp")
BITS: Final = 8 * len(MAGICS[0])
MAX_WIDTH: Final = 1 << 16
MAX_CHUNKS: Final = 10_000
"""Before the picture and of it; its first rows stand in the first few."""
PIECE_BYTES: Final = 64 << 10

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_RGBA8: Final = b"\x08\x06\x00\x00\x00"
"""Depth 8, colour type 6, the only compression and filter method, no interlace."""
_PIXEL: Final = 4
_PREFIX: Final = "stealth_png"


def found(source: BinaryIO, format_name: str) -> Iterator[str]:
    """Yield the magic word, if the picture begins with one."""
    if format_name != "png":
        return
    source.seek(0)
    head = source.read(33)
    width, height = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    if head[:8] != _SIGNATURE or head[24:29] != _RGBA8 or not 0 < width <= MAX_WIDTH or width * height < BITS:
        return
    columns = -(-BITS // height)
    bits = _bits(_rows(source, 1 + _PIXEL * width), columns, min(height, BITS))
    if bits in {_of(magic) for magic in MAGICS}:
        magic = next(m for m in MAGICS if _of(m) == bits)
        yield f"transparency of the picture: {magic.decode()}"


def _of(magic: bytes) -> str:
    return f"{int.from_bytes(magic):0{BITS}b}"


def _bits(rows: Iterator[bytes], columns: int, height: int) -> str:
    """Return the lowest alpha bits of the first columns; "" as soon as the first column is no magic word's."""
    expected = _of(MAGICS[0])[: 8 * len(_PREFIX)]
    above = bytes(columns)
    bits: list[list[int]] = []
    for y in range(height):
        row = next(rows, b"")
        if not row:
            return ""
        above = _unfiltered(row, above, columns)
        bits.append([value & 1 for value in above])
        if y < len(expected) and bits[y][0] != int(expected[y]):
            return ""
    return "".join(str(row[x]) for x in range(columns) for row in bits)[:BITS]


def _unfiltered(row: bytes, above: bytes, columns: int) -> bytes:
    """Undo the filter of the first alpha values of a row (§9.2); each depends on alpha values alone."""
    kind, raw = row[0], row[_PIXEL::_PIXEL][:columns]
    left = upper_left = 0
    out = bytearray()
    for value, up in zip(raw, above, strict=False):
        predicted = (0, left, up, (left + up) // 2, _paeth(left, up, upper_left))[min(kind, 4)]
        left, upper_left = (value + predicted) & 0xFF, up
        out.append(left)
    return bytes(out)


def _paeth(left: int, up: int, upper_left: int) -> int:
    """§9.4."""
    guess = left + up - upper_left
    return min((left, up, upper_left), key=lambda value: abs(guess - value))


def _rows(source: BinaryIO, stride: int) -> Iterator[bytes]:
    """Yield filtered rows, decompressing no more than is asked for; a broken picture ends early."""
    inflater = zlib.decompressobj()
    held = b""
    for packed in _pieces(source):
        rest = packed
        while rest:
            try:
                held += inflater.decompress(rest, stride)
            except zlib.error:
                return
            rest = inflater.unconsumed_tail
            while len(held) >= stride:
                yield held[:stride]
                held = held[stride:]


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    """Yield what stands in the IDAT chunks, in pieces."""
    at = len(_SIGNATURE)
    for _ in range(MAX_CHUNKS):
        source.seek(at)
        head = source.read(8)
        size = int.from_bytes(head[:4])
        if len(head) < 8 or head[4:] == b"IEND":  # noqa: PLR2004 - length and type
            return
        start, at = at + 8, at + 12 + size
        while head[4:] == b"IDAT" and size:
            source.seek(start)
            piece = source.read(min(size, PIECE_BYTES))
            if not piece:
                return
            yield piece
            start, size = start + len(piece), size - len(piece)
