"""What a member of the family ``traces`` is: the mark that one kind of generator leaves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from mingwen.domain.clues import Channel, Clue


@dataclass(frozen=True, slots=True)
class Trace:
    """One mark."""

    name: str
    title_en: str
    title_zh: str
    source: str
    strong: bool
    find: Callable[[Sequence[Clue]], Iterator[str]]
    channels: frozenset[Channel] | None = None
    pixels: Callable[[BinaryIO, str], Iterator[str]] | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A trace that was found."""

    trace: Trace
    words: str
