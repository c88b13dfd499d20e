"""ZIP: a walker that knows every byte of an archive, and edits that leave all entries but the changed ones as they are.

Structure: PKWARE APPNOTE 6.3.10 (§4.3 records, §4.4 fields, §4.5.3 ZIP64). Programs differ in what they read of an odd
archive, so one that can be read in two ways is refused: headers that disagree, entries that overlap. Bytes that no record
explains are searched for labels.
"""

import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.edits import Edit, read_at, size_of
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.sites import Reading, Unread

MAX_ENTRIES: Final = 65_535
MAX_DIRECTORY_BYTES: Final = 8 << 20
MAX_TWINS: Final = 4
"""Entries of one name."""
MAX_TRIES: Final = 64
"""Signatures of an end record that are looked at; one may stand in a comment."""
STEP_BYTES: Final = 64 << 10
LONGEST_COMMENT: Final = 0xFFFF

_LOCAL, _RECORD, _DESCRIPTOR = b"PK\3\4", b"PK\1\2", b"PK\7\x08"
_END, _WIDE_END, _LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_END_BYTES: Final = 22
_WIDE_END_BYTES: Final = 56
_LOCATOR_BYTES: Final = 20
_LOCAL_BYTES: Final = 30
_LOCAL_FIELDS: Final = struct.Struct("<4s2xHH4x3IHH")
_RECORD_BYTES: Final = 46
_FULL: Final = 0xFFFFFFFF
"""§4.4.1.4: the true value stands in a ZIP64 field."""
_FULL_COUNT: Final = 0xFFFF
_ENCRYPTED: Final = 0x2041  # bits 0, 6 and 13, §4.4.4
_HAS_DESCRIPTOR: Final = 0x08
_UTF8: Final = 0x800
_STORED, _DEFLATED = 0, 8
_WIDE_EXTRA: Final = 1
_EPOCH: Final = b"\0\0\x21\0"
"""The DOS time of entries that are new: 1980-01-01, so that equal labels make equal files."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in the archive; offsets are those in the source."""

    name: str
    raw: bytes
    """The name as it stands in the file."""
    flags: int
    method: int
    stamp: bytes
    """DOS time and date."""
    crc: int
    packed: int
    size: int
    at: int
    """Of the local header."""
    data: int
    stop: int
    """Behind the data and their descriptor."""
    record: tuple[int, int]
    """Of the central directory's record."""
    pointer: tuple[int, int]
    """Where the record says ``at``: offset, and width in bytes."""

    @property
    def key(self) -> str:
        """The name as the most lenient program compares it."""
        return self.name.replace("\\", "/").lstrip("/").casefold()


