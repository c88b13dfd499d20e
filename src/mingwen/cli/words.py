"""What the command says, in English and Chinese."""

from typing import Final

from mingwen.domain.findings import Severity
from mingwen.domain.tiers import Tier
from mingwen.domain.verdicts import Verdict
from mingwen.regimes import Met

VERDICTS: Final = {
    "en": {v: v.value.replace("-", " ") for v in Verdict} | {Verdict.NON_COMPLIANT: "non-compliant"},
    "zh": {
        Verdict.COMPLIANT: "合规",
        Verdict.NON_COMPLIANT: "不合规",
        Verdict.NOT_FOUND: "未发现标识",
        Verdict.INCONCLUSIVE: "无法判定",
    },
}
SEVERITIES: Final = {
    "en": {s: s.value for s in Severity},
    "zh": {Severity.ERROR: "错误", Severity.WARNING: "警告", Severity.INFO: "提示"},
}
TIERS: Final = {
    "en": {
        Tier.GENERATED: "generated",
        Tier.POSSIBLE: "possibly generated",
        Tier.SUSPECTED: "suspected",
        Tier.NONE: "nothing found",
        Tier.UNDECIDED: "undecided",
    },
    "zh": {
        Tier.GENERATED: "生成合成内容",
        Tier.POSSIBLE: "可能为生成合成内容",
        Tier.SUSPECTED: "疑似生成合成内容",
        Tier.NONE: "未发现",
        Tier.UNDECIDED: "无法判定",
    },
}
ANSWERS: Final = {
    "en": {Met.MET: "met", Met.NOT_MET: "not met", Met.NOT_APPLICABLE: "does not apply", Met.UNKNOWN: "unknown"},
    "zh": {Met.MET: "已满足", Met.NOT_MET: "未满足", Met.NOT_APPLICABLE: "不适用", Met.UNKNOWN: "未知"},
}
PLACES: Final[dict[str, dict[str, str]]] = {
    "en": {},
    "zh": {
        "declaration": "用户声明",
        "text": "文本",
        "image": "图片",
        "audio": "音频",
        "video": "视频",
        "C2PA manifest (embedded)": "C2PA 清单（文件内）",
        "C2PA manifest (beside)": "C2PA 清单（旁置）",
        "C2PA manifest (remote)": "C2PA 清单（远程）",
    },
}
"""Places that are no names of their own."""
PHRASES: Final = {
    "en": {
        "by": "by {producer}, number {number}",
        "spread": "spread by {platform}, number {number}",
        "labelled": "labelled",
        "hint": "hint: {hint}",
        "test-producer": "the producer is the test value {producer}; set yours: --producer, MINGWEN_PRODUCER or `mingwen config`",
        "summary": "{count} files: {parts}",
        "failed": "failed",
        "no-notice": "no explicit label",
        "previewed": "previewed",
        "notice-kept": "explicit labels left as they are",
        "working": "working",
        "manifest": "signed a C2PA manifest",
        "beside": "beside it: {file}",
        "open": "open: {regime} {article}: {why}",
        "since": "since {date}",
        "unchanged": "as it came",
        "producer-kept": "the producer's label is as it was",
        "producer-changed": "the producer's label was changed",
        "log-key-made": "made the key that signs the log: {file} (mode 0600; keep a copy of it safe)",
        "log-key-new": "private key {file} (mode 0600; keep a copy of it safe); add it to log.keys",
        "log-published": "signed {size} entries of {origin}, root {root}",
        "log-nothing": "nothing new to publish; {size} entries are signed",
        "log-rebuilt": "wrote the tiles of {size} entries anew",
        "log-adopted": "the second place holds the checkpoint of {size} entries again",
        "log-well": "read {size} entries again: nothing is wrong",
        "evidence-repeated": "the field {name} is kept back, but its words still stand in: {places}",
        "log-faults": "read {size} entries again: {count} faults",
        "log-by": "by {by}",
        "log-kind-unknown": "a kind that this version does not know",
        "log-ruled": "tier {tier}, nothing written",
        "log-ruled-written": "tier {tier}, written",
        "log-unmarked": "delivered unmarked: {delivery}; kept until {until}",
    },
    "zh": {
        "by": "提供者 {producer}，编号 {number}",
        "spread": "传播平台 {platform}，编号 {number}",
        "labelled": "已标识",
        "hint": "提示：{hint}",
        "test-producer": "服务提供者为测试值 {producer}；请以 --producer、MINGWEN_PRODUCER 或配置文件设置自己的编码",
        "summary": "共 {count} 个文件：{parts}",
        "failed": "失败",
        "no-notice": "无显式标识",
        "previewed": "已预览",
        "notice-kept": "显式标识保持不变",
        "working": "处理中",
        "manifest": "已签署 C2PA 清单",
        "beside": "旁置文件：{file}",
        "open": "待办：{regime} {article}：{why}",
        "since": "自 {date} 起",
        "unchanged": "保持不变",
        "producer-kept": "生成方标识未变",
        "producer-changed": "生成方标识已被改动",
        "log-key-made": "已生成日志签名密钥：{file}（权限 0600，请妥善备份）",
        "log-key-new": "私钥 {file}（权限 0600，请妥善备份）；请加入 log.keys",
        "log-published": "已签署 {origin} 的 {size} 条记录，树根 {root}",
        "log-nothing": "没有新的记录；已签署 {size} 条",
        "log-rebuilt": "已重写 {size} 条记录的分块文件",
        "log-adopted": "第二存放处已恢复 {size} 条记录的检查点",
        "log-well": "已重读 {size} 条记录：未发现问题",
        "evidence-repeated": "字段 {name} 未予披露，但其内容仍见于：{places}",
        "log-faults": "已重读 {size} 条记录：发现 {count} 处问题",
        "log-by": "由 {by}",
        "log-kind-unknown": "本版本不认识的类别",
        "log-ruled": "结论 {tier}，未写入",
        "log-ruled-written": "结论 {tier}，已写入",
        "log-unmarked": "未加显式标识交付：{delivery}；保存至 {until}",
    },
}


def say(language: str, phrase: str, **given: object) -> str:
    """Return a phrase in ``en`` or ``zh`` with its blanks filled."""
    return PHRASES[language][phrase].format_map(given)
