"""Labels that a platform makes of a work without one (Measures Art. 6): the producer's fields are there and empty."""

import json
from typing import Any

import pytest

from mingwen.domain.clauses import cited
from mingwen.domain.errors import Misused
from mingwen.domain.findings import RULES
from mingwen.domain.labels import FIELDS, Claim, produced, propagated, spread, to_json
from mingwen.domain.sites import Reading, Site, Wrapper
from mingwen.domain.verdicts import Report, Verdict, judge

CODE = "001191310104MACE0YX63928020"
MADE = spread(Claim.SUSPECTED, propagator=CODE, propagate_id="7")


def judged(value: object) -> Report:
    reading = Reading((Site("XMP", json.dumps(value), Wrapper.EITHER, guide=True),))
    return judge(reading, file="f", format_name="png", guide="XMP", source="g")


def codes(value: object) -> list[str]:
    return [f.code for f in judged(value).findings]


def test_it_has_seven_fields_and_invents_no_producer() -> None:
    fields = json.loads(to_json(MADE))
    assert list(fields) == list(FIELDS)
    assert [n for n, v in fields.items() if v] == ["Label", "ContentPropagator", "PropagateID"]
    assert MADE.is_platforms


def test_it_is_compliant_and_says_whose_it_is() -> None:
    report = judged(json.loads(to_json(MADE)))
    assert (report.verdict, [f.code for f in report.findings]) == (Verdict.COMPLIANT, ["label.producer-unknown"])
    assert report.labels[0].label == MADE


@pytest.mark.parametrize("claim", Claim)
def test_the_next_platform_changes_its_own_fields_only(claim: Claim) -> None:
    first = spread(claim, propagator="A", propagate_id="1")
    second = propagated(first, propagator="B", propagate_id="2")
    assert second == spread(claim, propagator="B", propagate_id="2")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ContentProducer": "P"}, "label.field-empty"),
        ({"ProduceID": "8"}, "label.field-empty"),
        ({"ContentPropagator": ""}, "label.field-empty"),
        ({"PropagateID": ""}, "label.field-empty"),
        ({"PropagateID": 7}, "label.field-empty"),
        ({"ContentProducer": None}, "label.value-not-string"),
        ({"Label": "4"}, "label.value-illegal"),
        ({"Label": ""}, "label.field-empty"),
    ],
)
def test_half_a_platforms_label_is_none(change: dict[str, Any], told: str) -> None:
    report = judged(json.loads(to_json(MADE)) | change)
    assert report.verdict is Verdict.NON_COMPLIANT
    assert told in [f.code for f in report.findings]


def test_a_label_that_lacks_the_producers_keys_is_not_excused() -> None:
    fields = json.loads(to_json(MADE))
    del fields["ContentProducer"]
    assert "label.field-missing" in codes(fields)


def test_a_propagators_code_is_held_to_the_guide() -> None:
    assert "provider.bare-name" in codes(json.loads(to_json(spread(Claim.POSSIBLE, propagator="PLAT", propagate_id="7"))))


def test_a_producers_label_is_no_platforms() -> None:
    assert not produced(producer="P", produce_id="1").is_platforms
    assert not propagated(produced(producer="P", produce_id="1"), propagator="B", propagate_id="2").is_platforms


@pytest.mark.parametrize(("platform", "number"), [("", "7"), ("P", ""), ("\ud800", "7")])
def test_a_platform_names_itself_and_a_number(platform: str, number: str) -> None:
    with pytest.raises(Misused):
        spread(Claim.GENERATED, propagator=platform, propagate_id=number)


def test_clauses_are_cited_in_chinese() -> None:
    assert cited("Measures Art. 6(2)", "zh") == "《标识办法》第6条第（2）项"
    assert cited("Measures Art. 6(2)", "en") == "Measures Art. 6(2)"
    assert cited("GB 45438-2025 Annex E note 1", "zh") == "GB 45438-2025 附录 E 注 1"
    for rule in RULES.values():
        words = cited(rule.clause, "zh")
        assert not {"Art.", "Annex", "Measures", "ours", "note"} & set(words.split()), words
