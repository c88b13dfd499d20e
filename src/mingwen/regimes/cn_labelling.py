"""China: the Measures for labelling generated content (国信办通字〔2025〕2号) and GB 45438-2025."""

from datetime import date
from typing import Final

from mingwen.domain.contents import RETENTION
from mingwen.domain.findings import Severity
from mingwen.domain.media import Medium
from mingwen.domain.retention import Least
from mingwen.domain.verdicts import Verdict
from mingwen.regimes._shape import Answer, Duty, Facts, Need, Regime, met, not_met, perceptible, unknown, unlabelled

_CLAUSES: Final = {Medium.TEXT: "§5.1", Medium.IMAGE: "§5.2", Medium.AUDIO: "§5.3", Medium.VIDEO: "§5.4"}


def _explicit(facts: Facts) -> Answer:
    answer = perceptible(facts)
    clause = _CLAUSES[facts.medium]
    return Answer(answer.met, f"{answer.en} ({clause})", f"{answer.zh}（{clause}）")


def _metadata(facts: Facts) -> Answer:
    if facts.report.verdict is Verdict.COMPLIANT:
        return met("the label is compliant", "隐式标识合规")
    errors = [f for f in facts.report.findings if f.severity is Severity.ERROR]
    if errors:
        more = f" (+{len(errors) - 1})" if errors[1:] else ""
        return not_met(f"{errors[0].message('en')}{more}", f"{errors[0].message('zh')}{more}")
    if facts.report.labels:
        return unknown("there is a label, but a part of the file could not be read", "有标识，但文件部分内容无法读取")
    return unlabelled(facts)


def _one(facts: Facts) -> Answer:
    count = len(facts.report.labels)
    if count == 0:
        return unlabelled(facts)
    if count > 1:
        return not_met(f"there are {count}", f"共有 {count} 个标识")
    if not facts.is_whole:
        return unknown("one was found, but a part of the file could not be read", "发现一个标识，但文件部分内容无法读取")
    return met("there is one", "只有一个标识")


def _place(facts: Facts) -> Answer:
    if not facts.report.labels:
        return unlabelled(facts)
    there = facts.report.labels[0]
    return (met if there.guide else not_met)(f"it stands at {there.place}", f"位于 {there.place}")


def _code(facts: Facts) -> Answer:
    if facts.label is None:
        return unlabelled(facts)
    odd = [f for f in facts.report.findings if f.code.startswith("provider.")]
    if odd:
        return not_met(odd[0].message("en"), odd[0].message("zh"))
    return met("27 characters, with a credit code that adds up", "27 位编码，校验码正确")


def _spread(facts: Facts) -> Answer:
    label = facts.label
    if label is None:
        return unlabelled(facts)
    if label.ContentPropagator and label.PropagateID:
        return met(f"spread by {label.ContentPropagator}", f"传播平台为 {label.ContentPropagator}")
    return not_met("the fields of propagation are empty", "传播字段为空")


MEMBER = Regime(
    name="cn",
    title_en="China: Measures for Labelling AI-Generated Content and GB 45438-2025",
    title_zh="中国：《人工智能生成合成内容标识办法》与 GB 45438-2025",
    source="https://www.cac.gov.cn/2025-03/14/c_1743654684782215.htm",
    since=date(2025, 9, 1),
    needs=frozenset({Need.LABEL, Need.NOTICE}),
    duties=(
        Duty("Measures Art. 4, GB 45438-2025 §5 (A)", "a label that people perceive", "显式标识", _explicit),
        Duty("Measures Art. 5, GB 45438-2025 Annex E (A)", "a metadata label", "文件元数据隐式标识", _metadata),
        Duty("GB 45438-2025 6.1 c (A)", "only one metadata label", "元数据中只保留一个标识", _one),
        Duty("TC260 guides of 2025-08-28 (A)", "the label at the guide's place", "标识位于指南规定的位置", _place),
        Duty("TC260-PG-20252A (A)", "a provider code", "服务提供者编码", _code),
        Duty("Measures Art. 6, GB 45438-2025 Annex E note 1 (A)", "the fields of propagation", "传播字段", _spread),
    ),
    retention=(Least("label.produced", RETENTION.days, "Measures Art. 9 (A)", having="delivery"),),
)
