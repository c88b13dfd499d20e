"""A JPEG whose coding we do not write (arithmetic): Pillow codes it, the source's own segments are carried over around it."""

import re
from collections.abc import Iterator
from io import BytesIO

from PIL import Image, JpegImagePlugin

from mingwen.domain.errors import Malformed
from mingwen.domain.notices import Style
from mingwen.notices._lettering import Label
from mingwen.notices._raster import decoded, label_of, labelled

SOI, EOI, SOS, COM, APP0, APP2, APP14 = 0xD8, 0xD9, 0xDA, 0xFE, 0xE0, 0xE2, 0xEE
APPS = range(0xE0, 0xF0)
MAX_SEGMENTS = 20_000
_NEXT_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
"""In entropy-coded data FF 00 is a byte and FF D0 to D7 are restarts; anything else ends the scan."""


def mark(data: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Return the file with a label, the label, and what else the user should know."""
    image = decoded(data, "JPEG")
    label = label_of(image, style)
    picture = _coded(image, labelled(image, label))
    segments, end = _walk(data)
    several = any(marker == APP2 and body.startswith(b"MPF\0") for marker, body in segments)
    note = "; the whole picture was coded again, for its coding is arithmetic"
    note += "; further pictures behind the first were left out, they bear no label" if several else ""
    return _grafted(segments, picture) + (b"" if several else data[end:]), label, note


def _coded(original: Image.Image, image: Image.Image) -> bytes:
    """Code the picture with the tables, the subsampling, the order of scans and the colour space of the original."""
    sampling = JpegImagePlugin.get_sampling(original)
    if sampling < 0 and image.mode == "RGB":
        sampling = 0  # an unusual one: keep all the colour there is
    out = BytesIO()
    image.info = {}
    image.save(
        out,
        "JPEG",
        qtables=getattr(original, "quantization", None),
        subsampling=sampling,
        progressive="progressive" in original.info,
        optimize=True,
        keep_rgb=image.mode == "RGB" and _is_rgb(original),
    )
    return out.getvalue()


def _is_rgb(original: Image.Image) -> bool:
    """Say whether three components are stored as red, green and blue, by the rules every decoder shares."""
    layers = getattr(original, "layer", [])
    if "jfif" in original.info:
        return False
    if "adobe" in original.info:
        return original.info.get("adobe_transform") == 0
    return [layer[0] for layer in layers] == [*b"RGB"]


def _walk(data: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """Return every application segment and comment of the first picture, and where that picture ends."""
    kept: list[tuple[int, bytes]] = []
    end = len(data)
    for marker, start, stop in _segments(data):
        end = stop
        if marker in APPS or marker == COM:
            kept.append((marker, data[start:stop]))
    return kept, end


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield ``(marker, start, stop)`` of each segment's body, to the end of the picture."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _NEXT_MARKER.search(data, at)
        if found is None:
            return
        marker, at = data[found.end() - 1], found.end()
        if marker == EOI:
            yield marker, at, at
            return
        stop = at + int.from_bytes(data[at : at + 2], "big")
        yield marker, at + 2, max(stop, at + 2)
        at = max(stop, at + 2)
    raise Malformed(
        "jpeg.segments", f"expected at most {MAX_SEGMENTS} segments, got more", hint="the file is built to exhaust readers"
    )


def _grafted(kept: list[tuple[int, bytes]], picture: bytes) -> bytes:
    """Put the source's segments before the new picture; only the Adobe one is the coder's: it says how colours are coded."""
    own = [(m, picture[a:b]) for m, a, b in _segments(picture) if m == APP14]
    old = [(m, body) for m, body in kept if m != APP14 and not (m == APP2 and body.startswith(b"MPF\0"))]
    first = next(a for m, a, _ in _segments(picture) if m not in APPS and m != COM) - 4
    head = b"".join(bytes((0xFF, m)) + (len(body) + 2).to_bytes(2, "big") + body for m, body in old + own)
    return picture[:2] + head + picture[first:]
