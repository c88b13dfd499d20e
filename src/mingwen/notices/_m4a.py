"""An M4A with the rhythm: packets are put before or behind the content's, which are copied as they are."""

from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Moment, Style
from mingwen.notices._cue import Samples, cue
from mingwen.notices._iso import graft

if TYPE_CHECKING:
    from av.container.core import Chapter

FRAME_SAMPLES = 1024
"""Of AAC-LC; other object types are refused."""
AAC_LC = 2
LEAST_BIT_RATE = 64_000
PROFILE_BITS, RATE_AND_CHANNELS = 3, slice(0, 2)
"""AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2): 5 bits of object type, 4 of rate, 4 of channels, 1 for frames of 960."""


def mark(source: BinaryIO, sink: BinaryIO, style: Style, *, container: str) -> None:
    """Write the file with the rhythm; the content's packets are untouched."""
    with av.open(source, "r", metadata_errors="replace") as content:
        stream = _stream(content)
        front = _packets(cue(style, stream.rate, Moment.START), stream) if Moment.START in style.moments else []
        back = _packets(cue(style, stream.rate, Moment.END), stream) if Moment.END in style.moments else []
        with av.open(sink, "w", format=container) as out:
            out.metadata.update(content.metadata)
            out.set_chapters(_later(content.chapters(), Fraction(len(front) * FRAME_SAMPLES, stream.rate)))
            _mux(content, stream, out, (front, back))
    graft(source, sink)


def _stream(content: InputContainer) -> AudioStream:
    if len(content.streams.audio) != 1:
        raise Malformed("m4a.streams", f"expected one sound track, got {len(content.streams.audio)}", hint="keep one of them")
    stream = content.streams.audio[0]
    if getattr(stream, "codec_context", None) is None:
        raise Refused("notice.codec", "expected AAC-LC, got an unknown codec", hint="convert the sound to AAC-LC first")
    config = stream.codec_context.extradata or b""
    if stream.codec_context.name != "aac" or len(config) < 2 or config[0] >> PROFILE_BITS != AAC_LC or config[1] & 4:  # noqa: PLR2004
        raise Refused(
            "notice.codec",
            f"expected AAC-LC, got {stream.codec_context.name} {stream.profile or ''}".rstrip(),
            hint="convert the sound to AAC-LC or to WAV first",
        )
    return stream


def _packets(samples: Samples, like: AudioStream) -> list[bytes]:
    """Encode samples as AAC-LC that the content's own decoder configuration fits."""
    coder = av.CodecContext.create("aac", "w")
    layout = like.codec_context.layout
    coder.sample_rate, coder.layout, coder.format = like.rate, layout, "fltp"
    coder.bit_rate = max(like.bit_rate or 0, LEAST_BIT_RATE)
    coder.flags |= av.codec.context.Flags.global_header
    coder.open()
    if (coder.extradata or b"")[RATE_AND_CHANNELS] != (like.codec_context.extradata or b"")[RATE_AND_CHANNELS]:
        raise Refused(
            "notice.codec", f"expected a usual layout of channels, got {layout.name}", hint="convert the sound to stereo first"
        )
    out = list[bytes]()
    blocks = np.pad(samples, (0, -len(samples) % FRAME_SAMPLES)).astype(np.float32).reshape(-1, FRAME_SAMPLES)
    for number, block in enumerate(blocks):
        frame = av.AudioFrame.from_ndarray(np.tile(block, (layout.nb_channels, 1)), format="fltp", layout=layout.name)
        frame.sample_rate, frame.pts = like.rate, number * FRAME_SAMPLES
        out += [bytes(packet) for packet in coder.encode(frame)]
    return out + [bytes(packet) for packet in coder.encode(None)]


def _mux(content: InputContainer, stream: AudioStream, out: OutputContainer, rhythms: tuple[list[bytes], list[bytes]]) -> None:
    """Write rhythm, content, rhythm in one time; the content's own lead-in of silence stays, now heard as silence."""
    track = out.add_stream_from_template(stream)
    track.metadata.update(stream.metadata)
    track.time_base = Fraction(1, stream.rate)
    clock = -FRAME_SAMPLES if rhythms[0] else None
    for data in rhythms[0]:
        clock = _put(out, track, data, clock)
    for packet in content.demux(stream):
        if packet.size:
            clock = packet.pts if clock is None else clock
            clock = _put(out, track, bytes(packet), clock)
    for data in rhythms[1]:
        clock = _put(out, track, data, clock)


def _put(out: OutputContainer, track: AudioStream, data: bytes, clock: int | None) -> int:
    at = clock or 0
    packet = av.Packet(data)
    packet.stream, packet.time_base = track, Fraction(1, track.rate)
    packet.pts = packet.dts = at
    packet.duration = FRAME_SAMPLES
    packet.is_keyframe = True
    out.mux(packet)
    return at + FRAME_SAMPLES


def _later(chapters: "list[Chapter]", seconds: Fraction) -> "list[Chapter]":
    """Move chapters to where their content is now; the first still begins at 0, so that the rhythm belongs to it."""
    moved = list["Chapter"]()
    for chapter in chapters:
        shift = int(seconds / (chapter["time_base"] or 1))
        start = chapter["start"] + shift if moved else 0
        moved.append({**chapter, "start": start, "end": chapter["end"] + shift})
    return moved
