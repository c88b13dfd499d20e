"""Signed notes and verifier keys (c2sp.org/signed-note); checkpoints of logs, which are such notes (tlog-checkpoint).

Three kinds of signature are made and checked: Ed25519 (0x01, and 0x04 as the cosignature of a witness), ML-DSA-44 as a
cosignature (0x06), and SM2 with SM3, for which C2SP assigns no byte: it is written as 0xff and ``sm2-sm3``, as the specification
recommends.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mingwen.domain import sm2, sm2_signatures
from mingwen.domain.digests import sha256
from mingwen.domain.errors import Malformed
from mingwen.proofs._base64 import decoded, encoded
from mingwen.proofs.merkle import HASH_BYTES

MOST_NOTE_BYTES: Final = 1 << 20
MOST_SIGNATURES: Final = 64
"""The specification asks for at least 16."""
SM2_TYPE: Final = b"\xffsm2-sm3"
ID_BYTES: Final = 4
MARK: Final = "\u2014 "
"""An em dash and a space begin each line of a signature."""

_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]{1,255}")
_LINES: Final = 3
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class Kind(Enum):
    """The kinds of keys; the value is the signature type with which the key's material begins in a verifier key."""

    ED25519 = b"\x01"
    COSIGNATURE = b"\x04"
    """Ed25519, over ``cosignature/v1``, the time and the note."""
    ML_DSA_44 = b"\x06"
    """Over ``subtree/v1``, both names, the time, the size and the root."""
    SM2 = SM2_TYPE
    """Over the note, SM2 with SM3 and the default user id, as DER; the key is a point of 65 bytes."""


