"""Merkle trees against the well-known vectors of Certificate Transparency, a plain recursive tree, and two foreign ones."""

import hashlib
from collections.abc import Sequence
from functools import cache

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.tlog import ConsistencyProof, InclusionProof

from mingwen.domain.errors import Misused
from mingwen.proofs import merkle

CT_LEAVES = (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)  # fmt: skip
CT_ROOTS = (  # google/certificate-transparency, merkletree tests: the tree of the first 1 to 8 of these leaves
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
ENTRIES = [b"entry %d" % i for i in range(300)]
LEAVES = [merkle.leaf_hash(e) for e in ENTRIES]


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, word by word."""
    if len(leaves) == 0:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


@cache
def node(level: int, number: int) -> bytes:
    if level == 0:
        return LEAVES[number]
    return merkle.node_hash(node(level - 1, 2 * number), node(level - 1, 2 * number + 1))


ROOTS = [mth(LEAVES[:size]) for size in range(301)]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES[:size]]
    assert merkle.Edge().grown(leaves).root.hex() == CT_ROOTS[size - 1]


def test_the_tree_without_leaves_has_the_hash_of_nothing() -> None:
    assert merkle.Edge().root == mth([]) == merkle.root(0, node)


def test_roots_of_all_sizes_to_300_are_those_of_the_recursive_definition() -> None:
    assert [merkle.root(size, node) for size in range(301)] == ROOTS
    assert [merkle.Edge().grown(LEAVES[:size]).root for size in range(301)] == ROOTS


@given(st.integers(0, 300), st.integers(0, 300))
def test_an_edge_grows_as_if_from_the_first_leaf(a: int, b: int) -> None:
    old, new = sorted((a, b))
    assert merkle.edge(old, node).grown(LEAVES[old:new]) == merkle.edge(new, node)


def test_inclusion_holds_for_all_sizes_to_300() -> None:
    for size in range(1, 301):
        for index in {0, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
            proof = merkle.inclusion(index, size, node)
            assert merkle.included(LEAVES[index], index, size, proof, ROOTS[size])
            InclusionProof(index, size, proof).check(LEAVES[index], ROOTS[size])  # tlog-scales raises if it does not hold


def test_consistency_holds_between_all_sizes_to_300() -> None:
    for new in range(1, 301):
        for old in {1, new // 3, new // 2, new - 1, new} - {0}:
            proof = merkle.consistency(old, new, node)
            assert merkle.consistent(old, ROOTS[old], new, ROOTS[new], proof)
            if old < new:
                ConsistencyProof(old, new, proof).check(ROOTS[old], ROOTS[new])


def test_pymerkle_builds_the_same_roots_and_proofs() -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in ENTRIES:
        tree.append_entry(entry)
    for size in range(1, 301):
        assert tree.get_root(size) == ROOTS[size]
    for size in (1, 2, 3, 7, 64, 65, 255, 256, 257, 300):
        for index in {0, size // 2, size - 1}:
            theirs = tree.prove_inclusion(index + 1, size)
            assert sorted([LEAVES[index], *merkle.inclusion(index, size, node)]) == sorted(theirs.path)


@given(st.data())
def test_a_changed_proof_does_not_hold(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion(index, size, node)
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(proof[at]) ^ 1 << bit).to_bytes(32)
    for wrong in ([*proof[:at], flipped, *proof[at + 1 :]], proof[:-1], [*proof, proof[0]], [h[:31] for h in proof]):
        assert not merkle.included(LEAVES[index], index, size, wrong, ROOTS[size])
    assert not merkle.included(LEAVES[index], index ^ 1, size, proof, ROOTS[size])
    assert not merkle.included(LEAVES[(index + 1) % size], index, size, proof, ROOTS[size])


@given(st.data())
def test_a_changed_consistency_proof_does_not_hold(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 300))
    old = data.draw(st.integers(1, new - 1))
    proof = merkle.consistency(old, new, node)
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(proof[at]) ^ 1 << bit).to_bytes(32)
    for wrong in ([*proof[:at], flipped, *proof[at + 1 :]], proof[:-1], [*proof, proof[0]], []):
        assert not merkle.consistent(old, ROOTS[old], new, ROOTS[new], wrong)
    assert not merkle.consistent(old, ROOTS[old - 1], new, ROOTS[new], proof)
    assert not merkle.consistent(old, ROOTS[new], new, ROOTS[old], proof)


def test_from_nothing_and_to_itself_nothing_is_to_be_proved() -> None:
    assert merkle.consistency(0, 5, node) == merkle.consistency(5, 5, node) == []
    assert merkle.consistent(0, merkle.EMPTY_ROOT, 5, ROOTS[5], [])
    assert merkle.consistent(5, ROOTS[5], 5, ROOTS[5], [])
    assert not merkle.consistent(0, ROOTS[1], 5, ROOTS[5], [])
    assert not merkle.consistent(5, ROOTS[5], 5, ROOTS[6], [])
    assert not merkle.consistent(0, merkle.EMPTY_ROOT, 5, ROOTS[5], [ROOTS[5]])


@pytest.mark.parametrize(("index", "size"), [(5, 5), (-1, 5), (0, 0)])
def test_what_is_not_in_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(Misused) as raised:
        merkle.inclusion(index, size, node)
    assert raised.value.code == "proof.range"
    assert not merkle.included(LEAVES[0], index, size, [], LEAVES[0])


def test_the_older_tree_comes_first() -> None:
    with pytest.raises(Misused) as raised:
        merkle.consistency(6, 5, node)
    assert raised.value.code == "proof.range"
    assert not merkle.consistent(6, ROOTS[6], 5, ROOTS[5], [])
