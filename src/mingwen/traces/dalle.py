"""OpenAI: ChatGPT, DALL·E, GPT-4o and gpt-image as the program that made it."""

import re

from mingwen.domain.clues import Channel
from mingwen.traces._patterns import TITLE_CHARS, Pattern, agent, channels_of, finder
from mingwen.traces._shape import Trace

_NAMES = r"(?:ChatGPT|OpenAI|DALL(?:-|·|Â·| )E|gpt-image|(?i:gpt-4o))"
_PATTERNS = (
    agent(_NAMES),
    Pattern(frozenset({Channel.EXIF, Channel.TEXT}), re.compile(_NAMES), re.compile("(?i:software|creator|source)"), TITLE_CHARS),
    Pattern(frozenset({Channel.XMP}), re.compile(rf"(?:CreatorTool|softwareAgent)(?:=[\"']|>)\s*{_NAMES}")),
)

MEMBER = Trace(
    name="dalle",
    title_en="OpenAI named as the maker",
    title_zh="制作程序标明为 OpenAI",
    source="https://help.openai.com, C2PA in ChatGPT images (B)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
