"""Where a label goes in Markdown: as a quotation between blocks, or as raised text at one; never within what is no prose."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from mingwen.domain.notices import Moment, Style, TextForm, has_elements
from mingwen.notices._plain import Spot, ended, nearest

FRONT_MATTER = re.compile(
    r"(?:---[ \t]*\r?\n(?=[ \t\r\n]*(?:#|[\w\"'][^\n]*:|---|\.\.\.))(?:.*\n){0,2000}?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z))"
    r"|(?:\+\+\+[ \t]*\r?\n(?:.*\n){0,2000}?\+\+\+[ \t]*(?:\r?\n|\Z))"
)
"""YAML or TOML at the very start: it must stay first, or it is no front matter any more."""
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_RAW_BLOCKS = (
    (re.compile(r" {0,3}<!--"), "-->"),
    (re.compile(r" {0,3}<\?"), "?>"),
    (re.compile(r" {0,3}<script\b", re.IGNORECASE), "</script>"),
    (re.compile(r" {0,3}<style\b", re.IGNORECASE), "</style>"),
    (re.compile(r" {0,3}<pre\b", re.IGNORECASE), "</pre>"),
    (re.compile(r" {0,3}<textarea\b", re.IGNORECASE), "</textarea>"),
)
"""CommonMark 0.31 §4.6: HTML blocks that no blank line ends, and what does."""
_OPENING = frozenset("`~<")
_SIGNS = re.compile(r"([\\`*_<\[&])")
_NO_PROSE = re.compile(r"\s|[-+*](?:\s|$)|\d{1,9}[.)](?:\s|$)|>|\||<|\[[^\]]*\]:|([-*_])(?:\s*\1){2,}\s*$|:::|\$\$|\{[%:]")
"""How lists, quotations, tables, HTML, definitions, rules and containers begin."""
_TABLE = re.compile(r"^ {0,3}\|?\s*:?-+:?\s*\|", re.MULTILINE)
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_CLOSING_SIGNS = re.compile(r"[ \t]+#+[ \t]*$")
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]*)(?:[^<>]*?)(/?)>")
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
_QUOTATION = re.compile(r"^> (.{1,1000}?)\r?$", re.MULTILINE)
_RAISED = re.compile(r"(?:^#{1,6} [^<>\n]{0,1000}+)?<sup>([^<>\n]{1,1000})</sup>(?: #+$)?", re.MULTILINE)
"""With the heading that it stands in, which is no text before it."""
_ESCAPED = re.compile(r"\\([\\`*_<\[&])")


@dataclass(slots=True)
class _Block:
    """Lines without a blank one between them, unless a fence or raw HTML spans it."""

    start: int
    stop: int
    """Behind its last character that is seen."""
    prose: bool
    """A paragraph or a heading, outside of any HTML element."""
    last: str
    """Its last line."""


def spot(text: str, style: Style, newline: str, moment: Moment) -> Spot | None:
    """Return where the label of a moment goes, None if the text has no fitting middle."""
    front = FRONT_MATTER.match(text)
    first = front.end() if front else 0
    blocks, close = _blocks(text, first)
    wording = _SIGNS.sub(r"\\\1", style.wording)
    if style.text_form is TextForm.CORNER:
        line = f"<sup>{wording}</sup>"
        if beside := _beside(text, [] if close and moment is Moment.END else blocks, line, moment):
            return beside
    else:
        line = f"> {wording}"
    if moment is Moment.START:
        lead = ended(text[:first], newline) + newline if first else ""
        return first, lead + line + newline + (newline if text[first:] else "")
    if moment is Moment.END:
        tail = ended(text, newline) + (close + newline if close else "") + (newline if text else "")
        return len(text), tail + line + newline
    gap = _middle(blocks)
    return (gap[1].start, line + newline * 2) if gap else None


def _middle(blocks: list[_Block]) -> tuple[_Block, _Block] | None:
    """Return the two paragraphs between which the middle is."""
    gaps = {b.start: (a, b) for a, b in pairwise(blocks) if a.prose and b.prose and not _HEADING.match(a.last)}
    place = nearest(gaps, (blocks[0].start + blocks[-1].stop) / 2) if gaps else None
    return None if place is None else gaps[place]


def _beside(text: str, blocks: list[_Block], line: str, moment: Moment) -> Spot | None:
    """Put raised text at a paragraph of prose, None if there is none where the moment wants it."""
    if not blocks:
        return None
    if moment is Moment.START:
        return _at_head(text, blocks[0], line)
    gap = _middle(blocks) if moment is Moment.MIDDLE else (blocks[-1],)
    return (gap[0].stop, line) if gap and _takes_mark(gap[0]) else None


def spans(text: str) -> list[tuple[int, int]]:
    """Return where labels in our forms stand."""
    found = [*_QUOTATION.finditer(text), *_RAISED.finditer(text)]
    return [m.span() for m in found if has_elements(_ESCAPED.sub(r"\1", m[1]))]


def _at_head(text: str, block: _Block, line: str) -> Spot | None:
    """Put raised text before the first paragraph, or behind the first heading's words."""
    if not block.prose:
        return None
    head = text[block.start : block.stop].partition("\n")[0].rstrip("\r")
    if not _HEADING.match(head):
        return block.start, line
    closing = _CLOSING_SIGNS.search(head)
    return block.start + (closing.start() if closing else len(head.rstrip())), " " + line


def _takes_mark(block: _Block) -> bool:
    """Say whether raised text behind the last word is raised text there: no heading's sign, no escape before it."""
    return block.prose and not _HEADING.match(block.last) and block.last.strip("=-") != "" and not block.last.endswith("\\")


@lru_cache(maxsize=1)  # each moment asks for them
def _blocks(text: str, first: int) -> tuple[list[_Block], str]:
    """Return the blocks, and what closes a code fence or an HTML block that is still open at the end, or ""."""
    blocks: list[_Block] = []
    closing, between, deep, at = "", True, 0, first
    for line in text[first:].splitlines(keepends=True):
        bare = line.rstrip()
        was, closing = closing, _closing(bare, closing)
        if was or bare:
            if between:
                blocks.append(_Block(at, at, prose=deep <= 0 and not _NO_PROSE.match(bare), last=""))
            block = blocks[-1]
            block.stop, block.last = at + len(bare), bare
            block.prose = block.prose and not (was or closing or ("|" in bare and _TABLE.match(bare)))
            if not block.prose and not was and text[block.start : block.start + 1] == "<":
                deep = max(deep + _opened(bare), 0)
        between = not (was or bare) or bool(was and not closing)
        at += len(line)
    return blocks, closing


def _opened(line: str) -> int:
    """Count the elements that a line opens and does not close."""
    tags = [m for m in _TAG.finditer(line) if m[2].lower() not in _VOID and not m[3]]
    return sum(-1 if m[1] else 1 for m in tags)


def _closing(line: str, closing: str) -> str:
    """Return what closes the fence or raw HTML that is open behind a line, given what was to close before it."""
    if not closing and line[:4].lstrip(" ")[:1] not in _OPENING:
        return ""
    fence = _FENCE.match(line)
    if not closing:
        opened = fence[1] if fence else next((end for begin, end in _RAW_BLOCKS if begin.match(line)), "")
        return "" if opened and opened[0] not in "`~" and opened in line else opened
    if closing[0] in "`~":
        ends = fence and fence[1].startswith(closing) and not line.strip().strip(closing[0])
    else:
        ends = closing.lower() in line.lower()
    return "" if ends else closing
