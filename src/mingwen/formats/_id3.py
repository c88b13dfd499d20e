"""ID3v2.2, 2.3 and 2.4: find labels in the text frames, and put one into a tag without moving anything else.

Structure: id3v2-00, id3v2.3.0, id3v2.4.0-structure and -frames (id3.org). The label is a ``TXXX`` frame whose description
is AIGC (TC260-PG-202510A).
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen.containers.edits import Edit, read_at, size_of
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import mentions
from mingwen.formats import _xmp
from mingwen.formats._shape import Site, Unread, Wrapper

PLACE: Final = "ID3 TXXX:AIGC"
HEAD: Final = 10
"""Length of a tag's header, and of its footer."""
MAX_TAG_BYTES: Final = (1 << 28) - 1
"""v2.4 §3.1: the size has 28 bits."""
MAX_FRAMES: Final = 2_000
"""Frames of one tag that are walked; a podcast with chapters has a few hundred."""
MAX_FRAME_BYTES: Final = 1 << 20
"""Size of one text frame, packed or not, that is read."""
MAX_TEXT_BYTES: Final = 4 << 20
"""Size of all text frames of one tag, unpacked, that are read."""
MAX_LABELS: Final = 16
"""Labels of one tag; one is right, two are a defect."""
MAX_EXTENDED_BYTES: Final = 64
SLOT_BYTES: Final = 1024
"""A label that needs new room gets a multiple of this, so that the next one fits without moving the sound."""

_ALL_STUFFED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
"""Flags of the tag; in v2.2 the second means compression, which was never defined."""
_WINDOW: Final = 64 << 10
_V1_BYTES: Final = 128
_KIND: Final = {2: re.compile(rb"[A-Z0-9]{3}"), 3: re.compile(rb"[A-Z0-9]{3}[A-Z0-9 \0]"), 4: re.compile(rb"[A-Z0-9]{4}")}
"""Some writers put the three letters of v2.2 into v2.3."""
_LABEL_KIND: Final = re.compile(r"T...?|COMM?|USLT|ULT|PRIV", re.DOTALL)
_KEPT_KIND: Final = re.compile(rb"T...?|COMM?|USLT|ULT|PRIV|GEOB?", re.DOTALL)
"""Those with a label, and those with a C2PA manifest."""
_CODECS: Final = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
XMP_OWNER: Final = b"XMP\0"


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that may hold a label, or a general object."""

    kind: str
    start: int
    stop: int
    size: int
    """Bytes of data as the frame's header counts them, without stuffing in v2.2 and v2.3."""
    flags: int


@dataclass(frozen=True, slots=True)
class Walk:
    """The way through a tag's frames."""

    frames: tuple[Frame, ...]
    padding: int
    """Offset where the frames end and zeros begin."""
    broken: str
    """Why the frames could not be followed to the padding, or ""."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag as it stands in the file."""

    start: int
    version: int
    flags: int
    size: int
    """As the header says: without header and footer."""
    stop: int
    """Behind the footer, but never behind the limit."""
    extended: bytes
    """The extended header, without stuffing."""
    body: int
    """Offset of the first frame."""
    plain_sizes: bool
    """Are frame sizes 32-bit, as v2.3 has them and iTunes wrote them in v2.4?"""
    walk: Walk

    @property
    def name(self) -> str:
        """``ID3v2.4``."""
        return f"ID3v2.{self.version}"

    @property
    def stuffed(self) -> bool:
        """Is the body stuffed as a whole (v2.2 and v2.3), header of frames included?"""
        return self.version < 4 and bool(self.flags & _ALL_STUFFED)  # noqa: PLR2004 - v2.4 stuffs each frame for itself

    @property
    def footer(self) -> bool:
        """Does a copy of the header stand at the tag's end (v2.4 §3.4)?"""
        return _has_footer(self.version, self.flags)

    @property
    def missing(self) -> int:
        """Bytes that the header promises and the file does not have."""
        return self.start + _length(self.version, self.flags, self.size) - self.stop


@dataclass(frozen=True, slots=True)
class Label:
    """A label and the frame that holds it."""

    site: Site
    frame: Frame


