"""Proofs of inclusion as text, checkpoint included (c2sp.org/tlog-proof)."""

import re
from dataclasses import dataclass
from typing import Final

from mingwen.domain.errors import Malformed
from mingwen.proofs import notes
from mingwen.proofs._base64 import decoded, encoded
from mingwen.proofs.merkle import HASH_BYTES, MOST_PROOF_HASHES

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
MOST_PROOF_BYTES: Final = notes.MOST_NOTE_BYTES + (1 << 16)

_HEAD: Final = re.compile(rf"{re.escape(FIRST_LINE)}\n(?:extra ([A-Za-z0-9+/=]*)\n)?index (0|[1-9][0-9]{{0,18}})\n")
_HASH: Final = re.compile(r"[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry stands in a log; nothing of it is checked yet."""

    index: int
    hashes: tuple[bytes, ...]
    """From the leaf's sibling to the root's child."""
    note: str
    """The checkpoint, signatures included."""
    extra: bytes | None = None
    """What nobody signed."""

    def __str__(self) -> str:
        extra = "" if self.extra is None else f"extra {encoded(self.extra)}\n"
        hashes = "".join(f"{encoded(h)}\n" for h in self.hashes)
        return f"{FIRST_LINE}\n{extra}index {self.index}\n{hashes}\n{self.note}"


def parse(data: bytes) -> Proof:
    """Read a proof; its checkpoint is one of a signed note, whose signatures are for the caller to check.

    Raises:
        Malformed: it is none (``proof.malformed``), or its checkpoint is none (``note.malformed``, ``checkpoint.malformed``).
    """
    if len(data) > MOST_PROOF_BYTES:
        raise _malformed(f"at most {MOST_PROOF_BYTES} bytes, got {len(data)}")
    try:
        text = data.decode()
    except UnicodeDecodeError as e:
        raise _malformed("UTF-8") from e
    head = _HEAD.match(text)
    if not head:
        raise _malformed(f"the line {FIRST_LINE} and one with the index")
    above, gap, note = text[head.end() - 1 :].partition("\n\n")
    lines = above.split("\n")[1:]
    if not gap or len(lines) > MOST_PROOF_HASHES or not all(_HASH.fullmatch(line) for line in lines):
        raise _malformed(f"at most {MOST_PROOF_HASHES} lines of hashes, an empty line and a checkpoint")
    notes.parse_checkpoint(notes.parse(note.encode()).text)
    extra = head[1]
    proof = Proof(int(head[2]), tuple(_decoded(h) for h in lines), note, None if extra is None else _decoded(extra))
    if str(proof) != text or any(len(h) != HASH_BYTES for h in proof.hashes):
        raise _malformed("base64 in its one form")
    return proof


def _decoded(text: str) -> bytes:
    data = decoded(text)
    if data is None:
        raise _malformed("base64 in its one form")
    return data


def _malformed(expected: str) -> Malformed:
    return Malformed("proof.malformed", f"expected a proof: {expected}", hint="see c2sp.org/tlog-proof")
