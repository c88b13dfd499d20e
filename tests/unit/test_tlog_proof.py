"""Proofs as text: c2sp.org/tlog-proof."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen.domain.errors import Malformed, MingwenError
from mingwen.proofs import tlog_proof
from mingwen.proofs.notes import Checkpoint, Note, Signature
from mingwen.proofs.tlog_proof import Proof

NOTE = str(Note(Checkpoint("example.com/fancylog", 109482, bytes(32)).text, (Signature("example.com/fancylog", b"abcd", b"x"),)))
EXAMPLE = f"""c2sp.org/tlog-proof@v1
extra YWdlLXYx
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=

{NOTE}"""


def test_the_example_of_the_specification_reads() -> None:
    proof = tlog_proof.parse(EXAMPLE.encode())
    assert (proof.index, len(proof.hashes), proof.extra, proof.note) == (73894, 3, b"age-v1", NOTE)
    assert proof.hashes[0].hex().startswith("8122b25e")
    assert str(proof) == EXAMPLE


@given(st.integers(0, 2**62), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.none() | st.binary(max_size=99))
def test_what_is_written_reads_the_same(index: int, hashes: list[bytes], extra: bytes | None) -> None:
    proof = Proof(index, tuple(hashes), NOTE, extra)
    assert tlog_proof.parse(str(proof).encode()) == proof


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("proof@v1", "proof@v2"),
        ("index 73894", "index 073894"),
        ("index 73894", "index -1"),
        ("index 73894\n", ""),
        ("extra YWdlLXYx", "extra YWdlLXYx="),
        ("extra YWdlLXYx", "extra YWdlLXY"),
        ("gSKyXoYZUgZ6", "gSKyXoYZUgZ"),
        ("PlQ=", "PlR="),
        ("\n\nexample.com", "\nexample.com"),
        ("109482", "0109482"),
        ("\n", "\r\n"),
        ("gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n", "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n" * 64),
        ("c2sp", "\udcffc2sp"),
    ],
)
def test_what_is_no_proof_is_refused(old: str, new: str) -> None:
    with pytest.raises(Malformed):
        tlog_proof.parse(EXAMPLE.replace(old, new).encode("utf-8", "surrogateescape"))


@given(st.binary(max_size=200))
def test_nothing_but_our_error_escapes(noise: bytes) -> None:
    for data in (noise, EXAMPLE.encode() + noise, EXAMPLE.encode()[:40] + noise):
        with contextlib.suppress(MingwenError):
            tlog_proof.parse(data)


def test_a_large_file_is_refused_at_once() -> None:
    with pytest.raises(Malformed) as raised:
        tlog_proof.parse(EXAMPLE.encode() + b"x" * tlog_proof.MOST_PROOF_BYTES)
    assert raised.value.code == "proof.malformed"
