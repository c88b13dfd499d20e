"""ODF presentations (ODP): the user-defined metadata AIGC (our documented default; the guide: UNKNOWN)."""

from mingwen.domain.media import Medium
from mingwen.formats._packages import SUFFIXES, Kind, kind_of
from mingwen.formats._shape import Body, Format


def claims(head: bytes, suffix: str) -> bool:
    """A ZIP whose ``mimetype`` tells of it, or that is called so."""
    return kind_of(head, suffix) is Kind.ODP


def _body() -> Body:
    from mingwen.formats import _odf  # noqa: PLC0415 - see Format.body

    return _odf


MEMBER = Format(
    name="odp",
    mime="application/vnd.oasis.opendocument.presentation",
    suffixes=SUFFIXES["odp"],
    place="user-defined metadata AIGC",
    source="our default: ODF 1.3 part 3 §4.3.3, user-defined metadata; no guide names a place (UNKNOWN)",
    claims=claims,
    medium=lambda _: Medium.TEXT,
    body=_body,
)
