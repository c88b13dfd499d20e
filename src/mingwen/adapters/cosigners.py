"""Keys of witnesses: Ed25519 and ML-DSA-44 as cosigners (c2sp.org/tlog-cosignature), in files of PKCS #8."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from mingwen.domain.errors import Malformed, Refused, Unavailable
from mingwen.proofs import notes
from mingwen.proofs.notes import Key, Kind, Signature

MOST_FILE_BYTES: Final = 64 << 10

Private: TypeAlias = Ed25519PrivateKey | MLDSA44PrivateKey

KINDS: Final[dict[str, Kind]] = {"ed25519": Kind.COSIGNATURE, "ml-dsa-44": Kind.ML_DSA_44}


@dataclass(frozen=True, slots=True)
class Cosigner:
    """The port ``NoteSigner`` for a witness."""

    key: Key
    private: Private = field(repr=False)

    def sign(self, note_text: str, at: int) -> Signature:
        """See ``ports.NoteSigner``."""
        raw = self.private.sign(notes.message(note_text, self.key, at))
        return Signature(self.key.name, self.key.id, notes.value(self.key, at, raw))


@dataclass(frozen=True, slots=True)
class New:
    """A key that was just made."""

    key: Key
    pem: bytes = field(repr=False)
    """The private key, unencrypted."""


def new(name: str, kind: str) -> New:
    """Make a key of this kind (of ``KINDS``) for the witness ``name``.

    Raises:
        Malformed: no key may be called so (``key.verifier``).
    """
    private = Ed25519PrivateKey.generate() if KINDS[kind] is Kind.COSIGNATURE else MLDSA44PrivateKey.generate()
    return New(_public(private, name), private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def save(path: Path, pem: bytes) -> None:
    """Write a key that nobody but its owner may read.

    Raises:
        Refused: the file exists (``key.exists``).
        Unavailable: it cannot be written (``key.unwritable``).
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(handle)
    except FileExistsError as e:
        hint = "move it away, or give another -o; keys are never overwritten"
        raise Refused("key.exists", f"expected no file at {path}, found one", hint=hint) from e
    except (OSError, ValueError) as e:
        raise Unavailable("key.unwritable", f"expected to write {path}, but: {e}", hint="choose another folder") from e


def read(path: Path, name: str, *, passphrase: bytes | None) -> Cosigner:
    """Load the key of the witness ``name`` from a file that nobody but its owner may touch.

    Raises:
        Refused: the file's mode gives others a right (``key.permissions``).
        Malformed: it holds no such key, or not under this passphrase (``key.cosigner``).
        Unavailable: it cannot be read (``key.unreadable``).
    """
    try:
        with path.open("rb") as source:
            mode = os.fstat(source.fileno()).st_mode & 0o777  # of the file that is open, not of what stands there later
            pem = source.read(MOST_FILE_BYTES)
    except (OSError, ValueError) as e:
        raise Unavailable("key.unreadable", f"expected a key at {path}, but: {e}", hint="check the path") from e
    if mode & 0o077:
        raise Refused("key.permissions", f"expected mode 600 on {path}, got {mode:o}", hint=f"run: chmod 600 {path}")
    try:
        private = load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise _none(path) from e
    if not isinstance(private, Private):
        raise _none(path)
    return Cosigner(_public(private, name), private)


def _public(private: Private, name: str) -> Key:
    kind = Kind.COSIGNATURE if isinstance(private, Ed25519PrivateKey) else Kind.ML_DSA_44
    key = Key(name, kind, private.public_key().public_bytes_raw())
    return notes.parse_key(str(key))  # as others will read it: a name that is none is found here


def _none(path: Path) -> Malformed:
    hint = "`mingwen witness key new` makes one; MINGWEN_KEY_PASSPHRASE opens an encrypted one"
    return Malformed("key.cosigner", f"expected an Ed25519 or ML-DSA-44 key in PEM at {path}, got none", hint=hint)
