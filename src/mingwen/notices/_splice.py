"""Which samples of a film are made anew so that it bears a label, and the making of them.

A label of two seconds needs new pictures from the key picture before it to the entry behind it; every other sample stays. Each
new sample takes the place of an old one: as many, decoded at the same times, shown at the same times.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count, pairwise
from math import inf
from typing import BinaryIO, TypeAlias

from av.error import FFmpegError
from av.video.frame import PictureType

from mingwen.domain.notices import Style
from mingwen.notices import _coding
from mingwen.notices._dialect import DIALECTS, Dialect
from mingwen.notices._entry import ENTRIES, Entry, entry
from mingwen.notices._spans import Labels, Span, spans
from mingwen.notices._track import New, Sample, Track

Coded: TypeAlias = tuple[bytes, bool]
"""What the encoder made of a picture, and whether it is a key."""
MAX_SEGMENT_FRAMES = 3000
MAX_SEGMENT_BYTES = 256 * 1024 * 1024
"""What is made anew is held in memory until the file is written."""
MAX_LEADING = 64
NOT_ONE_EACH = "its pictures do not come one from each sample, each at its own time"


class NoSplice(Exception):
    """A film cannot be spliced; the message says why, after "since"."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples that are made anew, by their numbers."""

    warm: int
    """Where decoding begins."""
    start: int
    stop: int
    moved: int | None = None
    """The open entry among them: it goes behind its leading pictures, which are made anew."""


def made(source: BinaryIO, track: Track, style: Style) -> tuple[dict[int, New], bytes | None, int]:
    """Return the new samples, the configuration that serves all (None: the old one), and the height of the ink in pixels.

    Raises:
        NoSplice: new samples cannot stand beside the old ones, or there would be too many.
        Refused, Misused: as ``label_for``.
    """
    if style.persistent:
        raise NoSplice("the label stands on every picture")
    if track.obstacle or track.codec not in ENTRIES:
        raise NoSplice(track.obstacle or f"{track.codec or 'its codec'} cannot be spliced")
    news, config = dict[int, New](), track.config
    first = max(track.first_shown, min((sample.pts for sample in track.samples[:MAX_LEADING]), default=0))
    under = spans(first, track.last_shown, Fraction(style.seconds) * track.scale, style)
    labels = Labels(style, under, track.matrix, track.aspect)
    try:
        for piece in _pieces(source, track, under):
            new, both = _anew(source, track, piece, DIALECTS[track.codec](config), labels)
            news, config = news | new, both or config
    except (FFmpegError, LookupError, ValueError, ArithmeticError, StopIteration) as broken:
        raise NoSplice(f"its samples do not read as {track.codec}: {broken}") from broken
    if sum(len(n.data) for n in news.values()) > MAX_SEGMENT_BYTES:
        raise NoSplice(f"what is made anew would take over {MAX_SEGMENT_BYTES} bytes")
    return news, config if config != track.config else None, labels.ink


# --- where to cut ---------------------------------------------------------------------------------------------------------------


def _pieces(source: BinaryIO, track: Track, under: tuple[Span, ...]) -> list[Piece]:
    if not track.samples:
        raise NoSplice("it has no pictures")
    pieces = list[Piece]()
    for piece in sorted((_piece(source, track, span) for span in under), key=lambda p: p.start):
        if pieces and piece.start <= pieces[-1].stop:
            before = pieces.pop()
            last = max(before, piece, key=lambda p: p.stop)
            pieces.append(replace(last, warm=before.warm, start=before.start))
        else:
            pieces.append(piece)
    frames = sum(piece.stop - piece.warm for piece in pieces)
    if frames > MAX_SEGMENT_FRAMES:
        raise NoSplice(f"its key pictures lie too far apart: {frames} pictures would be decoded, over {MAX_SEGMENT_FRAMES}")
    return pieces


def _piece(source: BinaryIO, track: Track, span: Span) -> Piece:
    samples = track.samples
    start = max(bisect_right(samples, int(span.start), key=lambda s: s.dts) - 1, 0)
    while start and not (samples[start].key and samples[start].pts <= span.start):
        start -= 1
    warm = start
    if start and (_leading(track, start) or _kind(source, track, start) is not Entry.CLEAN):
        warm = next((n for n in range(start - 1, -1, -1) if samples[n].key), 0)
    for number in range(start + 1, min(len(samples), start + MAX_SEGMENT_FRAMES + 1)):
        sample = samples[number]
        if sample.key and sample.pts >= span.stop and (kind := _kind(source, track, number)) is not Entry.NONE:
            leading = _leading(track, number)
            if kind is Entry.OPEN:
                return Piece(warm, start, number + leading + 1, number) if leading else Piece(warm, start, number)
            if all(s.pts >= span.stop for s in samples[number : number + leading + 1]):  # those of an IDR need nothing before it
                return Piece(warm, start, number)
    return Piece(warm, start, len(samples))


