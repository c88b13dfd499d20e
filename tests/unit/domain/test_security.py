import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen.domain import digests, security, sm2, sm2_signatures
from mingwen.domain.errors import MingwenError
from mingwen.domain.security import Form, Outcome, SecurityData

STEPFUN = json.loads((Path(__file__).parents[2] / "vectors/stepfun.json").read_text("utf-8"))["labels"]
FIRST: dict[str, str] = STEPFUN[0]

TENCENT = (
    "ptKI4uTV4VXl3W7ZV24wEWzlu6NeoRFLEAdhdH5XdKM/QVPeAxk2slWRDGpKgUul9mfg0Mb58sAk4Cb1j1aDEw1+zyn9l9lXrW33B8eyDrRcNbUPvqesY3wL"
    "2gIKQkzN3QNR2AxdPUNZCxnqb+MrmBYZwQC4NSalpGHP9yoGkWr8J8yDiI5of0v36lw="
)
POINT = bytes.fromhex(
    "045728f08c58d9c72150a705693ef7337859f8ff216e802630041afae5c036f0a67cb1fdf8c57f5f8b623284ae09e4e545464b7140b26bbda51bae965f854c57aa"
)
"""StepFun's key."""


def read(reserved_code: str | dict[str, Any]) -> SecurityData:
    data = security.parse(reserved_code)
    assert data is not None
    return data


def signed(label: dict[str, str]) -> bytes:
    return security.message(label["Label"], label["ContentProducer"], label["ProduceID"])


def wrapped(*entries: object, **head: object) -> dict[str, object]:
    return {"SecurityData": {"Type": "TC260PG", "Version": 1, "PubSD": list(entries)} | head}


def holding_only(*true_for: tuple[bytes, bytes]) -> security.Verify:
    """A verifier that knows which point and message go together."""
    return lambda point, message, _: (point, message) in true_for


SIGNATURE = {"Type": "DS", "AlgID": security.SM3_WITH_SM2, "TBSData": {"Type": "Md"}, "Signature": "3006020101020101"}


def key(value: bytes) -> dict[str, str]:
    return {"Type": "PubKey", "AlgID": security.SM3_WITH_SM2, "KeyValue": value.hex()}


@pytest.mark.parametrize("label", STEPFUN)
def test_published_labels_verify_with_the_message_hashed_twice(label: dict[str, str]) -> None:
    verdict = security.check(read(label["ReservedCode1"]), signed(label))
    assert (verdict.outcome, verdict.form, verdict.reason) == (Outcome.VERIFIED, Form.PREHASHED, "")
    assert verdict.fingerprint == sm2.fingerprint(POINT)


@pytest.mark.parametrize("field", ["ProduceID", "ContentProducer"])
@pytest.mark.parametrize("label", STEPFUN)
def test_one_changed_character_of_the_label_fails(label: dict[str, str], field: str) -> None:
    data = read(label["ReservedCode1"])
    value = label[field]
    for place, character in enumerate(value):
        changed = value[:place] + ("1" if character == "0" else "0") + value[place + 1 :]
        verdict = security.check(data, signed(label | {field: changed}))
        assert (verdict.outcome, verdict.reason) == (Outcome.FAILED, "security.mismatch")


def test_another_label_value_fails() -> None:
    assert security.check(read(FIRST["ReservedCode1"]), signed(FIRST | {"Label": "2"})).outcome is Outcome.FAILED


def test_one_changed_digit_of_the_signature_fails() -> None:
    data = json.loads(FIRST["ReservedCode1"])
    signature: str = data["SecurityData"]["PubSD"][0]["Signature"]
    for place in range(len(signature)):
        digit = "1" if signature[place] == "0" else "0"
        data["SecurityData"]["PubSD"][0]["Signature"] = signature[:place] + digit + signature[place + 1 :]
        assert security.check(read(data), signed(FIRST)).outcome is Outcome.FAILED


