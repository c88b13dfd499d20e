"""What the pictures of a HEIF or AVIF file are made of: coded tiles, an alpha plane, thumbnails, and how they are shown."""

from dataclasses import dataclass, replace
from struct import unpack_from
from typing import BinaryIO, Final

import numpy as np

from mingwen.containers import item_meta
from mingwen.containers.boxes import Box, broken, walk
from mingwen.containers.edits import size_of
from mingwen.containers.item_meta import Item, Meta
from mingwen.containers.item_properties import Properties, Reference, properties, references
from mingwen.domain.errors import Refused
from mingwen.domain.notices import Box as Area
from mingwen.domain.sites import Unread
from mingwen.notices import _room
from mingwen.notices._lettering import Turn
from mingwen.notices._planes import GRID

MAX_PIXELS: Final = 1 << 27
"""Of one picture; the encoders take 16,384 × 8,192 at most."""
MAX_TILES: Final = 4096
MAX_THUMBNAILS: Final = 8
MAX_ITEM_BYTES: Final = 256 << 20

CODED: Final = {b"av01": b"av1C", b"hvc1": b"hvcC", b"hev1": b"hvcC"}
"""Types of items that can be coded anew, and the property that says how to decode them."""
ALPHA: Final = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
"""ISO/IEC 23008-12 §7.5.3: what auxiliary pictures of opacity are called."""

_WIDE_FIELDS = 1
"""``grid``: the size has 32 bits."""
_TURNS = tuple(Turn(bool(n & 1), bool(n & 2), bool(n & 4)) for n in range(8))
_SAMPLE = np.arange(6, dtype=np.float32).reshape(2, 3)
"""What no two turns make the same of."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A coded item, and where in its picture it lies."""

    item: Item
    x: int
    y: int
    width: int
    height: int

    def meets(self, box: Area) -> bool:
        """Does it lie under a part of the box?"""
        left, top, right, bottom = box
        return self.x < right and self.y < bottom and self.x + self.width > left and self.y + self.height > top


@dataclass(frozen=True, slots=True)
class Picture:
    """A coded item, or a grid of them."""

    item: int
    width: int
    height: int
    tiles: tuple[Tile, ...]
    turn: Turn
    visible: Area
    """What is shown of it, at the least; on multiples of the coarsest chroma."""
    alpha: "Picture | None" = None
    is_alpha: bool = False


