"""Where the rhythm 短长 短短 is heard in a sound, at whatever unit, pitch and level it was made (GB 45438-2025 §5.3 c).

Pieces of 20 ms are looked at, each 5 ms after the last. A tone is a run of pieces whose energy lies at one pitch; the label is
four tones of one pitch and level, as long as they should be, with silence between them and, on one side at least, beside them.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mingwen.domain.notices import RHYTHM_RANGES
from mingwen.notices._cue import GAP, LONG, SHORT, Samples

HOP_SECONDS, PIECE_SECONDS = 0.005, 0.02
AROUND = 8
"""Pieces of silence that are put before and behind the sound."""
PIECES_AT_ONCE = 2_000
SPREAD_HZ = 100.0
"""How far a pitch is smeared in a piece of 20 ms."""
PURE = 0.8
"""Of a piece's energy at one pitch, to be called a tone."""
FAINT = 1e-4
"""Of full scale (−80 dB): what is quieter is silence."""
SAME_HZ, SAME_SHARE = 25.0, 0.03
"""How far pitches may lie apart and be one."""
SAME_LEVEL = 2.0
QUIET = 0.25
"""Of the tone's level (−12 dB), between tones and beside them."""
SLACK = 0.3
"""Of its length that a tone or a pause may be off, and two pieces on top."""
TONES = (SHORT, LONG, SHORT, SHORT)
PAUSE_SHARE = 1.5
"""Units of silence beside the label that tell it from other signals in Morse code; it has three."""


class _Tone(NamedTuple):
    start: float
    """In pieces; where the level is half of the highest."""
    stop: float
    pitch: float
    level: float


def rhythm_at(samples: Samples, rate: int) -> list[float]:
    """Return the seconds at which the rhythm begins, in order; ``samples`` are one channel in −1 to 1."""
    if len(samples) < PIECE_SECONDS * rate:
        return []
    hop = round(HOP_SECONDS * rate)
    levels, pitches = _looked_at(np.pad(samples, AROUND * hop), rate, hop)
    tones = list(_tones(levels, pitches))
    found, behind = list[float](), 0.0
    for number, first in enumerate(tones):
        if first.start < behind:
            continue
        label = _label(tones[number:], levels)
        if label:
            found.append(max((first.start - AROUND) * hop / rate + PIECE_SECONDS / 2, 0.0))
            behind = label[-1].stop
    return found


def _looked_at(samples: Samples, rate: int, hop: int) -> tuple[Samples, Samples]:
    """Return level and pitch of each piece; the pitch is 0 where there is none."""
    size = round(PIECE_SECONDS * rate)
    window = np.hanning(size + 2)[1:-1]
    wide = 1 << (2 * size - 1).bit_length()
    hertz = np.fft.rfftfreq(wide, 1 / rate)
    least, most = RHYTHM_RANGES["pitch_hz"]
    heard = (hertz >= least - SAME_HZ) & (hertz <= most + SAME_HZ)
    reach = round(SPREAD_HZ / hertz[1])
    pieces = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    out = [
        _analysed(pieces[at : at + PIECES_AT_ONCE] * window, wide, heard, reach) for at in range(0, len(pieces), PIECES_AT_ONCE)
    ]
    levels, places = (np.concatenate(part) for part in zip(*out, strict=True))
    return levels / window.sum(), places * hertz[1]


def _analysed(pieces: Samples, wide: int, heard: NDArray[np.bool_], reach: int) -> tuple[Samples, Samples]:
    """Return the amplitude of pieces as tones, and at which line of the spectrum their pitch lies."""
    power = np.abs(np.fft.rfft(pieces, wide, axis=1)) ** 2
    peak = np.where(heard, power, 0).argmax(axis=1)
    lines = np.clip(peak[:, np.newaxis] + np.arange(-reach, reach + 1), 0, power.shape[1] - 1)
    near = np.take_along_axis(power, lines, axis=1)
    here = near.sum(axis=1)
    place = (near * lines).sum(axis=1) / np.maximum(here, np.finfo(float).tiny)
    # of a tone the transform's energy is that of the window, times the square of half its amplitude
    level = 2 * np.sqrt(np.square(pieces).sum(axis=1) / 2 * 4 / 3 * pieces.shape[1] / 2)
    pure = (here >= PURE * power.sum(axis=1)) & (here > 0)
    return level, np.where(pure, place, 0)


