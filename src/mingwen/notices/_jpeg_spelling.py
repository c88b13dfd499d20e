"""Blocks spelled with the codes that a table has: best tables of a picture lack what its label would take, and are full.

A run and size without a code is spelled as two: one coefficient between, that was nothing, becomes the least there is. Where
that cannot be, a coefficient is taken down to the next size that has a code, if it hardly shrinks.
"""

from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from mingwen.notices._jpeg_huffman import ZRL

RUN = 16
SHRINK = 8
"""A coefficient may lose the eighth part of itself."""


def respelled(blocks: NDArray[np.int16], exact: NDArray[np.float32], have: AbstractSet[int]) -> None:
    """Change blocks (n × 64, in place) so that they take only symbols of ``have``, as far as that does no harm.

    ``exact`` is what their coefficients would be without rounding.
    """
    for number in _wanting(blocks, have):
        blocks[number] = _spelled(blocks[number].tolist(), exact[number].tolist(), have)


def _wanting(blocks: NDArray[np.int16], have: AbstractSet[int]) -> list[int]:
    """Return which blocks take a symbol that has no code."""
    rows, places = np.nonzero(blocks[:, 1:])
    before = np.concatenate([[-1], places[:-1]])
    before[np.flatnonzero(np.diff(rows, prepend=-1))] = -1
    run = places - before - 1
    size = np.frexp(np.abs(blocks[rows, places + 1].astype(np.float32)))[1]
    known = np.isin(np.arange(256), list(have))
    wants = ~known[run % RUN << 4 | size & 15] | ((run >= RUN) & (ZRL not in have))
    return [int(row) for row in np.unique(rows[wants])]


def _known(run: int, value: int, have: AbstractSet[int]) -> bool:
    return (run % RUN << 4 | abs(value).bit_length()) in have and (run < RUN or ZRL in have)


def _spelled(block: list[int], exact: list[float], have: AbstractSet[int]) -> list[int]:
    last = 0
    for place in range(1, 64):
        if not block[place]:
            continue
        block[place] = _shrunk(place - last, block[place], have)
        while not _known(place - last - 1, block[place], have):
            last = _between(last, place, block[place], exact, have)
            if not last:
                return block
            block[last] = 1 if exact[last] >= 0 else -1
        last = place
    return block


def _between(last: int, place: int, value: int, exact: list[float], have: AbstractSet[int]) -> int:
    """Return where the least coefficient should stand between two; 0 if nowhere."""
    reached = [at for at in range(last + 1, place) if _known(at - last - 1, 1, have)]
    enough = [at for at in reached if _known(place - at - 1, value, have)]
    return max(enough, key=lambda at: abs(exact[at])) if enough else max(reached, default=0)


def _shrunk(room: int, value: int, have: AbstractSet[int]) -> int:
    """Return the value, or the next smaller one whose size has a code behind a run that has room, if it is near."""
    for size in range(abs(value).bit_length(), 0, -1):
        nearest = min(abs(value), (1 << size) - 1)
        if any(_known(run, nearest, have) for run in range(room)):
            return (nearest if value > 0 else -nearest) if abs(value) - nearest <= abs(value) // SHRINK else value
    return value
