"""Where a coded film may be entered: which key pictures decode with nothing before them, and leave nothing before them amiss.

A container calls every picture "key" from which a player may begin. Some of them are followed by leading pictures, shown before
but decoded after, that need what came earlier (an open GOP): the pictures before such an entry cannot be replaced alone.
"""

from collections.abc import Callable, Iterator
from enum import Enum

NAL_TYPE_H264, NAL_TYPE_HEVC = 0x1F, 0x3F
IDR_H264 = 5
"""ITU-T H.264 table 7-1."""
IDR_HEVC, OPEN_HEVC = (19, 20), (16, 17, 18, 21)
"""ITU-T H.265 table 7-1: IDR_W_RADL, IDR_N_LP; BLA_W_LP, BLA_W_RADL, BLA_N_LP, CRA_NUT."""
SEQUENCE_HEADER, FRAME_HEADER, METADATA, FRAME, TEMPORAL_DELIMITER = 1, 3, 5, 6, 2
"""OBU types of AV1 (§6.2.2)."""
VP8_FLAGS, SHOWN_KEY_VP8 = 0b1_0001, 0b1_0000
"""show_frame, and not (the inverse) key frame (RFC 6386 §9.1)."""
SHOWN_KEY_AV1 = 0b0001
"""show_existing_frame 0, frame_type KEY_FRAME, show_frame 1 (§5.9.2)."""


class Entry(Enum):
    """What kind of entry a sample is."""

    NONE = "none"
    CLEAN = "clean"
    """What comes before may be replaced as it is."""
    OPEN = "open"
    """Its leading pictures need what comes before."""


def entry(codec: str, config: bytes, sample: bytes) -> Entry:
    """Say what kind of entry a sample of a codec is; ``config`` as in ``Track``."""
    return ENTRIES[codec](config, sample)


def length_size(codec: str, config: bytes) -> int:
    """Return how many bytes tell the length of a NAL unit (ISO/IEC 14496-15 §5.3.3.1, §8.3.3.1)."""
    return (config[4 if codec == "h264" else 21] & 3) + 1


def units(sample: bytes, size: int) -> Iterator[bytes]:
    """Yield the NAL units of a sample in which lengths of ``size`` bytes precede them."""
    at = 0
    while at + size <= len(sample):
        stop = at + size + int.from_bytes(sample[at : at + size], "big")
        if unit := sample[at + size : stop]:
            yield unit
        at = stop


def obus(sample: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield ``(type, whole OBU, where its payload begins in it)``; what does not parse ends it (AV1 §5.3)."""
    at = 0
    while at < len(sample):
        head = sample[at]
        body = at + 1 + (head >> 2 & 1)
        length, body = _leb128(sample, body) if head & 2 else (len(sample) - body, body)
        if not 0 <= length <= len(sample) - body:
            return
        yield head >> 3 & 15, sample[at : body + length], body - at
        at = body + length


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for number, byte in enumerate(data[at : at + 8]):
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:  # noqa: PLR2004 - the bit that says there is more
            return value, at + number + 1
    return len(data) + 1, at


def _h264(config: bytes, sample: bytes) -> Entry:
    kinds = {unit[0] & NAL_TYPE_H264 for unit in units(sample, length_size("h264", config))}
    return Entry.CLEAN if IDR_H264 in kinds else Entry.NONE


def _hevc(config: bytes, sample: bytes) -> Entry:
    for unit in units(sample, length_size("hevc", config)):
        kind = unit[0] >> 1 & NAL_TYPE_HEVC
        if kind in IDR_HEVC:
            return Entry.CLEAN
        if kind in OPEN_HEVC:
            return Entry.OPEN
    return Entry.NONE


def _vp8(_: bytes, sample: bytes) -> Entry:
    return Entry.CLEAN if sample and sample[0] & VP8_FLAGS == SHOWN_KEY_VP8 else Entry.NONE


def _vp9(_: bytes, sample: bytes) -> Entry:
    bits = f"{int.from_bytes(sample[:2], 'big'):016b}"  # VP9 §6.2: marker, profile, show_existing_frame, frame_type, show_frame
    at = 5 if bits[2:4] == "11" else 4
    return Entry.CLEAN if bits[:2] == "10" and bits[at : at + 3] == "001" else Entry.NONE


def _av1(_: bytes, sample: bytes) -> Entry:
    for kind, whole, body in obus(sample):
        if kind in (FRAME, FRAME_HEADER):
            return Entry.CLEAN if whole[body:] and whole[body] >> 4 == SHOWN_KEY_AV1 else Entry.NONE
    return Entry.NONE


def _always(_: bytes, __: bytes) -> Entry:
    return Entry.CLEAN


ENTRIES: dict[str, Callable[[bytes, bytes], Entry]] = {
    "h264": _h264,
    "hevc": _hevc,
    "vp8": _vp8,
    "vp9": _vp9,
    "av1": _av1,
    "mjpeg": _always,
}
