"""ID3v2 tags at places that are not the guide's: before FLAC and raw AAC."""

from dataclasses import replace
from typing import BinaryIO, Final

from mingwen.containers.edits import Edit, size_of
from mingwen.domain.errors import Malformed
from mingwen.formats import _id3
from mingwen.formats._shape import Reading, Site, Unread

MAX_TAGS: Final = 16
"""Tags in a row at the file's beginning; two are seen."""


def leading(source: BinaryIO) -> tuple[_id3.Tag, ...]:
    """Return the tags at the file's beginning.

    Raises:
        Malformed: one cannot be stepped over (``id3.broken``).
    """
    found: list[_id3.Tag] = []
    size = size_of(source)
    while (tag := _id3.tag_at(source, found[-1].stop if found else 0, size)) is not None:
        found.append(tag)
        if len(found) > MAX_TAGS or tag.missing:
            what = f"expected at most {MAX_TAGS} ID3 tags, and whole ones, at the file's beginning"
            raise Malformed("id3.broken", what, hint="the file is cut off or damaged; get a whole copy")
    return tuple(found)


def behind(tags: tuple[_id3.Tag, ...]) -> int:
    """Return the offset behind the tags."""
    return tags[-1].stop if tags else 0


def read(source: BinaryIO, tags: tuple[_id3.Tag, ...]) -> Reading:
    """Find the labels in them."""
    sites: list[Site] = []
    unread: list[Unread] = []
    for tag in tags:
        labels, missed = _id3.labels(source, tag)
        sites += [replace(label.site, guide=False) for label in labels]
        unread += missed
    return Reading(tuple(sites), tuple(unread))


def without_labels(source: BinaryIO, tags: tuple[_id3.Tag, ...]) -> list[Edit]:
    """Return the edits that take the labels out of them; what follows does not move."""
    edits: list[Edit] = []
    for tag in tags:
        labels, _ = _id3.labels(source, tag)
        edits += _id3.edits(tag, labels, "") if labels else []
    return edits


def tail(source: BinaryIO, sound: int, *, most: int) -> tuple[int, int]:
    """Return where the last ``most`` bytes behind ``sound`` begin and end; ID3v1, too short for a label, is left out."""
    end = _id3.end_before_v1(source, floor=sound)
    return max(sound, end - most), end
