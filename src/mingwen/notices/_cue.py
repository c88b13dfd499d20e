"""The label that is heard: the rhythm 短长 短短, which is Morse "AI", `.-  ..` (GB 45438-2025 §5.3 c, note 1), or a voice."""

import io
from itertools import chain
from typing import TypeAlias

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from mingwen.domain.errors import Refused
from mingwen.domain.notices import LEAST_INTERVAL, Moment, Recording, Rhythm, Style
from mingwen.notices import _loudness

Samples: TypeAlias = NDArray[np.float64]

EDGE_SECONDS = 0.005
"""Each tone rises and falls along half a cosine, so that it does not click."""
PAUSE_UNITS = 3
"""Silence between the label and the content."""
SHORT, LONG, GAP = 1, 3, 1
"""Units, as in Morse code; the standard gives none (our reading, grade M)."""
SAMPLES_A_WAVE = 2.5
PEAK = float(10 ** (-1 / 20))
"""EBU R 128: true peaks stay below −1 dBTP."""
MAX_LABELS = 100_000
MAX_RECORDING_SECONDS = 30
QUIET = 0.005
"""Of its loudest moment (−46 dB): what is quieter at the ends of a recording is silence …"""
KEPT_SECONDS = 0.05
"""… of which so much is left."""
LOOK_SECONDS = 0.01


def cue(style: Style, rate: int, moment: Moment, *, lufs: float | None = None) -> Samples:
    """Return the label in −1 to 1, one channel, with the pause that stands between it and the content.

    By itself it measures ``lufs`` (that of ``_loudness.programme``; None where there is only silence) and ``level_lu`` of the
    style above it by BS.1770-5, or less where its true peak would pass −1 dBTP.

    Raises:
        Refused: the pitch cannot be written at this rate (``notice.rate``), or the recording is no fit (``notice.recording``).
    """
    words = _spoken(style.spoken, rate) if style.spoken else _rhythm(style.rhythm, rate)
    pause = np.zeros(_count(style.rhythm, rate, PAUSE_UNITS))
    before = [pause] if moment is not Moment.START else []
    after = [pause] if moment is not Moment.END else []
    label = np.concatenate([*before, words, *after])
    return label * _gain(label, rate, (_loudness.SILENCE_LUFS if lufs is None else lufs) + style.rhythm.level_lu)


def times(style: Style, seconds: float) -> tuple[tuple[float, Moment], ...]:
    """Return when in a programme of so many seconds the label is heard, in order: at 0, between, at its end.

    The middle goes without its own label where a repeated one is near, and of nothing there is only a start.

    Raises:
        Refused: there would be more than 100,000 (``notice.interval``).
    """
    if seconds <= 0:
        return ((0.0, Moment.START),)
    start = [(0.0, Moment.START)] if Moment.START in style.moments else []
    end = [(seconds, Moment.END)] if Moment.END in style.moments else []
    count = int(max(seconds - LEAST_INTERVAL, 0) / style.every_seconds) if style.every_seconds else 0
    if count > MAX_LABELS:
        hint = "ask for fewer with notice.every_seconds"
        raise Refused("notice.interval", f"expected at most {MAX_LABELS} labels in one sound, got {count}", hint=hint)
    between = [style.every_seconds * n for n in range(1, count + 1)]
    middle = seconds / 2
    if Moment.MIDDLE in style.moments and all(abs(t - middle) >= LEAST_INTERVAL for t in between):
        between.append(middle)
    return (*start, *((t, Moment.MIDDLE) for t in sorted(between)), *end)


def _gain(label: Samples, rate: int, wanted: float) -> float:
    """Return what makes the label as loud as wanted, as far as its peaks allow."""
    measured = _loudness.lufs(_loudness.powers([label[np.newaxis]], rate, (1.0,)))
    peak = PEAK / _loudness.true_peak(label, rate)
    return peak if measured is None else min(float(10 ** ((wanted - measured) / 20)), peak)


# --- the rhythm -------------------------------------------------------------------------------------------------------


def _rhythm(style: Rhythm, rate: int) -> Samples:
    if rate < SAMPLES_A_WAVE * style.pitch_hz:
        raise Refused(
            "notice.rate",
            f"expected at least {SAMPLES_A_WAVE} samples for each wave of {style.pitch_hz:g} Hz, got {rate} a second",
            hint="set rhythm.pitch_hz lower",
        )
    letters = ((SHORT, LONG), (SHORT, SHORT))
    gap, letter_gap = (np.zeros(_count(style, rate, units)) for units in (GAP, style.letter_gap_units))
    one, two = (np.concatenate([_tone(style, rate, first), gap, _tone(style, rate, second)]) for first, second in letters)
    return np.concatenate([one, letter_gap, two])


def _count(style: Rhythm, rate: int, units: int) -> int:
    return round(style.unit_seconds * units * rate)


def _tone(style: Rhythm, rate: int, units: int) -> Samples:
    count, edge = _count(style, rate, units), round(EDGE_SECONDS * rate)
    envelope = np.ones(count)
    rise = (1 - np.cos(np.pi * np.arange(edge) / edge)) / 2
    envelope[:edge], envelope[count - edge :] = rise, rise[::-1]
    return np.asarray(envelope * np.sin(2 * np.pi * style.pitch_hz * np.arange(count) / rate))


# --- the voice --------------------------------------------------------------------------------------------------------


def _spoken(recording: Recording, rate: int) -> Samples:
    """Return a recording at the content's rate, mixed to one channel, without the silence at its ends."""
    try:
        said = _decoded(recording.audio, rate)
    except (FFmpegError, ValueError, IndexError, AttributeError) as e:  # a stream without a decoder has no context
        raise _unfit(f"a recording that can be decoded, but: {e}") from e
    step = max(round(LOOK_SECONDS * rate), 1)
    levels = np.abs(np.pad(said, (0, -len(said) % step))).reshape(-1, step).max(axis=1, initial=0)
    if not levels.size or not levels.max():
        raise _unfit("a recording with a voice, got silence")
    heard = np.flatnonzero(levels > levels.max() * QUIET)
    kept = round(KEPT_SECONDS * rate)
    return said[max(heard[0] * step - kept, 0) : (heard[-1] + 1) * step + kept].copy()


def _decoded(audio: bytes, rate: int) -> Samples:
    pieces, left = list[Samples](), MAX_RECORDING_SECONDS * rate
    with av.open(io.BytesIO(audio), "r", metadata_errors="replace") as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        for frame in chain(container.decode(audio=0), (None,)):
            pieces += [_loudness.as_floats(piece)[0] for piece in resampler.resample(frame)]
            left -= sum(map(len, pieces[-1:]))
            if left < 0:
                raise _unfit(f"a recording of at most {MAX_RECORDING_SECONDS} s, got a longer one")
    return np.concatenate([np.empty(0), *pieces])


def _unfit(what: str) -> Refused:
    return Refused("notice.recording", f"expected {what}", hint="record the words alone, or choose a voice")
