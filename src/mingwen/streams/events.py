"""Server-sent events (HTML Living Standard §9.2), in pieces of any size: the label stands in the first JSON event and the last.

``mingwen verify`` finds it there in a recording of the stream.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from mingwen.domain.errors import Malformed
from mingwen.streams._beginnings import is_events, object_in
from mingwen.streams._events_of import KEY, Events
from mingwen.streams._shape import Mark, Stream

MAX_EVENT_BYTES: Final = 8 << 20
_BLANK: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_DATA: Final = re.compile(rb"^data:[ ]?(.*?)\r?$", re.MULTILINE)
_NAMED: Final = re.compile(rb"^event:", re.MULTILINE)
DONE: Final = b"[DONE]"


class _ServerSent:
    """See ``_shape.Labeller``; what follows the last blank line waits for the rest of its event."""

    def __init__(self, mark: Mark) -> None:
        self._events = Events(mark)
        self._rest = bytearray()
        self._str = False
        self._named = False
        self._break = b"\n\n"
        self._over = False

    def feed(self, chunk: object) -> list[object]:
        if not isinstance(chunk, str | bytes):
            return [chunk]
        self._str = isinstance(chunk, str)
        before = len(self._rest)
        self._rest += chunk.encode("utf-8", "surrogatepass") if isinstance(chunk, str) else chunk
        searched = max(before - 3, 0)  # a blank line takes four bytes at most
        if before and not _BLANK.search(self._rest, searched):
            return self._waiting([])
        data = bytes(self._rest)
        out, at = list[bytes](), 0
        for end in _BLANK.finditer(data, searched):
            self._break = end[0]
            out += self._passed(data[at : end.start()], data[at : end.end()])
            at = end.end()
        self._rest = bytearray(data[at:])
        sent = b"".join(out)
        if not before and not self._rest and sent == data:
            return [chunk]
        return self._waiting(self._sent(sent))

    def _waiting(self, sent: list[object]) -> list[object]:
        """Return what is sent, unless what waits has grown too large."""
        if len(self._rest) > MAX_EVENT_BYTES:
            raise Malformed(
                "stream.event",
                f"expected events of at most {MAX_EVENT_BYTES} bytes, got more",
                hint="end each with an empty line",
            )
        return sent

    def end(self) -> list[object]:
        out = list(self._passed(bytes(self._rest), bytes(self._rest))) if self._rest else []
        if out and not _BLANK.search(out[-1]):
            out.append(self._break)
        return self._sent(b"".join([*out, *self._last()]))

    def require(self) -> None:
        self._events.require()

    def _passed(self, event: bytes, raw: bytes) -> Iterator[bytes]:
        """Yield what is sent for an event; ``raw`` has the blank line behind it."""
        data = b"\n".join(_DATA.findall(event))
        if data.strip() == DONE:
            yield from self._last()
        parsed = object_in(data)
        if parsed is None:
            yield raw
            return
        self._named = self._named or _NAMED.search(event) is not None
        for sent in self._events.fed(parsed):
            yield raw if sent is parsed else self._again(event, sent)

    def _again(self, event: bytes, payload: object) -> bytes:
        """Write an event's other fields as they were, and its data in one line."""
        fields = [line for line in re.split(rb"\r\n|\n|\r", event) if line and not line.startswith(b"data:")]
        line_end = self._break[: len(self._break) // 2]
        return line_end.join([*fields, b"data: " + _json(payload)]) + self._break

    def _last(self) -> Iterator[bytes]:
        if self._over:
            return
        self._over = True
        for payload in self._events.ended():
            yield self._again(b"event: " + KEY.encode() if self._named else b"", payload)

    def _sent(self, data: bytes) -> list[object]:
        return [data.decode("utf-8", "surrogatepass") if self._str else data] if data else []


def _json(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


MEMBER = Stream("events", is_events, _ServerSent)
