"""Kills at random moments; see crash.py.

A round: appenders, publishers, and in part of the rounds an exporter work on one log; one after the other is killed (SIGKILL)
at a random moment, and in part started again at once beside those that live; on PostgreSQL the server may be killed among
them. Then everything is started again and the judge asks.
"""

import multiprocessing
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tools import crash_workers
from tools.crash_place import Judge, Place, Wrong, sqlite_place
from tools.crash_server import Server
from tools.crash_workers import MARKS, PHASES, Mark

CONTEXT = multiprocessing.get_context("forkserver")
PRELOADED = [
    "tools.crash_workers", "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "mingwen.adapters.stores.sqlite",
    "mingwen.adapters.stores.postgresql", "mingwen.adapters.stores.archive", "mingwen.adapters.stores.holds",
    "mingwen.adapters.stores.ledger", "mingwen.adapters.objects.folder", "mingwen.adapters.heads.file", "mingwen.cli.group_log",
]  # fmt: skip
ROUNDS_A_LOG = 4
MOST_WAIT_SECONDS = 0.04
"""Between two kills."""
HASTE = 0.08
"""So often nobody waits until a process that was started works."""
SERVER_KILLED = 0.3
"""So often, of the rounds on PostgreSQL."""
AGAIN = 0.4
"""So often somebody who was killed is started again while others live."""
AIMED = 0.5
AIM_SECONDS = 0.5
_POLL_SECONDS = 0.001
_SHORT = (
    crash_workers.SEQUENCING,
    crash_workers.TILES,
    crash_workers.SWAPPING,
    crash_workers.UNSIGNED,
    crash_workers.KEEPING,
    crash_workers.SHOWING,
)
APPENDER, PUBLISHER, EXPORTER = range(3)


@dataclass
class Tally:
    """What was done."""

    kills: Counter[str] = field(default_factory=Counter)
    """Processes, by what they were doing."""
    servers: int = 0
    clients: Counter[str] = field(default_factory=Counter)
    """What clients were doing when the server was killed."""
    rounds: int = 0
    saves: int = 0
    """Acknowledged."""
    entries: int = 0
    checkpoints: int = 0
    """That the observer saw."""
    seconds: float = 0

    @property
    def all_kills(self) -> int:
        """Processes and servers."""
        return self.kills.total() + self.servers


@dataclass(frozen=True, slots=True)
class Worker:
    """A living process and its mark."""

    process: ForkServerProcess
    mark: Mark
    role: int


