"""Small documents made by hand, as their programs make them."""

import io
import zipfile
from collections.abc import Iterable
from typing import Final

PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006"
XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
MAIN: Final = {
    "docx": ("word/document.xml", "wordprocessingml.document"),
    "xlsx": ("xl/workbook.xml", "spreadsheetml.sheet"),
    "pptx": ("ppt/presentation.xml", "presentationml.presentation"),
}
WORDS: Final = "第一句。"
"""The text that every document begins with."""


def packed(entries: Iterable[tuple[str, bytes | str]], *, stored: Iterable[str] = ("mimetype",), comment: bytes = b"") -> bytes:
    """Pack entries in their order, all of them at one time."""
    out, kept = io.BytesIO(), set(stored)
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            info.compress_type = zipfile.ZIP_STORED if name in kept else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
        archive.comment = comment
    return out.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """Return the entries of an archive, as the standard library reads them."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {i.filename: archive.read(i) for i in archive.infolist()}


def ooxml_parts(name: str) -> dict[str, str]:
    """Return the parts of a document that has no custom properties."""
    main, kind = MAIN[name]
    types = "".join(
        f'<Override PartName="/{part}" ContentType="application/vnd.openxmlformats-{content}+xml"/>'
        for part, content in ((main, f"officedocument.{kind}.main"), ("docProps/core.xml", "package.core-properties"))
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{kind}" Target="{target}"/>'
        for n, kind, target in (
            (1, f"{OFFICE}/relationships/officeDocument", main),
            (2, f"{PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
        )
    )
    return {
        "[Content_Types].xml": f'{XML}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>',
        "_rels/.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>',
        "docProps/core.xml": f'{XML}<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>someone</dc:creator></cp:coreProperties>',
        main: f'{XML}<w:document xmlns:w="x"><w:body><w:p><w:r><w:t>{WORDS}</w:t></w:r></w:p>'
        f"<w:p><w:r><w:t>last &amp; least</w:t></w:r></w:p></w:body></w:document>",
    }


def ooxml(name: str) -> bytes:
    """Make a document of Word, Excel or PowerPoint's shape; its body is not valid, for nobody here looks at it."""
    return packed(ooxml_parts(name).items())


def custom(properties: str) -> str:
    """Make a part of custom properties."""
    spaces = f'xmlns="{OFFICE}/custom-properties" xmlns:vt="{OFFICE}/docPropsVTypes"'
    return f"{XML}<Properties {spaces}>{properties}</Properties>"


def odf(kind: str) -> bytes:
    """Make a document of LibreOffice's shape."""
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    files = "".join(
        f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{media}"/>'
        for path, media in (("/", mimetype), ("content.xml", "text/xml"), ("meta.xml", "text/xml"))
    )
    return packed(
        (
            ("mimetype", mimetype),
            (
                "content.xml",
                (
                    f'<office:document-content xmlns:office="{urn}:office:1.0" xmlns:text="{urn}:text:1.0"><office:body>'
                    f"<text:p>{WORDS}</text:p><text:p>last</text:p></office:body></office:document-content>"
                ),
            ),
            (
                "meta.xml",
                (
                    f'<office:document-meta xmlns:office="{urn}:office:1.0" xmlns:meta="{urn}:meta:1.0" office:version="1.3">'
                    "<office:meta><meta:generator>someone</meta:generator></office:meta></office:document-meta>"
                ),
            ),
            (
                "META-INF/manifest.xml",
                f'<manifest:manifest xmlns:manifest="{urn}:manifest:1.0" manifest:version="1.3">{files}</manifest:manifest>',
            ),
        )
    )


def epub() -> bytes:
    """Make a book of one chapter."""
    page = (
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body><p>{WORDS}</p><p>last</p></body></html>'
    )
    return packed(
        (
            ("mimetype", "application/epub+zip"),
            (
                "META-INF/container.xml",
                (
                    '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
                    '<rootfile full-path="OEBPS/a.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
                ),
            ),
            (
                "OEBPS/a.opf",
                (
                    '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i"><metadata '
                    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="i">x</dc:identifier><dc:title>t</dc:title>'
                    '<dc:language>zh</dc:language></metadata><manifest><item id="c" href="c%20d.xhtml" '
                    'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="c"/></spine></package>'
                ),
            ),
            ("OEBPS/c d.xhtml", page),
        )
    )


def told_bytes(data: bytes) -> int:
    """Return how many bytes of an archive tell of a label: its parts of properties, lists and records, packed."""
    telling = ("[Content_Types].xml", "_rels/.rels", "meta.xml", "OEBPS/a.opf")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
    parts = sum(30 + len(i.filename) + i.compress_size for i in entries if i.filename in telling)
    return parts + sum(46 + len(i.filename) for i in entries) + 22
