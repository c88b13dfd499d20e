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
    blocks,
    screen,
    written,
)
from mingwen.notices._lettering import Label, label_for
from mingwen.notices._palette import COLOURS, Indices, Palette, Table, stepped, used_in

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
    table = np.zeros((COLOURS, 3), np.uint8)
    table[: len(frame.table)] = frame.table
    part[opaque, :3] = table[seen[opaque]]
    part[opaque, 3] = 255


def _coded(frame: Frame, indices: Indices, canvas: Canvas, onto: _Area, label: Label, *, whole: bool) -> bytes:
    """Code a frame anew on ``onto``: its own indices, the label's greys, and nothing where nothing changes."""
    colours = Palette(frame.table, used_in(indices), frame.control.transparent)
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
    if clear.any() or (whole and colours.room):  # without one, some viewers clear to a colour
        control.transparent = colours.nothing()
        new[clear] = control.transparent
    return written(new, colours.table, onto.left, onto.top, control)


def _letters(label: Label, box: _Area, onto: _Area) -> tuple[Table, NDArray[np.int16]]:
    """Return the label's greys, and for each pixel of ``onto`` which of them it has; −1 for none."""
    greys, levels = stepped(label)
    over = np.full((onto.bottom - onto.top, onto.right - onto.left), -1, np.int16)
    over[box.top - onto.top : box.bottom - onto.top, box.left - onto.left : box.right - onto.left] = levels
    return greys, over


def _on_paper(part: Canvas) -> NDArray[np.uint8]:
    """Return what is shown on a white page."""
    return np.where(part[..., 3:] == 0, np.uint8(255), part[..., :3])
