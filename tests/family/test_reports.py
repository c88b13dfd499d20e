"""Reports for people, judged by poppler, qpdf and Chromium."""

import base64
import hashlib
import html as html_entities
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingwen import reports
from mingwen.domain import works
from mingwen.domain.evidence import Published, Stamp
from mingwen.domain.labels import produced, to_json
from mingwen.domain.steps import Act as WorkAct
from mingwen.domain.steps import Doer
from mingwen.domain.works import Closing, Link, Material, Opening, Step
from mingwen.proofs import notes
from mingwen.proofs.bundle import Act, Bound, Case, Content, Handover, Head, Label
from mingwen.reports import evidence, html, pdf
from mingwen.reports._lines import lines
from mingwen.reports._words import GLOSSARY, PHRASES, PREFACE

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
LABEL = to_json(produced(producer="001191310000MA1FL0XX0X10000", produce_id="8f5a2c34"))
HOSTILE = (
    "</code><script>alert(1)</script>\u202egnp.exe\0\x1b[31m مرحبا بالعالم \U0001f600\U0001f469\u200d\U0001f467 \ud800"
    f"{'W' * 900}{'、' * 300}漢字繁體{'&amp;' * 20}\n{'x ' * 32_768}"
)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(8)


def a_case(said: str = "海报-coffee final.png") -> Case:
    log = notes.Key("log.example.cn/2026", notes.Kind.ED25519, bytes(range(32)))
    witness = notes.Key("witness.notary.example", notes.Kind.COSIGNATURE, bytes(range(32, 64)))
    signatures = tuple(notes.Signature(key.name, key.id, bytes(72)) for key in (log, witness))
    note = str(notes.Note(notes.Checkpoint(log.name, 100, bytes(range(32))).text, signatures))
    before = Bound(NOW + timedelta(minutes=3), said, 100)
    act = Act(12, NOW, "label.produced", {"subject": "8f5a2c34", "by": "李某", "file": said, "label": LABEL}, 2, b'{"v":1}')
    head = Head(Published(100, note, NOW, (Stamp(said, b"not a token", NOW),)), (before,))
    labels = (Label("PNG iTXt AIGC", LABEL.encode()), Label(said, said.encode(errors="replace")))
    return Case(
        created=NOW + timedelta(days=2),
        origin=log.name,
        keys=(str(log), str(witness), said),
        acts=(act, Act(13, NOW, said, {said: [said], "by": said}, 0, said.encode(errors="replace"), before, before)),
        heads=(replace(head, published=replace(head.published, size=96), cosigned=()), head),
        content=Content(said, 1_234_567, SHA, SHA, None, labels, 12, bound=True),
        custody=(Handover(NOW, said, said),),
        environment={"software": "mingwen 0.1.0", said: said},
    )


def a_work(said: str) -> list[Link]:
    links: list[Link] = []
    draft, other = (Material(f"{name}{said[:50]}.png", 10, name * 64, name * 64) for name in "ab")
    steps = (
        Step(act=WorkAct.PROMPT, doer=Doer.HUMAN, prompt=said),
        Step(doer=Doer.HUMAN, parameters={"steps": 33, said: [said]}, seed="2692150200"),
        Step(doer=Doer.MACHINE, files=(draft, other)),
        Step(doer=Doer.HUMAN, choices=(draft, other), chosen=other, note=said),
        Step(note=said),
    )
    outcomes = [works.begin("w1", Opening(said, "李某"), by=said, now=NOW)]
    for step in (*steps, None):
        entry = outcomes[-1].entries[0]
        links.append(Link(len(links), entry, hashlib.sha256(str(len(links)).encode()).hexdigest()))
        work = works.standing("w1", links)
        done = (
            works.step(work, step, by="李某", now=NOW) if step else works.close(work, Closing((other,), said), by="李某", now=NOW)
        )
        outcomes.append(done)
    return [*links, Link(len(links), outcomes[-1].entries[0], "0" * 64)]


def judged(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("language", reports.LANGUAGES)
@pytest.mark.parametrize("said", ["海报-coffee final.png", HOSTILE], ids=["friendly", "hostile"])
@pytest.mark.skipif(shutil.which("pdffonts") is None or shutil.which("qpdf") is None, reason="no poppler or qpdf")
def test_pdf_is_whole_bears_its_fonts_and_stays_within_its_margins(tmp_path: Path, language: str, said: str) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(reports.render(a_case(said), language)[f"report.{language}.pdf"])
    judged("qpdf", "--check", file)
    rows = judged("pdffonts", file).splitlines()[2:]
    assert len(rows) >= 3
    assert all(re.search(r"yes yes yes +\d+ +0$", row) for row in rows), rows
    boxes = re.findall(
        r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)"', judged("pdftotext", "-bbox", file, "-")
    )
    assert boxes
    for left, top, right, bottom in (map(float, box) for box in boxes):
        assert left > pdf.LEFT - 1
        assert right < pdf.WIDTH - pdf.LEFT + 10  # a closing mark may stand in the margin
        assert top > pdf.TOP - 20
        assert bottom < pdf.HEIGHT - pdf.BOTTOM + 40


