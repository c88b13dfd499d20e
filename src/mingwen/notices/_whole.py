"""Encoding a whole film anew, where it bears its label all along or cannot be spliced.

Pictures are decoded and encoded again with the same codec, pixel format, size, times and colour description; sound,
subtitles and data are copied packet by packet. Nothing is held but what decoder and encoder hold.
"""

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from struct import iter_unpack, unpack
from typing import BinaryIO

import av
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import SideData
from av.stream import Discard, Disposition, Stream
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Style
from mingwen.notices import _coding
from mingwen.notices._iso import Matrix
from mingwen.notices._spans import Labels, spans
from mingwen.notices._track import Track

MUXERS = {"mp4": "mp4", "mov": "mov", "mkv": "matroska", "webm": "webm"}
"""Our names of formats → muxers."""
TRIALS = {"mp4": "mov"}
"""Format → the muxer that is asked, where another knows more codings."""
CLOCK = Fraction(1, 90_000)
ENCRYPTED_TAGS = ("encv", "drmi")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What happens to each stream."""

    picture: VideoStream
    copied: tuple[Stream, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Opening:
    """What the film begins with, and the labels it is to bear."""

    first: VideoFrame
    labels: Labels
    matrix: Matrix | None


def encoded(source: BinaryIO, sink: BinaryIO, format_name: str, track: Track, style: Style) -> tuple[int, tuple[str, ...]]:
    """Write the film with its label; return the height of the ink in pixels, and which streams could not be copied.

    Raises:
        Malformed: the video has no picture (``video.frames``, ``video.streams``).
        Refused, Misused: it is encrypted, or as ``_coding`` and ``label_for`` say.
        FFmpegError, ValueError, ArithmeticError: the video does not decode.
    """
    first = _first(source, format_name)
    source.seek(0)
    with av.open(source, "r", metadata_errors="replace") as content:
        plan = _plan(content, format_name)
        opening = _Opening(first, _labels(plan.picture, first, track, style), track.matrix)
        with av.open(sink, "w", format=MUXERS[format_name], options=_muxing(plan, format_name)) as out:
            _transcode(content, plan, out, opening)
    return opening.labels.ink, plan.left_out


def _plan(content: InputContainer, format_name: str) -> _Plan:
    pictures = [s for s in content.streams.video if not s.disposition & Disposition.attached_pic]
    if not pictures:
        raise Malformed("video.streams", "expected a video track, found none", hint="is it a video?")
    picture = pictures[0]
    if getattr(picture, "codec_context", None) is None:
        raise Refused("notice.codec", "expected a known video codec, got none", hint="convert the video to H.264 first")
    if picture.codec_tag in ENCRYPTED_TAGS:
        raise Refused("notice.encrypted", "expected a video that is not encrypted", hint="label it before it is encrypted")
    _coding.require(_codec(picture), picture.width * picture.height)
    others = [s for s in content.streams if s is not picture and not _made_anew(s, content)]
    copied = [s for s in others if _can_copy(s, format_name)]
    return _Plan(picture, tuple(copied), tuple(f"{s.type} track {s.index}" for s in others if s not in copied))


def _codec(picture: VideoStream) -> str:
    return picture.codec_context.codec.canonical_name


def _made_anew(stream: Stream, content: InputContainer) -> bool:
    """Covers come with the tags; the muxer itself writes the tracks of chapter titles and of the time code."""
    if "matroska" in content.format.name:
        return False
    cover = isinstance(stream, VideoStream) and bool(stream.disposition & Disposition.attached_pic)
    chapters = stream.discard == Discard.all and bool(content.chapters())
    return cover or chapters or (stream.type == "data" and "timecode" in stream.metadata)


def _can_copy(stream: Stream, format_name: str) -> bool:
    """Ask the muxer itself, with a file that is thrown away."""
    with suppress(FFmpegError, ValueError, TypeError, NotImplementedError):
        with av.open(io.BytesIO(), "w", format=TRIALS.get(format_name, MUXERS[format_name])) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
        return True
    return False


def _muxing(plan: _Plan, format_name: str) -> dict[str, str]:
    if format_name not in ("mp4", "mov"):
        return {}
    return {"video_track_timescale": str((plan.picture.time_base or CLOCK).denominator), "movflags": "+write_colr"}


def _transcode(content: InputContainer, plan: _Plan, out: OutputContainer, opening: _Opening) -> None:
    out.metadata.update(content.metadata)
    out.set_chapters(content.chapters())
    streams = sorted((plan.picture, *plan.copied), key=lambda s: s.index)
    targets = {s.index: _coder(out, plan.picture, opening) if s is plan.picture else _copy(out, s) for s in streams}
    coder = targets[plan.picture.index]
    if not isinstance(coder, VideoStream):
        raise TypeError(type(coder))
    for packet in content.demux(*streams):
        if packet.stream is plan.picture:
            for frame in plan.picture.decode(packet if packet.size else None):
                frame.pict_type = PictureType.NONE
                now = frame.pts or 0
                out.mux(coder.encode(opening.labels.marked(frame, now, now + max(frame.duration, 1))))
        elif packet.dts is not None:
            packet.stream = targets[packet.stream.index]
            out.mux(packet)
    out.mux(coder.encode(None))


def _first(source: BinaryIO, format_name: str) -> VideoFrame:
    source.seek(0)
    with av.open(source, "r", metadata_errors="replace") as content:
        first = next(content.decode(_plan(content, format_name).picture), None)
    if first is None:
        raise Malformed("video.frames", "expected at least one picture, found none", hint="get a whole copy")
    return first


def _labels(picture: VideoStream, first: VideoFrame, track: Track, style: Style) -> Labels:
    clock, start = picture.time_base or CLOCK, first.pts or 0
    length = Fraction(track.last_shown - track.first_shown, track.scale) / clock
    under = spans(start, start + round(length), Fraction(style.seconds) / clock, style)
    return Labels(style, under, track.matrix, track.aspect)


def _copy(out: OutputContainer, stream: Stream) -> Stream:
    target = out.add_stream_from_template(stream)
    target.metadata.update(stream.metadata)
    return target


def _coder(out: OutputContainer, picture: VideoStream, opening: _Opening) -> VideoStream:
    """Set up the encoder as the source was: also its clock, its tag, its rotation, its light."""
    name, usual = _coding.ENCODERS[_codec(picture)]
    options = {**usual, "x265-params": ":".join((usual["x265-params"], *_light(opening.first)))} if name == "libx265" else usual
    stream = out.add_stream(name, picture.average_rate or _coding.USUAL_RATE, options=options)
    if not isinstance(stream, VideoStream):
        raise TypeError(type(stream))
    coder = stream.codec_context
    _coding.alike(coder, opening.first, picture.codec_context)
    coder.time_base = stream.time_base = picture.time_base or CLOCK
    coder.flags |= Flags.frame_duration
    with suppress(ValueError):
        coder.codec_tag = picture.codec_tag
    stream.metadata.update(picture.metadata)
    if opening.matrix:
        stream.set_display_matrix(opening.matrix)
    return stream


def _light(frame: VideoFrame) -> Iterator[str]:
    """Yield x265's words for the mastering display (SMPTE ST 2086) and the light level (CTA-861.3), if the source tells them."""
    if isinstance(display := frame.side_data.get("MASTERING_DISPLAY_METADATA"), SideData):
        terms = iter_unpack("=2i", bytes(display)[:80])  # chromaticities of red, green, blue and white; least and most luminance
        *places, least, most = (Fraction(a, b or 1) for a, b in terms)
        rx, ry, gx, gy, bx, by, wx, wy = (round(place * 50_000) for place in places)
        luminance = f"L({round(most * 10_000)},{round(least * 10_000)})"
        yield f"master-display=G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy}){luminance}"
    if isinstance(level := frame.side_data.get("CONTENT_LIGHT_LEVEL"), SideData):
        yield "max-cll={},{}".format(*unpack("=2I", bytes(level)[:8]))
