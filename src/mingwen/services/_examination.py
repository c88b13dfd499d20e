"""What a file shows of itself: its labels weighed, their signatures and its manifest checked."""

import io
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, Final

from mingwen import formats, notices
from mingwen.domain import manifests
from mingwen.domain.clues import Channel, Clue
from mingwen.domain.explicit import told
from mingwen.domain.findings import Finding, found
from mingwen.domain.labels import AigcLabel, to_json
from mingwen.domain.manifests import MANIFEST_SUFFIX, Manifest, State, Status, Where
from mingwen.domain.media import Medium
from mingwen.domain.verdicts import ReadLabel, Report, judge, with_findings
from mingwen.formats import Format
from mingwen.ports import World
from mingwen.services import _explicit, _files
from mingwen.services._files import NOTHING, Beside

_PROVENANCE: Final = "http://purl.org/dc/terms/"
_NO_STORE: Final = "what stands in its place is no manifest store"
MAX_CHECKED: Final = 2
"""Labels of one file whose signatures are checked; several are non-compliant anyway, and a check takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One file, looked at."""

    format: Format
    medium: Medium
    report: Report
    clues: tuple[Clue, ...]
    """What else it says of its making."""
    manifest: Manifest | None


def examine(world: World, name: str, *, source: BinaryIO, near: Beside = NOTHING, explicit: bool = False) -> Examined:
    """Read and weigh the labels of ``source`` (binary, seekable); with ``explicit`` those that people perceive are measured too.

    Raises:
        Malformed: no format claims the bytes, or no structure can be followed at all.
    """
    format_ = _files.format_of(world, name, source)
    suffix = PurePath(name).suffix
    also: tuple[Finding, ...] = ()
    if suffix and suffix.lower() not in format_.suffixes and _is_known(suffix):
        also = (found("file.suffix", name, found=suffix, wanted=format_.name),)
    medium = format_.medium(source)
    also += _perceptible(medium, source)
    if explicit:
        also += _explicit.findings(world, medium, source)
    reading = _files.reading(format_, source, near)
    report = judge(reading, file=name, format_name=format_.name, guide=format_.place, source=format_.source, also=also)
    checked = tuple(f for label in report.labels[:MAX_CHECKED] for f in _protection(world, label))
    clues = tuple(format_.clues(source))
    manifest = _manifest(world, format_, clues, source, near)
    if manifest:
        label = next((to_json(r.label) for r in report.labels if r.label), None)
        bare = not report.labels and all(f.code != "channel.unread" for f in report.findings)
        checked += manifests.findings(manifest, label=label, bare=bare)
    return Examined(format_, medium, with_findings(report, checked), clues, manifest)


def _manifest(world: World, format_: Format, clues: tuple[Clue, ...], source: BinaryIO, near: Beside) -> Manifest | None:
    """Read the manifest, if there is one: in the file, beside it, or where the file says it is. The library is large."""
    outside = near.get(MANIFEST_SUFFIX)
    if outside is None and not (format_.c2pa and any(map(_tells_of_manifest, clues))):
        return None
    source.seek(0)
    read = world.manifests.read(source, format_.c2pa, io.BytesIO(outside) if outside is not None else None)
    if read is None and any(c.channel is Channel.MANIFEST for c in clues):
        return Manifest(Where.EMBEDDED, State.UNREADABLE, (Status("general.error", success=False, explanation=_NO_STORE),))
    return read


def _tells_of_manifest(clue: Clue) -> bool:
    """C2PA 2.2 §11.4: a file names a remote manifest by ``dcterms:provenance`` in its XMP."""
    return clue.channel is Channel.MANIFEST or (clue.channel is Channel.XMP and _PROVENANCE in clue.text)


def _perceptible(medium: Medium, source: BinaryIO) -> tuple[Finding, ...]:
    """Tell of explicit labels in texts; other media would have to be recognised, so their libraries are not even loaded."""
    search = notices.of(medium).found if medium is Medium.TEXT else None
    return told(search(source), medium) if search else ()


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
        return [found("signature.uncheckable", place, field=field, why="it is no SecurityData", why_zh="不是 SecurityData 结构")]
    if field == "ReservedCode2":  # even one that fits the producer's message says nothing of the platform
        why, why_zh = "what a platform signs is unknown", "传播平台所签内容的规定未知"
        return [found("signature.uncheckable", place, field=field, why=why, why_zh=why_zh)]
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
