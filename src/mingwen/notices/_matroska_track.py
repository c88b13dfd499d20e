"""The video track of Matroska and WebM: read as samples, and written anew with some of them replaced (RFC 9559).

New bytes stand where the old ones stood; sizes keep their widths where they can, positions in cues and heads are moved, and
checksums of what changes are made anew; that of a whole Segment becomes a Void.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from struct import pack
from typing import BinaryIO, Final
from zlib import crc32

import numpy as np

from mingwen.containers import ebml, matroska, matroska_index
from mingwen.containers.ebml import CRC32, Element
from mingwen.containers.edits import Edit, copied, growth_of, read_at, size_of, streamed
from mingwen.containers.matroska import Block, Cluster, Entry, Segment
from mingwen.containers.matroska_index import Index
from mingwen.containers.moves import Ints, Moves
from mingwen.containers.sample_tables import MAX_SAMPLES, Changes, Columns
from mingwen.domain.errors import Misused
from mingwen.domain.media import Keep, Splice
from mingwen.notices._samples import Samples, Spans, changes, require, spans
from mingwen.notices._track import New, Sample, Track

_SECOND: Final = 1_000_000_000
"""In nanoseconds."""
_ROUNDS: Final = 8
"""Positions that grow make their index grow, which moves positions; each number grows seven times at most."""
_I16 = 1 << 15


def read(source: BinaryIO) -> Track | None:
    """Read the first video track; None where there is none.

    Raises:
        Malformed: elements contradict each other (``ebml.broken``, ``file.truncated``).
    """
    segment = matroska.segment(source)
    entry = _entry(source, segment)
    if entry is None:
        return None
    nanoseconds = matroska.timestamp_scale(source, segment)
    columns, laced = _columns(source, segment, entry.number, -(-entry.nanoseconds // nanoseconds))
    uneven = "" if _SECOND % nanoseconds == 0 else f"its ticks of {nanoseconds} ns make no whole second"
    first = int(columns.pts.min()) if len(columns.pts) else 0
    return Track(
        entry.codec,
        entry.config,
        entry.width,
        entry.height,
        max(_SECOND // nanoseconds, 1),
        Samples(columns),
        entry.aspect,
        entry.matrix,
        first,
        columns.end,
        entry.obstacle or laced or uneven,
    )


def spliced(source: BinaryIO, sink: BinaryIO, track: Track, news: Mapping[int, New], config: bytes | None) -> None:
    """Write the file anew with some samples replaced; see ``_track``.

    Raises:
        Misused: the track has an obstacle (``track.obstacle``), or samples in ``news`` cannot be replaced, or be shown so far
            from where they stand (``track.news``).
        Malformed: as ``read``.
    """
    for piece in _pieces(source, track, news, config):
        sink.writelines([piece] if isinstance(piece, bytes) else copied(source, piece.start, piece.stop))


def pieces(source: BinaryIO, track: Track, news: Mapping[int, New], config: bytes | None) -> Splice:
    """Describe what ``spliced`` writes, for those who let the kernel copy."""
    return tuple(_pieces(source, track, news, config))


# --- reading ------------------------------------------------------------------------------------------------------------


def _entry(source: BinaryIO, segment: Segment) -> Entry | None:
    tracks = segment.first(matroska.TRACKS)
    return matroska.video(matroska.payload(source, tracks)) if tracks else None


def _columns(source: BinaryIO, segment: Segment, number: int, usual: int) -> tuple[Columns, str]:
    """Return all samples, and what stands against replacing them; ``usual`` is how many ticks a picture lasts."""
    offset, size, pts, key = array("q"), array("q"), array("q"), array("b")
    laced, lasts = "", (0, 0)
    for cluster in segment.clusters:
        for block in matroska.blocks(source, cluster, number):
            if len(size) == MAX_SAMPLES:
                raise ebml.broken(f"expected at most {MAX_SAMPLES} pictures")
            if block.flags & matroska.LACED:
                laced = "its blocks are laced"
            time = cluster.time + block.time
            offset.append(block.payload)
            size.append(block.inner.stop - block.payload)
            pts.append(time)
            key.append(block.key)
            lasts = max(lasts, (time, block.duration or usual))
    shown = np.array(pts, np.int64)
    decoded = np.sort(shown)
    # Nothing says when pictures are decoded: in the order they are shown in, and none later than it is shown.
    early = int((decoded - shown).max()) if len(shown) else 0
    end = sum(lasts)
    row = Columns(np.array(offset, np.int64), np.array(size, np.int64), decoded - early, shown, np.array(key, np.bool_), end)
    return row, laced


# --- writing ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Frame:
    """What stands around the new bytes of a sample."""

    start: int
    stop: int
    before: bytes
    after: bytes


def _pieces(source: BinaryIO, track: Track, news: Mapping[int, New], config: bytes | None) -> Iterator[Keep | bytes]:
    require(track)
    segment = matroska.segment(source)
    entry = _entry(source, segment)
    if entry is None or not isinstance(track.samples, Samples):
        raise Misused("track.news", "expected the track as it was read, got another", hint="read it again")
    columns = track.samples.columns
    changed = changes(columns, news)
    wanted = spans(columns, changed)
    frames = _frames(source, segment, entry.number, track, wanted, news)
    whole = [(f.start, f.stop, len(f.before) + int(n) + len(f.after)) for f, n in zip(frames, wanted.length, strict=True)]
    table = np.array(whole or np.empty((0, 3)), np.int64)
    numbers = wanted.number.tolist()

    def blocks(first: int, last: int) -> Iterator[Edit]:
        return (
            Edit(f.start, f.stop, f.before + news[n].data + f.after)
            for n, f in zip(numbers[first:last], frames[first:last], strict=True)
        )

    index = _retimed(entry.number, columns, changed)
    edits = sorted(_settled(source, segment, table, _fixed(source, segment, table, config), index))
    edits += _sealed(source, segment, table, edits, blocks)
    return streamed(merge(sorted(edits), blocks(0, len(frames))), size_of(source))


def _retimed(number: int, columns: Columns, changed: Changes) -> Index:
    """Say what cues have to know of samples that are replaced."""
    old = columns.pts[changed.number].tolist()
    new = zip(changed.pts.tolist(), changed.key.tolist(), strict=True)
    return Index(number, {a: b if key else None for a, (b, key) in zip(old, new, strict=True)})


def _frames(
    source: BinaryIO, segment: Segment, number: int, track: Track, wanted: Spans, news: Mapping[int, New]
) -> list[_Frame]:
    """Find the blocks of the samples that are replaced."""
    starts = np.array([c.start for c in segment.clusters], np.int64)
    at = np.searchsorted(starts, wanted.start, side="right") - 1
    out: list[_Frame] = []
    found: dict[int, Block] = {}
    last = -1
    for n, offset, stop, c in zip(wanted.number.tolist(), wanted.start.tolist(), wanted.stop.tolist(), at.tolist(), strict=True):
        if c != last:
            found, last = {b.payload: b for b in matroska.blocks(source, segment.clusters[c], number)}, c
        block = found.get(offset)
        if block is None or block.inner.stop != stop:
            raise ebml.broken(f"expected a block at {offset}, where it was before")
        out.append(_frame(source, segment.clusters[c], block, news[n], track.samples[max(n - 1, 0)]))
    return out


def _frame(source: BinaryIO, cluster: Cluster, block: Block, new: New, before: Sample) -> _Frame:
    """Build what stands around new bytes: the heads of block and group, and the group's other children."""
    time = new.pts - cluster.time
    if not -_I16 <= time < _I16 or new.pts < 0:
        raise Misused("track.news", f"expected a time within 32768 ticks of its Cluster, got {new.pts}", hint="keep the times")
    track = read_at(source, block.inner.data, block.payload - 3 - block.inner.data, what="a block")
    simple = block.inner.kind == matroska.SIMPLE_BLOCK
    flags = block.flags & ~(matroska.KEY | matroska.DISCARDABLE) | (matroska.KEY if simple and new.key else 0)
    head = track + pack(">hB", time, flags)
    inner = _head(source, block.inner, len(head) + len(new.data)) + head
    if simple:
        return _Frame(block.start, block.stop, inner, b"")
    ahead, behind = [b""], [b""]
    refers = False
    for child in ebml.walk(source, block.data, block.stop):
        raw = read_at(source, child.start, child.stop - child.start, what="a BlockGroup") if child.kind != matroska.BLOCK else b""
        if child.kind == CRC32 or (child.kind == matroska.REFERENCE_BLOCK and new.key):
            continue
        refers = refers or child.kind == matroska.REFERENCE_BLOCK
        (ahead if child.start < block.inner.start else behind).append(raw)
    if not new.key and not refers:  # what refers to none is a key (§10.2)
        gap = before.pts - new.pts or -1
        behind.append(ebml.packed(matroska.REFERENCE_BLOCK, gap.to_bytes(8, signed=True)))
    left, right = b"".join(ahead) + inner, b"".join(behind)
    group = Element(matroska.BLOCK_GROUP, block.start, block.data, block.stop, known=True)
    return _Frame(block.start, block.stop, _head(source, group, len(left) + len(new.data) + len(right)) + left, right)


