"""A GIF with a label: on every frame as it is shown, in colours of its table; what shows no label is not coded anew.

A frame that leaves an earlier one's label alone stays byte for byte. One that would cover it is coded anew over the label's box
too, with indices as they were and unused colours of its table turned into the label's greys. Where frames clear what a label
stands on, every frame is coded whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Style
from mingwen.notices import _room
from mingwen.notices._gif_blocks import (
    BACKGROUND,
    KEEP,
    MAX_FRAMES,
    PREVIOUS,
    Frame,
    Indices,
    Table,
    blocks,
    screen,
    written,
)
from mingwen.notices._lettering import Label, label_for

GREYS: Final = 8
"""Colours that a label takes at most: from the plate's to the letters'."""
_COLOURS: Final = 256
_CLEAR: Final = 0

Canvas: TypeAlias = NDArray[np.uint8]
"""Height × width × 4: what is shown, with 0 or 255 for opacity."""


@dataclass(frozen=True, slots=True)
class _Area:
    """A rectangle of the screen."""

    left: int
    top: int
    right: int
    bottom: int

    def united(self, other: "_Area") -> "_Area":
        return _Area(
            min(self.left, other.left), min(self.top, other.top), max(self.right, other.right), max(self.bottom, other.bottom)
        )

    def within(self, other: "_Area") -> "_Area":
        return _Area(
            max(self.left, other.left), max(self.top, other.top), min(self.right, other.right), min(self.bottom, other.bottom)
        )

    def meets(self, other: "_Area") -> bool:
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: "_Area") -> bool:
        return self.united(other) == self

    @property
    def pixels(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)

    @property
    def cut(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)


def mark(data: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Return the file with a label on every frame, the label, and what else the user should know."""
    width, height = screen(data)
    parts = list(blocks(data))
    frames = [part for part in parts if isinstance(part, Frame)]
    if not frames:
        raise Malformed("gif.frames", "expected at least one frame, found none", hint="get a whole copy")
    if len(frames) > MAX_FRAMES:
        hint = "shorten the animation"
        raise Refused("notice.too-large", f"expected at most {MAX_FRAMES} frames, got {len(frames)}", hint=hint)
    _room.require(max(width * height, *(f.width * f.height for f in frames)), len(data))
    canvas = np.zeros((height, width, 4), np.uint8)
    first = canvas.copy()
    _show(first, frames[0], frames[0].indices())
    label = label_for(style, width, height, look=lambda box: _on_paper(first[_Area(*box).cut]))
    box = _Area(*label.box)
    whole = any(f.control.disposal == BACKGROUND and not _area(f).holds(box) for f in frames)
    _room.require_animated(_visited(frames, _Area(0, 0, width, height), box, whole=whole), len(data))
    drawn = _drawn(frames, canvas, label, whole=whole)
    out = b"".join(next(drawn) if isinstance(part, Frame) else part for part in parts)
    return b"GIF89a" + out[6:], label, ""


def _drawn(frames: list[Frame], canvas: Canvas, label: Label, *, whole: bool) -> Iterator[bytes]:
    """Yield every frame's bytes, while ``canvas`` follows what the file showed without a label."""
    box, stands, screen_ = _Area(*label.box), False, _Area(0, 0, canvas.shape[1], canvas.shape[0])
    for frame in frames:
        area, disposal = _area(frame), frame.control.disposal
        before = canvas.copy() if disposal == PREVIOUS else None
        if stands and not area.meets(box) and not whole:
            _show(canvas, frame, frame.indices())
            yield frame.raw
        else:
            indices = frame.indices()
            _show(canvas, frame, indices)
            onto = screen_ if whole else area.united(box).within(screen_)
            yield _coded(frame, indices, canvas, onto, label, whole=whole)
            stands = True
        if disposal == BACKGROUND:
            canvas[area.cut] = 0
            stands = stands and not area.meets(box)
        elif before is not None:
            canvas[:] = before
            stands = False


def _visited(frames: list[Frame], screen_: _Area, box: _Area, *, whole: bool) -> int:
    """Count the pixels that are decoded, coded or kept aside, over all frames."""
    all_ = [screen_ if whole or f.control.disposal == PREVIOUS or n == 0 else _area(f) for n, f in enumerate(frames)]
    return sum((area.united(box) if area.meets(box) else area).pixels for area in all_)


def _area(frame: Frame) -> _Area:
    return _Area(frame.x, frame.y, frame.x + frame.width, frame.y + frame.height)


