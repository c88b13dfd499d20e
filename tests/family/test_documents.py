"""Documents in ZIP files: every byte of the archive, the places of the label, and what other programs say."""

import contextlib
import importlib
import io
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import documents
from documents import OFFICE, WORDS, custom, ooxml, ooxml_parts, packed, unpacked
from manifest_store import STORE, TOLD
from mingwen import formats
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.labels import produced, to_json, wrapped
from mingwen.domain.media import Keep, Splice
from mingwen.domain.sites import Reading
from mingwen.formats import Channel, Format
from mingwen.formats import _packages as heads

LABEL = to_json(produced(producer="001191310104MACE0YX63918020", produce_id='<"142569260085903360"&>'))
OTHER = to_json(produced(producer="另一个", produce_id="x" * 300))
ATTRIBUTE = LABEL.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
ODFS = ("text", "spreadsheet", "presentation")
MAKERS: dict[str, Callable[[], bytes]] = {
    **{name: lambda name=name: ooxml(name) for name in documents.MAIN},  # type: ignore[misc]
    **{name: lambda kind=kind: documents.odf(kind) for name, kind in zip(("odt", "ods", "odp"), ODFS, strict=True)},  # type: ignore[misc]
    "epub": documents.epub,
}
PROPERTY = '<property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="{}" name="{}"><vt:lpwstr>{}</vt:lpwstr></property>'
RELATION = '<Relationship Id="rId1" Type="{}" Target="{}"/>'


def of(data: bytes, suffix: str = "") -> Format:
    return formats.of(data[: formats.HEAD_BYTES], suffix)


def assembled(data: bytes, pieces: Splice) -> bytes:
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def labelled(data: bytes, label: str = LABEL) -> bytes:
    return assembled(data, of(data).splice(io.BytesIO(data), label))


def reading(data: bytes) -> Reading:
    return of(data).read(io.BytesIO(data))


def texts(data: bytes) -> list[str]:
    found = reading(data)
    assert not found.unread
    return [s.text for s in found.sites]


def told(data: bytes) -> dict[tuple[Channel, str], str]:
    return {(c.channel, c.name): c.text for c in of(data).clues(io.BytesIO(data))}


def with_custom(properties: str, *, path: str = "docProps/custom.xml", relation: str = "") -> bytes:
    parts = ooxml_parts("docx") | {path: custom(properties)}
    kind = relation or f"{OFFICE}/relationships/custom-properties"
    parts["_rels/.rels"] = parts["_rels/.rels"].replace("</Rel", RELATION.format(kind, path).replace("rId1", "rId9") + "</Rel")
    return packed(parts.items())


# Which document is it?


@pytest.mark.parametrize("suffix", [".docx", ".epub", ".zip", ""])
@pytest.mark.parametrize("name", MAKERS)
def test_a_document_goes_by_its_bytes_whatever_it_is_called(name: str, suffix: str) -> None:
    assert of(MAKERS[name](), suffix).name == name


@pytest.mark.parametrize("suffix", [s for suffixes in heads.SUFFIXES.values() for s in suffixes])
def test_an_archive_that_does_not_tell_goes_by_its_suffix(suffix: str) -> None:
    assert suffix in of(packed([("a/b.xml", "<a/>")]), suffix).suffixes


@pytest.mark.parametrize(
    "mimetype", ["application/vnd.oasis.opendocument.graphics", "application/vnd.oasis.opendocument.text-web"]
)
def test_other_archives_are_of_no_format(mimetype: str) -> None:
    for data in (packed([("mimetype", mimetype), ("a.xml", "<a/>")]), packed([("a", "b")])):
        with pytest.raises(Malformed, match=r"format\.unknown"):
            of(data, ".zip")


def test_templates_and_names_tell() -> None:
    template = packed([("mimetype", "application/vnd.oasis.opendocument.text-template"), ("a", "b")])
    assert of(template).name == "odt"
    assert of(packed([("_rels/.rels", "x"), ("xl/workbook.xml", "x")])).name == "xlsx"
    assert of(packed([("META-INF/container.xml", "x")])).name == "epub"
    assert of(packed([("mimetype", "application/epub+zip\n"), ("a", "b")], stored=())).name == "epub"
    sheet = ooxml_parts("xlsx")["[Content_Types].xml"].replace("spreadsheetml.sheet", "ms-excel.sheet.macroEnabled")
    assert of(packed([("[Content_Types].xml", sheet)]), ".docm").name == "xlsx"