def _head(source: BinaryIO, old: Element, size: int) -> bytes:
    """Write an element's ID and size, which keeps its width if it can."""
    head = read_at(source, old.start, old.data - old.start, what="an element")
    id_bytes = (old.kind.bit_length() + 7) // 8
    return head[:id_bytes] + ebml.sized(size, len(head) - id_bytes)


def _resized(source: BinaryIO, old: Element, size: int) -> Edit:
    return Edit(old.start, old.data, _head(source, old, size))


def _fixed(source: BinaryIO, segment: Segment, table: Ints, config: bytes | None) -> list[Edit]:
    """Return the edits that nothing moves: sizes of Clusters, checksums, the decoder configuration."""
    out: list[Edit] = []
    growth = table[:, 2] - (table[:, 1] - table[:, 0])
    for cluster in segment.clusters:
        a, b = np.searchsorted(table[:, 0], (cluster.data, cluster.stop))
        if a == b:
            continue
        if cluster.known and (grown := int(growth[a:b].sum())):
            element = Element(matroska.CLUSTER, cluster.start, cluster.data, cluster.stop, known=True)
            out.append(_resized(source, element, cluster.stop - cluster.data + grown))
    out += [Edit(p.start, p.stop, ebml.void(p.stop - p.start)) for p in segment.parts if p.kind == CRC32]
    if config is not None and (tracks := segment.first(matroska.TRACKS)):
        new = _configured(matroska.payload(source, tracks), config)
        out.append(Edit(tracks.start, tracks.stop, _head(source, tracks, len(new)) + new))
    return out


