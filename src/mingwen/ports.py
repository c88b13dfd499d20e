"""Everything outside, as small protocols, and the World, which holds one of each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Protocol

from mingwen.domain.contents import Content
from mingwen.domain.digests import Digesting
from mingwen.domain.evidence import Entry, Hold, Outcome, Published, Record, Stamp
from mingwen.domain.explicit import Words
from mingwen.domain.manifests import Manifest, Statement
from mingwen.domain.media import Medium, Splice
from mingwen.domain.notices import Box

if TYPE_CHECKING:  # the hot path of every command builds no keys of logs
    from mingwen.proofs.notes import Key, Signature


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

    def lines(self, pixels: bytes, width: int, height: int) -> Sequence[Words]:
        """Return the lines that can be read from R′G′B′ pixels of 8 bits, row by row, each with its box."""


class FaceFinder(Protocol):
    """Faces in pictures; what ``Style.faces`` takes."""

    def __call__(self, pixels: bytes, width: int, height: int) -> Sequence[Box]:
        """Return the boxes of faces; ``pixels`` are R′G′B′ of 8 bits each, row by row, upright."""


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
    digesting: Digesting = field(default_factory=Digesting)
    """Which files' digests go into the log."""


class Ledger(Protocol):
    """The entries of a store as a log: in one order, for good. The same database as ``Store``."""

    def sequence(self, most: int) -> int:
        """Give up to ``most`` waiting entries the next positions, in one transaction; return how many entries have one now."""

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """Return the leaves at the positions from ``start`` up to ``end``; fewer where there are fewer."""

    def records(
        self,
        *,
        number: int | None = None,
        subject: str | None = None,
        kind: str | None = None,
        start: int | None = None,
        before: datetime | None = None,
        limit: int = 1000,
    ) -> Sequence[Record]:
        """Return the records that pass every filter, in order of their numbers; with ``start``, in order of positions from there.

        ``before`` passes those that are older and of which something is left to erase.
        """

    def erase(self, numbers: Sequence[int], names: Sequence[str] | None, outcome: Outcome[None]) -> bool:
        """Erase these fields of entries, or all, leaving their digests; save ``outcome`` in the same transaction.

        The same fields vanish from the contents that the entries tell of. Return whether anything was there to erase.

        Raises:
            Refused: a hold covers one of them (``retention.held``); then nothing is erased.
        """

    def follow(self, number: int, outcome: Outcome[None]) -> bool:
        """Save an outcome of one entry if no other came after the entry ``number`` about the same subject; say whether it did.

        Of several who follow the same entry at once, one does.
        """


class Archive(Protocol):
    """The checkpoints that were signed. The same database as ``Store``."""

    def publish(self, size: int, note: str, at: datetime) -> None:
        """Keep a signed checkpoint, or add signatures to it; an older one of which nobody else spoke may go.

        Raises:
            Unproven: another checkpoint of this size was kept (``checkpoint.forked``).
        """

    def attest(self, size: int, *, note: str | None = None, stamp: Stamp | None = None) -> None:
        """Add what a witness (``note`` with its signatures) or an authority said of the checkpoint of this size.

        Raises:
            Misused: there is none of this size (``checkpoint.unknown``).
            Unproven: the note is about another checkpoint (``checkpoint.forked``).
        """

    def newest(self, *, most: int | None = None, attested: bool = False, stamped: bool = False) -> Published | None:
        """Return the largest checkpoint of at most this size, of all, of the attested ones, or of those with a time stamp."""

    def oldest(self, *, least: int, attested: bool = False, stamped: bool = False) -> Published | None:
        """Return the smallest checkpoint of at least this size, of all, of the attested ones, or of those with a time stamp."""


class Holds(Protocol):
    """What must not expire. The same database as ``Store``; each change is one transaction with the entries that tell of it."""

    def place(self, hold: Hold, outcome: Outcome[None]) -> None:
        """Keep a hold. An id that was placed before changes nothing: the first stands."""

    def release(self, id: str, at: datetime, outcome: Outcome[None]) -> None:  # noqa: A002 - as Hold has it
        """End a hold. One that was released before stays as it is.

        Raises:
            Misused: there is none of this id (``hold.unknown``).
        """

    def active(self) -> Sequence[Hold]:
        """Return the holds that were not released, oldest first."""


