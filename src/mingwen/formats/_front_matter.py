"""YAML front matter: the fenced blocks at the head of a text, and what stands in them, as JSON text.

The JSON is built from the YAML nodes, not from Python values: order, types and repetitions stay as
they were written, so that a validator sees what stands there.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from mingwen.domain.errors import Malformed
from mingwen.formats._characters import Stretch

MAX_DEPTH = 32
"""Levels of nesting, aliases followed."""
MAX_NODES = 10_000
"""Events in a block's YAML, and nodes written out of it: a short alias may stand for thousands."""
MAX_DIGITS = 400
"""Of one number."""

Pairs: TypeAlias = list[tuple[yaml.Node, yaml.Node]]

_OPENING = re.compile(rb"[ \t\r\n]*+(?<![^\r\n])(---[ \t]*+(?:\r\n|\n|\r))")
_CLOSING = re.compile(rb"(?<![^\r\n])(?:---|\.\.\.)[ \t]*+(?:\r\n|\n|\r|\Z)")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?", re.ASCII)
_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTRUCTOR = yaml.constructor.SafeConstructor()


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; all are indices into the stretch's view."""

    fence: int
    """Where its opening fence begins: 0 if the block is front matter, more if it only looks like it."""
    start: int
    stop: int
    """Its YAML, from the line after the opening fence to the closing one."""
    after: int
    """Behind the closing fence's line."""


def blocks(head: Stretch) -> Iterator[Block]:
    """Yield every fenced block from the beginning, as long as only white space stands before the next."""
    index = 0
    while (opened := _OPENING.match(head.view, index)) and (closed := _CLOSING.search(head.view, opened.end())):
        if closed.end() == len(head.view) and not head.last:
            return
        yield Block(opened.start(1), opened.end(), closed.start(), closed.end())
        index = closed.end()


def opens(head: Stretch) -> bool:
    """Say whether the text begins with a fence, closed or not."""
    opened = _OPENING.match(head.view)
    return opened is not None and opened.start(1) == 0


def compose(text: str) -> yaml.Node | None:
    """Return the root node of a block's YAML, or None if it says nothing.

    Raises:
        Malformed: it is no YAML (``front-matter.broken``), or too deep or large (``front-matter.excessive``).
    """
    try:
        _require_measure(text)
        return yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        said = getattr(error, "problem", None) or "unreadable characters"
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 2}" if mark else ""
        raise Malformed("front-matter.broken", f"expected YAML, got {said}{line}", hint="correct the front matter") from error


def _require_measure(text: str) -> None:
    """Count events and depth before any node is built: what builds them calls itself."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise _excessive()


def _excessive() -> Malformed:
    return Malformed(
        "front-matter.excessive",
        f"expected at most {MAX_DEPTH} levels, {MAX_NODES} nodes and {MAX_DIGITS} digits of YAML, got more",
        hint="a label needs one level; make the front matter smaller",
    )


def pairs(root: yaml.Node | None) -> Pairs:
    """Return the keys and values of a mapping as they stand; nothing else has any."""
    return list(root.value) if isinstance(root, yaml.MappingNode) else []


def is_label(key: yaml.Node) -> bool:
    """Say whether a key is ``AIGC``, in this very case (TC260-PG-20258A §6.5)."""
    return isinstance(key, yaml.ScalarNode) and key.value == "AIGC"


def json_texts(nodes: Iterable[yaml.Node]) -> list[str]:
    """Return what each node says as JSON text; together they may hold ``MAX_NODES``.

    Raises:
        Malformed: aliases make it too deep or large, or a key is no scalar (``front-matter.excessive``, ``front-matter.key``).
    """
    written = _Written()
    return ["".join(written.of(node, MAX_DEPTH)) for node in nodes]


class _Written:
    """JSON in the making, which counts its nodes."""

    def __init__(self) -> None:
        self.left = MAX_NODES

    def of(self, node: yaml.Node, depth: int) -> Iterator[str]:
        self.left -= 1
        if self.left < 0 or depth < 0:
            raise _excessive()
        if isinstance(node, yaml.MappingNode):
            yield "{"
            for count, (key, value) in enumerate(node.value):
                yield f"{',' if count else ''}{json.dumps(_key(key), ensure_ascii=False)}:"
                yield from self.of(value, depth - 1)
            yield "}"
        elif isinstance(node, yaml.SequenceNode):
            yield "["
            for count, value in enumerate(node.value):
                yield "," if count else ""
                yield from self.of(value, depth - 1)
            yield "]"
        elif isinstance(node, yaml.ScalarNode):
            yield _scalar(node)


def _key(key: yaml.Node) -> str:
    if isinstance(key, yaml.ScalarNode):
        return str(key.value)
    raise Malformed("front-matter.key", "expected keys that are text, got a list or a mapping", hint="correct the front matter")


def _scalar(node: yaml.ScalarNode) -> str:
    value, kind = str(node.value), node.tag.removeprefix("tag:yaml.org,2002:")
    if kind == "null":
        return "null"
    if kind == "bool":
        return "true" if value.lower() in {"yes", "true", "on"} else "false"
    return _number(node, value) if kind in {"int", "float"} else json.dumps(value, ensure_ascii=False)


def _number(node: yaml.ScalarNode, literal: str) -> str:
    """Return a number as written, or in JSON's way if YAML wrote it otherwise (``0x1F``, ``1_000``, ``017``)."""
    if len(literal) > MAX_DIGITS:
        raise _excessive()
    if _JSON_NUMBER.fullmatch(literal):
        return literal
    construct = _CONSTRUCTOR.construct_yaml_float if node.tag.endswith("float") else _CONSTRUCTOR.construct_yaml_int
    try:
        return json.dumps(construct(node), allow_nan=False)
    except (ValueError, IndexError, OverflowError):
        return json.dumps(literal)
