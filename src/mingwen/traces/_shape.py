"""What a member of the family ``traces`` is: one mark by which a generator, or who used it, shows in a file.

A trace is a hint, not a label: who spreads a work in which one is found says that it is *suspected* to be generated
(Measures Art. 6 (3)), never that it is. The contract:

* ``find`` is given the clues of its ``channels`` and yields what it saw, in words that name the place, each of at most
  ``MAX_WORDS_CHARS``. It raises nothing, whatever the clues hold, and takes time linear in them.
* ``pixels`` looks where no clue comes from: into the picture itself, as little of it as it needs.
* What a person may write about AI, or what an editor of photographs leaves, is no trace.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.domain.clues import Channel, Clue

MAX_WORDS_CHARS: Final = 120
"""Of one sighting's words."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One mark of a generator."""

    name: str
    """Stable, lower case: the name of its file, with hyphens."""
    title_en: str
    title_zh: str
    source: str
    """Where its form is documented or was seen, and how sure it is: A primary, B secondary, F seen in files, M memory."""
    strong: bool
    """Does it say by itself, in a published vocabulary, that the whole work was generated? All others hint at it."""
    channels: frozenset[Channel]
    """Where it can stand; empty where only the picture shows it."""
    find: Callable[[Sequence[Clue]], Iterator[str]]
    pixels: Callable[[BinaryIO, str], Iterator[str]] | None = None
    """``(source, format_name) → words``; None where clues are enough."""
