"""Death between any two calls of a step; see crash.py.

A scripted run is done once without a death: that says how many calls each step makes, and which checkpoint it ends with. Then for
each step and each call the state before the step is put back, a publisher dies (SIGKILL) just before that call, and another one
goes on: it has to come to the very same checkpoint. As nothing happens between two calls, "just after a call" is "just before the
next one", and after the last one nothing is left to do. Death within a call is for crash_power.py.
"""

import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.crash_kills import CONTEXT, PRELOADED
from tools.crash_place import Judge, Place, Wrong, batch, sqlite_place, watched
from tools.crash_server import Server

from mingwen.services import publishing

STEPS = (1, 1, 3, 250, 1, 1, 0, 255, 300, 600)
"""Entries that come in before each publish: tiles that begin, grow, become full to the entry, and more than one at a time."""


@dataclass
class Found:
    """What was done."""

    deaths: Counter[str] = field(default_factory=Counter)
    """By the call before which somebody died."""
    seconds: float = 0


def publish(place: Place, calls: Path, death: int | None) -> None:
    """Publish what waits, as the command does; die before the call of this number."""
    made = list[str]()

    @contextmanager
    def around(call: str, arguments: tuple[Any, ...]) -> Iterator[None]:
        made.append("objects.write checkpoint" if call == "objects.write" and "checkpoint" in arguments[0] else call)
        if len(made) - 1 == death:
            calls.write_text("\n".join(made), "utf-8")
            os.kill(os.getpid(), signal.SIGKILL)
        yield

    with place.opened() as world:
        among = watched(world, around)
        while publishing.publish(among):
            pass
        publishing.settle(among)
        calls.write_text("\n".join(made), "utf-8")


def _published(place: Place, calls: Path, death: int | None) -> list[str]:
    """Let another process publish; return the calls it made."""
    process = CONTEXT.Process(target=publish, args=(place, calls, death))
    process.start()
    process.join()
    if process.exitcode != (0 if death is None else -signal.SIGKILL):
        raise Wrong(f"a publisher that was to die before call {death} ended with {process.exitcode}")
    return calls.read_text("utf-8").splitlines()


class _States:
    """States of a log, to go back to."""

    def __init__(self, folder: Path, server: Server | None) -> None:
        self._folder, self._server, self._names = folder, server, 0

    def copy(self, place: Place | None) -> Place:
        """Give a place like this one, or a new one."""
        self._names += 1
        folder = self._folder / str(self._names)
        shutil.copytree(place.folder, folder) if place else folder.mkdir()
        if not self._server:
            return sqlite_place(folder)
        name = f"p{os.getpid()}_{self._names}"
        origin = place.url.rpartition("/")[2] if place else "template1"
        self._server.ask(f"CREATE DATABASE {name} TEMPLATE {origin}")
        return Place(folder, self._server.url(name))

    def drop(self, place: Place) -> None:
        """Take one away."""
        shutil.rmtree(place.folder)
        if self._server:
            self._server.ask(f"DROP DATABASE {place.url.rpartition('/')[2]}")


def run(server: Server | None, steps: tuple[int, ...] = STEPS, every: int = 1) -> Found:
    """Die before each call of each step, or ``every`` second, third…, on PostgreSQL where there is a server, else on SQLite.

    Raises:
        Wrong: a promise was broken.
    """
    CONTEXT.set_forkserver_preload(PRELOADED)
    found, began = Found(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crash") as name:
        folder = Path(name)
        states, calls, told = _States(folder / "states", server), folder / "calls", list[str]()
        (folder / "states").mkdir()
        here = states.copy(None)
        seen = list[bytes]()
        for number, count in enumerate(steps):
            if count:
                with here.opened() as world:
                    world.store.save(batch(f"step/{number}", count))
                told.append(f"step/{number}/{count}")
            before = states.copy(here)
            whole = _published(here, calls, None)
            with here.opened() as world:
                newest = world.archive.newest()
            for death in range(0, len(whole), every):
                place = states.copy(before)
                call = _published(place, calls, death)[-1]
                found.deaths[call] += 1
                _went_on(place, newest.note if newest else None, [*seen, _shown(place)], told)
                states.drop(place)
            states.drop(before)
            seen.append(_shown(here))
    found.seconds = time.monotonic() - began
    return found


def _shown(place: Place) -> bytes:
    path = place.folder / "log/checkpoint"
    return path.read_bytes() if path.exists() else b""


def _went_on(place: Place, wanted: str | None, seen: list[bytes], told: list[str]) -> None:
    """Publish once more: the checkpoint has to be that of the run without a death; then ask everything."""
    with place.opened() as world:
        while publishing.publish(world):
            pass
        newest = publishing.settle(world)
        if (newest and newest.note) != wanted:  # Ed25519 gives one signature for one text
            raise Wrong(f"expected {wanted}, got {newest}")
    judge = Judge(place)
    judge.look(filter(None, seen))
    judge.check(told)
