"""Verify a file: find its labels, weigh them, check their signatures, and record the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import BinaryIO, Final

from mingwen import formats, notices
from mingwen.domain.errors import Unproven
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.findings import Finding, found
from mingwen.domain.labels import AigcLabel
from mingwen.domain.media import Medium
from mingwen.domain.verdicts import ReadLabel, Report, Verdict, judge, with_findings
from mingwen.formats import HEAD_BYTES
from mingwen.ports import World

MAX_CHECKED: Final = 2
"""Labels of one file whose signatures are checked; several are non-compliant anyway, and a check takes milliseconds."""


@dataclass(frozen=True, slots=True)
class VerifyContent:
    """Ask what a file's labels amount to."""

    name: str
    """The file's name; see ``LabelContent.name``."""
    by: str = ""
    """Who asks; stands in the log."""


def verify(world: World, command: VerifyContent, *, source: BinaryIO) -> Report:
    """Return the report on ``source`` (binary, seekable), and record its verdict.

    Raises:
        Malformed: no format claims the bytes, or no structure can be followed at all.
    """
    report = examine(world, command, source=source)
    record(world, [(command, report)])
    return report


def examine(world: World, command: VerifyContent, *, source: BinaryIO) -> Report:
    """As ``verify``, but leave no record: for many files at once, followed by one ``record``."""
    source.seek(0)
    suffix = PurePath(command.name).suffix
    format_ = formats.of(source.read(HEAD_BYTES), suffix)
    also: tuple[Finding, ...] = ()
    if suffix and suffix.lower() not in format_.suffixes and _is_known(suffix):
        also = (found("file.suffix", command.name, found=suffix, wanted=format_.name),)
    also += _perceptible(format_.medium(source), source)
    reading = format_.read(source)
    report = judge(reading, file=command.name, format_name=format_.name, guide=format_.place, source=format_.source, also=also)
    return with_findings(report, tuple(f for label in report.labels[:MAX_CHECKED] for f in _protection(world, label)))


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


def _perceptible(medium: Medium, source: BinaryIO) -> tuple[Finding, ...]:
    """Tell of explicit labels in texts; other media would have to be recognised, so their libraries are not even loaded."""
    search = notices.of(medium).found if medium is Medium.TEXT else None
    return tuple(found("notice.found", medium.value, where=end.value) for end in search(source)) if search else ()


def _is_known(suffix: str) -> bool:
    return any(suffix.lower() in f.suffixes for f in formats.every())


def _protection(world: World, read: ReadLabel) -> list[Finding]:
    """Check what stands in both reserved codes; an empty one says nothing and is asked nothing."""
    label = read.label
    fields = () if label is None else (("ReservedCode1", label.ReservedCode1), ("ReservedCode2", label.ReservedCode2))
    return [f for name, text in fields if label and text for f in _check(world, read.place, label, (name, text))]


def _check(world: World, place: str, label: AigcLabel, reserved: tuple[str, str]) -> list[Finding]:
    from mingwen.domain import security  # noqa: PLC0415 - its hash library is loaded only where something is to be checked

    field, text = reserved
    data = security.parse(text)
    if data is None:
        return [found("signature.uncheckable", place, field=field, why="it is no SecurityData")]
    if field == "ReservedCode2":  # even one that fits the producer's message says nothing of the platform
        return [found("signature.uncheckable", place, field=field, why="what a platform signs is unknown")]
    verdict = security.check(data, security.message(label.Label, label.ContentProducer, label.ProduceID), world.verify_signature)
    if verdict.outcome is security.Outcome.FAILED:
        return [found("signature.invalid", place, field=field)]
    if verdict.outcome is security.Outcome.UNCHECKABLE:
        return [found("signature.uncheckable", place, field=field, why=", ".join((verdict.reason, *data.problems)))]
    trusted = verdict.fingerprint in world.pinned
    out = [
        found("signature.trusted" if trusted else "signature.integrity-only", place, field=field, key=verdict.fingerprint[:23])
    ]
    if verdict.form is not security.Form.DIRECT:
        out.append(found("signature.form", place, field=field, form=verdict.form))
    return out


def _entry(command: VerifyContent, report: Report, now: datetime) -> Entry:
    first = next((r.label for r in report.labels if r.label), None)
    detail: dict[str, object] = {
        "file": command.name,
        "format": report.format,
        "verdict": report.verdict.value,
        "findings": [f"{f.severity.value} {f.code} at {f.place}" for f in report.findings],
    }
    return Entry("verdict.given", first.ProduceID if first else command.name, command.by, now, detail)