def _tones(levels: Samples, pitches: Samples) -> Iterator[_Tone]:
    """Yield the runs of one pitch, from where they reach half their level to where they leave it."""
    sounding = (pitches > 0) & (levels > FAINT)
    same = np.abs(np.diff(pitches)) <= np.maximum(SAME_HZ, SAME_SHARE * pitches[1:])
    starts = np.flatnonzero(sounding & ~np.concatenate([[False], sounding[:-1] & same]))
    stops = np.flatnonzero(sounding & ~np.concatenate([sounding[1:] & same, [False]])) + 1
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        run = levels[start:stop]
        level = float(np.median(run[run >= run.max() / SAME_LEVEL]))
        loud = np.flatnonzero(run >= level / 2)
        middle = run[loud[0] : loud[-1] + 1]
        pitch = float(np.median(pitches[start:stop][loud]))
        if len(middle) > 1:
            yield _Tone(start + float(loud[0]) - 0.5, start + float(loud[-1]) + 0.5, pitch, level)


def _label(tones: list[_Tone], levels: Samples) -> list[_Tone] | None:
    """Return the label that begins with the first of these tones, or None."""
    first = tones[0]
    longest = RHYTHM_RANGES["unit_seconds"][1] * 2 / HOP_SECONDS
    if first.stop - first.start > longest:
        return None
    alike = [first]
    for tone in tones[1:]:
        if len(alike) == len(TONES) or tone.start - alike[-1].stop > longest * RHYTHM_RANGES["letter_gap_units"][1]:
            break
        if _alike(first, tone):
            alike.append(tone)
    unit = sum(t.stop - t.start for t in alike) / sum(TONES)
    return alike if len(alike) == len(TONES) and _fits(alike, unit, levels) else None


def _alike(one: _Tone, other: _Tone) -> bool:
    return (
        abs(one.pitch - other.pitch) <= max(SAME_HZ, SAME_SHARE * one.pitch)
        and 1 / SAME_LEVEL <= other.level / one.level <= SAME_LEVEL
    )


def _fits(tones: list[_Tone], unit: float, levels: Samples) -> bool:
    """Say whether four tones have the lengths of the label, and its silence."""
    least, most = (seconds / HOP_SECONDS for seconds in RHYTHM_RANGES["unit_seconds"])
    pauses = [second.start - first.stop for first, second in pairwise(tones)]
    fewest, longest = RHYTHM_RANGES["letter_gap_units"]
    quiet = QUIET * float(np.median([t.level for t in tones]))

    def silent(start: float, stop: float) -> bool:
        piece = levels[max(round(start + 2), 0) : max(round(stop - 1), 0)]
        return not piece.size or float(np.median(piece)) <= quiet

    return (
        least * (1 - SLACK) <= unit <= most * (1 + SLACK)
        and all(_near(t.stop - t.start, units * unit) for t, units in zip(tones, TONES, strict=True))
        and _near(pauses[0], GAP * unit)
        and _near(pauses[2], GAP * unit)
        and fewest * unit * (1 - SLACK) - 2 <= pauses[1] <= longest * unit * (1 + SLACK) + 2
        and all(silent(first.stop, second.start) for first, second in pairwise(tones))
        and (
            silent(tones[-1].stop, tones[-1].stop + PAUSE_SHARE * unit)
            or (silent(tones[0].start - PAUSE_SHARE * unit, tones[0].start))
        )
    )


def _near(length: float, wanted: float) -> bool:
    return abs(length - wanted) <= SLACK * wanted + 2
