"""The monitor of somebody's log: it grows, it is taken back, it forks, it rots."""

import gzip
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tlog_scales.signing import PlainEd25519Signer
from tlog_scales.writer import TilesWriter

from conftest import Run
from mingwen import wiring, wiring_log, wiring_watch
from mingwen.adapters.remote_logs import http as remote_http
from mingwen.adapters.witnesses.http import HttpWitness
from mingwen.domain.errors import MingwenError, Unavailable
from mingwen.proofs import notes
from mingwen.proofs.notes import Key
from mingwen.services import publishing
from mingwen.services.monitoring import RULES, Watched, WatchLog, watch
from witnesses import LEAVES, Log, serving

LOG = Log()
TWISTED = Log(twist=100)


class Monitor:
    """Looks at a folder and remembers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "log"
        self.folder.mkdir()
        self.world = wiring_watch.monitor(str(self.folder), str(folder / "seen.db"))

    def look(self, *keys: Key, entries: bool = False, witnesses: tuple[Key, ...] = ()) -> Watched:
        """Look once."""
        watched = watch(self.world, WatchLog(keys or (LOG.key,), witnesses, entries))
        assert all(f.message("zh") and f.message("en") for f in watched.faults)
        return watched

    def codes(self, *keys: Key, entries: bool = False) -> list[str]:
        """Look once, and return what is wrong."""
        return [f.code.removeprefix("monitor.") for f in self.look(*keys, entries=entries).faults]


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    made = Monitor(tmp_path)
    yield made
    made.world.seen.close()


def test_a_log_that_grows_is_followed_entry_by_entry(monitor: Monitor) -> None:
    before = 0
    for size in (0, 1, 5, 255, 256, 257, 300, 512, 700, 700):
        LOG.publish(monitor.folder, size)
        watched = monitor.look(entries=True)
        assert watched.faults == ()
        assert watched.now
        assert (watched.now.size, watched.entries) == (size, size - before)
        before = size


def test_entries_are_checked_from_where_they_were_checked_last(monitor: Monitor) -> None:
    LOG.publish(monitor.folder, 300)
    assert monitor.look().entries == 0
    LOG.publish(monitor.folder, 310)
    assert monitor.look(entries=True).entries == 310
    LOG.publish(monitor.folder, 320)
    assert monitor.look(entries=True).entries == 10


def test_a_full_tile_stands_for_the_partial_one(monitor: Monitor) -> None:
    LOG.publish(monitor.folder, 500)
    LOG.publish(monitor.folder, 700)
    (monitor.folder / "checkpoint").write_text(LOG.note(500))
    shutil.rmtree(monitor.folder / "tile/0/001.p")
    shutil.rmtree(monitor.folder / "tile/entries/001.p")
    assert monitor.codes(entries=True) == []


def test_a_log_that_is_taken_back_is_told_and_not_believed(monitor: Monitor) -> None:
    LOG.publish(monitor.folder, 300)
    assert monitor.codes() == []
    (monitor.folder / "checkpoint").write_text(LOG.note(200))
    watched = monitor.look()
    assert [f.code for f in watched.faults] == ["monitor.rollback"]
    assert watched.evidence == (LOG.note(300), LOG.note(200))
    assert monitor.codes() == ["rollback"]
    LOG.publish(monitor.folder, 301)
    assert monitor.codes() == []


@pytest.mark.parametrize(("first", "then", "codes"), [(300, 300, ["fork"]), (300, 400, ["fork"]), (101, 700, ["fork"])])
def test_a_fork_is_told_with_both_checkpoints(monitor: Monitor, first: int, then: int, codes: list[str]) -> None:
    LOG.publish(monitor.folder, first)
    assert monitor.codes() == []
    shutil.rmtree(monitor.folder)
    TWISTED.publish(monitor.folder, then)
    watched = monitor.look()
    assert [f.code.removeprefix("monitor.") for f in watched.faults] == codes
    assert watched.evidence == (LOG.note(first), TWISTED.note(then))


def test_a_fork_before_what_was_seen_is_told_too(monitor: Monitor) -> None:
    LOG.publish(monitor.folder, 300)
    assert monitor.codes() == []
    (monitor.folder / "checkpoint").write_text(TWISTED.note(200))
    assert monitor.codes() == ["rollback", "fork"]
    shutil.rmtree(monitor.folder)
    TWISTED.publish(monitor.folder, 200)  # without the tiles of before nothing more can be said
    assert monitor.codes() == ["rollback"]


def test_a_twist_behind_what_was_seen_is_no_fork(monitor: Monitor) -> None:
    LOG.publish(monitor.folder, 90)
    assert monitor.codes() == []
    TWISTED.publish(monitor.folder, 300)
    assert monitor.codes() == []


def changed(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return spoil


def gone(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("spoil", "codes"),
    [
        (changed("tile/0/001.p/44", flipped), ["tiles"]),
        (changed("tile/0/001.p/44", lambda d: d[:-1]), ["missing"]),
        (changed("tile/0/001.p/44", lambda d: d + d), ["missing"]),
        (gone("tile/0/001.p/44"), ["missing"]),
        (changed("tile/1/000.p/1", flipped), ["tiles"]),
        (changed("tile/0/000", flipped), ["entry"]),
        (gone("tile/0/000"), ["missing"]),
        (changed("tile/entries/000", flipped), ["entry"]),
        (changed("tile/entries/001.p/44", lambda d: d[:-1]), ["missing"]),
        (changed("tile/entries/001.p/44", lambda d: d + b"\0\0"), ["missing"]),
        (changed("tile/entries/001.p/44", lambda _: b""), ["missing"]),
        (changed("tile/entries/001.p/44", lambda _: b"\xff" * 999), ["missing"]),
        (gone("tile/entries/001.p/44"), ["missing"]),
        (gone("checkpoint"), ["nothing"]),
        (changed("checkpoint", lambda _: b""), ["malformed"]),
        (changed("checkpoint", lambda d: d * 100_000), ["malformed"]),
        (changed("checkpoint", lambda d: d.replace(b"\n300\n", b"\n301\n")), ["signature"]),
        (changed("checkpoint", lambda d: d.replace(b"\n300\n", b"\n0300\n")), ["malformed"]),
        (changed("checkpoint", lambda d: d.replace("— log".encode(), "— other".encode())), ["unsigned"]),
    ],
)
def test_what_rots_is_named_and_nothing_of_it_remembered(
    monitor: Monitor, spoil: Callable[[Path], None], codes: list[str]
) -> None:
    LOG.publish(monitor.folder, 300)
    spoil(monitor.folder)
    assert monitor.codes(entries=True) == codes
    assert monitor.world.seen.read(LOG.origin) is None
    assert f"monitor.{codes[0]}" in RULES


def test_the_right_key_and_the_right_log_are_asked_for(monitor: Monitor) -> None:
    LOG.publish(monitor.folder, 30)
    other = Log("log.example/two")
    assert monitor.codes(other.key) == ["origin", "unsigned"]
    assert monitor.codes(LOG.key, other.key) == ["unsigned"]


def test_witnesses_are_missed_or_told_with_their_time(monitor: Monitor, tmp_path: Path) -> None:
    key = wiring_watch.new_cosigner(tmp_path / "key", "witness.example/w1", "ml-dsa-44")
    LOG.publish(monitor.folder, 30)
    assert [f.code for f in monitor.look(witnesses=(key,)).faults] == ["monitor.witness"]
    signature = wiring_watch.cosigner(tmp_path / "key", key.name).sign(LOG.text(30), 1_800_000_000)
    (monitor.folder / "checkpoint").write_text(LOG.note(30) + str(signature))
    watched = monitor.look(witnesses=(key,))
    assert (watched.faults, watched.witnessed) == ((), ((key.name, 1_800_000_000),))


def test_a_log_that_others_write_is_read(monitor: Monitor) -> None:
    shutil.rmtree(monitor.folder)
    signer = PlainEd25519Signer(LOG.origin, LOG.private)
    writer = TilesWriter.create(monitor.folder, LOG.origin)
    for start, end in ((0, 5), (5, 300), (300, 700)):
        for leaf in LEAVES[start:end]:
            writer.add_leaf(leaf)
        writer.commit([signer])
        watched = monitor.look(entries=True)
        assert (watched.faults, watched.entries) == ((), end - start)


# over HTTP


class Served(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; bundles are packed whether they were asked for so or not, as the specification allows."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send a file."""
        path = Path(self.translate_path(self.path))
        found = path.is_file()
        data = path.read_bytes() if found else b""
        packed = "/entries/" in self.path
        data = gzip.compress(data) if packed else data
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(data)))
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Served, directory=str(folder))) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_log_is_read_over_http(tmp_path: Path) -> None:
    LOG.publish(tmp_path / "log/deep", 700)
    with served(tmp_path / "log") as url:
        world = wiring_watch.monitor(f"{url}/deep/", str(tmp_path / "seen.db"))
        watched = watch(world, WatchLog([LOG.key], entries=True))
        assert (watched.faults, watched.entries) == ((), 700)
        (tmp_path / "log/deep/checkpoint").unlink()
        assert [f.code for f in watch(world, WatchLog([LOG.key])).faults] == ["monitor.nothing"]
        world.seen.close()