# What is written


@pytest.mark.parametrize("name", MAKERS)
def test_all_other_parts_stay_and_keep_their_order(name: str) -> None:
    data = MAKERS[name]()
    before, after = unpacked(data), unpacked(labelled(data))
    assert [n for n in after if n in before] == list(before)
    changed = {n for n in after if after[n] != before.get(n)}
    assert changed <= {"[Content_Types].xml", "_rels/.rels", "docProps/custom.xml", "meta.xml", "OEBPS/a.opf"}
    with zipfile.ZipFile(io.BytesIO(labelled(data))) as archive:
        for info in archive.infolist():
            assert info.compress_type == (zipfile.ZIP_STORED if info.filename == "mimetype" else zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize("name", documents.MAIN)
def test_the_property_is_registered_as_the_guide_wants_it(name: str) -> None:
    parts = unpacked(labelled(ooxml(name)))
    assert (
        b'<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="AIGC"><vt:lpwstr>'
        in parts["docProps/custom.xml"]
    )
    assert b'PartName="/docProps/custom.xml"' in parts["[Content_Types].xml"]
    assert (
        f'Id="rId3" Type="{OFFICE}/relationships/custom-properties" Target="docProps/custom.xml"'.encode() in parts["_rels/.rels"]
    )


def test_properties_at_another_path_keep_their_neighbours() -> None:
    data = with_custom(PROPERTY.format(2, "Owner", "me") + PROPERTY.format(7, "AIGC", "{}"), path="other/own.xml")
    out = labelled(data)
    parts = unpacked(out)
    assert texts(out) == [LABEL]
    assert "docProps/custom.xml" not in parts
    assert parts["other/own.xml"].startswith(custom(PROPERTY.format(2, "Owner", "me")).encode().removesuffix(b"</Properties>"))
    assert b'pid="7" name="AIGC"' in parts["other/own.xml"]


def test_a_strict_document_gets_strict_names() -> None:
    strict = "http://purl.oclc.org/ooxml/officeDocument"
    parts = ooxml_parts("docx")
    parts["_rels/.rels"] = parts["_rels/.rels"].replace(
        f"{OFFICE}/relationships/officeDocument", f"{strict}/relationships/officeDocument"
    )
    out = unpacked(labelled(packed(parts.items())))
    assert f'Type="{strict}/relationships/customProperties"'.encode() in out["_rels/.rels"]
    assert f'xmlns="{strict}/customProperties"'.encode() in out["docProps/custom.xml"]


@pytest.mark.parametrize(
    "opening", ['<p:Properties xmlns:p="{0}"/>', '<Properties xmlns="{0}"></Properties>', '<Properties xmlns="{0}" />']
)
def test_empty_and_prefixed_properties_are_filled(opening: str) -> None:
    parts = {"docProps/custom.xml": opening.format(f"{OFFICE}/custom-properties")}
    data = with_custom("")
    data = packed((unpacked(data) | parts).items())
    assert texts(labelled(data)) == [LABEL]
    assert labelled(labelled(data)) == labelled(data)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le"])
def test_a_part_in_utf_16_stays_so(codec: str) -> None:
    part = custom(PROPERTY.format(2, "Owner", "我")).replace("UTF-8", "UTF-16").encode(codec)
    out = labelled(packed((unpacked(with_custom("")) | {"docProps/custom.xml": part}).items()))
    assert texts(out) == [LABEL]
    assert "我" in unpacked(out)["docProps/custom.xml"].decode(codec)


@pytest.mark.parametrize("kind", ODFS)
def test_a_missing_meta_is_made_and_registered(kind: str) -> None:
    parts = unpacked(documents.odf(kind))
    del parts["meta.xml"]
    parts["META-INF/manifest.xml"] = parts["META-INF/manifest.xml"].replace(b'"meta.xml"', b'"else.xml"')
    out = labelled(packed(parts.items()))
    assert texts(out) == [LABEL]
    assert b'manifest:full-path="meta.xml"' in unpacked(out)["META-INF/manifest.xml"]
    assert labelled(out) == out


def test_the_other_place_of_a_book_is_a_declared_property() -> None:
    data = documents.epub()
    (other,) = of(data).alternatives
    out = assembled(data, other.splice(io.BytesIO(data), LABEL))
    (site,) = reading(out).sites
    assert (site.place, site.text) == (other.place, LABEL)
    assert assembled(out, other.splice(io.BytesIO(out), LABEL)) == out
    assert b'prefix="TC260: http://www.tc260.org.cn/ns/AIGC/1.0/"' in unpacked(out)["OEBPS/a.opf"]
    assert [s.place for s in reading(labelled(out)).sites] == [of(data).place]
    old = data_with(data, "OEBPS/a.opf", b'version="3.0"', b'version="2.0"')
    with pytest.raises(Refused, match=r"epub\.no-properties"):
        other.splice(io.BytesIO(old), LABEL)


def data_with(data: bytes, name: str, old: bytes, new: bytes) -> bytes:
    parts = unpacked(data)
    assert old in parts[name]
    return packed((parts | {name: parts[name].replace(old, new)}).items())


# Where labels are found


HIDDEN = {
    "core": (
        "docProps/core.xml",
        b"</cp:core",
        f"<keywords>{{before}} {ATTRIBUTE} after</keywords></cp:core",
    ),
    "item": ("customXml/item3.xml", b"", f'<a xmlns:x="urn:x"><x:AIGC>{ATTRIBUTE}</x:AIGC></a>'),
    "attribute": ("customXml/item1.xml", b"", f'<a b=\'1\' c="{ATTRIBUTE}" d="2"/>'),
    "variable": ("word/settings.xml", b"", f'<w:s xmlns:w="u"><w:docVar w:name="AIGC" w:val="{ATTRIBUTE}"/></w:s>'),
    "text": ("META-INF/aigc.json", b"", wrapped(LABEL)),
    "unrelated": ("docProps/custom.xml", b"", custom(PROPERTY.format(2, "AIGC", ATTRIBUTE))),
    "named": ("docProps/custom.xml", b"", custom(PROPERTY.format(2, "x-aigc-label", ATTRIBUTE))),
    "other name": ("docProps/custom.xml", b"", custom(PROPERTY.format(2, "Comment", ATTRIBUTE))),
}


@pytest.mark.parametrize("case", HIDDEN)
def test_a_label_elsewhere_in_a_document_is_read_and_moved(case: str) -> None:
    name, old, new = HIDDEN[case]
    parts: dict[str, bytes] = unpacked(ooxml("docx"))
    parts[name] = parts[name].replace(old, new.encode()) if old else new.encode()
    data = packed(parts.items())
    (site,) = reading(data).sites
    assert LABEL in site.text
    assert not site.guide
    out = labelled(data, OTHER)
    assert texts(out) == [OTHER]
    if case == "core":
        assert b"<keywords>{before}  after</keywords>" in unpacked(out)[name]


@pytest.mark.parametrize(
    ("name", "part", "old", "new"),
    [
        ("odt", "meta.xml", b"</office:meta>", f"<meta:keyword>{ATTRIBUTE}</meta:keyword></office:meta>"),
        (
            "odt",
            "meta.xml",
            b"</office:meta>",
            f'<meta:user-defined meta:name="my AIGC">{ATTRIBUTE}</meta:user-defined></office:meta>',
        ),
        ("epub", "OEBPS/a.opf", b"</metadata>", f"<dc:description>{ATTRIBUTE}</dc:description></metadata>"),
        ("epub", "OEBPS/a.opf", b"</metadata>", f'<meta property="x:AIGC">{ATTRIBUTE}</meta></metadata>'),
        ("epub", "OEBPS/a.opf", b"</metadata>", f'<meta name="comment" content="{ATTRIBUTE}"></meta></metadata>'),
    ],
)
def test_a_label_elsewhere_in_other_documents_is_read_and_moved(name: str, part: str, old: bytes, new: str) -> None:
    data = data_with(MAKERS[name](), part, old, new.encode())
    (site,) = reading(data).sites
    assert (site.text, site.guide) == (LABEL, False)
    assert texts(labelled(data, OTHER)) == [OTHER]


@pytest.mark.parametrize("name", MAKERS)
def test_a_label_behind_the_archive_or_in_its_comment_is_read_and_moved(name: str) -> None:
    data = MAKERS[name]()
    parts = list(unpacked(data).items())
    for odd in (data + wrapped(LABEL).encode(), packed(parts, comment=b"a " + wrapped(LABEL).encode() + b" b")):
        (site,) = reading(odd).sites
        assert site.place == "behind the archive"
        out = labelled(odd)
        assert texts(out) == [LABEL]
        unpacked(out)
    with zipfile.ZipFile(io.BytesIO(labelled(packed(parts, comment=b"a " + wrapped(LABEL).encode() + b" b")))) as archive:
        assert archive.comment == b"a  b"


def test_two_entries_of_one_name_are_both_read_and_never_written() -> None:
    parts = [*unpacked(with_custom(PROPERTY.format(2, "AIGC", ATTRIBUTE))).items()]
    with pytest.warns(UserWarning, match="Duplicate"):
        data = packed([*parts, ("docProps/custom.xml", custom(PROPERTY.format(2, "AIGC", OTHER.replace('"', "&quot;"))))])
    assert sorted(texts(data)) == sorted([LABEL, OTHER])
    with pytest.raises(Malformed, match=r"zip\.twice"):
        labelled(data)


# What cannot be read is told


@pytest.mark.parametrize("name", MAKERS)
def test_an_encrypted_or_unknown_entry_is_told_and_not_written(name: str) -> None:
    data = labelled(MAKERS[name]())
    part = {"odf": b"meta.xml", "epu": b"OEBPS/a.opf"}.get(
        name[:3], b"meta.xml" if name.startswith("od") else b"docProps/custom.xml"
    )
    for offset, value in ((6, 1), (8, 12)):
        odd = bytearray(data)
        odd[local(data, part) + offset] = value
        odd[record(data, part) + offset + 2] = value
        found = reading(bytes(odd))
        assert not found.sites
        assert found.unread
        with pytest.raises(MingwenError):
            labelled(bytes(odd))


def local(data: bytes, name: bytes) -> int:
    return data.index(b"PK\3\4" + data[data.index(name) - 26 : data.index(name)] + name)


def record(data: bytes, name: bytes) -> int:
    return data.rindex(name) - 46


def test_encrypted_metadata_are_told() -> None:
    lock = b'"meta.xml" manifest:media-type="text/xml"><manifest:encryption-data/></manifest:file-entry>'
    data = data_with(documents.odf("text"), "META-INF/manifest.xml", b'"meta.xml" manifest:media-type="text/xml"/>', lock)
    assert [u.reason for u in reading(data).unread] == ["is encrypted"]
    with pytest.raises(Refused, match=r"odf\.encrypted"):
        labelled(data)
    book = packed(
        (unpacked(documents.epub()) | {"META-INF/encryption.xml": b'<e><CipherReference URI="OEBPS/a.opf"/></e>'}).items()
    )
    assert [u.reason for u in reading(book).unread] == ["is encrypted"]
    with pytest.raises(Refused, match=r"epub\.encrypted"):
        labelled(book)


def signature(*paths: str, inner: str = "") -> bytes:
    return "".join(["<S>", *(f'<Reference URI="{p}">{inner}</Reference>' for p in paths), "</S>"]).encode()


@pytest.mark.parametrize(
    ("name", "part", "covered"),
    [
        ("docx", "_xmlsignatures/sig1.xml", "/_rels/.rels?ContentType=x"),
        ("docx", "_xmlsignatures/sig1.xml", "/docProps/custom.xml?ContentType=x"),
        ("odt", "META-INF/documentsignatures.xml", "meta.xml"),
        ("epub", "META-INF/signatures.xml", "OEBPS/%61.opf"),
    ],
)
def test_a_signature_that_covers_the_place_is_not_broken(name: str, part: str, covered: str) -> None:
    data = packed((unpacked(MAKERS[name]()) | {part: signature("else.xml", covered)}).items())
    assert reading(data) == Reading()
    with pytest.raises(Refused, match=r"\.signed"):
        labelled(data)
    assert texts(labelled(packed((unpacked(MAKERS[name]()) | {part: signature("else.xml")}).items()))) == [LABEL]


def test_a_signature_over_single_relations_leaves_room() -> None:
    inner = '<Transform><RelationshipReference SourceId="rId1"/></Transform>'
    parts = unpacked(ooxml("docx")) | {"_xmlsignatures/sig1.xml": signature("/_rels/.rels?ContentType=x", inner=inner)}
    assert texts(labelled(packed(parts.items()))) == [LABEL]


@pytest.mark.parametrize("part", ["_rels/.rels", "docProps/core.xml"])
@pytest.mark.parametrize(
    "broken", [b"<a>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>ContentProducer &b;</a>', b"<a>ContentProducer" + b"<b>" * 99]
)
def test_a_broken_part_is_told(part: str, broken: bytes) -> None:
    if part == "docProps/core.xml" and b"Content" not in broken:
        return  # not a word of a label in it
    data = packed((unpacked(ooxml("docx")) | {part: broken}).items())
    assert [u.place for u in reading(data).unread] == [part]


def test_an_archive_that_can_be_read_in_two_ways_is_not_read() -> None:
    data = labelled(ooxml("docx"))
    name = b"docProps/custom.xml"
    renamed = data[: local(data, name) + 30] + b"docProps/custom.xmm" + data[local(data, name) + 49 :]
    shifted = bytearray(data)
    struct.pack_into("<I", shifted, record(data, name) + 42, local(data, b"_rels/.rels"))
    longer = bytearray(data)
    longer[record(data, name) + 24] ^= 1
    for odd in (renamed, bytes(shifted), bytes(longer)):
        with pytest.raises(Malformed, match=r"zip\.broken"):
            reading(odd)


def test_what_no_record_explains_is_searched() -> None:
    data = ooxml("docx")
    at = data.index(b"PK\1\2")
    for junk in (wrapped(LABEL).encode(), data):
        odd = bytearray(data[:at] + junk + data[at:])
        struct.pack_into("<I", odd, len(odd) - 6, at + len(junk))
        assert [u.place for u in reading(bytes(odd)).unread][:1] == ["between entries"]


# Odd and large archives


class Pipe(io.RawIOBase):
    """A stream that cannot be sought, so that sizes stand behind the data."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        """See ``io``."""
        return True

    def write(self, data: Any) -> int:
        """See ``io``."""
        self.data += bytes(data)
        return len(data)


@pytest.mark.parametrize("wide", [False, True])
def test_descriptors_and_zip64_are_followed(wide: bool) -> None:  # noqa: FBT001 - a parameter of the test
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in ooxml_parts("docx").items():
            with archive.open(name, "w", force_zip64=wide) as out:
                out.write(part.encode())
    out_data = labelled(pipe.data)
    assert texts(out_data) == [LABEL]
    assert len(unpacked(out_data)) == 5
    assert labelled(out_data) == out_data


def test_a_zip64_directory_is_kept_in_step() -> None:
    data = ooxml("docx")
    end = data.index(b"PK\5\6")
    count, size, at = struct.unpack_from("<HII", data, end + 10)
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, at)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    full = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    odd = data[:end] + wide + locator + full
    assert unpacked(odd) == unpacked(data)
    out = labelled(odd)
    assert texts(out) == [LABEL]
    assert unpacked(out) == unpacked(labelled(data))
    assert labelled(labelled(odd, OTHER)) == out


def test_bytes_before_the_archive_are_kept() -> None:
    data = labelled(documents.epub())
    body = importlib.import_module("mingwen.formats._epub")
    odd = b"#!/bin/sh\n" + data
    assert [s.text for s in body.read(io.BytesIO(odd)).sites] == [LABEL]
    out = assembled(odd, body.splice(io.BytesIO(odd), OTHER))
    assert out.startswith(b"#!/bin/sh\nPK")
    assert unpacked(out).keys() == unpacked(data).keys()


def test_large_media_are_copied_by_range(tmp_path: Path) -> None:
    path = tmp_path / "a.pptx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in ooxml_parts("pptx").items():
            archive.writestr(name, part)
        with archive.open("ppt/media/film.mp4", "w") as out:
            for _ in range(96):
                out.write(bytes(1 << 20))
    tracemalloc.start()
    with path.open("rb") as source:
        format_ = formats.of(source.read(formats.HEAD_BYTES))
        pieces = format_.splice(source, LABEL)
        assert not format_.read(source).sites
        list(format_.clues(source))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert sum(len(p) for p in pieces if isinstance(p, bytes)) < 8192


def bomb(name: str, unit: bytes, size: int) -> bytes:
    head, _, tail = custom("<!---->").partition("<!---->")
    part = head.encode() + unit * (size // len(unit)) + tail.encode()
    return packed((unpacked(with_custom("")) | {name: part}).items())


def crowd(names: str, part: str, count: int) -> bytes:
    return packed((unpacked(with_custom("")) | {names.format(n): part.encode() for n in range(count)}).items())


@pytest.mark.parametrize(
    ("names", "part"),
    [
        ("customXml/item{}.xml", "<AIGC>" + "<a/>" * 15_000 + "</AIGC>"),
        ("_xmlsignatures/sig{}.xml", "<S>" + '<Reference URI="a"/>' * 50_000 + "</S>"),
        ("{}/../docProps/custom.xml", "<S/>"),
        ("_rels/.rels", "<R>" + f'<Relationship Type="{OFFICE}/relationships/custom-properties" Target="a"/>' * 40_000 + "</R>"),
    ],
)
def test_a_crowd_costs_little(names: str, part: str) -> None:
    data = crowd(names, part, 60)
    began = time.process_time()
    for ask in (reading, labelled):
        with contextlib.suppress(MingwenError):
            ask(data)
    assert time.process_time() - began < 15  # a bound against squares, not a figure


@pytest.mark.parametrize("name", ["docProps/custom.xml", "customXml/item1.xml", "docProps/core.xml", "word/document.xml"])
@pytest.mark.parametrize("unit", [b"<a/>", b"<AIGC>{}</AIGC>", b"<<<", b" " * 64, b"&#60;", b'<a b="'])
def test_a_bomb_costs_little(name: str, unit: bytes) -> None:
    data = bomb(name, unit, 8 << 20)
    assert len(data) < 1 << 20
    began = time.process_time()
    for ask in (reading, told, labelled):
        try:
            ask(data)
        except MingwenError:
            continue
    assert time.process_time() - began < 15  # a bound against squares, not a figure


def test_an_entry_that_lies_about_its_size_is_told() -> None:
    data = bytearray(labelled(ooxml("docx")))
    name = b"docProps/custom.xml"
    for at in (local(bytes(data), name) + 22, record(bytes(data), name) + 24):
        struct.pack_into("<I", data, at, 10)
    assert [u.place for u in reading(bytes(data)).unread] == ["docProps/custom.xml"]


def test_many_entries_are_walked_and_more_refused() -> None:
    parts = list(ooxml_parts("docx").items())
    data = packed([*parts, *((f"customXml/x{n}", b"") for n in range(20_000))])
    assert texts(labelled(data)) == [LABEL]
    odd = packed([*parts, *((f"customXml/item{n}.xml", b"<a>AIGC</a>") for n in range(100))])
    assert [u.place for u in reading(odd).unread] == ["other parts"]


# What else they tell


@pytest.mark.parametrize("name", MAKERS)
def test_clues_are_the_properties_and_what_a_reader_sees(name: str) -> None:
    data = MAKERS[name]()
    found = told(packed((unpacked(data) | {"META-INF/content_credential.c2pa": STORE}).items()))
    assert found[Channel.MANIFEST, "META-INF/content_credential.c2pa"] == TOLD
    if name in {"docx", "odt", "epub"}:
        assert found[Channel.BODY, "beginning"].startswith(WORDS)
        assert found[Channel.BODY, "end"].endswith("last & least" if name == "docx" else "last")
    tag = {"od": "generator", "ep": "title"}.get(name[:2], "creator")
    assert found[Channel.TAG, tag] == ("t" if name == "epub" else "someone")


def test_the_ends_of_a_long_text_are_seen() -> None:
    long = "<d><w:p><w:t>first</w:t></w:p>" + "<w:p><w:t>middle</w:t></w:p>" * 60_000 + "<w:p><w:t>last</w:t></w:p></d>"
    found = told(packed((unpacked(ooxml("docx")) | {"word/document.xml": long.encode()}).items()))
    assert found[Channel.BODY, "beginning"].startswith("first\nmiddle")
    assert found[Channel.BODY, "end"].endswith("middle\nlast")
    assert max(len(t) for t in found.values()) <= 4096


def test_slides_and_cells_are_seen() -> None:
    slide = "<p:s><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:s>"
    slides = {f"ppt/slides/slide{n}.xml": slide.format(f"no {n}").encode() for n in (10, 9, 1)}
    found = told(packed((unpacked(ooxml("pptx")) | slides).items()))
    assert (found[Channel.BODY, "beginning"], found[Channel.BODY, "end"]) == ("no 1", "no 10")
    cells = {"xl/sharedStrings.xml": b"<sst><si><t>one</t></si><si><t>two</t></si></sst>"}
    assert told(packed((unpacked(ooxml("xlsx")) | cells).items()))[Channel.BODY, "beginning"] == "one\ntwo"


# Other programs


def module(name: str) -> Any:
    return importlib.import_module(name)


def saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_python_docx_opens_what_we_wrote() -> None:
    document = module("docx").Document()
    document.add_paragraph(WORDS)
    data = saved(document)
    out = labelled(data)
    again = module("docx").Document(io.BytesIO(out))
    assert again.paragraphs[0].text == WORDS
    assert again.part.package.part_related_by(f"{OFFICE}/relationships/custom-properties").partname == "/docProps/custom.xml"
    assert texts(saved(again)) == [LABEL]


def test_openpyxl_reads_our_property_and_we_read_its() -> None:
    book = module("openpyxl").Workbook()
    book.active["A1"] = WORDS
    out = labelled(saved(book))
    again = module("openpyxl").load_workbook(io.BytesIO(out))
    assert again.custom_doc_props["AIGC"].value == LABEL
    assert again.active["A1"].value == WORDS
    book.custom_doc_props.append(module("openpyxl.packaging.custom").StringProperty(name="AIGC", value=OTHER))
    (site,) = reading(saved(book)).sites
    assert (site.text, site.guide) == (OTHER, True)
    assert texts(labelled(saved(book))) == [LABEL]


def test_python_pptx_opens_what_we_wrote() -> None:
    show = module("pptx").Presentation()
    show.slides.add_slide(show.slide_layouts[0]).shapes.title.text = WORDS
    out = labelled(saved(show))
    again = module("pptx").Presentation(io.BytesIO(out))
    assert again.slides[0].shapes.title.text == WORDS
    assert texts(saved(again)) == [LABEL]
    assert told(out)[Channel.BODY, "beginning"] == WORDS


def test_odfpy_reads_our_metadata_and_we_read_its() -> None:
    opendocument, meta = module("odf.opendocument"), module("odf.meta")
    document = opendocument.OpenDocumentText()
    document.text.addElement(module("odf.text").P(text=WORDS))
    out = labelled(saved(document))
    found = opendocument.load(io.BytesIO(out)).meta.getElementsByType(meta.UserDefined)
    assert [(str(e), e.getAttribute("name"), e.getAttribute("valuetype")) for e in found] == [(LABEL, "AIGC", "string")]
    document.meta.addElement(meta.UserDefined(name="AIGC", text=OTHER))
    (site,) = reading(saved(document)).sites
    assert (site.text, site.guide) == (OTHER, True)
    assert texts(labelled(saved(document))) == [LABEL]


def test_ebooklib_reads_our_metadata_and_we_read_its(tmp_path: Path) -> None:
    epub = module("ebooklib.epub")
    book = epub.EpubBook()
    book.set_identifier("x")
    book.set_title("t")
    page = epub.EpubHtml(title="t", file_name="c.xhtml")
    page.content = f"<p>{WORDS}</p>"
    book.add_item(page)
    book.spine = [page]
    book.add_item(epub.EpubNcx())
    book.add_item(epub.EpubNav())
    path = tmp_path / "a.epub"
    epub.write_epub(path, book)
    path.write_bytes(labelled(path.read_bytes()))
    found = epub.read_epub(path).metadata["http://www.idpf.org/2007/opf"]
    assert (None, {"name": "AIGC", "content": LABEL}) in found["meta"]
    book.add_metadata(None, "meta", OTHER, {"property": "TC260:AIGC"})
    epub.write_epub(path, book)
    assert texts(path.read_bytes()) == [OTHER]
    assert texts(labelled(path.read_bytes())) == [LABEL]


def test_the_crc_and_the_bytes_are_what_the_standard_library_computes() -> None:
    with zipfile.ZipFile(io.BytesIO(labelled(ooxml("docx")))) as archive:
        info = archive.getinfo("docProps/custom.xml")
        assert zlib.crc32(archive.read(info)) == info.CRC
        assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert archive.getinfo("_rels/.rels").date_time == (2026, 1, 2, 3, 4, 6)
