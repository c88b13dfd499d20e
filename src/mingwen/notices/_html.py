"""Where a label can be seen in a page: behind ``<body>`` and before ``</body>``, never inside a script or a comment."""

import html
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from mingwen.domain.notices import Moment, Style, TextForm, has_elements
from mingwen.notices._plain import HANZI, Spot, nearest

STYLE = (
    "display:block;width:fit-content;margin:1em auto;padding:.4em 1em;border:1px solid #888;border-radius:.5em;"
    "background:#222;color:#fff;font:600 1rem/1.5 system-ui,sans-serif;text-align:center"
)
"""White on near-black, contrast 15.9:1, with a border: it stands out on light and on dark pages."""

ELEMENT = f'<p role="note" class="aigc-notice" lang="{{language}}" style="{STYLE}">{{wording}}</p>'

CORNER = '<sup role="note" class="aigc-notice" lang="{language}">{wording}</sup>'
"""角标; superscript letters as the page's own fonts and colours have them."""

_OURS = re.compile(r'<(p|sup) role="note" class="aigc-notice"[^>]{0,1000}>([^<]{0,4000})</\1>')
_TAG = re.compile(r"""</?+([A-Za-z][^\s/>]*+)(?:[^>"'=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+|["'])*+>""")
"""A tag whole, with quoted values that may hold ``>``; it never backtracks, so a page takes linear time."""
RAW = ("textarea", "title", "script", "style", "xmp", "iframe", "noembed", "noframes", "template")
"""Elements whose content is no part of the page around them."""
HEAD = ("title", "meta", "link", "base", "style", "script", "noscript", "template", "head", "html", "!")
"""What may stand before the body of a page that does not name its body; ``!`` is a declaration or a comment."""
SECTIONS = frozenset({"html", "body", "main", "article", "section", "div"})
"""Elements between whose children a label may stand; not in lists, tables, forms and figures."""
PROSE = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6"})
WORDS = PROSE | {"span", "em", "strong", "b", "i", "u", "small", "font", "center", "header", "a", "hgroup"}
"""Elements in whose text a raised label may stand."""
FLOW = SECTIONS | WORDS
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "!"}
)
CLOSES_ANY_TAG = "'\">"
"""Ends a tag that was never ended, whatever quotes are open in it."""


class _Token(NamedTuple):
    """A tag, a declaration or a comment (``!``), or a stretch of text that a reader sees (no name)."""

    name: str
    start: int
    stop: int
    ends: bool = False
    """Whether it is an end tag."""
    close: str = ""
    """What must be written to close it, when the page ends within."""


_NOWHERE = _Token("", 0, 0)


class _Opened(NamedTuple):
    """An element whose end has not come, and how many of it and those around it are of other kinds."""

    name: str
    no_flow: int
    no_sections: int


def _tokens(text: str) -> Iterator[_Token]:
    """Walk through a page once, from tag to tag; what stands in scripts and the like is left out."""
    at = 0
    while at < len(text):
        begin = text.find("<", at)
        begin = len(text) if begin < 0 else begin
        if begin > at:
            yield _Token("", at, begin)
        if begin == len(text):
            return
        token = _token(text, begin)
        yield token
        at = token.stop
        if token.name in RAW and not token.ends and not token.close:
            end = re.compile(rf"</{token.name}(?=[\s/>])", re.IGNORECASE).search(text, at)
            if end is None:
                yield _Token(token.name, len(text), len(text), close=f"</{token.name}>")
                return
            at = end.start()


def _token(text: str, at: int) -> _Token:
    if text.startswith("<!--", at):
        return _until(text, at, at + 4, "-->")
    if text[at + 1 : at + 2] in ("!", "?") or (text[at + 1 : at + 2] == "/" and not text[at + 2 : at + 3].isalpha()):
        return _until(text, at, at + 2, ">")
    if not text[at + 1 : at + 3].strip("/")[:1].isalpha():
        return _Token("", at, at + 1)
    tag = _TAG.match(text, at)
    if tag is None:
        return _Token("!", at, len(text), close=CLOSES_ANY_TAG)
    return _Token(tag[1].lower(), at, tag.end(), ends=text[at + 1] == "/")


def _until(text: str, at: int, after: int, end: str) -> _Token:
    stop = text.find(end, after)
    return _Token("!", at, len(text), close=end) if stop < 0 else _Token("!", at, stop + len(end))


