"""Plain pieces of text: they bear the explicit label alone; there is no place in them for metadata."""

from mingwen.streams import _beginnings
from mingwen.streams._shape import Mark, Stream


class _Text:
    """See ``_shape.Labeller``."""

    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self._began = False
        self._bytes = False

    def feed(self, chunk: object) -> list[object]:
        if self._began or not chunk:
            return [chunk]
        self._began, self._bytes = True, isinstance(chunk, bytes)
        return [*self._said(self._mark.opening), chunk]

    def end(self) -> list[object]:
        return self._said(self._mark.closing) if self._began else []

    def require(self) -> None:
        """Every text has a beginning."""

    def _said(self, words: str) -> list[object]:
        return [words.encode() if self._bytes else words] if words else []


MEMBER = Stream("text", _beginnings.is_text, _Text)
