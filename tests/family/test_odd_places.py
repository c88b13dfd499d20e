"""Labels at the places where writers in the wild put them: all are read, none is taken for the guide's, and the guide's wins."""

import io
import json
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pillow_heif
import pillow_jxl  # noqa: F401 - registers itself with Pillow
import pytest
from mutagen import id3 as untyped_id3
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from manifest_store import box
from mingwen import formats
from mingwen.domain.labels import FIELDS, produced, to_json, wrapped
from mingwen.domain.media import Keep
from mingwen.domain.sites import Reading
from mingwen.domain.verdicts import Report, Verdict, judge
from mingwen.formats import Format, _beside, _exif, _xmp
from mingwen.formats.jpeg import MEMBER as JPEG
from mingwen.formats.mp4 import MEMBER as MP4
from mingwen.formats.png import MEMBER as PNG
from mingwen.formats.webp import MEMBER as WEBP

id3: Any = untyped_id3
OTHER = to_json(produced(producer="001191110102MACQD9K64010000", produce_id="1425"))
NEW = to_json(produced(producer="001191310104MACE0YX63918020", produce_id="9999"))
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
OLDER = json.dumps({"ServiceProvider": "Tencent", "ServiceUser": "100001", "Time": "2025-06-01T00:00:00Z", "ContentId": "a1"})


def read(member: Format, data: bytes) -> Reading:
    return member.read(io.BytesIO(data))


def relabelled(member: Format, data: bytes) -> bytes:
    pieces = member.splice(io.BytesIO(data), NEW)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def report(member: Format, data: bytes) -> Report:
    return judge(read(member, data), file="f", format_name=member.name, guide=member.place, source=member.source)


