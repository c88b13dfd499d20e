"""The three formats without a signature: a label goes in once and comes out, and nothing else changes."""

import html
import io
import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import lxml.html
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mingwen.domain.errors import Malformed, MingwenError, Misused, Refused
from mingwen.domain.media import Keep, Splice
from mingwen.formats._shape import Format, Reading, Site
from mingwen.formats.html import MEMBER as HTML
from mingwen.formats.markdown import MEMBER as MARKDOWN
from mingwen.formats.text import MEMBER as TEXT

VECTORS = Path(__file__).parents[1] / "vectors" / "markdown"
MEMBERS = (HTML, MARKDOWN, TEXT)
FIELDS = {
    "Label": "1",
    "ContentProducer": "001191310104MACE0YX63918020",
    "ProduceID": "142569260085903360",
    "ReservedCode1": '{"SecurityData":{"Type":"TC260PG","Version":1}}',
    "ContentPropagator": "001191310104MACE0YX63918020",
    "PropagateID": "142569260085903360",
    "ReservedCode2": "it's <b> & \\ \u4e2d\U0001f600",
}
LABEL = json.dumps(FIELDS, separators=(",", ":"))
OTHER = json.dumps(dict.fromkeys(FIELDS, ""), separators=(",", ":"))
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "gb18030")


def encoded(text: str, encoding: str) -> bytes:
    return ("\ufeff" + text if encoding.startswith("utf-16") else text).encode(encoding)


def carried_out(splice: Splice, source: bytes) -> bytes:
    return b"".join(source[p.start : p.stop] if isinstance(p, Keep) else p for p in splice)


def labelled(member: Format, source: bytes, label: str = LABEL) -> bytes:
    return carried_out(member.splice(io.BytesIO(source), label), source)


def sites(member: Format, source: bytes) -> tuple[Site, ...]:
    reading = member.read(io.BytesIO(source))
    assert reading.unread == ()
    return reading.sites


def bare(text: str) -> dict[str, str]:
    value: dict[str, dict[str, str]] | dict[str, str] = json.loads(text)
    inner = value.get("AIGC", value)
    assert isinstance(inner, dict)
    return inner  # type: ignore[return-value]


def reasons(member: Format, source: bytes) -> list[str]:
    return [u.reason for u in member.read(io.BytesIO(source)).unread]


# --- round trips ------------------------------------------------------------------------------------------------------

SOURCES = {
    "markdown": (
        "",
        "# 标题\n\n正文\n",
        "---\ntitle: '标题'   # kept\ntags: [a, b]\n\n# end\n---\n# 标题\n",
        "---\r\ntitle: 标题\r\n...\r\nx\r\n",
        "---\n---\n",
        "---\n# only a comment\n---",
        "---\na rule, not front matter",
        "---\nbetween two rules\n---\n",
        f"---\nbefore: 1\nAIGC: {OTHER}\n# comment\n\nafter: |\n  x\n\n  AIGC: y\n---\n",
        "---\nAIGC:\n  Label: 1\n  Label: 2\nx: y\nAIGC: again\n---\n\n---\nAIGC:\n  Label: '3'\n---\ntext\n",
        "---\n  a: 1\n  AIGC:\n  - x\n  b: 2\n---\n",
        "---\ta: b\n---\n",
        "\n---\nAIGC: later\ntitle: x\n---\n",
    ),
    "html": (
        "",
        "<p>标题",
        "<!doctype html>\n<meta charset=utf-8>\n<title>标题</title>\n<p>x",
        "<!DOCTYPE html>\r\n<html>\r\n<head data-x='>'>\r\n<meta charset=gb18030>\r\n</head><body>标题</body></html>\r\n",
        "<html><body>x</body></html>",
        '<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body/></html>',
        f'<html><META NAME=AIGC CONTENT=\'{OTHER}\'><meta name="aigc" content="{html.escape(OTHER)}"></html>',
        f'<head><!-- {{"AIGC":{OTHER}}} --><script type="application/json">{{"AIGC":{OTHER}}}</script></head><body>x',
        "<!-- <head><meta name='AIGC' content='x'> --><head><script>'<meta name=AIGC content=y>'</script>",
        f"<head><template><meta name=AIGC content='{OTHER}'></template></head><body><meta name=AIGC content='{OTHER}'>",
        "text first <html><head></head>",
    ),
    "text": (
        "",
        "\n",
        "标题",
        "标题\n正文\n",
        "一\r\n二\r\n",
        "one\rtwo\r",
        f'first\n {{"AIGC": {OTHER}}} \n\n',
        f'{{"AIGC":{OTHER}}}\n\n{{"AIGC":{OTHER}}}\nmiddle\n{{"AIGC":{OTHER}}}',
        f'{{"AIGC":{OTHER}}}\n',
        "x" * 70_000,
        "中文\n" * 30_000,
    ),
}
CASES = [(m, text) for m in MEMBERS for text in SOURCES[m.name]]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("member", "text"), CASES)
def test_a_label_goes_in_once_and_comes_out(member: Format, text: str, encoding: str) -> None:
    source = encoded(text, encoding)
    out = labelled(member, source)
    (site,) = sites(member, out)
    assert (site.place, site.guide) == (member.place, True)
    assert bare(site.text) == FIELDS
    assert labelled(member, out) == out
    assert out.decode(encoding).count("\ufeff") == source.decode(encoding).count("\ufeff")
    assert [bare(s.text) for s in sites(member, labelled(member, out, OTHER))] == [json.loads(OTHER)]


