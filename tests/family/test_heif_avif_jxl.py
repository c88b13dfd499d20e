"""HEIF, AVIF and JPEG XL: decoders see the same pixels and the label, and boxes at their edges are read right."""

import io
import struct
import subprocess
import zlib
from pathlib import Path

import pillow_heif
import pillow_jxl  # noqa: F401 - the plugin registers itself
import pytest
from PIL import Image, ImageSequence

from manifest_store import STORE, TOLD, box
from mingwen import formats
from mingwen.containers import iloc
from mingwen.containers.chunk_offsets import Shift
from mingwen.containers.iloc import Extent, Place, Table
from mingwen.domain.clues import Channel
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.labels import produced, to_json, wrapped
from mingwen.domain.media import Keep
from mingwen.domain.sites import Reading
from mingwen.formats import Format, _xmp
from mingwen.formats.avif import MEMBER as AVIF
from mingwen.formats.heif import MEMBER as HEIF
from mingwen.formats.jxl import MEMBER as JXL
from mingwen.formats.mp4 import MEMBER as MP4

LABEL = to_json(produced(producer="001191310104MACE0YX63918020", produce_id="142569260085903360"))
OTHER = to_json(produced(producer="另一个", produce_id="x" * 300))
XMP_ID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
C2PA_ID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")

pillow_heif.register_heif_opener()


def assembled(member: Format, data: bytes, label: str = LABEL) -> bytes:
    pieces = member.splice(io.BytesIO(data), label)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def read(member: Format, data: bytes) -> Reading:
    return member.read(io.BytesIO(data))


def texts(member: Format, data: bytes) -> list[str]:
    found = read(member, data)
    assert not found.unread
    return [s.text for s in found.sites]


def pixels(data: bytes) -> list[bytes]:
    with Image.open(io.BytesIO(data)) as picture:
        return [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(picture)]


def top(data: bytes) -> list[tuple[bytes, int, int]]:
    out, at = [], 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        stop = at + size if size else len(data)
        out.append((kind, at, stop))
        at = stop
    return out


@pytest.fixture(scope="module")
def cat(media: Path) -> Image.Image:
    with Image.open(media / "chelsea.png") as picture:
        small = picture.resize((64, 48))
    small.info.clear()
    return small


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def heic(cat: Image.Image) -> bytes:
    return saved(cat, "HEIF", quality=80)


@pytest.fixture(scope="module")
def avif(cat: Image.Image) -> bytes:
    return saved(cat, "AVIF", quality=80)


@pytest.fixture(scope="module")
def jxl(cat: Image.Image) -> bytes:
    return saved(cat, "JXL", quality=80)


@pytest.fixture(scope="module")
def boxed(jxl: bytes) -> bytes:
    """The same in a container."""
    return box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl ", bytes(4), b"jxl ") + box(b"jxlc", jxl)


