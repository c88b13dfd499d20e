"""Movie fragments (ISO/IEC 14496-12 §8.8): the samples of one track in them, and fragments with new ones."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from struct import pack
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from mingwen.containers import sample_tables
from mingwen.containers.boxes import Box, Node, boxes, broken, named, packed, size
from mingwen.containers.edits import Edit, read_at
from mingwen.containers.moves import Ints, Moves
from mingwen.containers.sample_tables import MAX_SAMPLES, Changes, Columns
from mingwen.domain.sites import Unread

MAX_MOOF_BYTES: Final = 16 << 20
"""A fragment of an hour has some 2 MiB."""
MAX_TRACKS: Final = 1024
"""In one fragment, and in the moov."""
MAX_RUNS: Final = 100_000
"""In all fragments of a file."""

_HAS_BASE, _HAS_DESCRIPTION, _HAS_DURATION, _HAS_SIZE, _HAS_FLAGS, _BASE_IS_MOOF = 1, 2, 8, 0x10, 0x20, 0x20000
"""``tfhd`` (§8.8.7)."""
_OFFSET, _FIRST_FLAGS, _DURATIONS, _SIZES, _FLAGS, _SHIFTS = 1, 4, 0x100, 0x200, 0x400, 0x800
"""``trun`` (§8.8.8)."""
_COLUMNS: Final = (_DURATIONS, _SIZES, _FLAGS, _SHIFTS)
_NOT_SYNC: Final = 0x10000
_KEY_FLAGS, _OTHER_FLAGS = 0x2000000, 0x1010000
"""§8.8.3.1: depends on none; depends on others, and decoding cannot begin there."""
_TELLING: Final = 0xCF0000
"""Leading, or needed by none, or redundant, or not sync."""
_I32 = 1 << 31
_SHORT_TIME = 32
_UNKNOWN: Final = {
    b"subs": "it tells of parts of samples",
    b"senc": "it is encrypted",
    b"saiz": "it has auxiliary information for samples",
    b"csgp": "its groups of samples are packed",
}


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What holds for samples of a track that say nothing themselves."""

    description: int
    duration: int
    size: int
    flags: int


@dataclass(frozen=True, slots=True)
class Run:
    """One ``trun``."""

    at: int
    """Which child of its ``traf`` it is."""
    start: int
    """Where its data begin in the file."""
    stop: int
    first: int = -1
    """The number of its first sample; -1 if it is of another track."""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One ``traf``."""

    at: int
    """Which child of its ``moof`` it is."""
    base: int
    """What its offsets count from."""
    description: int
    runs: tuple[Run, ...]
    defaults: _Defaults


@dataclass(frozen=True, slots=True)
class Fragment:
    """One ``moof``."""

    place: Box
    node: Node
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Fragments:
    """All of a file."""

    all: tuple[Fragment, ...]
    columns: tuple[Columns, ...]
    """Of the track's runs, in order."""
    descriptions: frozenset[int]
    obstacle: str


def read(source: BinaryIO, tops: Iterable[Box], moov: Node, track: int, before: Columns) -> Fragments:
    """Take all fragments apart; ``before`` are the samples of the track in the moov.

    Raises:
        Malformed: boxes contradict each other, or are more than the constants say (``iso.broken``).
    """
    reader = _Reader(track, _defaults(moov), len(before.size), before.end)
    found = [reader.fragment(source, box) for box in tops if box.kind == b"moof"]
    return Fragments(tuple(found), tuple(reader.columns), frozenset(reader.descriptions), reader.obstacle)


def joined(before: Columns, parts: Fragments) -> Columns:
    """Join the samples of the moov and those of the fragments."""
    if not parts.columns:
        return before
    rows = (before, *parts.columns)
    return Columns(
        np.concatenate([r.offset for r in rows]),
        np.concatenate([r.size for r in rows]),
        np.concatenate([r.dts for r in rows]),
        np.concatenate([r.pts for r in rows]),
        np.concatenate([r.key for r in rows]),
        rows[-1].end,
    )


def mended(parts: Fragments, columns: Columns, changes: Changes) -> tuple[Fragment, ...]:
    """Return the fragments with new sizes, times and flags; their offsets are those of the source still."""
    return tuple(_mended(f, columns, changes) for f in parts.all)


def placed(old: Fragment, new: Fragment, moves: Moves) -> Edit | None:
    """Return the edit that writes a fragment with all its offsets moved; None if nothing changes.

    Raises:
        Malformed: an offset does not fit its 32 bits, or counts on a place in a fragment that grew (``iso.broken``).
    """
    children = list(new.node.children or ())
    grew = size(new.node) != old.place.stop - old.place.start
    for part in new.parts:
        children[part.at] = _placed(children[part.at], part, moves, old.place if grew else None)
    whole = replace(new.node, children=tuple(children))
    return None if whole == old.node else Edit(old.place.start, old.place.stop, packed(whole))