def pieces(member: Format, source: bytes) -> list[bytes]:
    return [p for p in member.splice(io.BytesIO(source), LABEL) if isinstance(p, bytes)]


@pytest.mark.parametrize(("member", "text"), [(m, t) for m, t in CASES if "AIGC" not in t])
def test_without_the_inserted_part_the_file_is_as_before(member: Format, text: str) -> None:
    source = text.encode()
    (new,) = pieces(member, source)
    out = labelled(member, source)
    assert out.count(new) == 1
    assert out.replace(new, b"") == source


def parsed_alike(judge: Iterable[object]) -> None:
    values = list(judge)
    assert all(v == FIELDS for v in values)
    assert values


@pytest.mark.parametrize("text", [t for t in SOURCES["markdown"] if t.count("AIGC:") < 3])
def test_pyyaml_reads_the_same_front_matter(text: str) -> None:
    lines = labelled(MARKDOWN, text.encode()).decode().splitlines()
    end = next(n for n, line in enumerate(lines[1:], 1) if line.rstrip() in {"---", "..."})
    parsed_alike([yaml.safe_load("\n".join(lines[1:end]))["AIGC"]])


@pytest.mark.parametrize("text", SOURCES["html"])
def test_lxml_reads_the_same_meta(text: str) -> None:
    tree = lxml.html.document_fromstring(labelled(HTML, text.encode()))
    contents = tree.xpath('//meta[@name="AIGC" and not(ancestor::template)]/@content')
    parsed_alike([json.loads(c) for c in contents])
    assert len(contents) == 1


@pytest.mark.parametrize("text", SOURCES["text"])
def test_the_last_line_is_json(text: str) -> None:
    parsed_alike([json.loads(labelled(TEXT, text.encode()).decode().rstrip().splitlines()[-1])["AIGC"]])


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser")
def test_a_browser_finds_the_meta_in_the_head(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(labelled(HTML, "<!doctype html><meta charset=gb18030><title>标题</title><p>x".encode("gb18030")))
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}/profile",
        "--dump-dom",
        page.as_uri(),
    ]
    dom = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode()
    tree = lxml.html.document_fromstring(dom)
    parsed_alike([json.loads(c) for c in tree.xpath('/html/head/meta[@name="AIGC"]/@content')])
    assert tree.xpath("//title/text()") == ["标题"]


# --- what counts as a label -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["v1-signed", "v3-unquoted", "v4-alphabetical", "v4-second-front-matter", "v5-illegal-label", "v11-wrong-keys"]
)
def test_vectors_come_out_as_they_stand(name: str) -> None:
    data = (VECTORS / f"{name}.md").read_bytes()
    (site,) = sites(MARKDOWN, data)
    expected = yaml.safe_load(data.decode().split("---\n")[1])["AIGC"]
    assert site.guide
    assert list(json.loads(site.text).items()) == list(expected.items())


@pytest.mark.parametrize("name", ["v3-at-end", "v3-in-code"])
def test_a_block_that_is_not_at_the_head_is_no_label(name: str) -> None:
    data = (VECTORS / f"{name}.md").read_bytes()
    assert sites(MARKDOWN, data) == ()
    assert labelled(MARKDOWN, data).endswith(data)


