"""The label on a video: text in the opening seconds, drawn into the luma and chroma planes themselves.

Pictures are decoded and encoded again with the same codec, pixel format, size, times and colour
description; sound, subtitles and data are copied packet by packet, tags box by box. Only the label's box is drawn, in the
picture's own colour space.
"""

import io
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import av
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.stream import Discard, Disposition, Stream
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Style
from mingwen.notices import _planes, _sheet, _watch
from mingwen.notices._iso import Matrix, display_matrix, graft
from mingwen.notices._lettering import Label, Turn, label_for
from mingwen.notices._shape import Notice, not_drawn

FORMATS = {"mp4": "mp4", "mov": "mov"}
"""Our names of formats → muxers."""
ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"crf": "18", "preset": "veryfast"}),
    "hevc": ("libx265", {"crf": "18", "preset": "veryfast", "x265-params": "log-level=error"}),
    "av1": ("libsvtav1", {"crf": "22", "preset": "8"}),
    "vp9": ("libvpx-vp9", {"crf": "20", "b": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1"}),
    "mpeg4": ("mpeg4", {"qmin": "2", "qmax": "2"}),
    "mjpeg": ("mjpeg", {"qmin": "2", "qmax": "2"}),
}
"""Codec → its encoder, set so that the loss is not seen."""
MAX_PIXELS = 8192 * 8192
USUAL_RATE = 25
"""Frames a second, for a file that does not say; the times of frames are kept all the same."""
MAX_ASPECT = 8.0
"""Of a pixel; what is beyond is not believed."""
INTERLACED = "+ildct+ilme"
ENCRYPTED_TAGS = ("encv", "drmi")


@dataclass(frozen=True, slots=True)
class _Opening:
    """What the first seconds look like."""

    label: Label
    first: VideoFrame
    seconds: Fraction
    matrix: Matrix | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What happens to each stream."""

    picture: VideoStream
    copied: tuple[Stream, ...]
    left_out: tuple[str, ...]


def mark(source: BinaryIO, sink: BinaryIO, format_name: str, style: Style) -> str:
    """Draw the label of GB 45438-2025 §5.4 into the first seconds of a video, or all of it if it is shorter.

    Raises:
        Malformed: the video does not decode (``video.broken``).
        Refused: no label is drawn into the format (``notice.format``); it is encrypted,
            its codec has no encoder here, or the label has no room (``notice.codec``, ``notice.no-room``).
        Misused: the font cannot draw the wording.
    """
    if format_name not in FORMATS:
        raise not_drawn(format_name, FORMATS)
    try:
        first, aspect = _first_frame(source)
        matrix = display_matrix(source)
        label = label_for(style, first.width, first.height, turn=_turn(matrix), aspect=aspect, grid=_planes.GRID)
        source.seek(0)
        with av.open(source, "r", metadata_errors="replace") as content:
            plan = _plan(content)
            with av.open(sink, "w", format=FORMATS[format_name], options=_muxing(plan)) as out:
                _transcode(content, plan, out, _Opening(label, first, Fraction(style.seconds), matrix))
        graft(source, sink)
    except (FFmpegError, ValueError, ArithmeticError) as broken:
        raise Malformed("video.broken", f"expected a whole {format_name}, but {broken}", hint="get a whole copy") from broken
    lost = f"; left out what cannot be copied: {', '.join(plan.left_out)}" if plan.left_out else ""
    return (
        f"drew {style.wording} at {style.position.value}, {label.ink_pixels} pixels high, for the first {style.seconds:g} s{lost}"
    )


def _first_frame(source: BinaryIO) -> tuple[VideoFrame, float]:
    source.seek(0)
    with av.open(source, "r", metadata_errors="replace") as content:
        picture = _plan(content).picture
        frame, aspect = next(content.decode(picture), None), float(picture.sample_aspect_ratio or 1)
    if frame is None:
        raise Malformed("video.frames", "expected at least one picture, found none", hint="get a whole copy")
    return frame, min(max(aspect, 1 / MAX_ASPECT), MAX_ASPECT)


def _turn(matrix: Matrix | None) -> Turn:
    """Return how stored pixels come from shown ones; a matrix of other than quarter turns counts as the nearest of them."""
    if matrix is None:
        return Turn()
    a, b, _, c, d = matrix[:5]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Turn(mirror_x=a < 0, mirror_y=d < 0)
    return Turn(mirror_x=c < 0, mirror_y=b < 0, transpose=True)


def _plan(content: InputContainer) -> _Plan:
    pictures = [s for s in content.streams.video if not s.disposition & Disposition.attached_pic]
    if not pictures:
        raise Malformed("video.streams", "expected a video track, found none", hint="is it a video?")
    picture = pictures[0]
    if getattr(picture, "codec_context", None) is None:
        raise Refused("notice.codec", "expected a known video codec, got none", hint="convert the video to H.264 first")
    if picture.codec_tag in ENCRYPTED_TAGS:
        raise Refused("notice.encrypted", "expected a video that is not encrypted", hint="label it before it is encrypted")
    name = picture.codec_context.name
    if _codec(picture) not in ENCODERS:
        raise Refused(
            "notice.codec", f"expected one of {', '.join(ENCODERS)}, got {name}", hint="convert the video to H.264 first"
        )
    if picture.width * picture.height > MAX_PIXELS:
        raise Refused("notice.too-large", f"expected at most {MAX_PIXELS} pixels a frame", hint="make the video smaller")
    others = [s for s in content.streams if s is not picture and not _made_anew(s, content)]
    copied = [s for s in others if _can_copy(s)]
    return _Plan(picture, tuple(copied), tuple(f"{s.type} track {s.index}" for s in others if s not in copied))


def _codec(picture: VideoStream) -> str:
    return picture.codec_context.codec.canonical_name


def _made_anew(stream: Stream, content: InputContainer) -> bool:
    """Covers come with the tags; the muxer itself writes the tracks of chapter titles and of the time code."""
    cover = isinstance(stream, VideoStream) and bool(stream.disposition & Disposition.attached_pic)
    chapters = stream.discard == Discard.all and bool(content.chapters())
    return cover or chapters or (stream.type == "data" and "timecode" in stream.metadata)


def _can_copy(stream: Stream) -> bool:
    """Ask the muxer itself, with a file that is thrown away."""
    with suppress(FFmpegError, ValueError, TypeError, NotImplementedError):
        with av.open(io.BytesIO(), "w", format="mov") as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
        return True
    return False


def _muxing(plan: _Plan) -> dict[str, str]:
    base = plan.picture.time_base or Fraction(1, 90_000)
    return {"video_track_timescale": str(base.denominator), "movflags": "+write_colr"}


def _transcode(content: InputContainer, plan: _Plan, out: OutputContainer, opening: _Opening) -> None:
    out.metadata.update(content.metadata)
    out.set_chapters(content.chapters())
    streams = sorted((plan.picture, *plan.copied), key=lambda s: s.index)
    targets = {s.index: _coder(out, plan.picture, opening) if s is plan.picture else _copy(out, s) for s in streams}
    coder = targets[plan.picture.index]
    if not isinstance(coder, VideoStream):
        raise TypeError(type(coder))
    clock = _Clock(opening)
    for packet in content.demux(*streams):
        if packet.stream is plan.picture:
            for frame in plan.picture.decode(packet if packet.size else None):
                out.mux(coder.encode(clock.marked(frame)))
        elif packet.dts is not None:
            packet.stream = targets[packet.stream.index]
            out.mux(packet)
    out.mux(coder.encode(None))


def _copy(out: OutputContainer, stream: Stream) -> Stream:
    target = out.add_stream_from_template(stream)
    target.metadata.update(stream.metadata)
    return target


def _coder(out: OutputContainer, picture: VideoStream, opening: _Opening) -> VideoStream:
    """Set up the encoder as the source was: codec, tag, format, size, clock, shape of pixels, colours, rotation."""
    name, options = ENCODERS[_codec(picture)]
    first = opening.first
    _planes.require(first.format.name)
    interlaced = {"flags": INTERLACED} if first.interlaced_frame and name == "libx264" else {}
    stream = out.add_stream(name, picture.average_rate or USUAL_RATE, options={**options, **interlaced})
    if not isinstance(stream, VideoStream):
        raise TypeError(type(stream))
    stream.width, stream.height, stream.pix_fmt = first.width, first.height, first.format.name
    coder, source = stream.codec_context, picture.codec_context
    base = picture.time_base or Fraction(1, 90_000)
    coder.time_base = stream.time_base = base
    coder.flags |= Flags.frame_duration
    if picture.sample_aspect_ratio:
        coder.sample_aspect_ratio = picture.sample_aspect_ratio
    coder.color_range, coder.colorspace = source.color_range, source.colorspace
    coder.color_primaries, coder.color_trc = source.color_primaries, source.color_trc
    with suppress(ValueError):
        coder.codec_tag = picture.codec_tag
    stream.metadata.update(picture.metadata)
    if opening.matrix:
        stream.set_display_matrix(opening.matrix)
    return stream


class _Clock:
    """Draws the label on every frame that is shown before its time is over."""

    def __init__(self, opening: _Opening) -> None:
        self._opening = opening
        self._start: Fraction | None = None

    def marked(self, frame: VideoFrame) -> VideoFrame:
        """Return the frame, or a marked copy: a decoder still needs the pictures that it gave away."""
        frame.pict_type = PictureType.NONE
        now = Fraction(frame.pts or 0) * (frame.time_base or 1)
        self._start = now if self._start is None else self._start
        shown = now - self._start < self._opening.seconds  # §5.4: at least 2 s at normal speed
        return _planes.drawn(frame, self._opening.label) if shown else frame


MEMBER = Notice(Medium.VIDEO, "§5.4", mark, perceived=_watch.perceived, sheet=_sheet.moments)
