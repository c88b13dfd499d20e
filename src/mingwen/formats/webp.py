"""WebP: XMP in the chunk ``XMP `` (TC260-PG-20259A)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import XMP_PLACE, Body, Format


def claims(head: bytes, _: str) -> bool:
    """RIFF of the form WEBP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _body() -> Body:
    from mingwen.formats import _webp  # noqa: PLC0415 - see Format.body

    return _webp


MEMBER = Format(
    name="webp",
    mime="image/webp",
    suffixes=(".webp",),
    place=XMP_PLACE,
    source="TC260-PG-20259A (A)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    body=_body,
    c2pa="image/webp",
)
