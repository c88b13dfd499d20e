"""Excel workbooks (XLSX): the custom property AIGC (TC260-PG-20258A §6.1)."""

from mingwen.domain.media import Medium
from mingwen.formats._packages import SUFFIXES, Kind, kind_of
from mingwen.formats._shape import Body, Format


def claims(head: bytes, suffix: str) -> bool:
    """A ZIP whose content types or names tell of it, or that is called so."""
    return kind_of(head, suffix) is Kind.XLSX


def _body() -> Body:
    from mingwen.formats import _ooxml  # noqa: PLC0415 - see Format.body

    return _ooxml


MEMBER = Format(
    name="xlsx",
    mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    suffixes=SUFFIXES["xlsx"],
    place="custom property AIGC",
    source="TC260-PG-20258A §6.1 (A)",
    claims=claims,
    medium=lambda _: Medium.TEXT,
    body=_body,
)
