"""The label's maps and what they promise, without any file."""

import numpy as np
import pytest

from mingwen.domain.errors import Misused, Refused
from mingwen.domain.notices import Moment, Rhythm, Style
from mingwen.notices._cue import cue
from mingwen.notices._font import ink_pixels, with_ink
from mingwen.notices._lettering import LEAST_INK_PIXELS, Turn, label_for
from mingwen.notices._plate import ON_DARK


@pytest.mark.parametrize("wording", ["AI生成", "人工智能合成", "AI-generated", "一二AI生成"])
@pytest.mark.parametrize("target", [9, 36, 52, 300])
def test_the_font_is_the_smallest_with_enough_ink(wording: str, target: int) -> None:
    font = with_ink(wording, None, target)
    assert target <= ink_pixels(wording, font) <= target + 2


def test_maps_are_shares_and_agree_in_size() -> None:
    label = label_for(Style(), 1024, 1024)
    assert label.ink_pixels >= 52
    for shares in (label.plate, label.ink, label.cover):
        assert shares.shape == (label.height, label.width)
        assert shares.min() >= 0
        assert shares.max() <= 1
    assert label.plate[label.cover == 1].min() >= ON_DARK.opacity - 1e-6


def test_plate_and_outline_keep_the_contrast_even_on_white() -> None:
    label = label_for(Style(), 1024, 1024)
    white = np.full((label.height, label.width, 1), 255, np.float32)
    plate = label.blend(white, lambda grey: (255 * grey,))[(label.cover == 1) & (label.ink == 0)].max() / 255
    assert 1.05 / (((plate + 0.055) / 1.055) ** 2.4 + 0.05) >= 4.5


def test_a_turned_label_is_the_same_label() -> None:
    straight = label_for(Style(), 500, 300)
    turned = label_for(Style(), 300, 500, turn=Turn(mirror_x=True, transpose=True))
    assert np.array_equal(turned.ink, straight.ink[:, ::-1].T)
    assert (turned.y, turned.x) == (500 - straight.x - straight.width, straight.y)


@pytest.mark.parametrize("grid", [2, 4])
def test_boxes_lie_on_the_grid(grid: int) -> None:
    label = label_for(Style(), 641, 359, grid=grid)
    assert [n % grid for n in label.box] == [0, 0, 0, 0]


def test_narrow_pixels_get_a_wider_label() -> None:
    square, narrow = label_for(Style(), 640, 360), label_for(Style(), 1280, 360, aspect=0.5)
    assert abs(narrow.width - 2 * square.width) <= 1
    assert narrow.height == square.height


def test_tiny_pictures_get_a_legible_label_or_none() -> None:
    assert label_for(Style(), 64, 64).ink_pixels >= LEAST_INK_PIXELS
    with pytest.raises(Refused, match=r"notice\.no-room"):
        label_for(Style(), 24, 24)


def test_wordings_have_a_bound() -> None:
    with pytest.raises(Misused, match=r"notice\.wording"):
        label_for(Style(wording="AI生成" * 100), 4000, 4000)


def test_the_rhythm_is_silent_at_its_edges_and_as_loud_as_asked() -> None:
    tone = cue(Style(rhythm=Rhythm(level_lu=3.0)), 48_000, Moment.START, lufs=-16.0)
    assert len(tone) == round(48_000 * 0.12 * 14)
    assert abs(tone[0]) < 1e-9
    assert np.abs(np.diff(tone)).max() < 0.08
    louder = cue(Style(rhythm=Rhythm(level_lu=9.0)), 48_000, Moment.START, lufs=-30.0)
    assert abs(20 * np.log10(np.abs(tone).max() / np.abs(louder).max()) - 8) < 0.01
    assert not tone[-round(48_000 * 0.36) :].any()


@pytest.mark.parametrize("wrong", [{"unit_seconds": 0.0}, {"pitch_hz": 9e9}, {"level_lu": 40.0}, {"letter_gap_units": 0}])
def test_a_rhythm_that_is_not_heard_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(Refused, match=r"notice\.rhythm"):
        Rhythm(**wrong)  # type: ignore[arg-type]
