"""A JPEG with a label: only the blocks beneath it are coded anew, every other coefficient stays as it is.

Segments, further scans' order and what stands behind the picture are carried over byte for byte. Arithmetic coding is left to
``_jpeg_again``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mingwen.domain.errors import Refused
from mingwen.domain.notices import Style
from mingwen.notices import _jpeg_again, _jpeg_progressive, _room
from mingwen.notices._jpeg_blocks import (
    GREY,
    INKS,
    LUMA_CHROMA,
    LUMA_CHROMA_KEY,
    RED_GREEN_BLUE,
    Blocks,
    Colours,
    Plane,
    blocks_of,
    pixels,
    planes,
    region_of,
    with_label,
)
from mingwen.notices._jpeg_markers import (
    APP0,
    APP2,
    APP14,
    ARITHMETIC,
    DHT,
    PROGRESSIVE,
    SEQUENTIAL,
    Frame,
    Layout,
    Region,
    laid_out,
    tables_in,
)
from mingwen.notices._jpeg_splice import Edit, Stretch, Written, spliced, stretches
from mingwen.notices._lettering import Label, label_for
from mingwen.notices._raster import opened, turn_of

if TYPE_CHECKING:
    from mingwen.notices._jpeg_huffman import Table

BITS = 8
READ_SHARE = 4
"""What lies beneath a label, and is read, is less than a quarter of the picture."""
ADOBE_YCCK = 2
"""ITU-T T.872 6.5.3: the transform that an Adobe segment names."""


def mark(data: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Return the file with a label, the label, and what else the user should know.

    Raises:
        Malformed: there are more segments than a picture has (``jpeg.segments``).
        Refused: it is lossless, hierarchical or of 12 bits (``jpeg.coding``).
        ValueError: it is broken.
    """
    layout = laid_out(data)
    frame = layout.frame
    if frame and (frame.marker not in SEQUENTIAL + PROGRESSIVE + ARITHMETIC or frame.bits != BITS):
        raise Refused(
            "jpeg.coding",
            f"expected a JPEG of 8 bits in DCT blocks, got SOF{frame.marker - 0xC0} of {frame.bits} bits",
            hint="convert it to a baseline JPEG or to PNG",
        )
    image = opened(data, "JPEG")
    if not layout.end:
        raise ValueError("expected the end of the picture, it is cut")
    if not frame or frame.marker in ARITHMETIC:
        return _jpeg_again.mark(data, style)
    _room.require(frame.width * frame.height // READ_SHARE, len(data))
    canvas = Canvas(data, layout, frame)
    label = label_for(style, *image.size, turn=turn_of(image), look=canvas.look)
    edits, note = _without_others(data, layout)
    return _edited(data, canvas.edits(label) + edits), label, note


# --- the picture --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ground:
    """What lies beneath a label."""

    blocks: Blocks
    planes: Sequence[Plane]
    scans: list[list[Stretch]]
    """By scan, of a sequential picture."""


class Canvas:
    """A picture to draw on: each box of it is read once."""

    def __init__(self, data: bytes, layout: Layout, frame: Frame) -> None:
        self.data, self.layout, self.frame = data, layout, frame
        numbers = range(len(frame.components))
        if not all(number in layout.quantisers for number in numbers):
            raise ValueError("expected a scan and a quantisation table for every component")
        self.quantisers = [layout.quantisers[number] for number in numbers]
        self.colours = _colours(data, layout, frame)
        self.whole = _jpeg_progressive.decoded(data, layout, frame) if frame.marker in PROGRESSIVE else None
        self.grounds: dict[Region, Ground] = {}

    def ground(self, box: Region) -> Ground:
        """Read what lies beneath a box of pixels."""
        region = region_of(self.frame, box)
        if region not in self.grounds:
            blocks, scans = blocks_of(self.frame, region), []
            if self.whole:
                blocks = self.whole.part(region)
            else:
                scans = [stretches(self.data, blocks, scan) for scan in self.layout.scans]
            self.grounds[region] = Ground(blocks, planes(blocks, self.quantisers), scans)
        return self.grounds[region]

    def look(self, box: Region) -> NDArray[np.uint8]:
        """Return what a reader sees beneath a box: height × width × 3."""
        ground = self.ground(box)
        return pixels(ground.blocks, ground.planes, self.colours, box)

    def edits(self, label: Label) -> list[Edit]:
        """Return what changes in the file."""
        ground = self.ground(label.box)
        blocks, exact = with_label(ground.blocks, ground.planes, self.quantisers, label, self.colours)
        if self.whole:
            self.whole.put(blocks)
            written = _jpeg_progressive.coded(self.layout, self.whole)
        else:
            pairs = zip(self.layout.scans, ground.scans, strict=True)
            written = [spliced(self.data, scan, found, blocks, exact) for scan, found in pairs]
        edits = [edit for scan in written for edit in scan.edits]
        return edits + _tables(self.data, self.layout, written, anew=self.whole is not None)


def _colours(data: bytes, layout: Layout, frame: Frame) -> Colours:
    """Say how grey is stored, by the rules that decoders share: the Adobe segment, JFIF, the components' names."""
    bodies = [data[start + 4 : stop] for marker, start, stop in layout.segments if marker in (APP0, APP14)]
    adobe = next((body[11] for body in bodies if body.startswith(b"Adobe") and len(body) > 11), None)  # noqa: PLR2004
    jfif = any(body.startswith(b"JFIF\0") for body in bodies)
    names = bytes(component.name for component in frame.components)
    if len(names) == len(RED_GREEN_BLUE):
        plain = not jfif and (adobe == 0 or (adobe is None and names == b"RGB"))
        return RED_GREEN_BLUE if plain else LUMA_CHROMA
    if len(names) == len(INKS):
        return LUMA_CHROMA_KEY if adobe == ADOBE_YCCK else INKS
    return GREY


# --- the file -----------------------------------------------------------------------------------------------------------------


def _tables(data: bytes, layout: Layout, written: list[Written], *, anew: bool) -> list[Edit]:
    """Put tables before the scans that need others than those they would find; ``anew`` takes the old ones out."""
    edits: list[Edit] = []
    live: dict[int, Table] = {}
    scans = dict(zip((scan.at for scan in layout.scans), written, strict=True))
    found = {start: stop for marker, start, stop in layout.segments if marker == DHT}
    for at in sorted([*scans, *found]):
        if at in scans:
            needed = {number: table for number, table in scans[at].tables.items() if live.get(number) != table}
            body = b"".join(bytes((number,)) + table.counts + table.symbols for number, table in needed.items())
            edits.append((at, at, _segment(DHT, body) if body else b""))
            live |= needed
        elif anew:
            edits.append((at, found[at], b""))
        else:
            live |= tables_in(data[at + 4 : found[at]])
    return edits


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def _without_others(data: bytes, layout: Layout) -> tuple[list[Edit], str]:
    """Leave out further pictures (CIPA DC-007, MPF): they bear no label."""
    several = [
        (start, stop, b"")
        for marker, start, stop in layout.segments
        if marker == APP2 and data[start + 4 : stop].startswith(b"MPF\0")
    ]
    if not several:
        return [], ""
    behind = [(layout.end, len(data), b"")] if layout.end else []
    return several + behind, "; further pictures behind the first were left out, they bear no label"


def _edited(data: bytes, edits: list[Edit]) -> bytes:
    view, at = memoryview(data), 0
    pieces: list[bytes | memoryview] = []
    for start, stop, new in sorted(edits):
        pieces += [view[at:start], new]
        at = stop
    return b"".join([*pieces, view[at:]])
