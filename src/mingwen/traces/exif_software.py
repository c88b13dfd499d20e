"""Programs that generate pictures, where a picture names the program that made it: Exif, PNG's Software, XMP's histories."""

import re

from mingwen.domain.clues import Channel
from mingwen.traces._patterns import TITLE_CHARS, Pattern, channels_of, finder
from mingwen.traces._shape import Trace

_GENERATORS = (
    "Stable Diffusion",
    "Midjourney",
    "NovelAI",
    "ComfyUI",
    "InvokeAI",
    "Fooocus",
    "SD.Next",
    "Draw Things",
    "DiffusionBee",
    "Easy Diffusion",
    "SwarmUI",
    "mflux",
    "DreamStudio",
    "Leonardo.Ai",
    "Ideogram",
    "Recraft",
    "Krea AI",
    "Playground AI",
    "NightCafe",
    "Craiyon",
    "Black Forest Labs",
    "FLUX.1",
    "Bing Image Creator",
    "Microsoft Designer",
    "Image Creator from Designer",
    "Grok Imagine",
    "Meta AI",
    "Imagined with AI",
    "Qwen-Image",
    "Tongyi Wanxiang",
    "通义万相",
    "文心一格",
    "腾讯混元",
    "HunyuanImage",
    "LiblibAI",
    "秒画",
)
"""By the names they give themselves. Editors that can also generate (Photoshop, Canva, CapCut) are not among them."""

_NAMES = r"(?<!\w)(?i:" + "|".join(map(re.escape, _GENERATORS)) + r")(?![a-z])"
_PROGRAM = re.compile(
    r"(?i:software|processingsoftware|creator|creatortool|source|hostcomputer|generator|imageeditingsoftware|rawdevelopingsoftware"
    r"|make|model|credit)|2:65|2:110|2:115"
)
_PATTERNS = (
    Pattern(frozenset({Channel.EXIF, Channel.TEXT, Channel.IPTC}), re.compile(_NAMES), _PROGRAM, TITLE_CHARS),
    Pattern(
        frozenset({Channel.XMP}),
        re.compile(rf"(?:CreatorTool|softwareAgent|ImageEditingSoftware|Credit)(?:=[\"']|>)[^<>\"']{{0,60}}?{_NAMES}"),
    ),
)

MEMBER = Trace(
    name="exif-software",
    title_en="Generator of pictures named as the program",
    title_zh="软件字段标明为图像生成程序",
    source="CIPA DC-008 (Exif 3.0) 4.6, Software: the place (A); the programs' names for themselves: (M)",
    strong=False,
    channels=channels_of(_PATTERNS),
    find=finder(_PATTERNS),
)
