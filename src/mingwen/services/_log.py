"""What keeping and auditing the log share: reading its edge back from where it stands."""

from collections.abc import Iterator
from typing import Final

from mingwen.domain.errors import MingwenError, Unproven
from mingwen.ports import Ledger, LogWorld
from mingwen.proofs import tiles
from mingwen.proofs.notes import Checkpoint, parse_checkpoint
from mingwen.proofs.tiles import Frontier

CHECKPOINT: Final = "checkpoint"
"""The object that says how far the log goes (tlog-tiles)."""
READ_LEAVES: Final = 32 * tiles.WIDTH
"""So many at a time."""
SEQUENCED: Final = 1000
"""So many entries get their places at a time."""


def put_in_order(ledger: Ledger) -> int:
    """Give every entry its place in the log, and return how many have one."""
    size, before = ledger.sequence(SEQUENCED), -1
    while size > before:
        before, size = size, ledger.sequence(SEQUENCED)
    return size


def grown(ledger: Ledger, old: Frontier, size: int) -> Iterator[tuple[Frontier, dict[str, bytes]]]:
    """Grow a tree by the leaves of the store, step by step: each time the new edge, and the files that became full.

    Raises:
        Unproven: the store has fewer leaves (``log.gap``).
    """
    while old.size < size:
        end = min(size, old.size - old.size % tiles.WIDTH + READ_LEAVES)
        old, full = old.grown(leaves(ledger, old.size, end))
        yield old, full


def leaves(ledger: Ledger, start: int, end: int) -> list[bytes]:
    """Return the leaves of these positions.

    Raises:
        Unproven: there are fewer (``log.gap``).
    """
    found = list(ledger.leaves(start, end))
    if len(found) != end - start:
        hint = "the store lost entries: restore it from its copy; `mingwen audit` tells what is missing"
        raise Unproven("log.gap", f"expected the leaves {start} to {end - 1} in the store, got {len(found)}", hint=hint)
    return found


def edge(world: LogWorld, size: int) -> Frontier:
    """Read the right edge back: tiles from the objects, what the last bundle holds from the store.

    Raises:
        Unproven: a tile or a leaf is missing (``tile.*``, ``log.gap``).
    """
    last = leaves(world.ledger, size - size % tiles.WIDTH, size)
    return tiles.frontier(size, world.objects.read, last)


def head(world: LogWorld) -> Checkpoint | None:
    """Read the last checkpoint from the second place.

    Raises:
        Unproven: it is of another log (``log.origin``), or none (``log.head-damaged``).
    """
    data = world.head.read()
    if data is None:
        return None
    try:
        found = parse_checkpoint(data.decode("utf-8", "replace"))
    except MingwenError as e:
        hint = "`mingwen log adopt` puts the newest signed checkpoint in its place after an audit"
        raise Unproven("log.head-damaged", f"expected the last checkpoint in the second place: {e.message}", hint=hint) from e
    if found.origin != world.origin:
        hint = "set log.origin and log.head to those of this log"
        raise Unproven("log.origin", f"expected a checkpoint of {world.origin}, found one of {found.origin}", hint=hint)
    return found