class Objects(Protocol):
    """Named bytes that the world may read: a folder, or a bucket."""

    def read(self, name: str) -> bytes | None:
        """Return what stands there; None where nothing does."""

    def write(self, files: Mapping[str, bytes]) -> None:
        """Put them there, each whole or not at all, all of them durably when this returns; what stood there gives way."""

    def names(self, prefix: str) -> Iterable[str]:
        """Return the names that begin so, in any order."""

    def remove(self, name: str) -> None:
        """Take away what stands there, if anything does."""


class Head(Protocol):
    """The last checkpoint before it is signed, in a second place: whoever loses the first cannot fork the log by mistake."""

    def read(self) -> bytes | None:
        """Return what stands there; None at the very beginning."""

    def swap(self, old: bytes | None, new: bytes) -> bool:
        """Put ``new`` in place of ``old``, durably, if ``old`` still stands there; say whether it did."""


class NoteSigner(Protocol):
    """A key that signs notes; the key itself stays on the other side."""

    @property
    def key(self) -> "Key":
        """The public key, with its name."""

    def sign(self, note_text: str, at: int) -> "Signature":
        """Sign a note; ``at`` is the time in seconds since 1970, which kinds without a time leave out."""


class Witness(Protocol):
    """Somebody else who watches that our log only grows (c2sp.org/tlog-witness)."""

    @property
    def name(self) -> str:
        """Its name, for messages."""

    def cosign(self, old: int, proof: Sequence[bytes], note: str) -> "int | Sequence[Signature]":
        """Return the signatures over ``note``; or the size that the witness has seen last, if that is not ``old``.

        Raises:
            Unavailable, Unproven: it cannot be reached, or it says no (``witness.*``).
        """


class Seen(Protocol):
    """The last checkpoint that was seen of each log, by origin, where many threads and processes may look and write."""

    def read(self, origin: str) -> str | None:
        """Return the signed note; None if none was seen yet."""

    def swap(self, origin: str, old: str | None, new: str) -> bool:
        """Put ``new`` in place of ``old``, durably, if ``old`` still stands there; say whether it did."""

    def close(self) -> None:
        """Let go of the file."""


class RemoteLog(Protocol):
    """The files of somebody's log (c2sp.org/tlog-tiles)."""

    @property
    def name(self) -> str:
        """Where it is, for messages."""

    def read(self, name: str) -> bytes | None:
        """Return what stands there; None where nothing does.

        Raises:
            Unavailable: it cannot be reached, or sends too much (``remote.*``).
        """


class Authority(Protocol):
    """A time-stamping authority (RFC 3161)."""

    @property
    def name(self) -> str:
        """Its address, for messages."""

    def stamp(self, data: bytes) -> Stamp:
        """Return a time stamp over ``data``, checked but for whom its certificates come from.

        Raises:
            Unavailable, Malformed, Unproven: it cannot be reached or says no, or what it sent does not hold (``stamp.*``).
        """


@dataclass(frozen=True, slots=True)
class RecordWorld:
    """One of each for whoever records acts, and keeps or erases what was recorded; all but the first two are one database."""

    clock: Clock
    ids: Ids
    store: Store
    ledger: Ledger
    holds: Holds


@dataclass(frozen=True, slots=True)
class LogWorld:
    """One of each for whoever keeps the log."""

    clock: Clock
    ids: Ids
    store: Store
    ledger: Ledger
    archive: Archive
    objects: Objects
    head: Head
    origin: str
    """The log's name, the first line of its checkpoints."""
    signers: Sequence[NoteSigner]
    """The first is Ed25519, as tlog-tiles asks for; then others by configuration."""
    witnesses: Sequence[Witness] = ()
    authorities: Sequence[Authority] = ()
    watchers: "Sequence[Key]" = ()
    """The keys of the witnesses."""
    close: Callable[[], None] = lambda: None
    """Lets go of files and connections."""


@dataclass(frozen=True, slots=True)
class WitnessWorld:
    """One of each for whoever watches that the logs of others only grow, and says so."""

    clock: Clock
    seen: Seen
    signers: Sequence[NoteSigner]
    """Cosigners of one name: Ed25519, ML-DSA-44, or both."""
    logs: "Mapping[str, Sequence[Key]]"
    """The keys that are trusted, by the origin of the log."""


@dataclass(frozen=True, slots=True)
class MonitorWorld:
    """One of each for whoever looks at somebody's log again and again."""

    clock: Clock
    log: RemoteLog
    seen: Seen
