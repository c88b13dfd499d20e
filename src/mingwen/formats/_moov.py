"""Labels inside a ``moov``: where they may stand, how they go, and how one comes to the guide's place.

Sources: TC260-PG-20257A §6.1.1 and TC260-PG-202510A for the place; ISO/IEC 14496-12 §8.10 and §8.11 for ``udta`` and ``meta``;
the QuickTime File Format chapter on metadata for ``keys`` and ``ilst``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from struct import pack
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.boxes import Box, Node, boxes, broken, named, tree
from mingwen.containers.edits import read_at
from mingwen.containers.stray import TELLING_KEYS
from mingwen.domain.errors import Malformed
from mingwen.formats import _clues, _xmp
from mingwen.formats._shape import Channel, Clue, Site, Unread, Wrapper

HOME: Final = "moov/udta/meta"
PLACE: Final = f"{HOME} AIGC"
MAX_TEXT_BYTES: Final = 1 << 20
"""Of one value; a label with certificates in it has some 10 KiB."""
MAX_KEYS: Final = 65_536

_KEY = b"AIGC"
_NAMESPACE = b"mdta"
_UTF8, _UTF16 = 1, 2
_CHARSETS = {0: "utf-8", _UTF8: "utf-8", _UTF16: "utf-16-be"}
"""QuickTime's well-known types of text; 0 is "no type", where careless writers put text too."""
_FIRST_LETTERS = 1 << 24
"""An item whose kind is below is numbered; above, it is four letters."""
_CONTENTLESS = frozenset({b"hdlr", b"keys", b"ilst", b"free"})
_OWNERS = frozenset({b"moov", b"trak", b"udta"})

Finding = Site | Unread


@dataclass(frozen=True, slots=True)
class _Meta:
    """A ``meta`` box and what its items are called."""

    path: str
    node: Node
    keys: tuple[tuple[bytes, bytes], ...]
    """Namespace and name, in the order of their numbers, which begin with 1."""

    @property
    def guide(self) -> bool:
        return self.path == HOME and is_keyed(self.node)


def read(source: BinaryIO, box: Box, *, most: int) -> Iterator[Finding]:
    """Find every label in the box of a file, and what could not be read; one of more than ``most`` bytes is not."""
    length = box.stop - box.body
    if length > most:
        yield Unread("moov", f"has {length} bytes, more than the {most} that are read")
        return
    data = read_at(source, box.body, length, what="moov")
    moov, faults = tree(b"moov", memoryview(data))
    yield from faults
    if moov.first(b"cmov"):
        yield Unread("moov", "is compressed")
    inside = tuple(findings(moov))
    yield from inside
    sites = [f for f in inside if isinstance(f, Site)]
    if len(sites) == len(inside):  # a label that could not be read is told of already
        yield from stray.unexplained(data, sites, "moov")


def findings(moov: Node) -> Iterator[Finding]:
    """Return every label inside, and what could not be read."""
    return _within("moov", moov)


def labelled(moov: Node, json: str) -> Node:
    """Return the moov with ``json`` at the guide's place and no other label.

    Raises:
        Malformed: the keys of a ``meta`` lie about their lengths (``iso.broken``).
    """
    bare = unlabelled(moov)
    udta = bare.first(b"udta") or Node(b"udta", children=())
    old = next((m for m in udta.children or () if is_keyed(m)), None)
    if old is not None:
        new = _with_label(old, json)
        udta = replace(udta, children=tuple(new if m is old else m for m in udta.children or ()))
    else:
        # At the end: mutagen and iTunes take the first meta for theirs, so that an mdir has to stay before ours.
        udta = replace(udta, children=(*(udta.children or ()), _with_label(_new_meta(_names_beside(bare)), json)))
    return _with_udta(bare, udta)


def unlabelled(moov: Node) -> Node:
    """Return the moov without any label.

    Raises:
        Malformed: as ``labelled``.
    """
    return _without(moov, "moov")


