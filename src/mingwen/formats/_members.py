"""JSON texts looked through for the members that may be labels, without reading anything else or writing anything anew.

One pass over the bytes (RFC 8259), a chunk at a time: strings and the six structural characters are told apart, brackets are held
to their kind, and what stands between is not looked at. So a value of any length costs no memory.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import BinaryIO, Final

from mingwen.containers.edits import Edit, read_at, size_of
from mingwen.containers.stray import WORD
from mingwen.domain.errors import Malformed
from mingwen.domain.sites import Site, Unread, Wrapper

KEY: Final = "aigc"
"""The member that bears the label, at the top: what public APIs do; no guide names one."""
MAX_DEPTH: Final = 1000
MAX_MEMBERS: Final = 64
"""Members that may be labels; files of lines may have one a line."""
MAX_KEY_BYTES: Final = 64
"""A longer key is none that is looked for, not even if all its characters are escaped."""
MAX_VALUE_BYTES: Final = 64 << 10
"""A longer value of such a member is not read."""
STEP_BYTES: Final = 256 << 10

_KEYS = frozenset({KEY, "AIGC"})
_OWNER = "metadata"
"""The one member in which labels are looked for as well."""
_MARK = re.compile(rb'[{}\[\]:,]|"[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)
_DEEP = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
"""What can be passed over where no member is looked at: all but brackets, and strings that end."""
_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)
_QUOTE, _COLON, _COMMA = b'":,'
_BETWEEN = frozenset({_COLON, _COMMA})
_CLOSED_BY = dict(zip(b"{[", b"}]", strict=True))
_LIKELY = frozenset(f'"{key}"'.encode() for key in (*_KEYS, _OWNER))
_WHITE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Member:
    """A member that may be a label; offsets are the source's."""

    key: str
    nested: bool
    """Does it stand in ``metadata``?"""
    owner: int
    """Where its object begins, behind the brace."""
    index: int
    """How many members stand before it in its object."""
    start: int
    """Behind the brace or comma before it."""
    value: int
    """Behind its colon."""
    close: int
    """Where the comma or brace behind it stands."""
    comma: bool
    """Is that a comma?"""

    @property
    def place(self) -> str:
        """What a reading calls it."""
        return f"{_OWNER}.{self.key}" if self.nested else f"member {self.key}"


@dataclass(slots=True)
class Document:
    """What a pass has found."""

    members: list[Member] = field(default_factory=list)
    opened: int | None = None
    """Behind the brace of the first value; None if that is no object."""
    count: int = 0
    """Members of that object."""
    values: int = 0
    """Objects, arrays and strings beside each other: one is JSON, more are lines of JSON."""
    fault: str = ""
    """Why the pass ended early, or in the middle of something."""


@dataclass(slots=True)
class _Object:
    """An object whose members are looked at."""

    nested: bool
    opened: int
    start: int
    index: int = 0
    key: str | None = None
    value: int = 0


