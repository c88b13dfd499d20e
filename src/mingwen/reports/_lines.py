"""Lines of Chinese and Latin text of a given width.

Between hanzi a line may end anywhere, but closing marks do not begin one nor opening marks end one (GB/T 15834-2011 §5.1).
Latin words stay whole unless one is longer than a line.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

Measure: TypeAlias = Callable[[str], float]
"""Gives the width of a character."""

_WIDE: Final = ((0x2E80, 0x303F), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF))
_NEVER_FIRST: Final = frozenset("、。，．：；？！）］｝〉》」』】〕〗”’…—·%％ー,.:;?!)]}")
_NEVER_LAST: Final = frozenset("（［｛〈《「『【〔〖“‘([{")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters that stay together, and how wide they are."""

    text: str
    width: float


def lines(text: str, width: float, measure: Measure) -> list[str]:
    """Break ``text`` into lines of at most ``width``; the end of a line in it stays one."""
    return [line for part in text.split("\n") for line in _broken(part, width, measure)]


def _broken(text: str, width: float, measure: Measure) -> Iterator[str]:
    line, used = "", 0.0
    for piece in (small for whole in _pieces(text, measure) for small in _fitting(whole, width, measure)):
        if line and used + sum(map(measure, piece.text.rstrip(" "))) > width:
            yield line.rstrip(" ")
            line, used = "", 0.0
        line, used = line + piece.text, used + piece.width
    yield line.rstrip(" ")


def _pieces(text: str, measure: Measure) -> Iterator[Piece]:
    """Cut wherever a line may end; spaces go with what stands before them."""
    start = 0
    for i in range(1, len(text) + 1):
        if i == len(text) or _may_break(text[i - 1], text[i]):
            if text[start:i]:
                yield Piece(text[start:i], sum(map(measure, text[start:i])))
            start = i


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in _NEVER_FIRST or before in _NEVER_LAST:
        return False
    return before == " " or _is_wide(before) or _is_wide(after) or (before, after) == ("]", "[")  # named characters


def _is_wide(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _WIDE)


def _fitting(piece: Piece, width: float, measure: Measure) -> Iterator[Piece]:
    """Cut a piece that is longer than a line wherever the line is full."""
    if piece.width <= width:
        yield piece
        return
    text, used = "", 0.0
    for character in piece.text:
        wide = measure(character)
        if text and used + wide > width:
            yield Piece(text, used)
            text, used = "", 0.0
        text, used = text + character, used + wide
    yield Piece(text, used)
