"""Flash Video: a property AIGC of the script tag ``onMetaData`` (TC260-PG-20257A)."""

from typing import BinaryIO

from mingwen.domain.media import Medium
from mingwen.formats._shape import Body, Format


def claims(head: bytes, _: str) -> bool:
    """The signature and the only version there is."""
    return head.startswith(b"FLV\x01")


def _body() -> Body:
    from mingwen.formats import _flv  # noqa: PLC0415 - see Format.body

    return _flv


def _medium(source: BinaryIO) -> Medium:
    from mingwen.formats import _flv  # noqa: PLC0415 - see Format.body

    return _flv.medium(source)


MEMBER = Format(
    name="flv",
    mime="video/x-flv",
    suffixes=(".flv",),
    place="onMetaData AIGC",
    source="TC260-PG-20257A (A)",
    claims=claims,
    medium=_medium,
    body=_body,
)
