"""Opus in Ogg with the label: packets are put between the content's, which stay as they are (RFC 6716, 7845)."""

from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate
from typing import BinaryIO, NamedTuple

import numpy as np

from mingwen.containers import ogg_pages
from mingwen.containers.edits import read_at
from mingwen.containers.ogg_pages import CONTINUED, END, MAX_SEGMENTS, NO_GRANULE, Page
from mingwen.domain.errors import Refused
from mingwen.domain.notices import Moment, Style
from mingwen.notices import _ogg
from mingwen.notices._coded import Coding, coded
from mingwen.notices._cue import copied, cue, times
from mingwen.notices._insertions import later
from mingwen.notices._loudness import programme
from mingwen.notices._ogg import Stream, Writer

RATE = 48_000
"""Of the positions, whatever the content's rate was (RFC 7845 §4)."""
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""RFC 7845 §5.1.1.2."""
MILLISECONDS = {120: "2.5", 240: "5", 480: "10", 960: "20", 1920: "40", 2880: "60", 3840: "80", 4800: "100", 5760: "120"}
"""How long a packet may be, by its samples."""
USUAL_SAMPLES = 960
LEAST_BIT_RATE, MOST_BIT_RATE = 24_000, 128_000
"""Of each channel of the label."""
NEAR_SAMPLES = RATE // 2
"""How far from the wanted time a quiet place is looked for, where the packets are small."""
TAGS_AT = 8
SILK, HYBRID, CELT = (480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960)
SIZES = (*SILK * 3, *HYBRID * 2, *CELT * 4)
"""Samples of a frame, by the configuration in a packet's first byte (RFC 6716 §3.1)."""
FIRST_CELT = 16
SPEECH, MUSIC = ("voip", 8_000), ("lowdelay", 64_000)
"""What makes the encoder choose the modes SILK and CELT, with a bit rate for each channel."""


class _Packet(NamedTuple):
    """One that ends on a page."""

    segments: int
    """Of the page, up to its end."""
    stop: int
    """Its end in the page's data."""
    size: int
    """On this page."""
    samples: int
    is_celt: bool
    """Is it of the mode for music alone (RFC 6716 §3.1)?"""


class _Made(NamedTuple):
    """A label, coded."""

    packets: list[bytes]
    samples: int
    """Up to its end, from where its first packet begins to sound."""


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
    stream = _ogg.opened(source, headers=2)
    head, tags = stream.headers
    if len(head) < 19 or not head.startswith(b"OpusHead") or not tags.startswith(b"OpusTags"):  # noqa: PLR2004 - RFC 7845 §5.1
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


def _splicer(source: BinaryIO, sink: BinaryIO, stream: Stream, style: Style) -> "_Splicer":
    head = _Head(stream.headers[0])
    first = next(ogg_pages.walk(source, stream.body), None)
    begin, each, packets = 0, USUAL_SAMPLES, list[_Packet]()
    if first:
        packets, _ = _packets(first, _data(source, first), None)
        # RFC 7845 §4.3: a broadcast may begin late; but on a last page positions tell where the sound is cut off
        begin = 0 if first.flags & END else max(first.granule - sum(p.samples for p in packets), 0)
        each = next((p.samples for p in packets if p.samples in MILLISECONDS), USUAL_SAMPLES)
    seconds = max(stream.end - begin - head.skip, 0) / RATE
    bit_rate = int((stream.last.stop - stream.body) * 8 / max(seconds, 1))
    maker = _Maker(style, programme(source), head, each, bit_rate)
    wanted = [(round(begin + head.skip + at * RATE), moment) for at, moment in times(style, seconds)]
    return _Splicer(Writer(sink, stream.last.serial), stream, maker, begin, deque(wanted), packets[0] if packets else None)


def _data(source: BinaryIO, page: Page) -> bytes:
    return read_at(source, page.body, page.stop - page.body, what="Ogg page")


def _packets(page: Page, data: bytes, carried: int | None) -> tuple[list[_Packet], int | None]:
    """Return the packets that end on a page, and the samples of one that goes on, as ``carried`` onto the next."""
    found, size, at = list[_Packet](), 0, 0
    carried = carried if page.flags & CONTINUED else None
    for number, length in enumerate(page.lacing, 1):
        at, size = at + length, size + length
        if length < MAX_SEGMENTS:
            samples = carried if carried is not None else _samples(data[at - size : at])
            found.append(_Packet(number, at, size, samples, _is_celt(data[at - size : at])))
            size, carried = 0, None
    return found, carried if carried is not None or not size else _samples(data[at - size :])


def _samples(packet: bytes) -> int:
    """Return how long a packet sounds (RFC 6716 §3.1, §3.2)."""
    if not packet:
        return 0
    frames = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[packet[0] & 3]
    return SIZES[packet[0] >> 3] * frames


def _is_celt(packet: bytes) -> bool:
    return bool(packet) and packet[0] >> 3 >= FIRST_CELT


