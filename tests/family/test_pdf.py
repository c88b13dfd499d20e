"""PDF in its many structures, judged by qpdf, pikepdf, poppler, exiftool and OpenSSL."""

import hashlib
import io
import re
import subprocess
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from manifest_store import STORE, TOLD
from mingwen import formats
from mingwen.containers import pdf_filters, pdf_objects
from mingwen.domain.clues import MAX_CLUE_CHARS, Channel
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import produced, to_json, wrapped
from mingwen.domain.media import Keep
from mingwen.domain.sites import Reading
from mingwen.formats import _xmp
from mingwen.formats.pdf import MEMBER

LABEL = to_json(produced(producer="001191310104MACE0YX63918020", produce_id="142569260085903360"))
OTHER = to_json(produced(producer="另一个", produce_id="x(\\)" * 30))
TITLE = "标题 (one) \\ two"
PACKED = {"object_stream_mode": pikepdf.ObjectStreamMode.generate}
XREF = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")


def cipher(revision: Literal[2, 3, 4, 5, 6], *, aes: bool = True, metadata: bool = True, user: str = "") -> dict[str, Any]:
    return {"encryption": pikepdf.Encryption(owner="owner", user=user, R=revision, aes=aes, metadata=metadata)}


KINDS: dict[str, dict[str, Any]] = {
    "table": {},
    "streams": PACKED,
    "linearized": {"linearize": True},
    "linearized streams": {"linearize": True, **PACKED},
    "RC4 40": cipher(2, aes=False, metadata=False),
    "RC4 128": cipher(3, aes=False, metadata=False),
    "RC4 128 packed": cipher(3, aes=False, metadata=False) | PACKED,
    "V4 with RC4": cipher(4, aes=False, metadata=False),
    "AES 128": cipher(4),
    "AES 128 packed": cipher(4) | PACKED,
    "AES 256": cipher(6),
    "AES 256 packed": cipher(6) | PACKED,
    "AES 256, open metadata": cipher(6, metadata=False),
    "AES 256 of Adobe's": cipher(5) | PACKED,
}


def document(change: Callable[[pikepdf.Pdf], object] | None = None, **how: Any) -> bytes:
    with pikepdf.new() as pdf:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        for words in (b"(The first page)", b"[(In) -300 (between)]", b"<546865206C617374>"):
            page = pdf.add_blank_page(page_size=(200, 200))
            page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
            show = b"TJ" if words.startswith(b"[") else b"Tj"
            page.obj.Contents = pdf.make_stream(b"BT /F1 12 Tf 20 100 Td %b %b ET" % (words, show))
        pdf.docinfo["/Title"] = TITLE
        if change:
            change(pdf)
        out = io.BytesIO()
        pdf.save(out, **how)
        return out.getvalue()


def handmade(*objects: bytes, trailer: bytes = b"/Root 1 0 R", head: bytes = b"%PDF-1.7\n", shift: int = 0) -> bytes:
    out = bytearray(head)
    rows = [b"0000000000 65535 f \n"]
    for number, body in enumerate(objects, 1):
        rows.append(b"%010d 00000 n \n" % (len(out) - shift))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    at = len(out) - shift
    out += b"xref\n0 %d\n" % len(rows) + b"".join(rows)
    return bytes(out + b"trailer\n<< /Size %d %b >>\nstartxref\n%d\n%%%%EOF\n" % (len(rows), trailer, at))


CATALOG, PAGES = b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"


def stream(entries: bytes, data: bytes) -> bytes:
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (entries, len(data), data)


def read(data: bytes) -> Reading:
    return MEMBER.read(io.BytesIO(data))


def spliced(data: bytes, label: str = LABEL) -> bytes:
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in MEMBER.splice(io.BytesIO(data), label))


def places(data: bytes) -> list[tuple[str, str]]:
    found = read(data)
    assert not found.unread
    return [(s.place, s.text) for s in found.sites]


def run(*words: object) -> bytes:
    return subprocess.run([str(w) for w in words], check=True, capture_output=True, timeout=60).stdout


def with_xmp(text: str = LABEL) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.Root.Metadata = pdf.make_stream(_xmp.edit(None, text), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)

    return change


def with_file(name: str, data: bytes, **how: Any) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, data, filename=name, **how)

    return change


