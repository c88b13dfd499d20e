"""Contents and entries as rows of plain values, the same in every store."""

import json
from datetime import datetime
from typing import Final

from mingwen.domain.contents import Content, Delivery, File
from mingwen.domain.evidence import Entry
from mingwen.domain.labels import AigcLabel, to_json
from mingwen.domain.sites import Site, Wrapper
from mingwen.domain.verdicts import read_site

REVISION: Final = "0001"
"""The newest migration; a test holds it to the migrations' own head."""

CONTENT_COLUMNS: Final = (
    "key", "produce_id", "label", "file_name", "format", "medium", "notice", "recipient", "agreement", "reason", "keep_until",
)  # fmt: skip
ENTRY_COLUMNS: Final = ("kind", "subject", "by", "at", "detail")


def storable(text: str) -> str:
    """Escape halves of characters and NULs, which no database takes; files may be named so, and labels hold them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def content_row(content: Content) -> dict[str, str | None]:
    """Lay a content out by ``CONTENT_COLUMNS``."""
    file, delivery, keep_until = content.file, content.delivery, content.keep_until
    sent = (delivery.recipient, delivery.agreement, delivery.reason) if delivery else (None, None, None)
    label = content.label
    values = (content.key, label.ProduceID, to_json(label), file.name, file.format, file.medium, file.notice, *sent)
    return _row(CONTENT_COLUMNS, (*values, keep_until.isoformat() if keep_until else None))


def content(row: dict[str, str | None]) -> Content:
    """Build the content that ``content_row`` laid out."""
    text = {k: v or "" for k, v in row.items()}
    delivery = Delivery(text["recipient"], text["agreement"], text["reason"]) if row["recipient"] else None
    file = File(text["file_name"], text["format"], text["medium"], row["notice"])
    keep_until = datetime.fromisoformat(text["keep_until"]) if row["keep_until"] else None
    return Content(text["key"], _label(text["label"]), file, delivery, keep_until)


def entry_row(entry: Entry) -> dict[str, str | None]:
    """Lay an entry out by ``ENTRY_COLUMNS``; instants are ISO 8601 in UTC, which sorts as text."""
    detail = json.dumps(entry.detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _row(ENTRY_COLUMNS, (entry.kind, entry.subject, entry.by, entry.at.isoformat(timespec="microseconds"), detail))


def entry(row: dict[str, str]) -> Entry:
    """Build the entry that ``entry_row`` laid out."""
    return Entry(row["kind"], row["subject"], row["by"], datetime.fromisoformat(row["at"]), json.loads(row["detail"]))


def _row(columns: tuple[str, ...], values: tuple[str | None, ...]) -> dict[str, str | None]:
    return {c: None if v is None else storable(v) for c, v in zip(columns, values, strict=True)}


def _label(text: str) -> AigcLabel:
    read, _ = read_site(Site("store", text, Wrapper.BARE, guide=True))
    if read.label is None:  # what was saved had its production fields
        raise ValueError(text)
    return read.label
