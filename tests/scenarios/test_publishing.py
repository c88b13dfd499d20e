"""The log is published, damaged, restored, and published by several at once; what was signed never forks."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey

from mingwen import wiring, wiring_log
from mingwen.domain.errors import MingwenError, Unavailable
from mingwen.domain.evidence import Entry, Outcome, Stamp
from mingwen.ports import LogWorld
from mingwen.proofs import merkle, notes
from mingwen.proofs.notes import Key, Kind, Signature
from mingwen.services import auditing, publishing
from stores import elsewhere, engine_of, store_url

__all__ = ["store_url"]  # the fixture ``url``

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def config(url: str, tmp_path: Path) -> wiring.Configuration:
    found = wiring.configuration(store_url=url, log_folder=str(tmp_path / "log"), log_head=str(tmp_path / "second" / "head"))
    key = tmp_path / "key.pem"
    wiring_log.new_log_key(key, "ed25519")
    return replace(found, values={**found.values, "log.keys": replace(found.values["log.keys"], value=(str(key),))})


@pytest.fixture
def world(config: wiring.Configuration) -> Iterator[LogWorld]:
    world = wiring_log.log_world(config)
    yield world
    world.close()


def save(world: LogWorld, count: int) -> None:
    entries = (Entry("verdict.given", f"s{i}", "p", NOW, {"file": f"{i}.png"}) for i in range(count))
    world.store.save([Outcome(None, (entry,)) for entry in entries])


def published(world: LogWorld) -> int:
    done = publishing.publish(world)
    return done.size if done else 0


def faults(world: LogWorld) -> list[tuple[str, str]]:
    return [(f.code, f.place) for f in auditing.audit(world, lambda: None) if f.message("en") and f.message("zh")]


def codes(world: LogWorld) -> set[str]:
    return {code for code, _ in faults(world)}


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(MingwenError) as raised:
        call()
    assert raised.value.hint
    return raised.value.code


def change(url: str, statement: str, **given: object) -> None:
    engine = engine_of(url)
    with engine.begin() as connection:
        assert connection.execute(sa.text(statement), given).rowcount != 0
    engine.dispose()


def flip(url: str, position: int) -> None:
    """Flip one bit of a leaf in the store."""
    engine = engine_of(url)
    with engine.begin() as connection:
        read = sa.text("SELECT leaf FROM entries WHERE position = :p")
        leaf = bytearray(connection.execute(read, {"p": position}).scalar_one())
        leaf[70] ^= 1
        write = sa.text("UPDATE entries SET leaf = :leaf WHERE position = :p")
        assert connection.execute(write, {"leaf": bytes(leaf), "p": position}).rowcount == 1
    engine.dispose()


def test_a_log_is_published_and_others_read_it(world: LogWorld, tmp_path: Path) -> None:
    assert publishing.publish(world) is None
    for more, size in ((1, 1), (299, 300), (700, 1000)):
        save(world, more)
        assert published(world) == size
        assert publishing.publish(world) is None
    assert faults(world) == []
    reader = TilesReader(LocalBackend(tmp_path / "log"))
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string(str(world.signers[0].key)))
    assert (checkpoint.origin, checkpoint.size) == (world.origin, 1000)
    assert reader.calculate_root_hash() == checkpoint.root_hash
    leaves = world.ledger.leaves(0, 1000)
    assert [reader.get_entry(i) for i in (0, 299, 999)] == [leaves[0], leaves[299], leaves[999]]
    reader.get_inclusion_proof(299, 1000).check(merkle.leaf_hash(leaves[299]), checkpoint.root_hash)
    small = merkle.Edge().grown(map(merkle.leaf_hash, leaves[:300])).root
    reader.get_consistency_proof(300, 1000).check(small, checkpoint.root_hash)


def test_tiles_that_are_missing_or_damaged_are_named_and_written_again(world: LogWorld, tmp_path: Path) -> None:
    save(world, 600)
    assert published(world) == 600
    log = tmp_path / "log"
    (log / "tile/0/000").unlink()
    (log / "tile/entries/001").write_bytes(b"other")
    (log / "tile/1/000.p/2").write_bytes(bytes(64))
    (log / "tile/0/009").write_bytes(bytes(8192))
    (log / "note.txt").write_text("x")
    (log / "tile/entries/002.p/88").unlink()
    assert sorted(faults(world)) == [
        ("tile.changed", "tile/1/000.p/2"),
        ("tile.changed", "tile/entries/001"),
        ("tile.missing", "tile/0/000"),
        ("tile.missing", "tile/entries/002.p/88"),
        ("tile.unknown", "note.txt"),
        ("tile.unknown", "tile/0/009"),
    ]
    (log / "note.txt").unlink()
    (log / "tile/0/009").unlink()
    assert publishing.rebuild(world) == 600
    assert faults(world) == []


def test_publishing_goes_on_over_damaged_tiles(world: LogWorld, tmp_path: Path) -> None:
    save(world, 600)
    published(world)
    (tmp_path / "log/tile/1/000.p/2").write_bytes(bytes(64))
    save(world, 1)
    assert published(world) == 601
    assert faults(world) == []
    for file in (tmp_path / "log").rglob("*"):
        file.unlink() if file.is_file() else None
    save(world, 1)
    assert published(world) == 602
    assert faults(world) == []


@pytest.mark.parametrize("position", [5, 400])
def test_a_bit_flipped_in_a_stored_leaf_is_never_signed(world: LogWorld, url: str, tmp_path: Path, position: int) -> None:
    save(world, 500)
    published(world)
    flip(url, position)
    assert {("entry.changed", f"entry {position + 1}"), ("log.fork", "checkpoint 500")} <= set(faults(world))
    save(world, 1)
    if position < 256:  # the tiles hold the right hash; without them there is nothing to go on from
        (tmp_path / "log/tile/1/000.p/1").unlink()
    assert refused(lambda: publishing.publish(world)) == "log.fork"
    assert refused(lambda: publishing.rebuild(world)) == "log.fork"
    newest = world.archive.newest()
    assert newest
    assert newest.size == 500


def test_a_store_from_yesterday_is_refused(world: LogWorld, url: str) -> None:
    save(world, 30)
    published(world)
    change(url, "DELETE FROM entries WHERE position >= 20")
    assert refused(lambda: publishing.publish(world)) == "log.rollback"
    assert refused(lambda: publishing.adopt(world)) == "log.rollback"
    assert "log.rollback" in codes(world)
    save(world, 10)  # as many as before, and others
    assert refused(lambda: publishing.publish(world)) == "log.fork"
    assert refused(lambda: publishing.adopt(world)) == "log.fork"


def test_a_whole_store_from_yesterday_is_refused(world: LogWorld, url: str) -> None:
    save(world, 20)
    published(world)
    save(world, 10)
    published(world)
    change(url, "DELETE FROM entries WHERE position >= 20")
    change(url, "DELETE FROM checkpoints WHERE size > 20")
    save(world, 50)
    assert refused(lambda: publishing.publish(world)) == "log.fork"
    assert refused(lambda: publishing.adopt(world)) == "log.fork"
    assert "log.fork" in codes(world)


def test_a_gap_is_named(world: LogWorld, url: str) -> None:
    save(world, 30)
    published(world)
    change(url, "DELETE FROM entries WHERE position = 7")
    assert ("log.gap", "entry 9") in faults(world)
    save(world, 1)
    assert refused(lambda: publishing.publish(world)) == "log.gap"


def test_a_lost_second_place_is_refused_until_it_is_adopted(world: LogWorld, tmp_path: Path) -> None:
    head = tmp_path / "second/head"
    assert refused(lambda: publishing.adopt(world)) == "log.no-checkpoint"
    save(world, 30)
    published(world)
    first = head.read_bytes()
    save(world, 10)
    published(world)
    for lost, code, fault in (
        (None, "log.head-missing", "checkpoint.missing"),
        (first, "log.head-old", "checkpoint.old"),
        (b"noise", "log.head-damaged", "checkpoint.malformed"),
    ):
        head.unlink() if lost is None else head.write_bytes(lost)
        save(world, 1)
        assert refused(lambda: publishing.publish(world)) == code
        assert faults(world) == [(fault, "head")]
        size = publishing.adopt(world).size
        assert published(world) == size + 1
        assert faults(world) == []


def test_another_logs_key_or_head_is_refused(world: LogWorld, config: wiring.Configuration, tmp_path: Path) -> None:
    save(world, 3)
    published(world)
    other = tmp_path / "other.pem"
    wiring_log.new_log_key(other, "ed25519")
    values = {**config.values, "log.keys": replace(config.values["log.keys"], value=(str(other),))}
    stranger = wiring_log.log_world(wiring.Configuration(values))
    save(world, 1)
    assert refused(lambda: publishing.publish(stranger)) == "log.origin"
    (tmp_path / "second/head").unlink()
    assert refused(lambda: publishing.publish(stranger)) == "log.head-missing"
    assert refused(lambda: publishing.adopt(stranger)) == "log.origin"
    stranger.close()


def test_whoever_stops_before_the_signature_is_gone_on_from(world: LogWorld, tmp_path: Path) -> None:
    save(world, 300)

    @dataclass(frozen=True)
    class Stopped:
        key: Key

        def sign(self, note_text: str, at: int) -> Signature:
            raise Unavailable("test.stopped", "expected to go on", hint="none")

    assert refused(lambda: publishing.publish(replace(world, signers=(Stopped(world.signers[0].key),)))) == "test.stopped"
    assert world.archive.newest() is None
    assert (tmp_path / "second/head").exists()
    assert published(world) == 300
    assert faults(world) == []


def test_the_object_checkpoint_is_mended(world: LogWorld, tmp_path: Path) -> None:
    save(world, 3)
    published(world)
    shown = tmp_path / "log/checkpoint"
    before = shown.read_bytes()
    shown.write_bytes(before.replace(b"\n3\n", b"\n4\n"))
    assert {"checkpoint.signature", "log.rollback"} <= codes(world)
    publishing.settle(world)
    assert shown.read_bytes() == before


def test_a_disk_that_takes_nothing_loses_nothing(world: LogWorld) -> None:
    @dataclass
    class Full:
        def read(self, name: str) -> bytes | None:
            return world.objects.read(name)

        def write(self, files: Mapping[str, bytes]) -> None:
            raise Unavailable("disk.full", "expected to write, but: no space left on device", hint="free some space")

        def names(self, prefix: str) -> Iterable[str]:
            return world.objects.names(prefix)

        def remove(self, name: str) -> None:
            return world.objects.remove(name)

    save(world, 300)
    assert refused(lambda: publishing.publish(replace(world, objects=Full()))) == "disk.full"
    assert world.head.read() is None
    assert published(world) == 300
    assert faults(world) == []


@dataclass
class Cosigner:
    """A witness in this process, which checks what it is sent."""

    name: str
    size: int = 0
    root: bytes = merkle.EMPTY_ROOT
    asked: list[int] = field(default_factory=list)
    ahead: int = 0
    """Of the clock, in seconds."""

    def cosign(self, old: int, proof: Sequence[bytes], note: str) -> int | Sequence[Signature]:
        self.asked.append(old)
        if old != self.size:
            return self.size
        checkpoint = notes.parse_checkpoint(notes.parse(note.encode()).text)
        assert merkle.consistent(old, self.root, checkpoint.size, checkpoint.root, proof)
        self.size, self.root = checkpoint.size, checkpoint.root
        private = Ed25519PrivateKey.from_private_bytes(bytes(32))
        key = Key(self.name, Kind.COSIGNATURE, private.public_key().public_bytes_raw())
        at = int(datetime.now(UTC).timestamp()) + self.ahead
        raw = private.sign(notes.message(checkpoint.text, key, at))
        return [Signature(key.name, key.id, notes.value(key, at, raw))]


@dataclass
class Gone:
    """A witness and an authority that nobody reaches."""

    name: str = "gone.example"

    def cosign(self, old: int, proof: Sequence[bytes], note: str) -> int | Sequence[Signature]:
        raise Unavailable("witness.unavailable", f"expected {self.name} to answer", hint="none")

    def stamp(self, data: bytes) -> Stamp:
        raise Unavailable("stamp.unavailable", f"expected {self.name} to answer", hint="none")


@dataclass
class Clockmaker:
    """An authority that counts."""

    name: str
    at: datetime
    stamped: list[bytes] = field(default_factory=list)

    def stamp(self, data: bytes) -> Stamp:
        self.stamped.append(data)
        return Stamp(self.name, b"token", self.at)


def test_witnesses_and_authorities_are_asked_and_one_failure_stops_no_other(world: LogWorld, tmp_path: Path) -> None:
    witness, authority = Cosigner("witness.example"), Clockmaker("tsa.example", world.clock.now())
    world = replace(world, witnesses=(Gone(), witness), authorities=(Gone(), authority))
    assert publishing.attest(world, stamp_seconds=3600) == []
    for size in (10, 300, 301):
        save(world, size - witness.size)
        published(world)
        failed = publishing.attest(world, stamp_seconds=3600)
        assert [e.code for e in failed] == ["witness.unavailable", "stamp.unavailable"]
        assert witness.size == size
        assert b"witness.example" in (tmp_path / "log/checkpoint").read_bytes()
    assert witness.asked == [0, 10, 300]
    assert len(authority.stamped) == 1
    authority.at += timedelta(hours=2)
    publishing.attest(replace(world, clock=Later(world.clock.now() + timedelta(hours=2))), stamp_seconds=3600)
    assert len(authority.stamped) == 2
    assert witness.asked == [0, 10, 300]
    newest = world.archive.newest()
    assert newest
    assert [s.authority for s in newest.stamps] == ["tsa.example"]
    assert codes(world) == {"stamp.broken"}  # this authority's tokens are none


@pytest.mark.parametrize("ahead", [-600, 600, 10**9])
def test_a_time_far_from_ours_is_not_kept(ahead: int, world: LogWorld) -> None:
    """By such a time, every verifier would take entries of ours for backdated, or for later than they are."""
    far = Clockmaker("tsa.example", world.clock.now() + timedelta(seconds=ahead))
    world = replace(world, witnesses=(Cosigner("witness.example", ahead=ahead),), authorities=(far,))
    save(world, 3)
    published(world)
    assert [e.code for e in publishing.attest(world, stamp_seconds=3600)] == ["log.clock", "log.clock"]
    newest = world.archive.newest()
    assert newest
    assert newest.stamps == ()
    assert "witness.example" not in newest.note


@dataclass
class Later:
    at: datetime

    def now(self) -> datetime:
        return self.at


def test_a_witness_that_knows_another_size_is_told_from_there(world: LogWorld) -> None:
    witness = Cosigner("witness.example")
    save(world, 5)
    published(world)
    assert publishing.attest(replace(world, witnesses=(witness,)), stamp_seconds=1) == []
    save(world, 600)
    published(world)
    forgot = replace(world, witnesses=(replace(witness, name="new.example"),))  # a name that we have nothing of
    assert publishing.attest(forgot, stamp_seconds=1) == []
    ahead = Cosigner("ahead.example", size=9999)
    (failed,) = publishing.attest(replace(world, witnesses=(ahead,)), stamp_seconds=1)
    assert failed.code == "witness.ahead"


PUBLISHER = """
import sys
from pathlib import Path
from mingwen import wiring, wiring_log
from mingwen.services import publishing
from threading import Event
world = wiring_log.log_world(wiring.configuration(store_url=sys.argv[1], log_folder=sys.argv[2], log_head=sys.argv[3],
    log_keys=[sys.argv[4]]))
