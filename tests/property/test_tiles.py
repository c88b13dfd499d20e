"""Tiles of every size to 300, and around the edges of levels: against the recursive definition, and read by others."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tlog_scales.reader import TilesReader

from mingwen.domain.errors import Malformed, Unproven
from mingwen.proofs import merkle, tiles
from mingwen.proofs.tiles import File, Frontier

MOST = 66_200
"""Beyond 65,536, from where there is a third level."""
ENTRIES = [b"%d" % i for i in range(MOST)]
EDGES = sorted({0, 1, 2, 255, 256, 257, 511, 512, 513, 65_279, 65_280, 65_535, 65_536, 65_537, 65_792, MOST})


@cache
def node(level: int, number: int) -> bytes:
    if level == 0:
        return merkle.leaf_hash(ENTRIES[number])
    return merkle.node_hash(node(level - 1, 2 * number), node(level - 1, 2 * number + 1))


@cache
def files(size: int) -> dict[str, bytes]:
    frontier, full = Frontier().grown(ENTRIES[:size])
    assert frontier.root == merkle.root(size, node)
    return full | frontier.partial()


class Scales:
    """Our files, as tlog-scales reads them."""

    def __init__(self, held: dict[str, bytes]) -> None:
        self._held = held

    def get(self, *path: str) -> bytes | None:
        """What stands there."""
        return self._held.get("/".join(path))


def test_all_sizes_to_300_hold_the_hashes_of_the_definition() -> None:
    for size in range(301):
        held = files(size)
        for name, data in held.items():
            file = tiles.parse_name(name)
            assert file is not None
            if file.level < 0:
                assert tiles.unpacked(data) == ENTRIES[file.number * 256 : file.number * 256 + file.width]
            else:  # MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])
                wanted = [node(8 * file.level, file.number * 256 + i) for i in range(file.width)]
                assert data == b"".join(wanted)
        widths = {n: len(d) // 32 for n, d in held.items() if "entries" not in n}
        assert sum(w for n, w in widths.items() if n.startswith("tile/0/")) == size
        assert sum(w for n, w in widths.items() if n.startswith("tile/1/")) == size // 256


def test_the_example_of_the_specification() -> None:
    names = list(files(MOST))
    partial = sorted(n for n in names if ".p/" in n)
    assert partial == ["tile/0/258.p/152", "tile/1/001.p/2", "tile/2/000.p/1", "tile/entries/258.p/152"]
    assert sum(n.startswith("tile/0/") for n in names) == 259
    assert tiles.tile_name(0, 1_234_067) == "tile/0/x001/x234/067"
    assert tiles.tile_name(5, 0, 1) == "tile/5/000.p/1"


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(EDGES) | st.integers(0, 2000), st.sampled_from(EDGES) | st.integers(0, 2000))
def test_growing_in_jumps_is_growing_at_once(a: int, b: int) -> None:
    old, new = sorted((a, b))
    held = files(old)
    frontier = tiles.frontier(old, held.get, ENTRIES[old - old % 256 : old])
    grown, full = frontier.grown(ENTRIES[old:new])
    assert grown.root == merkle.root(new, node)
    assert held | full | grown.partial() == held | files(new)


@pytest.mark.parametrize("size", [s for s in EDGES if s])
def test_nodes_read_from_tiles_build_the_same_proofs(size: int) -> None:
    read = tiles.node_reader(size, files(size).get)
    for index in {0, size // 3, size - 1}:
        assert merkle.inclusion(index, size, read) == merkle.inclusion(index, size, node)
    for old in {1, size // 2, size - 1} - {0}:
        assert merkle.consistency(old, size, read) == merkle.consistency(old, size, node)


@pytest.mark.parametrize("size", [1, 5, 256, 300, 65_536, MOST])
def test_tlog_scales_reads_our_tiles(size: int) -> None:
    reader = TilesReader(Scales(files(size)))
    reader.set_size(size)
    root = merkle.root(size, node)
    assert reader.calculate_root_hash() == root
    for index in {0, size // 3, size - 1}:
        assert reader.get_entry(index) == ENTRIES[index]
        ours = merkle.inclusion(index, size, tiles.node_reader(size, files(size).get))
        theirs = reader.get_inclusion_proof(index, size)
        assert theirs.node_hashes == ours
        theirs.check(merkle.leaf_hash(ENTRIES[index]), root)


def test_a_full_tile_stands_for_a_partial_one() -> None:
    larger = dict(files(512))
    read = tiles.node_reader(300, larger.get)
    assert "tile/0/001.p/44" not in larger
    with pytest.raises(Unproven) as raised:  # 300 needs tile/1/000.p/1, which 512 does not have
        merkle.root(300, read)
    assert raised.value.code == "tile.missing"
    larger |= {"tile/1/000.p/1": files(300)["tile/1/000.p/1"]}
    assert merkle.root(300, tiles.node_reader(300, larger.get)) == merkle.root(300, node)


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(32 * 43), bytes(32 * 45)])
def test_a_tile_of_another_length_is_refused(data: bytes) -> None:
    held = files(300) | {"tile/0/001.p/44": data}
    with pytest.raises(Unproven) as raised:
        merkle.root(300, tiles.node_reader(300, held.get))
    assert raised.value.code == "tile.malformed"


@given(st.lists(st.binary(max_size=99), max_size=256))
def test_bundles_read_as_they_were_written(entries: list[bytes]) -> None:
    assert tiles.unpacked(tiles.packed(entries)) == entries


@pytest.mark.parametrize("data", [b"\0", b"\0\1", b"\0\1ab", b"\0\0" * 257, b"\xff\xff" + bytes(65_534)])
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed) as raised:
        tiles.unpacked(data)
    assert raised.value.code == "tile.entries"


def test_an_entry_that_no_bundle_can_hold_is_refused() -> None:
    assert tiles.unpacked(tiles.packed([bytes(65_535)])) == [bytes(65_535)]
    with pytest.raises(Unproven):
        Frontier().grown([bytes(65_536)])


@given(st.integers(-1, 63), st.integers(0, 10**9), st.integers(1, 256))
def test_names_read_back(level: int, number: int, width: int) -> None:
    name = tiles.bundle_name(number, width) if level < 0 else tiles.tile_name(level, number, width)
    assert tiles.parse_name(name) == File(level, number, width)


@pytest.mark.parametrize(
    "name",
    ["tile/0/1", "tile/00/001", "tile/0/x000/001", "tile/0/001.p/0", "tile/0/001.p/256", "tile/0/001.p/01", "tile/0/001/002",
     "tile/64/000", "checkpoint", "tile/0/001.p/257", "tile/entries/x1/000", "tile/0/001\n"],
)  # fmt: skip
def test_what_is_no_name_is_refused(name: str) -> None:
    assert tiles.parse_name(name) is None
