"""Record how a work comes about, as it happens: each entry names the one before it, and the log orders them all."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO, Final

from mingwen.domain import works
from mingwen.domain.digests import sha256
from mingwen.domain.errors import Unavailable
from mingwen.domain.evidence import Entry, Outcome, Record
from mingwen.domain.works import Closing, Fault, Link, Material, Opening, Step, Work
from mingwen.ports import RecordWorld
from mingwen.proofs import leaves
from mingwen.services import _materials

TRIES: Final = 20
"""How often a step is taken again behind one that somebody else took at the same time."""
MOST_WORKS: Final = 10_000
MOST_RECORDS: Final = 10 * works.MOST_STEPS
"""About one work; more than its steps, for others tell of it too."""


@dataclass(frozen=True, slots=True)
class Story:
    """A work with everything that was recorded of it."""

    work: Work
    links: tuple[Link, ...]
    faults: tuple[Fault, ...]


def open_work(world: RecordWorld, facts: Opening, *, by: str) -> Story:
    """Open a work; its id is a fresh UUID.

    Raises:
        Misused: it has no title (``work.title``).
    """
    work_id = world.ids.fresh()
    world.store.save([works.begin(work_id, facts, by=by, now=world.clock.now())])
    return tell(world, work_id)


def step(world: RecordWorld, work_id: str, facts: Step, *, by: str = "") -> Link:
    """Take a step of an open work; ``by`` is its author if it is empty.

    Raises:
        Misused, Refused: see ``works.step``; there is no such work (``work.unknown``).
        Unavailable: others took so many steps at once that this one found no place (``work.busy``).
    """
    return _taken(world, work_id, lambda work, now: works.step(work, facts, by=by or work.author, now=now))


def close(world: RecordWorld, work_id: str, facts: Closing, *, by: str = "") -> Link:
    """Close a work; ``by`` is its author if it is empty.

    Raises:
        Misused, Refused, Unavailable: as ``step``.
    """
    return _taken(world, work_id, lambda work, now: works.close(work, facts, by=by or work.author, now=now))


def tell(world: RecordWorld, work_id: str) -> Story:
    """Return everything that was recorded of a work, oldest first, with what is wrong with its chain.

    Raises:
        Misused: there is no such work (``work.unknown``).
    """
    records = _records(world, work_id)
    broken = {r.number for r in records if not leaves.opens(r)}
    links = tuple(replace(link, is_whole=link.number not in broken) for link in _links(records))
    return Story(works.standing(work_id, links), links, tuple(works.faults(links)))


def every(world: RecordWorld) -> Iterable[tuple[Entry, bool]]:
    """Return the openings of the newest works, newest first, each with whether it was closed."""
    closed = {entry.subject for _, entry in world.store.entries(kind=works.CLOSED, limit=MOST_WORKS)}
    for _, entry in world.store.entries(kind=works.OPENED, limit=MOST_WORKS):
        yield entry, entry.subject in closed


def material(name: str, source: BinaryIO) -> Material:
    """Return the digests of a file, for a step."""
    return _materials.material(name, source)


def _taken(world: RecordWorld, work_id: str, rule: Callable[[Work, datetime], Outcome[None]]) -> Link:
    for _ in range(TRIES):
        records = _records(world, work_id)
        work = works.standing(work_id, _links(records))
        outcome = rule(work, world.clock.now())
        # Where somebody took this place in the chain first, theirs is the one before ours: the chain never forks.
        if world.ledger.follow(records[-1].number, outcome):
            return next(link for link in _links(_records(world, work_id)) if link.number > records[-1].number)
    raise Unavailable("work.busy", f"expected a place in the chain of {work_id} within {TRIES} tries, got none", hint="try again")


def _records(world: RecordWorld, work_id: str) -> Sequence[Record]:
    return world.ledger.records(subject=work_id, limit=MOST_RECORDS)


def _links(records: Sequence[Record]) -> tuple[Link, ...]:
    """Return the links of the chain among what is recorded about a work, as they say they are."""
    return tuple(Link(r.number, r.entry, sha256(r.leaf).hex()) for r in records if r.entry.kind in works.KINDS)