class _Pass:
    """The state of one pass."""

    def __init__(self) -> None:
        self.document = Document()
        self._closers = bytearray()
        """What closes the open brackets."""
        self._objects: list[_Object] = []
        """The outermost of them that are looked into; at most two."""
        self._string = (0, b"")
        """Where the last string stands, and its bytes if they may be a key."""

    @property
    def is_deep(self) -> bool:
        """Is this below all that is looked into?"""
        return len(self._closers) > len(self._objects)

    def take(self, mark: int, start: int, string: bytes) -> None:
        """Take one structural character, or one string."""
        if mark == _QUOTE:
            self._string = (start, string)
            self.document.values += not self._closers
        elif mark in _BETWEEN:
            if self._objects and not self.is_deep:
                self._within(self._objects[-1], mark, start)
        elif mark in _CLOSED_BY:
            self._open(mark, start + 1)
        else:
            self._close(mark, start)

    def end(self) -> Document:
        """Return what was found."""
        if self._closers and not self.document.fault:
            self.document.fault = f"ends within {len(self._closers)} brackets"
        return self.document

    def _open(self, mark: int, stop: int) -> None:
        depth = len(self._closers)
        if depth == MAX_DEPTH:
            self.document.fault = f"nests deeper than {MAX_DEPTH}"
            return
        if depth == 0:
            self.document.values += 1
        if mark == ord("{") and depth == len(self._objects) and (depth == 0 or (depth == 1 and self._objects[0].key == _OWNER)):
            self._objects.append(_Object(bool(depth), stop, stop))
            if depth == 0 and self.document.values == 1:
                self.document.opened = stop
        self._closers.append(_CLOSED_BY[mark])

    def _close(self, mark: int, start: int) -> None:
        if not self._closers or self._closers[-1] != mark:
            self.document.fault = f"has a {chr(mark)!r} at byte {start} that closes nothing"
            return
        if len(self._closers) == len(self._objects):
            done = self._objects.pop()
            self._note(done, start, comma=False)
            if done.opened == self.document.opened:
                self.document.count = done.index + (done.key is not None)
        self._closers.pop()

    def _within(self, inside: _Object, mark: int, start: int) -> None:
        if mark == _COLON:
            if inside.key is None and self._string[0] >= inside.start:
                inside.key, inside.value = _key(self._string[1]), start + 1
            return
        self._note(inside, start, comma=True)
        inside.index, inside.key, inside.start = inside.index + 1, None, start + 1

    def _note(self, inside: _Object, close: int, *, comma: bool) -> None:
        if inside.key is None and (comma or inside.index or self._string[0] >= inside.start):
            self.document.fault = f"has a member without a name before byte {close}"
        if inside.key is None or inside.key not in _KEYS:
            return
        if len(self.document.members) == MAX_MEMBERS:
            self.document.fault = f"has more than {MAX_MEMBERS} members that may be labels"
            return
        self.document.members.append(
            Member(inside.key, inside.nested, inside.opened, inside.index, inside.start, inside.value, close, comma)
        )


def scan(source: BinaryIO, start: int, stop: int) -> Document:
    """Look through the JSON between two offsets; what cannot be followed is a ``fault``, and what came before it stands."""
    walk = _Pass()
    string: int | None = None
    rest = b""
    for at in range(start, stop, STEP_BYTES):
        data = rest + read_at(source, at, min(STEP_BYTES, stop - at), what="JSON")
        base, index = at - len(rest), 0
        if string is not None:
            index, ended = _string_end(data)
            if not ended:
                rest = data[index:]
                continue
            walk.take(_QUOTE, string, b"")
        string, index = _taken(walk, data, base, index)
        if walk.document.fault:
            return walk.end()
        rest = data[index:]
    if string is not None or rest:
        walk.document.fault = "ends within a string"
    return walk.end()


def _taken(walk: _Pass, data: bytes, base: int, index: int) -> tuple[int | None, int]:
    """Take all that is whole in a chunk; return where a string begins that is not, and where the next chunk goes on."""
    take, search = walk.take, _MARK.search
    while not walk.document.fault:
        if walk.is_deep and (passed := _DEEP.match(data, index)):
            index = passed.end()
        m = search(data, index)
        if m is None:
            return None, len(data)
        start, index = m.span()
        if m[1] == b"":
            return (None, start) if index - start < MAX_KEY_BYTES else (base + start, index)
        take(data[start], base + start, m[0] if index - start <= MAX_KEY_BYTES else b"")
    return None, index


def _string_end(data: bytes) -> tuple[int, bool]:
    """Return where the string ends that ``data`` begins within, or half an escape of it, and which."""
    m = _REST.match(data)
    return (m.end(), bool(m[1])) if m else (0, False)