def spot(text: str, style: Style, newline: str, moment: Moment) -> Spot | None:
    """Return where the label of a moment goes, None if the page has no fitting middle."""
    corner = style.text_form is TextForm.CORNER
    language = "zh-Hans" if HANZI.search(style.wording) else "en"
    wording = html.escape(style.wording, quote=False)
    element = (CORNER if corner else ELEMENT).format(language=language, wording=wording)
    if moment is Moment.MIDDLE:
        survey = _survey(text)
        place = nearest(survey.paragraphs, survey.middle())
        if place is None:
            return None
        return (survey.paragraphs[place], element) if corner else (place, newline + element + newline)
    start, end, close = places(text)
    if corner and (seen := [(a, b) for a, b, prose in _survey(text).seen if start <= a < end and prose]):
        first, last = (text[a:b] for a, b in (seen[0], seen[-1]))
        lead, tail = len(first) - len(first.lstrip()), len(last.rstrip())
        return (seen[0][0] + lead if moment is Moment.START else seen[-1][0] + tail), element
    return (start, newline + element + newline) if moment is Moment.START else (end, close + newline + element + newline)


def _nested(text: str) -> Iterator[tuple[_Token, list[_Opened]]]:
    """Walk through a page with the elements that are open before each token; an end tag closes all within its element."""
    opened = [_Opened("", 0, 0)]
    names: Counter[str] = Counter()
    strict = text.lstrip("\ufeff").startswith("<?xml")
    for token in _tokens(text):
        yield token, opened
        name = token.name
        if token.ends:
            while names[name]:
                closed = opened.pop().name
                names[closed] -= 1
                if closed == name:
                    break
        elif name and name not in VOID:
            if opened[-1].name == "p" and (name in PROSE or name in SECTIONS):
                names[opened.pop().name] -= 1  # HTML, "optional tags": these end a paragraph
            if not (strict and text[token.stop - 2] == "/"):
                top = opened[-1]
                opened.append(_Opened(name, top.no_flow + (name not in FLOW), top.no_sections + (name not in SECTIONS)))
                names[name] += 1


class _Survey(NamedTuple):
    """What stands where in a page."""

    seen: list[tuple[int, int, bool]]
    """Texts of the body, and whether each is prose."""
    paragraphs: dict[int, int]
    """Those that have siblings of prose on both sides: behind their end tag → before it."""

    def middle(self) -> float:
        """Return where half of the text that is seen has gone by."""
        left = sum(stop - start for start, stop, _ in self.seen) / 2
        for start, stop, _ in self.seen:
            left -= stop - start
            if left <= 0:
                return stop + left
        return 0


@lru_cache(maxsize=1)  # each moment asks for it
def _survey(text: str) -> _Survey:
    seen: list[tuple[int, int, bool]] = []
    paragraphs: dict[int, int] = {}
    in_head, before = False, _NOWHERE
    for token, opened in _nested(text):
        if token.name:
            in_head = not token.ends if token.name == "head" else in_head
            if before.name and not token.ends and token.name in PROSE:
                paragraphs[before.stop] = before.start
            ended = token.ends and token.name == "p" and opened[-1].name == "p" and opened[-2].no_sections == 0
            before = token if ended else _NOWHERE
        elif text[token.start : token.stop].strip():
            before = _NOWHERE
            if not in_head:
                seen.append((token.start, token.stop, opened[-1].no_flow == 0))
    return _Survey(seen, paragraphs)


@lru_cache(maxsize=1)  # the start and the end ask for them
def places(text: str) -> tuple[int, int, str]:
    """Return where a label at the start goes, where one at the end goes, and what must be closed before that."""
    body: int | None = None
    ends: dict[str, int] = {}
    preamble, in_preamble, close = 0, True, ""
    for token in _tokens(text):
        if token.ends:
            ends[token.name] = token.start
        elif token.name == "body" and body is None:
            body = token.stop
        seen = not token.name and bool(text[token.start : token.stop].strip())
        in_preamble = in_preamble and not seen and (not token.name or token.name in HEAD)
        preamble = token.stop if in_preamble and token.name and not token.close else preamble
        close = token.close
    start = preamble if body is None else body
    end = ends.get("body", ends.get("html", -1))
    return (start, end, "") if end >= start else (start, len(text), close)


def spans(text: str) -> list[tuple[int, int]]:
    """Return where our own elements stand that hold a label."""
    return [m.span() for m in _OURS.finditer(text) if has_elements(html.unescape(m[2]))]


def visible(text: str) -> bool:
    """Say whether a reader sees anything of a piece of a page: text outside of head, scripts and comments."""
    in_head = False
    for token in _tokens(text):
        in_head = not token.ends if token.name == "head" else in_head
        if not token.name and not in_head and text[token.start : token.stop].strip():
            return True
    return False
