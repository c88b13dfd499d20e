"""Where a label stands: where it is asked for, or else at a corner or edge at which it hides no face."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mingwen.domain.notices import Box, Faces, Position, Style

LONGEST_SIDE = 1280
"""Pixels that a picture is reduced to before faces are looked for."""

Size = tuple[int, int]


def clear_place(style: Style, size: Size, shown: Size, margin: int, picture: Callable[[], NDArray[np.uint8]] | None) -> Size:
    """Return where a label of ``size`` begins in a picture of the size ``shown``.

    ``picture`` gives it upright, reduced or not. Where every place would hide a part of a face, the label takes the one with the
    smallest, for a picture without label is no choice (§5.2).
    """
    asked = _place(style.position, size, shown, margin)
    if style.faces is None or picture is None:
        return asked
    faces = _found(style.faces, picture(), shown)
    places = [_place(p, size, shown, margin) for p in alternatives(style.position)] if faces else [asked]
    return min(places, key=lambda at: _hidden((*at, at[0] + size[0], at[1] + size[1]), faces))


def alternatives(asked: Position) -> list[Position]:
    """Return all positions: the one that was asked for, its edge's corners, its edge's middle, and what lies opposite."""
    down, across = _sides(asked)

    def strangeness(position: Position) -> tuple[bool, bool, bool, bool]:
        rows, columns = _sides(position)
        same_edge = 0 != rows == down or 0 != columns == across
        return position is not asked, not same_edge, 0 in (rows, columns), rows != down

    return sorted(Position, key=strangeness)


def _sides(position: Position) -> tuple[int, int]:
    """Return where a position lies from top (-1) to bottom (1), and from left to right."""
    name = position.value
    return ("bottom" in name) - ("top" in name), ("right" in name) - ("left" in name)


def _place(position: Position, size: Size, shown: Size, margin: int) -> Size:
    down, across = _sides(position)
    free = shown[0] - size[0], shown[1] - size[1]
    return _along(across, free[0], margin), _along(down, free[1], margin)


def _along(side: int, free: int, margin: int) -> int:
    return {-1: margin, 0: free // 2, 1: free - margin}[side]


def _found(find: Faces, picture: NDArray[np.uint8], shown: Size) -> Sequence[Box]:
    """Find faces in a smaller copy; return their boxes in the picture as shown."""
    factor = min(LONGEST_SIDE / max(shown), 1.0)
    width, height = (max(round(side * factor), 1) for side in shown)
    small = Image.fromarray(np.ascontiguousarray(picture)).resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)
    across, down = shown[0] / width, shown[1] / height
    boxes = find(small.tobytes(), width, height)
    return [(int(x * across), int(y * down), round(right * across), round(bottom * down)) for x, y, right, bottom in boxes]


def _hidden(label: Box, faces: Sequence[Box]) -> int:
    """Return how many pixels of faces lie beneath a label."""
    return sum(
        max(min(label[2], face[2]) - max(label[0], face[0]), 0) * max(min(label[3], face[3]) - max(label[1], face[1]), 0)
        for face in faces
    )
