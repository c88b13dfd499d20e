"""How a work came about, step by step, on a page of HTML: what a human did stands apart from what a machine did."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from html import escape
from typing import Final

from mingwen.domain import works
from mingwen.domain.kinds import KINDS
from mingwen.domain.works import Link
from mingwen.reports._letters import MOST_NAME, shown
from mingwen.reports._moments import moment
from mingwen.reports._words import Words
from mingwen.reports.html import STYLE, head

MOST_PICTURE_BYTES: Final = 1 << 18
"""Of one small picture; larger ones are left out."""
MOST_CHARACTERS: Final = 20_000
"""Of one prompt or note; the whole of it stands in the record."""

_PICTURES: Final = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
"""Media types by how files begin; a page runs none of them."""

_W = Words
_TITLE: Final = _W("创作过程记录 Authorship timeline", "Authorship timeline 创作过程记录")
_PREFACE: Final = (
    _W(
        "本页按时间顺序列出一件作品的创作过程记录，只供阅读。记录由创作者或者其使用的软件在创作时记入存证日志。",
        "This page lists, in order of time, what was recorded of how a work came about. It is a reading aid. The author, "
        "or the software in "
        "use, recorded each step in a log as it happened.",
    ),
    _W(
        "存证日志能够说明所记录的内容此后没有被改动，不能说明其真实。每一步由人还是由机器完成，以记录者的陈述为准；"
        "时间为日志自记，他方时间见证据报告。作品是否具有独创性、归属于何人，由审理者认定。本页不是法律意见。",
        "A log shows that what was recorded was not changed afterwards, not that it was true. Whether a human or a machine "
        "took a step is what "
        "whoever recorded it said; times are the log's own, and those of others stand in the evidence report. Whether the "
        "work is "
        "original, and whose it is, is for others to decide. This is not legal advice.",
    ),
)
_DOERS: Final = {
    "human": _W("人完成", "by a human"),
    "machine": _W("机器生成", "by a machine"),
    "": _W("未注明由谁完成", "nobody said by whom"),
}
_ACTS: Final = {
    "prompt": _W("输入提示词", "Prompt"),
    "parameters": _W("设定参数", "Parameters"),
    "draft": _W("产生草稿", "Draft"),
    "choice": _W("选择", "Choice"),
    "edit": _W("修改", "Edit"),
    "note": _W("说明", "Note"),
    works.OPENED: _W("开始", "Begin"),
    works.CLOSED: _W("完成", "End"),
}
_FIELDS: Final = {
    "title": _W("题目", "Title"),
    "author": _W("作者", "Author"),
    "prompt": _W("提示词", "Prompt"),
    "parameters": _W("参数", "Parameters"),
    "seed": _W("随机种子", "Seed"),
    "model": _W("模型", "Model"),
    "tool": _W("工具", "Tool"),
    "chosen": _W("选定", "Chosen"),
    "choices": _W("备选", "Chosen from"),
    "files": _W("文件", "Files"),
    "note": _W("说明", "Note"),
    "statement": _W("作者声明", "Statement"),
    "by": _W("记录者", "Recorded by"),
}
"""In the order in which they are shown; those that a step says nothing of are left out."""
_PLACE: Final = frozenset({"ordinal", "previous", "act", "doer", "subject"})
"""Fields that say where a step stands and what it is; they show in its heading, or in the faults of the chain."""
_WORK: Final = _W("作品编号", "Work")
_COUNT: Final = _W(
    "共 {all} 步：人完成 {human} 步，机器生成 {machine} 步，未注明 {other} 步",
    "{all} steps: {human} by a human, {machine} by a machine, {other} not said",
)
_STEPS: Final = _W("步骤", "Steps")
_BYTES: Final = _W("{count} 字节", "{count} bytes")
_FAULT: Final = _W("注意：此条记录{what}", "Note: this entry {what}")
_DIGEST: Final = _W("日志叶的 SHA-256", "SHA-256 of the leaf")

_STYLE: Final = (
    STYLE
    + """
