"""Verify a file: find its labels, weigh them, check their signatures, and record the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from mingwen import traces
from mingwen.domain import digests
from mingwen.domain.errors import Unproven
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.verdicts import Report, Verdict
from mingwen.ports import World
from mingwen.services import _examination
from mingwen.services._examination import Examined
from mingwen.services._files import NOTHING, Beside
from mingwen.traces import Sighting


@dataclass(frozen=True, slots=True)
class VerifyContent:
    """Ask what a file's labels amount to."""

    name: str
    """The file's name; see ``LabelContent.name``."""
    by: str = ""
    """Who asks; stands in the log."""
    explicit: bool = False
    """Measure the labels that people perceive too."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a file says of itself, and what that tells of its generator."""

    examined: Examined
    sightings: tuple[Sighting, ...]


def verify(world: World, command: VerifyContent, *, source: BinaryIO, near: Beside = NOTHING) -> Report:
    """Return the report on ``source`` (binary, seekable), and record its verdict.

    Raises:
        Malformed: no format claims the bytes, or no structure can be followed at all.
    """
    report = examine(world, command, source=source, near=near)
    record(world, [(command, report)])
    return report


def examine(world: World, command: VerifyContent, *, source: BinaryIO, near: Beside = NOTHING) -> Report:
    """As ``verify``, but leave no record: for many files at once, followed by one ``record``."""
    report = _examination.examine(world, command.name, source=source, near=near, explicit=command.explicit).report
    return replace(report, digests=digests.of(source, world.digesting))


def inspect(world: World, command: VerifyContent, *, source: BinaryIO, near: Beside = NOTHING) -> Inspected:
    """Return everything that ``source`` says of its making; nothing is recorded.

    Raises:
        Malformed: as ``verify``.
    """
    examined = _examination.examine(world, command.name, source=source, near=near)
    return Inspected(examined, traces.search(examined.clues, source, examined.format.name))


def record(world: World, made: Sequence[tuple[VerifyContent, Report]]) -> None:
    """Record verdicts, all in one transaction."""
    now = world.clock.now()
    world.store.save([Outcome(None, (_entry(command, report, now),)) for command, report in made])


def require(report: Report) -> Report:
    """Return a compliant report as it is.

    Raises:
        Unproven: the verdict is another one (``verdict.<verdict>``).
    """
    if report.verdict is Verdict.COMPLIANT:
        return report
    raise Unproven(
        f"verdict.{report.verdict.value}",
        f"expected a compliant label in {report.file}, the verdict is {report.verdict.value}",
        hint="the report's findings say why",
    )


def _entry(command: VerifyContent, report: Report, now: datetime) -> Entry:
    first = next((r.label for r in report.labels if r.label), None)
    detail: dict[str, object] = {
        "file": command.name,
        "format": report.format,
        "verdict": report.verdict.value,
        "findings": [f"{f.severity.value} {f.code} at {f.place}" for f in report.findings],
        **report.digests,
    }
    return Entry("verdict.given", (first.ProduceID or first.PropagateID) if first else command.name, command.by, now, detail)
