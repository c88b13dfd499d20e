"""The blocks of a JPEG under its label: as coefficients, as samples, and with the label in them.

What a label changes is transformed and quantised, and added to the coefficients that are there: where it changes nothing no
error is added either. Each component is blended at its own resolution; grey has neutral chroma.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from mingwen.notices._jpeg_markers import Frame, Region, Scan
from mingwen.notices._lettering import Label, Shares

Coefs: TypeAlias = NDArray[np.int16]
Numbers: TypeAlias = NDArray[np.int64]
Plane: TypeAlias = NDArray[np.float32]

LEAST, MOST = -1023, 1023
"""What 8-bit samples give (T.81 F.1.2); tables have no codes for more."""

GREY, RED_GREEN_BLUE = ((0, 255),), ((0, 255),) * 3
LUMA_CHROMA = ((0, 255), (128, 0), (128, 0))
INKS = ((255, 0), (255, 0), (255, 0), (0, 255))
"""Stored upside down, as Adobe does and Pillow and libjpeg's users expect: 255 is no ink."""
LUMA_CHROMA_KEY = ((0, 0), (128, 0), (128, 0), (0, 255))
"""The same inks, their complements as luma and chroma."""
Colours: TypeAlias = tuple[tuple[int, int], ...]
"""How a grey of 0 to 1 is stored, by component: an offset and a factor."""


def _zigzag() -> list[int]:
    """Return row × 8 + column by place (T.81 A.3.6, Figure A.6)."""
    places = [(y, x) for y in range(8) for x in range(8)]
    places.sort(key=lambda p: (sum(p), p[0] if sum(p) % 2 else p[1]))
    return [8 * y + x for y, x in places]


def _cosines() -> Plane:
    """Return the 64 × 64 matrix from dequantised coefficients, in zigzag order, to samples (T.81 A.3.3)."""
    n = np.arange(8)
    one = np.cos((2 * n[None, :] + 1) * n[:, None] * np.pi / 16) / 2
    one[0] /= np.sqrt(2)
    return np.kron(one, one)[_zigzag()].astype(np.float32)


LOOKED_AT = 64
"""Rows of a box that tell enough of its colours."""
COSINES = _cosines()


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of some MCUs: where each component's are among all, and their coefficients."""

    frame: Frame
    region: Region
    """In MCUs."""
    places: tuple[Numbers, ...]
    """By component, rows × columns."""
    coefs: Coefs
    """Blocks × 64 in zigzag order."""

    def of_scan(self, scan: Scan) -> tuple[Numbers, Numbers]:
        """Return the numbers of the scan's MCUs that lie in the region, ascending, and the places of the blocks of each."""
        left, top, right, bottom = self.region
        if len(scan.parts) > 1:
            kept = [self._by_mcu(part.component) for part in scan.parts]
            rows, columns = np.arange(top, bottom), np.arange(left, right)
            return (rows[:, None] * self.frame.mcus[0] + columns).ravel(), np.concatenate(kept, axis=1)
        number = scan.parts[0].component
        component = self.frame.components[number]
        across, down = self.frame.blocks(component)  # without those that only fill up an MCU
        first = left * component.across, top * component.down
        places = self.places[number][: down - first[1], : across - first[0]]
        rows, columns = np.arange(places.shape[0]) + first[1], np.arange(places.shape[1]) + first[0]
        return (rows[:, None] * across + columns).ravel(), places.reshape(-1, 1)

    def _by_mcu(self, number: int) -> Numbers:
        component, places = self.frame.components[number], self.places[number]
        shape = places.shape[0] // component.down, component.down, places.shape[1] // component.across, component.across
        return places.reshape(shape).swapaxes(1, 2).reshape(-1, component.down * component.across)

    def part(self, region: Region) -> "Blocks":
        """Copy the blocks of a smaller region."""
        out = blocks_of(self.frame, region)
        for ours, theirs in zip(self._within(region), out.places, strict=True):
            out.coefs[theirs] = self.coefs[ours]
        return out

    def put(self, part: "Blocks") -> None:
        """Copy the blocks of a smaller region back."""
        for ours, theirs in zip(self._within(part.region), part.places, strict=True):
            self.coefs[ours] = part.coefs[theirs]

    def _within(self, region: Region) -> list[Numbers]:
        (x, y, _, _), (left, top, right, bottom) = self.region, region
        return [
            places[(top - y) * c.down : (bottom - y) * c.down, (left - x) * c.across : (right - x) * c.across]
            for places, c in zip(self.places, self.frame.components, strict=True)
        ]


def blocks_of(frame: Frame, region: Region) -> Blocks:
    """Make room for the blocks of a region."""
    left, top, right, bottom = region
    places, total = [], 0
    for component in frame.components:
        shape = (bottom - top) * component.down, (right - left) * component.across
        places.append(np.arange(total, total + shape[0] * shape[1]).reshape(shape))
        total += shape[0] * shape[1]
    return Blocks(frame, region, tuple(places), np.zeros((total, 64), np.int16))


def region_of(frame: Frame, box: Region) -> Region:
    """Return the MCUs that a box of pixels touches."""
    across, down = frame.mcu
    return box[0] // across, box[1] // down, -(-box[2] // across), -(-box[3] // down)


