"""InvokeAI: its metadata of three eras, ``Dream``, ``sd-metadata`` and ``invokeai_metadata``."""

import re

from mingwen.domain.clues import Channel
from mingwen.traces._patterns import Pattern, channels_of, finder
from mingwen.traces._shape import Trace

_NAMED = frozenset({Channel.TEXT, Channel.TAG})
_PATTERNS = (
    Pattern(_NAMED, re.compile(r"\A\s*\{[^\n]{0,60}"), re.compile("invokeai_(?:metadata|graph|workflow)|sd-metadata")),
    # An ordinary word as a name, so the command line behind it has to be there too.
    Pattern(_NAMED, re.compile(r"\s-(?:s|S|C|A)\s?\d+(?:\.\d+)?\b"), re.compile("Dream")),
)

MEMBER = Trace(
    name="invokeai",
    title_en="Metadata of InvokeAI",
    title_zh="InvokeAI 写入的生成信息",
    source="https://github.com/invoke-ai/InvokeAI (F)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
