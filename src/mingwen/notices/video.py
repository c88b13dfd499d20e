"""The label on a film: text in the opening seconds, and where else it is asked for.

Only the pictures from the key picture before the label to the entry behind it are made anew; all other bytes stay. Where that
cannot be, or the label stands all along, the whole film is encoded anew.
"""

from types import ModuleType
from typing import BinaryIO

from av.error import FFmpegError

from mingwen.domain.errors import Malformed
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Style
from mingwen.notices import _coding, _iso_track, _matroska_track, _sheet, _splice, _watch, _whole
from mingwen.notices._iso import graft
from mingwen.notices._shape import Notice, not_drawn
from mingwen.notices._splice import NoSplice
from mingwen.notices._track import Track

CONTAINERS: dict[str, ModuleType] = {"mp4": _iso_track, "mov": _iso_track, "mkv": _matroska_track, "webm": _matroska_track}


def mark(source: BinaryIO, sink: BinaryIO, format_name: str, style: Style) -> str:
    """Draw the label of GB 45438-2025 §5.4 into the first seconds of a video, or all of it if it is shorter.

    Raises:
        Malformed: the video does not decode (``video.broken``).
        Refused: no label is drawn into the format (``notice.format``); it is encrypted,
            its codec has no encoder here, or the label has no room (``notice.codec``, ``notice.no-room``).
        Misused: the font cannot draw the wording.
    """
    if format_name not in CONTAINERS:
        raise not_drawn(format_name, CONTAINERS)
    container = CONTAINERS[format_name]
    try:
        track: Track | None = container.read(source)
        if track is None:
            raise Malformed("video.streams", "expected a video track, found none", hint="is it a video?")
        ink, remark = _drawn(source, sink, format_name, track, style)
    except (FFmpegError, ValueError, ArithmeticError) as broken:
        raise Malformed("video.broken", f"expected a whole {format_name}, but {broken}", hint="get a whole copy") from broken
    return f"drew {style.wording} at {style.position.value}, {ink} pixels high, {_when(style, track)}{remark}"


def _drawn(source: BinaryIO, sink: BinaryIO, format_name: str, track: Track, style: Style) -> tuple[int, str]:
    """Return the height of the ink, and what else is to be said."""
    if track.codec:
        _coding.require(track.codec, track.width * track.height)
    try:
        news, config, ink = _splice.made(source, track, style)
    except NoSplice as reason:
        ink, left_out = _whole.encoded(source, sink, format_name, track, style)
        if CONTAINERS[format_name] is _iso_track:
            graft(source, sink)
        lost = f"; left out what cannot be copied: {', '.join(left_out)}" if left_out else ""
        return ink, f"; re-encoded the whole film, since {reason}{lost}"
    CONTAINERS[format_name].spliced(source, sink, track, news, config)
    all_of_them = ": none can be entered apart from the label" if len(news) == len(track.samples) else ""
    return ink, f"; re-encoded {len(news)} of {len(track.samples)} pictures{all_of_them}"


def _when(style: Style, track: Track) -> str:
    if style.persistent or track.last_shown - track.first_shown <= style.seconds * track.scale:
        return "all along"
    places = {
        Moment.START: f"for the first {style.seconds:g} s",
        Moment.MIDDLE: f"for {style.seconds:g} s in the middle",
        Moment.END: f"for the last {style.seconds:g} s",
    }
    return ", ".join(text for moment, text in places.items() if moment is Moment.START or moment in style.moments)


MEMBER = Notice(Medium.VIDEO, "§5.4", mark, perceived=_watch.perceived, sheet=_sheet.moments)
