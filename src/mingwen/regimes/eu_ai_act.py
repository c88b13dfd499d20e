"""The European Union: AI Act Art. 50 and the Code of Practice on Transparency of AI-Generated Content of 2026-06-10.

Art. 50 applies from 2026-08-02; for systems that were on the market before, Art. 50(2) does from 2026-12-02 (Regulation (EU)
2026/1744, Art. 111(4)). The Code is voluntary.
"""

from datetime import date

from mingwen.domain.labels import Claim
from mingwen.domain.manifests import AI_SOURCES, State
from mingwen.domain.media import Medium
from mingwen.domain.verdicts import Verdict
from mingwen.regimes._shape import (
    Answer,
    Duty,
    Facts,
    Met,
    Need,
    Regime,
    met,
    not_met,
    perceptible,
    unknown,
    unsigned,
    watermarked,
    without,
)


def _readable(facts: Facts) -> Answer:
    origin = facts.signed.origin if facts.signed else None
    if facts.signed and AI_SOURCES & {*facts.signed.source_types, *(origin.source_types if origin else ())}:
        return met("a manifest states that it is generated", "清单声明为人工智能生成")
    if facts.report.verdict is Verdict.COMPLIANT and facts.label:
        if facts.label.Label == Claim.GENERATED:
            return met("a metadata label states that it is generated", "元数据标识声明为人工智能生成")
        return not_met("the metadata label says only that it may be generated", "元数据标识仅表明可能或疑似生成")
    if facts.manifest and facts.manifest.state in {State.UNFETCHED, State.UNREADABLE}:
        return unsigned(facts)
    return without(facts, "no mark that machines read holds", "没有有效的机器可读标记")


def _signed(facts: Facts) -> Answer:
    manifest = facts.signed
    if manifest is None:
        return unsigned(facts)
    if not manifest.time:
        return not_met("the manifest is signed, but bears no time stamp", "清单已签名，但没有时间戳")
    signer = manifest.signer or manifest.issuer
    return met(f"signed by {signer}, time-stamped {manifest.time}", f"由 {signer} 签名，时间戳 {manifest.time}")


def _hidden(facts: Facts) -> Answer:
    answer = watermarked(facts)
    if facts.medium is Medium.TEXT and answer.met is not Met.MET:
        return unknown("asked of free text beyond 200 tokens; nobody looked for one", "超过 200 个词元的文本需要；未检测")
    return answer


MEMBER = Regime(
    name="eu",
    title_en="European Union: AI Act Art. 50 and its Code of Practice",
    title_zh="欧盟：《人工智能法》第 50 条及行为准则",
    source="https://iptc.org/news/eu-ai-transparency-code-of-practice-june-2026/",
    since=date(2026, 8, 2),
    needs=frozenset({Need.MANIFEST, Need.TIMESTAMP, Need.WATERMARK, Need.NOTICE}),
    duties=(
        Duty("AI Act Art. 50(2) (A)", "a mark that machines read", "机器可读标记", _readable),
        Duty("Code of Practice 1.1.1 (B)", "metadata that are signed and time-stamped", "经签名并加盖时间戳的元数据", _signed),
        Duty("Code of Practice 1.1.2 (B)", "an imperceptible watermark", "不可感知的水印", _hidden),
        Duty(
            "AI Act Art. 50(4) (A)", "disclosure to people, of deep fakes and texts of public interest", "向公众披露", perceptible
        ),
    ),
)
