"""The label in OpenDocument: a paragraph of a text, a frame on slides and sheets (ODF 1.3 part 3 §5.1, §10.4.2, §9.2).

Its look stands in automatic styles of its own, since ODF has none at the paragraph itself.
"""

import re
from itertools import pairwise
from xml.sax.saxutils import escape

from mingwen.containers.edits import Edit
from mingwen.domain.notices import Moment, Pages, Style
from mingwen.notices import _pptx
from mingwen.notices._markup import Node, Tree, before, behind, broken
from mingwen.notices._package import Package

MAX_PARTS = 5_000
POINTS = 14
MOST_COLUMNS = 10
COLUMN_EMU = 812_800
"""0.889 inches: a column's width where nothing is said."""
DEFAULT_SIZE = (10_080_000, 5_670_000)
"""28 × 15.75 cm."""
NAME = "AigcNotice"

_URN = "urn:oasis:names:tc:opendocument:xmlns"
_SPACES = " ".join(
    f'xmlns:{prefix}="{_URN}:{name}:1.0"'
    for prefix, name in (
        ("style", "style"),
        ("text", "text"),
        ("draw", "drawing"),
        ("table", "table"),
        ("fo", "xsl-fo-compatible"),
        ("svg", "svg-compatible"),
    )
)
_FIRST = frozenset(
    {"forms", "tracked-changes", "variable-decls", "sequence-decls", "user-field-decls", "dde-connection-decls"}
    | {"alphabetical-index-auto-mark-file", "calculation-settings", "content-validations", "label-ranges"}
)
"""What comes before the text (part 3 §3.4)."""
_KINDS = frozenset({"text", "presentation", "spreadsheet"})
_BEFORE_SHAPES = frozenset({"title", "desc", "table-source", "dde-source", "scenario", "forms"})
_NAMES = frozenset({"notes", "shapes"}) | _BEFORE_SHAPES
_CELL = re.compile(rb"<table:table-cell\b[^<>]*+(?<!/)>")
MAX_ROW_BYTES = 64 << 10
_LENGTH = re.compile(r"(\d{1,4}(?:\.\d{1,6})?)(cm|mm|in|pt)", re.ASCII)
_EMU = {"cm": 360_000, "mm": 36_000, "in": 914_400, "pt": 12_700}