def codes(of: Report) -> list[str]:
    return [f.code for f in of.findings]


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def packet(properties: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {properties}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def quoted(label: str) -> str:
    return label.replace('"', "&quot;")


ATTRIBUTE = packet(f'xmlns:any="{_xmp.NAMESPACE}" any:AIGC="{quoted(OTHER)}">')
STRANGE = packet(f'xmlns:a="http://example.com/aigc/"><a:AIGC>{quoted(OTHER)}</a:AIGC>')
STRANGE_ATTRIBUTE = packet(f'xmlns:a="http://example.com/aigc/" a:AIGC="{quoted(OTHER)}">')
BOTH = packet(f'xmlns:a="http://x/" xmlns:TC260="{_xmp.NAMESPACE}" a:AIGC="{quoted(OTHER)}" TC260:AIGC="{quoted(OTHER)}">')
NESTED = packet(f'xmlns:a="http://x/"><a:AIGC>{quoted(OTHER)}<a:b a:AIGC="{quoted(OTHER)}"/></a:AIGC>')
NO_LABEL = packet('xmlns:a="http://example.com/" a:AIGC="yes"><a:AIGC>made with AIGC tools</a:AIGC>')


@pytest.fixture(scope="module")
def small() -> dict[str, bytes]:
    out = {}
    for name in ("png", "jpeg", "webp"):
        made = io.BytesIO()
        Image.effect_mandelbrot((64, 40), (-2, -1.2, 1, 1.2), 40).convert("RGB").save(made, format=name)
        out[name] = made.getvalue()
    return out


@pytest.fixture(scope="module")
def mp4(media: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("mp4") / "a.mp4"
    command = ["ffmpeg", "-v", "error", "-i", str(media / "bunny.mp4"), "-t", "0.2", "-an", "-vf", "scale=64:36", str(out)]
    subprocess.run(command, check=True)
    return out.read_bytes()


def png_with(chunk_kind: bytes, data: bytes, png: bytes, *, at: int = 33) -> bytes:
    chunk = struct.pack(">I", len(data)) + chunk_kind + data + struct.pack(">I", zlib.crc32(chunk_kind + data))
    return png[:at] + chunk + png[at:]


def png_xmp(png: bytes, xmp: bytes) -> bytes:
    return png_with(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp, png)


def jpeg_xmp(jpeg: bytes, xmp: bytes) -> bytes:
    return jpeg[:2] + segment(0xE1, XMP_HEAD + xmp) + jpeg[2:]


def moov_with(mp4: bytes, extra: bytes) -> bytes:
    """Append boxes to the moov, which ffmpeg puts last."""
    at = mp4.index(b"moov") - 4
    return mp4[:at] + box(b"moov", mp4[at + 8 :], extra)


def items(handler: bytes, *children: bytes) -> bytes:
    return box(b"meta", bytes(4), box(b"hdlr", bytes(8), handler, bytes(13)), *children)


DATA = box(b"data", struct.pack(">II", 1, 0), OTHER.encode())
FILM_PLACES: dict[str, Callable[[bytes], bytes]] = {
    "keyless list with a comment": lambda m: moov_with(m, box(b"udta", items(b"mdir", box(b"ilst", box(b"\xa9cmt", DATA))))),
    "keyless list with a kind of its own": lambda m: moov_with(m, box(b"udta", items(b"mdir", box(b"ilst", box(b"AIGC", DATA))))),
    "keyless list with a number": lambda m: moov_with(m, box(b"udta", items(b"mdir", box(b"ilst", box(b"\0\0\0\1", DATA))))),
    "meta of the moov": lambda m: moov_with(
        m,
        items(
            b"mdta",
            box(b"keys", struct.pack(">II", 0, 1), struct.pack(">I4s", 12, b"mdta"), b"AIGC"),
            box(b"ilst", box(b"\0\0\0\1", DATA)),
        ),
    ),
    "uuid with XMP": lambda m: m + box(b"uuid", XMP_UUID, ATTRIBUTE),
    "uuid with XMP of a strange namespace": lambda m: m + box(b"uuid", XMP_UUID, STRANGE),
    "user data with XMP": lambda m: moov_with(m, box(b"udta", box(b"XMP_", STRANGE_ATTRIBUTE))),
}


@pytest.mark.parametrize("place", FILM_PLACES)
def test_a_film_is_read_at(place: str, mp4: bytes) -> None:
    data = FILM_PLACES[place](mp4)
    (site,) = read(MP4, data).sites
    assert json.loads(site.text) == json.loads(OTHER)
    assert not site.guide
    assert [s.text for s in read(MP4, relabelled(MP4, data)).sites] == [NEW]


@pytest.mark.parametrize("keyword", [b"Description", b"AIGC", b"Comment"])
def test_a_packed_text_of_a_picture_is_read(keyword: bytes, small: dict[str, bytes]) -> None:
    data = png_with(b"zTXt", keyword + b"\0\0" + zlib.compress(wrapped(OTHER).encode()), small["png"])
    (site,) = read(PNG, data).sites
    assert (site.text, site.guide) == (wrapped(OTHER), False)
    assert [s.text for s in read(PNG, relabelled(PNG, data)).sites] == [NEW]


def test_labels_behind_the_picture_are_read(small: dict[str, bytes]) -> None:
    png = small["png"]
    behind_pixels = png_with(b"tEXt", b"AIGC\0" + wrapped(OTHER).encode(), png, at=png.index(b"IEND") - 4)
    for data in (behind_pixels, png + wrapped(OTHER).encode(), png + b"AIGC" + OTHER.encode()):
        (site,) = read(PNG, data).sites
        assert not site.guide
        assert [s.text for s in read(PNG, relabelled(PNG, data)).sites] == [NEW]


GLUED = {
    "behind JFIF": (0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0AIGC" + OTHER.encode()),
    "in a segment of its own": (0xE9, b"AIGC" + OTHER.encode()),
    "behind a brace that is none of its": (0xE4, b'\x00{\xff{"mine":1}AIGC' + OTHER.encode() + b"}\0"),
    "in a comment": (0xFE, wrapped(OTHER).encode()),
    "with an object before its telling fields": (
        0xEC,
        b'AIGC{"ReservedCode1":{"SecurityData":{"Type":"x"}},' + OTHER.replace('"ReservedCode1":"",', "")[1:].encode(),
    ),
    "with escaped keys": (
        0xE5,
        OTHER.replace("ContentProducer", "\\u0043ontentProducer").replace("ProduceID", "\\u0050roduceID").encode(),
    ),
}


@pytest.mark.parametrize("place", [p for p in GLUED if p != "with escaped keys"])
def test_a_label_glued_into_a_segment_is_read(place: str, small: dict[str, bytes]) -> None:
    data = small["jpeg"][:2] + segment(*GLUED[place]) + small["jpeg"][2:]
    (site,) = read(JPEG, data).sites
    value = json.loads(site.text)
    assert {**value.get("AIGC", value), "ReservedCode1": ""} == json.loads(OTHER)
    assert not site.guide
    assert [s.text for s in read(JPEG, relabelled(JPEG, data)).sites] == [NEW]


@pytest.mark.parametrize(
    "tag", ["UserComment", "ImageDescription", "XPComment", "XPTitle", "Artist", "Software", "Copyright", "Make"]
)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_every_text_of_exif_is_read_and_blanked(tag: str, suffix: str, small: dict[str, bytes], tmp_path: Path) -> None:
    member = {".jpg": JPEG, ".png": PNG, ".webp": WEBP}[suffix]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(small[member.name])
    subprocess.run(["exiftool", "-q", "-overwrite_original", f"-EXIF:{tag}={wrapped(OTHER)}", str(path)], check=True)
    (site,) = read(member, path.read_bytes()).sites
    assert (site.place, site.text, site.guide) == (f"Exif {tag}", wrapped(OTHER), False)
    assert [s.text for s in read(member, relabelled(member, path.read_bytes())).sites] == [NEW]


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
@pytest.mark.parametrize("kind", [b"exif", b"APP1"])
def test_exif_as_a_profile_in_hexadecimal_is_read_and_keeps_the_rest(
    kind: bytes, prefix: bytes, small: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(small["jpeg"])
    tags = [f"-EXIF:UserComment={wrapped(OTHER)}", "-EXIF:Artist=Somebody"]
    subprocess.run(["exiftool", "-q", "-overwrite_original", *tags, str(path)], check=True)
    with Image.open(path) as picture:
        block = prefix + bytes(picture.info["exif"]).removeprefix(b"Exif\0\0")
    profile = b"\n%s\n%8d\n" % (kind, len(block)) + block.hex().encode() + b"\n"
    data = png_with(b"zTXt", b"Raw profile type " + kind + b"\0\0" + zlib.compress(profile), small["png"])
    (site,) = read(PNG, data).sites
    assert (site.place, site.text, site.guide) == ("zTXt Exif UserComment", wrapped(OTHER), False)
    out = relabelled(PNG, data)
    assert [s.text for s in read(PNG, out).sites] == [NEW]
    assert [c.text for c in PNG.clues(io.BytesIO(out)) if c.name == "Artist"] == ["Somebody"]
    (tmp_path / "a.png").write_bytes(out)
    assert subprocess.check_output(["exiftool", "-s3", "-Artist", str(tmp_path / "a.png")], text=True).strip() == "Somebody"


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("written", ["utf-16-le", "utf-16-be"])
def test_a_wide_comment_is_read_in_either_order(order: str, written: str) -> None:
    mark, sign = (b"II*\0", "<") if order == "little" else (b"MM\0*", ">")
    value = b"UNICODE\0" + wrapped(OTHER).encode(written)
    pointer = struct.pack(sign + "HHII", 0x8769, 4, 1, 26)
    entry = struct.pack(sign + "HHII", 0x9286, 7, len(value), 44)
    tiff = mark + struct.pack(sign + "IH", 8, 1) + pointer + bytes(4) + struct.pack(sign + "H", 1) + entry + bytes(4) + value
    assert _exif.labels(tiff) == [("Exif UserComment", wrapped(OTHER))]


@pytest.mark.parametrize("tag", ["ImageDescription", "UserComment"])
def test_the_older_schema_is_named_and_not_taken_for_three_missing_fields(
    tag: str, small: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(small["jpeg"])
    subprocess.run(["exiftool", "-q", "-overwrite_original", f"-EXIF:{tag}={OLDER}", str(path)], check=True)
    found = report(JPEG, path.read_bytes())
    assert found.verdict is Verdict.NON_COMPLIANT
    assert codes(found) == ["label.older-schema", "label.place"]
    assert "ServiceProvider, ServiceUser, Time, ContentId" in found.findings[0].message()
    assert "腾讯云" in found.findings[0].message("zh")
    (label,) = found.labels
    assert (label.label, dict(label.fields)["ContentId"]) == (None, "a1")
    assert codes(report(JPEG, relabelled(JPEG, path.read_bytes()))) == []


def test_the_older_schema_glued_into_a_segment_is_named(small: dict[str, bytes]) -> None:
    data = small["jpeg"][:2] + segment(0xFE, OLDER.encode()) + small["jpeg"][2:]
    assert codes(report(JPEG, data)) == ["label.older-schema", "label.place"]


def test_one_of_its_keys_is_anybodys_word_and_one_field_of_ours_makes_a_label(small: dict[str, bytes]) -> None:
    for text in ('{"ServiceProvider": "x"}', '{"Time": "x", "ContentId": "y"}', "ServiceProvider, ContentId"):
        info = PngInfo()
        info.add_text("Description", text)
        made = io.BytesIO()
        Image.new("L", (4, 4)).save(made, format="png", pnginfo=info)
        assert read(PNG, made.getvalue()) == Reading()
    mixed = json.dumps(json.loads(OLDER) | {"Label": "1"})
    found = report(PNG, png_with(b"tEXt", b"AIGC\0" + mixed.encode(), small["png"]))
    assert codes(found).count("label.field-missing") == 2
    assert "label.older-schema" not in codes(found)


def test_escaped_keys_are_read(small: dict[str, bytes]) -> None:
    data = small["jpeg"][:2] + segment(*GLUED["with escaped keys"]) + small["jpeg"][2:]
    (site,) = read(JPEG, data).sites
    assert json.loads(site.text) == json.loads(OTHER)


def ffmpeg(source: Path, out: Path, *arguments: str) -> bytes:
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(source), "-t", "0.2", *arguments, str(out)], check=True)
    return out.read_bytes()


def still(folder: Path, suffix: str) -> bytes:
    """Make a small picture in a format for which Pillow has a plugin, or itself."""
    pillow_heif.register_heif_opener()
    out = folder / f"a{suffix}"
    Image.effect_mandelbrot((64, 40), (-2, -1.2, 1, 1.2), 40).convert("RGB").save(out)
    return out.read_bytes()


def film(media: Path, folder: Path, suffix: str, *arguments: str) -> bytes:
    return ffmpeg(media / "bunny.mp4", folder / f"a{suffix}", "-an", "-vf", "scale=64:36", *arguments)


def by_exiftool(data: bytes, folder: Path, suffix: str, xmp: bytes) -> bytes:
    """Let exiftool put a whole packet where the format has its place for one."""
    path, packet_ = folder / f"b{suffix}", folder / "b.xmp"
    path.write_bytes(data)
    packet_.write_bytes(xmp)
    subprocess.run(["exiftool", "-q", "-m", "-overwrite_original", f"-XMP<={packet_}", str(path)], check=True)
    return path.read_bytes()


def with_chunk(data: bytes, order: str, kind: bytes, body: bytes) -> bytes:
    """Append a chunk to a RIFF or a FORM."""
    out = data + kind + struct.pack(f"{order}I", len(body)) + body + bytes(len(body) % 2)
    return out[:4] + struct.pack(f"{order}I", len(out) - 8) + out[8:]


def pdf(folder: Path) -> bytes:
    path = folder / "a.pdf"
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(path)
    return path.read_bytes()


def tagged_mp3(media: Path, folder: Path, xmp: bytes) -> bytes:
    path = folder / "a.mp3"
    path.write_bytes((media / "speech.mp3").read_bytes())
    tag = id3.ID3(path)
    tag.add(id3.PRIV(owner="XMP", data=xmp))
    tag.save(path)
    return path.read_bytes()


def attached(media: Path, folder: Path, xmp: bytes) -> bytes:
    film(media, folder, ".mkv")
    (folder / "a.xmp").write_bytes(xmp)
    subprocess.run(["mkvpropedit", "-q", folder / "a.mkv", "--add-attachment", folder / "a.xmp"], check=True)
    return (folder / "a.mkv").read_bytes()


def drawn(xmp: bytes) -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg"><metadata>' + xmp + b'</metadata><rect width="9" height="9"/></svg>'


CARRIED: dict[str, Callable[[Path, Path, bytes], bytes]] = {
    "aiff": lambda m, f, xmp: with_chunk(ffmpeg(m / "speech.wav", f / "a.aiff"), ">", b"APPL", b"XMP " + xmp),
    "avi": lambda m, f, xmp: with_chunk(film(m, f, ".avi"), "<", b"_PMX", xmp),
    "avif": lambda _, f, xmp: by_exiftool(still(f, ".avif"), f, ".avif", xmp),
    "flv": lambda m, f, xmp: film(m, f, ".flv", "-metadata", f"liveXML={xmp.decode()}"),
    "gif": lambda _, f, xmp: by_exiftool(still(f, ".gif"), f, ".gif", xmp),
    "heif": lambda _, f, xmp: by_exiftool(still(f, ".heic"), f, ".heic", xmp),
    "jpeg": lambda _, f, xmp: by_exiftool(still(f, ".jpg"), f, ".jpg", xmp),
    "jxl": lambda _, f, xmp: by_exiftool(still(f, ".jxl"), f, ".jxl", xmp),
    "m4a": lambda m, f, xmp: by_exiftool(ffmpeg(m / "speech.wav", f / "a.m4a"), f, ".m4a", xmp),
    "mkv": attached,
    "mov": lambda m, f, xmp: by_exiftool(film(m, f, ".mov"), f, ".mov", xmp),
    "mp3": tagged_mp3,
    "mp4": lambda m, f, xmp: by_exiftool(film(m, f, ".mp4"), f, ".mp4", xmp),
    "pdf": lambda _, f, xmp: by_exiftool(pdf(f), f, ".pdf", xmp),
    "png": lambda _, f, xmp: by_exiftool(still(f, ".png"), f, ".png", xmp),
    "svg": lambda _, __, xmp: drawn(xmp),
    "tiff": lambda _, f, xmp: by_exiftool(still(f, ".tif"), f, ".tif", xmp),
    "wav": lambda m, _, xmp: with_chunk((m / "speech.wav").read_bytes(), "<", b"_PMX", xmp),
    "webp": lambda _, f, xmp: by_exiftool(still(f, ".webp"), f, ".webp", xmp),
}
"""How a packet comes into a file of every format that can hold one: by another program, where there is one that can."""


@pytest.mark.parametrize("xmp", [STRANGE, STRANGE_ATTRIBUTE, BOTH, NESTED], ids=["element", "attribute", "both", "nested"])
@pytest.mark.parametrize("name", CARRIED)
def test_a_strange_namespace_is_told_and_gives_way(xmp: bytes, name: str, media: Path, tmp_path: Path) -> None:
    member = next(f for f in formats.every() if f.name == name)
    data = CARRIED[name](media, tmp_path, xmp)
    found = read(member, data)
    strange = [s for s in found.sites if "http://" in s.place]
    assert strange
    assert not any(s.guide for s in strange)
    assert all(json.loads(s.text) == json.loads(OTHER) for s in strange if "<" not in s.text)
    assert "label.place" in codes(report(member, data))
    assert not found.unread
    out = relabelled(member, data)
    assert [s.text for s in read(member, out).sites] == [NEW]
    assert not read(member, out).unread


@pytest.mark.parametrize("xmp", [STRANGE, STRANGE_ATTRIBUTE], ids=["element", "attribute"])
def test_a_strange_namespace_beside_a_file_is_told_and_gives_way(xmp: bytes) -> None:
    (site,) = _beside.read(xmp).sites
    assert (site.place, site.guide) == ("XMP AIGC of 'http://example.com/aigc/' beside the file", False)
    assert [(s.text, s.guide) for s in _beside.read(_beside.edited(xmp, NEW)).sites] == [(NEW, True)]


def test_a_strange_property_that_is_no_label_stays(small: dict[str, bytes]) -> None:
    data = png_xmp(small["png"], NO_LABEL)
    assert read(PNG, data) == Reading()
    out = relabelled(PNG, data)
    assert b'a:AIGC="yes"' in out
    assert b"made with AIGC tools" in out
    assert [s.text for s in read(PNG, out).sites] == [NEW]


def test_an_illegal_value_a_nested_object_and_a_strange_namespace_are_graded_not_dropped(small: dict[str, bytes]) -> None:
    odd = json.dumps(json.loads(OTHER) | {"Label": "AIGC", "ReservedCode1": {"SecurityData": {}}})
    data = png_xmp(small["png"], STRANGE.replace(quoted(OTHER).encode(), quoted(odd).encode()))
    found = report(PNG, data)
    assert found.verdict is Verdict.NON_COMPLIANT
    assert {"label.value-illegal", "label.reserved-nested", "label.place"} <= set(codes(found))
    assert set(dict(found.labels[0].fields)) == set(FIELDS)
