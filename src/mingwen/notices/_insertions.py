"""Where the label goes between a sound's packets, and what that does to the times behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from mingwen.containers.edits import copied


@dataclass(frozen=True, slots=True)
class Insertion:
    """One label in a file."""

    at: int
    """Offset in the content's file."""
    frame: int
    """How many of the content's frames stand before it."""
    frames: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(map(len, self.frames))


def joined(source: BinaryIO, start: int, stop: int, insertions: Sequence[Insertion]) -> Iterator[bytes]:
    """Yield the file from ``start`` to ``stop`` with the labels at their places, in pieces of constant size."""
    for insertion in insertions:
        yield from copied(source, start, insertion.at)
        yield b"".join(insertion.frames)
        start = insertion.at
    yield from copied(source, start, stop)


def later(seconds: float, labels: Sequence[tuple[float, float]]) -> float:
    """Return when is heard what was heard at ``seconds``, given where labels were put in and how long they are.

    What begins where a label is put in begins with the label: a first chapter still begins at 0.
    """
    return seconds + sum(length for at, length in labels if at < seconds)
