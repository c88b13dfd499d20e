"""Digests of files, as the log tells them."""

import hashlib
import io

import pytest

from mingwen.domain import digests
from mingwen.domain.digests import PIECE_BYTES, Digesting


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, 2 * PIECE_BYTES + 7])
def test_a_file_is_digested_from_its_beginning(size: int) -> None:
    source = io.BytesIO(b"x" * size)
    source.seek(size // 2)
    told = digests.of(source, Digesting(size, sm3=True))
    assert told == {
        "bytes": size,
        "sha256": hashlib.sha256(b"x" * size).hexdigest(),
        "sm3": hashlib.new("sm3", b"x" * size).hexdigest(),
    }


def test_a_larger_file_has_none() -> None:
    assert digests.of(io.BytesIO(b"abc"), Digesting(2)) == {}
    assert digests.of(io.BytesIO(b"abc"), Digesting(3)) == {"bytes": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}


def test_the_vectors_of_gb_t_32905() -> None:
    assert digests.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert digests.sm3(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_a_python_without_sm3_has_it_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str, *_: object) -> None:
        raise ValueError(name)

    abc = digests.sm3(b"abc").hex()
    monkeypatch.setattr(hashlib, "new", without)
    begun = digests._new_sm3()
    begun.update(b"a")
    other = begun.copy()
    begun.update(b"bc")
    other.update(b"bc")
    assert (begun.digest().hex(), begun.digest().hex(), other.digest().hex()) == (abc, abc, abc)
