"""What a JPEG XL codestream says of its picture and its frames (ISO/IEC 18181-1 Annexes D and F), as far as we have to know."""

from dataclasses import KW_ONLY, dataclass
from typing import Final

from mingwen.domain.errors import Refused
from mingwen.notices._jxl_bits import Bits
from mingwen.notices._jxl_entropy import skip_order, skip_profile

ALPHA, DEPTH, SPOT, BLACK, CFA = 0, 1, 2, 4, 5
BT709, LINEAR, SRGB, PQ, DCI, HLG = 1, 8, 13, 16, 17, 18
GAMMA, PROFILE = -1, -2
"""A transfer function that is a power, or said by an ICC profile."""
GREY_SPACE, RGB_SPACE, XYB_SPACE = 1, 0, 2
CUSTOM = 2
"""White points and primaries that are given as numbers."""
REGULAR, LF_FRAME, REFERENCE_ONLY, SKIP_PROGRESSIVE = range(4)
NOISE, USE_LF_FRAME = 1, 32
REPLACE, ADD, BLEND, WEIGHTED_ADD, MULTIPLY = range(5)

MAX_CHANNELS: Final = 16
"""Beside the colours."""
MAX_FRAMES: Final = 1000
MAX_PIXELS: Final = 1 << 28
LEAST_ENTRY: Final = 12
"""Bits of an entry in a table of contents."""
NO_ANSWER = "save the picture anew, for example with djxl and cjxl"

