"""IPTC: XMP that says a trained model made the work."""

from mingwen.domain.clues import Channel
from mingwen.traces import _source_types
from mingwen.traces._shape import Trace

MEMBER = Trace(
    name="iptc",
    title_en="IPTC digital source type of generated content",
    title_zh="IPTC 数字来源类型声明内容由训练模型生成",
    source="https://iptc.org/std/photometadata/specification/, Digital Source Type (A)",
    strong=True,
    channels=frozenset({Channel.XMP}),
    find=_source_types.finder(_source_types.WHOLE),
)
