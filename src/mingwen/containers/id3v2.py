"""ID3v2 tags passed over: where what they stand before begins (ID3v2.4 §3.1). What is in them is the formats' affair."""

from typing import BinaryIO, Final

HEAD: Final = 10
MAX_TAGS: Final = 16
"""Before one sound; writers that know of no other put theirs in front."""


def behind(source: BinaryIO) -> int:
    """Return where the tags at the beginning of a file end; it may lie beyond the file, where one says so."""
    at = 0
    for _ in range(MAX_TAGS):
        source.seek(at)
        head = source.read(HEAD)
        if len(head) < HEAD or head[:3] != b"ID3":
            break
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        at += HEAD + size + (HEAD if head[5] & 0x10 else 0)  # a footer
    return at