def _kind(source: BinaryIO, track: Track, number: int) -> Entry:
    return entry(track.codec, track.config, _bytes(source, track.samples[number]))


def _leading(track: Track, number: int) -> int:
    """Return how many samples behind a key are shown before it; they come right behind it."""
    key = track.samples[number]
    following = track.samples[number + 1 : number + 1 + MAX_LEADING]
    return next((n for n, s in enumerate(following) if s.pts > key.pts), len(following))


def _bytes(source: BinaryIO, sample: Sample) -> bytes:
    source.seek(sample.offset)
    return source.read(sample.size)


# --- making anew ----------------------------------------------------------------------------------------------------------------


def _anew(source: BinaryIO, track: Track, piece: Piece, dialect: Dialect, labels: Labels) -> tuple[dict[int, New], bytes | None]:
    old = list(track.samples[piece.start : piece.stop])
    dialect.taken(_bytes(source, sample) for sample in old)
    shown = {s.pts: s for n, s in enumerate(old, piece.start) if n != piece.moved}
    if len(shown) + (piece.moved is not None) < len(old) or not all(sample.size for sample in old):
        raise NoSplice(NOT_ONE_EACH)
    packets, header, depth = _coded(source, track, piece, dialect, labels, shown)
    config = dialect.config(header, depth)
    data = [dialect.sample(p, _bytes(source, shown[time])) for (p, _), time in zip(packets, sorted(shown), strict=True)]
    new = {n: New(d, t, key) for n, d, t, (_, key) in zip(count(piece.start), data, sorted(shown), packets, strict=False)}
    return new | _entered(source, track, piece, dialect), config


def _entered(source: BinaryIO, track: Track, piece: Piece, dialect: Dialect) -> dict[int, New]:
    """Return the old sample behind the new ones, if it moves or lacks something."""
    number = piece.stop if piece.moved is None else piece.moved
    if number >= len(track.samples):
        return {}
    data = _bytes(source, track.samples[number])
    new = New(dialect.entered(data), track.samples[number].pts, key=True)
    if piece.moved is not None:
        return {piece.stop - 1: new}
    return {piece.stop: new} if new.data != data else {}


def _coded(
    source: BinaryIO, track: Track, piece: Piece, dialect: Dialect, labels: Labels, shown: dict[int, Sample]
) -> tuple[list[Coded], bytes, int]:
    """Decode, draw and encode: a packet for each time, in the order they are shown in, and the encoder's own header."""
    times = sorted(shown)
    following = piece.stop if piece.moved is None else piece.moved
    ends = [*times[1:], track.samples[following].pts if following < len(track.samples) else inf]
    closest = min((b - a for a, b in pairwise(times)), default=track.scale // _coding.USUAL_RATE or 1)
    context = _coding.decoder(track)
    pictures = _coding.decoded(context, source, track.samples[piece.warm : piece.stop])
    seconds = (times[-1] - times[0] + closest) / track.scale
    options = dialect.options(sum(s.size for s in shown.values()) * 8 / 1e6 / seconds)
    packets, coder = list[Coded](), None
    for number, frame in enumerate(f for f in pictures if f.pts in shown):
        if number >= len(times) or frame.pts != times[number]:
            raise NoSplice(NOT_ONE_EACH)
        coder = coder or _coding.encoder(track.codec, frame, context, Fraction(track.scale, closest), options)
        marked = labels.marked(frame, times[number], ends[number])
        marked.pict_type = PictureType.I if shown[times[number]].key else PictureType.NONE
        marked.pts, marked.time_base = number, coder.time_base
        packets += [(bytes(p), p.is_keyframe) for p in coder.encode(marked)]
    packets += [(bytes(p), p.is_keyframe) for p in coder.encode(None)] if coder else []
    if coder is None or len(packets) != len(times):
        raise NoSplice(NOT_ONE_EACH)
    return packets, coder.extradata or b"", context.reorder_depth
