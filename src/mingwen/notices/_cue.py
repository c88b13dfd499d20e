"""The rhythm 短长 短短 as samples: Morse "AI", `.-  ..` (GB 45438-2025 §5.3 c, note 1)."""

from collections.abc import Iterator
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.domain.notices import Ends, Rhythm

Samples: TypeAlias = NDArray[np.float64]

EDGE_SECONDS = 0.005
"""Each tone rises and falls along half a cosine, so that it does not click."""
PAUSE_UNITS = 3
"""Silence between the rhythm and the content."""
SHORT, LONG, GAP = 1, 3, 1
"""Units, as in Morse code; the standard gives none (our reading, grade M)."""
COPY_BYTES = 1 << 20


def rhythm(style: Rhythm, rate: int, *, at_end: bool) -> Samples:
    """Return the rhythm in −1 to 1 with its pause, which stands towards the content: before the rhythm if ``at_end``."""
    letters = (
        (True, SHORT),
        (False, GAP),
        (True, LONG),
        (False, style.letter_gap_units),
        (True, SHORT),
        (False, GAP),
        (True, SHORT),
    )
    parts = [(False, PAUSE_UNITS), *letters] if at_end else [*letters, (False, PAUSE_UNITS)]
    return np.concatenate([_tone(style, rate, units) if on else np.zeros(_count(style, rate, units)) for on, units in parts])


def at_start(ends: Ends) -> bool:
    """Say whether the rhythm stands before the content (§5.3 d)."""
    return ends in (Ends.START, Ends.BOTH)


def at_end(ends: Ends) -> bool:
    """Say whether the rhythm stands after the content (§5.3 d)."""
    return ends in (Ends.END, Ends.BOTH)


def copied(source: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes from ``start`` to ``stop`` in pieces of constant size."""
    source.seek(start)
    left = stop - start
    while left > 0 and (piece := source.read(min(left, COPY_BYTES))):
        left -= len(piece)
        yield piece


def _count(style: Rhythm, rate: int, units: int) -> int:
    return round(style.unit_seconds * units * rate)


def _tone(style: Rhythm, rate: int, units: int) -> Samples:
    count, edge = _count(style, rate, units), round(EDGE_SECONDS * rate)
    envelope = np.ones(count)
    rise = (1 - np.cos(np.pi * np.arange(edge) / edge)) / 2
    envelope[:edge], envelope[count - edge :] = rise, rise[::-1]
    return 10 ** (style.level_dbfs / 20) * envelope * np.sin(2 * np.pi * style.pitch_hz * np.arange(count) / rate)
