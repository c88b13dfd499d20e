"""Labels that people perceive: what they must say and how large and long they must be.

Thresholds stand here once, each with its clause; configuration may make them stricter or follow a
revision of the standard.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from unicodedata import category, normalize

from mingwen.domain.errors import Refused

Elements: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
"""Words for what made a content, and words for its being made: one of each must stand in a label."""

ELEMENTS: Elements = (("人工智能", "AI"), ("生成", "合成"))
"""GB 45438-2025 §5.1 to §5.4: in every text or voice label."""
OTHER_ELEMENTS: dict[str, Elements] = {
    "en": (("AI", "AIGC", "artificial intelligence"), ("generated", "synthesized", "synthesised", "synthetic")),
    "zh-Hant": (("AI", "人工智慧"), ("生成", "合成", "產生")),
    "ja": (("AI", "人工知能"), ("生成", "合成")),
    "ko": (("AI", "인공지능"), ("생성", "합성")),
    "ar": (("AI", "الذكاء الاصطناعي", "ذكاء اصطناعي"), ("مولد", "مولدة", "توليد", "منشأ", "أنشئ", "مصطنع")),
    "he": (("AI", "בינה מלאכותית"), ("נוצר", "נוצרה", "נוצרו", "יצירה", "יצרה", "סונתז")),
}
"""The same two in other languages: our own reading, the standard names only the Chinese words (grade M, each of them)."""

INK_HEIGHT_SHARE = 0.05
"""§5.2, §5.4: text height ≥ 5 % of the shortest side. We measure the ink, the strictest reading."""
VIDEO_SECONDS = 2.0
"""§5.4: the label stands for at least 2 s at normal playback speed."""

LEAST_INTERVAL = 10.0
"""Seconds between the repeated labels of a sound; ours."""

RHYTHM_RANGES = {"unit_seconds": (0.05, 0.5), "pitch_hz": (200, 4000), "letter_gap_units": (1, 7), "level_lu": (-6, 12)}
"""Where 短长 短短 is still heard as what it is (§5.3 f); the bounds are ours, the standard gives none."""

WORDINGS = {
    "zh": "AI生成",
    "zh-Hant": "AI生成",
    "en": "AI-generated",
    "ja": "AIによる生成",
    "ko": "AI 생성",
    "ar": "مُولَّد بالذكاء الاصطناعي",
    "he": "נוצר בבינה מלאכותית",
}
"""Short labels in several languages; the Chinese one is written when nothing is configured."""


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


class Moment(StrEnum):
    """When a text, a sound or a film bears its label (§5.1, §5.3 d, §5.4)."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


class Layout(StrEnum):
    """How the letters of a label in a picture run."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"
    """From top to bottom, columns from right to left."""


class TextForm(StrEnum):
    """What a label in a text looks like (§5.1)."""

    LINE = "line"
    CORNER = "corner"
    """角标: superscript letters at the text itself; their exact shape is UNKNOWN in the standard."""


class Pages(StrEnum):
    """Which pages, slides or sheets bear the label."""

    FIRST = "first"
    """And the middle and the last, where the moments say so."""
    ALL = "all"


Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""
Faces: TypeAlias = Callable[[bytes, int, int], Sequence[Box]]
"""``(pixels, width, height) → boxes of faces``; the pixels are R′G′B′ of 8 bits each, row by row, as shown."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The rhythm label 短长 短短 of §5.3 c: Morse "AI". Unit and pitch are UNKNOWN in the standard: defaults of ours."""

    unit_seconds: float = 0.12
    pitch_hz: float = 1046.5
    letter_gap_units: int = 3
    level_lu: float = 0.0
    """Of the tone above the programme's loudness by EBU R 128, in loudness units; beside silence it stands at −23 LUFS."""

    def __post_init__(self) -> None:
        for name, (least, most) in RHYTHM_RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise Refused(
                    "notice.rhythm",
                    f"expected {name} between {least} and {most}, got {getattr(self, name)}",
                    hint="GB 45438-2025 §5.3 f: the rhythm must be clearly told from what it stands beside",
                )


