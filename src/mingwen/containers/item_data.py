"""New bytes for items of a ``meta`` box, in place of the old ones; everything else in the file stays, and is found again."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import BinaryIO

from mingwen.containers.boxes import Box, Node, broken, named, packed, resized, size, walk
from mingwen.containers.chunk_offsets import Shift
from mingwen.containers.edits import Edit, growth_of, size_of, spliced
from mingwen.containers.iloc import IN_FILE, IN_IDAT, Extent, Place, Table
from mingwen.containers.item_meta import Meta, Span
from mingwen.domain.media import Splice
from mingwen.domain.sites import Unread

_ROUNDS = 4
"""Offsets may become wider once, or twice; the rest is room."""


def rewritten(source: BinaryIO, meta: Meta, node: Node, new: Mapping[int, bytes]) -> Splice:
    """Describe the file with ``node`` in place of its meta, but for the ``iloc``, and new bytes for the items of these numbers.

    Nothing but the meta may count from the beginning of the file: no moov, no fragments.

    Raises:
        Malformed: items share their bytes, or the boxes contradict themselves (``iso.broken``).
    """
    end = size_of(source)
    spans = {i.number: meta.spans(i, end, most=end) for i in meta.items if i.number in new}
    meta.require_alone(set(spans), (s for several in spans.values() for s in several), end)
    in_file = _edits(spans, new, in_idat=False)
    in_idat = _edits(spans, new, in_idat=True)
    if any(meta.box.start < e.stop and e.start < meta.box.stop for e in in_file):
        raise broken("an item's place in the file is within the meta")
    idat = b"".join(p if isinstance(p, bytes) else bytes(meta.idat[p.start : p.stop]) for p in spliced(in_idat, len(meta.idat)))
    node = node.with_child(Node(b"idat", idat)) if in_idat else node
    firsts = {number: Extent(several[0].start, len(new[number])) for number, several in spans.items()}
    table = _with_lengths(_moved_in_idat(meta.table.closed(end), in_idat), firsts)
    node = _settled(meta, node, table, in_file)
    sizes = [e for box in walk(source, 0, end) for e in _grown(box, in_file)]
    return spliced([Edit(meta.box.start, meta.box.stop, packed(node)), *in_file, *sizes], end)


def _edits(spans: Mapping[int, tuple[Span, ...]], new: Mapping[int, bytes], *, in_idat: bool) -> list[Edit]:
    """Put an item's new bytes where its first run stands, and take the others out."""
    return [
        Edit(span.start, span.stop, b"" if number else new[item])
        for item, several in spans.items()
        for number, span in enumerate(several)
        if span.in_idat == in_idat
    ]


def _from_behind(edits: Iterable[Edit]) -> list[Shift]:
    """Return what moves, so that each step leaves the pivots of the next ones where they are."""
    return [Shift(e.stop, growth_of([e])) for e in sorted(edits, key=lambda e: -e.start)]


def _with_lengths(table: Table, firsts: Mapping[int, Extent]) -> Table:
    """Let every changed item be one run, which begins where its first did."""
    for place in table.places:
        if place.item in firsts:
            table = table.with_place(Place(place.item, (_first(place, firsts[place.item]),), 0, place.method))
    return table


def _first(place: Place, extent: Extent) -> Extent:
    """Return the run with the place's own offset, which may have moved in the ``idat``."""
    return replace(extent, offset=place.base + place.extents[0].offset)


def _moved_in_idat(table: Table, edits: list[Edit]) -> Table:
    for shift in _from_behind(edits):
        inside = replace(table, places=tuple(replace(p, method=IN_FILE) for p in table.places if p.method == IN_IDAT))
        for place in inside.moved(shift).places:
            table = table.with_place(replace(place, method=IN_IDAT))
    return table


def _settled(meta: Meta, node: Node, table: Table, edits: list[Edit]) -> Node:
    """Return the meta with an ``iloc`` that fits the file with the meta in it."""
    growth = 0
    for _ in range(_ROUNDS):
        moved = table
        shifts = [*_from_behind(edits), Shift(meta.box.stop, growth)]
        for shift in sorted(shifts, key=lambda s: -s.pivot):
            moved = moved.moved(shift)
        node = node.with_child(Node(b"iloc", moved.packed()))
        settled = size(node) - (meta.box.stop - meta.box.start)
        if settled == growth:
            return node
        growth = settled
    raise broken("the offsets of the items do not settle")


def _grown(box: Box | Unread, edits: list[Edit]) -> tuple[Edit, ...]:
    """Return the new size of a box beside the meta, in which items change."""
    if isinstance(box, Unread):
        return ()
    inside = [e for e in edits if box.start < e.stop and e.start < box.stop]
    if not inside:
        return ()
    if any(e.start < box.body or e.stop > box.stop for e in inside):
        raise broken(f"an item reaches beyond {named(box.kind)}")
    return resized(box, box.stop - box.start + growth_of(inside))
