"""A TIFF or BigTIFF with a label: only the strips or tiles beneath it change, on every page; all other bytes stay where they are.

A strip that still fits goes back to its place, a larger one behind the end, and what it leaves is blanked. Samples are drawn as
they are stored: 8, 16 or 32 bits, floats, palettes, black and white, CMYK, planes apart, with their predictor.
"""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np

from mingwen.containers import ifd
from mingwen.containers.ifd import Directory, Layout
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Style
from mingwen.domain.sites import Unread
from mingwen.notices import _room, _tiff_samples, _tiff_strips
from mingwen.notices._lettering import Label, Turn, label_for
from mingwen.notices._raster import TURNS
from mingwen.notices._tiff_samples import Kind
from mingwen.notices._tiff_strips import Grid

MAX_PIXELS: Final = 2_000_000_000
MAX_PAGES: Final = 10_000
MAX_STRIPS: Final = 4_000_000
_REDUCED, _MASK = 1, 4
"""NewSubfileType: a smaller copy of another page, or its transparency."""
_DEFAULTS: Final = {254: 0, 258: 1, 259: 1, 262: 1, 274: 1, 277: 1, 284: 1, 317: 1, 338: 0, 339: 1}
"""TIFF 6.0 §8: the value of a tag that is not there."""
_WIDTHS: Final = {3: 2, 4: 4, 13: 4, 16: 8}
"""Bytes of a number of each type that offsets and sizes may have."""
SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS, PLANAR, PREDICTOR = (
    254, 256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 317,
)  # fmt: skip
PALETTE, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, EXTRA, FORMAT = 320, 322, 323, 324, 325, 338, 339


@dataclass(frozen=True, slots=True)
class _Page:
    """The values of a directory that matter, by their tags."""

    directory: Directory
    values: dict[int, tuple[int, ...]]

    def one(self, tag: int) -> int:
        values = self.values.get(tag) or ((_DEFAULTS[tag],) if tag in _DEFAULTS else ())
        if not values:
            raise _broken(f"{self.directory.name} has no tag {tag}")
        return values[0]

    def all(self, tag: int) -> tuple[int, ...]:
        return self.values.get(tag, ())


