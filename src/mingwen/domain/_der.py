"""DER, as little of it as keys, certificates and signatures need (ITU-T X.690, one-byte tags, definite lengths)."""

from dataclasses import dataclass

from mingwen.domain.errors import Malformed

MAX_BYTES = 16 * 1024
MAX_ELEMENTS = 64
"""In one SEQUENCE; a certificate's body has ten."""

INTEGER, BIT_STRING, OCTET_STRING, OID, SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x30
CONTEXT_0, CONTEXT_1 = 0xA0, 0xA1
_LONG = 0x80


@dataclass(frozen=True, slots=True)
class Element:
    """One tag, its content, and both as they stand."""

    tag: int
    body: bytes
    whole: bytes


def elements(data: bytes) -> tuple[Element, ...]:
    """Split ``data`` into the elements it is a row of.

    Raises:
        Malformed: it is none, or is too large (``der.malformed``).
    """
    found: list[Element] = []
    rest = data
    while rest:
        if len(data) > MAX_BYTES or len(found) == MAX_ELEMENTS:
            raise _malformed(f"at most {MAX_ELEMENTS} elements in {MAX_BYTES} bytes", f"{len(data)} bytes")
        found.append(_first(rest))
        rest = rest[len(found[-1].whole) :]
    return tuple(found)


def inside(data: bytes, *tags: int) -> tuple[Element, ...]:
    """Return what stands in the one SEQUENCE that ``data`` is, which must begin with ``tags``.

    Raises:
        Malformed: it is not such a SEQUENCE (``der.malformed``).
    """
    outer = elements(data)
    if [e.tag for e in outer] != [SEQUENCE]:
        raise _malformed("one SEQUENCE", data[:8].hex(" "))
    inner = elements(outer[0].body)
    if tuple(e.tag for e in inner[: len(tags)]) != tags:
        raise _malformed(f"the tags {bytes(tags).hex(' ')}", bytes(e.tag for e in inner).hex(" "))
    return inner


def is_sequence(data: bytes) -> bool:
    """Say whether ``data`` is one SEQUENCE and nothing more."""
    try:
        inside(data)
    except Malformed:
        return False
    return True


def integer(value: int) -> bytes:
    """Write an INTEGER of 0 or more."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def encode(tag: int, *parts: bytes) -> bytes:
    """Write one element around ``parts``."""
    body = b"".join(parts)
    return bytes([tag]) + _length(len(body)) + body


def _length(count: int) -> bytes:
    if count < _LONG:
        return bytes([count])
    digits = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([_LONG | len(digits)]) + digits


def _first(data: bytes) -> Element:
    size = data[1] & ~_LONG if len(data) > 1 and data[1] >= _LONG else 0
    count = int.from_bytes(data[2 : 2 + size], "big") if size else int.from_bytes(data[1:2], "big")
    start = 2 + size
    stop = start + count
    if data[0] & 0x1F == 0x1F or data[1:start] != _length(count) or len(data) < stop:  # noqa: PLR2004 - X.690 §8.1.2.4
        raise _malformed("a DER element", data[:8].hex(" "))
    return Element(data[0], data[start:stop], data[:stop])


def _malformed(expected: str, came: str) -> Malformed:
    return Malformed("der.malformed", f"expected {expected}, got {came}", hint="the bytes are cut off or are not DER")
