"""Marks that generators leave in files: one file a kind, found by name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import BinaryIO, Final

from mingwen.domain.clues import Clue
from mingwen.registry import members
from mingwen.traces._shape import MAX_WORDS_CHARS, Trace

__all__ = ["MAX_SEEN", "MAX_WORDS_CHARS", "Sighting", "Trace", "every", "search"]

MAX_SEARCHED_CHARS: Final = 1 << 20
"""Of all clues of a file together."""
MAX_SEEN: Final = 4
"""Sightings of one trace that are told."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One trace, and what was seen of it."""

    trace: Trace
    words: tuple[str, ...]
    """At least one; each names the place."""


@cache
def every() -> tuple[Trace, ...]:
    """Return all traces of this package, in the order of their files' names."""
    return members(__name__, Trace)


def search(clues: Iterable[Clue], source: BinaryIO, format_name: str) -> tuple[Sighting, ...]:
    """Look for every trace in a file: in the clues that its format gives, and in its picture.

    ``source`` is binary and seekable, and may be left at any position; ``format_name`` is a ``Format.name``.

    Raises:
        Malformed: what the clues raise while they are taken, and nothing else.
    """
    given = tuple(_within(clues))
    there = frozenset(clue.channel for clue in given)
    asked = (trace for trace in every() if trace.pixels or not there.isdisjoint(trace.channels))
    sightings = ((trace, _seen(trace, given, source, format_name)) for trace in asked)
    return tuple(Sighting(trace, words) for trace, words in sightings if words)


def _within(clues: Iterable[Clue]) -> Iterator[Clue]:
    """Yield clues until ``MAX_SEARCHED_CHARS`` of text have come; an honest file has far fewer."""
    left = MAX_SEARCHED_CHARS
    for clue in clues:
        if len(clue.text) > left:
            return
        left -= len(clue.text)
        yield clue


def _seen(trace: Trace, clues: tuple[Clue, ...], source: BinaryIO, format_name: str) -> tuple[str, ...]:
    asked = [c for c in clues if c.channel in trace.channels]
    words = list(islice(trace.find(asked), MAX_SEEN)) if asked else []
    if trace.pixels is not None:
        words += islice(trace.pixels(source, format_name), MAX_SEEN)
    return tuple(dict.fromkeys(words))
