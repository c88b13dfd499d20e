"""GIF, TIFF, SVG and BMP before foreign judges: Pillow, exiftool, ffmpeg, lxml; labels at odd places, and hostile files."""

import base64
import io
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from PIL import Image

from manifest_store import STORE, TOLD
from mingwen import formats
from mingwen.containers import ifd
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.labels import produced, to_json, wrapped
from mingwen.domain.media import Keep
from mingwen.domain.sites import Reading
from mingwen.formats import HEAD_BYTES, Channel, Format, _gif, _xmp
from mingwen.formats.bmp import MEMBER as BMP
from mingwen.formats.gif import MEMBER as GIF
from mingwen.formats.svg import MEMBER as SVG
from mingwen.formats.tiff import MEMBER as TIFF

LABEL = to_json(produced(producer="001191310104MACE0YX63918020", produce_id="142569260085903360"))
OTHER = LABEL.replace("1425", "9999")
LONG = to_json(produced(producer="x" * 3000, produce_id="y" * 1000))
PLACE = "XMP TC260:AIGC"
NS = "http://www.tc260.org.cn/ns/AIGC/1.0/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
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


def spliced(member: Format, data: bytes, label: str = LABEL) -> bytes:
    pieces = member.splice(io.BytesIO(data), label)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def read(member: Format, data: bytes) -> Reading:
    return member.read(io.BytesIO(data))


def places(member: Format, data: bytes) -> list[tuple[str, str]]:
    return [(s.place, s.text) for s in read(member, data).sites]


def said(member: Format, data: bytes) -> list[tuple[Channel, str, str]]:
    return [(c.channel, c.name, c.text) for c in member.clues(io.BytesIO(data))]


def frames(data: bytes) -> list[bytes]:
    out = []
    with Image.open(io.BytesIO(data)) as picture:
        for i in range(getattr(picture, "n_frames", 1)):
            picture.seek(i)
            out.append(picture.convert("RGBA").tobytes())
    return out


