"""``mingwen label``."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from mingwen import face, wire
from mingwen.cli import exits, inputs
from mingwen.cli.inputs import STREAM, Job
from mingwen.cli.terminal import clean, coloured, complaint, each, line, object_line, report_error, worst
from mingwen.cli.words import say
from mingwen.domain.clauses import cited
from mingwen.domain.contents import Delivery, Labelled
from mingwen.domain.errors import MingwenError, Misused
from mingwen.domain.labels import Claim
from mingwen.regimes import Assessed
from mingwen.services import assessing
from mingwen.services.assessing import AssessContent
from mingwen.settings import TEST_PRODUCER
from mingwen.wiring import configuration, opened


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, as it was typed; the names of the fields are those of the flags."""

    names: Sequence[str]
    output: str | None
    in_place: bool
    overwrite: bool
    name: str | None
    no_explicit: bool
    recipient: str | None
    agreement: str | None
    reason: str | None
    marked: str | None
    manifest: bool
    produce_id: str | None
    claim: str
    propagate: bool
    propagate_id: str | None
    idempotency_key: str | None
    jobs: int
    as_json: bool


@dataclass(frozen=True, slots=True)
class _Said:
    """How results are told."""

    language: str
    regimes: tuple[str, ...]
    """Those that were named on the command line: what they leave open is told of."""


_SETTINGS: Final = {
    "producer": "producer",
    "propagator": "propagator",
    "wording": "notice_wording",
    "position": "notice_position",
    "layout": "notice_layout",
    "moments": "notice_moments",
    "persistent": "notice_persistent",
    "voice": "notice_voice",
    "recording": "notice_recording",
    "said": "notice_recording_words",
    "text_form": "notice_text_form",
    "pages": "notice_pages",
    "key_file": "key_file",
    "regime": "regimes",
    "language": "language",
    "store": "store_url",
}
"""Flags that override a setting."""
_ADDED: Final = ("middle", "end", "every")
"""Flags that add to a setting, or say it in another unit."""


def options(names: Sequence[str], given: Mapping[str, object]) -> Options:
    """Take what is no setting out of the parsed flags."""
    return Options(names=names, **{k: v for k, v in given.items() if k not in _SETTINGS and k not in _ADDED})  # type: ignore[arg-type] # click typed them


def flags(given: Mapping[str, object]) -> dict[str, object]:
    """Take the settings out of the parsed flags."""
    every = given.get("every")
    interval = {} if every is None else {"notice_every_seconds": 60 * float(str(every))}
    return {setting: given[flag] for flag, setting in _SETTINGS.items()} | interval | _moments(given)


def _moments(given: Mapping[str, object]) -> dict[str, object]:
    """Add what --middle and --end ask for to the moments that were named, or are set."""
    more = [moment for moment in ("middle", "end") if given.get(moment)]
    named = given.get("moments")
    if not more:
        return {}
    set_ = str(named).split(",") if named else configuration().texts("notice.moments")
    return {"notice_moments": (*set_, *more)}


def run(options: Options, flags: Mapping[str, object]) -> int:
    """Label every file; return the highest status."""
    _check(options)
    face.configure(**flags)
    config, _ = face.settled()
    jobs = _jobs(options)
    if (config.propagator if options.propagate else config.producer) == TEST_PRODUCER:
        complaint(coloured(say(config.language, "test-producer", producer=TEST_PRODUCER), "yellow", error=True))
    named = config.texts("regimes") if flags["regimes"] is not None else ()
    statuses: list[int] = []
    for job, result in each(jobs, lambda job: _label(job, options), jobs=options.jobs, language=config.language):
        statuses.append(_show(job, result, options, _Said(config.language, named)))
    if len(jobs) > 1 and not options.as_json:
        well = statuses.count(exits.WELL)
        counts = ((well, say(config.language, "labelled")), (len(jobs) - well, say(config.language, "failed")))
        line(say(config.language, "summary", count=len(jobs), parts=", ".join(f"{n} {word}" for n, word in counts if n)))
    return worst(statuses)


