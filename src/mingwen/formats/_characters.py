"""Which characters a text file holds, which of the text formats it is, and how its bytes are cut.

Structure (fences, tags, lines) is searched in a *view* with one byte a code unit, so that an index is
an offset; only what lies between is decoded. Bytes that mean nothing to the structure need not decode.
"""

import codecs
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import BinaryIO

from mingwen.containers.edits import read_at, size_of
from mingwen.domain.errors import Misused
from mingwen.formats._shape import HEAD_BYTES

CLUE_BYTES = 4096
"""How much of either end of a text is a clue."""
MARK_BYTES = 3
"""The longest byte order mark, UTF-8's."""
WHITE = b" \t\r\n\f"
NEWLINE = re.compile(rb"\r\n|\n|\r")

_CONTROL = re.compile("[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
"""What no text holds: every C0 control but tab, newline, carriage return, form feed and escape (terminal colours)."""
_SIGNATURES = ("%PDF-", "GIF87a", "GIF89a")
"""Beginnings of other formats that are printable themselves."""
_HTML_BEGINNING = re.compile(r"(?>\s+|<!--.*?-->|<\?.*?>)*<(?:!doctype\s+html|html)(?![\w-])", re.DOTALL | re.IGNORECASE)
_SVG_BEGINNING = re.compile(
    r"(?>\s+|<!--.*?-->|<\?.*?\?>|<!DOCTYPE\s(?>[^\[>]*)(?:\[.*?\]\s*)?>)*<(?:[A-Za-z_][\w.-]*:)?svg(?![\w.:-])", re.DOTALL
)
_FENCE = re.compile(r"---[ \t]*(?:\r|\n|\Z)")


class Kind(StrEnum):
    """The formats that have no signature: one function tells them apart, so that exactly one claims a text."""

    HTML = "html"
    MARKDOWN = "markdown"
    SVG = "svg"
    TEXT = "text"


_BY_SUFFIX = {
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.TEXT,
    ".text": Kind.TEXT,
    ".log": Kind.TEXT,
}
"""Other suffixes are left alone: a line of JSON at its end breaks a program, a table or a JSON file."""


@lru_cache(maxsize=1)  # every text format asks it of the same file, one after the other
def kind_of(head: bytes, suffix: str) -> Kind | None:
    """Return which text format a file is, or None if it is no text; both arguments as in ``Format.claims``."""
    if not head:
        return _BY_SUFFIX.get(suffix)
    text = encoding_of(head).decode(head, whole=len(head) < HEAD_BYTES)
    if text is None or _CONTROL.search(text) or text.lstrip().startswith(_SIGNATURES):
        other = text is None and _SVG_BEGINNING.match(head.decode("latin-1"))  # XML can declare further encodings
        return Kind.SVG if other else None
    if _HTML_BEGINNING.match(text):
        return Kind.HTML
    if _BY_SUFFIX.get(suffix, Kind.TEXT) is Kind.TEXT and _is_svg(text, suffix):
        return Kind.SVG
    if suffix:
        return _BY_SUFFIX.get(suffix)
    return Kind.MARKDOWN if _FENCE.match(text) else Kind.TEXT


def _is_svg(text: str, suffix: str) -> bool:
    """Say whether a text begins as SVG, or is called so and its first tag may stand behind the head."""
    return bool(_SVG_BEGINNING.match(text)) or (suffix == ".svg" and text.lstrip().startswith("<"))


@dataclass(frozen=True, slots=True)
class Encoding:
    """How characters are written in one file, as its first bytes tell."""

    mark: bytes
    """The byte order mark it begins with, or nothing."""
    codecs: tuple[str, ...]
    """What it may be, the likeliest first; all of one file's agree on ASCII."""
    width: int
    """Bytes in a code unit."""

    def decode(self, data: bytes, *, whole: bool = True) -> str | None:
        """Return the characters without the mark, or None; if not ``whole``, a cut last character is left out."""
        for codec in self.codecs:
            try:
                return codecs.getincrementaldecoder(codec)("strict").decode(data.removeprefix(self.mark), final=whole)
            except UnicodeDecodeError:
                continue
        return None

    def codec_for(self, data: bytes) -> str | None:
        """Return the codec that decodes ``data`` and gives the same bytes back, or None."""
        for codec in self.codecs:
            try:
                if data.decode(codec).encode(codec) == data:
                    return codec
            except UnicodeError:
                continue
        return None

    def encode(self, ascii_text: str) -> bytes:
        """Return ASCII text in the file's own code units."""
        return ascii_text.encode(self.codecs[0])

    def view(self, data: bytes) -> bytes:
        """Return one byte a code unit: ASCII as it is, everything else not ASCII."""
        if self.width == 1:
            return data
        low, high = (data[0::2], data[1::2]) if self.codecs == ("utf-16-le",) else (data[1::2], data[0::2])
        return bytes(0xFF if above else below for below, above in zip(low, high, strict=False))


_MARKED = (
    Encoding(codecs.BOM_UTF8, ("utf-8",), 1),
    Encoding(codecs.BOM_UTF16_LE, ("utf-16-le",), 2),
    Encoding(codecs.BOM_UTF16_BE, ("utf-16-be",), 2),
)
_UNMARKED = Encoding(b"", ("utf-8", "gb18030"), 1)


def guessed(data: bytes) -> str:
    """Decode a text that does not say in what: UTF-8, or what Chinese programs write, or Latin-1, which any bytes are."""
    text = _UNMARKED.decode(data)
    return data.decode("latin-1") if text is None else text


def encoding_of(head: bytes) -> Encoding:
    """Return what the byte order mark says; without one, UTF-8 or else GB18030."""
    return next((e for e in _MARKED if head.startswith(e.mark)), _UNMARKED)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of a file's bytes, read to be searched."""

    encoding: Encoding
    start: int
    """Offset of its first byte in the file, after the byte order mark."""
    data: bytes
    view: bytes
    """One byte a code unit; indices below are into this."""
    first: bool
    """Does it begin where the text begins?"""
    last: bool
    """Does it end where the file ends?"""

    def at(self, index: int) -> int:
        """Return the file's byte offset of an index into the view."""
        return self.start + index * self.encoding.width

    def raw(self, start: int, stop: int) -> bytes:
        """Return the file's bytes between two indices into the view."""
        return self.data[start * self.encoding.width : stop * self.encoding.width]

    def text(self, start: int, stop: int) -> str | None:
        """Return the characters between two indices into the view, or None if they do not decode."""
        raw = self.raw(start, stop)
        codec = self.encoding.codec_for(raw)
        return raw.decode(codec) if codec else None

    def newline(self) -> str:
        """Return the line end that stands first, or a line feed."""
        found = NEWLINE.search(self.view)
        return found[0].decode("ascii") if found else "\n"


def opening(source: BinaryIO, limit: int) -> Stretch:
    """Read the first ``limit`` bytes of a text, or all of it."""
    size, encoding = _measured(source)
    least = len(encoding.mark)
    return _stretch(source, encoding, least, min(size, least + limit))


def closing(source: BinaryIO, limit: int) -> Stretch:
    """Read the last ``limit`` bytes of a text, or all of it, from the edge of a code unit on."""
    size, encoding = _measured(source)
    least = len(encoding.mark)
    start = max(least, size - limit)
    return _stretch(source, encoding, start - (start - least) % encoding.width, size)


def ends(source: BinaryIO, limit: int) -> tuple[str, str]:
    """Return the first and the last ``limit`` bytes of a text as characters; what does not decode is replaced."""
    return _lenient(opening(source, limit)), _lenient(closing(source, limit))


def _lenient(stretch: Stretch) -> str:
    """Decode a stretch whose ends may stand within a character; one that begins in the text begins with a line."""
    cut = 0 if stretch.first else stretch.view.find(b"\n") + 1
    data = stretch.raw(cut, len(stretch.view))
    text = stretch.encoding.decode(data, whole=stretch.last)
    return data.decode(stretch.encoding.codecs[0], "replace") if text is None else text


def _measured(source: BinaryIO) -> tuple[int, Encoding]:
    size = size_of(source)
    return size, encoding_of(read_at(source, 0, min(size, MARK_BYTES), what="the byte order mark"))


def _stretch(source: BinaryIO, encoding: Encoding, start: int, stop: int) -> Stretch:
    data = read_at(source, start, stop - start, what="text")
    first, last = start == len(encoding.mark), stop == size_of(source)
    return Stretch(encoding, start, data, encoding.view(data), first, last)


def require_label(label: str) -> dict[str, str]:
    """Return the fields of the bare label that ``Format.splice`` was given, in their order.

    Raises:
        Misused: it is not a JSON object of strings on one line of ASCII (``label.not-bare``).
    """
    try:
        fields = json.loads(label) if label.isascii() and label.isprintable() else None
    except (ValueError, RecursionError):
        fields = None
    if isinstance(fields, dict) and all(isinstance(v, str) for v in fields.values()):
        return fields
    raise Misused(
        "label.not-bare",
        f"expected a JSON object of strings on one line of ASCII, got {label[:40]!r}",
        hint="GB 45438-2025 Annex E b: seven keys, every value a string",
    )