@dataclass(frozen=True, slots=True)
class Album:
    """A file's pictures."""

    source: BinaryIO
    meta: Meta
    properties: Properties
    references: tuple[Reference, ...]

    @property
    def primary(self) -> Picture:
        """The picture that is shown, with its alpha plane.

        Raises:
            Refused: it is of a kind that no label is drawn into (``notice.codec``), or too large (``notice.too-large``).
        """
        if self.meta.primary is None:
            raise broken("no item is the primary one")
        picture = self._picture(self.meta.primary)
        planes = [r.item for r in self.references if r.kind == b"auxl" and picture.item in r.to and self._is_alpha(r.item)]
        if not planes:
            return picture
        alpha = replace(self._picture(planes[0]), is_alpha=True)
        if (alpha.width, alpha.height) != (picture.width, picture.height):
            size = f"{alpha.width} × {alpha.height}"
            raise Refused("notice.alpha", f"expected opacity of the picture's own size, got {size}", hint="convert the picture")
        return replace(picture, alpha=alpha)

    @property
    def thumbnails(self) -> tuple[int, ...]:
        """Smaller pictures of the primary one."""
        found = (r.item for r in self.references if r.kind == b"thmb" and self.meta.primary in r.to)
        return tuple(dict.fromkeys(found))[:MAX_THUMBNAILS]

    def thumbnail(self, number: int) -> Picture:
        """Return one of them; as ``primary``."""
        return self._picture(number)

    def data(self, item: Item) -> bytes:
        """Read an item's bytes."""
        return self.meta.data(self.source, item, most=MAX_ITEM_BYTES)

    def config(self, item: Item) -> bytes:
        """Return what a decoder must know."""
        node = self.properties.first(item.number, CODED[item.kind])
        if node is None:
            raise broken(f"item {item.number} does not say how to decode it")
        return bytes(node.body)

    def colour(self, picture: Picture) -> tuple[int, int, int, bool] | None:
        """Return primaries, transfer, matrix and full range (ITU-T H.273) if the file says them outside the coded data."""
        for item in (picture.item, picture.tiles[0].item.number):
            node = self.properties.first(item, b"colr", b"nclx")
            if node is not None and len(node.body) >= 11:  # noqa: PLR2004 - §12.1.5.2
                primaries, transfer, matrix, full = unpack_from(">HHHB", node.body, 4)
                return primaries, transfer, matrix, bool(full & 0x80)
        return None

    def _item(self, number: int) -> Item:
        found = next((i for i in self.meta.items if i.number == number), None)
        if found is None:
            raise broken(f"item {number} is named, but not there")
        return found

    def _is_alpha(self, number: int) -> bool:
        node = self.properties.first(number, b"auxC")
        return node is not None and bytes(node.body[4:]).partition(b"\0")[0] in ALPHA

    def _picture(self, number: int) -> Picture:
        item = self._item(number)
        width, height = self._size(number)
        _room.require(width * height, size_of(self.source))
        if width * height > MAX_PIXELS:
            raise Refused("notice.too-large", f"expected at most {MAX_PIXELS} pixels", hint="make the picture smaller")
        if item.kind == b"grid":
            width, height, tiles = self._grid(item)
        elif item.kind in CODED:
            tiles = (Tile(item, 0, 0, width, height),)
        else:
            raise Refused(
                "notice.codec",
                f"expected a picture in AV1 or HEVC, or a grid of them, got {item.kind.decode('latin-1')!r}",
                hint="convert the picture, for example with heif-enc or avifenc",
            )
        return Picture(number, width, height, tiles, self._turn(number), self._visible(number, width, height))

    def _size(self, number: int) -> tuple[int, int]:
        node = self.properties.first(number, b"ispe")
        if node is None or len(node.body) < 12:  # noqa: PLR2004 - §6.5.3
            raise broken(f"item {number} has no size")
        width, height = unpack_from(">II", node.body, 4)
        if not width or not height:
            raise broken(f"item {number} has {width} × {height} pixels")
        return width, height

    def _grid(self, item: Item) -> tuple[int, int, tuple[Tile, ...]]:
        """Read a grid: ISO/IEC 23008-12 §6.6.2.3."""
        body = self.meta.data(self.source, item)
        form = ">II" if len(body) > 1 and body[1] & _WIDE_FIELDS else ">HH"
        if len(body) < 4 + (8 if form == ">II" else 4):
            raise broken(f"the grid {item.number} ends early")
        rows, columns = body[2] + 1, body[3] + 1
        width, height = unpack_from(form, body, 4)
        inputs = next((r.to for r in self.references if r.kind == b"dimg" and r.item == item.number), ())
        if len(inputs) != rows * columns or rows * columns > MAX_TILES:
            raise broken(f"the grid {item.number} of {rows} × {columns} has {len(inputs)} tiles")
        across, down = self._size(inputs[0])
        if not 0 < width <= across * columns or not 0 < height <= down * rows or across * down * len(inputs) > MAX_PIXELS:
            raise broken(f"the grid {item.number} has {width} × {height} pixels, its tiles {across} × {down}")
        items = [self._item(n) for n in inputs]
        if any(i.kind not in CODED or i.kind != items[0].kind or self._size(i.number) != (across, down) for i in items):
            raise Refused("notice.codec", "expected a grid of equal tiles in AV1 or HEVC, got others", hint="convert the picture")
        if len({i.number for i in items}) < len(items):
            raise Refused("notice.codec", "expected tiles of their own, but the grid repeats some", hint="convert the picture")
        return width, height, tuple(Tile(i, n % columns * across, n // columns * down, across, down) for n, i in enumerate(items))

    def _turn(self, number: int) -> Turn:
        """Return how stored pixels come from shown ones: the turn that ``irot`` and ``imir`` undo (§6.5.10, §6.5.12)."""
        steps = [n for n in self.properties.of(number) if n.kind in {b"irot", b"imir"} and len(n.body)]

        def shown(stored: np.ndarray) -> np.ndarray:
            for step in steps:
                value = step.body[0]
                stored = np.rot90(stored, value & 3) if step.kind == b"irot" else stored[:, ::-1] if value & 1 else stored[::-1]
            return stored

        return next(t for t in _TURNS if np.array_equal(shown(t.map(_SAMPLE)), _SAMPLE))

    def _visible(self, number: int, width: int, height: int) -> Area:
        """Return what a clean aperture leaves (§12.1.4.1), rounded inwards."""
        node = self.properties.first(number, b"clap")
        if node is None:
            return 0, 0, width, height
        if len(node.body) < 32:  # noqa: PLR2004 - four fractions
            raise broken("a clean aperture ends early")
        numbers = unpack_from(">IIIIiIiI", node.body)
        if not all(numbers[1::2]):
            raise broken("a clean aperture divides by zero")
        across, down, x, y = (n / d for n, d in zip(numbers[::2], numbers[1::2], strict=True))
        left, top = (width - across) / 2 + x, (height - down) / 2 + y
        if left < 0 or top < 0 or left + across > width + 1 or top + down > height + 1 or across < 1 or down < 1:
            raise broken("a clean aperture reaches beyond its picture")
        inner = -(-int(left) // GRID) * GRID, -(-int(top) // GRID) * GRID
        return *inner, max(int(left + across), inner[0] + 1), max(int(top + down), inner[1] + 1)


def opened(source: BinaryIO) -> Album:
    """Look at the items of a file.

    Raises:
        Refused: it holds a sequence, or no items (``notice.sequence``, ``notice.codec``).
        Malformed: its boxes contradict themselves (``iso.broken``).
    """
    found: list[Box] = []
    for box in walk(source, 0, size_of(source)):
        if isinstance(box, Unread):
            raise broken(f"{box.place} {box.reason}")
        if box.kind in {b"moov", b"moof"}:
            raise Refused(
                "notice.sequence",
                "expected a still picture, found a sequence of pictures with tracks",
                hint="write it as a film in MP4, or as a still picture",
            )
        found += [box] if box.kind == b"meta" else []
    if len(found) != 1:
        raise broken(f"there are {len(found)} meta")
    meta = item_meta.parse(source, found[0])
    return Album(source, meta, properties(meta.node), references(meta.node))
