"""A JPEG XL with a label: two small layers upon the picture, whose own coded bits stay as they are.

The first layer is multiplied with what lies beneath, the second is added to it; so a half-opaque plate and its letters need
neither a decoder of the picture nor a channel of opacity. Of the source only the header of its last frame is written anew.
"""

from collections.abc import Iterator
from io import BytesIO
from struct import pack
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mingwen.containers.boxes import Box, walk
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Style
from mingwen.notices import _jxl_header as heads
from mingwen.notices._jxl_bits import Bits, Writer
from mingwen.notices._jxl_header import Channel, Frame, Header
from mingwen.notices._jxl_layer import SIDE, Plane, section
from mingwen.notices._lettering import Label, Shares, Turn, label_for
from mingwen.notices._planes import WHITE
from mingwen.notices._raster import TURNS

SIGNATURE: Final = b"\xff\n"
CODESTREAM: Final = (b"jxlc", b"jxlp")
ORIGINAL: Final = b"jbrd"
"""What makes the JPEG of before the label of a JPEG XL."""
MAX_BITS: Final = 16
STEPS: Final = 4096
"""Of Y, from 0 to 1."""
BIAS: Final = 0.0037930732552754493
"""Of the cube root of XYB: L.2.2."""
OLDER_LAYER: Final = b"picture unmarked"
"""A name of 16 bytes for a frame without one, where the bits behind it must not move within their bytes."""


