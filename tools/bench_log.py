"""Measure the log: acts until they stand in a signed checkpoint, large trees, proofs, bundles; called by `make bench-log`.

python -m tools.bench_log [--quick | --once]

Ours, the plain databases and the peers run in the same run, and where there are rounds they take turns. Results go to
docs/reference/benchmark-log.md, the plot to docs/pictures/log-cost.svg; with --quick they are printed alone. With --once there
is one round of appends, for a machine that has other work.
"""

import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final

import psycopg
from tools import bench_log_appends as appends
from tools import bench_log_trees as trees
from tools.bench_log_appends import BATCHES, WRITERS, Result
from tools.bench_log_trees import Bundled, Cost, Proving

from mingwen.adapters.objects.folder import FolderObjects
from mingwen.proofs import tiles

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs/reference/benchmark-log.md"
PLOT: Final = ROOT / "docs/pictures/log-cost.svg"
VECTORS: Final = ROOT / "tests/vectors/bundles"
SIMULATED: Final = 10_000_000
STEPS: Final = 15
BUNDLES: Final = {
    "holds-proven": "2 checkpoints, a witness, a time stamp",
    "holds-ml-dsa-witness": "the same, and a witness of ML-DSA-44",
    "holds-sm2": "the same as the first, the log's SM2 beside its Ed25519",
}
"""Vectors, and what is in them."""


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    rounds: int
    seconds: float
    """Of each round of appends."""
    sizes: tuple[int, ...]
    """Trees that are really published, the largest last; and how many entries peers get."""
    postgresql_size: int


FULL: Final = Scale(3, 3, (1_000, 10_000, 100_000, 1_000_000), 200_000)
QUICK: Final = Scale(1, 1, (1_000, 20_000), 5_000)


@dataclass
class Tree:
    """What was measured at one size."""

    size: int
    published: Cost | None = None
    step_seconds: float | None = None
    proofs: dict[str, Proving] = field(default_factory=dict)
    """By whose they are; the first is ours."""

    @property
    def ours(self) -> Proving:
        """Our proofs."""
        return next(iter(self.proofs.values()))


# Appends -----------------------------------------------------------------------------------------------------------------------
def measure_appends(folder: Path, server_url: str, scale: Scale) -> tuple[list[Result], list[Result]]:
    """Let ours, the limits and the peers take turns."""
    ours = [(Result(store, w, b), store) for store in ("SQLite", "PostgreSQL") for w in (1, WRITERS) for b in BATCHES]
    others = [
        *((Result("plain sqlite3 INSERT", 1, b), appends.plain_sqlite) for b in BATCHES),
        *((Result("tlog-scales, signed", 1, b), appends.tlog_scales_writer) for b in BATCHES),
        *((Result("pymerkle in SQLite", 1, b), appends.pymerkle_writer) for b in BATCHES),
    ]
    servers = [
        (Result("plain psycopg INSERT", WRITERS, 1), appends.plain_postgresql),
        (Result("pgbench INSERT", WRITERS, 1), appends.pgbench),
    ]
    for turn in range(scale.rounds):
        for result, store in ours:
            inner = folder / f"{store}-{result.writers}-{result.batch}-{turn}"
            inner.mkdir()
            url = appends.fresh(inner, server_url if store == "PostgreSQL" else None)
            appends.append(result, inner, url, scale.seconds)
            _say(result)
        for result, work in others:
            result.rates.append(work(folder, result.batch, scale.seconds))
            _say(result)
        for result, serve in servers:
            if (rate := serve(server_url, folder, scale.seconds)) is not None:
                result.rates.append(rate)
                _say(result)
    return [r for r, _ in ours], [r for r in (*(r for r, _ in others), *(r for r, _ in servers)) if r.rates]


def _say(result: Result) -> None:
    row = {"what": result.name, "writers": result.writers, "batch": result.batch, "a second": round(result.rates[-1])}
    print(json.dumps(row), flush=True)


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _spread(rates: Sequence[float]) -> str:
    return f"{min(rates):,.0f} to {max(rates):,.0f}"


