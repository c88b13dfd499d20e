"""Clues as every body gives them: bounded in number and length, and what several formats carry alike.

Manifests: JUMBF boxes (ISO/IEC 19566-5), of which C2PA 2.2 builds its manifest store. XMP: specification part 1.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, Final

from mingwen.containers.edits import read_at
from mingwen.domain.errors import Malformed
from mingwen.formats import _exif
from mingwen.formats._shape import MAX_CLUE_CHARS, MAX_CLUES, Channel, Clue

MAX_JUMBF_BOXES: Final = 2_000
"""Boxes of one manifest store that are walked; an often edited picture has a few hundred."""
MAX_JUMBF_LABEL_BYTES: Final = 256

_TELLING_BOXES: Final = frozenset({b"cbor", b"json", b"jumd"})
"""Those with text; thumbnails and embedded files (bfdb, bidb) would fill a clue with noise."""
_SIGNATURE: Final = b"c2pa.signature"
_FILL: Final = re.compile(rb"\0{8,}+")
_PRINTABLE: Final = re.compile(rb"(?:[ -~]|[\xc2-\xf4][\x80-\xbf]{1,3}){6,}+")
"""ASCII and what looks like UTF-8."""
_RUN: Final = re.compile(r"(?:[A-Za-z0-9+/=\s]|&#xA;)++")
_BULK_CHARS: Final = 2048
"""Runs as long as this are thumbnails in Base64, or padding."""
MAX_TOTAL_CHARS: Final = 1 << 20
"""Of all clues of a file, so that a packed megabyte of texts costs no seconds."""


def bounded(clues: Iterable[Clue]) -> Iterator[Clue]:
    """Give those that say something, as many and as much of each as a file may give."""
    left = MAX_TOTAL_CHARS
    for clue in islice((c for c in clues if c.text), MAX_CLUES):
        short = Clue(clue.channel, clue.name[:MAX_CLUE_CHARS], clue.text[:MAX_CLUE_CHARS])
        left -= len(short.text)
        if left < 0:
            return
        yield short


def printable(data: bytes) -> str:
    """Give the words among other bytes, each run on a line."""
    return b"\n".join(_PRINTABLE.findall(data[:MAX_CLUE_CHARS])).decode("utf-8", "replace")


def exif(tiff: bytes) -> list[Clue]:
    """Give the text tags of an Exif block; nothing of one that cannot be read."""
    try:
        return [Clue(Channel.EXIF, name, text) for name, text in _exif.texts(tiff)]
    except Malformed:
        return []


def xmp(place: str, packet: bytes) -> Clue:
    """Give a whole packet; of a long one without its thumbnails."""
    begin = packet[:2]
    wide = {b"\xfe\xff": "utf-16", b"\xff\xfe": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
    text = packet.decode(wide.get(begin, "utf-8"), "replace")
    return Clue(Channel.XMP, place, _slim(text) if len(text) > MAX_CLUE_CHARS else text)


def _slim(text: str) -> str:
    return _RUN.sub(lambda run: " " if len(run[0]) >= _BULK_CHARS else run[0], text)


def manifest(place: str, source: BinaryIO, start: int, stop: int) -> Clue:
    """Give what the boxes of a C2PA manifest store say, but for pictures and signatures; a broken one as far as it goes."""
    parts: list[bytes] = []
    try:
        for part in _telling(source, start, stop):
            parts.append(_FILL.sub(b"", part))
            if sum(map(len, parts)) >= MAX_CLUE_CHARS:
                break
    except Malformed:
        pass
    return Clue(Channel.MANIFEST, place, b"\n".join(parts).decode("latin-1"))


def _telling(source: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """Walk the boxes flat: the children of a superbox ``jumb`` follow its header, so that no depth has to be kept."""
    at, label = start, b""
    for _ in range(MAX_JUMBF_BOXES):
        if at + 8 > stop:
            return
        head = read_at(source, at, min(16, stop - at), what="JUMBF box")
        size, kind = int.from_bytes(head[:4]), head[4:8]
        length = 16 if size == 1 else 8
        size = int.from_bytes(head[8:16]) if size == 1 else size or stop - at
        if size < length:
            return
        body = at + length
        if kind in _TELLING_BOXES and label != _SIGNATURE:
            data = read_at(source, body, min(size - length, stop - body, MAX_CLUE_CHARS), what="JUMBF text")
            yield data
        if kind == b"jumd":  # §A.3: a UUID, toggles, then the label and a NUL
            label = read_at(source, body, min(size - length, stop - body, MAX_JUMBF_LABEL_BYTES), what="JUMBF label")
            label = label[17:].partition(b"\0")[0]
        at = body if kind == b"jumb" else at + size
