"""Digests of bytes and of files: SHA-256, and SM3 (GB/T 32905) for those who ask for Chinese algorithms."""

import hashlib
import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import Hash as Sm3Hash

PIECE_BYTES: Final = 1 << 20


class Hash(Protocol):
    """A digest in the making."""

    def update(self, data: bytes, /) -> None:
        """Take further bytes."""

    def digest(self) -> bytes:
        """Return the digest of all bytes so far."""

    def copy(self) -> "Hash":
        """Return another that goes on from here."""


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest, 32 bytes."""
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """Return the SM3 digest, 32 bytes."""
    made = _begun_sm3().copy()  # in half the time of a new one, for OpenSSL looks that up by its name
    made.update(data)
    return made.digest()


class _Sm3:
    """SM3 of ``cryptography``, for a Python built without it."""

    def __init__(self, begun: "Sm3Hash | None" = None) -> None:
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only such a Python pays for it

        self._made = begun or hashes.Hash(hashes.SM3())

    def update(self, data: bytes) -> None:
        self._made.update(data)

    def digest(self) -> bytes:
        return self._made.copy().finalize()

    def copy(self) -> "_Sm3":
        return _Sm3(self._made.copy())


def new_sm3() -> Hash:
    """Begin an SM3 digest."""
    try:
        return hashlib.new("sm3")
    except ValueError:
        return _Sm3()


_begun_sm3: Final = cache(new_sm3)


@dataclass(frozen=True, slots=True)
class Digesting:
    """Which files' digests go into the log."""

    most_bytes: int = 0
    """Larger files have none; 0 leaves all without."""
    sm3: bool = False
    """SM3 beside SHA-256; it takes seven times as long."""


def of(source: BinaryIO, how: Digesting) -> dict[str, object]:
    """Return ``bytes``, ``sha256`` and, if asked for, ``sm3`` of a whole stream (hexadecimal); nothing where it is too large."""
    size = source.seek(0, io.SEEK_END)
    if size > how.most_bytes:
        return {}
    made: dict[str, Hash] = {"sha256": hashlib.sha256(), **({"sm3": new_sm3()} if how.sm3 else {})}
    source.seek(0)
    while piece := source.read(PIECE_BYTES):
        for one in made.values():
            one.update(piece)
    return {"bytes": size, **{name: one.digest().hex() for name, one in made.items()}}
