"""Whose file it is that begins with ID3 tags: MP3, FLAC and raw AAC all do; all that their heads need of it."""

from typing import Final

_AAC_SYNC: Final = frozenset({b"\xff\xf0", b"\xff\xf1", b"\xff\xf8", b"\xff\xf9"})
"""ISO/IEC 13818-7 §6.2: twelve bits of ones, an id, layer 0, with or without CRC."""
_BY_SUFFIX: Final = {".flac": "flac", ".fla": "flac", ".aac": "adts", ".adts": "adts"}


def behind_tags(head: bytes, suffix: str) -> str:
    """Return ``mp3``, ``flac`` or ``adts`` for a head that begins with ID3 tags, and "" for any other.

    What follows the tags tells; where that is behind the head, as with a cover picture, the suffix does.
    """
    at = 0
    while head[at : at + 3] == b"ID3" and len(head) >= at + 10 and max(head[at + 6 : at + 10]) < 0x80:  # noqa: PLR2004
        size = sum(byte << 7 * i for i, byte in enumerate(reversed(head[at + 6 : at + 10])))
        at += 10 + size + (10 if head[at + 5] & 0x10 else 0)  # id3v2.4.0 §3.4: a footer
    if at == 0:
        return "mp3" if head.startswith(b"ID3") else ""
    following = head[at : at + 4]
    if len(following) < 4:  # noqa: PLR2004
        return _BY_SUFFIX.get(suffix, "mp3")
    return "flac" if following == b"fLaC" else "adts" if following[:2] in _AAC_SYNC else "mp3"