def table_of_appends(results: Sequence[Result]) -> list[str]:
    """Lay out what ours reached."""
    lines = [
        "| store | writers | acts a save | a second, to the signed checkpoint | least to most | only saved | wait p50 | p99 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        waits = [f"{_quantile(r.waits, share) * 1000:,.0f} ms" for share in (0.5, 0.99)]
        cells = [
            r.name,
            str(r.writers),
            f"{r.batch:,}",
            f"**{r.rate:,.0f}**",
            _spread(r.rates),
            f"{statistics.median(r.saves):,.0f}",
        ]
        lines.append(f"| {' | '.join([*cells, *waits])} |")
    return [*lines, ""]


def table_of_others(ours: Sequence[Result], others: Sequence[Result]) -> list[str]:
    """Lay out what others reached, and how ours compares."""
    lines = ["| others | writers | rows a commit | a second | least to most | ours at the same |", "|---|---|---|---|---|---|"]
    for r in others:
        store = "PostgreSQL" if r.writers > 1 else "SQLite"
        peer = next(o for o in ours if (o.name, o.writers, o.batch) == (store, r.writers, r.batch))
        cells = [r.name, str(r.writers), f"{r.batch:,}", f"{r.rate:,.0f}", _spread(r.rates), f"{peer.rate / r.rate:.2f} ×"]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


# Trees -------------------------------------------------------------------------------------------------------------------------
def measure_trees(folder: Path, scale: Scale) -> list[Tree]:
    """Publish trees of every size, and prove in them."""
    out = []
    for size in scale.sizes:
        inner = folder / f"tree-{size}"
        tree = Tree(size, trees.published(inner, size, None))
        objects = FolderObjects(inner / "tiles")
        read = objects.read
        tree.proofs["ours"] = trees.proving(read, size, partial(_leaf, read, size))
        tree.proofs["tlog-scales"] = trees.tlog_scales_proving(inner / "tiles", size)
        out.append(tree)
        print(json.dumps({"size": size, "seconds": tree.published and round(tree.published.seconds, 2)}), flush=True)
    simulated = Tree(SIMULATED)
    simulated.proofs["ours"] = trees.proving(
        trees.synthetic(folder / "synthetic", SIMULATED), SIMULATED, lambda _: appends.leaf()
    )
    return [*out, simulated]


def _leaf(read: tiles.Read, size: int, index: int) -> bytes:
    number, at = divmod(index, tiles.WIDTH)
    bundle = read(tiles.bundle_name(number, min(tiles.WIDTH, size - number * tiles.WIDTH)))
    return tiles.unpacked(bundle or b"")[at]


def measure_peers(folder: Path, made: Sequence[Tree], scale: Scale) -> dict[str, Cost]:
    """Let peers make the largest tree, and pymerkle prove in its own; and measure single steps, which make our trees larger."""
    found = trees.peers(folder, scale.sizes[-1])
    for tree in made[:-1]:
        tree.proofs["pymerkle"] = trees.pymerkle_proving(folder, tree.size)
        inner = folder / f"tree-{tree.size}"
        tree.step_seconds = statistics.median(trees.steps(inner, f"sqlite:///{inner}/store.db", STEPS))
    return found


def table_of_publishing(largest: Tree, postgresql: tuple[int, Cost], peers: Mapping[str, Cost]) -> list[str]:
    """Lay out what making a large tree takes."""
    lines = ["| who | entries | seconds | entries a second | CPU seconds | peak memory |", "|---|---|---|---|---|---|"]
    rows = [("ours, from SQLite", largest.size, largest.published), ("ours, from PostgreSQL", *postgresql)]
    rows += [(name, largest.size, cost) for name, cost in peers.items()]
    for name, size, cost in rows:
        if cost:
            cells = f"{cost.seconds:.1f} | {size / cost.seconds:,.0f} | {cost.cpu_seconds:.1f} | {cost.peak_mib:.0f} MiB"
            lines.append(f"| {name} | {size:,} | {cells} |")
    return [*lines, ""]


def table_of_proofs(made: Sequence[Tree]) -> list[str]:
    """Lay out what proofs cost at every size."""
    names = ["ours", "tlog-scales", "pymerkle"]
    head = [f"{n}: {what}" for n in names for what in ("build", "check")]
    lines = [f"| entries | hashes | {' | '.join(head)} | publish one act more |", "|---" * (len(head) + 3) + "|"]
    for tree in made:
        cells = [f"{tree.size:,}{' (simulated)' if tree.published is None else ''}", str(tree.ours.hashes)]
        for name in names:
            proving = tree.proofs.get(name)
            cells += [_microseconds(s) for s in (proving.build_seconds, proving.verify_seconds)] if proving else ["", ""]
        cells.append(f"{tree.step_seconds * 1000:.0f} ms" if tree.step_seconds else "")
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs"


def table_of_bytes(made: Sequence[Tree]) -> list[str]:
    """Lay out the bytes of a proof at every size."""
    measured = [(tree.size, trees.proof_bytes(tree.size, tree.ours.hashes)) for tree in made]
    names = list(measured[0][1])
    lines = [f"| entries | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {size:,} | {' | '.join(f'{found[n]:,}' for n in names)} |" for size, found in measured]
    return [*lines, ""]


# Bundles -----------------------------------------------------------------------------------------------------------------------
def measure_bundles(folder: Path, scale: Scale) -> tuple[list[Bundled], float]:
    """Verify a bundle out of the largest tree, and those of the vectors."""
    inner = folder / f"tree-{scale.sizes[-1]}"
    data, key = trees.exported(inner, f"sqlite:///{inner}/store.db")
    out = [trees.verified(f"one act of the {scale.sizes[-1]:,}, without others' signatures", data, ((key,),), count=100)]
    expected = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))
    for name, words in BUNDLES.items():
        given = expected[name]["arguments"]
        roots = tuple((VECTORS / root).read_bytes() for root in given.get("root", ()))
        named = (tuple(given["key"]), tuple(given.get("witness", ())), roots)
        out.append(trees.verified(words, (VECTORS / f"{name}.zip").read_bytes(), named, count=100))
    return out, trees.verifier_process(folder, data, key)


