"""Labels in texts, at every moment and in both forms: where they stand, what stays, and that they are found again."""

import io
import time

import pytest

from mingwen import notices
from mingwen.domain.errors import MingwenError
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Style, TextForm
from mingwen.notices import text

ALL = tuple(Moment)
MIDDLE = Style(moments=(Moment.MIDDLE,))
CORNER = Style(moments=ALL, text_form=TextForm.CORNER)
ROLE = '<sup role="note" class="aigc-notice" lang="zh-Hans">AI生成</sup>'


def marked(data: bytes, name: str, style: Style) -> bytes:
    sink = io.BytesIO()
    notices.of(Medium.TEXT).mark(io.BytesIO(data), sink, name, style)
    return sink.getvalue()


PLACES = {
    "paragraphs": ("text", "一\n\n二\n\n三\n\n四", "一\n\n二\n\n【AI生成】\n\n三\n\n四"),
    "lines": ("text", "第一行\n第二行\n第三行\n", "第一行\n【AI生成】\n第二行\n第三行\n"),
    "no list": ("text", "开头\n\n- a\n\n- b\n\n第二段\n\n结尾", "开头\n\n- a\n\n- b\n\n第二段\n\n【AI生成】\n\n结尾"),
    "one paragraph takes it at its end": ("text", "一段。", "一段。\n\n【AI生成】\n"),
    "no fence": ("markdown", "一\n\n二\n\n```\na\n\nb\n\nc\n```\n", "一\n\n> AI生成\n\n二\n\n```\na\n\nb\n\nc\n```\n"),
    "no table": ("markdown", "a\n\nb\n\n|x|y|\n|-|-|\n|1|2|\n\nc\n", "a\n\n> AI生成\n\nb\n\n|x|y|\n|-|-|\n|1|2|\n\nc\n"),
    "no list item": ("markdown", "a\n\nb\n\n- x\n\n  y\n\n  z\n", "a\n\n> AI生成\n\nb\n\n- x\n\n  y\n\n  z\n"),
    "no element": ("markdown", "a\n\nb\n\n<div>\n\nx\n\ny\n\n</div>\n", "a\n\n> AI生成\n\nb\n\n<div>\n\nx\n\ny\n\n</div>\n"),
    "no front matter": ("markdown", "---\na: 1\nb: 2\n---\n\na\n\nb\n", "---\na: 1\nb: 2\n---\n\na\n\n> AI生成\n\nb\n"),
    "not right behind a heading": ("markdown", "# a\n\nb\n\nc\n\nd\n", "# a\n\nb\n\n> AI生成\n\nc\n\nd\n"),
    "between paragraphs": ("html", "<p>a<p>b</p><p>c</p><p>d</p>", "<p>a<p>b</p>N<p>c</p><p>d</p>"),
    "no cell": (
        "html",
        "<table><td><p>a</p><p>b</p></table><p>c</p><p>d</p>",
        "<table><td><p>a</p><p>b</p></table><p>c</p>N<p>d</p>",
    ),
    "no script": ("html", "<p>a</p><p>b</p><script>'</p><p>'</script>", "<p>a</p>N<p>b</p><script>'</p><p>'</script>"),
}


@pytest.mark.parametrize("case", PLACES)
def test_the_middle_is_between_paragraphs_of_prose(case: str) -> None:
    name, before, expected = PLACES[case]
    after = marked(before.encode(), name, MIDDLE).decode()
    if name == "html":
        head, rest = after.split('\n<p role="note" class="aigc-notice"')
        after = f"{head}N{rest.split('>AI生成</p>' + chr(10), 1)[1]}"
    assert after == expected


CORNERS = {
    "hanzi": ("text", "你好。\n\n再见。\n", "ᴬᴵ⁽生成⁾你好。ᴬᴵ⁽生成⁾\n\n再见。ᴬᴵ⁽生成⁾\n"),
    "letters": ("text", "Hello", "ᴬᴵ⁽生成⁾ Helloᴬᴵ⁽生成⁾"),
    "empty": ("text", "", "ᴬᴵ⁽生成⁾ᴬᴵ⁽生成⁾"),
    "prose": ("markdown", "a\n\nb\n", "SaS\n\nbS\n"),
    "heading": ("markdown", "# a #\n\nb\n\nc\n", "# a S #\n\nbS\n\ncS\n"),
    "list": ("markdown", "- a\n", "S\n\n- a\n\nS\n"),
    "escape at the end": ("markdown", "a\n\nb\\", "SaS\n\nb\\\n\nS\n"),
    "page": ("html", "<h1>a</h1><p>b</p><p>c <b>d</b></p>", "<h1>Sa</h1><p>bS</p><p>c <b>dS</b></p>"),
    "button": ("html", "<body><button>a</button><p>b</p></body>", "<body><button>a</button><p>SbS</p></body>"),
}


