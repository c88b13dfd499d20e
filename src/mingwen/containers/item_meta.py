"""The ``meta`` box of a file, taken apart into its items (ISO/IEC 14496-12 §8.11): what they are, and where their bytes stand."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from struct import pack
from typing import BinaryIO, Final, NamedTuple

from mingwen.containers.boxes import Box, Node, boxes, broken, named, tree
from mingwen.containers.edits import read_at, size_of
from mingwen.containers.iloc import IN_FILE, IN_IDAT, MAX_ITEMS, Place, Table
from mingwen.containers.iloc import parse as parse_table
from mingwen.domain.errors import Malformed
from mingwen.domain.sites import Unread

MAX_META_BYTES: Final = 16 << 20
"""Of the whole box; the tables of a picture of 65,536 tiles have 4 MiB."""
MAX_TEXT_BYTES: Final = 8 << 20
"""Of one item that is read, unpacked."""

_XMP_TYPE: Final = "application/rdf+xml"
_READ: Final = frozenset({b"mime", b"Exif", b"uri "})
"""Types of items that may hold text."""
_CDSC: Final = b"cdsc"
_PACKED: Final = frozenset({"deflate", "gzip", "x-gzip", "compress_zlib"})
_U16 = 1 << 16


class Span(NamedTuple):
    """A run of an item's bytes, in the file or in the meta's ``idat``."""

    in_idat: bool
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the ``iinf``."""

    number: int
    kind: bytes
    """Four letters; ``mime`` for those of version 0 and 1, which have none."""
    protected: bool
    content_type: str = ""
    encoding: str = ""
    """What a ``mime`` item is compressed with; empty as a rule."""

    @property
    def is_xmp(self) -> bool:
        """Is it the guide's place?"""
        return self.kind == b"mime" and self.content_type == _XMP_TYPE

    @property
    def may_hold_text(self) -> bool:
        """May a label stand in it?"""
        return self.kind in _READ


@dataclass(frozen=True, slots=True)
class Meta:
    """A ``meta`` box and its items."""

    box: Box
    node: Node
    items: tuple[Item, ...]
    listed: Node
    """The ``iinf`` that they were read from."""
    table: Table
    primary: int | None
    """The item that is the picture; None if the file does not say."""

    @property
    def idat(self) -> bytes | memoryview:
        """The bytes of items that stand in the meta itself."""
        node = self.node.first(b"idat")
        return node.body if node else b""

    def spans(self, item: Item, size: int, *, most: int = MAX_TEXT_BYTES) -> tuple[Span, ...]:
        """Return where an item's bytes stand in a file of ``size`` bytes.

        Raises:
            Malformed: it is encrypted, stands elsewhere, nowhere, or outside the file, or has more than ``most`` bytes
                (``iso.broken``).
        """
        if item.protected:
            raise _unreadable(item, "is protected")
        place = next((p for p in self.table.places if p.item == item.number), None)
        if place is None or not place.extents:
            raise _unreadable(item, "stands nowhere")
        if place.reference or place.method not in {IN_FILE, IN_IDAT}:
            raise _unreadable(item, "stands in another file or item")
        spans = _spans(place, len(self.idat) if place.method == IN_IDAT else size)
        if any(not s.start <= s.stop <= (len(self.idat) if s.in_idat else size) for s in spans):
            raise _unreadable(item, "reaches beyond the end")
        if sum(s.stop - s.start for s in spans) > most:
            raise _unreadable(item, f"has more than the {most} bytes that are read")
        return spans

    def data(self, source: BinaryIO, item: Item, *, most: int = MAX_TEXT_BYTES) -> bytes:
        """Read an item, as it stands.

        Raises:
            Malformed: as ``spans``.
        """
        return b"".join(
            bytes(self.idat[s.start : s.stop]) if s.in_idat else read_at(source, s.start, s.stop - s.start, what="an item")
            for s in self.spans(item, size_of(source), most=most)
        )

    def text(self, source: BinaryIO, item: Item) -> bytes:
        """Read an item and unpack it.

        Raises:
            Malformed: as ``spans``, or it is compressed in a way that is not read, or unpacks to too much (``iso.broken``).
        """
        data = self.data(source, item)
        return _unpacked(item, data) if item.encoding else data

    def require_alone(self, numbers: set[int], spans: Iterable[Span], size: int) -> None:
        """See that no item but those of these ``numbers`` has bytes in ``spans``, and that the spans are apart.

        Raises:
            Malformed: else, since a change of one would change the other (``iso.broken``).
        """
        others = (p for p in self.table.places if p.item not in numbers and not p.reference and p.method in {IN_FILE, IN_IDAT})
        kept = chain.from_iterable(_spans(p, len(self.idat) if p.method == IN_IDAT else size) for p in others)
        reached = {True: (False, 0), False: (False, 0)}
        for span, changed in sorted([*((s, True) for s in spans), *((s, False) for s in kept)]):
            start, stop = (span.in_idat, span.start), (span.in_idat, span.stop)
            if start < stop and start < (max(reached.values()) if changed else reached[True]):
                raise broken(f"two items share their bytes at {span.start}")
            reached[changed] = max(reached[changed], stop)

    def free_number(self) -> int:
        """Return a number for a new item, which no item and no group has (ISO/IEC 14496-12 §8.18.3.3: they share them)."""
        groups = self.node.first(b"grpl")
        taken = {int.from_bytes(groups.body[b.body + 4 : b.body + 8]) for b in _followed(groups, 0)} if groups else set()
        taken |= {i.number for i in self.items} | {p.item for p in self.table.places}
        top = max((n for n in taken if n < _U16), default=0)
        number = next((n for n in chain(range(top + 1, _U16), range(1, top)) if n not in taken), None)
        if number is None:
            raise broken("all numbers of items are taken")
        return number