def table_of_bundles(bundles: Sequence[Bundled]) -> list[str]:
    """Lay out what verifying costs."""
    lines = ["| a bundle with | bytes | CPU to verify |", "|---|---|---|"]
    lines += [f"| {b.name} | {b.bytes:,} | {b.cpu_seconds * 1000:.1f} ms |" for b in bundles]
    return [*lines, ""]


# The page ----------------------------------------------------------------------------------------------------------------------
BUSY: Final = " by other work, so that every rate here is less, and every time more, than this machine gives alone"


def machine(server_url: str, folder: Path) -> str:
    """Say what it was measured on."""
    with psycopg.connect(appends.plain(server_url)) as connection:
        server = connection.info.server_version
    peers = ", ".join(f"{name} {metadata.version(name)}" for name in ("tlog-scales", "pymerkle"))
    disk = statistics.median(appends.syncs(folder, 1) for _ in range(3))
    hashes = [f"{appends.hashings(0.5, name):,.0f} {words}" for name, words in (("sha256", "SHA-256"), ("sm3", "SM3"))]
    return (
        f"Measured on {time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, PostgreSQL {server // 10000}.{server % 10000} "
        f"as its makers configure it (fsync on); {peers}. The disk brings {disk:,.0f} appends of 4 KiB a second to safety, one "
        f"after another; a core does {' or '.join(hashes)} of 65 bytes a second within Python. "
        f"Load of the machine when it began: {os.getloadavg()[0]:.1f}{BUSY if os.getloadavg()[0] > 1 else ''}."
    )


@dataclass(frozen=True)
class Goal:
    """What was to be reached, and what was."""

    what: str
    bound: float
    unit: str
    reached: float
    digits: int = 0
    """Behind the point."""
    at_least: bool = False

    def __str__(self) -> str:
        well = self.reached >= self.bound if self.at_least else self.reached < self.bound
        bound = f"{self.bound:,.0f} {self.unit} or more" if self.at_least else f"less than {self.bound:,.0f} {self.unit}"
        reached = f"{self.reached:,.{self.digits}f}"
        return f"| {self.what} | {bound} | {reached} | {'reached' if well else 'missed'} |"


