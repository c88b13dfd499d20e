"""Vorbis in Ogg with the label: packets are put between the content's, which stay as they are.

There is one stream as before, with one set of headers: the label is coded with the content's own codebooks.
"""

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, pairwise
from typing import BinaryIO

import numpy as np

from mingwen.containers import ogg_pages
from mingwen.containers.edits import copied
from mingwen.containers.ogg_pages import END
from mingwen.domain.notices import Moment, Style
from mingwen.notices import _ogg
from mingwen.notices._cue import Samples, cue, times
from mingwen.notices._insertions import later
from mingwen.notices._loudness import programme
from mingwen.notices._ogg import Writer
from mingwen.notices._ogg_splice import Kind, Made, Reader, Splicer, packets_of, page_data
from mingwen.notices._vorbis_coder import Coder
from mingwen.notices._vorbis_setup import Setup, setup

TAGS_AT = 7


def mark(source: BinaryIO, sink: BinaryIO, style: Style) -> None:
    """Write the file with the label at its moments, in constant memory."""
    stream = _ogg.opened(source, b"\1vorbis", headers=3)
    made = setup(stream.headers)
    first = next(ogg_pages.walk(source, stream.body), None)
    packets = packets_of(first, page_data(source, first), None, _reader(made))[0] if first else []
    # §A.2: a stream may begin late, or in the middle of a packet; but on a last page positions tell where the sound is cut off
    begin = first.granule - sum(p.kind.samples for p in packets) if first and not first.flags & END else 0
    maker = _Maker(style, programme(source), Coder(made))
    plan = deque(times(style, max(stream.end - begin, 0) / made.rate))
    splicer = Splicer(Writer(sink, stream.last.serial), stream, maker, _reader(made), made.rate, 0, plan)
    splicer.writer.headers(stream.headers, stream.pages)
    splicer.run(source)
    sink.writelines(copied(source, stream.last.stop, source.seek(0, 2)))
    comments = stream.headers[1]
    moved = _ogg.with_chapters_moved(comments, TAGS_AT, partial(later, labels=splicer.heard))
    if moved != comments:
        sink.seek(0)
        Writer(sink, stream.last.serial).headers((stream.headers[0], moved, stream.headers[2]), stream.pages)
        sink.seek(0, 2)


def _reader(made: Setup) -> Reader:
    """Return what tells of packets in order how many samples a decoder makes of them (Vorbis I §4.3.8)."""
    before = 0

    def read(packet: bytes) -> Kind:
        nonlocal before
        bits = int.from_bytes(packet[:2], "little")
        number = bits >> 1 & (1 << made.mode_bits) - 1
        if not packet or bits & 1 or number >= len(made.modes):
            return Kind(0, large=True)
        long = made.modes[number].long
        flags = bits >> 1 + made.mode_bits
        size = made.sizes[long]
        samples, before = (before + size) // 4 if before else 0, size
        return Kind(samples, long, (bool(flags & 1), bool(flags & 2)))

    return read


@dataclass(slots=True)
class _Maker:
    """Codes labels as the content is coded."""

    style: Style
    lufs: float
    coder: Coder
    sounds: dict[Moment, Samples] = field(default_factory=dict)
    bodies: dict[tuple[Moment, tuple[bool, bool]], list[bytes]] = field(default_factory=dict)

    def label(self, moment: Moment, before: Kind | None, behind: Kind | None, *, surplus: int) -> Made:
        """Return the label: blocks of silence that fit beside the content's, and between them the label in long blocks.

        Raises:
            Refused: the content's headers leave no way to write it (``notice.codec``).
        """
        sizes = self.coder.setup.sizes
        # a long block of the content tells whether the block beside it is long; beside a short one we choose
        opens = before.around[1] if before and before.large else True
        closes = behind.around[0] if behind and behind.large else True
        lead = (sizes[before.large] + sizes[opens]) // 4 + (sizes[1] + sizes[opens]) // 4 if before else 0
        sound = self._sound(moment, surplus + lead)
        if behind:
            more = (
                (sizes[1] + sizes[opens] + sizes[closes]) // 2
                if before
                else (sizes[1] + 2 * sizes[closes] + sizes[behind.large]) // 4
            )
            sound = _shorter(sound, more, sizes[1] // 2)
        blocks = [(True, packet) for packet in self._body(moment, sound, (opens, closes))]
        if before:
            blocks.insert(0, (opens, self.coder.silence(long=opens, around=(before.large, True))))
        if behind:
            blocks.append((closes, self.coder.silence(long=closes, around=(True, behind.large))))
        lengths = [sizes[before.large] if before else 0, *(sizes[long] for long, _ in blocks)]
        # §4.3.8: a block makes heard what lies between its middle and that of the block before it; the first one nothing
        steps = [(one + other) // 4 if one else 0 for one, other in pairwise(lengths)]
        ends = list(accumulate(steps))
        shift = ends[-1]
        if behind:
            shift += (sizes[closes] + sizes[behind.large]) // 4 - ((lengths[0] + sizes[behind.large]) // 4 if before else 0)
        return Made([packet for _, packet in blocks], ends, shift, lead + len(sound))

    def _sound(self, moment: Moment, surplus: int) -> Samples:
        if moment not in self.sounds:
            samples = cue(self.style, self.coder.setup.rate, moment, lufs=self.lufs)
            if moment is Moment.END:
                # the label's own silence stands for what is heard now of the content's last block
                sounding = np.flatnonzero(samples)
                samples = samples[min(surplus, int(sounding[0]) if len(sounding) else len(samples)) :]
            self.sounds[moment] = samples
        return self.sounds[moment]

    def _body(self, moment: Moment, sound: Samples, around: tuple[bool, bool]) -> list[bytes]:
        if (moment, around) not in self.bodies:
            half = self.coder.setup.sizes[1] // 2
            padded = np.pad(sound, (half, half + -len(sound) % half))
            self.bodies[moment, around] = self.coder.blocks(padded, around)
        return self.bodies[moment, around]


def _shorter(sound: Samples, more: int, half: int) -> Samples:
    """Take so much off the pause behind a label as the blocks around it are longer than the label, in steps of half a block."""
    sounding = np.flatnonzero(sound)
    pause = len(sound) - 1 - int(sounding[-1]) if len(sounding) else len(sound)
    return sound[: len(sound) - min((more + -len(sound) % half) // half, pause // half) * half]
