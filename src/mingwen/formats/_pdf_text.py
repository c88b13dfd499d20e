"""What the first and the last page of a PDF show, as far as it is cheap: text in fonts that say how their codes read.

Read are fonts with a ToUnicode map and fonts of one byte a character with a common encoding (ISO 32000-1 §9.4, §9.6.6, §9.10.3);
not read are composite fonts without that map, pictures of text, forms within forms and annotations. The order is the file's.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Final, TypeAlias
from unicodedata import normalize

from mingwen.containers.pdf_file import File
from mingwen.containers.pdf_objects import MAX_DEPTH, Name, Operator, Parser, Ref, Value
from mingwen.domain.errors import Malformed
from mingwen.formats._shape import MAX_CLUE_CHARS, Channel, Clue

MAX_CONTENT_BYTES: Final = 256 << 10
"""Of one page, unpacked; what a page shows first stands first."""
MAX_CONTENTS: Final = 64
"""Streams of one page."""
MAX_FONTS: Final = 32
"""Of one page."""
MAX_MAP_BYTES: Final = 64 << 10
"""Of one font's map, and MAX_CODES that it may set."""
MAX_CODES: Final = 20_000
MAX_TARGET_BYTES: Final = 32
"""Of what one code reads as; three letters make the longest ligature."""
GAP: Final = -180
"""Thousandths of the font's size; a wider step to the right is a space."""

_Decoder: TypeAlias = Callable[[bytes], str]
_ENCODINGS: Final = {"MacRomanEncoding": "mac_roman"}
_LINES: Final = frozenset({"T*", "Tm", "'", '"', "ET"})
_SHOWS: Final = frozenset({"Tj", "TJ", "'", '"'})
_PICTURE_END: Final = re.compile(rb"[\0\t\n\f\r ]EI(?=[\0\t\n\f\r ])")
_BETWEEN_HANZI: Final = re.compile(r"(?<=[\u2e80-\uffef]) +(?=[\u2e80-\uffef])")
_MAP_PART: Final = re.compile(rb"beginbf(char|range)(.*?)endbf", re.DOTALL)
_SPACES: Final = re.compile(rb"begincodespacerange\s*<([0-9A-Fa-f]+)>")


def clues(file: File) -> Iterator[Clue]:
    """Yield the text of the first page, and of the last if that is another; at most ``MAX_CLUE_CHARS`` each."""
    catalog = file.dictionary(file.trailer.get("Root"))
    first, last = (_page(file, catalog.get("Pages"), end) for end in (0, -1))
    for name, page in (("first page", first), ("last page", last if last != first else None)):
        if page and (text := _text(file, page)):
            yield Clue(Channel.BODY, name, text[:MAX_CLUE_CHARS])


def _page(file: File, root: Value, end: int) -> Mapping[str, Value] | None:
    """Go down one side of the tree of pages (§7.7.3); resources are inherited."""
    node: Mapping[str, Value] = file.dictionary(root)
    for _ in range(MAX_DEPTH):
        kids = file.resolved(node.get("Kids"))
        if not isinstance(kids, list) or not kids:
            return node if "Contents" in node else None
        inherited = {k: v for k, v in node.items() if k == "Resources"}
        node = inherited | dict(file.dictionary(kids[end]))
    return None


def _text(file: File, page: Mapping[str, Value]) -> str:
    fonts = file.dictionary(file.dictionary(page.get("Resources")).get("Font"))

    @cache
    def decoder(name: str) -> _Decoder | None:
        if decoder.cache_info().currsize >= MAX_FONTS:
            return None
        with suppress(Malformed):
            return _decoder(file, file.dictionary(fonts.get(name)))
        return None

    pieces: list[str] = []
    length = 0
    with suppress(Malformed):  # what came before a break is kept
        for piece in _shown(_content(file, page), decoder):
            pieces.append(piece[:MAX_CLUE_CHARS])
            length += len(piece)
            if length > MAX_CLUE_CHARS:
                break
    plain = normalize(
        "NFKC", "".join(pieces)
    )  # maps name ligatures, and the radical ⼈ for the word 人: one shape, two characters
    lines = (" ".join(line.split()) for line in plain.splitlines())
    return _BETWEEN_HANZI.sub("", "\n".join(line for line in lines if line))