def goals(ours: Sequence[Result], largest: Tree, bundles: Sequence[Bundled]) -> list[str]:
    """Say which goals were reached in this run."""
    by = {(r.name, r.writers, r.batch): r.rate for r in ours}
    batched = max(by["SQLite", 1, b] for b in BATCHES[1:])
    proof = trees.proof_bytes(largest.size, largest.ours.hashes)["with 3 witnesses"]
    rows = [
        Goal("PostgreSQL, 8 writers, one act a save", 1000, "acts a second", by["PostgreSQL", WRITERS, 1], at_least=True),
        Goal("SQLite, in batches", 5000, "acts a second", batched, at_least=True),
        Goal(f"publishing {largest.size:,} entries", 60, "s", largest.published.seconds if largest.published else 0, 1),
        Goal("a proof with 3 witnesses", 2000, "bytes", proof),
        Goal("CPU to verify a bundle with a witness and a time stamp", 5, "ms", bundles[1].cpu_seconds * 1000, 1),
    ]
    return ["| what | goal | this run | |", "|---|---|---|---|", *map(str, rows), ""]


def plot(made: Sequence[Tree]) -> None:
    """Draw time and bytes against size; what was simulated is hollow."""
    import matplotlib as mpl  # noqa: PLC0415 - only here

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "mingwen"
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of backend

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2))
    published = [(t.size, t.published.seconds / t.size * 1000) for t in made if t.published]
    left.plot(*zip(*published, strict=True), marker="s", label="publish, a thousand entries")
    stepped = [(t.size, t.step_seconds) for t in made if t.step_seconds]
    left.plot(*zip(*stepped, strict=True), marker="s", label="publish one act more")
    for name, colour in (("ours", "C2"), ("tlog-scales", "C4"), ("pymerkle", "C5")):
        built = [(t.size, t.proofs[name].build_seconds, t.published is None) for t in made if name in t.proofs]
        left.plot([b[0] for b in built], [b[1] for b in built], color=colour, label=f"build a proof, {name}", zorder=1)
        _points(left, built, colour)
    checked = [(t.size, t.ours.verify_seconds, t.published is None) for t in made]
    left.plot([c[0] for c in checked], [c[1] for c in checked], color="C3", label="check a proof, ours", zorder=1)
    _points(left, checked, "C3")
    left.set(xscale="log", yscale="log", xlabel="entries in the log (hollow: simulated)", ylabel="seconds")
    for name in trees.proof_bytes(1, 0):
        sized = [(t.size, float(trees.proof_bytes(t.size, t.ours.hashes)[name]), t.published is None) for t in made]
        (line,) = right.plot([s[0] for s in sized], [s[1] for s in sized], label=name, zorder=1)
        _points(right, sized, line.get_color())
    right.set(xscale="log", xlabel="entries in the log (hollow: simulated)", ylabel="bytes of a .tlog-proof", ylim=(0, 6000))
    for axes in (left, right):
        axes.grid(visible=True, which="major", alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, metadata={"Date": None})


def _points(axes, points, colour: str) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - matplotlib has no types
    for size, value, simulated in points:
        axes.plot([size], [value], marker="o", color=colour, markerfacecolor="white" if simulated else colour, linestyle="none")


@dataclass(frozen=True)
class Measured:
    """All of it."""

    scale: Scale
    head: str
    ours: Sequence[Result]
    others: Sequence[Result]
    made: Sequence[Tree]
    from_postgresql: Cost
    disk: Mapping[str, int]
    peers: Mapping[str, Cost]
    bundles: Sequence[Bundled]
    verifier_seconds: float


