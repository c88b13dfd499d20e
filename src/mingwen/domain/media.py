"""What kinds of content there are, and how one output is described without being held in memory."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Medium(StrEnum):
    """The four kinds of content that GB 45438-2025 §5.1 to §5.4 tell apart."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Keep:
    """Bytes ``start`` to ``stop`` (exclusive) of the source, carried over untouched."""

    start: int
    stop: int


Splice: TypeAlias = tuple["Keep | bytes", ...]
"""A whole output, in order: ranges of the source that are kept, and the bytes that are new."""
