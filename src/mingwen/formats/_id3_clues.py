"""What an ID3 tag says of a file's making: its texts, XMP, and a C2PA manifest in a general object (C2PA 2.2 Appendix A)."""

from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from mingwen.containers.edits import read_at
from mingwen.domain.errors import Malformed
from mingwen.formats import _clues, _id3
from mingwen.formats._shape import Channel, Clue

HEAD_BYTES: Final = 1024
"""Of a general object, in which its names end."""

_HEADS: Final = {2: 6}
"""Length of a frame's header by version; 10 in the others."""
_NAMES: Final = 3
"""Media type, file name and description (v2.4 §4.15); two bytes wide are no manifest's."""


def clues(source: BinaryIO, tag: _id3.Tag) -> Iterator[Clue]:
    """Give every text frame by its name, with its description behind a colon; what cannot be read is left out."""
    spent = 0
    for frame in tag.walk.frames:
        if spent > _id3.MAX_TEXT_BYTES:
            return
        with suppress(Malformed):
            if frame.kind in {"GEOB", "GEO"}:
                yield from _object(source, tag, frame)
                continue
            data = _id3.data(source, tag, frame)
            spent += len(data)
            if frame.kind == "PRIV":
                yield from [_clues.xmp("PRIV", data.removeprefix(_id3.XMP_OWNER))] if data else []
            elif data:
                description, text = _id3.words(frame, data)
                yield Clue(Channel.TAG, f"{frame.kind}:{description}" if description else frame.kind, text)


def _object(source: BinaryIO, tag: _id3.Tag, frame: _id3.Frame) -> Iterator[Clue]:
    """Give an object that is a manifest store: encoding, media type, file name, description, each but the first with a NUL."""
    start = frame.start + _HEADS.get(tag.version, 10)
    head = read_at(source, start, max(0, min(HEAD_BYTES, frame.stop - start)), what="GEOB")
    names = head[1:].split(b"\0", _NAMES)
    if len(names) > _NAMES and b"c2pa" in names[0].lower():
        yield _clues.manifest("GEOB", source, start + 1 + sum(len(n) + 1 for n in names[:_NAMES]), frame.stop)
