"""MPEG transport streams: no guide and no practice names a place in one, so that none is labelled."""

from typing import Final

from mingwen.domain.media import Medium
from mingwen.formats._shape import Body, Format

_LAYOUTS: Final = ((0, 188), (4, 192))
"""Offset of the first sync byte and length of a packet: ISO/IEC 13818-1 §2.4.3.2; with the time stamps of Blu-ray's M2TS."""
_LEAST_PACKETS: Final = 3


def claims(head: bytes, _: str) -> bool:
    """A sync byte at every packet's beginning, and a payload or an adaptation field in every packet."""
    return any(_fits(head, offset, length) for offset, length in _LAYOUTS)


def _fits(head: bytes, offset: int, length: int) -> bool:
    starts = range(offset, len(head) - 3, length)
    return len(starts) >= _LEAST_PACKETS and all(head[at] == 0x47 and head[at + 3] & 0x30 for at in starts)  # noqa: PLR2004


def _body() -> Body:
    from mingwen.formats import _mpegts  # noqa: PLC0415 - see Format.body

    return _mpegts


MEMBER = Format(
    name="mpegts",
    mime="video/mp2t",
    suffixes=(".ts", ".m2ts", ".mts"),
    place="none (MP4 has one)",
    source="TC260-PG-20257A: XMP for formats it does not name (A), which has no place in a transport stream",
    claims=claims,
    medium=lambda _: Medium.VIDEO,
    body=_body,
)
