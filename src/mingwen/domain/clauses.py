"""How clauses are cited in Chinese: the tables of findings and duties name each in English, once."""

import re
from typing import Final

_CHINESE: Final = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Measures Art\. (\d+)\((\d)\)", r"《标识办法》第\1条第（\2）项"),
        (r"Measures Art\. (\d+)", r"《标识办法》第\1条"),
        (r"AI Act Art\. (\d+)\((\d)\)", r"欧盟《人工智能法》第\1条第\2款"),
        (r"Code of Practice ([\d.]+)", r"欧盟《行为准则》\1"),
        (r"Bus\. & Prof\. Code ([\d.]+)", r"加州《商业与职业法典》第\1条"),
        (r"TC260 guides of (\S+)", r"TC260 实践指南（\1）"),
        (r"Annex ([A-Z])", r"附录 \1"),
        (r"note (\d)", r"注 \1"),
        (r"^ours\b|^our default", "本软件自定"),
        (r"no guide names a place", "指南未规定位置"),
        (r"chosen by configuration", "由配置选定"),
        (r", ", "、"),
    )
)


def cited(clause: str, language: str) -> str:
    """Write a clause in ``en``, as it is, or in ``zh``; what the table does not know stays."""
    if language == "zh":
        for pattern, words in _CHINESE:
            clause = pattern.sub(words, clause)
    return clause
