"""The order of names in canonical JSON."""

from mingwen.proofs.canonical import canonical


def test_names_stand_in_the_order_of_their_utf_16_units() -> None:
    # RFC 8785 §3.2.3; U+10000 is D800 DC00, which comes before FFFF though the code point is larger.
    assert canonical({"a\uffff": 1, "a\U00010000": 2, "a": 3}) == '{"a":3,"a\U00010000":2,"a\uffff":1}'.encode()
