"""``mingwen inspect``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mingwen import face, wire
from mingwen.cli import exits
from mingwen.cli.terminal import clean, coloured, findings, line, object_line
from mingwen.domain import providers, security
from mingwen.domain.clues import Channel
from mingwen.domain.errors import Malformed
from mingwen.domain.labels import FIELDS, AigcLabel
from mingwen.domain.manifests import Manifest
from mingwen.services import verification
from mingwen.services.verification import Inspected, VerifyContent
from mingwen.wiring import opened

SHOWN_CHARS: Final = 100
"""Of a clue's text."""


def run(name: str, flags: Mapping[str, object], *, as_json: bool) -> int:
    """Show what one file says; nothing is recorded."""
    face.configure(**flags)
    config, world = face.settled()
    path = Path(name)
    with opened(path) as source:
        seen = verification.inspect(world, VerifyContent(name), source=source, near=face.near(path))
    if as_json:
        object_line(_facts(seen, config.language))
    else:
        _print(seen, config.language)
    return exits.WELL


def _facts(seen: Inspected, language: str) -> dict[str, object]:
    examined = seen.examined
    return {
        **wire.report(examined.report, language=language),
        "medium": examined.medium.value,
        "mime": examined.format.mime,
        "place": examined.format.place,
        "details": [_details(read.label) if read.label else {} for read in examined.report.labels],
        "manifest": _manifest(examined.manifest) if examined.manifest else None,
        "traces": [{"trace": s.trace.name, "strong": s.trace.strong, "words": list(s.words)} for s in seen.sightings],
        "clues": [{"channel": c.channel.value, "name": c.name, "text": c.text[:SHOWN_CHARS]} for c in examined.clues],
    }


def _manifest(manifest: Manifest) -> dict[str, object]:
    return {
        "where": manifest.where.value,
        "state": manifest.state.value,
        "id": manifest.id,
        "signer": manifest.signer,
        "issuer": manifest.issuer,
        "time": manifest.time,
        "when": manifest.when,
        "agent": f"{manifest.agent.name} {manifest.agent.version}".rstrip() if manifest.agent else "",
        "source_types": list(manifest.source_types),
        "actions": list(manifest.actions),
        "ingredients": manifest.ingredients,
        "statuses": [{"code": s.code, "success": s.success, "url": s.url} for s in manifest.statuses],
    }


def _details(label: AigcLabel) -> dict[str, dict[str, object]]:
    """Take provider codes and SecurityData apart."""
    out: dict[str, dict[str, object]] = {}
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


def _print(seen: Inspected, language: str) -> None:
    examined, report = seen.examined, seen.examined.report
    line(f"{coloured(clean(report.file), 'bold')}: {report.format}, {examined.format.mime}, {examined.medium.value}")
    line(f"  guide's place: {examined.format.place}")
    if not report.labels:
        line("  no label site")
    for read in report.labels:
        line(f"  {coloured(clean(read.place), 'cyan')}{'' if read.guide else ' (not the guide’s place)'}")
        _print_fields(dict(read.fields), _details(read.label) if read.label else {})
    if examined.manifest:
        _print_manifest(examined.manifest)
    for sighting in seen.sightings:
        title = sighting.trace.title_zh if language == "zh" else sighting.trace.title_en
        line(f"  trace of {clean(title)}: {clean('; '.join(sighting.words))}")
    for clue in examined.clues:
        long = clue.channel in {Channel.MANIFEST, Channel.XMP}
        shown = f"{len(clue.text)} characters" if long else clean(clue.text[:SHOWN_CHARS])
        line(f"  {coloured(f'{clue.channel.value} {clean(clue.name)}', 'dim')} {shown}")
    findings(report.findings, language)


def _print_fields(fields: Mapping[str, object], details: Mapping[str, Mapping[str, object]]) -> None:
    for field in [*FIELDS, *(f for f in fields if f not in FIELDS)]:
        value = fields.get(field)
        shown = coloured("missing", "yellow") if field not in fields else clean(value if isinstance(value, str) else str(value))
        line(f"    {clean(field):18} {shown}")
        for words in _words(details.get(field, {})):
            line(f"    {'':18} {coloured(clean(words), 'dim')}")


def _print_manifest(manifest: Manifest) -> None:
    line(f"  {coloured(f'C2PA manifest ({manifest.where.value})', 'cyan')} {manifest.state.value}")
    for name, value in _manifest(manifest).items():
        if name in {"where", "state", "statuses"} or not value:
            continue
        line(f"    {name.replace('_', ' '):18} {clean(', '.join(value) if isinstance(value, list) else str(value))}")
    for status in manifest.statuses:
        if status.success is False:
            line(f"    {coloured(clean(status.code), 'red')}")


def _words(details: Mapping[str, object]) -> Iterator[str]:
    """Write one line a thing: a code's parts on one, each signature and key on its own."""
    plain = [f"{k.replace('_', ' ')} {v}" for k, v in details.items() if isinstance(v, str)]
    if plain:
        yield ", ".join(plain)
    for kind, things in details.items():
        for thing in things if isinstance(things, list) else ():
            parts = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in thing.items()) if isinstance(thing, dict) else str(thing)
            yield f"{kind.removesuffix('s')}: {parts}"
