"""Trees of many entries: publishing them, their bytes, proofs out of them, bundles; and what peers take for the same."""

import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, ParamSpec, TypeAlias

import psycopg
import pymerkle
import tlog_scales.backend
import tlog_scales.reader
import tlog_scales.signing
import tlog_scales.writer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from tools.bench_log_appends import _started, act, fresh, leaf, log_world, plain

from mingwen.adapters.note_signers.files import KeySigner
from mingwen.adapters.objects.folder import FolderObjects
from mingwen.adapters.stores import open_log, open_store
from mingwen.adapters.stores.rows import ENTRY_COLUMNS
from mingwen.proofs import leaves, merkle, tiles, tlog_proof, verifier
from mingwen.proofs.canonical import canonical
from mingwen.proofs.notes import Checkpoint, Key, Kind, Note
from mingwen.services import evidence, publishing

P = ParamSpec("P")
AT_A_TIME: Final = 10_000
SAMPLES: Final = 100
SEED: Final = 7
CREATED: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Proving:
    """What proofs cost in a tree, medians."""

    build_seconds: float
    """With a reader that knows no tile yet."""
    verify_seconds: float
    hashes: int


# Entries -----------------------------------------------------------------------------------------------------------------------
Row: TypeAlias = tuple[str, str, str, str, str, None, bytes, bytes]


def _rows(count: int) -> Iterator[Row]:
    """Make rows of entries as ``save`` writes them, but for leaves, which all differ in their last digest alone."""
    (entry,) = act(0, 0).entries
    detail, made = str(canonical(dict(entry.detail)), "utf-8"), leaf()
    salts, at = bytes(leaves.SALT_BYTES * len(leaves.fields(entry))), entry.at.isoformat(timespec="microseconds")
    here = made.index(b'"sm3":"') + 7
    for number in range(count):
        numbered = made[:here] + b"%012d" % number + made[here + 12 :]
        yield entry.kind, f"{number:032x}", entry.by, at, detail, None, numbered, salts


def fill(url: str, count: int) -> None:
    """Put so many entries into an empty store, past ``save``: the publisher sees no difference."""
    open_store(url).close()
    names = ", ".join(f'"{c}"' for c in ENTRY_COLUMNS)
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        insert = f"INSERT INTO entries ({names}) VALUES ({', '.join('?' * len(ENTRY_COLUMNS))})"  # noqa: S608 - names are ours
        connection.executemany(insert, _rows(count))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return
    with psycopg.connect(plain(url)) as database, database.cursor().copy(f"COPY entries ({names}) FROM STDIN".encode()) as copy:
        for row in _rows(count):
            copy.write_row(row)


def _measured(work: Callable[[], object]) -> Cost:
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return Cost(seconds, cpu, int(peak.split()[1]) / 1024)


def _publish(folder: Path, url: str, pipe: Connection) -> None:
    world = log_world(folder, url)

    def work() -> None:
        while publishing.publish(world):
            pass

    pipe.send(_measured(work))


def _tlog_scales(folder: Path, count: int, pipe: Connection) -> None:
    writer = tlog_scales.writer.TilesWriter.create(folder / "scales", "example.com/peer")
    signer = tlog_scales.signing.PlainEd25519Signer("example.com/peer", bytes(32))

    def work() -> None:
        for row in _rows(count):
            writer.add_leaf(row[6])
        writer.commit([signer])

    pipe.send(_measured(work))


def _pymerkle(folder: Path, count: int, pipe: Connection) -> None:
    def work() -> None:
        with pymerkle.SqliteTree(str(folder / "pymerkle.db")) as tree:
            tree.append_entries((row[6] for row in _rows(count)), AT_A_TIME)
            tree.get_state()

    pipe.send(_measured(work))


def _alone(target: Callable[..., None], *arguments: object) -> Cost:
    process, pipe = _started(target, *arguments)
    cost: Cost = pipe.recv()
    process.join()
    return cost