# --- reading ------------------------------------------------------------------------------------------------------------


class _Reader:
    """Goes through the fragments in order: times and places may follow from what came before."""

    def __init__(self, track: int, defaults: dict[int, _Defaults], count: int, end: int) -> None:
        self.columns: list[Columns] = []
        self.descriptions: set[int] = set()
        self.obstacle = ""
        self._track, self._defaults, self._count, self._end = track, defaults, count, end
        self._all = self._runs = 0

    def fragment(self, source: BinaryIO, place: Box) -> Fragment:
        """Take one ``moof`` apart."""
        length = place.stop - place.body
        if length > MAX_MOOF_BYTES:
            raise broken(f"a moof has {length} bytes, more than the {MAX_MOOF_BYTES} that are read")
        node = Node(b"moof", children=_leaves(read_at(source, place.body, length, what="moof")))
        children = list(node.children or ())
        parts: list[Part] = []
        base = place.start
        for at, child in enumerate(children):
            if child.kind == b"traf":
                children[at] = Node(b"traf", children=_leaves(child.body))
                parts.append(self._part(children[at], at, place.start, base))
                base = parts[-1].runs[-1].stop if parts[-1].runs else parts[-1].base
        if len(parts) > MAX_TRACKS:
            raise broken(f"a moof holds more than {MAX_TRACKS} tracks")
        return Fragment(place, replace(node, children=tuple(children)), tuple(parts))

    def _part(self, traf: Node, at: int, moof: int, implied: int) -> Part:
        head = traf.first(b"tfhd")
        if head is None:
            raise broken("a traf has no tfhd")
        fields = _Fields(bytes(head.body))
        flags, track = fields.take(4) & 0xFFFFFF, fields.take(4)
        usual = self._defaults.get(track, _Defaults(1, 0, 0, 0))
        base = fields.take(8) if flags & _HAS_BASE else moof if flags & _BASE_IS_MOOF else implied
        defaults = _Defaults(
            fields.take(4) if flags & _HAS_DESCRIPTION else usual.description,
            fields.take(4) if flags & _HAS_DURATION else usual.duration,
            fields.take(4) if flags & _HAS_SIZE else usual.size,
            fields.take(4) if flags & _HAS_FLAGS else usual.flags,
        )
        ours = track == self._track
        if ours:
            self._begin(traf)
            self.descriptions.add(defaults.description)
        runs: list[Run] = []
        for number, child in enumerate(traf.children or ()):
            if child.kind == b"trun":
                runs.append(self._run(child, number, defaults, (base, runs[-1].stop if runs else base), ours=ours))
        return Part(at, base, defaults.description, tuple(runs), defaults)

    def _begin(self, traf: Node) -> None:
        time = traf.first(b"tfdt")
        if time is not None:
            wide = bytes(time.body[:1]) == b"\1"
            self._end = int.from_bytes(time.body[4 : 12 if wide else 8])
            if self._end >= _I32 << _SHORT_TIME - 2:
                raise broken(f"a fragment begins at tick {self._end}")
        self.obstacle = self.obstacle or next((why for kind, why in _UNKNOWN.items() if traf.first(kind)), "")

    def _run(self, trun: Node, at: int, defaults: _Defaults, places: tuple[int, int], *, ours: bool) -> Run:
        base, follows = places
        fields = _Fields(bytes(trun.body[:16]))
        flags, count = fields.take(4) & 0xFFFFFF, fields.take(4)
        self._all, self._runs = self._all + count, self._runs + 1
        if self._all > 2 * MAX_SAMPLES or self._count + count > MAX_SAMPLES or self._runs > MAX_RUNS:
            raise broken(f"fragments declare more than {MAX_SAMPLES} samples or {MAX_RUNS} runs")
        offset = fields.take(4) if flags & _OFFSET else None
        first = fields.take(4) if flags & _FIRST_FLAGS else None
        start = follows if offset is None else base + (offset ^ _I32) - _I32
        if start < 0 or start >= sample_tables.MAX_BYTES:
            raise broken(f"a run of samples stands at byte {start}")
        table = _table(trun, fields.at, flags, count)
        sizes = table.get(_SIZES, np.full(count, defaults.size, np.int64))
        after = start + np.cumsum(sizes)
        stop = int(after[-1]) if count else start
        if not ours:
            return Run(at, start, stop)
        marks = _flags(table, count, defaults, first)
        shifts = table.get(_SHIFTS, np.zeros(count, np.int64))
        shifts = (shifts ^ _I32) - _I32
        ends = self._end + np.cumsum(table.get(_DURATIONS, np.full(count, defaults.duration, np.int64)))
        begins = np.concatenate(([self._end], ends))[:count]
        self._end = int(ends[-1]) if count else self._end
        self.columns.append(Columns(after - sizes, sizes, begins, begins + shifts, (marks & _NOT_SYNC) == 0, self._end))
        self._count += count
        return Run(at, start, stop, self._count - count, count)


