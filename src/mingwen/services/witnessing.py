"""The verbs of a witness: cosign a checkpoint that a log sends, and show what was cosigned."""

from dataclasses import dataclass
from typing import Final

from mingwen.domain.digests import sha256
from mingwen.domain.errors import Malformed
from mingwen.ports import WitnessWorld
from mingwen.proofs import notes, witnessing
from mingwen.proofs.canonical import canonical
from mingwen.proofs.notes import Checkpoint, Note
from mingwen.proofs.witnessing import Accepted, Answer

_FORK: Final = "fork of "
"""Before the origin: evidence against a log. No origin that is a key's name holds a space."""


def cosign(world: WitnessWorld, body: bytes) -> Answer:
    """Answer a request ``add-checkpoint``; the checkpoint is kept for good before its cosignatures are given away.

    Raises:
        Unavailable: it could not be kept; nothing may be answered then but that.
    """
    try:
        request = witnessing.parse(body)
    except Malformed as e:
        return Answer(witnessing.BAD_REQUEST, f"{e.message}\n")
    while True:  # whoever loses the swap meets another's checkpoint the next time round: one of them got further
        kept = world.seen.read(request.checkpoint.origin)
        known = _checkpoint(kept) if kept else None
        judged = witnessing.judge(request, known, world.logs)
        if isinstance(judged, Answer):
            if kept and known and witnessing.contradicts(judged, request.checkpoint, known):
                evidence = canonical([kept, str(request.note)]).decode()
                world.seen.swap(_FORK + known.origin, None, evidence)  # the first is enough, and all that is kept
            return judged
        cosigned = _cosigned(world, judged)
        if world.seen.swap(request.checkpoint.origin, kept, str(cosigned)):
            ours = cosigned.signatures[len(judged.note.signatures) :]
            return Answer(witnessing.OK, "".join(map(str, ours)))


def newest(world: WitnessWorld, origin_hash: str) -> str | None:
    """Return the last cosigned checkpoint of the log whose origin has this SHA-256 in hexadecimal; None if there is none."""
    origin = _origin(world, origin_hash)
    return world.seen.read(origin) if origin else None


def fork(world: WitnessWorld, origin_hash: str) -> str | None:
    """Return two signed checkpoints of one size and two roots, as a JSON array, if this log ever showed such."""
    origin = _origin(world, origin_hash)
    return world.seen.read(_FORK + origin) if origin else None


def _origin(world: WitnessWorld, origin_hash: str) -> str | None:
    return next((o for o in world.logs if sha256(o.encode()).hex() == origin_hash), None)


@dataclass(frozen=True, slots=True)
class Log:
    """What a witness knows of a log."""

    origin: str
    newest: Checkpoint | None
    """What it cosigned last."""
    at: int | None
    """When, in seconds since 1970."""
    forked: bool
    """Did the log sign two trees of one size?"""


def overview(world: WitnessWorld) -> list[Log]:
    """Return what is known of each log."""
    return [
        Log(origin, *_looked_at(world, world.seen.read(origin)), forked=world.seen.read(_FORK + origin) is not None)
        for origin in world.logs
    ]


def _cosigned(world: WitnessWorld, accepted: Accepted) -> Note:
    at = int(world.clock.now().timestamp())
    text = accepted.note.text
    return Note(text, (*accepted.note.signatures, *(s.sign(text, at) for s in world.signers)))


def _looked_at(world: WitnessWorld, kept: str | None) -> tuple[Checkpoint | None, int | None]:
    if not kept:
        return None, None
    held = (notes.check(notes.parse(kept.encode()), signer.key) for signer in world.signers)
    return _checkpoint(kept), max((h.at for h in held if h and h.at), default=None)


def _checkpoint(note: str) -> Checkpoint:
    return notes.parse_checkpoint(notes.parse(note.encode()).text)
