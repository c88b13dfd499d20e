"""``mingwen verify``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from mingwen import face, wire
from mingwen.cli import exits, inputs
from mingwen.cli.inputs import STREAM
from mingwen.cli.terminal import clean, coloured, each, findings, line, object_line, report_error, worst
from mingwen.cli.words import VERDICTS, say
from mingwen.domain.errors import MingwenError, only_ours
from mingwen.domain.labels import AigcLabel
from mingwen.domain.verdicts import Report, Verdict
from mingwen.services import verification
from mingwen.services.verification import VerifyContent
from mingwen.wiring import configuration, opened

BATCH = 256
"""Verdicts that are recorded in one transaction when many files are verified."""

_COLOURS = {Verdict.COMPLIANT: "green", Verdict.NON_COMPLIANT: "red", Verdict.NOT_FOUND: "yellow", Verdict.INCONCLUSIVE: "yellow"}


def run(names: Sequence[str], flags: Mapping[str, object], *, name: str | None, jobs: int, as_json: bool, explicit: bool) -> int:
    """Verify every file; return the highest status."""
    if explicit and configuration().text("gate.recogniser") == "none":
        flags = {**flags, "gate_recogniser": "tesseract"}  # who asks for it means it
    face.configure(**flags)
    config, world = face.settled()
    paths = [path for path, _ in inputs.files(names, outputs=True)]
    counts: Counter[str] = Counter()
    statuses: list[int] = []
    made: list[tuple[VerifyContent, Report]] = []
    for path, result in each(paths, lambda path: _verify(path, name, explicit=explicit), jobs=jobs, language=config.language):
        statuses.append(_show(path, result, as_json=as_json, language=config.language))
        if isinstance(result, Report):
            made.append((VerifyContent(result.file, config.producer), result))
            counts[VERDICTS[config.language][result.verdict]] += 1
        else:
            counts[say(config.language, "failed")] += 1
        if len(made) >= BATCH:
            verification.record(world, made)
            made.clear()
    verification.record(world, made)
    if len(paths) > 1 and not as_json:
        parts = ", ".join(f"{count} {word}" for word, count in counts.most_common())
        line(say(config.language, "summary", count=len(paths), parts=parts))
    return worst(statuses)


def _verify(path: Path, name: str | None, *, explicit: bool) -> Report | MingwenError:
    _, world = face.settled()
    try:
        with only_ours(), face.standard_input() if path == STREAM else opened(path) as source:
            near = {} if path == STREAM else face.near(path)
            command = VerifyContent(name if name and path == STREAM else str(path), explicit=explicit)
            return verification.examine(world, command, source=source, near=near)
    except MingwenError as e:
        return e


def _show(path: Path, result: Report | MingwenError, *, as_json: bool, language: str) -> int:
    if isinstance(result, MingwenError):
        if as_json:
            verdict = Verdict.INCONCLUSIVE.value
            object_line(
                {"file": str(path), "format": None, "verdict": verdict, "labels": [], "findings": [], "error": wire.error(result)}
            )
        else:
            report_error(result, language=language, about=str(path))
        return exits.of_error(result)
    if as_json:
        object_line(wire.report(result, language=language))
    else:
        _print(result, language)
    return exits.of_verdict(result.verdict)


def _by(label: AigcLabel, language: str) -> str:
    if label.is_platforms:
        return say(language, "spread", platform=clean(label.ContentPropagator), number=clean(label.PropagateID))
    return say(language, "by", producer=clean(label.ContentProducer), number=clean(label.ProduceID))


def _print(report: Report, language: str) -> None:
    verdict = coloured(VERDICTS[language][report.verdict], _COLOURS[report.verdict])
    line(f"{verdict} {clean(report.file)} ({report.format})")
    for read in report.labels:
        if read.label:
            words = _by(read.label, language)
            line(f"  {clean(read.place)}: Label {clean(read.label.Label)}, {words}")
    findings(report.findings, language)
