"""Where the log is published, and the second place: folder and bucket keep the same promises."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from socket import create_server
from threading import Event

import obstore
import pytest
from obstore.store import S3Store

from mingwen import wiring, wiring_log
from mingwen.adapters.heads.file import FileHead
from mingwen.adapters.heads.s3 import S3Head
from mingwen.adapters.objects.folder import UNFINISHED, FolderObjects
from mingwen.adapters.objects.s3 import S3Objects
from mingwen.domain.errors import Unavailable
from mingwen.domain.evidence import Entry, Outcome
from mingwen.ports import Head, Objects
from mingwen.services import auditing, publishing

BUCKET = "evidence"


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """A server that speaks S3, and the environment that leads to it."""
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "moto.server", "-p", str(port)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _made(port):
            assert server.poll() is None
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }
    finally:
        server.kill()
        server.wait()


def _made(port: int) -> bool:
    """Make the bucket, or wait a little for the server."""
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("PUT", f"/{BUCKET}", b"")
        return connection.getresponse().status == 200
    except ConnectionError:
        Event().wait(0.1)
        return False
    finally:
        connection.close()


@pytest.fixture
def bucket(s3: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    yield f"s3://{BUCKET}"
    store = S3Store(BUCKET)
    for page in obstore.list(store):
        for found in page:
            obstore.delete(store, found["path"])


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Objects]:
    if request.param == "folder":
        return lambda: FolderObjects(tmp_path / "log")
    url = request.getfixturevalue("bucket") + "/some/log"
    return lambda: S3Objects(url)


@pytest.fixture(params=["file", "s3"])
def head(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Head]:
    if request.param == "file":
        return lambda: FileHead(tmp_path / "state" / "a.head")
    url = request.getfixturevalue("bucket") + "/heads/a"
    return lambda: S3Head(url)


def test_what_is_written_is_read_and_named(objects: Callable[[], Objects]) -> None:
    place = objects()
    assert place.read("checkpoint") is None
    assert list(place.names("")) == []
    place.write({})
    place.write({"tile/0/000": b"a", "tile/0/x001/000": b"", "tile/0/000.p/7": b"c", "checkpoint": bytes(9000)})
    place.write({"tile/0/000": b"b"})
    place = objects()
    assert place.read("tile/0/000") == b"b"
    assert place.read("tile/0/x001/000") == b""
    assert place.read("checkpoint") == bytes(9000)
    assert place.read("tile/0/000/1") is None
    assert place.read("tile") is None
    assert sorted(place.names("")) == ["checkpoint", "tile/0/000", "tile/0/000.p/7", "tile/0/x001/000"]
    assert sorted(place.names("tile/0/000")) == ["tile/0/000", "tile/0/000.p/7"]
    place.remove("tile/0/000")
    place.remove("tile/0/000")
    assert sorted(place.names("tile/")) == ["tile/0/000.p/7", "tile/0/x001/000"]


def test_many_are_written_at_once(objects: Callable[[], Objects]) -> None:
    files = {f"tile/0/{i:03}": bytes([i]) * 100 for i in range(100)}
    objects().write(files)
    assert {name: objects().read(name) for name in files} == files


def test_several_may_write_one_name(objects: Callable[[], Objects]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: objects().write({"checkpoint": b"%d" % i * 5000}), range(40)))
    data = objects().read("checkpoint")
    assert data
    assert data in {b"%d" % i * 5000 for i in range(40)}


def test_a_head_changes_only_if_nobody_else_did(head: Callable[[], Head]) -> None:
    one, other = head(), head()
    assert one.read() is None
    assert not one.swap(b"x", b"y")
    assert one.swap(None, b"first")
    assert not other.swap(None, b"second")
    assert other.read() == b"first"
    assert other.swap(b"first", b"second")
    assert not one.swap(b"first", b"third")
    assert one.read() == other.read() == b"second"


def test_of_many_at_once_one_wins(head: Callable[[], Head]) -> None:
    old: bytes | None = None
    for turn in range(5):
        new = [b"%d by %d" % (turn, i) for i in range(8)]
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda data, old=old: head().swap(old, data), new))
        assert sum(won) == 1
        old = new[won.index(True)]
        assert head().read() == old


def test_a_server_that_is_gone_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    place, second = S3Objects(f"{bucket}-none/log"), S3Head(f"{bucket}-none/head")
    for call in (
        lambda: place.write({"a": b"b"}),
        lambda: list(place.names("")),
        lambda: second.swap(None, b"x"),
    ):
        with pytest.raises(Unavailable) as raised:
            call()
        assert "\n" not in raised.value.message
        assert raised.value.code in {"objects.unavailable", "head.unavailable"}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for call in (
        lambda: FolderObjects(tmp_path / "file" / "log").write({"a": b"b"}),
        lambda: FileHead(tmp_path / "file" / "head").swap(None, b"x"),
        lambda: FolderObjects(Path("/proc/none")).write({"a": b"b"}),
    ):
        with pytest.raises(Unavailable) as raised:
            call()
        assert raised.value.code in {"objects.unavailable", "head.unavailable"}


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    place = FolderObjects(tmp_path)
    place.write({"tile/0/000": b"old"})
    code = f"""
import resource, signal
from pathlib import Path
from mingwen.adapters.objects.folder import FolderObjects
from mingwen.domain.errors import Unavailable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    FolderObjects(Path({str(tmp_path)!r})).write({{"tile/0/000": bytes(8192), "tile/0/001": b""}})
except Unavailable as e:
    print(e.code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "disk.full"
    assert place.read("tile/0/000") == b"old"
    assert list(place.names("")) == ["tile/0/000"]


def test_what_killed_processes_left_goes_after_an_hour(tmp_path: Path) -> None:
    import os  # noqa: PLC0415 - for the times of one file

    aside = tmp_path / UNFINISHED
    aside.mkdir()
    (aside / "old").write_bytes(b"x")
    (aside / "new").write_bytes(b"x")
    os.utime(aside / "old", (0, 0))
    place = FolderObjects(tmp_path)
    place.write({"a": b"b"})
    assert [p.name for p in aside.iterdir()] == ["new"]
    assert list(place.names("")) == ["a"]


def test_a_log_is_kept_in_buckets(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"STORE_URL": f"sqlite:///{tmp_path}/s.db", "LOG_FOLDER": f"{bucket}/log", "LOG_HEAD": f"{bucket}/log.head"}
    for name, value in places.items():
        monkeypatch.setenv(f"MINGWEN_{name}", value)
    config = wiring.configuration()
    wiring_log.begin(config)
    world = wiring_log.log_world(config)
    for size in (3, 300):
        entry = Entry("verdict.given", "s", "p", world.clock.now(), {"file": "a"})
        world.store.save([Outcome(None, (entry,))] * (3 if size == 3 else 297))
        done = publishing.publish(world)
        assert done
        assert done.size == size
        assert list(auditing.audit(world, lambda: None)) == []
    world.objects.remove("tile/0/000")
    assert [f.place for f in auditing.audit(world, lambda: None)] == ["tile/0/000"]
    world.close()
