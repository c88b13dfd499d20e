"""What a member of the family ``regimes`` is: one law or standard as duties, each with its article.

The contract: a duty is asked of a finished file that is known to be generated. Its ``answer`` looks at ``Facts`` only, never at
the file, and says *unknown* rather than *met* where nobody looked. What no file can show (contracts, tools, logs) is no duty.
Nothing in a regime is legal advice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mingwen.domain.labels import AigcLabel
from mingwen.domain.manifests import Manifest, State
from mingwen.domain.media import Medium
from mingwen.domain.verdicts import Report

if TYPE_CHECKING:  # whoever labels erases nothing
    from mingwen.domain.retention import Least


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
    def signed(self) -> Manifest | None:
        """The manifest, if there is one that holds."""
        return self.manifest if self.manifest and self.manifest.state in {State.VALID, State.TRUSTED} else None

    @property
    def label(self) -> AigcLabel | None:
        """The metadata label, if there is one whose production fields could be understood."""
        return next((r.label for r in self.report.labels if r.label), None)

    @property
    def is_whole(self) -> bool:
        """Could every channel be read that may hold a label?"""
        return not any(f.code == "channel.unread" for f in self.report.findings)


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
    """With the grade of its source: "Art. 50(2) (A)"; ``clauses.cited`` says it in Chinese."""
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
    retention: "tuple[Least, ...]" = ()
    """What has to stay in the log, and how long; nothing where no clause with a number is known."""


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


def without(facts: Facts, en: str, zh: str) -> Answer:
    """Say that a duty is not met since something was not found; unknown, where it may stand in what could not be read."""
    if facts.is_whole:
        return not_met(en, zh)
    return unknown(f"{en}, but a part of the file could not be read", f"{zh}，但文件部分内容无法读取")


def unlabelled(facts: Facts) -> Answer:
    """Answer for a file in which no label could be understood."""
    if facts.report.labels:
        return not_met("the label lacks what identifies the content", "标识缺少生成要素")
    return without(facts, "no metadata label was found", "未发现隐式标识")


_STATES: Final = {
    State.INVALID: ("the manifest does not hold", "清单无效或文件已被更改"),
    State.UNREADABLE: ("the manifest could not be read", "清单无法读取"),
    State.UNFETCHED: ("the manifest stands elsewhere and was not fetched", "清单位于别处，未获取"),
}


def unsigned(facts: Facts) -> Answer:
    """Answer for a file without a manifest that holds."""
    if facts.manifest is None:
        return not_met("there is no signed manifest", "没有经签名的清单")
    en, zh = _STATES[facts.manifest.state]
    return not_met(en, zh) if facts.manifest.state is State.INVALID else unknown(en, zh)


def perceptible(facts: Facts) -> Answer:
    """Answer whether people perceive a label; several regimes ask it."""
    if facts.explicit:
        return met("a label that people perceive was found", "发现显式标识")
    if facts.explicit is None:
        return unknown(
            "none was seen where this program can look: both ends of texts, and pictures with a recogniser",
            "在可检测之处（文本首尾；配置识别器时的图像）未见显式标识",
        )
    return not_met("no label that people perceive was found", "未发现显式标识")


def watermarked(facts: Facts) -> Answer:
    """Answer whether there is a mark within the signal."""
    if facts.watermark is None:
        return unknown("nobody looked for one: no watermark detector is configured", "未检测：未配置水印检测器")
    return met("a watermark was found", "发现水印") if facts.watermark else not_met("no watermark was found", "未发现水印")
