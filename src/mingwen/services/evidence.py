"""Take entries out of the log as a bundle that strangers can check (docs/reference/evidence-bundle.md)."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import PurePath
from typing import BinaryIO, Final

from mingwen import formats
from mingwen.domain.digests import of_stream
from mingwen.domain.errors import Malformed, Misused, Refused, Unproven
from mingwen.domain.evidence import Entry, Outcome, Published, Record
from mingwen.domain.kinds import personal_names
from mingwen.domain.verdicts import read_site
from mingwen.formats import HEAD_BYTES
from mingwen.ports import LogWorld
from mingwen.proofs import bundle, leaves, merkle, notes, tiles, verifier
from mingwen.proofs.bundle import Act, Bound, Case, Content, Evidence, Handover, Head, Label
from mingwen.proofs.leaves import DIGEST_BYTES, Digests
from mingwen.proofs.notes import Key, Kind, Note, Signed
from mingwen.proofs.tlog_proof import Proof
from mingwen.services._files import NOTHING, Beside, reading

Reports = Callable[[Case], Mapping[str, bytes]]
"""Makes what people read of a case, by names of files."""
_SIGNS_NOTES: Final = (Kind.ED25519, Kind.SM2)
_ALWAYS_KNOWN: Final = frozenset({"subject", "by", "file", "sha256", "sm3", "label"})
"""Names that every verifier knows (docs/reference/evidence-bundle.md)."""
_LEAST_BYTES: Final = 4
"""Shorter words stand anywhere by chance; two Chinese characters take six."""


@dataclass(frozen=True, slots=True)
class ExportEvidence:
    """Ask for a bundle: of entries, or of those that tell of a file."""

    by: str
    numbers: tuple[int, ...] = ()
    """Of entries, as ``mingwen log`` prints them."""
    positions: tuple[int, ...] = ()
    """In the log, from 0."""
    subjects: tuple[str, ...] = ()
    """Every entry about these."""
    reveal: frozenset[str] | None = None
    """Only these fields are shown; None shows all."""
    conceal: frozenset[str] = frozenset()
    """These are not."""
    custody: tuple[Handover, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def shows(self, name: str) -> bool:
        """Say whether fields of this name are shown."""
        return (self.reveal is None or name in self.reveal) and name not in self.conceal


@dataclass(frozen=True, slots=True)
class File:
    """A file that the evidence is about."""

    name: str
    source: BinaryIO
    near: Beside = field(default_factory=lambda: NOTHING)
    iscc: str | None = None
    """Its fingerprint by ISO 24138."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle, and what it shows."""

    data: bytes
    sha256: str
    """Hexadecimal; the subject of the entry that tells of the export."""
    numbers: tuple[int, ...]
    case: Case
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fields that are kept back though their words stand elsewhere in the bundle, and where: names of fields, or ``content``,
    ``custody``, ``environment``."""


def export(world: LogWorld, command: ExportEvidence, *, file: File | None = None, reports: Reports | None = None) -> Exported:
    """Make a bundle, verify it as a stranger would, and record that it was made.

    Raises:
        Misused: there is no such entry, or none tells of the file (``evidence.unknown``), or none has a field that is to be shown
            or kept back (``evidence.field``), or there are too many (``bundle.too-large``).
        Refused: an entry is not in a signed checkpoint yet (``evidence.unpublished``), or the file is not the one that was
            recorded (``evidence.changed``).
        Unproven: the bundle does not hold (``evidence.read-back``), or tiles are missing (``tile.*``).
    """
    now = world.clock.now()
    content, subjects = _content(file) if file else (None, [])
    records = _records(world, command, content, subjects)
    _require_known(command, records)
    heads = _heads(world, [_position(world, r) for r in records])
    if content:
        content = _discreet(_told_of(content, records), command)
    acts, evidence = _opened(world, command, records, heads)
    # A key that came later, beside the first, did not sign what was there before.
    signers = [s.key for i, s in enumerate(world.signers) if i == 0 or all(_signed(h, s.key) for h in heads)]
    keys = tuple(str(key) for key in (*signers, *world.watchers))
    told = [Head(h, _cosigned(h, world.watchers)) for h in heads]
    case = Case(now, world.origin, keys, acts, tuple(told), content, command.custody, command.environment)
    bare = _sealed(world, case, evidence, {}, now)
    case = replace(case, acts=_bounded(case.acts, _held(bare)))
    made = _sealed(world, case, evidence, reports(case), now) if reports else bare
    _held(made)
    numbers, repeated = tuple(r.number for r in records), _repeated(command, records, case)
    exported = Exported(made, hashlib.sha256(made).hexdigest(), numbers, case, repeated)
    _recorded(world, command, exported, now)
    return exported


def _recorded(world: LogWorld, command: ExportEvidence, exported: Exported, now: datetime) -> None:
    detail: dict[str, object] = {"entries": list(exported.numbers), "bytes": len(exported.data)}
    detail |= {"file": exported.case.content.name} if exported.case.content else {}
    detail |= {"reveal": sorted(command.reveal)} if command.reveal is not None else {}
    detail |= {"conceal": sorted(command.conceal)} if command.conceal else {}
    world.store.save([Outcome(None, (Entry("evidence.exported", exported.sha256, command.by, now, detail),))])


def _content(file: File) -> tuple[Content, list[str]]:
    """Measure a file, and read its labels; return also what entries about it may be about: the numbers in them, or its name."""
    file.source.seek(0)
    size, sha256, sm3 = of_stream(file.source)
    try:
        file.source.seek(0)
        format_ = formats.of(file.source.read(HEAD_BYTES), PurePath(file.name).suffix)
        sites = reading(format_, file.source, file.near).sites
    except Malformed:
        sites = ()
    labels = tuple(Label(site.place, site.text.encode("utf-8", "surrogatepass")) for site in sites)
    parsed = [label for site in sites if (label := read_site(site)[0].label)]
    subjects = dict.fromkeys(n for label in parsed for n in (label.ProduceID, label.PropagateID) if n)
    content = Content(PurePath(file.name).name, size, sha256.hex(), sm3.hex(), file.iscc, labels, -1)
    return content, list(subjects or dict.fromkeys((file.name, content.name)))


def _records(world: LogWorld, command: ExportEvidence, content: Content | None, subjects: Sequence[str]) -> list[Record]:
    """Find the entries that are asked for, in the log's order."""
    find = world.ledger.records
    found = [r for number in command.numbers for r in find(number=number)]
    found += [r for position in command.positions for r in find(start=position, limit=1) if r.position == position]
    found += [r for subject in command.subjects for r in find(subject=subject, limit=bundle.MOST_FILES)]
    if content:
        about = [r for subject in subjects for r in find(subject=subject, limit=bundle.MOST_FILES)]
        bound = [r for r in about if r.entry.detail.get("sha256") == content.sha256]
        found += bound or about
    if len(found) < max(1, len(command.numbers) + len(command.positions)):
        asked = (*command.numbers, *(f"#{p}" for p in command.positions), *command.subjects, *subjects)
        what = f"expected an entry each for {', '.join(map(str, asked))}, found {len(found)}"
        raise Misused("evidence.unknown", what, hint="`mingwen log` lists entries by number; a file is found by its labels")
    once = {r.number: r for r in found}
    return sorted(once.values(), key=lambda r: -1 if r.position is None else r.position)


