"""The strips and tiles of a TIFF: decoded where a window touches them, coded again where it was drawn on.

The bytes of a piece go through libtiff as one grey picture, so that any kind of sample passes; the predictor is ours.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from struct import pack
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mingwen.domain.errors import Malformed, Refused
from mingwen.notices import _room
from mingwen.notices._tiff_samples import Kind, Samples

CODINGS: Final = {
    1: "raw",
    5: "tiff_lzw",
    8: "tiff_adobe_deflate",
    32946: "tiff_deflate",
    32773: "packbits",
    34925: "lzma",
    50000: "zstd",
}
"""Compressions that lose nothing, and what Pillow calls them."""
DIFFERENCE, FLOATING = 2, 3
"""Predictors: TIFF 6.0 §14, and Adobe's technical note 3."""
MAX_WINDOW_BYTES: Final = 1 << 30
Box = tuple[int, int, int, int]


@dataclass(slots=True)
class Grid:
    """How a page is cut into pieces."""

    width: int
    height: int
    piece_width: int
    piece_height: int
    tiled: bool
    compression: int
    predictor: int
    offsets: list[int]
    counts: list[int]

    @property
    def across(self) -> int:
        """Pieces in a row."""
        return -(-self.width // self.piece_width)

    @property
    def down(self) -> int:
        """Rows of pieces."""
        return -(-self.height // self.piece_height)

    def rows(self, down: int) -> int:
        """Rows of pixels in a piece; the last strip has what is left, a tile is always whole."""
        return self.piece_height if self.tiled else min(self.piece_height, self.height - down * self.piece_height)


class Pieces:
    """The pieces of one page in ``out``, which holds the whole file and is changed in place."""

    def __init__(self, out: bytearray, grid: Grid, kind: Kind) -> None:
        self._out = out
        self.grid = grid
        self._kind = kind
        self._held: dict[int, Samples] = {}
        self._size = len(out)
        self.unfolded = 0
        """Bytes of the pieces that were decoded; they count as pixels."""

    def window(self, box: Box) -> Samples:
        """Return the samples of a box.

        Raises:
            Malformed: a piece does not decode (``tiff.broken``).
        """
        left, top, right, bottom = box
        out = np.zeros((bottom - top, right - left, self._kind.samples), self._kind.stored.newbyteorder("="))
        for plane, number, x, y in self._under(box):
            piece = self._piece(number, y)
            a, b = max(left, x), min(right, x + self.grid.piece_width)
            c, d = max(top, y), min(bottom, y + piece.shape[0])
            part = piece[c - y : d - y, a - x : b - x]
            out[c - top : d - top, a - left : b - left, plane] = part if plane == slice(None) else part[..., 0]
        return out

    def put(self, box: Box, samples: Samples) -> None:
        """Write the samples of a box, and every piece that it touches."""
        left, top, right, bottom = box
        for plane, number, x, y in list(self._under(box)):
            piece = self._piece(number, y)
            a, b = max(left, x), min(right, x + self.grid.piece_width)
            c, d = max(top, y), min(bottom, y + piece.shape[0])
            part = samples[c - top : d - top, a - left : b - left, plane]
            piece[c - y : d - y, a - x : b - x] = part if plane == slice(None) else part[..., None]
            self._place(number, self._coded(piece))

    def _under(self, box: Box) -> Iterator[tuple["slice | int", int, int, int]]:
        grid = self.grid
        left, top, right, bottom = box
        planes: list[slice | int] = list(range(self._kind.samples)) if self._kind.apart else [slice(None)]
        for index, plane in enumerate(planes):
            for down in range(top // grid.piece_height, -(-bottom // grid.piece_height)):
                for across in range(left // grid.piece_width, -(-right // grid.piece_width)):
                    number = (index * grid.down + down) * grid.across + across
                    yield plane, number, across * grid.piece_width, down * grid.piece_height

    @property
    def _depth(self) -> int:
        return 1 if self._kind.apart else self._kind.samples

    @property
    def _row_bytes(self) -> int:
        return -(-self.grid.piece_width * self._depth * self._kind.bits // 8)

    def _piece(self, number: int, y: int) -> Samples:
        if number not in self._held:
            grid = self.grid
            rows = grid.rows(y // grid.piece_height)
            self.unfolded += rows * self._row_bytes
            _room.require(self.unfolded, self._size)
            if rows * self._row_bytes > MAX_WINDOW_BYTES:
                hint = "save it in strips or tiles"
                raise Refused("notice.too-large", f"expected pieces of at most {MAX_WINDOW_BYTES} bytes, got more", hint=hint)
            start, size = grid.offsets[number], grid.counts[number]
            if start + size > len(self._out) or not size:
                raise _broken(f"piece {number} lies behind the end")
            data = _decoded(bytes(self._out[start : start + size]), grid.compression, self._row_bytes, rows)
            self._held[number] = self._unpacked(np.frombuffer(data, np.uint8).reshape(rows, self._row_bytes))
        return self._held[number]

    def _unpacked(self, rows: NDArray[np.uint8]) -> Samples:
        kind, width = self._kind, self.grid.piece_width
        if kind.bits < 8:  # noqa: PLR2004 - a byte
            bits = np.unpackbits(rows, axis=1).reshape(len(rows), -1, kind.bits)
            values = bits @ (1 << np.arange(kind.bits)[::-1]).astype(np.uint8)
            return np.ascontiguousarray(values[:, :width, None]).astype(np.uint8)
        if self.grid.predictor == FLOATING:
            rows = np.cumsum(rows.reshape(len(rows), -1, self._depth), axis=1, dtype=np.uint8).reshape(len(rows), -1)
            planes = rows.reshape(len(rows), kind.bits // 8, -1)
            whole = np.ascontiguousarray(planes.transpose(0, 2, 1)).view(f">f{kind.bits // 8}")
            return whole.reshape(len(rows), width, self._depth).astype(kind.stored.newbyteorder("="))
        samples = np.ascontiguousarray(rows).view(kind.stored).reshape(len(rows), width, self._depth)
        samples = samples.astype(kind.stored.newbyteorder("="))
        if self.grid.predictor == DIFFERENCE:
            whole = samples.view(f"u{kind.bits // 8}")
            samples = np.cumsum(whole, axis=1, dtype=whole.dtype).view(samples.dtype)
        return samples

    def _coded(self, piece: Samples) -> bytes:
        kind = self._kind
        if kind.bits < 8:  # noqa: PLR2004 - a byte
            bits = np.unpackbits(piece.astype(np.uint8), axis=2)[..., 8 - kind.bits :]
            rows = np.packbits(bits.reshape(len(piece), -1), axis=1)
        elif self.grid.predictor == FLOATING:
            planes = np.ascontiguousarray(piece.astype(f">f{kind.bits // 8}")).view(np.uint8)
            planes = planes.reshape(len(piece), -1, kind.bits // 8).transpose(0, 2, 1).reshape(len(piece), -1, self._depth)
            rows = np.diff(planes, axis=1, prepend=np.uint8(0)).reshape(len(piece), -1)
        else:
            whole = piece
            if self.grid.predictor == DIFFERENCE:
                whole = piece.view(f"u{kind.bits // 8}")
                whole = np.diff(whole, axis=1, prepend=whole.dtype.type(0))
            order: Literal["<", ">"] = "<" if kind.order == "<" else ">"
            rows = whole.astype(whole.dtype.newbyteorder(order)).reshape(len(piece), -1).view(np.uint8)
        return _encoded(np.ascontiguousarray(rows), self.grid.compression)

    def _place(self, number: int, data: bytes) -> None:
        """Put a piece where it was if it fits, else behind the end; what it leaves behind is blanked."""
        grid, out = self.grid, self._out
        start, size = grid.offsets[number], grid.counts[number]
        out[start : start + size] = bytes(size)
        if len(data) > size:
            out += bytes(len(out) % 2)
            start = len(out)
            out += data
        else:
            out[start : start + len(data)] = data
        grid.offsets[number], grid.counts[number] = start, len(data)


def _decoded(data: bytes, compression: int, row_bytes: int, rows: int) -> bytes:
    if compression == 1:
        out = data
    else:
        tags = (
            (256, row_bytes),
            (257, rows),
            (258, 8),
            (259, compression),
            (262, 1),
            (273, 8),
            (277, 1),
            (278, rows),
            (279, len(data)),
        )
        directory = b"".join(pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        at = 8 + len(data) + len(data) % 2
        alone = b"II*\0" + pack("<I", at) + data + bytes(len(data) % 2) + pack("<H", len(tags)) + directory + bytes(4)
        try:
            with Image.open(io.BytesIO(alone), formats=("TIFF",)) as picture:
                out = picture.tobytes()
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as e:
            raise _broken(f"a piece does not decode: {e}") from e
    if len(out) < row_bytes * rows:
        raise _broken(f"a piece has {len(out)} bytes of {row_bytes * rows}")
    return out[: row_bytes * rows]


def _encoded(rows: NDArray[np.uint8], compression: int) -> bytes:
    if compression == 1:
        return rows.tobytes()
    out = io.BytesIO()
    Image.fromarray(rows, "L").save(out, "TIFF", compression=CODINGS[compression], strip_size=rows.size + 1)
    with Image.open(io.BytesIO(out.getvalue()), formats=("TIFF",)) as coded:
        tags = coded.tag_v2  # type: ignore[attr-defined] # a TIFF has it
        starts, sizes = tags[273], tags[279]
    if len(starts) != 1:
        raise _broken("a piece is too large")
    return out.getvalue()[starts[0] : starts[0] + sizes[0]]


def _broken(what: str) -> Malformed:
    return Malformed("tiff.broken", f"expected a sound TIFF, but {what}", hint="the file is damaged; get a whole copy")