@dataclass(frozen=True, slots=True)
class _End:
    """The end record, and what it says of the directory."""

    at: int
    comment: int
    wide: int
    """Of the ZIP64 end record; -1 without one."""
    start: int
    """Where directory's end meets the end records."""
    count: int
    directory: int
    directory_bytes: int
    base: int
    """What every offset counts from: bytes may stand before the archive."""


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that has been walked."""

    source: BinaryIO
    end: _End
    entries: tuple[Entry, ...]
    """In the order of the directory."""
    gaps: tuple[tuple[int, int], ...]
    """Ranges that no record explains."""

    def named(self, name: str) -> tuple[Entry, ...]:
        """Return the entries of this name, whatever its case; of two, programs may read either."""
        key = name.lstrip("/").casefold()
        return tuple(e for e in self.entries if e.key == key)

    def one(self, name: str) -> Entry | None:
        """Return the entry of this name, None if there is none.

        Raises:
            Malformed: there are two (``zip.twice``).
        """
        found = self.named(name)
        if len(found) > 1:
            raise Malformed(
                "zip.twice", f"expected one entry {name!r}, got {len(found)}", hint="programs may read either; repack it"
            )
        return found[0] if found else None

    def unpacked(self, entry: Entry, most: int) -> bytes:
        """Return an entry's bytes.

        Raises:
            Malformed: it is larger than ``most``, encrypted, packed by a method other than deflate, or damaged (``zip.entry``).
        """
        if entry.size > most:
            raise _unreadable(entry, f"unpacks to {entry.size} bytes, more than the {most} that are read")
        data = b"".join(_inflated(self.source, entry, most))
        if len(data) != entry.size or zlib.crc32(data) != entry.crc:
            raise _unreadable(entry, "fails its size or CRC")
        return data

    def ends(self, entry: Entry, reach: int, most: int) -> tuple[bytes, bytes]:
        """Return about ``reach`` bytes of an entry's beginning and of its end.

        The end is empty where the two meet, or where the entry is larger than ``most``.
        """
        head = tail = b""
        for chunk in _inflated(self.source, entry, most if entry.size <= most else reach):
            if len(head) < reach:
                head += chunk
            else:
                tail = (tail + chunk)[-reach:]
        return head, tail if entry.size <= most else b""


def opened(source: BinaryIO) -> Archive:
    """Walk an archive's headers; no entry is unpacked.

    Raises:
        Malformed: there is no end record, or what it leads to contradicts itself (``zip.broken``, ``file.truncated``).
    """
    end = _end(source, size_of(source))
    if end.count > MAX_ENTRIES or end.directory_bytes > MAX_DIRECTORY_BYTES:
        raise _broken(f"expected at most {MAX_ENTRIES} entries in a directory of {MAX_DIRECTORY_BYTES} bytes")
    directory = read_at(source, end.directory, end.directory_bytes, what="the directory")
    entries = tuple(_entries(source, directory, end))
    if any(count > MAX_TWINS for count in Counter(e.key for e in entries).values()):
        raise _broken(f"expected each name once, but one is there more than {MAX_TWINS} times")
    return Archive(source, end, entries, tuple(_gaps(entries, end)))


def nets(archive: Archive) -> Reading:
    """Find labels where no program looks: behind the end and in its comment; in gaps and the directory, tell of them."""
    source, end = archive.source, archive.end
    behind = stray.read(source, end.at + _END_BYTES, "behind the archive")
    directory = read_at(source, end.directory, end.directory_bytes, what="the directory")
    unread = [*behind.unread, *stray.unexplained(directory, (), "ZIP directory")]
    for start, stop in archive.gaps:
        unread += stray.hidden(source, start, stop, "between entries")[:1]
        if _holds_archive(source, start, stop):
            unread.append(Unread("between entries", "is what looks like another archive, which other programs may read"))
    return Reading(behind.sites, tuple(unread[:MAX_TRIES]))


def edits(archive: Archive, changed: Mapping[Entry, bytes], added: Mapping[str, bytes]) -> list[Edit]:
    """Return the edits that give entries new bytes, add entries behind the last, and take stray labels from behind the end.

    Every other entry stays as it is and keeps its place; the directory is told where it went.

    Raises:
        Refused: the archive would grow beyond what its records can say (``zip.too-large``).
    """
    source, end = archive.source, archive.end
    out = stray.edits(source, end.at + _END_BYTES)
    said = end.at + _END_BYTES + end.comment
    commented = sum(min(e.stop, said) - e.start for e in out if e.start < said)
    moved = grown = 0
    for entry in sorted(archive.entries, key=lambda e: e.at):
        at = entry.at - end.base + moved
        if entry in changed:
            local, record = _written(entry, changed[entry], at)
            out += [Edit(entry.at, entry.stop, local), Edit(*entry.record, record)]
            moved += len(local) - (entry.stop - entry.at)
            grown += len(record) - (entry.record[1] - entry.record[0])
        elif moved:
            out.append(Edit(entry.pointer[0], sum(entry.pointer), _number(at, entry.pointer[1])))
    for name, data in added.items():
        local, record = _new(name, data, end.directory - end.base + moved)
        out += [Edit(end.directory, end.directory, local), Edit(end.start, end.start, record)]
        moved += len(local)
        grown += len(record)
    return [*out, *_ended(source, end, (len(added), grown, moved), commented)]


def _ended(source: BinaryIO, end: _End, change: tuple[int, int, int], commented: int) -> list[Edit]:
    """Bring the end records in step: number of entries, size and offset of the directory, length of the comment."""
    added, grown, moved = change
    count, size, at = end.count + added, end.directory_bytes + grown, end.directory - end.base + moved
    if end.wide < 0 and count >= _FULL_COUNT:
        raise _too_large()
    old = read_at(source, end.at, _END_BYTES, what="end record")
    fields = (
        (8, 2, count, _FULL_COUNT),
        (10, 2, count, _FULL_COUNT),
        (12, 4, size, _FULL),
        (16, 4, at, _FULL),
        (20, 2, end.comment - commented, -1),
    )
    new = bytearray(old)
    for offset, width, value, full in fields:
        if end.wide < 0 or int.from_bytes(old[offset : offset + width], "little") != full:
            new[offset : offset + width] = _number(value, width)
    out = [Edit(end.at, end.at + _END_BYTES, bytes(new))]
    if end.wide >= 0:
        out.append(Edit(end.wide + 24, end.wide + _WIDE_END_BYTES, struct.pack("<4Q", count, count, size, at)))
        pointer = end.at - _LOCATOR_BYTES + 8
        old_place = int.from_bytes(read_at(source, pointer, 8, what="locator"), "little")
        out.append(Edit(pointer, pointer + 8, _number(old_place + moved + grown, 8)))
    return [e for e in out if e.new != read_at(source, e.start, e.stop - e.start, what="end record")]


def _written(entry: Entry, data: bytes, at: int) -> tuple[bytes, bytes]:
    """Return the local header with the data, and the directory's record, of an entry that has new bytes."""
    method = _STORED if entry.method == _STORED else _DEFLATED
    packed, fields = _packed(data, method)
    shared = struct.pack("<HHH4s", 20, entry.flags & _UTF8, method, entry.stamp) + fields
    return _assembled(entry.raw, shared, packed, at)


