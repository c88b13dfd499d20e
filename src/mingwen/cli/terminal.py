"""Printing: colours and a progress bar on a terminal, plain lines elsewhere."""

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from mingwen.cli.words import PLACES, SEVERITIES, say
from mingwen.domain.clauses import cited
from mingwen.domain.errors import MingwenError
from mingwen.domain.findings import Finding, Severity
from mingwen.wiring import translated

A = TypeVar("A")
B = TypeVar("B")

_COLOURS: Final = {"green": 32, "red": 31, "yellow": 33, "cyan": 36, "dim": 2, "bold": 1}
_SEVERITY_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


def coloured(text: str, colour: str, *, error: bool = False) -> str:
    """Colour text if its stream is a terminal that wants it (https://no-color.org)."""
    stream = sys.stderr if error else sys.stdout
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def line(text: str) -> None:
    """Print one line of result."""
    with translated("write to standard output"):
        print(_encodable(text))  # noqa: T201 - this is the one place that prints


def object_line(value: object) -> None:
    """Print one JSON object on one line, as UTF-8 whatever the terminal's encoding."""
    with translated("write to standard output"):
        sys.stdout.flush()
        # Half a character of a file's name becomes \\udcxx, which is what JSON writes for it too.
        text = json.dumps(value, ensure_ascii=False)
        if not text.isprintable():  # overrides of direction and the like, as JSON escapes
            text = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
        sys.stdout.buffer.flush()


def complaint(text: str) -> None:
    """Print one line to standard error."""
    print(_encodable(text), file=sys.stderr)  # noqa: T201 - this is the one place that prints


def report_error(error: MingwenError, *, language: str, about: str = "") -> None:
    """Print an error and its hint, two lines."""
    head = coloured(f"mingwen: {error.code}", "red", error=True)
    place = f"{clean(about)}: " if about and about not in error.message else ""
    complaint(f"{head}: {place}{clean(error.message)}")
    complaint("  " + say(language, "hint", hint=clean(error.hint)))
    if error.__cause__ and os.environ.get("MINGWEN_TRACEBACK"):
        traceback.print_exception(error)


def findings(found: Iterable[Finding], language: str) -> None:
    """Print one line a finding: severity, code, clause, place and words."""
    for f in found:
        severity = coloured(SEVERITIES[language][f.severity], _SEVERITY_COLOURS[f.severity])
        clause, place = cited(f.clause, language), PLACES[language].get(f.place, f.place)
        line(f"  {severity} {f.code} [{clean(clause)}] {clean(place)}: {clean(f.message(language))}")


def clean(text: str) -> str:
    """Show the control characters of a stranger's value instead of sending them to the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _encodable(text: str) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding, "replace")


def each(items: list[A], work: Callable[[A], B], *, jobs: int, language: str) -> Iterator[tuple[A, B]]:
    """Do ``work`` on every item, ``jobs`` at a time, and give the results in the items' order; a bar shows on a terminal."""
    with told(len(items), language) as advance:
        for item, result in zip(items, _results(items, work, min(jobs, len(items))), strict=True):
            advance()
            yield item, result


def _results(items: list[A], work: Callable[[A], B], jobs: int) -> Iterator[B]:
    if jobs < 2:  # noqa: PLR2004 - one at a time needs no pool
        yield from map(work, items)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only several files pay for it

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        yield from pool.map(work, items)


@contextmanager
def told(total: int, language: str) -> Iterator[Callable[[], None]]:
    """Show a bar on a terminal; give what moves it by one."""
    if total < 2 or not sys.stderr.isatty():  # noqa: PLR2004 - one file needs no bar
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415 - only terminals pay for it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - the same

    columns = (TextColumn(say(language, "working")), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


def worst(statuses: Iterable[int]) -> int:
    """Return the highest status."""
    return max(statuses, default=0)