def _show(canvas: Canvas, frame: Frame, indices: Indices) -> None:
    """Draw a frame as a viewer does; what lies beyond the screen is not seen."""
    part = canvas[_area(frame).cut]
    seen = indices[: part.shape[0], : part.shape[1]]
    opaque = seen != frame.control.transparent if frame.control.transparent is not None else np.ones(seen.shape, np.bool_)
    table = np.zeros((_COLOURS, 3), np.uint8)
    table[: len(frame.table)] = frame.table
    part[opaque, :3] = table[seen[opaque]]
    part[opaque, 3] = 255


def _coded(frame: Frame, indices: Indices, canvas: Canvas, onto: _Area, label: Label, *, whole: bool) -> bytes:
    """Code a frame anew on ``onto``: its own indices, the label's greys, and nothing where nothing changes."""
    table, used = _Colours.of(frame, indices)
    colours = _Colours(table, used, frame.control.transparent)
    shown = canvas[onto.cut]
    clear: NDArray[np.bool_] = (shown[:, :, 3] == _CLEAR) | (not whole)
    height, width = int(shown.shape[0]), int(shown.shape[1])
    new: Indices = np.zeros((height, width), np.uint8)
    x, y = frame.x - onto.left, frame.y - onto.top
    own = indices[: height - y, : width - x]
    part = new[y : y + own.shape[0], x : x + own.shape[1]]
    solid = own != frame.control.transparent if frame.control.transparent is not None else np.ones(own.shape, np.bool_)
    part[solid] = own[solid]
    clear[y : y + own.shape[0], x : x + own.shape[1]][solid] = False
    greys, over = _letters(label, _Area(*label.box), onto)
    if whole:
        older = ~clear
        older[y : y + own.shape[0], x : x + own.shape[1]][solid] = False
        missing = older & (over < 0)
        new[missing] = colours.nearest(shown[missing][:, :3])
    new[over >= 0] = colours.taken(greys)[over[over >= 0]]
    clear[over >= 0] = False
    control = replace(frame.control, disposal=BACKGROUND if whole else frame.control.disposal or KEEP)
    if clear.any() or (whole and colours.has_room):  # without one, some viewers clear to a colour
        control.transparent = colours.nothing()
        new[clear] = control.transparent
    return written(new, colours.table, onto.left, onto.top, control)


def _letters(label: Label, box: _Area, onto: _Area) -> tuple[Table, NDArray[np.int16]]:
    """Return the label's greys, and for each pixel of ``onto`` which of them it has; −1 for none."""
    ramp = label.plate_grey + (label.ink_grey - label.plate_grey) * np.arange(GREYS) / (GREYS - 1)
    greys = np.repeat(np.rint(ramp * 255).astype(np.uint8)[:, None], 3, axis=1)
    over = np.full((onto.bottom - onto.top, onto.right - onto.left), -1, np.int16)
    inside = over[box.top - onto.top : box.bottom - onto.top, box.left - onto.left : box.right - onto.left]
    levels = np.rint(label.ink * (GREYS - 1)).astype(np.int16)
    half = np.float32(0.5)
    inside[label.cover >= half] = levels[label.cover >= half]
    return greys, over


class _Colours:
    """A frame's table, to which colours are added where it has room: behind its end, or where no pixel uses it."""

    def __init__(self, table: Table, used: NDArray[np.bool_], transparent: int | None) -> None:
        self.table = np.zeros((_COLOURS, 3), np.uint8)
        self.table[: len(table)] = table
        self._clear = transparent
        if transparent is not None:
            used[transparent] = True
        self._used = used
        self._free = [int(n) for n in np.flatnonzero(~used)]

    @staticmethod
    def of(frame: Frame, indices: Indices) -> tuple[Table, NDArray[np.bool_]]:
        return frame.table, np.bincount(indices.ravel(), minlength=_COLOURS).astype(np.bool_)

    def taken(self, greys: Table) -> Indices:
        """Return an index for each grey; if there is no room for all of them, letters lose their soft edges first."""
        room = len(self._free) - (self._clear is None)
        if room < 2:  # noqa: PLR2004 - plate and letters
            return self.nearest(greys)
        kept = {round(n) for n in np.linspace(0, len(greys) - 1, min(room, len(greys)))}
        chosen = {n: self._added(greys[n]) for n in sorted(kept)}
        return np.array([chosen[min(chosen, key=lambda have: abs(have - n))] for n in range(len(greys))], np.uint8)

    @property
    def has_room(self) -> bool:
        """May another index be taken?"""
        return bool(self._free)

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
            usable = np.flatnonzero(self._used & (np.arange(_COLOURS) != (-1 if self._clear is None else self._clear)))
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


def _on_paper(part: Canvas) -> NDArray[np.uint8]:
    """Return what is shown on a white page."""
    return np.where(part[..., 3:] == 0, np.uint8(255), part[..., :3])
