"""What a member of the family ``streams`` is: how one kind of live stream bears its label while it passes.

The contract: ``labeller`` gives a fresh one for one stream. ``feed`` takes a chunk as it comes and returns what goes on in its
place, without waiting for the next; ``end`` returns what is still to be sent. The first event and the last bear the metadata
label, and the text in them the explicit one; every other chunk goes on as the object it was. Nothing is sent that the
receiver of the unlabelled stream could not take: extra events have the shape of the others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Mark:
    """What is put into a stream."""

    label: Mapping[str, object]
    """The object of GB 45438-2025 Annex E."""
    opening: str
    """The explicit label before the text, "" for none (§5.1)."""
    closing: str
    """The one behind it, "" for none."""
    text: tuple[str, ...] = ()
    """Where the text stands in each event, as names of members; empty for the shapes that are known."""


class Labeller(Protocol):
    """Labels one stream."""

    def feed(self, chunk: object) -> list[object]:
        """Return what is sent for a chunk.

        Raises:
            Malformed: an event has no end (``stream.event``).
            Refused: an object takes no label (``stream.object``).
        """

    def end(self) -> list[object]:
        """Return what is sent behind the last chunk."""

    def require(self) -> None:
        """Raise if the stream is over and what was sent lacks the explicit label.

        Raises:
            Refused: no event had a text (``stream.no-text``).
        """


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of stream."""

    name: str
    claims: Callable[[object], bool]
    """Is this, the first chunk that is not empty, one of its kind? At most one kind says so."""
    labeller: Callable[[Mark], Labeller]
