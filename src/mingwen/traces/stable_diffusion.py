"""Stable Diffusion's web interfaces: the parameters that AUTOMATIC1111, Forge, SD.Next, Fooocus and SwarmUI write."""

import re

from mingwen.domain.clues import Channel
from mingwen.traces._patterns import WORKING_CHANNELS, Pattern, channels_of, finder
from mingwen.traces._shape import Trace

_PATTERNS = (
    Pattern(WORKING_CHANNELS, re.compile(r"\bSteps: \d{1,5}, (?:Sampler|Schedule type|CFG scale|Seed): ?[^,\n]{1,40}")),
    Pattern(WORKING_CHANNELS, re.compile(r"\"sui_image_params\"\s*:\s*\{")),
    Pattern(frozenset({Channel.TEXT}), re.compile(r"\A\w{1,20}"), re.compile("fooocus_scheme")),
    Pattern(WORKING_CHANNELS, re.compile(r"\"metadata_scheme\"\s*:\s*\"(?:fooocus|a1111)\"")),
)

MEMBER = Trace(
    name="stable-diffusion",
    title_en="Generation parameters of a Stable Diffusion interface",
    title_zh="Stable Diffusion 界面写入的生成参数",
    source="https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Features, PNG info (F)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
