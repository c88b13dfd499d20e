"""The metadata label of GB 45438-2025 Annex E: seven string fields, in one order.

The names of the fields keep the spelling of the standard, as do the attributes here.
"""

import json
import re
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

from mingwen.domain.errors import Misused

WRAPPER_KEY: Final = "AIGC"
"""Annex E a: the name of the field in the file contains this word."""

_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")

MAX_LABEL_BYTES: Final = 8192
"""A label is refused and a site not parsed beyond this many bytes of UTF-8; our bound, the standard has none."""


class Claim(StrEnum):
    """The values of ``Label``, Annex E c."""

    GENERATED = "1"
    """属于: the content is generated."""
    POSSIBLE = "2"
    """可能: it may be."""
    SUSPECTED = "3"
    """疑似: it is suspected to be."""


@dataclass(frozen=True, slots=True)
class AigcLabel:
    """The seven fields, Annex E b to i; empty strings where a field says nothing."""

    Label: str
    """Annex E c: "1", "2" or "3"."""
    ContentProducer: str
    """Annex E d: name or code of the generation provider."""
    ProduceID: str
    """Annex E e: the provider's unique number for this content."""
    ReservedCode1: str = ""
    """Annex E f: the provider's protection of the label, TC260-PG-202511A."""
    ContentPropagator: str = ""
    """Annex E g: name or code of the platform that spreads it."""
    PropagateID: str = ""
    """Annex E h: the platform's unique number for this content."""
    ReservedCode2: str = ""
    """Annex E i: the platform's protection of the label."""
    extra: tuple[tuple[str, str], ...] = ()
    """Fields that are none of the seven, kept as JSON text: unknown fields survive a read and a write."""

    @property
    def is_platforms(self) -> bool:
        """Was it made by a platform that does not know the producer (Measures Art. 6)?"""
        return not (self.ContentProducer or self.ProduceID) and bool(self.ContentPropagator and self.PropagateID)


FIELDS: Final = tuple(f.name for f in fields(AigcLabel) if f.name != "extra")
"""The seven names in the order of Annex E b."""
PRODUCTION: Final = FIELDS[:3]
"""Measures Art. 5: attribute, provider and content number must be there."""
PROPAGATION: Final = ("ContentPropagator", "PropagateID")


def produced(*, producer: str, produce_id: str, reserved_code: str = "", claim: Claim = Claim.GENERATED) -> AigcLabel:
    """Make the label of a first write: the propagator fields repeat the producer's (Annex E note 1)."""
    _require(("ContentProducer", producer), ("ProduceID", produce_id))
    return AigcLabel(claim.value, producer, produce_id, reserved_code, producer, produce_id)


def propagated(label: AigcLabel, *, propagator: str, propagate_id: str, reserved_code: str = "") -> AigcLabel:
    """Make the label of a platform that spreads a work: only fields 5 to 7 change."""
    _require(("ContentPropagator", propagator), ("PropagateID", propagate_id))
    kept = (label.Label, label.ContentProducer, label.ProduceID, label.ReservedCode1)
    return AigcLabel(*kept, propagator, propagate_id, reserved_code, label.extra)


def spread(claim: Claim, *, propagator: str, propagate_id: str) -> AigcLabel:
    """Make the label of a platform for a work without one: the attribute and its own part (Measures Art. 6).

    The producer's fields are there and empty: the platform does not know them and must not invent them.
    """
    _require(("ContentPropagator", propagator), ("PropagateID", propagate_id))
    return AigcLabel(claim.value, "", "", "", propagator, propagate_id)


def to_json(label: AigcLabel) -> str:
    """Write the bare form of Annex E b: compact, in order, ASCII only, so that it fits every container.

    Raises:
        Misused: the label is longer than ``MAX_LABEL_BYTES`` (``label.too-long``).
    """
    pairs = [f"{json.dumps(name)}:{json.dumps(getattr(label, name))}" for name in FIELDS]
    pairs += [f"{json.dumps(name)}:{value}" for name, value in label.extra]
    text = "{" + ",".join(pairs) + "}"
    if len(text) > MAX_LABEL_BYTES:
        raise Misused(
            "label.too-long",
            f"expected a label of at most {MAX_LABEL_BYTES} bytes, got {len(text)}",
            hint="shorten the producer, the number or the reserved code",
        )
    return text


def wrapped(bare: str) -> str:
    """Put the bare form into ``{"AIGC":…}``, for places that do not bear the name themselves."""
    return f'{{"{WRAPPER_KEY}":{bare}}}'


TELLING: Final = (WRAPPER_KEY, "ContentProducer", "ProduceID")
"""Words that, as keys of JSON, show that a text may be a label."""


OLDER_FIELDS: Final = ("ServiceProvider", "ServiceUser", "Time", "ContentId")
"""Keys of the schema that Tencent Cloud wrote before Annex E; seen in Exif ImageDescription."""
OLDER_LEAST: Final = 2
"""How many of them show the older schema; each alone is a word that anybody may use."""


def mentions(text: str) -> bool:
    """Say whether free text may hold a label: the word AIGC or a telling field name in a JSON object, escaped or not.

    A comment such as "made with AIGC tools" is no label; hence the quotes and the brace. The older schema counts too.
    """
    if "{" not in text:
        return False
    if "\\u" in text:
        text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
    if any(f'"{word}"' in text for word in TELLING):
        return True
    return f'"{OLDER_FIELDS[0]}"' in text and sum(f'"{word}"' in text for word in OLDER_FIELDS) >= OLDER_LEAST


def _require(*named: tuple[str, str]) -> None:
    for name, value in named:
        if not value:
            raise Misused(
                "label.empty-field",
                f"expected a value for {name}, got an empty string",
                hint="Measures Art. 5 names attribute, provider and content number; set them",
            )
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise Misused(
                "label.not-text",
                f"expected text for {name}, got {value!r}, which holds half a character",
                hint="give it in UTF-8",
            )
