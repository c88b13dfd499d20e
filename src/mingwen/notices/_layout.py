"""Setting a wording: lines from left to right or right to left, or columns from right to left.

Everything is placed by its ink, not by the font's boxes, so that a label looks centred whatever the script.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from PIL import Image, ImageDraw, ImageFont

from mingwen.domain.notices import ELEMENTS, Layout
from mingwen.notices._font import HANGUL, HANZI, KANA, direction, is_among
from mingwen.notices._proportions import LEADING

GAP = 0.24
"""Between the characters of a column."""
FLAT_EMS, SPACE_EMS = 0.5, 0.3
"""Least height of an upright character in a column, and that of a space."""
DROP_SHARE = 0.25
"""Of what hangs below the baseline of Latin, Greek or Cyrillic letters: so much lower than by their ink they stand."""

NEVER_FIRST = frozenset("、。，．：；！？）」』】〉》〕”’…ー・ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ,.:;!?)]}%")
NEVER_LAST = frozenset("（「『【〈《〔“‘([{")
BREAK_BEHIND = frozenset(" -–—/，。、；：")
TURNED = frozenset("（）「」『』【】〈〉《》〔〕()[]{}—–-…～~ー：；:;/")
"""Lie on their sides in a column."""
HANGING = frozenset("、。，．,.")
"""Stand at the upper right of their place in a column."""
UPRIGHT_LETTERS = 3
"""Capitals or digits in a row that stand upright in a column; longer words lie on their sides."""

IDEOGRAPHS = HANZI + KANA
ELEMENT = re.compile("|".join(word for element in ELEMENTS for word in element if not word.isascii()))
UPRIGHT = (*IDEOGRAPHS, *HANGUL, (0x3000, 0x303F), (0xFF00, 0xFFEF))


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters in a row; their ink begins at ``x``, ``y``."""

    text: str
    x: int
    y: int
    turn: Image.Transpose | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A wording as it is set, not yet drawn."""

    width: int
    height: int
    """Of its ink."""
    pieces: tuple[Piece, ...]
    drop: int = 0
    """Pixels that it stands lower than the middle, for the eye."""


@dataclass(frozen=True, slots=True)
class Setter:
    """A font that sets a wording."""

    font: ImageFont.FreeTypeFont
    direction: str | None

    def box(self, text: str) -> tuple[int, int, int, int]:
        """Return the ink's box around the beginning of the baseline."""
        left, top, right, bottom = self.font.getbbox(text, anchor="ls", direction=self.direction)
        return round(left), round(top), round(right), round(bottom)

    def size(self, text: str) -> tuple[int, int]:
        """Return width and height of the ink."""
        left, top, right, bottom = self.box(text)
        return right - left, bottom - top

    def length(self, text: str) -> float:
        """Return how far a text reaches."""
        return self.font.getlength(text, direction=self.direction)

    def draw(self, onto: Image.Image, piece: Piece) -> None:
        """Draw a piece, white."""
        left, top, right, bottom = self.box(piece.text)
        if piece.turn is None:
            at = (piece.x - left, piece.y - top)
            ImageDraw.Draw(onto).text(at, piece.text, fill=255, font=self.font, anchor="ls", direction=self.direction)
            return
        tile = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(tile).text((-left, -top), piece.text, fill=255, font=self.font, anchor="ls", direction=self.direction)
        onto.paste(tile.transpose(piece.turn), (piece.x, piece.y))


def setter(wording: str, font: ImageFont.FreeTypeFont) -> Setter:
    return Setter(font, direction(wording))


def laid_out(wording: str, by: Setter, room: tuple[int, int], target: int, layout: Layout) -> Text:
    """Set a wording of ``target`` pixels' ink in as few lines (columns) as the width (height) of ``room`` lets it."""
    return (_columns if layout is Layout.VERTICAL else _rows)(wording, by, room, target)


def _evenly(parts: Sequence[str], length: Callable[[str], float], most: float) -> list[str]:
    """Join parts into the fewest lines that fit, then make them as even as they can be."""
    lines = _filled(parts, length, most)
    longest = max(map(length, lines))
    while len(lines) > 1:
        tighter = _filled(parts, length, longest - 1)
        if len(tighter) > len(lines) or max(map(length, tighter)) >= longest:
            break
        lines, longest = tighter, max(map(length, tighter))
    return lines


def _filled(parts: Sequence[str], length: Callable[[str], float], most: float) -> list[str]:
    lines = [""]
    for part in parts:
        if lines[-1] and length((lines[-1] + part).strip()) > most:
            lines.append("")
        lines[-1] += part
    return [line.strip() for line in lines]


