"""Keys that sign notes, in files: PEM of PKCS#8, mode 0600; Ed25519 and ML-DSA-44 over ``cryptography``."""

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from mingwen.adapters import durable
from mingwen.domain.errors import Refused, Unavailable
from mingwen.proofs import notes
from mingwen.proofs.notes import Key, Kind, Signature

MOST_FILE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeySigner:
    """The port ``NoteSigner`` over whatever signs bytes; for ML-DSA-44 and cosignatures the time goes in."""

    key: Key
    signing: Callable[[bytes], bytes] = field(repr=False)

    def sign(self, note_text: str, at: int) -> Signature:
        """See ``ports.NoteSigner``."""
        raw = self.signing(notes.message(note_text, self.key, at))
        return Signature(self.key.name, self.key.id, notes.value(self.key, at, raw))


def new_key(kind: Kind) -> bytes:
    """Make an Ed25519 or ML-DSA-44 key as PEM, not encrypted."""
    made = MLDSA44PrivateKey.generate() if kind is Kind.ML_DSA_44 else Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load(pem: bytes, name: str, passphrase: bytes | None) -> KeySigner | None:
    """Take a signer out of PEM; ``name`` goes with the key. None for a key of another kind.

    Raises:
        Refused: the passphrase is missing or wrong (``key.passphrase``).
    """
    encrypted = b"ENCRYPTED" in pem
    if encrypted and not passphrase:
        hint = "set MINGWEN_KEY_PASSPHRASE"
        raise Refused("key.passphrase", "expected a passphrase for an encrypted key, got none", hint=hint)
    try:
        key = load_pem_private_key(pem, passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, Ed25519PrivateKey):
        return KeySigner(Key(name, Kind.ED25519, key.public_key().public_bytes_raw()), key.sign)
    if isinstance(key, MLDSA44PrivateKey):
        return KeySigner(Key(name, Kind.ML_DSA_44, key.public_key().public_bytes_raw()), key.sign)
    return None


def read(path: Path) -> bytes:
    """Read a key file that nobody but its owner may touch.

    Raises:
        Refused: its mode gives others a right (``key.permissions``).
        Unavailable: it cannot be read (``key.unreadable``).
    """
    try:
        with path.open("rb") as source:
            mode = os.fstat(source.fileno()).st_mode & 0o777
            pem = source.read(MOST_FILE_BYTES)
    except (OSError, ValueError) as e:
        reason = f"expected a key at {path}, but: {e}"
        raise Unavailable("key.unreadable", reason, hint="check the path; `mingwen log key new` makes one") from e
    if mode & 0o077:
        raise Refused("key.permissions", f"expected mode 600 on {path}, got {mode:o}", hint=f"run: chmod 600 {path}")
    return pem


def save(path: Path, pem: bytes) -> bool:
    """Write a key to a new file, whole and durably, with mode 0600; say whether it was new: no key is ever overwritten.

    Raises:
        Unavailable: the disk failed (``key.unwritable``).
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            sink.write(pem)
            sink.flush()
            os.fsync(sink.fileno())
        os.link(part, path)  # fails where somebody else was faster
        durable.sync_above(path)  # what it signs outlives a loss of power: so must the key
    except FileExistsError:
        return False
    except (OSError, ValueError) as e:  # ValueError: a NUL in the path
        raise Unavailable("key.unwritable", f"expected to write {path}, but: {e}", hint="choose another folder") from e
    finally:
        with contextlib.suppress(OSError, ValueError):
            part.unlink(missing_ok=True)
    return True
