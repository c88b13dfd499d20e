"""What a reading of a file finds: label sites, and channels that could not be read."""

from dataclasses import dataclass
from enum import StrEnum


class Wrapper(StrEnum):
    """How the guides want the seven fields at a place (GB 45438-2025 Annex E b; TC260-PG-20259A Annex B)."""

    BARE = "bare"
    """``{"Label":…}``: the place itself is named AIGC."""
    WRAPPED = "wrapped"
    """``{"AIGC":{"Label":…}}``: the place has another name."""
    EITHER = "either"
    """Both are seen and neither is ruled out."""


@dataclass(frozen=True, slots=True)
class Site:
    """One label as it stands in a file."""

    place: str
    """Where: ``XMP TC260:AIGC``, ``tEXt AIGC``, ``ID3 TXXX:AIGC``, ``moov/udta/meta AIGC``, …"""
    text: str
    """What stands there, decoded to text and not yet parsed; JSON if the writer was careful."""
    wrapper: Wrapper
    """What the guide wants at this place."""
    guide: bool
    """Is this the place that the guide (or our documented default) names for this format?"""


@dataclass(frozen=True, slots=True)
class Unread:
    """A channel that may hold a label and could not be read."""

    place: str
    reason: str
    """Lower case, no full stop: "ends 12 bytes early", "is 40 MB, more than the 8 MB that are read"."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything a format found in one file."""

    sites: tuple[Site, ...] = ()
    unread: tuple[Unread, ...] = ()
