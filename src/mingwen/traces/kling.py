"""Kling (可灵), of Kuaishou, named by the program that wrote a film or a picture."""

import re

from mingwen.traces._patterns import NOTE_CHARS, WORKING_CHANNELS, Pattern, agent, channels_of, finder
from mingwen.traces._shape import Trace

_NAME = r"(?:(?i:\bkling[ _-]?ai\b)|\bKling(?= ?(?:v?\d|O1|Video))|可灵(?:AI|大模型))"
_PATTERNS = (
    Pattern(WORKING_CHANNELS, re.compile(_NAME), reach=NOTE_CHARS),
    agent(_NAME),
)

MEMBER = Trace(
    name="kling",
    title_en="Kling named as the maker",
    title_zh="制作程序标明为可灵",
    source="https://klingai.com; which tag bears the name: not documented (M)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
