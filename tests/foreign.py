"""How other programs put a label into a file: for every format one that does, and one that puts a second label elsewhere."""

import importlib
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mingwen.domain.labels import wrapped
from mingwen.formats import beside

CONFIG: Final = """
%Image::ExifTool::UserDefined = (
    'Image::ExifTool::XMP::Main' => { TC260 => { SubDirectory => { TagTable => 'Image::ExifTool::UserDefined::TC260' } } },
);
%Image::ExifTool::UserDefined::TC260 = (
    GROUPS => { 0 => 'XMP', 1 => 'XMP-TC260', 2 => 'Image' },
    NAMESPACE => { 'TC260' => 'http://www.tc260.org.cn/ns/AIGC/1.0/' }, WRITABLE => 'string', AIGC => { },
);
1;
"""


@dataclass(frozen=True)
class Tool:
    """A program of others that writes a label into a file, in place."""

    name: str
    how: str
    write: Callable[[Path, str], object]
    elsewhere: bool = False
    """Does it write at another place than the guide's?"""
    drops_ours: bool = False
    """Does it lose the label that we wrote?"""


def run(*words: object) -> None:
    subprocess.run([str(w) for w in words], check=True, capture_output=True, timeout=60)


def module(name: str) -> Any:
    """Import a library that has no types."""
    return importlib.import_module(name)


def ffmpeg(*options: str, fields: tuple[str, ...] = ("AIGC",), form: Callable[[str], str] = str) -> Callable[[Path, str], None]:
    def write(path: Path, label: str) -> None:
        out = path.with_name(f"out{path.suffix}")
        said = [word for name in fields for word in ("-metadata", f"{name}={form(label)}")]
        run("ffmpeg", "-v", "error", "-y", "-i", path, "-map", "0", "-c", "copy", *options, *said, out)
        out.replace(path)

    return write


def exiftool(tag: str, form: Callable[[str], str] = str) -> Callable[[Path, str], None]:
    def write(path: Path, label: str) -> None:
        config = path.with_name("exiftool.config")
        config.write_text(CONFIG)
        run("exiftool", "-config", config, "-q", "-m", "-overwrite_original", f"-{tag}={form(label)}", path)

    return write


def exiftool_beside(path: Path, label: str) -> None:
    config = path.with_name("exiftool.config")
    config.write_text(CONFIG)
    packet = path.with_name("packet.xmp")
    packet.unlink(missing_ok=True)
    run("exiftool", "-config", config, "-q", f"-XMP-TC260:AIGC={label}", "-o", packet)
    packet.replace(f"{path}{beside.SUFFIX}")


def id3_frame(frame: str, form: Callable[[str], str] = str, **given: object) -> Callable[[Path, str], None]:
    """Add an ID3 frame with mutagen, whatever the file is."""

    def write(path: Path, label: str) -> None:
        file, id3 = module("mutagen").File(path), module("mutagen.id3")
        if file.tags is None:
            file.add_tags()
        file.tags.add(getattr(id3, frame)(encoding=3, text=[form(label)], **given))
        file.save()

    return write


def apev2(path: Path, label: str) -> None:
    tags = module("mutagen.apev2").APEv2()
    tags["AIGC"] = label
    tags.save(path)


def vorbis(path: Path, label: str) -> None:
    file = module("mutagen").File(path)
    file["comment"] = [wrapped(label)]
    file.save()


def openpyxl(path: Path, label: str) -> None:
    book = module("openpyxl").Workbook()
    book.custom_doc_props.append(module("openpyxl.packaging.custom").StringProperty(name="AIGC", value=label))
    book.save(path)


def core_comment(maker: str) -> Callable[[Path, str], None]:
    """Set the comments of an empty document; python-docx and python-pptx write no custom properties."""

    def write(path: Path, label: str) -> None:
        package, _, name = maker.partition(":")
        document = getattr(module(package), name)()
        document.core_properties.comments = wrapped(label)
        document.save(path)

    return write


def odfpy(name: str) -> Callable[[Path, str], None]:
    def write(path: Path, label: str) -> None:
        document = getattr(module("odf.opendocument"), name)()
        document.meta.addElement(module("odf.meta").UserDefined(name="AIGC", valuetype="string", text=label))
        document.save(path)

    return write


def ebooklib(path: Path, label: str) -> None:
    epub = module("ebooklib.epub")
    book, page = epub.EpubBook(), epub.EpubHtml(title="t", file_name="c.xhtml", content="<p>words</p>")
    book.set_identifier("x")
    book.set_title("t")
    book.set_language("zh")
    book.add_item(page)
    book.add_item(epub.EpubNav())
    book.toc, book.spine = [page], [page]
    book.add_metadata(None, "meta", "", {"name": "AIGC", "content": label})
    epub.write_epub(path, book)


def pikepdf_info(path: Path, label: str) -> None:
    with module("pikepdf").open(path, allow_overwriting_input=True) as pdf:
        pdf.docinfo["/AIGC"] = label
        pdf.save(path)


