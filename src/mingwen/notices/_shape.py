"""What a member of the family ``notices`` is: how one medium carries a label that people perceive.

The contract: ``mark`` reads the content from ``source`` (binary, seekable), writes the same content with
the label into ``sink`` (binary, seekable, readable), in the same format ``format_name`` (a
``Format.name``), and says in one line what it drew. What a person put into the file's metadata (Exif,
ICC, XMP, tags, chapters) is still there. It raises ``Malformed`` for content it cannot decode
and ``Refused`` for content it can decode but not mark without harm (an encrypted track, a format
with no encoder); it touches nothing but the two streams. The other powers are optional: a field that is None
says that the medium has no such thing, and the services go on without.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from mingwen.domain.errors import Refused
from mingwen.domain.explicit import Heard, Read, Seen
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Style


@dataclass(frozen=True, slots=True)
class Notice:
    """The perceptible label of one medium."""

    medium: Medium
    clause: str
    """Which clause of GB 45438-2025 it follows: "§5.2"."""
    mark: Callable[[BinaryIO, BinaryIO, str, Style], str]
    """``(source, sink, format_name, style) → what was drawn``."""
    found: Callable[[BinaryIO], tuple[Moment, ...]] | None = None
    """The moments at which a file bears a label; None where that takes recognising pictures or sounds."""
    perceived: Callable[[BinaryIO, Read], Sequence[Seen | Heard]] | None = None
    """The labels in a file, measured; ``Read`` finds words in pictures. Raises ``Malformed`` for what cannot be looked at."""
    sheet: Callable[[BinaryIO], bytes] | None = None
    """A PNG that shows a file of this medium on one page; None where words do."""


def not_drawn(format_name: str, drawn: Iterable[str]) -> Refused:
    """Build the refusal of a member that cannot mark files of this format."""
    return Refused(
        "notice.format",
        f"expected one of {', '.join(drawn)} to draw an explicit label into, got {format_name}",
        hint="if it bears one already say so with --marked WORDS (marked=…); or convert it",
    )
