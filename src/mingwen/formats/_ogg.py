"""Ogg with Vorbis, Opus, FLAC or Speex: the field ``AIGC`` in the comment header (TC260-PG-202510A).

Header packets are laid onto as many pages as before, so that no later page changes; only where a page more is needed are
those behind counted on, eight bytes each. Read too: the headers of every stream, side by side or in a chain, and
what stands behind the last page. Structure: RFC 3533; Vorbis I §A; RFC 7845 §5; RFC 9639 §10.1; Speex manual §8.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from mingwen.containers import ogg_pages, stray
from mingwen.containers.edits import Edit, read_at, size_of, spliced
from mingwen.containers.ogg_pages import Page, broken
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _vorbis
from mingwen.formats._shape import Clue, Reading, Site, Unread

MAX_STREAMS: Final = 1_024
"""Streams of one file, side by side or in a chain."""
MAX_HEADER_BYTES: Final = 2 * _vorbis.MAX_BYTES
"""Size of the pages that hold a comment header and what shares its last page."""
MAX_HEADER_PAGES: Final = 8_192
"""Those pages; most programs fill them with 4 kB or with 65 kB."""
MAX_RENUMBERED: Final = 65_536
"""Pages that are counted on; 256 MiB of sound have as many."""

_BEHIND: Final = "after Ogg"


@dataclass(frozen=True, slots=True)
class _Codec:
    name: str
    mark: bytes
    """What the first packet begins with."""
    lead: bytes
    """What stands in the comment packet before the comments."""
    sound: bool = True


_CODECS: Final = (
    _Codec("Vorbis", b"\x01vorbis", b"\x03vorbis"),
    _Codec("Opus", b"OpusHead", b"OpusTags"),
    _Codec("FLAC", b"\x7fFLAC", b""),
    _Codec("Speex", b"Speex   ", b""),
    _Codec("Theora", b"\x80theora", b"\x81theora", sound=False),
    _Codec("VP8", b"OVP80", b"OVP80\x02 ", sound=False),
)
_FLAC: Final = _CODECS[2]
_FLAC_HEAD_BYTES: Final = 4
"""Kind and size of a metadata block, RFC 9639 §8.1."""
_SKELETON: Final = b"fishead\0"


@dataclass(slots=True)
class _Stream:
    """One logical stream: its first page, and those with its comment header."""

    first: Page
    codec: _Codec | None
    link: int
    """Which one of the chain, from 0; streams side by side share it."""
    pages: list[Page] = field(default_factory=list)
    begun: bool = False
    """Has the comment packet ended, though perhaps not its last page's last packet?"""
    size: int = 0
    """Of the pages."""

    @property
    def whole(self) -> bool:
        """Do the pages begin and end with whole packets, the comments among them?"""
        return self.begun and self.pages[-1].ends_whole

    @property
    def too_long(self) -> bool:
        return self.size > MAX_HEADER_BYTES or len(self.pages) > MAX_HEADER_PAGES

    def take(self, page: Page) -> None:
        self.pages.append(page)
        self.size += page.stop - page.start
        self.begun = self.begun or any(length < ogg_pages.MAX_SEGMENTS for length in page.lacing)


@dataclass(frozen=True, slots=True)
class _Layout:
    streams: tuple[_Stream, ...]
    stop: int
    """Where the pages end."""
    broken: str


