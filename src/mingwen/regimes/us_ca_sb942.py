"""California: the AI Transparency Act (Bus. & Prof. Code 22757 ff., SB 942 as amended by AB 853): the latent disclosure.

It concerns providers with more than a million monthly users, and images, video and audio; text is not covered. That
§22757.3(b) asks for these things is told by several accounts (B); the numbers below that are from memory (M).
"""

from collections.abc import Callable
from datetime import date

from mingwen.domain.media import Medium
from mingwen.regimes._shape import (
    Answer,
    Duty,
    Facts,
    Met,
    Need,
    Regime,
    met,
    not_applicable,
    not_met,
    unsigned,
    watermarked,
    without,
)


def _of_media(answer: Callable[[Facts], Answer]) -> Callable[[Facts], Answer]:
    """Ask only of what the act covers."""

    def asked(facts: Facts) -> Answer:
        if facts.medium is Medium.TEXT:
            return not_applicable("text is not covered", "不适用于文本")
        return answer(facts)

    return asked


def _provider(facts: Facts) -> Answer:
    name = (facts.label.ContentProducer if facts.label else "") or (facts.signed.signer if facts.signed else "")
    return met(f"it names {name}", f"标明 {name}") if name else without(facts, "no provider is named", "未标明提供者")


def _system(facts: Facts) -> Answer:
    if facts.signed is None:
        return unsigned(facts)
    agent = facts.signed.origin.agent if facts.signed.origin else None
    if agent and agent.version:
        return met(f"it names {agent.name} {agent.version}", f"标明 {agent.name} {agent.version}")
    return not_met("the manifest names no generating system with its version", "清单未标明生成系统及其版本")


def _time(facts: Facts) -> Answer:
    if facts.signed is None:
        return unsigned(facts)
    when = facts.signed.origin.when if facts.signed.origin else ""
    return (
        met(f"it says {when}", f"标明 {when}")
        if when
        else not_met("the manifest does not say when it was made", "清单未标明生成时间")
    )


def _number(facts: Facts) -> Answer:
    number = (facts.label.ProduceID if facts.label else "") or (facts.signed.id if facts.signed else "")
    return met(f"it is {number}", f"为 {number}") if number else without(facts, "there is none", "没有唯一标识符")


def _lasting(facts: Facts) -> Answer:
    answer = watermarked(facts)
    if answer.met is Met.MET:
        return answer
    return Answer(answer.met, f"metadata are easily lost, and {answer.en}", f"元数据易丢失；{answer.zh}")


MEMBER = Regime(
    name="us-ca",
    title_en="California: AI Transparency Act (SB 942, AB 853)",
    title_zh="加利福尼亚州：《人工智能透明度法》（SB 942、AB 853）",
    source="https://leginfo.legislature.ca.gov/faces/billNavClient.xhtml?bill_id=202320240SB942",
    since=date(2026, 8, 2),
    needs=frozenset({Need.MANIFEST, Need.WATERMARK}),
    duties=(
        Duty("Bus. & Prof. Code 22757.3(b)(1)(A) (M)", "the name of the provider", "提供者名称", _of_media(_provider)),
        Duty(
            "Bus. & Prof. Code 22757.3(b)(1)(B) (B)", "the name and version of the system", "系统名称与版本", _of_media(_system)
        ),
        Duty("Bus. & Prof. Code 22757.3(b)(1)(C) (M)", "the time and date", "时间与日期", _of_media(_time)),
        Duty("Bus. & Prof. Code 22757.3(b)(1)(D) (M)", "a unique identifier", "唯一标识符", _of_media(_number)),
        Duty("Bus. & Prof. Code 22757.3(b)(4) (M)", "permanent, or hard to remove", "永久或难以移除", _of_media(_lasting)),
    ),
)
