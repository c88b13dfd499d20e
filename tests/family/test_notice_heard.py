"""The rhythm is heard wherever it stands, however it was set, also after lossy coding; and nowhere else."""

import itertools
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mingwen.domain.notices import Moment, Rhythm, Style
from mingwen.notices._cue import cue
from mingwen.notices._heard import rhythm_at

CORNERS = tuple(itertools.product((0.05, 0.12, 0.5), (200, 1046.5, 4000), (1, 3, 7)))
"""Unit, pitch, gap."""


def heard(path: Path, rate: int, *options: str) -> NDArray[np.float64]:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "f32le", "-ac", "1", "-ar", str(rate), *options, "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<f4").astype(np.float64)


def programme(speech: NDArray[np.float64], rate: int, lufs: float, every: int = 1) -> tuple[NDArray[np.float64], list[float]]:
    """Put a label with each corner of the settings between a second of speech each; return where they begin."""
    parts, at, expected = list[NDArray[np.float64]](), 0, list[float]()
    for number, (unit, pitch, gap) in enumerate(c for c in CORNERS[::every] if c[1] * 2.5 <= rate):
        rhythm = Rhythm(unit_seconds=unit, pitch_hz=pitch, letter_gap_units=gap)
        sound = cue(Style(rhythm=rhythm), rate, Moment.MIDDLE, lufs=lufs)
        begin = number * rate % (len(speech) - rate)
        parts += [speech[begin : begin + rate], sound]
        expected.append((at + rate) / rate + 3 * unit)
        at += rate + len(sound)
    return np.concatenate([*parts, speech[:rate]]), expected


@pytest.mark.parametrize(("rate", "lufs"), [(16_000, -40.0), (8_000, -35.0), (44_100, -10.0)])
def test_every_setting_is_heard(rate: int, lufs: float, media: Path) -> None:
    sound, expected = programme(heard(media / "speech.wav", rate), rate, lufs)
    found = rhythm_at(sound, rate)
    assert len(found) == len(expected)
    assert np.abs(np.subtract(found, expected)).max() <= 0.02


@pytest.mark.parametrize(
    ("rate", "options"),
    [
        (44_100, ("-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3")),
        (16_000, ("-c:a", "libmp3lame", "-b:a", "32k", "-f", "mp3")),
        (44_100, ("-c:a", "aac", "-b:a", "64k", "-f", "adts")),
        (48_000, ("-c:a", "libopus", "-b:a", "32k", "-f", "ogg")),
        (44_100, ("-c:a", "libvorbis", "-q:a", "1", "-f", "ogg")),
    ],
)
def test_every_setting_is_heard_after_lossy_coding(rate: int, options: tuple[str, ...], media: Path, tmp_path: Path) -> None:
    sound, expected = programme(heard(media / "speech.wav", rate), rate, -23.0, every=1 if rate == 16_000 else 4)
    coded = ["ffmpeg", "-v", "error", "-f", "f32le", "-ac", "1", "-ar", str(rate), "-i", "-", *options, str(tmp_path / "a")]
    subprocess.run(coded, input=sound.astype("<f4").tobytes(), check=True)
    found = rhythm_at(heard(tmp_path / "a", rate), rate)
    assert len(found) == len(expected)
    assert np.abs(np.subtract(found, expected)).max() <= 0.08  # what a coder puts before its first sample


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("beside", ["speech", "silence", "nothing", "noise"])
def test_it_is_heard_at_the_ends_of_a_sound(moment: Moment, beside: str, media: Path) -> None:
    rate, label = 16_000, cue(Style(), 16_000, moment, lufs=-30)
    sounds = {
        "speech": heard(media / "speech.wav", rate)[: 3 * rate],
        "silence": np.zeros(rate),
        "nothing": np.zeros(0),
        "noise": np.random.default_rng(1).normal(0, 0.3, rate),
    }
    before = sounds[beside] if moment is not Moment.START else np.zeros(0)
    after = sounds[beside] if moment is not Moment.END else np.zeros(0)
    pause = 0.36 if moment is not Moment.START else 0
    assert rhythm_at(np.concatenate([before, label, after]), rate) == [pytest.approx(len(before) / rate + pause, abs=0.01)]


def test_speech_and_noise_are_not_taken_for_it(media: Path) -> None:
    chance, rate = np.random.default_rng(7), 16_000
    white = chance.normal(0, 0.1, 60 * rate)
    brown = np.cumsum(white) * 0.01
    assert rhythm_at(heard(media / "speech.wav", rate), rate) == []
    assert rhythm_at(heard(media / "speech.mp3", 44_100), 44_100) == []
    assert rhythm_at(heard(media / "bunny.mp4", 44_100), 44_100) == []
    assert rhythm_at(white, rate) == []
    assert rhythm_at(brown - brown.mean(), rate) == []


def signal(units: str, rate: int = 16_000, unit: float = 0.1) -> NDArray[np.float64]:
    """Return a tone where a sign is no space."""
    on = np.repeat([sign != " " for sign in units], round(unit * rate))
    return np.where(on, 0.2 * np.sin(2 * np.pi * 800 * np.arange(len(on)) / rate), 0.0)


@pytest.mark.parametrize(
    ("units", "count"),
    [
        ("   - ---   - -   ", 1),
        ("   - ---   - -   - ---   - -   ", 2),
        ("   - - - ---  --- ---   ", 0),
        ("   - - -   --- --- ---   - - -   ", 0),
        ("   - - - - - - - - - -   ", 0),
        ("   --- -   - -   ", 0),
        ("   - ---   - -- - ---   - -- - ---  - --", 0),
        ("   -----     -----     -----     -----   ", 0),
        ("   " + "-" * 40 + "   ", 0),
    ],
)
def test_other_signals_are_not_taken_for_it(units: str, count: int) -> None:
    assert len(rhythm_at(signal(units), 16_000)) == count


@pytest.mark.parametrize("count", [0, 1, 319, 320, 5000])
def test_short_sounds_hold_none(count: int) -> None:
    assert rhythm_at(np.zeros(count), 16_000) == []
