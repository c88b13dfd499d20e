"""Labels that people perceive: one file a medium, and a walker a format, whose file bears the format's name.

What walkers share, from the label down to the bytes:

- letters: ``_lettering`` (pixels) and ``_vector`` (outlines), on ``_layout``, ``_font``, ``_outlines``, ``_plate``, ``_faces``
- films: ``_splice`` or else ``_whole``, by ``_track``, ``_entry``, ``_dialect``, ``_coding``
- sounds: ``_cue`` makes the label, ``_loudness`` its level, ``_insertions``, ``_pcm``, ``_ogg_splice`` its place
- documents: ``_package`` and ``_markup``; texts: ``_written`` and ``_plain``
- looking at what is there: ``_look``, ``_watch``, ``_listen``, ``_heard``; on one page: ``_sheet``
"""

from functools import cache

from mingwen.domain.media import Medium
from mingwen.notices._shape import Notice
from mingwen.registry import member, members

__all__ = ["Notice", "every", "of"]


@cache
def every() -> tuple[Notice, ...]:
    """Return all notices, in the order of their files' names."""
    return members(__name__, Notice)


def of(medium: Medium) -> Notice:
    """Return the notice of a medium; its file bears the medium's name, so that a picture does not load the video library."""
    return member(__name__, medium.value, Notice)
