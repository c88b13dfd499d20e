"""NovelAI: its text chunks, and what it hides in the lowest bits of a picture's transparency."""

import re

from mingwen.domain.clues import Channel
from mingwen.traces import _stealth
from mingwen.traces._patterns import Pattern, channels_of, finder
from mingwen.traces._shape import Trace

_TEXTS = frozenset({Channel.TEXT, Channel.EXIF})
_PATTERNS = (
    Pattern(_TEXTS, re.compile(r"\ANovelAI\b[^\n]{0,60}"), re.compile("Software|Source|Make")),
    Pattern(_TEXTS, re.compile(r"\ANovelAI generated image"), re.compile("Title|DocumentName")),
    Pattern(_TEXTS, re.compile(r"\"(?:uc|v4_prompt|request_type)\"\s*:\s*[\"{]"), re.compile("Comment|UserComment")),
)

MEMBER = Trace(
    name="novelai",
    title_en="Metadata of NovelAI, open or hidden in the transparency",
    title_zh="NovelAI 写入或隐藏于透明通道的生成信息",
    source="https://github.com/NovelAI/novelai-image-metadata (A)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
    pixels=_stealth.found,
)
