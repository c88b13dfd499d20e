"""Streams of server-sent events: the member ``aigc`` of the first and the last event (our default: what public APIs do)."""

import re

from mingwen.domain.media import Medium
from mingwen.formats._shape import Body, Format

_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?:data|event|id|retry)?:")


def claims(head: bytes, suffix: str) -> bool:
    """By its suffix, if it begins with a field or a comment of HTML Living Standard §9.2.5."""
    return suffix in MEMBER.suffixes and _BEGINNING.match(head) is not None


def _body() -> Body:
    from mingwen.formats import _sse  # noqa: PLC0415 - see Format.body

    return _sse


MEMBER = Format(
    name="sse",
    mime="text/event-stream",
    suffixes=(".sse", ".event-stream"),
    place="first and last event aigc",
    source="our default: convention of APIs (UNKNOWN)",
    claims=claims,
    medium=lambda _: Medium.TEXT,
    body=_body,
)
