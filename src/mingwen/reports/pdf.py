"""A report as PDF: A4, black on white, every letter's outline in the file, the same bytes for the same report.

A page is filled from above with strips, each as high as one line; a strip holds what stands beside each other on that line.
So any paragraph, row or value may go over to the next page, however long it is.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from functools import lru_cache
from importlib.resources import files
from itertools import groupby, zip_longest
from typing import Final, Protocol, cast

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from mingwen.reports._letters import code_point
from mingwen.reports._lines import lines
from mingwen.reports._shape import Block, Cell, Commands, Facts, Heading, Line, Paragraph, Report, Section, Table, Verbatim

WIDTH, HEIGHT = (float(side) for side in A4)
LEFT: Final = 62.0
TOP: Final = 60.0
BOTTOM: Final = 66.0
MEASURE: Final = WIDTH - 2 * LEFT
"""The width of the text, in points, as all lengths here."""
GAP: Final = 10.0
MOST_KEPT: Final = 10
"""A row of at most so many lines stays on one page."""
NAMES: Final = 122.0
"""The width of the names of facts."""

TEXT, BOLD, MONO = "NotoSansSC-Regular-Reports", "NotoSansSC-Bold-Reports", "NotoSansMonoSC-Regular-Reports"


class _Face(Protocol):
    """What is asked of a typeface of reportlab."""

    charToGlyph: dict[int, int]  # noqa: N815 - reportlab's name

    def getCharWidth(self, code: int) -> float:  # noqa: N802 - reportlab's name
        """Return a width in thousandths of the size."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a run of text looks."""

    face: str
    size: float
    leading: float
    grey: float = 0.0


BODY: Final = Style(TEXT, 10, 16)
CELL: Final = Style(TEXT, 9.4, 16)
NAME: Final = Style(TEXT, 9, 16, 0.3)
VALUE: Final = Style(MONO, 8.8, 16)
HEAD: Final = Style(BOLD, 9, 16)
SMALL: Final = Style(TEXT, 8, 12, 0.3)
TITLE: Final = Style(BOLD, 21, 30)
SECTION: Final = Style(BOLD, 14, 22)
SUBHEAD: Final = Style(BOLD, 10.5, 17)


@dataclass(frozen=True, slots=True)
class Placed:
    """A run of text at its place on a strip."""

    x: float
    text: str
    style: Style


@dataclass(frozen=True, slots=True)
class Strip:
    """What stands on one line of a page."""

    height: float
    texts: tuple[Placed, ...] = ()
    rule: float = 0.0
    """How thick the line above it is."""
    shaded: bool = False
    keep: bool = False
    """Does it stay on the page of the next?"""
    bookmark: str = ""
    dots: tuple[tuple[float, bool | None], ...] = ()
    """Of a line of time: where its marks are, and which are filled; None draws none."""
    head: tuple["Strip", ...] = ()
    """What is said again where a page begins with it: the head of its table."""


def render(report: Report) -> bytes:
    """Return the report as a PDF document."""
    out = io.BytesIO()
    _face(TEXT)  # or the library names a typeface that is not in the file
    canvas = Canvas(
        out,
        pagesize=A4,
        invariant=1,
        initialFontName=TEXT,
        pdfVersion=(1, 4),
        lang={"zh": "zh-CN"}.get(report.language, report.language),
    )
    stamp = f"D:{report.made.astimezone(UTC):%Y%m%d%H%M%S}+00'00'"
    canvas.setDateFormatter(lambda *_: stamp)
    canvas.setTitle(f"{report.title} · {report.subject}")
    canvas.setAuthor(report.subject)
    canvas.setSubject(report.about)
    canvas.setCreator("Mingwen")
    pages = list(_pages(_strips(report)))
    for number, page in enumerate(pages, 1):
        _draw(canvas, page)
        _foot(canvas, report, number, len(pages))
        canvas.showPage()
    canvas.showOutline()
    canvas.save()
    return out.getvalue()


