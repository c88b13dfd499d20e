"""The pages say what is: every command in them is run and must print what the page shows, every link must lead somewhere.

In a page, a ``console`` block is a session: lines that begin with ``$ `` are commands, what follows is their output, and a line
``…`` stands for any lines. All sessions of a page share one folder, in which the real media lie. A ``python`` block is a program.
Other blocks (``sh``, ``toml``, ``text``) are not run. After a change of the product's words,

    MINGWEN_MEDIA=.cache/media python tests/house/test_readme.py

runs the sessions and writes their output into the pages.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 200
GENERATED = {f"docs/reference/{n}.md" for n in ("findings", "settings", "formats", "errors", "exit-statuses", "commands")}
"""Written from the code by `make docs`, which `make lint` checks."""

PAGES = sorted(p for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if p.parent != ROOT / "docs/reference")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_VARYING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"sha256:[0-9a-f]+"), "FINGERPRINT"),
    (re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d+\+00:00)?)?"), "DATE"),
    (re.compile(r"[0-9A-F]{100,}"), "HEX"),
    (re.compile(r"'der_bytes': 7\d"), "'der_bytes': 7x"),
)
"""What is another one at each run."""


@dataclass(frozen=True)
class Step:
    """A command of a session and what the page says it prints."""

    command: str
    shown: str


@dataclass(frozen=True)
class Ran:
    """A step and what came of it."""

    step: Step
    printed: str
    status: int


def steps(session: str) -> Iterator[Step]:
    command, shown = "", ""
    for line in session.splitlines(keepends=True):
        if command.endswith("\\\n"):
            command += line
        elif line.startswith("$ "):
            if command:
                yield Step(command, shown)
            command, shown = line[2:], ""
        else:
            shown += line
    yield Step(command, shown)


def blocks(page: Path, language: str) -> list[str]:
    return [m[2] for m in _BLOCK.finditer(page.read_text(encoding="utf-8")) if m[1] == language]


def played(sessions: list[str], folder: Path) -> list[list[Ran]]:
    """Run the sessions of a page in one shell."""
    script = f'mingwen() {{ {shlex.quote(sys.executable)} -m mingwen "$@"; }}\nexec 2>&1\n'
    script += "".join(f"{step.command}printf '\\0%s\\0' $?\n" for s in sessions for step in steps(s))
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment(folder), capture_output=True, check=False)
    parts = iter(done.stdout.decode().split("\0"))
    return [[Ran(step, printed=next(parts), status=int(next(parts))) for step in steps(s)] for s in sessions]


def environment(folder: Path) -> dict[str, str]:
    """Return what a newcomer's shell has: a home without settings, and our Python."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "TZ"}}
    return kept | {"HOME": str(folder / "home"), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT / "src")}


def masked(text: str) -> str:
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return trimmed(text)


def trimmed(text: str) -> str:
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def agrees(shown: str, printed: str) -> bool:
    pattern = "(?:.*\n)*?".join(re.escape(part) for part in masked(shown).split("…\n"))
    return re.fullmatch(pattern, masked(printed)) is not None


def filled(folder: Path, media: Path) -> Path:
    shutil.copytree(media, folder, dirs_exist_ok=True)
    return folder


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "console")], ids=name_of)
def test_sessions_print_what_the_page_shows(page: Path, media: Path, tmp_path: Path) -> None:
    for session in played(blocks(page, "console"), filled(tmp_path, media)):
        for ran in session:
            command, shown = ran.step.command, ran.step.shown
            assert ran.status == 0, f"$ {command}{ran.printed}"
            assert agrees(shown, ran.printed), f"$ {command}shown:\n{shown}\nprinted:\n{ran.printed}"


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=name_of)
def test_programs_run(page: Path, media: Path, tmp_path: Path) -> None:
    program = "\n".join(blocks(page, "python"))
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=filled(tmp_path, media), env=environment(tmp_path), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith(("https://", "http://")):
            continue
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists() or name_of(target) in GENERATED, f"{name_of(page)} links to {link}"
        if heading and target.exists():
            assert heading in headings(target), f"{name_of(page)} links to {link}"


def headings(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_are_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs/index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(index.read_text(encoding="utf-8"))}
    missing = [name_of(p) for p in PAGES if p.parent != ROOT and p != index and p not in linked]
    assert missing == []


def written(page: Path, media: Path) -> None:
    """Put what the commands print now into a page, but for what it shows with ``…``."""
    with tempfile.TemporaryDirectory() as scratch:
        results = iter(played(blocks(page, "console"), filled(Path(scratch), media)))

    def renewed_output(ran: Ran) -> str:
        return ran.step.shown if agrees(ran.step.shown, ran.printed) else trimmed(ran.printed)

    def renewed(block: re.Match[str]) -> str:
        if block[1] != "console":
            return block[0]
        return f"```console\n{''.join(f'$ {ran.step.command}{renewed_output(ran)}' for ran in next(results))}```"

    page.write_text(_BLOCK.sub(renewed, page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    for changed in PAGES:
        if blocks(changed, "console"):
            written(changed, Path(os.environ["MINGWEN_MEDIA"]))
