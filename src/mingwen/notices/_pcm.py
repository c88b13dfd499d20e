"""Sounds whose samples stand in the file as they are: labels become bytes like theirs and are put between them.

What is the same for WAV and AIFF, and where labels and the content's own marks lie afterwards.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO

import numpy as np

from mingwen.containers.edits import Edit, copied, size_of, spliced
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Moment, Style
from mingwen.notices._cue import Samples, cue, times
from mingwen.notices._loudness import bounded, channel_weights, level, spread

LEAST_RATE = 4_000
MAX_RATE = 768_000
MAX_CHANNELS = 1_024
MAX_LABEL_BYTES = 64 << 20
"""In all channels; two seconds in eight channels of 192 kHz take 12 MiB."""
MAX_MARKS_BYTES = 16 << 20
"""Of a chunk that counts samples."""


LAYOUTS = {
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}
"""What so many channels usually are; of others each counts the same."""


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


def labels(style: Style, rate: int, frames: int, *, lufs: Callable[[], float], step: int = 1) -> Labels:
    """Plan the labels of a sound that is as loud as ``lufs`` says; those in its midst stand at multiples of ``step`` frames.

    All but the one at the end last a multiple of them, too.

    Raises:
        Refused: the rate lies outside 4 to 768 kHz, or does not fit the label (``notice.rate``).
    """
    if not LEAST_RATE <= rate <= MAX_RATE:
        raise Refused(
            "notice.rate", f"expected {LEAST_RATE} to {MAX_RATE} samples a second, got {rate}", hint="resample the sound first"
        )
    loudness = lufs()
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

    def samples_of(self, data: bytes) -> Samples:
        """Read whole frames as (channels, samples) in −1 to 1."""
        each = np.frombuffer(data[: len(data) // self.frame_bytes * self.frame_bytes], np.uint8)
        each = each.reshape(-1, self.channels, self.width)[:, :, :: -1 if self.big else 1]
        if self.kind == "float":
            return bounded(np.ascontiguousarray(each).view(f"<f{self.width}")[:, :, 0].T.astype(np.float64))
        wide = np.zeros((*each.shape[:2], 8), np.uint8)
        wide[:, :, 8 - self.width :] = each
        wide[:, :, 7] ^= 0x80 if self.kind == "offset" else 0
        return wide.view("<i8")[:, :, 0].T / float(1 << 63)


def loudness(source: BinaryIO, coding: Coding, start: int, rate: int, frames: int) -> float:
    """Return what ``_loudness.programme`` does, of samples that begin at the offset ``start``."""

    def pieces(at: float, seconds: float) -> Iterator[Samples]:
        first, last = round(at * rate), min(round((at + seconds) * rate), frames)
        for piece in copied(
            source, start + first * coding.frame_bytes, start + last * coding.frame_bytes, whole=coding.frame_bytes
        ):
            yield coding.samples_of(piece)

    weights = channel_weights(LAYOUTS.get(coding.channels, ("",) * coding.channels))
    return level((pieces(at, seconds) for at, seconds in spread(frames / rate)), rate, weights)


def inserted(plan: Labels, coding: Coding, start: int) -> Iterator[Edit]:
    """Yield the labels as bytes put into samples that begin at the offset ``start``.

    Raises:
        Refused: one would not fit into memory (``notice.too-large``).
    """
    if max(map(len, plan.sounds.values())) * coding.frame_bytes > MAX_LABEL_BYTES:
        hint = "take fewer channels or a lower rate, or a shorter label"
        raise Refused("notice.too-large", f"expected a label of at most {MAX_LABEL_BYTES >> 20} MiB", hint=hint)
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