def mark(data: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Return the file with a label on every page, the label of the first, and what else the user should know."""
    out = bytearray(data)
    source = io.BytesIO(data)
    shape = ifd.layout(source)
    pages, below = _pages(source, shape)
    labels, unfolded = list[Label](), 0
    for page in pages:
        label, more = _labelled(out, shape, page, style)
        unfolded += more
        _room.require_animated(unfolded, len(data))
        labels.append(label)
    note = "; smaller copies below the pages were left without label" if below else ""
    return bytes(out), labels[0], note


def _pages(source: io.BytesIO, shape: Layout) -> tuple[list[_Page], bool]:
    pages, below = list[_Page](), False
    for found in ifd.walk(source, shape):
        if isinstance(found, Unread):
            raise _broken(f"{found.place}: {found.reason}")
        if " " in found.name:
            below = below or found.name.endswith("SubIFD")
            continue
        values = {e.tag: ifd.numbers(source, shape, e) for e in found.entries if e.number <= MAX_STRIPS and e.tag in _KNOWN}
        page = _Page(found, values)
        if not page.one(SUBFILE) & _MASK:
            pages.append(page)
        if len(pages) > MAX_PAGES:
            raise Refused("notice.too-large", f"expected at most {MAX_PAGES} pages, got more", hint="part the file")
    if not pages:
        raise _broken("there is no page")
    return pages, below


_KNOWN: Final = frozenset(
    {SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS, PLANAR, PREDICTOR}
    | {PALETTE, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, EXTRA, FORMAT}
)


def _labelled(out: bytearray, shape: Layout, page: _Page, style: Style) -> tuple[Label, int]:
    """Draw the label into one page, in place; return it, and how many bytes were decoded."""
    width, height = page.one(WIDTH), page.one(HEIGHT)
    if not 0 < width * height <= MAX_PIXELS:
        raise Refused("notice.too-large", f"expected 1 to {MAX_PIXELS} pixels, got {width} × {height}", hint="make it smaller")
    kind = _kind(page, shape)
    grid = _grid(page, kind)
    pieces = _tiff_strips.Pieces(out, grid, kind)
    turn = TURNS.get(page.one(ORIENTATION), Turn())
    label = label_for(style, width, height, turn=turn, look=lambda box: _tiff_samples.seen(pieces.window(box), kind))
    pieces.put(label.box, _tiff_samples.burnt(pieces.window(label.box), label, kind))
    _moved(out, shape, page, pieces)
    return label, pieces.unfolded


def _kind(page: _Page, shape: Layout) -> Kind:
    bits, formats = set(page.all(BITS) or (1,)), set(page.all(FORMAT) or (1,))
    if len(bits) != 1 or len(formats) != 1:
        raise _unusual("samples of different kinds")
    samples, photometric = page.one(SAMPLES), page.one(PHOTOMETRIC)
    kind = Kind(
        order=shape.order,
        bits=bits.pop(),
        floats=formats.pop() == 3,  # noqa: PLR2004 - SampleFormat: IEEE
        samples=samples,
        photometric=photometric,
        alpha=page.one(EXTRA) in {1, 2} and samples > _tiff_samples.COLOURS.get(photometric, 9),
        palette=np.array(page.all(PALETTE), np.uint16).reshape(3, -1) if page.all(PALETTE) else None,
        apart=page.one(PLANAR) == 2,  # noqa: PLR2004 - PlanarConfiguration
    )
    problem = kind.problem()
    if problem:
        raise _unusual(problem)
    return kind


def _grid(page: _Page, kind: Kind) -> Grid:
    tiled = bool(page.all(TILE_OFFSETS))
    offsets, counts = (page.all(TILE_OFFSETS), page.all(TILE_COUNTS)) if tiled else (page.all(OFFSETS), page.all(COUNTS))
    width, height = page.one(WIDTH), page.one(HEIGHT)
    rows = (page.all(ROWS) or (height,))[0]
    grid = Grid(
        width=width,
        height=height,
        piece_width=page.one(TILE_WIDTH) if tiled else width,
        piece_height=page.one(TILE_HEIGHT) if tiled else min(rows, height),
        tiled=tiled,
        compression=page.one(COMPRESSION),
        predictor=page.one(PREDICTOR),
        offsets=list(offsets),
        counts=list(counts),
    )
    if grid.compression not in _tiff_strips.CODINGS:
        raise _unusual(f"compression {grid.compression}")
    needed = grid.across * grid.down * (kind.samples if kind.apart else 1) if grid.piece_width and grid.piece_height else 0
    if not needed or len(offsets) < needed or len(counts) < needed:
        raise _broken(f"{page.directory.name} names {len(offsets)} pieces of {needed}")
    return grid


def _moved(out: bytearray, shape: Layout, page: _Page, pieces: "_tiff_strips.Pieces") -> None:
    """Write where the changed pieces are now, and how long; in the entry's own array, or in a new one where it is too narrow."""
    tags = {TILE_OFFSETS: pieces.grid.offsets, TILE_COUNTS: pieces.grid.counts}
    if not pieces.grid.tiled:
        tags = {OFFSETS: pieces.grid.offsets, COUNTS: pieces.grid.counts}
    for entry in page.directory.entries:
        new = tags.get(entry.tag)
        if new is None or list(page.all(entry.tag)) == new:
            continue
        width = _WIDTHS[entry.kind]
        if max(new).bit_length() <= 8 * width:
            out[entry.start : entry.stop] = np.array(new, f"{shape.order}u{width}").tobytes()
            continue
        if not shape.big and max(new) >= 1 << 32:
            raise Refused("notice.too-large", "expected a TIFF that stays below 4 GiB", hint="save it as BigTIFF first")
        kind = 16 if shape.big else 4
        at = len(out) + len(out) % 2
        body = np.array(new, f"{shape.order}u{_WIDTHS[kind]}").tobytes()
        out += bytes(at - len(out))
        field = body.ljust(shape.offset.size, b"\0") if len(body) <= shape.offset.size else shape.offset.pack(at)
        out[entry.at : entry.at + shape.entry.size] = shape.entry.pack(entry.tag, kind, entry.number, field)
        if len(body) > shape.offset.size:
            out += body


def _broken(what: str) -> Malformed:
    return Malformed("tiff.broken", f"expected a sound TIFF, but {what}", hint="the file is damaged; get a whole copy")


def _unusual(what: str) -> Refused:
    hint = "save it as RGB with LZW, deflate or no compression: tiffcp -c lzw in.tif out.tif"
    return Refused("notice.codec", f"expected a TIFF of usual samples and coding, got {what}", hint=hint)