def mark(data: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Return the file with a label, the label, and what else the user should know."""
    if data.startswith(SIGNATURE):
        return _marked(data, style)
    boxes = [b for b in walk(BytesIO(data), 0, len(data)) if isinstance(b, Box)]
    parts = [b for b in boxes if b.kind in CODESTREAM]
    if not parts:
        raise Malformed("jxl.broken", "expected a codestream, found none", hint="get a whole copy of the file")
    # jxlp: a number stands before each part
    stream = b"".join(data[b.body + (4 if b.kind == b"jxlp" else 0) : b.stop] for b in parts)
    coded, label, note = _marked(stream, style)
    out = [
        _boxed(coded) if box is parts[0] else data[box.start : box.stop]
        for box in boxes
        if box.kind != ORIGINAL and (box is parts[0] or box not in parts)
    ]
    lost = "; the JPEG it was made of can no longer be restored from it" if any(b.kind == ORIGINAL for b in boxes) else ""
    return b"".join([*out, data[boxes[-1].stop :]]), label, note + lost


def _boxed(coded: bytes) -> bytes:
    return pack(">I4s", len(coded) + 8, b"jxlc") + coded


def _marked(stream: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Return a codestream with the label upon it, the label, and what else the user should know."""
    bits = Bits(stream)
    if not stream.startswith(SIGNATURE):
        raise Malformed("jxl.broken", "expected a codestream, found something else", hint="get a whole copy of the file")
    header = heads.header(bits)
    if not header.xyb and not 0 < header.bits <= MAX_BITS:
        raise Refused("notice.codestream", f"expected at most 16 bits, got {header.bits}", hint=heads.NO_ANSWER)
    label = label_for(style, header.width, header.height, turn=TURNS.get(header.orientation, Turn()))
    last, end = _last_frame(bits, header)
    note = "; its artificial grain falls otherwise" if last.noise else ""
    kept = stream[: last.start // 8] + _continued(stream[:end], last, header)
    out = b"".join([kept, *_layers(header, label), stream[end:]])
    return out, label, f"; every bit of the picture was kept{note}"


def _last_frame(bits: Bits, header: Header) -> tuple[Frame, int]:
    """Return the header of the last frame, and where the frame ends."""
    for _ in range(heads.MAX_FRAMES):
        frame = heads.frame(bits, header)
        size = heads.contents(bits, frame.sections)
        bits.at += 8 * size
        if bits.at > 8 * len(bits.data):
            raise EOFError("the codestream ends within a frame")
        if frame.last:
            return frame, bits.at // 8
    raise Refused("notice.too-large", f"expected at most {heads.MAX_FRAMES} frames, got more", hint=heads.NO_ANSWER)


def _continued(stream: bytes, frame: Frame, header: Header) -> bytes:
    """Return the last frame as one that is not: its header says so, and all behind it stays as it is."""
    behind = Bits(stream, frame.stop)
    if not behind.flag():  # F.3.3: no order of its own, so zeros up to the next byte
        out = _header(stream, frame, header, b"")
        out.put(0, 1)
        behind.align()
        return out.done() + stream[behind.at // 8 :]
    for name in (b"", OLDER_LAYER):
        out, behind = _header(stream, frame, header, name), Bits(stream, frame.stop)
        if (out.at - frame.stop) % 8 == 0:
            out.copy(behind, frame.stop + -frame.stop % 8)
            return out.done() + stream[behind.at // 8 :]
    raise Refused("notice.codestream", "expected sections in order, found an order of their own", hint=heads.NO_ANSWER)


def _header(stream: bytes, frame: Frame, header: Header, name: bytes) -> Writer:
    """Write the frame's header: not the last, kept where the layers find it, with a name if it has none."""
    out, bits = Writer(), Bits(stream, frame.start)
    if frame.all_default:
        # Regular, VarDCT, no flags, no upsampling, default scales, one pass, not cropped, replacing what was.
        out.numbers([(0, 1), (0, 2), (0, 1), (0, 2), (0, int(not header.xyb)), (0, 2 + 2 * len(header.channels))])
        out.numbers([(3, 3), (2, 3)] if header.xyb else [])
        out.numbers([(0, 2), (0, 1), (0, 2 + 2 * len(header.channels))])
    else:
        out.copy(bits, frame.is_last)
    out.numbers([(0, 1), (0, 2), (0, int(frame.covers))])
    bits.at = frame.name
    if name and not frame.named:
        out.number(len(name), *heads.NAME)
        out.numbers([(byte, 8) for byte in name])
        bits.at += 0 if frame.all_default else 2
    elif frame.all_default:
        out.put(0, 2)
    if frame.all_default:
        out.numbers([(1, 1), (0, 2)])  # default filters, no extensions
    else:
        out.copy(bits, frame.stop)
    return out


# --- layers ----------------------------------------------------------------------------------------------------------------


def _layers(header: Header, label: Label) -> Iterator[bytes]:
    """Give the frames that draw the label: in parts, if it is larger than a group."""
    white = WHITE.get(header.transfer, 1.0)
    times = (1 - label.plate) * (1 - label.ink)
    plus = np.float32(white) * (label.plate_grey * label.plate * (1 - label.ink) + label.ink_grey * label.ink)
    spots = [(x, y) for y in range(0, label.height, SIDE) for x in range(0, label.width, SIDE)]
    for number, (x, y) in enumerate(spots, 1):
        part = np.s_[y : y + SIDE, x : x + SIDE]
        at, cover = (label.x + x, label.y + y), label.cover[part]
        yield _layer(header, at, (times[part], 1 - cover), mode=heads.MULTIPLY)
        yield _layer(header, at, (plus[part], cover), mode=heads.ADD, last=number == len(spots))


def _layer(header: Header, at: tuple[int, int], shares: tuple[Shares, Shares], *, mode: int, last: bool = False) -> bytes:
    """Write a frame that is blended with what lies beneath; ``shares`` are of grey and of opacity."""
    grey, opacity = shares
    out = Writer()
    out.numbers([(0, 1), (heads.REGULAR, 2), (1, 1), (0, 2), (0, int(not header.xyb))])
    out.numbers([(0, 2 + 2 * len(header.channels)), (3, 2), (0, 2), (1, 1)])  # groups of 1024, one pass, cropped
    for value in (2 * at[0], 2 * at[1], grey.shape[1], grey.shape[0]):
        out.number(value, *heads.CROP)
    _blending(out, mode)
    for channel in header.channels:
        _blending(out, mode if channel.kind in {heads.ALPHA, heads.BLACK} else heads.ADD)
    out.numbers([(1, 1)] if last else [(0, 1), (0, 2)])
    out.numbers([(0, 2), (0, 1), (0, 1), (0, 2), (0, 2), (0, 2)])  # no name, no filters, no extensions of either
    main = _y(grey, header) if header.xyb else _whole(grey, header.bits)
    others = [_other(channel, grey, opacity) for channel in header.channels]
    coded = section(main, others, colours=1 if header.grey and not header.xyb else 3, xyb=header.xyb)
    out.put(0, 1)
    out.put(0, -out.at % 8)
    out.number(len(coded), *heads.TOC)
    return out.done() + coded


def _blending(out: Writer, mode: int) -> None:
    """Write how a channel is blended with the frame kept before: F.2."""
    out.number(mode, *heads.MODE)
    out.put(0, int(mode == heads.MULTIPLY))
    out.put(0, 2)


def _other(channel: Channel, grey: Shares, opacity: Shares) -> Plane:
    shares = {heads.ALPHA: opacity, heads.BLACK: grey}.get(channel.kind, np.zeros_like(grey))
    return _whole(shares, channel.bits)


def _whole(shares: Shares, bits: int) -> Plane:
    return np.rint(shares * ((1 << bits) - 1)).astype(np.int32)


def _y(shares: Shares, header: Header) -> Plane:
    """Return Y for greys as the picture's transfer function has them: Annex L.2."""
    light = _linear(shares.astype(np.float64), header) * header.nits / 255
    return np.asarray(np.rint((np.cbrt(light + BIAS) - np.cbrt(BIAS)) * STEPS), np.int32)


def _linear(signal: NDArray[np.float64], header: Header) -> NDArray[np.float64]:
    """Return light, 1 for all a display has (ITU-T H.273 §8.2)."""
    kind = header.transfer
    if kind == heads.LINEAR:
        return signal
    if kind in {heads.GAMMA, heads.DCI}:
        return np.asarray(signal ** (1 / header.gamma if kind == heads.GAMMA else 2.6))
    if kind == heads.PQ:
        root = signal ** (32 / 2523)
        return np.asarray(
            10_000 / header.nits * (np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)) ** (16384 / 2610)
        )
    if kind == heads.HLG:
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)  # noqa: PLR2004
        return np.asarray(scene**1.2)
    if kind == heads.BT709:
        return np.where(signal < 0.081, signal / 4.5, ((signal + 0.099) / 1.099) ** (1 / 0.45))  # noqa: PLR2004
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004
