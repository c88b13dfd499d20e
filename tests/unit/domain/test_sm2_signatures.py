from mingwen.domain import _der, sm2_signatures

POINT = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA


def signature(r: int, s: int) -> bytes:
    return _der.encode(_der.SEQUENCE, _der.integer(r), _der.integer(s))


def test_the_example_of_the_standard_verifies() -> None:
    """GB/T 32918.5 Annex A.2."""
    assert sm2_signatures.verify(POINT, b"message digest", signature(R, S))


def test_nothing_near_it_does() -> None:
    assert not sm2_signatures.verify(POINT, b"message digest.", signature(R, S))
    assert not sm2_signatures.verify(POINT, b"message digest", signature(R, S + 1))
    assert not sm2_signatures.verify(POINT, b"message digest", signature(S, R))
    assert not sm2_signatures.verify(POINT[:-1] + bytes([POINT[-1] ^ 1]), b"message digest", signature(R, S))


def test_only_the_shortest_encoding_is_taken() -> None:
    padded = _der.encode(_der.SEQUENCE, _der.encode(_der.INTEGER, bytes(2), R.to_bytes(32, "big")), _der.integer(S))
    assert not sm2_signatures.verify(POINT, b"message digest", padded)
