"""The evidence bundle: one file that shows what was recorded of some acts (docs/reference/evidence-bundle.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mingwen.domain.evidence import Published


@dataclass(frozen=True, slots=True)
class Bound:
    """A time that others attest."""

    at: datetime
    """UTC."""
    by: str
    """The name of a witness, or the address of a time-stamping authority."""
    size: int
    """Of the checkpoint they spoke of."""


@dataclass(frozen=True, slots=True)
class Act:
    """An entry as a bundle shows it."""

    index: int
    """In the log, from 0."""
    at: datetime
    """By the log's own clock, UTC."""
    kind: str
    fields: Mapping[str, object]
    """What is disclosed, ``subject`` and ``by`` included."""
    hidden: int
    """How many fields are kept back, or were erased."""
    leaf: bytes
    after: Bound | None = None
    """The last time at which others say that it was not in the log."""
    before: Bound | None = None
    """The first time at which others say that it was."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label as it stood in the content."""

    place: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """What was known of a file."""

    name: str
    size_bytes: int
    sha256: str | None
    """Hexadecimal, like ``sm3``."""
    sm3: str | None
    iscc: str | None
    """A fingerprint by ISO 24138."""
    labels: tuple[Label, ...]
    entry: int
    """The index of the entry that tells of it."""
    bound: bool = False
    """Does that entry disclose the digest of these very bytes?"""


@dataclass(frozen=True, slots=True)
class Handover:
    """Who had it, and when: a claim of the exporter."""

    at: datetime
    by: str
    what: str


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint, and who else spoke of it."""

    published: Published
    cosigned: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """All that a bundle shows: what reports are made from."""

    created: datetime
    """By the exporter's clock: a claim."""
    origin: str
    keys: tuple[str, ...]
    """Verifier keys of the log, then of its witnesses."""
    acts: tuple[Act, ...]
    """By index."""
    heads: tuple[Head, ...]
    """By size."""
    content: Content | None
    custody: tuple[Handover, ...]
    environment: Mapping[str, str]
