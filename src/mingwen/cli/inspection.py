"""``mingwen inspect``."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from mingwen import formats, wire, wiring
from mingwen.cli import exits
from mingwen.cli.terminal import clean, coloured, line, object_line
from mingwen.domain import providers, security
from mingwen.domain.errors import Malformed
from mingwen.domain.labels import FIELDS, AigcLabel
from mingwen.domain.verdicts import Report, judge
from mingwen.formats import HEAD_BYTES
from mingwen.wiring import opened


def run(name: str, flags: Mapping[str, object], *, as_json: bool) -> int:
    """Show what one file says; nothing is judged by signatures and nothing recorded."""
    config = wiring.configuration(**flags)
    with opened(Path(name)) as source:
        format_ = formats.of(source.read(HEAD_BYTES), PurePath(name).suffix)
        medium = format_.medium(source)
        report = judge(format_.read(source), file=name, format_name=format_.name, guide=format_.place, source=format_.source)
    facts = {
        **wire.report(report, language=config.language),
        "medium": medium.value,
        "mime": format_.mime,
        "place": format_.place,
    }
    facts["details"] = [_details(read.label) if read.label else {} for read in report.labels]
    if as_json:
        object_line(facts)
    else:
        _print(report, facts, config.language)
    return exits.WELL


def _details(label: AigcLabel) -> dict[str, object]:
    """Take provider codes and SecurityData apart."""
    out: dict[str, object] = {}
    for field in ("ContentProducer", "ContentPropagator"):
        try:
            code = providers.parse(getattr(label, field))
        except Malformed:
            continue
        out[field] = {
            "subject_code": code.subject_code, "subject_type": code.subject_type, "binding": code.binding,
            "service_type": code.service_type, "service_code": code.service_code,
        }  # fmt: skip
    for field in ("ReservedCode1", "ReservedCode2"):
        data = security.parse(getattr(label, field)) if getattr(label, field) else None
        if data:
            out[field] = {
                "signatures": [{"algorithm": s.algorithm, "covers": s.covers, "der_bytes": len(s.der)} for s in data.signatures],
                "keys": [{"kind": k.kind, "algorithm": k.algorithm, "value_bytes": len(k.value)} for k in data.keys],
                "problems": list(data.problems),
            }
    return out


def _print(report: Report, facts: Mapping[str, object], language: str) -> None:
    line(f"{coloured(clean(report.file), 'bold')}: {report.format}, {facts['mime']}, {facts['medium']}")
    line(f"  guide's place: {facts['place']}")
    if not report.labels:
        line("  no label site")
    details = facts["details"]
    for read, more in zip(report.labels, details if isinstance(details, list) else [], strict=True):
        line(f"  {coloured(clean(read.place), 'cyan')}{'' if read.guide else ' (not the guide’s place)'}")
        fields = dict(read.fields)
        for field in [*FIELDS, *(f for f in fields if f not in FIELDS)]:
            value = fields.get(field)
            shown = (
                coloured("missing", "yellow") if field not in fields else clean(value if isinstance(value, str) else str(value))
            )
            line(f"    {clean(field):18} {shown}")
            for words in _words(more.get(field, {})):
                line(f"    {'':18} {coloured(clean(words), 'dim')}")
    for f in report.findings:
        line(f"  {f.severity.value} {f.code} {clean(f.place)}: {clean(f.message(language))}")


def _words(details: Mapping[str, object]) -> Iterator[str]:
    """Write one line a thing: a code's parts on one, each signature and key on its own."""
    plain = [f"{k.replace('_', ' ')} {v}" for k, v in details.items() if isinstance(v, str)]
    if plain:
        yield ", ".join(plain)
    for kind, things in details.items():
        for thing in things if isinstance(things, list) else ():
            parts = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in thing.items()) if isinstance(thing, dict) else str(thing)
            yield f"{kind.removesuffix('s')}: {parts}"
