"""A WAV with the label: samples are put into the ``data`` chunk, nothing is decoded.

Kept byte for byte: every sample and every other chunk, but for sizes, counts of samples, and positions behind a label.
"""

from collections.abc import Callable, Iterator
from struct import Struct, unpack_from
from typing import BinaryIO, TypeAlias

from mingwen.containers import riff
from mingwen.containers.edits import Edit, growth_of, read_at
from mingwen.containers.riff import HEAD, Chunk, Form
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Style
from mingwen.notices._pcm import MAX_MARKS_BYTES, Coding, Labels, bounded_channels, inserted, labels, write

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
MAX_FORMAT_BYTES = 65_536
MAX_BITS = 32
UNKNOWN_SIZE = 0xFFFFFFFF
"""What RF64 writes where ds64 has the size, and what a pipe writes that cannot go back."""
_FORMAT = Struct("<HHIIHH")
"""fmt: tag, channels, rate, bytes a second, bytes a frame, bits a sample."""
_DS64_RIFF, _DS64_DATA, _DS64_FRAMES = HEAD + 8, HEAD + 16, HEAD + 24
"""Where the 64-bit sizes stand (EBU Tech 3306 §3)."""


def mark(source: BinaryIO, sink: BinaryIO, style: Style) -> None:
    """Write the file with the label, in constant memory."""
    form = _form(source)
    data, fmt = _chunk(form, b"data"), _chunk(form, b"fmt ")
    coding, rate = _coding(read_at(source, fmt.data, min(fmt.size, MAX_FORMAT_BYTES), what="fmt"))
    plan = labels(source, style, rate, (min(data.end, data.stop) - data.data) // coding.frame_bytes)
    edits = list(inserted(plan, coding, data.data))
    write(source, sink, [*edits, *_sized(source, form, data, edits), *_counted(source, plan), *_marks(source, form, plan)])


def _form(source: BinaryIO) -> Form:
    if read_at(source, 0, HEAD, what="RIFF head")[8:] != b"WAVE":
        raise Malformed("wav.header", "expected RIFF, RF64 or BW64 with WAVE", hint="is it a WAV file?")
    form = riff.form(source)
    if form.broken and not form.cut:
        raise Malformed("riff.broken", form.broken, hint="the file is damaged or cut off; get a whole copy")
    return form


def _chunk(form: Form, kind: bytes) -> Chunk:
    found = [c for c in form.chunks if c.kind == kind]
    if len(found) != 1 or (kind != b"data" and not found[0].whole) or (not found[0].whole and found[0].size != UNKNOWN_SIZE):
        raise Malformed("wav.chunks", f"expected one whole {riff.name(kind)}, got {len(found)}", hint="get a whole copy")
    return found[0]


def _sized(source: BinaryIO, form: Form, data: Chunk, edits: list[Edit]) -> Iterator[Edit]:
    """Yield the edits that make the sizes of the samples and of the RIFF true, also where the writer left them open."""
    stop = min(data.end, data.stop)
    size = stop - data.data + growth_of(edits)
    pad = Edit(stop, data.stop, bytes(size % 2))
    yield pad
    total = form.stop - 8 + growth_of([*edits, pad])
    for at, at_long, value in ((4, _DS64_RIFF, total), (data.start + 4, _DS64_DATA, size)):
        if _wide(source) and read_at(source, at, 4, what="size") == UNKNOWN_SIZE.to_bytes(4, "little"):
            yield Edit(at_long, at_long + 8, value.to_bytes(8, "little"))
        elif value < UNKNOWN_SIZE:
            yield Edit(at, at + 4, value.to_bytes(4, "little"))
        else:
            hint = "save the sound as RF64 first"
            raise Refused("notice.too-large", f"expected less than 4 GiB of RIFF, got {value} bytes", hint=hint)


def _counted(source: BinaryIO, plan: Labels) -> Iterator[Edit]:
    """Correct the count of frames in ds64, where there is one."""
    if _wide(source) and (count := int.from_bytes(read_at(source, _DS64_FRAMES, 8, what="ds64"), "little")):
        yield Edit(_DS64_FRAMES, _DS64_FRAMES + 8, (count + plan.added).to_bytes(8, "little"))


def _wide(source: BinaryIO) -> bool:
    return read_at(source, 0, 4, what="RIFF head") != b"RIFF"


# --- the format ---------------------------------------------------------------------------------------------------------


def _coding(fmt: bytes) -> tuple[Coding, int]:
    """Return how a sample stands in the file, and how many there are a second."""
    if len(fmt) < _FORMAT.size:
        raise Malformed("wav.format", f"expected {_FORMAT.size} bytes of fmt, got {len(fmt)}", hint="get a whole copy")
    tag, channels, rate, _, frame_bytes, bits = _FORMAT.unpack_from(fmt)
    if tag == EXTENSIBLE and len(fmt) >= 26:  # noqa: PLR2004 - up to the sub-format
        (tag,) = unpack_from("<H", fmt, 24)
    if not (tag == PCM and 1 <= bits <= MAX_BITS) and (tag, bits) not in ((FLOAT, 32), (FLOAT, 64)):
        raise Refused(
            "notice.codec",
            f"expected PCM of 8, 16, 24 or 32 bits or float of 32 or 64, got format {tag:#06x} of {bits} bits",
            hint="convert the sound to PCM first: ffmpeg -i in.wav -c:a pcm_s16le out.wav",
        )
    width = -(-bits // 8)
    if frame_bytes != bounded_channels(channels) * width:
        raise Malformed(
            "wav.format", f"expected frames of {channels} × {bits} bits, got {frame_bytes} bytes", hint="get a whole copy"
        )
    kind = "float" if tag == FLOAT else "offset" if width == 1 else "int"
    return Coding(kind, bits, width, big=False, channels=channels), rate


# --- what counts samples --------------------------------------------------------------------------------------------------

_Points: TypeAlias = dict[int, int]
"""Cue points: the frame of the content by the name."""
_Settle: TypeAlias = Callable[[bytearray, Labels, _Points], None]


def _marks(source: BinaryIO, form: Form, plan: Labels) -> Iterator[Edit]:
    """Yield every chunk that counts samples, with the truth about the output."""
    points = _Points()
    for chunk in sorted(form.chunks, key=lambda c: c.kind != b"cue "):  # others name its points
        settle = MARKS.get(chunk.kind)
        if settle and chunk.whole and chunk.size <= MAX_MARKS_BYTES:
            body = bytearray(read_at(source, chunk.data, chunk.size, what=riff.name(chunk.kind)))
            old = bytes(body)
            settle(body, plan, points)
            if body != old:
                yield Edit(chunk.data, chunk.end, bytes(body))


def _get(body: bytearray, at: int, width: int = 4) -> int:
    return int.from_bytes(body[at : at + width], "little")


def _put(body: bytearray, at: int, value: int, width: int = 4) -> None:
    body[at : at + width] = min(value, (1 << 8 * width) - 1).to_bytes(width, "little")


def _fact(body: bytearray, plan: Labels, _: _Points) -> None:
    if len(body) >= 4 and _get(body, 0) not in (0, UNKNOWN_SIZE):  # noqa: PLR2004 - one number
        _put(body, 0, _get(body, 0) + plan.added)


def _cue_points(body: bytearray, plan: Labels, points: _Points) -> None:
    """Move cue points: name, place in the play order, chunk, its start, the block's start, the frame (RIFF 1.0 §3)."""
    for at in range(4, min(4 + 24 * _get(body, 0), len(body) - 23), 24):
        frame = points[_get(body, at)] = _get(body, at + 20)
        if _get(body, at + 4) == frame:  # most writers repeat it there
            _put(body, at + 4, plan.moved(frame))
        _put(body, at + 20, plan.moved(frame))


def _play_list(body: bytearray, plan: Labels, points: _Points) -> None:
    """Stretch the parts that are played: cue point, frames, times."""
    for at in range(4, min(4 + 12 * _get(body, 0), len(body) - 11), 12):
        _stretch(body, at, plan, points)


def _stretch(body: bytearray, at: int, plan: Labels, points: _Points) -> None:
    """Correct a length that stands behind the name of the cue point it counts from."""
    frame = points.get(_get(body, at))
    if frame is not None:
        _put(body, at + 4, plan.stretched(frame, _get(body, at + 4)))


def _sampler(body: bytearray, plan: Labels, _: _Points) -> None:
    """Move loops: name, kind, first and last frame, fraction, times."""
    for at in range(36, min(36 + 24 * _get(body, 28), len(body) - 23), 24):
        for field in (at + 8, at + 12):
            _put(body, field, plan.moved(_get(body, field)))


def _texts(body: bytearray, plan: Labels, points: _Points) -> None:
    """Stretch what texts beside cue points speak of; their names and words stay."""
    at = 4
    while body[:4] == b"adtl" and at + 16 <= len(body):
        if body[at : at + 4] == b"ltxt":
            _stretch(body, at + 8, plan, points)
        size = _get(body, at + 4)
        at += 8 + size + size % 2


def _broadcast(body: bytearray, plan: Labels, _: _Points) -> None:
    """Let the first frame have the time that the content's still has the same (EBU Tech 3285 §2.3), where it can be told."""
    time, before = _get(body, _TIME_REFERENCE, 8), plan.moved(0)
    if len(body) >= _TIME_REFERENCE + 8 and time >= before:
        _put(body, _TIME_REFERENCE, time - before, 8)


_TIME_REFERENCE = 338
"""Frames since midnight, in bext."""
MARKS: dict[bytes, _Settle] = {
    b"fact": _fact,
    b"cue ": _cue_points,
    b"plst": _play_list,
    b"smpl": _sampler,
    b"LIST": _texts,
    b"bext": _broadcast,
}
