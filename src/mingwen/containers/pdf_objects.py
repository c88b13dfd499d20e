"""The objects of a PDF as bytes and as values: a small parser, text strings, and how strings are written.

Structure: ISO 32000-1 §7.2 (characters), §7.3 (objects), §7.9.2 (strings), Annex D.2 (PDFDocEncoding).
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from mingwen.domain.errors import Malformed

MAX_DEPTH: Final = 64
"""Arrays and dictionaries within each other."""
MAX_DIGITS: Final = 18
"""Of a whole number; longer ones are read as inexact, for none of ours is so long."""


class Name(str):
    """A name without its slash, escapes undone; bytes beyond ASCII as Latin-1."""

    __slots__ = ()


class Ref(NamedTuple):
    """``12 0 R``."""

    number: int
    generation: int


Value: TypeAlias = "bool | int | float | bytes | Name | Ref | Mapping[str, Value] | list[Value] | None"
"""Strings are bytes as they stand, still encrypted."""


class Entry(NamedTuple):
    """One entry of a dictionary, and where it stands: from its key's slash to behind its value."""

    key: str
    value: Value
    start: int
    middle: int
    """Behind its key."""
    stop: int


class Text(NamedTuple):
    """One string, and where it stands with its delimiters."""

    start: int
    stop: int
    value: bytes


class Cut(Malformed):
    """The bytes end within an object; more of them may help."""


_WHITE = rb"\0\t\n\f\r "
_SKIP = re.compile(rb"(?:[" + _WHITE + rb"]++|%[^\r\n]*+)*+")
_TOKEN = re.compile(
    rb"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))|/(?P<name>[^" + _WHITE + rb"()<>\[\]{}/%]*)|(?P<mark><<|>>|[\[\](<>{}])"
    rb"|(?P<word>[^" + _WHITE + rb"()<>\[\]{}/%]+)"
)
_REF = re.compile(rb"(\d{1,10})[" + _WHITE + rb"]{1,16}(\d{1,5})[" + _WHITE + rb"]{1,16}R(?![^" + _WHITE + rb"()<>\[\]{}/%])")
_HEX = re.compile(rb"[0-9A-Fa-f" + _WHITE + rb"]*+")
_BRACKET = re.compile(rb"[()]|\\.", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|.)|\r\n?", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b"", b"\r\n": b""}
_WORDS: Final[dict[bytes, Value]] = {b"true": True, b"false": False, b"null": None}


class Operator(Name):
    """A word that is no object: of a content stream, or of the file's structure."""

    __slots__ = ()


