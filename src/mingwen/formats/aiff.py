"""AIFF and AIFF-C: the ID3v2 frame ``TXXX`` with the description AIGC, in the chunk ``ID3 `` (our default; no guide)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import Body, Format


def claims(head: bytes, _: str) -> bool:
    """FORM of the type AIFF or AIFC."""
    return head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}


def _body() -> Body:
    from mingwen.formats import _aiff  # noqa: PLC0415 - see Format.body

    return _aiff


MEMBER = Format(
    name="aiff",
    mime="audio/aiff",
    suffixes=(".aiff", ".aif", ".aifc"),
    place="ID3 TXXX:AIGC",
    source="our default: the ID3 chunk that software for AIFF reads (UNKNOWN)",
    claims=claims,
    medium=lambda _: Medium.AUDIO,
    body=_body,
)
