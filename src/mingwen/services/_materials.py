"""Files of which the digests are recorded, not the bytes."""

from typing import BinaryIO

from mingwen.domain.digests import of_stream
from mingwen.domain.works import Material


def material(name: str, source: BinaryIO) -> Material:
    """Read ``source`` (binary, of any size) to its end, and tell its size and digests under this name."""
    size, sha256, sm3 = of_stream(source)
    return Material(name, size, sha256.hex(), sm3.hex())
