"""Decoding and encoding pictures: the encoder is set as the source was, so that new pictures can stand among old ones."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import BinaryIO

from av import Packet
from av.codec import Codec
from av.codec.context import CodecContext, Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from mingwen.domain.errors import Refused
from mingwen.notices import _planes
from mingwen.notices._track import Sample, Track

ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"crf": "16", "preset": "veryfast"}),
    "hevc": ("libx265", {"crf": "18", "preset": "superfast", "x265-params": "log-level=error"}),
    "av1": ("libsvtav1", {"crf": "20", "preset": "8"}),
    "vp9": ("libvpx-vp9", {"crf": "18", "b": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1"}),
    "vp8": ("libvpx", {"crf": "4", "b": "20M", "deadline": "realtime", "cpu-used": "-6"}),
    "mpeg4": ("mpeg4", {"qmin": "2", "qmax": "2"}),
    "mjpeg": ("mjpeg", {"qmin": "2", "qmax": "2"}),
}
"""Codec → its encoder, set so that the loss is not seen."""
DECODERS = {"av1": "libdav1d"}
"""Where the one that bears the codec's name needs hardware."""
AMONG_OLD: dict[str, dict[str, str]] = {
    "libx264": {"bf": "0", "forced-idr": "1", "a53cc": "0"},
    "libx265": {"bf": "0", "forced-idr": "1", "a53cc": "0"},
    "libvpx-vp9": {"auto-alt-ref": "0", "lag-in-frames": "0"},
    "libvpx": {"auto-alt-ref": "0", "lag-in-frames": "0"},
}
"""What an encoder is told besides when its pictures take the places of others one by one: they come as they are shown."""
MAX_PIXELS = 8192 * 8192
USUAL_RATE = 25
"""Frames a second, for a file that does not say; the times of frames are kept all the same."""
SLOWEST, FASTEST = Fraction(1), Fraction(240)
INTERLACED = Flags.interlaced_dct | Flags.interlaced_me


def require(codec: str, pixels: int) -> None:
    """Raise unless pictures of the codec can be encoded again.

    Raises:
        Refused: there is no encoder, or they are too large (``notice.codec``, ``notice.too-large``).
    """
    if codec not in ENCODERS:
        raise Refused(
            "notice.codec", f"expected one of {', '.join(ENCODERS)}, got {codec}", hint="convert the video to H.264 first"
        )
    if pixels > MAX_PIXELS:
        raise Refused("notice.too-large", f"expected at most {MAX_PIXELS} pixels a frame", hint="make the video smaller")


def alike(coder: VideoCodecContext, first: VideoFrame, source: VideoCodecContext) -> None:
    """Set an encoder as the source was: format, size, shape of pixels, colours, fields.

    Raises:
        Refused: the encoder has no such pixels, or no label can be drawn on them (``notice.pixels``).
    """
    name = first.format.name
    _planes.require(name)
    known = [f.name for f in coder.codec.video_formats or ()]
    if name not in known:
        raise Refused(
            "notice.pixels", f"expected pixels of {', '.join(known)}, got {name}", hint="convert the video to yuv420p first"
        )
    coder.width, coder.height, coder.pix_fmt = first.width, first.height, name
    if source.sample_aspect_ratio:
        coder.sample_aspect_ratio = source.sample_aspect_ratio
    coder.color_range, coder.colorspace = source.color_range, source.colorspace
    coder.color_primaries, coder.color_trc = source.color_primaries, source.color_trc
    if first.interlaced_frame and coder.codec.name == "libx264":
        coder.flags |= INTERLACED


def decoder(track: Track) -> VideoCodecContext:
    """Return a decoder for samples of the track."""
    context = CodecContext.create(DECODERS.get(track.codec, track.codec), "r")
    if not isinstance(context, VideoCodecContext):
        raise TypeError(type(context))
    context.extradata = track.config or None
    context.options = {"max_pixels": str(MAX_PIXELS)}
    context.thread_type = "AUTO"
    if track.codec == "av1":
        context.thread_count = 1  # dav1d has been seen to wait for its workers for ever, when it is let go amid a film
    return context


def decoded(context: VideoCodecContext, source: BinaryIO, samples: Iterable[Sample]) -> Iterator[VideoFrame]:
    """Yield the pictures of samples as they are shown; ``pts`` counts the track's ticks."""
    for sample in samples:
        source.seek(sample.offset)
        packet = Packet(source.read(sample.size))
        packet.pts, packet.dts, packet.is_keyframe = sample.pts, sample.dts, sample.key
        yield from context.decode(packet)
    yield from context.decode(None)


def encoder(
    codec: str, first: VideoFrame, source: VideoCodecContext, rate: Fraction, options: dict[str, str]
) -> VideoCodecContext:
    """Return an open encoder whose pictures take the places of others; it counts them by their number.

    ``rate`` is of frames a second where the old pictures do not say one: players compare what both say.
    """
    name, usual = ENCODERS[codec]
    rate = min(max((source.framerate or rate).limit_denominator(1001), SLOWEST), FASTEST)
    context = Codec(name, "w").create("video")
    alike(context, first, source)
    context.framerate, context.time_base = rate, 1 / rate
    context.options = {**usual, **AMONG_OLD.get(name, {}), **options}
    if codec in ("h264", "hevc"):
        context.flags |= Flags.global_header
    context.open()
    return context
