"""An Ogg file of one stream of sound: its headers, its pages written anew around packets that stay as they are (RFC 3533)."""

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from mingwen.containers import ogg_pages
from mingwen.containers.edits import read_at
from mingwen.containers.ogg_pages import BEGIN, END, MAX_SEGMENTS, NO_GRANULE, Page
from mingwen.domain.errors import Malformed, Refused

MAX_HEADER_PAGES = 8_192
MAX_HEADER_BYTES = 64 << 20
MAX_FIELDS = 10_000
PAGE_PACKETS = 50
"""Of a label on one page: a second, mostly."""
_CHAPTER = re.compile(rb"(CHAPTER\d{3}=)(\d{2,}):(\d\d):(\d\d\.\d{3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stream:
    """The only stream of a file."""

    headers: tuple[bytes, ...]
    pages: tuple[Page, ...]
    """Those that the headers are on."""
    body: int
    """Where the first page of sound begins."""
    last: Page
    """The last page."""
    end: int
    """The last position that is told."""


def opened(source: BinaryIO, first: bytes, headers: int) -> Stream:
    """Walk a file whose first so many packets are headers; the first one begins with ``first``.

    Raises:
        Malformed: the pages cannot be followed, or sound shares a page with a header (``ogg.broken``).
        Refused: there are several streams, side by side or in a chain (``notice.streams``), or it is another codec
            (``notice.codec``).
    """
    front, done, size = list[Page](), 0, 0
    last, end = None, 0
    for page in ogg_pages.walk(source):
        if last and (page.flags & BEGIN or page.serial != front[0].serial):
            hint = "make it one stream: `ffmpeg -i in.ogg -map 0:a:0 out.ogg` encodes it anew"
            raise Refused("notice.streams", "expected one stream in the Ogg file, got several", hint=hint)
        if last is None and read_at(source, page.body, min(len(first), page.stop - page.body), what="Ogg page") != first:
            hint = "convert the sound to Opus, or to FLAC in a file of its own, first"
            raise Refused("notice.codec", "expected Opus or Vorbis in Ogg, got another codec", hint=hint)
        last = page
        end = page.granule if page.granule != NO_GRANULE else end
        if done < headers:
            front.append(page)
            size += page.stop - page.start
            done += sum(length < MAX_SEGMENTS for length in page.lacing)
            if len(front) > MAX_HEADER_PAGES or size > MAX_HEADER_BYTES:
                raise ogg_pages.broken(f"expected headers of at most {MAX_HEADER_BYTES} bytes on {MAX_HEADER_PAGES} pages")
    if last is None or done != headers or not front[-1].ends_whole:
        raise ogg_pages.broken(f"expected {headers} header packets on pages of their own, got {done}")
    return Stream(tuple(ogg_pages.packets(source, front)), tuple(front), front[-1].stop, last, end)


@dataclass(slots=True)
class Writer:
    """Pages of one stream, numbered from 0."""

    sink: BinaryIO
    serial: int
    sequence: int = 0

    def put(self, flags: int, granule: int, lacing: bytes, data: bytes) -> None:
        """Write one page."""
        self.sink.write(ogg_pages.page(flags, granule & NO_GRANULE, self.serial, self.sequence, lacing, data))
        self.sequence += 1

    def headers(self, packets: Sequence[bytes], pages: Sequence[Page]) -> None:
        """Write header packets of the same lengths onto the same pages."""
        data = b"".join(packets)
        for page in pages:
            size = page.stop - page.body
            self.put(page.flags & ~END, page.granule, page.lacing, data[:size])
            data = data[size:]

    def packets(self, packets: Sequence[bytes], granules: Sequence[int], *, ends: bool = False) -> None:
        """Write packets of a label; ``granules`` are the positions at which they end."""
        start = 0
        while start < len(packets):
            lacing, stop = b"", start
            while stop < min(len(packets), start + PAGE_PACKETS) and len(lacing + laced(packets[stop])) <= MAX_SEGMENTS:
                lacing += laced(packets[stop])
                stop += 1
            last = END if ends and stop == len(packets) else 0
            self.put(last, granules[stop - 1], lacing, b"".join(packets[start:stop]))
            start = stop


def laced(packet: bytes) -> bytes:
    """Return the lengths of a packet's segments."""
    return b"\xff" * (len(packet) // MAX_SEGMENTS) + bytes([len(packet) % MAX_SEGMENTS])


def with_chapters_moved(comments: bytes, start: int, later: Callable[[float], float]) -> bytes:
    """Return a comment packet, whose list begins at ``start``, with the times of its chapters moved; it keeps its length."""
    out, at = bytearray(comments), start
    try:
        at += 4 + struct.unpack_from("<I", comments, at)[0]
        (count,) = struct.unpack_from("<I", comments, at)
        at += 4
        for _ in range(min(count, MAX_FIELDS)):
            (size,) = struct.unpack_from("<I", comments, at)
            if found := _CHAPTER.fullmatch(comments, at + 4, at + 4 + size):
                old = int(found[2]) * 3600 + int(found[3]) * 60 + float(found[4])
                milliseconds = round(later(old) * 1000)
                width, (minutes, rest) = len(found[2]), divmod(milliseconds, 60_000)
                new = f"{minutes // 60:0{width}}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}".encode()
                if len(new) == found.end() - found.start(2):
                    out[found.start(2) : found.end()] = new
            at += 4 + size
    except struct.error as e:
        raise Malformed("ogg.broken", "expected whole comments", hint="save them once with a tag editor") from e
    return bytes(out)
