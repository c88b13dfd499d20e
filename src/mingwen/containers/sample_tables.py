"""The sample tables of a track (ISO/IEC 14496-12 §8.5 to §8.9): read as columns, and written anew where samples are replaced.

``stts`` stays, for replaced samples are decoded when the old ones were; chunks stay, so that ``stsc`` does; chunk offsets are
moved by ``chunk_offsets``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from struct import pack
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mingwen.containers.boxes import Node, broken, named
from mingwen.containers.moves import Ints

MAX_SAMPLES: Final = 1_500_000
"""Of one track; seven hours at sixty pictures a second. Each column takes 12 MB then."""
MAX_BYTES: Final = 1 << 48
"""An offset beyond is not believed."""

Flags = NDArray[np.bool_]

_FULL = 4
"""Version and flags."""
_U32: Final = 1 << 32
_I32: Final = 1 << 31
_DEFINED_BY_LENGTH: Final = 1
"""``sgpd`` and ``sbgp``: version 1 has one more field."""
_ALONE: Final = 0x20
"""``sdtp``: this sample depends on no other; nothing is said of the rest (§8.6.4)."""
_TRUE_OF_KEYS: Final = (0, 0x04, _ALONE, _ALONE | 0x04)
_TRUE_OF_OTHERS: Final = (0, 0x04, 0x10, 0x10 | 0x04)
"""It may depend on others, and they on it; but neither is it leading, nor needed by none, nor redundant."""


@dataclass(frozen=True, slots=True)
class Columns:
    """All samples of a track, in the order they are decoded in."""

    offset: Ints
    size: Ints
    dts: Ints
    pts: Ints
    key: Flags
    end: int = 0
    """When the last sample's time is over."""

    @property
    def shown_until(self) -> int:
        """When the picture that is shown last is over, if it lasts as long as the one that is decoded last."""
        return int(self.pts.max()) + self.end - int(self.dts[-1]) if len(self.pts) else self.end

    def __getitem__(self, at: slice) -> "Columns":
        return Columns(self.offset[at], self.size[at], self.dts[at], self.pts[at], self.key[at])


@dataclass(frozen=True, slots=True)
class Changes:
    """The samples that are replaced; ``number`` ascends."""

    number: Ints
    size: Ints
    pts: Ints
    key: Flags


def columns(stbl: Node) -> Columns:
    """Take the tables apart.

    Raises:
        Malformed: they contradict each other, or have more than ``MAX_SAMPLES`` samples (``iso.broken``).
    """
    size = sizes(stbl)
    count = len(size)
    counts, deltas = _runs(stbl, b"stts", count)
    delta = np.repeat(deltas, counts)
    if len(delta) < count:
        raise broken(f"stts knows of {len(delta)} samples, stsz of {count}")
    after = np.cumsum(delta)
    dts = after - delta
    counts, values = _runs(stbl, b"ctts", count)
    shift = np.repeat(values.astype(np.uint32).view(np.int32).astype(np.int64), counts)
    pts = dts.copy()
    pts[: len(shift)] += shift
    return Columns(_offsets(stbl, size), size, dts, pts, _keys(stbl, count), int(after[-1]) if count else 0)


