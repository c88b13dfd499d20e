"""What is recorded of a labelled piece of content, and what an idempotency key stands for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mingwen.domain.contents import (
    MAX_KEY_CHARS,
    RETENTION,
    Delivery,
    File,
    produce,
    propagate,
    require_key,
    require_production,
    require_same,
)
from mingwen.domain.errors import Misused, Refused
from mingwen.domain.labels import produced, to_json

NOW = datetime(2026, 8, 31, 12, tzinfo=UTC)
LABEL = produced(producer="p", produce_id="7")
MARKED = File("a.png", "png", "image", "AI生成, bottom-right")
UNMARKED = replace(MARKED, notice=None)
SENT = Delivery("Ms Li", "terms 3", "wanted for print")


def test_a_first_label_is_told_in_one_entry() -> None:
    outcome = produce(LABEL, MARKED, key="k", delivery=None, by="p", now=NOW)
    (entry,) = outcome.entries
    assert (entry.kind, entry.subject, entry.by, entry.at) == ("label.produced", "7", "p", NOW)
    assert entry.detail == {"label": to_json(LABEL), "file": "a.png", "format": "png", "notice": MARKED.notice}
    assert outcome.state.keep_until is None


def test_without_explicit_label_a_delivery_is_asked_for() -> None:
    with pytest.raises(Refused, match=r"delivery\.missing"):
        produce(LABEL, UNMARKED, key="k", delivery=None, by="p", now=NOW)


def test_an_unmarked_delivery_is_recorded_and_kept_six_months() -> None:
    outcome = produce(LABEL, UNMARKED, key="k", delivery=SENT, by="p", now=NOW)
    assert outcome.entries[0].detail["delivery"] == {
        "recipient": "Ms Li", "agreement": "terms 3", "reason": "wanted for print",
    }  # fmt: skip
    assert outcome.state.keep_until == NOW + RETENTION


@pytest.mark.parametrize("month", range(1, 13))
def test_the_retention_covers_six_calendar_months_from_any_month(month: int) -> None:
    begin = datetime(2027, month, 1, tzinfo=UTC)
    end = datetime(2027 + (month + 5) // 12, (month + 5) % 12 + 1, 1, tzinfo=UTC)
    assert end - begin <= RETENTION <= timedelta(days=186)


@pytest.mark.parametrize("missing", ["recipient", "agreement", "reason"])
def test_a_delivery_says_who_what_and_why(missing: str) -> None:
    with pytest.raises(Refused, match=missing):
        replace(SENT, **{missing: " "})


def test_a_platform_needs_no_explicit_label_of_its_own() -> None:
    outcome = propagate(LABEL, UNMARKED, key="k", by="platform", now=NOW)
    assert (outcome.entries[0].kind, outcome.entries[0].by) == ("label.propagated", "platform")


def test_a_platform_does_not_invent_production_fields() -> None:
    assert require_production(LABEL, "here") is LABEL
    with pytest.raises(Misused, match=r"label\.incomplete"):
        require_production(None, "here")


@pytest.mark.parametrize("key", ["", "k" * (MAX_KEY_CHARS + 1)])
def test_a_key_has_a_length(key: str) -> None:
    with pytest.raises(Misused, match=r"key\.length"):
        require_key(key)
    require_key("k" * MAX_KEY_CHARS)


def test_a_key_stands_for_one_act() -> None:
    content = produce(LABEL, UNMARKED, key="k", delivery=SENT, by="p", now=NOW).state
    require_same(content, None)
    require_same(content, replace(content, file=replace(UNMARKED, name="other.png"), keep_until=None))
    others = (
        replace(content, label=replace(LABEL, ProduceID="8")),
        replace(content, delivery=None),
        replace(content, file=MARKED),
        replace(content, file=replace(UNMARKED, format="jpeg")),
    )
    for other in others:
        with pytest.raises(Refused, match=r"key\.reused"):
            require_same(content, other)
