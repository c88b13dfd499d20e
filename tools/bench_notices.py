"""Measure explicit labels against the tools that draw them by coding everything anew; called by `make bench`.

python -m tools.bench_notices MEDIA [--quick | --only pictures|chat|sounds|films|drawtext]

Every candidate does the same job on the same file in one run. Pictures are labelled from bytes to bytes within Python; films and
sounds by whole processes, start included. Results go to docs/reference/benchmark-explicit.md, the plot to
docs/pictures/explicit-cost.svg.
"""

import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pyvips
from PIL import Image, ImageDraw, ImageFont
from tools.bench import machine

import mingwen
from mingwen.domain.media import Medium
from mingwen.domain.notices import Position, Style
from mingwen.notices import of

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs/reference/benchmark-explicit.md"
PLOT: Final = ROOT / "docs/pictures/explicit-cost.svg"
ROUNDS: Final = 9
TWELVE_MP: Final = (4000, 3000)
QUALITY: Final = 90
CHUNKS: Final = 10_000


@dataclass(frozen=True)
class Run:
    """A process that has ended."""

    seconds: float
    peak_mib: float


def run(*command: str | Path) -> Run:
    """Run a process to its end, and watch its memory."""
    began, peak = time.perf_counter(), 0.0
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, _resident(process.pid))
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    if process.returncode:
        raise RuntimeError(f"{command}: {process.returncode}")
    return Run(time.perf_counter() - began, peak)


