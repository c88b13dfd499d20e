"""What an EBML file says it is (RFC 8794 §11.2); all that a head needs of it."""

from typing import Final

_MAGIC: Final = b"\x1a\x45\xdf\xa3"
_DOCTYPE: Final = b"\x42\x82"
_MAX_CHILDREN: Final = 32


def doctype(head: bytes) -> bytes | None:
    """Return the DocType of a file's beginning, ``matroska`` where it names none; None if it does not begin as EBML does."""
    if not head.startswith(_MAGIC):
        return None
    size, at = _number(head, len(_MAGIC))
    stop = min(at + size, len(head))
    for _ in range(_MAX_CHILDREN):
        if at >= stop:
            break
        name = at + max(_width(head[at]), 1)
        size, data = _number(head, name)
        if head[at:name] == _DOCTYPE:
            return head[data : data + size].rstrip(b"\0")
        at = data + size
    return b"matroska"  # the default of RFC 9559 §4


def _width(first: int) -> int:
    return 9 - first.bit_length()


def _number(head: bytes, at: int) -> tuple[int, int]:
    """Return a size and where what follows begins; behind the end all is 0."""
    stop = at + _width(head[at] if at < len(head) else 0xFF)
    return int.from_bytes(head[at:stop]) & (1 << 7 * (stop - at)) - 1, stop
