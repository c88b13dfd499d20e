"""The three formats without a signature: exactly one claims a text, none claims anything else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen.formats._shape import HEAD_BYTES
from mingwen.formats.html import MEMBER as HTML
from mingwen.formats.markdown import MEMBER as MARKDOWN
from mingwen.formats.text import MEMBER as TEXT

MEMBERS = (HTML, MARKDOWN, TEXT)
SUFFIXES = ("", ".txt", ".md", ".markdown", ".html", ".htm", ".xhtml", ".log", ".yaml", ".xyz")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "gb18030")


def encoded(text: str, encoding: str) -> bytes:
    return ("\ufeff" + text if encoding.startswith("utf-16") else text).encode(encoding)


def claimants(head: bytes, suffix: str = "") -> list[str]:
    return [m.name for m in MEMBERS if m.claims(head[:HEAD_BYTES], suffix)]


@pytest.mark.parametrize(
    ("head", "suffix", "name"),
    [
        (b"# Title\n", ".md", "markdown"),
        (b"---\ntitle: x\n---\n", "", "markdown"),
        (b"---\r\ntitle: x\r\n---\r\n", "", "markdown"),
        (b"---\ntitle: x\n---\n", ".txt", "text"),
        (b"---\nkey: x\n", ".txt", "text"),
        (b"--- no fence\n", "", "text"),
        (b"plain", "", "text"),
        (b"\x1b[31mred\x1b[0m\n", ".log", "text"),
        ("你好".encode("gb18030"), ".txt", "text"),
        (b"\xff\xfe" + "你好".encode("utf-16-le"), "", "text"),
        (b"\xef\xbb\xbf \n<!-- x --><?xml version='1.0'?>\n<!DOCTYPE html>", ".txt", "html"),
        (b"<html lang=zh>", ".md", "html"),
        (b"<htmlish>", ".md", "markdown"),
        (b"<p>a fragment", ".htm", "html"),
        (b"", ".txt", "text"),
        (b"", ".md", "markdown"),
        (b"", ".html", "html"),
    ],
)
def test_one_member_claims_a_text(head: bytes, suffix: str, name: str) -> None:
    assert claimants(head, suffix) == [name]


BINARY = {
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "riff": b"RIFF\x24\0\0\0WAVEfmt ",
    "id3": b"ID3\x04\0\0\0\0\0\x0a",
    "mp3": b"\xff\xfb\x90\x64AAAA",
    "ftyp": b"\0\0\0\x18ftypisom",
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "zip": b"PK\x03\x04\x14\0",
    "gzip": b"\x1f\x8b\x08\0",
    "gif": b"GIF89a@@AAA",
    "flac": b"fLaC\0\0\0\x22",
    "ogg": b"OggS\0\x02",
    "matroska": b"\x1aE\xdf\xa3\x9fB\x86",
    "flv": b"FLV\x01\x05\0\0\0\x09",
    "tiff": b"II*\0\x08\0\0\0",
    "ole": bytes.fromhex("d0cf11e0a1b11ae1"),
    "utf-16 without a mark": "hello".encode("utf-16-le"),
    "utf-32": "hello".encode("utf-32"),
}


@pytest.mark.parametrize("kind", BINARY)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_member_claims_what_is_no_text(kind: str, suffix: str) -> None:
    assert claimants(BINARY[kind], suffix) == []


def test_no_member_claims_real_media(media: Path) -> None:
    for file in ("coffee.png", "rocket.jpg", "bunny.mp4", "speech.wav", "speech.mp3"):
        with (media / file).open("rb") as source:
            assert claimants(source.read(HEAD_BYTES)) == [], file


def test_nobody_claims_an_empty_file_without_a_suffix() -> None:
    assert claimants(b"", "") == claimants(b"", ".xyz") == []


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("shift", range(4))
def test_a_head_may_cut_a_character(encoding: str, shift: int) -> None:
    data = encoded("a" * shift + "\u4e2d\U00020000" * 1500, encoding)
    assert len(data) > HEAD_BYTES
    assert claimants(data) == ["text"]


def test_a_whole_file_may_not() -> None:
    assert claimants("中".encode()[:2] + b"\xff") == []


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode), st.sampled_from(SUFFIXES))
def test_never_do_two_claim(head: bytes, suffix: str) -> None:
    assert len(claimants(head, suffix)) <= 1


@pytest.mark.parametrize("suffix", [".json", ".csv", ".py", ".yaml", ".svg", ".xyz"])
def test_nobody_claims_a_text_that_a_line_of_json_would_break(suffix: str) -> None:
    assert claimants(b"plain", suffix) == []
