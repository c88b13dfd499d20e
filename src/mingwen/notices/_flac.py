"""A FLAC with the label: frames of our own between the content's, which are copied with another number in their headers.

Labels in the midst stand between frames, and are filled up to whole blocks, so that a stream of one block size stays one. Only a
short last block is coded anew, with the same samples, where a label follows it (RFC 9639 §9.1: all blocks but the last have one
size). Kept: every sample, every other metadata block, tags before and behind the stream.
Structure: RFC 9639 §8.
"""

import hashlib
import io
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import BinaryIO

import av
import numpy as np
from av.error import FFmpegError

from mingwen.containers.edits import copied, size_of
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Moment, Style
from mingwen.notices import _flac_blocks
from mingwen.notices._cue import Samples
from mingwen.notices._flac_blocks import Info, Layout
from mingwen.notices._flac_frames import FIXED_SYNC, Frame, Header, Powers, Whole, encoded, renumbered, walk
from mingwen.notices._loudness import programme
from mingwen.notices._pcm import Labels, labels

MAX_CHECKED = 1 << 26
"""Samples that are decoded for the MD5 of a stream: 12 minutes of stereo at 44.1 kHz."""
UNCHECKED = "the MD5 of the samples is left unset"


def mark(source: BinaryIO, sink: BinaryIO, style: Style) -> str | None:
    """Write the file with the label, in constant memory; say so if the stream's MD5 could not be kept true."""
    layout = _flac_blocks.layout(source)
    like = _like(source, layout)
    plan = _plan(source, layout, style, like)
    sink.writelines(copied(source, 0, layout.start))
    marks = _flac_blocks.Marks(layout.seek_points(source))
    for at, samples, data in _frames(source, layout, plan, like):
        marks.note(at, samples, len(data))
        sink.write(data)
    sink.writelines(copied(source, layout.stop, size_of(source)))
    checked = _md5(source, layout.info, plan)
    _flac_blocks.settle(source, sink, layout, plan, marks, checked)
    sink.seek(0, io.SEEK_END)
    return UNCHECKED if any(layout.info.md5) and not any(checked) else None


def _like(source: BinaryIO, layout: Layout) -> Header:
    """Return the first header: all others are like it; where there is none, one that leaves all to the stream's head."""
    first = next(walk(source, layout.start, layout.stop), None)
    return first.header if first else Header(0, layout.info.most_block, FIXED_SYNC + b"\x70\x00", b"", 0)


def _plan(source: BinaryIO, layout: Layout, style: Style, like: Header) -> Labels:
    info, fixed = layout.info, _fixed(like)
    if fixed and info.least_block != info.most_block:
        hint = "encode it anew with any current encoder: flac -f in.flac"
        raise Refused("notice.codec", f"expected one block size, got {info.least_block} to {info.most_block}", hint=hint)
    if fixed and info.frames:
        return labels(style, info.rate, info.frames, lufs=lambda: programme(source), step=info.most_block)
    headers = (frame.header for frame in walk(source, layout.start, layout.stop))
    ends, frames = array("Q", (0,)), 0
    for header in headers:
        frames += header.samples
        ends.append(frames)
    plan = labels(style, info.rate, frames, lufs=lambda: programme(source), step=info.most_block)
    return replace(plan, places=tuple((ends[min(bisect_left(ends, at), len(ends) - 1)], moment) for at, moment in plan.places))


def _fixed(header: Header) -> bool:
    return header.lead[:2] == FIXED_SYNC


