"""An AIFF or AIFF-C with the label: samples are put into the chunk ``SSND``, nothing is decoded.

Kept byte for byte: every sample and every other chunk, but for sizes, the count of samples, and markers behind a label.
Structure: Audio Interchange File Format 1.3 (1989), AIFF-C draft (1991).
"""

from collections.abc import Iterator
from typing import BinaryIO

from mingwen.containers import riff
from mingwen.containers.edits import Edit, growth_of, read_at, size_of
from mingwen.containers.riff import HEAD, Chunk
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Style
from mingwen.notices._pcm import MAX_MARKS_BYTES, Coding, Labels, bounded_channels, inserted, labels, write

FORMS = (b"AIFF", b"AIFC")
MAX_BITS = 32
MOST = 0xFFFFFFFF
COMM_BYTES, COMPRESSION_AT = 18, 18
"""Channels, frames, bits, an 80-bit rate; then, in AIFF-C, the kind of compression."""
COMPRESSIONS = {
    b"NONE": ("int", 0, True),
    b"twos": ("int", 0, True),
    b"sowt": ("int", 0, False),
    b"raw ": ("offset", 0, True),
    b"in24": ("int", 24, True),
    b"in32": ("int", 32, True),
    b"fl32": ("float", 32, True),
    b"FL32": ("float", 32, True),
    b"fl64": ("float", 64, True),
    b"FL64": ("float", 64, True),
}
"""Those that are none: kind of number, bits where COMM is not asked for them, big-endian."""


def mark(source: BinaryIO, sink: BinaryIO, style: Style) -> None:
    """Write the file with the label, in constant memory."""
    chunks = _chunks(source)
    comm, sound = _chunk(chunks, b"COMM"), _chunk(chunks, b"SSND")
    coding, rate = _coding(read_at(source, comm.data, min(comm.size, COMM_BYTES + 4), what="COMM"))
    start = sound.data + 8 + int.from_bytes(read_at(source, sound.data, 8, what="SSND")[:4])
    plan = labels(source, style, rate, max(sound.end - start, 0) // coding.frame_bytes)
    count = min(plan.frames + plan.added, MOST)
    inner = list(inserted(plan, coding, min(start, sound.end)))
    edits = [
        *riff.framed(sound, inner, "big"),
        Edit(comm.data + 2, comm.data + 6, count.to_bytes(4)),
        *_markers(source, chunks, plan),
    ]
    size = int.from_bytes(read_at(source, 4, 4, what="FORM")) + growth_of(edits)
    if size > MOST:
        hint = "convert it to RF64 first: ffmpeg -i in.aiff -rf64 always out.wav"
        raise Refused("notice.too-large", f"expected at most 4 GiB of AIFF, got {size} bytes", hint=hint)
    write(source, sink, [*edits, Edit(4, 8, size.to_bytes(4))])


def _chunks(source: BinaryIO) -> list[Chunk]:
    end, head = size_of(source), read_at(source, 0, HEAD, what="FORM head")
    if head[:4] != b"FORM" or head[8:] not in FORMS:
        raise Malformed("aiff.header", f"expected FORM with AIFF or AIFC, got {head!r}", hint="is it an AIFF file?")
    return list(riff.walk(source, HEAD, min(8 + int.from_bytes(head[4:8]), end), end=end, order="big"))


def _chunk(chunks: list[Chunk], kind: bytes) -> Chunk:
    found = [c for c in chunks if c.kind == kind]
    if len(found) != 1:
        hint = "get a whole copy" if kind == b"COMM" else "a file without sound cannot be labelled"
        raise Malformed("aiff.chunks", f"expected one {kind.decode()}, got {len(found)}", hint=hint)
    return found[0]


def _coding(comm: bytes) -> tuple[Coding, int]:
    """Return how a sample stands in the file, and how many there are a second."""
    if len(comm) < COMM_BYTES:
        raise Malformed("aiff.format", f"expected {COMM_BYTES} bytes of COMM, got {len(comm)}", hint="get a whole copy")
    channels, bits = bounded_channels(int.from_bytes(comm[:2])), int.from_bytes(comm[6:8])
    compression = comm[COMPRESSION_AT:] or b"NONE"
    kind, own_bits, big = COMPRESSIONS.get(compression, ("", 0, False))
    bits = own_bits or bits
    if not kind or not 1 <= bits <= (64 if kind == "float" else MAX_BITS):
        raise Refused(
            "notice.codec",
            f"expected PCM of 1 to {MAX_BITS} bits or float, got {compression!r} of {bits} bits",
            hint="convert the sound to PCM first: ffmpeg -i in.aifc -c:a pcm_s16be out.aiff",
        )
    return Coding(kind, bits, -(-bits // 8), big=big, channels=channels), _rate(comm[8:18])


def _rate(extended: bytes) -> int:
    """Read a number of 80 bits (IEEE 754): sign, 15 bits of exponent, 64 of mantissa; what is no rate becomes 0."""
    shift = 16383 + 63 - int.from_bytes(extended[:2])
    return int.from_bytes(extended[2:]) >> shift if 0 <= shift < 64 else 0  # noqa: PLR2004 - bits of the mantissa


def _markers(source: BinaryIO, chunks: list[Chunk], plan: Labels) -> Iterator[Edit]:
    """Yield the position of each marker, where it is now; a marker is a number, a position and a name."""
    for chunk in (c for c in chunks if c.kind == b"MARK" and c.size <= MAX_MARKS_BYTES):
        body = read_at(source, chunk.data, chunk.size, what="MARK")
        at = 2
        for _ in range(int.from_bytes(body[:2])):
            if at + 7 > len(body):
                break
            frame = int.from_bytes(body[at + 2 : at + 6])
            yield Edit(chunk.data + at + 2, chunk.data + at + 6, min(plan.moved(frame), MOST).to_bytes(4))
            at += 6 + (body[at + 6] + 2) // 2 * 2  # the name, its length before it, even together
