"""Everything outside, as small protocols, and the World, which holds one of each."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

from mingwen.domain.contents import Content
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.manifests import Manifest, Statement
from mingwen.domain.media import Medium, Splice


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""


class Ids(Protocol):
    """Chance, where it makes numbers nobody else has."""

    def fresh(self) -> str:
        """Return a number that was never given before, fit for ProduceID (Annex E e suggests a UUID)."""


class Store(Protocol):
    """What is kept. Each ``save`` is one transaction: all of it is there afterwards, durably, or none."""

    def save(self, outcomes: Sequence[Outcome[Content] | Outcome[None]]) -> None:
        """Keep states and entries. A key that was saved before changes nothing: the first stands."""

    def find(self, key: str) -> Content | None:
        """Return what was saved under an idempotency key."""

    def entries(self, *, kind: str | None = None, subject: str | None = None, limit: int = 100) -> Iterable[tuple[int, Entry]]:
        """Return the newest entries first, each with its number in the log."""

    def close(self) -> None:
        """Let go of files and connections."""


class Signer(Protocol):
    """A key that signs labels; the key itself stays on the other side."""

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature, SM2 over ``message`` with the default user id."""

    @property
    def spki_der(self) -> bytes:
        """The public key as SubjectPublicKeyInfo."""

    @property
    def certificate(self) -> bytes | None:
        """The certificate in DER, where there is one."""


class Verifier(Protocol):
    """The check of one signature."""

    def __call__(self, point: bytes, message: bytes, signature: bytes) -> bool:
        """Say whether the DER ``signature`` over ``message`` is that of the 65-byte public ``point``."""


class Files(Protocol):
    """Bytes on a disk, or wherever files live."""

    def splice(self, source: BinaryIO, sink: BinaryIO, pieces: Splice) -> int:
        """Write a splice into ``sink`` from its present position; return the number of bytes."""

    def scratch(self) -> AbstractContextManager[BinaryIO]:
        """Give an empty file without a name, gone when the context ends."""


class Recogniser(Protocol):
    """Words on pictures."""

    def words(self, source: BinaryIO, medium: Medium) -> Sequence[str] | None:
        """Return the lines of text that can be read from a picture, or the first one of a film; None if it cannot be seen."""


class Voice(Protocol):
    """Words as sound."""

    def say(self, words: str) -> bytes:
        """Return a WAV in which the words are said at normal speed (GB 45438-2025 §5.3 e), in their language."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A file as it came, that another was made from."""

    source: BinaryIO
    beside: bytes | None = None
    """The manifest that stood beside it."""


class Manifests(Protocol):
    """C2PA manifests in and beside files."""

    def read(self, source: BinaryIO, mime: str, beside: BinaryIO | None) -> Manifest | None:
        """Find and validate a file's manifest; ``beside`` is its ``.c2pa`` file. Nothing is raised for a bad one.

        ``mime`` is the media type under which a manifest can stand in the file itself; empty where none can.
        """

    def sign(self, source: BinaryIO, sink: BinaryIO, mime: str, statement: Statement, parent: Parent | None) -> bytes | None:
        """Write ``source`` with a manifest in it into ``sink``, which can be read too, and return None.

        Where ``mime`` is empty, or the file too large to embed in, write nothing and return the manifest for a file beside, bound
        to every byte of ``source``.
        A manifest that ``source`` holds gives way. ``parent`` is the file that a platform was given; with a manifest of its own
        it brings that along as ingredient. ``Action.CREATED`` goes without a parent, every other action with one.
        """


@dataclass(frozen=True, slots=True)
class World:
    """One of each: whoever acts gets it first."""

    clock: Clock
    ids: Ids
    files: Files
    store: Store
    verify_signature: Verifier
    manifests: Manifests
    signer: Signer | None = None
    pinned: frozenset[str] = field(default_factory=frozenset)
    """Fingerprints of the keys that are trusted."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Where the label goes in formats for which no guide names a place: format → choice."""
    recognise: Recogniser | None = None
    """Reads words from pictures, where one is configured."""
