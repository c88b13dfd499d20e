"""Sounds whose samples stand in the file as they are: labels become bytes like theirs and are put between them.

What is the same for WAV and AIFF, and where labels and the content's own marks lie afterwards.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO

import numpy as np

from mingwen.containers.edits import Edit, size_of, spliced
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Moment, Style
from mingwen.notices._cue import Samples, copied, cue, times
from mingwen.notices._loudness import programme

LEAST_RATE = 4_000
MAX_RATE = 3_072_000
MAX_CHANNELS = 1_024
MAX_MARKS_BYTES = 16 << 20
"""Of a chunk that counts samples."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Which labels a sound of so many frames gets (a frame: one sample of each channel)."""

    frames: int
    places: tuple[tuple[int, Moment], ...]
    """Before which frame of the content each stands, in order."""
    sounds: dict[Moment, Samples]
    ahead: tuple[int, ...]
    """How many frames the first 0, 1, … of them put before the content behind them."""

    def moved(self, frame: int) -> int:
        """Say where a frame of the content is now; its end stays before a label that follows it."""
        return frame + self.ahead[bisect_right(self.places, min(frame, self.frames - 1), key=lambda place: place[0])]

    def stretched(self, frame: int, count: int) -> int:
        """Say how long a stretch of the content is now, with the labels within it."""
        return self.moved(frame + count - 1) + 1 - self.moved(frame) if count else 0

    @property
    def added(self) -> int:
        """How many frames are added in all."""
        return sum(len(self.sounds[moment]) for _, moment in self.places)


def labels(source: BinaryIO, style: Style, rate: int, frames: int, *, step: int = 1) -> Labels:
    """Plan the labels of a sound; those in its midst stand at multiples of ``step`` frames, and last as long with the pause.

    Raises:
        Refused: the rate lies outside 4 to 3,072 kHz, or does not fit the label (``notice.rate``).
    """
    if not LEAST_RATE <= rate <= MAX_RATE:
        raise Refused(
            "notice.rate", f"expected {LEAST_RATE} to {MAX_RATE} samples a second, got {rate}", hint="resample the sound first"
        )
    loudness = programme(source)
    exact = {Moment.START: 0, Moment.END: frames}
    last = frames // step * step
    places = tuple((exact.get(m, min(round(t * rate / step) * step, last)), m) for t, m in times(style, frames / rate))
    sounds = {m: cue(style, rate, m, lufs=loudness) for m in {m for _, m in places}}
    sounds = {m: s if m is Moment.END else np.pad(s, (0, -len(s) % step)) for m, s in sounds.items()}
    ahead = accumulate((len(sounds[m]) if m is not Moment.END else 0 for _, m in places), initial=0)
    return Labels(frames, places, sounds, tuple(ahead))


@dataclass(frozen=True, slots=True)
class Coding:
    """How one sample stands in the file."""

    kind: str
    """``int``, ``offset`` (from the middle of the range up) or ``float``."""
    bits: int
    """That are used, the uppermost of the ``width`` bytes."""
    width: int
    big: bool
    """The byte order."""
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Of all channels."""
        return self.width * self.channels

    def bytes_of(self, samples: Samples) -> bytes:
        """Write samples of −1 to 1, the same in every channel."""
        if self.kind == "float":
            data = samples.astype(f"<f{self.width}").view(np.uint8).reshape(-1, self.width)
        else:
            whole = np.rint(samples * ((1 << self.bits - 1) - 1)).astype("<i8") << 8 * self.width - self.bits
            whole += 1 << 8 * self.width - 1 if self.kind == "offset" else 0
            data = whole.view(np.uint8).reshape(-1, 8)[:, : self.width]
        one = data[:, ::-1] if self.big else data
        return np.repeat(one[:, np.newaxis], self.channels, axis=1).tobytes()


def inserted(plan: Labels, coding: Coding, start: int) -> Iterator[Edit]:
    """Yield the labels as bytes put into samples that begin at the offset ``start``."""
    sounds = {moment: coding.bytes_of(samples) for moment, samples in plan.sounds.items()}
    for frame, moment in plan.places:
        at = start + frame * coding.frame_bytes
        yield Edit(at, at, sounds[moment])


def bounded_channels(channels: int) -> int:
    """Return the number of channels.

    Raises:
        Malformed: it is none, or more than any sound has (``audio.channels``).
    """
    if not 1 <= channels <= MAX_CHANNELS:
        raise Malformed("audio.channels", f"expected 1 to {MAX_CHANNELS} channels, got {channels}", hint="get a whole copy")
    return channels


def write(source: BinaryIO, sink: BinaryIO, edits: Iterable[Edit]) -> None:
    """Write the source with edits made, in constant memory."""
    for piece in spliced(edits, size_of(source)):
        sink.writelines((piece,) if isinstance(piece, bytes) else copied(source, piece.start, piece.stop))