@dataclass(slots=True)
class _Maker:
    """Codes labels as the content is coded."""

    style: Style
    lufs: float
    head: _Head
    each: int
    bit_rate: int
    made: dict[Moment, _Made] = field(default_factory=dict)
    closings: dict[bool, list[bytes]] = field(default_factory=dict)

    def label(self, moment: Moment, *, surplus: int = 0) -> _Made:
        """Return the label; ``surplus`` is what the content's last packet holds behind the content's end.

        Raises:
            Refused: the channels are laid out as our encoder does not (``notice.codec``).
        """
        if moment not in self.made:
            self.made[moment] = self._made(moment, surplus)
        return self.made[moment]

    def _made(self, moment: Moment, surplus: int) -> _Made:
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
        return _Made(coded(padded, coding)[0][:count], len(samples) + ahead if moment is Moment.END else count * self.each)

    def closing(self, *, before_celt: bool) -> list[bytes]:
        """Return a packet of silence that makes a decoder forget what it heard, before the content goes on (RFC 6716 §4.5.2).

        A decoder forgets when the mode changes; then content sounds as it does behind a jump. No packet where there is no such mode.
        """
        if before_celt not in self.closings:
            application, bit_rate = SPEECH if before_celt else MUSIC
            coding = self._coding()
            options = (*coding.options, ("application", application))
            coding = replace(coding, bit_rate=bit_rate * self.head.data[9], options=options)
            last = coded(np.zeros(3 * self.each), coding)[0][2]
            self.closings[before_celt] = [last] if _is_celt(last) is not before_celt else []
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


@dataclass(slots=True)
class _Splicer:
    """Writes the content's pages with the labels between them."""

    writer: Writer
    stream: Stream
    maker: _Maker
    position: int
    """Of the content."""
    wanted: deque[tuple[int, Moment]]
    first: _Packet | None
    """The content's first."""
    shift: int = 0
    """How much later the content is heard."""
    heard: list[tuple[float, float]] = field(default_factory=list)
    """When in the content there are labels, and for how long, in seconds."""
    begin: int = field(init=False)

    def __post_init__(self) -> None:
        self.begin = self.position

    def run(self, source: BinaryIO) -> None:
        """Write all pages of sound."""
        silent = self.stream.last.stop == self.stream.body
        while self.wanted and self.wanted[0][1] is Moment.START:
            self._put(self.wanted.popleft()[1], before=self.first, ends=silent and not self.wanted)
        carried = None
        for page in () if silent else ogg_pages.walk(source, self.stream.body):
            data = _data(source, page)
            packets, carried = _packets(page, data, carried)
            samples = sum(p.samples for p in packets)
            if page.granule != NO_GRANULE and not page.flags & END:
                self.position = page.granule - samples
            self._page(page, data, packets)
            self.position += samples
        while self.wanted:
            self._put(self.wanted.popleft()[1], ends=not self.wanted)

    def _page(self, page: Page, data: bytes, packets: list[_Packet]) -> None:
        """Write one page, or its parts and the labels between."""
        ends = [self.position, *accumulate((p.samples for p in packets), initial=self.position)][1:]
        first, segments, start, flags = 0, 0, 0, page.flags & CONTINUED
        while self.wanted and self.wanted[0][1] is Moment.MIDDLE and self.wanted[0][0] < ends[-1]:
            cuts = range(max(first, 1 if flags else 0), len(packets) + (0 if page.flags & END else 1))
            if not cuts:
                break
            cut = _quietest(packets, ends, cuts, self.wanted[0][0])
            if cut > first:
                end = packets[cut - 1]
                self.writer.put(flags, ends[cut] + self.shift, page.lacing[segments : end.segments], data[start : end.stop])
                first, segments, start, flags = cut, end.segments, end.stop, 0
            self._put(self.wanted.popleft()[1], at=ends[cut], before=packets[min(cut, len(packets) - 1)])
        if segments == len(page.lacing) and page.lacing:
            return
        last = page.flags & END and bool(self.wanted)
        granule = ends[-1] if last else page.granule
        flags |= 0 if last else page.flags & END
        if page.granule != NO_GRANULE:
            granule += self.shift
        self.writer.put(flags, granule, page.lacing[segments:], data[start:])

    def _put(self, moment: Moment, *, at: int | None = None, before: _Packet | None = None, ends: bool = False) -> None:
        """Write a label, ``before`` a packet."""
        place = self.position if at is None else at
        surplus = max(place - self.stream.end, 0)
        made = self.maker.label(moment, surplus=surplus)
        each = self.maker.each
        packets = made.packets
        if before and (closing := self.maker.closing(before_celt=before.is_celt)):
            packets = [*packets[:-1], *closing]
        granules = [place + self.shift + each * n for n in range(1, len(packets) + 1)]
        if ends:
            granules[-1] = place + self.shift + made.samples
        self.writer.packets(packets, granules, ends=ends)
        self.shift += len(packets) * each
        seconds = max(place - self.begin - self.maker.head.skip, 0) / RATE
        self.heard.append((seconds, len(packets) * each / RATE))


def _quietest(packets: list[_Packet], ends: list[int], cuts: range, wanted: int) -> int:
    """Choose between which packets to cut: near the wanted position, where the packets are small."""
    near = [n for n in cuts if abs(ends[n] - wanted) <= NEAR_SAMPLES] or [min(cuts, key=lambda n: abs(ends[n] - wanted))]
    sizes = [p.size for p in packets]
    return min(near, key=lambda n: (sizes[max(n - 1, 0)] + sizes[min(n, len(sizes) - 1)], abs(ends[n] - wanted)))
