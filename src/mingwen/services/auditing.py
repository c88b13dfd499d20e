"""Reading everything again: entries, tree, checkpoints, tiles; what is wrong is named with its place.

An audit trusts only keys. It may run beside publishers: what they add meanwhile is not looked at, and is not taken for wrong.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import Final

from mingwen.domain.errors import Malformed, MingwenError
from mingwen.domain.evidence import Published, Record
from mingwen.domain.log_faults import Fault, fault
from mingwen.ports import LogWorld
from mingwen.proofs import leaves, notes, rfc3161, tiles
from mingwen.proofs.notes import Checkpoint
from mingwen.proofs.tiles import Frontier
from mingwen.services._log import CHECKPOINT, put_in_order

BATCH: Final = 1000
"""So many records are read at a time."""
HEAD: Final = "head"
"""The place of faults in the second place."""
_PARTIAL: Final = ".p/"


def size(world: LogWorld) -> int:
    """Return how many entries there are; those that waited have their places now, so that none is passed over.

    Raises:
        Unavailable: the store cannot be written.
    """
    return put_in_order(world.ledger)


def audit(world: LogWorld, tick: Callable[[], None]) -> Iterator[Fault]:
    """Yield what is wrong; ``tick`` is called after each ``BATCH`` of entries.

    Raises:
        Unavailable: the store, the objects or the second place cannot be read.
    """
    # In this order: what is read later is never behind what was read before, even while a publisher is at work.
    newest, head, shown = world.archive.newest(), world.head.read(), world.objects.read(CHECKPOINT)
    walk = _Walk(world, tick, newest.size if newest else 0)
    claims = list[_Claim]()
    for place, data in ((HEAD, head), (CHECKPOINT, shown)):
        yield from _shown(world, place, data, newest, claims)
    for claim in merge(sorted(claims, key=_size), _kept(world, walk.published), key=_size):
        yield from claim.faults
        yield from walk.to(claim.checkpoint.size)
        yield from _compared(world, claim, walk.frontier)
        if claim.place == f"checkpoint {walk.published}":
            yield from walk.served()
    yield from walk.to(None)
    yield from walk.rest()


@dataclass(frozen=True, slots=True)
class _Claim:
    """What somebody says of the tree at one size."""

    place: str
    checkpoint: Checkpoint
    faults: tuple[Fault, ...] = ()


def _size(claim: _Claim) -> int:
    return claim.checkpoint.size


def _shown(world: LogWorld, place: str, data: bytes | None, newest: Published | None, claims: list[_Claim]) -> Iterator[Fault]:
    """Look at what stands in the second place, or as the object ``checkpoint``, and note what it claims."""
    if data is None:
        if newest:
            yield fault("checkpoint.missing", place)
        return
    try:
        note = notes.parse(data if place == CHECKPOINT else data + b"\n" + _NO_SIGNATURE)
        checkpoint = notes.parse_checkpoint(note.text)
    except Malformed as e:
        yield fault("checkpoint.malformed", place, reason=e.message)
        return
    if place == CHECKPOINT:
        yield from _signatures(world, place, note)
    if newest and checkpoint.size < newest.size:
        yield fault("checkpoint.old", place, size=checkpoint.size, newest=newest.size)
    claims.append(_Claim(place, checkpoint))


_NO_SIGNATURE: Final = str(notes.Signature("none", bytes(notes.ID_BYTES), b"\0")).encode()
"""Makes a note of a checkpoint that nobody signed yet."""


def _kept(world: LogWorld, most: int) -> Iterator[_Claim]:
    """Return the checkpoints that were signed, smallest first."""
    least = 0
    while (published := world.archive.oldest(least=least)) and published.size <= most:
        place = f"checkpoint {published.size}"
        try:
            note = notes.parse(published.note.encode())
            checkpoint = notes.parse_checkpoint(note.text)
        except Malformed as e:
            nobody = Checkpoint(world.origin, published.size, b"")
            yield _Claim(place, nobody, (fault("checkpoint.malformed", place, reason=e.message),))
        else:
            yield _Claim(place, checkpoint, (*_signatures(world, place, note), *_stamps(published, place, checkpoint)))
        least = published.size + 1


def _signatures(world: LogWorld, place: str, note: notes.Note) -> Iterator[Fault]:
    """Check the signatures of the log, whose first key has to have signed, and of the witnesses."""
    for number, signer in enumerate(world.signers):
        try:
            if not notes.check(note, signer.key) and number == 0:
                yield fault("checkpoint.unsigned", place, key=signer.key)
        except Malformed:
            yield fault("checkpoint.signature", place, key=signer.key)
    for key in world.watchers:
        try:
            notes.check(note, key)
        except Malformed:
            yield fault("witness.signature", place, key=key)


def _stamps(published: Published, place: str, checkpoint: Checkpoint) -> Iterator[Fault]:
    """Check the time stamps on a checkpoint; whom they lead to is for a reader of evidence to know."""
    for stamp in published.stamps:
        try:
            rfc3161.verify(stamp.token, checkpoint.text.encode())
        except MingwenError as e:
            yield fault("stamp.broken", place, authority=stamp.authority, reason=e.message)


def _compared(world: LogWorld, claim: _Claim, frontier: Frontier) -> Iterator[Fault]:
    """Compare a claim with the tree of the leaves in the store."""
    checkpoint = claim.checkpoint
    if checkpoint.origin != world.origin:
        yield fault("log.origin", claim.place, found=checkpoint.origin)
    elif checkpoint.size > frontier.size:
        yield fault("log.rollback", claim.place, size=checkpoint.size, found=frontier.size)
    elif checkpoint.root != frontier.root and checkpoint.root:
        yield fault("log.fork", claim.place)


@dataclass(slots=True)
class _Walk:
    """The way along the leaves, from the first to the last, with the tree that grows on it and the files beside it."""

    world: LogWorld
    tick: Callable[[], None]
    published: int
    """Files of a tree of this size have to be there; of the entries after it they may."""
    frontier: Frontier = field(default_factory=Frontier)
    ended: bool = False
    """There is nothing more to read, or no sense in it."""
    listed: dict[str, list[str]] = field(init=False)
    """Names that nobody looked at yet: partial files are with the full one they are the beginning of."""

    def __post_init__(self) -> None:
        self.listed = defaultdict(list)
        for name in self.world.objects.names(""):
            self.listed[name.partition(_PARTIAL)[0]].append(name)
        self.listed.pop(CHECKPOINT, None)

    def to(self, size: int | None) -> Iterator[Fault]:
        """Go to where the tree has ``size`` leaves, or to the end."""
        while not self.ended and (size is None or self.frontier.size < size):
            start = self.frontier.size
            most = BATCH if size is None else min(BATCH, size - start)
            records = self.world.ledger.records(start=start, limit=most)
            yield from self._read(records)
            self.ended |= len(records) < most
            self.tick()

    def _read(self, records: Iterable[Record]) -> Iterator[Fault]:
        good, expected = list[bytes](), self.frontier.size
        for record in records:
            if record.position != expected:
                yield fault("log.gap", f"entry {record.number}", expected=expected, found=record.position)
                self.ended = True
                break
            if not leaves.opens(record):
                yield fault("entry.changed", f"entry {record.number}")
            good.append(record.leaf)
            expected += 1
        self.frontier, full = self.frontier.grown(good)
        for name, data in full.items():
            file = tiles.parse_name(name)
            yield from self._file(name, data, required=file is not None and file.end <= self.published)

    def served(self) -> Iterator[Fault]:
        """Name the partial files of the tree as it is now that are not there, nor the full ones after them."""
        for name in self.frontier.partial():
            base = name.partition(_PARTIAL)[0]
            if not {name, base} & set(self.listed.get(base, ())):
                yield fault("tile.missing", name)

    def rest(self) -> Iterator[Fault]:
        """Look at the partial files of the last tree, and name what belongs to none."""
        for name, data in self.frontier.partial().items():
            yield from self._file(name.partition(_PARTIAL)[0], data, required=False)
        for names in self.listed.values():
            yield from (fault("tile.unknown", name) for name in names)

    def _file(self, base: str, data: bytes, *, required: bool) -> Iterator[Fault]:
        """Compare a file, and the partial ones it goes on from, with what its leaves give."""
        names = self.listed.pop(base, [])
        if required and base not in names:
            yield fault("tile.missing", base)
        for name in names:
            file = tiles.parse_name(name)
            wanted = file.beginning(data) if file else None
            if wanted is None:
                yield fault("tile.unknown", name)
            elif self.world.objects.read(name) != wanted:
                yield fault("tile.changed", name)
