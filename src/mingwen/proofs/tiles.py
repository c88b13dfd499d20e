"""A Merkle tree as files that anybody may serve (c2sp.org/tlog-tiles): names, growth, and reading nodes back.

A full tile holds 256 hashes, a full bundle 256 entries; the last ones of a level are partial and bear their width in their name.
Each hash of a tile is the root of a whole tile of the level below; those of level 0 are the hashes of leaves.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from mingwen.domain.errors import Malformed, Unproven
from mingwen.proofs.leaves import MOST_LEAF_BYTES
from mingwen.proofs.merkle import HASH_BYTES, Edge, Node, leaf_hash, node_hash, subtrees

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
TILE_BYTES: Final = WIDTH * HASH_BYTES
MOST_LEVELS: Final = 64
MOST_CACHED: Final = 1024
"""Tiles that a reader remembers: 8 MiB."""

Read: TypeAlias = Callable[[str], bytes | None]
"""``name → bytes``; None where nothing stands."""
_LENGTH_BYTES: Final = 2


def tile_name(level: int, number: int, width: int = WIDTH) -> str:
    """Name a tile of hashes; one of fewer than ``WIDTH`` is partial."""
    return f"tile/{level}/{_numbered(number, width)}"


def bundle_name(number: int, width: int = WIDTH) -> str:
    """Name a bundle of entries; one of fewer than ``WIDTH`` is partial."""
    return f"tile/entries/{_numbered(number, width)}"


def _numbered(number: int, width: int) -> str:
    """Write 1234067 as ``x001/x234/067``."""
    path = f"{number % 1000:03}"
    while number := number // 1000:
        path = f"x{number % 1000:03}/{path}"
    return path if width == WIDTH else f"{path}.p/{width}"


_NAME: Final = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6})([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class File:
    """Which part of a tree a file holds."""

    level: int
    """That of the bundles of entries is -1."""
    number: int
    width: int

    @property
    def end(self) -> int:
        """How many entries a tree has at least that needs the full one of these."""
        return self.number + 1 << HEIGHT * (max(self.level, 0) + 1)

    def beginning(self, data: bytes) -> bytes | None:
        """Return what this file holds, given the full one or a wider partial one; None where that is narrower."""
        items = unpacked(data) if self.level < 0 else [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]
        if self.width > len(items):
            return None
        return packed(items[: self.width]) if self.level < 0 else b"".join(items[: self.width])


def parse_name(name: str) -> File | None:
    """Read the name of a file; None where no file has it."""
    match = _NAME.fullmatch(name)
    if not match:
        return None
    kind, upper, lower, width = match.groups()
    file = File(-1 if kind == "entries" else int(kind), int(upper.replace("x", "").replace("/", "") + lower), int(width or WIDTH))
    made = bundle_name(file.number, file.width) if file.level < 0 else tile_name(file.level, file.number, file.width)
    return file if made == name and file.level < MOST_LEVELS and file.width <= WIDTH else None


def _levels(size: int) -> int:
    return -(-size.bit_length() // HEIGHT)


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree as tiles: what has to be known of the old to write the new."""

    size: int = 0
    tiles: tuple[bytes, ...] = ()
    """The hashes in the partial tile of each level, lowest first; empty where the last tile is full."""
    bundle: bytes = b""
    """The partial bundle."""

    @property
    def root(self) -> bytes:
        """The root of the tree, computed from the tiles."""
        hashes = [
            _joined(tile[(number << level) * HASH_BYTES : (number + 1 << level) * HASH_BYTES])
            for tile in reversed(self.tiles)
            for level, number in subtrees(0, len(tile) // HASH_BYTES)
        ]
        return Edge(self.size, tuple(hashes)).root

    def partial(self) -> dict[str, bytes]:
        """Return the files that a checkpoint of this size needs beside the full ones, by name."""
        files = {
            tile_name(level, self.size >> HEIGHT * (level + 1), len(tile) // HASH_BYTES): tile
            for level, tile in enumerate(self.tiles)
            if tile
        }
        return {bundle_name(self.size // WIDTH, self.size % WIDTH): self.bundle} | files if self.bundle else files

    def grown(self, entries: Sequence[bytes]) -> tuple["Frontier", dict[str, bytes]]:
        """Add entries; return the new edge and the files that became full, by name.

        Raises:
            Unproven: an entry is longer than a bundle can tell (``tile.entry-too-long``).
        """
        frontier, files, at = self, dict[str, bytes](), 0
        while at < len(entries):
            some = entries[at : at + WIDTH - frontier.size % WIDTH]
            frontier, full = frontier._filled(some)
            files |= full
            at += len(some)
        return frontier, files

    def _filled(self, entries: Sequence[bytes]) -> tuple["Frontier", dict[str, bytes]]:
        """Add entries that fit the partial bundle."""
        size = self.size + len(entries)
        bundle = self.bundle + packed(entries)
        tiles = list(self.tiles or (b"",))
        tiles[0] += b"".join(map(leaf_hash, entries))
        if size % WIDTH:
            return Frontier(size, tuple(tiles), bundle), {}
        files, level = {bundle_name(size // WIDTH - 1): bundle}, 0
        while len(tiles[level]) == TILE_BYTES:
            files[tile_name(level, (size >> HEIGHT * (level + 1)) - 1)] = tiles[level]
            if level + 1 == len(tiles):
                tiles.append(b"")
            tiles[level + 1] += _joined(tiles[level])
            tiles[level] = b""
            level += 1
        return Frontier(size, tuple(tiles)), files


def frontier(size: int, read: Read, last: Sequence[bytes]) -> Frontier:
    """Read the right edge of a tree of ``size`` entries, of which ``last`` are those of the partial bundle.

    Raises:
        Unproven: a tile is missing or cut (``tile.missing``, ``tile.malformed``).
    """
    upper = [
        _tile(read, level, size >> HEIGHT * (level + 1), width) if (width := (size >> HEIGHT * level) % WIDTH) else b""
        for level in range(1, _levels(size))
    ]
    if len(last) != size % WIDTH:
        raise Unproven("tile.missing", f"expected the last {size % WIDTH} entries, got {len(last)}", hint=_REBUILD)
    return Frontier(size, (b"".join(map(leaf_hash, last)), *upper) if size else (), packed(last))


_REBUILD: Final = "`mingwen log publish --rebuild` writes all tiles anew from the store"


def node_reader(size: int, read: Read) -> Node:
    """Return ``merkle.Node`` over the tiles of a tree of ``size`` entries, for proofs up to that size.

    What it returns raises Unproven for a tile that is missing or cut (``tile.missing``, ``tile.malformed``).
    """
    kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def tile(level: int, number: int) -> bytes:
        if (level, number) not in kept:
            width = min(WIDTH, (size >> HEIGHT * level) - number * WIDTH)
            kept[level, number] = _tile(read, level, number, width)
            if len(kept) > MOST_CACHED:
                kept.popitem(last=False)
        kept.move_to_end((level, number))
        return kept[level, number]

    def node(level: int, number: int) -> bytes:
        place, height = divmod(level, HEIGHT)
        start, count = number << height, 1 << height
        first = start % WIDTH * HASH_BYTES
        return _joined(tile(place, start // WIDTH)[first : first + count * HASH_BYTES])

    return node


def _tile(read: Read, level: int, number: int, width: int) -> bytes:
    """Read a tile, or as much as is asked for of the full one that came after it (tlog-tiles, Partial Tiles)."""
    name = tile_name(level, number, width)
    data = read(name)
    if data is None and width < WIDTH and (full := read(tile_name(level, number))) is not None:
        data = full[: width * HASH_BYTES]
    if data is None:
        raise Unproven("tile.missing", f"expected {name}, found nothing", hint=_REBUILD)
    if len(data) != width * HASH_BYTES:
        raise Unproven("tile.malformed", f"expected {width} hashes in {name}, got {len(data)} bytes", hint=_REBUILD)
    return data


def packed(entries: Sequence[bytes]) -> bytes:
    """Write a bundle: before each entry its length in two bytes.

    Raises:
        Unproven: an entry is longer than that can tell (``tile.entry-too-long``).
    """
    if any(len(e) > MOST_LEAF_BYTES for e in entries):
        hint = "the store is damaged; `mingwen audit` names the place"
        raise Unproven("tile.entry-too-long", f"expected entries of at most {MOST_LEAF_BYTES} bytes, got a longer one", hint=hint)
    return b"".join(len(e).to_bytes(_LENGTH_BYTES) + e for e in entries)


def unpacked(bundle: bytes) -> list[bytes]:
    """Read a bundle.

    Raises:
        Malformed: it ends within an entry, or holds more than ``WIDTH`` (``tile.entries``).
    """
    entries, at = list[bytes](), 0
    while at < len(bundle):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(bundle[at:start])
        entries.append(bundle[start:at])
        if at > len(bundle) or start > len(bundle) or len(entries) > WIDTH:
            hint = "a bundle is entries, each behind its length in two bytes (c2sp.org/tlog-tiles)"
            raise Malformed("tile.entries", f"expected at most {WIDTH} whole entries, got {len(bundle)} other bytes", hint=hint)
    return entries


def _joined(hashes: bytes) -> bytes:
    """Return the root above a power of two of hashes."""
    row = [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]
