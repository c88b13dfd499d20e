"""What an adversary found in evidence, once: each stays mended. Bundles that verifiers read in two ways are vectors."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mingwen import wiring_watch
from mingwen.adapters.heads.file import FileHead
from mingwen.adapters.seen.sqlite import SqliteSeen
from mingwen.adapters.witnesses.http import HttpWitness
from mingwen.domain.errors import Unproven
from mingwen.ports import WitnessWorld
from mingwen.proofs import _certificates, notes, rfc3161, verifier
from mingwen.proofs.notes import Key, Kind, Signature
from mingwen.proofs.witnessing import OK, written
from mingwen.services import witnessing
from witnesses import Log

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests/vectors/bundles"
MOST_SECONDS = 5
LOG = Log()


@pytest.fixture
def spoilt(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], bytes]:
    monkeypatch.syspath_prepend(str(ROOT))
    from tools.vector_drafts import draft  # noqa: PLC0415 - a tool, found by the line above

    def make(name: str, data: bytes) -> bytes:
        made = draft()
        made.files[name] = data
        return made.sealed()

    return make


@pytest.mark.parametrize("text", ['"' + '\\"' * 400_000, '"' * 799_999, "\\" * 800_000, "[{" * 400_000])
def test_a_hostile_text_takes_no_time(text: str, spoilt: Callable[[str, bytes], bytes]) -> None:
    """Quotes that nobody closes were read again from each of them on, which took minutes."""
    data = spoilt("entries/5.fields.json", text.encode())
    start = time.process_time()
    assert verifier.verify(data).outcome == "broken"
    assert time.process_time() - start < MOST_SECONDS


def test_the_most_signatures_by_sm2_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle holds up to 272 on its notes, and 22 on each of 16 time stamps."""
    monkeypatch.syspath_prepend(str(ROOT))
    from tools.vector_parts import LOG_SM2  # noqa: PLC0415 - a tool, found by the line above

    key, value = LOG_SM2.key.public, LOG_SM2.sign("text\n").value
    start = time.process_time()
    assert all(verifier.sm2(key, value, b"text\n") for _ in range(62))
    assert time.process_time() - start < MOST_SECONDS / 10 * 2  # a tenth of them, with room for a slow machine
    assert not verifier.sm2(key, value, b"other\n")


def test_what_the_publisher_takes_every_verifier_takes() -> None:
    """A stamp whose key or number of certificates a verifier refuses is of no use in a bundle."""
    assert rfc3161.MOST_CERTIFICATES == verifier.MOST_CERTIFICATES
    names = {"secp256r1", "secp384r1", "secp521r1"}
    assert names == _certificates._CURVES
    assert sum(kind == "ec" for kind in verifier.KEYS.values()) == len(names)


def test_a_head_behind_a_link_stays_there(tmp_path: Path) -> None:
    """The second place may be a link to another disk; it was replaced by a file beside the store."""
    other, link = tmp_path / "other disk" / "head", tmp_path / "head"
    other.parent.mkdir()
    link.symlink_to(other)
    head = FileHead(link)
    assert head.swap(None, b"one")
    assert head.swap(b"one", b"two")
    assert link.is_symlink()
    assert other.read_bytes() == b"two"


def test_the_vectors_name_what_was_found() -> None:
    expected = json.loads((FOLDER / "expected.json").read_text("utf-8"))
    assert {
        "stamp-not-der",
        "stamp-short-rsa",
        "stamp-weak-chain",
        "checkpoint-sm2-not-der",
        "content-label-nan",
    } <= expected.keys()


class Clock:
    """It stands still."""

    def now(self) -> datetime:
        """Return always the same."""
        return datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WitnessWorld]:
    wiring_watch.new_cosigner(tmp_path / "key", "witness.example/w1", "ed25519")
    signer = wiring_watch.cosigner(tmp_path / "key", "witness.example/w1")
    seen = SqliteSeen(tmp_path / "seen.db")
    yield WitnessWorld(Clock(), seen, [signer], {LOG.origin: [LOG.key]})
    seen.close()


def test_copied_lines_do_not_fill_what_a_witness_keeps(world: WitnessWorld) -> None:
    """A checkpoint with its signature 64 times left the witness with a note that is too long to be read."""
    text, _, line = LOG.note(5).rpartition("\n\n")
    assert witnessing.cosign(world, written(0, [], f"{text}\n\n{line * 64}")).status == OK
    assert witnessing.cosign(world, written(5, LOG.proof(5, 6), LOG.note(6))).status == OK
    kept = notes.parse((world.seen.read(LOG.origin) or "").encode())
    assert len(kept.signatures) == 2


@pytest.mark.parametrize(("times", "at"), [(2, 1_795_000_000), (64, 1_795_000_000)])
def test_a_witness_that_repeats_itself_is_heard_once(times: int, at: int) -> None:
    """A note with two lines of one key spoils every bundle, one with more than 64 lines the log's own archive."""
    with answering(at, times) as (url, key):
        said = HttpWitness(url, key).cosign(0, [], LOG.note(5))
    assert not isinstance(said, int)
    assert len(said) == 1


@pytest.mark.parametrize("at", [1 << 35, 1 << 62])
def test_a_witness_that_tells_no_time_is_not_taken(at: int) -> None:
    with answering(at) as (url, key), pytest.raises(Unproven, match=r"tells a time"):
        HttpWitness(url, key).cosign(0, [], LOG.note(5))


@contextmanager
def answering(at: int, times: int = 1) -> Iterator[tuple[str, Key]]:
    """Run a witness that always signs with this time, so many times."""
    private = Ed25519PrivateKey.generate()
    key = Key("witness.example/odd", Kind.COSIGNATURE, private.public_key().public_bytes_raw())
    signed = private.sign(notes.message(LOG.text(5), key, at))
    body = (str(Signature(key.name, key.id, notes.value(key, at, signed))) * times).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Be quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", key
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
