"""GIF: XMP in the application extension ``XMP DataXMP`` (TC260-PG-20259A).

Read too: comments, other application extensions, and what stands behind the trailer. Structure: GIF89a; XMP specification part 3,
§1.1.2: the packet stands there bare, and a trailer of descending bytes leads who reads it as sub-blocks to its end.
"""

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.edits import Edit, read_at, size_of, spliced, truncated
from mingwen.domain.errors import Malformed
from mingwen.domain.labels import mentions
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _xmp
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

MAX_BLOCKS: Final = 200_000
"""Blocks that are walked; a frame has two."""
MAX_TEXT_BYTES: Final = 8 << 20
"""Of all extensions that are read together."""
MAX_UNREAD: Final = 64
STEP_BYTES: Final = 64 << 10
"""The step in which sub-blocks are walked, after a first short one."""
FIRST_STEP_BYTES: Final = 512

_VERSION: Final = b"GIF89a"
_SCREEN: Final = 13
"""Header and logical screen descriptor, §17 and §18."""
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_APPLICATION, _COMMENT, _CONTROL, _PLAIN_TEXT = 0xFF, 0xFE, 0xF9, 0x01
_IDENTIFIER: Final = 11
"""§26: eight bytes name the application, three authenticate it."""
_XMP_NAME: Final = b"XMP DataXMP"
_C2PA: Final = b"C2PA_GIF"
_MAGIC: Final = b"\x01" + bytes(range(255, -1, -1)) + b"\0"


@dataclass(frozen=True, slots=True)
class _Block:
    """An extension, an image or the trailer."""

    kind: int
    """Its label if it is an extension, else its separator."""
    start: int
    data: int
    """Offset of its first sub-block."""
    stop: int


@dataclass(frozen=True, slots=True)
class _Extension:
    """An application extension or comment taken apart."""

    block: _Block
    name: bytes
    """Eleven bytes; empty for what is no application's."""
    data: bytes

    @property
    def is_xmp(self) -> bool:
        return self.name == _XMP_NAME

    @property
    def is_manifest(self) -> bool:
        """Is it signed? What it holds is for its own verifiers, and stays."""
        return self.name.startswith(_C2PA)

    @property
    def place(self) -> str:
        if self.name:
            return f"application {self.name.decode('latin-1').rstrip()}"
        return "comment" if self.block.kind == _COMMENT else f"extension {self.block.kind:#04x}"

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


