"""What a member of the family ``formats`` is: where a label sits in one kind of file.

A member has two parts: its head (``png.py``), which says what the format is and which files are of it, and its ``Body``
(``_png.py``, or a walker that several share), which is imported when a file of the format comes. The contract:

* ``claims`` looks at the first ``HEAD_BYTES`` of the file and at its name's suffix (lower case, with the
  dot, or ""). Exactly one member claims a given pair. Formats with a signature ignore the suffix.
* ``read`` finds every label site the format can hold, whoever wrote it. It reads headers, never the
  pixels, samples or packets. What it cannot read it reports as ``Unread`` and goes on, so that the
  caller can say *inconclusive* instead of *not found*. It raises ``Malformed`` only when the file is
  so broken that no structure can be followed at all.
* ``splice`` describes the output with exactly one label, at the guide's place; labels that stood
  elsewhere in the file go, everything else is a ``Keep``. It writes nothing. It raises ``Refused``
  where the format has no room, and ``Malformed`` where the structure cannot be kept.
* ``clues`` yields what else the file says of its making, for the family ``traces``; what cannot be read is left out, and
  nothing is raised but what ``read`` raises too. At most ``MAX_CLUES``, each of at most ``MAX_CLUE_CHARS``.
* All take a binary, seekable stream, may leave it at any position, and hold at most a few MiB,
  whatever the size of the file. Every count, size and depth they trust is bounded by a named constant.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from mingwen.domain.clues import MAX_CLUE_CHARS, MAX_CLUES, Channel, Clue
from mingwen.domain.media import Medium, Splice
from mingwen.domain.sites import Reading, Site, Unread, Wrapper

__all__ = [
    "BESIDE_PLACE",
    "HEAD_BYTES",
    "MAX_CLUES",
    "MAX_CLUE_CHARS",
    "XMP_PLACE",
    "Alternative",
    "Body",
    "Channel",
    "Clue",
    "Format",
    "Reading",
    "Site",
    "Unread",
    "Wrapper",
]

HEAD_BYTES: Final = 4096
"""How much of a file's beginning a chooser is given."""
XMP_PLACE: Final = "XMP TC260:AIGC"
"""The place in an XMP packet that is the format's own."""
BESIDE_PLACE: Final = f"{XMP_PLACE} beside the file"
"""The place in an XMP file that stands beside the file itself."""


class Body(Protocol):
    """What reads and writes files of a format: a module with these functions. See the contract above."""

    def read(self, source: BinaryIO) -> Reading:
        """Find every label."""

    def splice(self, source: BinaryIO, label: str) -> Splice:
        """Describe the output with ``label``, the bare seven-key JSON in ASCII; wrapping is the body's business."""

    def clues(self, source: BinaryIO) -> Iterable[Clue]:
        """Yield what else the file says of its making."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another place for the label, where no guide names one: the setting ``places`` chooses it."""

    name: str
    """What the setting says: ``aigc-metadata`` in ``places = ["html=aigc-metadata"]``."""
    place: str
    """The ``Site.place`` that a reading shows of it."""
    source: str
    splice: Callable[[BinaryIO, str], Splice]


@dataclass(frozen=True, slots=True)
class Format:
    """One file format."""

    name: str
    """Stable, lower case: ``png``; what ``--json`` prints as ``format``."""
    mime: str
    suffixes: tuple[str, ...]
    """Lower case, with the dot; the first is the usual one."""
    place: str
    """Where ``splice`` puts the label: the ``Site.place`` that a reading of its output shows."""
    source: str
    """The clause that names the place, and how sure it is: "TC260-PG-20259A (A)"."""
    claims: Callable[[bytes, str], bool]
    medium: Callable[[BinaryIO], Medium]
    """What the file holds; ISO media files must be looked into to tell audio from video."""
    body: Callable[[], Body]
    """Import and return the body: of thirty formats, a run needs one."""
    c2pa: str = ""
    """The media type under which a C2PA manifest can stand in the file itself; empty where it needs a file beside it."""
    alternatives: tuple[Alternative, ...] = ()
    sidecar: bool = False
    """Has the file no room for a label, so that it stands in an XMP file beside it?"""

    def read(self, source: BinaryIO) -> Reading:
        """Find every label in the file."""
        return self.body().read(source)

    def splice(self, source: BinaryIO, label: str) -> Splice:
        """Describe the file with ``label`` and no other."""
        return self.body().splice(source, label)

    def clues(self, source: BinaryIO) -> Iterable[Clue]:
        """Yield what else the file says of its making."""
        return self.body().clues(source)