def read(source: BinaryIO) -> Reading:
    """Find labels in the comment header of every stream, and behind the pages."""
    layout = _layout(source)
    sites: list[Site] = []
    unread = [Unread("Ogg pages", layout.broken)] if layout.broken else []
    for stream in layout.streams:
        if stream.codec is None:
            unread += _unknown(source, stream)
            continue
        try:
            found = _vorbis.read(*_comments(source, stream))
        except Malformed as e:
            unread.append(Unread(f"{stream.codec.name} comments", e.message))
        else:
            sites += found.sites
            unread += found.unread
    behind = stray.read(source, layout.stop, _BEHIND)
    return Reading((*sites, *behind.sites), (*unread, *behind.unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Put the field first into the comment header of the first stream; labels elsewhere go, the sound stays."""
    layout = _layout(source)
    if layout.broken:
        raise broken(layout.broken)
    first = layout.streams[0]
    beside = [s for s in layout.streams if s.link == 0]
    if len(beside) > 1 or first.codec is None or not first.codec.sound:
        raise Refused(
            "ogg.multiplexed",
            "expected a single stream of Vorbis, Opus, FLAC or Speex, found "
            f"{' and '.join(s.codec.name if s.codec else 'another codec' for s in beside)}",
            hint="of a film make an MKV, `ffmpeg -i in.ogv -c copy out.mkv`; take sound alone out by `-map 0:a:0 -c copy`",
        )
    edits = _relabelled(source, first, label)
    for stream in layout.streams[1:]:
        if stream.codec and _vorbis.read(*_comments(source, stream)).sites:
            edits += _relabelled(source, stream, "")
    return spliced([*edits, *stray.edits(source, layout.stop)], size_of(source))


def _layout(source: BinaryIO) -> _Layout:
    """Walk all pages, for a chain shows itself only where its next link begins.

    Raises:
        Malformed: no page begins the file, or there are too many (``ogg.broken``).
    """
    streams: list[_Stream] = []
    live: dict[int, _Stream] = {}
    open_serials: set[int] = set()
    link, beginning, stop, end = -1, False, 0, size_of(source)
    for page in ogg_pages.walk(source):
        stop = page.stop
        if page.flags & ogg_pages.BEGIN:
            link += not beginning
            if len(streams) == MAX_STREAMS:
                raise broken(f"expected at most {MAX_STREAMS} streams")
            live[page.serial] = stream = _Stream(page, _codec(source, page), link)
            streams.append(stream)
            open_serials.add(page.serial)
        elif (known := live.get(page.serial)) and not known.whole and not known.too_long:
            known.take(page)
        beginning = bool(page.flags & ogg_pages.BEGIN)
        if page.flags & ogg_pages.END:
            open_serials.discard(page.serial)
    if not streams:
        raise broken("expected a page that begins a stream, found none")
    lost = stop < end and open_serials
    return _Layout(tuple(streams), stop, f"break off at {stop}, before their streams end" if lost else "")


def _codec(source: BinaryIO, page: Page) -> _Codec | None:
    head = read_at(source, page.body, min(page.stop - page.body, 16), what="first packet")
    return next((c for c in _CODECS if head.startswith(c.mark)), None)


def _unknown(source: BinaryIO, stream: _Stream) -> list[Unread]:
    """Tell of a codec whose comments are not read; Skeleton has none."""
    page = stream.first
    head = read_at(source, page.body, min(page.stop - page.body, 8), what="first packet")
    return [] if head == _SKELETON else [Unread("Ogg comments", f"are of a codec that is not known: {head.hex(' ')}")]


def _packets(source: BinaryIO, stream: _Stream) -> list[bytes]:
    """Return the comment packet and those that share its last page.

    Raises:
        Malformed: they are cut off, too long, or sound is among them (``ogg.broken``).
    """
    if stream.too_long:
        raise broken(f"expected headers of at most {MAX_HEADER_BYTES} bytes on {MAX_HEADER_PAGES} pages")
    if not stream.whole:
        raise broken("expected a whole comment header, but the pages end before")
    return ogg_pages.packets(source, stream.pages)


def _comments(source: BinaryIO, stream: _Stream) -> tuple[bytes, int]:
    """Return the comment packet, and where the comments begin in it."""
    packet = _packets(source, stream)[0]
    return packet, _lead(packet, stream)


def _lead(packet: bytes, stream: _Stream) -> int:
    if stream.codec is _FLAC:
        if packet[:1] and packet[0] & 0x7F == 4 and len(packet) <= _vorbis.MAX_BYTES:  # noqa: PLR2004 - RFC 9639 §8.1
            return _FLAC_HEAD_BYTES
        raise broken(f"expected a VORBIS_COMMENT of at most {_vorbis.MAX_BYTES} bytes, found {packet[:4].hex(' ')}")
    lead = stream.codec.lead if stream.codec else b""
    if not packet.startswith(lead) or len(packet) > _vorbis.MAX_BYTES:
        raise broken(f"expected {lead!r} and at most {_vorbis.MAX_BYTES} bytes, found {packet[:8]!r} and {len(packet)}")
    return len(lead)


def _relabelled(source: BinaryIO, stream: _Stream, label: str) -> list[Edit]:
    """Return the edits of the stream's header pages, and of those behind if there is a page more."""
    if any(p.granule not in {0, ogg_pages.NO_GRANULE} for p in stream.pages):
        raise broken("expected header packets on pages of their own, but sound shares one")
    packets = _packets(source, stream)
    written = ogg_pages.paged([_edited(packets[0], stream, label), *packets[1:]], stream.pages)
    edits: list[Edit] = []
    for page, new in zip(stream.pages, written, strict=False):
        old = read_at(source, page.start, page.stop - page.start, what="Ogg page")
        edits += ogg_pages.narrowed(page.start, old, new) if old != new else []
    last = stream.pages[-1]
    if more := written[len(stream.pages) :]:
        edits.append(Edit(last.stop, last.stop, b"".join(more)))
        edits += _renumbered(source, last, len(more))
    return edits


def _edited(packet: bytes, stream: _Stream, label: str) -> bytes:
    """Return the comment packet with the label, and what stands behind the comments (framing bit, padding) as it is."""
    edits = sorted(_vorbis.edits(packet, _lead(packet, stream), label))
    ends = [0, *(e.stop for e in edits)]
    parts = [packet[end : e.start] + e.new for end, e in zip(ends, edits, strict=False)]
    new = b"".join([*parts, packet[ends[-1] :]])
    if stream.codec is not _FLAC:
        return new
    return new[:1] + (len(new) - _FLAC_HEAD_BYTES).to_bytes(3) + new[_FLAC_HEAD_BYTES:]


def _renumbered(source: BinaryIO, last: Page, by: int) -> list[Edit]:
    """Count the stream's pages behind ``last`` on, up to its end.

    Raises:
        Refused: there are too many of them (``ogg.too-many-pages``).
    """
    edits: list[Edit] = []
    for page in itertools.islice(ogg_pages.walk(source, last.start), 1, None):
        if page.serial != last.serial:
            continue
        if page.flags & ogg_pages.BEGIN:
            break
        edits.append(ogg_pages.renumbered(page, by))
        if len(edits) > MAX_RENUMBERED:
            raise Refused(
                "ogg.too-many-pages",
                f"expected room for the label on the pages of the comments, or at most {MAX_RENUMBERED} pages to count on",
                hint="take the cover picture out of the comments, label the file, and put the picture in again",
            )
        if page.flags & ogg_pages.END:
            break
    return edits


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the comments of every stream, with their vendors."""
    return _clues.bounded(_clues_of(source))


def _clues_of(source: BinaryIO) -> Iterator[Clue]:
    for stream in _layout(source).streams:
        if stream.codec is None:
            continue
        try:
            yield from _vorbis.clues(*_comments(source, stream))
        except Malformed:
            continue
