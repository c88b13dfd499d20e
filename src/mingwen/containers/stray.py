"""A label behind the end of a file's structure, where other programs never look."""

import json
import re
from collections.abc import Iterable
from typing import BinaryIO, Final

from mingwen.containers.edits import Edit, read_at, size_of
from mingwen.domain.labels import TELLING
from mingwen.domain.sites import Reading, Site, Unread, Wrapper

MAX_TAIL_BYTES: Final = 1 << 20
"""How much behind the end is searched closely."""
MAX_LABELS: Final = 16
MAX_BRACES: Final = 8
"""How many braces before a telling word are tried as the beginning of its object."""
STEP_BYTES: Final = 256 << 10

WORD: Final = b"ContentProducer"
"""What every label holds, whatever wraps and escapes its quotes."""
TELLING_KEYS: Final = tuple(f'"{word}"'.encode() for word in TELLING)
_TELLING: Final = re.compile(b"|".join(TELLING_KEYS))


def read(source: BinaryIO, end: int, place: str) -> Reading:
    """Find the labels that stand behind ``end``, JSON objects that name a telling field, and say if there may be more."""
    tail = _tail(source, end)
    texts = [tail[start:stop] for start, stop in objects(tail)]
    sites = tuple(Site(place, text.decode("utf-8", "replace"), Wrapper.WRAPPED, guide=False) for text in texts)
    if len(sites) >= MAX_LABELS:
        return Reading(sites, (Unread(place, f"holds more labels than the {MAX_LABELS} that are read"),))
    if more := unexplained(tail, sites, place):
        return Reading(sites, tuple(more))
    return Reading(sites, tuple(hidden(source, end + MAX_TAIL_BYTES, size_of(source), place)))


def edits(source: BinaryIO, end: int) -> list[Edit]:
    """Return the edits that take them out, and nothing else that stands there.

    Where the pieces around broken objects would make a new one, all from the first one on goes.
    """
    tail = _tail(source, end)
    spans = objects(tail)
    if spans and objects(_without(tail, spans)):
        spans = [(spans[0][0], len(tail))]
    return [Edit(end + start, end + stop, b"") for start, stop in spans]


def _without(tail: bytes, spans: list[tuple[int, int]]) -> bytes:
    starts, stops = [s for s, _ in spans], [s for _, s in spans]
    return b"".join(tail[a:b] for a, b in zip([0, *stops], [*starts, len(tail)], strict=True))


def hidden(source: BinaryIO, start: int, stop: int, place: str) -> list[Unread]:
    """Search a long stretch for a label; what it belongs to is not looked at."""
    for at in range(start, stop, STEP_BYTES):
        if found := unexplained(read_at(source, at, min(STEP_BYTES + len(WORD), stop - at), what=place), (), place):
            return found
    return []


def unexplained(data: bytes, sites: Iterable[Site], place: str) -> list[Unread]:
    """Say so if more labels seem to stand in ``data`` than the ``sites`` that were read from it."""
    if data.count(WORD) <= sum(site.text.count(WORD.decode()) for site in sites):
        return []
    return [Unread(place, "holds what looks like a label at a place where none is read")]


def _tail(source: BinaryIO, end: int) -> bytes:
    return read_at(source, end, max(0, min(size_of(source) - end, MAX_TAIL_BYTES)), what="what follows the end")


def objects(data: bytes) -> list[tuple[int, int]]:
    """Return from where to where labels stand among other bytes: JSON objects that name a telling field."""
    out: list[tuple[int, int]] = []
    at = 0
    for word in _TELLING.finditer(data):
        if len(out) == MAX_LABELS:
            break
        if word.start() >= at:
            start, stop = _object_around(data, at, word.start())
            if stop > word.start():
                out.append((start, stop))
            at = max(stop, word.end())
    return out


def _object_around(data: bytes, least: int, word: int) -> tuple[int, int]:
    """Return the innermost object that holds the word; objects that end before it are somebody's own, or values beside it."""
    start = word
    for _ in range(MAX_BRACES):
        start = data.rfind(b"{", least, start)
        if start < 0:
            break
        stop = _object_end(data, start)
        if stop > word:
            return start, stop
    return word, word


def _object_end(tail: bytes, start: int) -> int:
    """Return where the JSON object at ``start`` ends; a broken one reaches to the last brace, or the end."""
    text = tail[start : start + STEP_BYTES].decode("latin-1")
    try:
        return start + json.JSONDecoder().raw_decode(text)[1]
    except (ValueError, RecursionError):
        return tail.rfind(b"}", start) + 1 or len(tail)
