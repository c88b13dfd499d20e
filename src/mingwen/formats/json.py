"""JSON: the member ``aigc`` of the object that a file holds (our default: what public APIs do)."""

import re

from mingwen.domain.media import Medium
from mingwen.formats._shape import Body, Format

_BEGINNING = re.compile(rb'(?:\xef\xbb\xbf)?[ \t\r\n]*(?:\{[ \t\r\n]*(?:["}]|\Z)|\[)')
_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})


def claims(head: bytes, suffix: str) -> bool:
    """By its suffix, if it begins as an object or array does; of lines of JSON the body tells that they have no place."""
    return suffix in _SUFFIXES and _BEGINNING.match(head) is not None


def _body() -> Body:
    from mingwen.formats import _json  # noqa: PLC0415 - see Format.body

    return _json


MEMBER = Format(
    name="json",
    mime="application/json",
    suffixes=(".json",),
    place="member aigc",
    source="our default: convention of APIs (UNKNOWN)",
    claims=claims,
    medium=lambda _: Medium.TEXT,
    body=_body,
)
