"""A label among bytes that mean something else: a vendor's block, filler, what follows the sound.

It is found as a JSON object and blanked by spaces, so that nothing around it moves.
"""

import io
import json
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.edits import Edit, read_at
from mingwen.formats._shape import Reading, Site, Unread, Wrapper

MAX_BYTES: Final = 1 << 20
"""How much of a stretch is searched closely; a label behind it is told, and not read."""


def read(source: BinaryIO, start: int, stop: int, place: str) -> Reading:
    """Find the labels between ``start`` and ``stop``, and say if there may be more."""
    data = _near(source, start, stop)
    texts = [data[e.start : e.stop].decode("utf-8", "replace") for e in _objects(data)]
    sites = tuple(Site(place, text, Wrapper.WRAPPED, guide=False) for text in texts)
    unread: list[Unread] = stray.unexplained(data, sites, place)
    return Reading(sites, tuple(unread or stray.hidden(source, start + len(data), stop, place)))


def blanked(source: BinaryIO, start: int, stop: int) -> list[Edit]:
    """Return the edits that put spaces in their places."""
    return [Edit(start + e.start, start + e.stop, b" " * (e.stop - e.start)) for e in _objects(_near(source, start, stop))]


def _near(source: BinaryIO, start: int, stop: int) -> bytes:
    return read_at(source, start, max(0, min(stop - start, MAX_BYTES)), what="what may hold a label")


def _objects(data: bytes) -> list[Edit]:
    """Find whole objects only: where a broken one ends is not known, and what stands behind it is not ours."""
    return [e for e in stray.edits(io.BytesIO(data), 0) if _is_whole(data[e.start : e.stop])]


def _is_whole(text: bytes) -> bool:
    try:
        json.loads(text.decode("latin-1"))
    except (ValueError, RecursionError):
        return False
    return True