def judged(path: Path, config: str) -> str:
    command = ["exiftool", "-config", config, "-s3", "-XMP-TC260:AIGC", str(path)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("exiftool") / "tc260.config"
    path.write_text(CONFIG)
    return str(path)


@pytest.fixture(scope="module")
def pictures(media: Path) -> list[Image.Image]:
    with Image.open(media / "coffee.png") as picture:
        small = picture.convert("RGB").resize((60, 40))
    return [small.rotate(angle) for angle in (0, 20, 40)]


def saved(pictures: list[Image.Image], kind: str, **options: Any) -> bytes:
    held = io.BytesIO()
    pictures[0].save(held, kind, save_all=True, append_images=pictures[1:], **options)
    return held.getvalue()


@pytest.fixture(scope="module")
def gif(pictures: list[Image.Image]) -> bytes:
    return saved([p.quantize(16) for p in pictures], "gif", duration=40, loop=0, comment=b"a cup")


@pytest.fixture(scope="module")
def tiff(pictures: list[Image.Image]) -> bytes:
    return saved(pictures, "tiff", software="a program", description="a cup")


# --- GIF ----------------------------------------------------------------------------------------------------------------


def extension(name: bytes, data: bytes) -> bytes:
    return b"\x21\xff\x0b" + name + b"".join(bytes([len(p)]) + p for p in parts(data)) + b"\0"


def comment(data: bytes) -> bytes:
    return b"\x21\xfe" + b"".join(bytes([len(p)]) + p for p in parts(data)) + b"\0"


def parts(data: bytes) -> list[bytes]:
    return [data[i : i + 255] for i in range(0, len(data), 255)]


def before_end(data: bytes, new: bytes) -> bytes:
    return data[:-1] + new + data[-1:]


def test_judges_read_a_gif_and_its_frames_are_the_same(gif: bytes, tmp_path: Path, config: str) -> None:
    out = tmp_path / "a.gif"
    out.write_bytes(spliced(GIF, gif))
    assert judged(out, config) == LABEL
    assert frames(out.read_bytes()) == frames(gif)
    with Image.open(out) as now, Image.open(io.BytesIO(gif)) as before:
        assert now.info["loop"] == before.info["loop"] == 0
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", str(out)]
    assert int(subprocess.run(command, capture_output=True, check=True).stdout) == 3


def test_an_old_gif_becomes_a_new_one(pictures: list[Image.Image]) -> None:
    held = io.BytesIO()
    pictures[0].quantize(4).save(held, "gif")
    old = b"GIF87a" + held.getvalue()[6:]
    assert spliced(GIF, old)[:6] == b"GIF89a"
    assert frames(spliced(GIF, old)) == frames(old)


def test_what_exiftool_writes_into_a_gif_is_read(gif: bytes, tmp_path: Path, config: str) -> None:
    out = tmp_path / "a.gif"
    out.write_bytes(gif)
    subprocess.run(["exiftool", "-config", config, "-q", f"-XMP-TC260:AIGC={OTHER}", str(out)], check=True)
    assert places(GIF, out.read_bytes()) == [(PLACE, OTHER)]
    assert places(GIF, spliced(GIF, out.read_bytes())) == [(PLACE, LABEL)]


def test_labels_at_odd_places_of_a_gif_are_read_and_give_way(gif: bytes) -> None:
    block = b"\x21\xff\x0bXMP DataXMP" + _xmp.edit(None, OTHER) + _gif._MAGIC
    in_blocks = extension(b"XMP DataXMP", _xmp.edit(None, OTHER))
    note = comment(wrapped(OTHER).encode())
    vendor = extension(b"AIGCMETA1.0", OTHER.encode())
    data = before_end(gif, block + note + in_blocks + vendor) + b"tail" + wrapped(OTHER).encode()
    expected = [(PLACE, OTHER), ("comment", wrapped(OTHER)), (PLACE, OTHER), ("application AIGCMETA1.0", OTHER)]
    assert places(GIF, data) == [*expected, ("after the trailer", wrapped(OTHER))]
    moved = spliced(GIF, data)
    assert places(GIF, moved) == [(PLACE, LABEL)]
    assert moved.endswith(b";tail")
    assert b"a cup" in moved
    assert frames(moved) == frames(gif)


def test_a_manifest_of_a_gif_stays_and_is_a_clue(gif: bytes) -> None:
    manifest = extension(b"C2PA_GIF\x01\0\0", STORE)
    data = before_end(gif, manifest)
    assert manifest in spliced(GIF, data)
    assert (Channel.TEXT, "comment", "a cup") in said(GIF, data)
    assert any(c == Channel.MANIFEST and text == TOLD for c, _, text in said(GIF, data))
    assert any(c == Channel.XMP and "TC260" in text for c, _, text in said(GIF, spliced(GIF, data)))


def test_a_gif_without_its_trailer_is_not_simply_without_label(gif: bytes) -> None:
    assert read(GIF, gif[:-1]).unread
    with pytest.raises(Malformed):
        spliced(GIF, gif[:-1])
    assert read(GIF, b"GIF89a" + bytes(7) + b"\x21\xfe\0" * 300_000).unread


# --- TIFF ---------------------------------------------------------------------------------------------------------------

KINDS: list[dict[str, Any]] = [{}, {"compression": "tiff_lzw"}, {"compression": "jpeg"}, {"big_tiff": True}]


def big_endian(value: int) -> bytes:
    """A picture of one grey pixel in Motorola's order, with an Exif directory."""
    entries = [(256, 3, 1, 1 << 16), (257, 3, 1, 1 << 16), (258, 3, 1, 8 << 16), (259, 3, 1, 1 << 16), (262, 3, 1, 1 << 16)]
    entries += [(273, 4, 1, 300), (277, 3, 1, 1 << 16), (278, 3, 1, 1 << 16), (279, 4, 1, 1), (0x8769, 4, 1, 200)]
    first = struct.pack(">H", len(entries)) + b"".join(struct.pack(">HHII", *e) for e in entries) + bytes(4)
    below = struct.pack(">H", 1) + struct.pack(">HHII", 0x9286, 7, 15, 240) + bytes(4)
    data = b"MM\0*" + struct.pack(">I", 8) + first
    return (data.ljust(200, b"\0") + below).ljust(240, b"\0") + b"ASCII\0\0\0a house".ljust(60, b"\0") + bytes([value])


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_judges_read_a_tiff_and_its_pages_are_the_same(
    pictures: list[Image.Image], tmp_path: Path, config: str, options: dict[str, Any]
) -> None:
    data = saved(pictures, "tiff", **options)
    out = tmp_path / "a.tif"
    now = data
    for label in (LABEL, LONG, OTHER):
        now = spliced(TIFF, now, label)
        assert places(TIFF, now) == [(PLACE, label)]
        assert not read(TIFF, now).unread
        out.write_bytes(now)
        assert judged(out, config) == label
        assert frames(now) == frames(data)
    assert now.count(b"ContentProducer") == 1
    assert len(spliced(TIFF, now, LONG)) == len(now) == len(spliced(TIFF, spliced(TIFF, data), LONG))  # it does not grow for ever
    directory = next(d for d in ifd.walk(io.BytesIO(now), ifd.layout(io.BytesIO(now))) if isinstance(d, ifd.Directory))
    tags = [e.tag for e in directory.entries]
    assert tags == sorted(tags)
    assert [e.kind for e in directory.entries if e.tag == 700] == [7]


def test_motorola_order_and_the_exif_directory() -> None:
    data = big_endian(77)
    moved = spliced(TIFF, data)
    assert places(TIFF, moved) == [(PLACE, LABEL)]
    assert frames(moved) == frames(data)
    assert (Channel.EXIF, "UserComment", "a house") in said(TIFF, moved)
    with Image.open(io.BytesIO(moved)) as picture:
        assert picture.getexif().get_ifd(0x8769)[0x9286] == b"ASCII\0\0\0a house"


@pytest.mark.parametrize(
    ("tag", "value", "place"),
    [
        ("XMP-TC260:AIGC", OTHER, PLACE),
        ("EXIF:UserComment", wrapped(OTHER), "Exif UserComment"),
        ("EXIF:ImageDescription", wrapped(OTHER), "Exif ImageDescription"),
        ("EXIF:XPComment", wrapped(OTHER), "Exif XPComment"),
        ("IFD1:ImageDescription", wrapped(OTHER), "IFD1 ImageDescription"),
    ],
)
def test_what_exiftool_writes_into_a_tiff_is_read(
    tiff: bytes, tmp_path: Path, config: str, tag: str, value: str, place: str
) -> None:
    out = tmp_path / "a.tif"
    out.write_bytes(tiff)
    subprocess.run(["exiftool", "-config", config, "-q", f"-{tag}={value}", str(out)], check=True)
    assert places(TIFF, out.read_bytes()) == [(place, value)]
    moved = spliced(TIFF, out.read_bytes())
    assert places(TIFF, moved) == [(PLACE, LABEL)]
    assert not read(TIFF, moved).unread
    assert moved.count(b"ContentProducer") == 1
    assert frames(moved) == frames(tiff)


def test_a_packet_that_no_directory_names_any_more_does_not_stay(tiff: bytes) -> None:
    lost = tiff + _xmp.edit(None, OTHER)
    assert read(TIFF, lost).unread
    assert not read(TIFF, spliced(TIFF, lost)).unread
    assert places(TIFF, spliced(TIFF, lost)) == [(PLACE, LABEL)]
    data = spliced(TIFF, tiff)
    lost = data + bytes(40) + wrapped(OTHER).encode() + b" and more"
    assert places(TIFF, lost) == [(PLACE, LABEL), ("after the last part", wrapped(OTHER))]
    assert places(TIFF, spliced(TIFF, lost)) == [(PLACE, LABEL)]


def test_what_a_tiff_says_of_its_making(tiff: bytes, tmp_path: Path) -> None:
    out = tmp_path / "a.tif"
    out.write_bytes(tiff)
    subprocess.run(["exiftool", "-q", "-IPTC:Credit=someone", "-EXIF:Artist=a painter", str(out)], check=True)
    clues = said(TIFF, out.read_bytes())
    assert {(Channel.EXIF, "Software", "a program"), (Channel.EXIF, "Artist", "a painter")} <= set(clues)
    assert (Channel.IPTC, "2:110", "someone") in clues


def test_raw_pictures_are_read_and_not_written() -> None:
    raw = big_endian(1).replace(struct.pack(">HHII", 262, 3, 1, 1 << 16), struct.pack(">HHII", 262, 3, 1, 32803 << 16))
    assert read(TIFF, raw) == Reading()
    with pytest.raises(Refused, match="raw"):
        spliced(TIFF, raw)


def classic(*entries: tuple[int, int, int, int], behind: bytes = b"", following: int = 0) -> bytes:
    body = b"".join(struct.pack("<HHII", *e) for e in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + struct.pack("<I", following) + behind


@pytest.mark.parametrize(
    "data",
    [
        classic(following=8),
        classic(*[(330, 4, 1000, 8)] * 20_000, behind=bytes(1 << 18)),
        classic((700, 7, 1 << 31, 100), (273, 4, 1 << 30, 8)),
        classic(*[(270 + i, 2, 500_000 - i, 8) for i in range(400)], behind=b'{"AIGC":{' * 60_000),
        b"II*\0\0\0\0\0",
        b"MM\0+\0\x08\0\0" + b"\xff" * 8,
        b"II*\0\xff\xff\xff\xff",
    ],
)
def test_a_hostile_tiff_ends(data: bytes) -> None:
    for verb in (lambda: read(TIFF, data), lambda: spliced(TIFF, data), lambda: said(TIFF, data)):
        try:
            verb()
        except MingwenError:
            continue


# --- SVG ----------------------------------------------------------------------------------------------------------------

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
DRAWN = '<rect width="9" height="9" fill="#123"/>'


def packet(value: str, *, attribute: bool = False) -> str:
    quoted = value.replace('"', "&quot;")
    inner = f' p:AIGC="{quoted}"/>' if attribute else f"><p:AIGC>{quoted}</p:AIGC></rdf:Description>"
    return f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" xmlns:p="{NS}"{inner}</rdf:RDF>'


DOCUMENTS = {
    "plain": f"{HEAD}<title>t</title><desc/>{DRAWN}</svg>\n",
    "empty": '<svg xmlns="http://www.w3.org/2000/svg"/>',
    "prefixed": '<?xml version="1.0"?><!-- by hand --><s:svg xmlns:s="http://www.w3.org/2000/svg"><s:g a=">"/></s:svg>',
    "entities": '<!DOCTYPE svg [<!ENTITY ns "http://www.w3.org/2000/svg">]><svg xmlns="&ns;"><text>&ns;</text></svg>',
    "metadata": f"{HEAD}<metadata id='m'/>{DRAWN}</svg>",
    "kept": f"{HEAD}<metadata><a:b xmlns:a='u'>&amp;</a:b></metadata>{DRAWN}</svg>",
    "latin": f'<?xml version="1.0" encoding="iso-8859-1"?>{HEAD}<title>\xe9</title>{DRAWN}</svg>',
    "marked": f"\ufeff{HEAD}{DRAWN}</svg>",
    "element": f"{HEAD}<metadata>{packet(OTHER)}</metadata>{DRAWN}</svg>",
    "attribute": f"{HEAD}<metadata>{packet(OTHER, attribute=True)}</metadata>{DRAWN}</svg>",
    "inherited": f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:rdf="{RDF}" xmlns:q="{NS}"><metadata><rdf:RDF><rdf:Description>'
    f"<q:AIGC><![CDATA[{OTHER}]]></q:AIGC></rdf:Description></rdf:RDF></metadata></svg>",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_svg_keeps_its_bytes_and_judges_read_the_label(name: str, tmp_path: Path) -> None:
    data = DOCUMENTS[name].encode("iso-8859-1" if name == "latin" else "utf-8")
    assert formats.of(data[:HEAD_BYTES]).name == "svg"
    labelled = name in {"element", "attribute", "inherited"}
    assert places(SVG, data) == ([(PLACE, OTHER)] if labelled else [])
    out = spliced(SVG, data)
    assert read(SVG, out).sites[0].guide
    assert places(SVG, out) == [(PLACE, LABEL)]
    assert not read(SVG, out).unread
    assert spliced(SVG, out) == out
    root = etree.fromstring(out, etree.XMLParser(resolve_entities=False))
    (found,) = root.iter(f"{{{NS}}}AIGC")
    assert found.text == LABEL
    above = [etree.QName(e).localname for e in found.iterancestors()]
    assert above[-2:] == ["metadata", "svg"]
    metadata = next(e for e in root if etree.QName(e).localname == "metadata")
    root.remove(metadata)
    before = etree.fromstring(data, etree.XMLParser(resolve_entities=False))
    for old in [e for e in before if etree.QName(e).localname == "metadata"]:
        before.remove(old)
    assert [(e.tag, e.text, e.attrib) for e in root.iter()] == [(e.tag, e.text, e.attrib) for e in before.iter()]


def test_exiftool_reads_our_svg(tmp_path: Path, config: str) -> None:
    out = tmp_path / "a.svg"
    out.write_bytes(spliced(SVG, DOCUMENTS["plain"].encode()))
    assert judged(out, config) == LABEL


@pytest.mark.parametrize(
    ("part", "place"),
    [
        (f"<desc>{wrapped(OTHER)}</desc>", "<desc>"),
        (f"<g><title><![CDATA[ {wrapped(OTHER)} ]]></title></g>", "<title>"),
        (f"<!-- {wrapped(OTHER)} -->", "comment"),
        (f"<?aigc {wrapped(OTHER)}?>", "comment"),
        (f"<g data-aigc='{wrapped(OTHER)}'/>", "attribute data-aigc"),
        (f"<metadata>{wrapped(OTHER)}</metadata>", "<metadata>"),
        (f"<defs>{packet(OTHER)}</defs>", "other XMP TC260:AIGC"),
        (f"<g><metadata>{packet(OTHER, attribute=True)}</metadata></g>", "other XMP TC260:AIGC"),
    ],
)
def test_labels_at_odd_places_of_an_svg_are_read_and_give_way(part: str, place: str) -> None:
    data = f"{HEAD}{DRAWN}{part}</svg>".encode()
    assert [p for p, _ in places(SVG, data)] == [place]
    moved = spliced(SVG, data)
    assert places(SVG, moved) == [(PLACE, LABEL)]
    assert not read(SVG, moved).unread


@pytest.mark.parametrize(
    "document",
    [
        f"{HEAD}<text>{wrapped(OTHER)}</text></svg>",
        f"<!DOCTYPE svg [<!ENTITY l '{OTHER}'>]>{HEAD}<desc>&l;</desc></svg>",
        f"{HEAD}</svg>{wrapped(OTHER)}",
        f"{HEAD}<metadata>",
    ],
)
def test_what_cannot_be_read_of_an_svg_is_told(document: str) -> None:
    assert read(SVG, document.encode()).unread


def test_a_wide_svg_is_refused_with_its_reason() -> None:
    data = DOCUMENTS["plain"].encode("utf-16")
    assert formats.of(data).name == "svg"
    assert read(SVG, data).unread
    with pytest.raises(Refused, match="UTF-16"):
        spliced(SVG, data)


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE svg ["
        + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
        + b']><svg x="&j;"/>',
        b'<!DOCTYPE svg [<!ENTITY a "' + b"a" * 1000 + b'">]><svg x="' + b"&a;" * 300_000 + b'"/>',
        b"<svg>" + b"<a>" * 300_000,
        b"<svg>" + b"<metadata/>" * 90_000 + b"</svg>",
        b"<svg x='" + b"{" * 1_000_000,
    ],
)
def test_a_hostile_svg_is_not_read_for_long(data: bytes) -> None:
    assert read(SVG, data).unread
    with pytest.raises(MingwenError):
        spliced(SVG, data)


def test_what_an_svg_says_of_its_making() -> None:
    manifest = base64.b64encode(STORE).decode()
    extra = f"<metadata>{packet(OTHER)}<c:manifest xmlns:c='http://c2pa.org/manifest'>{manifest}</c:manifest></metadata>"
    clues = said(SVG, f"<!-- Generator: x -->{HEAD}<title>a house</title>{extra}</svg>".encode())
    assert (Channel.TEXT, "comment", "Generator: x") in clues
    assert (Channel.BODY, "title", "a house") in clues
    assert (Channel.MANIFEST, "c2pa:manifest", TOLD) in clues
    assert any(c == Channel.XMP and "rdf:RDF" in text for c, _, text in clues)


@pytest.mark.parametrize(
    ("head", "suffix", "name"),
    [
        (b"<svg>", "", "svg"),
        (b"<svg>", ".txt", "svg"),
        (b"<svg>", ".md", "markdown"),
        (b"<svg>", ".html", "html"),
        (b"<svgx>", ".txt", "text"),
        (b"<!doctype html><svg>", ".svg", "html"),
        (b"<!-- " + b"x" * HEAD_BYTES, ".svg", "svg"),
        (b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x"><svg>', "", "svg"),
    ],
)
def test_one_format_claims_what_begins_with_a_drawing(head: bytes, suffix: str, name: str) -> None:
    assert formats.of(head, suffix).name == name


def test_a_packed_svg_is_unknown() -> None:
    with pytest.raises(Malformed, match="expected one of"):
        formats.of(b"\x1f\x8b\x08\0\0\0\0\0", ".svgz")


# --- BMP ----------------------------------------------------------------------------------------------------------------


def test_a_bmp_is_searched_around_its_pixels_and_labelled_beside(
    pictures: list[Image.Image], tmp_path: Path, config: str
) -> None:
    for mode in ("RGB", "L", "P", "1", "RGBA"):
        held = io.BytesIO()
        pictures[0].convert(mode).save(held, "bmp")
        data = held.getvalue()
        assert formats.of(data[:HEAD_BYTES]).name == "bmp"
        assert read(BMP, data) == Reading()
        assert read(BMP, data[:-1]).unread
        assert places(BMP, data + wrapped(OTHER).encode()) == [("after the pixels", wrapped(OTHER))]
        start = int.from_bytes(data[10:14], "little")
        gap = OTHER.encode()
        moved = data[:10] + (start + len(gap)).to_bytes(4, "little") + data[14:start] + gap + data[start:]
        assert read(BMP, moved).unread
    beside = tmp_path / "a.xmp"
    beside.write_bytes(spliced(BMP, data))
    assert judged(beside, config) == LABEL


@pytest.mark.parametrize("data", [b"BM", b"BM" + bytes(40), b"BM" + b"\xff" * 60])
def test_a_broken_bmp_is_told(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(BMP, data)
    with pytest.raises(Malformed):
        spliced(BMP, data)


def test_a_comment_with_a_label_and_a_broken_one_is_emptied_of_both() -> None:
    wrapped = '{"AIGC":' + LABEL + "}"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><!-- {wrapped} and {{"AIGC": {{"Label" --><rect/></svg>'.encode()
    out = spliced(SVG, svg)
    assert [s.place for s in SVG.read(io.BytesIO(out)).sites] == [SVG.place]
