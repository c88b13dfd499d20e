"""Samples made from columns of numbers when they are asked for: a film has a million."""

from collections.abc import Sequence
from typing import overload

from mingwen.containers.sample_tables import Columns
from mingwen.notices._track import Sample


class Samples(Sequence[Sample]):
    """Samples of a track, in the order they are decoded in."""

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
