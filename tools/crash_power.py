"""Loss of power; see crash.py.

A run on SQLite, with a folder of objects and a second place, is recorded call by call (power_loss.c). A disk is then thought
of that keeps what it has to and no more: what was in a file when it was synced, and the names in a folder when that was. Of
all else, anything may be left: nothing, all, the earlier part, some, single sectors of 512 bytes. At each moment of the
record such a disk is laid out, and the log is started on it. The index beside SQLite's log (-shm) is memory that is shared,
and never survives.
"""

import ctypes
import hashlib
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

from tools.crash_place import CHECKPOINT, Judge, Wrong, batch, sqlite_place

from mingwen.domain.errors import MingwenError
from mingwen.services import publishing

T = TypeVar("T")
STEPS = (1, 1, 3, 250, 1, 60)
"""Entries before each publish; the store is closed and opened again between some."""
REOPENED = 2
SECTOR_BYTES = 512
WAYS = ("nothing", "all", "the earlier part", "some", "some sectors")
"""What may be left of that which was not synced."""
_SOURCE = Path(__file__).with_name("power_loss.c")
_HEADER = struct.Struct("=c4Q")


class Call(NamedTuple):
    """One record of power_loss.c."""

    kind: str
    a: int
    b: int
    x: bytes
    y: bytes


def record(folder: Path, journal: Path, steps: Sequence[int]) -> list[Call]:
    """Do the work below a folder in a process that is recorded; return the record."""
    library = journal.with_suffix(".so")
    subprocess.run(("cc", "-shared", "-fPIC", "-O2", "-w", "-o", library, _SOURCE, "-ldl", "-lpthread"), check=True)
    env = {**os.environ, "LD_PRELOAD": str(library), "POWER_LOSS_FOLDER": str(folder), "POWER_LOSS_JOURNAL": str(journal)}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    words = (sys.executable, "-m", "tools.crash_power", str(folder), *map(str, steps))
    subprocess.run(words, env=env, check=True, cwd=Path(__file__).parents[1])
    return list(_calls(journal.read_bytes()))


def _calls(data: bytes) -> Iterator[Call]:
    at = 0
    while at < len(data):
        kind, a, b, nx, ny = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        yield Call(kind.decode(), a, b, data[at : at + nx], data[at + nx : at + nx + ny])
        at += nx + ny


def work(folder: Path, steps: Sequence[int]) -> None:
    """Save and publish, and tell what is acknowledged."""
    told: Callable[[bytes], None] = ctypes.CDLL(None).power_loss_told
    place = sqlite_place(folder)
    for start in range(0, len(steps), REOPENED):
        with place.opened() as world:
            for number, count in enumerate(steps[start : start + REOPENED], start):
                for i in range(min(count, 3)):  # the first ones one by one
                    world.store.save(batch(f"step/{number}/{i}", 1))
                    told(f"step/{number}/{i}/1".encode())
                if more := count - 3 if count > 3 else 0:  # noqa: PLR2004 - as above
                    world.store.save(batch(f"step/{number}/more", more))
                    told(f"step/{number}/more/{more}".encode())
                while publishing.publish(world):
                    pass
                publishing.settle(world)


