"""IPTC-IIM within Photoshop's image resources: captions, credits and the like.

Structure: Adobe Photoshop File Formats Specification, "Image Resource Blocks"; IPTC-NAA IIM version 4.2, chapters 3 and 5.
"""

from collections.abc import Iterator
from typing import Final

from mingwen.formats._characters import guessed
from mingwen.formats._shape import Channel, Clue

MAX_RESOURCES: Final = 500
MAX_DATASETS: Final = 500

_IIM: Final = 0x0404
_HEAD: Final = 5
"""Tag marker, record, dataset, and a length of 15 bits; longer ones hold pictures."""
_TEXTS: Final = {5, 15, 20, 25, 40, 55, 65, 70, 80, 85, 90, 101, 103, 105, 110, 115, 116, 118, 120, 122}
"""Datasets of record 2 that people or programs fill with words: title, keywords, program (65), by-line (80), credit (110),
source (115), caption (120), …"""


def clues(resources: bytes) -> Iterator[Clue]:
    """Give the text datasets of record 2, named ``2:110``; a broken structure as far as it goes."""
    at = 0
    for _ in range(MAX_RESOURCES):
        if resources[at : at + 4] != b"8BIM":
            return
        name = 1 + resources[at + 6 : at + 7][0] if len(resources) > at + 6 else 1
        start = at + 6 + name + name % 2
        size = int.from_bytes(resources[start : start + 4])
        if int.from_bytes(resources[at + 4 : at + 6]) == _IIM:
            yield from datasets(resources[start + 4 : start + 4 + size])
        at = start + 4 + size + size % 2


def datasets(data: bytes) -> Iterator[Clue]:
    """Give the text datasets of a bare IIM record, as TIFF holds it; as ``clues``."""
    at = 0
    for _ in range(MAX_DATASETS):
        if len(data) < at + _HEAD or data[at] != 0x1C:  # noqa: PLR2004 - IIM §1.5.1: the tag marker
            return
        record, dataset, size = data[at + 1], data[at + 2], int.from_bytes(data[at + 3 : at + 5])
        if size & 0x8000:  # §1.5.2: an extended length
            return
        value = data[at + _HEAD : at + _HEAD + size]
        if record == 2 and dataset in _TEXTS:  # noqa: PLR2004 - the application record
            yield Clue(Channel.IPTC, f"2:{dataset}", guessed(value))
        at += _HEAD + size
