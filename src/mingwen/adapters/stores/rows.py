"""Contents and entries as rows of plain values, the same in every store."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Final, NamedTuple, TypeAlias

from mingwen.domain.contents import Content, Delivery, File
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.labels import AigcLabel, to_json
from mingwen.domain.sites import Site, Wrapper
from mingwen.domain.verdicts import read_site
from mingwen.proofs.canonical import MOST_INTEGER, canonical
from mingwen.proofs.leaves import SALT_BYTES, digests, disclosures, fields, leaf

REVISION: Final = "0002"
"""The newest migration; a test holds it to the migrations' own head."""

CONTENT_COLUMNS: Final = (
    "key", "produce_id", "label", "file_name", "format", "medium", "notice", "recipient", "agreement", "reason", "keep_until",
)  # fmt: skip
ENTRY_COLUMNS: Final = ("kind", "subject", "by", "at", "detail", "content", "leaf", "salts")
"""As a store writes them; ``hidden`` and ``position`` come later."""

ContentRow: TypeAlias = dict[str, str | None]
EntryRow: TypeAlias = dict[str, str | bytes | None]


class Rows(NamedTuple):
    """An outcome, laid out."""

    content: ContentRow | None
    entries: list[EntryRow]


def outcome_rows(outcomes: Sequence[Outcome[Content] | Outcome[None]]) -> list[Rows]:
    """Lay outcomes out, entries with fresh salts and the leaves that commit to them.

    Raises:
        Misused: an entry holds what no leaf can commit to (``json.value``, ``entry.field``).
    """
    kept = [[stored(e) for e in outcome.entries] for outcome in outcomes]
    chance = BytesIO(os.urandom(SALT_BYTES * sum(len(fields(e)) for entries in kept for e in entries)))
    return [_rows(outcome.state, entries, chance) for outcome, entries in zip(outcomes, kept, strict=True)]


def _rows(state: Content | None, entries: Sequence[Entry], chance: BytesIO) -> Rows:
    key = None if state is None else storable(state.key)
    return Rows(None if state is None else content_row(state), [entry_row(e, chance, key) for e in entries])


def storable(text: str) -> str:
    """Escape halves of characters and NULs, which no database takes; files may be named so, and labels hold them."""
    if text.isprintable():  # neither stands in such text, which is nearly all there is
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def content_row(content: Content) -> ContentRow:
    """Lay a content out by ``CONTENT_COLUMNS``."""
    file, delivery, keep_until = content.file, content.delivery, content.keep_until
    sent = (delivery.recipient, delivery.agreement, delivery.reason) if delivery else (None, None, None)
    label = content.label
    values = (content.key, label.ProduceID, to_json(label), file.name, file.format, file.medium, file.notice, *sent)
    row = (*values, keep_until.isoformat() if keep_until else None)
    return {c: None if v is None else storable(v) for c, v in zip(CONTENT_COLUMNS, row, strict=True)}


def content(row: ContentRow) -> Content:
    """Build the content that ``content_row`` laid out."""
    text = {k: v or "" for k, v in row.items()}
    delivery = Delivery(text["recipient"], text["agreement"], text["reason"]) if row["recipient"] else None
    file = File(text["file_name"], text["format"], text["medium"], row["notice"])
    keep_until = datetime.fromisoformat(text["keep_until"]) if row["keep_until"] else None
    return Content(text["key"], _label(text["label"]), file, delivery, keep_until)


def stored(entry: Entry) -> Entry:
    """Return an entry as it comes back from a store; it is this that a leaf commits to."""
    kind, subject, by = (storable(text) for text in (entry.kind, entry.subject, entry.by))
    return replace(entry, kind=kind, subject=subject, by=by, detail=_stored_object(entry.detail))


def _stored_object(values: Mapping[str, object]) -> dict[str, object]:
    return {storable(name): _stored(value) for name, value in values.items()}


def _stored(value: object) -> object:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return _stored_object(value)
    return [_stored(v) for v in value] if isinstance(value, list | tuple) else value


def entry_row(entry: Entry, chance: BytesIO, content: str | None) -> EntryRow:
    """Lay an entry that is ``stored`` out by ``ENTRY_COLUMNS``; ``chance`` gives the salts, ``content`` is its content's key."""
    values = fields(entry)
    salts = chance.read(SALT_BYTES * len(values))
    made = leaf(entry.kind, entry.at, [digests(d) for d in disclosures(values, salts)])
    row = (entry.kind, entry.subject, entry.by, instant(entry.at), detail(entry.detail), content, made, salts)
    return dict(zip(ENTRY_COLUMNS, row, strict=True))


def instant(at: datetime) -> str:
    """Write an instant: ISO 8601 in UTC, which sorts as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def detail(values: Mapping[str, object]) -> str:
    """Write the detail of an entry."""
    return canonical(dict(values)).decode()


def entry(row: Mapping[str, object]) -> Entry:
    """Build the entry that ``entry_row`` laid out."""
    kind, subject, by, at, text = (str(row[name]) for name in ENTRY_COLUMNS[:5])
    return Entry(kind, subject, by, datetime.fromisoformat(at), json.loads(text, parse_int=_integer))


def _integer(digits: str) -> int | float:
    """Read back what canonical JSON wrote without a point: beyond 2⁵³ it was a float."""
    return int(digits) if abs(int(digits)) <= MOST_INTEGER else float(digits)


def _label(text: str) -> AigcLabel:
    if not text:
        return AigcLabel("", "", "")  # it was erased
    read, _ = read_site(Site("store", text, Wrapper.BARE, guide=True))
    if read.label is None:  # what was saved had its production fields
        raise ValueError(text)
    return read.label
