"""Boxes of the ISO base media file format (ISO/IEC 14496-12 §4.2) and atoms of QuickTime, which are the same thing.

Two ways to look at them: ``walk`` steps over boxes in the stream and reads headers only; ``tree`` takes a box that is in memory
apart, as far as ``INSIDE`` says, and ``packed`` puts it together again. What cannot be followed comes back as ``Unread``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from struct import pack
from typing import BinaryIO, Final

from mingwen.containers.edits import Edit, read_at
from mingwen.domain.errors import Malformed
from mingwen.domain.sites import Unread

MAX_WALKED: Final = 200_000
"""Boxes beside each other; ten hours of two-second fragments have 72,000."""
MAX_NODES: Final = 65_536
"""Boxes in one tree; a film with twenty tracks and all its tags has some 500."""

INSIDE: Final[dict[bytes, frozenset[bytes]]] = {
    b"moov": frozenset({b"trak", b"udta", b"meta"}),
    b"trak": frozenset({b"mdia", b"udta", b"meta"}),
    b"mdia": frozenset({b"minf"}),
    b"minf": frozenset({b"stbl", b"dinf"}),
    b"stbl": frozenset(),
    b"dinf": frozenset(),
    b"udta": frozenset({b"meta"}),
    b"meta": frozenset({b"ilst"}),
    b"ilst": frozenset(),
}
"""Which children of a box are taken apart in turn. It has no cycle, so that it bounds the depth as well."""

_SHORT_HEAD = 8
_LONG_HEAD = 16


@dataclass(frozen=True, slots=True)
class Box:
    """Where one box stands; offsets count from the beginning of what was walked."""

    kind: bytes
    start: int
    head: int
    """Length of its header: 8, or 16 with a 64-bit size."""
    stop: int

    @property
    def body(self) -> int:
        """Where its payload begins."""
        return self.start + self.head


@dataclass(frozen=True, slots=True)
class Node:
    """A box in memory: a leaf, or one with children."""

    kind: bytes
    body: bytes | memoryview = b""
    """The payload of a leaf; of others what stands before the children (version and flags of a ``meta``)."""
    children: "tuple[Node, ...] | None" = None
    tail: bytes | memoryview = b""
    """What stands after the children and is no box, such as the four zero bytes that may end a QuickTime ``udta``."""

    def first(self, kind: bytes) -> "Node | None":
        """Return the first child of that kind."""
        return next((c for c in self.children or () if c.kind == kind), None)

    def with_child(self, new: "Node") -> "Node":
        """Put ``new`` where the first child of its kind stands, or at the end."""
        children = self.children or ()
        at = next((i for i, c in enumerate(children) if c.kind == new.kind), len(children))
        return replace(self, children=(*children[:at], new, *children[at + 1 :]))


def walk(source: BinaryIO, start: int, stop: int) -> Iterator[Box | Unread]:
    """Step over the boxes between two offsets of a stream; a fault is the last thing that comes."""

    def raw(at: int) -> bytes:
        return read_at(source, at, min(_LONG_HEAD, stop - at), what="a box header")

    return _steps(raw, start, stop)


def boxes(data: bytes | memoryview) -> Iterator[Box | Unread]:
    """Step over the boxes in ``data``, as ``walk`` does."""
    return _steps(lambda at: data[at : at + _LONG_HEAD], 0, len(data))


def tree(kind: bytes, data: memoryview) -> tuple[Node, tuple[Unread, ...]]:
    """Take a box apart, with everything in it that could not be followed (it stays in a ``tail``)."""
    faults: list[Unread] = []
    left = [MAX_NODES]
    return _node(kind, data, kind.decode("latin-1"), (faults, left)), tuple(faults)


def packed(node: Node) -> bytes:
    """Write a box, with its header.

    Raises:
        Malformed: it would not fit its 32-bit size.
    """
    return b"".join(_parts(node))


def size(node: Node) -> int:
    """Return how long the box is when written, in bytes."""
    return _SHORT_HEAD + len(node.body) + sum(size(c) for c in node.children or ()) + len(node.tail)


def named(kind: bytes) -> str:
    """Return a box's four bytes as text for people: ``©cmt``."""
    text = kind.decode("latin-1")
    return text if text.isprintable() else f"0x{kind.hex()}"


