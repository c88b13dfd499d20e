"""``mingwen gate`` and ``mingwen compare``."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from mingwen import face, wire
from mingwen.cli import exits, inputs
from mingwen.cli.inputs import STREAM, Job
from mingwen.cli.terminal import clean, coloured, complaint, each, findings, line, object_line, report_error, told, worst
from mingwen.cli.words import TIERS, say
from mingwen.domain.errors import MingwenError, Misused
from mingwen.domain.tiers import Declared, Ruled, Tier
from mingwen.services import gating
from mingwen.services.gating import GateContent
from mingwen.settings import TEST_PRODUCER

BATCH: Final = 256
"""Rulings that are recorded in one transaction when many files come."""
CHUNK: Final = 32
"""Files for which another process is worth its start."""

_COLOURS = {Tier.GENERATED: "red", Tier.POSSIBLE: "yellow", Tier.SUSPECTED: "yellow", Tier.NONE: "green", Tier.UNDECIDED: "cyan"}


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, as it was typed."""

    names: Sequence[str]
    declared: Declared | None
    output: str | None
    in_place: bool
    overwrite: bool
    propagate_id: str | None
    name: str | None
    jobs: int | None
    as_json: bool

    @property
    def writes(self) -> bool:
        """Is there to be an output, or only a ruling?"""
        return self.in_place or self.output is not None


_SETTINGS: Final = {"propagator": "propagator", "recogniser": "gate_recogniser", "language": "language", "store": "store_url"}
"""Flags that override a setting."""


def options(names: Sequence[str], given: Mapping[str, object]) -> tuple[Options, dict[str, object]]:
    """Part the parsed flags into what this run does and what is a setting."""
    plain = {k: v for k, v in given.items() if k not in _SETTINGS}
    declared = Declared(str(given["declared"])) if given["declared"] else None
    made = Options(names=names, **{**plain, "declared": declared})  # type: ignore[arg-type] # click typed them
    return made, {setting: given[flag] for flag, setting in _SETTINGS.items()}


def run(options: Options, flags: Mapping[str, object]) -> int:
    """Rule every file, and write those that are to be written; return the highest status."""
    face.configure(**flags)
    config, _ = face.settled()
    jobs = _jobs(options)
    if config.propagator == TEST_PRODUCER and options.writes:
        complaint(coloured(say(config.language, "test-producer", producer=TEST_PRODUCER), "yellow", error=True))
    statuses: list[int] = []
    made: list[tuple[GateContent, Ruled]] = []
    counts: dict[Tier, int] = {}
    try:
        for job, result in _results(jobs, options, config.language):
            if isinstance(result, Ruled):
                counts[result.ruling.tier] = counts.get(result.ruling.tier, 0) + 1
                made.append((_command(job, options, config.propagator), result))
            statuses.append(_show(job, result, options, config.language))
            if len(made) >= BATCH:
                _record(made, options)
    finally:  # what was told is recorded, even if the run is broken off
        _record(made, options)
    if len(jobs) > 1 and not options.as_json:
        parts = [
            f"{n} {TIERS[config.language][tier]}" for tier, n in sorted(counts.items(), key=lambda c: list(Tier).index(c[0]))
        ]
        failed = len(jobs) - sum(counts.values())
        parts += [f"{failed} {say(config.language, 'failed')}"] if failed else []
        line(say(config.language, "summary", count=len(jobs), parts=", ".join(parts)))
    return worst(statuses)


def compare(before: str, after: str, flags: Mapping[str, object], *, as_json: bool) -> int:
    """Say what became of a producer's label between two versions of a file."""
    face.configure(**flags)
    config, _ = face.settled()
    found = face.compare(before, after)
    if as_json:
        changed = [wire.finding(f, language=config.language) for f in found]
        object_line({"before": before, "after": after, "changed": bool(found), "findings": changed})
    else:
        line(say(config.language, "producer-changed" if found else "producer-kept"))
        findings(found, config.language)
    return exits.FINDING if found else exits.WELL


