"""Opus in Ogg: the comment ``AIGC`` (TC260-PG-202510A)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import Body, Format


def claims(head: bytes, _: str) -> bool:
    """A page whose only packet begins with ``OpusHead`` (RFC 7845 §3)."""
    return head.startswith(b"OggS") and head.startswith(b"OpusHead", 28)


def _body() -> Body:
    from mingwen.formats import _ogg  # noqa: PLC0415 - see Format.body

    return _ogg


MEMBER = Format(
    name="opus",
    mime="audio/ogg; codecs=opus",
    suffixes=(".opus",),
    place="Vorbis comment AIGC",
    source="TC260-PG-202510A (A)",
    claims=claims,
    medium=lambda _: Medium.AUDIO,
    body=_body,
)