@pytest.mark.parametrize("language", reports.LANGUAGES)
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no poppler")
def test_pdf_says_what_it_has_to_in_text_that_can_be_copied(tmp_path: Path, language: str) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(reports.render(a_case(), language)[f"report.{language}.pdf"])
    text = judged("pdftotext", "-raw", file, "-")
    joined = re.sub(r"\s", "", text)
    wanted = [p.of(language) for p in PREFACE] + [b.of(language) for _, b in GLOSSARY]
    wanted += [PHRASES[name].of(language) for name in ("verify-cli", "keys-intro", "times-intro")]
    wanted += ["海报-coffee final.png", SHA, "ContentProducer", "log.example.cn/2026+", "1,234,567"]
    pages = int(re.search(r"Pages: +(\d+)", judged("pdfinfo", file))[1])  # type: ignore[index]
    for words in [*wanted, f"第 {pages} 页 共 {pages} 页 / page {pages} of {pages}"]:
        parts = re.split(r"第\d+页共", re.sub(r"\s", "", words))
        assert parts[-1] in joined or _across_pages(parts[-1], joined), words
    assert "[U+" not in text
    info = judged("pdfinfo", file)
    assert "证据报告" in info
    assert "log.example.cn/2026" in info
    assert "JavaScript:      no" in info


def _across_pages(words: str, joined: str) -> bool:
    """A foot stands between two parts of what goes over a page."""
    return any(words[:i] in joined and words[i:] in joined for i in range(1, len(words)))


def test_pdf_is_the_same_each_time_whatever_the_process() -> None:
    code = (
        "import hashlib, sys; sys.path.insert(0, 'tests/family'); import test_reports as t; from mingwen import reports;"
        "print(hashlib.sha256(b''.join(reports.render(t.a_case(), 'zh').values())).hexdigest())"
    )
    here = hashlib.sha256(b"".join(reports.render(a_case(), "zh").values())).hexdigest()
    root = Path(__file__).parents[2]
    there = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root).stdout
    assert there.strip() == here


def test_pdf_library_is_imported_for_a_pdf_only() -> None:
    code = "import sys, mingwen.reports; sys.exit('reportlab' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("language", reports.LANGUAGES)
@pytest.mark.parametrize("kind", ["report", "timeline"])
def test_page_asks_nothing_of_anybody_and_escapes_what_strangers_say(language: str, kind: str) -> None:
    page = a_page(kind, language, HOSTILE)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"<[^>]*(?:\son\w+=|\sstyle=|\shref=|src=\"(?!data:image/))", page)
    assert not any(unseen in page for unseen in ("\u202e", "\0", "\x1b", "\u200d"))
    assert "[U+202E]gnp.exe[U+0000][U+001B]" in page
    assert f"{len(HOSTILE):,}" in page  # how long the value is of which a part is shown
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in html_entities.unescape(page)


def a_page(kind: str, language: str, said: str) -> str:
    if kind == "timeline":
        return reports.timeline(a_work(said), language).decode()
    return reports.render(a_case(said), language)[f"report.{language}.html"].decode()


@pytest.mark.parametrize("kind", ["report", "timeline"])
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser")
def test_page_fits_a_phone_and_is_styled_under_its_own_policy(tmp_path: Path, kind: str) -> None:
    (tmp_path / "page.html").write_text(a_page(kind, "zh", HOSTILE), encoding="utf-8")
    frame = '<iframe src="page.html" width="390" height="800" frameborder="0"></iframe>'
    look = (
        "onload = () => { const inner = document.querySelector('iframe').contentDocument;"
        "const body = inner.defaultView.getComputedStyle(inner.body);"
        "document.title = [inner.documentElement.scrollWidth, body.marginTop, inner.scripts.length].join(' '); }"
    )
    (tmp_path / "frame.html").write_text(f"{frame}<script>{look}</script>", encoding="utf-8")
    dom = judged(
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom"),
        *(f"--user-data-dir={tmp_path}/profile", f"file://{tmp_path}/frame.html"),
    )
    width, margin, scripts = re.search("<title>(.*)</title>", dom)[1].split()  # type: ignore[index]
    assert int(width) <= 390
    assert (margin, scripts) == ("0px", "0")


