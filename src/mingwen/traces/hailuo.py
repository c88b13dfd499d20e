"""MiniMax and its Hailuo (海螺), named by the program that wrote a film or a voice."""

import re

from mingwen.traces._patterns import NOTE_CHARS, WORKING_CHANNELS, Pattern, agent, channels_of, finder
from mingwen.traces._shape import Trace

_NAME = r"(?:(?:\A|\")MiniMax\b|\b(?i:hailuo)(?:[ _-]?(?i:ai))?\b|海螺AI)"
_PATTERNS = (
    Pattern(WORKING_CHANNELS, re.compile(_NAME), reach=NOTE_CHARS),
    agent(r"(?i:minimax|hailuo)"),
)

MEMBER = Trace(
    name="hailuo",
    title_en="MiniMax or Hailuo named as the maker",
    title_zh="制作程序标明为 MiniMax 或海螺",
    source="https://www.minimax.io; which tag bears the name: not documented (M)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
