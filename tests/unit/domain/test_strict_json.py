"""JSON as evidence: nothing that stands there is lost, nothing that is no JSON passes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen.domain import strict_json
from mingwen.domain.strict_json import MAX_DEPTH, Pairs

SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
TREES = st.recursive(SCALARS, lambda t: st.lists(t, max_size=4) | st.dictionaries(st.text(), t, max_size=4), max_leaves=12)


def test_duplicate_keys_are_kept_in_order() -> None:
    value = strict_json.read('{"a":1,"b":2,"a":3}')
    assert value == Pairs((("a", 1), ("b", 2), ("a", 3)))
    assert isinstance(value, Pairs)
    assert value.first() == {"a": 1, "b": 2}
    assert strict_json.write(value) == '{"a":1,"b":2,"a":3}'


@pytest.mark.parametrize(
    "text", ["", "{", "nul", "{'a':1}", '{"a":1,}', "NaN", "[Infinity]", "-Infinity", "1e999", "[-1e999]", "1" * 5000, "\ufeff1"]
)
def test_what_is_no_json_raises(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        strict_json.read(text)


def test_depth_is_bounded_before_anything_recurses() -> None:
    assert strict_json.read("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for deep in ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "[" * 100_000, '{"a":' * 100_000):
        with pytest.raises(ValueError, match="nested deeper"):
            strict_json.read(deep)


def test_brackets_within_strings_do_not_nest() -> None:
    assert strict_json.read(json.dumps('\\"[' * 50)) == '\\"[' * 50


@given(TREES)
def test_what_another_writer_writes_is_read_alike(value: object) -> None:
    text = json.dumps(value)
    try:
        read = strict_json.read(text)
    except ValueError as e:
        assert "nested deeper" in str(e)  # noqa: PT017 - the one fault a tree may have
        return
    assert strict_json.plain(read) == value
    assert json.loads(strict_json.write(read)) == value


@given(st.text(alphabet='{}[]",:\\ u0019aeE+-.ntf\ud800\x00', max_size=60) | st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value = strict_json.read(text)
    except ValueError:
        return
    assert strict_json.plain(strict_json.read(strict_json.write(value))) == strict_json.plain(value)
