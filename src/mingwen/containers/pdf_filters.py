"""How streams of a PDF are unpacked: Flate with its predictors, and the two ASCII filters (ISO 32000-1 §7.4).

Pictures' filters and LZW are not read: no label and no table of objects is known to be packed so.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from itertools import accumulate
from typing import Final, NamedTuple

from mingwen.containers.pdf_objects import Value, broken

MAX_SLOW_BYTES: Final = 1 << 20
"""Of what Python has to unpack byte by byte."""
SLOWNESS: Final = 16
"""How much more such a byte costs."""
_UP: Final = 2
_PNG: Final = 10


class Unpacked(NamedTuple):
    """What came out of a filter, and how many bytes' worth of time it took."""

    data: bytes
    cost: int


def unfiltered(data: bytes, name: Value, parameters: Mapping[str, Value], most: int) -> Unpacked:
    """Undo one filter.

    Raises:
        Malformed: the filter is not one of ours, its data are damaged, or come to more than ``most`` bytes (``pdf.broken``).
    """
    if name in {"FlateDecode", "Fl"}:
        return _unpredicted(_inflated(data, most), parameters)
    if name == "Crypt":  # undone already, by its name
        return Unpacked(data, 0)
    if name not in {"ASCIIHexDecode", "AHx", "ASCII85Decode", "A85"}:
        raise broken(f"expected a stream packed by Flate, found {name!s:.40}, which is not read")
    if len(data) > MAX_SLOW_BYTES:
        raise broken(f"expected at most {MAX_SLOW_BYTES} bytes in ASCII, found {len(data)}")
    try:
        if name in {"ASCIIHexDecode", "AHx"}:
            digits = data.partition(b">")[0].translate(None, b"\0\t\n\f\r ")
            out = binascii.unhexlify(digits + b"0" * (len(digits) % 2))
        else:
            out = base64.a85decode(data.partition(b"~>")[0], ignorechars=b"\0\t\n\f\r ")
    except ValueError as e:
        raise broken(f"expected a stream in {name}, but {e}") from e
    return Unpacked(out, SLOWNESS * len(data))


def _inflated(data: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        out = inflater.decompress(data, max(most, 1))
    except zlib.error as e:
        raise broken("expected a stream that can be decompressed, found damaged data") from e
    if not inflater.eof:
        raise broken(f"expected a stream that ends within {most} bytes, found more, or it is cut off")
    return out


def _unpredicted(data: bytes, parameters: Mapping[str, Value]) -> Unpacked:
    """Undo a predictor (§7.4.4.4): rows of bytes, each led by the number of its predictor."""
    predictor = _number(parameters, "Predictor", 1)
    if predictor == 1:
        return Unpacked(data, len(data))
    if predictor < _PNG:
        raise broken(f"expected a predictor of PNG's, found {predictor}, which is not read")
    pixel = _number(parameters, "Colors", 1) * _number(parameters, "BitsPerComponent", 8)
    row = (pixel * _number(parameters, "Columns", 1) + 7) // 8
    kinds = set(data[:: row + 1])
    if kinds <= {0}:
        return Unpacked(b"".join(data[at + 1 : at + 1 + row] for at in range(0, len(data), row + 1)), len(data))
    if kinds == {_UP}:  # what writers of tables use
        return Unpacked(_summed(data, row), len(data))
    if len(data) > MAX_SLOW_BYTES:
        raise broken(f"expected one predictor in a stream of {len(data)} bytes, found several")
    return Unpacked(_mixed(data, row, max(pixel // 8, 1)), SLOWNESS * len(data))


def _summed(data: bytes, row: int) -> bytes:
    out = bytearray(-(-len(data) // (row + 1)) * row)
    for column in range(min(row, len(data) - 1)):
        sums = bytes(s & 0xFF for s in accumulate(data[column + 1 :: row + 1]))
        out[column : column + len(sums) * row : row] = sums
    return bytes(out)


def _mixed(data: bytes, row: int, pixel: int) -> bytes:
    """PNG specification, third edition, §9.2."""
    out = bytearray()
    above = bytes(row)
    for at in range(0, len(data), row + 1):
        line = bytearray(pixel)  # a pixel of zeros stands left of each line
        diagonal = bytes(pixel) + above
        for i, byte in enumerate(data[at + 1 : at + 1 + row]):
            a, b, c = line[i], above[i], diagonal[i]
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            predicted = (0, a, b, (a + b) // 2, nearest)[min(data[at], 4)]
            line.append(byte + predicted & 0xFF)
        above = bytes(line[pixel:]).ljust(row, b"\0")
        out += line[pixel:]
    return bytes(out)


def _number(parameters: Mapping[str, Value], name: str, default: int) -> int:
    value = parameters.get(name, default)
    if not isinstance(value, int) or not 1 <= value <= MAX_SLOW_BYTES:
        raise broken(f"expected a small number as {name} of a predictor, found {value!r:.40}")
    return value
