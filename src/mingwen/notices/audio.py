"""The label on a sound: the rhythm 短长 短短 or a voice, before the content, after it, in its midst, or again and again.

The content itself is never decoded: its samples, frames or packets are carried over as they are.
"""

from collections.abc import Callable
from functools import partial
from typing import BinaryIO, TypeAlias

from av.error import FFmpegError

from mingwen.domain.errors import Malformed
from mingwen.domain.media import Medium
from mingwen.domain.notices import Style
from mingwen.notices import _aiff, _flac, _listen, _m4a, _mp3, _opus, _sheet, _vorbis, _wav
from mingwen.notices._shape import Notice, not_drawn

Coder: TypeAlias = Callable[[BinaryIO, BinaryIO, Style], str | None]
"""``(source, sink, style) → what else there is to say``."""
CODERS: dict[str, Coder] = {
    "wav": _wav.mark,
    "aiff": _aiff.mark,
    "flac": _flac.mark,
    "mp3": _mp3.mark,
    "ogg": _vorbis.mark,
    "opus": _opus.mark,
    "m4a": partial(_m4a.mark, container="ipod"),
    "mp4": partial(_m4a.mark, container="mp4"),
    "mov": partial(_m4a.mark, container="mov"),
}
"""MP4 and QuickTime come here when they hold no pictures."""


def mark(source: BinaryIO, sink: BinaryIO, format_name: str, style: Style) -> str:
    """Put the rhythm or the voice of GB 45438-2025 §5.3 beside a sound.

    Raises:
        Malformed: the file is not what it claims to be (``riff.…``, ``flac.…``, ``mp3.…``, ``audio.broken``).
        Refused: its coding cannot be extended without decoding (``notice.codec``), or it grows too large
            (``notice.too-large``), or a recording is no fit (``notice.recording``).
    """
    coder = CODERS.get(format_name)
    if coder is None:
        raise not_drawn(format_name, CODERS)
    try:
        more = coder(source, sink, style)
    except (FFmpegError, ValueError) as broken:
        raise Malformed("audio.broken", f"expected a whole {format_name}, but {broken}", hint="get a whole copy") from broken
    return f"{drawn(style)}; {more}" if more else drawn(style)


def drawn(style: Style) -> str:
    """Say which label is heard, and when."""
    what = f"said {style.spoken.words}" if style.spoken else f"put 短长 短短 (Morse AI, {style.rhythm.pitch_hz:g} Hz)"
    again = f", and every {style.every_seconds:g} s" if style.every_seconds else ""
    return f"{what} at {' and '.join(style.moments)}{again}"


MEMBER = Notice(Medium.AUDIO, "§5.3", mark, perceived=_listen.perceived, sheet=_sheet.wave)
