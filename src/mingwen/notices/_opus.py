"""Opus in Ogg with the label: packets are put between the content's, which stay as they are (RFC 6716, 7845)."""

from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO

import numpy as np

from mingwen.containers import ogg_pages
from mingwen.containers.edits import copied
from mingwen.containers.ogg_pages import END
from mingwen.domain.errors import Refused
from mingwen.domain.notices import Moment, Style
from mingwen.notices import _ogg
from mingwen.notices._coded import Coding, coded
from mingwen.notices._cue import cue, times
from mingwen.notices._insertions import later
from mingwen.notices._loudness import programme
from mingwen.notices._ogg import Stream, Writer
from mingwen.notices._ogg_splice import Kind, Made, Splicer, packets_of, page_data

RATE = 48_000
"""Of the positions, whatever the content's rate was (RFC 7845 §4)."""
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""RFC 7845 §5.1.1.2."""
MILLISECONDS = {120: "2.5", 240: "5", 480: "10", 960: "20", 1920: "40", 2880: "60", 3840: "80", 4800: "100", 5760: "120"}
"""How long a packet may be, by its samples."""
USUAL_SAMPLES = 960
LEAST_BIT_RATE, MOST_BIT_RATE = 24_000, 128_000
"""Of each channel of the label."""
TAGS_AT = 8
SILK, HYBRID, CELT = (480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960)
SIZES = (*SILK * 3, *HYBRID * 2, *CELT * 4)
"""Samples of a frame, by the configuration in a packet's first byte (RFC 6716 §3.1)."""
FIRST_CELT = 16
SPEECH, MUSIC = ("voip", 8_000), ("lowdelay", 64_000)
"""What makes the encoder choose the modes SILK and CELT, with a bit rate for each channel."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The first header (RFC 7845 §5.1)."""

    data: bytes

    @property
    def skip(self) -> int:
        """Samples that a decoder makes before the content begins."""
        return int.from_bytes(self.data[10:12], "little")

    @property
    def factor(self) -> float:
        """By which a decoder multiplies what it made."""
        return float(10 ** (int.from_bytes(self.data[16:18], "little", signed=True) / 256 / 20))

    @property
    def layout(self) -> str:
        """Of the channels; "" for families other than 0 and 1."""
        return LAYOUTS.get(self.data[9], "") if self.data[18] in (0, 1) else ""


def mark(source: BinaryIO, sink: BinaryIO, style: Style) -> None:
    """Write the file with the label at its moments, in constant memory."""
    stream = _ogg.opened(source, b"OpusHead", headers=2)
    head, tags = stream.headers
    if len(head) < 19 or not tags.startswith(b"OpusTags"):  # noqa: PLR2004 - RFC 7845 §5.1
        raise ogg_pages.broken("expected OpusHead and OpusTags")
    splicer = _splicer(source, sink, stream, style)
    splicer.writer.headers(stream.headers, stream.pages)
    splicer.run(source)
    sink.writelines(copied(source, stream.last.stop, source.seek(0, 2)))
    moved = _ogg.with_chapters_moved(tags, TAGS_AT, partial(later, labels=splicer.heard))
    if moved != tags:
        sink.seek(0)
        Writer(sink, stream.last.serial).headers((head, moved), stream.pages)
        sink.seek(0, 2)


def _splicer(source: BinaryIO, sink: BinaryIO, stream: Stream, style: Style) -> Splicer:
    head = _Head(stream.headers[0])
    first = next(ogg_pages.walk(source, stream.body), None)
    packets = packets_of(first, page_data(source, first), None, _kind)[0] if first else []
    # RFC 7845 §4.3: a broadcast may begin late; but on a last page positions tell where the sound is cut off
    begin = first.granule - sum(p.kind.samples for p in packets) if first and not first.flags & END else 0
    each = next((p.kind.samples for p in packets if p.kind.samples in MILLISECONDS), USUAL_SAMPLES)
    seconds = max(stream.end - begin - head.skip, 0) / RATE
    bit_rate = int((stream.last.stop - stream.body) * 8 / max(seconds, 1))
    maker = _Maker(style, programme(source), head, each, bit_rate)
    return Splicer(Writer(sink, stream.last.serial), stream, maker, _kind, RATE, head.skip, deque(times(style, seconds)))


