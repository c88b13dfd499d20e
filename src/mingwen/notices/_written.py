"""Written text as bytes: its encodings, the label put between its characters, and labels found in it again."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from mingwen.domain.errors import Malformed
from mingwen.domain.notices import Moment, Style
from mingwen.notices import _html, _markdown, _plain
from mingwen.notices._plain import Spot

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WITHOUT_BOM = ("utf-8", "gb18030")
"""Tried in turn; bytes that are both are UTF-8 by all likelihood."""

_RECORD = re.compile(r"\n\{\"AIGC\":[^\n]*\}\s*\Z")
"""The metadata label of a plain text, its last line: a reader of the text takes it for no part of it."""

Spotter: TypeAlias = Callable[[str, Style, str, Moment], Spot | None]
"""Returns where the label of a moment goes; takes the text, the style, and the kind of line end."""


def spots_of(spotter: Spotter, text: str, style: Style, moments: Iterable[Moment]) -> dict[Moment, Spot]:
    """Choose the places; a text too short for a middle bears that label at its end."""
    newline = "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"
    out: dict[Moment, Spot] = {}
    wanted = set(moments)
    for moment in (m for m in Moment if m in wanted):
        if spot := spotter(text, style, newline, moment):
            out[moment] = spot
        elif end := spotter(text, style, newline, Moment.END):
            out[Moment.END] = end
    return out


def spliced(data: bytes, read: tuple[int, str, str], spots: Mapping[Moment, Spot]) -> Iterator[bytes]:
    """Yield the bytes of a text with the spots filled; ``read`` is what ``decoded`` said of it.

    Raises:
        Malformed: the encoding has several forms of what stands there, so that bytes cannot be counted (``text.encoding``).
    """
    at, encoding, text = read
    yield data[:at]
    offset, at = at, 0
    for place, line in sorted(spots.values(), key=lambda spot: spot[0]):
        upto = offset + len(text[at:place].encode(encoding))
        if data[offset:upto].decode(encoding, "replace") != text[at:place]:
            raise Malformed("text.encoding", f"expected plain {encoding}, got other forms", hint="convert the text to UTF-8")
        yield data[offset:upto]
        yield line.encode(encoding if encoding != "latin-1" else "ascii", "xmlcharrefreplace")
        at, offset = place, upto
    yield data[offset:]


def found(text: str) -> tuple[Moment, ...]:
    """Return the moments at which a text bears a label in one of our forms."""
    text = _RECORD.sub("", text)
    notices = sorted([*_plain.spans(text), *_markdown.spans(text), *_html.spans(text)])
    if not notices:
        return ()
    front = _markdown.FRONT_MATTER.match(text)
    stops = [front.end() if front else 0, *(stop for _, stop in notices)]
    # What is seen between the labels: nothing before the first is a start, nothing behind the last an end.
    seen = [_html.visible(text[a:b]) for a, b in zip(stops, [*(start for start, _ in notices), len(text)], strict=True)]
    moments = {Moment.START: not seen[0], Moment.MIDDLE: sum(seen) > 1, Moment.END: not seen[-1]}
    return tuple(moment for moment, is_there in moments.items() if is_there)


def decoded(data: bytes, *, lenient: bool) -> tuple[int, str, str]:
    """Return the length of the byte order mark, the encoding, and the text.

    HTML in another encoding is read as bytes: its tags are ASCII, and what is put in is written as references.
    """
    for bom, encoding in BOMS:
        if data.startswith(bom):
            try:
                return len(bom), encoding, data[len(bom) :].decode(encoding)
            except UnicodeDecodeError as broken:
                raise Malformed(
                    "text.encoding", f"expected {encoding}, but {broken.reason}", hint="convert the text to UTF-8"
                ) from broken
    for encoding in ("utf-8", "latin-1") if lenient else WITHOUT_BOM:
        try:
            return 0, encoding, data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Malformed(
        "text.encoding", "expected UTF-8, UTF-16 with a byte order mark, or GB 18030", hint="convert the text to UTF-8"
    )
