"""The wiring of those who watch logs: the worlds of a witness and of a monitor."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from mingwen.adapters.clock import SystemClock
from mingwen.adapters.files.disk import home, staged
from mingwen.adapters.note_signers import files
from mingwen.adapters.note_signers.files import KeySigner
from mingwen.adapters.remote_logs.folder import FolderLog
from mingwen.adapters.remote_logs.http import HttpLog
from mingwen.adapters.seen.sqlite import SqliteSeen
from mingwen.domain.errors import Malformed, Misused, Refused
from mingwen.ports import MonitorWorld, WitnessWorld
from mingwen.proofs import notes
from mingwen.proofs.notes import Key, Kind

KINDS: Final = {"ed25519": Kind.COSIGNATURE, "ml-dsa-44": Kind.ML_DSA_44}
"""What a witness signs with (c2sp.org/tlog-cosignature)."""


@dataclass(frozen=True, slots=True)
class Post:
    """Who a witness is, and what it watches."""

    name: str
    keys: Sequence[str]
    """Files of private keys."""
    logs: Sequence[str]
    """Verifier keys."""
    state: str
    """The file in which it keeps what it saw."""


def witness(post: Post) -> WitnessWorld:
    """Build the world of a witness.

    Raises:
        MingwenError: a key or the file of what was seen cannot be read.
    """
    signers = [cosigner(home(k), post.name) for k in post.keys]
    if len({s.key.kind for s in signers}) < len(signers):
        raise Misused("witness.keys", "expected keys of different kinds, got two of one", hint="one Ed25519, one ML-DSA-44")
    return WitnessWorld(SystemClock(), SqliteSeen(home(post.state)), signers, by_origin([verifier_key(k) for k in post.logs]))


def verifier_key(text: str) -> Key:
    """Read a verifier key that somebody typed.

    Raises:
        Misused: it is none (``usage.key``).
    """
    try:
        return notes.parse_key(text)
    except Malformed as e:
        raise Misused("usage.key", e.message, hint=e.hint) from e


def by_origin(keys: Sequence[Key]) -> Mapping[str, Sequence[Key]]:
    """Put keys of logs under their origin, which is the key's name (c2sp.org/tlog-checkpoint recommends it)."""
    return {key.name: [k for k in keys if k.name == key.name] for key in keys}


def new_cosigner(path: Path, name: str, kind: str) -> Key:
    """Make a key of a witness and return its public half.

    Raises:
        Refused: there is such a file (``key.exists``).
        Malformed: ``name`` cannot be a key's name (``key.verifier``).
    """
    pem = files.new_key(KINDS[kind])
    key = _cosigning(pem, name, path).key
    if not files.save(path, pem):
        hint = "move it away, or give another -o; keys are never overwritten"
        raise Refused("key.exists", f"expected no file at {path}, found one", hint=hint)
    return key


def cosigner(path: Path, name: str) -> KeySigner:
    """Load the key of the witness ``name``.

    Raises:
        Malformed: it is no key for that, or ``name`` cannot be a key's name (``key.cosigner``, ``key.verifier``).
        MingwenError: it cannot be read, or others can read it.
    """
    return _cosigning(files.read(path), name, path)


def _cosigning(pem: bytes, name: str, path: Path) -> KeySigner:
    signer = files.load(pem, name, os.environ.get("MINGWEN_KEY_PASSPHRASE", "").encode() or None)
    if signer is None:
        hint = "`mingwen witness key new` makes one"
        raise Malformed("key.cosigner", f"expected an Ed25519 or ML-DSA-44 key in PEM at {path}, got none", hint=hint)
    kind = Kind.COSIGNATURE if signer.key.kind is Kind.ED25519 else signer.key.kind
    key = notes.parse_key(str(replace(signer.key, kind=kind)))  # as others will read it: a name that is none is found here
    return replace(signer, key=key)


def monitor(log: str, state: str | None) -> MonitorWorld:
    """Build the world of a monitor of the log at an address or in a folder."""
    remote = HttpLog(log) if log.startswith(("http://", "https://")) else FolderLog(home(log))
    return MonitorWorld(SystemClock(), remote, SqliteSeen(seen_path(state)))


def seen_path(state: str | None) -> Path:
    """Return where a monitor remembers what it saw."""
    return home(state) if state else user_data_path("mingwen") / "seen.db"


def keep(path: Path, text: str) -> None:
    """Write a file of evidence, once."""
    if not path.exists():
        with staged(path, replace=False) as file:
            file.write(text.encode())
