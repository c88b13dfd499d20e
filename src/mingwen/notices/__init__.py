"""Labels that people perceive: one file a medium."""

from functools import cache

from mingwen.domain.media import Medium
from mingwen.notices._shape import Notice
from mingwen.registry import member, members

__all__ = ["Notice", "every", "of"]


@cache
def every() -> tuple[Notice, ...]:
    """Return all notices, in the order of their files' names."""
    return members(__name__, Notice)


def of(medium: Medium) -> Notice:
    """Return the notice of a medium; its file bears the medium's name, so that a picture does not load the video library."""
    return member(__name__, medium.value, Notice)
