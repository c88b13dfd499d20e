"""Pixels with a label on them: every mode that Pillow decodes a still picture to."""

import warnings
from io import BytesIO
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from mingwen.domain.notices import Style
from mingwen.notices import _room
from mingwen.notices._lettering import Label, Turn, label_for

P = TypeVar("P", np.uint8, np.uint16)

MODES = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "I": "L", "F": "L"}
"""What a mode that cannot hold a label is turned into; nothing is lost by the first three."""
WITH_ALPHA = {"RGB": "RGBA", "L": "LA"}
ALPHA = ("RGBA", "LA")

ORIENTATION_TAG = 0x0112
TURNS = {
    2: Turn(mirror_x=True),
    3: Turn(mirror_x=True, mirror_y=True),
    4: Turn(mirror_y=True),
    5: Turn(transpose=True),
    6: Turn(mirror_x=True, transpose=True),
    7: Turn(mirror_x=True, mirror_y=True, transpose=True),
    8: Turn(mirror_y=True, transpose=True),
}
"""Exif 2.32, tag Orientation: from what is shown to what is stored."""


def opened(data: bytes, kind: str) -> Image.Image:
    """Read the head of a file; large pictures pass in silence up to the size at which Pillow refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(BytesIO(data), formats=(kind,))
    if isinstance(image, ImageFile.ImageFile):
        image.decodermaxblock = max(image.decodermaxblock, len(data))  # arithmetic decoding cannot wait for a further block
    return image


def decoded(data: bytes, kind: str) -> Image.Image:
    """Decode the first picture of a file.

    Raises:
        Refused: it has too many pixels for its bytes (``notice.too-large``).
    """
    image = opened(data, kind)
    _room.require(image.width * image.height, len(data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image.load()
    return image


def in_bytes(image: Image.Image) -> Image.Image:
    """Return greys of 16 bits as bytes: Pillow would take all but the darkest for white."""
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)) if image.mode.startswith("I;16") else image


def turn_of(image: Image.Image) -> Turn:
    """Say how the picture is stored, by its Exif orientation."""
    return TURNS.get(image.getexif().get(ORIENTATION_TAG, 1), Turn())


def label_of(image: Image.Image, style: Style) -> Label:
    """Draw the label for a picture, upright as its Exif orientation has it shown."""
    return label_for(style, *image.size, turn=turn_of(image), look=lambda box: np.asarray(_on_paper(image.crop(box))))


def _on_paper(part: Image.Image) -> Image.Image:
    """Return R′G′B′ as it looks on a white page."""
    part = in_bytes(part)
    if not part.has_transparency_data:
        return part.convert("RGB")
    part = part.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", part.size, "white"), part).convert("RGB")


def labelled(image: Image.Image, label: Label, *, mode: str | None = None, in_place: bool = False) -> Image.Image:
    """Return the picture with the label, in ``mode`` or the nearest one that can hold it; all other pixels stay."""
    wanted = mode or MODES.get(image.mode, image.mode)
    if "transparency" in image.info and image.mode != "RGBA":
        wanted = WITH_ALPHA.get(wanted, wanted)  # a transparent colour could be one of the label's
    if image.mode != wanted:
        image = image.convert(wanted)
    elif not in_place:
        image = image.copy()
    part = image.crop(label.box)
    pixels = np.asarray(part).reshape(part.height, part.width, -1)
    burnt = burnt_in(pixels, label, alpha=wanted in ALPHA, subtractive=wanted == "CMYK")
    image.paste(Image.frombytes(wanted, part.size, burnt.tobytes()), label.box[:2])
    return image


def burnt_in(pixels: NDArray[P], label: Label, *, alpha: bool = False, subtractive: bool = False) -> NDArray[P]:
    """Return the label's box of a picture with the label on it.

    ``pixels`` is height × width × channels, unsigned; ``alpha`` says that the last channel is opacity,
    ``subtractive`` that the channels are amounts of ink with black last.
    """
    top = float(np.iinfo(pixels.dtype).max)
    under = pixels.astype(np.float32)
    if subtractive:
        out = label.blend(under, lambda grey: (0, 0, 0, top * (1 - grey)))
    elif alpha:
        out = _over_transparency(under, label, top)
    else:
        out = label.blend(under, lambda grey: (grey * top,) * pixels.shape[2])
    return np.clip(np.rint(out), 0, top).astype(pixels.dtype)


def _over_transparency(under: NDArray[np.float32], label: Label, top: float) -> NDArray[np.float32]:
    """Blend as if on white paper and make that opaque: a label must not depend on what a page lays beneath."""
    colour, opacity = under[..., :-1], under[..., -1:] / top
    channels = colour.shape[2]
    paper = colour * opacity + top * (1 - opacity)
    inside = label.blend(paper, lambda grey: (grey * top,) * channels)
    cover = label.cover[..., None]
    after = cover + opacity * (1 - cover)
    mixed = (inside * cover + colour * opacity * (1 - cover)) / np.maximum(after, 1 / top)
    return np.concatenate([np.where(cover > 0, mixed, colour), after * top], axis=2)
