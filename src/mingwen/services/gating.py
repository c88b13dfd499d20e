"""The platform's gate: what an upload is by Measures Art. 6, why, and the file with the platform's part of the label."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO, Final

from mingwen import traces
from mingwen.domain import contents, manifests, tiers
from mingwen.domain.contents import File
from mingwen.domain.errors import Malformed, MingwenError, Misused, Refused
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.findings import Finding, found
from mingwen.domain.labels import to_json
from mingwen.domain.manifests import TRAINED, UNNAMED, Manifest, State, System, Where
from mingwen.domain.media import Medium
from mingwen.domain.notices import has_elements
from mingwen.domain.tiers import Declared, Evidence, Ruled, Tier
from mingwen.domain.verdicts import Report
from mingwen.ports import World
from mingwen.services import _examination, _files
from mingwen.services._examination import Examined
from mingwen.services._files import NOTHING, Beside

_UNSEEN: Final = frozenset({"manifest.remote", "manifest.unreadable"})
"""A manifest that nobody could read may say that the file is generated."""
_OF_THE_FILE: Final = frozenset({"manifest.key", "label.too-long"})
"""Faults of the caller's that only some files show: the others of a folder pass."""


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
    """PropagateID; None keeps the one that the platform gave before, or takes a fresh UUID."""
    system: System = UNNAMED


def judge(world: World, command: GateContent, *, source: BinaryIO, near: Beside = NOTHING) -> Ruled:
    """Say what ``source`` (binary, seekable) is; write and record nothing.

    Raises:
        Malformed: no format claims the bytes, or no structure can be followed at all.
    """
    examined = _examination.examine(world, command.name, source=source, near=near)
    ruling = tiers.decide(examined.report, _evidence(world, command, examined, source))
    ruled = Ruled(command.name, examined.format.name, examined.report, ruling, None)
    return _stamped(world, command, ruled, examined.manifest)


def write(world: World, command: GateContent, ruled: Ruled, *, source: BinaryIO, sink: BinaryIO, near: Beside = NOTHING) -> Ruled:
    """Write ``source``, which ``judge`` ruled, with the platform's part of the label into ``sink``, and record both.

    Where nothing is due, or the format takes none, or a person has to decide first, the sink gets the source as it is; then the
    ruling that is returned says why (``gate.held``).

    Raises:
        Unproven: what was read back is not what was written.
    """
    label = ruled.label
    if label is None or not ruled.is_due:
        return _passed_on(world, command, ruled, source, sink, near)
    format_ = _files.format_of(world, command.name, source)
    try:
        signed = _files.resigned(world, command, format_, label, source, near)
        written = _files.write(world, format_, label, source=source, sink=sink, near=near, signed=signed)
    except (Refused, Malformed, Misused) as e:
        if isinstance(e, Misused) and e.code not in _OF_THE_FILE:
            raise
        return _passed_on(world, command, _held(ruled, e.message, _in_chinese(e)), source, sink, near)
    ruled = replace(ruled, changed=True, beside=written.beside)
    now = world.clock.now()
    file = File(command.name, format_.name, format_.medium(source).value, None)
    outcome = contents.propagate(label, file, key=world.ids.fresh(), by=command.platform, now=now)
    ruling = Outcome(None, (_entry(command, ruled, now),))
    world.store.save([outcome.telling(**written.digests), ruling.telling(**written.digests)])
    return ruled


def record(world: World, made: Sequence[tuple[GateContent, Ruled]]) -> None:
    """Record rulings, all in one transaction."""
    now = world.clock.now()
    world.store.save([Outcome(None, (_entry(command, ruled, now),)) for command, ruled in made])


def _evidence(world: World, command: GateContent, examined: Examined, source: BinaryIO) -> Evidence:
    report = examined.report
    sightings = traces.search(examined.clues, source, examined.format.name)
    # What a manifest says that was changed, or that cannot be checked, is not clear any more; it is a trace.
    broken = examined.manifest is not None and examined.manifest.state in {State.INVALID, State.UNREADABLE}
    stating = [s for s in sightings if s.trace.strong and not (broken and s.trace.name == "c2pa")]
    statements = tuple(_sighted("gate.statement", s) for s in stating)
    statements += _vouched(examined.manifest)
    seen = tuple(
        found("gate.explicit", f.place, words=f"at the {dict(f.given)['where']}", words_zh=f"位于{dict(f.given)['where_zh']}")
        for f in report.findings
        if f.code == "notice.found"
    )
    told = {"wording"} if seen else set()  # the line that the search for labels found already
    hints = [_sighted("gate.trace", s) for s in sightings if s not in stating and s.trace.name not in told]
    is_clear = bool(report.labels or statements) or command.declared is Declared.AI
    recognised, unread = ((), ()) if is_clear else _recognised(world, examined.medium, source)
    unread += tuple(f for f in report.findings if f.code in _UNSEEN)
    return Evidence(command.declared, statements, (*seen, *recognised, *hints), unread)


