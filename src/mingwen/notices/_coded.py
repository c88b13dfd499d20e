"""Coding the label alone, by the encoder that the content's coding asks for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import av
import numpy as np

from mingwen.notices._cue import Samples

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext


@dataclass(frozen=True, slots=True)
class Coding:
    """What an encoder is told, so that its packets fit among the content's."""

    encoder: str
    rate: int
    """Samples a second."""
    layout: str
    """Of the channels, as FFmpeg names it: "stereo"."""
    bit_rate: int
    frame: int
    """Samples of each channel in one packet."""
    form: str = "fltp"
    options: tuple[tuple[str, str], ...] = ()


def coded(samples: Samples, coding: Coding) -> tuple[list[bytes], bytes]:
    """Return packets that hold ``samples`` on every channel, silence to the last one's end, and the decoder's configuration."""
    coder = cast("AudioCodecContext", av.CodecContext.create(coding.encoder, "w"))
    coder.sample_rate, coder.layout, coder.format = coding.rate, coding.layout, coding.form
    coder.bit_rate, coder.options = coding.bit_rate, dict(coding.options)
    coder.flags |= av.codec.context.Flags.global_header
    coder.open()
    channels, out = coder.layout.nb_channels, list[bytes]()
    blocks = np.pad(samples, (0, -len(samples) % coding.frame)).astype(np.float32).reshape(-1, coding.frame)
    for number, block in enumerate(blocks):
        planes = np.tile(block, (channels, 1)) if coding.form.endswith("p") else np.repeat(block, channels)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), format=coding.form, layout=coding.layout)
        frame.sample_rate, frame.pts = coding.rate, number * coding.frame
        out += [bytes(packet) for packet in coder.encode(frame)]
    return out + [bytes(packet) for packet in coder.encode(None)], bytes(coder.extradata or b"")
