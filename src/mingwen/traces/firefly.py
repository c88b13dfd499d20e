"""Adobe Firefly as the program that made the work, or a part of it."""

import re

from mingwen.domain.clues import Channel
from mingwen.traces._patterns import TITLE_CHARS, Pattern, agent, channels_of, finder
from mingwen.traces._shape import Trace

_NAME = r"(?:Adobe[ _])?Firefly\b"
_PATTERNS = (
    agent(_NAME),
    Pattern(
        frozenset({Channel.EXIF, Channel.TEXT}),
        re.compile(r"\bAdobe[ _]Firefly\b"),
        re.compile("(?i:software|creator|source)"),
        TITLE_CHARS,
    ),
    Pattern(frozenset({Channel.XMP}), re.compile(rf"(?:CreatorTool|softwareAgent|Credit)(?:=[\"']|>)\s*{_NAME}")),
)

MEMBER = Trace(
    name="firefly",
    title_en="Adobe Firefly named as the maker",
    title_zh="制作程序标明为 Adobe Firefly",
    source="https://helpx.adobe.com/firefly, Content Credentials (B)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
