"""Giving the log to the world: entries are put in order, written as tiles, and signed for.

A step: read what was signed and what stands in the second place; put the waiting entries in order; write tiles; put the new
checkpoint into the second place if nobody else did; sign it. Whoever dies in between leaves a state from which the next run goes
on, and of two at once one wins at the second place. Nothing is signed whose root was not computed from the leaves in the store.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from mingwen.domain.errors import MingwenError, Unproven
from mingwen.domain.evidence import Published
from mingwen.ports import Authority, LogWorld, Witness
from mingwen.proofs import merkle, notes, tiles
from mingwen.proofs.notes import Checkpoint, Key, Note, Signature
from mingwen.proofs.tiles import Frontier
from mingwen.services._log import CHECKPOINT, edge, grown, head

MOST_BATCH: Final = 2000
"""So many entries get their positions in one transaction."""
MOST_BATCHES: Final = 100
"""So many transactions go before a checkpoint is signed, however many entries wait."""
PAUSE_SECONDS: Final = 0.05
"""So long a batch waits for more."""
SLACK: Final = timedelta(minutes=5)
"""So far clocks may be apart: as far as verifiers of bundles let them."""
_ADOPT: Final = "if you know why, `mingwen log adopt` puts the newest signed checkpoint there after an audit"


def publish(world: LogWorld) -> Published | None:
    """Do one step; return the newest signed checkpoint, or None where there was nothing to do.

    Raises:
        Unproven: to go on would fork the log, or hide that it was changed (``log.*``); nothing was signed.
        Unavailable: the store, the objects or the second place; the next step goes on from there.
    """
    while True:
        # In this order: what is read later is never older, even while another publisher is at work.
        shown = world.objects.read(CHECKPOINT)
        signed = world.archive.newest()
        old = head(world)
        size = _sequenced(world)
        _agree(world, signed, _size_shown(world, shown), old, size)
        if old and size == old.size:
            _verified(world, old)
            if signed and signed.size == old.size:
                return None
            return _sign(world, old)  # somebody stopped between the second place and the signature
        if size == 0:
            return None
        new = _extended(world, old, size)
        if world.head.swap(old.text.encode() if old else None, new.text.encode()):
            return _sign(world, new)


def run(world: LogWorld, paused: Callable[[float], bool]) -> Iterator[Published]:
    """Publish for ever: each signed checkpoint as it comes; ``paused(seconds)`` waits, and says when to stop.

    Raises:
        MingwenError: as ``publish``.
    """
    size = -1
    settle(world)
    while True:
        if world.ledger.sequence(MOST_BATCH) != size:
            if published := publish(world):
                yield published
            signed = world.archive.newest()
            size = signed.size if signed else 0
        if paused(PAUSE_SECONDS):
            return


def rebuild(world: LogWorld) -> int:
    """Write all tiles anew from the leaves in the store, up to the last checkpoint; return its size.

    Raises:
        Unproven: the leaves do not lead to its root (``log.fork``); nothing was written.
    """
    old = head(world)
    if old:
        _rebuilt(world, old)
        settle(world)
    return old.size if old else 0


def adopt(world: LogWorld) -> Checkpoint:
    """Put the newest signed checkpoint into the second place, if the leaves in the store lead to it; return it.

    Raises:
        Unproven: there is none, the store lost entries, its leaves lead elsewhere, or somebody else was faster
            (``log.no-checkpoint``, ``log.rollback``, ``log.fork``, ``log.busy``).
    """
    old = world.head.read()  # first: whoever publishes from here on makes the swap fail
    signed, shown = world.archive.newest(), world.objects.read(CHECKPOINT)
    known = [_checked(world, note) for note in (signed and signed.note.encode(), shown) if note]
    if not known:
        hint = "nothing was signed yet: `mingwen log publish` begins"
        raise Unproven("log.no-checkpoint", "expected a signed checkpoint in the store, found none", hint=hint)
    checkpoint = max(known, key=lambda c: c.size)
    if (size := world.ledger.sequence(0)) < checkpoint.size:
        raise _rolled_back(checkpoint.size, size)
    for each in known:
        _rebuilt(world, each)
    if not world.head.swap(old, checkpoint.text.encode()):
        hint = "stop other publishers, and try again"
        raise Unproven("log.busy", "expected nobody else at the second place, but it changed meanwhile", hint=hint)
    return checkpoint


def _checked(world: LogWorld, note: bytes) -> Checkpoint:
    """Return the checkpoint in a note that our first key signed."""
    parsed = notes.parse(note)
    checkpoint = notes.parse_checkpoint(parsed.text)
    if checkpoint.origin != world.origin or not notes.check(parsed, world.signers[0].key):
        raise _of_another(world, checkpoint)
    return checkpoint


def settle(world: LogWorld) -> Published | None:
    """Have the object ``checkpoint`` be the newest one that was signed, with what witnesses added; return it."""
    written, data = None, world.objects.read(CHECKPOINT)
    while (newest := world.archive.newest()) and newest != written:  # another publisher may sign while this one writes
        if newest.note.encode() != data:
            data = newest.note.encode()
            world.objects.write({CHECKPOINT: data})
        written = newest
    return written


def attest(world: LogWorld, *, stamp_seconds: float) -> list[MingwenError]:
    """Ask every witness, and every authority whose last stamp is older, about the newest checkpoint; return what went wrong.

    What one says or fails to say does not stop the others. Nothing here is needed for publishing to go on.
    """
    newest = world.archive.newest()
    if not newest:
        return []
    failed = []
    note = notes.parse(newest.note.encode())
    for witness in world.witnesses:
        try:
            _cosigned(world, witness, newest.size, note)
        except MingwenError as e:
            failed.append(e)
    for authority in world.authorities:
        try:
            _stamped(world, authority, newest, stamp_seconds)
        except MingwenError as e:
            failed.append(e)
    settle(world)
    return failed


def _sequenced(world: LogWorld) -> int:
    """Give waiting entries their positions; return how many have one."""
    size = world.ledger.sequence(MOST_BATCH)
    for _ in range(MOST_BATCHES):
        before, size = size, world.ledger.sequence(MOST_BATCH)
        if size - before < MOST_BATCH:
            break
    return size


def _size_shown(world: LogWorld, shown: bytes | None) -> int | None:
    """Return the size of the checkpoint that is shown to the world; 0 where what stands there is not signed by us."""
    if shown is None:
        return None
    try:
        return _checked(world, shown).size
    except MingwenError:
        return 0  # it is a copy, and will be written anew


def _agree(world: LogWorld, signed: Published | None, shown: int | None, old: Checkpoint | None, size: int) -> None:
    """Refuse to go on where the store, the second place, what was signed and what is shown contradict each other."""
    if old is None and (signed or shown is not None):
        message = "expected the last checkpoint in the second place, found nothing though one was signed"
        raise Unproven("log.head-missing", message, hint=f"restore it from its copy; {_ADOPT}")
    if old and (known := max(signed.size if signed else 0, shown or 0)) > old.size:
        message = f"expected at least {known} entries in the second place's checkpoint, got {old.size}"
        raise Unproven("log.head-old", message, hint=f"it was put back to an earlier state; {_ADOPT}")
    if signed and (found := notes.parse_checkpoint(notes.parse(signed.note.encode()).text)).origin != world.origin:
        raise _of_another(world, found)
    if signed and not any(_is_by(s, world.signers[0].key) for s in notes.parse(signed.note.encode()).signatures):
        hint = (
            "put the old key back as the first of log.keys: a log keeps its key; another key begins another log, of another name"
        )
        message = f"expected the checkpoints in the store to be signed by {world.signers[0].key}, the newest is not"
        raise Unproven("log.key-changed", message, hint=hint)
    if old and size < old.size:
        raise _rolled_back(old.size, size)
    if signed and old and signed.size == old.size and not signed.note.startswith(old.text):
        raise _fork(old.size)


def _is_by(signature: Signature, key: Key) -> bool:
    return (signature.name, signature.id) == (key.name, key.id)


def _of_another(world: LogWorld, found: Checkpoint) -> Unproven:
    hint = "set log.origin and log.keys to those of this log; a log keeps its name"
    return Unproven("log.origin", f"expected checkpoints of {world.origin} in the store, found one of {found.origin}", hint=hint)


def _rolled_back(least: int, size: int) -> Unproven:
    hint = "the store was put back to an earlier state: restore the newer one; going on would fork the log"
    return Unproven("log.rollback", f"expected at least {least} entries in the store, got {size}", hint=hint)


def _fork(size: int) -> Unproven:
    hint = "an entry was changed, or another store's log is meant; `mingwen audit` names the place; nothing was signed"
    return Unproven(
        "log.fork", f"expected the first {size} leaves to lead to the root that was signed for, they do not", hint=hint
    )


def _extended(world: LogWorld, old: Checkpoint | None, size: int) -> Checkpoint:
    """Write the tiles of a tree of ``size`` leaves that goes on from ``old``; return its checkpoint."""
    frontier = _verified(world, old) if old else Frontier()
    for grown_to, full in grown(world.ledger, frontier, size):
        world.objects.write(full)
        frontier = grown_to
    world.objects.write(frontier.partial())
    new = Checkpoint(world.origin, size, frontier.root)
    if edge(world, size).root != new.root:  # what was written is read back before anybody puts a name to it
        hint = "the disk or the memory of this machine fails; nothing was signed"
        raise Unproven("log.unstable", "expected the tiles just written to lead to the root, they do not", hint=hint)
    return new


def _verified(world: LogWorld, checkpoint: Checkpoint) -> Frontier:
    """Return the edge that leads to this checkpoint's root: from the tiles, or else from all leaves in the store."""
    try:
        found = edge(world, checkpoint.size)
    except Unproven:  # tiles are a copy: without them everything comes from the store
        return _rebuilt(world, checkpoint)
    return found if found.root == checkpoint.root else _rebuilt(world, checkpoint)


