"""Measure the metadata label against cp, exiftool and ffmpeg, and the gate against exiftool; called by `make bench`.

python -m tools.bench MEDIA [--quick | --only-gate]

Every figure is the median of several rounds in which the candidates take turns, so that a slow moment of the machine hits all of
them. Two kinds: whole processes, start included, as a script would call them; and work within a running process (our library,
exiftool's -stay_open), as a service would. Results go to docs/reference/benchmark.md, the plot to docs/pictures/cost.svg.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from tools import bench_gate
from tools.bench_folder import CONFIG, LABEL

import mingwen

ROUNDS = 7
TWELVE_MP = (4000, 3000)
UNMARKED = ["--no-explicit", "--recipient", "bench", "--agreement", "1", "--reason", "measuring"]
DELIVERY = mingwen.Delivery("bench", "1", "measuring")
PAGE = Path(__file__).parents[1] / "docs/reference/benchmark.md"
PLOT = Path(__file__).parents[1] / "docs/pictures/cost.svg"


@dataclass(frozen=True)
class Candidate:
    """One way to do the job."""

    name: str
    work: Callable[[Path, Path], None]
    labels: bool = True
    """Is the label in its output? If it should be, it is looked for."""


def process(*command: str) -> Callable[[Path, Path], None]:
    def work(source: Path, target: Path) -> None:
        filled = [c.replace("SOURCE", str(source)).replace("TARGET", str(target)) for c in command]
        subprocess.run(filled, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return work


class StayOpen:
    """An exiftool that waits for the next file."""

    def __init__(self, config: Path) -> None:
        command = ["exiftool", "-config", str(config), "-stay_open", "True", "-@", "-"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def label(self, source: Path, target: Path) -> None:
        """Label one file and wait until it is done."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError
        tag = "Keys:AIGC" if source.suffix == ".mp4" else "XMP-TC260:AIGC"
        self.process.stdin.write(f"-{tag}={LABEL}\n-o\n{target}\n{source}\n-execute\n")
        self.process.stdin.flush()
        while not self.process.stdout.readline().startswith("{ready}"):
            pass

    def close(self) -> None:
        """Let it go."""
        self.process.communicate("-stay_open\nFalse\n", timeout=10)


def copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def library(source: Path, target: Path) -> None:
    mingwen.label(source, target, explicit=False, delivery=DELIVERY)


def rounds(candidates: Sequence[Candidate], source: Path, target: Path, *, count: int) -> dict[str, list[float]]:
    """Let the candidates take turns; return the seconds of each."""
    seconds: dict[str, list[float]] = {c.name: [] for c in candidates}
    for turn in range(count + 1):
        for candidate in candidates:
            target.unlink(missing_ok=True)
            began = time.perf_counter()
            candidate.work(source, target)
            took = time.perf_counter() - began
            if target.stat().st_size < source.stat().st_size * 0.9:
                raise RuntimeError(candidate.name)
            if turn:
                seconds[candidate.name].append(took)
            elif bool(mingwen.verify(target).labels) is not candidate.labels:  # the first round warms the caches, and is checked
                raise RuntimeError(f"{candidate.name}: expected labels: {candidate.labels}")
    target.unlink(missing_ok=True)
    return seconds


def inputs(media: Path, folder: Path, *, quick: bool) -> dict[str, Path]:
    """Make a 12 MP JPEG and PNG from a photograph, and films of up to 1 GB from the clip."""
    folder.mkdir(parents=True, exist_ok=True)
    jpeg, png = folder / "12mp.jpg", folder / "12mp.png"
    if not png.exists():
        with Image.open(media / "coffee.png") as picture:
            large = picture.convert("RGB").resize(TWELVE_MP, Image.Resampling.BICUBIC)
            large = Image.blend(large, Image.effect_noise(TWELVE_MP, 40).convert("RGB"), 0.05)  # grain, as a sensor has it
            large.save(jpeg, quality=92)
            large.save(png)
    out = {"12 MP JPEG": jpeg, "12 MP PNG": png}
    for megabytes in (10, 100) if quick else (1, 10, 100, 1000):
        film = folder / f"{megabytes}.mp4"
        if not film.exists():
            loop = ["-stream_loop", str(max(0, round(megabytes / 1.055) - 1)), "-i", str(media / "bunny.mp4")]
            subprocess.run(["ffmpeg", "-v", "error", "-y", *loop, "-c", "copy", "-movflags", "+faststart", str(film)], check=True)
        out[f"{megabytes} MB MP4"] = film
    return out


