"""Plain text: it has no place for metadata, so the label is its last line (our documented default; the guide: UNKNOWN)."""

from mingwen.domain.media import Medium
from mingwen.formats._characters import Kind, kind_of
from mingwen.formats._shape import Body, Format


def claims(head: bytes, suffix: str) -> bool:
    """Text that is no HTML and no Markdown, and is called text or not at all."""
    return kind_of(head, suffix) is Kind.TEXT


def _body() -> Body:
    from mingwen.formats import _text  # noqa: PLC0415 - see Format.body

    return _text


MEMBER = Format(
    name="text",
    mime="text/plain",
    suffixes=(".txt",),
    place="last line",
    source="our default: no guide names a place (UNKNOWN)",
    claims=claims,
    medium=lambda _: Medium.TEXT,
    body=_body,
)
