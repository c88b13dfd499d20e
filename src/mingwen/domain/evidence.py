"""What happened, to what, when, by whom; and the shape in which every rule returns it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log; once saved it is never changed, but fields of it may be erased."""

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
    once: str = ""
    """Where it is not empty: what was saved before with the same text stands, and this is not saved."""


@dataclass(frozen=True, slots=True)
class Record:
    """An entry as it is kept: what the log shows of it, and what opens that (``proofs.leaves``)."""

    number: int
    """In the store, as ``mingwen log`` prints it."""
    position: int | None
    """In the log, from 0; None as long as it waits for one."""
    entry: Entry
    """What is left of it: erased fields are missing."""
    leaf: bytes
    salts: bytes
    """16 bytes for each field that is left, in order of names."""
    hidden: bytes
    """SHA-256 and SM3, 64 bytes, for each field that was erased."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a time-stamping authority said of a checkpoint (RFC 3161)."""

    authority: str
    """Its address, as it is configured."""
    token: bytes
    """TimeStampToken in DER."""
    at: datetime
    """The time in it."""


@dataclass(frozen=True, slots=True)
class Published:
    """A signed checkpoint and what others said of it."""

    size: int
    note: str
    """The signed note, cosignatures of witnesses included."""
    at: datetime
    """When it was signed, by our clock; only the time of others is evidence."""
    stamps: tuple[Stamp, ...] = ()
    attested: bool = False
    """Did a witness or an authority speak of it? Others may be forgotten once there is a newer one."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An order to keep what is recorded about a subject, for a dispute: it does not expire as long as the hold stands."""

    id: str
    subject: str
    reason: str
    by: str
    """Who placed it."""
    placed_at: datetime
