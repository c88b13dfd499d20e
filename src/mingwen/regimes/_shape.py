"""What a member of the family ``regimes`` is: one law or standard as duties, each with its article.

The contract: a duty is asked of a finished file that is known to be generated. Its ``answer`` looks at ``Facts`` only, never at
the file, and says *unknown* rather than *met* where nobody looked. What no file can show (contracts, tools, logs) is no duty.
Nothing in a regime is legal advice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from mingwen.domain.manifests import Manifest, State
from mingwen.domain.media import Medium
from mingwen.domain.verdicts import Report


class Need(StrEnum):
    """What has to be put into a file for a regime."""

    LABEL = "label"
    """The metadata label of GB 45438-2025 Annex E."""
    NOTICE = "notice"
    """A label that people perceive."""
    MANIFEST = "manifest"
    """A signed C2PA manifest, which names the system, its version and the time."""
    TIMESTAMP = "timestamp"
    """An RFC 3161 time stamp in it."""
    WATERMARK = "watermark"
    """A mark within the signal."""


class Met(StrEnum):
    """What became of a duty."""

    MET = "met"
    NOT_MET = "not-met"
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a finished file shows."""

    medium: Medium
    report: Report
    manifest: Manifest | None = None
    explicit: bool | None = None
    """Was a label that people perceive seen? None: nobody looked."""
    watermark: bool | None = None

    @property
    def signed(self) -> bool:
        """Does it bear a manifest that holds?"""
        return self.manifest is not None and self.manifest.state in {State.VALID, State.TRUSTED}


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a duty is met, and why."""

    met: Met
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing that a regime asks of a file."""

    article: str
    """With the grade of its source: "Art. 50(2) (A)"."""
    en: str
    zh: str
    answer: Callable[[Facts], Answer]


@dataclass(frozen=True, slots=True)
class Regime:
    """One law or standard."""

    name: str
    """Short: ``cn``; what ``--regime`` takes."""
    title_en: str
    title_zh: str
    source: str
    """Where its text, or the best account of it, stands."""
    since: date
    """From when it applies."""
    needs: frozenset[Need]
    duties: tuple[Duty, ...]


@dataclass(frozen=True, slots=True)
class Assessed:
    """What became of one duty."""

    regime: Regime
    duty: Duty
    answer: Answer

    @property
    def is_open(self) -> bool:
        """Is something left to be done, or to be looked at?"""
        return self.answer.met in {Met.NOT_MET, Met.UNKNOWN}


def met(en: str, zh: str) -> Answer:
    """Say that a duty is met."""
    return Answer(Met.MET, en, zh)


def not_met(en: str, zh: str) -> Answer:
    """Say that a duty is not met."""
    return Answer(Met.NOT_MET, en, zh)


def unknown(en: str, zh: str) -> Answer:
    """Say that nobody looked, or nothing here can tell."""
    return Answer(Met.UNKNOWN, en, zh)


def not_applicable(en: str, zh: str) -> Answer:
    """Say that a duty does not concern this file."""
    return Answer(Met.NOT_APPLICABLE, en, zh)


def perceptible(facts: Facts) -> Answer:
    """Answer whether people perceive a label; several regimes ask it."""
    if facts.explicit:
        return met("a label that people perceive was found", "发现显式标识")
    if facts.explicit is None:
        return unknown("nobody looked for one: it takes recognising pictures or sounds", "未检测：需要对图像或声音进行识别")
    return not_met("no label that people perceive was found", "未发现显式标识")


def watermarked(facts: Facts) -> Answer:
    """Answer whether there is a mark within the signal."""
    if facts.watermark is None:
        return unknown("nobody looked for one: no watermark detector is configured", "未检测：未配置水印检测器")
    return met("a watermark was found", "发现水印") if facts.watermark else not_met("no watermark was found", "未发现水印")