def _times(rows: Plane, matrix: Plane) -> Plane:
    """Multiply 64 rows at a time: that much a BLAS does without waking threads, which wait longer than they work."""
    whole = len(rows) // 64 * 64
    many = rows[:whole].reshape(-1, 64, 64) @ matrix
    return np.concatenate([many.reshape(-1, 64), rows[whole:] @ matrix])


def planes(blocks: Blocks, quantisers: Sequence[Plane]) -> list[Plane]:
    """Return each component's samples, 0 to 255 and what overshoots."""
    out = []
    for places, quantiser in zip(blocks.places, quantisers, strict=True):
        samples = _times(blocks.coefs[places[0, 0] : places[-1, -1] + 1].astype(np.float32), COSINES * quantiser[:, None])
        samples += 128
        rows, columns = places.shape
        out.append(samples.reshape(rows, columns, 8, 8).swapaxes(1, 2).reshape(rows * 8, columns * 8))
    return out


def pixels(blocks: Blocks, under: Sequence[Plane], colours: Colours, box: Region) -> NDArray[np.uint8]:
    """Return the pixels of a box as sRGB, or of a large one every few of them."""
    across, down = blocks.frame.mcu
    x, y = blocks.region[0] * across, blocks.region[1] * down
    size = (blocks.region[2] * across - x, blocks.region[3] * down - y)
    wide, high = box[2] - box[0], box[3] - box[1]
    step = max(min(wide, high) // LOOKED_AT, 1)
    shown = -(-wide // step), -(-high // step)
    bands = []
    for plane in under:
        ratio = plane.shape[1] / size[0], plane.shape[0] / size[1]
        part = tuple((edge - start) * share for edge, start, share in zip(box, (x, y) * 2, ratio * 2, strict=True))
        band = Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8))
        bands.append(band.resize(shown, Image.Resampling.NEAREST, part))
    if len(bands) == 1:
        return np.asarray(bands[0].convert("RGB"))
    image = Image.merge("YCbCr" if colours in (LUMA_CHROMA, LUMA_CHROMA_KEY) else "RGB", bands[:3]).convert("RGB")
    if len(bands) == len(INKS):
        image = ImageChops.invert(image) if colours == LUMA_CHROMA_KEY else image
        image = ImageChops.multiply(image, Image.merge("RGB", bands[3:] * 3))
    return np.asarray(image)


def _shrunk(label: Label, size: tuple[int, int]) -> Label:
    """Scale the maps of a label to a plane's own resolution, each sample the mean of those it stands for."""
    if size == (label.width, label.height):
        return label
    plate, ink = (_mean(shares, size) for shares in (label.plate, label.ink))
    return replace(label, plate=plate, ink=ink)


def _mean(shares: Shares, size: tuple[int, int]) -> Shares:
    height, width = shares.shape
    across, down = width // size[0], height // size[1]
    if (size[0] * across, size[1] * down) != (width, height):
        return np.asarray(Image.fromarray(shares).resize(size, Image.Resampling.BOX))
    out = np.zeros(size[::-1], np.float32)
    for y, x in np.ndindex(down, across):
        out += shares[y::down, x::across]
    out /= across * down
    return out


def _framed(shares: Shares, size: tuple[int, int], at: tuple[int, int]) -> Shares:
    out = np.zeros(size[::-1], np.float32)
    out[at[1] : at[1] + shares.shape[0], at[0] : at[0] + shares.shape[1]] = shares
    return out


def with_label(
    blocks: Blocks, under: Sequence[Plane], quantisers: Sequence[Plane], label: Label, colours: Colours
) -> tuple[Blocks, Plane]:
    """Return the blocks with the label in them, and what their coefficients would be without rounding."""
    across, down = blocks.frame.mcu
    left, top, right, bottom = (n * step for n, step in zip(blocks.region, (across, down) * 2, strict=True))
    size, at = (right - left, bottom - top), (label.x - left, label.y - top)
    full = replace(label, plate=_framed(label.plate, size, at), ink=_framed(label.ink, size, at))
    parts = {plane.shape: _shrunk(full, plane.shape[::-1]) for plane in under}
    exact = blocks.coefs.astype(np.float32)
    for places, plane, quantiser, (offset, factor) in zip(blocks.places, under, quantisers, colours, strict=True):
        change = _over(plane, parts[plane.shape], offset, factor) - plane
        rows, columns = places.shape
        samples = change.reshape(rows, 8, columns, 8).swapaxes(1, 2).reshape(-1, 64)
        first = int(places[0, 0])
        exact[first : first + len(samples)] += _times(samples, np.ascontiguousarray((COSINES / quantiser[:, None]).T))
    rounded = np.rint(exact).astype(np.int16)
    if rounded.max() > MOST or rounded.min() < LEAST:
        rounded = np.where(rounded == blocks.coefs, rounded, np.clip(rounded, LEAST, MOST))
    return replace(blocks, coefs=rounded), exact


def _over(plane: Plane, label: Label, offset: int, factor: int) -> Shares:
    return label.blend(plane[..., None], lambda grey: (offset + factor * grey,))[..., 0]
