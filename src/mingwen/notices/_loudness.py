"""How loud a programme is: integrated loudness by EBU R 128 and ITU-R BS.1770-5, in LUFS.

The K-weighting is applied as a frequency response (overlap-save), which is exact at any rate and needs no recursion.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

Samples: TypeAlias = NDArray[np.float64]

ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
OFFSET = -0.691
"""BS.1770-5 Annex 1: what makes a tone of 997 Hz at 0 dBFS in one channel −3.01 LUFS."""
HOPS_A_SECOND, HOPS_A_BLOCK = 10, 4
"""Blocks of 400 ms that overlap by 75 %."""
SURROUND = 1.41
WEIGHTS = {"LFE": 0.0, "LFE2": 0.0, "SL": SURROUND, "SR": SURROUND}
"""BS.1770-5 Annex 1 table 3, by the names that FFmpeg gives to channels; all others count once."""
BACK = ("BL", "BR")
"""At ±110° they surround, unless there are others at the side; then they stand at ±135° and count once."""
LEAD_SHARE = 4
"""The filters ring for much less than a quarter of a second."""

SILENCE_LUFS = -23.0
"""EBU R 128: the loudness of a programme; beside silence the label has it."""
LEAST_LUFS = -40.0
"""A label beside a programme still quieter would not be heard (GB 45438-2025 §5.3 f)."""
EXACT_SECONDS = 60
WINDOWS, WINDOW_SECONDS = 20, 3
"""Of a longer programme so much is listened to, spread evenly."""
SETTLING_SECONDS = 0.1
"""What a decoder makes right after a jump may lack what stood before."""
PEAK_RATE = 192_000
"""BS.1770-5 Annex 2: true peaks are sought at four times 48 kHz."""


def programme(source: BinaryIO) -> float:
    """Return the loudness that a label of one channel must have, to be as loud as the sound when it is heard in every channel.

    Exact up to a minute; of longer sounds 20 windows of 3 s are measured. Silence, and what
    cannot be decoded, counts as a programme at −23 LUFS: whether a file is broken, its walker says.
    """
    source.seek(0)
    try:
        with av.open(source, "r", metadata_errors="replace", options={"fflags": "+fastseek"}) as content:
            stream = content.streams.audio[0]
            weights = channel_weights([c.name for c in stream.codec_context.layout.channels])
            measured = lufs(np.concatenate([powers(w, stream.rate, weights) for w in _windows(content, stream)]))
    except (FFmpegError, ValueError, IndexError, AttributeError):  # a stream without a decoder has no context
        return SILENCE_LUFS
    whole = SILENCE_LUFS if measured is None else max(measured, LEAST_LUFS)
    return whole - 10 * float(np.log10(max(sum(weights), 1)))


def channel_weights(names: Sequence[str]) -> tuple[float, ...]:
    """Return what each channel counts."""
    back = SURROUND if "SL" not in names else 1.0
    return tuple(back if name in BACK else WEIGHTS.get(name, 1.0) for name in names)


def lufs(blocks: Samples) -> float | None:
    """Return the integrated loudness of blocks of 400 ms, given their weighted powers; None where all of them are silent."""
    loud = blocks[blocks > _power(ABSOLUTE_GATE)]
    if not loud.size:
        return None
    loud = loud[loud > loud.mean() * 10 ** (RELATIVE_GATE / 10)]
    return OFFSET + 10 * float(np.log10(loud.mean()))


def _power(loudness: float) -> float:
    return float(10 ** ((loudness - OFFSET) / 10))


def powers(pieces: Iterable[Samples], rate: int, weights: Sequence[float]) -> Samples:
    """Return the K-weighted power of each block of 400 ms; what is shorter counts as one block.

    ``pieces`` have the shape (channels, any number of samples) and lie in −1 to 1.
    """
    response = _response(rate)
    edges = np.rint(np.arange(HOPS_A_SECOND + 1) * rate / HOPS_A_SECOND).astype(int)
    before = np.zeros((len(weights), rate // LEAD_SHARE))
    energies, counts = list[Samples](), list[NDArray[np.int64]]()
    for second in _seconds(pieces, rate):
        padded = np.concatenate([before, second, np.zeros((len(weights), rate - second.shape[1]))], axis=1)
        heard = np.fft.irfft(np.fft.rfft(padded) * response, padded.shape[1])[:, before.shape[1] :]
        power = np.asarray(weights) @ np.square(heard)
        power[second.shape[1] :] = 0
        energies.append(np.add.reduceat(power, edges[:-1]))
        counts.append(np.diff(np.minimum(edges, second.shape[1])))
        before = second[:, -before.shape[1] :]
    if not energies:
        return np.empty(0)
    return _blocks(np.concatenate(energies), np.concatenate(counts), rate // HOPS_A_SECOND)


def _blocks(energies: Samples, counts: NDArray[np.int64], hop: int) -> Samples:
    """Join tenths of a second to overlapping blocks; a torn last tenth belongs to none (BS.1770-5 Annex 1)."""
    whole = int(np.count_nonzero(counts >= hop))
    if whole < HOPS_A_BLOCK:
        return np.array([energies.sum() / max(int(counts.sum()), 1)])
    sums = np.lib.stride_tricks.sliding_window_view(energies[:whole], HOPS_A_BLOCK).sum(axis=1)
    lengths = np.lib.stride_tricks.sliding_window_view(counts[:whole], HOPS_A_BLOCK).sum(axis=1)
    return np.asarray(sums / lengths)


def _seconds(pieces: Iterable[Samples], rate: int) -> Iterator[Samples]:
    """Cut what comes in pieces of any length into whole seconds, and a rest."""
    held, count = list[Samples](), 0
    for piece in pieces:
        held.append(piece)
        count += piece.shape[1]
        if count >= rate:
            joined = np.concatenate(held, axis=1)
            for start in range(0, count - rate + 1, rate):
                yield joined[:, start : start + rate]
            held, count = [joined[:, count - count % rate :]], count % rate
    if count:
        yield np.concatenate(held, axis=1)


def _response(rate: int) -> NDArray[np.complex128]:
    """Return the K-weighting, a shelf and a high-pass, at the frequencies of the transform of a second and its lead-in."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(rate + rate // LEAD_SHARE))
    shelf, q = 10 ** (3.999843853973347 / 20), 0.7071752369554196
    middle, k = shelf**0.4996667741545416, np.tan(np.pi * 1681.974450955533 / rate)
    high = _biquad(z, (shelf + middle * k / q + k * k, 2 * (k * k - shelf), shelf - middle * k / q + k * k), k, q)
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    # the standard's high-pass has the numerator 1, −2, 1 whatever the rate
    low = _biquad(z, (1.0, -2.0, 1.0), k, q) * (1 + k / q + k * k)
    return np.asarray(high * low)


