"""Markdown: the mapping ``AIGC:`` in the YAML front matter at the head of the file (TC260-PG-20258A §6.5)."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import yaml

from mingwen.containers.edits import Edit, size_of, spliced
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Splice
from mingwen.formats._characters import CLUE_BYTES, Stretch, closing, ends, opening, require_label
from mingwen.formats._front_matter import Block, blocks, compose, is_label, json_texts, opens, pairs
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper
from mingwen.formats._text import last_lines, seen_at

REACH_BYTES = 64 * 1024
"""How much of a file is searched; front matter that is longer is not read."""
LINES_BYTES = 64 * 1024
"""How much of a file's end is searched for the line that plain text would have."""

PLACE = "front matter AIGC"
_LINE_PLACE = "last lines"
_LATER_PLACE = "later front matter AIGC"
_TOO_LONG = f"is longer than the {REACH_BYTES} bytes that are read"
_PLAIN_KEY = re.compile(r"(?!(?i:true|false|null|yes|no|on|off|y|n)\Z)[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True)
class _Yaml:
    """A block with its text and its root node."""

    block: Block
    codec: str
    text: str
    root: yaml.Node | None

    @property
    def guide(self) -> bool:
        return self.block.fence == 0

    @property
    def prose(self) -> bool:
        """Is it no mapping, but something between two rules?"""
        return not isinstance(self.root, yaml.MappingNode | None)


@dataclass(frozen=True, slots=True)
class _Change:
    """Characters ``start`` to ``stop`` of a block's text become ``new``."""

    start: int
    stop: int
    new: str


def _parsed(head: Stretch, block: Block) -> _Yaml:
    raw = head.raw(block.start, block.stop)
    codec = head.encoding.codec_for(raw)
    if codec is None:
        raise Malformed(
            "markdown.encoding", "expected front matter in the file's encoding or GB 18030", hint="save the file as UTF-8"
        )
    text = raw.decode(codec)
    return _Yaml(block, codec, text, compose(text))


def _all_parsed(head: Stretch) -> list[_Yaml]:
    """Parse the front matter and the blocks directly behind it; a later one that is no YAML is the author's text."""
    found: list[_Yaml] = []
    for block in blocks(head):
        try:
            if block.fence == 0 or b"AIGC" in head.view[block.start : block.stop]:
                found.append(_parsed(head, block))
        except Malformed:
            if block.fence == 0:
                raise
    return found


def _sites(found: list[_Yaml]) -> tuple[Site, ...]:
    """Return the labels as JSON; a label that is itself a string in YAML is taken for JSON as it stands."""
    labels = [(y.guide, value) for y in found for key, value in pairs(y.root) if is_label(key)]
    texts = json_texts(value for _, value in labels)
    return tuple(
        Site(PLACE if guide else _LATER_PLACE, str(value.value) if _is_string(value) else text, Wrapper.BARE, guide=guide)
        for (guide, value), text in zip(labels, texts, strict=True)
    )


def _is_string(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"


def read(source: BinaryIO) -> Reading:
    """Find every ``AIGC`` in the front matter at the very head, in blocks directly behind it, and in the last lines."""
    head = opening(source, REACH_BYTES)
    lines = [seen_at(line, _LINE_PLACE, guide=False) for line in last_lines(closing(source, LINES_BYTES))]
    sites = tuple(s for s in lines if isinstance(s, Site))
    unread = tuple(s for s in lines if isinstance(s, Unread))
    if opens(head) and not head.last and next(blocks(head), None) is None:
        return Reading(sites, (Unread(PLACE, _TOO_LONG), *unread))
    try:
        return Reading((*_sites(_all_parsed(head)), *sites), unread)
    except Malformed as error:
        return Reading(sites, (Unread(PLACE, error.message), *unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Put the label into the front matter, as a mapping indented by two spaces (TC260-PG-20258A §6.5).

    Raises:
        Malformed: what stands in the front matter is no YAML.
        Refused: it is a mapping in braces (``markdown.flow-mapping``), its keys do not stand on lines of their
            own or other keys lean on the old label (``markdown.entangled``), or it is too long (``markdown.too-long``).
    """
    fields = require_label(label)
    size, head = size_of(source), opening(source, REACH_BYTES)
    if head.view.startswith(b"+++"):
        hint = "write the front matter as YAML between lines of ---, where the guide wants the label"
        raise Refused("markdown.toml", "expected YAML front matter or none, found TOML between +++", hint=hint)
    found = _all_parsed(head)
    own = next((y for y in found if y.guide and not y.prose), None)
    later = [edit for y in found if y is not own for edit in _without_label(head, y)]
    new = _into(head, own, fields) if own else [_before(head, fields)]
    end = (head.at(own.block.after) if own else head.start) + sum(len(e.new) - (e.stop - e.start) for e in new)
    if end > REACH_BYTES or (opens(head) and not head.last and next(blocks(head), None) is None):
        raise Refused(
            "markdown.too-long", f"expected front matter of at most {REACH_BYTES} bytes, got more", hint="make it shorter"
        )
    lines = (Edit(s.at(start), s.at(stop), b"") for s, start, stop in last_lines(closing(source, LINES_BYTES)))
    return spliced([*later, *new, *lines], size)


def _before(head: Stretch, fields: dict[str, str]) -> Edit:
    """Make front matter where there is none."""
    newline = head.newline()
    mapping = _mapping(fields, "", newline)
    _require_same("{}", fields, mapping)
    return Edit(head.start, head.start, head.encoding.encode(f"---{newline}{mapping}---{newline}"))


def _into(head: Stretch, own: _Yaml, fields: dict[str, str]) -> list[Edit]:
    """Replace the first label in the front matter and drop further ones, or add one at its end."""
    spans = _spans(own)
    indent = " " * (pairs(own.root)[0][0].start_mark.column if pairs(own.root) else 0)
    mapping = _mapping(fields, indent, head.newline())
    start, stop = spans[0] if spans else (len(own.text), len(own.text))
    changes = [_Change(start, stop, mapping), *(_Change(a, b, "") for a, b in spans[1:])]
    _require_same(_others(own.root), fields, _changed(own.text, changes))
    return [_edit(head, own, c) for c in changes]


def _without_label(head: Stretch, later: _Yaml) -> list[Edit]:
    """Take the label out of a later block, and the block with it if nothing is left."""
    spans = _spans(later)
    if spans and len(spans) == len(pairs(later.root)):
        return [Edit(head.at(later.block.fence), head.at(later.block.after), b"")]
    changes = [_Change(a, b, "") for a, b in spans]
    if changes:
        _require_same(_others(later.root), None, _changed(later.text, changes))
    return [_edit(head, later, c) for c in changes]


def _edit(head: Stretch, where: _Yaml, change: _Change) -> Edit:
    base = head.at(where.block.start)
    start, stop = (base + len(where.text[:i].encode(where.codec)) for i in (change.start, change.stop))
    return Edit(start, stop, change.new.encode(where.codec))


def _changed(text: str, changes: list[_Change]) -> str:
    for c in reversed(changes):
        text = text[: c.start] + c.new + text[c.stop :]
    return text


def _spans(where: _Yaml) -> list[tuple[int, int]]:
    """Return from where to where the lines of each label go, without comments and empty lines behind them."""
    entries = pairs(where.root)
    if (
        isinstance(where.root, yaml.MappingNode)
        and where.root.flow_style
        and (where.guide or any(is_label(k) for k, _ in entries))
    ):
        raise Refused(
            "markdown.flow-mapping",
            "expected front matter with a key on each line, got a mapping in braces",
            hint="write it as lines of `key: value`, then label again",
        )
    starts = [key.start_mark.index - key.start_mark.column for key, _ in entries]
    ends = [*starts[1:], len(where.text)][: len(starts)]
    return [(a, a + _length(where.text[a:b])) for (key, _), a, b in zip(entries, starts, ends, strict=True) if is_label(key)]


def _length(lines: str) -> int:
    kept = lines.splitlines(keepends=True)
    while len(kept) > 1 and (not kept[-1].strip() or kept[-1].lstrip().startswith("#")):
        kept.pop()
    return sum(map(len, kept))


def _others(root: yaml.Node | None) -> str:
    """Return all but the label as JSON text."""
    kept = yaml.MappingNode("tag:yaml.org,2002:map", [p for p in pairs(root) if not is_label(p[0])])
    return json_texts([kept])[0]


def _require_same(others: str, fields: dict[str, str] | None, text: str) -> None:
    """Read the new front matter back: nothing but the label may have changed."""
    try:
        root = compose(text)
        labels = json_texts(value for key, value in pairs(root) if is_label(key))
        if _others(root) == others and [json.loads(v) for v in labels] == ([] if fields is None else [fields]):
            return
    except Malformed:
        pass
    raise Refused(
        "markdown.entangled",
        "expected front matter whose label can be written without touching other keys, but it cannot",
        hint="put each key on a line of its own, without anchors or escapes in the label",
    )


def _mapping(fields: dict[str, str], indent: str, newline: str) -> str:
    lines = ["AIGC:" if fields else "AIGC: {}"]
    lines += [f"  {k if _PLAIN_KEY.fullmatch(k) else _quoted(k)}: {_quoted(v)}" for k, v in fields.items()]
    return "".join(f"{indent}{line}{newline}" for line in lines)


def _quoted(value: str) -> str:
    """Write a YAML string in ASCII: in single quotes where that spares escapes, as others do."""
    if value.isascii() and value.isprintable() and ('"' in value or "\\" in value):
        return "'" + value.replace("'", "''") + "'"
    escaped = json.dumps(value, ensure_ascii=False)
    return "".join(c if " " <= c <= "~" else f"\\u{ord(c):04x}" if c <= "\uffff" else f"\\U{ord(c):08x}" for c in escaped)


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give the beginning behind the front matter, which no reader sees, and the end."""
    head = opening(source, REACH_BYTES)
    front = next(blocks(head), None)
    start = front.after if front and front.fence == 0 else 0
    beginning = head.encoding.decode(head.raw(start, start + CLUE_BYTES), whole=False)
    yield Clue(Channel.BODY, "beginning", beginning or "")
    yield Clue(Channel.BODY, "end", ends(source, CLUE_BYTES)[1])
