"""IPTC: XMP that says a model or an algorithm made parts of the work."""

from mingwen.domain.clues import Channel
from mingwen.traces import _source_types
from mingwen.traces._shape import Trace

MEMBER = Trace(
    name="iptc-parts",
    title_en="IPTC digital source type of partly generated content",
    title_zh="IPTC 数字来源类型声明内容部分由算法生成",
    source="https://iptc.org/std/photometadata/specification/, Digital Source Type (A)",
    strong=False,
    channels=frozenset({Channel.XMP}),
    find=_source_types.finder(_source_types.PARTS),
)
