"""EPUB: ``<meta name="AIGC" …>`` in the package document (our documented default; the guide: UNKNOWN)."""

from typing import BinaryIO

from mingwen.domain.media import Medium, Splice
from mingwen.formats._packages import SUFFIXES, Kind, kind_of
from mingwen.formats._shape import Alternative, Body, Format


def claims(head: bytes, suffix: str) -> bool:
    """A ZIP whose ``mimetype`` or container tells of it, or that is called so."""
    return kind_of(head, suffix) is Kind.EPUB


def _body() -> Body:
    from mingwen.formats import _epub  # noqa: PLC0415 - see Format.body

    return _epub


def _property(source: BinaryIO, label: str) -> Splice:
    from mingwen.formats import _epub  # noqa: PLC0415 - see Format.body

    return _epub.splice_property(source, label)


MEMBER = Format(
    name="epub",
    mime="application/epub+zip",
    suffixes=SUFFIXES["epub"],
    place="OPF meta AIGC",
    source="our default: no guide names a place (UNKNOWN)",
    claims=claims,
    medium=lambda _: Medium.TEXT,
    body=_body,
    alternatives=(
        Alternative(
            name="property",
            place="OPF property AIGC",
            source="EPUB 3.3 §5.5.5; no guide names a place (UNKNOWN)",
            splice=_property,
        ),
    ),
)
