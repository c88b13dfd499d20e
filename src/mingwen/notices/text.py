"""The label on a text: the wording as a line of its own at the start or the end.

Everything else stays byte for byte: encoding, byte order mark, kind of line ends, front matter.
"""

import codecs
import html
import re
from collections.abc import Callable
from typing import BinaryIO, TypeAlias

from mingwen.domain.errors import Malformed, Misused, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Style, has_elements
from mingwen.notices import _html
from mingwen.notices._shape import Notice, not_drawn

MAX_BYTES = 64 * 1024 * 1024
MAX_SEARCHED_BYTES = 1024 * 1024
MAX_WORDING = 1_000
"""Characters."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WITHOUT_BOM = ("utf-8", "gb18030")
"""Tried in turn; bytes that are both are UTF-8 by all likelihood."""

Insertions: TypeAlias = list[tuple[int, str]]
"""What is put where, in characters of the text."""

_FRONT_MATTER = re.compile(
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
_MARKDOWN_SIGNS = re.compile(r"([\\`*_<\[&])")
_HANZI = re.compile(r"[\u3400-\u9fff]")
_LINE_NOTICE = re.compile(r"^(?:【(.+)】|\[(.+)\]|> (.+))\r?$", re.MULTILINE)


def mark(source: BinaryIO, sink: BinaryIO, format_name: str, style: Style) -> str:
    """Write the wording of GB 45438-2025 §5.1 into a text.

    Raises:
        Malformed: the text is in none of the encodings that are read (``text.encoding``).
        Refused: no label is drawn into the format (``notice.format``); it is too large (``notice.too-large``).
        Misused: no such format, or a wording of several lines.
    """
    places = FORMATS.get(format_name)
    if places is None:
        raise not_drawn(format_name, FORMATS)
    if len(style.wording) > MAX_WORDING or not style.wording.isprintable():
        raise Misused("notice.wording", f"expected one line of at most {MAX_WORDING} characters", hint="shorten the wording")
    source.seek(0)
    data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused("notice.too-large", f"expected at most {MAX_BYTES} bytes of text, got more", hint="split the text")
    bom, encoding, text = _decoded(data, lenient=format_name == "html")
    if format_name == "html" and re.search(r"<frameset[\s>]", text, re.IGNORECASE):
        hint = "label the pages in its frames"
        raise Refused("notice.frameset", "expected a page with a body, found a frameset, which a note would displace", hint=hint)
    newline = "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"
    sink.write(data[:bom])
    at, offset = 0, bom
    for place, line in places(text, style, newline):
        upto = offset + len(text[at:place].encode(encoding))
        if data[offset:upto].decode(encoding, "replace") != text[at:place]:
            raise Malformed("text.encoding", f"expected plain {encoding}, got other forms", hint="convert the text to UTF-8")
        sink.write(data[offset:upto])
        sink.write(line.encode(encoding if encoding != "latin-1" else "ascii", "xmlcharrefreplace"))
        at, offset = place, upto
    sink.write(data[offset:])
    return f"wrote {style.wording} at {' and '.join(style.moments)}"


def found(text: str) -> tuple[Moment, ...]:
    """Return the ends at which a text bears a label in one of our forms: none, one, or both."""
    notices = [m.span() for m in _LINE_NOTICE.finditer(text) if has_elements(m[1] or m[2] or m[3])]
    notices += _html.spans(text)
    if not notices:
        return ()
    first, last = min(notices), max(notices)
    front = _FRONT_MATTER.match(text)
    before = text[front.end() if front else 0 : first[0]]
    ends = ((Moment.START, _html.visible(before)), (Moment.END, _html.visible(text[last[1] :])))
    return tuple(end for end, seen in ends if not seen)


def _found(source: BinaryIO) -> tuple[Moment, ...]:
    """Search a text of at most ``MAX_SEARCHED_BYTES``; of a longer one, or one that is no text, nothing is said."""
    source.seek(0)
    data = source.read(MAX_SEARCHED_BYTES + 1)
    try:
        return () if len(data) > MAX_SEARCHED_BYTES else found(_decoded(data, lenient=True)[2])
    except Malformed:
        return ()


def _decoded(data: bytes, *, lenient: bool) -> tuple[int, str, str]:
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


def _ended(text: str, newline: str) -> str:
    """Return what ends the last line, if it is not ended."""
    return newline if text and not text.endswith("\n") else ""


def _line(style: Style) -> str:
    return f"【{style.wording}】" if _HANZI.search(style.wording) else f"[{style.wording}]"


def _plain(text: str, style: Style, newline: str) -> Insertions:
    line = _line(style)
    start = [(0, line + newline + (newline if text else ""))]
    end = [(len(text), _ended(text, newline) + (newline if text else "") + line + newline)]
    return _chosen(style, start, end)


def _markdown(text: str, style: Style, newline: str) -> Insertions:
    quote = "> " + _MARKDOWN_SIGNS.sub(r"\\\1", style.wording)
    front = _FRONT_MATTER.match(text)
    first = front.end() if front else 0
    lead = _ended(text[:first], newline) + newline if first else ""
    close = _open_block(text[first:])
    start = [(first, lead + quote + newline + (newline if text[first:] else ""))]
    tail = _ended(text, newline) + (close + newline if close else "") + (newline if text else "")
    return _chosen(style, start, [(len(text), tail + quote + newline)])


def _open_block(text: str) -> str:
    """Return what closes a code fence or an HTML block that is still open at the end, or ""."""
    closing = ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if not closing:
            closing = fence[1] if fence else next((end for begin, end in _RAW_BLOCKS if begin.match(line)), "")
            if closing.startswith(("`", "~")) or closing not in line:
                continue
            closing = ""
        elif closing[0] in "`~":
            if fence and fence[1].startswith(closing) and not line.strip().strip(closing[0]):
                closing = ""
        elif closing.lower() in line.lower():
            closing = ""
    return closing


def _hypertext(text: str, style: Style, newline: str) -> Insertions:
    language = "zh-Hans" if _HANZI.search(style.wording) else "en"
    element = _html.ELEMENT.format(language=language, wording=html.escape(style.wording, quote=False))
    start, end, close = _html.places(text)
    return _chosen(style, [(start, newline + element + newline)], [(end, close + newline + element + newline)])


def _chosen(style: Style, start: Insertions, end: Insertions) -> Insertions:
    return (start if Moment.START in style.moments else []) + (end if Moment.END in style.moments else [])


FORMATS: dict[str, Callable[[str, Style, str], Insertions]] = {"text": _plain, "markdown": _markdown, "html": _hypertext}
"""Our names of formats → where the label goes; each takes the text, the style, and the kind of line end."""

MEMBER = Notice(Medium.TEXT, "§5.1", mark, _found)
