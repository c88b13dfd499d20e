"""Where a label goes in plain text, and what it looks like there: a line in brackets, or a corner mark of raised letters."""

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from mingwen.domain.notices import ELEMENTS, Moment, Style, TextForm, as_line, has_elements

Spot: TypeAlias = tuple[int, str]
"""Where in the text, in characters, and what is put there."""

HANZI = re.compile(r"[\u3400-\u9fff]")
LINE = re.compile(r"^(?:【(.{1,1000})】|\[(.{1,1000})\])\r?$", re.MULTILINE)
"""Our line, as ``has_elements`` then judges it."""
_RAISED = dict(
    zip(
        "ABDEGHIJKLMNOPRTUVWabcdefghijklmnoprstuvwxyz0123456789+-=",
        "ᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼",
        strict=True,
    )
)
"""All superscripts that fonts of today have."""
_LOWERED = {ord(raised): plain for plain, raised in _RAISED.items()} | dict.fromkeys(map(ord, "⁽⁾"))
_LETTERS = "".join(_RAISED.values())
CORNER = re.compile(rf"(?:[{_LETTERS}\u2009]|⁽[^⁽⁾\n]{{1,200}}⁾)++(?<!\u2009)")
_PARAGRAPH = re.compile(r"\n[ \t\r]*+\n\s*+(?=\S)")
_LINE_END = re.compile(r"\n(?=\S)")
_NO_PARAGRAPH = re.compile(r"[ \t]|[-+*•|>#]|\d{1,9}[.)、]|[（(]?[一二三四五六七八九十]+[)）、]")
"""How lines of lists, tables, quotations and code begin."""


def spot(text: str, style: Style, newline: str, moment: Moment) -> Spot | None:
    """Return where the label of a moment goes, None if the text has no fitting middle."""
    if style.text_form is TextForm.CORNER:
        return _corner(text, style, moment)
    line = as_line(style.wording)
    if moment is Moment.START:
        return 0, line + newline + (newline if text else "")
    if moment is Moment.END:
        return len(text), ended(text, newline) + (newline if text else "") + line + newline
    gap = _middle(text)
    return None if gap is None else (gap[1], line + newline * (1 if gap[2] else 2))


def ended(text: str, newline: str) -> str:
    """Return what ends the last line, if it is not ended."""
    return newline if text and not text.endswith("\n") else ""


def raised(wording: str) -> str:
    """Write a corner mark (角标): superscript letters, and between raised brackets what Unicode has no superscripts for.

    Its exact shape is UNKNOWN in the standard; so that both elements of §5.1 stay legible, the whole wording stands in it.
    """
    parts = re.findall(rf"[{re.escape(''.join(_RAISED))}]+|\s+|[^{re.escape(''.join(_RAISED))}\s]+", wording)
    return "".join(
        part.translate(str.maketrans(_RAISED)) if part[0] in _RAISED else "\u2009" if part.isspace() else f"⁽{part}⁾"
        for part in parts
    )


def is_corner(mark: str) -> bool:
    """Say whether raised letters are a label: both elements, or "AI" alone, which a corner mark may be by some readings."""
    plain = mark.translate(_LOWERED).replace("\u2009", " ").strip()
    return has_elements(plain) or plain in ELEMENTS[0]


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where labels in our forms stand."""
    yield from (m.span() for m in LINE.finditer(text) if has_elements(m[1] or m[2]))
    for mark in CORNER.finditer(text):
        around = text[max(mark.start() - 1, 0) : mark.start()], text[mark.end() : mark.end() + 1]
        if is_corner(mark[0]) and (around[0] in {"", "\n"} or around[1] in {"", "\r", "\n"}):
            yield mark.span()


def nearest(places: Iterable[int], middle: float) -> int | None:
    """Return the place nearest to the middle."""
    return min(places, key=lambda place: abs(place - middle), default=None)


def _corner(text: str, style: Style, moment: Moment) -> Spot | None:
    mark = raised(style.wording)
    if moment is Moment.START:
        first = len(text) - len(text.lstrip())
        return first, mark + (" " if text[first : first + 1].isascii() and text.strip() else "")
    if moment is Moment.END:
        return len(text.rstrip()), mark
    gap = _middle(text)
    return None if gap is None else (len(text[: gap[0]].rstrip()), mark)


def _middle(text: str) -> tuple[int, int, bool] | None:
    """Return end and beginning of the paragraphs around the middle, and whether these are single lines."""
    first, stop = len(text) - len(text.lstrip()), len(text.rstrip())
    for pattern in (_PARAGRAPH, _LINE_END):
        gaps, begins = {}, first
        for m in pattern.finditer(text, first, stop):
            if not _NO_PARAGRAPH.match(text, begins) and not _NO_PARAGRAPH.match(text, m.end()):
                gaps[m.end()] = m.start()
            begins = m.end()
        place = nearest(gaps, (first + stop) / 2)
        if place is not None:
            return gaps[place], place, pattern is _LINE_END
    return None
