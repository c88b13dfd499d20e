"""IPTC: the fields of 2025.1 that name the AI system and the prompt."""

import re

from mingwen.domain.clues import Channel
from mingwen.traces._patterns import Pattern, finder
from mingwen.traces._shape import Trace

_FIELDS = re.compile(
    r":(?:AISystemUsed|AISystemVersionUsed|AIPromptInformation|AIPromptWriterName?)\b(?:\s*=\s*[\"']|\s*>)\s*[^\s<\"']"
)

MEMBER = Trace(
    name="iptc-fields",
    title_en="IPTC fields that name an AI system or a prompt",
    title_zh="IPTC 字段注明人工智能系统或提示词",
    source="https://iptc.org/std/photometadata/specification/ 2025.1, AI System Used and beside it; the XMP identifiers: (M)",
    strong=False,
    channels=frozenset({Channel.XMP}),
    find=finder([Pattern(frozenset({Channel.XMP}), _FIELDS)]),
)