def published(folder: Path, count: int, server_url: str | None) -> Cost:
    """Publish so many entries that wait, from the store to the signed checkpoint, in a process of its own."""
    folder.mkdir()
    url = fresh(folder, server_url)
    fill(url, count)
    cost = _alone(_publish, folder, url)
    log = open_log(url)
    newest = log.archive.newest()
    log.close()
    if newest is None or newest.size != count:
        raise RuntimeError(newest)
    return cost


def peers(folder: Path, count: int) -> dict[str, Cost]:
    """Let others make a tree of the same leaves, on the disk, in processes of their own."""
    return {"tlog-scales": _alone(_tlog_scales, folder, count), "pymerkle (SQLite)": _alone(_pymerkle, folder, count)}


def disk_bytes(folder: Path) -> dict[str, int]:
    """Return the bytes of the tiles of hashes and those of the bundles of entries."""
    out = {"hashes": 0, "entries": 0}
    for path in (folder / "tiles/tile").rglob("*"):
        if path.is_file():
            out["entries" if "/entries/" in str(path) else "hashes"] += path.stat().st_size
    return out


# Proofs ------------------------------------------------------------------------------------------------------------------------
@lru_cache
def _subtree(level: int) -> bytes:
    """Return the root above 2**level leaves that are all the same."""
    return merkle.leaf_hash(leaf()) if level == 0 else merkle.node_hash(_subtree(level - 1), _subtree(level - 1))


def synthetic(folder: Path, size: int) -> tiles.Read:
    """Return what reads tiles of a tree whose leaves are all the same; each is written when it is read first."""
    objects = FolderObjects(folder)

    def read(name: str) -> bytes | None:
        if found := objects.read(name):
            return found
        part = tiles.parse_name(name)
        if part is None or part.level < 0:
            return None
        width = min(tiles.WIDTH, (size >> tiles.HEIGHT * part.level) - part.number * tiles.WIDTH)
        if part.width != width:
            return None
        objects.write({name: _subtree(tiles.HEIGHT * part.level) * width})
        return objects.read(name)

    return read


def _indices(size: int) -> list[int]:
    return random.Random(SEED).sample(range(size), SAMPLES)  # noqa: S311 - any will do, the same each time


def _timed(work: Callable[P, object], *arguments: P.args, **named: P.kwargs) -> float:
    began = time.perf_counter()
    work(*arguments, **named)
    return time.perf_counter() - began


def proving(read: tiles.Read, size: int, leaf_of: Callable[[int], bytes]) -> Proving:
    """Build and check proofs of leaves anywhere in a tree."""
    root = merkle.root(size, tiles.node_reader(size, read))
    build, check, hashes = [], [], []
    for index in _indices(size):
        proof = merkle.inclusion(index, size, tiles.node_reader(size, read))  # the files are in the page cache now
        build.append(_timed(merkle.inclusion, index, size, tiles.node_reader(size, read)))
        hashed = merkle.leaf_hash(leaf_of(index))
        if not merkle.included(hashed, index, size, proof, root):
            raise RuntimeError(index)
        check.append(_timed(merkle.included, hashed, index, size, proof, root))
        hashes.append(len(proof))
    return Proving(statistics.median(build), statistics.median(check), max(hashes))


def tlog_scales_proving(folder: Path, size: int) -> Proving:
    """Let tlog-scales prove the same out of our tiles."""

    def reader() -> tlog_scales.reader.TilesReader:
        made = tlog_scales.reader.TilesReader(tlog_scales.backend.LocalBackend(folder))
        made.set_size(size)
        return made

    root, build, check = reader().calculate_root_hash(), [], []
    for index in _indices(size):
        build.append(_timed(reader().get_inclusion_proof, index, size))
        proof, hashed = reader().get_inclusion_proof(index, size), merkle.leaf_hash(reader().get_entry(index))
        check.append(_timed(proof.check, hashed, root))
    return Proving(statistics.median(build), statistics.median(check), 0)


