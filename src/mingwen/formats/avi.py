"""AVI: a child chunk ``AIGC`` of ``LIST/INFO`` (TC260-PG-20257A)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import Body, Format


def claims(head: bytes, _: str) -> bool:
    """RIFF of the form AVI."""
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def _body() -> Body:
    from mingwen.formats import _avi  # noqa: PLC0415 - see Format.body

    return _avi


MEMBER = Format(
    name="avi",
    mime="video/x-msvideo",
    suffixes=(".avi",),
    place="LIST/INFO AIGC",
    source="TC260-PG-20257A (A)",
    claims=claims,
    medium=lambda _: Medium.VIDEO,
    body=_body,
    c2pa="video/avi",
)
