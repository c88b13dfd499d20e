"""Disks that are full, cannot be written, or were put back to an earlier state; see crash.py.

The store (SQLite), the folder of objects and the second place are in turn on a small disk of their own (tmpfs, for which the
system has to let us mount). It is filled up to a few pages, or mounted anew without the right to write; acts are saved and
published all the same; then there is room again. What was refused must have been refused in one clear line, and nothing may
be lost.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from tools import crash_workers
from tools.crash_kills import CONTEXT, PRELOADED
from tools.crash_place import Judge, Place, Wrong, batch, sqlite_place

from mingwen import wiring
from mingwen.cli import application, exits
from mingwen.domain.errors import MingwenError, Unavailable
from mingwen.services import publishing

PLACES = {"the store": "state", "the objects": "log", "the second place": "second"}
DISK_BYTES = 4 << 20
PAGE_BYTES = 4096
LEFT = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55)
"""Pages that are left on a disk that fills up."""
TRIES = 6
STAGES = (1, 200, 70, 300)
"""Entries of each state to which a disk is put back."""
LOST = -1
"""In place of a stage: nothing is left."""


@dataclass
class Found:
    """What was done, and what was said."""

    said: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    """(place, trouble) → the codes of errors."""
    example: dict[tuple[str, str], str] = field(default_factory=dict)
    """(place, trouble) → the first error."""
    cases: int = 0
    put_back: Counter[str] = field(default_factory=Counter)
    seconds: float = 0


def run(found: Found) -> Found:
    """Fill each place, and take away the right to write it.

    Raises:
        Wrong: a promise was broken.
    """
    CONTEXT.set_forkserver_preload(PRELOADED)
    began = time.monotonic()
    for (name, inner), left in product(PLACES.items(), (*LEFT, None)):
        _case(found, name, inner, left)
    found.seconds += time.monotonic() - began
    return found


def _case(found: Found, name: str, inner: str, left: int | None) -> None:
    """Let a disk fill up to ``left`` pages, or be read-only where that is None."""
    with tempfile.TemporaryDirectory(prefix="crash") as base:
        place = sqlite_place(Path(base))
        with _mounted(place.folder / inner) as disk:
            judge, told = Judge(place), list[str]()
            _save(place, told, "before", 90)
            judge.check(told)
            trouble = (name, "read-only" if left is None else "full")
            failed = 0
            with _trouble(disk, left):
                for i in range(TRIES):
                    try:
                        _save(place, told, f"in trouble {i}", 1 + 60 * (i % 2))
                    except Unavailable as e:
                        failed += 1
                        _clear(found, trouble, e.code, f"{e.code}: {e.message}")
                    failed += _publish(place, found, trouble)
            judge.check(told)
            if not failed and not left:
                raise Wrong(f"{name} with {left} pages left: nothing failed, which proves nothing")
            found.cases += bool(failed)


def _save(place: Place, told: list[str], key: str, count: int) -> None:
    place.settle_here()
    store = wiring.store(wiring.configuration())
    try:
        store.save(batch(key, count))
        told.append(f"{key}/{count}")
    finally:
        store.close()


def _publish(place: Place, found: Found, trouble: tuple[str, str]) -> bool:
    """Run the command; say whether it failed, which it may with two lines: the error, and what to do."""
    errors = place.folder / "errors"
    process = CONTEXT.Process(target=_command, args=(place, errors))
    process.start()
    process.join()
    status, lines = process.exitcode, errors.read_text("utf-8").splitlines()
    errors.unlink()
    if status == exits.WELL:
        return False
    if status != exits.OUTSIDE or len(lines) != 2 or not lines[1].startswith("  hint: "):  # noqa: PLR2004 - see above
        raise Wrong(f"expected one clear error, got {status} and {lines}")
    _clear(found, trouble, lines[0].split(": ")[1], lines[0].removeprefix("mingwen: "))
    return True


def _command(place: Place, errors: Path) -> None:
    crash_workers.begin(place, errors)
    sys.exit(application.run(["log", "publish"]))


def _clear(found: Found, trouble: tuple[str, str], code: str, line: str) -> None:
    if "\n" in line or code not in {"store.unavailable", "disk.full", "objects.unavailable", "head.unavailable"}:
        raise Wrong(f"expected one clear error, got {line}")
    found.said.setdefault(trouble, Counter())[code] += 1
    found.example.setdefault(trouble, line)


@contextmanager
def _mounted(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", folder), check=True)
    try:
        yield folder
    finally:
        subprocess.run(("umount", folder), check=True)


@contextmanager
def _trouble(disk: Path, left: int | None) -> Iterator[None]:
    if left is None:
        subprocess.run(("mount", "-o", "remount,ro", disk), check=True)
        yield
        subprocess.run(("mount", "-o", f"remount,rw,size={DISK_BYTES}", disk), check=True)
        return
    filler = disk / ".filler"
    filler.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - left * PAGE_BYTES)))
    yield
    filler.unlink()


def put_back(found: Found) -> Found:
    """Put the store, the objects and the second place back to each combination of earlier states, lose some, and go on.

    It has to be refused, or to go on without a contradiction to any checkpoint that one of the three places has known. (Of one
    that all three have forgotten nobody here can know: that is what witnesses are for.)

    Raises:
        Wrong: the log forked, or was refused by anything but a clear error.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crash") as base:
        place, told, states = sqlite_place(Path(base) / "work"), list[str](), Path(base)
        place.folder.mkdir()
        seen = list[bytes]()
        for stage, count in enumerate(STAGES):
            _save(place, told, f"stage {stage}", count)
            with place.opened() as world:
                publishing.publish(world)
            seen.append((place.folder / "log/checkpoint").read_bytes())
            shutil.copytree(place.folder, states / str(stage))
        for chosen in product(range(LOST, len(STAGES)), repeat=len(PLACES)):
            shutil.rmtree(place.folder)
            place.folder.mkdir()
            shutil.copy(states / "0/key.pem", place.folder)
            for stage, inner in zip(chosen, PLACES.values(), strict=True):
                if stage != LOST:
                    shutil.copytree(states / str(stage) / inner, place.folder / inner)
            found.put_back[_went_on(place, seen[: max(chosen) + 1])] += 1
    found.seconds += time.monotonic() - began
    return found


def _went_on(place: Place, seen: list[bytes]) -> str:
    """Publish what is there and more; return what was said."""
    try:
        with place.opened() as world:
            for i in range(2):
                publishing.publish(world)
                publishing.settle(world)
                world.store.save(batch(f"more/{i}", 1))
    except MingwenError as e:
        if not e.code.startswith("log."):
            raise Wrong(f"expected a refusal of the log, got {e}") from e
        return e.code
    judge = Judge(place)
    judge.look(seen)
    judge.check([])
    return "went on"
