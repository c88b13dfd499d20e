"""FLAC: the field ``AIGC`` in the block VORBIS_COMMENT (TC260-PG-202510A).

Read too: ID3 tags before the mark, blocks of applications and of no known kind, padding, and what stands behind the sound.
Structure: RFC 9639 §8.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from mingwen.containers.edits import Edit, growth_of, read_at, size_of, spliced
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _glued, _id3, _id3_clues, _tagged, _vorbis
from mingwen.formats._shape import Clue, Reading, Unread

MAX_BLOCKS: Final = 1_024
"""Blocks that are walked; a file has five to ten."""
MAX_COMMENT_BLOCKS: Final = 8
"""VORBIS_COMMENT blocks that are read; RFC 9639 §8.6 allows one."""
MAX_TAIL_BYTES: Final = 128 << 10
"""How much of the file's end is searched for labels: the frames of sound do not say where they end."""

_MARK: Final = b"fLaC"
_LAST: Final = 0x80
_PADDING, _COMMENT = 1, 4
_NAMES: Final = {_PADDING: "FLAC PADDING", 2: "FLAC APPLICATION"}
_KNOWN: Final = frozenset({0, 3, 5, 6})
"""Stream info, seek table, cue sheet, picture: they hold no label of the file. RFC 9639 §8.1, table 1."""
_MAX_BLOCK_BYTES: Final = (1 << 24) - 1
_BEHIND: Final = "behind the sound"


@dataclass(frozen=True, slots=True)
class _Block:
    kind: int
    start: int
    """Offset of its head of four bytes."""
    size: int
    last: bool

    @property
    def data(self) -> int:
        return self.start + 4

    @property
    def stop(self) -> int:
        return self.data + self.size


@dataclass(frozen=True, slots=True)
class _Layout:
    tags: tuple[_id3.Tag, ...]
    blocks: tuple[_Block, ...]
    broken: str
    """Why the walk over the blocks ended early, or ""."""

    @property
    def comments(self) -> list[_Block]:
        return [b for b in self.blocks if b.kind == _COMMENT]

    @property
    def others(self) -> list[_Block]:
        """Blocks in which a label may be glued."""
        return [b for b in self.blocks if b.kind != _COMMENT and b.kind not in _KNOWN]


