"""Sounds for the tests of audible labels: made, marked, and judged by ffmpeg, flac and metaflac."""

import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mingwen import notices
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Style

ALL = tuple(Moment)
UNITS = {Moment.START: 14, Moment.MIDDLE: 17, Moment.END: 14}
"""Of 0.12 s: the rhythm, and the pause on one side or both."""


def ffmpeg(*args: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["ffmpeg", "-hide_banner", "-nostats", "-y", *map(str, args)], check=True, capture_output=True)


def made(path: Path, *options: str | Path) -> Path:
    ffmpeg("-v", "error", *options, path)
    return path


def marked(path: Path, style: Style, name: str = "") -> tuple[Path, str]:
    out = path.with_name(f"marked{path.suffix}")
    with path.open("rb") as source, out.open("w+b") as sink:
        note = notices.of(Medium.AUDIO).mark(source, sink, name or path.suffix[1:], style)
    return out, note


def samples(path: Path, form: str = "s32le") -> NDArray[Any]:
    kinds = {"s32le": "<i4", "s16le": "<i2", "f64le": "<f8", "u8": "u1"}
    run = ffmpeg("-v", "warning", "-i", path, "-f", form, "-")
    assert not [line for line in run.stderr.splitlines() if b"Guessed Channel Layout" not in line]
    channels = int(probed(path, "channels"))
    return np.frombuffer(run.stdout, kinds[form]).reshape(-1, channels)


def probed(path: Path, what: str) -> str:
    run = ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", f"stream={what}", "-of", "csv=p=0", str(path)]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip().splitlines()[0]


def lengths(path: Path, moment: Moment, rate: int) -> int:
    """Return how many frames a label takes; in FLAC it is filled up to whole blocks where content follows."""
    count = round(UNITS[moment] * 0.12 * rate)
    if path.suffix != ".flac" or moment is Moment.END:
        return count
    return count + -count % block_of(path)


def block_of(path: Path) -> int:
    run = subprocess.run(["metaflac", "--show-max-blocksize", str(path)], check=True, capture_output=True, text=True)
    return int(run.stdout)


def assert_kept(before: Path, after: Path, rate: int) -> None:
    """Every sample of the content is there, in order, between labels at start, middle and end."""
    form = "f64le" if "f" in probed(before, "sample_fmt") or "d" in probed(before, "sample_fmt") else "s32le"
    old, new = samples(before, form), samples(after, form)
    step = block_of(before) if before.suffix == ".flac" else 1
    middle = min(round(len(old) / 2 / step) * step, len(old) // step * step)
    start, between = (lengths(before, m, rate) for m in (Moment.START, Moment.MIDDLE))
    assert len(new) == len(old) + start + between + lengths(before, Moment.END, rate)
    assert np.array_equal(new[start : start + middle], old[:middle])
    assert np.array_equal(new[start + middle + between :][: len(old) - middle], old[middle:])
    assert np.abs(new[:start].astype(float)).max() > 0
    assert all(np.array_equal(new[:start, 0], new[:start, n]) for n in range(new.shape[1]))


def flac_test(path: Path) -> str:
    run = subprocess.run(["flac", "-t", "-s", str(path)], capture_output=True, text=True, check=False)
    return run.stderr


def marked_bytes(data: bytes, name: str, style: Style) -> bytes:
    sink = io.BytesIO()
    notices.of(Medium.AUDIO).mark(io.BytesIO(data), sink, name, style)
    return sink.getvalue()
