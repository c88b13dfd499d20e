"""A BMP with a label: the pixels beneath it are written over, every other byte stays where it is."""

from dataclasses import dataclass
from struct import Struct, unpack_from
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Style
from mingwen.notices._lettering import Label, label_for

RGB, BITFIELDS, ALPHA_BITFIELDS = 0, 3, 6
_FILE: Final = Struct("<2sIHHI")
_INFO: Final = Struct("<IiiHHI")
_CORE_BYTES: Final = 12
_LEAST_INFO_BYTES: Final = 40
MAX_PIXELS: Final = 1 << 31
MASKS: Final = {16: (0x7C00, 0x03E0, 0x001F, 0), 24: (0xFF0000, 0xFF00, 0xFF, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
"""Where red, green, blue and opacity stand in a pixel that is told nothing else."""


@dataclass(frozen=True, slots=True)
class _Header:
    """What the two headers say."""

    start: int
    """Of the pixels."""
    width: int
    height: int
    upwards: bool
    bits: int
    masks: tuple[int, ...]
    palette: NDArray[np.uint8]
    """Colours × 3, as R′G′B′."""

    @property
    def row_bytes(self) -> int:
        """Rows are padded to four bytes."""
        return (self.width * self.bits + 31) // 32 * 4


def mark(data: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Return the file with a label, the label, and what else the user should know."""
    header = _header(data)
    out = np.frombuffer(bytearray(data), np.uint8)
    rows = out[header.start : header.start + header.row_bytes * header.height].reshape(header.height, header.row_bytes)
    rows = rows[::-1] if header.upwards else rows
    label = label_for(style, header.width, header.height, look=lambda box: _seen(_pixels(rows, box, header), header))
    left, top, right, bottom = label.box
    pixels = _drawn(_pixels(rows, label.box, header), label, header)
    if header.bits >= 8:  # noqa: PLR2004 - whole bytes
        each = header.bits // 8
        raw = pixels.astype("<u4").view(np.uint8).reshape(*pixels.shape, 4)[..., :each]
        rows[top:bottom, left * each : right * each] = raw.reshape(len(raw), -1)
    else:
        whole = _pixels(rows, (0, top, header.width, bottom), header)
        whole[:, left:right] = pixels
        bits = np.unpackbits(whole.astype(np.uint8)[..., None], axis=2)[..., 8 - header.bits :]
        packed = np.packbits(bits.reshape(len(whole), -1), axis=1)
        rows[top:bottom, : packed.shape[1]] = packed
    return out.tobytes(), label, ""


def _header(data: bytes) -> _Header:
    if len(data) < _FILE.size + _LEAST_INFO_BYTES or data[:2] != b"BM":
        raise Malformed("bmp.header", f"expected BM and two headers, got {data[:2]!r}", hint="is it a BMP file?")
    start = _FILE.unpack_from(data)[4]
    size, width, height, _, bits, coding = _INFO.unpack_from(data, _FILE.size)
    if size == _CORE_BYTES:
        raise _unusual("the header of OS/2")
    upwards, height = height > 0, abs(height)
    if coding not in {RGB, BITFIELDS, ALPHA_BITFIELDS} or bits not in {1, 4, 8, 16, 24, 32}:
        raise _unusual(f"coding {coding} of {bits} bits")
    if not 0 < width * height <= MAX_PIXELS or width < 1:
        raise Malformed("bmp.size", f"expected a picture, got {width} × {height}", hint="get a whole copy")
    masks = MASKS.get(bits, ())
    at = _FILE.size + _LEAST_INFO_BYTES
    if coding != RGB:
        count = 4 if coding == ALPHA_BITFIELDS or size >= _LEAST_INFO_BYTES + 16 else 3
        if len(data) < at + 16:
            raise Malformed("file.truncated", "expected the masks of colours, the file ends before", hint="get a whole copy")
        masks = (*unpack_from(f"<{count}I", data, at), 0)[:4]
    palette = np.frombuffer(data[_FILE.size + size : start], np.uint8)
    palette = palette[: len(palette) // 4 * 4].reshape(-1, 4)[: 1 << min(bits, 8), 2::-1]
    header = _Header(start, width, height, upwards, bits, masks, palette)
    if start + header.row_bytes * height > len(data):
        raise Malformed("file.truncated", f"expected {height} rows, the file ends before", hint="get a whole copy")
    if (bits <= 8 and len(palette) < 2) or (bits > 8 and not all(masks[:3])):  # noqa: PLR2004 - a byte; two colours
        raise _unusual("no colours")
    return header


def _pixels(rows: NDArray[np.uint8], box: tuple[int, int, int, int], header: _Header) -> NDArray[np.uint32]:
    """Return the pixels of a box as they are stored: indices or packed colours."""
    left, top, right, bottom = box
    if header.bits < 8:  # noqa: PLR2004 - several in a byte
        bits = np.unpackbits(rows[top:bottom], axis=1).reshape(bottom - top, -1, header.bits)
        return np.asarray(bits[:, left:right] @ (1 << np.arange(header.bits)[::-1]), np.uint32)
    each = header.bits // 8
    raw = rows[top:bottom, left * each : right * each].reshape(bottom - top, right - left, each)
    return np.asarray((raw.astype(np.uint32) << (8 * np.arange(each, dtype=np.uint32))).sum(axis=2), np.uint32)


def _seen(pixels: NDArray[np.uint32], header: _Header) -> NDArray[np.uint8]:
    if header.bits <= 8:  # noqa: PLR2004 - indices
        return np.asarray(header.palette[np.minimum(pixels, len(header.palette) - 1)])
    return np.rint(_channels(pixels, header) * 255).astype(np.uint8)


def _channels(pixels: NDArray[np.uint32], header: _Header) -> NDArray[np.float32]:
    """Return red, green and blue from 0 to 1."""
    parts = [((pixels & mask) >> _shift(mask)) / np.float32(mask >> _shift(mask)) for mask in header.masks[:3]]
    return np.stack(parts, axis=2).astype(np.float32)


def _drawn(pixels: NDArray[np.uint32], label: Label, header: _Header) -> NDArray[np.uint32]:
    if header.bits <= 8:  # noqa: PLR2004 - indices
        light = header.palette @ np.array((0.2126, 0.7152, 0.0722))
        dark, bright = int(light.argmin()), int(light.argmax())
        plate, ink = (dark, bright) if label.plate_grey < label.ink_grey else (bright, dark)
        half = np.float32(0.5)
        return np.where(label.ink >= half, ink, np.where(label.cover >= half, plate, pixels)).astype(np.uint32)
    blended = np.clip(label.blend(_channels(pixels, header), lambda grey: (grey,) * 3), 0, 1)
    out = np.zeros(pixels.shape, np.uint32)
    for channel, mask in enumerate(header.masks[:3]):
        most = mask >> _shift(mask)
        out |= np.rint(blended[..., channel] * most).astype(np.uint32) << _shift(mask)
    rest = np.uint32(0xFFFFFFFF & ~sum(header.masks[:3]))
    opaque = np.uint32(header.masks[3])
    return np.where(label.cover > 0, out | (pixels & rest) | opaque, pixels).astype(np.uint32)


def _shift(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _unusual(what: str) -> Refused:
    return Refused("notice.codec", f"expected an uncompressed BMP, got {what}", hint="save it as PNG, or as BMP of 24 bits")
