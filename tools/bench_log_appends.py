"""Acts into a log as fast as it goes, each until it stands in a signed checkpoint; and what disk, databases and peers reach."""

import hashlib
import itertools
import multiprocessing
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import psycopg
import pymerkle
import tlog_scales.signing
import tlog_scales.writer

from mingwen import wiring, wiring_log
from mingwen.adapters.stores import open_log, open_store
from mingwen.domain.contents import Content, File, produce
from mingwen.domain.evidence import Outcome
from mingwen.domain.labels import produced
from mingwen.ports import LogWorld
from mingwen.proofs.leaves import committed
from mingwen.services import publishing

PRODUCER: Final = "001191310104MACE0YX63918020"
WRITERS: Final = 8
BATCHES: Final = (1, 256, 2048)
CONTEXT: Final = multiprocessing.get_context("forkserver")
"""Processes begin as copies of one that has imported everything, and opened nothing."""
ROW_BYTES: Final = 1200
"""A row of ours has so many, leaf and salts included."""


@dataclass
class Result:
    """What one way of writing reached, over all rounds."""

    name: str
    writers: int
    batch: int
    rates: list[float] = field(default_factory=list)
    """Acts a second, until the last one stands in a signed checkpoint where there is one."""
    saves: list[float] = field(default_factory=list)
    """Acts a second, until they are saved."""
    waits: list[float] = field(default_factory=list)
    """Seconds from the return of a save to the first signed checkpoint with its acts, one for each save."""

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(self.rates)


def act(writer: int, number: int) -> Outcome[Content]:
    """Make the outcome of one label, as the service does."""
    digest = hashlib.sha256(b"%d %d" % (writer, number)).hexdigest()
    label = produced(producer=PRODUCER, produce_id=f"{digest[:8]}-{writer:04}-{number:012}")
    file = File(f"图片-{number:06}.png", "png", "image", "AI生成")
    made = produce(label, file, key=f"{digest[:32]}-{writer}-{number}", delivery=None, by=PRODUCER, now=datetime.now(UTC))
    return made.telling(bytes=1_234_567 + number, sha256=digest)


@cache
def leaf() -> bytes:
    """Return the leaf of one label, always the same."""
    (entry,) = act(0, 0).entries
    return committed(entry, bytes(16 * (2 + len([v for v in entry.detail.values() if v not in ("", None)]))))


def log_world(folder: Path, url: str) -> LogWorld:
    """Open the log over the store at ``url``, everything else of it in ``folder``."""
    key = folder / "log.pem"
    if not key.exists():
        wiring_log.new_log_key(key, "ed25519")
    flags = {"log_keys": (str(key),), "log_folder": str(folder / "tiles"), "log_head": str(folder / "head")}
    return wiring_log.log_world(wiring.configuration(store_url=url, **flags))


# Databases ---------------------------------------------------------------------------------------------------------------------
@contextmanager
def server() -> Iterator[str]:
    """Give a PostgreSQL server as its makers configure it (every commit is brought to the disk), gone afterwards."""
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parents[1].name))
    if not homes:
        raise RuntimeError("expected PostgreSQL's initdb below /usr/lib/postgresql; install the Debian package postgresql")
    programs = homes[-1].parent
    user = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups") if os.getuid() == 0 else ()
    with tempfile.TemporaryDirectory(prefix="pg", dir="/var/tmp") as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port, data = free.getsockname()[1], f"{folder}/data"
        free.close()
        if user:
            shutil.chown(folder, "postgres", "postgres")

        def run(*arguments: str) -> None:
            subprocess.run((*user, *arguments), check=True, cwd="/", stdout=subprocess.DEVNULL)

        run(f"{programs}/initdb", "-A", "trust", "-U", "mingwen", "-E", "UTF8", "--no-locale", "-D", data)
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c log_min_messages=fatal"
        run(f"{programs}/pg_ctl", "start", "-w", "-s", "-D", data, "-l", f"{folder}/log", "-o", options)
        try:
            yield f"postgresql+psycopg://mingwen@127.0.0.1:{port}/postgres"
        finally:
            run(f"{programs}/pg_ctl", "stop", "-w", "-s", "-m", "immediate", "-D", data)


