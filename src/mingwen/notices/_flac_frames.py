"""Frames of FLAC: found without decoding, given another number, or made from samples (RFC 9639 §9).

A CRC is linear: that of a frame with another header follows from the old CRC and the two headers, so that the body is never read
again, and a frame that was damaged stays one that is known to be.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mingwen.domain.errors import Malformed

Whole = NDArray[np.int64]
"""Samples as whole numbers, in the shape (channels, frames)."""

READ_BYTES = 1 << 20
MAX_FRAME_BYTES = 4 << 20
"""A block of 65,535 × 8 channels × 32 bits as it is takes two MiB."""
MAX_HEADER_BYTES = 16
FIXED_SYNC, VARIABLE_SYNC = b"\xff\xf8", b"\xff\xf9"
_CRC8, _CRC16 = 0x07, 0x8005
BYTE_SIZE, WORD_SIZE = 6, 7
"""Codes of block sizes that stand behind the number."""
RATE_BYTES = {12: 1, 13: 2, 14: 2}
MAX_RICE = 30
MAX_FIXED = 4


class Header(NamedTuple):
    """What stands before a frame's sound."""

    number: int
    """Of the frame, or of its first sample where block sizes vary."""
    samples: int
    """Of each channel."""
    lead: bytes
    """Sync and codes: the four bytes before the number."""
    rest: bytes
    """What stands between the number and the CRC."""
    size: int
    """Of all of it."""


class Frame(NamedTuple):
    """A frame as it stands in the file."""

    header: Header
    data: bytes


def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    out, top, mask = [], 1 << bits - 1, (1 << bits) - 1
    for byte in range(256):
        crc = byte << bits - 8
        for _ in range(8):
            crc = (crc << 1 ^ (polynomial if crc & top else 0)) & mask
        out.append(crc)
    return tuple(out)


_TABLE8, _TABLE16 = _table(_CRC8, 8), _table(_CRC16, 16)


def crc8(data: bytes) -> int:
    """Return the CRC of a header."""
    crc = 0
    for byte in data:
        crc = _TABLE8[crc ^ byte]
    return crc


def crc16(data: bytes) -> int:
    """Return the CRC of a frame."""
    crc = 0
    for byte in data:
        crc = crc << 8 & 0xFFFF ^ _TABLE16[crc >> 8 ^ byte]
    return crc


# --- found ------------------------------------------------------------------------------------------------------------


def walk(source: BinaryIO, start: int, stop: int) -> Iterator[Frame]:
    """Yield the frames between two offsets; each is known by its header's CRC and by the number that must come next.

    Raises:
        Malformed: there is none where one must be, or the last one is torn (``flac.frames``).
    """
    held, at, read_to = b"", 0, start
    header: Header | None = None
    while True:
        cut = _next(held, at, header) if header else -1
        if header and cut >= 0:
            yield Frame(header, held[at:cut])
            at, header = cut, _header(held, cut)
            continue
        held, at = held[at:], 0
        source.seek(read_to)
        more = source.read(min(READ_BYTES, stop - read_to))
        if not more or len(held) > MAX_FRAME_BYTES:
            break
        held += more
        read_to += len(more)
        header = header or _header(held, 0) or _lost(start)
    if header and crc16(held):
        raise _broken(f"a whole last frame, number {header.number}, got a torn one of {len(held)} bytes")
    if header:
        yield Frame(header, held)


def _lost(at: int) -> Header:
    raise _broken(f"a frame at {at}, found none")


def _broken(what: str) -> Malformed:
    return Malformed(
        "flac.frames", f"expected {what}", hint="the file is damaged or cut off; get a whole copy, or encode it anew"
    )


def _next(held: bytes, at: int, header: Header) -> int:
    """Return where the frame behind this one begins, or −1."""
    sync = header.lead[:2]
    number = header.number + (1 if sync == FIXED_SYNC else header.samples)
    cut = held.find(sync, at + header.size)
    while cut >= 0:
        other = _header(held, cut)
        if other and other.number == number:
            return cut
        cut = held.find(sync, cut + 1)
    return -1


def _header(held: bytes, at: int) -> Header | None:
    """Read a header (RFC 9639 §9.1); None where there is none."""
    head = held[at : at + MAX_HEADER_BYTES]
    if len(head) < 6 or head[:2] not in (FIXED_SYNC, VARIABLE_SYNC) or head[3] & 1:  # noqa: PLR2004 - the least header
        return None
    code, rate = head[2] >> 4, head[2] & 15
    width = _width(head[4])
    behind = 4 + width
    size = behind + {BYTE_SIZE: 1, WORD_SIZE: 2}.get(code, 0) + RATE_BYTES.get(rate, 0) + 1
    if not code or not width or size > len(head) or crc8(head[:size]):
        return None
    number = head[4] & (0x7F >> width if width > 1 else 0x7F)
    for byte in head[5:behind]:
        number = number << 6 | byte & 0x3F
    return Header(number, _samples(code, head[behind:]), head[:4], head[behind : size - 1], size)


