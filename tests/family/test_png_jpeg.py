"""PNG and JPEG before foreign judges: exiftool, Pillow, xmllint, ffmpeg; and labels that others wrote."""

import io
import json
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import produced, to_json, wrapped
from mingwen.domain.media import Keep
from mingwen.domain.sites import Reading
from mingwen.formats import Format, _xmp
from mingwen.formats.jpeg import MEMBER as JPEG
from mingwen.formats.png import MEMBER as PNG

LABEL = to_json(produced(producer="001191310104MACE0YX63918020", produce_id="142569260085903360"))
CONFIG = """
%Image::ExifTool::UserDefined = (
    'Image::ExifTool::XMP::Main' => { TC260 => { SubDirectory => { TagTable => 'Image::ExifTool::UserDefined::TC260' } } },
);
%Image::ExifTool::UserDefined::TC260 = (
    GROUPS => { 0 => 'XMP', 1 => 'XMP-TC260', 2 => 'Image' },
    NAMESPACE => { 'TC260' => 'http://www.tc260.org.cn/ns/AIGC/1.0/' }, WRITABLE => 'string', AIGC => { },
);
1;
"""
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def spliced(member: Format, data: bytes, label: str = LABEL) -> bytes:
    pieces = member.splice(io.BytesIO(data), label)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def read(member: Format, data: bytes) -> Reading:
    return member.read(io.BytesIO(data))


def places(member: Format, data: bytes) -> list[tuple[str, str]]:
    return [(s.place, s.text) for s in read(member, data).sites]


def xmp_labels(packet: bytes) -> list[str]:
    return [site.text for site in _xmp.sites(packet, guide=True) if site.guide]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(data: bytes, new: bytes) -> bytes:
    return data[:33] + new + data[33:]  # behind IHDR


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("exiftool") / "tc260.config"
    path.write_text(CONFIG)
    return str(path)


@pytest.mark.parametrize(("name", "member"), [("coffee.png", PNG), ("chelsea.png", PNG), ("rocket.jpg", JPEG)])
def test_judges_read_the_label_and_the_picture_is_the_same(
    media: Path, tmp_path: Path, config: str, name: str, member: Format
) -> None:
    data = (media / name).read_bytes()
    out = tmp_path / name
    out.write_bytes(spliced(member, data))
    shown = subprocess.run(
        ["exiftool", "-config", config, "-j", "-XMP-TC260:AIGC", "-validate", "-warning", str(out)],
        capture_output=True,
        check=True,
    )
    facts = json.loads(shown.stdout)[0]
    assert facts["AIGC"] == LABEL
    assert facts["Validate"] == "OK"
    with Image.open(out) as now, Image.open(media / name) as before:
        assert now.tobytes() == before.tobytes()
        packet = now.info["xmp"]
        assert {k: v for k, v in now.info.items() if "xmp" not in k} == {k: v for k, v in before.info.items() if "xmp" not in k}
    (tmp_path / "packet.xml").write_bytes(packet)
    path = "string(//*[local-name()='AIGC' and namespace-uri()='http://www.tc260.org.cn/ns/AIGC/1.0/'])"
    judged = subprocess.run(["xmllint", "--xpath", path, str(tmp_path / "packet.xml")], capture_output=True, check=True)
    assert json.loads(judged.stdout) == json.loads(LABEL)
    md5 = ["ffmpeg", "-v", "error", "-i", "{}", "-f", "framemd5", "-"]
    frames = [subprocess.run([a.format(p) for a in md5], capture_output=True, check=True).stdout for p in (out, media / name)]
    assert frames[0] == frames[1]


@pytest.mark.parametrize(("name", "member"), [("coffee.png", PNG), ("rocket.jpg", JPEG)])
def test_what_exiftool_writes_is_read(media: Path, tmp_path: Path, config: str, name: str, member: Format) -> None:
    for tag, value, place in (
        ("XMP-TC260:AIGC", LABEL, "XMP TC260:AIGC"),
        ("EXIF:UserComment", wrapped(LABEL), "Exif UserComment"),
        ("EXIF:ImageDescription", wrapped(LABEL), "Exif ImageDescription"),
    ):
        out = tmp_path / f"{tag.replace(':', '-')}-{name}"
        subprocess.run(["exiftool", "-config", config, "-q", f"-{tag}={value}", "-o", str(out), str(media / name)], check=True)
        assert places(member, out.read_bytes()) == [(place, value)]
        moved = spliced(member, out.read_bytes())
        assert places(member, moved) == [("XMP TC260:AIGC", LABEL)]


