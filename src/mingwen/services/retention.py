"""Keep what has to be kept, and erase what may go: the leaves stay, and nobody can say any more what they were about."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mingwen import regimes
from mingwen.domain import kinds, retention
from mingwen.domain.errors import Misused
from mingwen.domain.evidence import Hold, Outcome, Record
from mingwen.domain.retention import Least, Policy
from mingwen.ports import RecordWorld
from mingwen.services._log import put_in_order

BATCH: Final = 1000
"""Entries that go in one transaction, and are told of by one entry."""
_EVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kept:
    """How a kind of entry is kept, and how many there are."""

    kind: str
    days: int | None
    """The period that was set; None keeps them."""
    leasts: tuple[Least, ...]
    count: int
    """Entries of which something is left."""
    due: int
    """Of those, the ones whose period ended."""
    held: int
    """Of those that are due, the ones that a hold keeps."""


@dataclass(frozen=True, slots=True)
class Expired:
    """What went, or would go."""

    kind: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EraseFields:
    """Erase fields of entries, since somebody asked for it."""

    numbers: tuple[int, ...]
    reason: str
    by: str
    names: tuple[str, ...] = ()
    """Which; none takes those that may tell of persons (``Kind.of_persons``)."""
    everything: bool = False
    """All fields instead."""


def policy(names: Iterable[str], periods: Iterable[str]) -> Policy:
    """Return what these regimes and periods (``kind=days``) come to.

    Raises:
        Misused, Refused: no such regime (``regime.unknown``); see ``domain.retention.policy``.
    """
    return retention.policy(periods, (least for regime in regimes.named(names) for least in regime.retention))


def show(world: RecordWorld, rules: Policy) -> Sequence[Kept]:
    """Count the entries of every kind: all, those whose period ended, those on hold."""
    put_in_order(world.ledger)  # nothing goes before its leaf has its place
    now, standing = world.clock.now(), world.holds.active()
    return [_kept(world, kind, rules, standing, now) for kind in kinds.KINDS]


def expire(world: RecordWorld, rules: Policy, *, by: str, dry_run: bool = False) -> Iterator[Expired]:
    """Erase what is due and not on hold, a batch a transaction, each told of by an entry of its own.

    A run that is cut short left whole batches only, and the next run goes on.
    """
    put_in_order(world.ledger)  # nothing goes before its leaf has its place
    now = world.clock.now()
    for kind, days in rules.periods.items():
        for batch in _batches(world, kind, now - timedelta(days=days)):
            standing = world.holds.active()  # asked again for every batch: a hold may have come
            numbers = tuple(sorted(r.number for r in batch if _may_go(r, rules, standing, now)))
            if numbers and not dry_run:
                world.ledger.erase(numbers, None, retention.expired(kind, numbers, days, by=by, now=now))
            if numbers:
                yield Expired(kind, numbers)


def erase(world: RecordWorld, rules: Policy, command: EraseFields) -> dict[int, tuple[str, ...]]:
    """Erase fields of entries, and return which by number; those that are gone already are not named.

    Raises:
        Misused: no such entry or field, or no reason (``entry.unknown``, ``erasure.*``).
        Refused: a hold covers one of them, or a law wants it kept (``retention.held``, ``retention.kept``).
    """
    now, standing = world.clock.now(), world.holds.active()
    planned: list[tuple[int, tuple[str, ...], Outcome[None]]] = []
    for number in dict.fromkeys(command.numbers):
        entry = _record(world, number).entry
        retention.require_erasable(number, entry, holds=standing, leasts=rules.leasts, now=now)
        names = command.names or tuple(sorted(retention.fields(entry) if command.everything else retention.personal(entry)))
        outcome = retention.erased(number, entry, names, reason=command.reason, by=command.by, now=now)
        planned.append((number, names, outcome))
    return {number: names for number, names, outcome in planned if names and world.ledger.erase([number], names, outcome)}


def hold(world: RecordWorld, subject: str, *, reason: str, by: str) -> Hold:
    """Hold back every erasure of what is about ``subject``, or of the entry of this number.

    Raises:
        Misused: no subject or no reason (``hold.empty``).
    """
    outcome = retention.place(world.ids.fresh(), subject, reason=reason, by=by, now=world.clock.now())
    world.holds.place(outcome.state, Outcome(None, outcome.entries))
    return outcome.state


def release(world: RecordWorld, hold_id: str, *, reason: str, by: str) -> Hold:
    """End a hold and return it.

    Raises:
        Misused: there is none of this id that stands (``hold.unknown``), or no reason (``hold.empty``).
    """
    found = next((h for h in world.holds.active() if h.id == hold_id), None)
    if found is None:
        raise Misused(
            "hold.unknown", f"expected a hold that stands, got {hold_id!r}", hint="`mingwen retention holds` lists them"
        )
    now = world.clock.now()
    world.holds.release(hold_id, now, retention.release(found, reason=reason, by=by, now=now))
    return found


def holds(world: RecordWorld) -> Sequence[Hold]:
    """Return the holds that stand, oldest first."""
    return world.holds.active()


def _kept(world: RecordWorld, kind: str, rules: Policy, standing: Sequence[Hold], now: datetime) -> Kept:
    count = due = held = 0
    for batch in _batches(world, kind, _EVER):
        count += len(batch)
        ripe = [r for r in batch if retention.is_due(r.entry, rules, now=now)]
        due += len(ripe)
        held += sum(1 for r in ripe if retention.covering(standing, r.number, r.entry))
    leasts = tuple(least for least in rules.leasts if least.kind == kind)
    return Kept(kind, rules.periods.get(kind), leasts, count, due, held)


def _may_go(record: Record, rules: Policy, standing: Sequence[Hold], now: datetime) -> bool:
    return retention.is_due(record.entry, rules, now=now) and not retention.covering(standing, record.number, record.entry)


def _batches(world: RecordWorld, kind: str, before: datetime) -> Iterator[Sequence[Record]]:
    """Give the records of a kind that are older and of which something is left, in the log's order."""
    start = 0
    while batch := world.ledger.records(kind=kind, start=start, before=before, limit=BATCH):
        yield batch
        start = 1 + max(r.position for r in batch if r.position is not None)


def _record(world: RecordWorld, number: int) -> Record:
    found = world.ledger.records(number=number)
    if not found:
        raise Misused("entry.unknown", f"expected the number of an entry, got {number}", hint="`mingwen log` shows them")
    return found[0]