_NUMBERS: Final = itertools.count()


def fresh(folder: Path, server_url: str | None) -> str:
    """Return the URL of an empty store: a file in ``folder``, or a database of the server."""
    if server_url is None:
        return f"sqlite:///{folder}/store.db"
    name = f"bench{next(_NUMBERS)}"
    with psycopg.connect(plain(server_url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{server_url.rpartition('/')[0]}/{name}"


def plain(url: str) -> str:
    """Return a URL as psycopg takes it."""
    return url.replace("+psycopg", "", 1)


# Our log -----------------------------------------------------------------------------------------------------------------------
def _write(url: str, writer: int, batch: int, seconds: float, pipe: Connection) -> None:
    """Save until the time is over; tell the subject of the last act of each save and when that returned."""
    store, said = open_store(url), list[tuple[str, float]]()
    made = (act(writer, number) for number in itertools.count())
    waiting = list(itertools.islice(made, batch))
    store.save([act(1000 + writer, 0)])
    pipe.send("ready")
    pipe.recv()
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        store.save(waiting)
        said.append((waiting[-1].entries[0].subject, time.monotonic()))
        waiting = list(itertools.islice(made, batch))
    pipe.send((began, said))


def _set_when_told(pipe: Connection, stop: threading.Event) -> None:
    pipe.recv()
    stop.set()


def _publish(folder: Path, url: str, pipe: Connection) -> None:
    """Publish until told to stop; tell the sizes of the signed checkpoints and when each was there."""
    world, said = log_world(folder, url), list[tuple[float, int]]()
    stop = threading.Event()
    threading.Thread(target=_set_when_told, args=(pipe, stop), daemon=True).start()
    pipe.send("ready")
    for published in publishing.run(world, stop.wait):
        said.append((time.monotonic(), published.size))
    while published_last := publishing.publish(world):
        said.append((time.monotonic(), published_last.size))
    pipe.send((said, time.process_time()))


def _started(target: Callable[..., None], *arguments: object) -> tuple[multiprocessing.process.BaseProcess, Any]:
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=target, args=(*arguments, theirs))
    process.start()
    theirs.close()
    return process, ours


def append(result: Result, folder: Path, url: str, seconds: float) -> None:
    """Let writers and a publisher run side by side; add what they reached to ``result``."""
    open_store(url).close()
    publisher, to_publisher = _started(_publish, folder, url)
    writers = [_started(_write, url, n, result.batch, seconds) for n in range(result.writers)]
    for pipe in (to_publisher, *(pipe for _, pipe in writers)):
        pipe.recv()
    for _, pipe in writers:
        pipe.send("go")
    told = [pipe.recv() for _, pipe in writers]
    to_publisher.send("stop")
    checkpoints, _ = to_publisher.recv()
    for process in (publisher, *(p for p, _ in writers)):
        process.join()
    began = min(start for start, _ in told)
    saved = [(subject, at) for _, said in told for subject, at in said]
    acts = len(saved) * result.batch
    sizes, ends = [size for _, size in checkpoints], [at for at, _ in checkpoints]
    position = _positions(url, {subject for subject, _ in saved})
    seen = [(at, ends[bisect_right(sizes, position[subject])]) for subject, at in saved]
    result.saves.append(acts / (max(at for at, _ in seen) - began))
    result.rates.append(acts / (max(end for _, end in seen) - began))
    result.waits += [max(0.0, end - at) for at, end in seen]


def _positions(url: str, subjects: set[str]) -> dict[str, int]:
    """Return where acts with these subjects stand in the log; and that no act is missing."""
    log = open_log(url)
    size, found, at = log.ledger.sequence(0), dict[str, int](), 0
    while records := log.ledger.records(start=at, limit=50_000):
        found |= {r.entry.subject: r.position for r in records if r.entry.subject in subjects and r.position is not None}
        at += len(records)
    waiting = log.ledger.sequence(1)
    log.close()
    if at != size or waiting != size or found.keys() != subjects:
        raise RuntimeError(f"{len(found)} of {len(subjects)} acts, {at} of {size} positions")
    return found


# Others ------------------------------------------------------------------------------------------------------------------------
def _counted(seconds: float, work: Callable[[], object], batch: int = 1) -> float:
    """Do work until the time is over; return how often a second, times ``batch``."""
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        work()
        done += batch
    return done / (time.perf_counter() - began)


def syncs(folder: Path, seconds: float) -> float:
    """Append 4 KiB to a file and bring it to the disk, a second."""
    handle = os.open(folder / "syncs", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def work() -> None:
        os.write(handle, bytes(4096))
        os.fdatasync(handle)

    try:
        return _counted(seconds, work)
    finally:
        os.close(handle)


def hashings(seconds: float, name: str) -> float:
    """Hash 65 bytes, as a node of a tree has, a second and core."""
    data = bytes(65)
    return _counted(seconds, lambda: [hashlib.new(name, data).digest() for _ in range(1000)], 1000)


def plain_sqlite(folder: Path, batch: int, seconds: float) -> float:
    """Insert rows of the size of ours without anything else, journal and synchronous as ours, a second."""
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        connection = sqlite3.connect(f"{inner}/plain.db", isolation_level=None)
        connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)"
        )
        rows = [(bytes(ROW_BYTES),)] * batch

        def work() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO t (b) VALUES (?)", rows)
            connection.execute("COMMIT")

        try:
            return _counted(seconds, work, batch)
        finally:
            connection.close()


