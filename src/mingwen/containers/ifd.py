"""Image file directories of TIFF 6.0 and BigTIFF, walked in a stream: every page, and what hangs below it.

A directory is a count, entries of a tag, a type, a number of values and either the values or their offset, and the offset of the
next directory; BigTIFF has the same in wider fields.
"""

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from mingwen.containers.edits import read_at, size_of
from mingwen.domain.errors import Malformed
from mingwen.domain.sites import Unread

MAX_DIRECTORIES: Final = 65_536
"""Pages and what hangs below them; stacks of a microscope have thousands."""
MAX_ENTRIES: Final = 1 << 19
"""Of all directories together, and of the offsets of directories in them."""
MAX_POINTERS: Final = 1024
"""Directories that hang below one."""

SUB_DIRECTORIES: Final = {0x014A: "SubIFD", 0x8769: "Exif", 0x8825: "GPS", 0xA005: "Interop"}
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes in a value of each type; BigTIFF added 16 to 18. Exif 3.0's 129 counts bytes, as does what nobody knows."""
_NUMBERS: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How wide the fields of a file are, and in which order their bytes."""

    order: str
    """As ``struct`` writes it: ``<`` or ``>``."""
    big: bool

    @property
    def count(self) -> struct.Struct:
        """The number of a directory's entries."""
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        """Tag, type, number of values, and the value's own field."""
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))

    @property
    def offset(self) -> struct.Struct:
        """An offset in the file."""
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def root(self) -> int:
        """Where the offset of the first directory stands, and the header ends with it."""
        return 8 if self.big else 4


class Entry(NamedTuple):
    """One entry, and where its values stand."""

    tag: int
    kind: int
    number: int
    at: int
    """Offset of the entry itself."""
    start: int
    size: int
    field: bytes
    """The values, if they fit, else their offset."""

    @property
    def stop(self) -> int:
        """The offset behind the values."""
        return self.start + self.size

    @property
    def inline(self) -> bool:
        """Do the values stand in the entry?"""
        return self.size <= len(self.field)


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory."""

    name: str
    """``IFD0``, ``IFD1``, … for pages, ``IFD0 Exif`` for what hangs below them."""
    start: int
    entries: tuple[Entry, ...]
    stop: int
    """Behind the offset of the next one."""
    next: int


def layout(source: BinaryIO) -> Layout:
    """Read the header: byte order and width of the fields.

    Raises:
        Malformed: it is neither TIFF nor BigTIFF (``tiff.broken``, ``file.truncated``).
    """
    head = read_at(source, 0, 8, what="header")
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    number = struct.unpack((order or "<") + "H", head[2:4])[0]
    if order is None or number not in {42, 43}:
        raise broken("begins with no header")
    return Layout(order, number == 43)  # noqa: PLR2004 - BigTIFF; TIFF 6.0 has 42


def walk(source: BinaryIO, shape: Layout) -> Iterator[Directory | Unread]:
    """Walk all directories, the first one first; each once, however often it is named.

    Raises:
        Malformed: there is no first directory (``tiff.broken``, ``file.truncated``).
    """
    (root,) = shape.offset.unpack(read_at(source, shape.root, shape.offset.size, what="header"))
    pending = deque([("IFD0", root, 0)])
    seen = {0, root}
    left = MAX_ENTRIES
    while pending:
        name, at, page = pending.popleft()
        try:
            directory = _directory(source, shape, name, at, left)
        except Malformed as e:
            if at == root:
                raise
            yield Unread(name, e.message)
            continue
        yield directory
        left -= len(directory.entries)
        following = [(f"IFD{page + 1}", directory.next, page + 1)] if page >= 0 else []
        try:
            following += _below(source, shape, directory, left)
        except Malformed as e:
            yield Unread(name, e.message)
        left -= len(following)
        for new in following:
            if new[1] not in seen:
                seen.add(new[1])
                pending.append(new)
        if len(seen) > MAX_DIRECTORIES:
            yield Unread("directories", f"are more than the {MAX_DIRECTORIES} that are read")
            return


def numbers(source: BinaryIO, shape: Layout, entry: Entry) -> tuple[int, ...]:
    """Return the whole numbers of an entry; the caller bounds its size, other types give none.

    Raises:
        Malformed: the file ends before (``file.truncated``).
    """
    letter = _NUMBERS.get(entry.kind)
    data = read_at(source, entry.start, entry.size, what="numbers") if letter else b""
    return struct.unpack(f"{shape.order}{entry.number}{letter}", data) if letter else ()


def packed(shape: Layout, tag: int, count: int, offset: int) -> bytes:
    """Return an entry of type 7, UNDEFINED, whose values stand at ``offset``."""
    return shape.entry.pack(tag, 7, count, shape.offset.pack(offset))


def broken(what: str) -> Malformed:
    """Build the one error for directories that cannot be followed."""
    return Malformed("tiff.broken", f"expected a sound TIFF, but it {what}", hint="the file is damaged; get a whole copy")


def _directory(source: BinaryIO, shape: Layout, name: str, at: int, most: int) -> Directory:
    if at >= size_of(source):
        raise broken(f"has {name} behind its end")
    (count,) = shape.count.unpack(read_at(source, at, shape.count.size, what=name))
    if count > most:
        raise broken(f"brings the entries to more than the {MAX_ENTRIES} that are read")
    first = at + shape.count.size
    data = read_at(source, first, count * shape.entry.size, what=name)
    entries = []
    for i, (tag, kind, number, field) in enumerate(shape.entry.iter_unpack(data)):
        here = first + i * shape.entry.size
        size = _SIZES.get(kind, 1) * number
        start = shape.offset.unpack(field)[0] if size > len(field) else here + shape.entry.size - len(field)
        entries.append(Entry(tag, kind, number, here, start, size, field))
    end = first + len(data)
    (following,) = shape.offset.unpack(read_at(source, end, shape.offset.size, what=name))
    return Directory(name, at, tuple(entries), end + shape.offset.size, following)


def _below(source: BinaryIO, shape: Layout, directory: Directory, most: int) -> list[tuple[str, int, int]]:
    entries = [e for e in directory.entries if e.tag in SUB_DIRECTORIES]
    if sum(e.number for e in entries) > min(MAX_POINTERS, most) or any(e.stop > size_of(source) for e in entries):
        raise broken(f"names more than {MAX_POINTERS} directories in {directory.name}, or beyond its end")
    return [(f"{directory.name} {SUB_DIRECTORIES[e.tag]}", at, -1) for e in entries for at in numbers(source, shape, e)]
