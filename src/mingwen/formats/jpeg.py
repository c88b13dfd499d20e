"""JPEG: XMP in an APP1 segment (TC260-PG-20259A)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import XMP_PLACE, Body, Format


def claims(head: bytes, _: str) -> bool:
    """SOI and the beginning of another marker."""
    return head.startswith(b"\xff\xd8\xff")


def _body() -> Body:
    from mingwen.formats import _jpeg  # noqa: PLC0415 - see Format.body

    return _jpeg


MEMBER = Format(
    name="jpeg",
    mime="image/jpeg",
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    place=XMP_PLACE,
    source="TC260-PG-20259A (A)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    body=_body,
    c2pa="image/jpeg",
)
