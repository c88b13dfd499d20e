"""Programs that generate films and voices, where a container names its encoder or handler.

Encoders that everybody uses (Lavf, HandBrake, Google's of YouTube) tell nothing of how a film came to be.
"""

import re

from mingwen.domain.clues import Channel
from mingwen.traces._patterns import TITLE_CHARS, Pattern, channels_of, finder
from mingwen.traces._shape import Trace

_GENERATORS = (
    "Runway",
    "RunwayML",
    "Pika Labs",
    "Luma Dream Machine",
    "Dream Machine",
    "OpenAI Sora",
    "Google Veo",
    "HeyGen",
    "Synthesia",
    "D-ID",
    "Colossyan",
    "Vidu",
    "PixVerse",
    "Hunyuan Video",
    "HunyuanVideo",
    "CogVideoX",
    "AnimateDiff",
    "Stable Video Diffusion",
    "LTX-Video",
    "Mochi 1",
    "Wan2.1",
    "Wan2.2",
    "ElevenLabs",
    "Murf AI",
    "CosyVoice",
    "MusicGen",
    "Stable Audio",
)
_ENCODER = re.compile(
    r"(?i:.*©too|©swr|.*encoder|encoded_by|encoding|tsse|tenc|isft|software|writingapp|writing application|muxingapp"
    r"|handler_name|hdlr|compressor|generator|com\.apple\.quicktime\.software)"
)
_PATTERNS = (
    Pattern(
        frozenset({Channel.TAG}),
        re.compile(r"(?<![\w-])(?i:" + "|".join(map(re.escape, _GENERATORS)) + r")(?![\w-])"),
        _ENCODER,
        TITLE_CHARS,
    ),
)

MEMBER = Trace(
    name="encoders",
    title_en="Generator of films or voices named as the encoder",
    title_zh="编码器字段标明为音视频生成程序",
    source="ISO/IEC 14496-12 8.4.3, hdlr, and the containers' own tags: the places (A); the programs' names for themselves: (M)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
