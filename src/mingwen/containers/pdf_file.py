"""A PDF as a table of objects: its cross-reference sections, its objects one at a time, its streams unpacked.

Structure: ISO 32000-1 §7.5 (file structure), §7.5.7 (object streams), §7.5.8 (cross-reference streams), Annex H.3.
Nothing is repaired: a file whose table cannot be followed is Malformed, for two readers that guess see two files.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final, NamedTuple, TypeGuard

from mingwen.containers.edits import read_at, size_of
from mingwen.containers.pdf_crypt import Keys, keys
from mingwen.containers.pdf_filters import unfiltered
from mingwen.containers.pdf_objects import Cut, Parser, Ref, Value, broken
from mingwen.domain.errors import Malformed

HEADER_BYTES: Final = 1024
TAIL_BYTES: Final = 1 << 20
"""How far from the end of the file the last startxref may stand."""
MAX_SECTIONS: Final = 1024
"""Cross-reference sections; each revision has one or two."""
MAX_SUBSECTIONS: Final = 20_000
"""Of all sections together."""
MAX_NUMBER: Final = 1 << 31
"""Of objects; Annex C.2 knows of 8,388,607."""
MAX_OBJECT_BYTES: Final = 128 << 10
"""Of one object without its stream."""
MAX_PARSED_BYTES: Final = 1 << 20
"""Of all objects that one reading parses."""
MAX_STREAM_BYTES: Final = 8 << 20
"""Of one stream, packed and unpacked."""
MAX_UNPACKED_BYTES: Final = 32 << 20
"""Of all streams that one reading unpacks."""
MAX_HEAD_BYTES: Final = 1 << 20
"""Of the numbers and offsets that an object stream begins with."""
PAGE_BYTES: Final = 2 << 10
"""What a page may add to that."""
MAX_RESOLVED: Final = 4096
"""Objects that one reading loads."""

_WINDOW: Final = 4096
_SPACE = rb"[\0\t\n\f\r ]"
_STARTXREF = re.compile(rb"startxref" + _SPACE + rb"+(\d{1,19})(?!\d)")
_EOF = re.compile(_SPACE + rb"*%%EOF(?:\r\n|\n|\r)?")
_TABLE = re.compile(_SPACE + rb"*xref" + _SPACE + rb"+")
_SUBSECTION = re.compile(_SPACE + rb"*(?:(\d{1,10}) +(\d{1,10})" + _SPACE + rb"+|(trailer))")
_ROW = re.compile(rb"\d{10} \d{5} [nf](?: \r\n|\r\n| \r| \n|\r|\n)")
_OBJECT = re.compile(_SPACE + rb"*(\d{1,10})" + _SPACE + rb"+(\d{1,5})" + _SPACE + rb"+obj")
_STREAM = re.compile(_SPACE + rb"*stream(?:\r\n|\n|\r)")


class Row(NamedTuple):
    """Where an object stands: in the file at ``first``, or as the ``second``-th in the object stream ``first``."""

    kind: int
    """0 free, 1 in the file, 2 in an object stream (Table 18)."""
    first: int
    second: int


class _Container(NamedTuple):
    """An object stream, unpacked."""

    number: int
    head: list[bytes]
    """Number and offset of each object, one after the other."""
    first: int
    """What the offsets count from."""
    data: bytes


class _Span(NamedTuple):
    """Rows for ``objects`` from ``number`` on: at ``offset``, ``width`` bytes each."""

    number: int
    objects: int
    offset: int
    width: int


@dataclass(frozen=True, slots=True)
class Section:
    """One cross-reference section with its trailer."""

    at: int
    """As startxref or Prev says it."""
    trailer: Mapping[str, Value]
    raw: bytes
    """The trailer's dictionary as it stands."""
    spans: tuple[_Span, ...]
    rows: bytes | None
    """The rows of a stream; those of a table are read when they are asked for."""
    widths: tuple[int, int, int] = (0, 0, 0)
    hidden: "Section | None" = None
    """The stream that a hybrid file's table names (§7.5.8.4)."""

    @property
    def stop(self) -> int:
        """One more than the highest number of an object."""
        return max([0, *(s.number + s.objects for s in self.spans), self.hidden.stop if self.hidden else 0])


