"""Server-sent events (HTML Living Standard §9.2): the label is the member ``aigc`` in the JSON of the first and the last event.

No guide names a place; public APIs put it there. Both are one label: who reads the beginning of a stream finds it, and who reads
the end. Events whose data are no JSON object (``[DONE]``, a ping) are passed over.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final, NamedTuple

from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Splice
from mingwen.formats import _members
from mingwen.formats._members import Document, Member
from mingwen.formats._shape import MAX_CLUE_CHARS, Channel, Clue, Reading, Site, Unread

MAX_BYTES: Final = 256 << 20
"""A larger stream is neither read nor labelled."""
MAX_LINE_BYTES: Final = 8 << 20
"""A picture in Base64 may stand in an event."""
MAX_LABELLED: Final = 10_000
"""Events between the first and the last that may hold labels, and are looked into."""

_PLACE: Final = "first and last event aigc"
_LINE = re.compile(rb"([^\r\n]*+)(?:\r\n|\n|\r(?=.))", re.DOTALL)
_STEP = 256 << 10
_TELLING = f'"{_members.KEY}"'.encode()
_MARK = b"\xef\xbb\xbf"


class _Event(NamedTuple):
    """The data of an event that is a JSON object."""

    start: int
    stop: int
    lines: int
    """How many it is spread over."""
    telling: bool
    """Does a string of that name stand in it?"""


class _Ends(NamedTuple):
    """The events that matter."""

    first: _Event
    last: _Event
    """The first, if there is only one."""
    between: list[_Event]
    """Others that may hold labels."""


def read(source: BinaryIO) -> Reading:
    """Find the label in the first and the last event, which is one if they are equal, and others between them."""
    size = size_of(source)
    try:
        ends = _ends(source)
    except Malformed as e:
        return Reading((), (Unread("events", e.message),))
    raw: list[Site] = []
    unread: list[Unread] = []
    own: dict[_Event, Site] = {}
    odd: list[Site] = []
    for event in _looked_into(ends):
        try:
            document = _document(source, event)
        except (Malformed, Refused) as e:
            if event.telling:
                unread.append(Unread("events", e.message))
            continue
        for member, found in _members.sites(source, document):
            if isinstance(found, Unread):
                unread.append(found)
                continue
            raw.append(found)
            if ends and event in ends[:2] and event not in own and _is_own(member, document):
                own[event] = found
            else:
                odd.append(replace(found, place=f"event {found.place}"))
    if not unread:
        unread += _members.unexplained(source, size, raw, "events")
    return Reading((*(_merged(ends, own) if ends else ()), *odd), tuple(unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the member in both events, and take labels out of others; all other bytes stay.

    Raises:
        Refused: no event has a JSON object, or one spreads it over lines (``sse.no-object``, ``sse.lines``).
        Malformed: it is no JSON, or a line is too long (``json.broken``, ``sse.broken``).
    """
    ends = _ends(source)
    if ends is None:
        raise Refused(
            "sse.no-object",
            "expected events with JSON objects as data, found none",
            hint="send the text in JSON, or label what is put together from the stream",
        )
    edits: list[Edit] = []
    for event in _looked_into(ends):
        document = _document(source, event)
        own = event in ends[:2]
        edits += _members.labelled(source, document, label) if own else _members.unlabelled(source, document)
    return spliced(edits, size_of(source))


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the beginning."""
    data = read_at(source, 0, min(MAX_CLUE_CHARS, size_of(source)), what="text")
    yield Clue(Channel.BODY, "beginning", data.decode("utf-8", "replace"))


def _merged(ends: _Ends, own: dict[_Event, Site]) -> Iterator[Site]:
    """Yield one site for two equal labels, else each as what it is: half of the guide's place."""
    if len({site.text for site in own.values()}) == 1 and len(own) == len(set(ends[:2])):
        yield replace(own[ends.first], place=_PLACE, guide=True)
        return
    for event, site in own.items():
        yield replace(site, place=f"{'first' if event is ends.first else 'last'} event {_members.KEY}")


def _is_own(member: Member, document: Document) -> bool:
    return member.owner == document.opened and member.key == _members.KEY


def _looked_into(ends: _Ends | None) -> list[_Event]:
    """Return all events that matter, each once."""
    return list(dict.fromkeys((ends.first, ends.last, *ends.between))) if ends else []


def _document(source: BinaryIO, event: _Event) -> Document:
    if event.lines > 1:
        raise Refused(
            "sse.lines", f"expected an event's JSON in one line, got {event.lines}", hint="write each event's data in one line"
        )
    document = _members.scan(source, event.start, event.stop)
    if document.fault or document.values != 1:
        raise _members.broken(document.fault or f"is {document.values} values beside each other")
    return document


def _ends(source: BinaryIO) -> _Ends | None:
    first: _Event | None = None
    last: _Event | None = None
    between: list[_Event] = []
    for event in _events(source):
        if first is None:
            first = event
            continue
        if last is not None and last.telling:
            between.append(last)
        if len(between) > MAX_LABELLED:
            raise _broken(f"more than {MAX_LABELLED} between the first and the last may hold labels")
        last = event
    return _Ends(first, last or first, between) if first else None


def _events(source: BinaryIO) -> Iterator[_Event]:
    """Yield the events whose data are JSON objects; one that the end cuts off, without an empty line, counts as well."""
    data: list[tuple[int, bytes]] = []
    for start, line in _lines(source):
        name, _, value = line.partition(b":")
        if name == b"data":
            lead = 1 if value.startswith(b" ") else 0
            data.append((start + 5 + lead, value[lead:]))
        if not line and data:
            yield from _event(data)
            data = []
    if data:
        yield from _event(data)


def _event(data: list[tuple[int, bytes]]) -> Iterator[_Event]:
    if data[0][1].lstrip().startswith(b"{") and data[-1][1].rstrip().endswith(b"}"):
        start, stop = data[0][0], data[-1][0] + len(data[-1][1])
        yield _Event(start, stop, len(data), any(_TELLING in d.lower() for _, d in data))


def _lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield every line without its end (a carriage return, a line feed, or both), and where it begins; at last an empty one."""
    size = size_of(source)
    if size > MAX_BYTES:
        raise _broken(f"the stream has {size} bytes, more than the {MAX_BYTES} that are read")
    at = len(_MARK) if read_at(source, 0, min(size, len(_MARK)), what="text") == _MARK else 0
    rest = b""
    for chunk in range(at, size, _STEP):
        data = rest + read_at(source, chunk, min(_STEP, size - chunk), what="text")
        base, index = chunk - len(rest), 0
        while m := _LINE.match(data, index):
            yield base + index, m[1]
            index = m.end()
        rest = data[index:]
        if len(rest) > MAX_LINE_BYTES:
            raise _broken(f"a line has more than {MAX_LINE_BYTES} bytes")
    yield size - len(rest), rest.rstrip(b"\r")


def _broken(what: str) -> Malformed:
    return Malformed("sse.broken", f"expected a stream of events, but {what}", hint="part the stream, or get a whole copy")
