"""PDF: the key ``/AIGC`` of the document information dictionary (TC260-PG-20258A §6.3)."""

import re

from mingwen.domain.media import Medium
from mingwen.formats._shape import Body, Format

_HEADER_BYTES = 1024
"""Viewers look for the header so far into the file; what stands before is often a mail's or a server's."""
_HEADER = re.compile(rb"(?:\A|[\r\n])%PDF-[12]\.\d")
_OTHERS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8", b"PK\3\4", b"II*\0", b"MM\0*", b"8BPS", b"ID3", b"OggS", b"fLaC")


def claims(head: bytes, _: str) -> bool:
    """ISO 32000-1 §7.5.2; a header that does not stand first counts only among bytes that are no other format's."""
    if head.startswith(b"%PDF-") or head.lstrip().startswith(b"%PDF-"):
        return True
    return not head.startswith(_OTHERS) and b"\0" in head and _HEADER.search(head, 0, _HEADER_BYTES) is not None


def _body() -> Body:
    from mingwen.formats import _pdf  # noqa: PLC0415 - see Format.body

    return _pdf


MEMBER = Format(
    name="pdf",
    mime="application/pdf",
    suffixes=(".pdf",),
    place="Info /AIGC",
    source="TC260-PG-20258A §6.3 (A)",
    claims=claims,
    medium=lambda _: Medium.TEXT,
    body=_body,
    c2pa="application/pdf",
)
