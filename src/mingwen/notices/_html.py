"""Where a label can be seen in a page: behind ``<body>`` and before ``</body>``, never inside a script or a comment."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingwen.domain.notices import has_elements

STYLE = (
    "display:block;width:fit-content;margin:1em auto;padding:.4em 1em;border:1px solid #888;border-radius:.5em;"
    "background:#222;color:#fff;font:600 1rem/1.5 system-ui,sans-serif;text-align:center"
)
"""White on near-black, contrast 15.9:1, with a border: it stands out on light and on dark pages."""

ELEMENT = f'<p role="note" class="aigc-notice" lang="{{language}}" style="{STYLE}">{{wording}}</p>'

_OURS = re.compile(r'<p role="note" class="aigc-notice"[^>]{0,1000}>([^<]{0,4000})</p>')
_TAG = re.compile(r"""</?+([A-Za-z][^\s/>]*+)(?:[^>"'=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+|["'])*+>""")
"""A tag whole, with quoted values that may hold ``>``; it never backtracks, so a page takes linear time."""
RAW = ("textarea", "title", "script", "style", "xmp", "iframe", "noembed", "noframes", "template")
"""Elements whose content is no part of the page around them."""
HEAD = ("title", "meta", "link", "base", "style", "script", "noscript", "template", "head", "html", "!")
"""What may stand before the body of a page that does not name its body; ``!`` is a declaration or a comment."""
CLOSES_ANY_TAG = "'\">"
"""Ends a tag that was never ended, whatever quotes are open in it."""


@dataclass(frozen=True, slots=True)
class _Token:
    """A tag, a declaration or a comment (``!``), or a stretch of text that a reader sees (no name)."""

    name: str
    start: int
    stop: int
    ends: bool = False
    """Whether it is an end tag."""
    close: str = ""
    """What must be written to close it, when the page ends within."""


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
    return [m.span() for m in _OURS.finditer(text) if has_elements(html.unescape(m[1]))]


def visible(text: str) -> bool:
    """Say whether a reader sees anything of a piece of a page: text outside of head, scripts and comments."""
    in_head = False
    for token in _tokens(text):
        in_head = not token.ends if token.name == "head" else in_head
        if not token.name and not in_head and text[token.start : token.stop].strip():
            return True
    return False