@dataclass
class _File:
    """A file: what is safe, and what was written since."""

    safe: bytes = b""
    waiting: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Where, and what; None cuts the file there."""

    def content(self, kept: Sequence[tuple[int, bytes | None]]) -> bytes:
        data = bytearray(self.safe)
        for at, some in kept:
            if some is None:
                data[at:] = bytes(max(0, at - len(data)))
            else:
                data.extend(bytes(max(0, at - len(data))))
                data[at : at + len(some)] = some
        return bytes(data)

    def sync(self) -> None:
        self.safe, self.waiting = self.content(self.waiting), []


@dataclass
class _Folder:
    """A folder: the names that are safe, those that are there, and what changed since."""

    safe: dict[str, "_Node"] = field(default_factory=dict)
    now: dict[str, "_Node"] = field(default_factory=dict)
    waiting: list[tuple[str, "_Node | None"]] = field(default_factory=list)

    def set(self, name: str, node: "_Node | None") -> None:
        self.waiting.append((name, node))
        _renamed(self.now, name, node)

    def sync(self) -> None:
        self.safe, self.waiting = dict(self.now), []


_Node: TypeAlias = _File | _Folder


def _renamed(names: dict[str, _Node], name: str, node: _Node | None) -> None:
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


class Disk:
    """The disk below one folder, call by call."""

    def __init__(self, root: Path) -> None:
        self._base, self._root, self._files = os.fsencode(root), _Folder(), dict[int, _File]()
        self.told = list[str]()
        self.shown = list[bytes]()
        """Each checkpoint that the world could see, safe or not."""

    def do(self, call: Call) -> None:  # noqa: C901 - one case a kind
        """Follow one call."""
        match call.kind:
            case "C":
                self._files[call.a] = _File()
                self._set(call.x, self._files[call.a])
            case "W":
                self._files[call.a].waiting.append((call.b, call.x))
            case "T":
                self._files[call.a].waiting.append((call.b, None))
            case "F":
                self._files[call.a].sync()
            case "D":
                self._folder(self._names(call.x)).sync()
            case "M":
                self._set(call.x, _Folder())
            case "R" | "L":
                self._set(call.y, self._node(call.x))
                if call.kind == "R":
                    self._set(call.x, None)
            case "U":
                self._set(call.x, None)
            case "A":
                self.told.append(call.x.decode())
        if call.kind == "R" and call.y.endswith(CHECKPOINT.encode()) and isinstance(node := self._node(call.y), _File):
            self.shown.append(node.content(node.waiting))

    def lay_out(self, target: Path, way: str, chance: random.Random) -> None:
        """Write what may be left of it."""
        target.mkdir()
        self._laid_out(self._root, target, way, chance)

    def _laid_out(self, folder: _Folder, target: Path, way: str, chance: random.Random) -> None:
        names = dict(folder.safe)
        for name, node in _left(folder.waiting, way, chance):
            _renamed(names, name, node)
        for name, node in names.items():
            if isinstance(node, _Folder):
                (target / name).mkdir()
                self._laid_out(node, target / name, way, chance)
            elif not name.endswith("-shm"):
                waiting = _sectors(node.waiting) if way == "some sectors" else node.waiting
                (target / name).write_bytes(node.content(_left(waiting, way, chance)))
                (target / name).chmod(0o600)

    def _names(self, path: bytes) -> list[str]:
        return [os.fsdecode(p) for p in path.removeprefix(self._base).split(b"/") if p]

    def _folder(self, names: Sequence[str]) -> _Folder:
        found: _Node = self._root
        for name in names:
            if isinstance(found, _Folder):
                found = found.now[name]
        if not isinstance(found, _Folder):
            raise TypeError(names)
        return found

    def _node(self, path: bytes) -> _Node:
        *above, name = self._names(path)
        return self._folder(above).now[name]

    def _set(self, path: bytes, node: _Node | None) -> None:
        *above, name = self._names(path)
        self._folder(above).set(name, node)


def _left(waiting: Iterable[T], way: str, chance: random.Random) -> list[T]:
    every = list(waiting)
    match way:
        case "nothing":
            return []
        case "all":
            return every
        case "the earlier part":
            return every[: chance.randint(0, len(every))]
    share = chance.choice((0.2, 0.5, 0.8))
    return [w for w in every if chance.random() < share]


def _sectors(waiting: Sequence[tuple[int, bytes | None]]) -> Iterator[tuple[int, bytes | None]]:
    for at, data in waiting:
        if data is None:
            yield at, data
            continue
        cuts = [0, *range(-at % SECTOR_BYTES or SECTOR_BYTES, len(data), SECTOR_BYTES), len(data)]
        yield from ((at + a, data[a:b]) for a, b in pairwise(cuts))


@dataclass
class Found:
    """What was done."""

    calls: int = 0
    losses: Counter[str] = field(default_factory=Counter)
    """By what was left, each disk once."""
    same: int = 0
    """Disks that were laid out before in the very same way."""
    seconds: float = 0


def run(seed: int, most: int | None = None, steps: Sequence[int] = STEPS) -> Found:
    """Lose power at each moment of a recorded run in each way, or at ``most`` of them.

    Raises:
        Wrong: a promise was broken.
    """
    found, began = Found(), time.monotonic()
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    with tempfile.TemporaryDirectory(prefix="crash") as name:
        base = Path(name)
        (base / "work").mkdir()
        calls = record(base / "work", base / "journal", steps)
        found.calls = len(calls)
        moments = [(i, way) for i in range(1, len(calls) + 1) for way in WAYS]
        chosen = set(moments if most is None else chance.sample(moments, most))
        disk, known = Disk(base / "work"), set[bytes]()
        for i, call in enumerate(calls, 1):
            disk.do(call)
            for way in WAYS:
                if (i, way) in chosen:
                    disk.lay_out(base / "lost", way, chance)
                    if (mark := _digest(base / "lost", disk)) in known:
                        found.same += 1
                    else:
                        known.add(mark)
                        found.losses[way] += 1
                        _asked(base / "lost", disk, f"at call {i} ({call.kind}), {way} left")
                    shutil.rmtree(base / "lost")
        disk.lay_out(base / "whole", "all", chance)
        if _files(base / "whole") != _files(base / "work"):
            raise Wrong("the recorder missed a call: what it tells is not what is there")
    found.seconds = time.monotonic() - began
    return found


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _digest(folder: Path, disk: Disk) -> bytes:
    hashing = hashlib.sha256(f"{len(disk.told)} {len(disk.shown)}".encode())
    for path in sorted(folder.rglob("*")):
        hashing.update(f"{path.relative_to(folder)}\0".encode() + (path.read_bytes() if path.is_file() else b"/"))
    return hashing.digest()


def _asked(folder: Path, disk: Disk, moment: str) -> None:
    judge = Judge(sqlite_place(folder))
    judge.look(disk.shown)
    try:
        judge.check(disk.told)
    except (Wrong, MingwenError) as e:
        raise Wrong(f"power lost {moment}: {e}") from e


if __name__ == "__main__":
    work(Path(sys.argv[1]), [int(n) for n in sys.argv[2:]])