ol.steps{list-style:none;margin:1.2rem 0;padding:0 0 0 1.6rem;border-left:2px solid var(--rule)}
ol.steps>li{position:relative;margin:0 0 1.8rem}
ol.steps>li::before{content:"";position:absolute;left:-2.13rem;top:.4rem;width:.9rem;height:.9rem;border-radius:50%;
border:2px solid var(--ink);background:var(--paper);print-color-adjust:exact}
ol.steps>li.human::before{background:var(--ink)}
ol.steps>li.machine::before{border-radius:0}
ol.steps h3{margin:0;display:flex;flex-wrap:wrap;gap:.2rem .7rem;align-items:baseline}
.who{font-size:.8em;font-weight:600;border:1.5px solid var(--ink);border-radius:1em;padding:0 .7em}
.human .who{background:var(--ink);color:var(--paper);print-color-adjust:exact}
.machine .who{border-style:dashed;border-radius:0}
time{color:var(--soft);font-size:.9em}
.fault{border:1.5px solid var(--ink);padding:.3rem .7rem;font-weight:600}
ul{margin:0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:.6rem 1.2rem}
ul li{min-width:0}ul code{font-size:.95em}ul small{display:block;color:var(--soft)}
img{display:block;max-width:10rem;max-height:10rem;margin:.2rem 0;border:1px solid var(--rule)}
"""
)


def timeline(links: Sequence[Link], language: str, pictures: Mapping[str, bytes] | None = None) -> bytes:
    """Return the page about a work in ``zh`` or ``en``; ``links`` are its entries in order of their numbers.

    ``pictures`` are small ones of the files recorded, by the files' SHA-256 in hexadecimal: PNG, JPEG or GIF.
    """
    return "".join(_Page(links, language, pictures or {}).text()).encode(errors="replace")


class _Page:
    def __init__(self, links: Sequence[Link], language: str, pictures: Mapping[str, bytes]) -> None:
        self._links = links
        self._language = language
        self._pictures = pictures
        self._faults = {fault.number: works.FAULTS[fault.code] for fault in works.faults(links)}

    def text(self) -> Iterator[str]:
        """Give the page piece by piece."""
        title = self._of(_TITLE)
        about = next((str(link.entry.detail["title"]) for link in self._links if link.entry.detail.get("title")), "")
        name = shown(about, self._language, MOST_NAME)
        yield head(f"{title} · {name}", self._language, _STYLE, "data:")
        yield f'<body>\n<main>\n<h1>{title}</h1>\n<p class="about">{escape(name)}</p>\n'
        yield "".join(f"<p>{self._of(p)}</p>\n" for p in _PREFACE)
        doers = [_doer(link) for link in self._links if link.entry.kind == works.STEP]
        counts = {doer: doers.count(doer) for doer in ("human", "machine")}
        subject = self._links[0].entry.subject if self._links else ""
        yield f"<dl><dt>{self._of(_WORK)}</dt><dd><code>{self._said(subject)}</code></dd></dl>\n"
        yield f"<h2>{self._of(_STEPS)}</h2>\n"
        yield f"<p>{self._of(_COUNT).format(all=len(doers), other=len(doers) - sum(counts.values()), **counts)}</p>\n"
        yield '<ol class="steps">\n'
        for link in self._links:
            yield from self._step(link)
        yield "</ol>\n</main>\n</body>\n</html>\n"

    def _step(self, link: Link) -> Iterator[str]:
        entry, doer = link.entry, _doer(link)
        act = _ACTS.get(str(entry.detail.get("act", entry.kind)))
        name = self._of(act) if act else self._kind(entry.kind)
        who = f'<span class="who">{self._of(_DOERS[doer])}</span>' if entry.kind == works.STEP else ""
        at = entry.at.astimezone(UTC)
        when = f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{moment(at, self._language)}</time>'
        yield f'<li class="{doer}"><h3>{name}{who}</h3>{when}\n'
        if link.number in self._faults:
            english, chinese = self._faults[link.number]
            yield f'<p class="fault">{self._of(_FAULT).format(what=self._of(_W(chinese, english)))}</p>\n'
        values = {"by": entry.by, **entry.detail}
        yield "<dl>\n"
        for field in (*_FIELDS, *sorted(values.keys() - _FIELDS.keys() - _PLACE)):
            if value := values.get(field):
                label = self._of(_FIELDS[field]) if field in _FIELDS else self._said(field)
                yield f"<dt>{label}</dt><dd>{self._value(value)}</dd>\n"
        yield f"<dt>{self._of(_DIGEST)}</dt><dd><code>{self._said(link.digest)}</code></dd>\n</dl></li>\n"

    def _kind(self, name: str) -> str:
        kind = KINDS.get(name)
        return self._of(_W(kind.zh, kind.en)) if kind else self._said(name)

    def _value(self, value: object) -> str:
        if isinstance(value, str):
            return f"<bdi>{self._said(value)}</bdi>"
        files = value if isinstance(value, list) else [value]
        materials: list[dict[str, object]] = [f for f in files if isinstance(f, dict) and "sha256" in f]
        if len(materials) == len(files):
            return f"<ul>{''.join(map(self._file, materials))}</ul>"
        pairs = value.items() if isinstance(value, dict) else [("", value)]
        lines = (f"{name}{name and ': '}{json.dumps(one, ensure_ascii=False)}" for name, one in pairs)
        return f"<code>{self._said(chr(10).join(lines))}</code>"

    def _file(self, material: Mapping[str, object]) -> str:
        digests = (
            f"{title} <code>{self._said(material.get(name, ''))}</code>"
            for title, name in (("SHA-256", "sha256"), ("SM3", "sm3"))
        )
        size = self._of(_BYTES).format(count=self._said(material.get("bytes", "")))
        rows = "".join(f"<small>{row}</small>" for row in (size, *digests))
        return f"<li>{self._picture(str(material['sha256']))}<bdi>{self._said(material.get('name', ''))}</bdi>{rows}</li>"

    def _picture(self, sha256: str) -> str:
        data = self._pictures.get(sha256, b"")
        kind = next((kind for magic, kind in _PICTURES.items() if data.startswith(magic)), None)
        if kind is None or len(data) > MOST_PICTURE_BYTES:
            return ""
        return f'<img alt="" src="data:{kind};base64,{base64.b64encode(data).decode()}">'

    def _of(self, words: Words) -> str:
        """Return our own words."""
        return words.of(self._language)

    def _said(self, value: object) -> str:
        """Return a stranger's words, made harmless."""
        return escape(shown(str(value), self._language, MOST_CHARACTERS))


def _doer(link: Link) -> str:
    doer = link.entry.detail.get("doer")
    return doer if isinstance(doer, str) and doer in _DOERS else ""
