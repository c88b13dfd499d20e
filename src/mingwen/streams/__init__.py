"""Live streams of what a model says, labelled as they pass: one file a kind."""

from functools import cache

from mingwen.domain.errors import Misused
from mingwen.registry import members
from mingwen.streams._shape import Labeller, Mark, Stream

__all__ = ["Labeller", "Mark", "Stream", "every", "of"]


@cache
def every() -> tuple[Stream, ...]:
    """Return all kinds, in the order of their files' names."""
    return members(__name__, Stream)


def of(first: object, name: str | None = None) -> Stream:
    """Return the kind of a stream by its first chunk that is not empty, or by its name.

    Raises:
        Misused: there is no kind of this name, or none for such chunks (``stream.kind``).
    """
    for stream in every():
        if stream.name == name or (name is None and stream.claims(first)):
            return stream
    names = ", ".join(s.name for s in every())
    if name is not None:
        raise Misused("stream.kind", f"expected one of {names}, got {name!r}", hint="leave it out to go by the first chunk")
    hint = f"give str, bytes, dicts or chunk objects with choices, or say which of {names} it is"
    raise Misused("stream.kind", f"expected a chunk of text, JSON or events, got {type(first).__name__}", hint=hint)
