"""Search every reader and writer for anything but our own errors, guided by coverage; called by `make fuzz`.

python tools/fuzz.py [--seconds S] [--jobs N] [FORMAT...]

Each format runs in a process of its own, from real files with and without labels. Atheris (libFuzzer) changes them, keeps what
reaches new code, and ends at the first input that raises anything but ``MingwenError``, takes longer than 5 s, or makes the
process grow by more than 256 MiB. What was found is kept in .cache/fuzz/FORMAT, the corpus too; a table of all runs is printed.
"""

import argparse
import contextlib
import io
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import atheris

GUIDED = atheris.instrument_imports(include=["mingwen"]) if "--one" in sys.argv else contextlib.nullcontext()
with GUIDED:
    sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("tests", "tests/family")]
    from test_formats import LABEL, MAKERS, OTHER, READ_ONLY, assembled, member

    from mingwen import formats, traces
    from mingwen.domain.errors import MingwenError
    from mingwen.domain.labels import produced, to_json
    from mingwen.domain.verdicts import read_site

    if "--one" in sys.argv:  # what is imported later is not guided by
        imported = [f.body() for f in formats.every()], traces.every()

KEPT = Path(__file__).parents[1] / ".cache/fuzz"
SLOW_SECONDS = 5
GROWTH_MIB = 256
MAX_BYTES = 1 << 18
ILLEGAL = to_json(produced(producer="另一个 测试", produce_id="x" * 300)).replace('"Label":"1"', '"Label":"9"')


def check(name: str, data: bytes) -> None:
    """Read, look for traces and write; a written label must be read back unless something could not be read."""
    format_ = member(name)
    source = io.BytesIO(data)
    try:
        found = format_.read(source)
        for site in found.sites:
            read_site(site)
        traces.search(tuple(format_.clues(source)), source, name)
        out = assembled(data, format_.splice(source, OTHER))
    except MingwenError:
        return
    if format_.sidecar:
        return
    again = format_.read(io.BytesIO(out))
    if not found.unread and not again.unread and [s.guide for s in again.sites] != [True]:
        raise AssertionError(again)


def seeds(name: str, folder: Path) -> None:
    """Lay out real files: as they come, labelled, labelled badly, labelled twice, and cut."""
    sample = folder / f"sample{member(name).suffixes[0]}"
    MAKERS[name](Path(os.environ["MINGWEN_MEDIA"]), sample)
    plain = sample.read_bytes()
    made = [plain, plain[: len(plain) * 2 // 3], plain + b'\n{"AIGC":' + LABEL.encode() + b"}\n"]
    if name not in READ_ONLY and not member(name).sidecar:
        made += [assembled(plain, member(name).splice(io.BytesIO(plain), label)) for label in (LABEL, ILLEGAL)]
    for number, data in enumerate(made):
        (folder / f"seed{number}").write_bytes(data[:MAX_BYTES])
    sample.unlink()


def one(name: str, seconds: int) -> None:
    """Fuzz one format in this process; libFuzzer ends it."""
    corpus, kept = KEPT / name / "corpus", KEPT / name
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        seeds(name, Path(folder))
        for seed in Path(folder).iterdir():
            (corpus / seed.name).write_bytes(seed.read_bytes())
    for seed in corpus.iterdir():
        check(name, seed.read_bytes())
    limit = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 + GROWTH_MIB
    flags = [f"-max_total_time={seconds}", f"-timeout={SLOW_SECONDS}", f"-rss_limit_mb={limit}", f"-max_len={MAX_BYTES}"]
    flags += [f"-artifact_prefix={kept}/", "-print_final_stats=1", "-verbosity=1", str(corpus)]
    atheris.Setup([sys.argv[0], *flags], lambda data: check(name, data))
    atheris.Fuzz()


def run(name: str, seconds: int) -> tuple[str, int, int, str]:
    """Start a process for one format; return its name, how many inputs it tried, the peak in MiB, and what it found."""
    command = [sys.executable, __file__, "--one", name, "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    tried = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    peak = re.search(r"peak_rss_mb:\s*(\d+)", done.stderr)
    kept = re.search(r"Test unit written to (\S+)", done.stderr)
    trouble = "" if done.returncode == 0 else (kept[1] if kept else done.stderr[-2000:])
    if trouble:
        (KEPT / name / "log.txt").write_text(done.stderr)
    return name, int(tried[1]) if tried else 0, int(peak[1]) if peak else 0, trouble


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz every reader and writer.")
    parser.add_argument("formats", nargs="*", help="only these")
    parser.add_argument("--seconds", type=int, default=600, help="for each format (default 600)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="formats at a time")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one, given.seconds)
        return 0
    began, failed = time.monotonic(), 0
    KEPT.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(given.jobs) as pool:
        for name, tried, peak, trouble in pool.map(lambda n: run(n, given.seconds), given.formats or list(MAKERS)):
            failed += bool(trouble)
            print(f"{name:10} {tried:9} inputs, peak {peak} MiB{': ' + trouble if trouble else ''}", flush=True)
    print(f"{failed} formats failed, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