@pytest.mark.parametrize("label", STEPFUN)
def test_the_propagators_signature_is_not_over_the_producers_message(label: dict[str, str]) -> None:
    assert security.check(read(label["ReservedCode2"]), signed(label)).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    "text",
    [
        TENCENT,
        "e862483430d978cbf828b8b24296ef9328d843a0",  # GB 45438-2025 Annex F.4
        "ac8fa693-b43a-40d6-9eaa-88107faf9991",
        "3046022100f169d6c4c2e50d402a19ba8b9b812d3f626883b787d9816e700413494b94e337022100a0e9f05b21d1ebe3363cce5a5d695691f891648e1f34",
        "",
        "{}",
        "[" * 9000,
        '{"Data":1}',
    ],
)
def test_what_is_no_security_data_is_opaque(text: str) -> None:
    assert security.parse(text) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"SecurityData":', "security.json"),
        ('{"SecurityData":{},"SecurityData":{}}', "security.json"),
        ('{"SecurityData":' + "[" * 8000, "security.json"),
        ('{"SecurityData":' + "9" * 5000 + "}", "security.json"),
        ('{"SecurityData":{}}' + " " * 9000, "security.too-large"),
    ],
)
def test_what_was_meant_as_security_data_and_is_broken_is_told(text: str, problem: str) -> None:
    assert security.parse(text) == SecurityData(problems=(problem,))


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        (wrapped(), ()),
        (wrapped(Type="TC260"), ("security.type",)),
        (wrapped(Version=2), ("security.version",)),
        (wrapped(Version=True), ("security.version",)),
        (wrapped(1, SIGNATURE | {"Signature": "xyz"}, {"Type": "PubKey"}), ("security.entry",)),
        (wrapped(key(bytes(security.MAX_CHARS // 2 + 1))), ("security.entry",)),
        (wrapped(*[SIGNATURE] * 5), ("security.too-many",)),
        (wrapped(*[key(POINT)] * 17), ("security.too-many",)),
        (wrapped(PubSD="none"), ()),
    ],
)
def test_odd_security_data_is_read_and_its_problems_told(data: dict[str, object], problems: tuple[str, ...]) -> None:
    found = read(data)
    assert found.problems == problems
    assert len(found.signatures) <= security.MAX_SIGNATURES
    assert len(found.keys) <= security.MAX_KEYS


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ((), "security.no-signature"),
        ((key(POINT),), "security.no-signature"),
        ((SIGNATURE | {"TBSData": {"Type": "Bnd"}}, key(POINT)), "security.no-label-signature"),
        ((SIGNATURE | {"TBSData": None}, key(POINT)), "security.no-label-signature"),
        ((SIGNATURE | {"AlgID": "1.2.840.113549.1.1.11"}, key(POINT)), "security.algorithm"),
        ((SIGNATURE,), "security.no-key"),
        ((SIGNATURE, key(b"\x04" + bytes(64))), "security.no-key"),
        ((SIGNATURE, key(sm2.spki(POINT)[:-1])), "security.no-key"),
    ],
)
def test_what_cannot_be_checked_is_not_said_to_fail(entries: tuple[object, ...], reason: str) -> None:
    verdict = security.check(read(wrapped(*entries)), b"m", holding_only((POINT, b"m")))
    assert (verdict.outcome, verdict.reason) == (Outcome.UNCHECKABLE, reason)


def test_the_spellings_of_a_nested_honor_object_are_read() -> None:
    nested = {
        "SecurityData": {
            "Type": "TC260PG",
            "Version": 1,
            "PubSd": [SIGNATURE | {"TBSData": {"Type": "Content"}}],
            "Bindings": None,
        }
    }
    assert [s.covers for s in read(nested).signatures] == ["Content"]


