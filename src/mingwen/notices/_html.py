"""Where a label can be seen in a page: behind ``<body>`` and before ``</body>``, never inside a script or a comment."""

import html
import re
from html.parser import HTMLParser

from mingwen.domain.notices import has_elements

STYLE = (
    "display:block;width:fit-content;margin:1em auto;padding:.4em 1em;border:1px solid #888;border-radius:.5em;"
    "background:#222;color:#fff;font:600 1rem/1.5 system-ui,sans-serif;text-align:center"
)
"""White on near-black, contrast 15.9:1, with a border: it stands out on light and on dark pages."""

ELEMENT = f'<p role="note" class="aigc-notice" lang="{{language}}" style="{STYLE}">{{wording}}</p>'

_OURS = re.compile(r'<p role="note" class="aigc-notice"[^>]*>([^<]*)</p>')
_UNSEEN = re.compile(r"(?is)<!--.*?-->|<head\b.*?</head>|<(script|style|title|template)\b.*?</\1\s*>|<[^>]*>")
RAW = ("textarea", "title", "script", "style", "xmp", "iframe", "noembed", "noframes", "template")
"""Elements whose content is no part of the page around them."""
HEAD = ("title", "meta", "link", "base", "style", "script", "noscript", "template", "head", "html")
"""What may stand before the body of a page that does not name its body."""


class _Finder(HTMLParser):
    """Notes where body, head and their ends stand; offsets are in characters."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self._text = text
        self._lines = [0, *(m.end() for m in re.finditer("\n", text))]
        self.raw = ""
        self.body: int | None = None
        self.preamble, self._in_preamble = 0, True
        self.body_end: int | None = None
        self.html_end: int | None = None

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        after = self._at() + len(self.get_starttag_text() or "")
        if self.raw:
            return
        if tag == "body" and self.body is None:
            self.body = after
        self._in_preamble = self._in_preamble and tag in HEAD
        self.preamble = after if self._in_preamble else self.preamble
        self.raw = tag if tag in RAW else ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # a slash in a start tag means nothing in HTML

    def handle_endtag(self, tag: str) -> None:
        if self.raw and tag != self.raw:
            return
        self.raw = ""
        if self._in_preamble and tag in HEAD:
            self.preamble = self._text.find(">", self._at()) + 1
        if tag == "body":
            self.body_end = self._at()
        if tag == "html":
            self.html_end = self._at()

    def handle_data(self, data: str) -> None:
        if data.strip() and not self.raw:
            self._in_preamble = False

    def handle_decl(self, decl: str) -> None:
        if self._in_preamble:
            self.preamble = self._at() + len(decl) + 3


def places(text: str) -> tuple[int, int, str]:
    """Return where a label at the start goes, where one at the end goes, and what must be closed before that."""
    finder = _Finder(text)
    finder.feed(text)
    finder.close()
    start = finder.preamble if finder.body is None else finder.body
    end = finder.body_end if finder.body_end is not None else finder.html_end
    if end is not None and end >= start:
        return start, end, ""
    in_comment = text.rfind("<!--", start) > text.rfind("-->", start)
    close = f"</{finder.raw}>" if finder.raw else "-->" if in_comment else ""
    return start, len(text), close


def spans(text: str) -> list[tuple[int, int]]:
    """Return where our own elements stand that hold a label."""
    return [m.span() for m in _OURS.finditer(text) if has_elements(html.unescape(m[1]))]


def visible(text: str) -> str:
    """Return what a reader sees of a piece of a page, roughly: without tags, comments, head and scripts."""
    return _UNSEEN.sub("", text).strip()
