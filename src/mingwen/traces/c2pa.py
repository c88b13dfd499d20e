"""C2PA: a manifest that says a trained model made the work."""

from mingwen.domain.clues import Channel
from mingwen.traces import _source_types
from mingwen.traces._shape import Trace

MEMBER = Trace(
    name="c2pa",
    title_en="C2PA manifest of generated content",
    title_zh="C2PA 清单声明内容由训练模型生成",
    source="https://spec.c2pa.org/specifications/specifications/2.2/specs/C2PA_Specification.html, Actions (A)",
    strong=True,
    channels=frozenset({Channel.MANIFEST}),
    find=_source_types.finder(_source_types.WHOLE),
)
