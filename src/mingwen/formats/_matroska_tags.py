"""The ``Tags`` of Matroska in memory: labels in them, and how one comes and others go (RFC 9559 §5.1.8)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mingwen.containers import ebml
from mingwen.containers.ebml import CRC32
from mingwen.domain.labels import WRAPPER_KEY, mentions
from mingwen.formats._shape import Site, Unread, Wrapper

PLACE: Final = "Segment/Tags"
MAX_DEPTH: Final = 16
"""Tags within tags; a box set needs three."""
MAX_NODES: Final = 65_536
"""Elements of one Tags; a sound book with twenty tags for each of two hundred chapters has 16,000."""

_TAG, _TARGETS, _SIMPLE_TAG = 0x7373, 0x63C0, 0x67C8
_MASTERS: Final = frozenset({_TAG, _TARGETS, _SIMPLE_TAG})
_TAG_NAME, _TAG_STRING, _TAG_BINARY = 0x45A3, 0x4487, 0x4485
_VALUES: Final = frozenset({_TAG_STRING, _TAG_BINARY})
_TARGET_IDS: Final = frozenset({0x63C5, 0x63C9, 0x63C4, 0x63C6})
"""A track, an edition, a chapter or an attachment; 0 means all of them."""


@dataclass(frozen=True, slots=True)
class _Node:
    """One element and those in it."""

    kind: int
    raw: bytes
    """All of it, with its head."""
    data: bytes
    children: tuple["_Node", ...]

    def of(self, kind: int) -> Iterator["_Node"]:
        """Yield the children of one kind."""
        return (c for c in self.children if c.kind == kind)

    @property
    def name(self) -> str:
        """The name of a SimpleTag."""
        return next((ebml.text(c.data) for c in self.of(_TAG_NAME)), "")

    @property
    def values(self) -> tuple[tuple[int, str], ...]:
        """The values of a SimpleTag: kind and text, decoded even where it is said to be binary."""
        return tuple((c.kind, ebml.text(c.data)) for c in self.children if c.kind in _VALUES)

    @property
    def is_named(self) -> bool:
        """GB 45438-2025 Annex E a: the name contains AIGC."""
        return WRAPPER_KEY in self.name

    @property
    def is_label(self) -> bool:
        return self.kind == _SIMPLE_TAG and (self.is_named or any(mentions(text) for _, text in self.values))

    @property
    def is_of_all(self) -> bool:
        """Does a Tag tell of the whole file?"""
        return not any(c.kind in _TARGET_IDS and any(c.data) for target in self.of(_TARGETS) for c in target.children)


def findings(payload: bytes, *, first: bool) -> Iterator[Site | Unread]:
    """Return every label; ``first`` says that these tags can be at the guide's place."""
    for tag in _tree(payload).of(_TAG):
        yield from _within(tag, () if tag.is_of_all else ("of a part",), guide=first and tag.is_of_all)


def texts(payload: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and text of every tag."""
    for tag in _tree(payload).of(_TAG):
        yield from _texts(tag)


def labelled(payload: bytes, label: str) -> bytes:
    """Return the payload with the label in a tag of its own behind all others, and no other label."""
    simple = ebml.packed(_TAG_NAME, WRAPPER_KEY.encode()) + ebml.packed(_TAG_STRING, label.encode())
    tag = ebml.packed(_TAG, ebml.packed(_TARGETS, b"") + ebml.packed(_SIMPLE_TAG, simple))
    rest = without(payload)
    if ebml.has_crc(payload):
        return ebml.sealed(ebml.unsealed(rest) + tag)
    return rest + tag


def without(payload: bytes) -> bytes:
    """Return the payload without its labels, as it is if it has none, and empty if no tag is left."""
    kept = _pruned(_tree(payload))
    return kept.data if kept.data == payload or any(kept.of(_TAG)) else b""


def _tree(payload: bytes) -> _Node:
    """Take a payload apart.

    Raises:
        Malformed: it has more than ``MAX_NODES`` elements or is nested deeper than ``MAX_DEPTH`` (``ebml.broken``).
    """
    return _Node(0, b"", payload, _nodes(payload, MAX_DEPTH, iter(range(MAX_NODES))))


def _nodes(payload: bytes, depth: int, budget: Iterator[int]) -> tuple[_Node, ...]:
    out: list[_Node] = []
    for element, data in ebml.inside(payload):
        if next(budget, None) is None or not depth:
            raise ebml.broken(f"expected at most {MAX_NODES} elements of tags, nested at most {MAX_DEPTH} deep")
        children = _nodes(data, depth - 1, budget) if element.kind in _MASTERS else ()
        out.append(_Node(element.kind, payload[element.start : element.stop], data, children))
    return tuple(out)


def _within(master: _Node, path: tuple[str, ...], *, guide: bool) -> Iterator[Site | Unread]:
    """Look at the SimpleTags of a Tag or of another."""
    for simple in master.of(_SIMPLE_TAG):
        here = (*path, simple.name)
        place = f"{PLACE} {'/'.join(here)}"
        if simple.is_named and not simple.values:
            yield Unread(place, "has no text")
        for kind, text in simple.values:
            if simple.is_named:
                exact = guide and here == (WRAPPER_KEY,) and kind == _TAG_STRING
                yield Site(place, text, Wrapper.BARE, guide=exact)
            elif mentions(text):
                yield Site(place, text, Wrapper.WRAPPED, guide=False)
        yield from _within(simple, here, guide=False)


def _texts(master: _Node) -> Iterator[tuple[str, str]]:
    for simple in master.of(_SIMPLE_TAG):
        yield from ((simple.name, text) for kind, text in simple.values if kind == _TAG_STRING)
        yield from _texts(simple)


def _pruned(master: _Node) -> _Node:
    """Leave labels out, and tags that hold nothing else; a checksum is made true again."""
    children = tuple(kept for c in master.children if not c.is_label and (kept := _pruned(c)).raw)
    if len(children) == len(master.children) and all(a is b for a, b in zip(children, master.children, strict=True)):
        return master
    inner = b"".join(c.raw for c in children if c.kind != CRC32)
    data = ebml.sealed(inner) if ebml.has_crc(master.data) else inner
    hollow = master.kind == _TAG and not any(c.kind == _SIMPLE_TAG for c in children)
    return _Node(master.kind, b"" if hollow or not master.kind else ebml.packed(master.kind, data), data, children)
