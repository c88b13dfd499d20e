"""Digests of bytes: SHA-256, and SM3 (GB/T 32905) for those who ask for Chinese algorithms."""

import hashlib
from typing import BinaryIO, Final, Protocol

CHUNK_BYTES: Final = 1 << 20


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest, 32 bytes."""
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """Return the SM3 digest, 32 bytes."""
    made = _new_sm3()
    made.update(data)
    return made.digest()


def of_stream(source: BinaryIO) -> tuple[int, bytes, bytes]:
    """Read ``source`` from where it stands to its end; return how many bytes that was, their SHA-256 and their SM3."""
    size, one, other = 0, hashlib.sha256(), _new_sm3()
    while chunk := source.read(CHUNK_BYTES):
        size += len(chunk)
        one.update(chunk)
        other.update(chunk)
    return size, one.digest(), other.digest()


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


def _new_sm3() -> _Hash:
    try:
        return hashlib.new("sm3")
    except ValueError:  # a Python built without it
        return _Sm3()


class _Sm3:
    """SM3 by the library ``cryptography``, in the shape of ``hashlib``."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only such a Python pays for it

        self._made = hashes.Hash(hashes.SM3())

    def update(self, data: bytes, /) -> None:
        self._made.update(data)

    def digest(self) -> bytes:
        return self._made.finalize()
