"""The label on a picture: text at a corner or an edge.

As little is coded anew as the format allows: the blocks, tiles, strips or pixels beneath the label, and only where the format
has no such parts (PNG, WebP) all pixels. No pixel is converted for it; whatever else the file holds is carried over as it is.
"""

import struct
from collections.abc import Callable
from typing import BinaryIO, TypeAlias

from av.error import FFmpegError
from PIL import Image

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.explicit import Read, Seen
from mingwen.domain.media import Medium
from mingwen.domain.notices import Style
from mingwen.notices import _bmp, _gif, _heif, _jpeg, _jxl, _look, _png, _sheet, _svg, _tiff, _webp
from mingwen.notices._lettering import Label
from mingwen.notices._shape import Notice, not_drawn

MAX_BYTES = 512 * 1024 * 1024
"""Of a file; pictures beyond some 179 million pixels are refused too."""

Coder: TypeAlias = Callable[[bytes, Style], tuple[bytes, Label, str]]
CODERS: dict[str, Coder] = {
    "png": _png.mark,
    "jpeg": _jpeg.mark,
    "webp": _webp.mark,
    "gif": _gif.mark,
    "tiff": _tiff.mark,
    "bmp": _bmp.mark,
    "avif": _heif.mark,
    "heif": _heif.mark,
    "jxl": _jxl.mark,
    "svg": _svg.mark,
}
BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error, FFmpegError)
"""What the decoders raise when bytes are not what they claim to be."""


def mark(source: BinaryIO, sink: BinaryIO, format_name: str, style: Style) -> str:
    """Draw the label of GB 45438-2025 §5.2 into a picture.

    Raises:
        Malformed: the picture does not decode (``image.broken``).
        Refused: no label is drawn into the format (``notice.format``);
            it is too large, or too small for a legible label (``notice.too-large``, ``notice.no-room``).
        Misused: the font cannot draw the wording.
    """
    coder = CODERS.get(format_name)
    if coder is None:
        raise not_drawn(format_name, CODERS)
    source.seek(0)
    data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused("notice.too-large", f"expected at most {MAX_BYTES} bytes, got more", hint="make the picture smaller")
    try:
        marked, label, note = coder(data, style)
    except Image.DecompressionBombError as bomb:
        raise Refused("notice.too-large", f"expected fewer pixels: {bomb}", hint="make the picture smaller") from bomb
    except BROKEN as broken:
        reason = f"{type(broken).__name__}: {broken}"
        raise Malformed("image.broken", f"expected a whole {format_name}, but {reason}", hint="get a whole copy") from broken
    sink.write(marked)
    return f"drew {style.wording} at {style.position.value}, {label.ink_pixels} pixels high{note}"


def perceived(source: BinaryIO, read: Read) -> tuple[Seen, ...]:
    """Read the labels of a picture, and measure each.

    Raises:
        Malformed: the picture does not decode (``image.broken``).
        Refused: it is too large (``notice.too-large``).
    """
    return _look.labels_on(_look.upright(source), read)


MEMBER = Notice(Medium.IMAGE, "§5.2", mark, found=_svg.found, perceived=perceived, sheet=_sheet.picture)
