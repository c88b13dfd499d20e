"""Labels in documents and drawings, judged by qpdf, poppler, pikepdf, python-docx, python-pptx, openpyxl, xmllint, Chromium."""

import contextlib
import io
import random
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import numpy as np
import pikepdf
import pptx
import pytest
from numpy.typing import NDArray
from PIL import Image

from documents import epub, odf, ooxml, packed, unpacked
from foreign import module
from mingwen import notices
from mingwen.domain.errors import Malformed, MingwenError, Misused, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Layout, Moment, Pages, Position, Style, TextForm
from mingwen.notices import _outlines, _svg

ALL = tuple(Moment)
SVG = 'xmlns="http://www.w3.org/2000/svg"'
DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
openpyxl, charts = module("openpyxl"), module("openpyxl.chart")
BUNDLED = Path(notices.__file__).parent / "fonts/NotoSansSC-Bold-Labels.otf"


def marked(data: bytes, name: str, style: Style | None = None) -> bytes:
    sink = io.BytesIO()
    notices.of(Medium.IMAGE if name == "svg" else Medium.TEXT).mark(io.BytesIO(data), sink, name, style or Style())
    return sink.getvalue()


def found(data: bytes) -> tuple[Moment, ...]:
    search = notices.of(Medium.TEXT).found
    assert search
    return search(io.BytesIO(data))


def ran(*words: str | Path, given: bytes | None = None) -> bytes:
    return subprocess.run(words, check=True, capture_output=True, input=given, timeout=60).stdout


# --- outlines ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [BUNDLED, DEJAVU], ids=["cubic", "quadratic"])
def test_outlines_are_those_that_fonttools_reads(path: Path) -> None:
    font = module("fontTools.ttLib").TTFont(path)
    glyphs, names, em = font.getGlyphSet(), font.getBestCmap(), font["head"].unitsPerEm
    characters = [c for c in "AI人工智能生成合由generated-éÅ&8%" if ord(c) in names]
    assert len(characters) > 15
    for character in characters:
        pen = module("fontTools.pens.boundsPen").BoundsPen(glyphs)
        glyphs[names[ord(character)]].draw(pen)
        glyph = _outlines.glyph(character, path.read_bytes())
        points = np.array(_outlines.points(glyph.segments)) * em
        assert np.abs(np.concatenate([points.min(axis=0), points.max(axis=0)]) - pen.bounds).max() < em * 0.003
        assert glyph.advance * em == pytest.approx(font["hmtx"][names[ord(character)]][0])


@pytest.mark.parametrize("path", [BUNDLED, DEJAVU], ids=["cubic", "quadratic"])
def test_a_broken_font_is_misuse(path: Path) -> None:
    data, chance = path.read_bytes()[:400_000], random.Random(path.name)
    for _ in range(20):
        broken = bytearray(data)
        for _ in range(40):
            broken[chance.randrange(4000) if chance.random() < 0.5 else chance.randrange(len(data))] = chance.randrange(256)
        with contextlib.suppress(Misused):
            _outlines.glyph("A", bytes(broken))
    with pytest.raises(Misused, match=r"notice\.glyph"):
        marked(pdf(), "pdf", Style(wording="AI生成", font=DEJAVU.read_bytes()))


# --- PDF --------------------------------------------------------------------------------------------------------------------


WORDS = b"BT /F1 12 Tf 72 72 Td (Hello page) Tj ET"
A4 = (595, 842, 0)


def pdf(
    pages: tuple[tuple[float, float, int], ...] = (A4,),
    content: bytes = WORDS,
    change: Callable[[pikepdf.Pdf], None] = lambda _: None,
    **options: object,
) -> bytes:
    made, out = pikepdf.new(), io.BytesIO()
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    for width, height, turn in pages:
        made.add_blank_page(page_size=(width, height))
        page = made.pages[-1]
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        page.Contents = made.make_stream(content)
        if turn:
            page.Rotate = turn
    change(made)
    made.save(out, min_version="1.7", **options)  # type: ignore[arg-type]
    return out.getvalue()


