"""What a file says of its making besides a label: the texts that the traces of generators are searched in."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_CLUES: Final = 256
"""Of one file; what comes after is left out."""
MAX_CLUE_CHARS: Final = 64 << 10
"""Of one clue; a longer text is cut, for what tells of a generator stands at its beginning."""


class Channel(StrEnum):
    """Where a clue was found, so that a trace asks only what it knows."""

    TEXT = "text"
    """A named text of a picture: PNG's text chunks, GIF and JPEG comments (named ``comment``)."""
    EXIF = "exif"
    """An Exif tag by its English name: ``Software``, ``UserComment``, ``ImageDescription``, ``Artist``, ``Make``, …"""
    XMP = "xmp"
    """A whole XMP packet; its name is the place it stood at."""
    IPTC = "iptc"
    """An IPTC-IIM dataset, named by its numbers: ``2:110``."""
    MANIFEST = "manifest"
    """A C2PA manifest store (JUMBF); the text is its bytes as Latin-1, whose CBOR strings can be searched."""
    TAG = "tag"
    """A tag of sound, film or document by the container's own name: ``TSSE``, ``©too``, ``ENCODER``, ``WritingApp``, …"""
    BODY = "body"
    """What a reader of a text or document sees, its beginning and its end; the name says which."""
    PRIVATE = "private"
    """Text in a segment, box or chunk of a vendor's own; named by its identifier."""


@dataclass(frozen=True, slots=True)
class Clue:
    """One text, and where it stood."""

    channel: Channel
    name: str
    text: str
