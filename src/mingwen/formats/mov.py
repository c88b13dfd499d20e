"""QuickTime films, which have the boxes of MP4 (or rather the other way round)."""

from typing import BinaryIO, Final

from mingwen.domain.media import Medium
from mingwen.formats import _brands
from mingwen.formats._shape import Body, Format

_FIRST: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})
"""What files begin with that are older than ``ftyp`` (QuickTime File Format, "Movie files")."""
_PRINTABLE: Final = frozenset(b"\t\n\r" + bytes(range(0x20, 0x7F)))


def claims(head: bytes, _: str) -> bool:
    """The brand of QuickTime, or one of its boxes first; a text may well begin with "The free", but sizes are no words."""
    return _brands.brand(head) == _brands.QUICKTIME or (head[4:8] in _FIRST and not _PRINTABLE.issuperset(head[:4]))


def _body() -> Body:
    from mingwen.formats import _iso  # noqa: PLC0415 - see Format.body

    return _iso


def _medium(source: BinaryIO) -> Medium:
    from mingwen.formats import _iso  # noqa: PLC0415 - see Format.body

    return _iso.medium(source, otherwise=Medium.VIDEO)


MEMBER = Format(
    name="mov",
    mime="video/quicktime",
    suffixes=(".mov", ".qt"),
    place="moov/udta/meta AIGC",
    source="TC260-PG-20257A §6.1.1 (A)",
    claims=claims,
    medium=_medium,
    body=_body,
    c2pa="video/quicktime",
)
