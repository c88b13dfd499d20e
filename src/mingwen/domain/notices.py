"""Labels that people perceive: what they must say and how large and long they must be.

Thresholds stand here once, each with its clause; configuration may make them stricter or follow a
revision of the standard.
"""

from dataclasses import dataclass
from enum import StrEnum

from mingwen.domain.errors import Refused

AI_ELEMENTS = ("人工智能", "AI")
"""GB 45438-2025 §5.1 to §5.4: one of these …"""
GENERATION_ELEMENTS = ("生成", "合成")
"""… and one of these must stand in every text or voice label."""
ENGLISH_ELEMENTS = (("AI", "artificial intelligence"), ("generated", "synthesized", "synthesised", "synthetic"))
"""The same two elements in English: our own reading, the standard names only the Chinese words (grade M)."""

INK_HEIGHT_SHARE = 0.05
"""§5.2, §5.4: text height ≥ 5 % of the shortest side. We measure the ink, the strictest reading."""
VIDEO_SECONDS = 2.0
"""§5.4: the label stands for at least 2 s at normal playback speed."""

RHYTHM_RANGES = {"unit_seconds": (0.05, 0.5), "pitch_hz": (200, 4000), "letter_gap_units": (1, 7), "level_dbfs": (-30, -1)}
"""Where 短长 短短 is still heard as what it is (§5.3 f); the bounds are ours, the standard gives none."""

WORDINGS = {"zh": "AI生成", "en": "AI-generated"}
"""What is written when nothing is configured."""


class Position(StrEnum):
    """Where a label stands in a picture: any corner or edge (§5.2; Annex C.2 shows bottom right)."""

    TOP_LEFT = "top-left"
    TOP = "top"
    TOP_RIGHT = "top-right"
    LEFT = "left"
    RIGHT = "right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM = "bottom"
    BOTTOM_RIGHT = "bottom-right"


class Ends(StrEnum):
    """At which end of a text or a sound the label stands (§5.1, §5.3 d)."""

    START = "start"
    END = "end"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The rhythm label 短长 短短 of §5.3 c: Morse "AI". Unit and pitch are UNKNOWN in the standard: defaults of ours."""

    unit_seconds: float = 0.12
    pitch_hz: float = 1046.5
    letter_gap_units: int = 3
    level_dbfs: float = -14.0
    """Of the tone's peak."""

    def __post_init__(self) -> None:
        for name, (least, most) in RHYTHM_RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise Refused(
                    "notice.rhythm",
                    f"expected {name} between {least} and {most}, got {getattr(self, name)}",
                    hint="GB 45438-2025 §5.3 f: the rhythm must be clearly told from what it stands beside",
                )


@dataclass(frozen=True, slots=True)
class Style:
    """How explicit labels look and sound; every value may be configured."""

    wording: str = WORDINGS["zh"]
    position: Position = Position.BOTTOM_RIGHT
    ends: Ends = Ends.START
    """For text and audio."""
    ink_height_share: float = INK_HEIGHT_SHARE
    """Of the shortest side; 0.05 to 0.5."""
    seconds: float = VIDEO_SECONDS
    """How long a video carries the label, from its first frame; at least 2."""
    rhythm: Rhythm = Rhythm()
    font: bytes | None = None
    """A TrueType or OpenType file; None takes the one that ships with the package."""

    def __post_init__(self) -> None:
        require_elements(self.wording)
        if not INK_HEIGHT_SHARE <= self.ink_height_share <= 0.5:  # noqa: PLR2004 - half the picture is no label any more
            raise Refused(
                "notice.too-small",
                f"expected an ink height of 0.05 to 0.5 of the shortest side, got {self.ink_height_share}",
                hint="GB 45438-2025 §5.2 and §5.4 ask for at least 5 %",
            )
        if self.seconds < VIDEO_SECONDS:
            raise Refused(
                "notice.too-short",
                f"expected a video label of at least {VIDEO_SECONDS} s, got {self.seconds}",
                hint="GB 45438-2025 §5.4",
            )


def has_elements(text: str) -> bool:
    """Say whether ``text`` holds both elements of GB 45438-2025 §5 (Chinese, or the English of our default)."""
    if any(a in text for a in AI_ELEMENTS) and any(g in text for g in GENERATION_ELEMENTS):
        return True
    lower = text.lower()
    return all(any(word.lower() in lower for word in element) for element in ENGLISH_ELEMENTS)


def require_elements(wording: str) -> None:
    """Raise unless the wording may serve as an explicit label.

    Raises:
        Refused: an element is missing (``notice.elements``).
    """
    if not has_elements(wording):
        raise Refused(
            "notice.elements",
            f"expected a wording with 人工智能 or AI and with 生成 or 合成, got {wording!r}",
            hint="GB 45438-2025 §5; for example AI生成, 人工智能合成, AI-generated",
        )