class Parser:
    """Reads objects one after the other from ``data``; ``at`` is where the next begins."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at
        self.texts: list[Text] = []
        """Every string that was read."""

    def value(self, depth: int = 0) -> Value:
        """Return the next object; a word that is none is an ``Operator``.

        Raises:
            Cut: the bytes end before the object does.
            Malformed: no object stands there, or it nests deeper than ``MAX_DEPTH`` (``pdf.broken``).
        """
        token = self._token()
        if token["number"]:
            return self._number(token)
        if token["name"] is not None:
            return name_of(token["name"])
        if token["word"]:
            return _WORDS[token["word"]] if token["word"] in _WORDS else Operator(token["word"].decode("latin-1"))
        if depth > MAX_DEPTH:
            raise broken(f"expected objects nested {MAX_DEPTH} deep at most, found more")
        if token["mark"] == b"<<":
            self.at = token.start()
            return {e.key: e.value for e in self.entries(depth)}
        if token["mark"] == b"[":
            return self._array(depth)
        if token["mark"] in {b"(", b"<"}:
            return self._text(token)
        raise broken(f"expected an object, found {token[0]!r}")

    def entries(self, depth: int = 0) -> list[Entry]:
        """Return the entries of the dictionary that stands next, doubled keys twice.

        Raises:
            Cut, Malformed: as ``value``, and if no dictionary stands there.
        """
        if self._token()[0] != b"<<":
            raise broken("expected a dictionary, found none")
        out: list[Entry] = []
        while (token := self._token())[0] != b">>":
            if token["name"] is None:
                raise broken(f"expected a key in a dictionary, found {token[0][:40]!r}")
            value = self.value(depth + 1)
            out.append(Entry(name_of(token["name"]), value, token.start(), token.end(), self.at))
        return out

    def whole(self) -> tuple[Value, bytes]:
        """Return the next object, and its bytes without what stands before it; raises as ``value``."""
        start = self._skipped()
        return self.value(), self.data[start : self.at]

    def ended(self) -> bool:
        """Say whether nothing but white space is left."""
        return self._skipped() >= len(self.data)

    def _skipped(self) -> int:
        skip = _SKIP.match(self.data, self.at)
        return skip.end() if skip else self.at

    def _token(self) -> re.Match[bytes]:
        token = _TOKEN.match(self.data, self._skipped())
        if token is None:
            if self.ended():
                raise Cut("pdf.broken", "expected an object, found the end of the data", hint=HINT)
            self.at = self._skipped()
            raise broken(f"expected an object, found {self.data[self.at : self.at + 8].hex(' ')}")
        if token.end() == len(self.data):  # it may go on behind what was read
            raise Cut("pdf.broken", "expected a whole object, found its beginning", hint=HINT)
        self.at = token.end()
        return token

    def _number(self, token: re.Match[bytes]) -> Value:
        if token[0].isdigit() and (ref := _REF.match(self.data, token.start())):
            self.at = ref.end()
            return Ref(int(ref[1]), int(ref[2]))
        return float(token[0]) if b"." in token[0] or len(token[0]) > MAX_DIGITS else int(token[0])

    def _array(self, depth: int) -> Value:
        out: list[Value] = []
        while self.data[(at := self._skipped()) : at + 1] != b"]":
            out.append(self.value(depth + 1))
        self.at = at + 1
        return out

    def _text(self, opening: re.Match[bytes]) -> bytes:
        if opening[0] == b"<":
            match = _HEX.match(self.data, self.at)
            digits = match[0].translate(None, b"\0\t\n\f\r ") if match else b""
            stop = match.end() if match else self.at
            if self.data[stop : stop + 1] not in {b">", b""}:
                raise broken("expected hexadecimal digits in a string, found others")
            value = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
        else:
            stop = self._closing()
            value = _ESCAPE.sub(_unescaped, self.data[self.at : stop])
        if stop >= len(self.data):
            raise Cut("pdf.broken", "expected a whole string, found its beginning", hint=HINT)
        self.at = stop + 1
        self.texts.append(Text(opening.start(), self.at, value))
        return value

    def _closing(self) -> int:
        """Return where the bracket stands that ends a string; brackets within come in pairs (§7.3.4.2)."""
        deep = 1
        for bracket in _BRACKET.finditer(self.data, self.at):
            deep += {b"(": 1, b")": -1}.get(bracket[0], 0)
            if not deep:
                return bracket.start()
        return len(self.data)


HINT: Final = "the file is damaged or cut off; get a whole copy, or repair it with `qpdf in.pdf out.pdf`"


def broken(what: str) -> Malformed:
    """Build the error of a PDF that is not as it should be."""
    return Malformed("pdf.broken", what, hint=HINT)


def name_of(raw: bytes) -> Name:
    """Undo the escapes of a name (§7.3.5)."""
    return Name(re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), raw).decode("latin-1"))


def _unescaped(match: re.Match[bytes]) -> bytes:
    what = match[1]
    if what is None:
        return b"\n"  # an end of line of any kind
    return bytes([int(what, 8) & 0xFF]) if what[:1] in b"01234567" else _ESCAPED.get(what, what)


_LOW: Final = dict(zip(range(0x18, 0x20), "˘ˇˆ˙˝˛˚˜", strict=True))
_HIGH: Final = dict(zip(range(0x80, 0xA1), "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž\ufffd€", strict=True))
_UTF16: Final = {b"\xfe\xff": "utf-16-be", b"\xff\xfe": "utf-16-le"}


def text_of(value: bytes) -> str:
    """Decode a text string (§7.9.2.2; UTF-8 by ISO 32000-2).

    Bytes without a mark that are valid UTF-8 are taken for that: writers forget the mark, and PDFDocEncoding seldom looks so.
    """
    if value[:2] in _UTF16:
        return value[2:].decode(_UTF16[value[:2]], "replace")
    try:
        return value.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1").translate(_LOW | _HIGH)


def literal(value: bytes) -> bytes:
    """Write a string in brackets."""
    return b"(" + re.sub(rb"[()\\]", rb"\\\g<0>", value).replace(b"\r", b"\\r") + b")"


def rewritten(raw: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return an object's bytes with every string changed and written anew in hexadecimal."""
    parser = Parser(raw + b" ")
    parser.value()
    out, at = bytearray(), 0
    for text in parser.texts:
        out += raw[at : text.start] + b"<" + change(text.value).hex().encode() + b">"
        at = text.stop
    return bytes(out + raw[at:])