def test_more_than_a_log_may_send_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log/entries").mkdir(parents=True)
    (tmp_path / "log/entries/bomb").write_bytes(bytes(100_000))
    monkeypatch.setattr(remote_http, "MOST_BYTES", 50_000)
    with served(tmp_path / "log") as url, pytest.raises(Unavailable, match=r"remote\.too-long"):
        remote_http.HttpLog(url).read("entries/bomb")


# our own log


def test_our_own_log_is_cosigned_as_it_grows_and_followed(
    run: Run, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    key = wiring_watch.new_cosigner(tmp_path / "key", "witness.example/w1", "ed25519")
    for round_ in (1, 2):
        (tmp_path / f"{round_}.txt").write_text("A note.\n")
        run("label", f"{round_}.txt")
        run("log", "publish")
        world = wiring_log.log_world(wiring.configuration())
        with serving(tmp_path, "key", logs=[s.key for s in world.signers]) as (url, _):
            assert publishing.attest(replace(world, witnesses=(HttpWitness(url, key),)), stamp_seconds=3600) == []
        world.store.close()
        ours = ("--key", str(world.signers[0].key), "--witness", str(key), "--entries", "--json")
        told = json.loads(run("monitor", tmp_path / "state/store-log", "--state", "monitor.db", *ours).stdout)
        assert (told["now"]["size"], told["entries"], told["findings"]) == (round_, 1, [])
        assert [w["name"] for w in told["witnesses"]] == [key.name]


# the command


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "mingwen", "monitor", str(folder / "log"), "--state", str(folder / "seen.db"), *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_the_command_tells_and_keeps_evidence(tmp_path: Path) -> None:
    LOG.publish(tmp_path / "log", 300)
    first = command(tmp_path, "--key", str(LOG.key), "--entries", "--language", "zh")
    assert (first.returncode, first.stderr) == (0, "")
    assert "已核验 300 条条目" in first.stdout
    (tmp_path / "log/checkpoint").write_text(TWISTED.note(300))
    second = command(tmp_path, "--key", str(LOG.key), "--json")
    told = json.loads(second.stdout)
    assert second.returncode == 1
    assert [f["code"] for f in told["findings"]] == ["monitor.fork"]
    kept = [notes.parse(Path(name).read_bytes()) for name in told["evidence"]]
    assert [str(n) for n in kept] == [LOG.note(300), TWISTED.note(300)]
    assert all(notes.check(n, LOG.key) for n in kept)
    assert command(tmp_path, "--key", "x").returncode == 2
    assert command(tmp_path / "none", "--key", str(LOG.key)).returncode == 1


def test_the_command_follows_until_it_is_stopped(tmp_path: Path) -> None:
    LOG.publish(tmp_path / "log", 300)
    words = [sys.executable, "-m", "mingwen", "monitor", str(tmp_path / "log"), "--state", str(tmp_path / "seen.db")]
    words += ["--key", str(LOG.key), "--follow", "1", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["now"]["size"] == 300
        LOG.publish(tmp_path / "log", 310)
        assert json.loads(process.stdout.readline())["now"]["size"] == 310
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait() == 0


def test_a_state_that_cannot_be_kept_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "seen.db").write_bytes(b"no database" * 1000)
    with pytest.raises(MingwenError, match=r"seen\.failed"):
        wiring_watch.monitor(str(tmp_path), str(tmp_path / "seen.db"))
