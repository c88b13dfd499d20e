"""MP3: the ID3v2 frame ``TXXX`` with the description AIGC (TC260-PG-202510A)."""

from mingwen.domain.media import Medium
from mingwen.formats._fronts import behind_tags
from mingwen.formats._shape import Body, Format


def claims(head: bytes, suffix: str) -> bool:
    """An ID3v2 tag that no FLAC and no raw AAC follows, or a frame of layer III that another one follows."""
    return behind_tags(head, suffix) == "mp3" or (head[:1] == b"\xff" and _is_sound(head))


def _is_sound(head: bytes) -> bool:
    from mingwen.formats import _mp3  # noqa: PLC0415 - see Format.body

    return _mp3.is_sound(head)


def _body() -> Body:
    from mingwen.formats import _mp3  # noqa: PLC0415 - see Format.body

    return _mp3


MEMBER = Format(
    name="mp3",
    mime="audio/mpeg",
    suffixes=(".mp3",),
    place="ID3 TXXX:AIGC",
    source="TC260-PG-202510A (A)",
    claims=claims,
    medium=lambda _: Medium.AUDIO,
    body=_body,
    c2pa="audio/mpeg",
)
