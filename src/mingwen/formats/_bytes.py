"""Reading at offsets, bounded and exact: what every container walker stands on."""

import io
from typing import BinaryIO

from mingwen.domain.errors import Malformed


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


def truncated(what: str, expected: int, came: int) -> Malformed:
    """Build the one error for a file that ends too early."""
    return Malformed(
        "file.truncated",
        f"expected {expected} bytes of {what}, but the file ends after {came}",
        hint="the file is cut off or lies about its lengths; get a whole copy",
    )
