"""The words of a verification, in English and Chinese: its steps, its faults, its outcomes, and the parts of a case."""

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "zh")
"""The order of each pair."""

STEPS: Final[dict[int, tuple[str, str]]] = {
    1: ("The archive", "文件包"),
    2: ("The entries", "日志条目"),
    3: ("The fields", "披露字段"),
    4: ("Inclusion in the log", "日志包含证明"),
    5: ("Checkpoints", "检查点"),
    6: ("One log", "日志一致性"),
    7: ("Witnesses", "见证方"),
    8: ("Time stamps", "时间戳"),
    9: ("Times", "时间"),
    10: ("The content", "内容"),
    11: ("Keys", "密钥"),
}
"""By number, as in the format's description."""

MEANINGS: Final[dict[int, tuple[str, str]]] = {
    1: (
        "The archive has its one form, and every file in it is the one that the log's key signed for.",
        "文件包为唯一规定形式，其中每个文件均与日志密钥所签署的一致。",
    ),
    2: ("Each entry is a well-formed record.", "每个条目均为格式正确的记录。"),
    3: (
        "What is shown of each entry is what the entry committed to, by SHA-256 and by SM3.",
        "所披露的字段与条目中的 SHA-256 与 SM3 承诺值一致。",
    ),
    4: ("Each entry stands in the log at its place.", "每个条目均位于日志中的相应位置。"),
    5: ("The log's keys signed each checkpoint.", "日志密钥签署了每个检查点。"),
    6: ("Each checkpoint continues the one before: nothing was taken away or changed.", "各检查点前后相续：既无删除，也无改动。"),
    7: ("The signatures of witnesses hold.", "见证方的签名有效。"),
    8: ("The time stamps hold, with their certificates.", "时间戳及其证书链有效。"),
    9: ("The recorded times agree with those that others attest.", "记录的时间与他方证明的时间相符。"),
    10: ("The content agrees with what the entry says of it.", "内容与条目所述一致。"),
    11: ("The log's key is the one that the reader named.", "日志密钥即核验者所指定的密钥。"),
}
"""What a step shows where it holds."""

WORDS: Final[dict[str, tuple[str, str]]] = {
    "archive.malformed": ("This is no evidence bundle, or it is cut off.", "不是证据包，或文件已被截断。"),
    "archive.not-canonical": (
        "The archive is not of the one form that is allowed: bytes were changed, added or moved.",
        "文件包不是规定的唯一形式：有字节被改动、添加或移动。",
    ),
    "archive.index": ("bundle.json is not what it has to be.", "bundle.json 不符合规定。"),
    "archive.file-missing": ("A file that bundle.json names is missing.", "缺少 bundle.json 所列的文件。"),
    "archive.file-extra": ("A file is there that bundle.json does not name.", "存在 bundle.json 未列出的文件。"),
    "archive.file-changed": ("A file is not the one whose digests bundle.json gives.", "文件与 bundle.json 所列摘要不符。"),
    "archive.note": ("bundle.note does not speak of this bundle.json.", "bundle.note 与此 bundle.json 不符。"),
    "archive.signature": (
        "No key of the log signed the bundle, or a signature on it does not hold.",
        "日志密钥未签署此证据包，或其签名无效。",
    ),
    "entry.malformed": ("The entry is no leaf of version 1.", "条目不是第 1 版的日志叶。"),
    "field.malformed": ("The fields are not written as they have to be.", "字段的写法不符合规定。"),
    "field.duplicate": ("Two fields have the same name.", "两个字段同名。"),
    "field.count": ("Fields are missing or too many.", "字段数目过少或过多。"),
    "field.sha256": ("The fields are not those that the entry committed to (SHA-256).", "字段与条目的 SHA-256 承诺值不符。"),
    "field.sm3": ("The fields are not those that the entry committed to (SM3).", "字段与条目的 SM3 承诺值不符。"),
    "proof.malformed": ("The proof of inclusion cannot be read.", "包含证明无法读取。"),
    "proof.other": (
        "The proof is for another entry, or for no checkpoint of this bundle.",
        "证明针对其他条目，或其检查点不在本包中。",
    ),
    "proof.inclusion": ("The entry does not stand in the log at this place.", "条目不在日志的该位置。"),
    "checkpoint.malformed": ("The checkpoint cannot be read.", "检查点无法读取。"),
    "checkpoint.origin": ("The checkpoint is one of another log.", "检查点属于另一日志。"),
    "checkpoint.size": ("The checkpoint has another size than is said.", "检查点的大小与所述不符。"),
    "checkpoint.unsigned": ("A key of the log did not sign the checkpoint.", "日志的某个密钥未签署该检查点。"),
    "checkpoint.signature": ("A signature of the log on the checkpoint does not hold.", "日志在检查点上的签名无效。"),
    "log.order": ("The checkpoints are not in order.", "检查点次序不对。"),
    "log.inconsistent": (
        "A checkpoint does not continue the one before: the log was changed, or forked.",
        "检查点与前一个不相续：日志被改动或分叉。",
    ),
    "witness.signature": ("The signature of a witness does not hold.", "见证方的签名无效。"),
    "witness.missing": ("A witness that the reader named did not sign.", "核验者指定的见证方未签名。"),
    "stamp.malformed": ("The time stamp cannot be read.", "时间戳无法读取。"),
    "stamp.imprint": ("The time stamp is over something else.", "时间戳针对其他内容。"),
    "stamp.signature": ("The signature of the time stamp does not hold.", "时间戳签名无效。"),
    "stamp.purpose": ("The certificate is not for time stamps alone.", "证书并非专用于时间戳。"),
    "stamp.chain": (
        "The certificates lead to no root, or were not valid at that time.",
        "证书链不通向根证书，或当时不在有效期内。",
    ),
    "stamp.untrusted": ("The time stamp leads to no root that the reader named.", "时间戳不通向核验者指定的根证书。"),
    "time.future": ("The entry says it is later than others attest.", "条目所述时间晚于他方证明的时间。"),
    "time.backdated": (
        "The entry says it is earlier than others attest: it was backdated.",
        "条目所述时间早于他方证明的时间：时间被倒签。",
    ),
    "content.entry": ("The entry that tells of the content is not in the bundle.", "说明该内容的条目不在本包中。"),
    "content.digest": ("The content has other digests than the entry says.", "内容的摘要与条目所述不符。"),
    "content.label": ("The content bears another label than the entry says.", "内容的标识与条目所述不符。"),
    "content.other": ("The file is not the one that the bundle tells of.", "所给文件不是证据包所述的文件。"),
    "key.untrusted": ("The key that the reader named did not sign all of this.", "核验者指定的密钥未签署全部内容。"),
}
"""What is wrong, by code."""

OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    "proven": ("proven: every step holds, under the key that the reader named", "已证明：各步骤均成立，且密钥为核验者所指定"),
    "consistent": (
        "consistent: every step holds, but nobody has said whose key it is",
        "相符：各步骤均成立，但未指定密钥，其归属有待核实",
    ),
    "broken": ("broken: at least one step does not hold", "不成立：至少一个步骤不成立"),
}

PARTS: Final[dict[str, tuple[str, str]]] = {
    "after": ("not in the log before", "此时尚未入日志"),
    "before": ("in the log at the latest", "最迟此时已入日志"),
    "at": ("recorded at, by the log's own clock", "日志自身时钟记录的时间"),
    "by": ("by", "行为人"),
    "checkpoint": ("checkpoint", "检查点"),
    "content": ("content", "内容"),
    "cosigned": ("cosigned by", "见证签名"),
    "created": ("made at", "生成时间"),
    "custody": ("custody", "保管经过"),
    "entry": ("entry", "条目"),
    "environment": ("environment", "采集环境"),
    "hidden": ("fields kept back or erased", "未披露或已删除的字段数"),
    "idle": ("nothing to check", "无可核验项"),
    "key": ("key", "密钥"),
    "label": ("label", "标识"),
    "root": ("leads to the root", "根证书"),
    "size": ("size", "大小"),
    "stamped": ("time stamp", "时间戳"),
    "step": ("step", "步骤"),
    "subject": ("subject", "对象"),
    "unbound": (
        "no entry is bound to these very bytes; it tells of the label in them",
        "没有条目与这些字节直接绑定；条目所述为其中的标识",
    ),
    "unpinned": (
        "nobody pinned this key: ask its owner, then verify with --key",
        "未指定密钥：请向其所有者核实，再以 --key 核验",
    ),
}
"""What a case consists of."""


def say(table: Mapping[str, tuple[str, str]] | Mapping[int, tuple[str, str]], name: str | int, language: str) -> str:
    """Return the words for ``name`` in ``en`` or ``zh``; a name without words stands for itself."""
    found = next((pair for key, pair in table.items() if key == name), None)
    return found[LANGUAGES.index(language)] if found else str(name)
