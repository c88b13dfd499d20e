"""Where what stands in a JPEG file: the frame, the scans with the tables they use, and every other segment (T.81, Annex B)."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.domain.errors import Malformed, Refused
from mingwen.notices import _jpeg_entropy as entropy
from mingwen.notices._jpeg_huffman import Table, table_at

SOI, EOI, SOS, DQT, DHT, DRI, DNL, COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xDC, 0xFE
APP0, APP2, APP14 = 0xE0, 0xE2, 0xEE
APPS = range(0xE0, 0xF0)
RESTARTS = tuple(bytes((marker,)) for marker in range(0xD0, 0xD8))
ALONE = (0x01, *range(0xD0, 0xD8), SOI)
FRAMES = {*range(0xC0, 0xD0)} - {DHT, 0xC8, 0xCC}
SEQUENTIAL, PROGRESSIVE, ARITHMETIC = (0xC0, 0xC1), (0xC2,), (0xC9, 0xCA)
MAX_SEGMENTS = 20_000
MAX_SCANS = 1_000

Region: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Component:
    """One colour plane."""

    name: int
    across: int
    """Blocks of an MCU side by side: H of T.81 B.2.2."""
    down: int
    quantiser: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What SOF says."""

    marker: int
    bits: int
    height: int
    width: int
    components: tuple[Component, ...]

    @property
    def mcu(self) -> tuple[int, int]:
        """Width and height of an MCU in pixels."""
        return 8 * max(c.across for c in self.components), 8 * max(c.down for c in self.components)

    @property
    def mcus(self) -> tuple[int, int]:
        """How many MCUs the picture is wide and high."""
        return -(-self.width // self.mcu[0]), -(-self.height // self.mcu[1])

    def blocks(self, component: Component) -> tuple[int, int]:
        """How many blocks a component is wide and high in a scan of its own (T.81 A.2.2)."""
        across, down = self.mcu
        return -(-self.width * component.across // across), -(-self.height * component.down // down)


@dataclass(frozen=True, slots=True)
class Part:
    """A component of a scan with its tables."""

    component: int
    dc: Table | None
    ac: Table | None
    ids: tuple[int, int]
    """Of the DC and the AC table, the latter with 16 added: as DHT has them."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over the picture."""

    at: int
    """Where SOS begins."""
    parts: tuple[Part, ...]
    band: tuple[int, int, int, int]
    """Ss, Se, Ah, Al."""
    restart: int
    """MCUs between two restart markers; 0 for none."""
    intervals: tuple[tuple[int, int], ...]
    """Where coded data begin and end, between markers."""


@dataclass(slots=True)
class Layout:
    """A whole picture."""

    frame: Frame | None = None
    scans: list[Scan] = field(default_factory=list)
    segments: list[tuple[int, int, int]] = field(default_factory=list)
    """``(marker, start, stop)`` of each application segment, comment and DHT, marker included."""
    quantisers: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """By component, in zigzag order, as they were at its first scan."""
    end: int = 0
    """Behind EOI; 0 where there is none."""


@dataclass(slots=True)
class _State:
    """What the segments before a scan have set."""

    tables: dict[int, Table] = field(default_factory=dict)
    quantisers: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    restart: int = 0


def laid_out(data: bytes) -> Layout:
    """Walk through a picture, from SOI to EOI.

    Raises:
        Malformed: there are more segments or scans than a picture has (``jpeg.segments``).
        Refused: it is coded in a way that nobody reads (``jpeg.coding``).
        ValueError: a segment is not what it must be.
    """
    layout, state, at = Layout(), _State(), 2
    for _ in range(MAX_SEGMENTS):
        _, at = marker_at(data, at)
        if at + 1 >= len(data):
            return layout
        marker, body = data[at + 1], at + 4
        if marker == EOI:
            layout.end = at + 2
            return layout
        if marker in ALONE:
            at += 2
            continue
        stop = at + 2 + int.from_bytes(data[at + 2 : body], "big")
        if stop < body or stop > len(data):
            raise ValueError("expected a whole segment")
        if marker in APPS or marker in (COM, DHT):
            layout.segments.append((marker, at, stop))
        at = _segment(layout, state, data, (marker, at, stop))
    raise Malformed(
        "jpeg.segments", f"expected at most {MAX_SEGMENTS} segments, got more", hint="the file is built to exhaust readers"
    )


def marker_at(data: bytes, at: int) -> tuple[int, int]:
    """Find the next marker, and return where its fill bytes begin and where its own FF stands; the end where there is none."""
    first = entropy.next_marker(data, at)
    last = first if first >= 0 else len(data)
    while data[last + 1 : last + 2] == b"\xff":  # T.81 B.1.1.2
        last += 1
    return (first if first >= 0 else len(data)), last


def grid(frame: Frame, components: tuple[int, ...]) -> tuple[int, int]:
    """How many MCUs a scan of these components is wide and high: of one component an MCU is a block (T.81 A.2)."""
    return frame.blocks(frame.components[components[0]]) if len(components) == 1 else frame.mcus


def _segment(layout: Layout, state: _State, data: bytes, found: tuple[int, int, int]) -> int:
    """Note what a segment says, and return where the next one may begin."""
    marker, at, stop = found
    body = data[at + 4 : stop]
    if marker == DHT:
        state.tables |= tables_in(body)
    elif marker == DQT:
        while body:
            wide = body[0] >> 4
            if wide > 1 or len(body) < 65 + 64 * wide:
                raise ValueError("expected a quantisation table")
            values = np.frombuffer(body, ">u2" if wide else np.uint8, 64, 1).astype(np.float32)
            state.quantisers[body[0] & 15] = np.maximum(values, 1)
            body = body[65 + 64 * wide :]
    elif marker == DRI:
        state.restart = int.from_bytes(body[:2], "big")
    elif marker in FRAMES:
        if layout.frame:
            raise Refused("jpeg.coding", "expected one frame, got a hierarchical JPEG", hint="convert it to a plain JPEG")
        layout.frame = _frame(marker, body)
    elif marker == DNL:
        raise Refused("jpeg.coding", "expected the height in the frame, got it in DNL", hint="save the picture anew")
    elif marker == SOS:
        return _scan(layout, state, data, (at, stop))
    return stop


def tables_in(body: bytes) -> dict[int, Table]:
    """Return the tables of a DHT segment by class and number (T.81 B.2.4.2)."""
    tables = {}
    while body:
        tables[body[0]], length = table_at(body[1:])
        body = body[1 + length :]
    return tables


def _frame(marker: int, body: bytes) -> Frame:
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:  # noqa: PLR2004 - T.81 B.2.2
        raise ValueError("expected a frame header")
    components = tuple(
        Component(name, sampling >> 4, sampling & 15, quantiser)
        for name, sampling, quantiser in zip(body[6::3], body[7::3], body[8::3], strict=True)
    )
    if not components or not all(1 <= n <= 4 for c in components for n in (c.across, c.down)):  # noqa: PLR2004 - T.81 B.2.2
        raise ValueError("expected sampling factors of 1 to 4")
    frame = Frame(marker, body[0], int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), components)
    if not frame.height:
        raise Refused("jpeg.coding", "expected the height in the frame, got none", hint="save the picture anew")
    if not frame.width:
        raise ValueError("expected a picture with a width")
    return frame


def _scan(layout: Layout, state: _State, data: bytes, segment: tuple[int, int]) -> int:
    """Note a scan, and return where its data end (T.81 B.2.3)."""
    at, start = segment
    body, frame = data[at + 4 : start], layout.frame
    if not frame or len(body) < 4 or len(body) != 4 + 2 * body[0] or not 1 <= body[0] <= 4:  # noqa: PLR2004
        raise ValueError("expected a scan of a frame")
    if len(layout.scans) == MAX_SCANS:
        raise Malformed(
            "jpeg.segments", f"expected at most {MAX_SCANS} scans, got more", hint="the file is built to exhaust readers"
        )
    numbers = {component.name: number for number, component in enumerate(frame.components)}
    parts = []
    for name, ids in zip(body[1:-3:2], body[2:-3:2], strict=True):
        if name not in numbers:
            raise ValueError("expected a component of the frame in the scan")
        dc, ac = ids >> 4, 16 | ids & 15
        parts.append(Part(numbers[name], state.tables.get(dc), state.tables.get(ac), (dc, ac)))
        quantiser = frame.components[numbers[name]].quantiser
        if quantiser in state.quantisers:
            layout.quantisers.setdefault(numbers[name], state.quantisers[quantiser])
    if len({part.component for part in parts}) < len(parts):
        raise ValueError("expected each component once in the scan")
    band = body[-3], body[-2], body[-1] >> 4, body[-1] & 15
    restart, most = state.restart, 1
    if restart:
        across, down = grid(frame, tuple(part.component for part in parts))
        most = -(-across * down // restart)
    intervals, (stop, last) = [start], marker_at(data, start)
    while data[last + 1 : last + 2] in RESTARTS and len(intervals) < 2 * most:
        intervals += [stop, last + 2]
        stop, last = marker_at(data, last + 2)
    intervals.append(stop)
    if len(intervals) != 2 * most:
        raise ValueError(f"expected {most - 1} restart markers in the scan, found {len(intervals) // 2 - 1}")
    pairs = tuple(zip(intervals[::2], intervals[1::2], strict=True))
    layout.scans.append(Scan(at, tuple(parts), band, restart, pairs))
    return intervals[-1]