def resized(box: Box, length: int) -> tuple[Edit, ...]:
    """Let a box that stands in a file declare another length, header included.

    Raises:
        Malformed: it would not fit its field (``iso.broken``).
    """
    wide = box.head == _LONG_HEAD  # the 64-bit size stands behind the kind
    if length >= 1 << 32 and not wide:
        raise broken(f"{named(box.kind)} would have {length} bytes")
    at, width = (box.start + 8, 8) if wide else (box.start, 4)
    return (Edit(at, at + width, length.to_bytes(width)),)


def broken(what: str) -> Malformed:
    """Build the one error for boxes that contradict themselves."""
    return Malformed(
        "iso.broken",
        f"expected sound boxes, but {what}",
        hint="the file is damaged; write it anew, for example with ffmpeg -c copy",
    )


def _steps(raw: Callable[[int], bytes | memoryview], start: int, stop: int) -> Iterator[Box | Unread]:
    at = start
    for _ in range(MAX_WALKED):
        if stop - at < _SHORT_HEAD:
            return
        step = _header(raw(at), at, stop)
        yield step
        if isinstance(step, Unread):
            return
        at = step.stop
    if stop - at >= _SHORT_HEAD:
        yield Unread(f"boxes from byte {at}", f"more than {MAX_WALKED} stand beside each other")


def _header(raw: bytes | memoryview, at: int, limit: int) -> Box | Unread:
    length, head = int.from_bytes(raw[:4]), _SHORT_HEAD
    kind = bytes(raw[4:8])
    if length == 1 and len(raw) == _LONG_HEAD:
        length, head = int.from_bytes(raw[8:16]), _LONG_HEAD
    elif length == 0:  # §4.2: to the end of the file
        length = limit - at
    if length < head:
        return Unread(named(kind), f"declares {length} bytes at byte {at}, less than its own header")
    if length > limit - at:
        return Unread(named(kind), f"declares {length} bytes at byte {at}, but {limit - at} are left")
    return Box(kind, at, head, at + length)


def _node(kind: bytes, data: memoryview, path: str, state: tuple[list[Unread], list[int]]) -> Node:
    faults, left = state
    # A QuickTime meta is a plain box; an ISO one has version and flags, which are zero, where no box can have its size.
    at = 4 if kind == b"meta" and data[:4] == bytes(4) else 0
    before = data[:at]
    children: list[Node] = []
    for step in boxes(data[at:]):
        if isinstance(step, Unread):
            faults.append(Unread(f"{path}/{step.place}", step.reason))
            break
        if data[at : at + 4] == bytes(4):
            break  # a terminator, or padding: inside another box no size is open
        left[0] -= 1
        if left[0] < 0:
            faults.append(Unread(path, f"holds more than {MAX_NODES} boxes"))
            break
        inner = data[at + step.head : at + step.stop - step.start]
        deeper = step.kind in INSIDE[kind]
        children.append(_node(step.kind, inner, f"{path}/{named(step.kind)}", state) if deeper else Node(step.kind, inner))
        at += step.stop - step.start
    tail = data[at:]
    if not faults and any(tail):
        faults.append(Unread(path, f"ends in {len(tail)} bytes that are no box"))
    return Node(kind, before, tuple(children), tail)


def _parts(node: Node) -> Iterator[bytes | memoryview]:
    length = size(node)
    if length >= 1 << 32:
        raise broken(f"{named(node.kind)} would grow to {length} bytes")
    yield pack(">I4s", length, node.kind)
    yield node.body
    for child in node.children or ():
        yield from _parts(child)
    yield node.tail
