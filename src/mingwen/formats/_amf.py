"""AMF0, the values of a script tag in Flash Video: walk them, and where they stand, in bounds (AMF0 specification, 2007)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mingwen.domain.errors import Malformed

MAX_DEPTH: Final = 16
"""Values within values; the key frames of a film stand at three."""
MAX_VALUES: Final = 150_000
"""Of one script tag; ten hours with a key frame a second have 72,000 in their index."""
MAX_STRING_BYTES: Final = 0xFFFF
"""Of a string with a 16-bit length, the only kind that is written."""

NUMBER, STRING, OBJECT, NULL, ECMA_ARRAY, OBJECT_END, STRICT_ARRAY, LONG_STRING = 0, 2, 3, 5, 8, 9, 10, 12
_UNDEFINED, _REFERENCE, _DATE, _UNSUPPORTED, _XML, _TYPED, _AMF3 = 6, 7, 11, 13, 15, 16, 17
_BOOLEAN: Final = 1
_FIXED: Final = {NUMBER: 8, _BOOLEAN: 1, NULL: 0, _UNDEFINED: 0, _REFERENCE: 2, _DATE: 10, _UNSUPPORTED: 0}
"""Bytes behind the marker."""
_LENGTHS: Final = {STRING: 2, LONG_STRING: 4, _XML: 4}
"""Bytes of the length behind the marker."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value, before those that stand in it."""

    path: tuple[str, ...]
    """The names and numbers that lead to it; the first counts the values of the tag."""
    kind: int
    start: int
    """Where its name begins, or it itself where it has none."""
    marker: int
    stop: int
    """Behind it; of arrays and objects behind what opens them."""
    counter: int
    """Where the count of the ECMA array that it stands in is; 0 if in none."""

    @property
    def named(self) -> bool:
        """Is it the property of an object or an ECMA array?"""
        return self.start != self.marker


def values(data: bytes) -> Iterator[Value]:
    """Yield every value in order, those within others behind them, and an end mark behind the last of an object.

    Raises:
        Malformed: a value reaches behind the data, is of a kind that is not read (AMF3 among them), or there are more or
            deeper ones than the bounds say (``amf.broken``).
    """
    walk = _Walk(data)
    number = 0
    while walk.at < len(data):
        yield from walk.value((str(number),), walk.at, 0)
        number += 1


def string(data: bytes, value: Value) -> str:
    """Return the text of a string, a long one or XML; "" of anything else."""
    length = _LENGTHS.get(value.kind)
    return data[value.marker + 1 + length : value.stop].decode("utf-8", "replace") if length else ""


def number(data: bytes, value: Value) -> float:
    """Return a number."""
    return float(struct.unpack_from(">d", data, value.marker + 1)[0])


def packed_number(value: float) -> bytes:
    """Build a number without its marker."""
    return struct.pack(">d", value)


def packed_string(text: bytes) -> bytes:
    """Build a string of at most ``MAX_STRING_BYTES``."""
    return bytes([STRING]) + packed_name(text)


def packed_name(name: bytes) -> bytes:
    """Build the name of a property."""
    return len(name).to_bytes(2) + name


def broken(what: str) -> Malformed:
    """Build the one error for what is no AMF0."""
    return Malformed("amf.broken", what, hint="the metadata is damaged, or written in AMF3; remux the file with ffmpeg -c copy")


class _Walk:
    """One pass over the data."""

    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data
        self._left = MAX_VALUES

    def value(self, path: tuple[str, ...], start: int, counter: int) -> Iterator[Value]:
        """Yield the value at the position, and those in it."""
        self._left -= 1
        if len(path) > MAX_DEPTH or self._left < 0:
            raise broken(f"expected at most {MAX_VALUES} values, nested at most {MAX_DEPTH} deep")
        marker = self.at
        kind = self._take(1)
        if kind in _FIXED:
            self._skip(_FIXED[kind])
        elif kind in _LENGTHS:
            self._skip(self._take(_LENGTHS[kind]))
        elif kind == _TYPED:
            self._skip(self._take(2))
        elif kind in {ECMA_ARRAY, STRICT_ARRAY}:
            self._skip(4)
        elif kind != OBJECT:
            raise broken(f"expected a value of AMF0 at {marker}, found the marker {kind}")
        yield Value(path, kind, start, marker, self.at, counter)
        if kind == STRICT_ARRAY:
            for index in range(int.from_bytes(self._data[marker + 1 : marker + 5])):
                yield from self.value((*path, str(index)), self.at, 0)
        elif kind in {OBJECT, ECMA_ARRAY, _TYPED}:
            yield from self._properties(path, marker + 1 if kind == ECMA_ARRAY else 0)

    def _properties(self, path: tuple[str, ...], counter: int) -> Iterator[Value]:
        """Yield the properties up to the empty name that ends them."""
        while True:
            start = self.at
            length = self._take(2)
            self._skip(length)
            if not length and self._data[self.at : self.at + 1] == bytes([OBJECT_END]):
                self._skip(1)
                yield Value(path, OBJECT_END, start, self.at - 1, self.at, counter)
                return
            name = self._data[start + 2 : self.at].decode("utf-8", "replace")
            yield from self.value((*path, name), start, counter)

    def _take(self, count: int) -> int:
        self._skip(count)
        return int.from_bytes(self._data[self.at - count : self.at])

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise broken(f"expected {self.at} bytes of values, found {len(self._data)}")
