"""The label of a file that has no room for one: an XMP packet in a file beside it, ``picture.bmp.xmp`` (ISO 16684-1)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import BinaryIO, Final

from mingwen.domain.errors import Malformed, Misused
from mingwen.domain.media import Splice
from mingwen.formats._shape import BESIDE_PLACE, Alternative, Body, Clue, Format, Reading, Unread

SUFFIX: Final = ".xmp"
"""Behind the whole name, so that ``a.bmp`` and ``a.txt`` do not share one."""
CHOICE: Final = "sidecar"
"""What the setting ``places`` says for a format whose label is to stand beside the file."""


def read(packet: bytes, *, guide: bool = True) -> Reading:
    """Find the labels of a packet that stands beside its file; ``guide``: is that the place for them?"""
    from mingwen.containers import stray  # noqa: PLC0415 - few files have one
    from mingwen.formats import _xmp  # noqa: PLC0415 - the same

    try:
        sites = _xmp.sites(packet, BESIDE_PLACE, guide=guide)
        return Reading(tuple(sites), tuple(stray.unexplained(packet, sites, BESIDE_PLACE)))
    except Malformed as e:
        return Reading(unread=(Unread(BESIDE_PLACE, e.message),))


def edited(packet: bytes | None, label: str) -> bytes:
    """Return the packet with ``label`` and no other; None makes a new one.

    Raises:
        Malformed: there is a packet and it cannot be edited (``xmp.broken``).
    """
    from mingwen.formats import _xmp  # noqa: PLC0415 - few files have one

    return _xmp.edit(packet, label)


def placed(format_: Format, choice: str) -> Format:
    """Return the format with its label at another place, as the setting ``places`` chooses.

    Raises:
        Misused: the format has no such place (``places.unknown``).
    """
    if choice == CHOICE:
        return replace(format_, sidecar=True, place=BESIDE_PLACE, source="chosen by configuration")
    chosen = next((a for a in format_.alternatives if a.name == choice), None)
    if chosen is None:
        names = ", ".join([*(a.name for a in format_.alternatives), CHOICE])
        hint = "docs/reference/formats.md lists the places of each format"
        raise Misused("places.unknown", f"expected a place for {format_.name} among {names}, got {choice!r}", hint=hint)
    return replace(format_, place=chosen.place, source=chosen.source, body=lambda: _Elsewhere(format_.body(), chosen))


class _Elsewhere:
    """A body whose label stands at an alternative place."""

    def __init__(self, body: Body, alternative: Alternative) -> None:
        self._body, self._place, self._splice = body, alternative.place, alternative.splice

    def read(self, source: BinaryIO) -> Reading:
        """As the body; only which place is the chosen one differs."""
        found = self._body.read(source)
        return Reading(tuple(replace(site, guide=site.place == self._place) for site in found.sites), found.unread)

    def splice(self, source: BinaryIO, label: str) -> Splice:
        """Put the label at the alternative place."""
        return self._splice(source, label)

    def clues(self, source: BinaryIO) -> Iterable[Clue]:
        """As the body."""
        return self._body.clues(source)