@pytest.mark.parametrize(
    "value",
    [
        sm2.spki(POINT),
        POINT,
        POINT[1:],
        POINT[1:33],
        b"\x00" + POINT[1:33],
        bytes([2 + POINT[-1] % 2]) + POINT[1:33],
    ],
)
@pytest.mark.parametrize("form", Form)
def test_each_form_of_key_and_message_is_tried(value: bytes, form: Form) -> None:
    digest = b"m" if form is Form.DIRECT else digests.sm3(b"m")
    verdict = security.check(read(wrapped(SIGNATURE, key(value))), b"m", holding_only((POINT, digest)))
    assert (verdict.outcome, verdict.form, verdict.fingerprint) == (Outcome.VERIFIED, form, sm2.fingerprint(POINT))


def test_a_bare_x_gives_both_points_and_the_sign_of_a_compressed_one_counts() -> None:
    even, odd = sm2.points(POINT[1:33])
    assert even == POINT
    assert (even[-1] % 2, odd[-1] % 2) == (0, 1)
    assert sm2.points(b"\x03" + POINT[1:33]) == (odd,)


def test_sm3_is_that_of_the_standard() -> None:
    """GB/T 32905 Annex A.1."""
    assert digests.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_coordinates_beyond_the_field_are_no_point() -> None:
    """GB/T 32918.1: else one key would have two fingerprints."""
    point = next(p for x in range(9) for p in sm2.with_x(x.to_bytes(32, "big")))
    beyond = (int.from_bytes(point[1:33], "big") + sm2.PRIME).to_bytes(32, "big")
    assert sm2.is_point(point)
    assert not sm2.is_point(b"\x04" + beyond + point[33:])


def test_the_message_is_the_guides_string() -> None:
    assert signed(FIRST) == b'"Label":"1","ContentProducer":"001191310104MACE0YX63918020","ProduceID":"142569260085903360"'


def test_other_characters_are_utf8_and_quotes_cannot_forge_a_field() -> None:
    assert security.message("1", "明文", "x") == '"Label":"1","ContentProducer":"明文","ProduceID":"x"'.encode()
    assert security.message("1", "\ud800", "x") != security.message("1", "\ud801", "x")
    assert security.message("1", 'a","ProduceID":"b', "c") != security.message("1", "a", 'b","ProduceID":"c')


@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_two_labels_never_share_a_message(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (security.message(*one) == security.message(*other)) == (one == other)


def test_what_is_built_is_the_guides_form_and_is_read_back() -> None:
    text = security.build(b"\x30\xab", sm2.spki(POINT))
    assert json.loads(text) == wrapped(
        {"Type": "DS", "AlgID": "1.2.156.10197.1.501", "TBSData": {"Type": "Md"}, "Signature": "30AB"},
        {"Type": "PubKey", "AlgID": "1.2.156.10197.1.501", "KeyValue": sm2.spki(POINT).hex().upper()},
    )
    assert not set(text) & set(" \\")
    assert read(text).problems == ()


def test_a_certificate_too_large_for_a_label_is_refused() -> None:
    with pytest.raises(MingwenError) as caught:
        security.build(b"\x30\xab", bytes(5000))
    assert caught.value.code == "security.too-large"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=99).map(bytes.hex),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["SecurityData", "PubSD", "PubSd", "Type", "AlgID", "TBSData", "Signature", "KeyValue"]), inner
        )
    ),
    max_leaves=12,
)
ENTRIES = st.lists(st.sampled_from([SIGNATURE, key(POINT), key(sm2.spki(POINT))]) | JSON, max_size=6)


@given(st.text() | JSON.map(json.dumps) | ENTRIES.map(lambda e: json.dumps(wrapped(*e))) | ENTRIES.map(lambda e: wrapped(*e)))
def test_nothing_is_raised_whatever_stands_in_a_reserved_code(reserved_code: str | dict[str, object]) -> None:
    data = security.parse(reserved_code)
    if data is not None:
        assert security.check(data, b"m", holding_only()).outcome is not Outcome.VERIFIED


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda b: sm2.spki(POINT)[: len(b)] + b))
def test_any_bytes_may_be_taken_for_a_key_or_a_signature(data: bytes) -> None:
    assert all(sm2.is_point(p) for p in sm2.points(data))
    assert not sm2_signatures.verify(POINT, b"m", data)
