"""Messages that are one JSON object each, as web sockets and lines of JSON carry them."""

import json

from mingwen.streams._beginnings import object_in
from mingwen.streams._events_of import Events
from mingwen.streams._shape import Mark, Stream


class _Messages:
    """See ``_shape.Labeller``; messages that are no objects go on as they are."""

    def __init__(self, mark: Mark) -> None:
        self._events = Events(mark)
        self._bytes = False
        self._line_end = ""

    def feed(self, chunk: object) -> list[object]:
        event = object_in(chunk)
        if event is None or not isinstance(chunk, str | bytes):
            return [chunk]
        self._bytes = isinstance(chunk, bytes)
        self._line_end = "\n" if chunk[-1:] in {"\n", b"\n"} else ""
        return [chunk if e is event else self._written(e) for e in self._events.fed(event)]

    def end(self) -> list[object]:
        return [self._written(e) for e in self._events.ended()]

    def require(self) -> None:
        self._events.require()

    def _written(self, event: object) -> str | bytes:
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":")) + self._line_end
        return text.encode("utf-8", "surrogatepass") if self._bytes else text


MEMBER = Stream("messages", lambda first: object_in(first) is not None, _Messages)