_SIZE = ((1, 9), (1, 13), (1, 18), (1, 30))
_ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))
NAME = ((0, 0), (0, 4), (16, 5), (48, 10))
CROP = ((0, 8), (256, 11), (2304, 14), (18688, 30))
_XY = ((0, 19), (524288, 19), (1048576, 20), (2097152, 21))
MODE = ((0, 0), (1, 0), (2, 0), (3, 2))
TOC = ((0, 10), (1024, 14), (17408, 22), (4211712, 30))
_RATIOS = ((1, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


@dataclass(frozen=True, slots=True)
class Channel:
    """What stands beside the colours."""

    kind: int = ALPHA
    bits: int = 8


@dataclass(frozen=True, slots=True)
class Header:
    """What holds for all frames."""

    width: int
    height: int
    orientation: int = 1
    bits: int = 8
    channels: tuple[Channel, ...] = ()
    xyb: bool = True
    grey: bool = False
    transfer: int = SRGB
    gamma: float = 1.0
    nits: float = 255.0
    """What the largest value of a display means."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the parts of a frame's header stand; all in bits."""

    start: int
    is_last: int
    """The bit that says so; what may follow it in a frame that is not the last comes right behind."""
    name: int
    stop: int
    """Behind the header, where the table of contents begins."""
    sections: int
    _: KW_ONLY
    all_default: bool = False
    """Is there nothing but a bit that says so?"""
    last: bool
    covers: bool
    """Does it replace all there was?"""
    named: bool = False
    noise: bool = False
    """Grain that hangs on the number of the frame."""


def header(bits: Bits) -> Header:
    """Read what stands before the frames.

    Raises:
        Refused: there is something in it that is not followed: animation, a preview, numbers with a point.
    """
    bits.take(16)  # the signature
    width, height = _size(bits)
    if width * height > MAX_PIXELS:
        raise Refused("notice.too-large", f"expected at most {MAX_PIXELS} pixels", hint="make the picture smaller")
    found = Header(width, height) if bits.flag() else _metadata(bits, width, height)  # the default: 8 bits, XYB, sRGB
    if not bits.flag():  # Annex D.3: custom transform data
        if found.xyb and not bits.flag():
            raise _refused("colours of its own")
        mask = bits.take(3)
        bits.at += 16 * sum(count for n, count in enumerate((15, 55, 210)) if mask >> n & 1)
    if found.transfer == PROFILE:
        skip_profile(bits)
    return found


def frame(bits: Bits, of: Header) -> Frame:
    """Read the header of a frame: Annex F.2."""
    bits.align()
    start = bits.at
    if bits.flag():
        stop, sections = bits.at, _sections(of.width, of.height, 256, 1)
        return Frame(start, stop, stop, stop, sections, all_default=True, last=True, covers=True)
    kind, modular, flags = bits.take(2), bits.flag(), bits.long()
    ycbcr = not of.xyb and bits.flag()
    if ycbcr and not flags & USE_LF_FRAME:
        bits.take(6)
    upsampling = 1
    if not flags & USE_LF_FRAME:
        upsampling = 1 << bits.take(2)
        bits.take(2 * len(of.channels))
    shift = bits.take(2) if modular else 1
    if of.xyb and not modular:
        bits.take(6)
    passes = _passes(bits) if kind != REFERENCE_ONLY else 1
    level = bits.take(2) + 1 if kind == LF_FRAME else 0
    width, height, partial = of.width, of.height, False
    if kind != LF_FRAME and bits.flag():
        x, y = (bits.number(*CROP) for _ in range(2)) if kind != REFERENCE_ONLY else (0, 0)
        width, height = bits.number(*CROP), bits.number(*CROP)
        x, y = (-(n + 1) // 2 if n & 1 else n // 2 for n in (x, y))
        partial = x > 0 or y > 0 or x + width < of.width or y + height < of.height
    last, at, covers = False, bits.at, False
    if kind in {REGULAR, SKIP_PROGRESSIVE}:
        mode = _blending(bits, of, partial=partial)
        for _ in of.channels:
            _blending(bits, of, partial=partial)
        covers = mode == REPLACE and not partial
        at, last = bits.at, bits.flag()
    if kind != LF_FRAME and not last:
        bits.take(2)
        if covers or kind == REFERENCE_ONLY:
            bits.take(1)
    name = bits.at
    length = bits.number(*NAME)
    bits.at += 8 * length
    _filters(bits, modular=modular)
    _extensions(bits)
    scale = upsampling << 3 * level
    sections = _sections(-(-width // scale), -(-height // scale), 128 << shift, passes)
    return Frame(start, at, name, bits.at, sections, last=last, covers=covers, named=length > 0, noise=bool(flags & NOISE))


def contents(bits: Bits, sections: int) -> int:
    """Read a table of contents (F.3), and return how many bytes follow."""
    if bits.flag():
        skip_order(bits, sections)
    bits.align()
    if sections * LEAST_ENTRY > 8 * len(bits.data):
        raise EOFError("the codestream ends within a table of contents")
    total = sum(bits.number(*TOC) for _ in range(sections))
    bits.align()
    return total


def _size(bits: Bits) -> tuple[int, int]:
    small = bits.flag()
    height = 8 * (bits.take(5) + 1) if small else bits.number(*_SIZE)
    if ratio := bits.take(3):
        by, to = _RATIOS[ratio]
        return height * by // to, height
    return (8 * (bits.take(5) + 1) if small else bits.number(*_SIZE)), height


def _metadata(bits: Bits, width: int, height: int) -> Header:
    orientation, extra = 1, bits.flag()
    if extra:
        orientation = bits.take(3) + 1
        if bits.flag():
            _size(bits)  # how large it is meant to be shown
        if bits.flag():
            raise _refused("a preview")
        if bits.flag():
            raise _refused("an animation")
    depth = _depth(bits)
    bits.take(1)
    count = bits.number((0, 0), (1, 0), (2, 4), (1, 12))
    if count > MAX_CHANNELS:
        raise _refused(f"{count} channels")
    channels = tuple(_channel(bits) for _ in range(count))
    xyb = bits.flag()
    if depth == 0 and not xyb:
        raise _refused("floating point numbers")
    grey, transfer, gamma = (False, SRGB, 1.0) if bits.flag() else _colours(bits)
    nits = 255.0
    if extra and not bits.flag():
        nits = bits.half()
        bits.take(16 + 1 + 16)
    _extensions(bits)
    return Header(width, height, orientation, depth, channels, xyb, grey, transfer, gamma, nits)


def _depth(bits: Bits) -> int:
    """Return the bits of a sample, 0 for floating point."""
    if bits.flag():
        bits.number((32, 0), (16, 0), (24, 0), (1, 6))
        bits.take(4)
        return 0
    return bits.number((8, 0), (10, 0), (12, 0), (1, 6))


def _channel(bits: Bits) -> Channel:
    if bits.flag():
        return Channel()
    kind, depth = bits.number(*_ENUM), _depth(bits)
    if bits.number((0, 0), (3, 0), (4, 0), (1, 3)) or not depth:
        raise _refused("a smaller channel, or one in floating point")
    length = bits.number(*NAME)
    bits.at += 8 * length
    if kind == ALPHA:
        bits.take(1)
    if kind == SPOT:
        bits.take(64)
    if kind == CFA:
        bits.number((1, 0), (0, 2), (3, 4), (19, 8))
    return Channel(kind, depth)


def _colours(bits: Bits) -> tuple[bool, int, float]:
    """Return whether there is one colour, and the transfer function: Annex E.2."""
    profile, space = bits.flag(), bits.number(*_ENUM)
    if profile:  # decoders show XYB as sRGB then; else nothing is converted
        return space == GREY_SPACE, PROFILE, 1.0
    if space == XYB_SPACE:
        raise _refused("XYB as its colours")
    if bits.number(*_ENUM) == CUSTOM:
        [bits.number(*_XY) for _ in range(2)]
    if space != GREY_SPACE and bits.number(*_ENUM) == CUSTOM:
        [bits.number(*_XY) for _ in range(6)]
    gamma = bits.take(24) / 1e7 if bits.flag() else 0.0
    transfer = GAMMA if gamma else bits.number(*_ENUM)
    bits.number(*_ENUM)
    return space == GREY_SPACE, transfer, gamma


def _passes(bits: Bits) -> int:
    count = bits.number((1, 0), (2, 0), (3, 0), (4, 3))
    if count > 1:
        smaller = bits.number((0, 0), (1, 0), (2, 0), (3, 1))
        bits.take(2 * (count - 1) + 2 * smaller)
        for _ in range(smaller):
            bits.number((0, 0), (1, 0), (2, 0), (0, 3))
    return count


def _blending(bits: Bits, of: Header, *, partial: bool) -> int:
    mode = bits.number(*MODE)
    by_alpha = bool(of.channels) and mode in {BLEND, WEIGHTED_ADD}
    if by_alpha:
        bits.number((0, 0), (1, 0), (2, 0), (3, 3))
    if by_alpha or mode == MULTIPLY:
        bits.take(1)
    if mode != REPLACE or partial:
        bits.take(2)
    return mode


def _filters(bits: Bits, *, modular: bool) -> None:
    """Pass over the restoration filters: Annex J."""
    if bits.flag():
        return
    if bits.flag() and bits.flag():
        bits.at += 6 * 16
    if bits.take(2):
        if not modular and bits.flag():
            bits.at += 8 * 16
        if bits.flag():
            bits.at += 5 * 16
        if bits.flag():
            bits.at += (3 if modular else 4) * 16
        if modular:
            bits.at += 16
    _extensions(bits)


def _extensions(bits: Bits) -> None:
    flags = bits.long()
    lengths = [bits.long() for n in range(64) if flags >> n & 1]
    bits.at += sum(lengths)


def _sections(width: int, height: int, side: int, passes: int) -> int:
    groups = -(-width // side) * -(-height // side)
    lf = -(-width // (8 * side)) * -(-height // (8 * side))
    return 1 if groups == 1 and passes == 1 else 2 + lf + groups * passes


def _refused(what: str) -> Refused:
    return Refused("notice.codestream", f"expected a plain still JPEG XL, found {what}", hint=NO_ANSWER)