def _biquad(z: NDArray[np.complex128], over: tuple[float, float, float], k: float, q: float) -> NDArray[np.complex128]:
    """Evaluate a filter of second order; its poles are those of the bilinear transform at ``k`` = tan(π f ÷ rate)."""
    under = 1 + k / q + k * k + 2 * (k * k - 1) * z + (1 - k / q + k * k) * z * z
    return np.asarray((over[0] + over[1] * z + over[2] * z * z) / under)


def true_peak(samples: Samples, rate: int) -> float:
    """Return the highest value between the samples of one channel, 1 for full scale (BS.1770-5 Annex 2)."""
    if not samples.size:
        return 0.0
    times = max(-(-PEAK_RATE // rate), 1)
    fine = np.fft.irfft(np.fft.rfft(samples), len(samples) * times) * times
    return float(max(np.abs(fine).max(), np.abs(samples).max()))


# --- listening --------------------------------------------------------------------------------------------------------


def _windows(content: "InputContainer", stream: "AudioStream") -> Iterator[Iterator[Samples]]:
    """Yield the stretches of a sound that are listened to; each must be used up before the next."""
    seconds = (content.duration or 0) / av.time_base
    if seconds <= EXACT_SECONDS:
        yield _decoded(content, stream, 0, EXACT_SECONDS)
        return
    for number in range(WINDOWS):
        content.seek(int(seconds * (number + 0.5) / WINDOWS * av.time_base))
        yield _decoded(content, stream, SETTLING_SECONDS, WINDOW_SECONDS)


def _decoded(content: "InputContainer", stream: "AudioStream", skip: float, seconds: float) -> Iterator[Samples]:
    """Yield so many seconds from here, but for the first ``skip``, in pieces of (channels, samples)."""
    heard, first, last = 0, round(skip * stream.rate), round((skip + seconds) * stream.rate)
    for packet in content.demux(stream):
        try:
            frames = stream.decode(packet)
        except FFmpegError:  # a torn packet after a jump
            continue
        for frame in frames:
            piece = as_floats(frame)
            yield piece[:, max(first - heard, 0) : last - heard]
            heard += piece.shape[1]
            if heard >= last:
                return


def as_floats(frame: av.AudioFrame) -> Samples:
    """Return a decoded frame as (channels, samples) in −1 to 1."""
    data = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(-1, len(frame.layout.channels)).T
    if data.dtype.kind == "f":
        return data.astype(np.float64)
    half = 1 << 8 * data.dtype.itemsize - 1
    return (data.astype(np.float64) - (half if data.dtype.kind == "u" else 0)) / half
