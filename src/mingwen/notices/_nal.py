"""NAL units and their bits: reading and writing what H.264 and HEVC share."""

import re
from collections.abc import Callable, Iterable

# --- bits ---------------------------------------------------------------------------------------------------------------------


def unguarded(unit: bytes) -> bytes:
    return unit.replace(b"\0\0\3", b"\0\0")


def guarded(raw: bytes) -> bytes:
    return re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", raw)


def bits_of(unit: bytes) -> str:
    """Return a NAL unit's bits before the one that stops it."""
    raw = unguarded(unit)
    return f"{int.from_bytes(raw, 'big'):0{8 * len(raw)}b}".rstrip("0")[:-1]


def unit_of(bits: str) -> bytes:
    whole = bits + "1" + "0" * (-(len(bits) + 1) % 8)
    return guarded(int(whole, 2).to_bytes(len(whole) // 8, "big"))


def coded(value: int) -> str:
    """Write ue(v), ITU-T H.264 §9.1."""
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def number_at(bits: str, at: int) -> tuple[int, int]:
    """Read ue(v): the value, and where it ends."""
    one = bits.index("1", at)
    stop = 2 * one - at + 1
    return int(bits[one:stop], 2) - 1, stop


def with_number(bits: str, at: int, value: int) -> tuple[str, int]:
    """Put ue(v) in the place of another: the bits, and where it ends."""
    code = coded(value)
    return bits[:at] + code + bits[number_at(bits, at)[1] :], at + len(code)


# --- NAL units-----------------------------------------------------------------------------------------------------------


def framed(stream: bytes) -> list[bytes]:
    """Return the NAL units between start codes (ITU-T H.264 annex B)."""
    return [unit for part in stream.split(b"\0\0\1") if (unit := part.rstrip(b"\0"))]


def listing(nals: Iterable[bytes]) -> bytes:
    return b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def messages(unit: bytes, header: int, wanted: Callable[[int], bool]) -> bytes | None:
    """Return the SEI unit with only the messages that are wanted; None if there are none (ITU-T H.264 §7.3.2.3)."""
    raw, at = unguarded(unit).rstrip(b"\0")[:-1], header
    kept = list[bytes]()
    while at < len(raw):
        kind, then = _number(raw, at)
        size, body = _number(raw, then)
        if wanted(kind):
            kept.append(raw[at : body + size])
        at = body + size
    return guarded(raw[:header] + b"".join(kept) + b"\x80") if kept else None


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """Read a number of bytes 255 and one below: the number, and where it ends."""
    stop = next((n for n in range(at, len(raw)) if raw[n] != 0xFF), len(raw))  # noqa: PLR2004 - there is more
    return sum(raw[at : stop + 1]), stop + 1


def listed(data: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """Read ``count`` units with lengths of 16 bits."""
    out = []
    for _ in range(count):
        stop = at + 2 + int.from_bytes(data[at : at + 2], "big")
        out.append(data[at + 2 : stop])
        at = stop
    return out, at