def _rebuilt(world: LogWorld, checkpoint: Checkpoint) -> Frontier:
    """Compute the tree from the leaves in the store, and write its tiles if it has the right root."""
    size, frontier = checkpoint.size, Frontier()
    for grown_to, _ in grown(world.ledger, frontier, size):
        frontier = grown_to
    if frontier.root != checkpoint.root:
        raise _fork(size)
    for _, full in grown(world.ledger, Frontier(), size):
        world.objects.write(full)
    world.objects.write(frontier.partial())
    return frontier


def _sign(world: LogWorld, checkpoint: Checkpoint) -> Published | None:
    """Sign with every key, keep the note, and show it."""
    now = world.clock.now()
    note = Note(checkpoint.text, tuple(s.sign(checkpoint.text, int(now.timestamp())) for s in world.signers))
    for signer in world.signers:
        if not notes.check(note, signer.key):
            raise ValueError(f"{signer.key.name} signed in another name")
    world.archive.publish(checkpoint.size, str(note), now)
    return settle(world)


def _cosigned(world: LogWorld, witness: Witness, size: int, note: Note) -> None:
    if any(s.name == witness.name for s in note.signatures):
        return
    known = world.archive.newest(most=size - 1, attested=True)
    old = known.size if known and f"\n{notes.MARK}{witness.name} " in known.note else 0  # it says so if it knows more
    node = tiles.node_reader(size, world.objects.read)
    said = witness.cosign(old, merkle.consistency(old, size, node), str(note))
    if isinstance(said, int):
        if said > size:
            hint = "if no other publisher just went further, the store was put back: stop, and compare with the witness"
            raise Unproven("witness.ahead", f"expected {witness.name} to have seen {size} entries, it saw {said}", hint=hint)
        said = witness.cosign(said, merkle.consistency(said, size, node), str(note))
    if isinstance(said, int):
        hint = "two publishers asked at once; the next round settles it"
        raise Unproven("witness.busy", f"expected signatures of {witness.name}, got another size: {said}", hint=hint)
    told = [int.from_bytes(s.value[: notes.TIME_BYTES]) for s in said]
    _near(world, witness.name, *(datetime.fromtimestamp(at, UTC) for at in told))
    world.archive.attest(size, note=str(Note(note.text, (*note.signatures, *said))))


def _near(world: LogWorld, name: str, *told: datetime) -> None:
    """Refuse times by which a verifier would take our entries for backdated, or for later than they are."""
    now = world.clock.now()
    if odd := [at for at in told if abs(at - now) > SLACK]:
        message = f"expected {name} to tell a time near {now:%Y-%m-%d %H:%M:%S} UTC, got {odd[0]:%Y-%m-%d %H:%M:%S}"
        raise Unproven("log.clock", message, hint="one of the two clocks is wrong; what it said is not kept")


def _stamped(world: LogWorld, authority: Authority, newest: Published, stamp_seconds: float) -> None:
    since = world.clock.now() - timedelta(seconds=stamp_seconds)
    last = world.archive.newest(attested=True)
    while last and (last.at > since or last.size == newest.size):
        if any(s.authority == authority.name and (s.at > since or last.size == newest.size) for s in last.stamps):
            return
        last = world.archive.newest(most=last.size - 1, attested=True)
    stamp = authority.stamp(notes.parse(newest.note.encode()).text.encode())
    _near(world, authority.name, stamp.at)
    world.archive.attest(newest.size, note=newest.note, stamp=stamp)