def test_every_vector_has_an_origin() -> None:
    origin = (VECTORS / "ORIGIN.md").read_text(encoding="utf-8")
    assert all(f"`{f.name}`" in origin for f in VECTORS.glob("v*.md"))


@pytest.mark.parametrize(
    ("yaml_text", "json_text"),
    [
        ("AIGC: {Label: 1, Label: '1', x: [a, ~, true, 1.5]}", '{"Label":1,"Label":"1","x":["a",null,true,1.5]}'),
        (
            "AIGC: {a: 0x1F, b: 1_000, c: 017, d: .inf, e: 2025-01-01, f: !!str 1}",
            '{"a":31,"b":1000,"c":15,"d":".inf","e":"2025-01-01","f":"1"}',
        ),
        ("base: &b {Label: '1'}\nAIGC: *b", '{"Label":"1"}'),
        ('AIGC: \'{"Label":"1"}\'', '{"Label":"1"}'),
        ("AIGC:", "null"),
        ('AIGC: "\\u4e2d"', "中"),
    ],
)
def test_yaml_is_told_as_written(yaml_text: str, json_text: str) -> None:
    assert [s.text for s in sites(MARKDOWN, f"---\n{yaml_text}\n---\n".encode())] == [json_text]


@pytest.mark.parametrize("key", ["aigc", "Aigc", "XAIGC", "AIGC2"])
def test_other_keys_are_no_label(key: str) -> None:
    assert sites(MARKDOWN, f"---\n{key}: x\n---\n".encode()) == ()


def test_a_label_in_a_second_block_is_told_and_taken_away() -> None:
    source = b"---\nAIGC:\n  Label: '1'\n---\n\n---\nAIGC:\n  Label: '2'\n# c\nx: y\n---\n---\nAIGC: z\n---\nend"
    assert [s.guide for s in sites(MARKDOWN, source)] == [True, False, False]
    assert labelled(MARKDOWN, source).endswith(b"---\n\n---\n# c\nx: y\n---\nend")


@pytest.mark.parametrize(
    "page",
    [
        b"<body><meta name=AIGC content=x>",
        b"<head><meta name=aigc content=x>",
        b"<head><meta name='aigc-metadata' content=x>",
        b'<p>x<!-- {"AIGC":x} -->',
        b'<script type="application/ld+json">{"a":1,"AIGC":x}</script>',
    ],
)
def test_other_places_in_html_are_told_apart(page: bytes) -> None:
    assert [s.guide for s in sites(HTML, page)] == [False]


@pytest.mark.parametrize(
    "page",
    [
        b"<!-- <meta name=AIGC content=x> -->",
        b"<script>'<meta name=AIGC content=x>'</script>",
        b"<title><meta name=AIGC content=x></title>",
        b"<template><meta name=AIGC content=x></template>",
        b"<p title='<meta name=AIGC content=x>'>",
        b"<p title=it's><p title='<meta name=AIGC content=x>'>",
        b"<!-- never closed <meta name=AIGC content=x>",
        b"<meta name=AIGC content='never closed>",
        b"<!--><!-- --!><?x <meta name=AIGC?>",
    ],
)
def test_what_is_no_tag_is_no_label(page: bytes) -> None:
    assert sites(HTML, page) == ()


def test_a_label_goes_behind_the_charset_wherever_that_stands() -> None:
    out = labelled(HTML, b"<html><head><title>x</title><meta charset=utf-8><link></head>")
    assert out.startswith(b'<html><head><title>x</title><meta charset=utf-8>\n<meta name="AIGC"')


def test_a_line_that_only_looks_like_a_label_is_none() -> None:
    assert sites(TEXT, b'x\n{"Label":"1"}\n') == ()
    assert sites(TEXT, b'x\nsee {"AIGC":{}}\n') == ()
    assert sites(TEXT, b'x\n{"AIGC":{}}\ny') == ()


# --- what cannot be done ----------------------------------------------------------------------------------------------

