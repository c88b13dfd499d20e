"""Measure the gate of a platform over a mixed folder against exiftool, which reads the same folder in one process; see bench.py.

The candidates take turns. The first round is not timed: in it the verdicts are checked, and memory is watched, which takes time
of its own. Memory is the proportional set size (shared pages are shared out) of all processes of a candidate at its highest.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tools import bench_folder

from mingwen import face
from mingwen.domain.errors import Malformed
from mingwen.domain.tiers import Tier

TITLE = "## The gate over a mixed folder"
ROUNDS = 7
HEAD_BYTES = 4096
WATCH_SECONDS = 0.005
BYTES_IN_KIB = 1024


@dataclass
class Candidate:
    """One way to go through the folder, and what it took."""

    name: str
    work: Callable[[], None]
    seconds: list[float] = field(default_factory=list)
    peak: int = 0
    """Bytes; 0 where it works in this process."""


def command(*arguments: str | Path, out: Path) -> Callable[[], None]:
    """Run a program; its standard output goes to a file, as it would to a queue."""

    def work() -> None:
        with out.open("wb") as stream:
            subprocess.run(list(map(str, arguments)), stdout=stream, stderr=subprocess.DEVNULL, check=False)

    return work


def watched(work: Callable[[], None]) -> int:
    """Do the work; return the most memory that the processes below this one had together."""
    peak, over = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(WATCH_SECONDS):
            peak = max(peak, sum(_memory(pid) for pid in _below(os.getpid())))

    thread = threading.Thread(target=watch)
    thread.start()
    work()
    over.set()
    thread.join()
    return peak


def _below(parent: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in map(int, _text(path).split()):
            found += [pid, *_below(pid)]
    return found


def _memory(pid: int) -> int:
    lines = _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) * BYTES_IN_KIB for line in lines if line.startswith("Pss:"))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it ended meanwhile
        return ""


def _judged(files: Sequence[Path]) -> None:
    for path in files:
        with suppress(Malformed):
            face.judge(path)


def _heads(files: Sequence[Path]) -> None:
    for path in files:
        with path.open("rb") as file:
            file.read(HEAD_BYTES)


def candidates(folder: Path, files: Sequence[Path], within: Path) -> list[Candidate]:
    ours: list[str | Path] = [Path(sys.executable).parent / "mingwen", "gate", folder, "--json", "--store", within / "gate.db"]
    told = within / "gate.jsonl"
    cores = os.cpu_count()
    return [
        Candidate("mingwen gate -j 1", command(*ours, "-j", "1", out=told)),
        Candidate(f"mingwen gate, {cores} cores", command(*ours, out=told)),
        Candidate("exiftool -fast -r -j", command("exiftool", "-fast", "-r", "-j", folder, out=within / "gate.exiftool.json")),
        Candidate("exiftool -r -j", command("exiftool", "-r", "-j", folder, out=within / "gate.exiftool.json")),
        Candidate("judge() within Python", lambda: _judged(files)),
        Candidate("only open, read 4 KiB", lambda: _heads(files)),
        Candidate("cat of all files", command("find", folder, "-type", "f", "-exec", "cat", "{}", "+", out=Path(os.devnull))),
    ]


def check(told: Path, files: Sequence[Path]) -> None:
    """Hold what the gate told to what was done to the files: no label missed, no broken file waved through."""
    tiers = {Path(line["file"]).name: line["tier"] for line in map(json.loads, told.read_bytes().splitlines())}
    wanted = {"label": Tier.GENERATED, "trace": Tier.SUSPECTED, "plain": Tier.NONE, "cut": Tier.UNDECIDED}
    wrong = {name: tiers.get(name) for p in files if tiers.get(name := p.name) != wanted[name.partition("-")[0]].value}
    if wrong:
        raise RuntimeError(str(wrong))


def section(media: Path, within: Path, machine: str) -> list[str]:
    """Measure, and return the lines of the page."""
    within.mkdir(parents=True, exist_ok=True)
    face.configure(store_url=f"sqlite:///{within / 'gate.db'}")
    folder = bench_folder.folder(media, within)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    runs = candidates(folder, files, within)
    for run in runs:
        peak = watched(run.work)
        run.peak = peak if "Python" not in run.name and "open" not in run.name else 0
        if "gate" in run.name:
            check(within / "gate.jsonl", files)
    for _ in range(ROUNDS):
        for run in runs:
            began = time.perf_counter()
            run.work()
            run.seconds.append(time.perf_counter() - began)
    lines = _lines(runs, files, machine)
    print("\n".join(lines))
    return lines


def _lines(runs: Sequence[Candidate], files: Sequence[Path], machine: str) -> list[str]:
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    base = statistics.median(next(run for run in runs if "-fast" in run.name).seconds)
    kinds = ", ".join(f"{kind.count} {kind.suffix}" for kind in bench_folder.KINDS)
    rows = []
    for run in runs:
        median = statistics.median(run.seconds)
        spread = f"{min(run.seconds):.2f} to {max(run.seconds):.2f}"
        peak = f"{run.peak / (1 << 20):.0f} MiB" if run.peak else ""
        rows.append(f"| {run.name} | {median:.2f} s ({spread}) | {len(files) / median:.0f} | {base / median:.1f} × | {peak} |")
    mixture = f"{len(files)} files, {megabytes:.0f} MB: {kinds}; a third bear a label, some a generator's mark, some are cut off."
    how = f"Medians of {ROUNDS} rounds in turn, start included; memory of all processes together."
    checked = "Before the rounds the verdicts are checked: every label is found, and no cut file passes as free of one."
    work = "mingwen rules by the tiers of Measures Art. 6 and records each ruling in its store; exiftool reads and prints."
    head = ["| | seconds (least to most) | files a second | against exiftool -fast | peak memory |", "|---|---|---|---|---|"]
    return [TITLE, "", f"{machine} {mixture} {how}", "", *head, *rows, "", f"{checked} {work}"]
