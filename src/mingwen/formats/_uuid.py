"""What ISO files hold beside their moov or meta: ``uuid`` boxes with XMP or a C2PA manifest, and boxes that nobody knows.

User types: XMP specification part 3, "MPEG-4"; C2PA 2.2 §A.5.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final

from mingwen.containers import stray
from mingwen.containers.boxes import Box, named
from mingwen.containers.edits import Edit, read_at
from mingwen.formats import _clues, _moov, _xmp
from mingwen.formats._shape import Clue, Site, Unread

MAX_XMP_BYTES: Final = 8 << 20
"""As much as a box may hold of XMP and still be read."""
MAX_ODD_BYTES: Final = 1 << 20
"""How much of a box that is not understood is searched for a label."""
STORE_REACH_BYTES: Final = 64
"""Version, flags, a purpose and, by the purpose, an offset stand before a manifest store; all are shorter."""

_XMP: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_C2PA: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_TYPE_BYTES: Final = 16


def findings(source: BinaryIO, box: Box) -> Iterable[Site | Unread]:
    """Find the labels of XMP; of a box that is not read, say so if it looks as if it held one."""
    kind = _user_type(source, box)
    if kind == _C2PA:  # signed: what it holds is for its own verifiers
        return ()
    if kind != _XMP:
        data = read_at(source, box.body, min(box.stop - box.body, MAX_ODD_BYTES), what=named(box.kind))
        return stray.unexplained(data, (), named(box.kind))
    if _length(box) > MAX_XMP_BYTES:
        return (Unread("uuid XMP", f"has {_length(box)} bytes, more than the {MAX_XMP_BYTES} that are read"),)
    return _moov.xmp_findings("uuid XMP", _data(source, box))


def without_label(source: BinaryIO, box: Box) -> Sequence[Edit]:
    """Blank the label in XMP; a packet that cannot be read stays as it is, and a reading will say so."""
    if not any(isinstance(f, Site) for f in findings(source, box)):
        return ()
    return (Edit(box.body + _TYPE_BYTES, box.stop, _xmp.without(_data(source, box))),)


def clues(source: BinaryIO, box: Box) -> Iterator[Clue]:
    """Give XMP, or a manifest."""
    kind = _user_type(source, box)
    if kind == _XMP and _length(box) <= MAX_XMP_BYTES:
        yield _clues.xmp("uuid", _data(source, box))
    elif kind == _C2PA:
        begin = read_at(source, box.body, min(STORE_REACH_BYTES, box.stop - box.body), what="uuid")
        if (first := begin.find(b"jumb")) > 0:
            yield _clues.manifest("uuid", source, box.body + first - 4, box.stop)  # a box's length stands before its kind


def _user_type(source: BinaryIO, box: Box) -> bytes:
    return read_at(source, box.body, min(_TYPE_BYTES, box.stop - box.body), what="uuid") if box.kind == b"uuid" else b""


def _length(box: Box) -> int:
    return box.stop - box.body - _TYPE_BYTES


def _data(source: BinaryIO, box: Box) -> bytes:
    return read_at(source, box.body + _TYPE_BYTES, _length(box), what="uuid")
