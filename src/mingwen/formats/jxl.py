"""JPEG XL: XMP in a box ``xml `` (our default: no guide names the format)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import XMP_PLACE, Body, Format


def claims(head: bytes, _: str) -> bool:
    """The signature box of a container (ISO/IEC 18181-2 §9.1), or the two bytes of a bare codestream (18181-1)."""
    return head.startswith((b"\0\0\0\x0cJXL \r\n\x87\n", b"\xff\n"))


def _body() -> Body:
    from mingwen.formats import _jxl  # noqa: PLC0415 - see Format.body

    return _jxl


MEMBER = Format(
    name="jxl",
    mime="image/jxl",
    suffixes=(".jxl",),
    place=XMP_PLACE,
    source="our default: XMP where the format has it (guess)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    body=_body,
    c2pa="image/jxl",
)