for published in publishing.run(world, Event().wait):
    print(published.size, flush=True)
"""
WRITER = """
import sys
from datetime import UTC, datetime
from mingwen.adapters.stores import open_store
from mingwen.domain.evidence import Entry, Outcome
store = open_store(sys.argv[1])
for i in range(int(sys.argv[2])):
    store.save([Outcome(None, (Entry("verdict.given", f"w{i}", "p", datetime.now(UTC), {"file": "a"}),))])
"""


def signed_sizes(world: LogWorld) -> list[tuple[int, bytes]]:
    out, least = [], 0
    while found := world.archive.oldest(least=least):
        out.append((found.size, notes.parse_checkpoint(notes.parse(found.note.encode()).text).root))
        least = found.size + 1
    return out


def test_two_publishers_at_once_beside_writers_fork_nothing(world: LogWorld, url: str, tmp_path: Path) -> None:
    where = (url, str(tmp_path / "log"), str(tmp_path / "second/head"), str(tmp_path / "key.pem"))
    save(world, 1)
    publishers = [elsewhere(PUBLISHER, *where) for _ in range(2)]
    while not world.archive.newest():
        assert [p.poll() for p in publishers] == [None, None]
        Event().wait(0.1)
    writers = [elsewhere(WRITER, url, "150") for _ in range(3)]
    try:
        assert [w.wait(50) for w in writers] == [0, 0, 0]
        assert [p.poll() for p in publishers] == [None, None]
    finally:
        for process in (*publishers, *writers):
            process.kill()
            process.wait()
    publishing.publish(world)
    publishing.settle(world)
    claims = signed_sizes(world)
    assert claims[-1][0] == 451
    assert len(claims) > 2
    assert faults(world) == []


def test_a_publisher_killed_at_any_moment_is_gone_on_from(world: LogWorld, url: str, tmp_path: Path) -> None:
    where = (url, str(tmp_path / "log"), str(tmp_path / "second/head"), str(tmp_path / "key.pem"))
    for kill in range(4):
        save(world, 40)
        publisher = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, *where], stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
        )
        assert publisher.stdout
        publisher.stdout.readline()  # it is at work
        for _ in range(kill):
            save(world, 7)
        publisher.send_signal(signal.SIGKILL)
        publisher.wait()
        publisher.stdout.close()
    publishing.publish(world)
    publishing.settle(world)
    assert faults(world) == []
    assert signed_sizes(world)[-1][0] == 160 + 7 * 6


@pytest.mark.parametrize("after", range(12))
def test_any_write_may_be_the_last(world: LogWorld, after: int) -> None:
    """Stop before each thing that a step does to the outside; the next one goes on, and the log is whole."""
    save(world, 300)
    published(world)
    save(world, 300)
    left = [after]

    class Killed(BaseException):
        pass

    class Fragile:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            def call(*given: object, **named: object) -> object:
                if name in {"sequence", "write", "swap", "publish"}:
                    left[0] -= 1
                    if left[0] < 0:
                        raise Killed
                return getattr(self._inner, name)(*given, **named)

            return call

    fragile = {name: Fragile(getattr(world, name)) for name in ("ledger", "objects", "head", "archive")}
    try:
        publishing.publish(replace(world, **fragile))  # type: ignore[arg-type] # they pass everything on
    except Killed:
        assert after < 8
    save(world, 1)
    while publishing.publish(world):
        pass
    publishing.settle(world)
    assert signed_sizes(world)[-1][0] == 601
    assert faults(world) == []