def _check(options: Options) -> None:
    """Refuse combinations that contradict each other before anything is touched."""
    asked = any((options.recipient, options.agreement, options.reason))
    problems = (
        (options.in_place and options.output, "--in-place or -o, not both"),
        (options.in_place and "-" in options.names, "a file for --in-place"),
        (asked and not options.no_explicit, "--no-explicit with --recipient, --agreement and --reason"),
        (
            options.propagate and (asked or options.no_explicit),
            "--propagate without --no-explicit: explicit labels stay as they are",
        ),
        (options.marked and (options.no_explicit or options.propagate), "--marked without --no-explicit and --propagate"),
        (options.propagate and options.produce_id, "--propagate without --produce-id: the producer's fields stay"),
        (options.propagate_id and not options.propagate, "--propagate with --propagate-id"),
    )
    for wrong, wanted in problems:
        if wrong:
            raise Misused("usage.combination", f"expected {wanted}", hint="see `mingwen label --help`")


def _jobs(options: Options) -> list[Job]:
    jobs = inputs.jobs(options.names, output=options.output, in_place=options.in_place)
    if len(jobs) > 1 and (options.produce_id or options.idempotency_key or options.propagate_id):
        raise Misused("usage.combination", "expected one file for one number or key, got several", hint="label them one by one")
    return jobs


def _label(job: Job, options: Options) -> Labelled | MingwenError:
    try:
        with ExitStack() as stack:
            source = stack.enter_context(open(0, "rb", closefd=False)) if job.source == STREAM else job.source
            sink = sys.stdout.buffer if job.target == STREAM else job.target
            name = options.name if job.source == STREAM else None
            overwrite = options.overwrite or options.in_place
            if options.propagate:
                return face.propagate(
                    source, sink, name=name, propagate_id=options.propagate_id, key=options.idempotency_key, overwrite=overwrite
                )
            return face.label(
                source, sink, name=name, explicit=not options.no_explicit, delivery=_delivery(options),
                produce_id=options.produce_id,
                claim=Claim(options.claim), key=options.idempotency_key, overwrite=overwrite,
                marked=options.marked or "", manifest=options.manifest,
            )  # fmt: skip
    except MingwenError as e:
        return e


def _open(job: Job, named: tuple[str, ...], *, drawn: bool | None) -> list[Assessed]:
    """Hold the output to the regimes that were asked for: what this program cannot do is not passed over in silence.

    ``drawn``: does it bear an explicit label? None has it looked for: a platform leaves such labels as they came.
    """
    if not named or job.target == STREAM:
        return []
    command = AssessContent(str(job.target), named, explicit=drawn)
    with opened(job.target) as output:
        assessed = assessing.assess(face.settled()[1], command, source=output, near=face.near(job.target))
    return [a for a in assessed if a.is_open]


def _delivery(options: Options) -> Delivery | None:
    if not options.no_explicit:
        return None
    return Delivery(options.recipient or "", options.agreement or "", options.reason or "")


def _show(job: Job, result: Labelled | MingwenError, options: Options, said: _Said) -> int:
    language, to_stdout = said.language, job.target == STREAM
    if isinstance(result, MingwenError):
        if options.as_json and not to_stdout:
            object_line({"file": str(job.source), "error": wire.error(result)})
        else:
            report_error(result, language=language, about=str(job.source))
        return exits.of_error(result)
    left = _open(job, said.regimes, drawn=None if options.propagate else result.notice is not None)
    if options.as_json and not to_stdout:
        open_ = {"open": [wire.assessed(a) for a in left]} if said.regimes else {}
        object_line(wire.labelled(str(job.source), str(job.target), result) | open_)
    elif not to_stdout:
        _print(job, result, options, language)
        for a in left:
            why = a.answer.zh if language == "zh" else a.answer.en
            article = cited(a.duty.article, language)
            line(f"  {coloured(say(language, 'open', regime=a.regime.name, article=article, why=clean(why)), 'yellow')}")
    return exits.WELL


def _print(job: Job, result: Labelled, options: Options, language: str) -> None:
    notice = result.notice or say(language, "notice-kept" if options.propagate else "no-notice")
    line(f"{coloured(say(language, 'labelled'), 'green')} {clean(str(job.source))} → {clean(str(job.target))}")
    line(f"  {result.format}: {result.place}, ProduceID {clean(result.label.ProduceID)}; {clean(notice)}")
    if result.manifest:
        line(f"  {say(language, 'manifest')}")
    for suffix in result.beside:
        line(f"  {say(language, 'beside', file=clean(f'{job.target}{suffix}'))}")
