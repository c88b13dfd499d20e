"""HTML: ``<meta name="AIGC" content="{…}">`` in the head (our documented default; the guide: UNKNOWN)."""

from typing import BinaryIO

from mingwen.domain.media import Medium, Splice
from mingwen.formats._characters import Kind, kind_of
from mingwen.formats._shape import Alternative, Body, Format


def claims(head: bytes, suffix: str) -> bool:
    """What begins as HTML, or is text and called so."""
    return kind_of(head, suffix) is Kind.HTML


def _body() -> Body:
    from mingwen.formats import _html  # noqa: PLC0415 - see Format.body

    return _html


def _other(source: BinaryIO, label: str) -> Splice:
    from mingwen.formats import _html  # noqa: PLC0415 - see Format.body

    return _html.splice_other(source, label)


MEMBER = Format(
    name="html",
    mime="text/html",
    suffixes=(".html", ".htm", ".xhtml"),
    place="meta AIGC",
    source="our default: no guide names a place (UNKNOWN)",
    claims=claims,
    medium=lambda _: Medium.TEXT,
    body=_body,
    alternatives=(
        Alternative(
            name="aigc-metadata",
            place="meta aigc-metadata",
            source="as pages in the wild have it (F); no guide names a place (UNKNOWN)",
            splice=_other,
        ),
    ),
)
