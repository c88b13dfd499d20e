"""The verbs of a witness: cosign a checkpoint that a log sends, and show what was cosigned."""

from mingwen.domain.digests import sha256
from mingwen.domain.errors import Malformed
from mingwen.ports import WitnessWorld
from mingwen.proofs import notes, witnessing
from mingwen.proofs.notes import Checkpoint, Note
from mingwen.proofs.witnessing import Accepted, Answer


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
        judged = witnessing.judge(request, _checkpoint(kept) if kept else None, world.logs)
        if isinstance(judged, Answer):
            return judged
        cosigned = _cosigned(world, judged)
        if world.seen.swap(request.checkpoint.origin, kept, str(cosigned)):
            ours = cosigned.signatures[len(judged.note.signatures) :]
            return Answer(witnessing.OK, "".join(map(str, ours)))


def newest(world: WitnessWorld, origin_hash: str) -> str | None:
    """Return the last cosigned checkpoint of the log whose origin has this SHA-256 in hexadecimal; None if there is none."""
    origin = next((o for o in world.logs if sha256(o.encode()).hex() == origin_hash), None)
    return world.seen.read(origin) if origin else None


def overview(world: WitnessWorld) -> list[tuple[str, Checkpoint | None, int | None]]:
    """Return for each log its origin, the last cosigned checkpoint and the time of the cosignature, in seconds since 1970."""
    return [(origin, *_looked_at(world, world.seen.read(origin))) for origin in world.logs]


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
