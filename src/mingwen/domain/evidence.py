"""What happened, to what, when, by whom; and the shape in which every rule returns it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log; never changed once saved."""

    kind: str
    """``label.produced``, ``label.propagated``, ``verdict.given``."""
    subject: str
    """What it is about: a ProduceID, or a file's name where there is none."""
    by: str
    """Who acted: a provider code or name."""
    at: datetime
    """UTC."""
    detail: Mapping[str, object] = field(default_factory=dict)
    """What else is to be known; JSON values only."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[S]):
    """A new state and the entries that tell how it came about; saved in one transaction."""

    state: S
    entries: tuple[Entry, ...]
