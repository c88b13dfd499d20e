"""A piece of content that was labelled: who made the label, for which file, with or without an explicit label."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from mingwen.domain.errors import Misused, Refused
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.labels import AigcLabel, to_json

RETENTION: Final = timedelta(days=184)
"""Measures Art. 9: records of an unmarked delivery are kept for at least six months, of which the longest have 184 days."""

MAX_KEY_CHARS: Final = 200
"""Of an idempotency key; ours."""


def _is_storable(text: str) -> bool:
    """Say whether every database takes the text: no NUL, and no half of a character, as a broken file name has."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery without explicit label at the user's request, Measures Art. 9."""

    recipient: str
    """Who receives the file."""
    agreement: str
    """The version of the agreement that lays the duty to label upon them."""
    reason: str
    """Why they asked."""

    def __post_init__(self) -> None:
        for name in ("recipient", "agreement", "reason"):
            value: object = getattr(self, name)
            if not isinstance(value, str) or not _is_storable(value):
                raise Misused(
                    "delivery.not-text", f"expected text for {name}, got {value!r}", hint="whole characters, and no NUL"
                )
            if not value.strip():
                raise Refused(
                    "delivery.incomplete",
                    f"expected a {name} for content without explicit label, got nothing",
                    hint="Measures Art. 9: give --recipient, --agreement and --reason, or leave the explicit label in",
                )


@dataclass(frozen=True, slots=True)
class File:
    """The file that carries the label."""

    name: str
    format: str
    medium: str
    notice: str | None
    """What the explicit label is, in words; None where there is none."""


@dataclass(frozen=True, slots=True)
class Content:
    """The state that is kept of one labelled piece of content."""

    key: str
    """The idempotency key: the same key twice gives the same label once."""
    label: AigcLabel
    file: File
    delivery: Delivery | None
    keep_until: datetime | None
    """Not before this instant may the record of an unmarked delivery be dropped."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was written."""

    label: AigcLabel
    format: str
    place: str
    notice: str | None
    """What the explicit label is, in words."""
    size_bytes: int
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """What has to stand beside the file, by what is put behind its name: ``{".xmp": …}``."""
    manifest: bool = False
    """Does a signed C2PA manifest go with it, in the file or beside it?"""
    data: bytes | None = None
    """The output itself, where the library was given no sink."""


def produce(label: AigcLabel, file: File, *, key: str, delivery: Delivery | None, by: str, now: datetime) -> Outcome[Content]:
    """Record a first label. A file without explicit label needs a ``delivery`` (Measures Art. 9).

    Raises:
        Refused: neither an explicit label nor a delivery (``delivery.missing``).
    """
    if file.notice is None and delivery is None:
        raise Refused(
            "delivery.missing",
            "expected an explicit label, or a recipient, an agreement and a reason; got none of them",
            hint="Measures Art. 9: give --recipient, --agreement and --reason, or leave the explicit label in",
        )
    keep_until = now + RETENTION if delivery else None
    return _outcome("label.produced", Content(key, label, file, delivery, keep_until), by=by, now=now)


def propagate(label: AigcLabel, file: File, *, key: str, by: str, now: datetime) -> Outcome[Content]:
    """Record a platform's part of a label; what is perceptible in the file stays as it came (Measures Art. 6)."""
    return _outcome("label.propagated", Content(key, label, file, None, None), by=by, now=now)


def require_key(key: str) -> None:
    """Raise unless ``key`` may serve as an idempotency key.

    Raises:
        Misused: it is empty or longer than ``MAX_KEY_CHARS`` (``key.length``).
    """
    if not 0 < len(key) <= MAX_KEY_CHARS:
        raise Misused(
            "key.length",
            f"expected an idempotency key of 1 to {MAX_KEY_CHARS} characters, got {len(key)}",
            hint="a UUID does well",
        )


def require_same(content: Content, known: Content | None) -> None:
    """Raise if an idempotency key stands for something else already; the file's name may differ, it may come another way.

    Raises:
        Refused: label, format, explicit label or delivery differ (``key.reused``).
    """
    if known and _essence(content) != _essence(known):
        raise Refused(
            "key.reused",
            f"expected the same content and options as before under the key {known.key!r}, got others",
            hint="the key is for repeating one act: take a fresh one for another file or other options",
        )


def _essence(content: Content) -> tuple[object, ...]:
    file = content.file
    return content.label, file.format, file.medium, file.notice, content.delivery


def require_production(label: AigcLabel | None, place: str) -> AigcLabel:
    """Return a label whose production fields are whole; a platform keeps them and must not invent them.

    Raises:
        Misused: they are not (``label.incomplete``).
    """
    if label is None:
        raise Misused(
            "label.incomplete",
            f"expected a label with Label, ContentProducer and ProduceID at {place}, found one that lacks some",
            hint="`mingwen verify` lists what is missing; the producer has to mend it",
        )
    return label


def _outcome(kind: str, content: Content, *, by: str, now: datetime) -> Outcome[Content]:
    file = content.file
    detail: dict[str, object] = {
        "label": to_json(content.label),
        "file": file.name,
        "format": file.format,
        "notice": file.notice,
    }
    if content.delivery and content.keep_until:
        d = content.delivery
        detail["delivery"] = {"recipient": d.recipient, "agreement": d.agreement, "reason": d.reason}
        detail["keep_until"] = content.keep_until.isoformat()
    return Outcome(content, (Entry(kind, content.label.ProduceID or content.label.PropagateID, by, now, detail),))
