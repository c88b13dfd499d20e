"""Audio in MP4: music, audio books and their protected kind, as iTunes names them."""

from typing import BinaryIO

from mingwen.domain.media import Medium
from mingwen.formats import _brands
from mingwen.formats._shape import Body, Format


def claims(head: bytes, _: str) -> bool:
    """One of the brands of sounds."""
    return _brands.brand(head) in _brands.SOUNDS


def _body() -> Body:
    from mingwen.formats import _iso  # noqa: PLC0415 - see Format.body

    return _iso


def _medium(source: BinaryIO) -> Medium:
    from mingwen.formats import _iso  # noqa: PLC0415 - see Format.body

    return _iso.medium(source, otherwise=Medium.AUDIO)


MEMBER = Format(
    name="m4a",
    mime="audio/mp4",
    suffixes=(".m4a", ".m4b", ".m4p"),
    place="moov/udta/meta AIGC",
    source="TC260-PG-202510A (A)",
    claims=claims,
    medium=_medium,
    body=_body,
    c2pa="audio/mp4",
)
