"""What is said about the items of a ``meta`` box: properties (``iprp``, ISO/IEC 23008-12 §9.3) and references (``iref``)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from struct import pack
from typing import Final, TypeAlias

from mingwen.containers.boxes import Node, boxes, broken, named, packed
from mingwen.domain.sites import Unread

MAX_PROPERTIES: Final = 32_767
"""What an index of 15 bits can name."""
MAX_ASSOCIATIONS: Final = 1_000_000
MAX_REFERENCES: Final = 200_000

_WIDE_INDEX = 0x000001
"""``ipma``: indices have 15 bits, not 7."""
_NARROW_TOP = 127

Association: TypeAlias = tuple[int, bool]
"""Which property, counted from 1; and whether a reader must understand it."""


@dataclass(frozen=True, slots=True)
class _Table:
    """One ``ipma``."""

    version: int
    flags: int
    entries: tuple[tuple[int, tuple[Association, ...]], ...]


@dataclass(frozen=True, slots=True)
class Properties:
    """All of an ``iprp``."""

    nodes: tuple[Node, ...]
    tables: tuple[_Table, ...]

    def of(self, item: int) -> tuple[Node, ...]:
        """Return an item's properties, in the order in which they apply."""
        return tuple(self.nodes[at - 1] for at, _ in self._associations(item))

    def first(self, item: int, kind: bytes, start: bytes = b"") -> Node | None:
        """Return an item's first property of that kind whose payload begins so."""
        return next((n for n in self.of(item) if n.kind == kind and bytes(n.body[: len(start)]) == start), None)

    def with_property(self, item: int, new: Node, start: bytes = b"", *, together: Collection[int] = ()) -> "Properties":
        """Give an item ``new`` in place of the property of that kind, or besides the others.

        Where only ``together`` have the old one, it is replaced where it stands; else theirs comes last.
        """
        old = self.first(item, new.kind, start)
        if old is not None and bytes(old.body) == bytes(new.body):
            return self
        at = self.nodes.index(old) + 1 if old is not None else 0
        users = {i for t in self.tables for i, found in t.entries if at in {n for n, _ in found}}
        if old is not None and users <= {item, *together}:
            return replace(self, nodes=(*self.nodes[: at - 1], new, *self.nodes[at:]))
        same = next((n for n, node in enumerate(self.nodes, 1) if node == new), 0)
        nodes = self.nodes if same else (*self.nodes, new)
        if len(nodes) > MAX_PROPERTIES:
            raise broken(f"ipco would hold {len(nodes)} properties")
        target = same or len(nodes)
        found = self._associations(item)
        swapped = tuple((target if n == at else n, must) for n, must in found) if at else (*found, (target, False))
        return replace(self, nodes=nodes, tables=self._changed(item, swapped))

    def without(self, item: int, kinds: Collection[bytes]) -> "Properties":
        """Take properties of these kinds from an item; others may have them still."""
        kept = tuple((at, must) for at, must in self._associations(item) if self.nodes[at - 1].kind not in kinds)
        return replace(self, tables=self._changed(item, kept))

    def packed(self) -> Node:
        """Write the box."""
        children = Node(b"ipco", b"", self.nodes)
        return Node(b"iprp", b"".join(packed(n) for n in (children, *(_packed_table(t) for t in self.tables))))

    def _associations(self, item: int) -> tuple[Association, ...]:
        return next((found for t in self.tables for number, found in t.entries if number == item), ())

    def _changed(self, item: int, new: tuple[Association, ...]) -> tuple[_Table, ...]:
        return tuple(
            replace(t, entries=tuple((number, new if number == item else found) for number, found in t.entries))
            for t in self.tables
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of the ``iref``: §8.11.12."""

    kind: bytes
    item: int
    to: tuple[int, ...]


def properties(meta: Node) -> Properties:
    """Read the properties of a ``meta``.

    Raises:
        Malformed: there are none, too many, or they contradict themselves (``iso.broken``).
    """
    iprp = meta.first(b"iprp")
    children = list(_followed(iprp)) if iprp else []
    nodes = next((tuple(_followed(n)) for n in children if n.kind == b"ipco"), ())
    if not nodes or len(nodes) > MAX_PROPERTIES:
        raise broken(f"the items have {len(nodes)} properties")
    left = [MAX_ASSOCIATIONS]
    tables = tuple(_table(bytes(n.body), len(nodes), left) for n in children if n.kind == b"ipma")
    numbers = [item for t in tables for item, _ in t.entries]
    if len(set(numbers)) < len(numbers):
        raise broken("ipma names an item twice")
    return Properties(nodes, tables)


def references(meta: Node) -> tuple[Reference, ...]:
    """Read the references between the items of a ``meta``.

    Raises:
        Malformed: there are too many, or they contradict themselves (``iso.broken``).
    """
    iref = meta.first(b"iref")
    if iref is None:
        return ()
    wide = 4 if bytes(iref.body[:1]) != b"\0" else 2
    found: list[Reference] = []
    left = MAX_REFERENCES
    for node in _followed(replace(iref, body=iref.body[4:])):
        count = int.from_bytes(node.body[wide : wide + 2])
        numbers = [int.from_bytes(node.body[at : at + wide]) for at in range(wide + 2, (count + 1) * wide + 2, wide)]
        left -= count + 1
        if len(node.body) < (count + 1) * wide + 2 or left < 0:
            raise broken(f"iref names {count} items in {len(node.body)} bytes")
        found.append(Reference(node.kind, int.from_bytes(node.body[:wide]), tuple(numbers)))
    return tuple(found)


def _followed(node: Node) -> Iterator[Node]:
    for step in boxes(node.body):
        if isinstance(step, Unread):
            raise broken(f"in {named(node.kind)} {step.place} {step.reason}")
        if not any(node.body[step.start : step.start + 4]):  # §4.2: only the file's last box may leave its size open
            raise broken(f"in {named(node.kind)} {named(step.kind)} has no size")
        yield Node(step.kind, bytes(node.body[step.body : step.stop]))


def _table(body: bytes, top: int, left: list[int]) -> _Table:
    """Read an ``ipma``: §9.3.2; ``left`` counts down what may still be read."""
    version, flags = body[0] if body else 0, int.from_bytes(body[1:4])
    width, index = (4 if version else 2), (2 if flags & _WIDE_INDEX else 1)
    at, entries = 8, []
    for _ in range(int.from_bytes(body[4:8])):
        item, count = int.from_bytes(body[at : at + width]), int.from_bytes(body[at + width : at + width + 1])
        at += width + 1
        raw = [int.from_bytes(body[n : n + index]) for n in range(at, at + count * index, index)]
        at += count * index
        left[0] -= count + 1
        must = 1 << 8 * index - 1
        found = tuple((n & must - 1, bool(n & must)) for n in raw)
        if at > len(body) or left[0] < 0 or any(n > top for n, _ in found):
            raise broken("ipma reaches beyond its end, or names a property that is not there")
        entries.append((item, tuple(f for f in found if f[0])))  # 0 is none
    return _Table(version, flags, tuple(entries))


def _packed_table(table: _Table) -> Node:
    wide = table.flags & _WIDE_INDEX or any(at > _NARROW_TOP for _, found in table.entries for at, _ in found)
    width, index = (4 if table.version else 2), (2 if wide else 1)
    out = [pack(">II", table.version << 24 | table.flags | (_WIDE_INDEX if wide else 0), len(table.entries))]
    for item, found in table.entries:
        if len(found) > 255:  # noqa: PLR2004 - a byte
            raise broken(f"item {item} would have {len(found)} properties")
        out += (item.to_bytes(width), len(found).to_bytes(1))
        out += [(at | must << 8 * index - 1).to_bytes(index) for at, must in found]
    return Node(b"ipma", b"".join(out))
