"""Exif blocks: what their text tags say, the labels among it, and those blanked where the label moves.

TC260-PG-20259A Annex B allows UserComment with the wrapped form; ImageDescription and XPComment are seen in the wild, and
every other text tag is looked at too. Names of tags: Exif 3.0 (CIPA DC-008) §4.6; XP tags: Windows.
"""

import struct
from dataclasses import dataclass
from typing import Final

from mingwen.domain.errors import Malformed
from mingwen.domain.labels import mentions

MAX_ENTRIES: Final = 1000
"""Entries of one directory; cameras write up to a hundred or so."""

MAX_TEXTS: Final = 64
MAX_TEXT_BYTES: Final = 1 << 20
"""Of all text tags together; each may name the same bytes again."""

_ORDER_BYTES: Final = 256
"""Of a wide text that tell its byte order."""

_TYPE_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_EXIF_IFD: Final = 0x8769
_USER_COMMENT: Final = 0x9286
_WINDOWS: Final = range(0x9C9B, 0x9CA0)
"""UTF-16 LE whatever the block's order."""
_TEXT_TAGS: Final = {
    0x000B: "ProcessingSoftware",
    0x010D: "DocumentName",
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x011D: "PageName",
    0x0131: "Software",
    0x013B: "Artist",
    0x013C: "HostComputer",
    0x8298: "Copyright",
    _USER_COMMENT: "UserComment",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
    0xA420: "ImageUniqueID",
    0xA430: "CameraOwnerName",
    0xA436: "ImageTitle",
    0xA437: "Photographer",
    0xA438: "ImageEditor",
    0xA43A: "RAWDevelopingSoftware",
    0xA43B: "ImageEditingSoftware",
    0xA43C: "MetadataEditingSoftware",
}
_CHARSETS: Final = {b"ASCII\0\0\0": "utf-8", b"\0\0\0\0\0\0\0\0": "utf-8", b"JIS\0\0\0\0\0": "iso2022_jp"}


@dataclass(frozen=True, slots=True)
class _Value:
    tag: int
    start: int
    stop: int


def texts(tiff: bytes) -> list[tuple[str, str]]:
    """Return (English tag name, text) of every text tag of IFD0 and the Exif IFD, in file order.

    Raises:
        Malformed: the block is no TIFF structure, points outside itself, or has more text than is read (``exif.broken``).
    """
    return [(_TEXT_TAGS[v.tag], _text(tiff, v)) for v in _text_values(tiff)]


def labels(tiff: bytes) -> list[tuple[str, str]]:
    """Return (place, text) of every text tag that may hold a label.

    Raises:
        Malformed: as ``texts``.
    """
    return [(f"Exif {name}", text) for name, text in texts(tiff) if mentions(text)]


def blank(tiff: bytes) -> bytes:
    """Return the block, of the same length, with the values of ``labels`` overwritten by NULs."""
    out = bytearray(tiff)
    for v in _text_values(tiff):
        if mentions(_text(tiff, v)):
            out[v.start : v.stop] = bytes(v.stop - v.start)
    return bytes(out)


def _text_values(tiff: bytes) -> list[_Value]:
    """Find the text tags; values may overlap, so what they hold in all is bounded, and the Exif IFD is entered once."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        raise _broken("does not begin with II or MM")
    try:
        (first,) = struct.unpack_from(order + "I", tiff, 4)
        values, below = _directory(tiff, order, first)
        for pointer in below[:1]:
            values += _directory(tiff, order, pointer)[0]
    except struct.error as e:
        raise _broken("points outside itself") from e
    if len(values) > MAX_TEXTS or sum(v.stop - v.start for v in values) > MAX_TEXT_BYTES or len(below) > 1:
        raise _broken(f"has more text tags than the {MAX_TEXTS} of {MAX_TEXT_BYTES} bytes that are read")
    return values


def _directory(tiff: bytes, order: str, at: int) -> tuple[list[_Value], list[int]]:
    """Return the text values of one directory, and where its Exif IFDs stand."""
    (count,) = struct.unpack_from(order + "H", tiff, at)
    if count > MAX_ENTRIES:
        raise _broken(f"has a directory of {count} entries, more than {MAX_ENTRIES}")
    values: list[_Value] = []
    below: list[int] = []
    for i in range(count):
        entry = at + 2 + 12 * i
        tag, kind, number = struct.unpack_from(order + "HHI", tiff, entry)
        (pointer,) = struct.unpack_from(order + "I", tiff, entry + 8)
        if tag == _EXIF_IFD:
            below.append(pointer)
        elif tag in _TEXT_TAGS:
            length = _TYPE_SIZES.get(kind, 1) * number
            start = entry + 8 if length <= 4 else pointer  # noqa: PLR2004 - TIFF 6.0: up to four bytes stand in the entry
            if start + length > len(tiff):
                raise _broken(f"says {_TEXT_TAGS[tag]} has {length} bytes, more than there are")
            values.append(_Value(tag, start, start + length))
    return values, below


def _text(tiff: bytes, value: _Value) -> str:
    data = tiff[value.start : value.stop]
    if value.tag in _WINDOWS:
        return data.decode("utf-16-le", "replace").rstrip("\0")
    codec = "utf-8"
    if value.tag == _USER_COMMENT:
        charset, data = data[:8], data[8:]
        codec = _wide(data, tiff) if charset == b"UNICODE\0" else _CHARSETS.get(charset, "utf-8")
    return data.decode(codec, "replace").rstrip("\0 ")


def _wide(data: bytes, tiff: bytes) -> str:
    """Tell the order of UTF-16: some programs write big-endian whatever the block's order, which the zeros of ASCII show."""
    begin = data[:_ORDER_BYTES]
    above, below = begin[0::2].count(0), begin[1::2].count(0)
    if above == below:
        return "utf-16-le" if tiff[:2] == b"II" else "utf-16-be"
    return "utf-16-be" if above > below else "utf-16-le"


def _broken(what: str) -> Malformed:
    return Malformed("exif.broken", f"expected a sound Exif block, but it {what}", hint="the block is kept as it is")
