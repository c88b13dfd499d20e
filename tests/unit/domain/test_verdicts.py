"""Annex E of GB 45438-2025 as a reader holds it: every rule, and the four verdicts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen.domain.findings import Severity
from mingwen.domain.labels import FIELDS, MAX_LABEL_BYTES
from mingwen.domain.sites import Reading, Site, Unread, Wrapper
from mingwen.domain.strict_json import MAX_DEPTH
from mingwen.domain.verdicts import Report, Verdict, judge, read_site

CODE = "001191310104MACE0YX63918020"
GOOD: dict[str, Any] = dict(zip(FIELDS, ("1", CODE, "42", "", CODE, "42", ""), strict=True))
V4 = {
    "ContentProducer": "001191110102MAD55U9H0F10002",
    "ContentPropagator": "001191110102MAD55U9H0F10002",
    "Label": "1",
    "ProduceID": "98ae6b12-23e2-49af-b98a-780706f8e584",
    "PropagateID": "98ae6b12-23e2-49af-b98a-780706f8e584",
    "ReservedCode1": "ac8fa693-b43a-40d6-9eaa-88107faf9991",
    "ReservedCode2": "ac8fa693-b43a-40d6-9eaa-88107faf9991",
}
V5 = GOOD | {"Label": "AIGC", "ContentProducer": "Minimax Agent AI", "ProduceID": "5817a9866b62d7f30bcdfda762e85a3a"}
V8 = GOOD | {
    "ContentProducer": "00119144030008867405X210002",
    "ProduceID": "sample-001",
    "ContentPropagator": "",
    "PropagateID": "",
}
V11 = {
    "Label": "1",
    "ContentProducer": "0011DEMOAI00000",
    "ProduceID": "1",
    "ReserveCode1": "",
    "Propagator": "x",
    "PropatorID": "1",
}


def site(text: str, *, wrapper: Wrapper = Wrapper.BARE, place: str = "XMP", guide: bool = True) -> Site:
    return Site(place, text, wrapper, guide=guide)


def report(*sites: Site | Unread) -> Report:
    reading = Reading(tuple(s for s in sites if isinstance(s, Site)), tuple(s for s in sites if isinstance(s, Unread)))
    return judge(reading, file="f", format_name="png", guide="XMP", source="guide")


def judged(value: object, **given: Any) -> Report:
    return report(site(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), **given))


def codes(of: Report) -> list[str]:
    return [f.code for f in of.findings]


def test_a_whole_label_is_compliant_without_any_finding() -> None:
    assert (judged(GOOD).verdict, codes(judged(GOOD))) == (Verdict.COMPLIANT, [])


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        *[({name: ""}, "label.field-empty", Severity.ERROR) for name in FIELDS[:3]],
        ({"ContentPropagator": ""}, "label.propagation-empty", Severity.WARNING),
        ({"PropagateID": ""}, "label.propagation-empty", Severity.WARNING),
        ({"Label": "9"}, "label.value-illegal", Severity.ERROR),
        ({"Label": "AIGC"}, "label.value-illegal", Severity.ERROR),
        ({"Label": 9}, "label.value-illegal", Severity.ERROR),
        ({"Label": 1}, "label.value-numeric", Severity.WARNING),
        ({"Label": True}, "label.value-not-string", Severity.ERROR),
        ({"Label": 1.0}, "label.value-not-string", Severity.ERROR),
        ({"ProduceID": None}, "label.value-not-string", Severity.ERROR),
        ({"ProduceID": 7}, "label.value-not-string", Severity.ERROR),
        ({"PropagateID": ["7"]}, "label.value-not-string", Severity.ERROR),
        ({"ReservedCode1": {"SecurityData": {}}}, "label.reserved-nested", Severity.WARNING),
        ({"ReservedCode2": {"SecurityData": {}}}, "label.reserved-nested", Severity.WARNING),
        ({"ReservedCode1": ["x"]}, "label.value-not-string", Severity.ERROR),
        ({"ProduceID": "a b"}, "label.charset", Severity.WARNING),
        ({"ProduceID": "编号"}, "label.charset", Severity.WARNING),
        ({"ProduceID": "a\\b"}, "label.charset", Severity.WARNING),
        ({"ProduceID": "\x7f"}, "label.charset", Severity.WARNING),
        ({"Model": "x"}, "label.field-unknown", Severity.WARNING),
    ],
)
def test_one_deviation_gives_one_finding(change: dict[str, Any], code: str, severity: Severity) -> None:
    result = judged(GOOD | change)
    assert codes(result) == [code]
    assert result.findings[0].severity is severity
    assert result.verdict is (Verdict.NON_COMPLIANT if severity is Severity.ERROR else Verdict.COMPLIANT)


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_an_error_in_production_and_a_lesser_matter_elsewhere(name: str) -> None:
    result = judged({k: v for k, v in GOOD.items() if k != name})
    assert ("label.field-missing" in codes(result)) == (name in FIELDS[:3])
    assert ("label.optional-missing" in codes(result)) == (name not in FIELDS[:3])
    assert (result.verdict is Verdict.NON_COMPLIANT) == (name in FIELDS[:3])


def test_every_character_of_rule_j_passes_and_a_quotation_mark_too() -> None:
    allowed = "".join(map(chr, [0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F), 0x22]))
    assert codes(judged(GOOD | {"ProduceID": allowed})) == []


def test_the_backslashes_of_a_reserved_code_are_those_of_its_json() -> None:
    assert "label.charset" not in codes(judged(GOOD | {"ReservedCode1": '{"a":"\\"b"}'}))


def test_duplicate_keys_are_an_error_and_the_first_one_stands() -> None:
    result = judged(json.dumps(GOOD).replace('"ReservedCode1"', '"ProduceID":"43","ReservedCode1"'))
    assert (codes(result), result.verdict) == (["label.key-duplicate"], Verdict.NON_COMPLIANT)
    assert result.labels[0].label is not None
    assert result.labels[0].label.ProduceID == "42"
    assert "label.key-duplicate" in codes(
        judged(f'{{"AIGC":{json.dumps(GOOD)},"AIGC":{json.dumps(GOOD)}}}', wrapper=Wrapper.EITHER)
    )


def test_two_equal_labels_are_one_too_many() -> None:
    result = report(site(json.dumps(GOOD)), site(json.dumps(GOOD), place="tEXt", guide=False))
    assert result.verdict is Verdict.NON_COMPLIANT
    assert "label.duplicate" in codes(result)
    assert "label.disagree" not in codes(result)


def test_two_labels_that_disagree_say_where() -> None:
    result = report(site(json.dumps(GOOD)), site(json.dumps(GOOD | {"ProduceID": "43"}), place="tEXt"))
    (finding,) = [f for f in result.findings if f.code == "label.disagree"]
    assert finding.message() == "the labels of this file disagree in ProduceID"
    assert finding.place == "XMP; tEXt"


@pytest.mark.parametrize(
    ("text", "wrapper", "wrong"),
    [
        (json.dumps(GOOD), Wrapper.BARE, False),
        (json.dumps(GOOD), Wrapper.WRAPPED, True),
        (json.dumps({"AIGC": GOOD}), Wrapper.BARE, True),
        (json.dumps({"AIGC": GOOD}), Wrapper.WRAPPED, False),
        (json.dumps({"AIGC": GOOD}), Wrapper.EITHER, False),
        (json.dumps(GOOD), Wrapper.EITHER, False),
    ],
)
def test_the_form_follows_the_place_and_both_are_read(text: str, wrapper: Wrapper, wrong: bool) -> None:  # noqa: FBT001 - a parameter
    result = judged(text, wrapper=wrapper)
    assert codes(result) == (["label.wrapper"] if wrong else [])
    assert result.labels[0].label is not None


@pytest.mark.parametrize("text", [json.dumps(json.dumps(GOOD)), json.dumps({"AIGC": json.dumps(GOOD)})])
def test_double_encoding_is_read_and_told(text: str) -> None:
    result = judged(text, wrapper=Wrapper.EITHER)
    assert codes(result) == ["label.double-encoded"]
    assert result.labels[0].label is not None


def test_a_place_outside_the_guide_is_told_with_its_clause() -> None:
    result = judged(GOOD, guide=False)
    assert (codes(result), result.verdict) == (["label.place"], Verdict.COMPLIANT)
    assert result.findings[0].clause == "guide"


@pytest.mark.parametrize(
    "text",
    ["", "AIGC", "{", "[]", "1", "null", '"x"', '{"AIGC":1}', '{"AIGC":"x"}', '{"AIGC":null}', "{'Label':'1'}", '{"a":NaN}',
     "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "[" * 8000, '{"Label":' * 700, '{"x":1e999}'],
)  # fmt: skip
def test_what_is_no_object_is_an_error(text: str) -> None:
    result = judged(text, wrapper=Wrapper.EITHER)
    assert "label.not-json" in codes(result)
    assert result.verdict is Verdict.NON_COMPLIANT


def test_the_size_is_bounded_in_bytes() -> None:
    short = json.dumps(GOOD | {"ReservedCode1": ""})
    fit = short.replace('"ReservedCode1": ""', f'"ReservedCode1": "{"a" * (MAX_LABEL_BYTES - len(short))}"')
    assert codes(judged(fit)) == []
    assert codes(judged(fit + " ")) == ["label.too-long"]
    assert codes(judged("文" * (MAX_LABEL_BYTES // 3 + 1))) == ["label.too-long"]


def test_published_labels() -> None:
    assert codes(judged(V4)) == ["label.key-order"]
    assert judged(V4).verdict is Verdict.COMPLIANT
    assert judged(V5).verdict is Verdict.NON_COMPLIANT
    assert {"label.value-illegal", "label.charset", "provider.bare-name"} <= set(codes(judged(V5)))
    assert codes(judged(V8)) == ["label.propagation-empty", "label.propagation-empty"]
    assert judged(V8).verdict is Verdict.COMPLIANT
    wrong = codes(judged(V11))
    assert wrong.count("label.field-unknown") == 3
    assert wrong.count("label.optional-missing") == 4
    assert "provider.length" in wrong


def test_the_four_verdicts() -> None:
    unread = Unread("tEXt", "ends 12 bytes early")
    assert report().verdict is Verdict.NOT_FOUND
    assert report(unread).verdict is Verdict.INCONCLUSIVE
    assert report(site(json.dumps(GOOD)), unread).verdict is Verdict.INCONCLUSIVE
    assert report(site("x"), unread).verdict is Verdict.NON_COMPLIANT
    assert report(site(json.dumps(GOOD))).verdict is Verdict.COMPLIANT


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda t: st.lists(t, max_size=3) | st.dictionaries(st.sampled_from([*FIELDS, "AIGC"]) | st.text(), t, max_size=5),
    max_leaves=12,
)


@given(st.lists(st.builds(site, st.text(st.characters(exclude_categories=())) | ANY.map(json.dumps),
       wrapper=st.sampled_from(Wrapper), guide=st.booleans()), max_size=3), st.booleans())  # fmt: skip
def test_no_text_escapes_the_judge_and_unread_is_never_not_found(sites: list[Site], unread: bool) -> None:  # noqa: FBT001
    result = report(*sites, *([Unread("there", "is encrypted")] if unread else []))
    assert len(result.labels) == len(sites)
    assert (result.verdict is Verdict.NOT_FOUND) == (not sites and not unread)
    for finding in result.findings:
        assert finding.message()
        assert finding.message("zh")
        assert finding.clause


@given(ANY)
def test_a_label_is_understood_only_where_production_is_whole(value: object) -> None:
    read, found = read_site(site(json.dumps(value), wrapper=Wrapper.EITHER))
    if read.label:
        assert all((read.label.Label, read.label.ContentProducer, read.label.ProduceID))
    else:
        assert any(f.severity is Severity.ERROR for f in found)