def test_ffmpeg_loses_the_label_in_a_png_and_we_do_not_invent_one(media: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.png"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(media / "coffee.png"), "-metadata", f"AIGC={LABEL}", str(out)], check=True)
    assert read(PNG, out.read_bytes()) == Reading()


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt"])
@pytest.mark.parametrize("keyword", ["AIGC", "Description", "parameters"])
def test_pillow_text_chunks_are_read_and_give_way(media: Path, kind: str, keyword: str) -> None:
    info = PngImagePlugin.PngInfo()
    if kind == "iTXt":
        info.add_itxt(keyword, wrapped(LABEL), zip=True)
    else:
        info.add_text(keyword, wrapped(LABEL), zip=kind == "zTXt")
    info.add_text("Title", "a cup")
    held = io.BytesIO()
    with Image.open(media / "coffee.png") as picture:
        picture.save(held, "png", pnginfo=info)
    assert places(PNG, held.getvalue()) == [(f"{kind} {keyword}", wrapped(LABEL))]
    moved = spliced(PNG, held.getvalue())
    assert places(PNG, moved) == [("XMP TC260:AIGC", LABEL)]
    with Image.open(io.BytesIO(moved)) as picture:
        assert picture.text["Title"] == "a cup"  # type: ignore[attr-defined] # PNG pictures have it


@pytest.mark.parametrize(
    "properties",
    [
        "<TC260:AIGC xmlns:TC260='http://www.tc260.org.cn/ns/AIGC/1.0/'>{}</TC260:AIGC>",
        "<p:AIGC xmlns:p='http://www.tc260.org.cn/ns/AIGC/1.0/'><rdf:Alt><rdf:li xml:lang='x-x'>{}</rdf:li></rdf:Alt></p:AIGC>",
        "<x:AIGC xmlns:x='http://www.tc260.org.cn/ns/AIGC/1.0/'><![CDATA[{}]]></x:AIGC>",
    ],
)
def test_xmp_of_any_shape_is_read_and_the_rest_stays(media: Path, properties: str) -> None:
    rest = "<dc:title xmlns:dc='http://purl.org/dc/elements/1.1/'>&amp; a title</dc:title>"
    escaped = properties.format(LABEL if "CDATA" in properties else LABEL.replace('"', "&quot;"))
    packet = f"<rdf:RDF xmlns:rdf='{RDF}'><rdf:Description rdf:about=''>{rest}{escaped}</rdf:Description></rdf:RDF>".encode()
    png = with_chunk((media / "coffee.png").read_bytes(), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))
    jpeg = with_segment((media / "rocket.jpg").read_bytes(), 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)
    for member, data in ((PNG, png), (JPEG, jpeg)):
        assert places(member, data) == [("XMP TC260:AIGC", LABEL)]
        again = spliced(member, data, "{}")
        assert places(member, again) == [("XMP TC260:AIGC", "{}")]
        assert rest.encode() in again


def test_the_attribute_form_is_read_and_becomes_one_property() -> None:
    packet = (
        f"<rdf:RDF xmlns:rdf='{RDF}'><rdf:Description rdf:about='uuid:1' xmlns:T='{_xmp.NAMESPACE}' "
        "T:AIGC='{&quot;Label&quot;:&quot;1&quot;}' T:Other='kept'/></rdf:RDF>"
    ).encode()
    assert xmp_labels(packet) == ['{"Label":"1"}']
    edited = _xmp.edit(packet, LABEL)
    assert xmp_labels(edited) == [LABEL]
    assert b"T:Other='kept'" in edited
    assert b'rdf:about="uuid:1"' in edited  # all descriptions of a packet are about the same thing
    blank = _xmp.without(packet)
    assert (len(blank), xmp_labels(blank)) == (len(packet), [])


def test_several_properties_become_one() -> None:
    one = f"<T:AIGC xmlns:T='{_xmp.NAMESPACE}'>{{}}</T:AIGC>"
    packet = f"<rdf:RDF xmlns:rdf='{RDF}'><rdf:Description rdf:about=''>{one}{one}</rdf:Description></rdf:RDF>".encode()
    assert xmp_labels(packet) == ["{}", "{}"]
    assert xmp_labels(_xmp.edit(packet, LABEL)) == [LABEL]


@pytest.mark.parametrize("packet", [b"<a", b"<a>&x;</a>", b"<!DOCTYPE a [<!ENTITY x 'y'>]><a/>", b"\xff\xfe<\0a\0", b"<a>" * 100])
def test_a_broken_packet_is_told_not_hidden(media: Path, packet: bytes) -> None:
    packet += _xmp.NAMESPACE.encode()
    png = with_chunk((media / "coffee.png").read_bytes(), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))
    jpeg = with_segment((media / "rocket.jpg").read_bytes(), 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)
    assert [u.place for u in read(PNG, png).unread] == ["iTXt"]
    assert [u.place for u in read(JPEG, jpeg).unread] == ["APP1"]
    for member, data in ((PNG, png), (JPEG, jpeg)):
        with pytest.raises(Malformed):
            spliced(member, data)


