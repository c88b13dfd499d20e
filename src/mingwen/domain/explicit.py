"""Explicit labels as they are perceived in a finished file, and what GB 45438-2025 §5 says of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, TypeAlias

from mingwen.domain.findings import Finding, found
from mingwen.domain.media import Medium
from mingwen.domain.notices import INK_HEIGHT_SHARE, VIDEO_SECONDS, Box, Moment

EDGE_SHARE: Final = 0.2
"""How far from an edge a label's middle may lie to stand at it, as a share of that side: our reading of §5.2."""
OPENING_SECONDS: Final = 0.5
"""A film's label begins so early, or it is not in the opening picture: our reading of §5.4."""
TOLERANCE: Final = 0.05
"""Seconds: a film of 25 pictures a second says two seconds with 50 of them, of which the last begins at 1.96."""


@dataclass(frozen=True, slots=True)
class Words:
    """A line that was read from a picture, and where it stands, in pixels as shown."""

    text: str
    box: Box


Read: TypeAlias = Callable[[bytes, int, int], Sequence[Words]]
"""``(pixels, width, height) → lines``; the pixels are R′G′B′ of 8 bits each, row by row, as shown."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A label on a picture or a film, measured."""

    text: str
    box: Box
    width: int
    """Of the picture it stands on, as shown."""
    height: int
    ink_pixels: int
    """The height of its lowest letter or hanzi."""
    starts: float | None = None
    """Seconds into the film; None on a picture."""
    lasts: float | None = None
    """Seconds that it stands, as far as was looked."""
    to_end: bool = False
    """Does it stand until the film ends? One that is shorter than two seconds has no more to give."""

    @property
    def needed_pixels(self) -> int:
        """§5.2, §5.4: at least 5 % of the shortest side."""
        return ceil(INK_HEIGHT_SHARE * min(self.width, self.height) - 1e-9)

    @property
    def is_at_edge(self) -> bool:
        """Does it stand at an edge or a corner (§5.2)?"""
        x, y = (self.box[0] + self.box[2]) / 2 / self.width, (self.box[1] + self.box[3]) / 2 / self.height
        return min(x, y, 1 - x, 1 - y) <= EDGE_SHARE

    @property
    def where(self) -> str:
        """In words: "bottom right"."""
        row = _third(self.box[1] + self.box[3], 2 * self.height, ("top", "", "bottom"))
        column = _third(self.box[0] + self.box[2], 2 * self.width, ("left", "", "right"))
        return f"{row} {column}".strip() or "middle"


@dataclass(frozen=True, slots=True)
class Heard:
    """A rhythm label in a sound."""

    moment: Moment
    starts: float
    """Seconds into the file."""


_ZH: Final = {"top": "上", "bottom": "下", "left": "左", "right": "右", "middle": "中间"}
_MOMENTS_ZH: Final = {Moment.START: "开头", Moment.MIDDLE: "中间", Moment.END: "结尾"}
_CLAUSES: Final = {Medium.IMAGE: "§5.2", Medium.VIDEO: "§5.4", Medium.AUDIO: "§5.3", Medium.TEXT: "§5.1"}


def told(there: Sequence[Moment], medium: Medium) -> tuple[Finding, ...]:
    """Tell of labels that were searched for in words, not in pictures or sounds."""
    return tuple(found("notice.found", medium.value, where=m.value, where_zh=_MOMENTS_ZH[m]) for m in there)


def weighed(perceived: Sequence[Seen | Heard], medium: Medium) -> tuple[Finding, ...]:
    """Hold what was perceived to the standard: height, place and time of each label, and that there is one."""
    clause = _CLAUSES[medium]
    if not perceived:
        if medium is Medium.AUDIO:
            return (found("explicit.unheard", medium.value),)
        return (found("explicit.absent", medium.value, clause=clause),)
    return tuple(f for one in perceived for f in (_heard(one) if isinstance(one, Heard) else _seen(one, clause)))


def _heard(heard: Heard) -> list[Finding]:
    where_zh = _MOMENTS_ZH[heard.moment]
    return [found("explicit.heard", "audio", where=heard.moment.value, where_zh=where_zh, seconds=f"{heard.starts:.2f}")]


def _seen(seen: Seen, clause: str) -> list[Finding]:
    place = seen.where
    where_zh = "".join(_ZH[word] for word in place.split())
    size = {"height": seen.ink_pixels, "needed": seen.needed_pixels, "clause": clause}
    out = [found("explicit.seen", place, words=seen.text, where=place, where_zh=where_zh, **size)]
    if seen.ink_pixels < seen.needed_pixels:
        out.append(found("explicit.low", place, **size))
    if not seen.is_at_edge:
        out.append(found("explicit.place", place, clause=clause))
    if seen.starts is not None and seen.lasts is not None:
        out.append(found("explicit.time", place, starts=f"{seen.starts:.2f}", seconds=f"{seen.lasts:.2f}"))
        if seen.lasts < VIDEO_SECONDS - TOLERANCE and not (seen.to_end and seen.starts <= OPENING_SECONDS):
            out.append(found("explicit.short", place, seconds=f"{seen.lasts:.2f}", least=f"{VIDEO_SECONDS:g}"))
        if seen.starts > OPENING_SECONDS:
            out.append(found("explicit.late", place, starts=f"{seen.starts:.2f}"))
    return out


def _third(twice: int, whole: int, names: tuple[str, str, str]) -> str:
    return names[min(int(3 * twice / max(whole, 1)), 2)]
