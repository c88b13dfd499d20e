"""The platform's gate: what an upload is by Measures Art. 6, why, and the file with the platform's part of the label."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from mingwen import traces
from mingwen.domain import contents, tiers
from mingwen.domain.contents import File
from mingwen.domain.errors import Malformed, Misused, Refused
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.findings import Finding, found
from mingwen.domain.manifests import UNNAMED, State, System
from mingwen.domain.notices import has_elements
from mingwen.domain.tiers import Declared, Evidence, Ruled, Tier
from mingwen.domain.verdicts import Verdict
from mingwen.formats import Format
from mingwen.ports import World
from mingwen.services import _examination, _files
from mingwen.services._examination import Examined
from mingwen.services._files import NOTHING, Beside


@dataclass(frozen=True, slots=True)
class GateContent:
    """Let an upload through the gate."""

    name: str
    """The file's name; see ``LabelContent.name``."""
    platform: str
    """ContentPropagator: the platform's code or name."""
    declared: Declared | None = None
    """What the user said of it (Measures Art. 10)."""
    propagate_id: str | None = None
    """PropagateID; None takes a fresh UUID."""
    system: System = UNNAMED


def judge(world: World, command: GateContent, *, source: BinaryIO, near: Beside = NOTHING) -> Ruled:
    """Say what ``source`` (binary, seekable) is; write and record nothing.

    Raises:
        Malformed: no format claims the bytes, or no structure can be followed at all.
    """
    return _judged(world, command, source, near)[1]


def gate(world: World, command: GateContent, *, source: BinaryIO, sink: BinaryIO, near: Beside = NOTHING) -> Ruled:
    """Say what ``source`` is, write it with the platform's part of the label into ``sink``, and record both.

    Where nothing is to be written, or the format takes none, or a person has to decide first, the sink gets the source as it is
    and the ruling says why (``gate.held``).

    Raises:
        Malformed: as ``judge``.
        Unproven: what was read back is not what was written.
    """
    format_, ruled = _judged(world, command, source, near)
    label = ruled.label
    if label is None or not _differs(ruled):
        _passed_on(world, source, sink)
        record(world, [(command, ruled)])
        return ruled
    try:
        signed = _files.resigned(world, command, format_, label, source, near)
        written = _files.write(world, format_, label, source=source, sink=sink, near=near, signed=signed)
    except (Refused, Malformed, Misused) as e:
        if isinstance(e, Misused) and e.code != "manifest.key":
            raise
        sink.seek(0)
        sink.truncate()
        _passed_on(world, source, sink)
        ruled = _held(ruled, e.message)
        record(world, [(command, ruled)])
        return ruled
    ruled = replace(ruled, changed=True, beside=written.beside)
    now = world.clock.now()
    file = File(command.name, format_.name, format_.medium(source).value, None)
    outcome = contents.propagate(label, file, key=world.ids.fresh(), by=command.platform, now=now)
    world.store.save([outcome, Outcome(None, (_entry(command, ruled, now),))])
    return ruled


def record(world: World, made: Sequence[tuple[GateContent, Ruled]]) -> None:
    """Record rulings, all in one transaction."""
    now = world.clock.now()
    world.store.save([Outcome(None, (_entry(command, ruled, now),)) for command, ruled in made])


def _judged(world: World, command: GateContent, source: BinaryIO, near: Beside) -> tuple[Format, Ruled]:
    examined = _examination.examine(world, command.name, source=source, near=near)
    evidence = _evidence(world, command, examined, source)
    ruling = tiers.decide(examined.report, evidence)
    ruled = Ruled(command.name, examined.format.name, examined.report, ruling, None)
    return examined.format, _stamped(world, command, ruled)


def _evidence(world: World, command: GateContent, examined: Examined, source: BinaryIO) -> Evidence:
    report = examined.report
    sightings = traces.search(examined.clues, source, examined.format.name)
    broken = examined.manifest is not None and examined.manifest.state is State.INVALID
    statements = tuple(
        _sighted("gate.statement", s) for s in sightings if s.trace.strong and not (broken and s.trace.name == "c2pa")
    )
    hints = [_sighted("gate.trace", s) for s in sightings if not s.trace.strong or (broken and s.trace.name == "c2pa")]
    explicit = [
        found("gate.explicit", f.place, words=dict(f.given)["where"]) for f in report.findings if f.code == "notice.found"
    ]
    if world.recognise and not (report.labels or statements or command.declared is Declared.AI):
        lines = world.recognise.words(source, examined.medium)
        explicit += [found("gate.explicit", examined.medium.value, words=line[:80]) for line in lines if has_elements(line)]
    return Evidence(command.declared, statements, (*explicit, *hints))


def _sighted(code: str, sighting: traces.Sighting) -> Finding:
    return found(code, sighting.trace.name, trace=sighting.trace.title_en, words="; ".join(sighting.words))


def _stamped(world: World, command: GateContent, ruled: Ruled) -> Ruled:
    """Add the label that the file has to bear, or the reason why a person has to decide first."""
    if ruled.ruling.tier in {Tier.NONE, Tier.UNDECIDED}:
        return ruled
    report = ruled.report
    if len(report.labels) > 1:
        return _held(ruled, f"it bears {len(report.labels)} labels, one is allowed (GB 45438-2025 6.1 c)")
    if report.verdict is Verdict.INCONCLUSIVE:
        return _held(ruled, "a channel that may hold a label could not be read")
    there = report.labels[0] if report.labels else None
    if there and there.label is None:
        return _held(ruled, f"the label at {there.place} lacks production fields, which only its producer may mend")
    if there and any(f.code == "label.key-duplicate" for f in report.findings):
        return _held(ruled, f"the label at {there.place} holds a key twice")
    number = command.propagate_id or world.ids.fresh()
    label = tiers.stamped(there.label if there else None, ruled.ruling.tier, platform=command.platform, number=number)
    return replace(ruled, label=label)


def _held(ruled: Ruled, reason: str) -> Ruled:
    reasons = (*ruled.ruling.reasons, found("gate.held", ruled.format, reason=reason))
    return replace(ruled, ruling=replace(ruled.ruling, reasons=reasons), label=None, held=True)


def _differs(ruled: Ruled) -> bool:
    there = ruled.report.labels[0] if ruled.report.labels else None
    return there is None or there.label != ruled.label or not there.guide


def _passed_on(world: World, source: BinaryIO, sink: BinaryIO) -> None:
    world.files.splice(source, sink, _files.all_of(source))


def _entry(command: GateContent, ruled: Ruled, now: datetime) -> Entry:
    label = ruled.label or next((r.label for r in ruled.report.labels if r.label), None)
    detail: dict[str, object] = {
        "file": command.name,
        "format": ruled.format,
        "tier": ruled.ruling.tier.value,
        "declared": command.declared.value if command.declared else None,
        "reasons": [f"{f.code} at {f.place}" for f in ruled.ruling.reasons],
        "changed": ruled.changed,
    }
    return Entry("gate.ruled", (label.ProduceID or label.PropagateID) if label else command.name, command.platform, now, detail)
