"""Digests of bytes: SHA-256, and SM3 (GB/T 32905) for those who ask for Chinese algorithms."""

import hashlib


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest, 32 bytes."""
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """Return the SM3 digest, 32 bytes."""
    try:
        return hashlib.new("sm3", data).digest()
    except ValueError:  # a Python built without it
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only such a Python pays for it

        made = hashes.Hash(hashes.SM3())
        made.update(data)
        return made.finalize()
