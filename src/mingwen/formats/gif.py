"""GIF: XMP in an application extension (TC260-PG-20259A)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import XMP_PLACE, Body, Format


def claims(head: bytes, _: str) -> bool:
    """The six bytes of either version, §17."""
    return head[:6] in {b"GIF87a", b"GIF89a"}


def _body() -> Body:
    from mingwen.formats import _gif  # noqa: PLC0415 - see Format.body

    return _gif


MEMBER = Format(
    name="gif",
    mime="image/gif",
    suffixes=(".gif",),
    place=XMP_PLACE,
    source="TC260-PG-20259A (A)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    body=_body,
    c2pa="image/gif",
)
