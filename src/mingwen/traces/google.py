"""Google: the credit line "Made with Google AI", and its generators in a manifest."""

import re

from mingwen.domain.clues import Channel
from mingwen.traces._patterns import Pattern, agent, channels_of, finder
from mingwen.traces._shape import Trace

# Not "Google C2PA Core Generator Library": cameras of telephones sign with it too.
_PATTERNS = (
    Pattern(
        frozenset({Channel.IPTC, Channel.XMP, Channel.TEXT, Channel.EXIF}),
        re.compile(r"\b(?:Made|Created|Edited|Generated) with Google AI\b(?! Studio)"),
    ),
    Pattern(
        frozenset({Channel.MANIFEST}),
        re.compile(r"(?:Created|Edited|Made) (?:by|with|using) (?:Google )?(?:Generative AI|Google AI)"),
    ),
    agent(r"(?:Google )?(?:Generative AI|Gemini|Imagen|Veo\b|Nano Banana)"),
)

MEMBER = Trace(
    name="google",
    title_en="Credit line or generator of Google AI",
    title_zh="Google AI 署名或生成程序",
    source="https://blog.google/technology/ai/google-gen-ai-content-transparency-c2pa/; the credit line: seen in files (F)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
