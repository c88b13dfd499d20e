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
JXL: Final = b"jxl "
OTHER_PICTURES: Final = frozenset({b"jp2 ", b"jpx ", b"jpm ", b"jph ", b"jxs ", b"jxsc", b"crx "})


def brand(head: bytes) -> bytes | None:
    """Return the major brand; None if the file does not begin with an ``ftyp``."""
    return head[8:12] if head[4:8] == b"ftyp" else None
