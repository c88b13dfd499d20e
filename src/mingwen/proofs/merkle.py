"""Merkle trees of RFC 6962 §2.1 and RFC 9162 §2.1, by SHA-256: roots, proofs, and the checks of proofs.

A tree of ``size`` leaves falls into perfect subtrees, largest first, one a bit of ``size``. A perfect subtree is named by
``(level, number)``: its leaves are ``number << level`` up to ``(number + 1) << level``. Whoever builds a proof passes ``node``,
which returns the hash of such a subtree from wherever it is kept; whoever checks one needs nothing.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from mingwen.domain.errors import Misused

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()
"""The root of a tree without leaves (RFC 6962 §2.1)."""
MOST_PROOF_HASHES: Final = 63
"""A tree of 2⁶³ leaves needs no more (tlog-witness: a client must not send more)."""

Node: TypeAlias = Callable[[int, int], bytes]
"""``(level, number) → hash`` of a perfect subtree."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """Split the leaves ``start`` to ``end`` into the largest perfect subtrees, left to right, as ``(level, number)``."""
    out = []
    while start < end:
        level = min((start & -start).bit_length() - 1 if start else 63, (end - start).bit_length() - 1)
        out.append((level, start >> level))
        start += 1 << level
    return out


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: enough to go on from, and to tell the root."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()
    """Of the perfect subtrees of ``size`` leaves, largest first."""

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        return _joined(self.hashes) if self.hashes else EMPTY_ROOT

    def grown(self, leaves: Iterable[bytes]) -> "Edge":
        """Return the edge with the hashes of further leaves."""
        size, hashes = self.size, list(self.hashes)
        for leaf in leaves:
            bits, node = size, leaf
            while bits & 1:
                node = node_hash(hashes.pop(), node)
                bits >>= 1
            hashes.append(node)
            size += 1
        return Edge(size, tuple(hashes))


def edge(size: int, node: Node) -> Edge:
    """Read the right edge of a tree of ``size`` leaves."""
    return Edge(size, tuple(node(*subtree) for subtree in subtrees(0, size)))


def root(size: int, node: Node) -> bytes:
    """Return the root of the tree of the first ``size`` leaves."""
    return edge(size, node).root


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """Build the proof that leaf ``index`` stands in the tree of ``size`` leaves (RFC 9162 §2.1.3.1), lowest hash first.

    Raises:
        Misused: there is no such leaf (``proof.range``).
    """
    if not 0 <= index < size:
        raise Misused("proof.range", f"expected a leaf below {size}, got {index}", hint="the entry is not in this tree yet")
    return _inclusion(index, 0, size, node)


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """Build the proof that the tree of ``old`` leaves is the beginning of that of ``new`` leaves (RFC 9162 §2.1.4.1).

    It is empty where there is nothing to prove: from no leaf, and from a tree to itself.

    Raises:
        Misused: the old tree is not the smaller one (``proof.range``).
    """
    if not 0 <= old <= new:
        raise Misused("proof.range", f"expected sizes in order, got {old} and {new}", hint="the older tree comes first")
    return _consistency(old, 0, new, node, whole=True) if 0 < old < new else []


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether ``proof`` leads from the leaf hash at ``index`` to ``root`` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or any(len(h) != HASH_BYTES for h in proof):
        return False
    first, last, made = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            made = node_hash(sibling, made)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            made = node_hash(made, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and made == root


def consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether ``proof`` shows the old tree to be the beginning of the new one (RFC 9162 §2.1.4.2)."""
    if not 0 <= old <= new or any(len(h) != HASH_BYTES for h in proof):
        return False
    if old in (0, new):
        return not proof and old_root == (EMPTY_ROOT if old == 0 else new_root)
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not hashes:
        return False
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    older = newer = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root


def _joined(hashes: Sequence[bytes]) -> bytes:
    """Join neighbouring subtrees, largest first, to the one hash above them all."""
    made = hashes[-1]
    for left in reversed(hashes[:-1]):
        made = node_hash(left, made)
    return made


def _range(start: int, end: int, node: Node) -> bytes:
    """Return MTH(D[start:end]), where ``start`` is a multiple of the largest power of two below the length, as in every proof."""
    return _joined([node(*subtree) for subtree in subtrees(start, end)])


def _split(start: int, end: int) -> int:
    """Return where RFC 6962 §2.1 splits a range: behind the largest power of two below its length."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _inclusion(index: int, start: int, end: int, node: Node) -> list[bytes]:
    if end - start == 1:
        return []
    middle = _split(start, end)
    if index < middle:
        return [*_inclusion(index, start, middle, node), _range(middle, end, node)]
    return [*_inclusion(index, middle, end, node), _range(start, middle, node)]


def _consistency(old: int, start: int, end: int, node: Node, *, whole: bool) -> list[bytes]:
    if old == end:
        return [] if whole else [_range(start, end, node)]
    middle = _split(start, end)
    if old <= middle:
        return [*_consistency(old, start, middle, node, whole=whole), _range(middle, end, node)]
    return [*_consistency(old, middle, end, node, whole=False), _range(start, middle, node)]
