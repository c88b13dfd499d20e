"""Files built to hide a label, to exhaust a reader, or to lose something: each was a defect once."""

import io
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import mentions, produced, to_json, wrapped
from mingwen.domain.media import Keep
from mingwen.domain.sites import Reading
from mingwen.domain.verdicts import Verdict, judge
from mingwen.formats import Format, _exif, _xmp
from mingwen.formats.jpeg import MEMBER as JPEG
from mingwen.formats.markdown import MEMBER as MARKDOWN
from mingwen.formats.mp3 import MEMBER as MP3
from mingwen.formats.mp4 import MEMBER as MP4
from mingwen.formats.png import MEMBER as PNG

LABEL = to_json(produced(producer="001191310104MACE0YX63918020", produce_id="142569260085903360"))
OTHER = LABEL.replace("1425", "9999")
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"


def read(member: Format, data: bytes) -> Reading:
    return member.read(io.BytesIO(data))


def spliced(member: Format, data: bytes) -> bytes:
    pieces = member.splice(io.BytesIO(data), LABEL)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def verdict(member: Format, data: bytes) -> Verdict:
    return judge(read(member, data), file="f", format_name=member.name, guide=member.place, source=member.source).verdict


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


@pytest.fixture(scope="module")
def jpeg(media: Path) -> bytes:
    return (media / "rocket.jpg").read_bytes()


@pytest.fixture(scope="module")
def png(media: Path) -> bytes:
    return (media / "coffee.png").read_bytes()


@pytest.fixture(scope="module")
def mp4(media: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("mp4") / "a.mp4"
    command = ["ffmpeg", "-v", "error", "-i", str(media / "bunny.mp4"), "-t", "0.2", "-an", "-vf", "scale=64:36", str(out)]
    subprocess.run(command, check=True)
    return out.read_bytes()


def test_extended_xmp_is_read_and_not_written_over(jpeg: bytes) -> None:
    packet = _xmp.edit(None, OTHER)
    half = len(packet) // 2
    parts = [(0, packet[:half]), (half, packet[half:])]
    segments = [EXTENSION + b"A" * 32 + struct.pack(">II", len(packet), at) + part for at, part in reversed(parts)]
    data = jpeg[:2] + b"".join(segment(0xE1, s) for s in segments) + jpeg[2:]
    assert [(s.place, s.text) for s in read(JPEG, data).sites] == [("extended XMP TC260:AIGC", OTHER)]
    with pytest.raises(Refused, match="extended XMP"):
        spliced(JPEG, data)


@pytest.mark.parametrize("entity", ["&#x2F;", "&#47;"])
def test_a_namespace_written_with_references_is_seen(jpeg: bytes, entity: str) -> None:
    packet = _xmp.edit(None, OTHER).replace(b"AIGC/1.0/", b"AIGC/1.0" + entity.encode())
    assert [s.text for s in read(JPEG, jpeg[:2] + segment(0xE1, XMP_HEAD + packet) + jpeg[2:]).sites] == [OTHER]


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "raw"])
def test_xmp_in_other_text_chunks_is_read_and_gives_way(png: bytes, kind: str) -> None:
    packet = _xmp.edit(None, OTHER).replace("\ufeff".encode(), b"")
    raw = b"\nxmp\n%8d\n" % len(packet) + packet.hex().encode() + b"\n"
    new = {
        "tEXt": chunk(b"tEXt", b"XML:com.adobe.xmp\0" + packet),
        "zTXt": chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + zlib.compress(packet)),
        "raw": chunk(b"tEXt", b"Raw profile type xmp\0" + raw),
    }[kind]
    data = png[:33] + new + png[33:]
    (site,) = read(PNG, data).sites
    assert (site.text, site.guide) == (OTHER, False)
    assert [s.text for s in read(PNG, spliced(PNG, data)).sites] == [LABEL]


@pytest.mark.parametrize("tail", [b"\xff\xd9", b"\0" * (2 << 20), b"\0" * (2 << 20) + b"\xff\xd9"])
def test_a_label_far_behind_the_picture_is_not_passed_over(jpeg: bytes, png: bytes, tail: bytes) -> None:
    hidden = wrapped(OTHER).encode()
    for data in (jpeg + hidden + tail, jpeg + tail + hidden):
        found = read(JPEG, data)
        assert found.sites or found.unread
    for data in (png + hidden + tail, png + tail + hidden):
        found = read(PNG, data)
        assert found.sites or found.unread


