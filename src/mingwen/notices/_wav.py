"""A WAV with the rhythm: samples are put into the ``data`` chunk, nothing is decoded.

Kept byte for byte: every sample and every other chunk, but for the sizes and the sample counts in ``ds64`` and ``fact``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from struct import Struct, unpack_from
from typing import BinaryIO, TypeAlias

import numpy as np

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Moment, Style
from mingwen.notices._cue import Samples, copied, cue

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
Code: TypeAlias = Callable[[Samples], bytes]

LEAST_RATE = 4_000
MAX_RATE = 3_072_000
MAX_CHANNELS = 1_024
MAX_CHUNKS = 10_000
MAX_FORMAT_BYTES = 65_536
UNKNOWN_SIZE = 0xFFFFFFFF
"""What RF64 writes where ds64 has the size, and what a pipe writes that cannot go back."""
_HEADER = Struct("<4sI")
_FORMAT = Struct("<HHIIHH")
"""fmt: tag, channels, rate, bytes a second, bytes a frame, bits a sample."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    start: int
    """Of the body."""
    stop: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """A WAV taken apart."""

    chunks: tuple[_Chunk, ...]
    wide: bool
    """RF64 or BW64: sizes stand in ds64."""
    code: Code
    rate: int
    frame_bytes: int

    @property
    def data(self) -> _Chunk:
        """The samples."""
        return next(c for c in self.chunks if c.kind == b"data")


