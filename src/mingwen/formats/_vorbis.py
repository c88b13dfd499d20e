"""Vorbis comments, the list of ``NAME=value`` in FLAC and Ogg: find the label, or set the field ``AIGC`` (TC260-PG-202510A).

Structure: Vorbis I specification §5; names are compared without regard to case (§5.2.1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mingwen.containers import stray
from mingwen.containers.edits import Edit
from mingwen.domain.errors import Malformed
from mingwen.domain.labels import mentions
from mingwen.formats._characters import guessed
from mingwen.formats._shape import MAX_CLUE_CHARS, Channel, Clue, Reading, Site, Wrapper

PLACE: Final = "Vorbis comment AIGC"
MAX_BYTES: Final = 8 << 20
"""Size of one list that is read; covers in it, as Base64, reach a few MB."""
MAX_FIELDS: Final = 10_000
EMPTY: Final = bytes(8)
"""A list without vendor and fields."""

_PICTURES: Final = frozenset({"METADATA_BLOCK_PICTURE", "COVERART"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it stands in the list."""

    start: int
    """Offset of its length."""
    stop: int
    name: str
    """As it is written; "" where there is no ``=``."""
    value: str
    """"" of pictures."""


@dataclass(frozen=True, slots=True)
class Comments:
    """A whole list within a block or packet."""

    vendor: str
    count_at: int
    """Offset of the number of fields."""
    fields: tuple[Field, ...]
    stop: int


def parse(data: bytes, start: int = 0) -> Comments:
    """Read the list that begins at ``start``.

    Raises:
        Malformed: a length points behind the data, or there are more than ``MAX_FIELDS`` (``vorbis.broken``).
    """
    vendor, count_at = _counted(data, start)
    count = _number(data, count_at)
    if count > MAX_FIELDS:
        raise _broken(f"expected at most {MAX_FIELDS} fields, it says {count}")
    fields: list[Field] = []
    at = count_at + 4
    for _ in range(count):
        raw, stop = _counted(data, at)
        fields.append(_field(raw, at, stop))
        at = stop
    return Comments(guessed(vendor), count_at, tuple(fields), at)


def read(data: bytes, start: int = 0) -> Reading:
    """Find every label in the list, whatever field holds it.

    Raises:
        Malformed: as ``parse``.
    """
    sites = tuple(site for field in parse(data, start).fields if (site := _site(field)))
    return Reading(sites, tuple(stray.unexplained(data, sites, "Vorbis comment")))


def edits(data: bytes, start: int, label: str) -> list[Edit]:
    """Return the edits that make ``label`` the first field, and the only one with a label; "" takes them all out.

    Raises:
        Malformed: as ``parse``.
    """
    comments = parse(data, start)
    drops = [Edit(f.start, f.stop, b"") for f in comments.fields if _site(f)]
    new = f"AIGC={label}".encode() if label else b""
    new = len(new).to_bytes(4, "little") + new if new else b""
    count = len(comments.fields) - len(drops) + bool(new)
    at = comments.count_at
    return [Edit(at, at + 4, count.to_bytes(4, "little") + new), *drops]


def clues(data: bytes, start: int = 0) -> Iterator[Clue]:
    """Yield the vendor, and the fields by their names in capitals.

    Raises:
        Malformed: as ``parse``.
    """
    comments = parse(data, start)
    yield Clue(Channel.TAG, "vendor", comments.vendor)
    for field in comments.fields:
        if field.value:
            yield Clue(Channel.TAG, field.name.upper(), field.value)


def _site(field: Field) -> Site | None:
    """Tell what the field holds; Annex E a asks for a name that contains AIGC."""
    name = field.name.upper()
    if name == "AIGC":
        return Site(PLACE, field.value, Wrapper.BARE, guide=True)
    if "AIGC" in name:
        return Site(f"Vorbis comment {field.name}", field.value, Wrapper.BARE, guide=False)
    place = f"Vorbis comment {field.name}".rstrip()
    return Site(place, field.value, Wrapper.WRAPPED, guide=False) if mentions(field.value) else None


def _field(raw: bytes, start: int, stop: int) -> Field:
    name, mark, value = raw.partition(b"=")
    if not mark:
        return Field(start, stop, "", guessed(raw))
    called = name[:MAX_CLUE_CHARS].decode("ascii", "replace")
    return Field(start, stop, called, "" if called.upper() in _PICTURES else guessed(value))


def _counted(data: bytes, at: int) -> tuple[bytes, int]:
    stop = at + 4 + _number(data, at)
    if stop > len(data):
        raise _broken(f"expected {stop} bytes of comments, found {len(data)}")
    return data[at + 4 : stop], stop


def _number(data: bytes, at: int) -> int:
    if at + 4 > len(data):
        raise _broken(f"expected a number at {at} of the comments, but they end at {len(data)}")
    return int.from_bytes(data[at : at + 4], "little")


def _broken(what: str) -> Malformed:
    return Malformed("vorbis.broken", what, hint="the comments are damaged; save them once with a tag editor")