def _kind(packet: bytes) -> Kind:
    """Tell how long a packet sounds, and whether its mode is CELT (RFC 6716 §3.1, §3.2)."""
    if not packet:
        return Kind(0, large=False)
    frames = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[packet[0] & 3]
    return Kind(SIZES[packet[0] >> 3] * frames, packet[0] >> 3 >= FIRST_CELT)


@dataclass(slots=True)
class _Maker:
    """Codes labels as the content is coded."""

    style: Style
    lufs: float
    head: _Head
    each: int
    """Samples of a packet."""
    bit_rate: int
    made: dict[Moment, Made] = field(default_factory=dict)
    closings: dict[bool, list[bytes]] = field(default_factory=dict)

    def label(self, moment: Moment, _: Kind | None, behind: Kind | None, *, surplus: int) -> Made:
        """Return the label.

        Raises:
            Refused: the channels are laid out as our encoder does not (``notice.codec``).
        """
        if moment not in self.made:
            self.made[moment] = self._made(moment, surplus)
        made = self.made[moment]
        if behind and (closing := self._closing(before_celt=behind.large)):
            return made._replace(packets=[*made.packets[:-1], *closing])
        return made

    def _made(self, moment: Moment, surplus: int) -> Made:
        samples = cue(self.style, RATE, moment, lufs=self.lufs) / self.head.factor
        coding = self._coding()
        _, own = coded(np.zeros(0), coding)
        if own[9:10] + own[18:] != self.head.data[9:10] + self.head.data[18:]:
            raise self._strange()
        ahead = _Head(own).skip
        if moment is Moment.END:
            # the label's own silence stands for what is heard now of the content's last packet
            sounding = np.flatnonzero(samples)
            samples = samples[min(surplus + ahead, int(sounding[0]) if len(sounding) else len(samples)) :]
            count = -(-(len(samples) + ahead) // self.each)
        else:
            # what a player leaves out before the content must not be the label's first tone
            samples = np.pad(samples, (max(self.head.skip - ahead, 0), 0))
            count = -(-len(samples) // self.each)
        padded = np.pad(samples, (0, (count + 1) * self.each - len(samples)))
        ends = [self.each * n for n in range(1, count + 1)]
        return Made(coded(padded, coding)[0][:count], ends, ends[-1], len(samples) + ahead if moment is Moment.END else ends[-1])

    def _closing(self, *, before_celt: bool) -> list[bytes]:
        """Return a packet of silence that makes a decoder forget what it heard, before the content goes on (RFC 6716 §4.5.2).

        It forgets when the mode changes; then content sounds as it does behind a jump. None where packets cannot be of that mode.
        """
        if before_celt not in self.closings:
            application, bit_rate = SPEECH if before_celt else MUSIC
            coding = self._coding()
            options = (*coding.options, ("application", application))
            coding = replace(coding, bit_rate=bit_rate * self.head.data[9], options=options)
            last = coded(np.zeros(3 * self.each), coding)[0][2]
            self.closings[before_celt] = [last] if _kind(last).large is not before_celt else []
        return self.closings[before_celt]

    def _coding(self) -> Coding:
        layout, channels = self.head.layout, self.head.data[9]
        if not layout:
            raise self._strange()
        bit_rate = min(max(self.bit_rate, LEAST_BIT_RATE * channels), MOST_BIT_RATE * channels)
        return Coding("libopus", RATE, layout, bit_rate, self.each, "flt", (("frame_duration", MILLISECONDS[self.each]),))

    def _strange(self) -> Refused:
        got = f"{self.head.data[9]} channels of family {self.head.data[18]}"
        return Refused(
            "notice.codec", f"expected a usual layout of channels, got {got}", hint="convert the sound to stereo first"
        )
