"""Where the text stands in the events of the APIs in use, and what is changed in them.

An event is a mapping, or an object whose attributes have the names of its members (as clients' libraries give them).
"""

import copy
from collections.abc import Iterator, MutableMapping
from typing import Final, NamedTuple

from mingwen.domain.errors import Refused
from mingwen.streams._shape import Mark

KEY: Final = "aigc"
"""The member that bears the metadata label: what public APIs do; no guide names one."""
_SHARED: Final = ("id", "object", "created", "model", "system_fingerprint")
"""Members of a chunk that are the same in all of a stream."""
_STOPS: Final = ("content_block_stop", "response.output_text.done")
"""Types of events that say that a text is over, in APIs whose closing words need an event of their own before it."""


class _Slot(NamedTuple):
    """Where a piece of text stands."""

    channel: object
    """Which of several answers it belongs to."""
    owner: object
    member: str
    over: bool
    """Is the answer over with it?"""


class Events:
    """Labels the events of one stream; they come as objects."""

    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self._opened: set[object] = set()
        self._closed: set[object] = set()
        self._known = False
        self._last: object = None
        """The last event with a text, or else the last there was: extra ones are made after it."""

    def fed(self, event: object) -> list[object]:
        """Return what is sent for an event: itself, unless it is the first, or the first or last of an answer's text."""
        first = self._last is None
        slots = list(_slots(event, self._mark.text))
        self._known = self._known or bool(slots) or get(event, "choices") is not None
        before: list[object] = []
        if self._mark.closing and get(event, "type") in _STOPS and self._opened - self._closed:
            before = [self._closing()]
        if first or any(self._changes(slot) for slot in slots):
            event = _copied(event)
            if first:
                put(event, KEY, dict(self._mark.label))
            for slot in _slots(event, self._mark.text):
                self._worded(slot)
        if slots or first:
            self._last = event
        return [*before, event]

    def ended(self) -> list[object]:
        """Return the last event, which bears the label once more; and the words that are still missing."""
        if self._last is None:
            return []
        left = self._opened - self._closed if self._mark.closing else set()
        return [*([self._closing()] if left else []), self._final()]

    def require(self) -> None:
        """Raise if no event had a place for the explicit label; one without text, as a call of a tool, needs none."""
        if (self._mark.opening or self._mark.closing) and self._last is not None and not self._known:
            raise Refused(
                "stream.no-text",
                "expected events with a text that can bear the explicit label, found none",
                hint="say where it stands: text='data.answer'",
            )

    def _changes(self, slot: _Slot) -> bool:
        opens = slot.channel not in self._opened and bool(get(slot.owner, slot.member))
        return opens or (slot.over and bool(self._mark.closing))

    def _worded(self, slot: _Slot) -> None:
        text = str(get(slot.owner, slot.member) or "")
        if text and slot.channel not in self._opened:
            self._opened.add(slot.channel)
            text = self._mark.opening + text
        if slot.over and slot.channel in self._opened - self._closed:
            self._closed.add(slot.channel)
            text += self._mark.closing
        put(slot.owner, slot.member, text)

    def _closing(self) -> object:
        """Make an event with the closing words for every answer that is open."""
        event = _copied(self._last)
        drop(event, KEY)
        for slot in _slots(event, self._mark.text):
            put(slot.owner, slot.member, self._mark.closing)
        self._closed |= self._opened
        return event

    def _final(self) -> object:
        """Make an event without text: as a chunk without choices where chunks have them, else the label alone."""
        last, label = self._last, dict(self._mark.label)
        if isinstance(last, MutableMapping):
            shared = {k: last[k] for k in _SHARED if k in last} | {"choices": []} if "choices" in last else {}
            return shared | ({"type": KEY} if "type" in last else {}) | {KEY: label}
        event = _copied(last)
        for slot in _slots(event, self._mark.text):
            put(slot.owner, slot.member, "")
        if get(event, "choices") is not None:
            put(event, "choices", [])
        put(event, KEY, label)
        return event


def _copied(event: object) -> object:
    """Copy an event with all that is in it.

    Raises:
        Refused: it nests too deep (``stream.depth``).
    """
    try:
        return copy.deepcopy(event)
    except RecursionError as e:
        raise Refused("stream.depth", "expected events that nest some hundred deep", hint="flatten them") from e


def get(owner: object, member: str) -> object:
    """Return a member of a mapping or an attribute of an object; None if there is none."""
    return owner.get(member) if isinstance(owner, MutableMapping) else getattr(owner, member, None)


def put(owner: object, member: str, value: object) -> None:
    """Set it.

    Raises:
        Refused: the object takes no such attribute (``stream.object``).
    """
    if isinstance(owner, MutableMapping):
        owner[member] = value
        return
    try:
        setattr(owner, member, value)
    except (AttributeError, ValueError, TypeError) as e:
        hint = "give dicts: (chunk.model_dump() for chunk in chunks)"
        raise Refused("stream.object", f"expected chunks that take {member!r}, but {type(owner).__name__}: {e}", hint=hint) from e


def drop(owner: object, member: str) -> None:
    """Take it away again, if it is there."""
    if isinstance(owner, MutableMapping):
        owner.pop(member, None)
    elif getattr(owner, member, None) is not None:
        delattr(owner, member)


def _slots(event: object, path: tuple[str, ...]) -> Iterator[_Slot]:
    """Find the texts; a channel that is no plain number or name goes by its spelling."""
    for slot in _found(event, path):
        yield slot if isinstance(slot.channel, int | str | float) else slot._replace(channel=repr(slot.channel))


def _found(event: object, path: tuple[str, ...]) -> Iterator[_Slot]:
    """Find the places of text in an event, by the path that was given or by the shapes of the APIs in use."""
    if path:
        owner = event
        for name in path[:-1]:
            owner = get(owner, name)
        if isinstance(get(owner, path[-1]), str):
            yield _Slot(0, owner, path[-1], over=False)
        return
    for choice in _listed(get(event, "choices")):  # OpenAI chat and completions
        over = get(choice, "finish_reason") is not None
        number = get(choice, "index") or 0
        for owner, member in ((get(choice, "delta"), "content"), (choice, "text"), (get(choice, "message"), "content")):
            if owner is not None and (isinstance(get(owner, member), str) or (over and member == "content")):
                yield _Slot(number, owner, member, over)
                break
    if get(event, "choices") is None:
        yield from _candidate_slots(event)
        yield from _plain_slots(event)


def _candidate_slots(event: object) -> Iterator[_Slot]:
    for candidate in _listed(get(event, "candidates")):  # Gemini
        over = get(candidate, "finishReason") is not None
        for part in _listed(get(get(candidate, "content"), "parts"))[-1:]:
            if isinstance(get(part, "text"), str):
                yield _Slot(get(candidate, "index") or 0, part, "text", over)


def _plain_slots(event: object) -> Iterator[_Slot]:
    delta, message = get(event, "delta"), get(event, "message")
    over = get(event, "done") is True
    number = get(event, "index") or 0
    if isinstance(delta, str):  # OpenAI responses
        yield _Slot(get(event, "output_index") or 0, event, "delta", over=False)
    elif delta is not None and isinstance(get(delta, "text"), str):  # Anthropic
        yield _Slot(number, delta, "text", over=False)
    elif message is not None and isinstance(get(message, "content"), str):  # Ollama chat
        yield _Slot(number, message, "content", over)
    elif isinstance(get(event, "response"), str):  # Ollama generate
        yield _Slot(number, event, "response", over)


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
