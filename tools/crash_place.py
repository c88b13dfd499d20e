"""A log somewhere, and the questions it has to answer after a crash; see crash.py."""

import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymerkle import InmemoryTree
from tlog_scales.reader import TilesReader

from mingwen import wiring, wiring_log
from mingwen.domain.contents import File, produce
from mingwen.domain.errors import MingwenError
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.labels import produced
from mingwen.ports import LogWorld, Store
from mingwen.proofs import notes
from mingwen.services import auditing, publishing

NOW = datetime(2026, 8, 31, 12, 30, 15, tzinfo=UTC)
FILE = File("片.png", "png", "image", "AI生成")
CHECKPOINT = "log/checkpoint"
PORTS = ("store", "ledger", "archive", "objects", "head")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a log is: the folder holds its key, its objects and the second place, and the store where that is SQLite."""

    folder: Path
    url: str

    def settle_here(self) -> None:
        """Have this process, and the command in it, use this log."""
        os.environ["MINGWEN_STORE_URL"] = self.url
        os.environ["MINGWEN_LOG_FOLDER"] = str(self.folder / "log")
        os.environ["MINGWEN_LOG_HEAD"] = str(self.folder / "second/head")
        os.environ["MINGWEN_LOG_KEYS"] = str(self.folder / "key.pem")
        os.environ["XDG_CONFIG_HOME"] = str(self.folder / "nothing")
        os.environ["MINGWEN_PRODUCER"] = "001191310104MACE0YX63918020"

    @contextmanager
    def opened(self) -> Iterator[LogWorld]:
        """Build the log's world as the command does; its key is made where there is none."""
        self.settle_here()
        if not (key := self.folder / "key.pem").exists():
            wiring_log.new_log_key(key, "ed25519")
        with closing(wiring_log.log_world(wiring.configuration())) as world:
            yield world


def sqlite_place(folder: Path) -> Place:
    """Give a place whose store is SQLite; nothing is there yet."""
    return Place(folder, f"sqlite:///{folder}/state/store.db")


def batch(key: str, count: int) -> list[Outcome[Any]]:
    """Make ``count`` acts that are saved together, states and mere entries in turn; their subjects tell where they belong."""
    return [
        produce(produced(producer="p", produce_id=f"{key}/{i}/{count}"), FILE, key=f"{key}/{i}", delivery=None, by="p", now=NOW)
        if i % 2
        else Outcome(None, (Entry("verdict.given", f"{key}/{i}/{count}", "p", NOW, {"verdict": "compliant"}),))
        for i in range(count)
    ]


Around = Callable[[str, tuple[Any, ...]], AbstractContextManager[None]]


