"""Where a label sits in a file's bytes: one file a format, found by name."""

from functools import cache

from mingwen.domain.errors import Malformed
from mingwen.formats import _beside as beside
from mingwen.formats._shape import HEAD_BYTES, Alternative, Body, Channel, Clue, Format, Reading, Site, Unread, Wrapper
from mingwen.registry import members, strangers

__all__ = [
    "HEAD_BYTES",
    "Alternative",
    "Body",
    "Channel",
    "Clue",
    "Format",
    "Reading",
    "Site",
    "Unread",
    "Wrapper",
    "beside",
    "every",
    "of",
]


@cache
def every() -> tuple[Format, ...]:
    """Return all formats of this package, in the order of their names."""
    return members(__name__, Format)


@cache
def _added() -> tuple[Format, ...]:
    """Return the formats of other packages; a folder may hold many files that are of none of ours."""
    return strangers(__name__, Format)


def of(head: bytes, suffix: str = "") -> Format:
    """Return the one format that claims a file.

    ``head`` is the first ``HEAD_BYTES`` of the file (all of it, if it is shorter); ``suffix`` is the
    end of its name with the dot, or "". Formats with a signature go by the bytes alone; only plain
    text and Markdown, which have none, look at the suffix. Formats that other packages add are asked
    for what ours leave.

    Raises:
        Malformed: no format claims the bytes, or two do (``format.unknown``, ``format.ambiguous``).
    """
    head, suffix = head[:HEAD_BYTES], suffix.lower()
    claimants = [f for f in every() if f.claims(head, suffix)]
    claimants = claimants or [f for f in _added() if f.claims(head, suffix)]
    if len(claimants) == 1:
        return claimants[0]
    if claimants:
        raise Malformed(
            "format.ambiguous",
            f"expected one format, but the bytes begin like {' and '.join(f.name for f in claimants)}",
            hint="the file is built to be read in two ways; do not trust it",
        )
    begins = f"begins with {head[:8].hex(' ')}" if head else "is empty"
    raise Malformed(
        "format.unknown",
        f"expected one of {', '.join(f.name for f in every())}; the file {begins}",
        hint="convert the file to one of these; of texts, name them .md, .html or .txt",
    )