def tag_at(source: BinaryIO, start: int, limit: int) -> Tag | None:
    """Return the tag that begins at ``start``, or None; nothing behind ``limit`` is read.

    Raises:
        Malformed: a tag of an unknown version, or with an extended header that cannot be (``id3.broken``).
    """
    if limit - start < HEAD:
        return None
    head = read_at(source, start, HEAD, what="ID3 header")
    version, flags = head[3], head[5]
    if head[:3] != b"ID3" or head[4] == 0xFF or max(head[6:]) > 0x7F:  # noqa: PLR2004 - v2.4 §3.1: the pattern of a tag
        return None
    if version not in _KIND:
        raise _broken(f"expected an ID3 tag of version 2.2, 2.3 or 2.4, found 2.{version}")
    if version == 2 and flags & _EXTENDED:  # noqa: PLR2004
        raise _broken("expected an ID3v2.2 tag without compression, which id3v2-00 §3.1 leaves undefined")
    size = _unsafe(head[6:])
    stop = min(start + _length(version, flags, size), limit)
    end = min(start + HEAD + size, limit)
    body = _Body(source, start + HEAD, end, stuffed=version < 4 and bool(flags & _ALL_STUFFED))  # noqa: PLR2004
    extended = _extended(body, version) if version > 2 and flags & _EXTENDED else b""  # noqa: PLR2004
    first, plain = body.position, version == 3  # noqa: PLR2004
    walk = _walked(body, version, plain=plain)
    if walk.broken and version == 4:  # noqa: PLR2004 - iTunes wrote the sizes of v2.3
        body.position = first
        again = _walked(body, version, plain=True)
        walk, plain = (walk, plain) if again.broken else (again, True)
    return Tag(start, version, flags, size, stop, extended, first, plain, walk)


def tag_before(source: BinaryIO, end: int, *, floor: int) -> Tag | None:
    """Return the tag whose footer ends at ``end`` and that begins at ``floor`` or later, or None (v2.4 §3.4)."""
    if end - 2 * HEAD < floor:
        return None
    foot = read_at(source, end - HEAD, HEAD, what="ID3 footer")
    start = end - 2 * HEAD - _unsafe(foot[6:])
    if foot[:3] != b"3DI" or max(foot[6:]) > 0x7F or start < floor:  # noqa: PLR2004
        return None
    return tag_at(source, start, end)


def end_before_v1(source: BinaryIO, *, floor: int) -> int:
    """Return where the file ends but for an ID3v1 tag, which is too short for a label; that begins at ``floor`` or later."""
    size = size_of(source)
    start = size - _V1_BYTES
    return start if start >= floor and read_at(source, start, 3, what="ID3v1") == b"TAG" else size


def labels(source: BinaryIO, tag: Tag) -> tuple[list[Label], list[Unread]]:
    """Read the text frames; return the labels in order, and what could not be read."""
    found: list[Label] = []
    unread: list[Unread] = []
    if tag.missing:
        unread.append(Unread(tag.name, f"ends {tag.missing} bytes early"))
    elif tag.walk.broken:
        unread.append(Unread(tag.name, tag.walk.broken))
    spent = 0
    for frame in (f for f in tag.walk.frames if _LABEL_KIND.fullmatch(f.kind)):
        if len(found) >= MAX_LABELS or spent > MAX_TEXT_BYTES:
            unread.append(Unread(tag.name, f"holds {spent} bytes of text and {len(found)} labels or more, and no more are read"))
            break
        try:
            content = data(source, tag, frame)
            spent += len(content)
            found += [Label(site, frame) for site in _sites(frame, content)]
        except Malformed as e:
            unread.append(Unread(f"ID3 {frame.kind}", e.message))
    return found, unread


