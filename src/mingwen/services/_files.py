"""What several services do with a file: choose its format, read its labels, write one and read it back."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, Final, Protocol, TypeAlias

from mingwen import formats
from mingwen.domain import digests, manifests
from mingwen.domain.clues import Channel
from mingwen.domain.errors import Malformed, Refused, Unproven
from mingwen.domain.labels import AigcLabel, to_json
from mingwen.domain.manifests import MANIFEST_SUFFIX, Action, Statement, System
from mingwen.domain.media import Keep, Splice
from mingwen.domain.sites import Reading
from mingwen.domain.verdicts import read_site
from mingwen.formats import HEAD_BYTES, Format, beside
from mingwen.ports import Parent, World

Beside: TypeAlias = Mapping[str, bytes]
"""What stands beside a file under its name and a suffix: ``{".xmp": …}``."""
NOTHING: Final[Beside] = {}


@dataclass(frozen=True, slots=True)
class Signed:
    """A manifest that is to go with the label."""

    statement: Statement
    parent: Parent | None
    """The file as it came, if it bears a manifest of its own."""


@dataclass(frozen=True, slots=True)
class Written:
    """An output that was read back."""

    size_bytes: int
    beside: Beside
    """What has to stand beside it."""
    manifest: bool
    """Was a manifest signed?"""
    digests: Mapping[str, object]
    """``bytes`` and ``sha256`` of it, as the log shall tell them (``digests.of``)."""


def format_of(world: World, name: str, source: BinaryIO) -> Format:
    """Return the format of a file, with its label where the configuration wants it.

    Raises:
        Malformed: no format claims the bytes.
    """
    source.seek(0)
    format_ = formats.of(source.read(HEAD_BYTES), PurePath(name).suffix)
    choice = world.places.get(format_.name)
    return beside.placed(format_, choice) if choice else format_


def reading(format_: Format, source: BinaryIO, near: Beside = NOTHING) -> Reading:
    """Find the labels in a file; and beside it, where they are to stand there or none stands inside."""
    inside = format_.read(source)
    packet = near.get(beside.SUFFIX) if format_.sidecar or not inside.sites else None
    if packet is None:
        return inside
    outside = beside.read(packet, guide=format_.sidecar)
    return Reading((*inside.sites, *outside.sites), (*inside.unread, *outside.unread))


def whole(found: Reading) -> Reading:
    """Go on only if every channel could be read: a label may hide in one that could not.

    Raises:
        Malformed: one could not (``label.channel-unread``).
    """
    for unread in found.unread:
        locked = "encrypt" in unread.reason or "password" in unread.reason
        raise Malformed(
            "label.channel-unread",
            f"expected a file that can be read to its end, but {unread.place}: {unread.reason}",
            hint="take the password off first"
            if locked
            else "get a whole copy of the file; a damaged one is not labelled, since a label may hide in what cannot be read",
        )
    return found


def all_of(source: BinaryIO) -> Splice:
    """Describe a copy of a file."""
    return (Keep(0, source.seek(0, io.SEEK_END)),)


def belonging(format_: Format, near: Beside) -> Beside:
    """Return what stands beside a file and has to go where it goes: XMP that is not its label's place is somebody's own."""
    return {suffix: data for suffix, data in near.items() if suffix == MANIFEST_SUFFIX or format_.sidecar}


def has_manifest(format_: Format, source: BinaryIO, near: Beside = NOTHING) -> bool:
    """Say whether a C2PA manifest stands in the file or beside it; a change of one byte would break it."""
    return MANIFEST_SUFFIX in near or any(c.channel is Channel.MANIFEST for c in format_.clues(source))


class Acting(Protocol):
    """A command that changes a file, as far as a manifest tells of it."""

    @property
    def name(self) -> str:
        """The file's name."""

    @property
    def system(self) -> System:
        """Who acts."""


def resigned(world: World, command: Acting, format_: Format, made: AigcLabel, source: BinaryIO, near: Beside) -> Signed | None:
    """Make the statement of the next manifest, if the file bears one: a new label would break it, so it becomes an ingredient.

    Raises:
        Refused: the one that is there does not hold, or stands elsewhere (``manifest.stands``).
    """
    outside = near.get(MANIFEST_SUFFIX)
    if not has_manifest(format_, source, near):
        return None
    there = world.manifests.read(source, format_.c2pa, io.BytesIO(outside) if outside is not None else None)
    if there and (problem := manifests.obstacle(there)):
        raise Refused(
            "manifest.stands",
            f"expected a manifest that holds, but {problem.message()}",
            hint="a new one would hide that; take the file as its signer made it",
        )
    now, title = world.clock.now(), PurePath(command.name).name
    said = command.system.statement(to_json(made), title=title, when=now, action=Action.EDITED_METADATA)
    return Signed(said, Parent(source, outside))


def write(  # noqa: PLR0913 - each is a part of one output
    world: World,
    format_: Format,
    made: AigcLabel,
    *,
    source: BinaryIO,
    sink: BinaryIO,
    near: Beside = NOTHING,
    signed: Signed | None = None,
) -> Written:
    """Write the label, then the manifest, and read the label back: nothing counts before the sink says the same.

    Raises:
        Refused, Malformed: the format has no room for it, or its structure cannot be kept.
        Unproven: something else came back (``label.read-back``).
    """
    text = to_json(made)
    is_beside = format_.sidecar and not format_.read(source).sites  # a label that stands in the file stays there
    outside: dict[str, bytes] = {beside.SUFFIX: beside.edited(near.get(beside.SUFFIX), text)} if is_beside else {}
    pieces = all_of(source) if is_beside else format_.splice(source, text)
    with world.files.scratch() as scratch:
        embeds = signed is not None and bool(format_.c2pa)
        labelled = scratch if embeds else sink
        world.files.splice(source, labelled, pieces)
        manifest = signed and world.manifests.sign(labelled, sink, format_.c2pa, signed.statement, signed.parent)
        if manifest:  # a file may be too large to bear it itself
            outside[MANIFEST_SUFFIX] = manifest
            if embeds:
                world.files.splice(labelled, sink, all_of(labelled))
    back = reading(format_, sink, outside)
    same = [s for s in back.sites if s.guide and read_site(s)[0].label == made]
    if len(same) != 1 or len(back.sites) != 1 or back.unread:
        raise Unproven(
            "label.read-back",
            f"expected the label back at {format_.place}, found {len(back.sites)} labels, {len(back.unread)} unread channels",
            hint="the output is discarded and the source untouched; please report the file's kind",
        )
    return Written(sink.seek(0, io.SEEK_END), outside, signed is not None, digests.of(sink, world.digesting))