@pytest.mark.parametrize("case", CORNERS)
def test_a_corner_mark_stands_at_the_text_itself(case: str) -> None:
    name, before, expected = CORNERS[case]
    after = marked(before.encode(), name, CORNER).decode()
    assert after.replace(ROLE, "S").replace("<sup>AI生成</sup>", "S") == expected


@pytest.mark.parametrize(
    ("wording", "mark"),
    [
        ("AI生成", "ᴬᴵ⁽生成⁾"),
        ("AI-generated", "ᴬᴵ⁻ᵍᵉⁿᵉʳᵃᵗᵉᵈ"),
        ("人工智能合成", "⁽人工智能合成⁾"),
        ("AI生成 2026", "ᴬᴵ⁽生成⁾\u2009²⁰²⁶"),
    ],
)
def test_a_corner_mark_raises_what_unicode_can_raise(wording: str, mark: str) -> None:
    style = Style(wording=wording, text_form=TextForm.CORNER, moments=(Moment.END,))
    after = marked("完".encode(), "text", style).decode()
    assert after == f"完{mark}"
    assert text.found(after) == (Moment.END,)


LONG = "标题\n\n" + "\n\n".join(f"第{n}段，说一些话。" for n in range(9)) + "\n"
PAGE = "<!doctype html><title>t</title><body><h1>h</h1>" + "<p>一段。</p>" * 9 + "</body>"


@pytest.mark.parametrize("form", list(TextForm))
@pytest.mark.parametrize("name", ["text", "markdown", "html"])
@pytest.mark.parametrize("wording", ["AI生成", "AI-generated", "本文由*AI*合成"])
@pytest.mark.parametrize("moments", [(Moment.MIDDLE,), (Moment.START, Moment.MIDDLE), (Moment.MIDDLE, Moment.END), ALL])
def test_labels_are_found_in_every_form(name: str, form: TextForm, wording: str, moments: tuple[Moment, ...]) -> None:
    before = PAGE if name == "html" else f"---\na: 1\n---\n# {LONG}" if name == "markdown" else LONG
    after = marked(before.encode(), name, Style(wording=wording, moments=moments, text_form=form)).decode()
    assert text.found(after) == moments
    assert text.found(before) == ()


@pytest.mark.parametrize("form", list(TextForm))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_form_keeps_encoding_and_line_ends(form: TextForm, encoding: str, newline: str) -> None:
    before = "你好，世界。\n\n第二段。\n\n再见。\n".replace("\n", newline)
    after = marked(before.encode(encoding), "text", Style(moments=ALL, text_form=form)).decode(encoding)
    assert "\n" not in after.replace(newline, "")
    for mark in ("【AI生成】", "ᴬᴵ⁽生成⁾"):
        after = after.replace(mark, "")
    assert after.split() == before.split()


def test_raised_letters_of_other_meaning_are_no_label() -> None:
    assert text.found("x² + y² = z²\nᵃᵇ\n") == ()
    assert text.found("公式 ᴬᴵ⁽生成⁾ 在句子里。") == ()
    assert text.found("你好ᴬᴵ\n") == (Moment.END,)


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
@pytest.mark.parametrize(
    "unit", ["\n", "a\n\n", "ᴬᴵ", "<p>", "<p>a</p>", "⁽", "# a\n\n", "<sup>", "> AI生成\n\n", "- a\n\n", "<div>\n\n", " \n"]
)
def test_hostile_texts_take_linear_time(name: str, unit: str) -> None:
    data = (unit * (300_000 // len(unit.encode()))).encode()
    begun = time.perf_counter()
    for form in TextForm:
        try:
            after = marked(data, name, Style(moments=ALL, text_form=form))
            text.found(after.decode())
        except MingwenError:
            continue
    assert time.perf_counter() - begun < 10