def _jobs(options: Options) -> list[Job]:
    if options.in_place and options.output:
        raise Misused("usage.combination", "expected --in-place or -o, not both", hint="see `mingwen gate --help`")
    if not options.writes:
        return [Job(path, path) for path, _ in inputs.files(options.names, outputs=True)]
    jobs = inputs.jobs(options.names, output=options.output, in_place=options.in_place)
    if len(jobs) > 1 and options.propagate_id:
        raise Misused("usage.combination", "expected one file for one number, got several", hint="gate them one by one")
    return jobs


def _command(job: Job, options: Options, platform: str) -> GateContent:
    name = options.name if options.name and job.source == STREAM else str(job.source)
    return GateContent(name, platform, options.declared, options.propagate_id)


def _results(jobs: list[Job], options: Options, language: str) -> Iterator[tuple[Job, Ruled | MingwenError]]:
    """Rule in as many processes as there are cores, where nothing is written and there are files enough."""
    wanted = options.jobs or os.cpu_count() or 1
    count = min(wanted, -(-len(jobs) // CHUNK))
    if options.writes or count <= 1:
        threads = wanted if options.writes else 1
        yield from each(jobs, lambda job: _gated(job, options), jobs=threads, language=language)
        return
    from mingwen.cli.processes import in_order, processes  # noqa: PLC0415 - only many files pay for it

    # The processes begin before the bar does, whose thread would be lost in them.
    with processes(count) as pool, told(len(jobs), language) as advance:
        for result in in_order(pool, count, partial(_chunk, options), jobs):
            advance()
            yield result


def _chunk(options: Options, jobs: list[Job]) -> list[Ruled | MingwenError]:
    """Work of one process; its world is its own."""
    return [_gated(job, options) for job in jobs]


def _gated(job: Job, options: Options) -> Ruled | MingwenError:
    try:
        with ExitStack() as stack:
            source = stack.enter_context(face.standard_input()) if job.source == STREAM else job.source
            name = options.name if job.source == STREAM else str(job.source)
            if not options.writes:
                return face.judge(source, name=name, declared=options.declared)
            sink = sys.stdout.buffer if job.target == STREAM else job.target
            overwrite = options.overwrite or options.in_place
            number = options.propagate_id
            return face.gate(source, sink, name=name, declared=options.declared, propagate_id=number, overwrite=overwrite)
    except MingwenError as e:
        return e


def _record(made: list[tuple[GateContent, Ruled]], options: Options) -> None:
    if not options.writes and made:  # who writes has recorded each with its label
        gating.record(face.settled()[1], made)
    made.clear()


def _show(job: Job, result: Ruled | MingwenError, options: Options, language: str) -> int:
    to_stdout = options.writes and job.target == STREAM
    if isinstance(result, MingwenError):
        if options.as_json and not to_stdout:
            object_line({"file": str(job.source), "tier": Tier.UNDECIDED.value, "error": wire.error(result)})
        else:
            report_error(result, language=language, about=str(job.source))
        return exits.of_error(result)
    if options.as_json and not to_stdout:
        output = str(job.target) if options.writes else None
        object_line(wire.ruled(result, output=output, language=language))
    elif not to_stdout:
        _print(job, result, options, language)
    return exits.of_tier(result.ruling.tier, held=result.held)


def _print(job: Job, ruled: Ruled, options: Options, language: str) -> None:
    tier = ruled.ruling.tier
    words = ruled.ruling.wording[language]
    line(f"{coloured(TIERS[language][tier], _COLOURS[tier])} {clean(ruled.file)} ({ruled.format}){': ' + words if words else ''}")
    findings(ruled.ruling.reasons, language)
    if options.writes and ruled.label and ruled.changed:
        numbers = f"Label {ruled.label.Label}, {clean(ruled.label.ContentPropagator)}, {clean(ruled.label.PropagateID)}"
        line(f"  → {clean(str(job.target))}: {numbers}")
    elif options.writes:
        line(f"  → {clean(str(job.target))}: {say(language, 'unchanged')}")
