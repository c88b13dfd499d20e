"""WAV: a subchunk of its own, ``AIGC`` (TC260-PG-202510A)."""

from mingwen.domain.media import Medium
from mingwen.formats._shape import Body, Format


def claims(head: bytes, _: str) -> bool:
    """RIFF, RF64 or BW64 of the form WAVE."""
    return head[:4] in {b"RIFF", b"RF64", b"BW64"} and head[8:12] == b"WAVE"


def _body() -> Body:
    from mingwen.formats import _wav  # noqa: PLC0415 - see Format.body

    return _wav


MEMBER = Format(
    name="wav",
    mime="audio/wav",
    suffixes=(".wav", ".wave", ".bwf", ".rf64"),
    place="WAV AIGC",
    source="TC260-PG-202510A (A)",
    claims=claims,
    medium=lambda _: Medium.AUDIO,
    body=_body,
    c2pa="audio/wav",
)