def is_keyed(meta: Node) -> bool:
    """Say whether a box is a ``meta`` whose items are named by ``keys``: its handler is ``mdta``."""
    handler = meta.first(b"hdlr") if meta.kind == b"meta" else None
    return handler is not None and handler.body[8:12] == _NAMESPACE


def xmp_findings(place: str, packet: bytes) -> tuple[Finding, ...]:
    """Return the labels of an XMP packet."""
    try:
        sites = _xmp.sites(packet, f"{place} TC260:AIGC", guide=False)
    except Malformed as e:
        return (Unread(place, e.message),)
    return (*sites, *stray.unexplained(packet, sites, place))


# --- where labels stand -------------------------------------------------------------------------------------------------


def _within(path: str, owner: Node) -> Iterator[Finding]:
    for child in owner.children or ():
        if child.kind == b"meta":
            yield from _in_meta(f"{path}/meta", child)
        elif child.kind in _OWNERS:
            yield from _within(f"{path}/{child.kind.decode()}", child)
        elif owner.kind == b"udta":
            yield from _in_user_data(path, child)


def _in_meta(path: str, node: Node) -> Iterator[Finding]:
    try:
        meta = _Meta(path, node, _keys(node))
    except Malformed as e:
        yield Unread(path, e.message)
        return
    items = node.first(b"ilst")
    for item in (items.children if items else None) or ():
        yield from _in_item(meta, item)


def _in_item(meta: _Meta, item: Node) -> Iterator[Finding]:
    """Look at one item of an ``ilst``; what its name does not give away its text may."""
    parts = [(b.kind, item.body[b.body : b.stop]) for b in boxes(item.body) if not isinstance(b, Unread)]
    name = _name(meta, item, parts)
    place = f"{meta.path} {name}"
    telling = _KEY.decode() in name
    if telling and not any(kind == b"data" for kind, _ in parts):
        yield Unread(place, "has no data")
    for data in (body for kind, body in parts if kind == b"data"):
        charset = _CHARSETS.get(int.from_bytes(data[:4]) & 0xFFFFFF)
        value = bytes(data[8:])
        if telling:
            yield _text(Site(place, "", Wrapper.BARE, guide=meta.guide), value, charset)
        elif charset is not None and _is_telling(value.replace(b"\0", b"")):
            loose = Wrapper.EITHER if _number(item) else Wrapper.WRAPPED
            yield _text(Site(place, "", loose, guide=False), value, charset)


def _in_user_data(path: str, leaf: Node) -> Iterator[Finding]:
    """Look at one box of a ``udta``: XMP, or a text of QuickTime (©cmt) or 3GPP, which begin with lengths and languages."""
    place = f"{path} {named(leaf.kind)}"
    if leaf.kind == b"XMP_":
        yield from xmp_findings(place, bytes(leaf.body))
        return
    body = bytes(leaf.body)
    text = body[body.find(b"{") : body.rfind(b"}") + 1]
    if _is_telling(text):
        yield _text(Site(place, "", Wrapper.BARE if leaf.kind == _KEY else Wrapper.WRAPPED, guide=False), text, "utf-8")


def _text(site: Site, value: bytes, charset: str | None) -> Finding:
    if len(value) > MAX_TEXT_BYTES:
        return Unread(site.place, f"has {len(value)} bytes, more than the {MAX_TEXT_BYTES} that are read")
    if charset is None:
        return Unread(site.place, "is of a type that is no text")
    try:
        return replace(site, text=value.decode(charset))
    except UnicodeDecodeError:
        return Unread(site.place, f"is no {charset}")


def _is_telling(value: bytes) -> bool:
    return b"{" in value and any(word in value for word in TELLING_KEYS)


def _name(meta: _Meta, item: Node, parts: list[tuple[bytes, bytes | memoryview]]) -> str:
    number = _number(item)
    if 0 < number <= len(meta.keys):
        return meta.keys[number - 1][1].decode("utf-8", "replace")
    if item.kind == b"----":  # iTunes' freeform: mean and name are full boxes
        words = [bytes(body[4:]).decode("utf-8", "replace") for kind, body in parts if kind in {b"mean", b"name"}]
        return ":".join(["----", *words])
    return f"item {number}" if number else named(item.kind)