def _strips(report: Report) -> Iterator[Strip]:
    yield from _prose(report.title, TITLE, keep=True)
    yield from _prose(report.about, SMALL, keep=True)
    yield Strip(8, rule=1.2)
    for section in report.sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[Strip]:
    yield Strip(14, keep=True)
    for i, strip in enumerate(_prose(section.title, SECTION, keep=True)):
        yield replace(strip, bookmark="" if i else section.title)
    yield Strip(5, rule=0.6, keep=True)
    for block, following in zip_longest(section.blocks, section.blocks[1:]):
        leads = isinstance(block, Paragraph) and following is not None and not isinstance(following, Paragraph)
        yield from (replace(strip, keep=strip.keep or leads) for strip in _block(block))


def _block(block: Block) -> Iterator[Strip]:
    match block:
        case Paragraph(text):
            yield from _prose(text, BODY)
            yield Strip(5)
        case Heading(text):
            yield Strip(7, keep=True)
            yield from _prose(text, SUBHEAD, keep=True)
        case Facts(rows):
            shares = (NAMES, MEASURE - NAMES - GAP)
            for name, value in rows:
                yield from _row((name, value), shares, NAME)
            yield Strip(6)
        case Table(head, rows, shares):
            room = MEASURE - GAP * (len(shares) - 1)
            widths = [room * share / 100 for share in shares]
            titles = tuple(replace(strip, keep=True) for strip in _row(head, widths, HEAD, HEAD))
            yield from titles
            for row in rows:
                yield from (replace(strip, head=titles) for strip in _row(row, widths, rule=0.4))
            yield Strip(8, rule=0.4)
        case Commands(text):
            yield from (Strip(16, s.texts, shaded=True) for s in _prose(text, VALUE, indent=8))
            yield Strip(7)
        case Line():
            yield from _line(block)


def _prose(text: str, style: Style, *, indent: float = 0, keep: bool = False) -> Iterator[Strip]:
    for line in _set(text, style, MEASURE - 2 * indent):
        yield Strip(style.leading, (Placed(LEFT + indent, line, style),), keep=keep)


def _row(
    cells: Sequence[Cell], widths: Sequence[float], first: Style = CELL, others: Style = CELL, *, rule: float = 0
) -> Iterator[Strip]:
    columns = []
    for i, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        text, style = (cell.text, VALUE) if isinstance(cell, Verbatim) else (cell, others if i else first)
        x = LEFT + sum(widths[:i]) + GAP * i
        columns.append([Placed(x, line, style) for line in _set(text, style, width)])
    rows = [tuple(p for p in row if p) for row in zip_longest(*columns)]
    for i, row in enumerate(rows):
        yield Strip(BODY.leading, row, rule=0 if i else rule, keep=i + 1 < len(rows) <= MOST_KEPT)


def _line(block: Line) -> Iterator[Strip]:
    """Draw a line of time and, below each of its marks, what it is, when, and by whose clock."""
    count = len(block.marks)
    width = (MEASURE - GAP * (count - 1)) / count
    xs = [LEFT + i * (width + GAP) for i in range(count)]
    yield Strip(6, keep=True)
    yield Strip(16, dots=tuple((x + 4, mark.outside) for x, mark in zip(xs, block.marks, strict=True)), keep=True)
    for texts, style in (
        ([mark.title for mark in block.marks], HEAD),
        ([mark.at for mark in block.marks], CELL),
        ([mark.whose for mark in block.marks], SMALL),
    ):
        columns = [[Placed(x, line, style) for line in _set(text, style, width)] for x, text in zip(xs, texts, strict=True)]
        yield from (Strip(14, tuple(p for p in row if p), keep=True) for row in zip_longest(*columns))
    yield Strip(8)


def _pages(strips: Iterable[Strip]) -> Iterator[list[Strip]]:
    """Fill pages; strips that keep with the next go over together, if they leave the page half full at least."""
    page: list[Strip] = []
    room = full = HEIGHT - TOP - BOTTOM
    for group in _groups(strips):
        height = sum(s.height for s in group)
        if height > room and (room < full / 2 or height < full / 2):
            yield page
            page, room = _begun(group[0], full)
        for strip in group:
            if strip.height > room:
                yield page
                page, room = _begun(strip, full)
            if page or strip.texts or strip.dots:  # no space above the first line of a page
                page.append(strip)
                room -= strip.height
    yield page


