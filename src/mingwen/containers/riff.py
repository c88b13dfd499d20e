"""RIFF, RF64 and BW64: walk the chunks within bounds, and keep the sizes true when chunks change.

Structure: Multimedia Programming Interface 1.0 (1991), chapter 2; EBU Tech 3306 and ITU-R BS.2088 for ``ds64``.
"""

import re
import struct
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Literal, TypeAlias

from mingwen.containers import stray
from mingwen.containers.edits import Edit, growth_of, read_at, size_of
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.sites import Unread

MAX_CHUNKS: Final = 32_768
"""Chunks of one list that are walked; an animation of 18 minutes at 30 pictures a second has as many."""
MAX_LONG_SIZES: Final = 64
"""Entries of the ds64 table that are read; one for each chunk beyond 4 GiB, other than data."""
"""How much behind the RIFF's end is searched for a stray label."""
MAX_ODD_BYTES: Final = 1 << 20
"""How much of a chunk that nobody knows is searched for a label."""
HEAD: Final = 12
"""``RIFF``, size, form."""

ByteOrder: TypeAlias = Literal["little", "big"]
"""Of sizes: AIFF has the chunks that RIFF took over from it, with big-endian ones."""
_UNKNOWN: Final = 0xFFFF_FFFF
"""A 32-bit size that stands elsewhere (RF64) or was never known (a pipe)."""
_LONG_FORMS: Final = (b"RF64", b"BW64")
_KIND: Final = re.compile(rb"[ -~]{4}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk as it stands in the file."""

    kind: bytes
    start: int
    """Offset of the kind."""
    size: int
    """Bytes of data as declared, without the pad byte."""
    stop: int
    """Behind the pad byte, but never behind the end of the file or of the list around it."""

    @property
    def data(self) -> int:
        """Offset of the data."""
        return self.start + 8

    @property
    def end(self) -> int:
        """Offset behind the data, before the pad byte."""
        return self.data + self.size

    @property
    def whole(self) -> bool:
        """Does all of the data stand there?"""
        return self.end <= self.stop


@dataclass(frozen=True, slots=True)
class Form:
    """A whole RIFF file."""

    chunks: tuple[Chunk, ...]
    stop: int
    """Where the RIFF ends in the file; what stands behind is not part of it."""
    size: int
    """Its declared size; 0 if the writer never knew it."""
    broken: str
    """Why the walk ended early, or ""."""
    cut: bool
    """Does the declared size reach behind the file's end?"""
    long_size_at: int | None
    """Where a 64-bit size stands instead of the one in the head."""


def odd(source: BinaryIO, form: Form, known: Container[bytes]) -> list[Unread]:
    """Say so if a chunk of no known kind seems to hold a label."""
    strange = [c for c in form.chunks if c.whole and c.kind not in known]
    return [u for c in strange for u in stray.hidden(source, c.data, min(c.end, c.data + MAX_ODD_BYTES), name(c.kind))]


def form(source: BinaryIO) -> Form:
    """Walk a file that begins with RIFF, RF64 or BW64.

    Raises:
        Malformed: the head is not there, or an RF64 has no ds64 (``file.truncated``, ``riff.broken``).
    """
    end = size_of(source)
    head = read_at(source, 0, HEAD, what="RIFF head")
    long = _long_sizes(source) if head[:4] in _LONG_FORMS else _LongSizes()
    size = int.from_bytes(head[4:8], "little")
    by_ds64 = size == _UNKNOWN and long.riff is not None
    size = long.riff if by_ds64 and long.riff is not None else 0 if size == _UNKNOWN else size
    stop = min(8 + size, end) if size else end
    cut = 8 + size > end
    chunks: list[Chunk] = []
    broken = ""
    try:
        for chunk in walk(source, HEAD, stop, end=end, sizes=long.chunks, endless=cut or not size):
            chunks.append(chunk)  # noqa: PERF402 - what came before the break is kept
    except Malformed as e:
        broken = e.message
    if cut and not broken and not (chunks and not chunks[-1].whole):
        broken = f"expected {8 + size} bytes by the size in the head, but the file has {end}"
    stop = max([stop, *(c.stop for c in chunks)])
    return Form(tuple(chunks), stop, size, broken, cut, HEAD + 8 if by_ds64 else None)


def walk(  # noqa: PLR0913 - what three kinds of head say of the list
    source: BinaryIO,
    start: int,
    stop: int,
    *,
    end: int,
    sizes: Mapping[bytes, int] | None = None,
    endless: bool = False,
    order: ByteOrder = "little",
) -> Iterator[Chunk]:
    """Yield the chunks whose heads stand between ``start`` and ``stop``; a rest of less than 8 bytes is slack.

    Their data may reach to ``end``. ``sizes`` are those that do not fit into 32 bits; ``endless`` says that the file
    was written to a pipe, so that a ``data`` chunk of size 0 reaches to the file's end too.

    Raises:
        Malformed: no chunk stands where one should, it runs past ``end`` (it is yielded first), or there
            are more than ``MAX_CHUNKS`` (``riff.broken``).
    """
    at = start
    for _ in range(MAX_CHUNKS):
        if at + 8 > stop:
            return
        head = read_at(source, at, 8, what="chunk head")
        kind, size = head[:4], int.from_bytes(head[4:], order)
        if not _KIND.fullmatch(kind):
            raise _broken(f"expected a chunk at {at}, found {kind.hex(' ')}")
        if size == _UNKNOWN:
            size = (sizes or {}).get(kind, size)
        chunk = Chunk(kind, at, size, min(at + 8 + size + size % 2, end))
        if (kind, order) == (b"data", "little") and (size == _UNKNOWN or (size == 0 and endless)):
            yield Chunk(kind, at, _UNKNOWN, end)
            return
        yield chunk
        if not chunk.whole:
            beyond = chunk.end - end
            raise _broken(f"expected {size} bytes in {name(kind)} at {at}, which is {beyond} more than there are")
        at = chunk.stop
    raise _broken(f"more than {MAX_CHUNKS} chunks stand in one list")


def resized(form: Form, edits: list[Edit]) -> list[Edit]:
    """Return the edit that keeps the RIFF's own size true when the ``edits`` within it are made.

    Raises:
        Refused: the file would outgrow the 32-bit size (``riff.too-large``).
    """
    if not form.size:
        return []  # the writer left it open, readers go by the file's end
    size = (form.size if form.cut else form.stop - 8) + growth_of(edits)
    if form.long_size_at is not None:
        return [Edit(form.long_size_at, form.long_size_at + 8, size.to_bytes(8, "little"))]
    if size >= _UNKNOWN:
        raise Refused(
            "riff.too-large",
            f"expected a RIFF of less than 4 GiB with the label, got {size} bytes",
            hint="convert it to RF64 first, for example with `ffmpeg -i in.wav -c copy -rf64 always out.wav`",
        )
    return [Edit(4, 8, size.to_bytes(4, "little"))]


def framed(chunk: Chunk, inner: list[Edit], order: ByteOrder = "little") -> list[Edit]:
    """Return the ``inner`` edits of a chunk's data, with its size and its pad byte made true."""
    size = chunk.size + growth_of(inner)
    edits = list(inner)
    if size != chunk.size:
        edits.append(Edit(chunk.start + 4, chunk.data, size.to_bytes(4, order)))
    if chunk.stop - chunk.end != size % 2:
        edits.append(Edit(chunk.end, chunk.stop, bytes(size % 2)))
    return edits


def packed(kind: bytes, data: bytes) -> bytes:
    """Build a chunk, padded to an even length."""
    return kind + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def name(kind: bytes) -> str:
    """Return a chunk's name as people write it."""
    return kind.decode("latin-1").strip()


@dataclass(frozen=True, slots=True)
class _LongSizes:
    """What ds64 holds."""

    riff: int | None = None
    chunks: Mapping[bytes, int] = field(default_factory=dict)


def _long_sizes(source: BinaryIO) -> _LongSizes:
    """Read ds64, which must be the first chunk (EBU Tech 3306 §3)."""
    kind, size, riff, data, _samples, entries = struct.unpack("<4sIQQQI", read_at(source, HEAD, 36, what="ds64"))
    if kind != b"ds64" or size < 28 + 12 * min(entries, MAX_LONG_SIZES):  # three 64-bit sizes, a count, the table
        raise _broken(f"expected ds64 as the first chunk of an RF64, found {kind!r} of {size} bytes")
    table = read_at(source, HEAD + 36, 12 * min(entries, MAX_LONG_SIZES), what="ds64 table")
    return _LongSizes(riff, {**dict(struct.iter_unpack("<4sQ", table)), b"data": data})


def _broken(what: str) -> Malformed:
    return Malformed("riff.broken", what, hint="the file is damaged, cut off or still being written; get a whole copy")
