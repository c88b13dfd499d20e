"""TIFF and BigTIFF: XMP in tag 700 of the first directory (TC260-PG-20259A)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import XMP_PLACE, Body, Format


def claims(head: bytes, _: str) -> bool:
    """The byte order and the number 42, or 43 for BigTIFF."""
    return head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


def _body() -> Body:
    from mingwen.formats import _tiff  # noqa: PLC0415 - see Format.body

    return _tiff


MEMBER = Format(
    name="tiff",
    mime="image/tiff",
    suffixes=(".tif", ".tiff"),
    place=XMP_PLACE,
    source="TC260-PG-20259A (A)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    body=_body,
    c2pa="image/tiff",
)