def _parts(wording: str, length: Callable[[str], float], most: float) -> list[str]:
    """Split where a line may break; the elements of §5 stay whole where there is room."""
    parts = _split(wording, whole=ELEMENT)
    return parts if all(length(part.strip()) <= most for part in parts) else _split(wording)


def _split(wording: str, *, whole: re.Pattern[str] | None = None) -> list[str]:
    """Split behind spaces and hyphens, and around ideographs but for their punctuation."""
    text = " ".join(wording.split())
    inside = {i for match in whole.finditer(text) for i in range(match.start() + 1, match.end())} if whole else set()
    starts = [0, *(i for i in range(1, len(text)) if i not in inside and _opens(text[i - 1], text[i]))]
    return [text[start:end] for start, end in pairwise([*starts, len(text)])]


def _opens(before: str, after: str) -> bool:
    if after == " " or after in NEVER_FIRST or before in NEVER_LAST:
        return False
    return before in BREAK_BEHIND or is_among(before, IDEOGRAPHS) or is_among(after, IDEOGRAPHS)


# --- lines --------------------------------------------------------------------------------------------------------------------


def _rows(wording: str, by: Setter, room: tuple[int, int], target: int) -> Text:
    lines = _evenly(_parts(wording, by.length, room[0]), by.length, room[0])
    boxes = [by.box(line) for line in lines]
    step = round(max(b[3] for b in boxes) - min(b[1] for b in boxes) + LEADING * target)
    width, top = max(b[2] - b[0] for b in boxes), boxes[0][1]
    pieces = [
        Piece(line, (width - box[2] + box[0]) // 2, step * number + box[1] - top)
        for number, (line, box) in enumerate(zip(lines, boxes, strict=True))
    ]
    height = step * (len(lines) - 1) + boxes[-1][3] - top
    rests = by.direction is None and not any(is_among(c, UPRIGHT) for c in lines[-1])
    hangs = max(boxes[-1][3], 0) if rests else 0
    return Text(width, height, tuple(pieces), round(DROP_SHARE * hangs))


# --- columns ------------------------------------------------------------------------------------------------------------------


def _cells(text: str) -> list[str]:
    """Split into characters that stand upright, words that lie on their sides, and spaces."""
    cells: list[str] = []
    for upright, run in groupby(text, lambda c: c == " " or is_among(c, UPRIGHT)):
        word = "".join(run)
        stands = upright or (len(word) <= UPRIGHT_LETTERS and (word.isdigit() or (word.isascii() and word.isupper())))
        cells += word if stands else [word]
    return cells


def _turn(cell: str, by: Setter) -> Image.Transpose | None:
    if cell not in TURNED and (len(cell) == 1 or not cell.strip()):
        return None
    return Image.Transpose.ROTATE_90 if by.direction == "rtl" else Image.Transpose.ROTATE_270


def _cell_size(cell: str, by: Setter) -> tuple[int, int]:
    width, height = (0, round(SPACE_EMS * by.font.size)) if cell == " " else by.size(cell)
    if _turn(cell, by):
        return height, width
    return width, max(height, round(FLAT_EMS * by.font.size)) if is_among(cell, UPRIGHT) else height


def _columns(wording: str, by: Setter, room: tuple[int, int], target: int) -> Text:
    gap = round(GAP * target)

    def length(text: str) -> float:
        return sum(_cell_size(c, by)[1] + gap for c in _cells(text)) - gap

    columns = _evenly(_parts(wording, length, room[1]), length, room[1])
    widths = [max(_cell_size(c, by)[0] for c in _cells(column)) for column in columns]
    between = round(LEADING * target)
    height = round(max(map(length, columns)))
    pieces: list[Piece] = []
    right = width = sum(widths) + between * (len(columns) - 1)
    for column, across in zip(columns, widths, strict=True):
        pieces += _column(_cells(column), by, (right - across, across), gap)
        right -= across + between
    return Text(width, height, tuple(pieces))


def _column(cells: list[str], by: Setter, span: tuple[int, int], gap: int) -> list[Piece]:
    """Place the cells of one column, each in the middle of ``span`` (left, width)."""
    pieces: list[Piece] = []
    y = 0
    for cell in cells:
        turn = _turn(cell, by)
        tall = _cell_size(cell, by)[1]
        if cell != " ":
            size = by.size(cell)
            width, height = size[::-1] if turn else size
            hangs = cell in HANGING
            x = span[0] + (span[1] - width if hangs else (span[1] - width) // 2)
            pieces.append(Piece(cell, x, y if hangs else y + (tall - height) // 2, turn))
        y += tall + gap
    return pieces
