"""The label on a sound: the rhythm 短长 短短 before the content, after it, or both.

The content itself is never decoded: its samples, frames or packets are carried over as they are.
"""

from collections.abc import Callable
from functools import partial
from typing import BinaryIO, TypeAlias

from av.error import FFmpegError

from mingwen.domain.errors import Malformed
from mingwen.domain.media import Medium
from mingwen.domain.notices import Style
from mingwen.notices import _m4a, _mp3, _opus, _vorbis, _wav
from mingwen.notices._shape import Notice, not_drawn

Coder: TypeAlias = Callable[[BinaryIO, BinaryIO, Style], None]
CODERS: dict[str, Coder] = {
    "wav": _wav.mark,
    "mp3": _mp3.mark,
    "ogg": _vorbis.mark,
    "opus": _opus.mark,
    "m4a": partial(_m4a.mark, container="ipod"),
    "mp4": partial(_m4a.mark, container="mp4"),
    "mov": partial(_m4a.mark, container="mov"),
}
"""MP4 and QuickTime come here when they hold no pictures."""


def mark(source: BinaryIO, sink: BinaryIO, format_name: str, style: Style) -> str:
    """Put the rhythm label of GB 45438-2025 §5.3 c beside a sound.

    Raises:
        Malformed: the file is not what it claims to be (``wav.…``, ``mp3.…``, ``audio.broken``).
        Refused: its coding cannot be extended without decoding (``notice.codec``), or it grows too large.
    """
    coder = CODERS.get(format_name)
    if coder is None:
        raise not_drawn(format_name, CODERS)
    try:
        coder(source, sink, style)
    except (FFmpegError, ValueError) as broken:
        raise Malformed("audio.broken", f"expected a whole {format_name}, but {broken}", hint="get a whole copy") from broken
    return f"put 短长 短短 (Morse AI, {style.rhythm.pitch_hz:g} Hz) at {' and '.join(style.moments)}"


MEMBER = Notice(Medium.AUDIO, "§5.3", mark)
