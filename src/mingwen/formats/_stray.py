"""A label behind the end of a file's structure, where other programs never look."""

from typing import BinaryIO, Final

from mingwen.domain.labels import mentions
from mingwen.domain.sites import Site, Wrapper
from mingwen.formats._bytes import Edit, read_at, size_of

MAX_TAIL_BYTES: Final = 1 << 20
"""How much behind the end is searched."""


def sites(source: BinaryIO, end: int, place: str) -> list[Site]:
    """Return the label that stands behind ``end``, from its first brace to its last."""
    return [Site(place, text.decode("utf-8", "replace"), Wrapper.WRAPPED, guide=False) for _, text in _spans(source, end)]


def edits(source: BinaryIO, end: int) -> list[Edit]:
    """Return the edit that takes it out, and nothing else that stands there."""
    return [Edit(start, start + len(text), b"") for start, text in _spans(source, end)]


def too_long(source: BinaryIO, end: int) -> str:
    """Say why not all that stands behind ``end`` is searched, or ""."""
    length = size_of(source) - end
    return f"{length} bytes, more than the {MAX_TAIL_BYTES} that are searched" if length > MAX_TAIL_BYTES else ""


def _spans(source: BinaryIO, end: int) -> list[tuple[int, bytes]]:
    length = min(size_of(source) - end, MAX_TAIL_BYTES)
    tail = read_at(source, end, max(length, 0), what="what follows the end")
    if not mentions(tail.decode("latin-1")):
        return []
    start, stop = tail.index(b"{"), tail.rfind(b"}") + 1
    return [(end + start, tail[start:stop])] if start < stop else []