def _position(world: LogWorld, record: Record) -> int:
    newest = world.archive.newest()
    if record.position is None or not newest or record.position >= newest.size:
        what = f"expected entry {record.number} to be in a signed checkpoint, it is not published yet"
        raise Refused("evidence.unpublished", what, hint="`mingwen log publish`, then export again")
    return record.position


def _heads(world: LogWorld, positions: Sequence[int]) -> list[Published]:
    """Choose checkpoints: the last attested one without the earliest entry, the first attested one with all, and the newest.

    What an authority stamped is chosen beside what a witness cosigned. What bears no signature of the first key is left out,
    as a verifier who knows this key can do nothing with it.
    """
    archive, first, end = world.archive, positions[0], positions[-1] + 1
    chosen = (
        archive.newest(most=first, attested=True),
        archive.newest(most=first, stamped=True),
        archive.oldest(least=end, attested=True),
        archive.oldest(least=end, stamped=True),
        archive.newest(),
    )
    by_size = {h.size: h for h in chosen if h and (h is chosen[-1] or _signed(h, world.signers[0].key))}
    return [head for _, head in sorted(by_size.items())]


def _signed(head: Published, key: Key) -> bool:
    """Say whether a checkpoint bears a signature of a key; whether it holds is the read-back's to say."""
    return any((s.name, s.id) == (key.name, key.id) for s in notes.parse(head.note.encode()).signatures)


def _told_of(content: Content, records: Sequence[Record]) -> Content:
    """Name the entry that tells of a file: the newest that is bound to its very bytes, else that tells of a label, else any.

    An entry of other bytes does not tell of these.
    """
    bound = [r for r in records if r.entry.detail.get("sha256") == content.sha256]
    open_ = [r for r in records if "sha256" not in r.entry.detail]
    labelled = [r for r in open_ if "label" in r.entry.detail]
    if told := bound or labelled or open_:
        return replace(content, entry=told[-1].position or 0, bound=bool(bound))
    last = records[-1]
    what = f"expected {content.name} as entry {last.number} recorded it, its digest is another one now"
    hint = f"the file was changed since; `mingwen evidence export {last.number}` shows what was recorded"
    raise Refused("evidence.changed", what, hint=hint)


def _require_known(command: ExportEvidence, records: Sequence[Record]) -> None:
    """Refuse a misspelt name, which would show what was to be kept back."""
    there = {name for record in records for name in leaves.fields(record.entry)}
    if unknown := sorted(((command.reveal or frozenset()) | command.conceal) - there - _ALWAYS_KNOWN - personal_names()):
        what = f"expected names of fields to show or to keep back, got {', '.join(unknown)}"
        raise Misused("evidence.field", what, hint=f"these entries have: {', '.join(sorted(there)) or 'none that are left'}")


