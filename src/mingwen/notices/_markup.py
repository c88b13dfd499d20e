"""XML looked through for the places where markup can be put: one pass that notes the byte offsets of the elements that matter."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from mingwen.containers.edits import Edit
from mingwen.domain.errors import Malformed

MAX_BYTES = 48 << 20
MAX_DEPTH = 512
MAX_ELEMENTS = 1_000_000
MAX_NODES = 150_000
"""Elements that are kept."""
MAX_TEXT = 400
"""Characters of an element's text that are kept."""
STEP_BYTES = 1 << 20

_TAG = re.compile(rb"""<(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_CELLS = re.compile(rb"<(?:[\w.-]+:)?sheetData[\s>]")
_NAME = re.compile(rb"<([^\s/>]+)")
_CODECS = ((b"\xff\xfe", "utf-16-le"), (b"<\0", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\0<", "utf-16-be"))


@dataclass(slots=True)
class Node:
    """One element; offsets are those in the tree's view."""

    space: str
    """The namespace."""
    local: str
    attributes: dict[str, str]
    """Names with a namespace have it before a space."""
    depth: int
    start: int
    inner: int
    """Behind the start tag."""
    parent: "Node | None"
    """The nearest one that is kept."""
    end: int = 0
    """Where the end tag begins; ``inner`` where one tag is both."""
    stop: int = 0
    text: str = ""
    """What stands in those of its elements that hold text."""

    def attribute(self, local: str) -> str:
        """Return the attribute of this name, whatever its namespace."""
        return next((v for k, v in self.attributes.items() if k.rpartition(" ")[2] == local), "")


@dataclass(slots=True)
class Tree:
    """A document, walked through."""

    view: bytes
    """Its bytes; of UTF-16 those in UTF-8."""
    codec: str
    nodes: list[Node] = field(default_factory=list)
    """In the order of their start tags; the first is the root."""

    @property
    def root(self) -> Node:
        """The outermost element."""
        return self.nodes[0]

    def named(self, local: str, depth: int | None = None) -> Iterator[Node]:
        """Yield the elements of a name, at one depth or at any."""
        return (n for n in self.nodes if n.local == local and (depth is None or n.depth == depth))

    def children(self, parent: Node) -> list[Node]:
        """Return the elements right within one, of those that are kept."""
        return [n for n in self.nodes if n.parent is parent and n.depth == parent.depth + 1]

    def first_in(self, node: Node, markup: str) -> Edit:
        """Return the edit that puts markup behind a start tag."""
        return self._opened(node, markup) if node.stop == node.inner else Edit(node.inner, node.inner, ascii_of(markup))

    def last_in(self, node: Node, markup: str) -> Edit:
        """Return the edit that puts markup before an end tag."""
        return self._opened(node, markup) if node.stop == node.inner else Edit(node.end, node.end, ascii_of(markup))

    def _opened(self, node: Node, markup: str) -> Edit:
        """Make two tags of one."""
        tag = self.view[node.start : node.inner]
        name = _NAME.match(tag)
        closing = b"</" + (name[1] if name else b"") + b">"
        return Edit(node.start, node.stop, tag[:-2].rstrip() + b">" + ascii_of(markup) + closing)

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Return the document's bytes with edits of its view made."""
        out, cursor = [], 0
        for start, stop, new in sorted(edits, key=lambda e: e[:2]):
            if start >= cursor:
                out += [self.view[cursor:start], new]
                cursor = stop
        view = b"".join([*out, self.view[cursor:]])
        return view if self.codec == "utf-8" else view.decode().encode(self.codec)


def ascii_of(markup: str) -> bytes:
    """Write markup with references for what is not ASCII, so that it is right in every encoding."""
    return markup.encode("ascii", "xmlcharrefreplace")


def walked(data: bytes, name: str, depth: int, names: Iterable[str] = (), texts: Iterable[str] = ()) -> Tree:
    """Walk through a document; elements up to ``depth`` and those of these ``names`` are kept.

    The text of elements that ``texts`` names goes to the nearest that is kept. No entity is expanded in text.

    Raises:
        Malformed: it is no well-formed XML (``part.broken``), or too large or deep (``part.too-large``).
    """
    if len(data) > MAX_BYTES:
        raise Malformed("part.too-large", f"expected {name!r} to have at most {MAX_BYTES} bytes", hint="split the document")
    tree = _viewed(data, name)
    _Walk(tree, name, depth, (frozenset(names), frozenset(texts)))
    return tree


def _viewed(data: bytes, name: str) -> Tree:
    for mark, codec in _CODECS:
        if data.startswith(mark):
            try:
                return Tree(data.decode(codec).encode(), codec)
            except UnicodeError as e:
                raise broken(name, "is no valid UTF-16") from e
    return Tree(data, "utf-8")


def behind(node: Node, markup: str) -> Edit:
    """Return the edit that puts markup behind an element."""
    return Edit(node.stop, node.stop, ascii_of(markup))


def before(node: Node, markup: str) -> Edit:
    """Return the edit that puts markup before an element."""
    return Edit(node.start, node.start, ascii_of(markup))


def broken(name: str, what: str) -> Malformed:
    """Build the one error for a document that cannot be followed."""
    return Malformed("part.broken", f"part {name!r} {what}", hint="open the document in its own program and save it again")


class _Walk:
    """One pass of the parser."""

    def __init__(self, tree: Tree, name: str, depth: int, names: tuple[frozenset[str], frozenset[str]]) -> None:
        self._tree, self._name, self._depth, (self._names, self._texts) = tree, name, depth, names
        self._opened: list[Node | None] = []
        self._kept: list[Node] = []
        self._telling = 0
        self._left = MAX_ELEMENTS
        parser = self._parser = expat.ParserCreate("utf-8" if tree.codec != "utf-8" else None, " ")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        if self._texts:
            parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = self._characters, self._doctype
        else:
            parser.DefaultHandler = _ignored
        try:
            view = _masked(tree.view)
            for at in range(0, len(view), STEP_BYTES):
                parser.Parse(view[at : at + STEP_BYTES], False)  # noqa: FBT003 - the C API takes it by position
            parser.Parse(b"", True)  # noqa: FBT003
        except (expat.ExpatError, UnicodeError, LookupError, ValueError) as e:
            raise broken(name, f"is no well-formed XML: {e}") from e

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self._opened)
        self._left -= 1
        if self._left < 0:
            raise broken(self._name, f"has more than {MAX_ELEMENTS} elements")
        space, _, local = name.rpartition(" ")
        self._telling += local in self._texts
        if depth > self._depth and local not in self._names:
            if depth > MAX_DEPTH:
                raise broken(self._name, f"nests deeper than {MAX_DEPTH}")
            self._opened.append(None)
            return
        at = self._parser.CurrentByteIndex
        tag = _TAG.match(self._tree.view, at)
        if tag is None or len(self._tree.nodes) >= MAX_NODES:
            raise broken(self._name, f"has more than the {MAX_NODES} elements that are followed, or tags in entities")
        node = Node(space, local, attributes, depth, at, tag.end(), self._kept[-1] if self._kept else None)
        self._tree.nodes.append(node)
        self._opened.append(node)
        self._kept.append(node)

    def _end(self, name: str) -> None:
        self._telling -= name.rpartition(" ")[2] in self._texts
        node = self._opened.pop()
        if node is None:
            return
        self._kept.pop()
        node.end = node.stop = node.inner
        if self._tree.view[node.inner - 2 : node.inner] != b"/>":
            at = self._parser.CurrentByteIndex
            closing = _TAG.match(self._tree.view, at)
            node.end, node.stop = at, closing.end() if closing else at

    def _characters(self, text: str) -> None:
        if self._telling and self._kept and len(self._kept[-1].text) < MAX_TEXT:
            self._kept[-1].text += text[:MAX_TEXT]

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_internal_subset: int) -> None:
        if has_internal_subset:
            raise broken(self._name, "declares a DTD of its own")


def _masked(view: bytes) -> bytes:
    """Return the bytes with blanks for a sheet's cells, which may be millions and are not looked at."""
    opening = _CELLS.search(view)
    tag = _TAG.match(view, opening.start()) if opening else None
    end = view.rfind(b"</", 0, max(view.rfind(b"sheetData>"), 0))
    if tag is None or tag[0].endswith(b"/>") or end <= tag.end():
        return view
    return b"".join((view[: tag.end()], b" " * (end - tag.end()), view[end:]))


def _ignored(_: str) -> None:
    """Take what nobody asked for; that a handler is there keeps expat from expanding entities in it."""
