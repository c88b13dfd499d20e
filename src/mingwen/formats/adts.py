"""Raw AAC in ADTS frames: it has no place for a label, and M4A has one."""

from mingwen.domain.media import Medium
from mingwen.formats._fronts import behind_tags
from mingwen.formats._shape import Body, Format


def claims(head: bytes, suffix: str) -> bool:
    """An ADTS frame that another one follows, or ID3 tags before one."""
    return behind_tags(head, suffix) == "adts" or (head[:1] == b"\xff" and _is_sound(head))


def _is_sound(head: bytes) -> bool:
    from mingwen.formats import _adts  # noqa: PLC0415 - see Format.body

    return _adts.is_sound(head)


def _body() -> Body:
    from mingwen.formats import _adts  # noqa: PLC0415 - see Format.body

    return _adts


MEMBER = Format(
    name="adts",
    mime="audio/aac",
    suffixes=(".aac", ".adts"),
    place="none (M4A has one)",
    source='TC260-PG-202510A: "other formats: XMP", which ADTS cannot hold (UNKNOWN)',
    claims=claims,
    medium=lambda _: Medium.AUDIO,
    body=_body,
)
