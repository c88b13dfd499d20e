"""Matroska (.mkv, .mka): a ``SimpleTag`` named AIGC in ``Segment/Tags`` (TC260-PG-20257A)."""

from typing import BinaryIO

from mingwen.domain.media import Medium
from mingwen.formats._doctype import doctype
from mingwen.formats._shape import Body, Format


def claims(head: bytes, _: str) -> bool:
    """EBML whose DocType is matroska."""
    return doctype(head) == b"matroska"


def _body() -> Body:
    from mingwen.formats import _matroska  # noqa: PLC0415 - see Format.body

    return _matroska


def _medium(source: BinaryIO) -> Medium:
    from mingwen.formats import _matroska  # noqa: PLC0415 - see Format.body

    return _matroska.medium(source)


MEMBER = Format(
    name="mkv",
    mime="video/matroska",
    suffixes=(".mkv", ".mka", ".mk3d"),
    place="Segment/Tags AIGC",
    source="TC260-PG-20257A (A)",
    claims=claims,
    medium=_medium,
    body=_body,
)
