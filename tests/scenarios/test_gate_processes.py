"""The gate over many files: several processes, their results in order, and no way to end the run that leaves one behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

MANY = 6000
WAIT_SECONDS = 20


@pytest.fixture(scope="module")
def uploads(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with many names of one photograph."""
    folder = tmp_path_factory.mktemp("uploads")
    first = folder / "0.jpg"
    first.write_bytes((media / "rocket.jpg").read_bytes())
    for number in range(1, MANY):
        (folder / f"{number}.jpg").hardlink_to(first)
    return folder


@pytest.fixture
def running(uploads: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A gate at work with two processes of its own, and enough to do."""
    store = {**os.environ, "MINGWEN_STORE_URL": f"sqlite:///{tmp_path}/store.db"}
    command = [sys.executable, "-m", "mingwen", "gate", str(uploads), "--json", "-j", "2"]
    with (tmp_path / "out").open("wb") as out:
        gate = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True, env=store, start_new_session=True)
    with gate:
        until(lambda: len(children(gate.pid)) == 2 and (tmp_path / "out").stat().st_size > 0)
        yield gate
        gate.kill()


def children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_an_interrupted_gate_ends_at_once_and_alone(
    running: subprocess.Popen[str], send: Callable[[int, int], None], number: int
) -> None:
    below = children(running.pid)
    send(running.pid, number)
    _, said = running.communicate(timeout=WAIT_SECONDS)
    assert (running.returncode, said.strip()) == (130, "")
    until(lambda: all(map(gone, below)))


def test_a_gate_that_is_killed_takes_its_processes_with_it(running: subprocess.Popen[str]) -> None:
    below = children(running.pid)
    running.kill()
    until(lambda: all(map(gone, below)))


def test_a_process_that_is_killed_is_told_of(running: subprocess.Popen[str]) -> None:
    below = children(running.pid)
    os.kill(below[0], signal.SIGKILL)
    _, said = running.communicate(timeout=WAIT_SECONDS)
    assert running.returncode == 4
    assert "process.ended" in said
    assert "Traceback" not in said
    until(lambda: all(map(gone, below)))


def test_what_was_told_before_the_end_is_recorded(running: subprocess.Popen[str], tmp_path: Path) -> None:
    os.kill(running.pid, signal.SIGINT)
    running.wait(WAIT_SECONDS)
    store = {**os.environ, "MINGWEN_STORE_URL": f"sqlite:///{tmp_path}/store.db"}
    command = [sys.executable, "-m", "mingwen", "log", "--kind", "gate.ruled", "--json", "-n", str(MANY)]
    log = subprocess.run(command, capture_output=True, check=True, text=True, env=store).stdout.splitlines()
    told = [json.loads(line)["file"] for line in (tmp_path / "out").read_text().splitlines()]
    recorded = {json.loads(line)["file"] for line in log}
    assert set(told) <= recorded


def test_a_reader_that_goes_away_ends_the_gate_quietly(uploads: Path, tmp_path: Path) -> None:
    store = {**os.environ, "MINGWEN_STORE_URL": f"sqlite:///{tmp_path}/store.db"}
    command = [sys.executable, "-m", "mingwen", "gate", str(uploads), "--json", "-j", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=store) as gate:
        assert gate.stdout is not None
        assert gate.stderr is not None
        gate.stdout.readline()
        below = children(gate.pid)
        gate.stdout.close()
        assert gate.wait(WAIT_SECONDS) == -signal.SIGPIPE
        assert gate.stderr.read() == b""
    until(lambda: all(map(gone, below)))


def test_results_come_in_the_order_of_the_files(media: Path, tmp_path: Path) -> None:
    for number in range(100):
        form = "rocket.jpg" if number % 3 else "coffee.png"
        (tmp_path / f"{number:03}{form[-4:]}").hardlink_to(media / form)
    store = {**os.environ, "MINGWEN_STORE_URL": f"sqlite:///{tmp_path}/store.db"}
    out = [
        subprocess.run(
            [sys.executable, "-m", "mingwen", "gate", str(tmp_path), "--json", "-j", jobs],
            capture_output=True,
            check=True,
            env=store,
        ).stdout
        for jobs in ("1", "3")
    ]
    assert out[0] == out[1]
    assert [Path(json.loads(line)["file"]).name for line in out[0].splitlines()] == sorted(
        path.name for path in tmp_path.iterdir() if path.suffix in {".jpg", ".png"}
    )


def test_processes_and_postgresql_agree(media: Path, tmp_path: Path, postgresql: str) -> None:
    for number in range(70):
        (tmp_path / f"{number:03}.jpg").hardlink_to(media / "rocket.jpg")
    store = {**os.environ, "MINGWEN_STORE_URL": postgresql}
    mingwen = [sys.executable, "-m", "mingwen"]
    subprocess.run([*mingwen, "gate", str(tmp_path), "--json", "-j", "2"], check=True, env=store, stdout=subprocess.DEVNULL)
    log = [*mingwen, "log", "--kind", "gate.ruled", "--json", "-n", str(MANY)]
    entries = subprocess.run(log, capture_output=True, check=True, env=store).stdout.splitlines()
    assert sum(json.loads(line)["file"].startswith(str(tmp_path)) for line in entries) == 70