def sizes(stbl: Node) -> Ints:
    """Return the sizes of the samples (§8.7.3)."""
    stsz, stz2 = stbl.first(b"stsz"), stbl.first(b"stz2")
    if stsz is not None:
        fixed, count = (int(n) for n in _numbers(stsz, _FULL, 2))
        _bounded(count)
        return np.full(count, fixed, np.int64) if fixed else _numbers(stsz, 12, count)
    if stz2 is None:
        raise broken("a track has no sizes of samples")
    bits, count = (int(n) for n in _numbers(stz2, _FULL, 2))
    bits &= 0xFF
    _bounded(count)
    if bits == 4:  # noqa: PLR2004 - two sizes a byte
        pairs = _numbers(stz2, 12, (count + 1) // 2, "u1")
        return np.stack((pairs >> 4, pairs & 15), axis=1).ravel()[:count]
    if bits not in {8, 16}:
        raise broken(f"stz2 has sizes of {bits} bits")
    return _numbers(stz2, 12, count, f">u{bits // 8}")


def chunks(stbl: Node) -> tuple[Ints, Ints]:
    """Return where chunks begin and how many samples each has (§8.7.4, §8.7.5).

    Raises:
        Malformed: the tables contradict each other (``iso.broken``).
    """
    box = stbl.first(b"stco") or stbl.first(b"co64")
    if box is None:
        raise broken("a track has no offsets of chunks")
    (count,) = (int(n) for n in _numbers(box, _FULL, 1))
    starts = _numbers(box, 8, count, ">u4" if box.kind == b"stco" else ">u8")
    runs = _table(stbl, b"stsc", 3)
    runs = runs[runs[:, 0] <= count]  # some writers leave runs behind that no chunk is in
    first = runs[:, 0] - 1
    if count and (not len(first) or first[0] != 0 or (np.diff(first) <= 0).any()):
        raise broken("the runs of stsc do not ascend from chunk 1")
    return starts, np.repeat(runs[:, 1], np.diff(first, append=count)) if count else starts


def descriptions(stbl: Node) -> set[int]:
    """Return the numbers of the sample descriptions that chunks name; the first is 1."""
    return {int(n) for n in np.unique(_table(stbl, b"stsc", 3)[:, 2])}


def extents(stbl: Node) -> tuple[Ints, Ints]:
    """Return where chunks begin and end; works for sound with any number of samples of one size.

    Raises:
        Malformed: as ``columns``.
    """
    starts, held = chunks(stbl)
    stsz = stbl.first(b"stsz")
    if stsz is not None and (fixed := int(_numbers(stsz, _FULL, 1)[0])):
        return starts, starts + np.minimum(held, MAX_BYTES // fixed) * fixed
    size = sizes(stbl)
    after = np.concatenate(([0], np.cumsum(size)))
    last = np.minimum(np.cumsum(np.minimum(held, len(size))), len(size))
    return starts, starts + np.diff(after[last], prepend=0)


def replaced(stbl: Node, old: Columns, changes: Changes) -> Node:
    """Return the tables for a track whose samples are replaced so; what says nothing else stays byte for byte."""
    size, pts, key = old.size.copy(), old.pts.copy(), old.key.copy()
    size[changes.number], pts[changes.number], key[changes.number] = changes.size, changes.pts, changes.key
    new = replace(old, size=size, pts=pts, key=key)
    children = stbl.children or ()
    if (size != old.size).any():
        children = tuple(_stsz(size) if c.kind in {b"stsz", b"stz2"} else c for c in children)
    if (pts != old.pts).any():
        between = shifts(pts, old.dts)
        children = _with(children, _ctts(between, stbl.first(b"ctts")))
        children = tuple(_cslg(c, between, new) if c.kind == b"cslg" else c for c in children)
    if (key != old.key).any():
        children = _with(children, _stss(key))
    return replace(stbl, children=tuple(_MENDS[c.kind](c, changes) if c.kind in _MENDS else c for c in children))


def shifts(pts: Ints, dts: Ints) -> Ints:
    """Return how long after they are decoded samples are shown.

    Raises:
        Malformed: it is more than 32 bits can say (``iso.broken``).
    """
    found = pts - dts
    if (np.abs(found) >= _I32).any():
        raise broken("a sample would be shown long before or after it is decoded")
    return found


def dependencies(node: Node, changes: Changes) -> Node:
    """Mend a ``sdtp`` that says of replaced samples what was true of the old ones (§8.6.4)."""
    body = np.frombuffer(bytes(node.body), np.uint8).copy()
    here = _FULL + changes.number < len(body)
    at, key = _FULL + changes.number[here], changes.key[here]
    old = body[at]
    true = np.where(key, np.isin(old, _TRUE_OF_KEYS), np.isin(old, _TRUE_OF_OTHERS))
    body[at] = np.where(true, old, np.where(key, _ALONE, 0))
    return replace(node, body=body.tobytes())


def ungrouped(node: Node, changes: Changes) -> Node:
    """Take replaced samples out of the groups of a ``sbgp``: what those say of a picture was true of the old one."""
    at = _FULL + (8 if node.body[0] >= _DEFINED_BY_LENGTH else 4)
    (count,) = (int(n) for n in _numbers(node, at, 1))
    runs = _numbers(node, at + 4, 2 * count).reshape(-1, 2)
    left = MAX_SAMPLES
    group = np.repeat(runs[:, 1], _bounded_counts(runs[:, 0], left))
    here = changes.number[changes.number < len(group)]
    if not group[here].any():
        return node
    group[here] = 0
    return replace(node, body=bytes(node.body[:at]) + _packed_runs(group))


# --- reading ------------------------------------------------------------------------------------------------------------


def _numbers(node: Node, at: int, count: int, kind: str = ">u4") -> Ints:
    """Return ``count`` numbers that stand at ``at`` in a box."""
    stop = at + count * np.dtype(kind).itemsize
    if stop > len(node.body):
        raise broken(f"{named(node.kind)} declares {count} entries in {len(node.body)} bytes")
    numbers = np.frombuffer(node.body[at:stop], kind).astype(np.int64)
    if kind == ">u8" and len(numbers) and not 0 <= numbers.min() <= numbers.max() < MAX_BYTES:
        raise broken(f"{named(node.kind)} points behind what a file can have")
    return numbers


def _table(stbl: Node, kind: bytes, width: int) -> Ints:
    """Return the entries of a full box that begins with their number, as rows of ``width``; none if it is missing."""
    node = stbl.first(kind)
    if node is None:
        return np.empty((0, width), np.int64)
    (count,) = (int(n) for n in _numbers(node, _FULL, 1))
    return _numbers(node, 8, count * width).reshape(-1, width)


def _runs(stbl: Node, kind: bytes, most: int) -> tuple[Ints, Ints]:
    """Return how often each value of a table comes, ``most`` times in all, and the values."""
    rows = _table(stbl, kind, 2)
    return _bounded_counts(rows[:, 0], most), rows[:, 1]


def _bounded_counts(counts: Ints, most: int) -> Ints:
    """Let counts end where their sum reaches ``most``."""
    after = np.minimum(np.cumsum(np.minimum(counts, most)), most)
    held: Ints = np.diff(after, prepend=0)
    return held


def _bounded(count: int) -> None:
    if count > MAX_SAMPLES:
        raise broken(f"a track declares {count} samples, more than {MAX_SAMPLES}")


def _offsets(stbl: Node, size: Ints) -> Ints:
    starts, held = chunks(stbl)
    counts = _bounded_counts(held, len(size))
    if int(counts.sum()) < len(size):
        raise broken(f"{len(starts)} chunks hold {int(counts.sum())} samples, stsz knows of {len(size)}")
    before = np.cumsum(size) - size
    first = np.cumsum(counts) - counts
    # The offset of a sample is that of its chunk and all before it in the chunk.
    base = starts - (before[np.minimum(first, len(size) - 1)] if len(size) else 0)
    offsets: Ints = np.repeat(base, counts) + before
    return offsets


def _keys(stbl: Node, count: int) -> Flags:
    """Return which samples are sync samples; without a table all are (§8.6.2)."""
    if stbl.first(b"stss") is None:
        return np.ones(count, np.bool_)
    numbers = _table(stbl, b"stss", 1)[:, 0] - 1
    key = np.zeros(count, np.bool_)
    key[numbers[(numbers >= 0) & (numbers < count)]] = True
    return key


# --- writing ------------------------------------------------------------------------------------------------------------


def _with(children: tuple[Node, ...], new: Node) -> tuple[Node, ...]:
    """Put a table where the old one stands, or behind the times."""
    if any(c.kind == new.kind for c in children):
        return tuple(new if c.kind == new.kind else c for c in children)
    at = next(i for i, c in enumerate(children) if c.kind == b"stts") + 1
    return (*children[:at], new, *children[at:])


def _stsz(size: Ints) -> Node:
    return Node(b"stsz", pack(">III", 0, 0, len(size)) + size.astype(">u4").tobytes())


def _stss(key: Flags) -> Node:
    numbers = np.flatnonzero(key) + 1
    return Node(b"stss", pack(">II", 0, len(numbers)) + numbers.astype(">u4").tobytes())


def _ctts(shifts: Ints, old: Node | None) -> Node:
    """Write composition offsets; only version 1 has negative ones (§8.6.1.3), unless the file was of another mind before."""
    before = old.body[8 + 4 :: 8] if old else b""
    signed = any(b & 0x80 for b in bytes(before))
    version = old.body[0] if old and (signed or (shifts >= 0).all()) else int((shifts < 0).any())
    return Node(b"ctts", bytes([version, 0, 0, 0]) + _packed_runs(shifts))


def _packed_runs(values: Ints) -> bytes:
    """Write a count of runs, and each run's length and value."""
    starts = np.flatnonzero(np.diff(values, prepend=values[:1] - 1))
    runs = np.stack((np.diff(starts, append=len(values)), values[starts] & (_U32 - 1)), axis=1)
    return pack(">I", len(runs)) + runs.astype(">u4").tobytes()


def _cslg(node: Node, shifts: Ints, new: Columns) -> Node:
    """Let the bounds of composition hold the new times too (§8.6.1.4)."""
    kind = ">i8" if node.body[0] else ">i4"
    bounds = np.frombuffer(bytes(node.body[_FULL:]), kind)
    if len(bounds) != 5:  # noqa: PLR2004 - its fields
        raise broken(f"cslg has {len(node.body)} bytes")
    _, least, greatest, start, end = (int(b) for b in bounds)
    least, greatest = min(least, int(shifts.min())), max(greatest, int(shifts.max()))
    values = (max(0, -least), least, greatest, min(start, int(new.pts.min())), max(end, int(new.pts.max())))
    if any(abs(v) >= 1 << 31 for v in values) and kind == ">i4":
        raise broken("the times of cslg need more than its 32 bits")
    return replace(node, body=bytes(node.body[:_FULL]) + np.array(values, kind).tobytes())


_MENDS: Final[dict[bytes, Callable[[Node, Changes], Node]]] = {b"sdtp": dependencies, b"sbgp": ungrouped}
