"""The label in a text document: a paragraph of its own at the start, in the middle or at the end, or raised letters at the text.

The paragraph brings its own look, white on near-black at 14 points or the document's own size if that is larger, and leaves the
styles and numbering of the document out of it. With ``Pages.ALL`` it stands in the header of every page too. ECMA-376 part 1 §17.
"""

import re
from itertools import pairwise
from typing import NamedTuple
from xml.sax.saxutils import escape

from mingwen.containers.edits import Edit
from mingwen.domain.errors import Malformed
from mingwen.domain.notices import Moment, Pages, Style, TextForm
from mingwen.notices._markup import Node, Tree, before, behind, broken
from mingwen.notices._package import Package
from mingwen.notices._plain import nearest

LEAST_HALF_POINTS = 28
"""14 points: larger than the text of nearly all documents."""
MOST_HALF_POINTS = 144
HEADERS = ("default", "first", "even")
MAX_HEADERS = 64

_STRICT = "http://purl.oclc.org/ooxml/"
_OFFICE = ("http://schemas.openxmlformats.org/officeDocument/2006/relationships", f"{_STRICT}officeDocument/relationships")
_SIZE = re.compile(rb"<(?:\w+:)?sz [^<>]*?val=\"(\d{1,4})\"")
_RAISED = re.compile(rb"superscript\"/></w:rPr><w:t xml:space=\"preserve\">([^<>]{1,1000})</w:t>")
_HEADER_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"
_NAMES = frozenset({"pPr", "numPr", "pStyle", "fldChar", "sectPr", "headerReference"})


class _Look(NamedTuple):
    """What the document's own text tells of the label."""

    half_points: int
    middle: Node | None
    """The paragraph behind which one in the middle stands."""


def mark(package: Package, path: str, style: Style) -> str:
    """Write the paragraphs or the raised letters, and the headers if all pages are asked for."""
    size = _half_points(package, path)
    tree = package.tree(path, 2, _NAMES, {"t"})
    body = next(tree.named("body", 1), None)
    if body is None:
        raise broken(path, "has no body")
    look = _Look(size, _middle(tree, body) if Moment.MIDDLE in style.moments else None)
    wanted = {m if m is not Moment.MIDDLE or look.middle else Moment.END for m in style.moments}
    for moment in (m for m in Moment if m in wanted):
        package.edit(path, _edit(tree, body, moment, style, look))
    if style.pages is Pages.ALL:
        _headed(package, path, tree, style, look)
    where = " and ".join(m for m in Moment if m in wanted)
    return f"wrote {style.wording} at {where}{' and on every page' if style.pages is Pages.ALL else ''}"


def texts(package: Package, path: str) -> list[str]:
    """Return the paragraphs' texts; raised letters as paragraphs of their own, before or behind the one they stand in."""
    tree = package.tree(path, 2, (), {"t"})
    out: list[str] = []
    for node in tree.nodes:
        if node.depth == 2 and node.text.strip():  # noqa: PLR2004 - right in the body
            raised = _RAISED.search(tree.view[node.start : node.stop])
            words = _plain(raised[1]) if raised else ""
            first = words and node.text.startswith(words)
            out += [words, node.text] if first else [node.text, words] if words else [node.text]
    return out


def _plain(markup: bytes) -> str:
    text = markup.decode("utf-8", "replace")
    return re.sub(r"&#(\d{1,7});", lambda m: chr(int(m[1])) if int(m[1]) < 0x110000 else "", text)  # noqa: PLR2004 - Unicode's end


def _edit(tree: Tree, body: Node, moment: Moment, style: Style, look: "_Look") -> Edit:
    """Return the edit that writes the label of one moment."""
    inside = tree.children(body)
    if style.text_form is TextForm.CORNER and (edit := _raised(tree, inside, moment, style, look)):
        return edit
    paragraph = _paragraph(tree.root.space, style, look.half_points)
    if moment is Moment.START:
        return tree.first_in(body, paragraph)
    if moment is Moment.MIDDLE and look.middle:
        return behind(look.middle, paragraph)
    if inside and inside[-1].local == "sectPr":  # §17.6.17: the last section's properties stay last
        return before(inside[-1], paragraph)
    return tree.last_in(body, paragraph)


def _raised(tree: Tree, inside: list[Node], moment: Moment, style: Style, look: "_Look") -> Edit | None:
    """Put raised letters at the first, the middle or the last paragraph that has words."""
    written = [n for n in inside if n.local == "p" and n.text.strip()]
    places = {Moment.START: written[:1], Moment.END: written[-1:], Moment.MIDDLE: [look.middle] if look.middle else []}
    run = _run(tree.root.space, style.wording, f'<w:b/><w:sz w:val="{look.half_points}"/><w:vertAlign w:val="superscript"/>')
    for place in places[moment]:
        if moment is not Moment.START:
            return tree.last_in(place, run)
        properties = next((n for n in tree.named("pPr") if n.parent is place), None)
        return behind(properties, run) if properties else tree.first_in(place, run)
    return None


