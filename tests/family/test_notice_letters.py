"""Labels are legible everywhere: contrast, scripts, layouts and sizes, as one measures them in the picture that came out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mingwen.domain.notices import Box, Position, Style
from mingwen.notices._lettering import Label, label_for
from mingwen.notices._raster import burnt_in

Pixels = NDArray[np.uint8]
LEAST_CONTRAST = 4.5
"""WCAG 2.2 §1.4.3."""


def luminance(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative luminance of R′G′B′ of 0 to 255 (WCAG 2.2)."""
    shares = pixels / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ (0.2126, 0.7152, 0.0722))


def contrast(after: Pixels, label: Label) -> float:
    """Return the least contrast between any full pixel of a letter and any pixel of the plate around them."""
    light = luminance(after.astype(np.float64))
    letters, plate = light[label.ink > 0.99], light[(label.cover > 0.99) & (label.ink < 0.01)]
    if label.ink_grey > label.plate_grey:
        return float((letters.min() + 0.05) / (plate.max() + 0.05))
    return float((plate.min() + 0.05) / (letters.max() + 0.05))


def labelled(picture: Pixels, style: Style) -> tuple[Pixels, Label]:
    """Draw the label over the picture; return what is in its box afterwards."""

    def look(box: Box) -> Pixels:
        return picture[box[1] : box[3], box[0] : box[2]]

    label = label_for(style, picture.shape[1], picture.shape[0], look=look)
    return burnt_in(look(label.box), label), label


def chequered(size: int, first: tuple[int, ...], second: tuple[int, ...]) -> Pixels:
    rows, columns = np.indices((240, 320)) // size
    return np.where(((rows + columns) % 2)[..., None], np.array(first, np.uint8), np.array(second, np.uint8))


HALVES = np.concatenate([np.zeros((240, 270, 3), np.uint8), np.full((240, 50, 3), 255, np.uint8)], axis=1)
PICTURES = {
    "chequered by pixels": chequered(1, (0, 0, 0), (255, 255, 255)),
    "chequered by eights": chequered(8, (255, 255, 0), (0, 0, 255)),
    "half black half white": HALVES,
    "half white half black": HALVES[:, ::-1],
    "noise": np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8),
    "light noise": np.random.default_rng(2).integers(150, 256, (240, 320, 3), np.uint8),
    "white": np.full((240, 320, 3), 255, np.uint8),
    "black": np.zeros((240, 320, 3), np.uint8),
    "white with one black line": np.where(
        np.arange(240)[:, None, None] % 40 == 0, np.uint8(0), np.full((240, 320, 3), 255, np.uint8)
    ),
    "slope": np.broadcast_to(np.linspace(0, 255, 320).astype(np.uint8)[None, :, None], (240, 320, 3)),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("wording", ["AI生成", "AI-generated"])
def test_letters_stand_out_from_the_worst_pixel(name: str, wording: str) -> None:
    assert contrast(*labelled(PICTURES[name], Style(wording))) >= LEAST_CONTRAST


@settings(max_examples=60, deadline=None)
@given(
    tiles=arrays(np.uint8, (6, 8, 3)),
    noise=st.integers(0, 255),
    seed=st.integers(0, 2**32 - 1),
    position=st.sampled_from(Position),
)
def test_letters_stand_out_on_any_background(tiles: Pixels, noise: int, seed: int, position: Position) -> None:
    grain = np.random.default_rng(seed).integers(-noise, noise + 1, (120, 160, 3))
    picture = np.clip(np.kron(tiles, np.ones((20, 20, 1), int)) + grain, 0, 255).astype(np.uint8)
    assert contrast(*labelled(picture, Style(position=position))) >= LEAST_CONTRAST


def test_letters_stand_out_on_any_ink_of_a_press() -> None:
    label = label_for(Style(), 320, 240, look=lambda _: np.full((4, 4, 3), 255, np.uint8))
    under = np.full((label.height, label.width, 4), 255, np.uint8)
    c, m, y, k = np.moveaxis(1 - burnt_in(under, label, subtractive=True) / 255, 2, 0)
    shown = np.rint(np.stack([c * k, m * k, y * k], axis=2) * 255).astype(np.uint8)
    assert label.plate_grey > label.ink_grey
    assert contrast(shown, label) >= LEAST_CONTRAST


def test_light_pictures_get_light_plates_and_dark_ones_dark() -> None:
    assert labelled(PICTURES["white"], Style())[1].plate_grey == 1
    assert labelled(PICTURES["black"], Style())[1].plate_grey < 0.1
