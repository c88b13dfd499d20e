"""MP4 and its kin: every ISO media file that is not QuickTime, not plain audio and not a picture."""

from typing import Final

from mingwen.domain.media import Medium
from mingwen.formats import _iso
from mingwen.formats._shape import Format

_OTHERS: Final = frozenset(
    (
        *(b"qt  ", b"M4A ", b"M4B ", b"M4P "),
        *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
        *(b"mif1", b"mif2", b"mif3", b"miaf", b"msf1", b"1pic", b"pred", b"tmap"),
        *(b"avif", b"avis", b"avio", b"MA1A", b"MA1B", b"avci", b"avcs", b"vvic", b"vvis", b"evbi", b"evmi"),
        *(b"jpeg", b"jpgs", b"j2ki", b"j2is", b"jxl ", b"jp2 ", b"jpx ", b"jpm ", b"jph ", b"jxs ", b"jxsc", b"crx "),
    )
)
"""QuickTime and audio have members of their own; the rest are pictures (mp4ra.org/registered-types/brands)."""


def _claims(head: bytes, _suffix: str) -> bool:
    brand = _iso.brand(head)
    return brand is not None and brand not in _OTHERS


MEMBER = Format(
    name="mp4",
    mime="video/mp4",
    suffixes=(".mp4", ".m4v", ".3gp", ".3g2", ".f4v"),
    place=_iso.PLACE,
    source="TC260-PG-20257A §6.1.1 (A)",
    claims=_claims,
    medium=_iso.medium(Medium.VIDEO),
    read=_iso.read,
    splice=_iso.splice,
)