def _resident(pid: int) -> float:
    """Return the most that a process has held, in MiB; what it was forked from does not count."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0.0


# --- a JPEG of 12 megapixels --------------------------------------------------------------------------------------------------


def photograph(media: Path) -> bytes:
    """Make one with the grain of a sensor, 4:2:0, as large as telephones make them."""
    with Image.open(media / "coffee.png") as picture:
        large = picture.convert("RGB").resize(TWELVE_MP, Image.Resampling.LANCZOS)
    noise = Image.effect_noise(TWELVE_MP, 40).convert("RGB")
    out = io.BytesIO()
    Image.blend(large, noise, 0.13).save(out, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return out.getvalue()


def by_pillow(data: bytes, *, top: bool) -> bytes:
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    pen, font = ImageDraw.Draw(picture, "RGBA"), ImageFont.load_default(180)
    y = 90 if top else picture.height - 390
    pen.rectangle((3000, y, 3900, y + 300), fill=(16, 16, 16, 158))
    pen.text((3060, y + 40), "AI-made", fill="white", font=font)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return out.getvalue()


def by_opencv(data: bytes, *, top: bool) -> bytes:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise RuntimeError
    y = 90 if top else picture.shape[0] - 390
    box = picture[y : y + 300, 3000:3900]
    box[:] = box * 0.38 + 10
    cv2.putText(picture, "AI-made", (3060, y + 220), cv2.FONT_HERSHEY_SIMPLEX, 6, (255, 255, 255), 16)
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])


def by_pyvips(data: bytes, *, top: bool) -> bytes:
    picture = pyvips.Image.new_from_buffer(data, "", access="sequential")
    letters = pyvips.Image.text("AI-made", dpi=1000).embed(60, 60, 900, 300)
    plate = letters.ifthenelse([255, 255, 255], [16, 16, 16], blend=True).copy(interpretation="srgb")
    y = 90 if top else picture.height - 390
    return bytes(picture.insert(plate, 3000, y).jpegsave_buffer(Q=QUALITY))


def by_mingwen(data: bytes, *, top: bool) -> bytes:
    sink = io.BytesIO()
    position = Position.TOP_RIGHT if top else Position.BOTTOM_RIGHT
    of(Medium.IMAGE).mark(io.BytesIO(data), sink, "jpeg", Style(position=position))
    return sink.getvalue()


Drawn = Callable[..., bytes]
PEERS: Final[Mapping[str, Drawn]] = {"Pillow": by_pillow, "OpenCV": by_opencv, "pyvips": by_pyvips, "mingwen": by_mingwen}


def pictures(media: Path) -> dict[str, dict[str, float]]:
    """Return the median seconds of each way, with the label at the bottom and at the top."""
    data = photograph(media)
    out: dict[str, dict[str, float]] = {}
    for place in ("bottom", "top"):
        seconds: dict[str, list[float]] = {name: [] for name in PEERS}
        for _ in range(ROUNDS + 1):
            for name, work in PEERS.items():
                began = time.perf_counter()
                made = work(data, top=place == "top")
                seconds[name].append(time.perf_counter() - began)
                if len(made) < len(data) / 2:
                    raise RuntimeError(name)
        out[place] = {name: statistics.median(s[1:]) for name, s in seconds.items()}
    return out


# --- films and sounds ---------------------------------------------------------------------------------------------------------


def films(media: Path, folder: Path, minutes: tuple[int, ...]) -> dict[int, Path]:
    """Make films of 1080p H.264 with sound: one minute is coded, the others repeat it packet for packet."""
    one = folder / "1080p-1.mp4"
    if not one.exists():
        run(
            "ffmpeg", "-y", "-v", "error", "-stream_loop", "-1", "-i", media / "bunny.mp4", "-stream_loop", "-1", "-i",
            media / "speech.mp3", "-map", "0:v", "-map", "1:a", "-t", "60", "-vf", "scale=1920:1080", "-c:v", "libx264",
            "-preset", "veryfast", "-crf", "25", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k",
            "-movflags", "+faststart", one,
        )  # fmt: skip
    out = {1: one}
    for count in minutes[1:]:
        out[count] = folder / f"1080p-{count}.mp4"
        if not out[count].exists():
            loop = ("-stream_loop", str(count - 1), "-i", one, "-c", "copy", "-movflags", "+faststart")
            run("ffmpeg", "-y", "-v", "error", *loop, out[count])
    return out


def mingwen_label(source: Path, target: Path, *flags: str) -> Run:
    return run(sys.executable, "-m", "mingwen", "label", source, "-o", target, "--overwrite", *flags)


def film_costs(files: Mapping[int, Path], folder: Path) -> dict[int, dict[str, Run]]:
    """Label each film, and copy its streams."""
    target = folder / "out.mp4"
    out: dict[int, dict[str, Run]] = {}
    for minutes, source in files.items():
        base = ("ffmpeg", "-y", "-v", "error", "-i", source)
        rounds = 3 if minutes < 60 else 2  # noqa: PLR2004 - an hour
        copies = [run(*base, "-c", "copy", "-map", "0", target) for _ in range(rounds)]
        ours = [mingwen_label(source, target) for _ in range(rounds)]
        out[minutes] = {"stream copy": min(copies, key=lambda r: r.seconds), "mingwen": min(ours, key=lambda r: r.seconds)}
        target.unlink()
    return out


def drawtext_costs(files: Mapping[int, Path], folder: Path) -> dict[int, Run]:
    """Let ffmpeg draw into the films of at most ten minutes; longer ones take hours."""
    target = folder / "out.mp4"
    font = ROOT / "src/mingwen/notices/fonts/NotoSansSC-Bold-Labels.otf"
    look = "fontsize=72:fontcolor=white:box=1:boxcolor=black@0.6:x=w-tw-40:y=h-th-40:enable=lt(t\\,2)"
    drawn = f"drawtext=fontfile={font}:text=AI生成:{look}"
    out = {}
    for minutes, source in files.items():
        if minutes <= 10:  # noqa: PLR2004 - see above
            out[minutes] = run(
                "ffmpeg", "-y", "-v", "error", "-i", source, "-vf", drawn, "-c:v", "libx264", "-c:a", "copy", target
            )
    return out


def sound_costs(media: Path, folder: Path) -> dict[int, dict[str, Run]]:
    """Label MP3s of 1, 10 and 60 minutes, and let ffmpeg decode and encode them."""
    out: dict[int, dict[str, Run]] = {}
    for minutes in (1, 10, 60):
        source, target = folder / f"{minutes}.mp3", folder / "out.mp3"
        if not source.exists():
            loop = ("-stream_loop", "-1", "-i", media / "speech.mp3", "-t", str(60 * minutes))
            run("ffmpeg", "-y", "-v", "error", *loop, "-ac", "2", "-ar", "44100", "-b:a", "128k", source)
        anew = ("ffmpeg", "-y", "-v", "error", "-i", source, "-c:a", "libmp3lame", "-b:a", "128k", target)
        ours = [mingwen_label(source, target) for _ in range(3)]
        out[minutes] = {"decode and encode": run(*anew), "mingwen": min(ours, key=lambda r: r.seconds)}
        target.unlink()
    return out


# --- chat ---------------------------------------------------------------------------------------------------------------------


def chat() -> dict[str, float]:
    """Return the microseconds that a chunk costs, by kind of stream."""
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    objects = [
        chunk | {"choices": [{"index": 0, "delta": {"content": f"word {n} "}, "finish_reason": None}]} for n in range(CHUNKS)
    ]
    kinds: dict[str, list[object]] = {
        "text": [f"word {n} " for n in range(CHUNKS)],
        "dicts": list(objects),
        "JSON messages": [json.dumps(o) for o in objects],
        "server-sent events": [b"data: " + json.dumps(o).encode() + b"\n\n" for o in objects],
    }
    out = {}
    for name, chunks in kinds.items():
        took = []
        for _ in range(5):
            began = time.perf_counter()
            count = sum(1 for _ in mingwen.stream(chunks))
            took.append(time.perf_counter() - began)
            if count < CHUNKS:
                raise RuntimeError(name)
        out[name] = statistics.median(took) / CHUNKS * 1e6
    return out


# --- the page -----------------------------------------------------------------------------------------------------------------


def page(
    shown: dict[str, dict[str, float]], film: dict[int, dict[str, Run]], sound: dict[int, dict[str, Run]], talk: dict[str, float]
) -> str:
    lines = [
        "# Benchmark: what the explicit label costs", "", f"{machine()} Written by `make bench`.", "",
        "## A JPEG of 12 megapixels", "",
        f"From bytes to bytes within Python; the peers decode, draw and encode. Medians of {ROUNDS} rounds in turn; in",
        "brackets the ratio to the best of the peers.", "",
        "| label at the | " + " | ".join(PEERS) + " |", "|---" * (len(PEERS) + 1) + "|",
    ]  # fmt: skip
    for place, each in shown.items():
        best = min(v for name, v in each.items() if name != "mingwen")
        cells = " | ".join(f"{1000 * v:.1f} ms ({v / best:.2f} ×)" for v in each.values())
        lines.append(f"| {place} | {cells} |")
    lines += ["", "## Films of 1080p H.264 with sound", "", "Whole processes: seconds, and peak memory.", ""]
    lines += ["| minutes | stream copy by ffmpeg | mingwen label | ffmpeg -vf drawtext |", "|---|---|---|---|"]
    for minutes, runs in film.items():
        drawn = runs.get("drawtext")
        ratio = f"{runs['mingwen'].seconds / runs['stream copy'].seconds:.2f} × the copy"
        if drawn:
            ratio += f", 1/{drawn.seconds / runs['mingwen'].seconds:.0f} of drawtext"
        lines.append(
            f"| {minutes} | {_told(runs['stream copy'])} | {_told(runs['mingwen'])}; {ratio} | {_told(drawn) if drawn else ''} |"
        )
    lines += ["", "## MP3", "", "| minutes | mingwen label | ffmpeg: decode, encode |", "|---|---|---|"]
    for minutes, runs in sound.items():
        ratio = f"1/{runs['decode and encode'].seconds / runs['mingwen'].seconds:.1f}"
        lines.append(f"| {minutes} | {_told(runs['mingwen'])}; {ratio} | {_told(runs['decode and encode'])} |")
    lines += ["", f"## Chat: {CHUNKS} chunks", "", "| kind of stream | µs a chunk |", "|---|---|"]
    lines += [f"| {name} | {cost:.1f} |" for name, cost in talk.items()]
    return "\n".join([*lines, "", "![cost against length](../pictures/explicit-cost.svg)", ""])


def _told(one: Run) -> str:
    return f"{one.seconds:.2f} s, {one.peak_mib:.0f} MiB"


def plot(film: dict[int, dict[str, Run]], sound: dict[int, dict[str, Run]]) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - slow to load, and only for the picture

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after its backend was chosen

    figure, panes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for pane, title, runs in zip(panes, ("1080p H.264", "MP3"), (film, sound), strict=True):
        for name in dict.fromkeys(n for each in runs.values() for n in each):
            points = [(minutes, each[name].seconds) for minutes, each in runs.items() if name in each]
            pane.loglog(*zip(*points, strict=True), "o-", label=name)
        pane.set(title=title, xlabel="minutes", ylabel="seconds")
        pane.grid(visible=True, which="both", alpha=0.3)
        pane.legend()
    figure.savefig(PLOT)


def main(media: Path, *, quick: bool, only: str) -> None:
    folder = media.parent / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["MINGWEN_STORE_URL"] = f"sqlite:///{folder / 'bench.db'}"
    mingwen.configure()
    minutes = (1,) if quick else (1, 10, 60)
    sections: dict[str, Callable[[], object]] = {
        "pictures": lambda: pictures(media),
        "chat": chat,
        "sounds": lambda: {m: {n: asdict(r) for n, r in each.items()} for m, each in sound_costs(media, folder).items()},
        "films": lambda: {
            m: {n: asdict(r) for n, r in each.items()} for m, each in film_costs(films(media, folder, minutes), folder).items()
        },
        "drawtext": lambda: {m: asdict(r) for m, r in drawtext_costs(films(media, folder, minutes), folder).items()},
    }
    kept = folder / "explicit.json"
    results: dict[str, object] = json.loads(kept.read_text()) if only else {}
    for name, measure in sections.items():
        if not only or name == only:
            results[name] = measure()
            print(json.dumps({name: results[name]}), flush=True)
    if not quick:
        kept.write_text(json.dumps(results))
        write(json.loads(kept.read_text()))


def write(results: Mapping[str, Any]) -> None:
    """Write the page and the plot."""
    film, sound = (
        {int(m): {n: Run(**r) for n, r in each.items()} for m, each in results[name].items()} for name in ("films", "sounds")
    )
    for m, r in results["drawtext"].items():
        film[int(m)]["drawtext"] = Run(**r)
    PAGE.write_text(page(results["pictures"], film, sound, results["chat"]), encoding="utf-8")
    plot(film, sound)


if __name__ == "__main__":
    flags = sys.argv[2:]
    main(Path(sys.argv[1]), quick="--quick" in flags, only=flags[flags.index("--only") + 1] if "--only" in flags else "")