def _vouched(manifest: Manifest | None) -> tuple[Finding, ...]:
    """Take the word of a manifest that stands beside its file and holds; one within the file is found as a trace."""
    if manifest is None or manifest.where is Where.EMBEDDED or manifest.state not in {State.VALID, State.TRUSTED}:
        return ()
    if TRAINED not in manifest.source_types:
        return ()
    words = f"digitalSourceType {TRAINED.rpartition('/')[2]}"
    return (found("gate.statement", f"manifest ({manifest.where.value})", trace="C2PA", trace_zh="C2PA 清单", words=words),)


def _recognised(world: World, medium: Medium, source: BinaryIO) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Look for labels on pictures, where a recogniser is configured; what it could not look at is not free of them."""
    if world.recognise is None or medium not in {Medium.IMAGE, Medium.VIDEO}:
        return (), ()
    lines = world.recognise.words(source, medium)
    if lines is None:
        reason, reason_zh = "it could not be decoded to look for an explicit label", "无法解码，未能查找显式标识"
        return (), (found("channel.unread", medium.value, reason=reason, reason_zh=reason_zh),)
    return tuple(found("gate.explicit", medium.value, words=line[:80]) for line in lines if has_elements(line)), ()


def _sighted(code: str, sighting: traces.Sighting) -> Finding:
    trace = sighting.trace
    return found(code, trace.name, trace=trace.title_en, trace_zh=trace.title_zh, words="; ".join(sighting.words))


def _stamped(world: World, command: GateContent, ruled: Ruled, manifest: Manifest | None) -> Ruled:
    """Add the label that the file has to bear, or the reason why a person has to decide first."""
    if ruled.ruling.tier in {Tier.NONE, Tier.UNDECIDED}:
        return ruled
    if reason := _unclear(ruled.report):
        return _held(ruled, *reason)
    there = ruled.report.labels[0].label if ruled.report.labels else None
    number = command.propagate_id or tiers.numbered(there, platform=command.platform) or world.ids.fresh()
    label = tiers.stamped(there, ruled.ruling.tier, platform=command.platform, number=number)
    stamped = replace(ruled, label=label)
    said = to_json(there) if there else None
    problem = manifests.obstacle(manifest, label=said, bare=said is None) if manifest and stamped.is_due else None
    if problem:
        en = f"a new manifest would hide what is to be said of the one that is there: {problem.message()}"
        return _held(ruled, en, f"新清单会掩盖现有清单的问题：{problem.message('zh')}")
    return stamped


def _unclear(report: Report) -> tuple[str, str] | None:
    """Say in English and Chinese why the labels of a file cannot be added to."""
    if len(report.labels) > 1:
        count = len(report.labels)
        return f"it bears {count} labels, one is allowed (GB 45438-2025 6.1 c)", f"含 {count} 个标识，只允许一个（6.1 c）"
    if any(f.code == "channel.unread" for f in report.findings):
        return "a channel that may hold a label could not be read", "可能含有标识的部分无法读取"
    for there in report.labels:
        if there.label is None:
            en = f"the label at {there.place} lacks production fields, which only its producer may mend"
            return en, f"{there.place} 处的标识缺少生成要素，只能由生成方补全"
        if any(f.code == "label.key-duplicate" for f in report.findings):
            return f"the label at {there.place} holds a key twice", f"{there.place} 处的标识含有重复的键"
    return None


def _in_chinese(error: MingwenError) -> str:
    words = {Refused: "此文件无法写入标识", Malformed: "写入标识会破坏文件结构", Misused: "文件带有 C2PA 清单，需配置签名密钥"}
    return f"{next(words[kind] for kind in words if isinstance(error, kind))}（{error.code}）"


def _held(ruled: Ruled, reason: str, reason_zh: str) -> Ruled:
    reasons = (*ruled.ruling.reasons, found("gate.held", ruled.format, reason=reason, reason_zh=reason_zh))
    return replace(ruled, ruling=replace(ruled.ruling, reasons=reasons), label=None, held=True)


def _passed_on(world: World, command: GateContent, ruled: Ruled, source: BinaryIO, sink: BinaryIO, near: Beside) -> Ruled:
    """Give the file as it came, with what stands beside it."""
    sink.seek(0)
    sink.truncate()
    world.files.splice(source, sink, _files.all_of(source))
    ruled = replace(ruled, beside=_files.belonging(_files.format_of(world, command.name, source), near))
    record(world, [(command, ruled)])
    return ruled


def _entry(command: GateContent, ruled: Ruled, now: datetime) -> Entry:
    label = (ruled.changed and ruled.label) or next((r.label for r in ruled.report.labels if r.label), None)
    detail: dict[str, object] = {
        "file": command.name,
        "format": ruled.format,
        "tier": ruled.ruling.tier.value,
        "declared": command.declared.value if command.declared else None,
        "reasons": [f"{f.code} at {f.place}" for f in ruled.ruling.reasons],
        "changed": ruled.changed,
    }
    return Entry("gate.ruled", (label.ProduceID or label.PropagateID) if label else command.name, command.platform, now, detail)