def peers(kind: str, config: Path, stay_open: StayOpen) -> tuple[list[Candidate], list[Candidate]]:
    """Return the candidates as whole processes, and those within a running one."""
    tag = "Keys:AIGC" if kind.endswith("MP4") else "XMP-TC260:AIGC"
    exiftool = process("exiftool", "-config", str(config), "-q", f"-{tag}={LABEL}", "-o", "TARGET", "SOURCE")
    ffmpeg = process(
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-i",
        "SOURCE",
        "-c",
        "copy",
        "-movflags",
        "use_metadata_tags",
        "-metadata",
        f"AIGC={LABEL}",
        "TARGET",
    )
    ours = process(str(Path(sys.executable).parent / "mingwen"), "label", "SOURCE", "-o", "TARGET", *UNMARKED)
    whole = [
        Candidate("cp", process("cp", "SOURCE", "TARGET"), labels=False),
        Candidate("mingwen", ours),
        Candidate("exiftool", exiftool),
        Candidate("ffmpeg -c copy", ffmpeg, labels=kind.endswith("MP4")),
    ]
    within = [
        Candidate("copy within Python", copy, labels=False),
        Candidate("mingwen.label", library),
        Candidate("exiftool -stay_open", stay_open.label),
    ]
    return whole, within


def table(title: str, results: dict[str, dict[str, list[float]]]) -> list[str]:
    names = list(next(iter(results.values())))
    lines = [f"## {title}", "", "| file | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for kind, seconds in results.items():
        base = statistics.median(seconds[names[0]])
        cells = [f"{statistics.median(seconds[n]) * 1000:.1f} ms ({statistics.median(seconds[n]) / base:.2f} ×)" for n in names]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def plot(results: dict[str, dict[str, list[float]]], files: dict[str, Path]) -> None:
    """Draw seconds against size, both logarithmic."""
    import matplotlib as mpl  # noqa: PLC0415 - only here

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "mingwen"
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of backend

    films = [k for k in results if k.endswith("MP4")]
    figure, axes = plt.subplots(figsize=(7, 4.2))
    for name in next(iter(results.values())):
        sizes = [files[k].stat().st_size / 1e6 for k in films]
        axes.plot(sizes, [statistics.median(results[k][name]) for k in films], marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="size of the film, MB", ylabel="seconds, start of the process included")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(frameon=False)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, bbox_inches="tight", metadata={"Date": None})


def machine() -> str:
    tools = [["exiftool", "-ver"], ["ffmpeg", "-version"], ["cp", "--version"]]
    versions = [subprocess.run(t, capture_output=True, text=True, check=True).stdout.splitlines()[0] for t in tools]
    return (
        f"Measured on {time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}; "
        f"exiftool {versions[0]}; {versions[1].split(' Copyright')[0]}; {versions[2]}. Files in the page cache."
    )


def gate(media: Path) -> None:
    """Measure the gate alone, and put its section into the page in place of the old one."""
    page = PAGE.read_text(encoding="utf-8").partition(bench_gate.TITLE)[0]
    lines = bench_gate.section(media, media.parent / "bench", machine())
    PAGE.write_text(page + "\n".join(lines) + "\n", encoding="utf-8")


def main(media: Path, *, quick: bool) -> None:
    folder = media.parent / "bench"
    files = inputs(media, folder, quick=quick)
    store = folder / "bench.db"
    os.environ["MINGWEN_STORE_URL"] = f"sqlite:///{store}"
    mingwen.configure()
    config = folder / "exiftool.config"
    config.write_text(CONFIG)
    stay_open = StayOpen(config)
    wholes: dict[str, dict[str, list[float]]] = {}
    withins: dict[str, dict[str, list[float]]] = {}
    for kind, source in files.items():
        whole, within = peers(kind, config, stay_open)
        target = folder / f"out{source.suffix}"
        wholes[kind] = rounds(whole, source, target, count=ROUNDS)
        withins[kind] = rounds(within, source, target, count=ROUNDS)
        print(
            json.dumps({"file": kind, **{n: round(statistics.median(s), 4) for n, s in (wholes[kind] | withins[kind]).items()}}),
            flush=True,
        )
    stay_open.close()
    lines = [
        "# Benchmark: what the metadata label costs",
        "",
        f"{machine()} Written by `make bench`: medians of {ROUNDS} rounds in turn; in brackets the ratio to the first column.",
        "",
        *table("Whole processes", wholes),
        "ffmpeg writes the label only into the MP4; of pictures it makes a copy without it, shown as the cost of that copy.",
        "mingwen reads every output back and commits a log entry to disk before the file appears; the peers do neither.",
        "",
        *table("Within a running process", withins),
        "![cost against size](../pictures/cost.svg)",
        "",
    ]
    print("\n".join(lines))
    if not quick:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
        plot(wholes, files)
        gate(media)


if __name__ == "__main__":
    if "--only-gate" in sys.argv:
        gate(Path(sys.argv[1]))
    else:
        main(Path(sys.argv[1]), quick="--quick" in sys.argv)
