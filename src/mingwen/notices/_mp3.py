"""An MP3 with the label: frames are put between the content's, which are copied as they are.

The first frame behind a label may borrow bytes from frames before the label (the bit reservoir, ISO/IEC 11172-3
§2.4.1.7); then a silent frame between carries those bytes once more, where the decoder looks for them.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

import numpy as np

from mingwen.containers.edits import copied
from mingwen.domain.notices import Moment, Style
from mingwen.notices import _mp3_chapters, _mp3_frames
from mingwen.notices._coded import Coding, coded
from mingwen.notices._cue import Samples, cue, times
from mingwen.notices._insertions import Insertion, joined, later
from mingwen.notices._loudness import programme
from mingwen.notices._mp3_frames import HEADER, KILOBITS, RESERVOIR_FRAMES, V1, Frame, Track
from mingwen.notices._mp3_summary import DECODER_DELAY, ENCODER_DELAY, Summary, recounted, summary

NEAR_SECONDS = 0.5
"""How far from the wanted time a quiet place is looked for."""
LEAST_BIT_RATE = {True: 48_000, False: 24_000}
"""Of each channel of a label among frames of many bit rates, in MPEG 1 and in MPEG 2."""


@dataclass(frozen=True, slots=True)
class _Content:
    """What is to be labelled."""

    track: Track
    summary: Summary
    like: Frame
    """Version, rate, channels and bit rate of its labels."""

    @property
    def lead(self) -> int:
        """Samples before the content that a player leaves out."""
        said = self.summary.silence
        return said[0] + DECODER_DELAY if said else 0

    @property
    def samples(self) -> int:
        """How many of each channel are heard."""
        said = self.summary.silence
        return max(self.track.count * self.like.samples - (sum(said) if said else 0), 0)


def mark(source: BinaryIO, sink: BinaryIO, style: Style) -> None:
    """Write the file with the label at its moments, in constant memory."""
    begin, stop, length = _mp3_frames.extent(source)
    start, first = _mp3_frames.first_frame(source, begin, stop)
    source.seek(start)
    found = summary(source.read(first.size), first)
    track = _mp3_frames.walked(source, start + len(found.frame), stop, first)
    content = _Content(track, found, _like(track))
    labels, padding = _labels(source, content, style)
    position = 0
    for at, new in _mp3_chapters.moved(source, begin, partial(later, labels=_heard(content, labels))):
        sink.writelines(copied(source, position, at))
        sink.write(new)
        position = at + len(new)
    sink.writelines(copied(source, position, start))
    sink.write(recounted(found, track, labels, padding))
    sink.writelines(joined(source, track.start, length, labels))


def _like(track: Track) -> Frame:
    """Choose the labels' bit rate: the content's one, or where it has many what they are on average, if that is enough."""
    kilobits = KILOBITS[track.like.version]
    if len(track.bit_rates) == 1:
        (index,) = track.bit_rates
    else:
        average = (track.stop - track.start) * 8 * track.like.rate / max(track.count * track.like.samples, 1)
        least = max(average, LEAST_BIT_RATE[track.like.version == V1] * (1 if track.like.mono else 2))
        index = next((n for n, rate in enumerate(kilobits) if rate * 1000 >= least), len(kilobits) - 1)
    head = track.like.head
    return replace(track.like, head=bytes((head[0], head[1], index << 4 | head[2] & 0x0D, head[3])))


def _labels(source: BinaryIO, content: _Content, style: Style) -> tuple[list[Insertion], int | None]:
    """Return the labels in order, and how many samples at the end of the whole are not heard, where the content tells it."""
    said = content.summary.silence
    padding = said[1] if said else None
    lufs = programme(source)
    made = dict[Moment, tuple[bytes, ...]]()
    labels = list[Insertion]()
    for seconds, moment in times(style, content.samples / content.like.rate):
        if moment not in made:
            samples = cue(style, content.like.rate, moment, lufs=lufs)
            if moment is Moment.END:
                samples, count, padding = _fitted(samples, content)
            else:
                # what a player leaves out before the content must not be the label's first tone
                samples = np.pad(samples, (max(content.lead - DECODER_DELAY - ENCODER_DELAY, 0), 0))
                count = -(-len(samples) // content.like.samples)
            made[moment] = _frames(samples, content.like, count)
        labels.append(_put(source, content, made[moment], seconds, moment))
    return labels, padding


def _fitted(samples: Samples, content: _Content) -> tuple[Samples, int, int | None]:
    """Fit a label behind the content's own silence at the end, so that both sound as long as they are.

    Returns its samples, how many frames they take, and how much of those is not heard.
    """
    each = content.like.samples
    said = content.summary.silence
    sounding = np.flatnonzero(samples)
    quiet = int(sounding[0]) if len(sounding) else len(samples)
    fitted = samples[min(ENCODER_DELAY + said[1], quiet) if said else 0 :]
    count = -(-(len(fitted) + ENCODER_DELAY + DECODER_DELAY) // each)
    return fitted, count, count * each - ENCODER_DELAY - len(fitted) if said else None


def _frames(samples: Samples, like: Frame, count: int) -> tuple[bytes, ...]:
    """Encode so many frames that borrow nothing from others."""
    padded = np.pad(samples, (0, count * like.samples - len(samples)))
    layout = "mono" if like.mono else "stereo"
    coding = Coding("libmp3lame", like.rate, layout, like.bit_rate, like.samples, options=(("reservoir", "0"),))
    return tuple(coded(padded, coding)[0][:count])


def _put(source: BinaryIO, content: _Content, frames: tuple[bytes, ...], seconds: float, moment: Moment) -> Insertion:
    """Place a label near its time, with what the frame behind it borrows."""
    track, each = content.track, content.like.samples
    if moment is Moment.END:
        return Insertion(track.stop, track.count, frames)
    wanted = min(round((seconds * content.like.rate + content.lead) / each), track.count) if moment is Moment.MIDDLE else 0
    near = round(NEAR_SECONDS * content.like.rate / each) if moment is Moment.MIDDLE else 0
    first, stretch = _mp3_frames.around(source, track, wanted, reach=near + RESERVOIR_FRAMES)
    levels = [Frame(data[:HEADER]).level(data) for _, data in stretch]
    choice = range(max(wanted - near, 1) - first, min(wanted + near + 1, track.count) - first) if near else range(0)
    here = min(choice, key=lambda n: (levels[n - 1] + levels[n], abs(n + first - wanted)), default=wanted - first)
    if here >= len(stretch):
        return Insertion(track.stop, track.count, frames)
    at, data = stretch[here]
    if need := Frame(data[:HEADER]).borrowed(data):
        held = _mp3_frames.reservoir([data for _, data in stretch[:here]], need)
        frames = (*frames[:-1], Frame(data[:HEADER]).silent(held))
    return Insertion(at, first + here, frames)


def _heard(content: _Content, labels: list[Insertion]) -> list[tuple[float, float]]:
    """Return when in the content the labels are heard, and for how long, in seconds."""
    each, rate = content.like.samples, content.like.rate
    return [(max(i.frame * each - content.lead, 0) / rate, len(i.frames) * each / rate) for i in labels]