def edits(tag: Tag, drops: Sequence[Label], text: str) -> list[Edit]:
    """Return the edits that take ``drops`` out and, unless ``text`` is "", put the label in as the first frame.

    The room of the padding and of what goes is used, and then the tag keeps its length; a tag that must grow gets
    a multiple of ``SLOT_BYTES``. All other frames stay as they are.

    Raises:
        Malformed: the tag ends early, its frames cannot be followed in v2.4, or there are ``MAX_LABELS`` or more to
            take out (``id3.broken``).
        Refused: a CRC covers the frames, or the tag would be too large (``id3.crc``, ``id3.too-large``).
    """
    if tag.missing:
        raise _broken(f"expected {tag.missing} more bytes of the {tag.name} tag")
    if tag.walk.broken and tag.version == 4:  # noqa: PLR2004 - one more frame could tip the guess of how sizes are written
        raise _broken(f"expected frames that can be followed, but the {tag.name} tag {tag.walk.broken}")
    if len(drops) >= MAX_LABELS:
        raise _broken(f"expected fewer than {MAX_LABELS} labels in one tag, found {len(drops)}")
    if _has_crc(tag):
        raise Refused(
            "id3.crc",
            f"expected an {tag.name} tag without a CRC over its frames, which the label would break",
            hint="save the tags once with a tag editor, which drops the CRC, and label the file again",
        )
    ranges = sorted({(d.frame.start, d.frame.stop) for d in drops})
    frame = _stuff(_frame(tag, text), tag) if text else b""
    end = tag.start + HEAD + tag.size
    padding = 0 if tag.footer or tag.walk.broken else end - tag.walk.padding
    room = padding + sum(stop - start for start, stop in ranges)
    if tag.footer or tag.walk.broken:
        room = len(frame)  # v2.4 §3.3: no padding with a footer
    elif len(frame) > room:
        room = -(-len(frame) // SLOT_BYTES) * SLOT_BYTES
    left = room - len(frame)
    out: list[Edit] = [Edit(tag.body, tag.body, frame), *(Edit(start, stop, b"") for start, stop in ranges)]
    out.append(Edit(end - max(padding - left, 0), end, bytes(max(left - padding, 0))))
    return [*out, *_resized(tag, sum(len(new) - (stop - start) for start, stop, new in out), left)]


def new_tag(text: str) -> bytes:
    """Build an ID3v2.4 tag that holds nothing but the label, with room for the next one."""
    empty = Tag(0, 4, 0, 0, HEAD, b"", HEAD, plain_sizes=False, walk=Walk((), HEAD, ""))
    frame = _frame(empty, text)
    room = -(-len(frame) // SLOT_BYTES) * SLOT_BYTES
    return b"ID3\4\0\0" + _safe(_bounded(room)) + frame.ljust(room, b"\0")


def _resized(tag: Tag, growth: int, padding: int) -> list[Edit]:
    """Write the new size into header, footer and, in v2.3, the new padding into the extended header."""
    if not growth:
        sizes: list[Edit] = []
    else:
        size = _safe(_bounded(tag.size + growth))
        sizes = [Edit(tag.start + 6, tag.start + 10, size)]
        sizes += [Edit(tag.stop - 4, tag.stop, size)] if tag.footer else []
    if tag.version == 3 and tag.extended:  # noqa: PLR2004 - v2.3 §3.2: size, flags, size of padding
        extended = tag.extended[:6] + padding.to_bytes(4) + tag.extended[10:]
        if extended != tag.extended:
            sizes.append(Edit(tag.start + HEAD, tag.body, _stuff(extended, tag)))
    return sizes


def _frame(tag: Tag, text: str) -> bytes:
    """Build the frame in the tag's own version: encoding 0, description, NUL, text."""
    data = b"\0AIGC\0" + text.encode("ascii")
    if tag.version == 2:  # noqa: PLR2004
        return b"TXX" + _bounded(len(data)).to_bytes(4)[1:] + data
    size = _bounded(len(data)).to_bytes(4) if tag.plain_sizes else _safe(_bounded(len(data)))
    # v2.4 §3.1: the tag's flag says that all frames are stuffed; ASCII needs none, so the flag alone changes
    stuffed = tag.version == 4 and tag.flags & _ALL_STUFFED  # noqa: PLR2004
    return b"TXXX" + size + (b"\0\2" if stuffed else b"\0\0") + data


def _walked(body: "_Body", version: int, *, plain: bool) -> Walk:
    """Step from frame to frame to the padding."""
    frames: list[Frame] = []
    letters, length = (3, 6) if version == 2 else (4, 10)  # noqa: PLR2004
    for _ in range(MAX_FRAMES):
        start = body.position
        header = body.take(length)
        if not header.strip(b"\0"):
            broken = "" if body.only_zeros() else f"holds bytes that are no frame behind offset {start}"
            return Walk(tuple(frames), start, broken)
        kind = header[:letters]
        size = int.from_bytes(header[letters : letters + (letters if version == 2 else 4)])  # noqa: PLR2004
        if len(header) < length or not _KIND[version].fullmatch(kind):
            return Walk(tuple(frames), start, f"holds {header[:letters].hex(' ')} where a frame should be, at offset {start}")
        if version == 4 and not plain:  # noqa: PLR2004
            if size & 0x8080_8080:
                return Walk(tuple(frames), start, f"has a frame {kind!r} whose size is not synchsafe")
            size = _unsafe(header[4:8])
        if not body.skip(size):
            return Walk(tuple(frames), start, f"has a frame {kind!r} of {size} bytes, more than there are")
        if _KEPT_KIND.fullmatch(kind):
            flags = 0 if version == 2 else int.from_bytes(header[8:10])  # noqa: PLR2004
            frames.append(Frame(kind.decode("ascii").rstrip(" \0"), start, body.position, size, flags))
    return Walk(tuple(frames), body.position, f"holds more than the {MAX_FRAMES} frames that are walked")


def _extended(body: "_Body", version: int) -> bytes:
    """Read the extended header (v2.3 §3.2: its size leaves itself out; v2.4 §3.2: it counts itself)."""
    head = body.take(4)
    size = int.from_bytes(head) if version == 3 else _unsafe(head) - 4  # noqa: PLR2004
    least = 6 if version == 3 else 2  # noqa: PLR2004
    if len(head) < 4 or not least <= size <= MAX_EXTENDED_BYTES:  # noqa: PLR2004
        raise _broken(f"expected an extended header of {least} to {MAX_EXTENDED_BYTES} bytes, it says {size}")
    rest = body.take(size)
    if len(rest) < size:
        raise _broken(f"expected an extended header of {size} bytes, found {len(rest)}")
    return head + rest


def _has_crc(tag: Tag) -> bool:
    flags = tag.extended[4:6]
    return bool(flags) and bool(flags[0] & 0x80 if tag.version == 3 else flags[1] & 0x20)  # noqa: PLR2004


def data(source: BinaryIO, tag: Tag, frame: Frame) -> bytes:
    """Return a frame's data, unstuffed and unpacked (v2.3 §3.3.1, v2.4 §4.1); b"" for a PRIV of another owner.

    Raises:
        Malformed: it is too large, encrypted or cannot be unpacked (``id3.broken``).
    """
    body = _Body(source, frame.start, frame.stop, stuffed=tag.stuffed)
    body.take(6 if tag.version == 2 else 10)  # noqa: PLR2004
    raw = body.take(min(frame.size, MAX_FRAME_BYTES))
    if frame.kind == "PRIV" and not frame.flags & 0xFF and not raw.startswith(XMP_OWNER):
        return b""
    if frame.size > MAX_FRAME_BYTES:
        raise _broken(f"has {frame.size} bytes, more than the {MAX_FRAME_BYTES} that are read")
    if tag.version == 3:  # noqa: PLR2004
        packed, encrypted, grouped = (frame.flags & bit for bit in (0x80, 0x40, 0x20))
        raw = raw[(4 if packed else 0) + (1 if grouped else 0) :]
    else:
        grouped, packed, encrypted, stuffed, counted = (frame.flags & bit for bit in (0x40, 0x08, 0x04, 0x02, 0x01))
        raw = raw[(1 if grouped else 0) + (4 if counted else 0) :]
        raw = raw.replace(b"\xff\0", b"\xff") if stuffed else raw
    if encrypted:
        raise _broken("is encrypted")
    return _unpacked(raw) if packed else raw


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        out = unpacker.decompress(data, MAX_FRAME_BYTES)
    except zlib.error as e:
        raise _broken(f"cannot be unpacked: {e}") from e
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise _broken(f"unpacks to more than the {MAX_FRAME_BYTES} bytes that are read, or ends early")
    return out


def _sites(frame: Frame, data: bytes) -> list[Site]:
    """Find the label in one frame's data, whatever place its kind gives it."""
    if frame.kind == "PRIV":
        return _xmp.sites(data.removeprefix(XMP_OWNER), f"ID3 PRIV {_xmp.PLACE}", guide=False) if data else []
    if not data:
        return []
    description, text = words(frame, data)
    if frame.kind in {"TXXX", "TXX"} and "AIGC" in description.upper():
        return [Site(f"ID3 TXXX:{description}", text, Wrapper.BARE, guide=description == "AIGC")]
    name = f"ID3 {frame.kind}:{description}" if description else f"ID3 {frame.kind}"
    return [Site(name, text, Wrapper.WRAPPED, guide=False)] if mentions(text) else []


def words(frame: Frame, data: bytes) -> tuple[str, str]:
    """Return description and text of a text frame, of which ``data`` is the content.

    Raises:
        Malformed: it is in no encoding that ID3 knows (``id3.broken``).
    """
    language = 3 if frame.kind in {"COMM", "COM", "USLT", "ULT"} else 0
    described = language or frame.kind in {"TXXX", "TXX"}
    return _texts(data[:1] + data[1 + language :], described=bool(described))


def _texts(data: bytes, *, described: bool) -> tuple[str, str]:
    """Split and decode (v2.4 §4: encoding, description, terminator, text); a text without BOM follows the description's."""
    encoding, rest = data[0], data[1:]
    if encoding not in _CODECS:
        raise _broken(f"expected a text encoding of 0 to 3, found {encoding}")
    wide = encoding in {1, 2}
    description = b""
    if described:
        at = _terminator(rest, wide=wide)
        description, rest = rest[:at], rest[at + (2 if wide else 1) :]
    codec = _CODECS[encoding]
    if encoding == 1 and rest[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        rest = (b"\xfe\xff" if description[:2] == b"\xfe\xff" else b"\xff\xfe") + rest
    try:
        texts = [part[: len(part) & ~1 if wide else len(part)].decode(codec) for part in (description, rest)]
    except UnicodeDecodeError as e:
        raise _broken(f"is no {codec} text: {e.reason}") from e
    return texts[0], texts[1].strip("\ufeff\0")


def _terminator(data: bytes, *, wide: bool) -> int:
    at = data.find(b"\0\0" if wide else b"\0")
    while wide and at % 2 and at >= 0:
        at = data.find(b"\0\0", at + 1)
    return at if at >= 0 else len(data)


class _Body:
    """Reads a tag's body, taking the stuffing out if the whole body has it (v2.3 §5: FF 00 stands for FF)."""

    def __init__(self, source: BinaryIO, start: int, stop: int, *, stuffed: bool) -> None:
        self.source, self.position, self.stop, self.stuffed = source, start, stop, stuffed

    def take(self, count: int) -> bytes:
        """Return ``count`` bytes, or what there is."""
        out = self._raw(count)
        if not self.stuffed:
            return out
        parts = [self._clean(out)]
        while (left := count - sum(map(len, parts))) and (more := self._raw(left)):
            parts.append(self._clean(more))
        return b"".join(parts)

    def skip(self, count: int) -> bool:
        """Step over ``count`` bytes; say whether there were as many."""
        if not self.stuffed:
            self.position += count
            return self.position <= self.stop
        while count and (piece := self.take(min(count, _WINDOW))):
            count -= len(piece)
        return not count

    def only_zeros(self) -> bool:
        """Read to the end; say whether nothing but zeros came."""
        while piece := self._raw(_WINDOW):
            if piece.strip(b"\0"):
                return False
        return True

    def _raw(self, count: int) -> bytes:
        self.source.seek(self.position)
        data = self.source.read(max(0, min(count, self.stop - self.position)))
        self.position += len(data)
        return data

    def _clean(self, raw: bytes) -> bytes:
        """Unstuff; a zero that belongs to the last FF is read with it."""
        if raw.endswith(b"\xff") and self._raw(1) not in {b"\0", b""}:
            self.position -= 1
        return raw.replace(b"\xff\0", b"\xff")


def _stuff(data: bytes, tag: Tag) -> bytes:
    """Apply the stuffing of v2.2 and v2.3 to bytes that end in ASCII or before it."""
    return re.sub(rb"\xff(?=[\xe0-\xff\0]|\Z)", b"\xff\0", data) if tag.stuffed else data


def _has_footer(version: int, flags: int) -> bool:
    return version == 4 and bool(flags & _FOOTER)  # noqa: PLR2004


def _length(version: int, flags: int, size: int) -> int:
    return HEAD + size + (HEAD if _has_footer(version, flags) else 0)


def _unsafe(data: bytes) -> int:
    """Read a synchsafe number: seven bits a byte (v2.4 §6.2)."""
    return sum((byte & 0x7F) << 7 * i for i, byte in enumerate(reversed(data)))


def _safe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _bounded(size: int) -> int:
    if size > MAX_TAG_BYTES:
        raise Refused(
            "id3.too-large",
            f"expected a tag of at most {MAX_TAG_BYTES} bytes with the label, got {size}",
            hint="the tag nearly fills its 28-bit size; make the cover picture smaller",
        )
    return size


def _broken(what: str) -> Malformed:
    return Malformed("id3.broken", what, hint="the tag is damaged or unusual; save it once with a tag editor")
