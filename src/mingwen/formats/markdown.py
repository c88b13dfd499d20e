"""Markdown: the mapping ``AIGC:`` in the YAML front matter at the head of the file (TC260-PG-20258A §6.5).

The reading and writing stand in ``_markdown``, which is imported when a Markdown file comes: who labels pictures loads no YAML
library.
"""

from typing import BinaryIO

from mingwen.domain.media import Medium, Splice
from mingwen.formats._characters import Kind, kind_of
from mingwen.formats._shape import Format, Reading


def _claims(head: bytes, suffix: str) -> bool:
    return kind_of(head, suffix) is Kind.MARKDOWN


def _read(source: BinaryIO) -> Reading:
    from mingwen.formats import _markdown  # noqa: PLC0415 - see above

    return _markdown.read(source)


def _splice(source: BinaryIO, label: str) -> Splice:
    from mingwen.formats import _markdown  # noqa: PLC0415 - see above

    return _markdown.splice(source, label)


MEMBER = Format(
    name="markdown",
    mime="text/markdown",
    suffixes=(".md", ".markdown"),
    place="front matter AIGC",
    source="TC260-PG-20258A §6.5 (A)",
    claims=_claims,
    medium=lambda _: Medium.TEXT,
    read=_read,
    splice=_splice,
)