_KEY_BYTES: Final = {Kind.ED25519: 32, Kind.COSIGNATURE: 32, Kind.ML_DSA_44: 1312, Kind.SM2: sm2.POINT_BYTES}
_STAMPED: Final = {Kind.COSIGNATURE, Kind.ML_DSA_44}
TIME_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Key:
    """A public key with the name that goes with it."""

    name: str
    kind: Kind
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell it from others of the same name."""
        return sha256(self.name.encode() + b"\n" + self.kind.value + self.public)[:ID_BYTES]

    def __str__(self) -> str:
        """Write it as a verifier key: ``name+id+base64``."""
        return f"{self.name}+{self.id.hex()}+{encoded(self.kind.value + self.public)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of signature; whose it is, nobody has checked."""

    name: str
    id: bytes
    value: bytes

    def __str__(self) -> str:
        return f"{MARK}{self.name} {encoded(self.id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it."""

    text: str
    """Ends in a newline."""
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log at one size."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines, which logs of others may have; nobody can audit them."""

    @property
    def text(self) -> str:
        """What is signed."""
        lines = (self.origin, str(self.size), encoded(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that holds."""

    key: Key
    at: int | None
    """When, in seconds since 1970, where the kind of signature says so."""


def parse_key(text: str) -> Key:
    """Read a verifier key.

    Raises:
        Malformed: it is none, of another kind, or its number does not go with it (``key.verifier``).
    """
    name, id_hex, material = (*text.strip().split("+", 2), "", "")[:3]
    data = decoded(material)
    kind = next((k for k in Kind if data and data.startswith(k.value)), None)
    if _NAME.fullmatch(name) and data and kind and len(data) == len(kind.value) + _KEY_BYTES[kind]:
        key = Key(name, kind, data[len(kind.value) :])
        if key.id.hex() == id_hex:
            return key
    hint = "it looks like example.com/log+530d903a+AekyeRrm…; `mingwen log key` prints yours"
    raise Malformed("key.verifier", f"expected name+number+key of Ed25519, ML-DSA-44 or SM2, got {text[:80]!r}", hint=hint)


def parse(data: bytes) -> Note:
    """Read a signed note.

    Raises:
        Malformed: it is none (``note.malformed``).
    """
    if len(data) > MOST_NOTE_BYTES:
        raise _malformed(f"at most {MOST_NOTE_BYTES} bytes, got {len(data)}")
    try:
        whole = data.decode()
    except UnicodeDecodeError as e:
        raise _malformed("UTF-8") from e
    text, gap, below = whole.rpartition("\n\n")
    if not gap or not below.endswith("\n") or any(c < " " and c != "\n" for c in whole):
        raise _malformed("a text, an empty line and lines of signatures")
    lines = below.removesuffix("\n").split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise _malformed(f"at most {MOST_SIGNATURES} signatures, got {len(lines)}")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint.

    Raises:
        Malformed: it is none (``checkpoint.malformed``).
    """
    origin, size, root, *extensions = text.removesuffix("\n").split("\n") if text.count("\n") >= _LINES else ("", "", "")
    root_hash = decoded(root)
    if not (origin and all(extensions) and _NUMBER.fullmatch(size) and root_hash and len(root_hash) == HASH_BYTES):
        hint = "a checkpoint is three lines: origin, size and root (c2sp.org/tlog-checkpoint)"
        raise Malformed("checkpoint.malformed", f"expected a checkpoint, got {text[:120]!r}", hint=hint)
    return Checkpoint(origin, int(size), root_hash, tuple(extensions))


def message(note_text: str, key: Key, at: int | None) -> bytes:
    """Return the bytes that a key of this kind signs; ``at`` is the time for those that stamp.

    Raises:
        Malformed: a cosignature of something that is no checkpoint.
    """
    if key.kind is Kind.COSIGNATURE:
        return f"cosignature/v1\ntime {at}\n{note_text}".encode()
    if key.kind is Kind.ML_DSA_44:
        return _subtree(parse_checkpoint(note_text), key.name, at or 0)
    return note_text.encode()


def value(key: Key, at: int | None, raw: bytes) -> bytes:
    """Return what stands in the line of signature behind the key's number: the time, where the kind has one, and ``raw``."""
    return (at or 0).to_bytes(TIME_BYTES) + raw if key.kind in _STAMPED else raw


def check(note: Note, key: Key) -> Signed | None:
    """Look for the signature of ``key`` on ``note``: None if there is none; of several, all have to hold.

    Raises:
        Malformed: a signature in its name does not hold (``note.signature``); by the specification the whole note is then void.
    """
    held = None
    for signature in note.signatures:
        if (signature.name, signature.id) != (key.name, key.id):
            continue
        at = int.from_bytes(signature.value[:TIME_BYTES]) if key.kind in _STAMPED else None
        raw = signature.value[TIME_BYTES:] if key.kind in _STAMPED else signature.value
        if (at is not None and at >= 1 << 63) or not holds(key, message(note.text, key, at), raw):
            hint = "the note, or the key it is checked by, is not what it claims to be"
            raise Malformed("note.signature", f"expected the signature of {key.name} to hold, it does not", hint=hint)
        held = Signed(key, at)
    return held


def holds(key: Key, signed: bytes, signature: bytes) -> bool:
    """Say whether ``signature`` is that of ``key`` over the bytes ``signed``."""
    if key.kind is Kind.SM2:
        return sm2_signatures.verify(key.public, signed, signature)
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - a large library, for those who check signatures
    from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa  # noqa: PLC0415 - the same

    public = mldsa.MLDSA44PublicKey if key.kind is Kind.ML_DSA_44 else ed25519.Ed25519PublicKey
    try:
        public.from_public_bytes(key.public).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _subtree(checkpoint: Checkpoint, cosigner: str, at: int) -> bytes:
    """The ``cosigned_message`` of tlog-cosignature for a whole tree."""
    names = [n.encode() for n in (cosigner, checkpoint.origin)]
    if any(not 0 < len(n) < 256 for n in names):  # noqa: PLR2004 - opaque<1..2^8-1>
        raise _malformed("names of 1 to 255 bytes")
    mine, origin = (bytes([len(n)]) + n for n in names)
    end = checkpoint.size.to_bytes(8)
    return b"subtree/v1\n\0" + mine + at.to_bytes(8) + origin + bytes(8) + end + checkpoint.root


def is_time(at: int | None) -> bool:
    """Say whether the time of a cosignature tells one: 0 says nothing, and beyond the year 3058 nothing can be meant."""
    return at is not None and 0 < at < 1 << 35


def signatures(lines: str) -> Sequence[Signature]:
    """Read lines of signatures, as a witness answers with.

    Raises:
        Malformed: they are none.
    """
    return [_signature(line) for line in lines.removesuffix("\n").split("\n")]


def _signature(line: str) -> Signature:
    name, _, written = line.removeprefix(MARK).partition(" ")
    data = decoded(written)
    if not line.startswith(MARK) or not _NAME.fullmatch(name) or data is None or len(data) <= ID_BYTES:
        raise _malformed(f"a line of signature, got {line[:80]!r}")
    return Signature(name, data[:ID_BYTES], data[ID_BYTES:])


def _malformed(expected: str) -> Malformed:
    return Malformed("note.malformed", f"expected a signed note: {expected}", hint="see c2sp.org/signed-note")
