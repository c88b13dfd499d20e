"""The label in a drawing: outlines on a plate, the last child of the root, so that they lie above all else. SVG 2 §7, §8.

The letters are paths, since no font of ours is there where the drawing is shown; an invisible text of the same words, and a
name for screen readers, let people select and programs read them. Rules of the drawing's own style sheets do not reach it.
"""

import html
import re
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from mingwen.domain.errors import Malformed
from mingwen.domain.notices import Moment, Style, has_elements
from mingwen.notices._lettering import LEAST_INK_PIXELS, Label
from mingwen.notices._markup import Node, walked
from mingwen.notices._outlines import glyph, strokes
from mingwen.notices._vector import EDGE, PLATE_OPACITY, Plate, outline, place, plate

MAX_SEARCHED_BYTES = 1 << 20
"""Of a drawing's end."""
DEFAULT_SIZE = (300.0, 150.0)
"""CSS: what a browser takes where nothing is said."""
UNITS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6}
"""CSS pixels; a length in other units depends on the page around."""
MOST = 1e7

_LENGTH = re.compile(r"\s*\+?(\d*\.?\d+(?:e[+-]?\d{1,2})?)\s*([a-z]*)\s*", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[+-]?\d*\.?\d+(?:e[+-]?\d{1,2})?", re.IGNORECASE | re.ASCII)
_OURS = re.compile(rb'class="aigc-notice" role="note" aria-label=("[^"]{1,4000}"|\'[^\']{1,4000}\')')
_SEEN = "display:inline!important;visibility:visible!important;opacity:1!important;filter:none!important;mask:none!important"


class _Frame(NamedTuple):
    """What is seen of a drawing, in CSS pixels, and how these lie in the root's own coordinates."""

    left: float
    top: float
    width: float
    height: float
    shortest: float
    """Side of the viewport."""
    scale: tuple[float, float]
    origin: tuple[float, float]
    """Of the pixels, in the root's coordinates."""
    absolute: bool
    """Does the drawing say its size?"""


def mark(data: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Draw the label; every byte of the drawing stays.

    Raises:
        Malformed: it is no well-formed XML, or no SVG (``part.broken``).
        Refused: there is no room for a legible label (``notice.no-room``).
    """
    tree = walked(data, "drawing", 0)
    if tree.root.local != "svg":
        raise Malformed("image.broken", f"expected svg as root, got {tree.root.local!r:.40}", hint="get a whole copy")
    frame = _frame(tree.root)
    ink = max(style.ink_height_share * frame.shortest, LEAST_INK_PIXELS if frame.absolute else 0)
    room = frame.width / ink, frame.height / ink
    made = plate(style, room)
    x, y = place(style.position, made, room)
    left, bottom = frame.left + x * ink, frame.top + frame.height - y * ink
    (sx, sy), (ox, oy) = frame.scale, frame.origin
    matrix = ink / sx, 0, 0, -ink / sy, ox + left / sx, oy + bottom / sy
    new = _group(made, style, tree.root.space, " ".join(f"{v:.6g}" for v in matrix))
    empty = np.zeros((0, 0), np.float32)
    label = Label(round(left), round(bottom), empty, empty, empty, round(ink))
    return tree.edited([tree.last_in(tree.root, new)]), label, "" if frame.absolute else ", in the drawing's own units"


def found(source: BinaryIO) -> tuple[Moment, ...]:
    """Say whether a drawing ends with our label; a still picture has one moment."""
    source.seek(0, 2)
    size = source.tell()
    source.seek(max(0, size - MAX_SEARCHED_BYTES))
    data = source.read(MAX_SEARCHED_BYTES).replace(b"\0", b"")
    words = (html.unescape(m[1].decode("utf-8", "replace")) for m in _OURS.finditer(data))
    return (Moment.START,) if any(map(has_elements, words)) else ()


def _frame(root: Node) -> _Frame:
    """Find what is seen of a drawing: SVG 2 §8.2 (viewport), §8.6 (viewBox), §8.7 (preserveAspectRatio)."""
    width, height = _length(root.attribute("width")), _length(root.attribute("height"))
    box = _view_box(root)
    if box is None:
        w, h = width or DEFAULT_SIZE[0], height or DEFAULT_SIZE[1]
        return _Frame(0, 0, w, h, min(w, h), (1, 1), (0, 0), absolute=bool(width and height))
    absolute = bool(width or height)
    w = width or (height * box[2] / box[3] if height else box[2])
    h = height or (width * box[3] / box[2] if width else box[3])
    align, _, fit = root.attribute("preserveAspectRatio").strip().partition(" ")
    sx, sy = w / box[2], h / box[3]
    if align != "none":
        sx = sy = max(sx, sy) if fit.strip() == "slice" else min(sx, sy)
    share = {"Min": 0.0, "Max": 1.0}
    tx = (w - sx * box[2]) * share.get(align[1:4], 0.5)
    ty = (h - sy * box[3]) * share.get(align[5:8], 0.5)
    left, top = max(0, tx), max(0, ty)
    seen = min(w, tx + sx * box[2]) - left, min(h, ty + sy * box[3]) - top
    return _Frame(left, top, *seen, min(w, h), (sx, sy), (box[0] - tx / sx, box[1] - ty / sy), absolute=absolute)


def _length(text: str) -> float | None:
    m = _LENGTH.fullmatch(text)
    unit = UNITS.get(m[2].lower()) if m else None
    value = float(m[1]) * unit if m and unit else 0.0
    return value if 1 / MOST < value < MOST else None


def _view_box(root: Node) -> tuple[float, float, float, float] | None:
    numbers = [float(n) for n in _NUMBER.findall(root.attribute("viewBox"))]
    if len(numbers) != 4 or not all(abs(n) < MOST for n in numbers) or min(numbers[2:]) < 1 / MOST:  # noqa: PLR2004
        return None
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _group(made: Plate, style: Style, space: str, matrix: str) -> str:
    name = f" xmlns={quoteattr(space)}" if space else ""
    letters = " ".join(
        _path(glyph(letter.character, style.font).segments, made.em, (letter.x, letter.y))
        for line in made.lines
        for letter in line
    )
    texts = "".join(
        f'<text x="{line[0].x:.3f}" y="{-line[0].y:.3f}">{escape("".join(letter.character for letter in line))}</text>'
        for line in made.lines
    )
    words = quoteattr(style.wording)
    plate_ = f"fill:#101010!important;fill-opacity:{PLATE_OPACITY}!important;stroke:#fff!important;stroke-width:{EDGE}!important"
    return (
        f'<g{name} class="aigc-notice" role="note" aria-label={words} transform="matrix({matrix})" style="{_SEEN}">'
        f"<title>{escape(style.wording)}</title>"
        f'<path d="{_path(outline(made), 1, (0, 0))}" style="{plate_};{_SEEN}"/>'
        f'<path d="{letters}" style="fill:#fff!important;fill-opacity:1!important;stroke:none!important;{_SEEN}"/>'
        f'<g transform="scale(1 -1)" aria-hidden="true" style="fill-opacity:0!important;stroke:none!important;'
        f'font:700 {made.em:.3f}px sans-serif!important;text-anchor:start!important">{texts}</g></g>'
    )


def _path(segments: Iterable[tuple[float, ...]], scale: float, at: tuple[float, float]) -> str:
    """Write segments as path data (§9.3)."""
    commands = {"m": "M", "l": "L", "c": "C", "h": "Z"}
    return "".join(
        commands[operator] + " ".join(f"{at[n % 2] + v * scale:.3f}" for n, v in enumerate(numbers))
        for operator, numbers in strokes(segments)
    )
