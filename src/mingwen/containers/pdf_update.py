"""Writing the next revision of a PDF behind those that stand: changed objects, and a section of the last one's kind.

Structure: ISO 32000-1 §7.5.6 (incremental updates), §7.5.4 (tables), §7.5.8 (streams; hybrid files go on with a table).
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import Final

from mingwen.containers.edits import read_at
from mingwen.containers.pdf_file import MAX_NUMBER, File, Object
from mingwen.containers.pdf_objects import Parser, Ref, Value, broken, literal, rewritten
from mingwen.domain.errors import Refused

MAX_TABLE_OFFSET: Final = 9_999_999_999
"""Ten digits, §7.5.4."""

_OWN: Final = frozenset({"Size", "Prev", "XRefStm", "Info", "ID", "Type", "W", "Index", "Length", "Filter", "DecodeParms"})
"""Entries of a trailer that a new one has of its own; all others are carried over."""
_PACKING: Final = frozenset({"Length", "Filter", "DecodeParms", "DL", "Params"})
"""Entries of a stream that say how it is packed, or what it was."""


def info_with(file: File, info: Object | None, label: str, *, drop: Collection[int]) -> tuple[Ref, bytes]:
    """Return number and body of Info with the label, without its entries that begin at ``drop``; the others stay as they are."""
    known = info is not None and info.ref.number > 0
    ref = info.ref if info and known else Ref(file.free_number, 0)
    raw = _without(info.raw, frozenset(), drop) if info else b"<<>>"
    encrypted = "Encrypt" in file.trailer and bool(file.keys.strings)

    def cipher(text: bytes) -> bytes:
        return file.keys.encrypted(text, file.keys.strings, *ref)

    if encrypted and info and info.packed:  # strings of an object stream are encrypted with it, not singly (§7.6.1)
        raw = rewritten(raw, cipher)
    text = label.encode("ascii")
    value = b"<" + cipher(text).hex().encode() + b">" if encrypted else literal(text)
    return ref, raw[:-2].rstrip() + b"\n/AIGC " + value + b"\n>>"


def stream_with(file: File, stream: Object, data: bytes) -> bytes:
    """Return the body of a stream that holds ``data``, unpacked, with the other entries of its dictionary as they stand."""
    raw = _without(stream.raw, _PACKING)
    if "Encrypt" in file.trailer:
        kept = {k: v for k, v in stream.dictionary.items() if k not in _PACKING}
        data = file.keys.encrypted(data, file.keys.stream_method(kept), *stream.ref)
    return raw[:-2].rstrip() + b"\n/Length %d\n>>\nstream\n" % len(data) + data + b"\nendstream"


def with_entry(raw: bytes, key: str, value: bytes) -> bytes:
    """Return a dictionary's bytes with one entry set, wherever and however often it stood; ``value`` is written as it is."""
    return _without(raw, frozenset({key}))[:-2].rstrip() + f"\n/{key} ".encode() + value + b"\n>>"


def new_stream(file: File, ref: Ref, entries: bytes, data: bytes) -> bytes:
    """Return the body of a new stream with these entries, which hold no string."""
    if "Encrypt" in file.trailer:
        data = file.keys.encrypted(data, file.keys.streams, *ref)
    return b"<<" + entries + b" /Length %d>>\nstream\n" % len(data) + data + b"\nendstream"


def moved(file: File, found: Object, raw: bytes) -> bytes:
    """Return an object's bytes as they stand outside of an object stream, where strings are encrypted singly (§7.6.1)."""
    if not found.packed or "Encrypt" not in file.trailer or not file.keys.strings:
        return raw
    return rewritten(raw, lambda text: file.keys.encrypted(text, file.keys.strings, *found.ref))


def revision(file: File, bodies: Mapping[Ref, bytes], *, info: Ref | None, at: int, seed: str) -> bytes:
    """Return the bytes of a revision with these objects, to stand at ``at`` behind all others; ``seed`` varies its ID.

    With None as ``info`` the document information stays what it was.

    Raises:
        Refused: an offset does not fit into a table (``pdf.too-large``).
        Malformed: no number is left for an object (``pdf.broken``).
    """
    last = file.sections[0]
    out = bytearray(b"" if read_at(file.source, file.size - 1, 1, what="last byte") in b"\r\n" and at == file.size else b"\n")
    places: dict[Ref, int] = {}
    for ref in sorted(bodies):
        places[ref] = at + len(out) - file.shift
        out += b"%d %d obj\n" % ref + bodies[ref] + b"\nendobj\n"
    here = at + len(out) - file.shift
    free = max(file.free_number, *(ref.number + 1 for ref in bodies))
    if free >= MAX_NUMBER:
        raise broken(f"expected object numbers below {MAX_NUMBER}, found no free one")
    entries = _without(last.raw, _OWN if info else _OWN - {"Info"})[2:-2].strip() + b"\n/Prev %d" % last.at
    entries += (b"\n/Info %d %d R" % info if info else b"") + _identifier(file, seed)
    if last.rows is None:
        out += _table(places, here) + b"trailer\n<<\n%b\n/Size %d\n>>\n" % (entries, free)
    else:
        out += _stream(places | {Ref(free, 0): here}, here, entries, free)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % here)


def _table(places: Mapping[Ref, int], here: int) -> bytes:
    if here > MAX_TABLE_OFFSET:
        raise Refused(
            "pdf.too-large",
            f"expected a PDF with a table of less than {MAX_TABLE_OFFSET + 1} bytes, got {here}",
            hint="save it with cross-reference streams, for example with `qpdf --object-streams=generate in.pdf out.pdf`",
        )
    return b"xref\n" + b"".join(b"%d 1\n%010d %05d n \n" % (r.number, at, r.generation) for r, at in sorted(places.items()))


def _stream(places: Mapping[Ref, int], here: int, entries: bytes, number: int) -> bytes:
    width = max((here.bit_length() + 7) // 8, 1)
    rows = b"".join(b"\1" + at.to_bytes(width) + r.generation.to_bytes(2) for r, at in sorted(places.items()))
    index = b" ".join(b"%d 1" % r.number for r in sorted(places))
    own = b"/Type /XRef\n/Size %d\n/W [1 %d 2]\n/Index [%b]\n/Length %d" % (number + 1, width, index, len(rows))
    return b"%d 0 obj\n<<\n%b\n%b\n>>\nstream\n%b\nendstream\nendobj\n" % (number, own, entries, rows)


def _identifier(file: File, seed: str) -> bytes:
    """Keep the first string of ID and change the second (§14.4), by what it was and what is written."""
    identifier: Value = file.resolved(file.trailer.get("ID"))
    if not isinstance(identifier, list) or len(identifier) != 2:  # noqa: PLR2004
        return b""
    first, second = identifier
    if not isinstance(first, bytes) or not isinstance(second, bytes):
        return b""
    changed = hashlib.sha256(second + seed.encode()).hexdigest()[:32]
    return f"\n/ID [<{first.hex()}> <{changed}>]".encode()


def _without(raw: bytes, keys: frozenset[str], starts: Collection[int] = ()) -> bytes:
    """Take entries out of a dictionary's bytes, by their keys or where they begin."""
    out, at = bytearray(), 0
    for entry in Parser(raw + b" ").entries():
        if entry.key in keys or entry.start in starts:
            out += raw[at : entry.start]
            at = entry.stop
    return bytes(out + raw[at:])