DEEP = "[" * 60_000
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("member", "source", "reason"),
    [
        (MARKDOWN, b"---\na: b: c\n---\n", "mapping values are not allowed"),
        (MARKDOWN, b"---\na: \xff\n---\n", "GB 18030"),
        (MARKDOWN, f"---\nAIGC: {DEEP}\n---\n".encode(), "at most"),
        (MARKDOWN, f"---\n{LAUGHS}AIGC: *i\n---\n".encode(), "at most"),
        (MARKDOWN, b"---\nAIGC: &a [*a]\n---\n", "at most"),
        (MARKDOWN, b"---\nAIGC: " + b"9" * 5000 + b"\n---\n", "at most"),
        (MARKDOWN, b"---\nAIGC: {? [a] : b}\n---\n", "keys that are text"),
        (MARKDOWN, b"---\n" + b"a: b\n" * 20_000 + b"---\n", "longer than"),
        (HTML, b"<head><script>" + b"x" * 1_100_000 + b"</script></head>", "more than"),
        (HTML, b"<head><meta name=AIGC content='\xff'>", "GB 18030"),
        (TEXT, b'{"AIGC":"\xff"}\n', "GB 18030"),
    ],
)
def test_what_cannot_be_read_is_said(member: Format, source: bytes, reason: str) -> None:
    assert [r for r in reasons(member, source) if reason in r], reasons(member, source)


