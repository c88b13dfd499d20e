"""A film of ISO/IEC 14496-12: its moov, the first track with pictures in it, and what the boxes around its samples say."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from struct import unpack
from typing import BinaryIO, Final

import numpy as np

from mingwen.containers import fragments, sample_tables
from mingwen.containers.boxes import Box, Node, broken, named, tree, walk
from mingwen.containers.chunk_offsets import is_in_this_file
from mingwen.containers.edits import read_at, size_of
from mingwen.containers.fragments import Fragments
from mingwen.containers.moves import Ints
from mingwen.containers.sample_tables import Columns
from mingwen.domain.sites import Unread

MAX_MOOV_BYTES: Final = 64 << 20
"""Ten hours of film have some 10 MiB."""
MAX_EDITS: Final = 65_536
"""In one edit list."""
IDENTITY: Final = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
"""The matrix that changes nothing (§8.3.2)."""

_NORMAL_SPEED = 1 << 16
_MATRIX_BYTES = 36


@dataclass(frozen=True, slots=True)
class Film:
    """A file as far as its first video track matters."""

    size: int
    boxes: tuple[Box, ...]
    """All at the top."""
    place: Box
    """Of the moov."""
    moov: Node
    at: int
    """Which of the moov's children is the track."""

    @property
    def trak(self) -> Node:
        """The track."""
        return (self.moov.children or ())[self.at]

    @property
    def others(self) -> tuple[Node, ...]:
        """All other tracks."""
        return tuple(c for n, c in enumerate(self.moov.children or ()) if c.kind == b"trak" and n != self.at)


def read(source: BinaryIO) -> Film | None:
    """Take the moov apart; None if it has no track with pictures but those of chapters.

    Raises:
        Malformed: boxes contradict each other, or there is not just one moov of at most ``MAX_MOOV_BYTES`` (``iso.broken``).
    """
    length = size_of(source)
    found: list[Box] = []
    for box in walk(source, 0, length):
        if isinstance(box, Unread):
            raise broken(f"{box.place} {box.reason}")
        found.append(box)
    moovs = [b for b in found if b.kind == b"moov"]
    if len(moovs) != 1:
        raise broken(f"there are {len(moovs)} moov")
    place = moovs[0]
    if place.stop - place.body > MAX_MOOV_BYTES:
        raise broken(f"the moov has {place.stop - place.body} bytes, more than the {MAX_MOOV_BYTES} that are read")
    moov, faults = tree(b"moov", memoryview(read_at(source, place.body, place.stop - place.body, what="moov")))
    if faults:
        raise broken(f"{faults[0].place} {faults[0].reason}")
    at = _pictures(moov)
    return None if at is None else Film(length, tuple(found), place, moov, at)


def samples(source: BinaryIO, film: Film) -> tuple[Fragments, Columns]:
    """Return the fragments, and the track's samples in the moov and in them.

    Raises:
        Malformed: tables contradict each other, or samples stand behind the file's end (``iso.broken``).
    """
    before = sample_tables.columns(table_of(film.trak))
    parts = fragments.read(source, film.boxes, film.moov, number_of(film.trak), before)
    columns = fragments.joined(before, parts)
    if len(columns.size) and int((columns.offset + columns.size).max()) > film.size and is_here(film.trak):
        raise broken(f"samples stand behind the {film.size} bytes that the file has; it is cut off")
    return parts, columns


def needed(node: Node, *kinds: bytes) -> Node:
    """Return the box within the box and so on.

    Raises:
        Malformed: one is missing (``iso.broken``).
    """
    for kind in kinds:
        found = node.first(kind)
        if found is None:
            raise broken(f"{named(node.kind)} has no {named(kind)}")
        node = found
    return node


def table_of(trak: Node) -> Node:
    """Return a track's sample tables."""
    return needed(trak, b"mdia", b"minf", b"stbl")


def is_here(trak: Node) -> bool:
    """Say whether a track's data are in the file itself."""
    return is_in_this_file(needed(trak, b"mdia", b"minf"))


def number_of(trak: Node) -> int:
    """Return the number that fragments and references name a track by."""
    return _field(needed(trak, b"tkhd"), 12, 20)


def scale_of(head: Node) -> int:
    """Return the ticks a second of a ``mdhd`` or ``mvhd``.

    Raises:
        Malformed: it says none (``iso.broken``).
    """
    scale = _field(head, 12, 20)
    if not scale:
        raise broken(f"{named(head.kind)} has no ticks a second")
    return scale


