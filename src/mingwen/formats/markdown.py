"""Markdown: the mapping ``AIGC:`` in the YAML front matter at the head of the file (TC260-PG-20258A §6.5)."""

from mingwen.domain.media import Medium
from mingwen.formats._characters import Kind, kind_of
from mingwen.formats._shape import Body, Format


def claims(head: bytes, suffix: str) -> bool:
    """Text that begins with front matter, or is called Markdown."""
    return kind_of(head, suffix) is Kind.MARKDOWN


def _body() -> Body:
    from mingwen.formats import _markdown  # noqa: PLC0415 - see Format.body

    return _markdown


MEMBER = Format(
    name="markdown",
    mime="text/markdown",
    suffixes=(".md", ".markdown"),
    place="front matter AIGC",
    source="TC260-PG-20258A §6.5 (A)",
    claims=claims,
    medium=lambda _: Medium.TEXT,
    body=_body,
)
