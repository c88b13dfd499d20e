"""GIF taken apart and put together: frames as indices and tables, everything else as the bytes it was (GIF89a)."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

import numpy as np
from PIL import Image

from mingwen.domain.errors import Malformed, Refused
from mingwen.notices._palette import Indices, Table

MAX_BLOCKS: Final = 200_000
MAX_FRAMES: Final = 5_000
MAX_PIXELS: Final = 178_956_970
"""Of the screen and of each frame."""
SCREEN: Final = Struct("<6sHHBBB")
_PLACE: Final = Struct("<HHHHB")
_CONTROL_BODY: Final = Struct("<BHBB")
_EXTENSION, _IMAGE, _TRAILER, _CONTROL = 0x21, 0x2C, 0x3B, 0xF9
_HAS_TABLE, _INTERLACED = 0x80, 0x40
KEEP, BACKGROUND, PREVIOUS = 1, 2, 3
"""§23: what becomes of a frame before the next; 0 counts as 1."""


@dataclass(slots=True)
class Control:
    """A graphic control extension (§23)."""

    disposal: int = KEEP
    input: bool = False
    delay: int = 0
    transparent: int | None = None

    def packed(self) -> bytes:
        """Return the extension."""
        flags = self.disposal << 2 | self.input << 1 | (self.transparent is not None)
        return b"\x21\xf9\x04" + _CONTROL_BODY.pack(flags, self.delay, self.transparent or 0, 0)[:4] + b"\0"


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it came."""

    raw: bytes
    """Its control extension and all of its own bytes."""
    control: Control
    x: int
    y: int
    width: int
    height: int
    table: Table
    """Its own, or the one for all; empty where there is neither."""
    data: bytes
    """The coded indices: the size of a code, and sub-blocks."""
    interlaced: bool

    def indices(self) -> Indices:
        """Decode the frame.

        Raises:
            Malformed: it ends too early (``gif.frame``).
        """
        flags = _HAS_TABLE | 7 | (_INTERLACED if self.interlaced else 0)
        place = _PLACE.pack(0, 0, self.width, self.height, flags)
        alone = SCREEN.pack(b"GIF89a", self.width, self.height, 0, 0, 0) + b"," + place + _GREYS + self.data + b";"
        try:
            picture = Image.open(io.BytesIO(alone), formats=("GIF",))
            return np.asarray(picture.convert("L"))
        except (OSError, ValueError, EOFError, SyntaxError) as e:
            raise Malformed("gif.frame", f"expected a whole frame, but {e}", hint="get a whole copy") from e


_GREYS: Final = bytes(np.repeat(np.arange(256, dtype=np.uint8), 3))
"""A table with which indices decode to themselves."""


def written(indices: Indices, table: Table, x: int, y: int, control: Control) -> bytes:
    """Code a frame with a table of its own, of at most 256 colours."""
    bits = max(int(len(table) - 1).bit_length(), 1)
    full = np.zeros((1 << bits, 3), np.uint8)
    full[: len(table)] = table
    out = io.BytesIO()
    Image.fromarray(indices, "L").save(out, "GIF", optimize=False, interlace=False)  # Pillow would interlace it
    coded = next(b for b in blocks(out.getvalue()) if isinstance(b, Frame)).data
    place = _PLACE.pack(x, y, indices.shape[1], indices.shape[0], _HAS_TABLE | bits - 1)
    return control.packed() + b"," + place + full.tobytes() + coded


def screen(data: bytes) -> tuple[int, int]:
    """Return the width and height of the whole picture.

    Raises:
        Malformed: it is no GIF (``gif.header``).
        Refused: it is larger than ``MAX_PIXELS`` (``notice.too-large``).
    """
    if len(data) < SCREEN.size or data[:6] not in {b"GIF87a", b"GIF89a"}:
        raise Malformed("gif.header", f"expected GIF87a or GIF89a, got {data[:6]!r}", hint="is it a GIF file?")
    _, width, height, *_ = SCREEN.unpack_from(data)
    _require_room(width, height)
    return width, height


def blocks(data: bytes) -> Iterator[Frame | bytes]:
    """Yield the frames, and all that stands around them as it is: the header first, the trailer and what is behind it last.

    Raises:
        Malformed: the file ends too early, or has too many blocks (``gif.blocks``).
    """
    flags = data[10]
    head = SCREEN.size + (3 << (flags & 7) + 1 if flags & _HAS_TABLE else 0)
    common = np.frombuffer(data[SCREEN.size : head], np.uint8).reshape(-1, 3)
    yield data[:head]
    at, start, control = head, None, Control()
    for _ in range(MAX_BLOCKS):
        kind = data[at : at + 2]
        if kind[:1] == bytes((_IMAGE,)):
            frame = _frame(data, at, at if start is None else start, common, control)
            yield frame
            at += 10 + (len(frame.table) * 3 if data[at + 9] & _HAS_TABLE else 0) + len(frame.data)
            start, control = None, Control()
        elif kind == bytes((_EXTENSION, _CONTROL)) and start is None:
            start, control = at, _control(data[at + 3 : at + 7])
            at = _behind(data, at + 2)
        elif kind[:1] == bytes((_EXTENSION,)) and len(kind) == 2:  # noqa: PLR2004 - with its label
            end = _behind(data, at + 2)
            if start is None:  # one between a control extension and its frame stays there
                yield data[at:end]
            at = end
        elif kind[:1] == bytes((_TRAILER,)):
            yield data[at if start is None else start :]
            return
        else:
            raise _broken(f"there is {kind[:1]!r} at {at}")
    raise _broken(f"has more than {MAX_BLOCKS} blocks")


def _frame(data: bytes, at: int, start: int, common: Table, control: Control) -> Frame:
    if len(data) < at + 11:
        raise _broken("it ends in a frame's head")
    x, y, width, height, flags = _PLACE.unpack_from(data, at + 1)
    _require_room(width, height)
    own = at + 10 + (3 << (flags & 7) + 1 if flags & _HAS_TABLE else 0)
    table = np.frombuffer(data[at + 10 : own], np.uint8).reshape(-1, 3) if flags & _HAS_TABLE else common
    stop = _behind(data, own + 1)
    return Frame(data[start:stop], control, x, y, width, height, table, data[own:stop], interlaced=bool(flags & _INTERLACED))


def _control(body: bytes) -> Control:
    if len(body) < 4:  # noqa: PLR2004 - §23
        raise _broken("it ends in a control extension")
    flags, delay, transparent, _ = _CONTROL_BODY.unpack(body.ljust(_CONTROL_BODY.size, b"\0"))
    return Control(flags >> 2 & 7, bool(flags & 2), delay, transparent if flags & 1 else None)


def _behind(data: bytes, at: int) -> int:
    """Return where a chain of sub-blocks has ended."""
    while at < len(data):
        size = data[at]
        at += 1 + size
        if not size:
            return at
    raise _broken("it ends in a chain of blocks")


def _require_room(width: int, height: int) -> None:
    if not width or not height:
        raise _broken(f"is {width} × {height}")
    if width * height > MAX_PIXELS:
        raise Refused("notice.too-large", f"expected at most {MAX_PIXELS} pixels, got {width} × {height}", hint="make it smaller")


def _broken(what: str) -> Malformed:
    return Malformed("gif.blocks", f"expected a sound GIF, but {what}", hint="the file is damaged; get a whole copy")