def _new(name: str, data: bytes, at: int) -> tuple[bytes, bytes]:
    packed, fields = _packed(data, _DEFLATED)
    return _assembled(name.encode("ascii"), struct.pack("<HHH4s", 20, 0, _DEFLATED, _EPOCH) + fields, packed, at)


def _assembled(name: bytes, shared: bytes, packed: bytes, at: int) -> tuple[bytes, bytes]:
    lengths = struct.pack("<HH", len(name), 0)
    local = _LOCAL + shared + lengths + name + packed
    record = _RECORD + shared[:2] + shared + lengths + struct.pack("<HHHI", 0, 0, 0, 0) + _number(at, 4) + name
    return local, record


def _packed(data: bytes, method: int) -> tuple[bytes, bytes]:
    """Return the packed bytes, and CRC and sizes as both headers hold them."""
    packed = data
    if method == _DEFLATED:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = deflater.compress(data) + deflater.flush()
    return packed, struct.pack("<III", zlib.crc32(data), len(packed), len(data))


def _number(value: int, width: int) -> bytes:
    if value >= (1 << 8 * width) - (width > 2):  # noqa: PLR2004 - of four and eight bytes the largest number is a mark
        raise _too_large()
    return value.to_bytes(width, "little")


def _end(source: BinaryIO, size: int) -> _End:
    """Find the end record from behind; the last one that leads to a directory counts, as other programs take it."""
    reach = min(size, stray.MAX_TAIL_BYTES + LONGEST_COMMENT + _END_BYTES)
    tail = read_at(source, size - reach, reach, what="the end")
    at = len(tail)
    for _ in range(MAX_TRIES):
        at = tail.rfind(_END, 0, at)
        if at < 0:
            break
        if len(tail) - at >= _END_BYTES and (end := _sound(source, size - reach + at, tail[at : at + _END_BYTES], size)):
            return end
    raise Malformed(
        "zip.broken", "expected an end record that leads to a directory", hint="the file is cut off; get a whole copy"
    )


def _sound(source: BinaryIO, at: int, data: bytes, size: int) -> _End | None:
    disk, first, here, count, directory_bytes, directory, comment = struct.unpack("<4x4H2IH", data)
    if disk not in {0, 0xFFFF} or first not in {0, 0xFFFF} or here != count or at + _END_BYTES + comment > size:
        return None
    wide = _wide(source, at)
    start = at
    if wide >= 0:
        start = wide
        counts = struct.unpack("<24x4Q", read_at(source, wide, _WIDE_END_BYTES, what="ZIP64 end record"))
        narrow = ((here, _FULL_COUNT), (count, _FULL_COUNT), (directory_bytes, _FULL), (directory, _FULL))
        if any(a not in {b, full} for b, (a, full) in zip(counts, narrow, strict=True)):
            raise _broken("expected the ZIP64 end record to agree with the other")
        _, count, directory_bytes, directory = counts
    # Offsets count from the file's beginning, or from the archive's where bytes were put before it.
    for base in (0, start - directory_bytes - directory):
        begin = base + directory
        if base >= 0 and begin + directory_bytes <= start and (count == 0 or _at(source, begin, 4) == _RECORD):
            return _End(at, comment, wide, begin + directory_bytes, count, begin, directory_bytes, base)
    return None