def _begun(strip: Strip, full: float) -> tuple[list[Strip], float]:
    """Begin a page whose first strip will be this one."""
    return list(strip.head), full - sum(s.height for s in strip.head)


def _groups(strips: Iterable[Strip]) -> Iterator[list[Strip]]:
    group: list[Strip] = []
    for strip in strips:
        group.append(strip)
        if not strip.keep:
            yield group
            group = []
    if group:
        yield group


def _draw(canvas: Canvas, page: Sequence[Strip]) -> None:
    y = HEIGHT - TOP
    for strip in page:
        if strip.shaded:
            canvas.setFillGray(0.93)
            canvas.rect(LEFT, y - strip.height, MEASURE, strip.height, stroke=0, fill=1)
        if strip.rule:
            canvas.setLineWidth(strip.rule)
            canvas.setStrokeGray(0 if strip.rule > 0.5 else 0.6)  # noqa: PLR2004 - hairlines are grey
            canvas.line(LEFT, y, LEFT + MEASURE, y)
        if strip.dots:
            _dots(canvas, strip.dots, y - 6)
        if strip.bookmark:
            canvas.bookmarkHorizontal(strip.bookmark, 0, y)
            canvas.addOutlineEntry(strip.bookmark, strip.bookmark)
        for placed in strip.texts:
            _write(canvas, placed, y - strip.height * 0.72)
        y -= strip.height


def _dots(canvas: Canvas, dots: Sequence[tuple[float, bool | None]], y: float) -> None:
    canvas.setLineWidth(1)
    canvas.setStrokeGray(0)
    canvas.line(dots[0][0], y, LEFT + MEASURE, y)
    for x, filled in dots:
        if filled is not None:
            canvas.setFillGray(0 if filled else 1)
            canvas.circle(x, y, 4, stroke=1, fill=1)


def _foot(canvas: Canvas, report: Report, number: int, count: int) -> None:
    y = BOTTOM - 26
    canvas.setLineWidth(0.4)
    canvas.setStrokeGray(0.6)
    canvas.line(LEFT, y + 12, LEFT + MEASURE, y + 12)
    pages = f"第 {number} 页 共 {count} 页 / page {number} of {count}"
    right = sum(map(_measure(SMALL), pages))
    left = _set(f"{report.title} · {report.subject}", SMALL, MEASURE - right - GAP)[0]
    _write(canvas, Placed(LEFT, left, SMALL), y)
    _write(canvas, Placed(LEFT + MEASURE - right, pages, SMALL), y)


def _write(canvas: Canvas, placed: Placed, y: float) -> None:
    style = placed.style
    canvas.setFillGray(style.grey)
    text = canvas.beginText(placed.x, y)
    for face, run in groupby(placed.text, lambda c: _face_of(c, style.face)):
        text.setFont(face, style.size)
        text.textOut("".join(run))
    canvas.drawText(text)


def _set(text: str, style: Style, width: float) -> list[str]:
    """Break into lines; characters that no typeface here has are named."""
    known = _face(TEXT).charToGlyph
    return lines("".join(c if c == "\n" or ord(c) in known else code_point(c) for c in text), width, _measure(style))


@lru_cache(maxsize=16)
def _measure(style: Style) -> "_Widths":
    return _Widths(style)


class _Widths:
    """How wide characters are in a style."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._known: dict[str, float] = {}

    def __call__(self, character: str) -> float:
        """Return the width of a character."""
        if character not in self._known:
            face = _face(_face_of(character, self._style.face))
            self._known[character] = face.getCharWidth(ord(character)) * self._style.size / 1000
        return self._known[character]


def _face_of(character: str, wanted: str) -> str:
    """Return the typeface for a character: the one of most characters stands in for the others."""
    return wanted if ord(character) in _face(wanted).charToGlyph else TEXT


@lru_cache(maxsize=3)
def _face(name: str) -> _Face:
    """Read a typeface, once."""
    font = TTFont(name, io.BytesIO((files("mingwen.reports") / "fonts" / f"{name}.ttf").read_bytes()))
    pdfmetrics.registerFont(font)
    return cast("_Face", font.face)
