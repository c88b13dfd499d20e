"""Plain text: it has no place for metadata, so the label is its last line (our documented default; the guide: UNKNOWN).

Only the first and the last 64 KiB are looked at: a log of gigabytes costs no more than a note.
"""

import itertools
import re
from collections.abc import Iterator
from typing import BinaryIO

from mingwen.containers.edits import Edit, size_of, spliced
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import wrapped
from mingwen.domain.media import Splice
from mingwen.formats._characters import CLUE_BYTES, WHITE, Stretch, closing, ends, opening, require_label
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

REACH_BYTES = 64 * 1024
"""How much is searched at either end; no longer line is taken for a label."""

_PLACE = "last line"
_EARLIER_PLACE = "line before the last"
_FIRST_PLACE = "first line"
_LABEL = re.compile(rb'\{[ \t]*"AIGC"[ \t]*:[^\r\n]*\}')
_OPENED = re.compile(rb'\{[ \t]*"AIGC"[ \t]*:')
_FIRST_LINE = re.compile(rb'[ \t\r\n\f]*+(\{[ \t]*"AIGC"[ \t]*:[^\r\n]*\})[ \t\f]*(?:\r\n|\n|\r|\Z)')
_STRUCTURED = (b"<?xml", b"<svg", b"{\\rtf", b"%!PS")
"""Beginnings of languages that a line of JSON at the end breaks."""

_Line = tuple[Stretch, int, int]
"""A label's line: where it was read, and from which index to which, without white space around it."""


def _line_before(end: Stretch, stop: int) -> tuple[int, int] | None:
    """Return where the last line before ``stop`` that is not empty stands, if its beginning can be seen."""
    body = end.view[:stop].rstrip(WHITE)
    before = max(body.rfind(b"\n"), body.rfind(b"\r"))
    if not body or (before < 0 and not end.first):
        return None
    return len(body) - len(body[before + 1 :].lstrip(WHITE)), len(body)


def last_lines(end: Stretch) -> list[_Line]:
    """Find the labels in the last lines that are not empty, the last one first."""
    found: list[_Line] = []
    line = _line_before(end, len(end.view))
    while line and _LABEL.fullmatch(end.view, *line):
        found.append((end, *line))
        line = _line_before(end, line[0])
    return found


def _breaks_off(end: Stretch) -> bool:
    """Say whether the last line begins as a label and does not end as one."""
    line = _line_before(end, len(end.view))
    return line is not None and _OPENED.match(end.view, *line) is not None and not _LABEL.fullmatch(end.view, *line)


def _first_lines(start: Stretch, last: list[_Line]) -> list[tuple[_Line, int]]:
    """Find the labels that stand before any other line, each with the end of its line; never the last ones."""
    end = last[-1][0].at(last[-1][1]) if last else -1
    found: list[tuple[_Line, int]] = []
    index = 0
    while (m := _FIRST_LINE.match(start.view, index)) and start.at(m.start(1)) != end:
        if m.end() == len(start.view) and not start.last:
            break
        found.append(((start, m.start(1), m.end(1)), m.end()))
        index = m.end()
    return found


def seen_at(line: _Line, place: str, *, guide: bool) -> Site | Unread:
    """Return the label in a line, or say why it cannot be read."""
    stretch, start, stop = line
    text = stretch.text(start, stop)
    if text is None:
        return Unread(place, "is neither in the file's encoding nor in GB 18030")
    return Site(place, text, Wrapper.WRAPPED, guide=guide)


def read(source: BinaryIO) -> Reading:
    """Find labels in the last lines that are not empty, and in the first ones."""
    end = closing(source, REACH_BYTES)
    last = last_lines(end)
    seen = [seen_at(line, _EARLIER_PLACE if number else _PLACE, guide=number == 0) for number, line in enumerate(last)]
    if _breaks_off(end):
        seen.append(Unread(_PLACE, "begins as a label and breaks off"))
    seen += [seen_at(line, _FIRST_PLACE, guide=False) for line, _ in _first_lines(opening(source, REACH_BYTES), last)]
    return Reading(tuple(s for s in seen if isinstance(s, Site)), tuple(s for s in seen if isinstance(s, Unread)))


def splice(source: BinaryIO, label: str) -> Splice:
    """Put the label into the last line, in the wrapped form since the place has no name (GB 45438-2025 Annex E a, b).

    Raises:
        Refused: the text is written in a language that the line would break (``text.structured``).
        Malformed: a UTF-16 text ends within a character (``text.half-character``).
    """
    require_label(label)
    size, start, end = size_of(source), opening(source, REACH_BYTES), closing(source, REACH_BYTES)
    if start.view.lstrip(WHITE).startswith(_STRUCTURED):
        raise Refused(
            "text.structured",
            "expected plain text, got XML, RTF or PostScript, which a label line at the end would break",
            hint="convert it to a format with a place for metadata, such as PDF, DOCX or HTML",
        )
    if len(end.data) % end.encoding.width:
        raise Malformed(
            "text.half-character", "expected UTF-16 in pairs of bytes, but their number is odd", hint="get a whole copy"
        )
    last = last_lines(end)
    edits = [Edit(s.at(a), s.at(stop), b"") for (s, a, _), stop in _first_lines(start, last)]
    edits += [Edit(end.at(earlier), end.at(later), b"") for (_, later, _), (_, earlier, _) in itertools.pairwise(last)]
    return spliced([*edits, _label_edit(start, end, last[0] if last else None, wrapped(label))], size)


def _label_edit(start: Stretch, end: Stretch, last: _Line | None, line: str) -> Edit:
    """Replace the label's line, or add one that ends as the text ended."""
    encode = end.encoding.encode
    if last:
        return Edit(end.at(last[1]), end.at(last[2]), encode(line))
    size, newline = end.at(len(end.view)), start.newline()
    if not end.view:
        return Edit(size, size, encode(line))
    ended = end.view.endswith((b"\n", b"\r"))
    return Edit(size, size, encode(line + newline if ended else newline + line))


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give the beginning and the end."""
    beginning, end = ends(source, CLUE_BYTES)
    yield Clue(Channel.BODY, "beginning", beginning)
    yield Clue(Channel.BODY, "end", end)
