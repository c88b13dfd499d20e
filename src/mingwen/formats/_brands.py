"""The brands that tell ISO media files apart (mp4ra.org/registered-types/brands); all that a head needs of them."""

from typing import Final

SOUNDS: Final = frozenset({b"M4A ", b"M4B ", b"M4P "})
QUICKTIME: Final = b"qt  "
HEIF: Final = frozenset(
    (
        *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
        *(b"mif1", b"mif2", b"mif3", b"miaf", b"msf1", b"1pic", b"pred", b"tmap"),
        *(b"avci", b"avcs", b"vvic", b"vvis", b"evbi", b"evmi", b"jpeg", b"jpgs", b"j2ki", b"j2is"),
    )
)
AVIF: Final = frozenset({b"avif", b"avis", b"avio", b"MA1A", b"MA1B"})
_GENERIC: Final = frozenset({b"mif1", b"mif2", b"mif3", b"miaf", b"msf1", b"1pic", b"pred", b"tmap"})
"""Brands of HEIF that say how a file is built, and not how its pictures are coded."""
JXL: Final = b"jxl "
OTHER_PICTURES: Final = frozenset({b"jp2 ", b"jpx ", b"jpm ", b"jph ", b"jxs ", b"jxsc", b"crx "})


def brand(head: bytes) -> bytes | None:
    """Return the major brand; None if the file does not begin with an ``ftyp``."""
    return head[8:12] if head[4:8] == b"ftyp" else None


def is_avif(head: bytes) -> bool:
    """Say whether a picture is coded in AV1: by its major brand, or if that is generic by a compatible one."""
    major = brand(head)
    if major not in _GENERIC:
        return major in AVIF
    compatible = {head[at : at + 4] for at in range(16, min(int.from_bytes(head[:4]), len(head)), 4)}
    return not AVIF.isdisjoint(compatible)
