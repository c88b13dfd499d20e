"""Measures Art. 6 and Art. 10: every row of the table, and what a platform may do to a label."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen.domain.findings import Finding, found
from mingwen.domain.labels import FIELDS, AigcLabel, Claim, propagated, spread
from mingwen.domain.notices import has_elements
from mingwen.domain.sites import Reading, Site, Unread, Wrapper
from mingwen.domain.tiers import WORDINGS, Declared, Evidence, Ruled, Ruling, Tier, changes, decide, numbered, stamped
from mingwen.domain.verdicts import Report, judge

CODE = "001191310104MACE0YX63918020"
GOOD: dict[str, Any] = dict(zip(FIELDS, ("1", CODE, "42", "seal", CODE, "42", ""), strict=True))
PLATFORMS: dict[str, Any] = dict(zip(FIELDS, ("3", "", "", "", "PLAT", "7", ""), strict=True))
HOLE = Unread("chunk", "is cut off")
STATEMENT = found("gate.statement", "iptc", trace="IPTC", words="x")
TRACE = found("gate.trace", "sd", trace="SD", words="x")
EXPLICIT = found("gate.explicit", "image", words="AI生成")
UNSEEN = found("channel.unread", "image", reason="r")


def report(*seen: dict[str, Any] | str | Unread) -> Report:
    texts = [s if isinstance(s, str) else json.dumps(s) for s in seen if not isinstance(s, Unread)]
    sites = tuple(Site(f"place {n}", text, Wrapper.EITHER, guide=True) for n, text in enumerate(texts))
    holes = tuple(s for s in seen if isinstance(s, Unread))
    return judge(Reading(sites, holes), file="f", format_name="png", guide="place 0", source="g")


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [f.code for f in findings]


ROWS: list[tuple[Report, Evidence, Tier, list[str]]] = [
    (report(), Evidence(), Tier.NONE, []),
    (report(GOOD), Evidence(), Tier.GENERATED, ["gate.label"]),
    (report(GOOD | {"Label": "2"}), Evidence(), Tier.POSSIBLE, ["gate.label"]),
    (report(PLATFORMS), Evidence(), Tier.SUSPECTED, ["gate.label"]),
    (report({"AIGC": GOOD}), Evidence(), Tier.GENERATED, ["gate.label"]),
    (report(GOOD | {"Label": 1}), Evidence(), Tier.GENERATED, ["gate.label"]),
    (report(GOOD | {"Label": "AIGC"}), Evidence(), Tier.GENERATED, ["gate.label-odd"]),
    (report(GOOD | {"Label": "0"}), Evidence(), Tier.SUSPECTED, ["gate.label-odd"]),
    (report('{"AIGC":'), Evidence(), Tier.SUSPECTED, ["gate.label-odd"]),
    (report({"ServiceProvider": "t", "ContentId": "1"}), Evidence(), Tier.SUSPECTED, ["gate.label-odd"]),
    (report(), Evidence(statements=(STATEMENT,)), Tier.GENERATED, ["gate.statement"]),
    (report(), Evidence(Declared.AI), Tier.POSSIBLE, ["gate.declared"]),
    (report(), Evidence(Declared.NOT_AI), Tier.NONE, []),
    (report(), Evidence(traces=(TRACE,)), Tier.SUSPECTED, ["gate.trace"]),
    (report(), Evidence(traces=(EXPLICIT,)), Tier.SUSPECTED, ["gate.explicit"]),
    (report(), Evidence(Declared.AI, traces=(TRACE,)), Tier.POSSIBLE, ["gate.declared", "gate.trace"]),
    (report(), Evidence(Declared.NOT_AI, traces=(TRACE,)), Tier.SUSPECTED, ["gate.trace", "gate.contradicted"]),
    (report(GOOD), Evidence(Declared.NOT_AI), Tier.GENERATED, ["gate.label", "gate.contradicted"]),
    (report(PLATFORMS), Evidence(Declared.AI), Tier.POSSIBLE, ["gate.label", "gate.declared"]),
    (report(PLATFORMS), Evidence(statements=(STATEMENT,)), Tier.GENERATED, ["gate.label", "gate.statement"]),
    (report(GOOD, PLATFORMS), Evidence(), Tier.GENERATED, ["gate.label", "gate.label"]),
    (report(HOLE), Evidence(), Tier.UNDECIDED, ["channel.unread"]),
    (report(HOLE), Evidence(Declared.NOT_AI), Tier.UNDECIDED, ["channel.unread"]),
    (report(), Evidence(unread=(UNSEEN,)), Tier.UNDECIDED, ["channel.unread"]),
    (report(HOLE), Evidence(traces=(TRACE,)), Tier.SUSPECTED, ["gate.trace"]),
    (report(), Evidence(Declared.AI, unread=(UNSEEN,)), Tier.POSSIBLE, ["gate.declared"]),
    (report(GOOD, HOLE), Evidence(), Tier.GENERATED, ["gate.label"]),
]


@pytest.mark.parametrize(("seen", "evidence", "tier", "reasons"), ROWS)
def test_every_row_of_article_6(seen: Report, evidence: Evidence, tier: Tier, reasons: list[str]) -> None:
    ruling = decide(seen, evidence)
    assert (ruling.tier, codes(ruling.reasons)) == (tier, reasons)


def test_the_wording_gives_the_degree_and_both_elements() -> None:
    assert Ruling(Tier.GENERATED, ()).wording["en"].endswith("is AI-generated")
    assert "may be" in WORDINGS[Tier.POSSIBLE]["en"]
    assert "可能" in WORDINGS[Tier.POSSIBLE]["zh"]
    assert "suspected" in WORDINGS[Tier.SUSPECTED]["en"]
    assert "疑似" in WORDINGS[Tier.SUSPECTED]["zh"]
    for tier in (Tier.GENERATED, Tier.POSSIBLE, Tier.SUSPECTED):
        assert has_elements(WORDINGS[tier]["zh"])
        assert has_elements(WORDINGS[tier]["en"])
    assert not any(Ruling(tier, ()).wording[lang] for tier in (Tier.NONE, Tier.UNDECIDED) for lang in ("zh", "en"))


VALUES = st.text(st.characters(codec="ascii", min_codepoint=0x21, exclude_characters='"\\'), min_size=1, max_size=12)
PRODUCED = st.builds(
    AigcLabel, st.sampled_from(["1", "2", "3", "AI"]), VALUES, VALUES, VALUES | st.just(""), VALUES, VALUES, VALUES | st.just("")
)
SPREAD = st.builds(spread, st.sampled_from(Claim), propagator=VALUES, propagate_id=VALUES)
LABELS = st.none() | PRODUCED | SPREAD
TIERS = st.sampled_from([Tier.GENERATED, Tier.POSSIBLE, Tier.SUSPECTED])


@given(label=LABELS, tier=TIERS, platform=VALUES, number=VALUES)
def test_a_stamp_is_the_platforms_and_stays_when_it_is_set_again(
    label: AigcLabel | None, tier: Tier, platform: str, number: str
) -> None:
    once = stamped(label, tier, platform=platform, number=numbered(label, platform=platform) or number)
    assert once.ContentPropagator == platform
    assert numbered(once, platform=platform) == once.PropagateID
    assert stamped(once, tier, platform=platform, number=numbered(once, platform=platform)) == once
    if label is None:
        assert once == spread(Claim(tier.value), propagator=platform, propagate_id=number)


@given(label=PRODUCED, tier=TIERS, platform=VALUES, number=VALUES)
def test_a_producers_four_fields_never_change(label: AigcLabel, tier: Tier, platform: str, number: str) -> None:
    made = stamped(label, tier, platform=platform, number=number)
    assert [getattr(made, n) for n in FIELDS[:4]] == [getattr(label, n) for n in FIELDS[:4]]


@given(label=SPREAD, tier=TIERS, platform=VALUES, number=VALUES)
def test_a_platforms_own_label_follows_a_more_certain_ruling_only(
    label: AigcLabel, tier: Tier, platform: str, number: str
) -> None:
    assert stamped(label, tier, platform=platform, number=number).Label == min(label.Label, tier.value)


FINDINGS = st.lists(st.sampled_from([TRACE, EXPLICIT]), max_size=2).map(tuple)
SEEN = st.sampled_from([report(), report(GOOD), report(PLATFORMS), report(HOLE), report(GOOD | {"Label": "2"}, HOLE)])


@given(seen=SEEN, declared=st.sampled_from([None, *Declared]), said=st.booleans(), traces=FINDINGS)
def test_the_tier_is_the_first_that_holds(
    *, seen: Report, declared: Declared | None, said: bool, traces: tuple[Finding, ...]
) -> None:
    ruling = decide(seen, Evidence(declared, (STATEMENT,) * said, traces))
    holding = (
        [r.label.Label for r in seen.labels if r.label] + ["1"] * said + ["2"] * (declared is Declared.AI) + ["3"] * len(traces)
    )
    if holding:
        assert ruling.tier.value == min(holding)
        assert ruling.reasons
    else:
        assert ruling.tier is (Tier.UNDECIDED if any(f.code == "channel.unread" for f in seen.findings) else Tier.NONE)


LABEL = AigcLabel(**GOOD)


@pytest.mark.parametrize(
    ("label", "bearing", "due"),
    [
        (None, report(GOOD), False),
        (LABEL, report(), True),
        (LABEL, report(GOOD), False),
        (propagated(LABEL, propagator="P", propagate_id="1"), report(GOOD), True),
    ],
)
def test_a_label_is_due_unless_the_file_bears_it(*, label: AigcLabel | None, bearing: Report, due: bool) -> None:
    assert Ruled("f", "png", bearing, Ruling(Tier.GENERATED, ()), label).is_due == due


def test_a_label_at_another_place_is_due() -> None:
    reading = Reading((Site("elsewhere", json.dumps(GOOD), Wrapper.BARE, guide=False),))
    bearing = judge(reading, file="f", format_name="png", guide="there", source="g")
    assert Ruled("f", "png", bearing, Ruling(Tier.GENERATED, ()), LABEL).is_due


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (report(GOOD), report(GOOD), []),
        (report(), report(GOOD), []),
        (report(), report(), []),
        (report(GOOD), report(GOOD | {"ContentPropagator": "P", "PropagateID": "9", "ReservedCode2": "x"}), []),
        (report(GOOD), report(), ["producer.removed"]),
        (report(GOOD), report(PLATFORMS), ["producer.removed"]),
        (report(GOOD), report(HOLE), ["producer.unread"]),
        (report(GOOD), report(GOOD | {"Label": "2"}), ["producer.changed"]),
        (report(GOOD), report(GOOD | {"ContentProducer": "x", "ProduceID": "y"}), ["producer.changed"] * 2),
        (report(GOOD), report({k: v for k, v in GOOD.items() if k != "ReservedCode1"}), ["producer.changed"]),
        (report(GOOD), report(GOOD | {"ProduceID": ""}), ["producer.changed"]),
        (report({"Label": "1", "ContentProducer": "P"}), report(), ["producer.removed"]),
        (report(GOOD), report(GOOD | {"ContentProducer": "other"}, GOOD), []),
        (report(GOOD, GOOD | {"ProduceID": "8"}), report(GOOD), ["producer.changed"]),
        (report(PLATFORMS), report(), []),
    ],
)
def test_article_10_tells_what_became_of_a_producers_label(before: Report, after: Report, told: list[str]) -> None:
    assert codes(changes(before, after)) == told


def test_a_change_names_the_field_and_both_values() -> None:
    (one,) = changes(report(GOOD), report(GOOD | {"Label": "3"}))
    assert one.message() == "Label changed from 1 to 3"
    assert one.message("zh") == "Label 由 1 变为 3"
