"""Where bytes of a file stand after many edits: what ``chunk_offsets`` does for one, for any number of them."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.containers.boxes import broken

Ints: TypeAlias = NDArray[np.int64]

_U32 = 1 << 32
_U63 = 1 << 63


class Moves:
    """Edits as far as they move what stands behind them.

    A byte before which something is put in moves; one that is replaced becomes the new one at the same distance from the
    edit's beginning, or the last.
    """

    def __init__(self, starts: Ints, stops: Ints, lengths: Ints) -> None:
        """Take edits that do not overlap: bytes ``starts`` to ``stops`` get ``lengths`` bytes instead."""
        order = np.lexsort((stops, starts))
        self._starts, self._stops, self._lengths = starts[order], stops[order], lengths[order]
        after = np.cumsum(self._lengths - (self._stops - self._starts))
        self._before = np.concatenate(([0], after))
        if (self._stops[:-1] > self._starts[1:]).any():
            raise broken("parts that should stand beside each other overlap")

    @property
    def still(self) -> bool:
        """Say whether nothing moves."""
        return not self._before.any()

    def __call__(self, offset: int) -> int:
        """Return where a byte of the source stands in the output."""
        if not 0 <= offset < _U63:
            raise broken(f"an offset of {offset} is more than a file can have")
        return int(self.all(np.array([offset], np.int64))[0])

    def all(self, offsets: Ints) -> Ints:
        """Do so for many."""
        if not len(self._starts):
            return offsets
        number = np.searchsorted(self._starts, offsets, side="right") - 1
        edit = np.maximum(number, 0)
        inside = self._before[edit] + self._starts[edit] + np.minimum(offsets - self._starts[edit], self._lengths[edit])
        behind = offsets + self._before[edit + 1]
        return np.where(number < 0, offsets, np.where(offsets < self._stops[edit], inside, behind))

    def table(self, data: bytes, width: int) -> tuple[int, bytes]:
        """Move a table of big-endian offsets of ``width`` bytes; return its width then, and its bytes.

        Raises:
            Malformed: an offset is more than a file can have (``iso.broken``).
        """
        offsets = np.frombuffer(data, f">u{width}")
        if len(offsets) and int(offsets.max()) >= _U63:
            raise broken(f"a table points to byte {int(offsets.max())}")
        moved = self.all(offsets.astype(np.int64))
        wide = width == 8 or (len(moved) > 0 and int(moved.max()) >= _U32)  # noqa: PLR2004 - bytes of a co64's entry
        return (8, moved.astype(">u8").tobytes()) if wide else (4, moved.astype(">u4").tobytes())
