"""Label a piece of content: as its producer, or as the platform that spreads it."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

from mingwen import notices, regimes
from mingwen.domain import contents, labels
from mingwen.domain.contents import Content, Delivery, File, Labelled
from mingwen.domain.errors import Refused
from mingwen.domain.evidence import Outcome
from mingwen.domain.labels import AigcLabel, Claim, to_json
from mingwen.domain.manifests import UNNAMED, System
from mingwen.domain.media import Medium
from mingwen.domain.notices import Style, require_elements
from mingwen.domain.sites import Reading, Site
from mingwen.domain.verdicts import read_site
from mingwen.formats import Format
from mingwen.ports import World
from mingwen.regimes import Need
from mingwen.services import _files, _production
from mingwen.services._files import NOTHING, Beside, Signed, Written


@dataclass(frozen=True, slots=True)
class LabelContent:
    """Put the first label on a piece of content (Measures Art. 4 and 5)."""

    name: str
    """The file's name; its suffix tells Markdown from plain text, everything else goes by the bytes."""
    producer: str
    """ContentProducer: a 27-character provider code, or a name."""
    style: Style | None
    """How the explicit label looks; None leaves it out, which needs a ``delivery``."""
    delivery: Delivery | None = None
    produce_id: str | None = None
    """ProduceID; None takes a fresh UUID."""
    claim: Claim = Claim.GENERATED
    key: str | None = None
    """Idempotency key: the same key again gives the same label and no second entry."""
    marked: str = ""
    """Which explicit label the content bears already, drawn by whoever made it; kept in the log. Needs ``style`` None."""
    manifest: bool = False
    """Sign a C2PA manifest too; a file that bears one, and a regime that asks for it, get one in any case."""
    regimes: tuple[str, ...] = ()
    """Names of the regimes to satisfy."""
    system: System = UNNAMED


@dataclass(frozen=True, slots=True)
class PropagateContent:
    """Add a platform's part to a label that is there (Measures Art. 6); only fields 5 to 7 change."""

    name: str
    propagator: str
    propagate_id: str | None = None
    key: str | None = None
    system: System = UNNAMED


def label(world: World, command: LabelContent, *, source: BinaryIO, sink: BinaryIO, near: Beside = NOTHING) -> Labelled:
    """Write the explicit and the metadata label of a first production into ``sink``.

    ``source`` is binary and seekable; ``sink`` is binary, seekable, readable and empty: what was written is read back from it
    before anything is recorded.

    Raises:
        Refused: a label is there already, or neither an explicit label nor a delivery was asked for.
        Malformed: no format claims the bytes, or a channel that may hold a label cannot be read.
        Unproven: what was read back is not what was written.
    """
    format_ = _files.format_of(world, command.name, source)
    reading = _files.whole(_files.reading(format_, source, near))
    if reading.sites:
        raise Refused(
            "label.present",
            f"expected a file without label, found one at {', '.join(s.place for s in reading.sites)}",
            hint="to add your part as the platform that spreads it use --propagate; a producer's label is never replaced",
        )
    known = _production.known(world, command.key)
    made = _production.made(world, command, known)
    medium = format_.medium(source)
    with ExitStack() as stack:
        marked, notice = source, None
        if command.style:
            format_.splice(source, to_json(made))  # what has no room for a label is refused before anything is drawn
            marked = stack.enter_context(world.files.scratch())
            source.seek(0)
            notice = notices.of(medium).mark(source, marked, format_.name, command.style)
        elif command.marked:
            if medium is not Medium.AUDIO:  # a rhythm has no words (§5.3 c)
                require_elements(command.marked)
            notice = f"borne already: {command.marked}"
        file = File(command.name, format_.name, medium.value, notice)
        key = command.key or world.ids.fresh()
        now = world.clock.now()
        outcome = contents.produce(made, file, key=key, delivery=command.delivery, by=command.producer, now=now)
        contents.require_same(outcome.state, known)
        signed = _signed(world, command, format_, made, source, near)
        written = _files.write(world, format_, made, source=marked, sink=sink, near=near, signed=signed)
    return _kept(world, outcome, format_, written)


def propagate(world: World, command: PropagateContent, *, source: BinaryIO, sink: BinaryIO, near: Beside = NOTHING) -> Labelled:
    """Write the label that is there with the platform's fields into ``sink``; pixels, samples and explicit labels stay.

    Raises:
        Refused: there is no label (``label.absent``), or there are several (``label.several``).
        Malformed, Misused, Unproven: as ``label``.
    """
    format_ = _files.format_of(world, command.name, source)
    site = _only(_files.whole(_files.reading(format_, source, near)))
    known = _production.known(world, command.key)
    made = _propagated(world, command, site, known)
    file = File(command.name, format_.name, format_.medium(source).value, None)
    key = command.key or world.ids.fresh()
    outcome = contents.propagate(made, file, key=key, by=command.propagator, now=world.clock.now())
    contents.require_same(outcome.state, known)
    signed = _files.resigned(world, command, format_, made, source, near)
    written = _files.write(world, format_, made, source=source, sink=sink, near=near, signed=signed)
    return _kept(world, outcome, format_, written)


def _signed(
    world: World, command: LabelContent, format_: Format, made: AigcLabel, source: BinaryIO, near: Beside
) -> Signed | None:
    """Make the manifest's statement, where one is asked for; with an older manifest in the file it becomes the next one."""
    if older := _files.resigned(world, command, format_, made, source, near):
        return older
    if not command.manifest and not any(Need.MANIFEST in r.needs for r in regimes.named(command.regimes)):
        return None
    if command.claim is not Claim.GENERATED:
        hint = "C2PA has no word for what may be generated; leave the manifest out"
        raise Refused("manifest.claim", f"expected Label 1 for a manifest, got {command.claim.value}", hint=hint)
    return Signed(command.system.statement(to_json(made), title=PurePath(command.name).name, when=world.clock.now()), None)


def _propagated(world: World, command: PropagateContent, site: Site, known: Content | None) -> AigcLabel:
    found, findings = read_site(site)
    if any(f.code == "label.key-duplicate" for f in findings):
        raise Refused(
            "label.ambiguous",
            f"expected every key once in the label at {site.place}, found some twice",
            hint="whichever were kept, the other would be lost; a person has to decide",
        )
    whole = contents.require_production(found.label, site.place)
    number = command.propagate_id or (known.label.PropagateID if known else world.ids.fresh())
    # The message of ReservedCode2 is unknown (TC260-PG-202511A could not be read), so nothing is signed there.
    return labels.propagated(whole, propagator=command.propagator, propagate_id=number)


def _only(reading: Reading) -> Site:
    if len(reading.sites) == 1:
        return reading.sites[0]
    if not reading.sites:
        raise Refused(
            "label.absent",
            "expected one label to add to, found none",
            hint="label it as producer (without --propagate), or declare it suspected by your own rules",
        )
    raise Refused(
        "label.several",
        f"expected one label, found {len(reading.sites)}: {', '.join(s.place for s in reading.sites)}",
        hint="GB 45438-2025 6.1 c allows one; `mingwen verify` says whether they agree; a person has to decide",
    )


def _kept(world: World, outcome: Outcome[Content], format_: Format, written: Written) -> Labelled:
    world.store.save([outcome.telling(**written.digests)])
    state = outcome.state
    contents.require_same(state, world.store.find(state.key))  # somebody may have used the key a moment before us
    return Labelled(
        state.label,
        format_.name,
        format_.place,
        state.file.notice,
        written.size_bytes,
        beside=written.beside,
        manifest=written.manifest,
    )
