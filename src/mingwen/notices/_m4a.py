"""An M4A with the label: packets are put between the content's, which are copied as they are."""

import re
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Moment, Style
from mingwen.notices._coded import Coding, coded
from mingwen.notices._cue import Samples, cue, times
from mingwen.notices._insertions import later
from mingwen.notices._iso import graft, top
from mingwen.notices._loudness import programme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av import Packet
    from av.container.core import Chapter

_GAPLESS = re.compile(rb"( [0-9A-F]{8}) ([0-9A-F]{8}) ([0-9A-F]{8}) ([0-9A-F]{16})(?: [0-9A-F]{8})*", re.IGNORECASE)
"""iTunSMPB: samples before, behind, and of the content."""
FRAME_SAMPLES = 1024
"""Of AAC-LC; other object types are refused."""
AAC_LC = 2
LEAST_BIT_RATE = 64_000
PROFILE_BITS, RATE_AND_CHANNELS = 3, slice(0, 2)
"""AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2): 5 bits of object type, 4 of rate, 4 of channels, 1 for frames of 960."""


class _Made(NamedTuple):
    """A label, coded."""

    packets: tuple[bytes, ...]
    last: int
    """Samples of the last packet that are heard."""


@dataclass(frozen=True, slots=True)
class _Content:
    """What is to be labelled, in samples."""

    stream: AudioStream
    packets: "Iterator[Packet[AudioStream]]"
    lead: int
    """What a player leaves out before the content: the encoder's delay, by the edit list or by iTunes' own field."""
    heard: int

    @property
    def lead_or_own(self) -> int:
        """What a player leaves out once a label comes first."""
        return self.lead or FRAME_SAMPLES


@dataclass(slots=True)
class _Track:
    """The track that is written: one packet behind the other, each as long as it sounds."""

    out: OutputContainer
    stream: AudioStream
    clock: int
    held: bytes = b""
    """The last packet, until it is known whether another follows."""
    count: int = 0

    def put(self, data: bytes) -> None:
        """Write a packet, which may be followed by others."""
        self.finish(FRAME_SAMPLES)
        self.held = data
        self.count += 1

    def finish(self, samples: int) -> None:
        """Say how long the last packet is heard."""
        if not self.held:
            return
        packet = av.Packet(self.held)
        packet.stream, packet.time_base = self.stream, Fraction(1, self.stream.rate)
        packet.pts = packet.dts = self.clock
        packet.duration = samples
        packet.is_keyframe = True
        self.out.mux(packet)
        self.clock, self.held = self.clock + samples, b""


def mark(source: BinaryIO, sink: BinaryIO, style: Style, *, container: str) -> None:
    """Write the file with the label at its moments; the content's packets are untouched."""
    lufs = programme(source)
    source.seek(0)
    with av.open(source, "r", metadata_errors="replace") as content:
        sound = _content(content)
        plan = times(style, sound.heard / sound.stream.rate)
        made = {moment: _made(cue(style, sound.stream.rate, moment, lufs=lufs), moment, sound) for _, moment in plan}
        with av.open(sink, "w", format=container) as out:
            out.metadata.update(content.metadata)
            heard = [_heard(sound, at, made[moment]) for at, moment in plan]
            out.set_chapters(_later(content.chapters(), heard))
            samples = _mux(sound, out, [(at, moment, made[moment]) for at, moment in plan])
    graft(source, sink)
    _settle_gapless(sink, samples, sound.lead)


def _content(content: InputContainer) -> _Content:
    stream = _stream(content)
    packets = (p for p in content.demux(stream) if p.size)
    first = next(packets, None)
    start = -int((first.pts or 0) * (first.time_base or 1) * stream.rate) if first else 0
    every = chain([first] if first else [], packets)
    heard = int((stream.duration or 0) * (stream.time_base or 1) * stream.rate)
    if said := _GAPLESS.fullmatch(content.metadata.get("iTunSMPB", "").encode()):
        return _Content(stream, every, max(start, int(said[2], 16)), int(said[4], 16))
    return _Content(stream, every, max(start, 0), heard)


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