@pytest.mark.parametrize(
    ("member", "source", "code"),
    [
        (MARKDOWN, b"---\n{a: b}\n---\n", "markdown.flow-mapping"),
        (MARKDOWN, b"---\n? AIGC\n: x\n? b\n: c\n---\n", "markdown.entangled"),
        (MARKDOWN, b"---\nAIGC: &x {Label: '1'}\nb: *x\n---\n", "markdown.entangled"),
        (MARKDOWN, b"---\n" + b"a: b\n" * 20_000 + b"---\n", "markdown.too-long"),
        (MARKDOWN, b"---\na: " + b"b" * 65_510 + b"\n---\n", "markdown.too-long"),
        (HTML, b"<head><script>" + b"x" * 1_100_000 + b"</script></head>", "html.head-too-large"),
        (HTML, b'<script type="application/json">{"AIGC":{},"b":1}</script>', "html.label-among-data"),
        (TEXT, b"<?xml version='1.0'?><a/>", "text.structured"),
    ],
)
def test_what_would_harm_is_refused(member: Format, source: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        member.splice(io.BytesIO(source), LABEL)
    assert caught.value.code == code


def test_broken_front_matter_is_not_touched() -> None:
    with pytest.raises(Malformed, match="mapping values are not allowed in this context in line 2"):
        MARKDOWN.splice(io.BytesIO(b"---\na: b: c\n---\n"), LABEL)


def test_half_a_character_at_the_end_is_malformed() -> None:
    with pytest.raises(Malformed, match="odd"):
        TEXT.splice(io.BytesIO(encoded("ab", "utf-16-le") + b"c"), LABEL)


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("label", ["", "[]", '{"Label":1}', '{"Label":"中"}', '{"Label":\n"1"}', "[" * 100_000])
def test_only_a_bare_label_is_taken(member: Format, label: str) -> None:
    with pytest.raises(Misused):
        member.splice(io.BytesIO(b"x"), label)


class Sparse(io.RawIOBase):
    """Two gigabytes of lines that stand nowhere; it counts what is read of them."""

    size = 2 << 30

    def __init__(self) -> None:
        self.position = self.asked = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go anywhere; nothing is there."""
        self.position = offset + (self.size if whence == io.SEEK_END else 0)
        return self.position

    def read(self, count: int = -1) -> bytes:
        """Return lines of sixteen bytes."""
        self.asked += count
        return (b"a line of a log" + b"\n")[:16] * (count // 16) + b"\n" * (count % 16)


@pytest.mark.parametrize("member", MEMBERS)
def test_a_large_file_is_not_read_whole(member: Format) -> None:
    source = Sparse()
    member.read(source)  # type: ignore[arg-type]
    if member is not HTML:  # a page whose first MiB ends no head is refused
        new = [p for p in member.splice(source, LABEL) if isinstance(p, bytes)]  # type: ignore[arg-type]
        assert len(b"".join(new)) < 1000
    assert 0 < source.asked < 3 << 20


# --- anything at all --------------------------------------------------------------------------------------------------

SEEDS = [t for texts in SOURCES.values() for t in texts if len(t) < 1000]
YAML_SNIPPETS = (
    "---\n",
    "...\n",
    "AIGC:",
    "  Label: '1'\n",
    "&a ",
    "*a",
    "# ",
    "? ",
    "- ",
    "|\n",
    "\u2028",
    "\ufeff",
    "\r",
    "\r\n",
)
HTML_SNIPPETS = (
    "<meta name=AIGC content=",
    "<head>",
    "</head>",
    "<!--",
    "-->",
    "<template>",
    "<script type=application/json>",
    "</script>",
)
SNIPPETS = st.sampled_from((*YAML_SNIPPETS, *HTML_SNIPPETS, "{", "}", '{"AIGC":', "'", '"', ">"))
TEXTS = st.lists(st.sampled_from(SEEDS) | SNIPPETS | st.text(max_size=20), max_size=8).map("".join)
VALUES = st.text(st.characters(codec="utf-8"), max_size=30)


def mutated(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    out = bytearray(data)
    for at, byte in changes:
        if out:
            out[at % len(out)] = byte
    return bytes(out)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(MEMBERS),
    TEXTS,
    st.sampled_from(ENCODINGS),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=3),
    st.dictionaries(st.sampled_from(list(FIELDS)) | VALUES.filter(lambda k: k not in {"", "AIGC"}), VALUES, min_size=1),
)
@example(MARKDOWN, "---\nAIGC: x\n", "utf-8", [], {"No": "\x7f\x85\ufeff"})
def test_whatever_comes_only_our_errors_leave_and_a_label_is_found(
    member: Format, text: str, encoding: str, changes: list[tuple[int, int]], fields: dict[str, str]
) -> None:
    source = mutated(encoded(text, encoding), changes)
    member.read(io.BytesIO(source))
    try:
        out = labelled(member, source, json.dumps(fields))
    except MingwenError:
        return
    reading = member.read(io.BytesIO(out))
    assert [(s.guide, bare(s.text) if s.guide else s.place) for s in reading.sites] == [(True, fields)]
    assert labelled(member, out, json.dumps(fields)) == out


def test_labels_in_the_last_lines_are_all_read_and_one_is_left() -> None:
    line, other = (json.dumps({"AIGC": json.loads(text)}) for text in (LABEL, OTHER))
    data = f"words\n{line}\n\n  {other}\n{line}\n\n".encode()
    found = sites(TEXT, data)
    assert [(s.place, s.guide) for s in found] == [("last line", True), *[("line before the last", False)] * 2]
    assert [bare(s.text) for s in found] == [FIELDS, dict.fromkeys(FIELDS, ""), FIELDS]
    out = labelled(TEXT, data)
    assert [bare(s.text) for s in sites(TEXT, out)] == [FIELDS]
    assert out.startswith(b"words\n")
    only = f"{line}\n{line}\n{line}".encode()
    assert len(sites(TEXT, only)) == 3
    assert len(sites(TEXT, labelled(TEXT, only))) == 1


@pytest.mark.parametrize("member", [HTML, TEXT], ids=lambda m: m.name)
def test_a_label_that_breaks_off_is_told(member: Format) -> None:
    source = b"<!doctype html><title>t</title><p>x" if member is HTML else b"words\n"
    whole = labelled(member, source)
    at = whole.index(b"ContentProducer")
    assert member.read(io.BytesIO(whole[:at])).unread
    assert member.read(io.BytesIO(source)) == member.read(io.BytesIO(whole[:5])) == Reading()


@pytest.mark.parametrize("piece", [b"<!--", b"<!-- aigc ", b"<meta aigc", b"<!---", b"<b x='", b"<script "])
def test_a_page_of_openings_is_read_in_the_time_that_it_takes_to_see_them(piece: bytes) -> None:
    """A search that goes back to every opening would take hours for this."""
    page = io.BytesIO((b"<html><p>words" + piece * 300_000)[: 1 << 20])
    assert HTML.read(page) == Reading()
    assert next(iter(HTML.clues(page))).text.startswith("words")


def test_the_end_of_a_page_on_one_line_is_a_clue_wherever_it_is_cut() -> None:
    for shift in range(4):
        page = (
            f"<html><body>{'x' * shift}{'<p>一段<b>文</b>字</p><!-- a > b -->' * 2000}<p title='a>b'>人工智能生成</p>\n".encode()
        )
        told = {c.name: c.text for c in HTML.clues(io.BytesIO(page))}
        assert told["end"].endswith("一段文字\n一段文字\n人工智能生成")
        assert "\ufffd" not in told["end"]
