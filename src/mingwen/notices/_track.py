"""One video track as the file has it: which bytes are which picture, and when each is decoded and shown.

Container modules read one with ``read(source) -> Track | None`` (the first video track that is no cover) and write the file
anew with ``spliced(source, sink, track, news, config)``: ``news`` says by its number what takes a sample's place, ``config``
is the decoder configuration that serves old and new samples (None: the old one). Everything else stays byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Sample:
    """One coded picture, or one sample of the track."""

    offset: int
    """In the file, in bytes."""
    size: int
    dts: int
    """When it is decoded, in ticks of the track's own clock, before any edit list."""
    pts: int
    """When it is shown, likewise."""
    key: bool
    """Decoding can begin here."""


@dataclass(frozen=True, slots=True)
class Track:
    """A video track."""

    codec: str
    """As ffmpeg calls it: "h264", "hevc", "vp9", "vp8", "av1", "mpeg4", "mjpeg"; "" if it is not known."""
    config: bytes
    """The body of avcC, hvcC, av1C, vpcC or esds, or Matroska's CodecPrivate; empty if there is none."""
    width: int
    height: int
    scale: int
    """Ticks a second."""
    samples: Sequence[Sample]
    """In the order they are decoded in."""
    aspect: Fraction
    """Width of a stored pixel by its height."""
    matrix: tuple[int, ...] | None
    """The display matrix (16.16, as in a ``tkhd``); None shows pictures as they are stored."""
    first_shown: int
    """The tick at which presentation starts: the edit list says so."""
    last_shown: int
    """The tick at which it ends."""
    obstacle: str
    """Why nothing can be put in place of a sample; empty if it can."""


@dataclass(frozen=True, slots=True)
class New:
    """What takes a sample's place; when that is decoded stays."""

    data: bytes
    pts: int
    key: bool
