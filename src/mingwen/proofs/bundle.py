"""The evidence bundle: one file that shows what was recorded of some acts (docs/reference/evidence-bundle.md)."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mingwen.domain.digests import sha256, sm3
from mingwen.domain.errors import Misused
from mingwen.domain.evidence import Published
from mingwen.proofs._base64 import encoded
from mingwen.proofs.canonical import canonical
from mingwen.proofs.leaves import Digests

FORMAT: Final = "mingwen-evidence/1"
INDEX: Final = "bundle.json"
NOTE: Final = "bundle.note"
MOST_BYTES: Final = 64 << 20
MOST_FILES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Bound:
    """A time that others attest."""

    at: datetime
    """UTC."""
    by: str
    """The name of a witness, or the address of a time-stamping authority."""
    size: int
    """Of the checkpoint they spoke of."""


@dataclass(frozen=True, slots=True)
class Act:
    """An entry as a bundle shows it."""

    index: int
    """In the log, from 0."""
    at: datetime
    """By the log's own clock, UTC."""
    kind: str
    fields: Mapping[str, object]
    """What is disclosed, ``subject`` and ``by`` included."""
    hidden: int
    """How many fields are kept back, or were erased."""
    leaf: bytes
    after: Bound | None = None
    """The last time at which others say that it was not in the log."""
    before: Bound | None = None
    """The first time at which others say that it was."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label as it stood in the content."""

    place: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """What was known of a file."""

    name: str
    size_bytes: int
    sha256: str | None
    """Hexadecimal, like ``sm3``."""
    sm3: str | None
    iscc: str | None
    """A fingerprint by ISO 24138."""
    labels: tuple[Label, ...]
    entry: int
    """The index of the entry that tells of it."""
    bound: bool = False
    """Does that entry disclose the digest of these very bytes?"""


@dataclass(frozen=True, slots=True)
class Handover:
    """Who had it, and when: a claim of the exporter."""

    at: datetime
    by: str
    what: str


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint, and who else spoke of it."""

    published: Published
    cosigned: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """All that a bundle shows: what reports are made from."""

    created: datetime
    """By the exporter's clock: a claim."""
    origin: str
    keys: tuple[str, ...]
    """Verifier keys of the log, then of its witnesses."""
    acts: tuple[Act, ...]
    """By index."""
    heads: tuple[Head, ...]
    """By size."""
    content: Content | None
    custody: tuple[Handover, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What opens an act of a case, and what shows that it stands in the log."""

    disclosed: tuple[str, ...]
    """Disclosures (RFC 9901 §4.2.1)."""
    hidden: tuple[Digests, ...]
    proof: str
    """Of inclusion (c2sp.org/tlog-proof), in the tree of one of the case's checkpoints."""


def files(
    case: Case, evidence: Sequence[Evidence], consistency: Sequence[Sequence[bytes]], reports: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Write every file of a bundle but ``bundle.note``.

    ``evidence`` goes with the acts of the case; ``consistency`` holds the proof from each checkpoint but the last to the next.
    """
    made: dict[str, bytes] = dict(reports)
    index = {
        "format": FORMAT,
        "created": time(case.created),
        "origin": case.origin,
        "keys": case.keys,
        "entries": [_entry(made, act, opened) for act, opened in zip(case.acts, evidence, strict=True)],
        "checkpoints": [_head(made, h, p) for h, p in zip(case.heads, ((), *consistency), strict=True)],
        "content": _content(made, case.content) if case.content else None,
        "custody": [{"at": time(row.at), "by": row.by, "what": row.what} for row in case.custody],
        "environment": dict(case.environment),
    }
    listed = [{"name": name, **_digests(made[name])} for name in sorted(made)]
    return {INDEX: canonical({**index, "files": listed}), **made}


def note(index: bytes) -> str:
    """Return the text of ``bundle.note`` for these bytes of ``bundle.json``; a key of the log has to sign it."""
    return f"{FORMAT}\n{encoded(sha256(index))}\n{encoded(sm3(index))}\n"


def packed(made: Mapping[str, bytes]) -> bytes:
    """Write the archive in its one form.

    Raises:
        Misused: more than a bundle may hold (``bundle.too-large``).
    """
    names = [INDEX, NOTE, *sorted(made.keys() - {INDEX, NOTE})]
    local, directory = bytearray(), bytearray()
    for name in names:
        data, encoded = made[name], name.encode("ascii")
        same = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, _DATE, zlib.crc32(data), len(data), len(data), len(encoded), 0)
        directory += b"PK\1\2" + _VERSION + same + struct.pack("<HHHII", 0, 0, 0, 0, len(local)) + encoded
        local += b"PK\3\4" + same + encoded + data
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(names), len(names), len(directory), len(local), 0)
    whole = bytes(local + directory + end)
    if len(names) > MOST_FILES or len(whole) > MOST_BYTES:
        what = f"expected at most {MOST_FILES} files and {MOST_BYTES} bytes, got {len(names)} and {len(whole)}"
        raise Misused("bundle.too-large", what, hint="make one bundle for fewer entries")
    return whole


def time(at: datetime) -> str:
    """Write a time as a bundle does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_DATE: Final = 1 << 5 | 1
"""1980-01-01, the first day a ZIP archive knows."""
_VERSION: Final = struct.pack("<H", 20)


def _entry(made: dict[str, bytes], act: Act, opened: Evidence) -> dict[str, object]:
    names = {
        "leaf": f"entries/{act.index}.json",
        "fields": f"entries/{act.index}.fields.json",
        "proof": f"entries/{act.index}.tlog-proof",
    }
    hidden = sorted(({"sha256": encoded(d.sha256), "sm3": encoded(d.sm3)} for d in opened.hidden), key=lambda row: row["sha256"])
    made[names["leaf"]] = act.leaf
    made[names["fields"]] = canonical({"disclosed": opened.disclosed, "hidden": hidden})
    made[names["proof"]] = opened.proof.encode()
    return {"index": act.index, **names}


def _head(made: dict[str, bytes], head: Head, consistency: Sequence[bytes]) -> dict[str, object]:
    size, name = head.published.size, f"checkpoints/{head.published.size}.txt"
    stamps = {f"checkpoints/{size}.{i}.tst": stamp.token for i, stamp in enumerate(head.published.stamps)}
    made |= stamps
    made[name] = head.published.note.encode()
    return {"size": size, "note": name, "stamps": list(stamps), "consistency": [encoded(h) for h in consistency]}


def _content(made: dict[str, bytes], content: Content) -> dict[str, object]:
    labels = {f"labels/{i}.txt": label for i, label in enumerate(content.labels)}
    made |= {name: label.data for name, label in labels.items()}
    return {
        "name": content.name,
        "bytes": content.size_bytes,
        "sha256": content.sha256,
        "sm3": content.sm3,
        "iscc": content.iscc,
        "labels": [{"place": label.place, "file": name} for name, label in labels.items()],
        "entry": content.entry,
    }


def _digests(data: bytes) -> dict[str, str]:
    return {"sha256": encoded(sha256(data)), "sm3": encoded(sm3(data))}