def read(source: BinaryIO) -> Reading:
    """Find labels in the comments, in ID3 tags, in blocks of other kinds and at the file's end."""
    layout = _layout(source)
    readings = [_tagged.read(source, layout.tags)]
    for block in layout.comments[:MAX_COMMENT_BLOCKS]:
        try:
            readings.append(_vorbis.read(_comment(source, block)))
        except Malformed as e:
            readings.append(Reading(unread=(Unread("VORBIS_COMMENT", e.message),)))
    if len(layout.comments) > MAX_COMMENT_BLOCKS:
        reason = f"stands {len(layout.comments)} times, more than the {MAX_COMMENT_BLOCKS} that are read"
        readings.append(Reading(unread=(Unread("VORBIS_COMMENT", reason),)))
    readings += [_glued.read(source, b.data, b.stop, _NAMES.get(b.kind, f"FLAC block {b.kind}")) for b in layout.others]
    if layout.broken:
        readings.append(Reading(unread=(Unread("FLAC blocks", layout.broken),)))
    else:
        readings.append(_glued.read(source, *_tail(source, layout), _BEHIND))
    return Reading(tuple(s for r in readings for s in r.sites), tuple(u for r in readings for u in r.unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Put the field into the first VORBIS_COMMENT, or a new one; padding gives the room, so that the sound need not move."""
    layout = _layout(source)
    if layout.broken or not layout.blocks:
        raise _broken(layout.broken or "expected a block behind the mark, found none")
    if len(layout.comments) > MAX_COMMENT_BLOCKS:
        raise _broken(f"expected one VORBIS_COMMENT, found {len(layout.comments)}")
    glued = {b: edits for b in layout.others if (edits := _glued.blanked(source, b.data, b.stop))}
    edits = [] if layout.comments else _new_block(layout.blocks[0], label)
    for i, block in enumerate(layout.comments):
        edits += _relabelled(source, block, "" if i else label)
    edits += _absorbed([b for b in layout.others if b.kind == _PADDING and b not in glued], edits)
    edits += [e for those in glued.values() for e in those]
    edits += _tagged.without_labels(source, layout.tags)
    return spliced([*edits, *_glued.blanked(source, *_tail(source, layout))], size_of(source))


def _layout(source: BinaryIO) -> _Layout:
    """Walk the blocks.

    Raises:
        Malformed: the mark is not there, or ID3 tags before it cannot be stepped over.
    """
    tags = _tagged.leading(source)
    at = _tagged.behind(tags)
    if read_at(source, at, 4, what="the mark fLaC") != _MARK:
        raise _broken(f"expected the mark fLaC at {at}")
    at, end = at + 4, size_of(source)
    blocks: list[_Block] = []
    while not (blocks and blocks[-1].last):
        if at + 4 > end:
            return _Layout(tags, tuple(blocks), "end without a last one")
        head = read_at(source, at, 4, what="block head")
        block = _Block(head[0] & ~_LAST, at, int.from_bytes(head[1:]), bool(head[0] & _LAST))
        if block.stop > end:
            return _Layout(
                tags, tuple(blocks), f"hold {block.size} bytes at {at}, which is {block.stop - end} more than there are"
            )
        if len(blocks) == MAX_BLOCKS:
            return _Layout(tags, tuple(blocks), f"are more than the {MAX_BLOCKS} that are walked")
        blocks.append(block)
        at = block.stop
    return _Layout(tags, tuple(blocks), "")


def _tail(source: BinaryIO, layout: _Layout) -> tuple[int, int]:
    return _tagged.tail(source, layout.blocks[-1].stop, most=MAX_TAIL_BYTES)


def _comment(source: BinaryIO, block: _Block) -> bytes:
    if block.size > _vorbis.MAX_BYTES:
        raise _broken(f"has {block.size} bytes, more than the {_vorbis.MAX_BYTES} that are read")
    return read_at(source, block.data, block.size, what="VORBIS_COMMENT")


def _new_block(before: _Block, label: str) -> list[Edit]:
    """Put a VORBIS_COMMENT behind the stream info; if that was the last block, the new one is now."""
    (field,) = _vorbis.edits(_vorbis.EMPTY, 0, label)
    data = _vorbis.EMPTY[: field.start] + field.new
    new = _head(_Block(_COMMENT, before.stop, len(data), before.last)) + data
    return [Edit(before.start, before.data, _head(replace(before, last=False))), Edit(before.stop, before.stop, new)]


def _relabelled(source: BinaryIO, block: _Block, label: str) -> list[Edit]:
    inner = _vorbis.edits(_comment(source, block), 0, label)
    head = Edit(block.start, block.data, _head(replace(block, size=block.size + growth_of(inner))))
    return [head, *(Edit(block.data + start, block.data + stop, new) for start, stop, new in inner)]


def _absorbed(padding: list[_Block], edits: list[Edit]) -> list[Edit]:
    """Let the first padding with room take up what the edits grow or shrink by; without one the sound moves, as it may."""
    growth = growth_of(edits)
    for block in padding:
        size = block.size - growth
        if growth and 0 <= size <= _MAX_BLOCK_BYTES:
            cut = max(growth, 0)
            end = Edit(block.stop - cut, block.stop, bytes(max(-growth, 0)))
            return [Edit(block.start, block.data, _head(replace(block, size=size))), end]
    return []


def _head(block: _Block) -> bytes:
    if block.size > _MAX_BLOCK_BYTES:
        raise Refused(
            "flac.too-large",
            f"expected a block of at most {_MAX_BLOCK_BYTES} bytes with the label, got {block.size}",
            hint="shorten the file's comments, or take a cover picture out of them",
        )
    return bytes([block.kind | (_LAST if block.last else 0)]) + block.size.to_bytes(3)


def _broken(what: str) -> Malformed:
    return Malformed("flac.broken", what, hint="the file is damaged or cut off; get a whole copy, or encode it anew")


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the comments with their vendor, and what the ID3 tags hold, a C2PA manifest among it."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    layout = _layout(source)
    for block in layout.comments[:MAX_COMMENT_BLOCKS]:
        try:
            yield from _vorbis.clues(_comment(source, block))
        except Malformed:
            continue
    for tag in layout.tags:
        yield from _id3_clues.clues(source, tag)