def pymerkle_proving(folder: Path, size: int) -> Proving:
    """Let pymerkle prove the same out of the tree in its database."""
    build, check = [], []
    with pymerkle.SqliteTree(str(folder / "pymerkle.db")) as tree:
        root = tree.get_state(size)
        for index in _indices(size)[:20]:
            build.append(_timed(tree.prove_inclusion, index + 1, size))
            proof, base = tree.prove_inclusion(index + 1, size), tree.get_leaf(index + 1)
            check.append(_timed(pymerkle.verify_inclusion, base, root, proof))
    return Proving(statistics.median(build), statistics.median(check), 0)


def proof_bytes(size: int, hashes: int) -> dict[str, int]:
    """Return the bytes of a proof in a log of this size, by who signed its checkpoint."""
    log = _signer("log.example.com/2026", Kind.ED25519)
    witnesses = [_signer(f"witness{n}.example.com/w", Kind.COSIGNATURE) for n in range(3)]
    ml_dsa = _signer("log.example.com/2026", Kind.ML_DSA_44)
    signers = {
        "the log's Ed25519 alone": [log],
        "with 3 witnesses": [log, *witnesses],
        "with 3 witnesses and the log's ML-DSA-44": [log, ml_dsa, *witnesses],
    }
    text = Checkpoint(log.key.name, size, bytes(32)).text
    out = {}
    for name, chosen in signers.items():
        note = str(Note(text, tuple(s.sign(text, 1_800_000_000) for s in chosen)))
        data = str(tlog_proof.Proof(size - 1, (bytes(32),) * hashes, note)).encode()
        tlog_proof.parse(data)
        out[name] = len(data)
    return out


def _signer(name: str, kind: Kind) -> KeySigner:
    key = MLDSA44PrivateKey.generate() if kind is Kind.ML_DSA_44 else Ed25519PrivateKey.generate()
    return KeySigner(Key(name, kind, key.public_key().public_bytes_raw()), key.sign)


# Steps and bundles -------------------------------------------------------------------------------------------------------------
def steps(folder: Path, url: str, count: int) -> list[float]:
    """Save one act and publish it, again and again; return the seconds that publishing took each time."""
    world, taken = log_world(folder, url), []
    for number in range(count):
        world.store.save([act(9999, number)])
        taken.append(_timed(publishing.publish, world))
    return taken


@dataclass(frozen=True)
class Bundled:
    """What a bundle takes."""

    name: str
    bytes: int
    cpu_seconds: float
    """Of one verification in a running process, median."""


def exported(folder: Path, url: str) -> tuple[bytes, str]:
    """Export the newest act as a bundle; return it, and the log's key."""
    world = log_world(folder, url)
    newest = world.archive.newest()
    position = newest.size - 1 if newest else 0
    made = evidence.export(world, evidence.ExportEvidence(by="bench", positions=(position,)))
    return made.data, str(world.signers[0].key)


def verified(name: str, data: bytes, given: Sequence[object], *, count: int) -> Bundled:
    """Verify a bundle again and again."""
    if (report := verifier.verify(data, *given)).outcome != "proven":  # type: ignore[arg-type] # as the vectors have them
        raise RuntimeError(report)
    taken = []
    for _ in range(count):
        began = time.process_time()
        verifier.verify(data, *given)  # type: ignore[arg-type] # the same
        taken.append(time.process_time() - began)
    return Bundled(name, len(data), statistics.median(taken))


def verifier_process(folder: Path, data: bytes, key: str) -> float:
    """Return the CPU seconds of the verifier as a program of its own, start of Python and imports included."""
    (folder / "case.zip").write_bytes(data)
    before = os.times()
    subprocess.run([sys.executable, verifier.__file__, str(folder / "case.zip"), "--key", key], check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
