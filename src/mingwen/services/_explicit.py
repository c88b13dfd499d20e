"""Explicit labels in a finished file, looked for and held to the standard."""

from typing import BinaryIO

from mingwen import notices
from mingwen.domain import explicit
from mingwen.domain.errors import Malformed, Refused, Unavailable
from mingwen.domain.explicit import Read
from mingwen.domain.findings import Finding, found
from mingwen.domain.media import Medium
from mingwen.ports import World


def findings(world: World, medium: Medium, source: BinaryIO) -> tuple[Finding, ...]:
    """Measure the labels that people perceive, and say what the standard asks of them.

    Raises:
        Unavailable: no recogniser is configured, and pictures are to be read (``recogniser.none``).
    """
    notice = notices.of(medium)
    if notice.perceived is None:
        # Texts are searched by every examination; this only tells that nothing was found.
        there = notice.found(source) if notice.found else ()
        return () if there else explicit.weighed((), medium)
    try:
        return explicit.weighed(notice.perceived(source, _reader(world, medium)), medium)
    except (Malformed, Refused) as problem:
        there = notice.found(source) if notice.found else ()
        if there:
            return explicit.told(there, medium)
        return (found("explicit.unread", medium.value, clause="§5", reason=problem.message),)


def _reader(world: World, medium: Medium) -> Read:
    if world.recognise is not None:
        return world.recognise.lines
    if medium is Medium.AUDIO:
        return lambda *_: ()
    hint = "set gate.recogniser to tesseract"
    raise Unavailable("recogniser.none", "expected a recogniser to read pictures with, none is configured", hint=hint)