def test_a_packet_in_utf16_is_read_and_written(media: Path) -> None:
    wide = ("\ufeff" + _xmp.edit(None, LABEL).decode()).encode("utf-16-le")
    assert xmp_labels(wide) == [LABEL]
    assert xmp_labels(_xmp.edit(wide, "{}")) == ["{}"]


def test_labels_in_odd_places_of_a_jpeg_are_read_and_give_way(media: Path) -> None:
    data = (media / "rocket.jpg").read_bytes()
    held = wrapped(LABEL).encode()
    glued = with_segment(data, 0xEC, b"junk\0AIGC" + held + b"\0\0")
    comment = with_segment(data, 0xFE, held)
    behind = data + b"\n" + held
    for odd, place in ((glued, "APP12"), (comment, "COM"), (behind, "after EOI")):
        assert places(JPEG, odd) == [(place, wrapped(LABEL))]
        moved = spliced(JPEG, odd)
        assert places(JPEG, moved) == [("XMP TC260:AIGC", LABEL)]
        with Image.open(io.BytesIO(moved)) as now, Image.open(io.BytesIO(data)) as before:
            assert now.tobytes() == before.tobytes()


def test_a_label_after_iend_is_read_and_gives_way(media: Path) -> None:
    data = (media / "coffee.png").read_bytes() + wrapped(LABEL).encode() + b"tail"
    assert places(PNG, data) == [("after IEND", wrapped(LABEL))]
    moved = spliced(PNG, data)
    assert places(PNG, moved) == [("XMP TC260:AIGC", LABEL)]
    assert moved.endswith(b"tail")


def test_a_film_behind_the_picture_does_not_hide_the_end(media: Path) -> None:
    """Telephones put a clip of megabytes behind EOI."""
    data = (media / "rocket.jpg").read_bytes() + b"\0" * 300_000
    assert read(JPEG, data) == Reading()


def test_a_thumbnail_does_not_pass_for_the_end(media: Path) -> None:
    data = with_segment((media / "rocket.jpg").read_bytes(), 0xE3, b"\xff\xd8thumbnail\xff\xd9")
    assert read(JPEG, data) == Reading()
    assert [u.place for u in read(JPEG, data[:-9000]).unread] == ["scans"]


def test_a_large_packet_gives_up_its_padding_or_is_refused(media: Path) -> None:
    data = (media / "rocket.jpg").read_bytes()
    head, mark, end = _xmp.edit(None, "{}").rpartition(b"<?xpacket end=")
    padded = head + b" " * (65_000 - len(head)) + mark + end
    full = head.replace(b"<x:xmpmeta", b"<!--" + b"x" * 64_600 + b"--><x:xmpmeta") + mark + end
    room = with_segment(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + padded)
    assert places(JPEG, spliced(JPEG, room, LABEL[:-1] + "," + " " * 400 + LABEL[1:])) != []
    with pytest.raises(Refused, match="at most 65504 bytes"):
        spliced(JPEG, with_segment(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + full), LABEL.replace("1425", "1425" * 300))


PNG_HEAD = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13))
HOSTILE = {
    "4 GB in a chunk": (PNG, PNG_HEAD + b"\xff\xff\xff\xfftEXtAIGC\0"),
    "a chunk of nothing": (PNG, PNG_HEAD + b"\0\0\0\0tEXt"),
    "a bomb in zTXt": (
        PNG,
        PNG_HEAD + chunk(b"zTXt", b"AIGC\0\0" + zlib.compress(bytes(50 << 20), 9)) + chunk(b"IEND", b""),
    ),
    "text with a wrong CRC": (PNG, PNG_HEAD + b"\0\0\0\x06tEXtAIGC\0x\0\0\0\0" + chunk(b"IEND", b"")),
    "a segment of one byte": (JPEG, b"\xff\xd8\xff\xe1\0\1\xff\xd9"),
    "a segment beyond the end": (JPEG, b"\xff\xd8\xff\xe1\xff\xffhttp://ns.adobe.com/xap/1.0/\0"),
    "no marker": (JPEG, b"\xff\xd8\xff\xe0\0\2abcd"),
    "segments without end": (JPEG, b"\xff\xd8" + b"\xff\xe0\0\2" * 20_000),
    "Exif that points in a circle": (
        JPEG,
        with_segment(b"\xff\xd8\xff\xd9", 0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0\0\0\0\0"),
    ),
    "Exif beyond itself": (
        JPEG,
        with_segment(b"\xff\xd8\xff\xd9", 0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\1\x92\x86\0\7\xff\xff\xff\xff\0\0\0\0"),
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pictures_are_unread_and_never_simply_without_label(name: str) -> None:
    member, data = HOSTILE[name]
    found = read(member, data)
    if name != "Exif that points in a circle":
        assert found.unread
