"""Show what an explicit label would look like, before anything is written."""

import difflib
from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen import notices
from mingwen.domain.media import Medium
from mingwen.domain.notices import Style
from mingwen.ports import World
from mingwen.services import _files

MAX_TEXT_BYTES: Final = 1 << 20
PLAIN: Final = ("text", "markdown", "html")
"""Formats whose bytes are what people read."""


@dataclass(frozen=True, slots=True)
class PreviewContent:
    """Ask what the label of a piece of content would look like."""

    name: str
    """The file's name; its suffix tells Markdown from plain text."""
    style: Style


@dataclass(frozen=True, slots=True)
class Previewed:
    """What it would look like."""

    format: str
    notice: str
    """What was drawn, in words."""
    picture: bytes | None
    """A PNG; None for texts."""
    lines: tuple[str, ...] = ()
    """The lines of a text that change, as a unified difference."""


def preview(world: World, command: PreviewContent, *, source: BinaryIO) -> Previewed:
    """Draw the label into a copy that is thrown away; ``source`` is binary and seekable.

    Raises:
        Malformed, Refused, Misused: as ``label``.
    """
    format_ = _files.format_of(world, command.name, source)
    medium = format_.medium(source)
    notice = notices.of(medium)
    with world.files.scratch() as marked:
        source.seek(0)
        said = notice.mark(source, marked, format_.name, command.style)
        if notice.sheet:
            return Previewed(format_.name, said, notice.sheet(marked))
        changed = _changed(source, marked) if medium is Medium.TEXT and format_.name in PLAIN else ()
        return Previewed(format_.name, said, None, changed)


def _changed(before: BinaryIO, after: BinaryIO) -> tuple[str, ...]:
    was, is_ = _lines(before), _lines(after)
    return tuple(difflib.unified_diff(was, is_, lineterm="", n=2))[2:]


def _lines(stream: BinaryIO) -> list[str]:
    stream.seek(0)
    return stream.read(MAX_TEXT_BYTES).decode("utf-8", "replace").splitlines()
