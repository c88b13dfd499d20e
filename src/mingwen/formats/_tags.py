"""HTML as a row of tags, comments and raw texts, cut as a browser cuts it (HTML Living Standard §13.2.5), in linear time.

It works on bytes with one byte a code unit. What the end of the data cuts off is left out. Not followed:
the escaped states of script data, and the rules of embedded SVG and MathML.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

_NAME = rb"(?:=|[^\t\n\f\r />=])[^\t\n\f\r />=]*+"
_VALUES = rb""""([^"]*+)(?:"|\Z)|'([^']*+)(?:'|\Z)|([^\t\n\f\r >"'][^\t\n\f\r >]*+)|(?=>)"""
_ATTRIBUTE = rb"[\t\n\f\r /]*+(%b)(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:%b))?"
_ATTRIBUTES = re.compile(_ATTRIBUTE % (_NAME, _VALUES))
_OPENING = re.compile(rb"<(?:!--|[!?A-Za-z]|/[^>])")
# No group captures within a possessive repetition: Python 3.11's re loses count of them (SystemError).
_UNCAUGHT = re.sub(rb"\((?!\?)", b"(?:", _ATTRIBUTE % (_NAME, _VALUES))
_TAG = re.compile(rb"<(/?)([A-Za-z][^\t\n\f\r />]*+)(?:%b)*+[\t\n\f\r /]*+>" % _UNCAUGHT)
_COMMENT = re.compile(rb"<!--(?:-?>|(.*?)--!?>)", re.DOTALL)
_DECLARATION = re.compile(rb"<[^>]*+>")
_RAW_ENDS = {
    name: re.compile(rb"</" + name + rb"(?=[\t\n\f\r />])", re.IGNORECASE)
    for name in (b"iframe", b"noembed", b"noframes", b"noscript", b"script", b"style", b"textarea", b"title", b"xmp")
}
"""Elements that hold text where others hold tags."""
_INLINE = b"a|abbr|b|bdi|bdo|big|cite|code|em|font|i|ins|kbd|mark|q|rp|rt|ruby|s|small|span|strong|sub|sup|u"
"""Elements that stand within a line of text."""
_SPACE = rb"[\t\n\f\r />]"
_REST = rb"(?:%b)*+[\t\n\f\r /]*+" % _UNCAUGHT
_MARKUP = re.compile(
    rb"<(?:(!--(?:-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>|\Z))|/?(?i:%b)(?=%b)%b>)" % (_INLINE, _SPACE, _REST)
    + rb"|(?i:(%b))(?=%b)%b>(?:[^<]++|<(?!/(?i:\2)%b))*+" % (b"|".join(_RAW_ENDS), _SPACE, _REST, _SPACE)
    + rb"|/?[A-Za-z][^\t\n\f\r />]*+%b(?:>|.*)|(?:[!?]|/[^>])[^>]*+(?:>|\Z))" % _REST,
    re.DOTALL,
)
"""A piece as ``tokens`` cuts them; the first group has those that leave a line whole. One that does not end takes the rest."""


class Cut(Enum):
    """What a piece of HTML is."""

    START = auto()
    END = auto()
    COMMENT = auto()
    DECLARATION = auto()
    """``<!doctype …>``, ``<?xml …>``, and what browsers drop like them."""


@dataclass(frozen=True, slots=True)
class Token:
    """One piece, and where it stands."""

    cut: Cut
    start: int
    stop: int
    name: bytes = b""
    """Of a tag, lower case."""
    inner: tuple[int, int] = (0, 0)
    """What a comment holds; for the start tag of a raw text, that text."""
    attributes: int = 0
    """Where those of a tag begin."""
    after_text: bool = False
    """Does anything but white space stand between the token before and this one?"""


def tokens(view: bytes) -> Iterator[Token]:
    """Yield every whole piece in order."""
    index = 0
    while opening := _OPENING.search(view, index):
        start = opening.start()
        token = _token(view, start, after_text=bool(view[index:start].strip()))
        if token is None:
            return
        yield token
        index = max(token.stop, token.inner[1])


def _token(view: bytes, start: int, *, after_text: bool) -> Token | None:
    if view.startswith(b"<!--", start):
        m = _COMMENT.match(view, start)
        return m and Token(Cut.COMMENT, start, m.end(), inner=_span(m), after_text=after_text)
    if not view[start + 1 : start + 3].removeprefix(b"/")[:1].isalpha():
        m = _DECLARATION.match(view, start)
        return m and Token(Cut.DECLARATION, start, m.end(), after_text=after_text)
    m = _TAG.match(view, start)
    if m is None:
        return None
    cut, name = Cut.END if m[1] else Cut.START, m[2].lower()
    raw = _raw(view, name, m.end()) if cut is Cut.START else (0, 0)
    return Token(cut, start, m.end(), name, raw, m.end(2), after_text)


def _span(comment: re.Match[bytes]) -> tuple[int, int]:
    """Return where a comment's text stands; ``<!-->`` has none."""
    return comment.span(1) if comment[1] is not None else (0, 0)


def _raw(view: bytes, name: bytes, start: int) -> tuple[int, int]:
    """Return where the text of a raw text element stands: up to its end tag, or to the end of the data."""
    if name not in _RAW_ENDS:
        return 0, 0
    end = _RAW_ENDS[name].search(view, start)
    return start, end.start() if end else len(view)


def between(data: bytes) -> bytes:
    """Return the text between the pieces, in one pass of one pattern: comments and tags of a line vanish, others end the line."""
    return _MARKUP.sub(lambda piece: b"" if piece.lastindex == 1 else b"\n", data)


def attributes(view: bytes, token: Token) -> dict[bytes, tuple[int, int]]:
    """Return where each attribute's value stands, by lower-case name; the first of a name counts."""
    found: dict[bytes, tuple[int, int]] = {}
    for m in _ATTRIBUTES.finditer(view, token.attributes, token.stop):
        value = next((m.span(g) for g in (2, 3, 4) if m[g] is not None), (0, 0))
        found.setdefault(m[1].lower(), value)
    return found
