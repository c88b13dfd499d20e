"""What a member of the family ``formats`` is: where a label sits in one kind of file.

The contract of a member:

* ``claims`` looks at the first ``HEAD_BYTES`` of the file and at its name's suffix (lower case, with the
  dot, or ""). Exactly one member claims a given pair. Formats with a signature ignore the suffix.
* ``read`` finds every label site the format can hold, whoever wrote it. It reads headers, never the
  pixels, samples or packets. What it cannot read it reports as ``Unread`` and goes on, so that the
  caller can say *inconclusive* instead of *not found*. It raises ``Malformed`` only when the file is
  so broken that no structure can be followed at all.
* ``splice`` describes the output with exactly one label, at the guide's place; labels that stood
  elsewhere in the file go, everything else is a ``Keep``. It writes nothing. It raises ``Refused``
  where the format has no room, and ``Malformed`` where the structure cannot be kept.
* Both take a binary, seekable stream, may leave it at any position, and hold at most a few MiB,
  whatever the size of the file. Every count, size and depth they trust is bounded by a named constant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from mingwen.domain.media import Medium, Splice
from mingwen.domain.sites import Reading, Site, Unread, Wrapper

__all__ = ["HEAD_BYTES", "Format", "Reading", "Site", "Unread", "Wrapper"]

HEAD_BYTES = 4096
"""How much of a file's beginning a chooser is given."""


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
    read: Callable[[BinaryIO], Reading]
    splice: Callable[[BinaryIO, str], Splice]
    """``(source, bare seven-key JSON in ASCII) → the output``; wrapping is the member's business."""
