"""What the tests of manifests share: a chain that signs, and a statement to sign."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mingwen.adapters.manifests import chains, keys
from mingwen.adapters.manifests.c2pa_manifests import C2paManifests, Signing
from mingwen.domain.labels import produced, to_json
from mingwen.domain.manifests import Agent, Manifest, Statement
from mingwen.ports import Parent

PRODUCER = "001191310104MACE0YX63918020"
FIRST = produced(producer=PRODUCER, produce_id="142569260085903360")
LABEL = to_json(FIRST)
STATEMENT = Statement(LABEL, Agent("Painter", "1.2"), "picture", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


class Chain:
    """A test chain, and the port that signs with it."""

    def __init__(self, folder: Path) -> None:
        key, chain, root = chains.new_chain(datetime.now(UTC))
        self.key, self.chain, self.root = folder / "a.key.pem", folder / "a.chain.pem", root.decode()
        self.key.write_bytes(key)
        self.key.chmod(0o600)
        self.chain.write_bytes(chain)

    def signing(self, key: str = "", *, algorithm: str = "es256", timestamp: str = "") -> Signing:
        """What signs, with another key or an authority where they are given."""
        pem = self.chain.read_bytes()
        sign = keys.signing(key or str(self.key), keys.ALGORITHMS[algorithm], pem, None)
        return Signing(sign, algorithm, pem.decode(), timestamp)

    def port(self, *, trust: str = "", signing: Signing | None = None) -> C2paManifests:
        """The port, with roots that are trusted."""
        return C2paManifests(Agent("Mingwen", "0.1.0"), lambda: signing or self.signing(), trust=trust)


def signed(port: C2paManifests, data: bytes, mime: str, statement: Statement = STATEMENT, parent: bytes | None = None) -> bytes:
    sink = io.BytesIO()
    assert port.sign(io.BytesIO(data), sink, mime, statement, Parent(io.BytesIO(parent)) if parent else None) is None
    return sink.getvalue()


def read(port: C2paManifests, data: bytes, mime: str, beside: bytes | None = None) -> Manifest:
    found = port.read(io.BytesIO(data), mime, io.BytesIO(beside) if beside else None)
    assert found
    return found


class Stuck(io.BytesIO):
    """A disk that is full."""

    def write(self, _: Any) -> int:
        """Fail."""
        raise OSError(28, "no space")
