"""What stands in the log of an act: its kind, its time, and salted commitments to everything else.

Each field of an entry (``subject``, ``by`` and what its detail holds) becomes a *disclosure* of SD-JWT (RFC 9901 §4.2.1): the
base64url of the JSON array ``[salt, name, value]``. Its digests are SHA-256 and SM3 of that text. A leaf is canonical JSON (RFC
8785):

    {"at":"2026-11-22T12:00:00.000000Z","fields":5,"kind":"label.produced","sha256":"…","sm3":"…","v":1}

``sha256`` and ``sm3`` are digests over all the fields' digests of that kind, in ascending order, as base64. Whoever is shown some
disclosures and the digests of the others can check them against the leaf, and learns nothing of the others. A disclosure that is
erased leaves its digests; the leaf stands, and nobody can say what it was about.
"""

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mingwen.domain.digests import sha256, sm3
from mingwen.domain.errors import Misused
from mingwen.domain.evidence import Entry, Record
from mingwen.proofs._base64 import encoded
from mingwen.proofs.canonical import canonical

VERSION: Final = 1
SALT_BYTES: Final = 16
"""128 bits, as RFC 9901 §9.3 asks for: a value cannot be guessed from its digest."""
DIGEST_BYTES: Final = 32
MOST_LEAF_BYTES: Final = 65_535
"""An entry bundle of tlog-tiles gives the length of a leaf two bytes."""
MOST_FIELDS: Final = 100
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class Digests:
    """What is left of a field when it is not shown."""

    sha256: bytes
    sm3: bytes


def fields(entry: Entry) -> dict[str, object]:
    """Return what is committed to of an entry, by name.

    Raises:
        Misused: its detail has a name that an entry bears itself (``entry.field``).
    """
    own: dict[str, object] = {"subject": entry.subject, "by": entry.by}
    if clash := own.keys() & entry.detail.keys():
        raise Misused("entry.field", f"expected other names in the detail than subject and by, got {clash}", hint="rename them")
    return {name: value for name, value in (own | dict(entry.detail)).items() if value not in ("", None)}


def disclosures(values: Mapping[str, object], salts: bytes) -> tuple[str, ...]:
    """Write the disclosures of ``values``, in order of names; ``salts`` holds ``SALT_BYTES`` for each in that order."""
    if len(salts) != SALT_BYTES * len(values):
        raise ValueError(f"{len(salts)} bytes of salt for {len(values)} fields")
    names = sorted(values)
    return tuple(
        _base64url(canonical([_base64url(salts[i * SALT_BYTES : (i + 1) * SALT_BYTES]), name, values[name]]))
        for i, name in enumerate(names)
    )


def digests(disclosure: str) -> Digests:
    """Return the digests of a disclosure: of its text, as RFC 9901 §4.2.3 has it."""
    text = disclosure.encode()
    return Digests(sha256(text), sm3(text))


def leaf(kind: str, at: datetime, committed: Sequence[Digests]) -> bytes:
    """Write the leaf of an act of this kind at this time whose fields have these digests."""
    made = canonical(
        {
            "at": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "fields": len(committed),
            "kind": kind,
            "sha256": encoded(sha256(b"".join(sorted(d.sha256 for d in committed)))),
            "sm3": encoded(sm3(b"".join(sorted(d.sm3 for d in committed)))),
            "v": VERSION,
        }
    )
    if len(made) > MOST_LEAF_BYTES:
        raise Misused("entry.too-long", f"expected a kind that fits {MOST_LEAF_BYTES} bytes, got more", hint="shorten it")
    return made


def committed(entry: Entry, salts: bytes) -> bytes:
    """Return the leaf of an entry, with ``SALT_BYTES`` of salt for each of its ``fields``."""
    return leaf(entry.kind, entry.at, [digests(d) for d in disclosures(fields(entry), salts)])


def opens(record: Record) -> bool:
    """Say whether what is kept of an entry leads to its leaf: the fields that are left, and the digests of what was erased."""
    size = 2 * DIGEST_BYTES
    gone = (record.hidden[i : i + size] for i in range(0, len(record.hidden), size))
    try:
        shown = [digests(d) for d in disclosures(fields(record.entry), record.salts)]
    except (ValueError, Misused):  # a field was put in or taken out, and its salt was not
        return False
    hidden = [Digests(pair[:DIGEST_BYTES], pair[DIGEST_BYTES:]) for pair in gone]
    return leaf(record.entry.kind, record.entry.at, [*shown, *hidden]) == record.leaf


def _base64url(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()
