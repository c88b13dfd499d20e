"""Digests of bytes and of files: SHA-256, and SM3 (GB/T 32905) for those who ask for Chinese algorithms."""

import hashlib
import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import Hash as Sm3Hash

PIECE_BYTES: Final = 1 << 20


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest, 32 bytes."""
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """Return the SM3 digest, 32 bytes."""
    made = _begun_sm3().copy()  # in half the time of a new one, for OpenSSL looks that up by its name
    made.update(data)
    return made.digest()


@dataclass(frozen=True, slots=True)
class Digesting:
    """Which files' digests go into the log."""

    most_bytes: int = 0
    """Larger files have none; 0 leaves all without."""
    sm3: bool = False
    """SM3 beside SHA-256; it takes seven times as long."""


def of(source: BinaryIO, how: Digesting) -> dict[str, object]:
    """Return ``bytes``, ``sha256`` and, if asked for, ``sm3`` of a whole stream (hexadecimal); nothing where it is too large."""
    if source.seek(0, io.SEEK_END) > how.most_bytes:
        return {}
    source.seek(0)
    size, made = _read(source, {"sha256": hashlib.sha256()} | ({"sm3": _new_sm3()} if how.sm3 else {}))
    return {"bytes": size, **{name: one.hex() for name, one in made.items()}}


def of_stream(source: BinaryIO) -> tuple[int, bytes, bytes]:
    """Read ``source`` from where it stands to its end; return how many bytes that was, their SHA-256 and their SM3."""
    size, made = _read(source, {"sha256": hashlib.sha256(), "sm3": _new_sm3()})
    return size, made["sha256"], made["sm3"]


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...
    def copy(self) -> "_Hash": ...


def _read(source: BinaryIO, made: dict[str, _Hash]) -> tuple[int, dict[str, bytes]]:
    size = 0
    while piece := source.read(PIECE_BYTES):
        size += len(piece)
        for one in made.values():
            one.update(piece)
    return size, {name: one.digest() for name, one in made.items()}


def _new_sm3() -> _Hash:
    try:
        return hashlib.new("sm3")
    except ValueError:  # a Python built without it
        return _Sm3()


_begun_sm3: Final = cache(_new_sm3)


class _Sm3:
    """SM3 by the library ``cryptography``, in the shape of ``hashlib``."""

    def __init__(self, begun: "Sm3Hash | None" = None) -> None:
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only such a Python pays for it

        self._made = begun or hashes.Hash(hashes.SM3())

    def update(self, data: bytes, /) -> None:
        self._made.update(data)

    def digest(self) -> bytes:
        return self._made.copy().finalize()

    def copy(self) -> "_Sm3":
        return _Sm3(self._made.copy())
