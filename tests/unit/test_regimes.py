"""Every duty of every regime, met, not met and unknown, by made facts."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from mingwen import regimes
from mingwen.domain.clauses import cited
from mingwen.domain.errors import Misused
from mingwen.domain.labels import FIELDS
from mingwen.domain.manifests import TRAINED, Agent, Manifest, Origin, State, Where
from mingwen.domain.media import Medium
from mingwen.domain.sites import Reading, Site, Unread, Wrapper
from mingwen.domain.verdicts import Report, judge
from mingwen.regimes import Assessed, Duty, Facts, Met, Need, Regime

CODE = "001191310104MACE0YX63918020"
GOOD: dict[str, Any] = dict(zip(FIELDS, ("1", CODE, "42", "", CODE, "42", ""), strict=True))
DUTIES = [(regime, duty) for regime in regimes.every() for duty in regime.duties]


def report(*labels: dict[str, Any], unread: bool = False, guide: bool = True) -> Report:
    sites = tuple(Site("XMP", json.dumps(label), Wrapper.EITHER, guide=guide) for label in labels)
    holes = (Unread("chunk", "is cut off"),) if unread else ()
    return judge(Reading(sites, holes), file="f", format_name="png", guide="XMP", source="g")


ORIGIN = Origin(Agent("Painter", "1.2"), "2026-01-02T03:04:05Z", (TRAINED,))
SIGNED = Manifest(
    Where.EMBEDDED,
    State.VALID,
    id="urn:c2pa:1",
    signer="Studio",
    time="2026-01-02T03:04:06Z",
    agent=Agent("Platform", "9"),
    origin=ORIGIN,
)
BARE = Facts(Medium.IMAGE, report())
"""Nothing is there, and nobody looked for what takes looking."""
HOLED = Facts(Medium.IMAGE, report(unread=True))
FULL = Facts(Medium.IMAGE, report(GOOD), SIGNED, explicit=True, watermark=True)
TEXT = Facts(Medium.TEXT, report(GOOD), SIGNED, explicit=True)


def answered(facts: Facts, *names: str) -> dict[str, Met]:
    """Answer the duties of some regimes, by what each is called."""
    return {d.en: d.answer(facts).met for r in regimes.named(names) for d in r.duties}


def ids(value: object) -> str:
    return value.name if isinstance(value, Regime) else value.article if isinstance(value, Duty) else ""


@pytest.mark.parametrize(("regime", "duty"), DUTIES, ids=ids)
def test_a_duty_names_its_article_and_how_sure_it_is_in_two_languages(regime: Regime, duty: Duty) -> None:
    assert re.fullmatch(r".*(Art\.|§|\d).* \([ABCFM]\)", duty.article)
    assert re.search("[\u4e00-\u9fff]", cited(duty.article, "zh")) or duty.article.startswith(("GB", "TC260"))
    assert "Art." not in cited(duty.article, "zh")
    assert duty.en[0].islower()
    assert re.search("[\u4e00-\u9fff]", duty.zh)
    assert regime.needs <= set(Need)
    assert regime.source.startswith("https://")


@pytest.mark.parametrize(("regime", "duty"), DUTIES, ids=ids)
@pytest.mark.parametrize("facts", [BARE, HOLED, FULL, TEXT, *(replace(FULL, manifest=replace(SIGNED, state=s)) for s in State)])
def test_an_answer_says_why_in_two_languages(regime: Regime, duty: Duty, facts: Facts) -> None:
    answer = duty.answer(facts)
    assert answer.en
    assert not answer.en.endswith(".")
    assert re.search("[\u4e00-\u9fff]", answer.zh)
    assert not re.search(r"\b(the|manifest|label|not|there|found)\b", answer.zh)
    assert Assessed(regime, duty, answer).is_open == (answer.met in {Met.NOT_MET, Met.UNKNOWN})


@pytest.mark.parametrize(("regime", "duty"), DUTIES, ids=ids)
def test_a_duty_can_be_met_and_missed(regime: Regime, duty: Duty) -> None:
    assert duty.answer(FULL).met is Met.MET
    assert duty.answer(BARE).met in {Met.NOT_MET, Met.UNKNOWN}
    assert duty.answer(replace(BARE, explicit=False, watermark=False)).met is Met.NOT_MET


def test_nothing_is_missed_where_not_everything_could_be_read() -> None:
    china = answered(HOLED, "cn")
    assert set(china.values()) == {Met.UNKNOWN}
    assert answered(HOLED, "eu")["a mark that machines read"] is Met.UNKNOWN
    assert answered(HOLED, "us-ca")["the name of the provider"] is Met.UNKNOWN
    half = answered(Facts(Medium.IMAGE, report(GOOD, unread=True)), "cn")
    assert (half["a metadata label"], half["only one metadata label"]) == (Met.UNKNOWN, Met.UNKNOWN)
    assert half["a provider code"] is Met.MET


@pytest.mark.parametrize(
    ("labels", "missed"),
    [
        ((GOOD, GOOD), {"a metadata label", "only one metadata label"}),
        ((GOOD | {"ContentProducer": "name", "ContentPropagator": "name"},), {"a provider code"}),
        ((GOOD | {"ContentPropagator": "", "PropagateID": ""},), {"the fields of propagation"}),
        ((GOOD | {"Label": "9"},), {"a metadata label"}),
        (({"ContentProducer": "P"},), {"a metadata label", "a provider code", "the fields of propagation"}),
    ],
)
def test_china_misses_exactly_what_is_wrong(labels: tuple[dict[str, Any], ...], missed: set[str]) -> None:
    answers = answered(replace(FULL, report=report(*labels)), "cn")
    assert {name for name, met in answers.items() if met is not Met.MET} == missed


def test_china_wants_the_guides_place() -> None:
    answers = answered(replace(FULL, report=report(GOOD, guide=False)), "cn")
    assert answers["the label at the guide's place"] is Met.NOT_MET


@pytest.mark.parametrize(
    ("manifest", "signed"),
    [
        (None, Met.NOT_MET),
        (replace(SIGNED, time=""), Met.NOT_MET),
        (replace(SIGNED, state=State.INVALID), Met.NOT_MET),
        (replace(SIGNED, state=State.UNREADABLE), Met.UNKNOWN),
        (replace(SIGNED, state=State.UNFETCHED), Met.UNKNOWN),
        (replace(SIGNED, state=State.TRUSTED), Met.MET),
    ],
)
def test_europe_wants_a_signature_and_a_time_stamp(manifest: Manifest | None, signed: Met) -> None:
    answers = answered(replace(FULL, manifest=manifest), "eu")
    assert answers["metadata that are signed and time-stamped"] is signed


@pytest.mark.parametrize(
    ("facts", "met"),
    [
        (replace(FULL, manifest=None), Met.MET),
        (replace(FULL, report=report()), Met.MET),
        (replace(FULL, manifest=None, report=report(GOOD | {"Label": "3"})), Met.NOT_MET),
        (replace(FULL, manifest=replace(SIGNED, state=State.INVALID), report=report()), Met.NOT_MET),
        (replace(FULL, manifest=replace(SIGNED, origin=None), report=report()), Met.NOT_MET),
    ],
)
def test_europe_takes_a_label_or_a_manifest_that_says_it_is_generated(facts: Facts, met: Met) -> None:
    assert answered(facts, "eu")["a mark that machines read"] is met


def test_a_text_of_unknown_length_may_need_a_watermark_in_europe() -> None:
    assert answered(TEXT, "eu")["an imperceptible watermark"] is Met.UNKNOWN


def test_california_leaves_texts_out() -> None:
    assert set(answered(TEXT, "us-ca").values()) == {Met.NOT_APPLICABLE}


def test_california_asks_for_the_generating_system_not_the_platforms() -> None:
    (why,) = (d.answer(FULL).en for d in regimes.named(["us-ca"])[0].duties if "system" in d.en)
    assert why == "it names Painter 1.2"
    nameless = replace(SIGNED, origin=replace(ORIGIN, agent=Agent("Painter")))
    assert answered(replace(FULL, manifest=nameless), "us-ca")["the name and version of the system"] is Met.NOT_MET
    later = answered(replace(FULL, manifest=replace(SIGNED, origin=None)), "us-ca")
    assert later["the name and version of the system"] is later["the time and date"] is Met.NOT_MET


def test_california_takes_provider_and_number_from_either() -> None:
    for facts in (replace(FULL, manifest=None), replace(FULL, report=report())):
        answers = answered(facts, "us-ca")
        assert answers["the name of the provider"] is answers["a unique identifier"] is Met.MET


def test_a_duty_of_perceiving_is_unknown_where_nobody_looked() -> None:
    answers = answered(replace(FULL, explicit=None, watermark=None), "cn", "eu", "us-ca")
    assert [name for name, met in answers.items() if met is Met.UNKNOWN] == [
        "a label that people perceive",
        "an imperceptible watermark",
        "disclosure to people, of deep fakes and texts of public interest",
        "permanent, or hard to remove",
    ]


def test_regimes_come_by_name_once_and_in_the_order_asked() -> None:
    assert [r.name for r in regimes.named(["us-ca", "cn", "us-ca"])] == ["us-ca", "cn"]
    assert regimes.named([]) == ()
    with pytest.raises(Misused, match=r"cn, eu, us-ca, got 'mars'"):
        regimes.named(["cn", "mars"])


def test_one_regime_is_one_file_with_its_own_name() -> None:
    assert [r.name for r in regimes.every()] == ["cn", "eu", "us-ca"]
    assert all(r.title_en and re.search("[\u4e00-\u9fff]", r.title_zh) for r in regimes.every())