def _wide(source: BinaryIO, at: int) -> int:
    """Return where the ZIP64 end record stands, -1 if there is none: §4.3.14 and §4.3.15."""
    locator = _at(source, at - _LOCATOR_BYTES, _LOCATOR_BYTES)
    if not locator.startswith(_LOCATOR):
        return -1
    wide = int.from_bytes(locator[8:16], "little")
    for place in (wide, at - _LOCATOR_BYTES - _WIDE_END_BYTES):
        if 0 <= place <= at - _LOCATOR_BYTES - _WIDE_END_BYTES and _at(source, place, 4) == _WIDE_END:
            return place
    raise _broken("expected a ZIP64 end record where its locator says")


def _at(source: BinaryIO, offset: int, count: int) -> bytes:
    if offset < 0:
        return b""
    source.seek(offset)
    return source.read(count)


def _entries(source: BinaryIO, directory: bytes, end: _End) -> Iterator[Entry]:
    at = 0
    for _ in range(end.count):
        if directory[at : at + 4] != _RECORD or len(directory) < at + _RECORD_BYTES:
            raise _broken(f"expected {end.count} records in the directory, but there are fewer")
        name, extra, comment = struct.unpack_from("<3H", directory, at + 28)
        stop = at + _RECORD_BYTES + name + extra + comment
        if stop > len(directory):
            raise _broken("expected a record to end within the directory")
        yield _entry(source, end, directory[at:stop], end.directory + at)
        at = stop
    if at != len(directory):
        raise _broken(f"expected {end.count} records in the directory, but there is more")


def _entry(source: BinaryIO, end: _End, record: bytes, at: int) -> Entry:
    _, _, _, flags, method, stamp, crc, packed, size, name, extra, _, _, _, _, offset = struct.unpack_from(
        "<4s4H4s3I5H2I", record
    )
    raw = record[_RECORD_BYTES : _RECORD_BYTES + name]
    wide = _wide_fields(record, _RECORD_BYTES + name, _RECORD_BYTES + name + extra)
    pointer = (at + 42, 4)
    values = []
    for value in (size, packed, offset):
        if value == _FULL and wide:
            where = wide.pop(0)
            values.append(int.from_bytes(record[where : where + 8], "little"))
            pointer = (at + where, 8) if len(values) == 3 else pointer  # noqa: PLR2004 - the third is the offset
        else:
            values.append(value)
    size, packed, offset = values[0], values[1], values[2] + end.base
    data = _data_start(source, end, offset, (raw, flags, method, crc, packed, size))
    stop = data + packed + _descriptor_bytes(source, flags, data + packed, (crc, packed, size))
    if stop > end.directory:
        raise _broken(f"expected the data of {raw!r} to end before the directory")
    text = _decoded(raw, flags)
    return Entry(text, raw, flags, method, stamp, crc, packed, size, offset, data, stop, (at, at + len(record)), pointer)


def _wide_fields(record: bytes, at: int, stop: int) -> list[int]:
    """Return where the eight-byte numbers of a ZIP64 extra field stand in the record: §4.5.3."""
    while at + 4 <= stop:
        kind, length = struct.unpack_from("<HH", record, at)
        if kind == _WIDE_EXTRA:
            return list(range(at + 4, min(at + 4 + length, stop) - 7, 8))
        at += 4 + length
    return []


