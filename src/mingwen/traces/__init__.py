"""Marks that generators leave: one file a mark, found by name."""

from collections.abc import Sequence
from functools import cache
from typing import BinaryIO

from mingwen.domain.clues import Clue
from mingwen.registry import members
from mingwen.traces._shape import Sighting, Trace

__all__ = ["Sighting", "Trace", "every", "search"]


@cache
def every() -> tuple[Trace, ...]:
    """Return all traces, in the order of their names."""
    return members(__name__, Trace)


def search(clues: Sequence[Clue], source: BinaryIO, format_name: str) -> tuple[Sighting, ...]:
    """Return what is found."""
    return tuple(Sighting(t, w) for t in every() for w in t.find(clues))
