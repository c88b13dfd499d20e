"""The port ``Witness`` over HTTP (c2sp.org/tlog-witness)."""

from collections.abc import Sequence
from typing import Final

from mingwen.adapters._http import Line, Reply
from mingwen.domain.errors import Malformed, Unavailable, Unproven
from mingwen.proofs import notes, witnessing
from mingwen.proofs.notes import Key, Note, Signature
from mingwen.proofs.witnessing import BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, OK, UNPROCESSABLE

_REFUSALS: Final = {BAD_REQUEST, FORBIDDEN, NOT_FOUND, CONFLICT, UNPROCESSABLE}


class HttpWitness:
    """A witness at an address; ``keys`` are what its operator gave out, all of one name."""

    def __init__(self, url: str, *keys: Key) -> None:
        self._line = Line(url)
        self._keys = keys

    @property
    def name(self) -> str:
        """That of its key, which stands before its signatures."""
        return self._keys[0].name

    def cosign(self, old: int, proof: Sequence[bytes], note: str) -> int | Sequence[Signature]:
        """Ask for cosignatures over ``note`` and check them.

        Raises:
            Unavailable: it cannot be reached, or is not well (``remote.*``, ``witness.failed``).
            Unproven: it says no, or what it signed does not hold (``witness.refused``, ``witness.signature``).
        """
        body = witnessing.written(old, proof, note)
        reply = self._line.ask("add-checkpoint", most_bytes=witnessing.MOST_ANSWER_BYTES, body=body)
        if reply.status == OK:
            return self._checked(note, reply.body)
        if reply.status == CONFLICT and reply.content_type == witnessing.SIZE:
            seen = witnessing.size(reply.body)
            if seen is not None and seen != old:
                return seen
        raise self._refused(reply)

    def _checked(self, note: str, body: bytes) -> Sequence[Signature]:
        try:
            text = notes.parse(note.encode()).text
            ours = {(key.name, key.id) for key in self._keys}
            # "The client MUST ignore any cosignatures from unknown keys."
            given = tuple({(s.name, s.id): s for s in notes.signatures(body.decode()) if (s.name, s.id) in ours}.values())
            held = [notes.check(Note(text, given), key) for key in self._keys]
        except (Malformed, ValueError) as e:
            raise self._unsigned(str(e)) from e
        if not any(held) or any(h and not notes.is_time(h.at) for h in held):
            raise self._unsigned("no signature by its key that tells a time")
        return given

    def _unsigned(self, why: str) -> Unproven:
        hint = "check the key of the witness in the settings with its operator"
        return Unproven("witness.signature", f"expected a cosignature of {self.name} at {self._line.url}, but: {why}", hint=hint)

    def _refused(self, reply: Reply) -> Unavailable | Unproven:
        said = witnessing.said_no(reply.status, reply.body)
        message = f"expected {self.name} at {self._line.url} to cosign, but it said: {said}"
        if reply.status in _REFUSALS:
            hint = "403 and 404: does its operator know the log's key? 409 and 422: run `mingwen audit`"
            return Unproven("witness.refused", message, hint=hint)
        return Unavailable("witness.failed", message, hint="it is asked again later")
