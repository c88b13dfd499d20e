"""What tells documents in ZIP files apart by their first bytes; all that a head needs of them."""

import re
import zlib
from enum import Enum
from functools import lru_cache
from typing import Final

SUFFIXES: Final = {
    "docx": (".docx", ".docm", ".dotx", ".dotm"),
    "xlsx": (".xlsx", ".xlsm", ".xltx", ".xltm"),
    "pptx": (".pptx", ".pptm", ".potx", ".potm", ".ppsx", ".ppsm"),
    "odt": (".odt", ".ott"),
    "ods": (".ods", ".ots"),
    "odp": (".odp", ".otp"),
    "epub": (".epub",),
}
"""The usual suffix first."""


class Kind(Enum):
    """The documents that are told apart; the value is the format's name."""

    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    ODT = "odt"
    ODS = "ods"
    ODP = "odp"
    EPUB = "epub"


_MIMETYPES: Final = (
    (b"application/vnd.oasis.opendocument.text", Kind.ODT),
    (b"application/vnd.oasis.opendocument.spreadsheet", Kind.ODS),
    (b"application/vnd.oasis.opendocument.presentation", Kind.ODP),
    (b"application/epub+zip", Kind.EPUB),
)
"""ODF 1.3 part 2 §3.3 and OCF 3.3 §4.3: a stored first entry ``mimetype``; templates add a word behind a hyphen."""
_FOLDERS: Final = (
    (b"word/", Kind.DOCX),
    (b"xl/", Kind.XLSX),
    (b"ppt/", Kind.PPTX),
    (b"META-INF/container.xml", Kind.EPUB),
)
_MAIN: Final = re.compile(rb"(wordprocessingml|ms-word|spreadsheetml|ms-excel|presentationml|ms-powerpoint)\.[\w.]+\.main\+xml")
"""The content type of an OOXML package's main part; parts within it have others."""
_MAIN_KINDS: Final = {
    b"wordprocessingml": Kind.DOCX,
    b"ms-word": Kind.DOCX,
    b"spreadsheetml": Kind.XLSX,
    b"ms-excel": Kind.XLSX,
    b"presentationml": Kind.PPTX,
    b"ms-powerpoint": Kind.PPTX,
}
_LOCAL: Final = b"PK\3\4"
_HEADER_BYTES: Final = 30
_MAX_TYPES_BYTES: Final = 64 << 10
"""How much of ``[Content_Types].xml`` is unpacked."""


@lru_cache(maxsize=1)  # every document format asks it of the same file, one after the other
def kind_of(head: bytes, suffix: str) -> Kind | None:
    """Say which document begins with ``head``: its ``mimetype``, its content types, its names; the suffix if none tells."""
    if not head.startswith(_LOCAL):
        return None
    entries = list(_entries(head))
    first, start, stored = entries[0]
    if first == b"mimetype":
        return _by_mimetype(_unpacked(head[start:], stored=stored))
    for name, at, stored in entries:
        if name == b"[Content_Types].xml" and (main := _MAIN.search(_unpacked(head[at:], stored=stored))):
            return _MAIN_KINDS[main[1]]
    for name, _, _ in entries:
        for folder, kind in _FOLDERS:
            if name.startswith(folder):
                return kind
    return next((kind for kind in Kind if suffix in SUFFIXES[kind.value]), None)


def _by_mimetype(content: bytes) -> Kind | None:
    for mimetype, kind in _MIMETYPES:
        behind = content[len(mimetype) :].lstrip()
        # The next header follows at once; a mimetype of other documents goes on, as "-flat-xml" or "-web" do.
        if content.startswith(mimetype) and (not behind or behind.startswith((b"-template", b"PK"))):
            return kind
    return None


def _entries(head: bytes) -> list[tuple[bytes, int, bool]]:
    """Return name, start of the data and whether they are stored, of the entries whose headers the head holds."""
    out = []
    for at in (m.start() for m in re.finditer(_LOCAL, head)):
        start = at + _HEADER_BYTES + int.from_bytes(head[at + 26 : at + 28], "little")
        extra = int.from_bytes(head[at + 28 : at + 30], "little")
        out.append((head[at + _HEADER_BYTES : start], start + extra, head[at + 8 : at + 10] == b"\0\0"))
    return out


def _unpacked(data: bytes, *, stored: bool) -> bytes:
    if stored:
        return data
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, _MAX_TYPES_BYTES)
    except zlib.error:
        return b""