@pytest.mark.filterwarnings("ignore:Encryption R=5:UserWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_foreign_readers_find_the_label_in_every_structure(kind: str, tmp_path: Path) -> None:
    data = document(**KINDS[kind])
    assert read(data) == Reading()
    once = spliced(data)
    twice = spliced(once, OTHER)
    for label, labelled in ((LABEL, once), (OTHER, twice)):
        assert labelled.startswith(data)
        assert places(labelled) == [("Info /AIGC", label)]
        assert spliced(labelled, label) == labelled
        with pikepdf.open(io.BytesIO(labelled)) as pdf:
            assert str(pdf.docinfo["/AIGC"]) == label
            assert str(pdf.docinfo["/Title"]) == TITLE
            assert not pdf.check_pdf_syntax()
    assert len(twice) - len(once) < 2 * len(OTHER) + 600
    before, path = tmp_path / "before.pdf", tmp_path / "after.pdf"
    before.write_bytes(data)
    path.write_bytes(twice)
    run("qpdf", "--check", path)
    if "6" not in kind:  # its hash of revision 6 is in Perl, and takes a minute
        assert run("exiftool", "-s3", "-AIGC", path).decode().strip() == OTHER
    assert f"{OTHER}\n" in run("pdfinfo", "-custom", path).decode()
    assert run("pdftotext", path, "-") == run("pdftotext", before, "-")


@pytest.mark.filterwarnings("ignore:Encryption R=5:UserWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_a_label_of_pikepdf_is_read_and_replaced(kind: str) -> None:
    data = document(lambda pdf: pdf.docinfo.__setitem__("/AIGC", '{"Label":"1","ContentProducer":"某"}'), **KINDS[kind])
    assert places(data) == [("Info /AIGC", '{"Label":"1","ContentProducer":"某"}')]
    assert places(spliced(data)) == [("Info /AIGC", LABEL)]


def test_the_section_is_of_the_last_ones_kind() -> None:
    for how, begins in (({}, b"xref\n"), (PACKED, b"")):
        data = spliced(document(**how))
        at = XREF.search(data)
        assert at
        assert data[int(at[1]) :].startswith(b"xref\n") == bool(begins)


def test_the_identifier_keeps_its_first_half_and_changes_its_second() -> None:
    data = document()
    with pikepdf.open(io.BytesIO(data)) as old, pikepdf.open(io.BytesIO(spliced(data))) as new:
        assert bytes(old.trailer.ID[0]) == bytes(new.trailer.ID[0])
        assert bytes(old.trailer.ID[1]) != bytes(new.trailer.ID[1])


def test_a_hybrid_file_goes_on_with_a_table(tmp_path: Path) -> None:
    """ISO 32000-1 §7.5.8.4: Info stands in an object stream that only the hidden cross-reference stream knows."""
    inner = b"4 0 << /Title (hidden) >> "
    head = b"%PDF-1.7\n"
    bodies = {1: CATALOG, 2: PAGES, 3: stream(b"/Type /ObjStm /N 1 /First 4", inner)}
    out, at = bytearray(head), {}
    for number, body in bodies.items():
        at[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    hidden = len(out)
    rows = bytes([2, 0, 3, 0])
    out += b"5 0 obj\n%b\nendobj\n" % stream(b"/Type /XRef /Size 6 /W [1 2 1] /Index [4 1]", rows)
    table = len(out)
    out += b"xref\n0 6\n0000000004 65535 f \n" + b"".join(b"%010d 00000 n \n" % at[n] for n in bodies)
    out += b"0000000000 00000 f \n%010d 00000 n \n" % hidden
    out += b"trailer\n<< /Size 6 /Root 1 0 R /Info 4 0 R /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n" % (hidden, table)
    labelled = spliced(bytes(out))
    assert places(labelled) == [("Info /AIGC", LABEL)]
    assert b"XRefStm" not in labelled[len(out) :]
    path = tmp_path / "hybrid.pdf"
    path.write_bytes(labelled)
    run("qpdf", "--check", path)
    with pikepdf.open(path) as pdf:
        assert (str(pdf.docinfo["/AIGC"]), str(pdf.docinfo["/Title"])) == (LABEL, "hidden")


def test_entries_stay_as_they_stand_and_doubled_labels_go() -> None:
    info = b"<< /Title <FEFF6807> /AIGC (a) /Odd#20key [1 /N (x\\051)] %% words\n /#41IGC (b) /Keywords (%b) >>"
    keywords = wrapped(LABEL).encode().replace(b"\\", b"\\\\")
    data = handmade(CATALOG, PAGES, info % keywords, trailer=b"/Root 1 0 R /Info 3 0 R /Custom (kept)")
    assert [p for p, _ in places(data)] == ["Info /AIGC", "Info /AIGC", "Info /Keywords"]
    labelled = spliced(data)
    assert places(labelled) == [("Info /AIGC", LABEL)]
    added = labelled[len(data) :]
    assert b"/Title <FEFF6807>" in added
    assert b"/Odd#20key [1 /N (x\\051)]" in added
    assert b"/Custom (kept)" in added


def test_info_may_be_missing_direct_or_lead_nowhere() -> None:
    for trailer in (
        b"/Root 1 0 R",
        b"/Root 1 0 R /Info << /Title (t) >>",
        b"/Root 1 0 R /Info 9 0 R",
        b"/Root 1 0 R /Info 2 1 R",
    ):
        labelled = spliced(handmade(CATALOG, PAGES, trailer=trailer))
        assert places(labelled) == [("Info /AIGC", LABEL)]
        with pikepdf.open(io.BytesIO(labelled)) as pdf:
            assert str(pdf.docinfo["/AIGC"]) == LABEL
            assert ("/Title" in pdf.docinfo) == (b"Title" in trailer)


def test_a_string_elsewhere_and_other_spellings_are_read() -> None:
    utf16 = b"\xfe\xff" + LABEL.encode("utf-16-be")
    for body in (LABEL.encode(), utf16, b"\xef\xbb\xbf" + LABEL.encode()):
        data = handmade(CATALOG, PAGES, b"<< /AIGC 4 0 R >>", b"<%b>" % body.hex().encode(), trailer=b"/Root 1 0 R /Info 3 0 R")
        assert places(data) == [("Info /AIGC", LABEL)]
        assert places(spliced(data, OTHER)) == [("Info /AIGC", OTHER)]
    data = handmade(CATALOG, PAGES, b"<< /AIGC << /ContentProducer (x) >> >>", trailer=b"/Root 1 0 R /Info 3 0 R")
    assert [u.place for u in read(data).unread] == ["Info /AIGC", "Info"]


@pytest.mark.parametrize("kind", ["table", "streams", "RC4 128", "AES 256 packed", "AES 256, open metadata"])
def test_a_label_in_xmp_goes_in_the_same_revision(kind: str, tmp_path: Path) -> None:
    data = document(with_xmp(), **KINDS[kind])
    assert places(data) == [("XMP TC260:AIGC", LABEL)]
    labelled = spliced(data, OTHER)
    assert labelled.startswith(data)
    assert places(labelled) == [("Info /AIGC", OTHER)]
    path = tmp_path / "a.pdf"
    path.write_bytes(labelled)
    run("qpdf", "--check", path)
    with pikepdf.open(path) as pdf:
        assert b"ContentProducer" not in pdf.Root.Metadata.read_bytes()
        assert b"rdf:Description" in pdf.Root.Metadata.read_bytes()


def test_acrobats_copy_of_a_label_counts_once_and_goes_with_it() -> None:
    copy = f"<pdfx:AIGC>{LABEL.replace(chr(34), '&quot;')}</pdfx:AIGC></rdf:Description>".encode()

    def change(pdf: pikepdf.Pdf) -> None:
        packet = _xmp.without(_xmp.edit(None, "x")).replace(b"</rdf:Description>", copy)
        packet = packet.replace(b"xmlns:TC260", b'xmlns:pdfx="http://ns.adobe.com/pdfx/1.3/" xmlns:TC260')
        pdf.Root.Metadata = pdf.make_stream(packet, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)

    def both(pdf: pikepdf.Pdf) -> None:
        change(pdf)
        pdf.docinfo["/AIGC"] = LABEL

    data = document(both)
    assert places(data) == [("Info /AIGC", LABEL)]
    assert spliced(data) == data
    labelled = spliced(data, OTHER)
    assert places(labelled) == [("Info /AIGC", OTHER)]
    with pikepdf.open(io.BytesIO(labelled)) as pdf:
        assert b"pdfx:AIGC" not in pdf.Root.Metadata.read_bytes()
    assert places(document(change)) == [("XMP AIGC of 'http://ns.adobe.com/pdfx/1.3/'", LABEL)]


def test_an_embedded_file_that_is_a_label_is_emptied_and_others_are_left() -> None:
    data = document(with_file("AIGC.json", wrapped(LABEL).encode()), **cipher(6))
    assert places(data) == [("embedded file AIGC.json", wrapped(LABEL))]
    labelled = spliced(data)
    assert places(labelled) == [("Info /AIGC", LABEL)]
    with pikepdf.open(io.BytesIO(labelled)) as pdf:
        assert pdf.attachments["AIGC.json"].get_file().read_bytes() == b""
    assert places(document(with_file("AIGC.csv", b"a,b"))) == []
    assert places(document(with_file("other.json", wrapped(LABEL).encode()))) == []


def test_a_label_behind_the_end_is_read_and_goes() -> None:
    data = document()
    stray = data + b"\n" + wrapped(LABEL).encode() + b"\nrest"
    assert places(stray) == [("behind %%EOF", wrapped(LABEL))]
    labelled = spliced(stray)
    assert places(labelled) == [("Info /AIGC", LABEL)]
    assert labelled.startswith(data + b"\n\nrest\n")


@pytest.mark.parametrize("shift", [0, 20])
def test_bytes_before_the_header_move_the_offsets_or_not(shift: int) -> None:
    head = b"HTTP/1.1 200 OK\r\n\0\r\n%PDF-1.7\n"
    data = handmade(CATALOG, PAGES, b"<< /Title (t) >>", trailer=b"/Root 1 0 R /Info 3 0 R", head=head, shift=shift)
    assert formats.of(data[: formats.HEAD_BYTES]).name == "pdf"
    labelled = spliced(data)
    assert places(labelled) == [("Info /AIGC", LABEL)]
    if shift:  # qpdf counts from the header only
        with pikepdf.open(io.BytesIO(labelled)) as pdf:
            assert str(pdf.docinfo["/AIGC"]) == LABEL


def test_a_label_that_a_later_revision_took_out_is_told_of() -> None:
    labelled = spliced(handmade(CATALOG, PAGES))
    at = XREF.search(labelled)
    assert at
    stripped = labelled + b"xref\n0 0\ntrailer\n<< /Size 4 /Root 1 0 R /Prev %b >>\nstartxref\n%d\n%%%%EOF\n" % (
        at[1],
        len(labelled),
    )
    found = read(stripped)
    assert not found.sites
    assert [(u.place, u.reason) for u in found.unread] == [("earlier revision", "holds a label that a later revision took out")]
    assert places(spliced(stripped, OTHER)) == [("Info /AIGC", OTHER)]


def test_a_password_is_asked_for_by_words() -> None:
    for how in (cipher(3, aes=False, metadata=False, user="u"), cipher(4, user="u"), cipher(6, user="u") | PACKED):
        data = document(with_xmp(), **how)
        assert not read(data).sites
        assert all("encrypted" in u.reason for u in read(data).unread)
        assert {"Info", "XMP"} <= {u.place for u in read(data).unread}
        with pytest.raises(Refused, match="opens without a password") as error:
            spliced(data)
        assert error.value.code == "pdf.encrypted"
    open_metadata = read(document(with_xmp(), **cipher(6, metadata=False, user="u")))
    assert [s.place for s in open_metadata.sites] == ["XMP TC260:AIGC"]
    assert [u.place for u in open_metadata.unread] == ["Info"]


def signed(folder: Path, *, certified: bool = False) -> bytes:
    """A PDF with an approval signature or a certification: PKCS #7 over everything but its own place (ISO 32000-1 §12.8.1)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=2))
    certificate = builder.sign(key, hashes.SHA256())
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    room = 8192
    permits = b" /Reference [<< /TransformMethod /DocMDP /TransformParams << /P 2 /V /1.2 >> >>]" if certified else b""
    data = handmade(
        b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] /SigFlags 3 >>%b >>"
        % (b" /Perms << /DocMDP 5 0 R >>" if certified else b""),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Annots [4 0 R] >>",
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (s) /V 5 0 R /Rect [0 0 0 0] /P 3 0 R /F 132 >>",
        b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached%b /ByteRange [0 %b] /Contents <%b> >>"
        % (permits, b"*" * 30, b"0" * room),
    )
    start = data.index(b"<" + b"0" * room)
    stop = start + room + 2
    reach = b"%d %d %d" % (start, stop, len(data) - stop)
    data = data.replace(b"*" * 30, reach.ljust(30))
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    signing = pkcs7.PKCS7SignatureBuilder().set_data(data[:start] + data[stop:]).add_signer(certificate, key, hashes.SHA256())
    signature = signing.sign(serialization.Encoding.DER, options)
    return data[: start + 1] + signature.hex().encode().ljust(room, b"0") + data[stop - 1 :]


def test_a_signature_still_holds_and_covers_its_revision(tmp_path: Path) -> None:
    data = signed(tmp_path)
    labelled = spliced(data)
    ranges = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)", labelled)
    assert ranges
    a, b, c, d = map(int, ranges.groups())
    assert (a, c + d) == (0, len(data))
    content, signature = tmp_path / "content", tmp_path / "signature.der"
    content.write_bytes(labelled[a : a + b] + labelled[c : c + d])
    signature.write_bytes(bytes.fromhex(labelled[b + 1 : c - 1].decode()))
    verify = ("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content", content, "-noverify")
    assert hashlib.sha256(run(*verify)).digest() == hashlib.sha256(content.read_bytes()).digest()
    (tmp_path / "a.pdf").write_bytes(labelled)
    said = run("pdfsig", "-nocert", tmp_path / "a.pdf").decode()
    assert "Signature is Valid" in said
    run("qpdf", "--check", tmp_path / "a.pdf")


def test_a_certified_document_is_not_changed(tmp_path: Path) -> None:
    with pytest.raises(Refused) as error:
        spliced(signed(tmp_path, certified=True))
    assert error.value.code == "pdf.certified"


def test_clues_are_info_xmp_manifest_and_the_outer_pages() -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        with_xmp("x")(pdf)
        manifest = with_file("manifest.c2pa", STORE, relationship=pikepdf.Name.C2PA_Manifest)
        manifest(pdf)

    found = {(c.channel, c.name): c.text for c in MEMBER.clues(io.BytesIO(document(change, **cipher(6))))}
    assert found[Channel.TAG, "Title"] == TITLE
    assert "TC260" in found[Channel.XMP, "Metadata"]
    assert found[Channel.MANIFEST, "manifest.c2pa"] == TOLD
    assert found[Channel.BODY, "first page"] == "The first page"
    assert found[Channel.BODY, "last page"] == "The last"


def test_a_page_is_read_by_the_maps_of_its_fonts() -> None:
    cmap = b"begincodespacerange <0000> <FFFF> endcodespacerange 2 beginbfchar <0001> <4EBA> <0002> <5DE5> endbfchar"
    cmap += b" 1 beginbfrange <0003> <0004> <667A> <0005> <0006> [<80FD> <00410049>] endbfrange"
    content = b"BT /F1 9 Tf <0001> Tj 9 0 Td <0002> Tj [<0003> 20 <0005>] TJ T* /F9 9 Tf (no) Tj /F1 9 Tf <0006> Tj ET"
    data = handmade(
        CATALOG,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Type /Page /Parent 2 0 R /Contents [4 0 R] >>",
        stream(b"/Filter /FlateDecode", zlib.compress(content)),
        b"<< /Type /Font /Subtype /Type0 /ToUnicode 6 0 R >>",
        stream(b"", cmap),
    )
    assert [(c.name, c.text) for c in MEMBER.clues(io.BytesIO(data))] == [("first page", "人工智能\nAI")]


def bomb(entries: bytes, data: bytes) -> bytes:
    return handmade(b"<< /Type /Catalog /Metadata 3 0 R >>", PAGES, stream(b"/Filter /FlateDecode " + entries, data))


HOSTILE = {
    "deep": handmade(CATALOG, PAGES, b"<< /X " + b"[" * 100_000 + b" >>", trailer=b"/Root 1 0 R /Info 3 0 R"),
    "long": handmade(CATALOG, PAGES, b"<< /X [" + b"() " * 300_000 + b"] >>", trailer=b"/Root 1 0 R /Info 3 0 R"),
    "wide": handmade(CATALOG, PAGES, b"<< " + b"/AIGC () " * 10_000 + b">>", trailer=b"/Root 1 0 R /Info 3 0 R"),
    "bomb": bomb(b"", zlib.compress(bytes(64 << 20))),
    "predicted bomb": bomb(b"/DecodeParms << /Predictor 15 /Columns 5 >>", zlib.compress(b"\4aaaaa\2bbbbb" * 100_000)),
    "length in itself": handmade(b"<< /Metadata 3 0 R >>", PAGES, b"<< /Length 3 0 R >>\nstream\nx\nendstream"),
    "tree in itself": handmade(b"<< /Names << /EmbeddedFiles 3 0 R >> >>", PAGES, b"<< /Kids [3 0 R 3 0 R] >>"),
    "root in itself": handmade(b"1 0 R", PAGES),
    "no catalog": handmade(b"null", PAGES),
}


@pytest.mark.parametrize(
    "cmap",
    [
        b"begincodespacerange <00> " + b"beginbfrange <0000> <FFFF> <0041> endbf" * 5000,
        b"beginbfchar" + b" <0000> <0041>" * 200_000 + b" endbf",
        b"begincodespacerange <00> beginbfchar <61> <" + b"0041" * 100_000 + b"> endbf",
    ],
)
def test_fonts_built_to_exhaust_a_reader_give_a_short_text(cmap: bytes) -> None:
    data = handmade(
        CATALOG,
        b"<< /Kids [3 0 R] >>",
        b"<< /Contents 4 0 R /Resources << /Font << %b >> >> >>" % b" ".join(b"/F%d 5 0 R" % i for i in range(500)),
        stream(b"", b"BT /F1 1 Tf " + b"(" + b"a" * 200_000 + b") Tj ET"),
        b"<< /ToUnicode 6 0 R >>",
        stream(b"/Filter /FlateDecode", zlib.compress(cmap)),
    )
    assert all(len(c.text) <= MAX_CLUE_CHARS for c in MEMBER.clues(io.BytesIO(data)))


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_within_bounds_is_said(name: str) -> None:
    found = read(HOSTILE[name])
    assert not found.sites
    assert found.unread
    with pytest.raises(Malformed):
        spliced(HOSTILE[name])
    list(MEMBER.clues(io.BytesIO(HOSTILE[name])))


def test_a_chain_that_loops_is_said() -> None:
    data = handmade(CATALOG, PAGES, trailer=b"/Root 1 0 R /Prev 777777")
    at = XREF.search(data)
    assert at
    looped = data.replace(b"777777", b"%06d" % int(at[1]))
    assert [u.place for u in read(looped).unread] == ["cross-reference"]
    with pytest.raises(Malformed, match="leads nowhere or back"):
        spliced(looped)


@pytest.mark.parametrize("rows", [b"0000000000 65535 f\n", b"0000000000 65535 f\r\n", b"0000000000 65535 f \r\n"])
def test_rows_of_other_widths_are_read(rows: bytes) -> None:
    data = handmade(CATALOG, PAGES, b"<< /AIGC (x) >>", trailer=b"/Root 1 0 R /Info 3 0 R")
    head, table = data.split(b"xref\n", 1)
    assert places(head + b"xref\n" + table.replace(b" \n", rows[18:])) == [("Info /AIGC", "x")]


def test_strings_are_decoded_as_they_are_marked() -> None:
    assert pdf_objects.text_of(b"\xff\xfeA\0") == "A"
    assert pdf_objects.text_of("标题".encode()) == "标题"
    assert pdf_objects.text_of(b"\x80\xa0\xe9 \x18") == "•€é ˘"
    parser = pdf_objects.Parser(rb"(a\(b\)(c)\d\101\7\r\n" + b"\r\n" + rb"\))<4 1 4> /A#42 -.5 +7 12 0 R ")
    assert parser.value() == b"a(b)(c)dA\7\r\n\n)"
    assert [parser.value() for _ in range(5)] == [b"A@", "AB", -0.5, 7, pdf_objects.Ref(12, 0)]


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4])
def test_predictors_are_those_of_png(kind: int) -> None:
    """Pillow is the judge: the same rows as a picture."""
    from PIL import Image  # noqa: PLC0415 - of this test alone

    rows = [bytes([kind]) + bytes((i * 37 + kind * 11 + j) & 0xFF for j in range(8)) for i in range(6)]
    rows[3] = b"\1" + rows[3][1:]
    packed = zlib.compress(b"".join(rows))

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)

    head = (8).to_bytes(4) + (6).to_bytes(4) + b"\x08\0\0\0\0"
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    with Image.open(io.BytesIO(png)) as picture:
        expected = picture.tobytes()
    parameters: dict[str, pdf_objects.Value] = {"Predictor": 15, "Columns": 8}
    assert pdf_filters.unfiltered(packed, pdf_objects.Name("FlateDecode"), parameters, 1000).data == expected
