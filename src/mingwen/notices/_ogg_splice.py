"""Labels between the packets of an Ogg stream: pages are cut where the labels stand, packets stay as they are."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import BinaryIO, NamedTuple, Protocol, TypeAlias

from mingwen.containers import ogg_pages
from mingwen.containers.edits import read_at
from mingwen.containers.ogg_pages import CONTINUED, END, MAX_SEGMENTS, NO_GRANULE, Page
from mingwen.domain.notices import Moment
from mingwen.notices._ogg import Stream, Writer

NEAR_SECONDS = 0.5
"""How far from the wanted time a quiet place is looked for, where the packets are small."""


class Kind(NamedTuple):
    """What a packet's neighbours must know of it."""

    samples: int
    """That a decoder makes of it."""
    large: bool
    """Opus: is it of the mode CELT? Vorbis: is it a long block?"""
    around: tuple[bool, bool] = (True, True)
    """Vorbis: are the blocks before and behind it long?"""


Reader: TypeAlias = Callable[[bytes], Kind]
"""Takes the packets in order; of those that go on on another page, what is here."""


class Packet(NamedTuple):
    """One that ends on a page."""

    segments: int
    """Of the page, up to its end."""
    stop: int
    """Its end in the page's data."""
    size: int
    """On this page."""
    kind: Kind


class Made(NamedTuple):
    """A label, coded."""

    packets: list[bytes]
    ends: list[int]
    """Samples that a decoder has made behind each."""
    shift: int
    """By how many samples the content behind it is heard later."""
    heard: int
    """Samples up to the label's end."""


class Maker(Protocol):
    """Codes labels as the content is coded."""

    def label(self, moment: Moment, before: Kind | None, behind: Kind | None, *, surplus: int) -> Made:
        """Return a label between two packets; ``surplus`` is what the content's last packet holds behind the content's end."""


@dataclass(slots=True)
class Splicer:
    """Writes the content's pages with the labels between them; positions are samples at ``rate``."""

    writer: Writer
    stream: Stream
    maker: Maker
    read: Reader
    rate: int
    skip: int
    """Samples that a decoder makes before the content begins."""
    wanted: deque[tuple[float, Moment]]
    """When, in seconds."""
    begin: int = 0
    """Position before the first packet; not 0 where a broadcast was cut out."""
    position: int = 0
    """Of the content."""
    shift: int = 0
    """How much later the content is heard."""
    last: Kind | None = None
    """Of the packets so far."""
    heard: list[tuple[float, float]] = field(default_factory=list)
    """When in the content there are labels, and for how long, in seconds."""

    def run(self, source: BinaryIO) -> None:
        """Write all pages of sound."""
        carried = None
        for page in ogg_pages.walk(source, self.stream.body) if self.stream.last.stop > self.stream.body else ():
            data = page_data(source, page)
            packets, carried = packets_of(page, data, carried, self.read)
            samples = sum(p.kind.samples for p in packets)
            if page.granule != NO_GRANULE and not page.flags & END:
                self.position = page.granule - samples
            if packets and self.last is None:
                self._at_start(packets[0].kind)
            self._page(page, data, packets)
            self.position += samples
            self.last = packets[-1].kind if packets else self.last
        if self.last is None:
            self._at_start(None)
        rest = list(dict.fromkeys(moment for _, moment in self.wanted))  # where positions lie, many may be left over
        for moment in rest:
            self._put(moment, self.position, (self.last, None), ends=moment is rest[-1])

    def _at_start(self, first: Kind | None) -> None:
        self.begin = self.position
        while self.wanted and self.wanted[0][1] is Moment.START:
            self._put(self.wanted.popleft()[1], self.position, (None, first), ends=not first and not self.wanted)

    def _page(self, page: Page, data: bytes, packets: list[Packet]) -> None:
        """Write one page, or its parts and the labels between."""
        ends = list(accumulate((p.kind.samples for p in packets), initial=self.position))
        first, segments, start, flags = 0, 0, 0, page.flags & CONTINUED
        while self.wanted and self.wanted[0][1] is Moment.MIDDLE and (wanted := self._position(self.wanted[0][0])) < ends[-1]:
            # what begins on another page is not cut, nor does anything follow a last page
            cuts = range(max(first, 1 if flags else 0), len(packets) + (0 if page.flags & END else 1))
            if not cuts:
                break
            cut = _quietest(packets, ends, cuts, wanted, near=round(NEAR_SECONDS * self.rate))
            if cut > first:
                end = packets[cut - 1]
                self.writer.put(flags, ends[cut] + self.shift, page.lacing[segments : end.segments], data[start : end.stop])
                first, segments, start, flags = cut, end.segments, end.stop, 0
            before = packets[cut - 1].kind if cut else self.last
            self._put(self.wanted.popleft()[1], ends[cut], (before, packets[cut].kind if cut < len(packets) else None))
        if segments < len(page.lacing) or not page.lacing:
            follows = page.flags & END and self.wanted
            granule = page.granule if page.granule == NO_GRANULE else (ends[-1] if follows else page.granule) + self.shift
            self.writer.put(flags | (0 if follows else page.flags & END), granule, page.lacing[segments:], data[start:])

    def _position(self, seconds: float) -> int:
        return round(self.begin + self.skip + seconds * self.rate)

    def _put(self, moment: Moment, place: int, beside: tuple[Kind | None, Kind | None], *, ends: bool = False) -> None:
        """Write a label."""
        made = self.maker.label(moment, *beside, surplus=max(place - self.stream.end, 0))
        granules = [place + self.shift + end for end in made.ends]
        if ends:
            granules[-1] = place + self.shift + made.heard
        self.writer.packets(made.packets, granules, ends=ends)
        self.shift += made.shift
        self.heard.append((max(place - self.begin - self.skip, 0) / self.rate, made.shift / self.rate))


def page_data(source: BinaryIO, page: Page) -> bytes:
    """Return what stands on a page."""
    return read_at(source, page.body, page.stop - page.body, what="Ogg page")


def packets_of(page: Page, data: bytes, carried: Kind | None, read: Reader) -> tuple[list[Packet], Kind | None]:
    """Return the packets that end on a page, and the kind of one that goes on, as ``carried`` onto the next."""
    found, size, at = list[Packet](), 0, 0
    carried = carried if page.flags & CONTINUED else None
    for number, length in enumerate(page.lacing, 1):
        at, size = at + length, size + length
        if length < MAX_SEGMENTS:
            found.append(Packet(number, at, size, carried or read(data[at - size : at])))
            size, carried = 0, None
    return found, carried or (read(data[at - size :]) if size else None)


def _quietest(packets: list[Packet], ends: list[int], cuts: range, wanted: int, *, near: int) -> int:
    """Choose between which packets to cut: near the wanted position, where the packets are small."""
    close = [n for n in cuts if abs(ends[n] - wanted) <= near] or [min(cuts, key=lambda n: abs(ends[n] - wanted))]
    sizes = [p.size for p in packets]
    return min(close, key=lambda n: (sizes[max(n - 1, 0)] + sizes[min(n, len(sizes) - 1)], abs(ends[n] - wanted)))
