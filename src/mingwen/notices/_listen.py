"""Sounds listened to: at their beginning, in their middle and at their end."""

from typing import BinaryIO, Final

import av
import numpy as np
from av.error import FFmpegError

from mingwen.domain.errors import Malformed
from mingwen.domain.explicit import Heard, Read
from mingwen.domain.notices import Moment
from mingwen.notices._cue import Samples
from mingwen.notices._heard import rhythm_at

RATE: Final = 16_000
LEAST_RATE: Final = 1000
"""Of what is listened to: each of its samples becomes ``RATE / LEAST_RATE`` at most."""
SECONDS: Final = 20.0
"""Of each stretch that is listened to; what is shorter than all of them is heard whole."""
SHARES: Final = (0.0, 0.5, 1.0)
"""Where the stretches lie in a longer sound."""


def perceived(source: BinaryIO, _: Read) -> tuple[Heard, ...]:
    """Find the rhythm label; a spoken one is not recognised.

    Raises:
        Malformed: the sound does not decode (``audio.broken``).
    """
    source.seek(0)
    out: list[Heard] = []
    try:
        with av.open(source, "r", metadata_errors="replace") as container:
            seconds = float(container.duration or 0) / av.time_base
            whole = seconds <= len(SHARES) * SECONDS
            for share in SHARES[:1] if whole else SHARES:
                begins = share * (seconds - SECONDS)
                if begins > 0:
                    container.seek(int(begins * av.time_base))
                at, samples = _stretch(container, begins, len(SHARES) * SECONDS + 1 if whole else SECONDS)
                out += [Heard(_named(at + t, seconds), at + t) for t in rhythm_at(samples, RATE)]
    except (FFmpegError, ValueError, IndexError) as broken:
        raise Malformed("audio.broken", f"expected a sound that decodes, but {broken}", hint="get a whole copy") from broken
    return tuple(dict.fromkeys(out))


def _stretch(container: "av.container.InputContainer", begins: float, most: float) -> tuple[float, Samples]:
    """Return where a stretch really begins, and its samples in one channel."""
    resampler, out, at = av.AudioResampler("flt", "mono", RATE), list[Samples](), begins
    for number, frame in enumerate(container.decode(audio=0)):
        require_rate(frame)
        at = float(frame.time or 0) if number == 0 else at
        out += [np.asarray(f.to_ndarray(), np.float64).ravel() for f in resampler.resample(frame)]
        if sum(map(len, out)) > most * RATE:
            break
    return at, np.concatenate([*out, np.zeros(0)])


def require_rate(frame: av.AudioFrame) -> None:
    """Raise ValueError for so few samples a second that ours would be very many."""
    if frame.sample_rate < LEAST_RATE:
        raise ValueError(f"expected at least {LEAST_RATE} samples a second, got {frame.sample_rate}")


def _named(at: float, seconds: float) -> Moment:
    if at < min(SECONDS / 2, seconds / 3):
        return Moment.START
    return Moment.END if at > seconds - min(SECONDS / 2, seconds / 3) else Moment.MIDDLE
