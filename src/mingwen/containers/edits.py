"""Reading at offsets, bounded and exact: what every container walker stands on."""

import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, NamedTuple

from mingwen.domain.errors import Malformed
from mingwen.domain.media import Keep, Splice

COPY_BYTES: Final = 1 << 20
"""That are held while more are copied."""


def size_of(source: BinaryIO) -> int:
    """Return the length of a seekable stream in bytes."""
    return source.seek(0, io.SEEK_END)


def read_at(source: BinaryIO, offset: int, count: int, *, what: str) -> bytes:
    """Return exactly ``count`` bytes from ``offset``; ``what`` names them in the error.

    The caller bounds ``count``; nothing larger than what the file holds is ever allocated.

    Raises:
        Malformed: the file ends before (``file.truncated``).
    """
    source.seek(offset)
    data = source.read(count)
    if len(data) != count:
        raise truncated(what, count, len(data))
    return data


def copied(source: BinaryIO, start: int, stop: int, *, whole: int = 1) -> Iterator[bytes]:
    """Yield the bytes from ``start`` to ``stop`` in pieces of constant size, each a multiple of ``whole`` but the last."""
    source.seek(start)
    left, most = stop - start, COPY_BYTES // whole * whole
    while left > 0 and (piece := source.read(min(left, most))):
        left -= len(piece)
        yield piece


def truncated(what: str, expected: int, came: int) -> Malformed:
    """Build the one error for a file that ends too early."""
    return Malformed(
        "file.truncated",
        f"expected {expected} bytes of {what}, but the file ends after {came}",
        hint="the file is cut off or lies about its lengths; get a whole copy",
    )


class Edit(NamedTuple):
    """Bytes ``start`` to ``stop`` of the source become ``new``; an empty range inserts, empty bytes remove."""

    start: int
    stop: int
    new: bytes


def growth_of(edits: Iterable[Edit]) -> int:
    """Return by how many bytes the edits lengthen the file."""
    return sum(len(new) - (stop - start) for start, stop, new in edits)


def spliced(edits: Iterable[Edit], size: int) -> Splice:
    """Describe a source of ``size`` bytes with the ``edits`` made; of two at one place the first comes first.

    Raises:
        Malformed: two edits overlap, since the structures they were found by do (``file.overlap``).
    """
    return tuple(streamed(sorted(edits, key=lambda e: e[:2]), size))


def streamed(edits: Iterable[Edit], size: int, *, start: int = 0) -> Iterator[Keep | bytes]:
    """Do so piece by piece, for more edits than memory should hold; they come in order, and none before ``start``.

    Raises:
        Malformed: as ``spliced``.
    """
    cursor = start
    for begin, stop, new in edits:
        if begin < cursor:
            raise Malformed(
                "file.overlap", f"expected parts beside each other, but two overlap at {begin}", hint="the file is damaged"
            )
        if cursor < begin:
            yield Keep(cursor, begin)
        if new:
            yield new
        cursor = stop
    if cursor < size:
        yield Keep(cursor, size)