def _frames(source: BinaryIO, layout: Layout, plan: Labels, like: Header) -> Iterator[tuple[int, int, bytes]]:
    """Yield every frame of the output: where it stands in the content (−1 for a label), its samples, its bytes."""
    info, powers, block = layout.info, Powers(), layout.info.most_block
    between: dict[Moment, list[Frame]] = {
        m: _cut(_whole(s, info), info, like) for m, s in plan.sounds.items() if m is not Moment.END
    }
    waiting, passed, done, rest = list(plan.places), 0, 0, np.empty((info.channels, 0), np.int64)

    def number() -> int:
        return done // block if _fixed(like) else done

    for frame in walk(source, layout.start, layout.stop):
        while waiting and waiting[0][0] <= passed and waiting[0][1] is not Moment.END:
            for ours in between[waiting.pop(0)[1]]:
                yield -1, ours.header.samples, renumbered(ours, number(), powers)
                done += ours.header.samples
        samples = frame.header.samples
        if _fixed(like) and (samples > block or done % block or rest.size):
            raise _broken(f"blocks of {block} samples, got one of {samples} at {passed}")
        if _fixed(like) and samples < block and waiting:
            rest = _decoded(frame, layout, powers)
        else:
            yield passed, samples, renumbered(frame, number(), powers)
            done += samples
        passed += samples
    if passed != plan.frames:
        raise _broken(f"{plan.frames} samples, got {passed}")
    for _, moment in waiting:
        at = passed - rest.shape[1] if rest.size else -1
        for ours in _cut(np.concatenate([rest, _whole(plan.sounds[moment], info)], axis=1), info, like):
            yield at, ours.header.samples, renumbered(ours, number(), powers)
            at, done = -1, done + ours.header.samples
        rest = rest[:, :0]


def _broken(what: str) -> Malformed:
    return Malformed("flac.frames", f"expected {what}", hint="the file is damaged; encode it anew: flac -f in.flac")


def _whole(samples: Samples, info: Info) -> Whole:
    """Return samples as whole numbers, the same in every channel."""
    one = np.rint(samples * ((1 << info.bits - 1) - 1)).astype(np.int64)
    return np.broadcast_to(one, (info.channels, len(one)))


def _cut(samples: Whole, info: Info, like: Header) -> list[Frame]:
    """Return frames of the stream's block size, numbered 0."""
    cuts = range(0, samples.shape[1], info.most_block)
    return [encoded(samples[:, at : at + info.most_block], info.bits, like) for at in cuts]


def _decoded(frame: Frame, layout: Layout, powers: Powers) -> Whole:
    """Return the samples of one frame."""
    alone = io.BytesIO(b"fLaC" + b"\x80" + layout.info.block[1:] + renumbered(frame, 0, powers))
    pieces = list(_samples(alone, layout.info.bits))
    if sum(piece.shape[1] for piece in pieces) != frame.header.samples:
        raise _broken(f"a last block of {frame.header.samples} samples that can be decoded")
    return np.concatenate(pieces, axis=1)


def _samples(flac: BinaryIO, bits: int) -> Iterator[Whole]:
    """Decode a stream to whole numbers of so many bits."""
    flac.seek(0)
    with av.open(flac, "r", metadata_errors="replace") as content:
        for frame in content.decode(audio=0):
            data = frame.to_ndarray()
            planes = data if frame.format.is_planar else data.reshape(-1, len(frame.layout.channels)).T
            yield planes.astype(np.int64) >> 8 * data.dtype.itemsize - bits


def _md5(source: BinaryIO, info: Info, plan: Labels) -> bytes:
    """Return the MD5 of all samples with the labels; zeros, which stand for none, unless the content's own is right and cheap."""
    none, width = bytes(16), -(-info.bits // 8)
    if info.md5 == none or plan.frames * info.channels > MAX_CHECKED:
        return none
    before, after, waiting, passed = hashlib.md5(usedforsecurity=False), hashlib.md5(usedforsecurity=False), list(plan.places), 0

    def put_labels() -> None:
        while waiting and waiting[0][0] <= passed:
            after.update(_interleaved(_whole(plan.sounds[waiting.pop(0)[1]], info), width))

    try:
        for piece in _samples(source, info.bits):
            cuts = sorted({0, piece.shape[1], *(at - passed for at, _ in waiting if 0 < at - passed < piece.shape[1])})
            for start, stop in pairwise(cuts):
                put_labels()
                data = _interleaved(piece[:, start:stop], width)
                before.update(data)
                after.update(data)
                passed += stop - start
    except (FFmpegError, ValueError, IndexError):  # a codec of 32 bits, or a damaged frame
        return none
    put_labels()
    return after.digest() if before.digest() == info.md5 else none


def _interleaved(samples: Whole, width: int) -> bytes:
    """Write samples as they are summed (RFC 9639 §8.2): channel by channel, little-endian, in whole bytes."""
    return np.ascontiguousarray(samples.T).view(np.uint8).reshape(-1, 8)[:, :width].tobytes()
