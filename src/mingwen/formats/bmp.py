"""BMP: it has no room for metadata, so the label stands in an XMP file beside it (our documented default; the guide: UNKNOWN)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import BESIDE_PLACE, Body, Format

_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
"""How long the second header is, in all its versions from OS/2 1 to V5: it has no other mark."""


def claims(head: bytes, _: str) -> bool:
    """``BM``, and a second header of a known length."""
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _HEADERS


def _body() -> Body:
    from mingwen.formats import _bmp  # noqa: PLC0415 - see Format.body

    return _bmp


MEMBER = Format(
    name="bmp",
    mime="image/bmp",
    suffixes=(".bmp", ".dib"),
    place=BESIDE_PLACE,
    source="our default: no guide names a place (UNKNOWN)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    body=_body,
    sidecar=True,
)
