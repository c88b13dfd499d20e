"""The rhythm 短长 短短 as samples: Morse "AI", `.-  ..` (GB 45438-2025 §5.3 c, note 1)."""

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.domain.notices import LEAST_INTERVAL, Moment, Rhythm, Style

Samples: TypeAlias = NDArray[np.float64]

EDGE_SECONDS = 0.005
"""Each tone rises and falls along half a cosine, so that it does not click."""
PAUSE_UNITS = 3
"""Silence between the rhythm and the content."""
SHORT, LONG, GAP = 1, 3, 1
"""Units, as in Morse code; the standard gives none (our reading, grade M)."""
COPY_BYTES = 1 << 20
SILENCE_LUFS = -23.0
"""EBU R 128: the loudness of a programme; beside silence the label has it."""
PEAK_ABOVE_LUFS = 3.0
"""Of a tone of 1 kHz: its peak in dBFS above its loudness (ITU-R BS.1770-5)."""
MOST_DBFS = -1.0


def cue(style: Style, rate: int, moment: Moment, *, lufs: float | None = None) -> Samples:
    """Return the label in −1 to 1, one channel, with the pause that stands between it and the content.

    ``lufs`` is the loudness of the programme beside it by EBU R 128; None where there is only silence.
    """
    letters = (
        (True, SHORT),
        (False, GAP),
        (True, LONG),
        (False, style.rhythm.letter_gap_units),
        (True, SHORT),
        (False, GAP),
        (True, SHORT),
    )
    before = [(False, PAUSE_UNITS)] if moment is not Moment.START else []
    after = [(False, PAUSE_UNITS)] if moment is not Moment.END else []
    peak = (SILENCE_LUFS if lufs is None else lufs) + style.rhythm.level_lu + PEAK_ABOVE_LUFS
    tone = partial(_tone, style.rhythm, rate, 10 ** (min(peak, MOST_DBFS) / 20))
    parts = [*before, *letters, *after]
    return np.concatenate([tone(units) if on else np.zeros(_count(style.rhythm, rate, units)) for on, units in parts])


def times(style: Style, seconds: float) -> tuple[tuple[float, Moment], ...]:
    """Return when in a programme of so many seconds the label is heard, in order: at 0, between, at its end."""
    start = [(0.0, Moment.START)] if Moment.START in style.moments else []
    end = [(seconds, Moment.END)] if Moment.END in style.moments else []
    between = {seconds / 2} if Moment.MIDDLE in style.moments else set[float]()
    if style.every_seconds:
        count = int(max(seconds - LEAST_INTERVAL, 0) / style.every_seconds)
        between |= {style.every_seconds * n for n in range(1, count + 1)}
    return (*start, *((t, Moment.MIDDLE) for t in sorted(between)), *end)


def copied(source: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes from ``start`` to ``stop`` in pieces of constant size."""
    source.seek(start)
    left = stop - start
    while left > 0 and (piece := source.read(min(left, COPY_BYTES))):
        left -= len(piece)
        yield piece


def _count(style: Rhythm, rate: int, units: int) -> int:
    return round(style.unit_seconds * units * rate)


def _tone(style: Rhythm, rate: int, peak: float, units: int) -> Samples:
    count, edge = _count(style, rate, units), round(EDGE_SECONDS * rate)
    envelope = np.ones(count)
    rise = (1 - np.cos(np.pi * np.arange(edge) / edge)) / 2
    envelope[:edge], envelope[count - edge :] = rise, rise[::-1]
    return peak * envelope * np.sin(2 * np.pi * style.pitch_hz * np.arange(count) / rate)