def _configured(tracks: bytes, config: bytes) -> bytes:
    """Return the payload of Tracks with another configuration in the first video track."""
    inside, out, done = ebml.unsealed(tracks), list[bytes](), False
    for element, body in ebml.inside(inside):
        raw = inside[element.start : element.stop]
        if element.kind == matroska.TRACK_ENTRY and not done and matroska.video(raw):
            kept = {e.kind: body[e.start : e.stop] for e, _ in ebml.inside(body) if e.kind != CRC32}
            kept[matroska.CODEC_PRIVATE] = ebml.packed(matroska.CODEC_PRIVATE, config)
            raw, done = ebml.packed(matroska.TRACK_ENTRY, b"".join(kept.values())), True
        out.append(raw)
    new = b"".join(out)
    return ebml.sealed(new) if ebml.has_crc(tracks) else new


def _settled(source: BinaryIO, segment: Segment, table: Ints, fixed: list[Edit], index: Index) -> list[Edit]:
    """Return all edits but those of blocks, with every position as it is in the output."""
    indexes = {p: matroska.payload(source, p) for p in segment.parts if p.kind in {matroska.CUES, matroska.SEEKHEAD}}
    news = dict(indexes)
    for _ in range(_ROUNDS):
        lengths = [(p.start, p.stop, len(_head(source, p, len(new)) + new)) for p, new in news.items()]
        rows = [*((e.start, e.stop, len(e.new)) for e in fixed), *lengths]
        moves = Moves(*np.concatenate((table, np.array(rows or np.empty((0, 3)), np.int64))).T)
        again = {p: matroska_index.moved(p, old, segment, moves, index) for p, old in indexes.items()}
        settled = {p: len(new) for p, new in again.items()} == {p: len(new) for p, new in news.items()}
        news = again
        if settled:
            break
    else:
        raise ebml.broken("expected positions to settle, but they grow and grow")
    edits = [Edit(p.start, p.stop, _head(source, p, len(new)) + new) for p, new in news.items() if new != indexes[p]]
    edits += [*fixed, *matroska_index.positions(segment, moves)]
    growth = growth_of(edits) + int((table[:, 2] - (table[:, 1] - table[:, 0])).sum())
    if growth and segment.head.known:
        edits.append(_resized(source, segment.head, segment.stop - segment.head.data + growth))
    return edits


def _sealed(
    source: BinaryIO, segment: Segment, table: Ints, edits: list[Edit], blocks: Callable[[int, int], Iterator[Edit]]
) -> Iterator[Edit]:
    """Make the checksums of Clusters anew in which anything changes (RFC 8794 §11.3.1)."""
    for cluster in segment.clusters:
        crc = next((e for e in cluster.heads if e.kind == CRC32), None)
        if crc is None:
            continue
        a, b = np.searchsorted(table[:, 0], (crc.stop, cluster.stop)).tolist()
        here = edits[bisect_left(edits, (crc.stop,)) : bisect_left(edits, (cluster.stop,))]
        if here or a < b:
            total = 0
            for piece in streamed(merge(here, blocks(a, b)), cluster.stop, start=crc.stop):
                for data in [piece] if isinstance(piece, bytes) else copied(source, piece.start, piece.stop):
                    total = crc32(data, total)
            yield Edit(crc.start, crc.stop, ebml.packed(CRC32, total.to_bytes(4, "little")))
