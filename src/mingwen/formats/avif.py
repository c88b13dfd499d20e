"""AVIF: XMP as an item of the ``meta`` box, where HEIF has it (our default: no guide names the format)."""

from mingwen.domain.media import Medium
from mingwen.formats import _brands
from mingwen.formats._shape import XMP_PLACE, Body, Format


def claims(head: bytes, _: str) -> bool:
    """A brand of AV1 pictures, or a generic one beside which such a brand stands."""
    return _brands.is_avif(head)


def _body() -> Body:
    from mingwen.formats import _items  # noqa: PLC0415 - see Format.body

    return _items


MEMBER = Format(
    name="avif",
    mime="image/avif",
    suffixes=(".avif", ".avifs"),
    place=XMP_PLACE,
    source="our default: ISO/IEC 23000-22 as HEIF (guess)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    body=_body,
    c2pa="image/avif",
)
