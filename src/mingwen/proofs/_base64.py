"""Bytes as base64 (RFC 4648 §4), read back only from the one way to write them: what was signed has no second form."""

import base64
import binascii


def encoded(data: bytes) -> str:
    """Write ``data`` with padding, on one line."""
    return base64.b64encode(data).decode()


def decoded(text: str) -> bytes | None:
    """Read what ``encoded`` writes; None for every other text."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if encoded(data) == text else None