def parse(source: BinaryIO, box: Box) -> Meta:
    """Take a file's ``meta`` apart.

    Raises:
        Malformed: its boxes contradict themselves, or are too large or too many (``iso.broken``).
    """
    length = box.stop - box.body
    if length > MAX_META_BYTES:
        raise broken(f"meta has {length} bytes, more than the {MAX_META_BYTES} that are read")
    node, faults = tree(b"meta", memoryview(read_at(source, box.body, length, what="meta")))
    if faults:
        raise broken(f"{faults[0].place} {faults[0].reason}")
    kinds = [c.kind for c in node.children or ()]
    if doubled := [k for k in (b"iinf", b"iloc", b"idat", b"iref", b"pitm") if kinds.count(k) > 1]:
        raise broken(f"meta has more than one {named(doubled[0])}")
    iinf, iloc, pitm = node.first(b"iinf"), node.first(b"iloc"), node.first(b"pitm")
    if iinf is None or iloc is None:
        raise broken("meta has no list of items, or does not say where they stand")
    primary = int.from_bytes(pitm.body[4 : 8 if pitm.body[:1] != b"\0" else 6]) if pitm else None
    return Meta(box, node, _items(iinf), iinf, parse_table(bytes(iloc.body)), primary)


def with_item(meta: Meta, number: int) -> Node:
    """Return the meta with a new XMP item that describes the primary one (ISO/IEC 23008-12 §A.3, §6.6.2.1: ``cdsc``)."""
    iinf = meta.listed
    wide = iinf.body[:1] != b"\0"
    at = 8 if wide else 6
    count = int.from_bytes(iinf.body[4:at]) + 1
    if count >= 1 << 8 * (at - 4):
        raise broken(f"iinf would hold {count} items")
    body = bytes(iinf.body[:4]) + count.to_bytes(at - 4) + bytes(iinf.body[at:]) + _entry(number)
    node = meta.node.with_child(Node(b"iinf", body))
    return node if meta.primary is None else node.with_child(_reference(node.first(b"iref"), number, meta.primary))


def with_plain_item(meta: Meta, item: Item) -> Node:
    """Return the meta with the entry of an XMP item that is no longer compressed."""
    iinf = meta.listed
    at = 8 if iinf.body[:1] != b"\0" else 6
    body = bytes(iinf.body[:at])
    for box in _followed(iinf, at):
        entry = bytes(iinf.body[at + box.start : at + box.stop])
        body += _entry(item.number) if _item(entry[box.head :]) == item else entry
    return meta.node.with_child(Node(b"iinf", body))


