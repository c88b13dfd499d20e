"""HTML: ``<meta name="AIGC" content="{…}">`` in the head (our documented default; the guide: UNKNOWN)."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from mingwen.containers import stray
from mingwen.containers.edits import Edit, size_of, spliced
from mingwen.domain.errors import Refused
from mingwen.domain.media import Splice
from mingwen.formats._characters import CLUE_BYTES, Stretch, closing, opening, require_label
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper
from mingwen.formats._tags import Cut, Token, attributes, between, tokens

REACH_BYTES = 1024 * 1024
"""How much of a page is searched; its head ends long before."""

CLUE_REACH_BYTES = 32 * 1024
"""How much of either end of a page is searched for clues."""

_NAME = "AIGC"
_OTHER_NAME = "aigc-metadata"
"""Seen in pages in the wild."""
_PLACE = f"meta {_NAME}"
_WORD = b"aigc"
"""In what holds a label, in capitals or not: no character reference is followed in a name."""
_HEAD_TAGS = frozenset((b"html", b"head", b"title", b"base", b"link", b"meta", b"script", b"style", b"noscript", b"template"))
"""Start tags that do not end the head (HTML Living Standard §13.2.6.4.4)."""
_SILENT = frozenset((b"meta", b"link", b"noscript", b"title", b"script"))
"""Elements whose attributes or texts may hold a label and are not shown."""
_NAMES = ("aigc", "aigc-metadata")
_JSON_TYPES = (b"application/json", b"application/ld+json")
_LABEL = re.compile(rb'\{[\t\n\f\r ]*+"AIGC"[\t\n\f\r ]*+:')
_OPENED = re.compile(rb"<(?:meta|!--)")
_KEY = re.compile(rb'"AIGC"[\t\n\f\r ]*+:')


@dataclass(frozen=True, slots=True)
class _Found:
    """A label, where it stands, and what stands there when it goes (None: it cannot go alone)."""

    seen: Site | Unread
    start: int
    stop: int
    gone: bytes | None = b""


@dataclass(slots=True)
class _Head:
    """How far the head has been followed, and the best point for a new tag."""

    open: bool = True
    templates: int = 0
    point: int = 0
    rank: int = 0
    xml: bool = False
    stop: int = 0
    """Behind the last whole token."""

    @property
    def here(self) -> bool:
        return self.open and self.templates == 0

    def follow(self, view: bytes, token: Token) -> None:
        """Take one token; afterwards ``here`` says whether it stands in the head itself."""
        self.stop = max(token.stop, token.inner[1])
        if token.name == b"template":
            self.templates = max(0, self.templates + (1 if token.cut is Cut.START else -1))
        if self.templates == 0 and (token.after_text or _ends_head(token)):
            self.open = False
        self.xml = self.xml or _is_xml(view, token)
        rank = _rank(view, token)
        if self.here and rank and rank >= self.rank:
            self.point, self.rank = token.stop, rank


def _ends_head(token: Token) -> bool:
    if token.cut is Cut.END:
        return token.name in {b"head", b"body", b"html"}
    return token.cut is Cut.START and token.name not in _HEAD_TAGS


def _is_xml(view: bytes, token: Token) -> bool:
    if token.cut is Cut.DECLARATION:
        return view.startswith(b"<?xml", token.start)
    return token.cut is Cut.START and token.name == b"html" and b"xmlns" in attributes(view, token)


def _rank(view: bytes, token: Token) -> int:
    """Say how good the point behind a token is: 4 behind the charset (it must stand in the first 1024 bytes) to 0, no point."""
    if token.cut is Cut.DECLARATION:
        return 1
    if token.cut is not Cut.START:
        return 0
    if token.name == b"meta" and attributes(view, token).keys() & {b"charset", b"http-equiv"}:
        return 4
    return {b"html": 2, b"head": 3}.get(token.name, 0)


def _scan(page: Stretch) -> tuple[list[_Found], _Head]:
    found: list[_Found] = []
    head = _Head()
    last = page.view.lower().rfind(_WORD)
    for token in tokens(page.view):
        if token.start > last and not head.open:
            break  # what is behind holds no label
        head.follow(page.view, token)
        seen = list(_labels(page, token, head))
        found += seen or (() if head.templates else _suspects(page, token))
    return found, head


def _suspects(page: Stretch, token: Token) -> Iterator[_Found]:
    """Tell of tags, and of texts that are not shown, which name a producer and are no label that is read."""
    if token.cut is Cut.START and token.name in _SILENT:
        stop = max(token.stop, token.inner[1])
        if page.view.find(stray.WORD, token.start, stop) >= 0:
            reason = "holds what looks like a label at a place where none is read"
            yield _Found(Unread(f"{token.name.decode('ascii')} element", reason), stop, stop)


def _labels(page: Stretch, token: Token, head: _Head) -> Iterator[_Found]:
    if token.cut is Cut.COMMENT and (m := _LABEL.search(page.view, *token.inner)):
        brace = page.view.rfind(b"}", *token.inner) + 1
        span = m.start(), brace if brace > m.end() else token.inner[1]
        yield _found(page, span, span, "comment")
    elif token.cut is Cut.START and token.name == b"meta" and head.templates == 0:
        yield from _meta(page, token, in_head=head.open)
    elif token.cut is Cut.START and token.name == b"script":
        yield from _script(page, token)


def _found(page: Stretch, value: tuple[int, int], whole: tuple[int, int], place: str) -> _Found:
    text = page.text(*value)
    if text is None:
        return _Found(Unread(place, "is neither in the page's encoding nor in GB 18030"), *whole)
    return _Found(Site(place, text.strip(), Wrapper.WRAPPED, guide=False), *whole)


def _meta(page: Stretch, token: Token, *, in_head: bool) -> Iterator[_Found]:
    values = attributes(page.view, token)
    name = html.unescape(page.view[slice(*values.get(b"name", (0, 0)))].decode("latin-1"))
    if name.lower() not in _NAMES:
        return
    place = f"meta {name}{'' if in_head else ' outside the head'}"
    found = _found(page, values.get(b"content", (0, 0)), (token.start, token.stop), place)
    if isinstance(found.seen, Site):
        site = Site(place, html.unescape(found.seen.text), Wrapper.EITHER, guide=place == _PLACE)
        found = _Found(site, token.start, token.stop)
    yield found


def _script(page: Stretch, token: Token) -> Iterator[_Found]:
    values = attributes(page.view, token)
    kind = page.view[slice(*values.get(b"type", (0, 0)))].strip().lower()
    if kind in _JSON_TYPES and _KEY.search(page.view, *token.inner):
        found = _found(page, token.inner, token.inner, f"script {kind.decode('ascii')}")
        alone = isinstance(found.seen, Site) and _holds_only_label(found.seen.text)
        yield _Found(found.seen, found.start, found.stop, b"{}" if alone else None)


def _holds_only_label(text: str) -> bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.keys() == {"AIGC"}


def read(source: BinaryIO) -> Reading:
    """Find ``meta`` tags, comments and JSON scripts that hold a label, in the first MiB."""
    page = opening(source, REACH_BYTES)
    found, head = _scan(page)
    seen = [f.seen for f in found]
    if head.open and not page.last:
        seen.append(Unread(_PLACE, f"is in a head of more than the {REACH_BYTES} bytes that are read"))
    if _breaks_off(page.view[head.stop :].lower()):
        seen.append(Unread(_PLACE, "begins in a tag or comment that breaks off"))
    return Reading(tuple(s for s in seen if isinstance(s, Site)), tuple(s for s in seen if isinstance(s, Unread)))


def _breaks_off(rest: bytes) -> bool:
    """Say whether a tag or comment has the name and behind it an object or a character reference, and no end; in linear time."""
    for part in rest.split(b">") if _WORD in rest else ():
        opened = _OPENED.search(part)
        at = part.find(_WORD, opened.end()) if opened else -1
        if at >= 0 and (b"{" in part[at:] or b"&" in part[at:]):
            return True
    return False


def splice(source: BinaryIO, label: str) -> Splice:
    """Put the label into the head, in the bare form since the place is named AIGC (GB 45438-2025 Annex E a, b).

    Raises:
        Refused: the head is too large to be searched (``html.head-too-large``), or a JSON script holds
            a label beside other data (``html.label-among-data``).
    """
    return _spliced(source, label, _NAME)


def splice_other(source: BinaryIO, label: str) -> Splice:
    """Put it under the other name, ``aigc-metadata``, instead; errors as ``splice``."""
    return _spliced(source, label, _OTHER_NAME)


def _spliced(source: BinaryIO, label: str, name: str) -> Splice:
    require_label(label)
    size, page = size_of(source), opening(source, REACH_BYTES)
    found, head = _scan(page)
    if head.open and not page.last:
        raise Refused(
            "html.head-too-large",
            f"expected the head to end within {REACH_BYTES} bytes, but it does not",
            hint="move large scripts and styles out of the head",
        )
    tag = f'<meta name="{name}" content="{html.escape(label)}"{"/" if head.xml else ""}>'
    old = next((f for f in found if isinstance(f.seen, Site) and f.seen.place == f"meta {name}"), None)
    edits = [Edit(page.at(f.start), page.at(f.stop), _gone(page, f)) for f in found if f is not old]
    start, stop = (old.start, old.stop) if old else (head.point, head.point)
    if old is None:
        tag = page.newline() + tag if head.point else tag + page.newline()
    return spliced([*edits, Edit(page.at(start), page.at(stop), page.encoding.encode(tag))], size)


def _gone(page: Stretch, found: _Found) -> bytes:
    if found.gone is None:
        raise Refused(
            "html.label-among-data",
            f"expected to remove the label from a {found.seen.place}, but it is not all that stands there",
            hint="take the AIGC member out of that script by hand, then label again",
        )
    return page.encoding.encode(found.gone.decode("ascii"))


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give the program that wrote the page, and the beginning and the end of what a reader sees."""
    start, end = opening(source, CLUE_REACH_BYTES), closing(source, CLUE_REACH_BYTES)
    yield from _generators(start)
    text = _visible(start)
    yield Clue(Channel.BODY, "beginning", text[:CLUE_BYTES])
    yield Clue(Channel.BODY, "end", (text if start.last else _visible(end))[-CLUE_BYTES:])


def _generators(page: Stretch) -> Iterator[Clue]:
    for token in tokens(page.view) if b"generator" in page.view.lower() else ():
        if token.name == b"body":
            return
        if token.cut is Cut.START and token.name == b"meta":
            values = attributes(page.view, token)
            if page.view[slice(*values.get(b"name", (0, 0)))].lower() == b"generator":
                yield Clue(Channel.TAG, "generator", html.unescape(page.text(*values.get(b"content", (0, 0))) or ""))


def _visible(page: Stretch) -> str:
    """Return the text between the tags; of a stretch within the page, from the first tag on."""
    raw = page.raw(0 if page.first else max(0, page.view.find(b"<")), len(page.view))
    markup = page.encoding.decode(raw, whole=False)
    text = between(raw if markup is None else markup.encode()).decode("utf-8", "replace")
    lines = (" ".join(line.split()) for line in html.unescape(text).split("\n"))
    return "\n".join(filter(None, lines))
