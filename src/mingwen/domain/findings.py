"""Every finding a verification can make: its code, severity, clause and words, in one table.

The documentation's page of findings is written from this table, and a test holds the two together.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How much a finding weighs: an error makes a label non-compliant."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be found."""

    code: str
    severity: Severity
    clause: str
    """The clause of the standard that asks for it, or "ours" where no clause was found."""
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, and where."""

    rule: Rule
    place: str
    given: tuple[tuple[str, str], ...] = ()

    @property
    def code(self) -> str:
        """The stable code, for machines."""
        return self.rule.code

    @property
    def severity(self) -> Severity:
        """What it means for the verdict."""
        return self.rule.severity

    @property
    def clause(self) -> str:
        """The clause it rests on."""
        return self.rule.clause.format_map(dict(self.given))

    def message(self, language: str = "en") -> str:
        """Say it in ``en`` or ``zh``; of what was given, ``reason_zh`` stands for ``reason`` in Chinese."""
        given = dict(self.given)
        if language == "zh":
            given |= {name.removesuffix("_zh"): value for name, value in self.given if name.endswith("_zh")}
            return self.rule.zh.format_map(given)
        return self.rule.en.format_map(given)


_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO
_GB = "GB 45438-2025"

RULES: Final = {
    r.code: r
    for r in (
        Rule("label.not-json", _E, f"{_GB} Annex E b", "expected a JSON object, found {found}", "应为 JSON 对象，实为 {found}"),
        Rule(
            "label.too-long",
            _E,
            "ours",
            "expected at most {most} bytes, found {found}",
            "应不超过 {most} 字节，实为 {found} 字节",
        ),
        Rule("label.field-missing", _E, f"{_GB} Annex E b", "{field} is missing", "缺少字段 {field}"),
        Rule("label.field-empty", _E, f"{_GB} Annex E b", "{field} is empty", "字段 {field} 为空"),
        Rule(
            "label.optional-missing",
            _W,
            f"{_GB} Annex E b",
            "{field} is missing; seven keys are asked for",
            "缺少字段 {field}；应有七个键",
        ),
        Rule(
            "label.propagation-empty",
            _W,
            f"{_GB} Annex E note 1",
            "{field} is empty; the first write repeats the producer's",
            "{field} 为空；首次写入应与生成方字段一致",
        ),
        Rule(
            "label.producer-unknown",
            _I,
            "Measures Art. 6",
            "a platform's label: the producer is not known to it",
            "传播平台添加的标识：生成方未知",
        ),
        Rule(
            "label.older-schema",
            _E,
            f"{_GB} Annex E b",
            "expected the seven fields of Annex E, found the older schema of Tencent Cloud ({found})",
            "应为附录 E 的七个字段，实为腾讯云早期格式（{found}）",
        ),
        Rule("label.field-unknown", _W, f"{_GB} Annex E b", "{field} is not one of the seven fields", "{field} 不属于七个字段"),
        Rule(
            "label.value-illegal",
            _E,
            f"{_GB} Annex E c",
            'Label must be "1", "2" or "3", found {found}',
            'Label 应为 "1"、"2" 或 "3"，实为 {found}',
        ),
        Rule(
            "label.value-numeric",
            _W,
            f"{_GB} Annex E b",
            'Label is the number {found}; it must be the string "{found}"',
            'Label 为数字 {found}，应为字符串 "{found}"',
        ),
        Rule(
            "label.value-not-string",
            _E,
            f"{_GB} Annex E b",
            "{field} must be a string, found {found}",
            "{field} 应为字符串，实为{found}",
        ),
        Rule(
            "label.reserved-nested",
            _W,
            "TC260-PG-202511A",
            "{field} must be a string, found a nested object; read all the same",
            "{field} 应为字符串，实为嵌套对象；仍予读取",
        ),
        Rule(
            "label.charset",
            _W,
            f"{_GB} Annex E j",
            "{field} holds {found}, outside 0x21, 0x23–0x5B, 0x5D–0x7E",
            "{field} 含 {found}，超出 0x21、0x23–0x5B、0x5D–0x7E",
        ),
        Rule(
            "label.key-order",
            _I,
            f"{_GB} Annex E b",
            "the keys stand in another order than the standard shows",
            "键的顺序与标准所示不同",
        ),
        Rule(
            "label.key-duplicate",
            _E,
            f"{_GB} Annex E b",
            "{field} stands {count} times in one label",
            "{field} 在同一标识中出现 {count} 次",
        ),
        Rule(
            "label.double-encoded",
            _W,
            f"{_GB} Annex E b",
            "the object is encoded as a JSON string once more; read all the same",
            "对象被再次编码为 JSON 字符串；仍予读取",
        ),
        Rule(
            "label.wrapper",
            _W,
            f"{_GB} Annex E b",
            "this place takes the {wanted} form, found the {found} form",
            "此处应为{wanted}形式，实为{found}形式",
        ),
        Rule(
            "label.place",
            _W,
            "{guide}",
            "not the place that is set for this format, which is {wanted}",
            "不是该格式应有的位置（{wanted}）",
        ),
        Rule(
            "label.duplicate",
            _E,
            f"{_GB} 6.1 c",
            "the file holds {count} labels; only one is allowed",
            "文件含 {count} 个标识，只允许一个",
        ),
        Rule(
            "label.too-many",
            _E,
            f"{_GB} 6.1 c",
            "the file holds {count} labels; only the first {most} were looked at",
            "文件含 {count} 个标识，仅核验前 {most} 个",
        ),
        Rule(
            "label.disagree", _E, f"{_GB} 6.1 c", "the labels of this file disagree in {fields}", "文件中的标识互不一致：{fields}"
        ),
        Rule(
            "provider.bare-name",
            _W,
            "TC260-PG-20252A",
            "{field} is a bare name, not a 27-character code",
            "{field} 为名称，而非 27 位编码",
        ),
        Rule(
            "provider.length",
            _W,
            "TC260-PG-20252A",
            "{field} looks like a provider code, but has not 27 characters",
            "{field} 形似服务提供者编码，但长度不是 27 位",
        ),
        Rule(
            "provider.alphabet",
            _W,
            "TC260-PG-20252A",
            "{field} looks like a provider code, but holds characters that no code has",
            "{field} 形似服务提供者编码，但含编码不允许的字符",
        ),
        Rule(
            "provider.prefix",
            _W,
            "TC260-PG-20252A",
            "{field} looks like a provider code, but does not begin with 00",
            "{field} 形似服务提供者编码，但不以 00 开头",
        ),
        Rule(
            "provider.check-digit",
            _W,
            "GB 32100",
            "{field} holds a credit code whose check digit is wrong",
            "{field} 中统一社会信用代码的校验码有误",
        ),
        Rule(
            "provider.service-type",
            _W,
            "TC260-PG-20252A",
            "{field} has another service type than 0, 1 or 2",
            "{field} 的服务类型不是 0、1 或 2",
        ),
        Rule(
            "signature.invalid",
            _E,
            "TC260-PG-202511A A.1",
            "the signature in {field} does not fit the label",
            "{field} 中的签名与标识不符",
        ),
        Rule(
            "signature.integrity-only",
            _I,
            "TC260-PG-202511A",
            "the signature in {field} fits the label; its key {key} is not pinned, so it proves integrity only",
            "{field} 中的签名与标识相符；密钥 {key} 未受信任，仅证明完整性",
        ),
        Rule(
            "signature.trusted",
            _I,
            "TC260-PG-202511A",
            "the signature in {field} fits the label and its key {key} is pinned",
            "{field} 中的签名与标识相符，密钥 {key} 受信任",
        ),
        Rule(
            "signature.uncheckable",
            _I,
            "TC260-PG-202511A",
            "{field} holds protection that cannot be checked: {why}",
            "{field} 中的保护信息无法核验：{why}",
        ),
        Rule(
            "signature.form",
            _I,
            "TC260-PG-202511A A.1",
            "the signature in {field} verifies in another form than the guide's: {form}",
            "{field} 中的签名以非指南形式验证通过：{form}",
        ),
        Rule(
            "gate.label",
            _I,
            "Measures Art. 6({found})",
            "the metadata bear a label: Label {found}",
            "元数据中有标识：Label 为 {found}",
        ),
        Rule(
            "gate.label-odd",
            _W,
            f"{_GB} Annex E c",
            "Label is {found}, which no standard knows; taken for Label {taken}",
            "Label 为 {found}，标准中无此值；按 Label {taken} 处理",
        ),
        Rule(
            "gate.statement",
            _I,
            "Measures Art. 6(1)",
            "{trace} states that it was generated: {words}",
            "元数据表明内容由人工智能生成：{trace}（{words}）",
        ),
        Rule("gate.declared", _I, "Measures Art. 6(2)", "the user declares it generated", "用户声明为生成合成内容"),
        Rule(
            "gate.contradicted",
            _W,
            "Measures Art. 6",
            "the user declares it not generated, but there is what says otherwise",
            "用户声明为非生成内容，但存在相反的迹象",
        ),
        Rule(
            "gate.explicit",
            _I,
            "Measures Art. 6(3)",
            "an explicit label stands in the content: {words}",
            "内容中存在显式标识：{words}",
        ),
        Rule("gate.trace", _I, "Measures Art. 6(3)", "a trace was found: {trace} ({words})", "发现生成痕迹：{trace}（{words}）"),
        Rule(
            "gate.held",
            _W,
            "ours",
            "a person has to decide, and the file stays as it came: {reason}",
            "需人工判断，文件保持原样：{reason}",
        ),
        Rule(
            "producer.removed",
            _E,
            "Measures Art. 10",
            "the label of {was} is gone",
            "{was} 的标识已被移除",
        ),
        Rule(
            "producer.changed",
            _E,
            "Measures Art. 10",
            "{field} changed from {was} to {found}",
            "{field} 由 {was} 变为 {found}",
        ),
        Rule(
            "producer.unread",
            _W,
            "Measures Art. 10",
            "the label of {was} was not found again, but something here could not be read: {reason}",
            "未再发现 {was} 的标识，但此处有内容无法读取：{reason}",
        ),
        Rule("channel.unread", _W, "ours", "could not be read: {reason}", "无法读取：{reason}"),
        Rule(
            "file.suffix",
            _I,
            "ours",
            "the name ends in {found}, but the bytes are {wanted}",
            "文件名以 {found} 结尾，但内容为 {wanted}",
        ),
        Rule("notice.found", _I, f"{_GB} §5.1", "an explicit label stands at the {where}", "在{where}发现显式标识"),
        Rule(
            "explicit.seen",
            _I,
            f"{_GB} {{clause}}",
            "“{words}” stands at the {where}, its letters {height} pixels high; at least {needed} are asked for",
            "“{words}”位于{where}，文字高 {height} 像素；要求不低于 {needed} 像素",
        ),
        Rule(
            "explicit.time",
            _I,
            f"{_GB} §5.4",
            "it begins at {starts} s and stands for {seconds} s",
            "自 {starts} 秒起显示 {seconds} 秒",
        ),
        Rule(
            "explicit.heard",
            _I,
            f"{_GB} §5.3",
            "短长 短短 is heard at the {where}, {seconds} s",
            "在{where}第 {seconds} 秒听到短长 短短",
        ),
        Rule(
            "explicit.low",
            _E,
            f"{_GB} {{clause}}",
            "expected letters of at least {needed} pixels, 5 % of the shortest side; they are {height} high",
            "文字高度应不低于 {needed} 像素（最短边的 5%），实为 {height} 像素",
        ),
        Rule("explicit.place", _W, f"{_GB} {{clause}}", "expected at an edge or a corner", "应位于画面的边或角"),
        Rule(
            "explicit.short",
            _E,
            f"{_GB} §5.4",
            "expected for at least {least} s, it stands for {seconds} s",
            "持续时间应不少于 {least} 秒，实为 {seconds} 秒",
        ),
        Rule(
            "explicit.late",
            _E,
            f"{_GB} §5.4",
            "expected in the opening picture, it begins at {starts} s",
            "应出现于起始画面，实际自 {starts} 秒起",
        ),
        Rule("explicit.absent", _W, f"{_GB} {{clause}}", "no explicit label was perceived", "未识别到显式标识"),
        Rule(
            "explicit.unheard",
            _W,
            f"{_GB} §5.3",
            "短长 短短 was not heard; a label that is spoken is not recognised",
            "未听到短长 短短；语音标识无法识别",
        ),
        Rule(
            "explicit.unread",
            _W,
            f"{_GB} {{clause}}",
            "could not be looked at for an explicit label: {reason}",
            "无法识别显式标识：{reason}",
        ),
        Rule(
            "manifest.valid",
            _I,
            "C2PA 2.2 §14.3.5",
            "the file and its manifest are as they were signed",
            "文件及其清单与签名时一致",
        ),
        Rule(
            "manifest.trusted",
            _I,
            "C2PA 2.2 §14.3.6",
            "the manifest is signed by {signer}, whose certificate leads to a trusted root",
            "清单由 {signer} 签名，其证书链至受信任的根证书",
        ),
        Rule(
            "manifest.unknown-signer",
            _I,
            "C2PA 2.2 §14.4",
            "the manifest is signed by {signer}, whom no configured trust list knows, so it proves integrity only",
            "清单由 {signer} 签名，该签名者不在已配置的信任列表中，仅证明完整性",
        ),
        Rule(
            "manifest.tampered-content",
            _E,
            "C2PA 2.2 §15.2.2",
            "the file's bytes changed after the manifest was signed: {status}",
            "文件内容在清单签名后被更改：{status}",
        ),
        Rule(
            "manifest.tampered-label",
            _E,
            "C2PA 2.2 §15.2.2",
            "the label in the manifest changed after the manifest was signed: {status}",
            "清单中的标识在清单签名后被更改：{status}",
        ),
        Rule(
            "manifest.tampered-ingredient",
            _E,
            "C2PA 2.2 §15.2.2",
            "an ingredient's manifest changed after the manifest was signed: {status}",
            "来源素材的清单在清单签名后被更改：{status}",
        ),
        Rule(
            "manifest.tampered-manifest",
            _E,
            "C2PA 2.2 §15.2.2",
            "the manifest itself changed after the manifest was signed: {status}",
            "清单本身在清单签名后被更改：{status}",
        ),
        Rule(
            "manifest.credential",
            _E,
            "C2PA 2.2 §14.5",
            "the certificate that signed the manifest does not hold: {status}",
            "清单的签名证书无效：{status}",
        ),
        Rule(
            "manifest.remote",
            _I,
            "C2PA 2.2 §11.5",
            "the manifest is said to be at {url} and was not fetched",
            "清单声明位于 {url}，未获取",
        ),
        Rule(
            "manifest.unreadable",
            _W,
            "C2PA 2.2 §15.6",
            "a manifest could not be looked for or read: {reason}",
            "无法查找或读取清单：{reason}",
        ),
        Rule(
            "manifest.label-differs",
            _E,
            "ours",
            "the label in the signed manifest and the label in the file differ in {fields}",
            "已签名清单中的标识与文件中的标识不一致：{fields}",
        ),
        Rule(
            "manifest.label-gone",
            _E,
            "ours",
            "the signed manifest holds a label by {was}, and the file bears none any more",
            "已签名清单中含有 {was} 的标识，而文件中已无标识",
        ),
    )
}


def found(code: str, place: str, **given: object) -> Finding:
    """Make the finding ``code`` at ``place``; ``given`` fills the words of its rule."""
    return Finding(RULES[code], place, tuple((k, str(v)) for k, v in given.items()))