@pytest.fixture(scope="module")
def sequence(media: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("avif") / "a.avif"
    film = ["-i", str(media / "bunny.mp4"), "-t", "0.2", "-vf", "scale=64:36", "-an", "-c:v", "libaom-av1", "-cpu-used", "8"]
    subprocess.run(["ffmpeg", "-v", "error", *film, str(out)], check=True)
    return out.read_bytes()


def judged(path: Path, *command: str) -> str:
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


# --- foreign judges -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("member", "name"), [(HEIF, "heic"), (AVIF, "avif"), (AVIF, "sequence"), (JXL, "jxl"), (JXL, "boxed")])
def test_pixels_stay_and_exiftool_finds_the_label(
    member: Format, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    data: bytes = request.getfixturevalue(name)
    once = assembled(member, data)
    twice = assembled(member, once, OTHER)
    assert pixels(data) == pixels(once) == pixels(twice)
    assert assembled(member, twice) == once
    path = tmp_path / f"a{member.suffixes[0]}"
    path.write_bytes(once)
    assert judged(path, "exiftool", "-b", "-XMP-TC260:all") == LABEL
    assert "Warning" not in judged(path, "exiftool", "-validate", "-warning", "-a")


def test_heif_info_and_avifdec_and_jxlinfo_know_the_packet(heic: bytes, avif: bytes, jxl: bytes, tmp_path: Path) -> None:
    length = len(_xmp.edit(None, LABEL))
    for member, data, command, words in (
        (HEIF, heic, ["heif-info"], f"XMP: {length} bytes"),
        (AVIF, avif, ["avifdec", "--info"], f"XMP Metadata   : Present ({length} bytes)"),
        (JXL, jxl, ["jxlinfo", "-v"], "Uncompressed xml  metadata"),
    ):
        path = tmp_path / f"b{member.suffixes[0]}"
        path.write_bytes(assembled(member, data))
        assert words in judged(path, *command)


def test_a_packet_of_others_is_edited_and_keeps_what_it_says(cat: Image.Image) -> None:
    packet = _xmp.edit(None, OTHER).replace(b"<TC260:AIGC>", b'<dc:title xmlns:dc="d">kept</dc:title><TC260:AIGC>')
    for member, kind in ((HEIF, "HEIF"), (AVIF, "AVIF"), (JXL, "JXL")):
        data = saved(cat, kind, xmp=packet) if kind != "JXL" else saved(cat, kind, xmp=packet, compress_metadata=False)
        assert texts(member, data) == [OTHER]
        out = assembled(member, data)
        assert texts(member, out) == [LABEL]
        assert out.count(b"kept") == 1
        assert b"x" * 300 not in out
        assert pixels(out) == pixels(data)
        clue = next(c for c in member.clues(io.BytesIO(out)) if c.channel is Channel.XMP)
        assert "kept" in clue.text


def test_a_label_that_exiftool_wrote_is_read(heic: bytes, avif: bytes, boxed: bytes, tmp_path: Path) -> None:
    config = tmp_path / "c.cfg"
    config.write_text(
        "%Image::ExifTool::UserDefined = ('Image::ExifTool::XMP::Main' => { TC260 => { SubDirectory => {"
        " TagTable => 'Image::ExifTool::UserDefined::TC260' } } });\n"
        "%Image::ExifTool::UserDefined::TC260 = (GROUPS => { 0 => 'XMP', 1 => 'XMP-TC260' },"
        f" NAMESPACE => {{ 'TC260' => '{_xmp.NAMESPACE}' }}, WRITABLE => 'string', AIGC => {{}});\n1;\n"
    )
    for member, data in ((HEIF, heic), (AVIF, avif), (JXL, boxed)):
        path = tmp_path / f"e{member.suffixes[0]}"
        path.write_bytes(data)
        judged(path, "exiftool", "-config", str(config), "-overwrite_original", f"-XMP-TC260:AIGC={OTHER}")
        labelled = path.read_bytes()
        assert texts(member, labelled) == [OTHER]
        out = assembled(member, labelled)
        assert texts(member, out) == [LABEL]
        assert pixels(out) == pixels(data)


def test_exif_is_a_clue(cat: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0131] = "Model 3"
    for member, kind in ((HEIF, "HEIF"), (AVIF, "AVIF"), (JXL, "JXL")):
        told = member.clues(io.BytesIO(saved(cat, kind, exif=exif.tobytes())))
        assert ("Software", "Model 3") in [(c.name, c.text) for c in told if c.channel is Channel.EXIF]


def test_labels_in_exif_are_read_and_blanked(cat: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x010E] = wrapped(LABEL)
    for member, kind in ((HEIF, "HEIF"), (AVIF, "AVIF"), (JXL, "JXL")):
        data = saved(cat, kind, exif=exif.tobytes())
        (site,) = read(member, data).sites
        assert (site.place, site.guide) == ("Exif ImageDescription", False)
        out = assembled(member, data, OTHER)
        assert texts(member, out) == [OTHER]
        assert pixels(out) == pixels(data)


def test_a_jpeg_in_jpeg_xl_comes_out_byte_for_byte(media: Path, tmp_path: Path) -> None:
    subprocess.run(
        ["cjxl", "--lossless_jpeg=1", str(media / "rocket.jpg"), str(tmp_path / "a.jxl")], check=True, capture_output=True
    )
    (tmp_path / "a.jxl").write_bytes(assembled(JXL, (tmp_path / "a.jxl").read_bytes()))
    subprocess.run(["djxl", str(tmp_path / "a.jxl"), str(tmp_path / "a.jpg")], check=True, capture_output=True)
    assert (tmp_path / "a.jpg").read_bytes() == (media / "rocket.jpg").read_bytes()


def test_a_bare_codestream_is_kept_whole_within_a_container(media: Path, tmp_path: Path) -> None:
    subprocess.run(["cjxl", "--container=0", str(media / "coffee.png"), str(tmp_path / "a.jxl")], check=True, capture_output=True)
    data = (tmp_path / "a.jxl").read_bytes()
    assert data.startswith(b"\xff\n")
    out = assembled(JXL, data)
    assert Keep(0, len(data)) in JXL.splice(io.BytesIO(data), LABEL)
    assert [kind for kind, _, _ in top(out)] == [b"JXL ", b"ftyp", b"xml ", b"jxlc"]
    (tmp_path / "b.jxl").write_bytes(out)
    for name in "ab":
        subprocess.run(["djxl", str(tmp_path / f"{name}.jxl"), str(tmp_path / f"{name}.ppm")], check=True, capture_output=True)
    assert (tmp_path / "a.ppm").read_bytes() == (tmp_path / "b.ppm").read_bytes()
    assert texts(JXL, data + wrapped(OTHER).encode()) == [wrapped(OTHER)]
    assert assembled(JXL, data + wrapped(OTHER).encode()) == out


# --- who claims what ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("brands", "name"),
    [
        (b"heic", "heif"),
        (b"mif1heic", "heif"),
        (b"mif1avif", "avif"),
        (b"miafMA1B", "avif"),
        (b"msf1avis", "avif"),
        (b"msf1hevc", "heif"),
        (b"heicavif", "heif"),
        (b"avifheic", "avif"),
        (b"avismsf1", "avif"),
        (b"isomavif", "mp4"),
        (b"mif1", "heif"),
    ],
)
def test_exactly_one_member_claims_a_brand(brands: bytes, name: str) -> None:
    head = box(b"ftyp", brands[:4], bytes(4), brands[:4], brands[4:]) + box(b"meta", b"avif" * 9)
    assert formats.of(head, ".heic").name == name
    assert MP4.claims(head, "") == (name == "mp4")


# --- boxes at their edges -----------------------------------------------------------------------------------------------


def built(
    *, version: int, sizes: int, items: bytes, count: int, iloc: bytes, idat: bytes = b"", tail: bytes = b"", closed: bool = True
) -> bytes:
    """Build a file with an item 1 of eight bytes, the "picture", at 4 bytes into an mdat that follows the meta."""
    picture = box(b"infe", struct.pack(">B3xHH4s", 2, 1, 0, b"av01"), b"\0")
    tables = (
        box(b"hdlr", bytes(8), b"pict", bytes(13)),
        box(b"pitm", bytes(4), struct.pack(">H", 1)),
        box(b"iinf", bytes(4), struct.pack(">H", 1 + count), picture, items),
        box(b"iloc", struct.pack(">B3xH", version, sizes), iloc),
        box(b"idat", idat) if idat else b"",
    )
    head = box(b"ftyp", b"avif", bytes(4), b"avifmif1") + box(b"meta", bytes(4), *tables)
    body = b"....PICTURE!" + tail
    return head + (box(b"mdat", body) if closed else struct.pack(">I4s", 0, b"mdat") + body)


def picture_at(data: bytes) -> int:
    return data.index(b"PICTURE!")


def located(data: bytes, item: int = 1) -> bytes:
    """Return the bytes of an item by a reading of the ``iloc`` of our own, beside the one under test."""
    at = data.index(b"iloc") + 4
    version = data[at]
    sizes = int.from_bytes(data[at + 4 : at + 6])
    widths = [sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15 if version else 0]
    number = 4 if version == 2 else 2
    at += 6

    def take(width: int) -> int:
        nonlocal at
        at += width
        return int.from_bytes(data[at - width : at])

    for _ in range(take(number)):
        current, method = take(number), take(2) if version else 0
        take(2)
        base = take(widths[2])
        out = b""
        for _ in range(take(2)):
            take(widths[3])
            offset, length = take(widths[0]), take(widths[1])
            start = base + offset + (data.index(b"idat") + 4 if method == 1 else 0)
            out += data[start : start + length]
        if current == item:
            return out
    raise AssertionError(item)


def plain(at: int, **given: object) -> bytes:
    return built(version=0, sizes=0x4400, items=b"", count=0, iloc=struct.pack(">HHHHII", 1, 1, 0, 1, at, 8), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("sizes", [0x4400, 0x8800, 0x0440, 0x0480, 0x4440, 0x8084])
def test_every_form_of_the_table_is_moved(version: int, sizes: int) -> None:
    offset, length, base, index = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15 if version else 0

    def table(at: int) -> bytes:
        number = 4 if version == 2 else 2
        first = 3 if base and offset else at if base else 0
        out = (1).to_bytes(number) + (1).to_bytes(number) + (bytes(2) if version else b"") + bytes(2)
        out += first.to_bytes(base) + (1).to_bytes(2) + bytes(index)
        return out + (at - first).to_bytes(offset) + (8 if length else 0).to_bytes(length)  # 0: to the end

    def build(at: int) -> bytes:
        return built(version=version, sizes=sizes, items=b"", count=0, iloc=table(at))

    data = build(picture_at(build(9)))
    out = assembled(AVIF, data)
    assert picture_at(out) > picture_at(data)
    assert located(out) == b"PICTURE!"
    assert located(out, 2) == _xmp.edit(None, LABEL)
    assert texts(AVIF, out) == [LABEL]
    assert assembled(AVIF, out) == out


def test_an_open_mdat_takes_the_packet_in_and_grows_with_it() -> None:
    data = plain(picture_at(plain(0, closed=False)), closed=False)
    out = assembled(AVIF, data)
    assert [kind for kind, _, _ in top(out)] == [b"ftyp", b"meta", b"mdat"]
    longer = assembled(AVIF, out, OTHER)
    for labelled, label in ((out, LABEL), (longer, OTHER)):
        assert (located(labelled), located(labelled, 2)) == (b"PICTURE!", _xmp.edit(None, label))
    assert assembled(AVIF, longer) == out


def test_a_table_too_narrow_for_the_end_of_a_large_file_becomes_wider() -> None:
    table = Table(0, 4, 4, 0, 0, (Place(1, (Extent((1 << 32) - 10, 8),)),))
    wide = iloc.parse(table.moved(Shift(100, 50)).packed())
    assert (wide.offset_size, wide.places[0].extents[0].offset) == (8, (1 << 32) + 40)


def xmp_item(number: int, *, protection: int = 0, encoding: bytes = b"") -> bytes:
    words = b"\0application/rdf+xml\0" + (encoding + b"\0" if encoding else b"")
    return box(b"infe", struct.pack(">B3xHH4s", 2, number, protection, b"mime"), words)


def with_xmp_in_idat(packet: bytes, **item: object) -> bytes:
    def build(at: int) -> bytes:
        places = struct.pack(">HHHHHII", 2, 1, 0, 0, 1, at, 8) + struct.pack(">HHHHII", 2, 1, 0, 1, 0, len(packet))
        return built(version=1, sizes=0x4400, items=xmp_item(2, **item), count=1, iloc=places, idat=packet)  # type: ignore[arg-type]

    return build(picture_at(build(0)))


def test_xmp_in_the_meta_itself_is_read_and_moves_out() -> None:
    data = with_xmp_in_idat(_xmp.edit(None, OTHER))
    assert texts(AVIF, data) == [OTHER]
    out = assembled(AVIF, data)
    assert texts(AVIF, out) == [LABEL]
    assert b"x" * 300 not in out
    assert located(out) == b"PICTURE!"
    assert out.count(b"rdf+xml") == 1


@pytest.mark.parametrize("bits", [15, -15, 31])
def test_compressed_xmp_is_read_and_written_plainly(bits: int) -> None:
    packer = zlib.compressobj(wbits=bits)
    data = with_xmp_in_idat(packer.compress(_xmp.edit(None, OTHER)) + packer.flush(), encoding=b"deflate")
    assert texts(AVIF, data) == [OTHER]
    out = assembled(AVIF, data)
    assert texts(AVIF, out) == [LABEL]
    assert b"deflate" not in out
    assert located(out, 2) == _xmp.edit(_xmp.edit(None, OTHER), LABEL)


@pytest.mark.parametrize("item", [{"protection": 1}, {"encoding": b"br"}])
def test_xmp_that_cannot_be_read_is_told(item: dict[str, object]) -> None:
    data = with_xmp_in_idat(_xmp.edit(None, OTHER), **item)
    assert read(AVIF, data).unread
    with pytest.raises(Malformed):
        assembled(AVIF, data)


def test_xmp_that_shares_its_bytes_with_a_picture_is_not_written_over() -> None:
    def build(at: int) -> bytes:
        packet = _xmp.edit(None, OTHER)
        places = struct.pack(">HHHHII", 2, 1, 0, 1, at + 9, 90) + struct.pack(">HHHII", 2, 0, 1, at, len(packet))
        return built(version=0, sizes=0x4400, items=xmp_item(2), count=1, iloc=places, tail=packet + b"...")

    data = build(build(9).index(b"<?xpacket"))
    with pytest.raises(Malformed, match="share"):
        assembled(AVIF, data)


def test_a_second_packet_loses_its_label_and_nothing_else(heic: bytes) -> None:
    once = assembled(HEIF, heic, OTHER)
    uuid = box(b"uuid", XMP_ID, _xmp.edit(None, LABEL))
    found = read(HEIF, once + uuid)
    assert [(s.place, s.guide) for s in found.sites] == [("XMP TC260:AIGC", True), ("uuid XMP TC260:AIGC", False)]
    out = assembled(HEIF, once + uuid)
    assert texts(HEIF, out) == [LABEL]
    assert pixels(out) == pixels(heic)
    assert [kind for kind, _, _ in top(out)].count(b"meta") == 1


def test_the_offsets_of_a_sequence_move_and_its_moov_gives_its_label_up(sequence: bytes) -> None:
    _, start, stop = next(b for b in top(sequence) if b[0] == b"moov")
    handler = box(b"hdlr", bytes(8), b"mdta", bytes(13))
    keys = box(b"keys", struct.pack(">II", 0, 1), struct.pack(">I4s", 12, b"mdta"), b"AIGC")
    item = box(b"ilst", box(b"\0\0\0\1", box(b"data", struct.pack(">II", 1, 0), OTHER.encode())))
    extra = box(b"udta", box(b"meta", bytes(4), handler, keys, item))
    inner = sequence[start + 8 : stop]
    tagged = sequence[:start] + box(b"free", inner) + sequence[stop:] + box(b"moov", inner, extra)
    (site,) = read(AVIF, tagged).sites
    assert (site.text, site.guide) == (OTHER, False)
    out = assembled(AVIF, tagged)
    assert texts(AVIF, out) == [LABEL]
    assert pixels(out) == pixels(tagged) == pixels(sequence)


def test_what_hides_elsewhere_is_told(heic: bytes, boxed: bytes) -> None:
    hidden = wrapped(OTHER).encode()
    json_item = with_xmp_in_idat(hidden).replace(b"application/rdf+xml", b"application/x+json_")
    for member, data in (
        (HEIF, heic + box(b"skip", hidden)),
        (HEIF, heic + box(b"uuid", bytes(16), hidden)),
        (HEIF, heic + box(b"moov", box(b"cmov", zlib.compress(hidden)))),
        (HEIF, heic + hidden),
        (AVIF, json_item),
        (JXL, boxed + box(b"note", hidden)),
        (JXL, boxed + hidden),
        (JXL, boxed + box(b"xml ", b"<a>" + hidden + b"</a>")),
        (JXL, boxed + box(b"brob", b"xml ", b"\x0b\x02")),
        (JXL, boxed + box(b"brob", b"Exif", b"\x0b\x02")),
    ):
        assert read(member, data).unread
    assert not read(JXL, boxed + box(b"brob", b"tree", b"\x0b\x02")).unread


def test_a_picture_without_place_is_refused(heic: bytes, boxed: bytes) -> None:
    with pytest.raises(Malformed, match="compressed"):
        assembled(HEIF, heic + box(b"moov", box(b"cmov", bytes(8))))
    with pytest.raises(Refused, match="items"):
        assembled(HEIF, box(b"ftyp", b"msf1", bytes(4), b"hevc") + box(b"moov", box(b"mvhd", bytes(100))))
    with pytest.raises(Refused, match="compressed"):
        assembled(JXL, boxed + box(b"brob", b"xml ", b"\x0b\x02"))
    with pytest.raises(Malformed, match="no codestream"):
        assembled(JXL, boxed[:32])


def test_the_manifest_of_c2pa_is_a_clue(heic: bytes, boxed: bytes) -> None:
    uuid = box(b"uuid", C2PA_ID, bytes(4), b"manifest\0", bytes(8), STORE)
    for member, data in ((HEIF, heic + uuid), (JXL, boxed + STORE)):
        (clue,) = (c for c in member.clues(io.BytesIO(data)) if c.channel is Channel.MANIFEST)
        assert clue.text == TOLD
        assert texts(member, data) == []
        assert STORE in assembled(member, data)


def test_a_table_built_to_exhaust_a_reader_is_told() -> None:
    bomb = built(version=0, sizes=0x0000, items=b"", count=0, iloc=struct.pack(">HHHH", 9, 1, 0, 0xFFFF) * 40)
    many = built(version=0, sizes=0x4400, items=xmp_item(2) * 20_000, count=20_000, iloc=struct.pack(">HHHHII", 1, 2, 0, 1, 0, 0))
    for data in (bomb, many):
        assert read(AVIF, data).unread
        with pytest.raises(MingwenError):
            assembled(AVIF, data)


def test_a_list_of_items_that_breaks_off_is_told_of(cat: Image.Image) -> None:
    labelled = assembled(HEIF, saved(cat, "heif"))
    last = labelled.rindex(b"infe")
    found = read(HEIF, labelled[:last] + b"eefn" + labelled[last + 4 :])
    assert not found.sites
    assert "among its items" in found.unread[0].reason


def test_an_item_without_a_size_is_told_of(heic: bytes) -> None:
    first = heic.index(b"infe")
    found = read(HEIF, heic[: first - 4] + bytes(4) + heic[first:])
    assert "has no size" in found.unread[0].reason
