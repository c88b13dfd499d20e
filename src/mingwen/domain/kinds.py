"""Every kind of entry there is: its name, how people call it, and which of its fields tell of persons."""

from dataclasses import dataclass, field
from typing import Final

from mingwen.domain.errors import Misused


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry. How long a law wants it kept stands with the law (``regimes``)."""

    name: str
    en: str
    zh: str
    personal: frozenset[str] = field(default_factory=frozenset)
    """Fields that may name or describe a person; what an erasure on request takes unless told otherwise (``of_persons``)."""
    by_hand: bool = False
    """May somebody record it directly, for an act that happened elsewhere? Then any field may name a person."""

    def of_persons(self, names: frozenset[str]) -> frozenset[str]:
        """Return those of an entry's fields that may name or describe a person."""
        return names - _OF_THE_CONTENT if self.by_hand else names & self.personal


_OF_THE_CONTENT: Final = frozenset({"subject", "bytes", "sha256", "sm3"})


def _kind(name: str, en: str, zh: str, personal: str = "by", *, by_hand: bool = False) -> Kind:
    return Kind(name, en, zh, frozenset(personal.split()), by_hand)


_KINDS: Final = (
    _kind("label.produced", "a label was issued", "添加标识", "file delivery"),
    _kind("label.propagated", "a platform added its part of a label", "添加传播信息", "file"),
    _kind("verdict.given", "a file was verified", "核验文件", "subject by file"),  # the subject may be the file's name
    _kind("gate.ruled", "the gate ruled an upload", "上传审核", "subject file"),  # the same
    _kind("work.opened", "a work was opened", "作品立项", "by title author note"),
    _kind("work.step", "a step of a work", "创作步骤", "by prompt parameters note files chosen choices"),
    _kind("work.closed", "a work was closed", "作品完成", "by statement files"),
    _kind("evidence.exported", "a bundle was handed out", "导出证据包", "by file"),
    _kind("entry.erased", "fields of an entry were erased", "删除记录字段", "by reason"),
    _kind("entries.expired", "entries whose period ended were erased", "记录到期删除"),
    _kind("hold.placed", "erasure was put on hold", "设置保全", "by reason"),
    _kind("hold.released", "a hold was released", "解除保全", "by reason"),
    _kind("flag.raised", "a content was flagged", "举报或标记内容", by_hand=True),
    _kind("ruling.given", "a ruling was given", "作出处置决定", by_hand=True),
    _kind("licence.granted", "a licence was granted", "授予许可", by_hand=True),
    _kind("licence.withdrawn", "a licence was withdrawn", "撤回许可", by_hand=True),
)

KINDS: Final = {kind.name: kind for kind in _KINDS}


def personal_names() -> frozenset[str]:
    """Return the names of fields that may tell of persons, of every kind."""
    return frozenset().union(*(kind.personal for kind in KINDS.values()))


def recordable(name: str) -> Kind:
    """Return the kind of this name if somebody may record it by hand.

    Raises:
        Misused: there is none, or the program itself records it when it happens (``kind.not-by-hand``).
    """
    kind = KINDS.get(name)
    if kind is None or not kind.by_hand:
        by_hand = ", ".join(k.name for k in KINDS.values() if k.by_hand)
        raise Misused(
            "kind.not-by-hand",
            f"expected a kind that is recorded by hand, got {name!r}",
            hint=f"there are: {by_hand}; every other act records itself",
        )
    return kind
