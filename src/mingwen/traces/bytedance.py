"""ByteDance: Doubao, Jimeng (Dreamina), CapCut and Douyin, in private keys beside or instead of the label."""

import re

from mingwen.traces._patterns import WORKING_CHANNELS, Pattern, agent, channels_of, finder
from mingwen.traces._shape import Trace

_PATTERNS = (
    # 1 and 2: disclosed; 0 says nothing. Its numbers are not those of the Label of GB 45438-2025.
    Pattern(WORKING_CHANNELS, re.compile(r"\baigc_label_type\\?\"?\s*[:=]\s*\\?\"?[12]\b")),
    Pattern(WORKING_CHANNELS, re.compile(r"\A\s*[12]\s*\Z"), re.compile(r"(?:.*[.:])?aigc_label_type")),
    Pattern(WORKING_CHANNELS, re.compile(r"\"product\\?\"\s*:\s*\\?\"(?i:dreamina|jimeng|doubao|即梦|豆包)")),
    Pattern(WORKING_CHANNELS, re.compile(r"\A(?i:dreamina|jimeng|doubao|即梦|豆包)"), re.compile(r"(?:.*[.:])?product")),
    agent(r"(?i:Seedance|Seedream|Dreamina|Jimeng|Doubao)"),
)

MEMBER = Trace(
    name="bytedance",
    title_en="Private keys of ByteDance's generators",
    title_zh="字节跳动（豆包、即梦）私有字段",
    source="seen in files of Doubao, Dreamina and TikTok; no public description was found (F)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