def _discreet(content: Content, command: ExportEvidence) -> Content:
    """Keep back of a file what is kept back of its entries: a digest without salt beside a hidden one would open it."""
    sha256, sm3 = (value if command.shows(name) else None for name, value in (("sha256", content.sha256), ("sm3", content.sm3)))
    told = sha256 or sm3
    return replace(
        content,
        name=content.name if command.shows("file") else "",
        sha256=sha256,
        sm3=sm3,
        iscc=content.iscc if told else None,
        labels=content.labels if command.shows("label") else (),
        bound=content.bound and bool(told),
    )


def _repeated(command: ExportEvidence, records: Sequence[Record], case: Case) -> dict[str, tuple[str, ...]]:
    """Find the words of fields that are kept back among what is shown."""
    shown = {"environment": list(case.environment.values()), "custody": [t for row in case.custody for t in (row.by, row.what)]}
    for act in case.acts:
        for name, value in act.fields.items():
            shown.setdefault(name, []).extend(_texts(value))
    if case.content:
        shown["content"] = [case.content.name, *(label.data.decode("utf-8", "replace") for label in case.content.labels)]
    kept = {(n, t) for r in records for n, v in leaves.fields(r.entry).items() if not command.shows(n) for t in _texts(v)}
    whole = {place: "\0".join(texts) for place, texts in shown.items()}
    found: dict[str, set[str]] = {}
    for name, text in kept:
        if len(text.encode()) >= _LEAST_BYTES:
            found.setdefault(name, set()).update(place for place, words in whole.items() if text in words)
    return {name: tuple(sorted(places)) for name, places in sorted(found.items()) if places}


def _texts(value: object) -> list[str]:
    """Return every text in a value."""
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def _opened(
    world: LogWorld, command: ExportEvidence, records: Sequence[Record], heads: Sequence[Published]
) -> tuple[tuple[Act, ...], list[Evidence]]:
    acts, evidence, node = [], [], tiles.node_reader(heads[-1].size, world.objects.read)
    for record in records:
        at, values = record.position or 0, leaves.fields(record.entry)
        texts = dict(zip(sorted(values), leaves.disclosures(values, record.salts), strict=True))
        shown = {n: t for n, t in texts.items() if command.shows(n)}
        kept = [leaves.digests(t) for n, t in texts.items() if n not in shown]
        hidden = (*kept, *_erased(record.hidden))
        head = next(h for h in heads if h.size > at)
        proof = Proof(at, tuple(merkle.inclusion(at, head.size, node)), head.note)
        acts.append(Act(at, record.entry.at, record.entry.kind, {n: values[n] for n in shown}, len(hidden), record.leaf))
        evidence.append(Evidence(tuple(shown.values()), hidden, str(proof)))
    return tuple(acts), evidence


def _erased(hidden: bytes) -> list[Digests]:
    step = 2 * DIGEST_BYTES
    return [Digests(hidden[i : i + DIGEST_BYTES], hidden[i + DIGEST_BYTES : i + step]) for i in range(0, len(hidden), step)]


def _cosigned(head: Published, witnesses: Sequence[Key]) -> tuple[Bound, ...]:
    note = notes.parse(head.note.encode())
    held = [notes.check(note, key) for key in witnesses]
    return tuple(_bound(signed, head.size) for signed in held if signed and notes.is_time(signed.at))


def _bound(signed: Signed, size: int) -> Bound:
    return Bound(datetime.fromtimestamp(signed.at or 0, UTC), signed.key.name, size)


def _sealed(world: LogWorld, case: Case, evidence: Sequence[Evidence], reports: Mapping[str, bytes], now: datetime) -> bytes:
    node = tiles.node_reader(case.heads[-1].published.size, world.objects.read)
    sizes = [h.published.size for h in case.heads]
    made = bundle.files(case, evidence, [merkle.consistency(a, b, node) for a, b in pairwise(sizes)], reports)
    text = bundle.note(made[bundle.INDEX])
    able = (s for s in world.signers if s.key.kind in _SIGNS_NOTES and str(s.key) in case.keys)
    signed = tuple(s.sign(text, int(now.timestamp())) for s in able)
    return bundle.packed({**made, bundle.NOTE: str(Note(text, signed)).encode()})


def _held(data: bytes) -> verifier.Report:
    """Verify what was made, as a stranger would."""
    report = verifier.verify(data)
    if report.outcome == "broken":
        faults = ", ".join(f"{f['code']} at {f['place']}" for f in report.findings[:5])
        hint = "nothing was written; `mingwen audit` says what is wrong with the log"
        raise Unproven("evidence.read-back", f"expected a bundle that holds, but: {faults}", hint=hint)
    return report


def _bounded(acts: Sequence[Act], report: verifier.Report) -> tuple[Act, ...]:
    """Give acts the bounds of time that a verifier finds."""
    bounds = [tuple(_as_bound(entry[name]) for name in ("after", "before")) for entry in report.entries]
    return tuple(replace(act, after=a, before=b) for act, (a, b) in zip(acts, bounds, strict=True))


def _as_bound(attested: Mapping[str, object] | None) -> Bound | None:
    if not attested:
        return None
    return Bound(datetime.fromisoformat(str(attested["at"])), str(attested["by"]), int(str(attested["size"])))