def sites(source: BinaryIO, document: Document) -> Iterator[tuple[Member, Site | Unread]]:
    """Yield the label that each member holds: an object, or a string with one in it. No other value says anything."""
    for member in document.members:
        start, stop = value_at(source, member)
        if stop - start > MAX_VALUE_BYTES:
            yield member, Unread(member.place, f"has {stop - start} bytes, more than the {MAX_VALUE_BYTES} that are read")
            continue
        text = read_at(source, start, stop - start, what="a member").decode("utf-8", "replace")
        if text.startswith(("{", '"')):
            yield member, Site(member.place, _unquoted(text), Wrapper.BARE, guide=False)


def labelled(source: BinaryIO, document: Document, label: str) -> list[Edit]:
    """Set the member ``KEY`` of the first object, which must be there, and take out all other labels.

    A member that is there keeps its place; a new one comes first, so that readers of a stream meet it early.

    Raises:
        Malformed: the JSON could not be followed to its end (``json.broken``).
    """
    if document.fault or document.opened is None:
        raise broken(document.fault or "begins with no object")
    if read_at(source, document.opened, min(1 << 10, size_of(source) - document.opened), what="an object").lstrip(_WHITE)[
        :1
    ] not in {b'"', b"}", b""}:
        raise broken(f"has no name behind the brace at byte {document.opened - 1}")
    own = [m for m in document.members if m.owner == document.opened and m.key == KEY]
    kept = own[0] if own else None
    removed = [m for m in document.members if m is not kept and (m in own or _is_label(source, m))]
    edits = list(_removals(removed))
    if kept is not None:
        return [*edits, Edit(*value_at(source, kept), label.encode())]
    comma = "," if document.count > sum(m.owner == document.opened for m in removed) else ""
    return [Edit(document.opened, document.opened, f'"{KEY}":{label}{comma}'.encode()), *edits]


def unlabelled(source: BinaryIO, document: Document) -> list[Edit]:
    """Take out all labels.

    Raises:
        Malformed: as ``labelled``.
    """
    if document.fault:
        raise broken(document.fault)
    return list(_removals([m for m in document.members if _is_label(source, m)]))


def unexplained(source: BinaryIO, stop: int, found: Iterable[Site], place: str) -> list[Unread]:
    """Say so if more labels seem to stand before ``stop`` than were read, as ``stray.unexplained`` does of bytes in memory."""
    count = 0
    for at in range(0, stop, STEP_BYTES):
        count += read_at(source, at, min(STEP_BYTES + len(WORD) - 1, stop - at), what="text").count(WORD)
    if count <= sum(site.text.count(WORD.decode()) for site in found):
        return []
    return [Unread(place, "holds what looks like a label at a place where none is read")]


def value_at(source: BinaryIO, member: Member) -> tuple[int, int]:
    """Return where a member's value stands, without the white space around it unless it is very long."""
    if member.close - member.value > MAX_VALUE_BYTES:
        return member.value, member.close
    data = read_at(source, member.value, member.close - member.value, what="a member")
    start = member.value + len(data) - len(data.lstrip(_WHITE))
    return start, max(start, member.close - len(data) + len(data.rstrip(_WHITE)))


def broken(what: str) -> Malformed:
    """Build the one error for JSON that is none."""
    return Malformed("json.broken", f"expected sound JSON, but it {what}", hint="get a whole copy of the file")


def _key(string: bytes) -> str:
    return _unquoted(string.decode("utf-8", "replace")) if string in _LIKELY or b"\\" in string else ""


def _unquoted(text: str) -> str:
    try:
        value = json.loads(text) if text.startswith('"') else text
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _is_label(source: BinaryIO, member: Member) -> bool:
    start, stop = value_at(source, member)
    return stop > start and read_at(source, start, 1, what="a member") in {b"{", b'"'}


def _removals(members: list[Member]) -> Iterator[Edit]:
    """Cut members out, each with the comma before it, or behind it if no member is left before it."""
    for _, group in groupby(sorted(members, key=lambda m: (m.owner, m.index)), key=lambda m: m.owner):
        for removed, m in enumerate(group):
            leads = m.index == removed
            yield Edit(m.start if leads else m.start - 1, m.close + 1 if leads and m.comma else m.close, b"")