def _paragraph(space: str, style: Style, half_points: int) -> str:
    """Write a paragraph that depends on no style: §17.3.1, its properties in the order of CT_PPr and CT_RPr."""
    look = (
        f'<w:b/><w:i w:val="0"/><w:color w:val="FFFFFF"/><w:sz w:val="{half_points}"/><w:szCs w:val="{half_points}"/>'
        '<w:shd w:val="clear" w:color="auto" w:fill="1F1F1F"/>'
    )
    run = _run(space, f"\u00a0{style.wording}\u00a0", look)
    return (
        f'<w:p xmlns:w="{space}"><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="0"/></w:numPr>'
        '<w:spacing w:before="120" w:after="120" w:line="240" w:lineRule="auto"/><w:ind w:firstLine="0"/><w:jc w:val="center"/>'
        f"</w:pPr>{run}</w:p>"
    )


def _run(space: str, words: str, look: str) -> str:
    return f'<w:r xmlns:w="{space}"><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{escape(words)}</w:t></w:r>'


def _middle(tree: Tree, body: Node) -> Node | None:
    """Return the paragraph of prose behind which the label stands in the middle: no list, and no field goes on behind it."""
    inside = tree.children(body)
    listed = {id(n.parent) for n in tree.named("numPr")} | {id(n.parent.parent) for n in tree.named("numPr") if n.parent}
    styled = {id(n.parent.parent): n.attribute("val") for n in tree.named("pStyle") if n.parent}
    fields = [(n.start, {"begin": 1, "end": -1}.get(n.attribute("fldCharType"), 0)) for n in tree.named("fldChar")]
    places: dict[int, Node] = {}
    deep = at = gone = 0
    for one, next_ in pairwise(inside):
        while at < len(fields) and fields[at][0] < next_.start:
            deep += fields[at][1]
            at += 1
        gone += len(one.text)
        prose = all(n.local == "p" and id(n) not in listed and n.text.strip() for n in (one, next_))
        if prose and deep <= 0 and not re.match("Heading|Title|List|TOC", styled.get(id(one), "")):
            places[gone] = one
    place = nearest(places, sum(len(n.text) for n in inside) / 2)
    return None if place is None else places[place]


def _half_points(package: Package, path: str) -> int:
    """Return the size of the letters: §17.7.5.1 says what a document's own text has."""
    styles = next((r.path for r in package.relations(path).values() if r.kind == "styles"), "")
    try:
        view = package.tree(styles, 0).view if styles else b""
    except Malformed:
        view = b""
    defaults = view[view.find(b"docDefaults") : view.rfind(b"docDefaults")]
    return min(max([LEAST_HALF_POINTS, *(int(m[1]) for m in _SIZE.finditer(defaults))]), MOST_HALF_POINTS)


def _headed(package: Package, path: str, tree: Tree, style: Style, look: "_Look") -> None:
    """Put the label into the headers there are, and add those that the first section lacks; later ones inherit (§17.10.1)."""
    paragraph = _paragraph(tree.root.space, style, look.half_points)
    sections = [n for n in tree.named("sectPr") if not n.parent or n.parent.local != "sectPr"]
    references = [n for n in tree.named("headerReference") if n.parent in sections]
    related = package.relations(path)
    paths = {related[r].path: None for n in references if (r := n.attribute("id")) in related}
    if len(paths) > MAX_HEADERS:
        raise broken(path, f"has more than {MAX_HEADERS} headers")
    for header in paths:
        part = package.tree(header, 0)
        package.edit(header, part.last_in(part.root, paragraph))
    first = sections[0] if sections else None
    has = {n.attribute("type") for n in references if n.parent is first}
    if missing := [kind for kind in HEADERS if kind not in has]:
        space, office = tree.root.space, _OFFICE[tree.root.space.startswith(_STRICT)]
        added = package.add("word/header.xml", _HEADER_TYPE, f'<w:hdr xmlns:w="{space}">{paragraph}</w:hdr>')
        name = package.relate(path, f"{office}/header", added)
        new = "".join(
            f'<w:headerReference xmlns:w="{space}" xmlns:r="{office}" w:type="{kind}" r:id="{name}"/>' for kind in missing
        )
        body = next(tree.named("body", 1))
        whole = f'<w:sectPr xmlns:w="{space}">{new}</w:sectPr>'
        package.edit(path, tree.first_in(first, new) if first else tree.last_in(body, whole))