def _data_start(source: BinaryIO, end: _End, offset: int, said: tuple[bytes, int, int, int, int, int]) -> int:
    """Return where an entry's data begin; its own header must say what the directory's record says."""
    raw, flags, method, crc, packed, size = said
    if offset + _LOCAL_BYTES + len(raw) + packed > end.directory:
        raise _broken(f"expected the data of {raw!r} to end before the directory")
    local = read_at(source, offset, _LOCAL_BYTES + len(raw), what="local header")
    kind, own_flags, own_method, *own, name, extra = _LOCAL_FIELDS.unpack_from(local)
    same = kind == _LOCAL and (own_flags ^ flags) & 1 == 0 and own_method == method
    if not same or name != len(raw) or local[_LOCAL_BYTES:] != raw:
        raise _broken(f"expected {raw!r} at {offset}, where the directory says, but there is something else")
    if not own_flags & _HAS_DESCRIPTOR and any(a not in {b, _FULL} for a, b in zip(own, (crc, packed, size), strict=True)):
        raise _broken(f"expected both headers of {raw!r} to say the same sizes")
    return offset + _LOCAL_BYTES + len(raw) + int(extra)


def _descriptor_bytes(source: BinaryIO, flags: int, at: int, said: tuple[int, int, int]) -> int:
    """Return how long the data descriptor is: with or without a signature, with sizes of four or eight bytes (§4.3.9)."""
    if not flags & _HAS_DESCRIPTOR:
        return 0
    here = _at(source, at, 24)
    crc, packed, size = said
    for signature in (_DESCRIPTOR, b""):
        for width in (8, 4):
            form = signature + b"".join(v.to_bytes(w, "little") for v, w in ((crc, 4), (packed, 8), (size, 8)))
            if width == 4 and max(packed, size) <= _FULL:  # noqa: PLR2004 - see above
                form = signature + struct.pack("<III", crc, packed, size)
            if here.startswith(form):
                return len(form)
    return 0


def _gaps(entries: Iterable[Entry], end: _End) -> Iterator[tuple[int, int]]:
    """Yield the ranges between the records.

    Raises:
        Malformed: entries overlap, as bombs and smuggled files do (``zip.broken``).
    """
    last = 0
    for entry in sorted(entries, key=lambda e: e.at):
        if entry.at < last:
            raise _broken(f"expected entries beside each other, but {entry.name!r} begins within another")
        if entry.at > last:
            yield last, entry.at
        last = entry.stop
    if end.directory > last:
        yield last, end.directory
    stop = end.wide if end.wide >= 0 else end.at
    if stop > end.start:
        yield end.start, stop


def _holds_archive(source: BinaryIO, start: int, stop: int) -> bool:
    return any(
        re.search(b"PK(\5\6|\1\2)", _at(source, at, min(STEP_BYTES + 3, stop - at))) for at in range(start, stop, STEP_BYTES)
    )


def _inflated(source: BinaryIO, entry: Entry, most: int) -> Iterator[bytes]:
    """Unpack an entry in steps, ``most`` bytes in all and a little more, so that one that lies about its size shows."""
    if entry.flags & _ENCRYPTED:
        raise _unreadable(entry, "is encrypted")
    if entry.method not in {_STORED, _DEFLATED}:
        raise _unreadable(entry, f"is packed by method {entry.method}, and only deflate is read")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    made = 0
    for at in range(entry.data, entry.data + entry.packed, STEP_BYTES):
        chunk = read_at(source, at, min(STEP_BYTES, entry.data + entry.packed - at), what=entry.name)
        while chunk and made <= most:
            try:
                piece = chunk if entry.method == _STORED else inflater.decompress(chunk, STEP_BYTES)
            except zlib.error as e:
                raise _unreadable(entry, "cannot be unpacked") from e
            chunk = b"" if entry.method == _STORED else inflater.unconsumed_tail
            made += len(piece)
            yield piece
        if made > most:
            return


def _decoded(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8" if flags & _UTF8 else "cp437", "replace")


def _unreadable(entry: Entry, what: str) -> Malformed:
    return Malformed("zip.entry", f"entry {entry.name!r} {what}", hint="unlock or repack the document with its own program")


def _broken(what: str) -> Malformed:
    return Malformed("zip.broken", what, hint="the file is damaged, or built to be read in two ways; get a whole copy")


def _too_large() -> MingwenError:
    return Refused(
        "zip.too-large",
        f"expected an archive below {_FULL} bytes and {_FULL_COUNT} entries where its records are not ZIP64",
        hint="take large media out of the document",
    )