def _made(samples: Samples, moment: Moment, content: _Content) -> _Made:
    """Encode a label as AAC-LC that the content's own decoder configuration fits."""
    if moment is not Moment.END:
        # what a player leaves out before the content must not be the label's first tone
        samples = np.pad(samples, (max(content.lead - FRAME_SAMPLES, 0), 0))
        count = -(-len(samples) // FRAME_SAMPLES)
        return _Made(tuple(_packets(samples, content.stream)[:count]), FRAME_SAMPLES)
    # the label's own silence stands for what is heard now of the content's last packet
    surplus = -(content.lead + content.heard) % FRAME_SAMPLES + FRAME_SAMPLES
    sounding = np.flatnonzero(samples)
    samples = samples[min(surplus, int(sounding[0]) if len(sounding) else len(samples)) :]
    count = -(-len(samples) // FRAME_SAMPLES) + 1
    last = (len(samples) - 1) % FRAME_SAMPLES + 1
    return _Made(tuple(_packets(samples, content.stream)[:count]), last)


def _packets(samples: Samples, like: AudioStream) -> list[bytes]:
    """Encode samples, and a packet more for the delay of the encoder."""
    layout = like.codec_context.layout
    bit_rate = max(like.bit_rate or 0, LEAST_BIT_RATE)
    coding = Coding("aac", like.rate, layout.name, bit_rate, FRAME_SAMPLES)
    packets, config = coded(np.pad(samples, (0, FRAME_SAMPLES)), coding)
    if config[RATE_AND_CHANNELS] != (like.codec_context.extradata or b"")[RATE_AND_CHANNELS]:
        raise Refused(
            "notice.codec", f"expected a usual layout of channels, got {layout.name}", hint="convert the sound to stereo first"
        )
    return packets


def _mux(sound: _Content, out: OutputContainer, plan: list[tuple[float, Moment, _Made]]) -> int:
    """Write labels and content in one time; return how many samples of the whole are heard."""
    stream = sound.stream
    new = out.add_stream_from_template(stream)
    new.metadata.update(stream.metadata)
    new.time_base = Fraction(1, stream.rate)
    ahead = deque((_cut(sound, at) if moment is Moment.MIDDLE else 0, moment, made) for at, moment, made in plan)
    track = _Track(out, new, -sound.lead_or_own if plan[0][1] is Moment.START else -sound.lead)
    last = FRAME_SAMPLES
    for number, packet in enumerate(sound.packets):
        while ahead and ahead[0][1] is not Moment.END and ahead[0][0] <= number:
            _put(track, ahead.popleft()[2])
        track.put(bytes(packet))
        last = int((packet.duration or 0) * (packet.time_base or 1) * stream.rate) or FRAME_SAMPLES
    for moment, made in {moment: made for _, moment, made in ahead}.items():  # where lengths lie, many may be left over
        _put(track, made)
        last = made.last if moment is Moment.END else FRAME_SAMPLES
    track.finish(min(last, FRAME_SAMPLES))
    return track.clock


def _put(track: _Track, made: _Made) -> None:
    for data in made.packets:
        track.put(data)


def _cut(sound: _Content, seconds: float) -> int:
    """Return before which packet a label comes."""
    return round((seconds * sound.stream.rate + sound.lead) / FRAME_SAMPLES)


def _heard(sound: _Content, seconds: float, made: _Made) -> tuple[float, float]:
    """Return when in the content a label is heard, and for how long, in seconds."""
    at = max(_cut(sound, seconds) * FRAME_SAMPLES - sound.lead, 0)
    return at / sound.stream.rate, len(made.packets) * FRAME_SAMPLES / sound.stream.rate


def _later(chapters: "list[Chapter]", labels: list[tuple[float, float]]) -> "list[Chapter]":
    """Move chapters to where their content is now; the first still begins at 0, so that the label belongs to it."""
    moved = list["Chapter"]()
    for chapter in chapters:
        base = chapter["time_base"] or Fraction(1)
        start, end = (round(later(float(chapter[edge] * base), labels) / base) for edge in ("start", "end"))
        moved.append({**chapter, "start": start, "end": end})
    return moved


def _settle_gapless(sink: BinaryIO, samples: int, lead: int) -> None:
    """Correct the lengths that iTunes wrote for players that join tracks without a gap: silence, content, silence."""
    for box in top(sink):
        if box.kind != b"moov":
            continue
        sink.seek(box.start)
        if found := _GAPLESS.search(sink.read(box.stop - box.start)):
            behind = -(lead + samples) % FRAME_SAMPLES
            sink.seek(box.start + found.start(3))
            sink.write(b"%08X %016X" % (behind, samples))
            sink.seek(0, 2)