@dataclass(frozen=True, slots=True)
class Recording:
    """A spoken label (§5.3 b): both elements, said at normal speed."""

    audio: bytes
    """A file in any coding that can be decoded; at most 30 s."""
    words: str
    """What is said in it."""

    def __post_init__(self) -> None:
        require_elements(self.words)


@dataclass(frozen=True, slots=True)
class Style:
    """How explicit labels look and sound; every value may be configured."""

    wording: str = WORDINGS["zh"]
    position: Position = Position.BOTTOM_RIGHT
    layout: Layout = Layout.HORIZONTAL
    moments: tuple[Moment, ...] = (Moment.START,)
    """Of texts, sounds and films; a film bears it at its start in any case (Measures Art. 4 (4))."""
    persistent: bool = False
    """A film bears it as long as it lasts."""
    every_seconds: float = 0.0
    """A sound bears it again whenever so much of the programme has gone by; 0 for never, else at least 10."""
    text_form: TextForm = TextForm.LINE
    pages: Pages = Pages.FIRST
    ink_height_share: float = INK_HEIGHT_SHARE
    """Of the shortest side; 0.05 to 0.5."""
    seconds: float = VIDEO_SECONDS
    """How long a film carries the label at each of its moments; at least 2."""
    rhythm: Rhythm = Rhythm()
    spoken: Recording | None = None
    """Said beside a sound in place of the rhythm."""
    font: bytes | None = None
    """A TrueType or OpenType file; None takes the one that ships with the package."""
    faces: Faces | None = None
    """Finds faces in a picture, which the label then stays away from where it can."""
    elements: bool = True
    """The wording must have both elements of GB 45438-2025 §5; no other law names words."""

    def __post_init__(self) -> None:
        if self.elements:
            require_elements(self.wording)
        if not any(category(c)[0] in "LNPS" for c in self.wording):
            raise Refused("notice.wording-empty", "expected a wording, got none", hint="for example AI-generated")
        if not self.moments:
            raise Refused("notice.moments", "expected at least one of start, middle, end", hint="§5.1, §5.3 d")
        if self.every_seconds and not self.every_seconds >= LEAST_INTERVAL:
            hint = "a label every few seconds is heard as noise"
            raise Refused("notice.interval", f"expected 0 or at least {LEAST_INTERVAL} s, got {self.every_seconds}", hint=hint)
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


def as_line(wording: str) -> str:
    """Set a wording apart from the text it stands with: in the brackets of its script."""
    return f"【{wording}】" if any("\u3400" <= c <= "\u9fff" for c in wording) else f"[{wording}]"


def has_elements(text: str) -> bool:
    """Say whether ``text`` holds both elements of GB 45438-2025 §5, in Chinese or one of ``OTHER_ELEMENTS``."""
    if all(any(word in text for word in element) for element in ELEMENTS):
        return True
    plain = _plain(text)
    return any(all(element.search(plain) for element in elements) for elements in _PATTERNS)


def _plain(text: str) -> str:
    """Leave out case, width and the vowel signs that Arabic and Hebrew may be written with."""
    return "".join(c for c in normalize("NFKC", text) if category(c) != "Mn").casefold()


def _pattern(element: tuple[str, ...]) -> re.Pattern[str]:
    """Match one of the words; one in Latin letters only as a whole, for "said" says nothing of AI."""
    words = (re.escape(_plain(word)) for word in element)
    return re.compile("|".join(rf"(?<![a-z]){word}(?![a-z])" if word.isascii() else word for word in words))


_PATTERNS = tuple((_pattern(made_by), _pattern(made)) for made_by, made in OTHER_ELEMENTS.values())


def require_elements(wording: str) -> None:
    """Raise unless the wording may serve as an explicit label.

    Raises:
        Refused: an element is missing (``notice.elements``).
    """
    if not has_elements(wording):
        raise Refused(
            "notice.elements",
            f"expected a wording with 人工智能 or AI and with 生成 or 合成, got {wording!r}",
            hint="GB 45438-2025 §5; for example AI生成, 人工智能合成, AI-generated; without cn in regimes any words will do",
        )
