"""BMP: no place holds metadata, so ``splice`` describes the XMP file beside the picture.

Read are labels that others put where no program looks: between the headers and the pixels, and behind the pixels. Structure:
BITMAPFILEHEADER and BITMAPINFOHEADER as Windows documents them; BITMAPCOREHEADER of OS/2.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.edits import read_at, size_of
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Splice
from mingwen.formats import _xmp
from mingwen.formats._shape import Clue, Reading, Unread

_FILE_HEADER: Final = 14
_CORE_HEADER: Final = 12
_ROW_BITS: Final = 32
"""Rows are filled up to whole double words."""
_PLAIN: Final = {0, 3, 6}
"""BI_RGB, BI_BITFIELDS, BI_ALPHABITFIELDS: the size follows from width, height and depth."""


def read(source: BinaryIO) -> Reading:
    """Find labels around the pixels."""
    size = size_of(source)
    start, stop = _pixels(source)
    if stop > size:
        return Reading((), (Unread("pixels", f"end {stop - size} bytes early"),))
    before = stray.hidden(source, _FILE_HEADER, start, "before the pixels")
    behind = stray.read(source, stop, "after the pixels")
    return Reading(behind.sites, (*before, *behind.unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Describe the XMP file beside the picture; the picture itself stays as it is.

    Raises:
        Refused: a label stands in the picture's file, which this leaves as it is (``bmp.label-inside``).
        Malformed: the file is no BMP (``bmp.broken``, ``file.truncated``).
    """
    if sites := read(source).sites:
        raise Refused(
            "bmp.label-inside",
            f"expected no label in the file itself, found one {sites[0].place}",
            hint="take the picture as its producer made it; or save it as PNG, which has a place for a label",
        )
    return (_xmp.edit(None, label),)


def clues(source: BinaryIO) -> Iterator[Clue]:  # noqa: ARG001 - it has no place for one
    """See ``Body``."""
    yield from ()


def _pixels(source: BinaryIO) -> tuple[int, int]:
    """Return where the pixels begin and end."""
    start, header = struct.unpack("<II", read_at(source, 10, 8, what="file header"))
    if header == _CORE_HEADER:
        width, height, _, depth = struct.unpack("<HHHH", read_at(source, 18, 8, what="header"))
        packing = said = 0
    else:
        fields = read_at(source, 18, 20 if header >= 40 else 12, what="header").ljust(20, b"\0")  # noqa: PLR2004 - shorter: OS/2 2
        width, height, _, depth, packing, said = struct.unpack("<iiHHII", fields)
    if start < _FILE_HEADER + header or width < 0:
        raise Malformed(
            "bmp.broken",
            f"expected pixels behind the headers, but they begin at {start} and are {width} wide",
            hint="the file is damaged; get a whole copy",
        )
    row = (width * depth + _ROW_BITS - 1) // _ROW_BITS * 4
    return start, start + (row * abs(height) if packing in _PLAIN else said)