def _number(item: Node) -> int:
    """Return the number of a numbered item; 0 for those with letters."""
    number = int.from_bytes(item.kind)
    return number if number < _FIRST_LETTERS else 0


def _keys(meta: Node) -> tuple[tuple[bytes, bytes], ...]:
    box = meta.first(b"keys")
    if box is None:
        return ()
    body = bytes(box.body)
    out: list[tuple[bytes, bytes]] = []
    at = 8
    count = int.from_bytes(body[4:8])
    if len(body) < at or count > MAX_KEYS:
        raise broken(f"keys of {len(body)} bytes declare {count} entries")
    for _ in range(count):
        length = int.from_bytes(body[at : at + 4])
        if length < 8 or at + length > len(body):  # noqa: PLR2004 - an entry's own head
            raise broken(f"key {len(out) + 1} declares {length} bytes at byte {at} of {len(body)}")
        out.append((body[at + 4 : at + 8], body[at + 8 : at + length]))
        at += length
    return tuple(out)


# --- how they go --------------------------------------------------------------------------------------------------------


def _without(owner: Node, path: str) -> Node:
    """Return a moov, trak or udta without its labels."""
    return replace(owner, children=tuple(chain.from_iterable(_kept(owner, child, path) for child in owner.children or ())))


def _kept(owner: Node, child: Node, path: str) -> Iterable[Node]:
    if child.kind == b"meta":
        bare = _meta_without(_Meta(f"{path}/meta", child, _keys(child)))
        return () if bare is not child and _is_empty(bare) else (bare,)
    if child.kind in _OWNERS:
        return (_without(child, f"{path}/{child.kind.decode()}"),)
    if owner.kind != b"udta" or not any(isinstance(f, Site) for f in _in_user_data(path, child)):
        return (child,)
    return (replace(child, body=_xmp.without(bytes(child.body))),) if child.kind == b"XMP_" else ()


def _meta_without(meta: _Meta) -> Node:
    """Return a meta without its labels and their keys; the keys that stay are numbered anew."""
    items = meta.node.first(b"ilst")
    if items is None:
        return meta.node
    kept = [i for i in items.children or () if not any(True for _ in _in_item(meta, i))]
    names = [n for n in range(1, len(meta.keys) + 1) if _KEY not in meta.keys[n - 1][1]]
    if len(kept) == len(items.children or ()) and len(names) == len(meta.keys):
        return meta.node
    if meta.node.first(b"keys") is None:
        return meta.node.with_child(replace(items, children=tuple(kept)))
    renumbered = {old: pack(">I", new) for new, old in enumerate(names, 1)}
    kept = [replace(i, kind=renumbered.get(_number(i), i.kind)) for i in kept]
    bare = meta.node.with_child(replace(items, children=tuple(kept)))
    return bare.with_child(_keys_box(meta.keys[n - 1] for n in names))


def _is_empty(meta: Node) -> bool:
    items = meta.first(b"ilst")
    return not (items and items.children) and all(c.kind in _CONTENTLESS for c in meta.children or ())


# --- how one comes ------------------------------------------------------------------------------------------------------


def _with_label(meta: Node, json: str) -> Node:
    keys = (*_keys(meta), (_NAMESPACE, _KEY))
    items = meta.first(b"ilst") or Node(b"ilst", children=())
    # A number that no key has names nothing; left in, it would name our key.
    others = tuple(i for i in items.children or () if not _number(i) or _number(i) < len(keys))
    label = Node(pack(">I", len(keys)), children=(Node(b"data", pack(">II", _UTF8, 0) + json.encode()),))
    return meta.with_child(_keys_box(keys)).with_child(replace(items, children=(*others, label)))


def _new_meta(keys: Iterable[tuple[bytes, bytes]]) -> Node:
    """Return an empty meta with version and flags; ffmpeg writes it so in QuickTime files too, and all readers take it."""
    handler = Node(b"hdlr", pack(">II4s13x", 0, 0, _NAMESPACE))
    return Node(b"meta", bytes(4), (handler, _keys_box(keys), Node(b"ilst", children=())))


