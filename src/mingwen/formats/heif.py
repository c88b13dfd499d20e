"""HEIF and its kin (HEIC): XMP as an item of the ``meta`` box (TC260-PG-20259A points to ISO/IEC 23008-12)."""

from mingwen.domain.media import Medium
from mingwen.formats import _brands
from mingwen.formats._shape import XMP_PLACE, Body, Format


def claims(head: bytes, _: str) -> bool:
    """A brand of ISO/IEC 23008-12, whatever codes the pictures, but AV1."""
    return _brands.brand(head) in _brands.HEIF and not _brands.is_avif(head)


def _body() -> Body:
    from mingwen.formats import _items  # noqa: PLC0415 - see Format.body

    return _items


MEMBER = Format(
    name="heif",
    mime="image/heic",
    suffixes=(".heic", ".heif", ".heics", ".heifs", ".hif"),
    place=XMP_PLACE,
    source="TC260-PG-20259A, pointer to ISO/IEC 23008-12 (A)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    body=_body,
    c2pa="image/heic",
)
