"""The label on slides: a text box above everything else, as high as §5.2 asks of pictures. ECMA-376 part 1 §19."""

import re
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Moment, Pages, Position, Style
from mingwen.notices._markup import Tree, before, broken
from mingwen.notices._package import Package

MAX_SLIDES = 5_000
EMU_PER_POINT = 12_700
CAP_EMS, SMALL_EMS = 0.7, 0.46
"""Ink heights of hanzi and capitals, and of the lowest small letters, in the fonts that programs choose; on the low side."""
HANZI_ADVANCE, LETTER_ADVANCE = 1.05, 0.68
"""Ems of a bold letter, on the wide side."""
LINE_EMS, PAD_EMS, MARGIN_EMS = 1.3, 0.5, 0.5
NAME = "AigcNotice"

_SIZE = (12_192_000, 6_858_000)
"""13.33 × 7.5 inches: what a presentation that says no size has by habit."""
_STRICT = "http://purl.oclc.org/ooxml/"
_DRAWING = ("http://schemas.openxmlformats.org/drawingml/2006/main", f"{_STRICT}drawingml/main")
_HANZI = re.compile(r"[\u2e80-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


class Box(NamedTuple):
    """A text box, in EMU, and the size of its letters in hundredths of a point."""

    x: int
    y: int
    width: int
    height: int
    size: int
    lines: tuple[str, ...]


def mark(package: Package, path: str, style: Style) -> str:
    """Put the box on the slides of the style's moments, or on all; hidden ones count only among all."""
    tree = package.tree(path, 2)
    slides = _slides(package, path, tree)
    sizes = next(tree.named("sldSz"), None)
    size = (_number(sizes.attribute("cx"), _SIZE[0]), _number(sizes.attribute("cy"), _SIZE[1])) if sizes else _SIZE
    box = box_for(style, size)
    if style.pages is not Pages.ALL:
        shown = [s for s in slides if package.tree(s, 0).root.attribute("show") not in {"0", "false"}] or slides
        at = {Moment.START: 0, Moment.MIDDLE: len(shown) // 2, Moment.END: len(shown) - 1}
        slides = [shown[n] for n in sorted({at[m] for m in style.moments})]
    for slide in slides:
        _boxed(package, slide, style, box)
    where = f"{len(slides)} slides" if len(slides) > 1 else "one slide"
    return f"put {style.wording} at {style.position.value} of {where}"


def texts(package: Package, path: str) -> list[str]:
    """Return for each slide the text of our box, or else that of its shapes."""
    out = []
    for slide in _slides(package, path, package.tree(path, 2)):
        tree = package.tree(slide, 3, {"cNvPr"}, {"t"})
        named = {id(n.parent) for n in tree.named("cNvPr") if n.attribute("name") == NAME}
        out.append(next((n.text for n in tree.nodes if id(n) in named), ""))
    return out


def _slides(package: Package, path: str, tree: Tree) -> list[str]:
    """Return the slides' paths in their order (§19.2.1.33)."""
    relations = package.relations(path)
    ids = [next((v for k, v in n.attributes.items() if k.endswith("relationships id")), "") for n in tree.named("sldId")]
    paths = list(dict.fromkeys(relations[i].path for i in ids if i in relations))[:MAX_SLIDES]
    if not paths:
        raise broken(path, "has no slides")
    return paths


def _number(text: str, default: int) -> int:
    return int(text) if re.fullmatch(r"[1-9]\d{0,8}", text, re.ASCII) else default


def box_for(style: Style, size: tuple[int, int]) -> Box:
    """Choose letters whose ink is high enough in any usual font, and the box around them.

    Raises:
        Refused: it is larger than the slide (``notice.no-room``).
    """
    ink = CAP_EMS if not any(c.islower() for c in style.wording) else SMALL_EMS
    em = style.ink_height_share * min(size) / ink
    lines = _lines(style.wording, size[0] / em - 2 * (PAD_EMS + MARGIN_EMS))
    width = (max(map(length, lines)) + 2 * PAD_EMS) * em
    height = (LINE_EMS * len(lines) + PAD_EMS) * em
    margin = MARGIN_EMS * em
    if width + 2 * margin > size[0] or height + 2 * margin > size[1]:
        raise Refused(
            "notice.no-room",
            f"expected room for a label of {width:.0f} × {height:.0f} EMU, the slide has {size[0]} × {size[1]}",
            hint="shorten the wording; letters are never drawn lower than the share that is set",
        )
    x, y = _place(style.position, (width, height), size, margin)
    return Box(round(x), round(y), round(width), round(height), max(round(em / EMU_PER_POINT * 100), 100), tuple(lines))


def length(text: str) -> float:
    """Return about how many ems a bold text takes."""
    return sum(HANZI_ADVANCE if _HANZI.match(c) else LETTER_ADVANCE for c in text)


def _lines(wording: str, most: float) -> list[str]:
    """Break the wording at spaces and around hanzi."""
    lines = [""]
    for word in re.findall(r"[\u2e80-\ufaff\uff00-\uffef]|\s+|[^\s\u2e80-\ufaff\uff00-\uffef]+", wording):
        if lines[-1] and length(lines[-1] + word.strip()) > most:
            lines.append("")
        lines[-1] += word
    return [line.strip() for line in lines if line.strip()]


def _place(position: Position, box: tuple[float, float], size: tuple[int, int], margin: float) -> tuple[float, float]:
    name = position.value
    free = size[0] - box[0], size[1] - box[1]
    x = margin if "left" in name else free[0] - margin if "right" in name else free[0] / 2
    y = margin if "top" in name else free[1] - margin if "bottom" in name else free[1] / 2
    return x, y


def _boxed(package: Package, path: str, style: Style, box: Box) -> None:
    tree = package.tree(path, 3, {"cNvPr"})
    shapes = next(tree.named("spTree", 2), None)
    if shapes is None:
        raise Malformed("part.broken", f"part {path!r} has no tree of shapes", hint="open and save the presentation again")
    number = 1 + max(
        (int(i) for n in tree.named("cNvPr") if re.fullmatch(r"\d{1,9}", i := n.attribute("id"), re.ASCII)), default=1
    )
    new = _shape(tree.root.space, style, box, number)
    children = tree.children(shapes)
    last = children[-1] if children and children[-1].local == "extLst" else None
    package.edit(path, before(last, new) if last else tree.last_in(shapes, new))


def _shape(space: str, style: Style, box: Box, number: int) -> str:
    """Write a shape of its own look: opaque, since strict and transitional documents write transparency each in its way."""
    drawing = _DRAWING[space.startswith(_STRICT)]
    return (
        f'<p:sp xmlns:p="{space}" xmlns:a="{drawing}"><p:nvSpPr><p:cNvPr id="{number}" name="{NAME}" '
        f'descr={quoteattr(style.wording)}/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr>'
        f"<p:spPr>{outline(box)}</p:spPr><p:txBody>{body(box)}</p:txBody></p:sp>"
    )


def outline(box: Box) -> str:
    """Write place and look of a box, in the namespace ``a``."""
    return (
        f'<a:xfrm><a:off x="{box.x}" y="{box.y}"/><a:ext cx="{box.width}" cy="{box.height}"/></a:xfrm>'
        '<a:prstGeom prst="roundRect"><a:avLst/></a:prstGeom><a:solidFill><a:srgbClr val="101010"/></a:solidFill>'
        '<a:ln w="9525"><a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill></a:ln>'
    )


def body(box: Box) -> str:
    """Write the words of a box, white and bold, in the namespace ``a``."""
    language = "zh-CN" if any(map(_HANZI.search, box.lines)) else "en-US"
    white = '<a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill>'
    run = f'<a:rPr lang="{language}" sz="{box.size}" b="1" i="0">{white}</a:rPr>'
    paragraphs = "".join(
        f'<a:p><a:pPr marL="0" indent="0" algn="ctr"><a:buNone/></a:pPr><a:r>{run}<a:t>{escape(line)}</a:t></a:r></a:p>'
        for line in box.lines
    )
    frame = '<a:bodyPr wrap="none" lIns="0" tIns="0" rIns="0" bIns="0" anchor="ctr"><a:noAutofit/></a:bodyPr>'
    return f"{frame}<a:lstStyle/>{paragraphs}"