def mark(source: BinaryIO, sink: BinaryIO, style: Style) -> None:
    """Write the file with the rhythm, in constant memory."""
    layout = _layout(source)
    front = layout.code(cue(style, layout.rate, Moment.START)) if Moment.START in style.moments else b""
    back = layout.code(cue(style, layout.rate, Moment.END)) if Moment.END in style.moments else b""
    data = layout.data
    added, old = len(front) + len(back), data.stop - data.start
    sizes = {c: c.stop - c.start + (added if c is data else 0) for c in layout.chunks}
    total = 4 + sum(8 + size + size % 2 for size in sizes.values())
    if not layout.wide and total > UNKNOWN_SIZE - 1:
        raise Refused(
            "notice.too-large", f"expected at most 4 GiB of RIFF, got {total} bytes", hint="save the sound as RF64 first"
        )
    source.seek(0)
    sink.write(source.read(4) + (UNKNOWN_SIZE if layout.wide else total).to_bytes(4, "little") + b"WAVE")
    for chunk, size in sizes.items():
        sink.write(_HEADER.pack(chunk.kind, UNKNOWN_SIZE if layout.wide and chunk is data else size))
        if chunk is data:
            whole = data.start + old // layout.frame_bytes * layout.frame_bytes
            pieces = _with_rhythm(source, chunk, whole, (front, back))
        else:
            source.seek(chunk.start)
            pieces = iter((_counted(source, chunk, (total, old + added, added // layout.frame_bytes)),))
        sink.writelines(pieces)
        sink.write(bytes(size % 2))


def _with_rhythm(source: BinaryIO, data: _Chunk, whole: int, ends: tuple[bytes, bytes]) -> Iterator[bytes]:
    """Yield the samples between the rhythms; a torn last frame stays last, so that the rhythm is not torn."""
    yield ends[0]
    yield from copied(source, data.start, whole)
    yield ends[1]
    yield from copied(source, whole, data.stop)


def _counted(source: BinaryIO, chunk: _Chunk, new: tuple[int, int, int]) -> bytes:
    """Return a chunk's body; ds64 and fact, which count bytes and samples, tell the truth about the output."""
    total, data_bytes, more = new
    body = b"".join(copied(source, chunk.start, chunk.stop))
    if chunk.kind == b"ds64" and len(body) >= 24:  # noqa: PLR2004 - three sizes of 8 bytes
        samples = int.from_bytes(body[16:24], "little")
        counts = (total, data_bytes, samples + more if samples else 0)
        return b"".join(n.to_bytes(8, "little") for n in counts) + body[24:]
    if chunk.kind == b"fact" and len(body) >= 4 and (samples := int.from_bytes(body[:4], "little")) not in (0, UNKNOWN_SIZE):  # noqa: PLR2004
        return min(samples + more, UNKNOWN_SIZE).to_bytes(4, "little") + body[4:]
    return body


def _layout(source: BinaryIO) -> _Layout:
    length = source.seek(0, 2)
    source.seek(0)
    head = source.read(12)
    if head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:12] != b"WAVE":
        raise Malformed("wav.header", f"expected RIFF, RF64 or BW64 with WAVE, got {head!r}", hint="is it a WAV file?")
    wide = head[:4] != b"RIFF"
    chunks = tuple(_chunks(source, length, riff_bytes=int.from_bytes(head[4:8], "little")))
    kinds = [c.kind for c in chunks]
    if kinds.count(b"data") != 1 or b"fmt " not in kinds or (wide and kinds[0] != b"ds64"):
        raise Malformed("wav.chunks", f"expected fmt and one data, got {b' '.join(kinds[:12])!r}", hint="get a whole copy")
    fmt = chunks[kinds.index(b"fmt ")]
    source.seek(fmt.start)
    code, rate, frame_bytes = _coding(source.read(min(fmt.stop - fmt.start, MAX_FORMAT_BYTES)))
    return _Layout(chunks, wide, code, rate, frame_bytes)


def _chunks(source: BinaryIO, length: int, *, riff_bytes: int) -> Iterator[_Chunk]:
    at, ds64 = 12, None
    for _ in range(MAX_CHUNKS):
        source.seek(at)
        head = source.read(8)
        if len(head) < 8:  # noqa: PLR2004 - a chunk's header
            return
        kind, size = _HEADER.unpack(head)
        if kind == b"ds64":
            ds64 = int.from_bytes(source.read(16)[8:], "little")
        piped = size == UNKNOWN_SIZE or (size == 0 and riff_bytes + 8 != length)
        if kind == b"data" and piped:
            size = ds64 if ds64 is not None else length - at - 8
        if size > length - at - 8:
            raise Malformed(
                "file.truncated", f"expected {size} bytes of {kind!r}, {length - at - 8} are left", hint="get a whole copy"
            )
        yield _Chunk(kind, at + 8, at + 8 + size)
        at += 8 + size + size % 2
    raise Malformed("wav.chunks", f"expected at most {MAX_CHUNKS} chunks, got more", hint="the file is built to exhaust readers")


def _coding(fmt: bytes) -> tuple[Code, int, int]:
    """Return what turns samples into bytes, the rate, and the bytes of a frame."""
    if len(fmt) < _FORMAT.size:
        raise Malformed("wav.format", f"expected {_FORMAT.size} bytes of fmt, got {len(fmt)}", hint="get a whole copy")
    tag, channels, rate, _, frame_bytes, bits = _FORMAT.unpack_from(fmt)
    if tag == EXTENSIBLE and len(fmt) >= 26:  # noqa: PLR2004 - up to the sub-format
        (tag,) = unpack_from("<H", fmt, 24)
    code = CODES.get((tag, bits))
    if code is None:
        raise Refused(
            "notice.codec",
            f"expected PCM of 8, 16, 24 or 32 bits or float of 32 or 64, got format {tag:#06x} of {bits} bits",
            hint="convert the sound to PCM first: ffmpeg -i in.wav -c:a pcm_s16le out.wav",
        )
    if not LEAST_RATE <= rate <= MAX_RATE:
        raise Refused(
            "notice.rate", f"expected {LEAST_RATE} to {MAX_RATE} samples a second, got {rate}", hint="resample the sound first"
        )
    if not 1 <= channels <= MAX_CHANNELS or frame_bytes != channels * bits // 8:
        raise Malformed(
            "wav.format", f"expected frames of {channels} × {bits} bits, got {frame_bytes} bytes", hint="get a whole copy"
        )
    return partial(_spread, code, channels, bits // 8), rate, frame_bytes


def _spread(code: Code, channels: int, width: int, samples: Samples) -> bytes:
    """Give every channel the same samples."""
    one = np.frombuffer(code(samples), np.uint8).reshape(-1, 1, width)
    return np.repeat(one, channels, axis=1).tobytes()


def _whole(samples: Samples, bits: int) -> bytes:
    return np.rint(samples * float((1 << bits - 1) - 1)).astype("<i4").tobytes()


def _three(samples: Samples) -> bytes:
    four = np.frombuffer(_whole(samples, 24), np.uint8).reshape(-1, 4)
    return four[:, :3].tobytes()


CODES: dict[tuple[int, int], Code] = {
    (PCM, 8): lambda s: (np.rint(s * 127) + 128).astype(np.uint8).tobytes(),
    (PCM, 16): lambda s: np.rint(s * 32767).astype("<i2").tobytes(),
    (PCM, 24): _three,
    (PCM, 32): lambda s: _whole(s, 32),
    (FLOAT, 32): lambda s: s.astype("<f4").tobytes(),
    (FLOAT, 64): lambda s: s.astype("<f8").tobytes(),
}
"""Format tag and bits → samples in −1 to 1 as bytes of one channel."""