def test_pictures_of_an_index_are_not_moved(jpeg: bytes) -> None:
    index = segment(0xE2, b"MPF\0II*\0\x08\0\0\0\0\0")
    packet = segment(0xE1, XMP_HEAD + _xmp.edit(None, "{}"))
    with pytest.raises(Refused, match="multi-picture"):
        spliced(JPEG, jpeg[:2] + index + packet + jpeg[2:])
    out = spliced(JPEG, jpeg[:2] + index + jpeg[2:])
    assert out.index(XMP_HEAD) < out.index(b"MPF\0")


def moov_with(mp4: bytes, extra: bytes) -> bytes:
    """Append boxes to the moov, which ffmpeg puts last."""
    at = mp4.index(b"moov") - 4
    body = mp4[at + 8 :]
    return mp4[:at] + box(b"moov", body, extra)


def test_a_second_list_or_an_odd_place_in_a_film_is_told(mp4: bytes) -> None:
    data = box(b"data", struct.pack(">II", 1, 0), OTHER.encode())
    keys = box(b"keys", struct.pack(">II", 0, 1), struct.pack(">I4s", 12, b"mdta"), b"AIGC")
    handler = box(b"hdlr", bytes(8), b"mdta", bytes(13))
    meta = box(b"meta", handler, keys, box(b"ilst", box(b"\0\0\0\1", data)), box(b"ilst", box(b"\0\0\0\1", data)))
    for odd in (
        moov_with(mp4, box(b"udta", meta)),
        moov_with(mp4, box(b"moov", box(b"udta", meta))),
        moov_with(mp4, box(b"uuid", bytes(16), OTHER.encode())),
        mp4 + box(b"udta", meta),
        mp4 + box(b"meta", handler, keys, box(b"ilst", box(b"\0\0\0\1", data))),
    ):
        assert read(MP4, odd).unread
        assert verdict(MP4, odd) is not Verdict.NOT_FOUND


def test_a_tag_before_lyrics_is_told(media: Path) -> None:
    value = OTHER.encode()
    item = struct.pack("<II", len(value), 0) + b"AIGC\0" + value
    tag = item + b"APETAGEX" + struct.pack("<IIII", 2000, len(item) + 32, 1, 0) + bytes(8)
    data = (media / "speech.mp3").read_bytes() + tag + b"LYRICSBEGINxx000009LYRICS200"
    assert read(MP3, data).unread


def test_escaped_keys_are_seen_in_free_text() -> None:
    assert mentions('{"\\u0041IGC":{"Label":"1"}}')
    assert not mentions('{"a":"\\u0041 made with AIGC"}')


def test_a_directory_that_names_the_same_bytes_again_and_again_is_refused() -> None:
    entry = struct.pack("<HHII", 0x9286, 7, 60_000, 8)
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<H", 900) + entry * 900 + bytes(60_000)
    with pytest.raises(Malformed, match="more text"):
        _exif.labels(tiff)
    loop = struct.pack("<HHII", 0x8769, 4, 1, 8)
    with pytest.raises(Malformed):
        _exif.labels(b"II*\0\x08\0\0\0" + struct.pack("<H", 900) + loop * 900)


def test_many_bombs_are_bounded_together(png: bytes) -> None:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5 << 20), 9))
    found = read(PNG, png[:33] + bomb * 300 + png[33:])
    assert found.unread
    assert len(found.unread) < 100
    with pytest.raises(Malformed):
        spliced(PNG, png[:33] + bomb * 3 + png[33:])


def test_thousands_of_labels_are_one_finding(png: bytes) -> None:
    many = chunk(b"tEXt", b"AIGC\0x") * 5000
    report = judge(read(PNG, png[:33] + many + png[33:]), file="f", format_name="png", guide=PNG.place, source=PNG.source)
    assert report.verdict is Verdict.NON_COMPLIANT
    assert len(report.findings) < 100
    assert "label.too-many" in {f.code for f in report.findings}


def test_toml_front_matter_stays_first() -> None:
    with pytest.raises(Refused, match="TOML"):
        spliced(MARKDOWN, b'+++\ntitle = "x"\n+++\n\ntext\n')


def test_an_object_before_a_word_is_nobodys_label(png: bytes) -> None:
    data = png + b'{"mine":1} a note on "AIGC" and more'
    assert read(PNG, data) == Reading()
    assert spliced(PNG, data).endswith(b'{"mine":1} a note on "AIGC" and more')