def matrix_of(trak: Node) -> tuple[int, ...] | None:
    """Return how pictures are turned; None if they are not (§8.3.2)."""
    head = needed(trak, b"tkhd")
    at = _at(head, 40, 52)
    matrix = unpack(">9i", bytes(head.body[at : at + _MATRIX_BYTES]).ljust(_MATRIX_BYTES, b"\0"))
    return matrix if any(matrix[n] != IDENTITY[n] for n in (0, 1, 3, 4)) and any(matrix) else None


def shown(film: Film, end: int) -> tuple[int, int, str]:
    """Return when presentation starts and ends on the track's clock, and what stands against that (§8.6.6)."""
    scale, movie = scale_of(needed(film.trak, b"mdia", b"mdhd")), scale_of(needed(film.moov, b"mvhd"))
    played: list[tuple[int, int]] = []
    for span, media, rate in _edits(film.trak):
        if media == -1:
            continue  # nothing is shown for a while
        if rate != _NORMAL_SPEED:
            return 0, end, "its edit list changes the speed"
        played.append((media, media + -(-span * scale // movie) if span else max(end, media)))
    if not played:
        return 0, end, ""
    jumps = any(abs(b[0] - a[1]) > 1 for a, b in pairwise(played))  # movie ticks may be longer than ours
    return played[0][0], min(played[-1][1], end), "its edit list plays parts in an order of its own" if jumps else ""


def outside(film: Film, columns: Columns) -> str:
    """Say so if samples stand elsewhere than in media data; else nothing."""
    media = [b for b in film.boxes if b.kind == b"mdat"]
    starts = np.array([b.body for b in media], np.int64)
    stops = np.array([*(b.stop for b in media), 0], np.int64)
    at = np.searchsorted(starts, columns.offset, side="right") - 1
    fits = (at >= 0) & (columns.offset + columns.size <= stops[at])
    return "" if fits.all() else "its samples stand outside of media data"


def claims(trak: Node) -> tuple[Ints, Ints]:
    """Return which bytes of the file are a track's: where its chunks begin and end."""
    if is_here(trak):
        return sample_tables.extents(table_of(trak))
    return np.empty(0, np.int64), np.empty(0, np.int64)


def _pictures(moov: Node) -> int | None:
    """Choose the first track with pictures that are not those of another's chapters."""
    tracks = [(n, t) for n, t in enumerate(moov.children or ()) if t.kind == b"trak"]
    chapters = {number for _, t in tracks for number in _chapters(t)}
    return next((n for n, t in tracks if _handler(t) == b"vide" and number_of(t) not in chapters), None)


def _chapters(trak: Node) -> set[int]:
    """Return the tracks that a ``tref`` names as its chapters (QuickTime File Format, chapter lists)."""
    tref = trak.first(b"tref")
    body = bytes(tref.body) if tref else b""
    at = body.find(b"chap")
    if at < 4:  # noqa: PLR2004 - its size stands before
        return set()
    listed = body[at + 4 : at - 4 + int.from_bytes(body[at - 4 : at])]
    return {int.from_bytes(listed[n : n + 4]) for n in range(0, len(listed) - 3, 4)}


def _handler(trak: Node) -> bytes:
    mdia = trak.first(b"mdia")
    handler = mdia.first(b"hdlr") if mdia else None
    return bytes(handler.body[8:12]) if handler else b""


def _edits(trak: Node) -> Iterable[tuple[int, int, int]]:
    edts = trak.first(b"edts")
    body = bytes(edts.body[8:]) if edts and bytes(edts.body[4:8]) == b"elst" else bytes(8)
    entry = ">QqI" if body[:1] == b"\1" else ">IiI"
    width = 20 if body[:1] == b"\1" else 12
    count = int.from_bytes(body[4:8])
    if count > MAX_EDITS or 8 + count * width > len(body):
        raise broken(f"elst declares {count} entries in {len(body)} bytes")
    return [unpack(entry, body[8 + n * width : 8 + (n + 1) * width]) for n in range(count)]


def _at(node: Node, narrow: int, wide: int) -> int:
    """Return where a field stands in a box whose version 1 has times of 64 bits."""
    return wide if bytes(node.body[:1]) == b"\1" else narrow


def _field(node: Node, narrow: int, wide: int) -> int:
    at = _at(node, narrow, wide)
    return int.from_bytes(node.body[at : at + 4])