def mark(package: Package, path: str, style: Style) -> str:
    """Write the paragraphs of a text, or the frames of a presentation or of sheets."""
    size = _page_size(package)
    tree = package.tree(path, 3, _NAMES, {"p", "h"})
    body = next(tree.named("body", 1), None)
    kind = next(iter(tree.children(body)), None) if body else None
    if body is None or kind is None or kind.local not in _KINDS:
        raise broken(path, "holds no text, presentation or spreadsheet")
    box = _pptx.box_for(style, size) if kind.local == "presentation" else None
    package.edit(path, _styled(tree, body, box.size / 100 if box else POINTS))
    if kind.local == "text":
        edits = _paragraphs(tree, kind, style)
        for edit in edits.values():
            package.edit(path, edit)
        return f"wrote {style.wording} at {' and '.join(edits)}"
    local = "page" if kind.local == "presentation" else "table"
    parts = [n for n in tree.children(kind) if n.local == local][:MAX_PARTS]
    if not parts:
        raise broken(path, f"has no {local}")
    if style.pages is not Pages.ALL:
        at = {Moment.START: 0, Moment.MIDDLE: len(parts) // 2, Moment.END: len(parts) - 1}
        parts = [parts[n] for n in sorted({at[m] for m in style.moments})]
    for part in parts:
        package.edit(path, _slide(tree, part, box) if box else _sheet(tree, part, style))
    return f"put {style.wording} on {len(parts)} {local}{'s' if len(parts) > 1 else ''}"


def texts(package: Package, path: str) -> list[str]:
    """Return a text's paragraphs, or of each slide or sheet what its own frame says."""
    tree = package.tree(path, 3, {"frame"}, {"p", "h"})
    body = next(tree.named("body", 1), None)
    kind = next(iter(tree.children(body)), None) if body else None
    inside = tree.children(kind) if kind else []
    if kind and kind.local == "text":
        return [n.text for n in inside if n.text.strip()]
    out = []
    for part in (n for n in inside if n.local in {"page", "table"}):
        frames = (n for n in tree.named("frame") if part.start < n.start < part.stop)
        out.append(next((n.text for n in frames if n.attribute("name") == NAME), ""))
    return out


def _styled(tree: Tree, body: Node, points: float) -> Edit:
    """Add the looks: of a paragraph, of its words, of a frame."""
    fonts = f'fo:font-size="{points:.1f}pt" style:font-size-asian="{points:.1f}pt"'
    words = f'fo:color="#ffffff" fo:font-weight="bold" style:font-weight-asian="bold" fo:background-color="#1f1f1f" {fonts}'
    frame = 'draw:fill="solid" draw:fill-color="#101010" draw:stroke="solid" svg:stroke-color="#ffffff" fo:padding="0cm"'
    styles = (
        f'<style:style {_SPACES} style:name="{NAME}P" style:family="paragraph"><style:paragraph-properties '
        'fo:text-align="center"/></style:style>'
        f'<style:style {_SPACES} style:name="{NAME}T" style:family="text"><style:text-properties {words}/></style:style>'
        f'<style:style {_SPACES} style:name="{NAME}G" style:family="graphic"><style:graphic-properties {frame} '
        'draw:textarea-vertical-align="middle"/></style:style>'
    )
    own = next(tree.named("automatic-styles", 1), None)
    if own:
        return tree.last_in(own, styles)
    office = f"{_URN}:office:1.0"
    return before(body, f'<office:automatic-styles xmlns:office="{office}">{styles}</office:automatic-styles>')


def _paragraph(words: str) -> str:
    span = f'<text:span text:style-name="{NAME}T">{escape(words)}</text:span>'
    return f'<text:p {_SPACES} text:style-name="{NAME}P">{span}</text:p>'


def _paragraphs(tree: Tree, text: Node, style: Style) -> dict[Moment, Edit]:
    """Put a paragraph behind the declarations, between two paragraphs near the middle, and at the end."""
    inside = tree.children(text)
    new = _paragraph(f"\u00a0{style.wording}\u00a0")
    flow = [n for n in inside if n.local not in _FIRST]
    end = tree.last_in(text, new)
    edits = {Moment.START: before(flow[0], new) if flow else end, Moment.END: end}
    gaps = [a for a, b in pairwise(flow) if a.local == b.local == "p" and a.text.strip() and b.text.strip()]
    if gaps:
        middle = (text.inner + text.end) / 2
        edits[Moment.MIDDLE] = behind(min(gaps, key=lambda n: abs(n.stop - middle)), new)
    wanted = {m if m in edits else Moment.END for m in style.moments}
    return {m: edits[m] for m in Moment if m in wanted}


def _page_size(package: Package) -> tuple[int, int]:
    """Return the size of the first slide format that is wider than high, in EMU; presentations seldom have two."""
    if not package.archive.named("styles.xml"):
        return DEFAULT_SIZE
    layouts = package.tree("styles.xml", 0, {"page-layout-properties"}).named("page-layout-properties")
    sizes = [(_emu(n.attribute("page-width")), _emu(n.attribute("page-height"))) for n in layouts]
    return next((s for s in sizes if s[0] > s[1] > 0), DEFAULT_SIZE)


def _emu(text: str) -> int:
    m = _LENGTH.fullmatch(text)
    return round(float(m[1]) * _EMU[m[2]]) if m else 0


def _frame(box: _pptx.Box) -> str:
    lengths = dict(zip(("x", "y", "width", "height"), box[:4], strict=True))
    place = " ".join(f'svg:{key}="{value / 360_000:.3f}cm"' for key, value in lengths.items())
    paragraphs = "".join(_paragraph(line) for line in box.lines)
    return (
        f'<draw:frame {_SPACES} draw:name="{NAME}" draw:style-name="{NAME}G" {place}>'
        f"<draw:text-box>{paragraphs}</draw:text-box></draw:frame>"
    )


def _slide(tree: Tree, page: Node, box: _pptx.Box) -> Edit:
    """Put the frame above everything else on a slide; the notes stay last (part 3 §10.2.4)."""
    notes = next((n for n in tree.named("notes") if n.parent is page), None)
    return before(notes, _frame(box)) if notes else tree.last_in(page, _frame(box))


def _sheet(tree: Tree, table: Node, style: Style) -> Edit:
    """Put the frame behind the cells of the first row; it hangs on the sheet, not on a cell (part 3 §9.2.8)."""
    row = tree.view[table.inner : table.end].partition(b"</table:table-row")[0][:MAX_ROW_BYTES]
    column = min(len(_CELL.findall(row)), MOST_COLUMNS)
    em = POINTS * _pptx.EMU_PER_POINT
    width = round((_pptx.length(style.wording) + 2 * _pptx.PAD_EMS) * em)
    height = round((_pptx.LINE_EMS + _pptx.PAD_EMS) * em)
    frame = _frame(_pptx.Box(column * COLUMN_EMU + em // 2, em // 4, width, height, POINTS * 100, (style.wording,)))
    shapes = next((n for n in tree.named("shapes") if n.parent is table), None)
    if shapes:
        return tree.last_in(shapes, frame)
    new = f"<table:shapes {_SPACES}>{frame}</table:shapes>"
    first = [n for n in tree.nodes if n.parent is table and n.local in _BEFORE_SHAPES]
    return behind(first[-1], new) if first else tree.first_in(table, new)