def _insert(url: str, seconds: float, pipe: Connection) -> None:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        pipe.send("ready")
        pipe.recv()
        row = (bytes(ROW_BYTES),)
        pipe.send(_counted(seconds, lambda: connection.execute("INSERT INTO plain (b) VALUES (%s)", row)))


def plain_postgresql(server_url: str, folder: Path, seconds: float) -> float:
    """Insert and commit rows of the size of ours from 8 processes through psycopg, a second."""
    url = fresh(folder, server_url)
    _plain_table(url)
    clients = [_started(_insert, url, seconds) for _ in range(WRITERS)]
    for _, pipe in clients:
        pipe.recv()
    for _, pipe in clients:
        pipe.send("go")
    return sum(float(pipe.recv()) for _, pipe in clients)


def _plain_table(url: str) -> None:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("CREATE TABLE plain (n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b BYTEA NOT NULL)")


def pgbench(server_url: str, folder: Path, seconds: float) -> float | None:
    """Do the same by PostgreSQL's own program, a second; None where it is not installed."""
    program = shutil.which("pgbench") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/pgbench")), None)
    if not program:
        return None
    url = fresh(folder, server_url)
    _plain_table(url)
    script = folder / "insert.sql"
    script.write_text(f"INSERT INTO plain (b) VALUES (decode('{'00' * ROW_BYTES}', 'hex'));\n")  # noqa: S608 - zeros
    options = ("-n", "-c", str(WRITERS), "-j", "2", "-T", str(max(1, round(seconds))), "-f", str(script), plain(url))
    done = subprocess.run((program, *options), check=True, capture_output=True, text=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split()[2])


def tlog_scales_writer(folder: Path, batch: int, seconds: float) -> float:
    """Add leaves of the size of ours with tlog-scales, a signed checkpoint for each batch, synced as it does, a second."""
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        writer = tlog_scales.writer.TilesWriter.create(Path(inner) / "log", "example.com/peer")
        signer, entry = tlog_scales.signing.PlainEd25519Signer("example.com/peer", bytes(32)), leaf()

        def work() -> None:
            for _ in range(batch):
                writer.add_leaf(entry)
            writer.commit([signer])

        return _counted(seconds, work, batch)


def pymerkle_writer(folder: Path, batch: int, seconds: float) -> float:
    """Append entries of the size of ours to pymerkle's tree in SQLite, one transaction a batch, a second."""
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        entry = leaf()
        with pymerkle.SqliteTree(f"{inner}/tree.db") as tree:
            if batch == 1:
                return _counted(seconds, lambda: tree.append_entry(entry))
            return _counted(seconds, lambda: tree.append_entries([entry] * batch, batch), batch)
