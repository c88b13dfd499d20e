"""How the bytes of a text are decoded, viewed and cut."""

import io

import pytest

from mingwen.containers.edits import Edit, spliced
from mingwen.domain.media import Keep
from mingwen.formats._characters import closing, encoding_of, opening


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"abc", "abc"),
        ("中".encode(), "中"),
        (b"\xef\xbb\xbf" + "中".encode(), "中"),
        ("中".encode("gb18030"), "中"),
        (b"\xff\xfe" + "中".encode("utf-16-le"), "中"),
        (b"\xfe\xff" + "中".encode("utf-16-be"), "中"),
        (b"\xef\xbb\xbf\xd6\xd0", None),
        (b"\xff\xfe\x00\xd8", None),
        (b"\xff", None),
    ],
)
def test_the_mark_decides_and_without_one_utf_8_comes_first(data: bytes, text: str | None) -> None:
    assert encoding_of(data).decode(data) == text


@pytest.mark.parametrize(("mark", "codec"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")])
def test_a_view_has_one_byte_a_code_unit(mark: bytes, codec: str) -> None:
    page = opening(io.BytesIO(mark + "a中\U0001f600<".encode(codec)), 100)
    assert page.view == b"a\xff\xff\xff<"
    assert page.text(0, 2) == "a中"
    assert page.text(0, 3) is None
    assert page.at(4) == 10


def test_the_end_begins_at_the_edge_of_a_code_unit() -> None:
    end = closing(io.BytesIO(b"\xff\xfe" + "abc".encode("utf-16-le")), 3)
    assert (end.start, end.view, end.first, end.last) == (4, b"bc", False, True)


def test_an_ascii_byte_within_a_gb18030_character_is_kept_with_it() -> None:
    page = opening(io.BytesIO(b"\x81\x7b{"), 10)
    assert page.text(0, 2) == b"\x81\x7b".decode("gb18030")
    assert page.text(1, 3) == "{{"


def test_edits_are_laid_out_in_order_without_empty_pieces() -> None:
    assert spliced([Edit(5, 9, b"y"), Edit(0, 2, b""), Edit(3, 3, b"x")], 9) == (Keep(2, 3), b"x", Keep(3, 5), b"y")
    assert spliced([Edit(0, 0, b"x")], 0) == (b"x",)
