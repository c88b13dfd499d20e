"""The label on a text: the wording as a line of its own or as a corner mark, at the start, in the middle, at the end.

Everything else stays byte for byte: encoding, byte order mark, kind of line ends, front matter. Documents have coders of their
own; what they have in common is that no byte beside the label is written anew that need not be.
"""

import re
from collections.abc import Callable, Mapping
from typing import BinaryIO, TypeAlias

from mingwen.domain.errors import MingwenError, Misused, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Style
from mingwen.notices import _html, _markdown, _plain
from mingwen.notices._shape import Notice, not_drawn
from mingwen.notices._written import Spotter, decoded, found, spliced, spots_of

__all__ = ["MEMBER", "found", "mark"]

MAX_BYTES = 64 * 1024 * 1024
MAX_SEARCHED_BYTES = 1024 * 1024
MAX_WORDING = 1_000
"""Characters."""

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
        return _into_text(source, sink, format_name, style)

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
    **dict.fromkeys(("docx", "pptx", "xlsx", "odt", "odp", "ods", "epub"), _office),
}
"""Our names of formats → what writes the label."""


def _into_text(source: BinaryIO, sink: BinaryIO, format_name: str, style: Style) -> str:
    source.seek(0)
    data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused("notice.too-large", f"expected at most {MAX_BYTES} bytes of text, got more", hint="split the text")
    bom, encoding, text = decoded(data, lenient=format_name == "html")
    if format_name == "html" and re.search(r"<frameset[\s>]", text, re.IGNORECASE):
        hint = "label the pages in its frames"
        raise Refused("notice.frameset", "expected a page with a body, found a frameset, which a note would displace", hint=hint)
    spots = spots_of(TEXTS[format_name], text, style, style.moments)
    sink.writelines(spliced(data, (bom, encoding, text), spots))
    return f"wrote {style.wording} at {' and '.join(spots)}"


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
        return () if len(data) > MAX_SEARCHED_BYTES else found(decoded(data, lenient=True)[2])
    except MingwenError:
        return ()


MEMBER = Notice(Medium.TEXT, "§5.1", mark, _found)
