"""The wiring of those who watch logs: the worlds of a witness and of a monitor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from mingwen.adapters import cosigners
from mingwen.adapters.clock import SystemClock
from mingwen.adapters.remote_logs.folder import FolderLog
from mingwen.adapters.remote_logs.http import HttpLog
from mingwen.adapters.seen.sqlite import SqliteSeen
from mingwen.domain.errors import Misused
from mingwen.ports import MonitorWorld, WitnessWorld
from mingwen.proofs import notes
from mingwen.proofs.notes import Key
from mingwen.wiring import home, passphrase, staged

KINDS = tuple(cosigners.KINDS)


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
    signers = [cosigners.read(home(k), post.name, passphrase=passphrase()) for k in post.keys]
    if len({s.key.kind for s in signers}) < len(signers):
        raise Misused("witness.keys", "expected keys of different kinds, got two of one", hint="one Ed25519, one ML-DSA-44")
    return WitnessWorld(SystemClock(), SqliteSeen(home(post.state)), signers, by_origin([notes.parse_key(k) for k in post.logs]))


def by_origin(keys: Sequence[Key]) -> Mapping[str, Sequence[Key]]:
    """Put keys of logs under their origin, which is the key's name (c2sp.org/tlog-checkpoint recommends it)."""
    return {key.name: [k for k in keys if k.name == key.name] for key in keys}


def new_cosigner(path: Path, name: str, kind: str) -> Key:
    """Make a key of a witness and return its public half.

    Raises:
        Refused: there is such a file (``key.exists``).
        Malformed: ``name`` cannot be a key's name (``key.verifier``).
    """
    made = cosigners.new(name, kind)
    cosigners.save(path, made.pem)
    return made.key


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