class _Fields:
    """A cursor over big-endian numbers."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def take(self, width: int) -> int:
        """Return the next number, ``width`` bytes wide."""
        self.at += width
        if self.at > len(self._data):
            raise broken("a box of a fragment ends within its fields")
        return int.from_bytes(self._data[self.at - width : self.at])


def _leaves(data: bytes | memoryview) -> tuple[Node, ...]:
    view = memoryview(data)
    out: list[Node] = []
    at = 0
    for box in boxes(view):
        if isinstance(box, Unread):
            raise broken(f"in a moof {box.place} {box.reason}")
        out.append(Node(box.kind, view[box.body : box.stop]))
        at = box.stop
    if at != len(view):
        raise broken(f"a moof ends in {len(view) - at} bytes that are no box")
    return tuple(out)


def _defaults(moov: Node) -> dict[int, _Defaults]:
    """Return what the ``trex`` of each track says (§8.8.3)."""
    mvex = moov.first(b"mvex")
    found = [b for b in boxes(mvex.body) if isinstance(b, Box) and b.kind == b"trex"] if mvex else []
    rows = [bytes(mvex.body[b.body : b.stop]) for b in found[:MAX_TRACKS]] if mvex else []
    numbers = [[int.from_bytes(row[n : n + 4]) for n in range(4, 24, 4)] for row in rows]
    return {n[0]: _Defaults(*n[1:]) for n in numbers}


def _table(trun: Node, at: int, flags: int, count: int) -> dict[int, NDArray[np.int64]]:
    """Return the columns that a run has for its samples."""
    kinds = [kind for kind in _COLUMNS if flags & kind]
    stop = at + 4 * len(kinds) * count
    if stop > len(trun.body):
        raise broken(f"trun declares {count} samples in {len(trun.body)} bytes")
    rows = np.frombuffer(trun.body[at:stop], ">u4").reshape(count, len(kinds)).astype(np.int64)
    return {kind: rows[:, n].copy() for n, kind in enumerate(kinds)}


def _flags(table: dict[int, Ints], count: int, defaults: _Defaults, first: int | None) -> Ints:
    """Return the flags of the samples of a run."""
    marks = table.get(_FLAGS, np.full(count, defaults.flags, np.int64))
    if first is not None and count and _FLAGS not in table:
        marks[0] = first
    return marks


# --- writing ------------------------------------------------------------------------------------------------------------


def _mended(fragment: Fragment, columns: Columns, changes: Changes) -> Fragment:
    children = list(fragment.node.children or ())
    for part in fragment.parts:
        ours = [run for run in part.runs if run.first >= 0]
        if not ours:
            continue
        inner = list(children[part.at].children or ())
        here = _within(changes, ours[0].first, ours[-1].first + ours[-1].count)
        if not len(here.number):
            continue
        for run in ours:
            inner[run.at] = _run_mended(inner[run.at], part, run, columns, changes)
        mends = {b"sdtp": sample_tables.dependencies, b"sbgp": sample_tables.ungrouped}
        inner = [mends[c.kind](c, here) if c.kind in mends else c for c in inner]
        children[part.at] = replace(children[part.at], children=tuple(inner))
    return replace(fragment, node=replace(fragment.node, children=tuple(children)))


def _within(changes: Changes, first: int, stop: int) -> Changes:
    """Return the changes from one sample to another, counted from the first."""
    a, b = np.searchsorted(changes.number, (first, stop))
    return Changes(changes.number[a:b] - first, changes.size[a:b], changes.pts[a:b], changes.key[a:b])


def _run_mended(trun: Node, part: Part, run: Run, columns: Columns, changes: Changes) -> Node:
    """Write a run anew; it gets columns for what differs among its samples now."""
    here = _within(changes, run.first, run.first + run.count)
    if not len(here.number):
        return trun
    old = columns[run.first : run.first + run.count]
    sizes, shifts = old.size.copy(), old.pts - old.dts
    signed = (shifts < 0).any()
    flags = int.from_bytes(trun.body[1:4])
    at = 8 + 4 * bool(flags & _OFFSET)
    first = int.from_bytes(trun.body[at : at + 4]) if flags & _FIRST_FLAGS else None
    table = _table(trun, at if first is None else at + 4, flags, run.count)
    marks = _flags(table, run.count, part.defaults, first)
    sizes[here.number] = here.size
    shifts[here.number] = sample_tables.shifts(here.pts, old.dts[here.number])
    marks[here.number] = _marks(marks[here.number], here)
    new = flags
    if _SIZES in table or (sizes != part.defaults.size).any():
        new, table[_SIZES] = new | _SIZES, sizes
    if _SHIFTS in table or shifts.any():
        new, table[_SHIFTS] = new | _SHIFTS, shifts & 0xFFFFFFFF
    if _FLAGS in table or (marks[1:] != part.defaults.flags).any():
        new, table[_FLAGS] = (new | _FLAGS) & ~_FIRST_FLAGS, marks
    elif flags & _FIRST_FLAGS or marks[0] != part.defaults.flags:
        new |= _FIRST_FLAGS
    version = trun.body[0] if signed else max(trun.body[0], int((shifts < 0).any()))
    head = pack(">II", version << 24 | new, run.count) + (bytes(trun.body[8:12]) if flags & _OFFSET else b"")
    lead = pack(">I", int(marks[0])) if new & _FIRST_FLAGS else b""
    rows = np.stack([table[kind] for kind in _COLUMNS if new & kind], axis=1) if new & 0xF00 else np.empty((0, 0))
    return Node(b"trun", head + lead + rows.astype(">u4").tobytes())


def _marks(old: Ints, changes: Changes) -> Ints:
    """Return the flags of replaced samples: the old ones where they say no more than is true of the new."""
    new = np.where(changes.key, _KEY_FLAGS, _OTHER_FLAGS)
    return np.where((old & _TELLING) == np.where(changes.key, 0, _NOT_SYNC), old, new)


def _placed(traf: Node, part: Part, moves: Moves, grown: Box | None) -> Node:
    """Move what counts from the base of a ``traf``, and the base itself; ``grown`` is a fragment that changes its length."""
    children = list(traf.children or ())
    base = moves(part.base)
    for run in part.runs:
        body = bytes(children[run.at].body)
        if int.from_bytes(body[1:4]) & _OFFSET:
            offset = moves(run.start) - base
            if not -_I32 <= offset < _I32:
                raise broken(f"the data of a run would stand {offset} bytes from their base")
            children[run.at] = Node(b"trun", body[:8] + pack(">i", offset) + body[12:])
    for at, child in enumerate(children):
        if child.kind == b"tfhd" and int.from_bytes(child.body[1:4]) & _HAS_BASE:
            children[at] = Node(b"tfhd", bytes(child.body[:8]) + pack(">Q", base) + bytes(child.body[16:]))
        elif child.kind == b"saio":
            children[at] = _auxiliary(child, part.base, moves, grown)
    return replace(traf, children=tuple(children))


def _auxiliary(saio: Node, base: int, moves: Moves, grown: Box | None) -> Node:
    """Move the offsets of auxiliary information, which count from the base (§8.7.9)."""
    at = 4 + (8 if int.from_bytes(saio.body[1:4]) & 1 else 0)
    width = 8 if saio.body[0] else 4
    count = int.from_bytes(saio.body[at : at + 4])
    table = bytes(saio.body[at + 4 : at + 4 + count * width])
    if len(table) != count * width:
        raise broken(f"{named(saio.kind)} declares {count} entries in {len(saio.body)} bytes")
    offsets = np.frombuffer(table, f">u{width}").astype(np.int64) + base
    if grown and ((offsets >= grown.start) & (offsets < grown.stop)).any():
        raise broken("auxiliary information stands within a fragment that has to grow")
    moved = moves.all(offsets) - moves(base)
    if len(moved) and not (moved.min() >= 0 and int(moved.max()) < 1 << 8 * width - 1):
        raise broken("an offset of auxiliary information does not fit its field")
    body = bytes(saio.body)
    return Node(b"saio", body[: at + 4] + moved.astype(f">u{width}").tobytes() + body[at + 4 + len(table) :])


def lengths(olds: Iterable[Fragment], news: Iterable[Fragment]) -> Iterator[tuple[int, int, int]]:
    """Return what fragments that change do to their length, as ``(start, stop, new length)``."""
    for old, new in zip(olds, news, strict=True):
        if (length := size(new.node)) != old.place.stop - old.place.start:
            yield old.place.start, old.place.stop, length