def pikepdf_file(path: Path, label: str) -> None:
    """Embed a file that is named AIGC."""
    pikepdf = module("pikepdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.attachments["AIGC.json"] = pikepdf.AttachedFileSpec(pdf, label.encode(), filename="AIGC.json")
        pdf.save(path)


def lxml_html(path: Path, label: str) -> None:
    html = module("lxml.html")
    page = html.document_fromstring(path.read_bytes())
    page.head.append(page.makeelement("meta", {"name": "AIGC", "content": label}))
    path.write_bytes(html.tostring(page, doctype="<!doctype html>", encoding="utf-8"))


def lxml_svg(path: Path, label: str) -> None:
    etree, rdf, own = module("lxml.etree"), "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://www.tc260.org.cn/ns/AIGC/1.0/"
    root = etree.fromstring(path.read_bytes())
    metadata = etree.SubElement(root, "{http://www.w3.org/2000/svg}metadata")
    packet = etree.SubElement(metadata, "{adobe:ns:meta/}xmpmeta", nsmap={"x": "adobe:ns:meta/"})
    description = etree.SubElement(etree.SubElement(packet, f"{{{rdf}}}RDF"), f"{{{rdf}}}Description", {f"{{{rdf}}}about": ""})
    etree.SubElement(description, f"{{{own}}}AIGC", nsmap={"TC260": own}).text = label
    path.write_bytes(etree.tostring(root))


def yaml_front(path: Path, label: str) -> None:
    front = module("yaml").safe_dump({"title": "t", "AIGC": json.loads(label)}, sort_keys=False)
    path.write_text(f"---\n{front}---\n{path.read_text(encoding='utf-8')}", encoding="utf-8")


def json_member(*names: str) -> Callable[[Path, str], None]:
    """Set a member with the standard library's json, which writes the whole file anew."""

    def write(path: Path, label: str) -> None:
        value = json.loads(path.read_bytes())
        inner = value
        for name in names[:-1]:
            inner = inner.setdefault(name, {})
        inner[names[-1]] = json.loads(label)
        path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")

    return write


def json_events(path: Path, label: str) -> None:
    """Set the member of the first and the last event; the sample has two."""

    def changed(match: re.Match[bytes]) -> bytes:
        return b"data: " + json.dumps(json.loads(match[1]) | {"aigc": json.loads(label)}).encode()

    path.write_bytes(re.sub(rb"^data: (\{.*\})$", changed, path.read_bytes(), flags=re.MULTILINE))


def replaced(old: bytes, new: Callable[[str], str]) -> Callable[[Path, str], None]:
    """Put words before the last occurrence of ``old``, in a text or in the member of an archive."""

    def write(path: Path, label: str) -> None:
        def changed(data: bytes) -> bytes:
            at = data.rfind(old)
            return data[:at] + new(label).encode() + data[at:] if at >= 0 else data

        data = path.read_bytes()
        path.write_bytes(rezipped(data, changed) if data.startswith(b"PK") else changed(data))

    return write


def second_front(path: Path, label: str) -> None:
    _, first, text = path.read_text(encoding="utf-8").split("---\n", 2)
    path.write_text(f"---\n{first}---\n---\nAIGC: {label}\n---\n{text}", encoding="utf-8")


def appended(path: Path, label: str) -> None:
    """Put the wrapped form behind the end."""
    with path.open("ab") as file:
        file.write(f"\n{wrapped(label)}\n".encode())


def by_hand(path: Path, label: str) -> None:
    appended(path, label)


def of_each(names: str, tool: Tool) -> dict[str, Tool]:
    return dict.fromkeys(names.split(), tool)


def described(label: str) -> str:
    return f"<dc:description>{xml(wrapped(label))}</dc:description>"


def xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


KEYS: Final = ("-movflags", "use_metadata_tags")
COMMENTS: Final = "the comments of the core properties; it writes no custom ones"

FOREIGN: Final[dict[str, Tool]] = {
    **of_each("mp4 mov m4a", Tool("ffmpeg", "`-movflags use_metadata_tags -metadata AIGC=`", ffmpeg(*KEYS))),
    **of_each("mkv webm flv flac ogg opus", Tool("ffmpeg", "`-metadata AIGC=`", ffmpeg())),
    "mp3": Tool("ffmpeg", "`-metadata AIGC=`, which becomes TXXX", ffmpeg()),
    "adts": Tool("ffmpeg", "`-write_id3v2 1 -metadata AIGC=`", ffmpeg("-write_id3v2", "1"), elsewhere=True),
    "avi": Tool(
        "ffmpeg",
        "`-metadata comment=`, wrapped; it drops a key AIGC",
        ffmpeg(fields=("comment",), form=wrapped),
        elsewhere=True,
    ),
    "mpegts": Tool("ffmpeg", "`-metadata service_name=`", ffmpeg(fields=("service_name",)), elsewhere=True),
    **of_each(
        "jpeg png webp gif tiff heif avif jxl",
        Tool("exiftool", "`-XMP-TC260:AIGC=`, the namespace in its configuration", exiftool("XMP-TC260:AIGC")),
    ),
    "bmp": Tool("exiftool", "`-XMP-TC260:AIGC= -o x.bmp.xmp`", exiftool_beside),
    "aiff": Tool("mutagen", "`TXXX:AIGC` in its ID3 chunk", id3_frame("TXXX", desc="AIGC")),
    "wav": Tool(
        "mutagen", "`TXXX:AIGC` in an ID3 chunk; no tool writes a chunk AIGC", id3_frame("TXXX", desc="AIGC"), elsewhere=True
    ),
    "pdf": Tool("pikepdf", '`docinfo["/AIGC"]`', pikepdf_info),
    "xlsx": Tool("openpyxl", "`custom_doc_props`", openpyxl),
    "docx": Tool("python-docx", COMMENTS, core_comment("docx:Document"), elsewhere=True),
    "pptx": Tool("python-pptx", COMMENTS, core_comment("pptx:Presentation"), elsewhere=True),
    "odt": Tool("odfpy", "`meta.UserDefined`", odfpy("OpenDocumentText")),
    "ods": Tool("odfpy", "`meta.UserDefined`", odfpy("OpenDocumentSpreadsheet")),
    "odp": Tool("odfpy", "`meta.UserDefined`", odfpy("OpenDocumentPresentation")),
    "epub": Tool("EbookLib", "`add_metadata`", ebooklib),
    "html": Tool("lxml", "a `meta` element", lxml_html),
    "svg": Tool("lxml", "XMP in `metadata`", lxml_svg),
    "markdown": Tool("PyYAML", "front matter", yaml_front),
    "json": Tool("Python's json", "the member `aigc`", json_member("aigc")),
    "sse": Tool("Python's json", "the member `aigc` of the first and the last event", json_events),
    "text": Tool("an editor", "a last line", by_hand),
}
"""Who else writes a label into each format."""

SECOND: Final[dict[str, Tool]] = {
    "png": Tool("exiftool", "`tEXt` Comment", exiftool("PNG:Comment", wrapped)),
    **of_each("jpeg gif", Tool("exiftool", "a comment", exiftool("Comment", wrapped))),
    **of_each("webp tiff heif avif jxl", Tool("exiftool", "Exif ImageDescription", exiftool("EXIF:ImageDescription", wrapped))),
    **of_each("mp4 mov m4a", Tool("exiftool", "XMP", exiftool("XMP-TC260:AIGC"))),
    **of_each("mkv webm flv", Tool("ffmpeg", "the field comment", ffmpeg(fields=("comment",), form=wrapped))),
    "avi": Tool("ffmpeg", "the field title, behind one in comment", ffmpeg(fields=("title",), form=wrapped), drops_ours=True),
    "adts": Tool("mutagen", "an APEv2 tag", apev2),
    "mp3": Tool("mutagen", "an APEv2 tag", apev2),
    "wav": Tool("mutagen", "an ID3 chunk", id3_frame("TXXX", desc="AIGC")),
    "aiff": Tool("mutagen", "`COMM`", id3_frame("COMM", wrapped, desc="", lang="zho")),
    **of_each("flac ogg opus", Tool("mutagen", "the field comment", vorbis)),
    "pdf": Tool("pikepdf", "an embedded file AIGC.json", pikepdf_file),
    **of_each(
        "docx xlsx pptx",
        Tool(
            "Python's zipfile",
            "the description of the core properties",
            replaced(b"</cp:coreProperties>", described),
        ),
    ),
    **of_each(
        "odt ods odp",
        Tool(
            "Python's zipfile",
            "a second user-defined datum",
            replaced(b"</office:meta>", lambda t: f'<meta:user-defined meta:name="AIGC">{xml(t)}</meta:user-defined>'),
        ),
    ),
    "epub": Tool(
        "Python's zipfile",
        "`dc:description`",
        replaced(b"</metadata>", described),
    ),
    "html": Tool("an editor", "a second `meta`", replaced(b"</head>", lambda t: f'<meta name="aigc" content="{xml(t)}">')),
    "svg": Tool("an editor", "`desc`", replaced(b"</svg>", lambda t: f"<desc>{xml(wrapped(t))}</desc>")),
    "json": Tool("Python's json", "`metadata.aigc`", json_member("metadata", "aigc")),
    "sse": Tool("an editor", "an event between", replaced(b"data: {", lambda t: f'data: {{"aigc":{t}}}\n\n')),
    "markdown": Tool("an editor", "a second front matter", second_front),
}
"""Where a second label goes; in formats that are not named, behind the end."""
BEHIND: Final = Tool("an editor", "behind the end", appended)


def rezipped(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Pack an archive again with changed members."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            new.writestr(info, change(old.read(info)), info.compress_type)
    return out.getvalue()
