"""FLAC: the Vorbis comment ``AIGC`` (TC260-PG-202510A)."""

from mingwen.domain.media import Medium
from mingwen.formats._fronts import behind_tags
from mingwen.formats._shape import Body, Format


def claims(head: bytes, suffix: str) -> bool:
    """The mark ``fLaC``, at once or behind ID3 tags."""
    return head.startswith(b"fLaC") or behind_tags(head, suffix) == "flac"


def _body() -> Body:
    from mingwen.formats import _flac  # noqa: PLC0415 - see Format.body

    return _flac


MEMBER = Format(
    name="flac",
    mime="audio/flac",
    suffixes=(".flac", ".fla"),
    place="Vorbis comment AIGC",
    source="TC260-PG-202510A (A)",
    claims=claims,
    medium=lambda _: Medium.AUDIO,
    body=_body,
    c2pa="audio/flac",
)
