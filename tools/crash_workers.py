"""The processes that are killed, and the one that watches what the world can see; see crash_kills.py.

Each marks in a byte that survives it what it is doing. They are forked from a process that has imported everything.
"""

import mmap
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.crash_place import CHECKPOINT, Place, batch, watched, watched_store

from mingwen import wiring, wiring_log
from mingwen.cli import application
from mingwen.cli import publishing as command
from mingwen.domain.errors import MingwenError
from mingwen.proofs import merkle, notes, tiles
from mingwen.services import publishing

PHASES = (
    "starting",
    "idle: waiting for entries",
    "saving an entry",
    "sequencing",
    "reading, hashing, between steps",
    "writing tiles",
    "swapping the second place",
    "between the second place and the signature",
    "keeping the signed checkpoint",
    "showing the checkpoint",
    "ended by itself: the server was gone",
)
STARTING, IDLE, SAVING, SEQUENCING, BETWEEN_STEPS, TILES, SWAPPING, UNSIGNED, KEEPING, SHOWING, ENDED = range(len(PHASES))
WATCH_SECONDS = 0.002
MOST_SAVED = 8
"""Acts in one save."""
MARKS = 64


class Mark:
    """A byte in a file, for one process."""

    def __init__(self, path: Path, slot: int) -> None:
        with path.open("r+b") as file:
            self._map, self._slot = mmap.mmap(file.fileno(), MARKS), slot

    def set(self, phase: int) -> None:
        """Say what is being done."""
        self._map[self._slot] = phase

    def get(self) -> int:
        """Tell what was being done last."""
        return self._map[self._slot]


_OF_CALLS = {
    "store.save": SAVING,
    "ledger.sequence": SEQUENCING,
    "objects.write": TILES,
    "head.swap": SWAPPING,
    "archive.publish": KEEPING,
}


def _marking(mark: Mark) -> Callable[[str, tuple[Any, ...]], Any]:
    @contextmanager
    def around(call: str, arguments: tuple[Any, ...]) -> Iterator[None]:
        phase = _OF_CALLS.get(call)
        if phase is not None:
            mark.set(SHOWING if call == "objects.write" and "checkpoint" in arguments[0] else phase)
        yield
        if phase is not None:
            mark.set(UNSIGNED if call == "head.swap" else BETWEEN_STEPS)

    return around


def begin(place: Place, errors: Path) -> None:
    """Have this process say what it says into a file, as one of a supervisor's does."""
    place.settle_here()
    handle = os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(handle, sys.stderr.fileno())
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def appender(place: Place, marks: Path, slot: int, name: str) -> None:
    """Save as fast as it goes; each save that returned is told in a file, with one write."""
    mark = Mark(marks, slot)
    begin(place, place.folder / "errors")
    told = os.open(place.folder / "acknowledged", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    chance = random.Random(name)  # noqa: S311 - to be repeated
    try:
        store = watched_store(wiring.store(wiring.configuration()), _marking(mark))
        for i in range(1_000_000):
            count = chance.choice((1, 1, 1, MOST_SAVED))
            store.save(batch(f"{name}/{i}", count))
            os.write(told, f"{name}/{i}/{count}\n".encode())
    except MingwenError as e:
        mark.set(ENDED)
        sys.stderr.write(f"{e}\n")


def publisher(place: Place, marks: Path, slot: int, *arguments: str) -> None:
    """Run ``mingwen log publish``."""
    mark = Mark(marks, slot)
    begin(place, place.folder / "errors")

    class Waiting(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            mark.set(IDLE)
            try:
                return super().wait(timeout)
            finally:
                mark.set(BETWEEN_STEPS)

    made = wiring_log.log_world
    vars(command)["Event"] = Waiting
    wiring_log.log_world = lambda config: watched(made(config), _marking(mark))
    status = application.run(["log", "publish", *arguments])
    mark.set(ENDED)
    sys.exit(status)


def exporter(place: Place, marks: Path, slot: int) -> None:
    """Write all tiles anew, again and again."""
    mark = Mark(marks, slot)
    begin(place, place.folder / "errors")
    try:
        with place.opened() as opened:
            world = watched(opened, _marking(mark))
            while True:
                publishing.rebuild(world)
    except MingwenError as e:
        mark.set(ENDED)
        sys.stderr.write(f"{e}\n")


def observer(place: Place) -> None:
    """Keep each checkpoint that the world can see, and compute its root at once from the tiles that stand beside it."""
    shown, last = place.folder / CHECKPOINT, b""

    def read(name: str) -> bytes | None:
        try:
            return (place.folder / "log" / name).read_bytes()
        except FileNotFoundError:
            return None

    with (place.folder / "seen").open("ab", buffering=0) as seen:
        while True:
            data = shown.read_bytes() if shown.exists() else b""
            if data != last:
                checkpoint = notes.parse_checkpoint(notes.parse(data).text)
                found = merkle.root(checkpoint.size, tiles.node_reader(checkpoint.size, read))
                seen.write(data + b"\0" + (b"" if found == checkpoint.root else b"its tiles lead elsewhere") + b"\0")
                last = data
            time.sleep(WATCH_SECONDS)
