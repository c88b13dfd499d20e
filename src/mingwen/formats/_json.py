"""JSON: the label is the member ``aigc`` of the object at the top, with the bare seven-key object as its value.

No guide names a place; public APIs put it there. Read too: ``AIGC``, both in a member ``metadata``, and the objects of lines of
JSON. Every byte but the label's stays: the text is never written anew.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from mingwen.containers.edits import read_at, size_of, spliced
from mingwen.domain.errors import Refused
from mingwen.domain.media import Splice
from mingwen.formats import _members
from mingwen.formats._shape import MAX_CLUE_CHARS, Channel, Clue, Reading, Site, Unread

MAX_BYTES: Final = 256 << 20
"""A larger file is neither read nor labelled."""

_PLACE = f"member {_members.KEY}"


def read(source: BinaryIO) -> Reading:
    """Find the members that hold labels."""
    size = size_of(source)
    if size > MAX_BYTES:
        return Reading((), (Unread("JSON", f"has {size} bytes, more than the {MAX_BYTES} that are read"),))
    document = _members.scan(source, 0, size)
    found = [
        replace(f, guide=m.owner == document.opened and m.key == _members.KEY) if isinstance(f, Site) else f
        for m, f in _members.sites(source, document)
    ]
    sites = tuple(f for f in found if isinstance(f, Site))
    unread = [f for f in found if isinstance(f, Unread)]
    if document.fault:
        unread.append(Unread("JSON", document.fault))
    elif not unread:
        unread += _members.unexplained(source, size, sites, "JSON")
    return Reading(sites, tuple(unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the member and keep all other bytes.

    Raises:
        Refused: the file holds no object, or lines of JSON, or is too large (``json.no-object``, ``json.too-large``).
        Malformed: it is no JSON (``json.broken``).
    """
    size = size_of(source)
    if size > MAX_BYTES:
        hint = "label the response before it is put into the file, or part the file"
        raise Refused("json.too-large", f"expected at most {MAX_BYTES} bytes of JSON, got {size}", hint=hint)
    document = _members.scan(source, 0, size)
    if document.fault:
        raise _members.broken(document.fault)
    if document.opened is None or document.values != 1:
        what = f"{document.values} values beside each other" if document.values > 1 else "another value"
        raise Refused(
            "json.no-object",
            f"expected one object, whose member the label can be, got {what}",
            hint='put the value into an object, such as {"data": ...}; label each record of a data set by itself',
        )
    return spliced(_members.labelled(source, document, label), size)


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the beginning and the end."""
    size = size_of(source)
    start = max(0, size - MAX_CLUE_CHARS)
    for name, at in (("beginning", 0), *((("end", start),) if start else ())):
        yield Clue(
            Channel.BODY, name, read_at(source, at, min(MAX_CLUE_CHARS, size - at), what="text").decode("utf-8", "replace")
        )
