"""The samples of a TIFF, and how a label is drawn in them (TIFF 6.0 §4 to §6, §16, §19)."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.notices._lettering import Label

Samples: TypeAlias = NDArray[Any]
"""Rows × columns × samples, in the machine's own order of bytes; one sample a byte where they have fewer bits."""

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED = 0, 1, 2, 3, 5
COLOURS: Final = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, SEPARATED: 4}
"""PhotometricInterpretation → samples that are colour; further ones are alpha or something else, which stays."""
_WHOLE: Final = (8, 16, 32)
_FLOAT: Final = (16, 32, 64)
_FEW: Final = (1, 2, 4)


MAX_SAMPLES: Final = 64
"""Of a pixel; a box of so many is read at once."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a pixel is made of."""

    order: str
    bits: int
    floats: bool
    samples: int
    photometric: int
    alpha: bool
    palette: NDArray[np.uint16] | None
    """3 × colours, of 16 bits."""
    apart: bool
    """Does each sample have a plane of its own?"""

    def problem(self) -> str:
        """Say what keeps a label from being drawn; "" for nothing."""
        if self.photometric not in COLOURS or self.samples < COLOURS[self.photometric]:
            return f"photometric interpretation {self.photometric} of {self.samples} samples"
        if self.samples > MAX_SAMPLES:
            return f"{self.samples} samples"
        if self.bits not in (_FLOAT if self.floats else (*_WHOLE, *_FEW)):
            return f"{self.bits} bits a sample"
        if self.bits in _FEW and self.samples > 1:
            return f"{self.samples} samples of {self.bits} bits"
        if self.photometric == PALETTE and (self.palette is None or self.palette.shape[1] < 2 or self.floats):  # noqa: PLR2004
            return "no palette"
        return ""

    @property
    def stored(self) -> np.dtype[Any]:
        """The type of a stored sample, or of the bytes that hold several."""
        return np.dtype(f"{self.order}f{self.bits // 8}" if self.floats else f"{self.order}u{max(self.bits // 8, 1)}")

    @property
    def white(self) -> float:
        """The value of a full sample."""
        return 1.0 if self.floats else float((1 << self.bits) - 1)

    def value(self, grey: float) -> list[float]:
        """Write a grey of 0 to 1 in the colours' samples."""
        if self.photometric == SEPARATED:
            return [0.0, 0.0, 0.0, (1 - grey) * self.white]
        light = 1 - grey if self.photometric == WHITE_IS_ZERO else grey
        return [light * self.white] * COLOURS[self.photometric]


def seen(samples: Samples, kind: Kind) -> NDArray[np.uint8]:
    """Return R′G′B′ of 8 bits, near enough to choose a plate by."""
    if kind.photometric == PALETTE and kind.palette is not None:
        chosen = np.minimum(samples[..., 0].astype(np.intp), kind.palette.shape[1] - 1)
        colours: NDArray[np.uint8] = (kind.palette.T[chosen] >> 8).astype(np.uint8)
        return colours
    share = np.clip(np.nan_to_num(samples[..., : COLOURS[kind.photometric]].astype(np.float64)) / kind.white, 0, 1)
    if kind.photometric == SEPARATED:
        share = (1 - share[..., :3]) * (1 - share[..., 3:])
    elif kind.photometric == WHITE_IS_ZERO:
        share = 1 - share
    return np.rint(np.broadcast_to(share, (*share.shape[:2], 3)) * 255).astype(np.uint8)


def burnt(samples: Samples, label: Label, kind: Kind) -> Samples:
    """Return the samples of the label's box with the label on them."""
    if kind.photometric == PALETTE or kind.bits in _FEW:
        return _stepped(samples, label, kind)
    colours = COLOURS[kind.photometric]
    out = samples.copy()
    under = samples[..., :colours].astype(np.float64)
    blended = label.blend(under.astype(np.float32), kind.value) if kind.bits <= 16 else _exact(under, label, kind)  # noqa: PLR2004
    touched = label.cover > 0
    out[touched, :colours] = (blended if kind.floats else np.clip(np.rint(blended), 0, kind.white)).astype(samples.dtype)[touched]
    if kind.alpha:
        cover = label.cover[touched]
        opacity = out[touched, colours].astype(np.float64) / kind.white
        new = (cover + opacity * (1 - cover)) * kind.white
        out[touched, colours] = (new if kind.floats else np.rint(new)).astype(samples.dtype)
    return out


def _exact(under: NDArray[np.float64], label: Label, kind: Kind) -> NDArray[np.float64]:
    """Blend in doubles: 32 bits are more than a float holds."""
    share, ink = label.plate[..., None].astype(np.float64), label.ink[..., None].astype(np.float64)
    plate = under * (1 - share) + np.asarray(kind.value(label.plate_grey)) * share
    return plate * (1 - ink) + np.asarray(kind.value(label.ink_grey)) * ink


def _stepped(samples: Samples, label: Label, kind: Kind) -> Samples:
    """Draw with the values there are: an opaque plate and hard letters in the darkest and the lightest of them."""
    if kind.palette is not None and kind.photometric == PALETTE:
        light = kind.palette.astype(np.float64).T @ (0.2126, 0.7152, 0.0722)
        count = min(len(light), 1 << kind.bits)
        dark, bright = int(light[:count].argmin()), int(light[:count].argmax())
    else:
        dark, bright = (int(kind.value(grey)[0]) for grey in (0.0, 1.0))
    plate, ink = (dark, bright) if label.plate_grey < label.ink_grey else (bright, dark)
    half = np.float32(0.5)
    out = samples.copy()
    out[label.cover >= half, 0] = plate
    out[label.ink >= half, 0] = ink
    if kind.alpha:
        out[label.cover >= half, 1] = int(kind.white)
    return out
