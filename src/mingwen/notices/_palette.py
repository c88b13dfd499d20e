"""Labels in pictures whose pixels are indices into a table of at most 256 colours."""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.domain.errors import Refused
from mingwen.notices._lettering import Label

Indices: TypeAlias = NDArray[np.uint8]
Table: TypeAlias = NDArray[np.uint8]
"""Colours × 3, R′G′B′."""

COLOURS: Final = 256
GREYS: Final = 8
"""Colours that a label takes at most: from the plate's to the letters'."""


def stepped(label: Label) -> tuple[Table, NDArray[np.int16]]:
    """Return a label's greys, and for each pixel of its box which of them it has, −1 for none: there the plate is opaque."""
    ramp = label.plate_grey + (label.ink_grey - label.plate_grey) * np.arange(GREYS) / (GREYS - 1)
    greys = np.repeat(np.rint(ramp * 255).astype(np.uint8)[:, None], 3, axis=1)
    levels = np.rint(label.ink * (GREYS - 1)).astype(np.int16)
    return greys, np.where(label.cover >= np.float32(0.5), levels, np.int16(-1))


def used_in(indices: Indices) -> NDArray[np.bool_]:
    """Say of each index whether a pixel has it."""
    return np.bincount(indices.ravel(), minlength=COLOURS).astype(np.bool_)


class Palette:
    """A table of colours, to which colours are added where it has room: behind its end, or where no pixel uses it."""

    def __init__(self, table: Table, used: NDArray[np.bool_], transparent: int | None) -> None:
        self.table = np.zeros((COLOURS, 3), np.uint8)
        self.table[: len(table)] = table
        self._clear = transparent
        if transparent is not None:
            used[transparent] = True
        self._used = used
        self._free = [int(n) for n in np.flatnonzero(~used)]

    def taken(self, greys: Table) -> Indices:
        """Return an index for each grey; if there is no room for all of them, letters lose their soft edges first."""
        room = len(self._free) - (self._clear is None)
        if room < 2:  # noqa: PLR2004 - plate and letters
            return self.nearest(greys)
        kept = {round(n) for n in np.linspace(0, len(greys) - 1, min(room, len(greys)))}
        chosen = {n: self._added(greys[n]) for n in sorted(kept)}
        return np.array([chosen[min(chosen, key=lambda have: abs(have - n))] for n in range(len(greys))], np.uint8)

    @property
    def room(self) -> int:
        """How many indices are free."""
        return len(self._free)

    def nothing(self) -> int:
        """Return the index that is transparent, which may have to be made."""
        if self._clear is None:
            if not self._free:
                raise Refused(
                    "notice.colours", "expected fewer than 256 colours in a frame", hint="save the GIF with 255 colours"
                )
            self._clear = self._added(np.zeros(3, np.uint8))
        return self._clear

    def nearest(self, colours: Table) -> Indices:
        """Return the index of the colour that is nearest to each; exactly it where the table has it or has room."""
        if not len(colours):
            return np.zeros(0, np.uint8)
        wanted, back = np.unique(colours.reshape(-1, 3), axis=0, return_inverse=True)
        out = np.zeros(len(wanted), np.uint8)
        for number, colour in enumerate(wanted):
            usable = np.flatnonzero(self._used & (np.arange(COLOURS) != (-1 if self._clear is None else self._clear)))
            apart = ((self.table[usable].astype(int) - colour) ** 2).sum(axis=1) if len(usable) else np.ones(1, int)
            if apart.min() and len(self._free) > 1:
                out[number] = self._added(colour)
            else:
                out[number] = usable[int(apart.argmin())] if len(usable) else self._added(colour)
        return out[back.ravel()]

    def _added(self, colour: NDArray[np.uint8]) -> int:
        index = self._free.pop(0)
        self.table[index] = colour
        self._used[index] = True
        return index
