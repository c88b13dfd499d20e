"""Midjourney: the job's number and the prompt's switches in a description."""

import re

from mingwen.domain.clues import Channel
from mingwen.traces._patterns import Pattern, channels_of, finder
from mingwen.traces._shape import Trace

_DESCRIBING = frozenset({Channel.TEXT, Channel.EXIF, Channel.XMP, Channel.IPTC})
_PATTERNS = (
    Pattern(_DESCRIBING, re.compile(r"\bJob ID: [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")),
    Pattern(_DESCRIBING, re.compile(r"\s--(?:v|niji) \d(?:\.\d)?\b")),
)

MEMBER = Trace(
    name="midjourney",
    title_en="Job number or prompt of Midjourney",
    title_zh="Midjourney 任务编号或提示词",
    source="https://docs.midjourney.com, parameters; their place in the file: seen in published readers (F)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
