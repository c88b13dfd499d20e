"""Values to JSON: what ``--json`` prints and other programs rely on; the names are stable."""

from mingwen.domain import strict_json
from mingwen.domain.contents import Labelled
from mingwen.domain.errors import MingwenError
from mingwen.domain.evidence import Entry
from mingwen.domain.findings import Finding
from mingwen.domain.labels import FIELDS
from mingwen.domain.tiers import Ruled
from mingwen.domain.verdicts import ReadLabel, Report
from mingwen.regimes import Assessed


def report(value: Report, *, language: str = "en") -> dict[str, object]:
    """Lay out a verification: ``file``, ``format``, ``verdict``, ``labels``, ``findings``."""
    return {
        "file": value.file,
        "format": value.format,
        "verdict": value.verdict.value,
        "labels": [label(v) for v in value.labels],
        "findings": [finding(v, language=language) for v in value.findings],
    }


def label(value: ReadLabel) -> dict[str, object]:
    """Lay out a label: its ``place`` and the seven fields as read, null where one is missing; others under ``extra``."""
    fields = {name: strict_json.plain(v) for name, v in value.fields}
    out: dict[str, object] = {"place": value.place, **{name: fields.pop(name, None) for name in FIELDS}}
    return {**out, "extra": fields} if fields else out


def finding(value: Finding, *, language: str = "en") -> dict[str, object]:
    """Lay out a finding: ``code``, ``severity``, ``place``, ``clause``, ``message``."""
    return {
        "code": value.code,
        "severity": value.severity.value,
        "place": value.place,
        "clause": value.clause,
        "message": value.message(language),
    }


def entry(number: int, value: Entry) -> dict[str, object]:
    """Lay out one line of the log."""
    return {
        "number": number,
        "at": value.at.isoformat(),
        "kind": value.kind,
        "subject": value.subject,
        "by": value.by,
        **value.detail,
    }


def labelled(file: str, output: str, value: Labelled) -> dict[str, object]:
    """Lay out what was written: ``file``, ``output``, ``format``, ``place``, ``notice``, ``label``, and what goes with them."""
    fields = {name: getattr(value.label, name) for name in FIELDS}
    return {
        "file": file,
        "output": output,
        "format": value.format,
        "place": value.place,
        "notice": value.notice,
        "label": fields,
        "manifest": value.manifest,
        "beside": sorted(value.beside),
    }


def ruled(value: Ruled, *, output: str | None, language: str = "en") -> dict[str, object]:
    """Lay out a ruling of the gate: ``tier``, ``wording``, ``reasons``, the ``label`` it has to bear, ``changed``, ``held``."""
    return {
        "file": value.file,
        "format": value.format,
        "tier": value.ruling.tier.value,
        "wording": value.ruling.wording,
        "reasons": [finding(f, language=language) for f in value.ruling.reasons],
        "verdict": value.report.verdict.value,
        "label": {name: getattr(value.label, name) for name in FIELDS} if value.label else None,
        "changed": value.changed,
        "held": value.held,
        "output": output,
    }


def assessed(value: Assessed) -> dict[str, object]:
    """Lay out a duty and its answer: ``regime``, ``article``, ``duty``, ``answer``, ``why``."""
    return {
        "regime": value.regime.name,
        "article": value.duty.article,
        "duty": {"en": value.duty.en, "zh": value.duty.zh},
        "answer": value.answer.met.value,
        "why": {"en": value.answer.en, "zh": value.answer.zh},
    }


def error(value: MingwenError) -> dict[str, object]:
    """Lay out an error: ``code``, ``message``, ``hint``."""
    return {"code": value.code, "message": value.message, "hint": value.hint}
