import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen.domain import _der
from mingwen.domain.errors import Malformed


@given(st.lists(st.tuples(st.sampled_from([0x02, 0x04, 0x30, 0xA0]), st.binary(max_size=300)), max_size=8))
def test_what_is_written_is_read_back(row: list[tuple[int, bytes]]) -> None:
    data = b"".join(_der.encode(tag, body) for tag, body in row)
    assert [(e.tag, e.body) for e in _der.elements(data)] == row
    assert b"".join(e.whole for e in _der.elements(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b"\x30",
        b"\x30\x01",
        b"\x30\x80\x00\x00",  # indefinite length: BER, not DER
        b"\x30\x81\x01\x00",  # a length in more bytes than it needs
        b"\x1f\x81\x00\x00",  # a tag of more than one byte
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\xff" + bytes(200),
        b"\x04\x00" * (_der.MAX_ELEMENTS + 1),
        _der.encode(0x04, bytes(_der.MAX_BYTES)),
    ],
)
def test_other_encodings_and_sizes_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        _der.elements(data)


@given(st.integers(0, 1 << 300))
def test_an_integer_is_written_shortest_and_not_negative(value: int) -> None:
    (element,) = _der.elements(_der.integer(value))
    assert int.from_bytes(element.body, "big", signed=True) == value
    assert len(element.body) == 1 or element.body[0] or element.body[1] & 0x80
