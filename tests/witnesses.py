"""A log to be witnessed and a witness to be asked: what several tests share."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mingwen.proofs import merkle, tiles
from mingwen.proofs.notes import Key, Kind, Signature

LEAVES: Final = [f"entry {i}".encode() for i in range(700)]


@dataclass
class Log:
    """A log in memory, signed by plain Ed25519; ``twist`` makes another tree of the same origin."""

    origin: str = "log.example/one"
    twist: int | None = None
    private: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(sha256(b"log").digest()))

    def __post_init__(self) -> None:
        self.leaves = [b"twisted" if i == self.twist else leaf for i, leaf in enumerate(LEAVES)]
        self.hashes = [merkle.leaf_hash(leaf) for leaf in self.leaves]

    @property
    def key(self) -> Key:
        """Its verifier key."""
        return Key(self.origin, Kind.ED25519, self.private.public_key().public_bytes_raw())

    def root(self, size: int) -> bytes:
        """Return the root of so many leaves."""
        return merkle.Edge().grown(self.hashes[:size]).root

    def proof(self, old: int, new: int) -> list[bytes]:
        """Return the proof of consistency."""

        def node(level: int, number: int) -> bytes:
            return merkle.Edge().grown(self.hashes[number << level : (number + 1) << level]).root

        return merkle.consistency(old, new, node)

    def text(self, size: int, root: bytes | None = None) -> str:
        """Write a checkpoint."""
        return f"{self.origin}\n{size}\n{base64.b64encode(root or self.root(size)).decode()}\n"

    def note(self, size: int, root: bytes | None = None) -> str:
        """Write a signed checkpoint."""
        text = self.text(size, root)
        return f"{text}\n{Signature(self.origin, self.key.id, self.private.sign(text.encode()))}"

    def publish(self, folder: Path, size: int) -> None:
        """Write tiles, bundles and checkpoint of so many leaves."""
        frontier, files = tiles.Frontier().grown(self.leaves[:size])
        for name, data in (files | frontier.partial()).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        folder.mkdir(exist_ok=True)
        (folder / "checkpoint").write_text(self.note(size), encoding="utf-8")


@contextmanager
def serving(folder: Path, *keys: str, logs: Sequence[Key], name: str = "witness.example/w1") -> Iterator[tuple[str, int]]:
    """Run a witness as a process of its own; give its address and process id. It is killed, not stopped."""
    flags = [*(f for k in keys for f in ("--key", str(folder / k))), *(f for k in logs for f in ("--log", str(k)))]
    command = [sys.executable, "-m", "mingwen", "witness", "serve", "--listen", "127.0.0.1:0", "--name", name]
    command += [*flags, "--state", str(folder / "seen.db"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        try:
            told = process.stdout.readline()
            assert told, process.stderr and process.stderr.read()
            yield json.loads(told)["listening"], process.pid
        finally:
            process.kill()
