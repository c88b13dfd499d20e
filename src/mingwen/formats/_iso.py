"""What MP4, QuickTime and M4A have in common: they differ in their brand only."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import pack
from typing import BinaryIO, Final

from mingwen.containers.boxes import Box, Node, broken, packed, size, tree, walk
from mingwen.containers.chunk_offsets import Shift, patches, shifted
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.domain.errors import Refused
from mingwen.domain.media import Medium, Splice
from mingwen.formats import _clues, _moov, _uuid
from mingwen.formats._shape import Clue, Reading, Site, Unread

PLACE: Final = _moov.PLACE
MAX_MOOV_BYTES: Final = 64 << 20
"""Ten hours of film have some 10 MiB."""

PAGE_BYTES: Final = 4096
MIN_PAGED_BYTES: Final = 1 << 20
"""What stands behind the moov and is shorter than this is copied in no time, wherever its pages lie."""

_CONTENT = frozenset({b"mdat", b"moof", b"free", b"skip", b"wide", b"mfra", b"sidx", b"styp", b"ftyp"})
_ROOMY = frozenset({b"free", b"skip"})
_ROUNDS = 4
"""The first growth, and a second one when tables become 64 bits wide; the rest is room."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """The boxes of a file that matter for a new label."""

    size: int
    moov: Box
    after: Box | None
    """What stands right behind the moov."""
    others: tuple[Box, ...]
    """Boxes that hold offsets or XMP."""


_MATTERS = frozenset({b"meta", b"moof", b"mfra", b"sidx", b"uuid"})


def medium(source: BinaryIO, *, otherwise: Medium) -> Medium:
    """A track with pictures makes a video; a file without a readable moov is ``otherwise``."""
    for box in walk(source, 0, size_of(source)):
        if isinstance(box, Box) and box.kind == b"moov":
            if box.stop - box.body > MAX_MOOV_BYTES:
                break
            moov, _ = _take_apart(source, box)
            return Medium.VIDEO if any(_has_pictures(c) for c in moov.children or ()) else Medium.AUDIO
    return otherwise


def read(source: BinaryIO) -> Reading:
    """Find the labels of an ISO media file: in its moov, and in XMP beside it."""
    found: list[Site | Unread] = []
    moovs = 0
    for box in walk(source, 0, size_of(source)):
        if isinstance(box, Unread):
            found.append(box)
        elif box.kind == b"moov":
            moovs += 1
            again = Unread("moov", "stands more than once; only the first was read")
            found += _moov.read(source, box, most=MAX_MOOV_BYTES) if moovs == 1 else [again]
        elif box.kind not in _CONTENT:
            found += _uuid.findings(source, box)
    if not moovs:
        found.append(Unread("moov", "is missing, and with it all that a label could stand in"))
    return Reading(tuple(f for f in found if isinstance(f, Site)), tuple(f for f in found if isinstance(f, Unread)))


def splice(source: BinaryIO, json: str) -> Splice:
    """Describe the file with ``json`` at ``PLACE`` and no other label; only offsets change beside it.

    Raises:
        Refused: the moov is too large, or compressed (``iso.moov-too-large``, ``iso.moov-compressed``).
        Malformed: the boxes contradict themselves, or there is no moov, or more than one (``iso.broken``).
    """
    layout = _layout(source)
    moov, faults = _take_apart(source, layout.moov)
    if faults:
        raise broken(f"{faults[0].place} {faults[0].reason}")
    if moov.first(b"cmov"):
        raise Refused(
            "iso.moov-compressed", "expected a moov, found a compressed one", hint="write the file anew: ffmpeg -c copy"
        )
    replacement, shift = _settled(layout, _moov.labelled(moov, json))
    changes = [replacement]
    for box in layout.others:
        changes += _uuid.without_label(source, box) if box.kind == b"uuid" else patches(source, box, shift)
    return spliced(changes, layout.size)


# --- reading ------------------------------------------------------------------------------------------------------------


def _take_apart(source: BinaryIO, box: Box) -> tuple[Node, tuple[Unread, ...]]:
    return tree(b"moov", memoryview(read_at(source, box.body, box.stop - box.body, what="moov")))


def _has_pictures(track: Node) -> bool:
    media = track.first(b"mdia")
    handler = media.first(b"hdlr") if media else None
    return handler is not None and handler.body[8:12] == b"vide"


# --- writing ------------------------------------------------------------------------------------------------------------


def _layout(source: BinaryIO) -> _Layout:
    length = size_of(source)
    moov: Box | None = None
    after: Box | None = None
    last: Box | None = None
    others: list[Box] = []
    for box in walk(source, 0, length):
        if isinstance(box, Unread):
            raise broken(f"{box.place} {box.reason}")
        if box.kind == b"moov":
            if moov is not None:
                raise broken("there are two moov")
            moov = box
        elif last is not None and last is moov:
            after = box
        if box.kind in _MATTERS:
            others.append(box)
        last = box
    if moov is None:
        raise broken("there is no moov")
    if moov.stop - moov.body > MAX_MOOV_BYTES:
        raise Refused(
            "iso.moov-too-large",
            f"expected a moov of at most {MAX_MOOV_BYTES} bytes, got {moov.stop - moov.body}",
            hint="cut the film into parts, or write it in fragments: ffmpeg -c copy -movflags frag_keyframe",
        )
    return _Layout(length, moov, after, tuple(others))


def _settled(layout: _Layout, new: Node) -> tuple[Edit, Shift]:
    """Return what stands for the moov (and a free box behind it), and how everything behind that moves."""
    moov = layout.moov
    room = _taken_room(layout.after, size(new) - (moov.stop - moov.start))
    if room is not None:
        return Edit(moov.start, room.stop, packed(new) + room.new), Shift(moov.stop, 0)
    growth = size(new) - (moov.stop - moov.start)
    for _ in range(_ROUNDS):
        gap = _gap(growth, behind=layout.size - moov.stop)
        shift = Shift(moov.stop, growth + gap)
        moved = shifted(new, shift)
        settled = size(moved) - (moov.stop - moov.start)
        if settled == growth:
            free = pack(">I4s", gap, b"free") + bytes(gap - 8) if gap else b""
            return Edit(moov.start, moov.stop, packed(moved) + free), shift
        growth = settled
    raise broken("the moov's offsets do not settle")


def _gap(growth: int, *, behind: int) -> int:
    """Return how much room makes all that stands ``behind`` move by whole pages: 0, or a free box of 8 bytes and more.

    The kernel copies a range faster whose pages lie on pages; and the next label has room.
    """
    gap = -growth % PAGE_BYTES if behind >= MIN_PAGED_BYTES else 0
    return gap if gap == 0 or gap >= 8 else gap + PAGE_BYTES  # noqa: PLR2004 - the head of a box


def _taken_room(free: Box | None, growth: int) -> Edit | None:
    """Return a free box made smaller (or larger) by ``growth``; None if it cannot be, so that all behind it has to move."""
    if free is None or free.kind not in _ROOMY:
        return None
    left = free.stop - free.start - growth
    if left == 0:
        return Edit(free.start, free.stop, b"")
    if not free.head <= left < 1 << 32 or free.head != 8:  # noqa: PLR2004 - a 64-bit head would not fit what is left
        return None
    kept = free.start + 8 + max(growth, 0)
    return Edit(free.start, kept, pack(">I4s", left, free.kind) + bytes(max(-growth, 0)))


# --- what else a file says ----------------------------------------------------------------------------------------------


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give the texts of the moov, and XMP and C2PA manifests in ``uuid`` boxes."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    for box in walk(source, 0, size_of(source)):
        if isinstance(box, Unread):
            return
        if box.kind == b"moov" and box.stop - box.body <= MAX_MOOV_BYTES:
            yield from _moov.clues(_take_apart(source, box)[0])
        elif box.kind == b"uuid":
            yield from _uuid.clues(source, box)
