"""QuickTime films, which have the boxes of MP4 (or rather the other way round)."""

from typing import Final

from mingwen.domain.media import Medium
from mingwen.formats import _iso
from mingwen.formats._shape import Format

_FIRST: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})
"""What files begin with that are older than ``ftyp`` (QuickTime File Format, "Movie files")."""
_PRINTABLE: Final = frozenset(b"\t\n\r" + bytes(range(0x20, 0x7F)))


def _claims(head: bytes, _suffix: str) -> bool:
    # A text may well begin with "The free"; sizes of boxes are no words.
    return _iso.brand(head) == b"qt  " or (head[4:8] in _FIRST and not _PRINTABLE.issuperset(head[:4]))


MEMBER = Format(
    name="mov",
    mime="video/quicktime",
    suffixes=(".mov", ".qt"),
    place=_iso.PLACE,
    source="TC260-PG-20257A §6.1.1 (A)",
    claims=_claims,
    medium=_iso.medium(Medium.VIDEO),
    read=_iso.read,
    splice=_iso.splice,
)
