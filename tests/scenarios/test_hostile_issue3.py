"""What an attacker sent: files of less than a MiB that took minutes or gigabytes, labels that were hidden, and neighbours."""

import io
import os
import struct
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

import mingwen
from conftest import Run
from mingwen import formats
from mingwen.adapters.recognisers import tesseract
from mingwen.domain.errors import MingwenError
from mingwen.domain.media import Medium
from mingwen.formats import _tiff

LABEL = (
    '{"Label":"1","ContentProducer":"P","ProduceID":"7","ReservedCode1":"",'
    '"ContentPropagator":"Q","PropagateID":"8","ReservedCode2":""}'
)
QUOTED = LABEL.replace('"', "&quot;")
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MAX_SECONDS = 5


def svg(metadata: str, root: str = "") -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg"{root}>{metadata}<rect width="9" height="9"/></svg>'.encode()


def packet(spaces: int) -> str:
    described = f'<rdf:Description xmlns:T="http://www.tc260.org.cn/ns/AIGC/1.0/" T:AIGC="{QUOTED}"{" " * spaces}x="y"/>'
    return f'<metadata><rdf:RDF xmlns:rdf="{RDF}">{described}</rdf:RDF></metadata>'


def packed_pdf(tokens: int, entries: int) -> bytes:
    """Make a PDF whose Info names objects at the end of an object stream that begins with very many numbers."""
    head = b"1 0 " * (tokens // 2 - entries) + b"".join(b"%d 0 " % (10 + i) for i in range(entries))
    data = zlib.compress(head + b"(x) ", 9)
    info = b"<<%s>>" % b"".join(b"/K%d %d 0 R" % (i, 10 + i) for i in range(entries))
    stream = b"<</Type/ObjStm/N %d/First %d/Length %d/Filter/FlateDecode>>stream\n%s\nendstream"
    bodies = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[]/Count 0>>",
        info,
        stream % (tokens // 2, len(head), len(data), data),
    )
    out, rows = b"%PDF-1.5\n", [struct.pack(">BII", 0, 0, 0)] * (10 + entries)
    for number, body in enumerate(bodies, 1):
        rows[number] = struct.pack(">BII", 1, len(out), 0)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows[10:] = [struct.pack(">BII", 2, 4, tokens // 2 - entries + i) for i in range(entries)]
    table = zlib.compress(b"".join(rows))
    said = b"<</Type/XRef/W[1 4 4]/Size %d/Root 1 0 R/Info 3 0 R/Length %d/Filter/FlateDecode>>" % (10 + entries, len(table))
    at = len(out)
    return out + b"9 0 obj\n%s stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (said, table, at)


NAMESPACES = "".join(f' xmlns:n{i}="{"u" * 3000}"' for i in range(200))
SLOW = {
    "attribute-spaces.svg": svg(packet(600_000)),
    "manifests.svg": svg(f"<metadata><![CDATA[{'<manifest' * 100_000}]]></metadata>"),
    "namespaces.svg": svg("<metadata>x</metadata>" * 1000, NAMESPACES),
    "metas.html": b"<html><head></head><body>" + b"<meta " * 160_000,
    "named-metas.html": b"<html><head>" + b"<metaaigc" * 100_000,
    "comments.html": b"<html><head></head><body>" + b"<!--aigc" * 120_000,
    "numbers.pdf": packed_pdf(400_000, 1000),
    "more-numbers.pdf": packed_pdf(3_900_000, 1000),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_small_file_takes_long(name: str) -> None:
    data = SLOW[name]
    assert len(data) < 1 << 20
    format_ = formats.of(data, Path(name).suffix)
    begun = time.process_time()
    for work in (format_.read, lambda s: list(format_.clues(s)), lambda s: format_.splice(s, LABEL)):
        try:
            work(io.BytesIO(data))
        except MingwenError:
            continue
    assert time.process_time() - begun < MAX_SECONDS


def test_what_follows_very_many_voids_is_searched() -> None:
    data = b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska\x18\x53\x80\x67\x80" + b"\xec\x80" * 500_000 + LABEL.encode()
    begun = time.process_time()
    reading = formats.of(data, ".mkv").read(io.BytesIO(data))
    assert reading.sites or reading.unread
    assert time.process_time() - begun < 1


def test_lost_labels_of_a_tiff_are_found_in_linear_time() -> None:
    data = b"{" + b"ContentProducer" * 60_000 + b"{" + b"ContentProducer}"
    begun = time.process_time()
    (edit,) = _tiff._lost(io.BytesIO(data), 0, len(data))
    assert (edit.start, edit.stop) == (len(data) - 17, len(data))
    assert time.process_time() - begun < MAX_SECONDS


@pytest.mark.parametrize("name", ["&#65;IGC", "AIG&#x43;"])
def test_a_name_in_character_references_is_a_name(name: str) -> None:
    report = mingwen.verify(f"<!doctype html><html><head><meta name=\"{name}\" content='{LABEL}'></head></html>".encode())
    assert [label.place for label in report.labels] == ["meta AIGC"]


@pytest.mark.parametrize(
    "tag",
    [
        f"<meta property=AIGC content='{LABEL}'>",
        f"<noscript><meta name=AIGC content='{LABEL}'></noscript>",
        f'<script type="application/ld+json; charset=utf-8">{{"AIGC":{LABEL}}}</script>',
        f'<script type="application/json">{{"aigc":{LABEL}}}</script>',
    ],
)
def test_what_looks_like_a_label_in_a_page_is_told(tag: str) -> None:
    report = mingwen.verify(f"<!doctype html><html><head>{tag}</head><body>x</body></html>".encode())
    assert report.verdict == "inconclusive"


def test_a_page_that_speaks_of_labels_is_no_label() -> None:
    page = b"<!doctype html><html><head><title>t</title></head><body><code>ContentProducer</code></body></html>"
    assert mingwen.verify(page).verdict == "not-found"


def test_a_link_beside_a_file_leads_no_label_elsewhere(media: Path, tmp_path: Path, run: Run) -> None:
    with Image.open(media / "coffee.png") as picture:
        picture.resize((8, 8)).save(tmp_path / "a.bmp")
    (tmp_path / "a.bmp.xmp").symlink_to("elsewhere")
    before = (tmp_path / "a.bmp").read_bytes()
    assert b"output.kind" in run("gate", "a.bmp", "--declared", "ai", "-i", status=2).stderr
    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "a.bmp").read_bytes() == before


def test_half_of_what_stands_beside_a_file_is_not_handed_on(tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.txt").write_text("words\n")
    (tmp_path / "a.txt.c2pa").touch()
    os.truncate(tmp_path / "a.txt.c2pa", (64 << 20) + 1)
    assert b"beside.too-large" in run("gate", "a.txt", "-o", "b.txt", status=None).stderr
    assert not (tmp_path / "b.txt").exists()


def test_a_large_picture_in_few_bytes_is_left_to_a_person() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8192, 8192, 8, 6, 0, 0, 0))
    rows = zlib.compressobj(9)
    body = b"".join(rows.compress(bytes(1 + 4 * 8192)) for _ in range(8192)) + rows.flush()
    data = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    assert len(data) < 1 << 20
    engine = object.__new__(tesseract.Tesseract)  # the program is not asked for a picture that is not decoded
    assert engine.words(io.BytesIO(data), Medium.IMAGE) is None
