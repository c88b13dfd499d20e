"""What a platform makes of an upload: the three tiers of Measures Art. 6, with reasons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from mingwen.domain.findings import Finding, found
from mingwen.domain.labels import FIELDS, AigcLabel, Claim, propagated, spread
from mingwen.domain.verdicts import ReadLabel, Report, as_text


class Tier(StrEnum):
    """Measures Art. 6; a tier's value is the ``Label`` that goes with it (Annex E c)."""

    GENERATED = "1"
    """(1): the metadata clearly say so."""
    POSSIBLE = "2"
    """(2): no metadata label, but the user declares it."""
    SUSPECTED = "3"
    """(3): neither, but an explicit label or other traces are found."""
    NONE = "none"
    """Nothing speaks for it."""
    UNDECIDED = "undecided"
    """Nothing was found, but not everything could be read: a person has to look."""


class Declared(StrEnum):
    """What the user says of an upload (Measures Art. 10)."""

    AI = "ai"
    NOT_AI = "not-ai"


WORDINGS: Final = {
    Tier.GENERATED: {"zh": "内容由AI生成", "en": "This content is AI-generated"},
    Tier.POSSIBLE: {"zh": "内容可能由AI生成", "en": "This content may be AI-generated"},
    Tier.SUSPECTED: {"zh": "内容疑似AI生成", "en": "This content is suspected to be AI-generated"},
    Tier.NONE: {"zh": "", "en": ""},
    Tier.UNDECIDED: {"zh": "", "en": ""},
}
"""The prominent notice near the content, with both elements of GB 45438-2025 §5; Art. 6 gives the degree, not the words."""

_ODD: Final = frozenset({"aigc", "ai", "true", "generated", "ai-generated", "生成", "人工智能生成"})
"""Values of ``Label`` that real files hold and that can mean nothing else; any other illegal one is a trace."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of an upload besides its labels."""

    declared: Declared | None = None
    statements: tuple[Finding, ...] = ()
    """``gate.statement``: what somebody wrote into the metadata to say that it is generated."""
    traces: tuple[Finding, ...] = ()
    """``gate.explicit`` and ``gate.trace``: what only suggests it."""
    unread: tuple[Finding, ...] = ()
    """What was to be looked at besides the labels, and nobody could: pictures (``channel.unread``), a manifest."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """The tier of an upload, and why."""

    tier: Tier
    reasons: tuple[Finding, ...]

    @property
    def wording(self) -> dict[str, str]:
        """What to show near the content, in ``zh`` and ``en``; empty where nothing is to be shown."""
        return WORDINGS[self.tier]


@dataclass(frozen=True, slots=True)
class Ruled:
    """What the gate says of one upload."""

    file: str
    format: str
    report: Report
    ruling: Ruling
    label: AigcLabel | None
    """The label as the file has to bear it; None where it needs none, or a person has to decide first."""
    changed: bool = False
    """Does the output differ from the source? A file that bears the platform's part already passes as it is."""
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """What has to stand beside the output, as ``Labelled.beside``."""
    held: bool = False
    """Does a person have to decide before the file can be labelled? The reasons say why."""

    @property
    def is_due(self) -> bool:
        """Is there a label to write, which the file does not bear at its place already?"""
        there = next(iter(self.report.labels), None)
        return self.label is not None and (there is None or there.label != self.label or not there.guide)


def decide(report: Report, evidence: Evidence) -> Ruling:
    """Give the tier: the first of Art. 6 (1), (2), (3) that holds; what speaks for a lower one is told as well."""
    labels = [r for label in report.labels for r in _claimed(label)]
    reasons = [*(f for _, fs in labels for f in fs), *evidence.statements]
    tiers = [tier for tier, _ in labels] + [Tier.GENERATED] * bool(evidence.statements)
    if evidence.declared is Declared.AI:
        reasons.append(found("gate.declared", "declaration"))
        tiers.append(Tier.POSSIBLE)
    reasons += evidence.traces
    tiers += [Tier.SUSPECTED] * bool(evidence.traces)
    if evidence.declared is Declared.NOT_AI and tiers:
        reasons.append(found("gate.contradicted", "declaration"))
    if tiers:
        return Ruling(min(tiers), tuple(reasons))
    unread = (*(f for f in report.findings if f.code == "channel.unread"), *evidence.unread)
    return Ruling(Tier.UNDECIDED if unread else Tier.NONE, (*reasons, *unread))


def _claimed(read: ReadLabel) -> Iterable[tuple[Tier, tuple[Finding, ...]]]:
    """Yield the tier that a label claims; a deviating one is graded, never dropped."""
    value = read.label.Label if read.label else str(dict(read.fields).get("Label", ""))
    if value in set(Claim):
        yield Tier(value), (found("gate.label", read.place, found=value),)
        return
    taken = Tier.GENERATED if value.strip().lower() in _ODD else Tier.SUSPECTED
    yield taken, (found("gate.label-odd", read.place, found=repr(value[:40]), taken=taken.value),)


def numbered(label: AigcLabel | None, *, platform: str) -> str:
    """Return the number that the platform gave the file before, or nothing."""
    return label.PropagateID if label and label.ContentPropagator == platform else ""


def stamped(label: AigcLabel | None, tier: Tier, *, platform: str, number: str) -> AigcLabel:
    """Return the label with the platform's part: the producer's four fields stay, fields 5 to 7 are the platform's.

    A label that a platform made follows the newest ruling, where that is more certain. The same again gives the same label.
    """
    if label is None or (label.is_platforms and tier.value < label.Label):
        return spread(Claim(tier.value), propagator=platform, propagate_id=number)
    if (label.ContentPropagator, label.PropagateID) == (platform, number):
        return label
    return propagated(label, propagator=platform, propagate_id=number)


def changes(before: Report, after: Report) -> tuple[Finding, ...]:
    """Report what two versions of a file disagree in: a producer's label may be neither changed nor removed (Art. 10).

    Every label counts that names a producer, whole or not; it is compared with the one of ``after`` that is most like it.
    """
    now = [fields for label in after.labels if (fields := _producers(label))]
    return tuple(f for label in before.labels if (was := _producers(label)) for f in _change(was, now, after))


def _change(was: Mapping[str, str], now: Sequence[Mapping[str, str]], after: Report) -> Iterable[Finding]:
    name = was["ContentProducer"] or was["ProduceID"]
    if now:
        like = max(now, key=lambda fields: sum(was[n] == fields[n] for n in was))
        for n in was:
            if was[n] != like[n]:
                yield found("producer.changed", after.file, field=n, was=was[n] or "—", found=like[n] or "—")
        return
    unread = next((f for f in after.findings if f.code == "channel.unread"), None)
    if unread:
        yield found("producer.unread", unread.place, was=name, **dict(unread.given))
    else:
        yield found("producer.removed", after.file, was=name)


def _producers(read: ReadLabel) -> dict[str, str]:
    """Return the producer's four fields as text; nothing where no producer is named."""
    fields = {name: as_text(dict(read.fields).get(name)) for name in FIELDS[:4]}
    return fields if fields["ContentProducer"] or fields["ProduceID"] else {}