def read(source: BinaryIO) -> Reading:
    """Find labels in extensions and behind the trailer."""
    sites: list[Site] = []
    unread: list[Unread] = []
    block: _Block | None = None
    budget = MAX_TEXT_BYTES
    try:
        for block in _blocks(source):
            extension = _taken_apart(source, block, budget)
            if extension is not None:
                budget -= len(extension.data)
                found = _findings(extension)
                sites += [f for f in found if isinstance(f, Site)]
                unread += [f for f in found if isinstance(f, Unread)]
    except Malformed as e:
        unread.append(Unread("blocks", e.message))
    else:
        behind = stray.read(source, block.stop if block else _SCREEN, "after the trailer")
        sites += behind.sites
        unread += behind.unread
    return Reading(tuple(sites), tuple(unread[:MAX_UNREAD]))


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the XMP property in the packet that is there, or in a new extension before the first frame; nothing else moves.

    Extensions came with version 89a (§17), so that a file of version 87a becomes one of 89a.
    """
    edits: list[Edit] = [Edit(0, len(_VERSION), _VERSION)]
    point = first = None
    budget = MAX_TEXT_BYTES
    for block in _blocks(source):
        if point is None and block.kind in {_IMAGE, _CONTROL, _PLAIN_TEXT, _TRAILER}:
            point = block.start
        extension = _taken_apart(source, block, budget)
        if extension is None:
            continue
        budget -= len(extension.data)
        if extension.is_xmp and first is None:
            first = extension
        elif any(isinstance(f, Site) for f in _findings(extension)):
            edits.append(Edit(block.start, block.stop, b""))
    if first:
        edits.append(Edit(first.block.start, first.block.stop, _xmp_extension(_xmp.edit(first.data, label))))
    elif point is not None:
        edits.append(Edit(point, point, _xmp_extension(_xmp.edit(None, label))))
    return spliced([*edits, *stray.edits(source, block.stop)], size_of(source))


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give XMP, comments, what other applications say, and a C2PA manifest."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    budget = MAX_TEXT_BYTES
    with suppress(Malformed):
        for block in _blocks(source):
            if extension := _taken_apart(source, block, budget):
                budget -= len(extension.data)
                yield from _told(source, extension)


def _told(source: BinaryIO, extension: _Extension) -> Iterator[Clue]:
    if extension.is_xmp:
        yield _clues.xmp(_xmp.PLACE, extension.data)
    elif extension.is_manifest:
        block = extension.block
        store = _joined(read_at(source, block.data, min(block.stop - block.data, MAX_TEXT_BYTES), what="manifest"))[_IDENTIFIER:]
        yield _clues.manifest(extension.place, io.BytesIO(store), 0, len(store))
    elif extension.name:
        yield Clue(Channel.PRIVATE, extension.name.decode("latin-1").rstrip(), extension.text)
    elif extension.block.kind == _COMMENT:
        yield Clue(Channel.TEXT, "comment", extension.text)


def _blocks(source: BinaryIO) -> Iterator[_Block]:
    """Walk the blocks from behind the colours to the trailer."""
    flags = read_at(source, 0, _SCREEN, what="screen descriptor")[10]
    at = _SCREEN + _colours(flags)
    for _ in range(MAX_BLOCKS):
        head = read_at(source, at, 1, what="block")[0]
        if head == _TRAILER:
            yield _Block(head, at, at + 1, at + 1)
            return
        if head == _EXTENSION:
            kind, data = read_at(source, at + 1, 1, what="extension label")[0], at + 2
        elif head == _IMAGE:
            flags = read_at(source, at, 10, what="image descriptor")[9]
            kind, data = head, at + 10 + _colours(flags) + 1  # §22: a byte of code size stands before the sub-blocks
        else:
            raise _broken(f"expected a block at {at}, found {head:#04x}")
        stop = _end(source, data)
        yield _Block(kind, at, data, stop)
        at = stop
    raise _broken(f"has more than {MAX_BLOCKS} blocks")


def _colours(flags: int) -> int:
    """Return how many bytes of colours follow, §18 and §20."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _end(source: BinaryIO, at: int) -> int:
    """Return where the sub-blocks that begin at ``at`` end, §15 and §16: a length before each, zero at the end."""
    step = FIRST_STEP_BYTES
    while True:
        source.seek(at)
        window = source.read(step)
        if not window:
            raise truncated("sub-blocks", 1, 0)
        index = 0
        while index < len(window):
            if not window[index]:
                return at + index + 1
            index += window[index] + 1
        at += index
        step = STEP_BYTES


def _taken_apart(source: BinaryIO, block: _Block, budget: int) -> _Extension | None:
    """Return what an extension says, of a C2PA manifest nothing; None for images and their control."""
    if block.kind in {_IMAGE, _TRAILER, _CONTROL}:
        return None
    name = b""
    if block.kind == _APPLICATION:
        head = read_at(source, block.data, min(_IDENTIFIER + 1, block.stop - block.data), what="application")
        name = head[1:] if head[0] == _IDENTIFIER else b"?"
    if name.startswith(_C2PA):
        return _Extension(block, name, b"")
    length = block.stop - block.data
    if length > budget:
        raise _broken(f"has more than {MAX_TEXT_BYTES} bytes of extensions, at {block.start}")
    data = read_at(source, block.data, length, what="extension")
    if name == _XMP_NAME and data.endswith(_MAGIC):
        return _Extension(block, name, data[_IDENTIFIER + 1 : -len(_MAGIC)].rstrip(b"\0"))
    parts = _joined(data)
    return _Extension(block, name, parts[_IDENTIFIER:] if len(name) == _IDENTIFIER else parts)


def _joined(data: bytes) -> bytes:
    out = bytearray()
    at = 0
    while at < len(data) and data[at]:
        out += data[at + 1 : at + 1 + data[at]]
        at += data[at] + 1
    return bytes(out)


def _findings(extension: _Extension) -> list[Site | Unread]:
    place = extension.place
    if extension.is_manifest:
        return []
    if extension.is_xmp:
        try:
            sites = _xmp.sites(extension.data, guide=True)
        except Malformed as e:
            return [Unread(place, e.message)]
        return [*sites, *stray.unexplained(extension.data, sites, place)]
    if b"{" in extension.data and mentions(extension.text):
        wrapper = Wrapper.EITHER if b"AIGC" in extension.name else Wrapper.WRAPPED
        return [Site(place, extension.text.strip("\0 \r\n"), wrapper, guide=False)]
    return [*stray.unexplained(extension.data, (), place)]


def _xmp_extension(packet: bytes) -> bytes:
    return bytes([_EXTENSION, _APPLICATION, _IDENTIFIER]) + _XMP_NAME + packet + _MAGIC


def _broken(what: str) -> Malformed:
    return Malformed("gif.broken", f"expected a sound GIF, but it {what}", hint="the file is damaged; get a whole copy")
