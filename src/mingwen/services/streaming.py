"""Label what a model says while it says it."""

import json
from dataclasses import dataclass
from typing import Final

from mingwen import streams
from mingwen.domain import contents
from mingwen.domain.contents import Delivery, File
from mingwen.domain.labels import AigcLabel, Claim, to_json
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Style, as_line
from mingwen.ports import World
from mingwen.services import _production
from mingwen.streams import Labeller, Mark

BREAK: Final = "\n\n"
"""Between the explicit label and the text: a paragraph of its own, in Markdown too."""


@dataclass(frozen=True, slots=True)
class LabelStream:
    """Label a stream as its producer (Measures Art. 4 and 5)."""

    name: str
    """Of the stream, for the log."""
    producer: str
    style: Style | None
    """How the explicit label reads; None leaves it out, which needs a ``delivery``."""
    delivery: Delivery | None = None
    produce_id: str | None = None
    claim: Claim = Claim.GENERATED
    key: str | None = None
    """Idempotency key."""
    kind: str | None = None
    """Which kind of stream it is; None goes by the first chunk."""
    text: tuple[str, ...] = ()
    """Where the text stands in each event; empty for the shapes that are known."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A stream that has begun, and is in the log."""

    label: AigcLabel
    labeller: Labeller


def begin(world: World, command: LabelStream, first: object) -> Begun:
    """Record the label of a stream and return what labels it; ``first`` is its first chunk that is not empty.

    Raises:
        Misused: it is no kind of stream that is known (``stream.kind``).
        Refused: neither an explicit label nor a delivery was asked for; a key stands for something else.
        Unavailable: the store failed.
    """
    stream = streams.of(first, command.kind)
    before = _production.known(world, command.key)
    label = _production.made(world, command, before)
    opening, closing = _words(command.style)
    said = " and ".join(str(m) for m, words in ((Moment.START, opening), (Moment.END, closing)) if words)
    notice = f"wrote {command.style.wording} at {said}" if command.style else None
    file = File(command.name, f"stream of {stream.name}", Medium.TEXT.value, notice)
    key = command.key or world.ids.fresh()
    outcome = contents.produce(label, file, key=key, delivery=command.delivery, by=command.producer, now=world.clock.now())
    contents.require_same(outcome.state, before)
    world.store.save([outcome])
    contents.require_same(outcome.state, world.store.find(key))
    mark = Mark(json.loads(to_json(label)), opening, closing, command.text)
    return Begun(label, stream.labeller(mark))


def _words(style: Style | None) -> tuple[str, str]:
    """Return what is said before the text and behind it; a stream has no middle before it is over."""
    if style is None:
        return "", ""
    line = as_line(style.wording)
    starts = Moment.START in style.moments or Moment.END not in style.moments
    return (line + BREAK if starts else ""), (BREAK + line if Moment.END in style.moments else "")
