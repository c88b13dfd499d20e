"""A report as one page of HTML that asks nothing of anybody: no script, no network, its one style sheet named by its digest."""

import base64
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from mingwen.domain.digests import sha256
from mingwen.reports._shape import Block, Cell, Commands, Facts, Heading, Line, Paragraph, Report, Table, Verbatim

STYLE: Final = """
:root{color-scheme:light dark;--ink:#1a1a1a;--soft:#5a5a5a;--rule:#c9c9c9;--wash:#f3f3f1;--paper:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e8e6e3;--soft:#a5a29c;--rule:#45433f;--wash:#262522;--paper:#181715}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink)}
body{font:16px/1.65 system-ui,"Noto Sans SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:52rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.9rem;line-height:1.25;margin:0 0 .3rem}
.about{color:var(--soft);margin:0 0 1.5rem;padding-bottom:1rem;border-bottom:2px solid var(--ink)}
h2{font-size:1.25rem;margin:2.6rem 0 .8rem;padding-bottom:.3rem;border-bottom:1px solid var(--ink)}
h3{font-size:1rem;margin:1.5rem 0 .4rem}
p{margin:.5rem 0}
body{overflow-wrap:anywhere}
code,pre{font:.86em/1.6 ui-monospace,"SF Mono","DejaVu Sans Mono",Menlo,Consolas,monospace}
code,bdi{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
code{word-break:break-all}
pre{background:var(--wash);padding:.7rem .9rem;margin:.4rem 0 .9rem;border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:minmax(7rem,11rem) minmax(0,1fr);gap:.3rem 1rem;margin:.6rem 0}
dt{min-width:0;color:var(--soft);font-size:.9em}
dd{margin:0;min-width:0}
table{width:100%;border-collapse:collapse;margin:.7rem 0 1rem;table-layout:fixed}
th{text-align:left;font-size:.9em}
th,td{vertical-align:top;padding:.4rem .8rem .4rem 0;border-bottom:1px solid var(--rule)}
ol.line{list-style:none;display:flex;gap:1rem;margin:1rem 0;padding:0;border-top:1px solid var(--ink)}
ol.line li{flex:1;min-width:0;position:relative;padding-top:.9rem;font-size:.92em;overflow-wrap:anywhere}
ol.line li::before{content:"";position:absolute;top:-.36rem;left:0;width:.66rem;height:.66rem;border-radius:50%;
border:1.5px solid var(--ink);background:var(--paper)}
ol.line li.outside::before{background:var(--ink)}ol.line li.unknown::before{content:none}
ol.line b,ol.line span,ol.line small{display:block}ol.line span,td bdi{white-space:pre-line}
ol.line small{color:var(--soft)}
@media (max-width:36rem){
dl{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:.6rem}
table,tbody,tr,td{display:block}thead{position:absolute;clip-path:inset(50%)}td{border:0;padding:.1rem 0}
td:first-child{font-weight:600}tr{border-bottom:1px solid var(--rule);padding:.5rem 0}
ol.line{display:block;border-top:0;border-left:1px solid var(--ink)}ol.line li{padding:0 0 .8rem 1.1rem}
ol.line li::before{left:-.36rem;top:.45rem}}
@media print{:root{color-scheme:light;--ink:#000;--soft:#444;--rule:#999;--wash:#eee;--paper:#fff}
body{font-size:10.5pt}main{max-width:none;padding:0}h2,h3{break-after:avoid}tr,li,dt{break-inside:avoid}
ol.line li::before{print-color-adjust:exact}@page{margin:20mm}}
"""


def render(report: Report) -> bytes:
    """Return the report as a page in UTF-8."""
    return "".join(_page(report)).encode(errors="replace")


def head(title: str, language: str, style: str, images: str = "'none'") -> str:
    """Return how such a page begins: what it may load is the style sheet in it, and nothing else but ``images``."""
    digest = base64.b64encode(sha256(style.encode())).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src {images}; base-uri 'none'; form-action 'none'"
    return (
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if language == "zh" else "en"}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n"
    )


def _page(report: Report) -> Iterator[str]:
    yield head(f"{report.title} · {report.about}", report.language, STYLE)
    yield f'<body>\n<main>\n<h1>{escape(report.title)}</h1>\n<p class="about">{escape(report.about)}</p>\n'
    for section in report.sections:
        yield f"<section>\n<h2>{escape(section.title)}</h2>\n"
        for block in section.blocks:
            yield from _block(block)
        yield "</section>\n"
    yield "</main>\n</body>\n</html>\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield f"<p>{escape(text)}</p>\n"
        case Heading(text):
            yield f"<h3>{escape(text)}</h3>\n"
        case Facts(rows):
            yield "<dl>\n"
            yield from (f"<dt>{escape(name)}</dt><dd>{_cell(value)}</dd>\n" for name, value in rows)
            yield "</dl>\n"
        case Table(titles, rows, shares):
            columns = "".join(f'<col width="{share}%">' for share in shares)  # an attribute, as the policy forbids styles
            yield f"<table>\n<colgroup>{columns}</colgroup>\n<thead><tr>{_cells('th', titles)}</tr></thead>\n<tbody>\n"
            yield from (f"<tr>{_cells('td', row)}</tr>\n" for row in rows)
            yield "</tbody>\n</table>\n"
        case Commands(text):
            yield f"<pre>{escape(text)}</pre>\n"
        case Line(marks):
            yield '<ol class="line">\n'
            for mark in marks:
                kind = {True: ' class="outside"', None: ' class="unknown"'}.get(mark.outside, "")
                title, at, whose = (escape(text) for text in (mark.title, mark.at, mark.whose))
                yield f"<li{kind}><b>{title}</b><span>{at}</span><small>{whose}</small></li>\n"
            yield "</ol>\n"


def _cells(tag: str, cells: Sequence[Cell]) -> str:
    return "".join(f"<{tag}>{_cell(cell)}</{tag}>" for cell in cells)


def _cell(cell: Cell) -> str:
    return f"<code>{escape(cell.text)}</code>" if isinstance(cell, Verbatim) else f"<bdi>{escape(cell)}</bdi>"
