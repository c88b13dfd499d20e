"""How the kinds of streams that are text begin."""

import json
import re
from typing import Final

_FIELD: Final = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?:data|event|id|retry)?:")


def is_events(first: object) -> bool:
    """Say whether a chunk begins with a field or a comment of server-sent events (HTML Living Standard §9.2.5)."""
    return isinstance(first, str | bytes) and _FIELD.match(_start(first)) is not None


def object_in(chunk: object) -> dict[str, object] | None:
    """Return the JSON object that a chunk is, or None."""
    if not isinstance(chunk, str | bytes) or not _start(chunk).lstrip().startswith(b"{"):
        return None
    try:
        found = json.loads(chunk)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_text(first: object) -> bool:
    """Say whether a chunk is a piece of text and nothing else."""
    return isinstance(first, str | bytes) and not is_events(first) and object_in(first) is None


def _start(chunk: str | bytes) -> bytes:
    return chunk[:64].encode("utf-8", "replace") if isinstance(chunk, str) else chunk[:64]
