"""The rules of a witness (c2sp.org/tlog-witness, ``add-checkpoint``): what it is asked, and what it has to answer.

Nothing is signed or kept here. ``judge`` says whether a request may be cosigned, given the checkpoint cosigned last; whoever
calls it keeps the new one before an answer leaves, and makes sure that nobody did the same in the meantime.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mingwen.domain.errors import Malformed
from mingwen.proofs import merkle, notes
from mingwen.proofs._base64 import decoded, encoded
from mingwen.proofs.merkle import EMPTY_ROOT, MOST_PROOF_HASHES
from mingwen.proofs.notes import Checkpoint, Key, Note, Signature

MOST_REQUEST_BYTES: Final = 64 << 10
"""63 lines of proof take 3 KiB; 16 signatures, which a reader of notes has to accept, take 53 KiB if all are of ML-DSA-44."""
MOST_ANSWER_BYTES: Final = MOST_REQUEST_BYTES
OK, BAD_REQUEST, FORBIDDEN, NOT_FOUND, CONFLICT, UNPROCESSABLE = 200, 400, 403, 404, 409, 422
"""The status codes of HTTP that the specification asks for."""
PLAIN: Final = "text/plain; charset=utf-8"
SIZE: Final = "text/x.tlog.size"

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request:
    """What a log asks: cosign this note, which this proof leads to from the tree of size ``old``."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: str
    content_type: str = PLAIN


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that may be cosigned; only the signatures of the log are left in its note."""

    note: Note
    checkpoint: Checkpoint


def written(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """Write the body of a request."""
    return "".join((f"old {old}\n", *(f"{encoded(h)}\n" for h in proof), "\n", note)).encode()


def parse(body: bytes) -> Request:
    """Read the body of a request.

    Raises:
        Malformed: it is none (``witness.request``, ``note.malformed``, ``checkpoint.malformed``).
    """
    if len(body) > MOST_REQUEST_BYTES:
        raise _malformed(f"at most {MOST_REQUEST_BYTES} bytes")
    head, gap, note_bytes = body.partition(b"\n\n")
    first, *lines = head.decode("ascii", "replace").split("\n")
    old = _number(first.removeprefix("old ")) if first.startswith("old ") else None
    if not gap or old is None:
        raise _malformed("a line `old SIZE`, lines of proof, an empty line and a checkpoint")
    if len(lines) > MOST_PROOF_HASHES:
        raise _malformed(f"at most {MOST_PROOF_HASHES} lines of proof, got {len(lines)}")
    proof = [_hash(line) for line in lines]
    note = notes.parse(note_bytes)
    return Request(old, tuple(proof), note, notes.parse_checkpoint(note.text))


def judge(request: Request, known: Checkpoint | None, keys: Mapping[str, Sequence[Key]]) -> Accepted | Answer:
    """Follow the specification, rule by rule and in its order.

    ``known`` is the checkpoint of this origin cosigned last; ``keys`` are the logs' keys, by origin.
    """
    new = request.checkpoint
    if new.origin not in keys:
        return _no(NOT_FOUND, "the origin of this checkpoint is not known here")
    signatures = _signed(request.note, keys[new.origin])
    if not signatures:
        return _no(FORBIDDEN, "no key of this log signed this checkpoint, or a signature does not hold")
    return _grown(request, known) or Accepted(Note(request.note.text, signatures), new)


def _grown(request: Request, known: Checkpoint | None) -> Answer | None:
    """Say what is wrong with the step from what is known to what is asked for."""
    new = request.checkpoint
    if request.old > new.size:
        return _no(BAD_REQUEST, f"the old size {request.old} is above the checkpoint's, {new.size}")
    seen, root = (known.size, known.root) if known else (0, EMPTY_ROOT)
    if request.old != seen:
        return Answer(CONFLICT, f"{seen}\n", SIZE)
    if new.size == 0 and new.root != EMPTY_ROOT:
        return _no(UNPROCESSABLE, "the root of an empty tree is the hash of nothing")
    if not merkle.consistent(seen, root, new.size, new.root, request.proof):  # an equal size asks for an equal root
        return _no(UNPROCESSABLE, f"the proof does not lead from {seen} to {new.size}")
    return None


def contradicts(answer: Answer, new: Checkpoint, known: Checkpoint) -> bool:
    """Say whether the log signed two trees of one size: that proves its misbehaviour, which a witness may keep."""
    return answer.status == UNPROCESSABLE and new.size == known.size and new.root != known.root


def said_no(status: int, body: bytes) -> str:
    """Say in one line why a witness refused, whatever it sent."""
    words = body[:200].decode("utf-8", "replace").strip().partition("\n")[0]
    return f"{status} {words}".strip()


def size(body: bytes) -> int | None:
    """Read the body of a 409: the size that the witness cosigned last; None if it is none."""
    return _number(body.decode("ascii", "replace").removesuffix("\n"))


def _signed(note: Note, keys: Sequence[Key]) -> tuple[Signature, ...]:
    """Return the signatures of these keys; nothing if there is none, or one that does not hold."""
    try:
        holding = [key for key in keys if notes.check(note, key)]
    except Malformed:
        return ()
    known = {(key.name, key.id) for key in holding}
    each_once = {(s.name, s.id): s for s in note.signatures if (s.name, s.id) in known}  # somebody may have copied lines
    return tuple(each_once.values())


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _hash(line: str) -> bytes:
    data = decoded(line)
    if data is None or len(data) != merkle.HASH_BYTES:
        raise _malformed("hashes of 32 bytes in base64 as lines of proof")
    return data


def _no(status: int, why: str) -> Answer:
    return Answer(status, f"{why}\n")


def _malformed(expected: str) -> Malformed:
    return Malformed("witness.request", f"expected {expected}", hint="see c2sp.org/tlog-witness, add-checkpoint")
