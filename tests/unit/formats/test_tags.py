"""HTML is cut as a browser cuts it."""

import pytest

from mingwen.formats._tags import Cut, attributes, tokens


def cuts(view: bytes) -> list[tuple[Cut, bytes]]:
    return [(t.cut, view[t.start : t.stop]) for t in tokens(view)]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (b"<!doctype html><?xml?></3>", [Cut.DECLARATION] * 3),
        (b"<!--> <!---> <!--a--> <!--b--!>", [Cut.COMMENT] * 4),
        (b"<a><b/></a >", [Cut.START, Cut.START, Cut.END]),
        (b"<script><b></scripty></SCRIPT>", [Cut.START, Cut.END]),
        (b"1 < 2 <3 </> <", []),
        (b"<a href='>", []),
        (b"<a b=1 c=>", [Cut.START]),
        (b"<!-- <b>", []),
        (b"<a", []),
    ],
)
def test_pieces(view: bytes, expected: list[Cut]) -> None:
    assert [cut for cut, _ in cuts(view)] == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (b"<m a=1 b='2' c=\"3\" d e = 5 >", {b"a": b"1", b"b": b"2", b"c": b"3", b"d": b"", b"e": b"5"}),
        (b"<m A=1 a=2>", {b"a": b"1"}),
        (b"<m/a=x/y/b>", {b"a": b"x/y/b"}),
        (b"<m a='>'b=it's>", {b"a": b">", b"b": b"it's"}),
        (b"<m a=>", {b"a": b""}),
        (b'<m =a=b "c>', {b"=a": b"b", b'"c': b""}),
    ],
)
def test_attributes(tag: bytes, expected: dict[bytes, bytes]) -> None:
    (token,) = tokens(tag)
    assert (token.start, token.stop) == (0, len(tag))
    assert {k: tag[a:b] for k, (a, b) in attributes(tag, token).items()} == expected


def test_text_before_a_tag_is_noticed() -> None:
    assert [t.after_text for t in tokens(b" <a>\n<b>x<c>")] == [False, False, True]
