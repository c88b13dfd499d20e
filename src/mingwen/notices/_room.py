"""How many pixels a file may unfold to: a few bytes can claim gigabytes, and hours of work."""

from typing import Final

from mingwen.domain.errors import Refused

FREE_PIXELS: Final = 12 << 20
"""Of a still picture that must be decoded, however small its file: what telephones make, and flat drawings."""
PIXELS_A_BYTE: Final = 24
"""Beyond ``LEAST_BYTES``; photographs in the leanest codings have about as many."""
ANIMATED_PIXELS_A_BYTE: Final = 72
"""Of all frames that are coded anew: 72 million of them take some four seconds."""
LEAST_BYTES: Final = 1 << 20
"""A smaller file may have as many pixels as one of this size."""
MOST_PIXELS: Final = 178_956_970
MOST_ANIMATED_PIXELS: Final = 2_000_000_000
HINT: Final = "make it smaller; it has far more pixels than a file of so few bytes has content"


def require(pixels: int, size: int) -> None:
    """Raise unless a still picture is in proportion to the ``size`` of its file in bytes.

    Raises:
        Refused: it has too many pixels (``notice.too-large``).
    """
    _require(pixels, min(MOST_PIXELS, FREE_PIXELS + PIXELS_A_BYTE * max(size - LEAST_BYTES, 0)))


def require_animated(pixels: int, size: int) -> None:
    """Raise unless all frames of an animation together are in proportion to the ``size`` of its file in bytes.

    Raises:
        Refused: they have too many pixels (``notice.too-large``).
    """
    _require(pixels, min(MOST_ANIMATED_PIXELS, ANIMATED_PIXELS_A_BYTE * max(size, LEAST_BYTES)))


def _require(pixels: int, most: int) -> None:
    if pixels > most:
        raise Refused("notice.too-large", f"expected at most {most} pixels in so small a file, got {pixels}", hint=HINT)
