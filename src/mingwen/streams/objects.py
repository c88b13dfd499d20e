"""Chunk objects: dicts, or what clients' libraries make of them (``chunk.choices[0].delta.content``)."""

from collections.abc import MutableMapping

from mingwen.streams._events_of import Events
from mingwen.streams._shape import Mark, Stream

_TELLING = ("choices", "candidates", "delta", "message")


def _claims(first: object) -> bool:
    return isinstance(first, MutableMapping) or (
        not isinstance(first, str | bytes | bytearray) and any(hasattr(first, name) for name in _TELLING)
    )


class _Objects:
    """See ``_shape.Labeller``."""

    def __init__(self, mark: Mark) -> None:
        self._events = Events(mark)

    def feed(self, chunk: object) -> list[object]:
        return self._events.fed(chunk)

    def end(self) -> list[object]:
        return self._events.ended()

    def require(self) -> None:
        self._events.require()


MEMBER = Stream("objects", _claims, _Objects)
