"""Audio in MP4: music, audio books and their protected kind, as iTunes names them."""

from typing import Final

from mingwen.domain.media import Medium
from mingwen.formats import _iso
from mingwen.formats._shape import Format

_BRANDS: Final = frozenset({b"M4A ", b"M4B ", b"M4P "})


def _claims(head: bytes, _suffix: str) -> bool:
    return _iso.brand(head) in _BRANDS


MEMBER = Format(
    name="m4a",
    mime="audio/mp4",
    suffixes=(".m4a", ".m4b", ".m4p"),
    place=_iso.PLACE,
    source="TC260-PG-202510A (A)",
    claims=_claims,
    medium=_iso.medium(Medium.AUDIO),
    read=_iso.read,
    splice=_iso.splice,
)
