"""Everything an audit of the log can find: its code and words, in one table."""

from dataclasses import dataclass
from typing import Final

RULES: Final[dict[str, dict[str, str]]] = {
    "entry.changed": {
        "en": "the leaf does not follow from the entry: one of the two was changed",
        "zh": "叶子与记录内容不符：两者之一被改动",
    },
    "log.gap": {"en": "expected position {expected}, found {found}", "zh": "应为位置 {expected}，实为 {found}"},
    "log.fork": {"en": "the leaves in the store lead to another root", "zh": "存储中的叶子得不到所签的树根"},
    "log.rollback": {
        "en": "tells of {size} entries, the store has {found}",
        "zh": "所述为 {size} 条记录，存储中仅有 {found} 条",
    },
    "log.origin": {"en": "tells of the log {found}", "zh": "属于另一日志 {found}"},
    "checkpoint.malformed": {"en": "is no checkpoint: {reason}", "zh": "不是检查点：{reason}"},
    "checkpoint.unsigned": {"en": "bears no signature of {key}", "zh": "没有 {key} 的签名"},
    "checkpoint.signature": {"en": "the signature of {key} does not hold", "zh": "{key} 的签名无效"},
    "witness.signature": {"en": "the cosignature of {key} does not hold", "zh": "见证方 {key} 的副署无效"},
    "stamp.broken": {
        "en": "the time stamp of {authority} does not hold: {reason}",
        "zh": "{authority} 的时间戳无效：{reason}",
    },
    "checkpoint.missing": {"en": "nothing stands there, though a checkpoint was signed", "zh": "检查点缺失，尽管已有签署"},
    "checkpoint.old": {
        "en": "tells of {size} entries, a checkpoint of {newest} was signed",
        "zh": "所述为 {size} 条记录，已签署的为 {newest} 条",
    },
    "tile.missing": {"en": "nothing stands there", "zh": "文件缺失"},
    "tile.changed": {"en": "differs from what the leaves in the store give", "zh": "与存储中的叶子不符"},
    "tile.unknown": {"en": "belongs to no tree of this log", "zh": "不属于本日志"},
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where."""

    code: str
    place: str
    """``entry 12``, ``checkpoint 100``, ``head``, or the name of a file."""
    given: tuple[tuple[str, str], ...] = ()

    def message(self, language: str = "en") -> str:
        """Say it in ``en`` or ``zh``."""
        return RULES[self.code][language].format_map(dict(self.given))


def fault(code: str, place: str, **given: object) -> Fault:
    """Name a fault; ``given`` fills the blanks of its words."""
    return Fault(code, place, tuple((name, str(value)) for name, value in given.items()))
