"""Samples made from columns of numbers when they are asked for, and what is to replace them as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from mingwen.containers.moves import Ints
from mingwen.containers.sample_tables import Changes, Columns
from mingwen.domain.errors import Misused
from mingwen.notices._track import New, Sample, Track


class Samples(Sequence[Sample]):
    """Samples of a track, in the order they are decoded in; a film has a million."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns.size)

    @overload
    def __getitem__(self, at: int) -> Sample: ...
    @overload
    def __getitem__(self, at: slice) -> "Samples": ...
    def __getitem__(self, at: int | slice) -> "Sample | Samples":
        c = self.columns
        if isinstance(at, slice):
            return Samples(c[at])
        return Sample(int(c.offset[at]), int(c.size[at]), int(c.dts[at]), int(c.pts[at]), bool(c.key[at]))


@dataclass(frozen=True, slots=True)
class Spans:
    """The bytes of the samples that are replaced, in the order of the file."""

    number: Ints
    start: Ints
    stop: Ints
    length: Ints
    """Of what takes their place."""


def require(track: Track) -> None:
    """Go on only with a track that can be spliced.

    Raises:
        Misused: it has an obstacle (``track.obstacle``).
    """
    if track.obstacle:
        raise Misused(
            "track.obstacle", f"expected a track that can be spliced, but {track.obstacle}", hint="write all of it anew"
        )


def changes(columns: Columns, news: Mapping[int, New]) -> Changes:
    """Bring what is new into columns; its bytes stay where they are.

    Raises:
        Misused: no sample has such a number, or one has no bytes that could be replaced (``track.news``).
    """
    numbers = sorted(news)
    count = len(columns.size)
    if numbers and not 0 <= numbers[0] <= numbers[-1] < count:
        raise Misused("track.news", f"expected samples below {count}, got {numbers[0]} to {numbers[-1]}", hint="read it again")
    at = np.array(numbers, np.int64)
    if not columns.size[at].all():
        raise Misused("track.news", "expected samples that have bytes, got an empty one", hint="write all of it anew")
    rows = np.array([(len(new.data), new.pts, new.key) for n in numbers for new in (news[n],)] or np.empty((0, 3)), np.int64)
    return Changes(at, rows[:, 0], rows[:, 1], rows[:, 2].astype(np.bool_))


def spans(columns: Columns, changed: Changes) -> Spans:
    """Put changes in the order of the file."""
    order = np.argsort(columns.offset[changed.number], kind="stable")
    number = changed.number[order]
    start = columns.offset[number]
    return Spans(number, start, start + columns.size[number], changed.size[order])
