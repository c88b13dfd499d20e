"""The label on sheets: a text box that floats beside the first row's cells.

Cells and formulas stay what they are: a row that is put in would move references that other files hold, and one in an empty row
below is seen by nobody who does not scroll; headers are seen on paper alone. So the box stands at the top, behind the columns
that are in use, or above the eleventh where there are more; it is seen at once, printed too, and can be moved. Structure:
ECMA-376 part 1 §18, §20.5.
"""

import re
from xml.sax.saxutils import quoteattr

from mingwen.domain.notices import Moment, Pages, Style
from mingwen.notices import _pptx
from mingwen.notices._markup import Tree, before, broken
from mingwen.notices._package import Package
from mingwen.notices._pptx import EMU_PER_POINT, NAME, Box

POINTS = 14
MAX_SHEETS = 1_000
MOST_COLUMNS = 10
"""That are in use before the box; more do not fit beside it on a screen."""
SEARCHED_BYTES = 256 << 10
"""Of a sheet's first rows."""

_STRICT = "http://purl.oclc.org/ooxml/"
_OFFICE = ("http://schemas.openxmlformats.org/officeDocument/2006/relationships", f"{_STRICT}officeDocument/relationships")
_SPACES = (
    (
        "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing",
        "http://schemas.openxmlformats.org/drawingml/2006/main",
    ),
    (f"{_STRICT}drawingml/spreadsheetDrawing", f"{_STRICT}drawingml/main"),
)
_TYPE = "application/vnd.openxmlformats-officedocument.drawing+xml"
_CELL = re.compile(rb"<(?:\w+:)?c\s[^<>]*?\br=\"([A-Z]{1,3})\d")
_BEHIND = frozenset(
    {
        "legacyDrawing",
        "legacyDrawingHF",
        "drawingHF",
        "picture",
        "oleObjects",
        "controls",
        "webPublishItems",
        "tableParts",
        "extLst",
    }
    | {"AlternateContent"}
)
"""What follows the drawing in a sheet (§18.3.1.99)."""


def mark(package: Package, path: str, style: Style) -> str:
    """Put the box on the sheets of the style's moments, or on all; hidden ones count only among all."""
    shown, sheets = _sheets(package, path)
    if style.pages is not Pages.ALL:
        at = {Moment.START: 0, Moment.MIDDLE: len(shown) // 2, Moment.END: len(shown) - 1}
        sheets = [shown[n] for n in sorted({at[m] for m in style.moments})]
    for sheet in sheets:
        _boxed(package, sheet, style)
    where = f"{len(sheets)} sheets" if len(sheets) > 1 else "one sheet"
    return f"put {style.wording} at the top of {where}"


def texts(package: Package, path: str) -> list[str]:
    """Return for each sheet that is shown the text of our box."""
    out = []
    for sheet in _sheets(package, path)[0]:
        drawing = next((r.path for r in package.relations(sheet).values() if r.kind == "drawing"), "")
        tree = package.tree(drawing, 1, {"cNvPr"}, {"t"}) if drawing else None
        ours = {id(n.parent) for n in tree.named("cNvPr") if n.attribute("name") == NAME} if tree else set()
        out.append(next((n.text for n in tree.nodes if id(n) in ours), "") if tree else "")
    return out


def _sheets(package: Package, path: str) -> tuple[list[str], list[str]]:
    """Return the paths of the sheets that are shown, and of all, charts of their own left out."""
    tree = package.tree(path, 2)
    relations = package.relations(path)
    shown: list[str] = []
    every: list[str] = []
    for node in tree.named("sheet", 2):
        relation = relations.get(next((v for k, v in node.attributes.items() if k.endswith("relationships id")), ""))
        if relation and relation.kind == "worksheet" and len(every) < MAX_SHEETS:
            every.append(relation.path)
            shown += [relation.path] if node.attribute("state") in {"", "visible"} else []
    if not every:
        raise broken(path, "has no sheets")
    return shown or every, every


def _boxed(package: Package, path: str, style: Style) -> None:
    tree = package.tree(path, 1)
    strict = tree.root.space.startswith(_STRICT)
    column = min(_columns(tree), MOST_COLUMNS)
    drawing = next(tree.named("drawing", 1), None)
    if drawing:
        relation = package.relations(path).get(drawing.attribute("id"))
        if relation is None:
            raise broken(path, "names a drawing that is not there")
        part = package.tree(relation.path, 1, {"cNvPr"})
        ids = [n.attribute("id") for n in part.named("cNvPr")]
        number = 1 + max((int(i) for i in ids if re.fullmatch(r"\d{1,9}", i, re.ASCII)), default=1)
        package.edit(relation.path, part.last_in(part.root, _anchor(style, column, number, strict=strict)))
        return
    whole = f'<xdr:wsDr xmlns:xdr="{_SPACES[strict][0]}">{_anchor(style, column, 2, strict=strict)}</xdr:wsDr>'
    name = package.relate(path, f"{_OFFICE[strict]}/drawing", package.add("xl/drawings/drawing.xml", _TYPE, whole))
    new = f'<x:drawing xmlns:x="{tree.root.space}" xmlns:r="{_OFFICE[strict]}" r:id="{name}"/>'
    rows = next(tree.named("sheetData", 1), tree.root)
    follower = next((n for n in tree.children(tree.root) if n.start > rows.start and n.local in _BEHIND), None)
    package.edit(path, before(follower, new) if follower else tree.last_in(tree.root, new))


def _columns(tree: Tree) -> int:
    """Return how many columns the first rows use."""
    rows = next(tree.named("sheetData", 1), None)
    cells = _CELL.finditer(tree.view, rows.inner, min(rows.end, rows.inner + SEARCHED_BYTES)) if rows else ()
    most = 0
    for cell in cells:
        number = 0
        for letter in cell[1]:
            number = number * 26 + letter - 64
        most = max(most, number)
    return most


def _anchor(style: Style, column: int, number: int, *, strict: bool) -> str:
    """Write the box where the first row and a column begin: §20.5.2.24."""
    sheet, drawing = _SPACES[strict]
    em = POINTS * EMU_PER_POINT
    width = round((_pptx.length(style.wording) + 2 * _pptx.PAD_EMS) * em)
    box = Box(0, 0, width, round((_pptx.LINE_EMS + _pptx.PAD_EMS) * em), POINTS * 100, (style.wording,))
    gap = em // 2
    return (
        f'<xdr:oneCellAnchor xmlns:xdr="{sheet}" xmlns:a="{drawing}"><xdr:from><xdr:col>{column}</xdr:col><xdr:colOff>{gap}'
        f"</xdr:colOff><xdr:row>0</xdr:row><xdr:rowOff>{gap // 2}</xdr:rowOff></xdr:from>"
        f'<xdr:ext cx="{box.width}" cy="{box.height}"/><xdr:sp macro="" textlink=""><xdr:nvSpPr><xdr:cNvPr id="{number}" '
        f'name="{NAME}" descr={quoteattr(style.wording)}/><xdr:cNvSpPr txBox="1"/></xdr:nvSpPr><xdr:spPr>{_pptx.outline(box)}'
        f"</xdr:spPr><xdr:txBody>{_pptx.body(box)}</xdr:txBody></xdr:sp><xdr:clientData/></xdr:oneCellAnchor>"
    )