def _width(first: int) -> int:
    """Return the bytes of a number that is coded as UTF-8 is, up to 36 bits; 0 where it cannot begin so."""
    ones = 8 - (first ^ 0xFF).bit_length()
    return {0: 1, 1: 0, 8: 0}.get(ones, ones)


def _samples(code: int, extra: bytes) -> int:
    """Return the block size (RFC 9639 §9.1.1)."""
    if code in (BYTE_SIZE, WORD_SIZE):
        return int.from_bytes(extra[: code - 5]) + 1
    return 192 if code == 1 else 144 << code if code < BYTE_SIZE else 1 << code


# --- numbered anew ----------------------------------------------------------------------------------------------------------


class Powers:
    """x to the power of eight times n, modulo the CRC's polynomial: what n bytes behind do to a remainder."""

    def __init__(self) -> None:
        self._powers = [1]

    def behind(self, crc: int, count: int) -> int:
        """Return the CRC of some bytes, given ``crc``, with so many zeros behind them."""
        powers = self._powers
        while len(powers) <= count:
            last = powers[-1]
            powers.append(last << 8 & 0xFFFF ^ _TABLE16[last >> 8])
        power, out = powers[count], 0
        while crc:
            if crc & 1:
                out ^= power
            crc >>= 1
            power = power << 1 ^ (0x18005 if power & 0x8000 else 0)
        return out


def renumbered(frame: Frame, number: int, powers: Powers) -> bytes:
    """Return a frame with another number, and CRCs as right or as wrong as they were."""
    header, data = frame
    if number == header.number:
        return data
    head = headed(header, number)
    body = data[header.size : -2]
    change = powers.behind(crc16(data[: header.size]) ^ crc16(head), len(body))
    return b"".join((head, body, (int.from_bytes(data[-2:]) ^ change).to_bytes(2)))


def headed(like: Header, number: int) -> bytes:
    """Write a header with another number."""
    head = like.lead + _coded(number) + like.rest
    return head + bytes((crc8(head),))


def _coded(number: int) -> bytes:
    if number < 0x80:  # noqa: PLR2004 - seven bits, as in ASCII
        return bytes((number,))
    tail = list[int]()
    room = 0x3F  # what the first byte can hold besides its ones
    while number > room:
        tail.append(0x80 | number & 0x3F)
        number >>= 6
        room >>= 1
    return bytes((~(room << 1 | 1) & 0xFF | number, *reversed(tail)))


# --- made -------------------------------------------------------------------------------------------------------------------


def encoded(block: Whole, bits: int, like: Header) -> Frame:
    """Make frame 0 of one block: channels by themselves, each predicted from up to four samples before (RFC 9639 §9.2.5)."""
    channels, samples = block.shape
    lead = like.lead[:2] + bytes((WORD_SIZE << 4 | like.lead[2] & 15, channels - 1 << 4 | like.lead[3] & 0x0E))
    rate = like.rest[len(like.rest) - RATE_BYTES.get(like.lead[2] & 15, 0) :]
    header = Header(0, samples, lead, (samples - 1).to_bytes(2) + rate, 0)
    head = headed(header, 0)
    body = head + np.packbits(np.concatenate([_subframe(channel, bits) for channel in block])).tobytes()
    return Frame(header._replace(size=len(head)), body + crc16(body).to_bytes(2))


def _bits(values: Whole, width: int) -> NDArray[np.uint8]:
    return (values[:, np.newaxis] >> np.arange(width - 1, -1, -1) & 1).astype(np.uint8).ravel()


def _number(value: int, width: int) -> NDArray[np.uint8]:
    return _bits(np.array([value]), width)


def _subframe(samples: Whole, bits: int) -> NDArray[np.uint8]:
    """Write one channel: as a constant, by a fixed predictor, or as it is, whichever is the shortest."""
    if (samples == samples[0]).all():
        return np.concatenate([_number(0, 8), _bits(samples[:1], bits)])
    order = min(range(min(MAX_FIXED, len(samples) - 1) + 1), key=lambda n: int(np.abs(np.diff(samples, n)).sum()))
    residual = np.diff(samples, order)
    if np.abs(residual).max(initial=0) < 1 << 31:
        rice = _rice(residual)
        if len(rice) < len(samples) * bits:
            return np.concatenate([_number((8 | order) << 1, 8), _bits(samples[:order], bits), rice])
    return np.concatenate([_number(1 << 1, 8), _bits(samples, bits)])


def _rice(residual: Whole) -> NDArray[np.uint8]:
    """Code numbers in one partition with parameters of five bits (RFC 9639 §9.2.7)."""
    folded = np.where(residual < 0, -2 * residual - 1, 2 * residual)
    parameter = min(max(int(folded.mean()).bit_length() - 1, 0), MAX_RICE) if len(folded) else 0
    high = folded >> parameter
    ends = np.cumsum(high + 1 + parameter)
    out = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    out[ends - parameter - 1] = 1
    for bit in range(parameter):
        out[ends - 1 - bit] = folded >> bit & 1
    return np.concatenate([_number(1, 2), _number(0, 4), _number(parameter, 5), out])
