"""Annex E of GB 45438-2025, field by field: what is written."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen.domain.errors import Misused
from mingwen.domain.labels import (
    FIELDS,
    MAX_LABEL_BYTES,
    AigcLabel,
    Claim,
    mentions,
    produced,
    propagated,
    to_json,
    wrapped,
)
from mingwen.domain.sites import Site, Wrapper
from mingwen.domain.verdicts import read_site

PRODUCER = "001191310104MACE0YX63918020"
V8 = (
    '{"Label":"1","ContentProducer":"00119144030008867405X210002","ProduceID":"sample-001",'
    '"ReservedCode1":"","ContentPropagator":"","PropagateID":"","ReservedCode2":""}'
)
EMPTY = AigcLabel("", "", "")
TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
"""Any code point, halves of surrogate pairs included."""


def read_back(text: str) -> AigcLabel | None:
    return read_site(Site("here", text, Wrapper.EITHER, guide=True))[0].label


def joined(text: str) -> str:
    """Two halves of a character that stand side by side are one character to every JSON reader."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def test_seven_string_fields_in_the_order_of_annex_e() -> None:
    pairs = json.loads(to_json(produced(producer=PRODUCER, produce_id="1")), object_pairs_hook=list)
    assert [k for k, _ in pairs] == list(FIELDS)
    assert FIELDS == (
        "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
    )  # fmt: skip
    assert all(isinstance(v, str) for _, v in pairs)


@pytest.mark.parametrize(("claim", "value"), [(Claim.GENERATED, "1"), (Claim.POSSIBLE, "2"), (Claim.SUSPECTED, "3")])
def test_the_three_values_of_label(claim: Claim, value: str) -> None:
    assert produced(producer=PRODUCER, produce_id="1", claim=claim).Label == value


def test_a_first_write_repeats_the_producer_as_propagator() -> None:
    label = produced(producer=PRODUCER, produce_id="42", reserved_code="sig")
    assert (label.ContentPropagator, label.PropagateID) == (PRODUCER, "42")
    assert (label.ReservedCode1, label.ReservedCode2) == ("sig", "")


def test_a_platform_replaces_fields_five_to_seven_only() -> None:
    label = AigcLabel("2", "p", "1", "r1", "old", "old", "old", (("Model", '"x"'),))
    new = propagated(label, propagator="platform", propagate_id="9", reserved_code="r2")
    assert new == replace(label, ContentPropagator="platform", PropagateID="9", ReservedCode2="r2")


@pytest.mark.parametrize(("producer", "number"), [("", "1"), ("p", "")])
def test_production_fields_are_never_written_empty(producer: str, number: str) -> None:
    with pytest.raises(Misused, match=r"label\.empty-field"):
        produced(producer=producer, produce_id=number)


def test_propagation_fields_are_never_written_empty() -> None:
    with pytest.raises(Misused, match=r"label\.empty-field"):
        propagated(produced(producer="p", produce_id="1"), propagator="x", propagate_id="")


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(Misused, match=r"label\.not-text"):
        produced(producer="p\udcff", produce_id="1")


def test_the_bare_form_is_ascii_and_compact() -> None:
    text = to_json(produced(producer="生成者", produce_id='a"b\\c'))
    assert text.isascii()
    assert ": " not in text
    assert wrapped(text) == '{"AIGC":' + text + "}"
    assert read_back(wrapped(text)) == read_back(text) == produced(producer="生成者", produce_id='a"b\\c')


def test_a_published_value_is_written_as_it_was_read() -> None:
    label = read_back(V8)
    assert label is not None
    assert to_json(label) == V8


def test_a_label_beyond_the_bound_is_refused_and_one_at_the_bound_is_not() -> None:
    room = MAX_LABEL_BYTES - len(to_json(AigcLabel("1", "p", "")))
    assert len(to_json(AigcLabel("1", "p", "x" * room))) == MAX_LABEL_BYTES
    with pytest.raises(Misused, match=r"label\.too-long"):
        to_json(AigcLabel("1", "p", "x" * (room + 1)))


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, TEXT)).filter(lambda d: all(d[name] for name in FIELDS[:3])))
def test_every_label_is_read_as_it_was_written(values: dict[str, Any]) -> None:
    read = read_back(to_json(replace(EMPTY, **values)))
    expected: dict[str, Any] = {k: joined(v) for k, v in values.items()}
    assert read == replace(EMPTY, **expected)


def test_unknown_fields_survive_reading_propagating_and_writing() -> None:
    text = V8[:-1] + ',"Model":{"a":[1,2.5,null,true],"中":"\\ud800"},"Model2":"x"}'
    label = read_back(text)
    assert label is not None
    out = json.loads(to_json(propagated(label, propagator="q", propagate_id="2")))
    assert out["Model"] == json.loads(text)["Model"]
    assert list(out)[7:] == ["Model", "Model2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("made with AIGC tools", False),
        ('{"AIGC": 1}', True),
        ('{"ContentProducer":1}', True),
        ('"AIGC" without a brace', False),
        ("{AIGC}", False),
    ],
)
def test_only_a_telling_name_in_an_object_mentions_a_label(text: str, expected: bool) -> None:  # noqa: FBT001 - a parameter
    assert mentions(text) is expected
