"""Ogg with Vorbis, FLAC or Speex: the comment ``AIGC`` (TC260-PG-202510A)."""

from typing import BinaryIO

from mingwen.domain.media import Medium
from mingwen.formats._shape import HEAD_BYTES, Body, Format


def claims(head: bytes, _: str) -> bool:
    """Pages whose first packet is not that of Opus."""
    return head.startswith(b"OggS") and not head.startswith(b"OpusHead", 28)


def _medium(source: BinaryIO) -> Medium:
    source.seek(0)
    return Medium.VIDEO if b"\x80theora" in source.read(HEAD_BYTES) else Medium.AUDIO


def _body() -> Body:
    from mingwen.formats import _ogg  # noqa: PLC0415 - see Format.body

    return _ogg


MEMBER = Format(
    name="ogg",
    mime="audio/ogg",
    suffixes=(".ogg", ".oga", ".spx"),
    place="Vorbis comment AIGC",
    source="TC260-PG-202510A (A)",
    claims=claims,
    medium=_medium,
    body=_body,
)