def measured(folder: Path, server_url: str, scale: Scale) -> Measured:
    """Measure everything."""
    head = machine(server_url, folder)
    print(head, flush=True)
    ours, others = measure_appends(folder, server_url, scale)
    made = measure_trees(folder, scale)
    from_postgresql = trees.published(folder / "postgresql", scale.postgresql_size, server_url)
    disk = trees.disk_bytes(folder / f"tree-{scale.sizes[-1]}")
    peers = measure_peers(folder, made, scale)
    bundles, process = measure_bundles(folder, scale)
    return Measured(scale, head, ours, others, made, from_postgresql, disk, peers, bundles, process)


APPENDS: Final = """\
Each writer is a process that saves labels, a content and an entry of eight fields each, for {seconds:g} s; beside them one
publisher gives positions, writes tiles and signs. Time ends when the last act stands in a signed checkpoint. *Wait* is from the
return of a save to the first signed checkpoint that holds its acts. After each round the store is read: every act has its
position, and none is missing. Making the acts counts too. Rounds in turn: {rounds}; given are the medians.
"""
OTHERS: Final = """\
The others do less. The plain databases insert {row:,} bytes a row, about what a label takes, commit to no fields and keep no
tree. tlog-scales writes a tree of leaves as long as ours, signs each batch, and keeps no database. pymerkle keeps hashes and
leaves in SQLite, and signs nothing. Of these two neither takes several writers.
"""
PUBLISHING: Final = """\
The entries wait in the store (put there by plain INSERT). Measured is from there to the last signed checkpoint, in a process of
its own: positions, tiles on the disk, reading back, signatures.
"""
PROOFS: Final = """\
Medians over {samples} leaves anywhere in the tree, with a reader that has no tile in its memory; files in the page cache. The
tree of {simulated:,} is simulated: all its leaves are the same, and a tile is written when it is first read. tlog-scales reads
our tiles, pymerkle its own database. *Publish one act more* is one whole step, with everything it brings to the disk.
"""
BUNDLED: Final = """\
CPU of the verifier in a running process, medians of 100. As a program of its own it takes {milliseconds:.0f} ms for the first of
these, nearly all of it Python and its imports. It computes SM2 in plain Python.
"""


def page(m: Measured) -> str:
    """Lay everything out."""
    largest = m.made[-2]
    each = {name: count / largest.size for name, count in m.disk.items()}
    proofs = PROOFS.format(samples=trees.SAMPLES, simulated=SIMULATED)
    lines = [
        *("# Benchmark: what the log costs", "", f"{m.head} Written by `make bench-log`.", ""),
        *goals(m.ours, largest, m.bundles),
        *("## Acts a second", "", APPENDS.format(seconds=m.scale.seconds, rounds=m.scale.rounds), *table_of_appends(m.ours)),
        *(OTHERS.format(row=appends.ROW_BYTES), *table_of_others(m.ours, m.others)),
        *("## Publishing a large log", "", PUBLISHING),
        *table_of_publishing(largest, (m.scale.postgresql_size, m.from_postgresql), m.peers),
        f"On the disk each of the {largest.size:,} takes {each['hashes']:.0f} bytes in hashes, {each['entries']:.0f} as a leaf.",
        *("", "## Proofs", "", proofs, *table_of_proofs(m.made)),
        *("Bytes of a `.tlog-proof`, checkpoint included, by who signed that:", "", *table_of_bytes(m.made)),
        *("## Bundles", "", BUNDLED.format(milliseconds=m.verifier_seconds * 1000), *table_of_bundles(m.bundles)),
        "![cost against size](../pictures/log-cost.svg)",
    ]
    return "\n".join(lines) + "\n"


def main(scale: Scale) -> None:
    """Measure everything, and write the page."""
    with tempfile.TemporaryDirectory(prefix="bench-log", dir="/var/tmp") as folder, appends.server() as server_url:
        found = measured(Path(folder), server_url, scale)
    text = page(found)
    print(text)
    if scale is not QUICK:
        PAGE.write_text(text, encoding="utf-8")
        plot(found.made)


if __name__ == "__main__":
    main(QUICK if "--quick" in sys.argv else replace(FULL, rounds=1) if "--once" in sys.argv else FULL)