def _content(file: File, page: Mapping[str, Value]) -> bytes:
    contents = page.get("Contents")
    found = file.resolved(contents)
    out = b""
    for ref in (found if isinstance(found, list) else [contents])[:MAX_CONTENTS]:
        stream = file.load(ref) if isinstance(ref, Ref) and len(out) < MAX_CONTENT_BYTES else None
        out += file.data(stream) + b"\n" if stream else b""
    return out[:MAX_CONTENT_BYTES]


def _shown(content: bytes, decoder: Callable[[str], _Decoder | None]) -> Iterator[str]:
    """Walk a content stream and yield what it shows."""
    parser = Parser(content + b"\n")
    operands: list[Value] = []
    decode: _Decoder | None = None
    while not parser.ended():
        value = parser.value()
        if not isinstance(value, Operator):
            operands.append(value)
            continue
        if value == "ID":  # an inline picture
            end = _PICTURE_END.search(content, parser.at)
            parser.at = end.end() if end else len(content)
        elif value == "Tf" and operands:
            decode = decoder(operands[0]) if isinstance(operands[0], Name) else None
        yield _break(value, operands)
        if value in _SHOWS and operands and decode:
            yield from _strings(operands[-1], decode)
        operands.clear()


def _break(operator: str, operands: list[Value]) -> str:
    if operator in {"Td", "TD"} and operands:
        return "\n" if operands[-1] else " "
    return "\n" if operator in _LINES else ""


def _strings(value: Value, decode: _Decoder) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, bytes):
            yield decode(item)
        elif isinstance(item, int | float) and item < GAP:
            yield " "


def _decoder(file: File, font: Mapping[str, Value]) -> _Decoder | None:
    ref = font.get("ToUnicode")
    if isinstance(ref, Ref) and (stream := file.load(ref)):
        return _by_map(file.data(stream)[:MAX_MAP_BYTES])
    if font.get("Subtype") not in {"Type1", "TrueType", "MMType1"}:
        return None
    encoding = file.resolved(font.get("Encoding"))
    base = encoding.get("BaseEncoding") if isinstance(encoding, Mapping) else encoding
    codec = _ENCODINGS.get(str(base), "cp1252")  # in the letters the others agree
    return lambda data: data.decode(codec, "replace")


def _by_map(data: bytes) -> _Decoder:
    """Read a ToUnicode map (§9.10.3; Adobe Technical Note 5411)."""
    spaces = _SPACES.search(data)
    width = min(max(len(spaces[1]) // 2, 1), 4) if spaces else 2
    table: dict[int, str] = {}
    left = MAX_CODES
    for part in _MAP_PART.finditer(data):
        with suppress(Malformed):
            for first, last, target in _ranges(part[1] == b"range", part[2]):
                last = min(last, first + left - 1)  # noqa: PLW2901 - bounded
                left -= max(last - first + 1, 0)
                _fill(table, first, last, target)

    def decode(text: bytes) -> str:
        codes = (int.from_bytes(text[i : i + width]) for i in range(0, len(text), width))
        return "".join(table.get(code, "") for code in codes)

    return decode


def _ranges(ranges: bool, part: bytes) -> Iterator[tuple[int, int, Value]]:  # noqa: FBT001 - the word in the map
    parser = Parser(part + b"\n")
    while not parser.ended():
        first = parser.value()
        last = parser.value() if ranges else first
        target = parser.value()
        if isinstance(first, bytes) and isinstance(last, bytes):
            yield int.from_bytes(first), int.from_bytes(last), target


def _fill(table: dict[int, str], first: int, last: int, target: Value) -> None:
    if isinstance(target, list):
        for code, item in zip(range(first, last + 1), target, strict=False):
            table[code] = _unicode(item)
    elif isinstance(target, bytes) and (start := _unicode(target)):
        for code in range(first, last + 1):
            table[code] = start[:-1] + chr(min(ord(start[-1]) + code - first, 0x10FFFF))


def _unicode(value: Value) -> str:
    return value[:MAX_TARGET_BYTES].decode("utf-16-be", "replace") if isinstance(value, bytes) else ""