def tiff_start(data: bytes) -> int:
    """Return where the TIFF structure begins in the Exif of a box or an item.

    ISO/IEC 23008-12 §A.2.1 puts an offset to it first; some writers leave that out.
    """
    return 0 if data[:2] in {b"II", b"MM"} else 4 + int.from_bytes(data[:4])


def _items(iinf: Node) -> tuple[Item, ...]:
    at = 8 if iinf.body[:1] != b"\0" else 6
    found: list[Item] = []
    for box in _followed(iinf, at):
        if len(found) == MAX_ITEMS:
            raise broken(f"iinf holds more than {MAX_ITEMS} items")
        if box.kind != b"infe":  # §8.11.6.1: nothing else stands there, and what is behind it would be passed over
            raise broken(f"iinf holds a {named(box.kind)} among its items")
        found.append(_item(iinf.body[at + box.body : at + box.stop]))
    if len({i.number for i in found}) < len(found):
        raise broken("iinf names an item twice")
    return tuple(found)


def _followed(node: Node, at: int) -> Iterator[Box]:
    """Step over the boxes in a leaf, from ``at`` on."""
    for step in boxes(node.body[at:]):
        if isinstance(step, Unread):
            raise broken(f"in {named(node.kind)} {step.place} {step.reason}")
        if not any(node.body[at + step.start : at + step.start + 4]):  # §4.2: only the file's last box may leave its size open
            raise broken(f"in {named(node.kind)} {named(step.kind)} has no size")
        yield step


def _item(body: bytes | memoryview) -> Item:
    """Read an ``infe``: §8.11.6.2."""
    version = body[0] if body else 0
    wide = 4 if version > 2 else 2  # noqa: PLR2004 - version 3 has wide numbers
    at = 4 + wide + 2
    number, protected = int.from_bytes(body[4 : 4 + wide]), any(body[4 + wide : at])
    kind = b"mime"
    if version > 1:
        kind = bytes(body[at : at + 4])
        at += 4
    words = bytes(body[at:]).split(b"\0") if kind == b"mime" else []
    _, content_type, encoding = (w.decode("latin-1") for w in (*words[:3], b"", b"", b"")[:3])
    return Item(number, kind, protected, content_type.partition(";")[0].strip().lower(), encoding.strip().lower())


def _entry(number: int) -> bytes:
    """Write an ``infe`` of version 2: no protection, no name, no encoding."""
    body = pack(">B3xHH4s", 2, number, 0, b"mime") + b"\0" + _XMP_TYPE.encode() + b"\0"
    return pack(">I4s", len(body) + 8, b"infe") + body


def _reference(iref: Node | None, number: int, primary: int) -> Node:
    """Add the reference from the new item to the picture; §8.11.12.2."""
    head = bytes(iref.body[:4]) if iref else bytes((primary >= _U16, 0, 0, 0))
    wide = 4 if head[0] else 2
    if primary >= 1 << 8 * wide:
        raise broken(f"iref has no room for item {primary}")
    new = number.to_bytes(wide) + (1).to_bytes(2) + primary.to_bytes(wide)
    return Node(b"iref", head + bytes(iref.body[4:] if iref else b"") + pack(">I4s", len(new) + 8, _CDSC) + new)


def _spans(place: Place, end: int) -> tuple[Span, ...]:
    starts = ((place.base + e.offset, e.length) for e in place.extents)
    return tuple(Span(place.method == IN_IDAT, start, start + length if length else end) for start, length in starts)


def _unpacked(item: Item, data: bytes) -> bytes:
    if item.encoding not in _PACKED:
        raise _unreadable(item, f"is compressed with {item.encoding[:20]!r}")
    for window in (47, -15):  # with the head of zlib or gzip, or bare, as libheif writes it
        inflater = zlib.decompressobj(window)
        try:
            text = inflater.decompress(data, MAX_TEXT_BYTES)
        except zlib.error:
            continue
        if inflater.eof:
            return text
    raise _unreadable(item, f"cannot be unpacked, or has more than {MAX_TEXT_BYTES} bytes")


def _unreadable(item: Item, what: str) -> Malformed:
    return broken(f"item {item.number} {what}")
