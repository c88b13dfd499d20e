"""The label on a text: the wording as a line of its own or as a corner mark, at the start, in the middle, at the end.

Everything else stays byte for byte: encoding, byte order mark, kind of line ends, front matter. Documents have coders of their
own; what they have in common is that no byte beside the label is written anew that need not be.
"""

import codecs
import re
from collections.abc import Callable, Mapping
from typing import BinaryIO, TypeAlias

from mingwen.domain.errors import Malformed, MingwenError, Misused, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Style
from mingwen.notices import _html, _markdown, _plain
from mingwen.notices._plain import Spot
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

Spotter: TypeAlias = Callable[[str, Style, str, Moment], Spot | None]
TEXTS: Mapping[str, Spotter] = {"text": _plain.spot, "markdown": _markdown.spot, "html": _html.spot}
"""Our names of formats → where the label of a moment goes; each takes the text, the style, and the kind of line end."""


def mark(source: BinaryIO, sink: BinaryIO, format_name: str, style: Style) -> str:
    """Write the wording of GB 45438-2025 §5.1 into a text or a document.

    Raises:
        Malformed: the text is in none of the encodings that are read (``text.encoding``), or the document is damaged.
        Refused: no label is drawn into the format (``notice.format``); it is too large (``notice.too-large``), signed or
            locked.
        Misused: a wording of several lines, or one that the font cannot draw.
    """
    coder = CODERS.get(format_name)
    if coder is None:
        raise not_drawn(format_name, CODERS)
    if len(style.wording) > MAX_WORDING or not style.wording.isprintable():
        raise Misused("notice.wording", f"expected one line of at most {MAX_WORDING} characters", hint="shorten the wording")
    return coder(source, sink, style)


def _text(format_name: str) -> "Coder":
    def coder(source: BinaryIO, sink: BinaryIO, style: Style) -> str:
        return _written(source, sink, format_name, style)

    return coder


def _pdf(source: BinaryIO, sink: BinaryIO, style: Style) -> str:
    from mingwen.notices import _pdf  # noqa: PLC0415 - its libraries are of no use to texts; so below

    return _pdf.mark(source, sink, style)


def _office(source: BinaryIO, sink: BinaryIO, style: Style) -> str:
    from mingwen.notices import _office  # noqa: PLC0415

    return _office.mark(source, sink, style)


Coder: TypeAlias = Callable[[BinaryIO, BinaryIO, Style], str]
CODERS: Mapping[str, Coder] = {
    **{name: _text(name) for name in TEXTS},
    "pdf": _pdf,
    **dict.fromkeys(("docx", "pptx", "xlsx"), _office),
}
"""Our names of formats → what writes the label."""


def _written(source: BinaryIO, sink: BinaryIO, format_name: str, style: Style) -> str:
    source.seek(0)
    data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused("notice.too-large", f"expected at most {MAX_BYTES} bytes of text, got more", hint="split the text")
    bom, encoding, text = _decoded(data, lenient=format_name == "html")
    if format_name == "html" and re.search(r"<frameset[\s>]", text, re.IGNORECASE):
        hint = "label the pages in its frames"
        raise Refused("notice.frameset", "expected a page with a body, found a frameset, which a note would displace", hint=hint)
    spots = _spots(TEXTS[format_name], text, style)
    sink.write(data[:bom])
    at, offset = 0, bom
    for place, line in sorted(spots.values(), key=lambda spot: spot[0]):
        upto = offset + len(text[at:place].encode(encoding))
        if data[offset:upto].decode(encoding, "replace") != text[at:place]:
            raise Malformed("text.encoding", f"expected plain {encoding}, got other forms", hint="convert the text to UTF-8")
        sink.write(data[offset:upto])
        sink.write(line.encode(encoding if encoding != "latin-1" else "ascii", "xmlcharrefreplace"))
        at, offset = place, upto
    sink.write(data[offset:])
    return f"wrote {style.wording} at {' and '.join(spots)}"


def _spots(spotter: Spotter, text: str, style: Style) -> dict[Moment, Spot]:
    """Choose the places; a text too short for a middle bears that label at its end."""
    newline = "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"
    out: dict[Moment, Spot] = {}
    for moment in (m for m in Moment if m in style.moments):
        if spot := spotter(text, style, newline, moment):
            out[moment] = spot
        elif end := spotter(text, style, newline, Moment.END):
            out[Moment.END] = end
    return out


def found(text: str) -> tuple[Moment, ...]:
    """Return the moments at which a text bears a label in one of our forms."""
    notices = sorted([*_plain.spans(text), *_markdown.spans(text), *_html.spans(text)])
    if not notices:
        return ()
    front = _markdown.FRONT_MATTER.match(text)
    stops = [front.end() if front else 0, *(stop for _, stop in notices)]
    # What is seen between the labels: nothing before the first is a start, nothing behind the last an end.
    seen = [_html.visible(text[a:b]) for a, b in zip(stops, [*(start for start, _ in notices), len(text)], strict=True)]
    moments = {Moment.START: not seen[0], Moment.MIDDLE: sum(seen) > 1, Moment.END: not seen[-1]}
    return tuple(moment for moment, is_there in moments.items() if is_there)


def _found(source: BinaryIO) -> tuple[Moment, ...]:
    """Search a text of at most ``MAX_SEARCHED_BYTES`` or a document; of a longer one, or one that is neither, nothing is said."""
    source.seek(0)
    data = source.read(MAX_SEARCHED_BYTES + 1)
    try:
        if data.startswith(b"PK\3\4"):
            from mingwen.notices import _office  # noqa: PLC0415 - see above

            return _office.found(source)
        if b"%PDF-" in data[:1024]:
            from mingwen.notices import _pdf  # noqa: PLC0415

            return _pdf.found(source)
        return () if len(data) > MAX_SEARCHED_BYTES else found(_decoded(data, lenient=True)[2])
    except MingwenError:
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


MEMBER = Notice(Medium.TEXT, "§5.1", mark, _found)
