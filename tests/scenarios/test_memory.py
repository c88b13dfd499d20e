"""A film of two gigabytes is labelled and verified in less than 64 MiB of resident memory."""

import subprocess
import sys
from pathlib import Path

import pytest

GIB = 1 << 30
MIB = 1 << 20
SCRIPT = """
import sys
from mingwen.cli.application import run
status = run(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(status, int(peak.split()[1]) * 1024, file=sys.stderr)
"""


def measured(*arguments: str, store: Path) -> tuple[int, int]:
    """Run the command in a fresh process; return its exit status and its peak of resident memory in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments, "--store", str(store)], capture_output=True, text=True, check=True
    )
    status, peak = done.stderr.splitlines()[-1].split()
    return int(status), int(peak)


def boxes(data: bytes) -> list[bytes]:
    out, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        out.append(data[at : at + size])
        at += size
    return out


def film(media: Path, tmp_path: Path, *, first: bool, fragmented: bool) -> Path:
    """Make a film with a hole of 2 GiB in its mdat, which ffmpeg's reader steps over."""
    small, large = tmp_path / "small.mp4", tmp_path / "large.mp4"
    flags = "+frag_keyframe+empty_moov" if fragmented else "+faststart" if first else "0"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-i", str(media / "bunny.mp4"), "-c", "copy", "-movflags", flags, str(small)], check=True
    )
    with large.open("wb") as out:
        for box in boxes(small.read_bytes()):
            if box[4:8] != b"mdat" or out.tell() > GIB:
                out.write(box)
            else:  # the samples stay where they are; the hole stands behind them
                size = len(box) + 8 + 2 * GIB
                # a 64-bit size needs eight bytes more; a free box of eight bytes before mdat makes room in ffmpeg's output
                out.seek(-8 if not fragmented else 0, 1)
                out.write((1).to_bytes(4) + b"mdat" + size.to_bytes(8) + box[8:])
                out.seek(2 * GIB, 1)
        out.truncate()
    return large


@pytest.mark.parametrize("layout", ["moov last", "moov first", "fragmented"])
def test_two_gigabytes_in_64_mib(media: Path, tmp_path: Path, layout: str) -> None:
    source = film(media, tmp_path, first=layout == "moov first", fragmented=layout == "fragmented")
    out = tmp_path / "out.mp4"
    assert source.stat().st_size > 2 * GIB
    unmarked = ["--no-explicit", "--recipient", "a", "--agreement", "1", "--reason", "test"]
    store = tmp_path / "s.db"
    measured("log", store=store)  # the first run makes the schema, with SQLAlchemy
    status, peak = measured("label", str(source), "-o", str(out), *unmarked, store=store)
    assert status == 0
    assert peak < 64 * MIB
    status, peak = measured("verify", str(out), store=store)
    assert status == 0
    assert peak < 64 * MIB
    out.unlink()
    source.unlink()


def test_an_explicit_label_takes_no_more_memory_for_a_longer_sound(tmp_path: Path) -> None:
    peaks = []
    for size in (MIB, 400 * MIB):
        source = tmp_path / f"{size}.wav"
        head = b"fmt " + (16).to_bytes(4, "little") + bytes.fromhex("01000200 44ac0000 10b10200 04001000")
        with source.open("wb") as file:
            file.write(b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVE" + head + b"data" + size.to_bytes(4, "little"))
            file.truncate(44 + size)
        status, peak = measured("label", str(source), "-o", str(tmp_path / "out.wav"), "--overwrite", store=tmp_path / "s.db")
        assert status == 0
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 32 * MIB
