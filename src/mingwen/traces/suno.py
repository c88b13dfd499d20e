"""Suno and other makers of songs and voices: the comment they leave in a sound's tags."""

import re

from mingwen.domain.clues import Channel
from mingwen.traces._patterns import Pattern, channels_of, finder
from mingwen.traces._shape import Trace

_TAG = frozenset({Channel.TAG})
_PATTERNS = (
    Pattern(_TAG, re.compile(r"\A(?i:made with (?:suno|udio))\b[^\n]{0,80}")),
    Pattern(_TAG, re.compile(r"\Ahttps?://(?:www\.)?(?:suno\.com|suno\.ai|udio\.com)/song[^\s]{0,60}")),
)

MEMBER = Trace(
    name="suno",
    title_en="Comment of a generator of songs",
    title_zh="音乐生成程序留下的注释",
    source='https://suno.com; the comment "made with suno; created=…; id=…" is seen in files (F)',
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