def _names_beside(moov: Node) -> tuple[tuple[bytes, bytes], ...]:
    """Return the keys of a ``moov/meta``, as telephones write it.

    ffmpeg takes the first ``keys`` of a file for all its ``ilst``; so ours has to name the others' items too, with the same
    numbers, and to come first.
    """
    beside = next((m for m in moov.children or () if is_keyed(m)), None)
    return _keys(beside) if beside else ()


def _with_udta(moov: Node, udta: Node) -> Node:
    """Put ``udta`` where the moov's first one stands, or at the end; but always before a ``meta`` (see ``_names_beside``)."""
    children = moov.children or ()
    old = moov.first(b"udta")
    others = tuple(c for c in children if c is not old)
    at = min(
        next((i for i, c in enumerate(children) if c is old), len(others)),
        next((i for i, c in enumerate(others) if c.kind == b"meta"), len(others)),
    )
    return replace(moov, children=(*others[:at], udta, *others[at:]))


def _keys_box(keys: Iterable[tuple[bytes, bytes]]) -> Node:
    entries = [pack(">I4s", 8 + len(name), namespace) + name for namespace, name in keys]
    return Node(b"keys", pack(">II", 0, len(entries)) + b"".join(entries))


# --- what else a moov says ----------------------------------------------------------------------------------------------

_INTERNATIONAL = 0xA9
"""The © that begins the names of QuickTime's texts, whose bodies begin with a length and a language."""
_HANDLER_NAME = 24
_COMPRESSOR_NAME = 58
"""In stsd: its head and count (8), the head of the entry (8), and what stands before (42); ISO/IEC 14496-12 §12.1.3."""


def clues(owner: Node) -> Iterator[Clue]:
    """Give every text of a moov by its own name: user data, items, handlers and encoders of the tracks."""
    for child in owner.children or ():
        if child.kind == b"meta":
            yield from _item_clues(child)
        elif child.kind in _OWNERS:
            yield from clues(child)
        elif child.kind == b"mdia":
            yield from _track_clues(child)
        elif owner.kind == b"udta":
            yield _user_clue(child.kind, bytes(child.body))


def _item_clues(node: Node) -> Iterator[Clue]:
    try:
        meta = _Meta("", node, _keys(node))
    except Malformed:
        return
    items = node.first(b"ilst")
    for item in (items.children if items else None) or ():
        parts = [(b.kind, item.body[b.body : b.stop]) for b in boxes(item.body) if not isinstance(b, Unread)]
        for data in (bytes(body) for kind, body in parts if kind == b"data"):
            charset = _CHARSETS.get(int.from_bytes(data[:4]) & 0xFFFFFF)
            if charset and (charset != "utf-8" or b"\0" not in data[8:]):
                yield Clue(Channel.TAG, _name(meta, item, parts), data[8:].decode(charset, "replace"))


def _user_clue(kind: bytes, body: bytes) -> Clue:
    if kind == b"XMP_":
        return _clues.xmp("udta XMP_", body)
    if kind[0] == _INTERNATIONAL:
        return Clue(Channel.TAG, named(kind), body[4 : 4 + int.from_bytes(body[:2])].decode("utf-8", "replace"))
    return Clue(Channel.PRIVATE, named(kind), _clues.printable(body))


def _track_clues(media: Node) -> Iterator[Clue]:
    handler, information = media.first(b"hdlr"), media.first(b"minf")
    if handler is not None:
        yield Clue(Channel.TAG, "hdlr", _clues.printable(bytes(handler.body[_HANDLER_NAME:])))
    table = information.first(b"stbl") if information else None
    entries = table.first(b"stsd") if table else None
    if entries is not None and handler is not None and handler.body[8:12] == b"vide":
        name = bytes(entries.body[_COMPRESSOR_NAME : _COMPRESSOR_NAME + 32])
        yield Clue(Channel.TAG, "compressor", name[1 : 1 + name[0]].decode("utf-8", "replace") if name else "")