def checked(data: bytes, folder: Path) -> Path:
    path = folder / "a.pdf"
    path.write_bytes(data)
    ran("qpdf", "--check", path)
    return path


def shown(path: Path, page: int = 1, *, dots: int = 144) -> NDArray[np.uint8]:
    data = ran("pdftoppm", "-r", str(dots), "-f", str(page), "-l", str(page), "-gray", "-cropbox", path)
    return np.asarray(Image.open(io.BytesIO(data)))


def box_of(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    different = np.abs(before.astype(int) - after.astype(int)) > 40
    rows, columns = np.flatnonzero(different.any(axis=1)), np.flatnonzero(different.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


@pytest.mark.parametrize("turn", [0, 90, 180, 270, -90])
@pytest.mark.parametrize("size", [(595, 842), (842, 595), (120, 90), (6000, 4000)])
def test_a_page_bears_the_label_upright_at_its_corner(turn: int, size: tuple[int, int], tmp_path: Path) -> None:
    before = pdf(((*size, turn),))
    after = marked(before, "pdf")
    assert after.startswith(before)
    dots = 20 if max(size) > 2000 else 144
    old, new = shown(checked(before, tmp_path), dots=dots), shown(checked(after, tmp_path), dots=dots)
    left, top, right, bottom = box_of(old, new)
    assert right - left > 1.8 * (bottom - top)
    assert (old.shape[1] - right) * 72 / dots < 0.6 * max(9.0, 0.025 * min(size)) + 216 / dots
    assert (old.shape[0] - bottom) * 72 / dots < 0.6 * max(9.0, 0.025 * min(size)) + 216 / dots
    letters = np.flatnonzero((new[top : bottom + 1, left + 3 : right - 3] > 180).sum(axis=1)[3:-3])
    assert (letters[-1] - letters[0] + 1) * 72 / dots >= max(9.0, 0.025 * min(size)) * 0.98 - 72 / dots
    assert "AI生成" in ran("pdftotext", tmp_path / "a.pdf", "-").decode()
    assert re.search(rb"Type 3 +\S+ +yes \S+ +yes", ran("pdffonts", tmp_path / "a.pdf"))


@pytest.mark.parametrize("position", list(Position))
@pytest.mark.parametrize("layout", list(Layout))
def test_a_page_bears_the_label_at_any_edge(position: Position, layout: Layout, tmp_path: Path) -> None:
    before = pdf()
    after = marked(before, "pdf", Style(position=position, layout=layout, wording="AI-generated"))
    old = shown(checked(before, tmp_path), dots=72)
    left, top, right, bottom = box_of(old, shown(checked(after, tmp_path), dots=72))
    near = {"left": left, "top": top, "right": old.shape[1] - right, "bottom": old.shape[0] - bottom}
    assert all(5 < near[side] < 25 for side in position.value.split("-"))
    assert ((bottom - top) > (right - left)) == (layout is Layout.VERTICAL)
    assert "AI-generated" in ran("pdftotext", tmp_path / "a.pdf", "-").decode()


@pytest.mark.parametrize(
    ("style", "numbers"),
    [
        (Style(), [1]),
        (Style(moments=(Moment.END,)), [5]),
        (Style(moments=ALL), [1, 3, 5]),
        (Style(pages=Pages.ALL), [1, 2, 3, 4, 5]),
    ],
)
def test_the_pages_that_were_asked_for_bear_it(style: Style, numbers: list[int], tmp_path: Path) -> None:
    before = pdf((A4,) * 5)
    after = marked(before, "pdf", style)
    path = checked(after, tmp_path)
    texts = ran("pdftotext", path, "-").decode().split("\f")
    assert [n for n, text in enumerate(texts, 1) if "AI生成" in text] == numbers
    assert found(before) == ()
    wanted = {1: Moment.START, 3: Moment.MIDDLE, 5: Moment.END}
    assert found(after) == tuple(m for n, m in wanted.items() if n in numbers)
    assert len(after) - len(before) < 8_000 + 300 * len(numbers)


@pytest.mark.parametrize("revision", [(2, False), (3, False), (4, False), (4, True), (6, True)])
@pytest.mark.parametrize("streams", list(pikepdf.ObjectStreamMode)[:3])
def test_encrypted_files_and_object_streams(
    revision: tuple[int, bool], streams: pikepdf.ObjectStreamMode, tmp_path: Path
) -> None:
    def note(made: pikepdf.Pdf) -> None:
        made.pages[0].LastModified = pikepdf.String("D:20260101")
        made.pages[0].Resources.Properties = pikepdf.Dictionary(P=pikepdf.Dictionary(Said=pikepdf.String("a secret")))

    locked = pikepdf.Encryption(owner="x", user="", R=revision[0], aes=revision[1], metadata=revision[1])  # type: ignore[arg-type]
    data = marked(pdf(change=note, encryption=locked, object_stream_mode=streams), "pdf")
    path = checked(data, tmp_path)
    assert {"Hello", "AI生成"} <= set(ran("pdftotext", path, "-").decode().split())
    with pikepdf.open(path) as made:
        page = made.pages[0]
        assert str(page.LastModified) == "D:20260101"
        assert str(page.Resources.Properties.P.Said) == "a secret"


LEAKS = {
    "saved and not restored": b"q q 0.1 0 0 0.1 0 0 cm 0 0 1 rg 0 0 5950 8420 re f",
    "restored and not saved": b"Q Q 0.1 0 0 0.1 0 0 cm (Q \\) Q) pop 0 0 1 rg 0 0 5950 8420 re f",
    "mirrored": b"1 0 0 -1 0 842 cm 0 0 1 rg 0 0 595 842 re f 0 0 0 0 re W n",
    "a picture within": b"q 0.1 0 0 0.1 0 0 cm 0 0 1 rg 0 0 5950 8420 re f BI /W 1 /H 1 /BPC 8 /CS /G ID Q EI",
}


@pytest.mark.parametrize("case", LEAKS)
def test_what_the_page_leaves_behind_does_not_reach_the_label(case: str, tmp_path: Path) -> None:
    before, plain = pdf(content=LEAKS[case]), pdf(content=b"0 0 1 rg 0 0 595 842 re f")
    expected = shown(checked(marked(plain, "pdf"), tmp_path))
    assert (shown(checked(marked(before, "pdf"), tmp_path)) == expected).mean() > 0.999


def test_crop_box_user_unit_and_what_is_inherited_count(tmp_path: Path) -> None:
    def crop(made: pikepdf.Pdf) -> None:
        pages = made.Root.Pages
        page = made.pages[0]
        pages.Resources, pages.Rotate, pages.MediaBox = page.Resources, 90, pikepdf.Array([0, 0, 595, 842])
        pages.CropBox = pikepdf.Array([400, 642, 100, 242])
        page.UserUnit = 2
        del page["/Resources"], page["/MediaBox"]

    before = pdf(change=crop)
    after = marked(before, "pdf", Style(position=Position.TOP_LEFT))
    old, new = shown(checked(before, tmp_path), dots=72), shown(checked(after, tmp_path), dots=72)
    left, top, _, bottom = box_of(old, new)
    assert (3 < left < 20, 3 < top < 20, 12 < bottom - top < 40) == (True, True, True)


def test_shared_resources_get_one_entry_and_taken_names_stay() -> None:
    def share(made: pikepdf.Pdf) -> None:
        taken = made.make_stream(b"", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 1, 1])
        shared = made.make_indirect(pikepdf.Dictionary(XObject=made.make_indirect(pikepdf.Dictionary(AigcNotice=taken))))
        for page in made.pages:
            page.Resources = shared

    data = marked(pdf((A4, A4, A4), change=share), "pdf", Style(moments=(Moment.END,)))
    assert found(data) == (Moment.END,)
    with pikepdf.open(io.BytesIO(data)) as made:
        assert set(made.pages[0].Resources.XObject.keys()) == {"/AigcNotice", "/AigcNotice1"}
        assert [isinstance(p.Contents, pikepdf.Array) for p in made.pages] == [False, False, True]


def test_tagged_and_archival_files_get_what_they_allow() -> None:
    def archive(made: pikepdf.Pdf) -> None:
        made.Root.MarkInfo = pikepdf.Dictionary(Marked=True)
        with made.open_metadata() as packet:
            packet["pdfaid:part"] = "1"

    def form(data: bytes) -> tuple[bytes, bool]:
        with pikepdf.open(io.BytesIO(data)) as made:
            drawn = made.pages[0].Resources.XObject.AigcNotice
            return drawn.read_bytes(), drawn.Resources.get("/ExtGState") is None

    assert form(marked(pdf(), "pdf")) == (form(marked(pdf(), "pdf"))[0], False)
    content, opaque = form(marked(pdf(change=archive), "pdf"))
    assert (b"/Artifact" in content, b" gs" in content, opaque) == (True, False, True)


def test_what_may_not_change_is_refused() -> None:
    def certify(made: pikepdf.Pdf) -> None:
        made.Root.Perms = pikepdf.Dictionary(DocMDP=pikepdf.Dictionary(Type=pikepdf.Name.Sig))

    def sign(made: pikepdf.Pdf) -> None:
        made.Root.AcroForm = pikepdf.Dictionary(Fields=[], SigFlags=3)

    with pytest.raises(Refused, match=r"pdf\.certified"):
        marked(pdf(change=certify), "pdf")
    with pytest.raises(Refused, match=r"pdf\.encrypted"):
        marked(pdf(encryption=pikepdf.Encryption(owner="x", user="y")), "pdf")
    with pytest.raises(Refused, match=r"notice\.no-room"):
        marked(pdf(((30, 30, 0),)), "pdf")
    said = notices.of(Medium.TEXT).mark(io.BytesIO(pdf(change=sign)), io.BytesIO(), "pdf", Style())
    assert "signatures" in said


# --- Word, PowerPoint, Excel ------------------------------------------------------------------------------------------------


def word() -> bytes:
    made, out = docx.Document(), io.BytesIO()
    made.add_heading("标题", 0)
    for number in range(8):
        made.add_paragraph(f"第{number}段。" * 9)
    made.add_paragraph("一项", style="List Bullet")
    made.add_table(2, 2)
    made.sections[0].header.paragraphs[0].text = "页眉"
    made.add_section()
    made.add_paragraph("尾")
    made.save(out)
    return out.getvalue()


def slides() -> bytes:
    made, out = pptx.Presentation(), io.BytesIO()
    for number in range(5):
        made.slides.add_slide(made.slide_layouts[1]).shapes.title.text = f"题 {number}"
    made.save(out)
    return out.getvalue()


def sheets(columns: int = 3) -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    first = made.active
    for row in range(5):
        first.append([row * column for column in range(columns)])
    first["A7"] = "=SUM(A1:A5)"
    second = made.create_sheet("two")
    chart = charts.BarChart()
    chart.add_data(charts.Reference(first, min_col=1, min_row=1, max_row=5))
    second.add_chart(chart, "E5")
    made.create_sheet("three")
    made.save(out)
    return out.getvalue()


MAKERS = {"docx": word, "pptx": slides, "xlsx": sheets}
PARTS = {
    "docx": {"word/document.xml"},
    "pptx": {"ppt/slides/slide1.xml"},
    "xlsx": {
        "xl/worksheets/sheet1.xml",
        "xl/worksheets/_rels/sheet1.xml.rels",
        "xl/drawings/drawing2.xml",
        "[Content_Types].xml",
    },
}


@pytest.mark.parametrize("name", MAKERS)
def test_all_other_parts_stay_and_each_changed_one_is_well_formed(name: str) -> None:
    data = MAKERS[name]()
    after = marked(data, name)
    before, parts = unpacked(data), unpacked(after)
    assert [n for n in parts if n in before] == list(before)
    assert {n for n in parts if parts[n] != before.get(n)} == PARTS[name]
    for part in PARTS[name]:
        ran("xmllint", "--noout", "-", given=parts[part])
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(io.BytesIO(after)) as new:
        for info in old.infolist():
            same = new.getinfo(info.filename)
            if info.filename not in PARTS[name]:
                assert (same.compress_size, same.CRC, same.date_time) == (info.compress_size, info.CRC, info.date_time)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("moments", [(Moment.START,), (Moment.MIDDLE,), (Moment.END,), ALL])
def test_documents_are_found_labelled_where_they_were(name: str, moments: tuple[Moment, ...]) -> None:
    data = MAKERS[name]()
    after = marked(data, name, Style(moments=moments))
    assert found(data) == ()
    assert found(after) == moments
    assert marked(data, name, Style(moments=moments)) == after


def test_a_text_document_reads_as_asked() -> None:
    made = docx.Document(io.BytesIO(marked(word(), "docx", Style(moments=ALL, pages=Pages.ALL))))
    texts = [p.text.strip() for p in made.paragraphs]
    assert [n for n, text in enumerate(texts) if text == "AI生成"] == [0, 6, len(texts) - 1]
    run = made.paragraphs[0].runs[0]
    assert (run.font.size, str(run.font.color.rgb), run.bold) == (docx.shared.Pt(14), "FFFFFF", True)
    assert made.element.body[-1].tag.endswith("sectPr")
    for section in made.sections:
        for header in (section.header, section.first_page_header, section.even_page_header):
            assert header.paragraphs[-1].text.strip() == "AI生成"
    assert made.sections[0].header.paragraphs[0].text == "页眉"


def test_a_text_document_may_bear_raised_letters() -> None:
    made = docx.Document(io.BytesIO(marked(word(), "docx", Style(moments=ALL, text_form=TextForm.CORNER))))
    raised = [(n, r.text) for n, p in enumerate(made.paragraphs) for r in p.runs if r.font.superscript]
    assert raised == [(0, "AI生成"), (4, "AI生成"), (len(made.paragraphs) - 1, "AI生成")]
    assert made.paragraphs[0].text == "AI生成标题"


def test_fields_and_lists_have_no_label_within() -> None:
    space = 'xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"'
    field = '<w:p><w:r><w:fldChar w:fldCharType="{}"/><w:t>目录</w:t></w:r></w:p>'
    item = "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>项</w:t></w:r></w:p>"
    plain = "<w:p><w:r><w:t>段</w:t></w:r></w:p>"
    body = plain * 2 + field.format("begin") + plain * 5 + field.format("end") + item * 9
    parts = unpacked(ooxml("docx"))
    parts["word/document.xml"] = f"<w:document {space}><w:body>{body}</w:body></w:document>".encode()
    after = unpacked(marked(packed(parts.items()), "docx", Style(moments=(Moment.MIDDLE,))))["word/document.xml"].decode()
    at = after.index("AI&#29983;&#25104;")
    assert after[:at].count("段") in {1, 2}
    assert 'xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"><w:pPr>' in after


@pytest.mark.parametrize("position", list(Position))
def test_slides_bear_a_box_within_their_edges(position: Position) -> None:
    made = pptx.Presentation(io.BytesIO(marked(slides(), "pptx", Style(position=position, pages=Pages.ALL))))
    for slide in made.slides:
        box = slide.shapes[-1]
        assert (box.name, box.text_frame.text) == ("AigcNotice", "AI生成")
        assert len({s.shape_id for s in slide.shapes}) == len(slide.shapes)
        assert 0 < box.left < box.left + box.width < (made.slide_width or 0)
        assert 0 < box.top < box.top + box.height < (made.slide_height or 0)
        size = box.text_frame.paragraphs[0].runs[0].font.size
        assert size
        assert size.pt * 0.7 >= 0.05 * (made.slide_height or 0) / 12_700 - 0.1


def test_long_words_on_slides_break_or_are_refused() -> None:
    long = Style(wording="本页内容由人工智能生成，请注意甄别，不构成任何建议，仅供参考；generated by AI")
    box = pptx.Presentation(io.BytesIO(marked(slides(), "pptx", long))).slides[0].shapes[-1]
    assert len(box.text_frame.paragraphs) > 1
    with pytest.raises(Refused, match=r"notice\.no-room"):
        marked(slides(), "pptx", Style(wording="AI生成", ink_height_share=0.5))


def test_sheets_keep_cells_formulas_and_drawings() -> None:
    data = sheets()
    after = marked(data, "xlsx", Style(pages=Pages.ALL))
    made = openpyxl.load_workbook(io.BytesIO(after))
    assert made.active["A7"].value == "=SUM(A1:A5)"
    assert len(made["two"]._charts) == 1
    parts = unpacked(after)
    assert sum(b"AigcNotice" in p for n, p in parts.items() if n.startswith("xl/drawings/")) == 3
    assert parts["xl/drawings/drawing1.xml"].count(b"oneCellAnchor") == 4
    assert b"<xdr:col>3</xdr:col>" in parts["xl/drawings/drawing2.xml"]
    wide = unpacked(marked(sheets(30), "xlsx"))
    assert any(b"<xdr:col>10</xdr:col>" in p for p in wide.values())


@pytest.mark.parametrize("name", MAKERS)
def test_signed_documents_are_refused(name: str) -> None:
    parts = unpacked(MAKERS[name]()) | {"_xmlsignatures/sig1.xml": b"<Signature/>"}
    with pytest.raises(Refused, match=r"notice\.signed"):
        marked(packed(parts.items()), name)


# --- OpenDocument, EPUB -----------------------------------------------------------------------------------------------------


OFFICE = "urn:oasis:names:tc:opendocument:xmlns"


def opendocument(kind: str, body: str) -> bytes:
    spaces = " ".join(f'xmlns:{p}="{OFFICE}:{n}:1.0"' for p, n in (("text", "text"), ("draw", "drawing"), ("table", "table")))
    inside = f"<o:body><o:{kind}>{body}</o:{kind}></o:body>"
    content = f'<o:document-content xmlns:o="{OFFICE}:office:1.0" {spaces}>{inside}</o:document-content>'
    parts = unpacked(odf(kind)) | {"content.xml": content.encode()}
    return packed(parts.items())


BOOKS: dict[str, Callable[[], bytes]] = {
    "odt": lambda: opendocument("text", "<text:sequence-decls/>" + "<text:p>段</text:p>" * 6),
    "odp": lambda: opendocument("presentation", '<draw:page draw:name="a"/><draw:page><p/></draw:page><draw:page/>'),
    "ods": lambda: opendocument(
        "spreadsheet", "<table:table><table:table-row><table:table-cell>1</table:table-cell></table:table-row></table:table>" * 3
    ),
    "epub": epub,
}


LOADED = "import io, sys; from odf.opendocument import load; load(io.BytesIO(sys.stdin.buffer.read()))"


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("moments", [(Moment.START,), (Moment.MIDDLE,), (Moment.END,), ALL])
def test_open_documents_and_books_are_found_labelled(name: str, moments: tuple[Moment, ...]) -> None:
    data = BOOKS[name]()
    after = marked(data, name, Style(moments=moments))
    assert found(data) == ()
    assert found(after) == moments
    before, parts = unpacked(data), unpacked(after)
    changed = [n for n in parts if parts[n] != before.get(n)]
    assert changed == (["OEBPS/c d.xhtml"] if name == "epub" else ["content.xml"])
    ran("xmllint", "--noout", "-", given=parts[changed[0]])
    if name != "epub":
        ran(sys.executable, "-c", LOADED, given=after)  # odfpy remembers every namespace it meets


def test_declarations_of_a_text_stay_before_the_label() -> None:
    content = unpacked(marked(BOOKS["odt"](), "odt"))["content.xml"]
    assert content.index(b"sequence-decls") < content.index(b"AI&#29983;&#25104;") < content.index("段".encode())


# --- SVG --------------------------------------------------------------------------------------------------------------------


DRAWINGS = {
    "absolute": (f'<svg {SVG} width="400" height="300"><rect width="400" height="300" fill="white"/></svg>', (400, 300), 20),
    "view box": (
        f'<svg {SVG} viewBox="100 50 4000 2000"><rect x="100" y="50" width="4000" height="2000"/></svg>',
        (400, 200),
        20,
    ),
    "unlike units": (f'<svg {SVG} width="400" height="200" viewBox="0 0 10 10" preserveAspectRatio="none"/>', (400, 200), 20),
    "slice": (
        f'<svg {SVG} width="400" height="200" viewBox="0 0 9 9" preserveAspectRatio="xMidYMax slice"></svg>',
        (400, 200),
        20,
    ),
    "prefix and units": ('<s:svg xmlns:s="http://www.w3.org/2000/svg" width="100mm" height="3in"><s:g/></s:svg>', (378, 288), 20),
    "style sheet": (
        f'<svg {SVG} width="400" height="300" fill="none"><style>*{{fill:red;stroke:blue}} g{{display:none}}</style></svg>',
        (400, 300),
        20,
    ),
}


@pytest.mark.parametrize("case", DRAWINGS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_drawings_bear_it_at_their_corner(case: str, encoding: str, tmp_path: Path) -> None:
    text, (width, height), near = DRAWINGS[case]
    before = text.encode(encoding)
    after = marked(before, "svg")
    (tmp_path / "a.svg").write_bytes(after)
    ran("xmllint", "--noout", tmp_path / "a.svg")
    kept = after.decode(encoding).split("<g xmlns")[0]
    assert text.startswith(kept.removesuffix(">").rstrip())
    assert _svg.found(io.BytesIO(after)) == (Moment.START,)
    assert _svg.found(io.BytesIO(before)) == ()
    if encoding == "utf-8":
        page = f'<body style="margin:0;background:#888"><img src="a.svg" style="width:{width}px;height:{height}px">'
        (tmp_path / "a.html").write_text(page)
        ran(
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=600,500"),
            *(f"--screenshot={tmp_path}/a.png", f"--user-data-dir={tmp_path}/c", f"file://{tmp_path}/a.html"),
        )
        picture = np.asarray(Image.open(tmp_path / "a.png").convert("L"))[:height, :width].astype(int)
        corner = picture[height - 3 * near : height, width - 5 * near : width]
        assert corner.max() > 240
        rows = np.flatnonzero((picture[height - 40 : height - 8, width - 45 : width - 20] > 190).any(axis=1))
        assert rows[-1] - rows[0] + 1 >= 0.05 * min(width, height) - 1


def test_drawings_that_have_no_room_or_are_none_are_refused() -> None:
    with pytest.raises(Refused, match=r"notice\.no-room"):
        marked(f'<svg {SVG} width="16" height="16"/>'.encode(), "svg")
    with pytest.raises(Malformed, match=r"image\.broken"):
        marked(b"<html/>", "svg")
    with pytest.raises(Malformed, match=r"part\.broken"):
        marked(b"<svg", "svg")
    assert marked(f'<svg {SVG} viewBox="0 0 24 24"/>'.encode(), "svg").count(b"</svg>") == 1


def test_entities_are_left_alone() -> None:
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<!DOCTYPE svg [<!ENTITY a0 "haha">{laughs}]><svg {SVG} width="400" height="300"><text>&a8;</text></svg>'
    begun = time.perf_counter()
    assert b"&a8;" in marked(bomb.encode(), "svg")
    assert time.perf_counter() - begun < 2


# --- whatever comes ----------------------------------------------------------------------------------------------------------


HOSTILE: dict[str, Callable[[], bytes]] = {
    **MAKERS,
    **BOOKS,
    "pdf": lambda: pdf((A4, A4)),
    "svg": DRAWINGS["style sheet"][0].encode,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_mutations_raise_only_our_errors(name: str) -> None:
    data, chance = HOSTILE[name](), random.Random(name)
    zipped = name in {**MAKERS, **BOOKS}
    parts = unpacked(data) if zipped else {}
    for _ in range(40):
        style = Style(moments=ALL, pages=chance.choice(list(Pages)), text_form=chance.choice(list(TextForm)))
        if zipped and chance.random() < 0.7:
            part = chance.choice([n for n in parts if n.endswith((".xml", ".rels")) and "theme" not in n and "Layout" not in n])
            broken = packed({**parts, part: mutated(parts[part], chance)}.items())
        else:
            broken = mutated(data, chance)
        with contextlib.suppress(MingwenError):
            marked(broken, name, style)
        if name != "svg":
            found(broken)


BOMBS = {
    "docx": ("word/document.xml", "<w:document xmlns:w='x'><w:body>{}</w:body></w:document>", "<w:p><w:r/></w:p>"),
    "pptx": ("ppt/slides/slide1.xml", "<p:sld xmlns:p='x'><p:cSld><p:spTree>{}</p:spTree></p:cSld></p:sld>", "<p:cNvPr id='1'/>"),
    "xlsx": ("xl/worksheets/sheet1.xml", "<worksheet xmlns='x'><cols>{}</cols></worksheet>", "<c/>"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_time(name: str) -> None:
    part, around, unit = BOMBS[name]
    bomb = packed({**unpacked(MAKERS[name]()), part: around.format(unit * (44_000_000 // len(unit))).encode()}.items())
    begun = time.perf_counter()
    with pytest.raises(Malformed, match=r"part\.broken"):
        marked(bomb, name)
    assert time.perf_counter() - begun < 15


def test_a_sheet_of_a_million_cells_is_labelled_in_time() -> None:
    part = "xl/worksheets/sheet1.xml"
    parts = unpacked(sheets())
    cells = b"<row>" + b'<c r="A9"><v>1</v></c>' * 1_000_000 + b"</row></sheetData>"
    parts[part] = parts[part].replace(b"</sheetData>", cells)
    begun = time.perf_counter()
    after = unpacked(marked(packed(parts.items(), stored=[part]), "xlsx"))[part]
    assert time.perf_counter() - begun < 10
    assert after.count(b"<c ") > 1_000_000
    assert after.index(b"drawing") > after.index(b"</sheetData>")


def mutated(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(out))
        kind = chance.randrange(4)
        if kind == 0:
            out[at] = chance.randrange(256)
        elif kind == 1:
            del out[at : at + chance.randrange(1, 40)]
        elif kind == 2:
            out[at:at] = out[chance.randrange(len(out)) :][: chance.randrange(60)]
        elif words := [m.span() for m in re.finditer(rb"\d+", out)]:
            start, stop = chance.choice(words)
            out[start:stop] = chance.choice([b"0", b"-1", b"99999999999", b"1e9", b"7"])
        if len(out) < 4:
            return bytes(out) + b"    "
    return bytes(out)