@dataclass
class Site:
    """One log, whoever works on it, and who watches."""

    place: Place
    server: Server | None
    chance: random.Random
    tally: Tally
    judge: Judge = field(init=False)
    slots: int = 0

    def __post_init__(self) -> None:
        self.judge = Judge(self.place)
        (self.place.folder / "marks").write_bytes(bytes(MARKS))

    def start(self, role: int) -> Worker:
        """Start an appender, a publisher or an exporter."""
        marks, slot, self.slots = self.place.folder / "marks", self.slots % MARKS, self.slots + 1
        mark = Mark(marks, slot)
        mark.set(crash_workers.STARTING)
        target, more = _ROLES[role]
        given = (self.place, marks, slot, *([f"a{self.slots}"] if target is crash_workers.appender else more))
        process = CONTEXT.Process(target=target, args=given, daemon=True)
        process.start()
        return Worker(process, mark, role)

    def kill(self, worker: Worker) -> None:
        """Kill a process, and count what it was doing; half of the publishers at the sight of a phase that is drawn."""
        aim = self.chance.choice(_SHORT)
        last = time.monotonic() + (AIM_SECONDS if worker.role == PUBLISHER and self.chance.random() < AIMED else 0)
        while worker.mark.get() != aim and time.monotonic() < last:
            pass
        living = worker.process.is_alive()
        worker.process.kill()
        worker.process.join()
        phase = worker.mark.get()
        if living and phase != crash_workers.ENDED:
            self.tally.kills[PHASES[phase]] += 1

    def round(self) -> None:
        """Let them work, and kill them all."""
        more = self.chance.choice(([], [PUBLISHER], [PUBLISHER], [EXPORTER]))
        roles = [APPENDER, APPENDER, PUBLISHER, *more]
        living = [self.start(role) for role in roles]
        self._await(living)
        doomed = bool(self.server) and self.chance.random() < SERVER_KILLED
        while living:
            time.sleep(self.chance.uniform(0, MOST_WAIT_SECONDS))
            if self.server and doomed and self.chance.random() < 1 / len(living):
                self._kill_server(self.server, living)
                doomed = False
                continue
            victim = living.pop(self.chance.randrange(len(living)))
            self.kill(victim)
            if living and self.chance.random() < AGAIN:
                living.append(self.start(victim.role))
                self._await(living[-1:])
        self._check()

    def _await(self, workers: list[Worker]) -> None:
        """Wait until they have begun to work; in part do not, to kill those who are just starting too."""
        if self.chance.random() < HASTE:
            return
        while any(w.mark.get() == crash_workers.STARTING and w.process.is_alive() for w in workers):
            time.sleep(_POLL_SECONDS)

    def alive(self, observer: ForkServerProcess) -> None:
        """Make sure of the observer, who dies of what should not be seen."""
        if not observer.is_alive():
            raise Wrong("the observer saw what no checkpoint is, or one whose tiles are missing; see above")

    def _kill_server(self, server: Server, living: list[Worker]) -> None:
        doing = [w.mark.get() for w in living if w.process.is_alive()]
        server.kill()
        self.tally.servers += 1
        self.tally.clients.update(PHASES[phase] for phase in doing if phase != crash_workers.ENDED)
        server.start()

    def _check(self) -> None:
        told = _lines(self.place.folder / "acknowledged")
        notes, faults = _seen(self.place.folder / "seen")
        if faults:
            raise Wrong(f"a checkpoint was shown whose tiles were not: {faults}")
        self.judge.look(notes)
        self.judge.check(told)
        errors = _lines(self.place.folder / "errors")
        if strange := [e for e in errors if self.server is None or not (e.startswith("  hint:") or "store.unavailable" in e)]:
            raise Wrong(f"a process ended with: {strange[:3]}")
        self.tally.rounds += 1


_ROLES: tuple[tuple[Callable[..., None], tuple[str, ...]], ...] = (
    (crash_workers.appender, ()),
    (crash_workers.publisher, ("--follow",)),
    (crash_workers.exporter, ()),
)


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def _seen(path: Path) -> tuple[list[bytes], list[bytes]]:
    parts = path.read_bytes().split(b"\0")[:-1] if path.exists() else []
    return parts[::2], [p for p in parts[1::2] if p]


@contextmanager
def site(server: Server | None, chance: random.Random, tally: Tally) -> Iterator[Site]:
    """Give a new log with an observer at its side."""
    with tempfile.TemporaryDirectory(prefix="crash", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        database = f"c{chance.getrandbits(64):x}"
        if server:
            server.ask(f"CREATE DATABASE {database}")
        place = Place(folder, server.url(database)) if server else sqlite_place(folder)
        with place.opened():
            pass  # its key and its schema are made by somebody who lives; see crash_power.py for who does not
        made = Site(place, server, chance, tally)
        observer = CONTEXT.Process(target=crash_workers.observer, args=(place,), daemon=True)
        observer.start()
        try:
            yield made
            made.alive(observer)
            tally.saves += len(_lines(folder / "acknowledged"))
            tally.entries += len(made.judge.leaves)
            tally.checkpoints += len(made.judge.seen)
        except Wrong:
            kept = shutil.copytree(folder, tempfile.mkdtemp(prefix="crash-wrong"), dirs_exist_ok=True)
            print(f"what is left of it: {kept}")
            raise
        finally:
            observer.kill()
            observer.join()


def run(kills: int, seed: int, server: Server | None) -> Tally:
    """Kill so many, on PostgreSQL where there is a server, else on SQLite.

    Raises:
        Wrong: a promise was broken.
    """
    CONTEXT.set_forkserver_preload(PRELOADED)
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    tally, began = Tally(), time.monotonic()
    while tally.all_kills < kills:
        with site(server, chance, tally) as one:
            for _ in range(ROUNDS_A_LOG):
                if tally.all_kills < kills:
                    one.round()
    tally.seconds = time.monotonic() - began
    return tally
