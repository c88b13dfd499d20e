"""MP4 and its kin: every ISO media file that is not QuickTime, not plain audio and not a picture."""

from typing import BinaryIO, Final

from mingwen.domain.media import Medium
from mingwen.formats import _brands
from mingwen.formats._shape import Body, Format

_OTHERS: Final = {
    None,
    _brands.QUICKTIME,
    _brands.JXL,
    *_brands.SOUNDS,
    *_brands.HEIF,
    *_brands.AVIF,
    *_brands.OTHER_PICTURES,
}


def claims(head: bytes, _: str) -> bool:
    """A brand that no other member has."""
    return _brands.brand(head) not in _OTHERS


def _body() -> Body:
    from mingwen.formats import _iso  # noqa: PLC0415 - see Format.body

    return _iso


def _medium(source: BinaryIO) -> Medium:
    from mingwen.formats import _iso  # noqa: PLC0415 - see Format.body

    return _iso.medium(source, otherwise=Medium.VIDEO)


MEMBER = Format(
    name="mp4",
    mime="video/mp4",
    suffixes=(".mp4", ".m4v", ".3gp", ".3g2", ".f4v"),
    place="moov/udta/meta AIGC",
    source="TC260-PG-20257A §6.1.1 (A)",
    claims=claims,
    medium=_medium,
    body=_body,
    c2pa="video/mp4",
)
