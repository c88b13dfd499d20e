"""What evidence reports say, in Chinese and English."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """The same in both languages; the Chinese is written as a court would, not word by word."""

    zh: str
    en: str

    def of(self, language: str) -> str:
        """Return them in a language: Chinese for ``zh``, English for any other."""
        return self.zh if language == "zh" else self.en


W = Words

TITLE: Final = W("证据报告 Evidence report", "Evidence report 证据报告")
ABOUT: Final = W("存证日志 {origin}，{made}制作", "Log {origin}, made {made}")

PREFACE: Final = (
    W("本报告是什么", "What this document is"),
    W(
        "本报告把一个证据包的内容整理成便于阅读的文字。本报告只供阅读，不是证据本身；证据是证据包（ZIP 文件）中的电子数据。"
        "两者不一致的，以证据包为准。",
        "This report puts the contents of an evidence bundle into words that can be read. It is a reading aid and not the "
        "evidence: the "
        "evidence is the data in the bundle, a ZIP file. Where the two differ, the bundle counts.",
    ),
    W(
        "存证日志经核验无误的，说明所记录的内容在记入之后没有被改动、删减或者调换次序。它不说明所记录的内容真实，"
        "也不说明记入之前没有被改动。内容是否真实、来源是否合法，须结合其他证据认定。",
        "A log that verifies shows that what was recorded was not changed, removed or moved after it was recorded. It does "
        "not show that what "
        "was recorded was true, nor that it had not been changed before. That is for other evidence to show.",
    ),
    W("本报告不是法律意见。", "This report is not legal advice."),
    W(
        "本报告中凡注明“制作方陈述”“日志自记”的，来自制作证据包的一方或者日志经营者，他人没有核验。凡注明“他方时间”的，"
        "来自见证方或者时间戳机构，"
        "可以据其公钥或者证书核验。",
        "What is called a claim comes from whoever made the bundle or keeps the log; nobody else has checked it. Times of "
        "another party come "
        "from a witness or a time-stamping authority and can be checked with their keys or certificates.",
    ),
)

PHRASES: Final = {
    "acts": W("一、所记录的行为", "1  What was recorded"),
    "content": W("二、所涉内容", "2  The content"),
    "times": W("三、时间", "3  Time"),
    "log": W("四、存证日志", "4  The log"),
    "keys": W("五、公钥及其指纹", "5  Keys and their fingerprints"),
    "custody": W("六、保管经过", "6  Chain of custody"),
    "environment": W("七、取证环境", "7  Environment of capture"),
    "verify": W("八、核验方法", "8  How to verify"),
    "glossary": W("九、名词解释", "9  Words used here"),
    "acts-intro": W(
        "截至{made}，证据包包含存证日志中的下列条目，共 {count} 条。",
        "As of {made} the bundle holds these entries of the log, {count} in all.",
    ),
    "acts-more": W(
        "其余 {count} 个条目未在此列出，见证据包。",
        "{count} more entries are not shown here; they stand in the bundle.",
    ),
    "entry": W("第 {index} 号条目：{kind}", "Entry {index}: {kind}"),
    "kind": W("行为类别", "Kind of act"),
    "at": W("记录时间（日志自记）", "Recorded at (the log's own clock)"),
    "hidden": W("未予披露的字段", "Fields kept back"),
    "hidden-none": W("无", "none"),
    "hidden-some": W(
        "{count} 项。其内容未予披露或者已被删除。证据包列有其摘要；日后披露的，可以据此核验是否为当时记入的内容。",
        "{count}. Their contents are kept back or were erased. The bundle holds their digests: if one is shown later, anybody "
        "can check that it is what was recorded.",
    ),
    "leaf": W("日志中的原文", "As it stands in the log"),
    "content-none": W("证据包未附具体内容的信息。", "The bundle says nothing of a particular file."),
    "content-intro": W(
        "下列各项描述证据包所指的文件。文件本身不在证据包内；持有该文件的，可以计算其摘要与下列数值比对。",
        "This describes the file that the bundle is about. The file itself is not in the bundle. Whoever has it can compute its "
        "digests and compare them with these.",
    ),
    "name": W("文件名", "File name"),
    "size": W("大小", "Size"),
    "bytes": W("{count} 字节", "{count} bytes"),
    "unknown": W("未提供", "not given"),
    "told-by": W("对应条目", "Told of by"),
    "entry-number": W("第 {index} 号条目", "entry {index}"),
    "iscc": W("ISCC（内容编码）", "ISCC (content code)"),
    "label-at": W("标识，位于 {place}", "Label at {place}"),
    "label-intro": W(
        "以下为 GB 45438-2025 附录 E 规定的元数据隐式标识，逐项列出。",
        "This is the metadata label of GB 45438-2025 Annex E, field by field.",
    ),
    "label-empty": W("（空）", "(empty)"),
    "label-raw": W("标识原文", "The label as it stands"),
    "times-intro": W(
        "实心圆点为他方时间，空心圆点为日志自记的时间。线段不按比例。",
        "A filled dot is a time of another party, an empty one a claim. The line is not to scale.",
    ),
    "after": W("晚于", "Recorded after"),
    "claimed": W("日志自记时间", "Claimed"),
    "before": W("早于", "Recorded before"),
    "no-after": W("无他方时间", "no time of another party"),
    "own-clock": W("日志经营者的时钟，他方未核验", "the clock of the log's operator, unchecked"),
    "clock-of": W("{whose}的时钟（他方时间）", "the clock of {whose} (another party)"),
    "no-bound": W("证据包中没有这一侧的他方时间", "the bundle holds none on this side"),
    "origin": W("日志名称", "Name of the log"),
    "checkpoint": W("检查点：前 {size} 个条目", "Checkpoint over the first {size} entries"),
    "root": W("树根", "Root of the tree"),
    "signed-by": W("签名", "Signatures"),
    "witnesses": W("见证", "Witnesses"),
    "stamps": W("时间戳", "Time stamps"),
    "stamp": W("{at}，时间戳机构 {authority}", "{at}, by {authority}"),
    "cosigned": W("{at}，见证方 {name}", "{at}, by {name}"),
    "certificate": W("证书主体", "Certificate of"),
    "none": W("无", "none"),
    "keys-intro": W(
        "公钥证明签名由谁作出。请将下列公钥或者其指纹，与日志经营者、见证方或者主管部门另行公布的"
        "逐字比对；仅凭本证据包，"
        "不能确认公钥属于何人。",
        "A key shows whose signature it is. Compare these keys or their fingerprints, letter by letter, with those that the "
        "operator, the witness or the regulator publishes elsewhere: the bundle alone cannot show whose keys they are.",
    ),
    "key-kind": W("算法", "Algorithm"),
    "key-text": W("公钥", "Key"),
    "fingerprint": W("指纹（公钥文本的 SHA-256）", "Fingerprint: SHA-256 of the key's text"),
    "custody-intro": W("下表为制作方陈述。", "This table is a claim of whoever made the bundle."),
    "custody-none": W("制作方没有陈述保管经过。", "Whoever made the bundle says nothing about custody."),
    "when": W("时间", "When"),
    "who": W("何人", "Who"),
    "what": W("何事", "What"),
    "environment-intro": W("以下为制作方陈述。", "These are claims of whoever made the bundle."),
    "environment-none": W("制作方没有陈述取证环境。", "Whoever made the bundle says nothing about its environment."),
    "verify-intro": W(
        "任何人都可以脱离网络、不依赖制作方核验证据包。下列方法择一即可；为稳妥起见，可以使用两种互相独立的方法。",
        "Anybody can verify the bundle offline and without its maker. One of these ways is enough; two that are "
        "independent are better.",
    ),
    "way": W("（{number}）{how}", "({number}) {how}"),
    "verify-cli": W(
        "使用 Mingwen 命令。KEY 为从日志经营者处另行取得的公钥：",
        "With the Mingwen command. KEY is the log's key, obtained from its operator by another way:",
    ),
    "verify-single": W(
        "使用单文件核验程序。程序篇幅不长，可以先行审阅；运行时只需 Python 和 cryptography 软件包：",
        "With the verifier in one file, which is short enough to be read first. It needs Python and its package cryptography:",
    ),
    "verify-page": W(
        "使用网页。下列命令写出一个网页文件；在断网的电脑上用浏览器打开，选择证据包：",
        "With a web page. This writes it; open it in a browser on a computer without network, and choose the bundle:",
    ),
    "verify-stamp": W(
        "单独核验时间戳。ROOT.pem 为时间戳机构的根证书；检查点的前三行为被盖时间戳的文本：",
        "A time stamp alone. ROOT.pem is the authority's root certificate; the first three lines of a checkpoint are "
        "what was stamped:",
    ),
    "verify-proof": W(
        "单独核验条目在日志中的位置。扩展名为 .tlog-proof 的文件符合公开规范 c2sp.org/tlog-proof，任何实现该规范的程序都能核验。",
        "An entry's place in the log alone. Files that end in .tlog-proof follow the public specification "
        "c2sp.org/tlog-proof; any "
        "program that implements it can check them.",
    ),
    "steps-intro": W("核验程序依次进行下列步骤：", "A verifier takes these steps:"),
    "step": W("步骤", "Step"),
    "steps": W("核验步骤", "The steps of verification"),
    "holding": W("通过说明什么", "What it shows where it holds"),
    "value": W("内容", "Value"),
    "label-field": W("字段", "Field"),
    "other-kind": W("其他行为（{kind}）", "another act ({kind})"),
    "failing": W("不通过说明什么", "What a failure means"),
    "outcomes": W("核验结论", "Outcomes"),
    "outcomes-intro": W("核验程序给出下列三种结论之一：", "A verifier comes to one of these:"),
    "faults": W("问题代码", "Faults by code"),
    "code": W("代码", "Code"),
    "bound": W("该条目记有本文件的摘要。", "The entry discloses the digest of these very bytes."),
    "unbound": W(
        "该条目没有记载本文件的摘要，只记载了其中的标识。",
        "The entry does not tell the digest of these bytes; it tells of the label in them.",
    ),
    "binding": W("条目与文件", "Entry and file"),
    "term": W("名词", "Word"),
    "meaning": W("含义", "Meaning"),
}

FIELDS: Final = {
    "subject": W("所涉对象", "What it was about"),
    "by": W("行为人", "Who acted"),
    "file": W("文件名", "File name"),
    "sha256": W("文件的 SHA-256 摘要", "SHA-256 of the file"),
    "sm3": W("文件的 SM3 摘要", "SM3 of the file"),
    "label": W("标识原文", "Text of the label"),
    "format": W("文件格式", "Format"),
    "notice": W("显式标识", "Explicit label"),
    "delivery": W("不添加显式标识的提供（《标识办法》第九条）", "Delivery without explicit label (Measures Art. 9)"),
    "keep_until": W("记录留存至", "Record kept until"),
    "verdict": W("核验结论", "Verdict"),
    "codes": W("核验意见代码", "Codes of the findings"),
    "reason": W("理由", "Reason"),
}

LABEL: Final = {
    "Label": W("生成合成标签（1 属于，2 可能，3 疑似）", "whether it is generated: 1 it is, 2 it may be, 3 it is suspected"),
    "ContentProducer": W("生成合成服务提供者", "who generated it"),
    "ProduceID": W("内容制作编号", "the producer's number for it"),
    "ReservedCode1": W("预留字段1：提供者的完整性保护", "the producer's protection of the label"),
    "ContentPropagator": W("内容传播服务提供者", "who spreads it"),
    "PropagateID": W("内容传播编号", "the platform's number for it"),
    "ReservedCode2": W("预留字段2：传播平台的完整性保护", "the platform's protection of the label"),
}

FAILING: Final = {
    1: W("证据包在制作之后被改动，或者在传输中损坏。", "The bundle was changed after it was made, or damaged on its way."),
    2: W("不是本日志所能产生的条目。", "It is not an entry that such a log can hold."),
    3: W(
        "所示内容不是当时记入的，或者有所增减。",
        "What is shown is not what was recorded, or something was added or left out.",
    ),
    4: W("不能证明该条目在日志中。", "It is not shown that the entry is in the log."),
    5: W("检查点不是该日志作出的。", "The checkpoint was not made by this log."),
    6: W(
        "日志曾被改写，或者曾对不同的人出示不同的内容。",
        "The log was rewritten, or showed different things to different people.",
    ),
    7: W(
        "见证不成立；指定的见证方未签名的，该方没有作证。",
        "The witness did not sign this; or one that you asked for is missing.",
    ),
    8: W(
        "该时间戳不能证明时间。仅根证书不受信任的，须另行查明时间戳机构的身份。",
        "The stamp shows no time. If only its root is not trusted, find out by another way who the authority is.",
    ),
    9: W("记录时间被提前或者推后。", "The entry was dated back, or into the future."),
    10: W("文件或者标识不是条目所指的。", "The file, or its label, is not the one that was recorded."),
    11: W("签名有效，但并非所指定的公钥作出。", "The signatures hold, but are not by the key that you named."),
}
"""What it means where a step does not hold (docs/reference/evidence-bundle.md, Verification)."""

GLOSSARY: Final = (
    (
        W("摘要（哈希值）", "Digest (hash)"),
        W(
            "由数据计算得出的一串字符。数据有任何改动，摘要即不同；由摘要不能反推数据。SHA-256 为国际通用算法，SM3 "
            "为国家标准 GB/T 32905 规定的算法。",
            "A short value computed from data. Any change to the data gives another digest, and the data cannot be found "
            "from it. SHA-256 is "
            "used world-wide, SM3 is the Chinese standard GB/T 32905.",
        ),
    ),
    (
        W("存证日志", "Log"),
        W(
            "只能在末尾增加条目的清单。改动或者删除其中任何一个条目，与先前的检查点比对即可发现。",
            "A list to which entries are only added at the end. To change or remove one shows against any earlier checkpoint.",
        ),
    ),
    (
        W("树根", "Root of the tree"),
        W(
            "由全部条目逐层计算得出的一个摘要，代表日志在某一时刻的全部内容。",
            "One digest over all entries, computed level by level; it stands for the whole log.",
        ),
    ),
    (
        W("检查点", "Checkpoint"),
        W(
            "日志经营者对日志名称、条目数量和树根的签名。",
            "The log's signed statement of its name, its number of entries and its root.",
        ),
    ),
    (
        W("包含证明、一致性证明", "Proofs of inclusion and consistency"),
        W(
            "少量摘要，据此可以算出某个条目在日志中，或者较晚的日志完整包含较早的日志。",
            "A few digests from which anybody can compute that an entry is in the log, or that a later log contains an "
            "earlier one whole.",
        ),
    ),
    (
        W("见证方", "Witness"),
        W(
            "独立于日志经营者的一方，确认日志只增不改后才签名。",
            "A party apart from the log's operator. It signs a checkpoint only after checking that the log has only grown.",
        ),
    ),
    (
        W("时间戳", "Time stamp"),
        W(
            "时间戳机构（RFC 3161）签名的声明：某一数据在该时刻已经存在。",
            "A statement signed by an authority (RFC 3161) that some data existed at a time.",
        ),
    ),
    (
        W("公钥、指纹", "Key and fingerprint"),
        W(
            "公钥用于核验签名，可以公开；指纹是公钥的摘要，便于比对。",
            "A public key checks signatures and is no secret; its fingerprint is its digest, which is easier to compare.",
        ),
    ),
    (
        W("承诺、未披露的字段", "Commitment, field kept back"),
        W(
            "记入日志的不是字段本身，而是加入随机数后的摘要。字段可以不予披露或者依法删除，日志仍可核验。",
            "The log holds digests of the fields mixed with random numbers, not the fields. They can be kept back or "
            "erased, and the log still "
            "verifies.",
        ),
    ),
    (
        W("ISCC", "ISCC"),
        W(
            "ISO 24138 规定的内容编码，相似的内容编码相近。",
            "A code for content by ISO 24138; similar content has similar codes.",
        ),
    ),
    (
        W("标识", "Label"),
        W(
            "依 GB 45438-2025 在生成合成内容中添加的说明，包括可感知的显式标识和文件元数据中的隐式标识。",
            "What GB 45438-2025 asks to be put on generated content: a notice that people perceive, and fields in the "
            "file's metadata.",
        ),
    ),
)
