"""C2PA: a manifest that says a model or an algorithm made parts of the work."""

from mingwen.domain.clues import Channel
from mingwen.traces import _source_types
from mingwen.traces._shape import Trace

MEMBER = Trace(
    name="c2pa-parts",
    title_en="C2PA manifest of partly generated content",
    title_zh="C2PA 清单声明内容部分由算法生成",
    source="https://spec.c2pa.org/specifications/specifications/2.2/specs/C2PA_Specification.html, Actions (A)",
    strong=False,
    channels=frozenset({Channel.MANIFEST}),
    find=_source_types.finder(_source_types.PARTS),
)
