"""What several services do with a file: choose its format, read its labels, write one and read it back."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, Final, TypeAlias

from mingwen import formats
from mingwen.domain.errors import Malformed, Unproven
from mingwen.domain.labels import AigcLabel, to_json
from mingwen.domain.media import Keep, Splice
from mingwen.domain.sites import Reading
from mingwen.domain.verdicts import read_site
from mingwen.formats import HEAD_BYTES, Format, beside
from mingwen.ports import World

Beside: TypeAlias = Mapping[str, bytes]
"""What stands beside a file under its name and a suffix: ``{".xmp": …}``."""
NOTHING: Final[Beside] = {}


@dataclass(frozen=True, slots=True)
class Written:
    """An output that was read back."""

    size_bytes: int
    beside: Beside
    """What has to stand beside it."""


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
    """Find the labels in a file, and beside it where they may stand there."""
    inside = format_.read(source)
    packet = near.get(beside.SUFFIX) if format_.sidecar else None
    if packet is None:
        return inside
    outside = beside.read(packet)
    return Reading((*inside.sites, *outside.sites), (*inside.unread, *outside.unread))


def whole(found: Reading) -> Reading:
    """Go on only if every channel could be read: a label may hide in one that could not.

    Raises:
        Malformed: one could not (``label.channel-unread``).
    """
    for unread in found.unread:
        raise Malformed(
            "label.channel-unread",
            f"expected a file that can be read to its end, but {unread.place}: {unread.reason}",
            hint="get a whole copy of the file; a damaged one is not labelled, since a label may hide in what cannot be read",
        )
    return found


def all_of(source: BinaryIO) -> Splice:
    """Describe a copy of a file."""
    return (Keep(0, source.seek(0, io.SEEK_END)),)


def write(world: World, format_: Format, made: AigcLabel, *, source: BinaryIO, sink: BinaryIO, near: Beside = NOTHING) -> Written:
    """Write the label, and read it back: nothing counts before the sink says the same.

    Raises:
        Refused, Malformed: the format has no room for it, or its structure cannot be kept.
        Unproven: something else came back (``label.read-back``).
    """
    text = to_json(made)
    if format_.sidecar:
        outside: Beside = {beside.SUFFIX: beside.edited(near.get(beside.SUFFIX), text)}
        size = world.files.splice(source, sink, all_of(source))
    else:
        outside = NOTHING
        size = world.files.splice(source, sink, format_.splice(source, text))
    back = reading(format_, sink, outside)
    same = [s for s in back.sites if s.guide and read_site(s)[0].label == made]
    if len(same) != 1 or len(back.sites) != 1 or back.unread:
        raise Unproven(
            "label.read-back",
            f"expected the label back at {format_.place}, found {len(back.sites)} labels, {len(back.unread)} unread channels",
            hint="the output is discarded and the source untouched; please report the file's kind",
        )
    return Written(size, outside)