def test_report_tells_times_of_others_from_the_logs_own() -> None:
    page = html.render(evidence.report(a_case(), "en")).decode()
    first, second = re.findall(r'<ol class="line">(.*?)</ol>', page, re.DOTALL)
    assert re.findall(r"<li(.*?)>", first) == [' class="unknown"', "", ' class="unknown"']
    assert re.findall(r"<li(.*?)>", second) == [' class="outside"', "", ' class="outside"']
    assert "2026-11-22 12:03:00 UTC" in second


def test_report_says_how_many_fields_are_kept_back_and_explains_the_seven_of_a_label() -> None:
    page = html.render(evidence.report(a_case(), "zh")).decode()
    assert "2 项。其内容未予披露或者已被删除" in page
    assert all(f"<td><code>{name}</code></td>" in page for name in ("Label", "ContentProducer", "ProduceID", "ReservedCode2"))
    assert "生成合成服务提供者" in page
    assert "北京时间 2026年11月22日 20:00:00（2026-11-22 12:00:00 UTC）" in page


def test_report_gives_fingerprints_that_anybody_can_compute() -> None:
    case = a_case()
    page = html.render(evidence.report(case, "en")).decode()
    assert all(hashlib.sha256(key.encode()).hexdigest() in page for key in case.keys[:2])


def test_report_of_many_entries_shows_some_and_counts_the_others() -> None:
    case = a_case()
    many = replace(case, acts=tuple(replace(case.acts[0], index=i) for i in range(evidence.MOST_ACTS + 7)))
    page = html.render(evidence.report(many, "en")).decode()
    assert "7 more entries are not shown here" in page
    assert page.count("a label was issued</h3>") == 2 * evidence.MOST_ACTS


def test_report_without_content_custody_and_environment_says_so() -> None:
    bare = replace(a_case(), content=None, custody=(), environment={}, heads=(), keys=())
    page = html.render(evidence.report(bare, "en")).decode()
    for name in ("content-none", "custody-none", "environment-none"):
        assert PHRASES[name].en in page
    assert "openssl" not in page
    assert pdf.render(evidence.report(bare, "en")).startswith(b"%PDF-1.4")


def test_timeline_marks_human_and_machine_apart_and_names_what_is_wrong() -> None:
    links = a_work("春风")
    right = reports.timeline(links, "zh").decode()
    assert re.findall(r'<li class="(\w*)"><h3>', right) == ["", "human", "human", "machine", "human", "", ""]
    assert "共 5 步：人完成 3 步，机器生成 1 步，未注明 1 步" in right
    assert 'class="fault"' not in right
    wrong = [*links[:2], replace(links[2], digest="f" * 64), *links[3:]]
    assert "Note: this entry does not name the digest of the entry before it" in reports.timeline(wrong, "en").decode()


def test_timeline_shows_pictures_that_are_pictures_only() -> None:
    pictures = {"a" * 64: PICTURE, "b" * 64: b"<svg onload='alert(1)'>"}
    page = reports.timeline(a_work("x"), "en", pictures).decode()
    assert page.count("<img ") == 2  # the first draft, and again among those to choose from
    assert base64.b64encode(PICTURE).decode() in page
    assert "img-src data:" in page


def test_works_in_a_case_have_their_pages() -> None:
    acts = tuple(
        Act(i, NOW, link.entry.kind, {"subject": work, "by": link.entry.by, **link.entry.detail}, 0, str(i).encode())
        for work in ("w1", "w2")
        for i, link in enumerate(a_work("x"))
    )
    made = reports.render(replace(a_case(), acts=acts), "en")
    assert sorted(made) == ["report.en.html", "report.en.pdf", "timeline.1.en.html", "timeline.2.en.html"]
    assert 'class="fault"' not in made["timeline.2.en.html"].decode()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aB9 ，。（「汉字-/[]\n", max_size=80), st.integers(3, 30))
def test_lines_lose_nothing_but_spaces_at_ends_and_are_never_too_long(text: str, width: int) -> None:
    def measure(character: str) -> float:
        return 1 if character.isascii() else 2

    made = lines(text, width, measure)
    assert "".join(made).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    assert all(sum(map(measure, line)) <= width for line in made)


def test_lines_keep_words_whole_and_closing_marks_from_beginning() -> None:
    made = lines("证据包（ZIP 文件）中的数据，可以核验 inclusion。", 12, lambda c: 1 if c.isascii() else 2)
    assert made == ["证据包", "（ZIP 文", "件）中的数", "据，可以核", "验", "inclusion。"] or all(
        line[0] not in "，。）" for line in made
    )
    assert all("inclusion" in line for line in made if "inc" in line)
