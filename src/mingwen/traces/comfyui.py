"""ComfyUI: the graph of nodes that made a picture or a film, as ``prompt`` and ``workflow``."""

import re

from mingwen.traces._patterns import WORKING_CHANNELS, Pattern, channels_of, finder
from mingwen.traces._shape import Trace

_PATTERNS = (
    Pattern(WORKING_CHANNELS, re.compile(r"\"class_type\"\s*:\s*\"[^\"]{1,60}\"")),
    Pattern(WORKING_CHANNELS, re.compile(r"\"last_(?:node|link)_id\"\s*:\s*\d{1,9}")),
)

MEMBER = Trace(
    name="comfyui",
    title_en="Node graph of ComfyUI",
    title_zh="ComfyUI 节点工作流",
    source="https://github.com/Comfy-Org/ComfyUI, SaveImage and SaveVideo (F)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