@dataclass(frozen=True, slots=True)
class Object:
    """One object, found and parsed."""

    ref: Ref
    value: Value
    raw: bytes
    """Its bytes, without ``obj`` and its stream."""
    packed: bool
    """Does it stand in an object stream, where strings are not encrypted once more?"""
    data: int | None = None
    """Where its stream's bytes begin."""

    @property
    def dictionary(self) -> Mapping[str, Value]:
        """The value, if it is a dictionary; else an empty one."""
        return self.value if isinstance(self.value, Mapping) else {}


@dataclass(slots=True)
class _Budget:
    """What one reading may still cost."""

    parsed: int = MAX_PARSED_BYTES
    unpacked: int = MAX_UNPACKED_BYTES
    objects: int = MAX_RESOLVED
    subsections: int = MAX_SUBSECTIONS


@dataclass(slots=True)
class File:
    """An open PDF, as its last revision shows it."""

    source: BinaryIO
    size: int
    header: int
    """Where %PDF- stands."""
    shift: int
    """How many bytes stand before the header, where offsets count from that."""
    stop: int
    """Behind the last %%EOF."""
    sections: tuple[Section, ...] = ()
    """The last one first."""
    broken: str = ""
    """Why older sections could not be read."""
    ended: bool = True
    """Does %%EOF follow startxref?"""
    _budget: _Budget = field(default_factory=_Budget)
    _loading: set[int] = field(default_factory=set)
    _container: _Container | None = None
    _keys: "Keys | Malformed | None" = None

    @property
    def trailer(self) -> Mapping[str, Value]:
        """The last revision's; empty while that is still being read."""
        return self.sections[0].trailer if self.sections else {}

    def earlier(self, count: int) -> "Iterator[File]":
        """Yield the file as at most ``count`` earlier sections show it, the youngest first."""
        for i in range(1, min(len(self.sections), count + 1)):
            yield replace(self, sections=self.sections[i:], _container=None)

    def resolved(self, value: Value) -> Value:
        """Follow a reference, and a reference that it leads to; of a missing object comes None.

        Raises:
            Malformed: an object cannot be read, or one bound is reached (``pdf.broken``, ``pdf.locked``).
        """
        if not isinstance(value, Ref):
            return value
        found = self.load(value)
        return None if found is None or isinstance(found.value, Ref) else found.value

    def dictionary(self, value: Value) -> Mapping[str, Value]:
        """Follow a reference to a dictionary; of anything else comes an empty one."""
        found = self.resolved(value)
        return found if isinstance(found, Mapping) else {}

    def load(self, ref: Ref) -> Object | None:
        """Find an object; None if it is free, missing, or of another generation."""
        row = self._row(ref.number)
        if row is None or row.kind == 0:
            return None
        if ref.number in self._loading:
            raise broken(f"expected object {ref.number} to stand on its own, but it leads back to itself")
        if not self._budget.objects:
            raise broken(f"expected at most {MAX_RESOLVED} objects around the label, found more")
        self._budget.objects -= 1
        self._loading.add(ref.number)
        try:
            return self._unpacked(ref, row) if row.kind == 2 else self._at(ref, row.first)  # noqa: PLR2004
        finally:
            self._loading.discard(ref.number)

    def data(self, found: Object) -> bytes:
        """Return a stream's data, decrypted and unpacked.

        Raises:
            Malformed: its length is wrong, a filter is not known, or a bound is reached (``pdf.broken``, ``pdf.locked``).
        """
        if found.data is None:
            raise broken(f"expected a stream in object {found.ref.number}, found none")
        dictionary = found.dictionary
        length = self.resolved(dictionary.get("Length"))
        if not isinstance(length, int) or not 0 <= length <= self.size - found.data:
            raise broken(f"expected the length of stream {found.ref.number}, found {length!r:.40}")
        if length > MAX_STREAM_BYTES:
            raise broken(f"expected a stream of at most {MAX_STREAM_BYTES} bytes, but {found.ref.number} has {length}")
        data = read_at(self.source, found.data, length, what="stream")
        behind = read_at(self.source, found.data + length, min(16, self.size - found.data - length), what="what ends a stream")
        if not behind.lstrip(b"\0\t\n\f\r ").startswith(b"endstream"):
            raise broken(f"expected stream {found.ref.number} to end after {length} bytes, but it goes on")
        if "Encrypt" in self.trailer and dictionary.get("Type") != "XRef":
            data = self._decrypted_stream(data, found)
        return self._filtered(data, dictionary)

    def text(self, value: bytes, owner: Object) -> bytes:
        """Decrypt a string that stands in ``owner``."""
        if owner.packed or "Encrypt" not in self.trailer:
            return value
        return self.keys.decrypted(value, self.keys.strings, *owner.ref)

    @property
    def keys(self) -> Keys:
        """How to decrypt; Malformed if that needs a password (``pdf.locked``)."""
        if self._keys is None:
            identifier = self.resolved(self.trailer.get("ID"))
            first = identifier[0] if isinstance(identifier, list) and identifier else b""
            try:
                self._keys = keys(self.dictionary(self.trailer.get("Encrypt")), first if isinstance(first, bytes) else b"")
            except Malformed as e:
                self._keys = e
        if isinstance(self._keys, Malformed):
            raise self._keys
        return self._keys

    @property
    def free_number(self) -> int:
        """A number that no object has had, by any section."""
        size = self.trailer.get("Size")
        return max([size if isinstance(size, int) else 1, 1, *(s.stop for s in self.sections)])

    def _decrypted_stream(self, data: bytes, found: Object) -> bytes:
        try:
            method = self.keys.stream_method(found.dictionary)
        except Malformed:
            encryption = self.dictionary(self.trailer.get("Encrypt"))
            if found.dictionary.get("Type") == "Metadata" and encryption.get("EncryptMetadata") is False:
                return data  # open to those who have no password, §7.6.3.2
            raise
        return self.keys.decrypted(data, method, *found.ref)

    def _filtered(self, data: bytes, dictionary: Mapping[str, Value]) -> bytes:
        filters = self.resolved(dictionary.get("Filter"))
        parameters = self.resolved(dictionary.get("DecodeParms"))
        names = filters if isinstance(filters, list) else [] if filters is None else [filters]
        of_each = parameters if isinstance(parameters, list) else [parameters]
        if len(names) > 4:  # noqa: PLR2004 - two are in use
            raise broken(f"expected a few filters on a stream, found {len(names)}")
        for i, name in enumerate(names):
            most = min(MAX_STREAM_BYTES, self._budget.unpacked)
            parameter = self.dictionary(of_each[i] if i < len(of_each) else None)
            data, cost = unfiltered(data, self.resolved(name), parameter, most)
            self._budget.unpacked -= cost
        return data

    def _row(self, number: int) -> Row | None:
        for section in self.sections:
            row = self._row_in(section, number)
            if (row is None or row.kind == 0) and section.hidden:
                row = self._row_in(section.hidden, number) or row
            if row is not None:
                return row
        return None

    def _row_in(self, section: Section, number: int) -> Row | None:
        span = next((s for s in section.spans if s.number <= number < s.number + s.objects), None)
        if span is None:
            return None
        at = span.offset + (number - span.number) * span.width
        if section.rows is None:
            raw = read_at(self.source, at, 18, what="row of the cross-reference table")
            if not raw[:10].isdigit():
                raise broken(f"expected a row of the cross-reference table at {at}, found {raw[:10]!r}")
            return Row(1 if raw[17:] == b"n" else 0, int(raw[:10]), 0)
        fields = []
        for width in section.widths:
            fields.append(int.from_bytes(section.rows[at : at + width]))
            at += width
        return Row(fields[0] if section.widths[0] else 1, fields[1], fields[2])  # Table 17: no first field means type 1

    def _at(self, ref: Ref, offset: int) -> Object | None:
        found = self.object_at(offset)
        if found.ref.number != ref.number:
            raise broken(f"expected object {ref.number} at {offset}, found object {found.ref.number}")
        return found if found.ref == ref else None

    def object_at(self, offset: int) -> Object:
        """Parse the object that stands at ``offset``, counted as the file counts."""
        start = offset + self.shift
        if not 0 <= start < self.size:
            raise broken(f"expected an object at {offset}, where the file has ended")
        window = _WINDOW
        while True:
            whole = start + window >= self.size
            data = read_at(self.source, start, min(window, self.size - start), what="object") + (b"\n" if whole else b"")
            try:
                return self._parsed(data, start)
            except Cut:
                self._spend(len(data))
                if whole or window >= MAX_OBJECT_BYTES:
                    raise broken(f"expected an object of at most {MAX_OBJECT_BYTES} bytes at {offset}, found no end") from None
                window = min(8 * window, MAX_OBJECT_BYTES)

    def _parsed(self, data: bytes, start: int) -> Object:
        head = _OBJECT.match(data)
        if head is None:
            raise broken(f"expected an object at {start - self.shift}, found {data[:12]!r}")
        parser = Parser(data, head.end())
        value, raw = parser.whole()
        self._spend(parser.at)
        if not isinstance(value, Mapping):
            return Object(Ref(int(head[1]), int(head[2])), value, raw, packed=False)
        if len(data) - parser.at < 32 and start + len(data) < self.size:  # noqa: PLR2004 - room for the word stream
            raise Cut("pdf.broken", "expected what follows a dictionary", hint="read more of it")
        stream = _STREAM.match(data, parser.at)
        return Object(Ref(int(head[1]), int(head[2])), value, raw, packed=False, data=start + stream.end() if stream else None)

    def _unpacked(self, ref: Ref, row: Row) -> Object | None:
        """Take an object out of an object stream (§7.5.7)."""
        container = self._objects_of(row.first)
        head = container.head[2 * row.second : 2 * row.second + 2]
        if ref.generation or not head:
            return None
        if len(head) < 2 or not all(h.isdigit() and len(h) < 11 for h in head) or int(head[0]) != ref.number:  # noqa: PLR2004
            raise broken(f"expected object {ref.number} in the object stream {row.first}, found another")
        start = container.first + int(head[1])
        parser = Parser(container.data[start : start + MAX_OBJECT_BYTES] + b"\n")
        value, raw = parser.whole()
        self._spend(parser.at)
        return Object(ref, value, raw, packed=True)

    def _objects_of(self, number: int) -> _Container:
        """Unpack an object stream; the one before it is kept, since its objects are asked for one after the other."""
        if self._container is None or self._container.number != number:
            row = self._row(number)
            found = self.load(Ref(number, 0)) if row is not None and row.kind == 1 else None
            if found is None:
                raise broken(f"expected an object stream {number} in the file, found none")
            count, first = found.dictionary.get("N"), found.dictionary.get("First")
            if not isinstance(count, int) or not isinstance(first, int) or count < 0 or not 0 <= first <= MAX_HEAD_BYTES:
                raise broken(f"expected the numbers of object stream {number} within {MAX_HEAD_BYTES} bytes, found others")
            data = self.data(found)
            self._container = _Container(number, data[:first].split(maxsplit=2 * count)[: 2 * count], first, data)
        return self._container

    def _spend(self, count: int) -> None:
        self._budget.parsed -= count
        if self._budget.parsed < 0:
            raise broken(f"expected at most {MAX_PARSED_BYTES} bytes of objects around the label, found more")

    def section_at(self, at: int) -> Section:
        """Read the cross-reference section at ``at``, a table or a stream."""
        start = at + self.shift
        if not 0 <= start < self.size:
            raise broken(f"expected a cross-reference section at {at}, where the file has ended")
        if _TABLE.match(read_at(self.source, start, min(64, self.size - start), what="cross-reference section")):
            return self._table(at, start)
        found = self.object_at(at)
        if found.dictionary.get("Type") != "XRef":
            raise broken(f"expected a cross-reference section at {at}, found object {found.ref.number}")
        return self._stream(at, found)

    def _table(self, at: int, start: int) -> Section:
        spans: list[_Span] = []
        head = _TABLE.match(read_at(self.source, start, min(64, self.size - start), what="cross-reference table"))
        cursor = start + (head.end() if head else 0)
        while True:
            data = read_at(self.source, cursor, min(96, self.size - cursor), what="cross-reference table")
            line = _SUBSECTION.match(data)
            if line is None:
                raise broken(f"expected a subsection or the trailer at {cursor}, found {data[:12]!r}")
            cursor += line.end()
            if line[3]:
                break
            number, count = int(line[1]), int(line[2])
            row = _ROW.match(data, line.end())
            if (count and row is None) or number + count > MAX_NUMBER:
                raise broken(f"expected {count} rows of the cross-reference table at {cursor}, found {data[line.end() :][:20]!r}")
            width = len(row[0]) if row else 0
            self._count_span()
            spans.append(_Span(number, count, cursor, width))
            cursor += count * width
            if cursor >= self.size:
                raise broken(f"expected {count} rows of the cross-reference table, but the file ends before")
        trailer = self._trailer(cursor)
        hidden = trailer.dictionary.get("XRefStm")
        stream = self._stream(hidden, self.object_at(hidden)) if isinstance(hidden, int) else None
        return Section(at, trailer.dictionary, trailer.raw, tuple(spans), None, hidden=stream)

    def _trailer(self, start: int) -> Object:
        data = read_at(self.source, start, min(MAX_OBJECT_BYTES, self.size - start), what="trailer") + b"\n"
        parser = Parser(data)
        value, raw = parser.whole()
        self._spend(parser.at)
        if not isinstance(value, Mapping):
            raise broken("expected a dictionary as trailer, found none")
        return Object(Ref(0, 0), value, raw, packed=True)

    def _stream(self, at: int, found: Object) -> Section:
        widths, size = found.dictionary.get("W"), found.dictionary.get("Size")
        index = found.dictionary.get("Index", [0, size])
        if not (_numbers(widths, 8) and len(widths) >= 3) or not _numbers(index, MAX_NUMBER):  # noqa: PLR2004
            raise broken(f"expected widths and numbers of the cross-reference stream at {at}, found others")
        rows = self.data(found)
        each = sum(widths)
        spans, offset = [], 0
        for number, count in zip(index[::2], index[1::2], strict=False):
            self._count_span()
            spans.append(_Span(number, min(count, (len(rows) - offset) // each if each else 0), offset, each))
            offset += count * each
        return Section(at, found.dictionary, found.raw, tuple(spans), rows, (widths[0], widths[1], widths[2]))

    def _count_span(self) -> None:
        self._budget.subsections -= 1
        if self._budget.subsections < 0:
            raise broken(f"expected at most {MAX_SUBSECTIONS} subsections of cross-reference tables, found more")


def opened(source: BinaryIO, *, pages: int = 0) -> File:
    """Follow the cross-reference sections from the last startxref on; so many ``pages`` are to be loaded besides.

    Raises:
        Malformed: there is none near the end, or the last section cannot be read (``pdf.broken``, ``file.truncated``).
    """
    size = size_of(source)
    header = max(read_at(source, 0, min(size, HEADER_BYTES), what="header").find(b"%PDF-"), 0)
    start = max(0, size - TAIL_BYTES)
    tail = read_at(source, start, size - start, what="end of the file")
    found = list(_STARTXREF.finditer(tail))
    if not found:
        raise broken(f"expected startxref within the last {TAIL_BYTES} bytes, found none")
    last = found[-1]
    end = _EOF.match(tail, last.end())
    for shift in sorted({header, 0}, reverse=True):  # offsets count from the header, but some writers count from the start
        file = File(source, size, header, shift, start + (end or last).end(), ended=end is not None)
        file._budget.objects += 4 * pages  # the page, its resources, the dictionary of its forms, a node  # noqa: SLF001
        file._budget.parsed += PAGE_BYTES * pages  # noqa: SLF001
        try:
            first = file.section_at(int(last[1]))
        except Malformed:
            if not shift:
                raise
        else:
            break
    _follow(file, first)
    return file


def _follow(file: File, first: Section) -> None:
    """Add the older sections, as far as they can be read."""
    file.sections = (first,)
    found, seen = [first], {first.at}
    try:
        while (before := found[-1].trailer.get("Prev")) is not None:
            if not isinstance(before, int) or before in seen:
                raise broken(f"expected an older cross-reference section, found {before!r:.40}, which leads nowhere or back")
            if len(found) == MAX_SECTIONS:
                raise broken(f"expected at most {MAX_SECTIONS} revisions, found more")
            seen.add(before)
            found.append(file.section_at(before))
    except Malformed as e:
        file.broken = e.message
    file.sections = tuple(found)


def _numbers(value: Value, most: int) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(isinstance(v, int) and 0 <= v <= most for v in value)
