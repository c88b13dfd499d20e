"""A small share of `make crash`: kills, deaths between calls, losses of power, full disks; and that its judges can fail."""

import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tools import crash_disks, crash_kills, crash_points, crash_power
from tools.crash_place import Judge, Wrong, batch, sqlite_place
from tools.crash_power import Call, Disk
from tools.crash_server import Server

from mingwen.adapters.objects.folder import FolderObjects
from mingwen.adapters.stores import open_store
from mingwen.domain.errors import Unavailable
from mingwen.proofs.notes import Note
from mingwen.services import publishing

SEED = 5


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back what a place sets."""
    for name in ("STORE_URL", "LOG_FOLDER", "LOG_HEAD", "LOG_KEYS", "PRODUCER"):
        monkeypatch.setenv(f"MINGWEN_{name}", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", "")


def test_processes_are_killed_on_sqlite() -> None:
    tally = crash_kills.run(8, SEED, None)
    assert tally.all_kills >= 8
    assert tally.saves > 0


def test_processes_and_the_server_are_killed_on_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash_kills, "SERVER_KILLED", 1)
    with Server() as server:
        tally = crash_kills.run(5, SEED, server)
        _goes_on(server)
    assert tally.servers >= 1


def _goes_on(server: Server) -> None:
    """A store whose server is gone says so, every time, and goes on when it is back."""
    store = open_store(server.url("postgres"))
    store.save(batch("before", 1))
    server.kill()
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"store\.unavailable"):
            store.save(batch("meanwhile", 1))
    server.start()
    store.save(batch("after", 1))
    assert [e.subject for _, e in store.entries()] == ["after/0/1", "before/0/1"]
    store.close()


def test_a_publisher_dies_before_every_second_call() -> None:
    assert crash_points.run(None, (256,), every=2).deaths.total() >= 8


def test_power_is_lost() -> None:
    found = crash_power.run(SEED, 45, (1, 4))
    assert found.losses.total() >= 20
    assert found.losses.keys() == set(crash_power.WAYS)


def test_places_are_put_back_or_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash_disks, "STAGES", (1, 70))
    found = crash_disks.put_back(crash_disks.Found()).put_back
    # It goes on where store and second place are of one state and the objects of none later: 2 + 3, and a log that is all lost.
    assert found == {"went on": 6, "log.rollback": 8, "log.head-missing": 8, "log.head-old": 5}


def test_disks_are_full_or_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mounted = subprocess.run(("mount", "-t", "tmpfs", "none", tmp_path), capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("this system lets nobody mount")
    subprocess.run(("umount", tmp_path), check=True)
    monkeypatch.setattr(crash_disks, "LEFT", (0,))
    monkeypatch.setattr(crash_disks, "TRIES", 2)
    found = crash_disks.run(crash_disks.Found())
    assert found.cases == 6
    assert set(found.said["the objects", "full"]) == {"disk.full"}


def test_two_that_write_one_object_at_once_never_show_a_part_of_it(tmp_path: Path) -> None:
    contents = [b"a" * 100_000, b"b" * 150_000]

    def write(data: bytes) -> None:
        objects = FolderObjects(tmp_path)  # with the process's number of the other, as in two containers
        for _ in range(60):
            objects.write({"checkpoint": data})

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write, data) for data in contents]
        while not all(w.done() for w in writing):
            assert FolderObjects(tmp_path).read("checkpoint") in {None, *contents}
    assert [w.exception() for w in writing] == [None, None]


# The judges can fail.


def judged(folder: Path) -> Judge:
    """A log of three published entries, and who watched it."""
    place = sqlite_place(folder)
    with place.opened() as world:
        world.store.save(batch("a", 3))
        publishing.publish(world)
    judge = Judge(place)
    judge.check(["a/3"])
    return judge


def test_a_lost_entry_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(Wrong, match="1 of 2 acknowledged saves are lost, the first b/1"):
        judged(tmp_path).check(["a/3", "b/1"])


def test_a_fork_is_noticed(tmp_path: Path) -> None:
    judge = judged(tmp_path)
    (shown,) = judge.seen
    text, _, _ = shown.decode().partition("\n\n")
    origin, size, root = text.split("\n")
    other = f"{origin}\n{int(size) - 1}\n{root}\n"
    with judge.place.opened() as world:
        forked = Note(other, (world.signers[0].sign(other, 0),))
    judge.look([str(forked).encode()])
    with pytest.raises(Wrong, match="forked"):
        judge.check([])
    stranger = judged(tmp_path / "another")
    stranger.look([shown])
    with pytest.raises(Wrong, match="not signed"):
        stranger.check([])


def disk(*calls: Call) -> Disk:
    made = Disk(Path("/d"))
    for call in calls:
        made.do(call)
    return made


def left(disk: Disk, target: Path, way: str) -> dict[str, bytes]:
    disk.lay_out(target, way, random.Random(SEED))
    return {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()}


def test_a_disk_keeps_what_it_has_to_and_no_more(tmp_path: Path) -> None:
    made = [Call("C", 1, 0, b"/d/a", b""), Call("W", 1, 0, b"x" * 1024, b""), Call("F", 1, 0, b"", b"")]
    synced = [*made, Call("D", 0, 0, b"/d", b"")]
    assert left(disk(*made), tmp_path / "0", "nothing") == {}
    assert left(disk(*made), tmp_path / "1", "all") == {"a": b"x" * 1024}
    more = disk(*synced, Call("W", 1, 512, b"y" * 1024, b""), Call("R", 0, 0, b"/d/a", b"/d/b"))
    assert left(more, tmp_path / "2", "nothing") == {"a": b"x" * 1024}
    assert left(more, tmp_path / "3", "all") == {"b": b"x" * 512 + b"y" * 1024}
    names = disk(*synced, Call("W", 1, 0, b"y" * 8192, b""))
    names.lay_out(tmp_path / "4", "some sectors", random.Random(SEED))
    data = (tmp_path / "4/a").read_bytes()
    sectors = {data[i : i + 512] for i in range(0, len(data), 512)}
    assert {b"y" * 512} < sectors <= {b"x" * 512, b"y" * 512, bytes(512)}  # torn, and nowhere but between sectors


def test_a_file_is_there_by_the_name_that_was_synced_even_if_its_folder_was_not(tmp_path: Path) -> None:
    calls = [
        Call("M", 0, 0, b"/d/f", b""),
        Call("C", 1, 0, b"/d/f/a", b""),
        Call("W", 1, 0, b"x", b""),
        Call("F", 1, 0, b"", b""),
    ]
    assert left(disk(*calls, Call("D", 0, 0, b"/d/f", b"")), tmp_path / "0", "nothing") == {}
    assert left(disk(*calls, Call("D", 0, 0, b"/d/f", b""), Call("D", 0, 0, b"/d", b"")), tmp_path / "1", "nothing") == {
        "f/a": b"x"
    }
