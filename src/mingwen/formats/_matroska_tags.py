"""The ``Tags`` of Matroska in memory: labels in them, and how one comes and others go (RFC 9559 §5.1.8)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mingwen.domain.labels import WRAPPER_KEY, mentions
from mingwen.formats import _ebml
from mingwen.formats._ebml import CRC32
from mingwen.formats._shape import Site, Unread, Wrapper

PLACE: Final = "Segment/Tags"
MAX_DEPTH: Final = 16
"""Tags within tags; a box set needs three."""

_TAG, _TARGETS, _SIMPLE_TAG = 0x7373, 0x63C0, 0x67C8
_TAG_NAME, _TAG_STRING, _TAG_BINARY = 0x45A3, 0x4487, 0x4485
_VALUES: Final = frozenset({_TAG_STRING, _TAG_BINARY})
_TARGET_IDS: Final = frozenset({0x63C5, 0x63C9, 0x63C4, 0x63C6})
"""A track, an edition, a chapter or an attachment; 0 means all of them."""


@dataclass(frozen=True, slots=True)
class _Simple:
    """One SimpleTag taken apart; tags within it are on their own."""

    name: str
    values: tuple[tuple[int, str], ...]
    """Kind and text, decoded even where it is said to be binary."""

    @property
    def is_named(self) -> bool:
        """GB 45438-2025 Annex E a: the name contains AIGC."""
        return WRAPPER_KEY in self.name

    @property
    def is_label(self) -> bool:
        return self.is_named or any(mentions(text) for _, text in self.values)


def findings(payload: bytes, *, first: bool) -> Iterator[Site | Unread]:
    """Return every label; ``first`` says that these tags can be at the guide's place."""
    for element, tag in _ebml.inside(payload):
        if element.kind == _TAG:
            whole = _is_of_all(tag)
            yield from _within(tag, () if whole else ("of a part",), guide=first and whole)


def texts(payload: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and text of every tag."""
    for element, tag in _ebml.inside(payload):
        if element.kind == _TAG:
            yield from _texts(tag, 0)


def labelled(payload: bytes, label: str) -> bytes:
    """Return the payload with the label in a tag of its own behind all others, and no other label."""
    simple = _ebml.packed(_TAG_NAME, WRAPPER_KEY.encode()) + _ebml.packed(_TAG_STRING, label.encode())
    tag = _ebml.packed(_TAG, _ebml.packed(_TARGETS, b"") + _ebml.packed(_SIMPLE_TAG, simple))
    rest = without(payload)
    if _ebml.has_crc(payload):
        return _ebml.sealed(_ebml.unsealed(rest) + tag)
    return rest + tag


def without(payload: bytes) -> bytes:
    """Return the payload without its labels, as it is if it has none, and empty if no tag is left."""
    rest = _pruned(payload, 0)
    return rest if rest == payload or any(e.kind == _TAG for e, _ in _ebml.inside(rest)) else b""


def _within(master: bytes, path: tuple[str, ...], *, guide: bool) -> Iterator[Site | Unread]:
    """Look at the SimpleTags of a Tag or of another."""
    _bound(len(path))
    for element, inner in _ebml.inside(master):
        if element.kind != _SIMPLE_TAG:
            continue
        simple = _simple(inner)
        here = (*path, simple.name)
        place = f"{PLACE} {'/'.join(here)}"
        if simple.is_named and not simple.values:
            yield Unread(place, "has no text")
        for kind, text in simple.values:
            if simple.is_named:
                exact = guide and here == (WRAPPER_KEY,) and kind == _TAG_STRING
                yield Site(place, text, Wrapper.BARE, guide=exact)
            elif mentions(text):
                yield Site(place, text, Wrapper.WRAPPED, guide=False)
        yield from _within(inner, here, guide=False)


def _texts(master: bytes, depth: int) -> Iterator[tuple[str, str]]:
    _bound(depth)
    for element, inner in _ebml.inside(master):
        if element.kind == _SIMPLE_TAG:
            simple = _simple(inner)
            yield from ((simple.name, text) for kind, text in simple.values if kind == _TAG_STRING)
            yield from _texts(inner, depth + 1)


def _pruned(master: bytes, depth: int) -> bytes:
    """Leave labels out of a Tags, a Tag or a SimpleTag, and Tags that hold nothing else; a checksum is made true again."""
    _bound(depth)
    kept: list[bytes] = []
    changed = False
    for element, inner in _ebml.inside(master):
        raw = master[element.start : element.stop]
        rest = inner
        if element.kind == _SIMPLE_TAG and _simple(inner).is_label:
            changed = True
            continue
        if element.kind in {_TAG, _SIMPLE_TAG}:
            rest = _pruned(inner, depth + 1)
        if rest != inner:
            changed = True
            if element.kind == _TAG and not any(e.kind == _SIMPLE_TAG for e, _ in _ebml.inside(rest)):
                continue
            raw = _ebml.packed(element.kind, rest)
        if element.kind != CRC32:
            kept.append(raw)
    if not changed:
        return master
    return _ebml.sealed(b"".join(kept)) if _ebml.has_crc(master) else b"".join(kept)


def _simple(inner: bytes) -> _Simple:
    children = [(e.kind, value) for e, value in _ebml.inside(inner)]
    name = next((_ebml.text(value) for kind, value in children if kind == _TAG_NAME), "")
    return _Simple(name, tuple((kind, _ebml.text(value)) for kind, value in children if kind in _VALUES))


def _is_of_all(tag: bytes) -> bool:
    """Say whether a Tag tells of the whole file."""
    targets = [value for e, value in _ebml.inside(tag) if e.kind == _TARGETS]
    return not any(e.kind in _TARGET_IDS and any(value) for t in targets for e, value in _ebml.inside(t))


def _bound(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _ebml.broken(f"expected tags nested at most {MAX_DEPTH} deep")