class _Watched:
    """One of the ports, with something around each call."""

    def __init__(self, inner: object, name: str, around: Around) -> None:
        self._inner, self._name, self._around = inner, name, around

    def __getattr__(self, method: str) -> object:
        bound = getattr(self._inner, method)
        if not callable(bound):
            return bound

        def called(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the port takes and gives
            with self._around(f"{self._name}.{method}", arguments):
                return bound(*arguments, **named)

        return called


def watched(world: LogWorld, around: Around) -> LogWorld:
    """Put something around each call of each port."""
    ports: dict[str, Any] = {name: _Watched(getattr(world, name), name, around) for name in PORTS}
    return replace(world, **ports)


def watched_store(store: Store, around: Around) -> Store:
    """Put something around each call of a store."""
    return _Watched(store, "store", around)  # type: ignore[return-value] # it has all that the store has


class Wrong(Exception):
    """A promise was broken."""


@dataclass
class Judge:
    """Somebody who was there from the beginning: keeps each checkpoint that was ever to be seen, and grows a tree of its own.

    The tree is pymerkle's, and proofs from the published tiles are made and checked by tlog-scales.
    """

    place: Place
    tree: InmemoryTree = field(default_factory=lambda: InmemoryTree(algorithm="sha256"))
    seen: dict[bytes, None] = field(default_factory=dict)
    """Signed notes as they stood in the object ``checkpoint``."""
    leaves: list[bytes] = field(default_factory=list)
    subjects: Counter[str] = field(default_factory=Counter)

    def look(self, found: Iterable[bytes]) -> None:
        """Remember what was to be seen."""
        self.seen |= dict.fromkeys(found)

    def check(self, acknowledged: Sequence[str]) -> int:
        """Start again, without a hand, and ask everything; return the size of the log.

        Raises:
            Wrong: a promise was broken.
        """
        with self.place.opened() as world:
            self._published(world)
            world.store.save(batch(f"more/{uuid.uuid4().hex}", 1))
            self._published(world)  # and it goes on
            self._entries(world, acknowledged)
            self._checkpoints(world)
            if faults := list(auditing.audit(world, lambda: None)):
                raise Wrong(f"audit: {[(f.code, f.place, f.message()) for f in faults[:5]]}")
        return len(self.leaves)

    def _published(self, world: LogWorld) -> None:
        try:
            while publishing.publish(world):
                pass
            publishing.settle(world)
        except MingwenError as e:
            raise Wrong(f"publishing does not go on: {e}") from e

    def _entries(self, world: LogWorld, acknowledged: Sequence[str]) -> None:
        """Positions are contiguous, what was there stands as it was, each batch is whole, and no acknowledged one is lost."""
        if world.ledger.leaves(0, len(self.leaves)) != self.leaves:
            raise Wrong("entries that had their positions changed")
        records = world.ledger.records(start=len(self.leaves), limit=1_000_000)
        if [r.position for r in records] != list(range(len(self.leaves), len(self.leaves) + len(records))):
            raise Wrong("positions have a gap")
        if len(world.ledger.records(limit=1_000_000)) != len(self.leaves) + len(records):
            raise Wrong("an entry got no position")
        for record in records:
            self.leaves.append(record.leaf)
            self.tree.append_entry(record.leaf)
            self.subjects[record.entry.subject] += 1
        if lost := [key for key in acknowledged if not self._whole(key)]:
            raise Wrong(f"{len(lost)} of {len(acknowledged)} acknowledged saves are lost, the first {lost[0]}")
        for subject, count in self.subjects.items():
            key, _, of = subject.rpartition("/")
            if count != 1 or not self._whole(f"{key.rpartition('/')[0]}/{of}"):
                raise Wrong(f"a save is there by halves, or twice: {subject}")

    def _whole(self, save: str) -> bool:
        key, _, count = save.rpartition("/")
        return all(f"{key}/{i}/{count}" in self.subjects for i in range(int(count)))

    def _checkpoints(self, world: LogWorld) -> None:
        """Each checkpoint that was ever seen is signed, is the root of the entries before it, and grew into the newest one."""
        newest, shown, head = world.archive.newest(), world.objects.read("checkpoint"), world.head.read()
        if not newest or newest.size != len(self.leaves) or shown != newest.note.encode():
            raise Wrong("the newest checkpoint is not that of all entries, or is not shown")
        self.look([shown])
        if head is None or not newest.note.encode().startswith(head):
            raise Wrong("the second place tells of another checkpoint")
        reader = TilesReader(_Tiles(self.place.folder / "log"))
        reader.set_size(newest.size)
        root = reader.calculate_root_hash()
        for data in self.seen:
            note = notes.parse(data)
            checkpoint = notes.parse_checkpoint(note.text)
            if not notes.check(note, world.signers[0].key):
                raise Wrong(f"a checkpoint that was seen is not signed: {note.text}")
            if checkpoint.size > newest.size or self.tree.get_root(checkpoint.size) != checkpoint.root:
                raise Wrong(f"the log has forked: {note.text}")
            reader.get_consistency_proof(checkpoint.size, newest.size).check(checkpoint.root, root)


class _Tiles:
    """What tlog-scales reads from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, *path: str) -> bytes | None:
        try:
            return self._folder.joinpath(*path).read_bytes()
        except FileNotFoundError:
            return None
