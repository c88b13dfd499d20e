"""SVG: an XMP packet in the root's ``<metadata>`` (our documented default; the guide: UNKNOWN)."""

from mingwen.domain.media import Medium
from mingwen.formats._characters import Kind, kind_of
from mingwen.formats._shape import XMP_PLACE, Body, Format


def claims(head: bytes, suffix: str) -> bool:
    """What begins as SVG, and is not called HTML or Markdown."""
    return kind_of(head, suffix) is Kind.SVG


def _body() -> Body:
    from mingwen.formats import _svg  # noqa: PLC0415 - see Format.body

    return _svg


MEMBER = Format(
    name="svg",
    mime="image/svg+xml",
    suffixes=(".svg",),
    place=XMP_PLACE,
    source="our default: no guide names a place (UNKNOWN)",
    claims=claims,
    medium=lambda _: Medium.IMAGE,
    body=_body,
    c2pa="image/svg+xml",
)
