"""PNG: XMP in an uncompressed ``iTXt`` chunk (TC260-PG-20259A)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import XMP_PLACE, Body, Format


def claims(head: bytes, _: str) -> bool:
    """The eight bytes of §5.2."""
    return head.startswith(b"\x89PNG\r\n\x1a\n")


def _body() -> Body:
    from mingwen.formats import _png  # noqa: PLC0415 - see Format.body

    return _png


MEMBER = Format(
    name="png",
    mime="image/png",
    suffixes=(".png", ".apng"),
    place=XMP_PLACE,
    source="TC260-PG-20259A (A)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    body=_body,
    c2pa="image/png",
)
