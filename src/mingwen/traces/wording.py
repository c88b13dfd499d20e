"""An explicit label that people read: a line of a text that says so, at its beginning or its end.

GB 45438-2025 §5.1 wants both elements, 人工智能 or AI and 生成 or 合成. A text about generated content has them as well, so a
line counts only if it stands among the first or last ``LINES`` that are not empty, has at most ``MAX_LINE_CHARS``, and is
nothing but a statement of the kind "本文由AI生成" or "AI-generated": a heading such as "AI生成内容标识办法解读" is not.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mingwen.domain.clues import Channel, Clue
from mingwen.domain.notices import has_elements
from mingwen.traces._patterns import words
from mingwen.traces._shape import Trace

LINES: Final = 3
MAX_LINE_CHARS: Final = 48

_MARKS = " \t\u3000*_#>~`|-—–·•=[]()（）【】「」『』《》〔〕“”\"'：:。.!！,，;；"
_KIND = (
    r"(?:文档?|文章|文稿|文案|表格?|演示文稿|幻灯片|课件|内容|文本|作品|"
    r"图片?|图像|照片|音频|视频|音乐|歌曲|节目|报告|回答|回复|部分|部分内容|页面?|插图|摘要|翻译)"
)
_NOTE = r"(?:(?:声明|说明|提示|注意?|标识|免责声明)[:：\s]*)?"
_SUBJECT = rf"(?:(?:本|该|此|以上|以下|上述|文中|全部|部分|所有){_KIND}{{0,2}}|{_KIND})?(?:均|全部|部分|主要)?"
_MEANS = r"(?:(?:[由为系是经用]|使用|采用|利用|通过)\s*[\w \-.·]{0,16}?)?"
_AI = r"(?:人工智能|AI)\s*[（(]?\w{0,6}?[）)]?\s*(?:辅助|自动|技术|模型|大模型|工具|算法)?\s*"
_GENERATED = rf"(?:生成|合成)(?:或合成|与合成|合成)?(?:的|而成|制作)?{_KIND}?"
_WARNING = r"(?:[，,；;、。\s]{0,2}(?:(?:内容|结果)?仅供参考|请仔细甄别|请注意甄别|谨慎参考|请核实|注意甄别)){0,2}"
_CHINESE = re.compile(_NOTE + _SUBJECT + _MEANS + _AI + _GENERATED + _WARNING)

_CONTENT = r"(?:\s+(?:content|text|article|image|picture|audio|video|music))?"
_WHAT = r"(?:(?:note|disclaimer|notice)\W{0,3})?(?:(?:this|the|all|parts? of this)\s+(?:\w+\s+)?)?"
_WAS = r"(?:(?:is|was|were|has been|have been)\s+)?(?:partly |partially |fully |entirely )?"
_BY = r"(?:AI|artificial intelligence)"
_MADE = (
    rf"(?:{_BY}[\s-]+(?:generated|synthesi[sz]ed|synthetic){_CONTENT}"
    rf"|(?:generated|synthesi[sz]ed)\s+(?:by|with|using)\s+(?:an?\s+)?{_BY}(?:\s+\w+)?)"
)
_ENGLISH = re.compile(_WHAT + _WAS + _MADE, re.IGNORECASE)


def says_so(line: str) -> bool:
    """Is the line a label, and nothing else?"""
    bare = line.strip(_MARKS)
    if len(bare) > MAX_LINE_CHARS or not has_elements(bare):
        return False
    return bool(_CHINESE.fullmatch(bare) or _ENGLISH.fullmatch(bare))


def _find(clues: Sequence[Clue]) -> Iterator[str]:
    for clue in clues:
        lines = [line for line in clue.text.splitlines() if line.strip()]
        for line in lines[:LINES] if clue.name == "beginning" else lines[-LINES:]:
            if says_so(line):
                yield words(clue, line.strip())


MEMBER = Trace(
    name="wording",
    title_en="Visible line that says the content is generated",
    title_zh="可见的生成合成提示文字",
    source="GB 45438-2025 §5.1: the elements (A); which lines count is ours",
    strong=False,
    channels=frozenset({Channel.BODY}),
    find=_find,
)
