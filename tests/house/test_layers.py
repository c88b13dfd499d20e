"""The floors and rooms of the house, as pyproject.toml and docs draw them."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]


def test_the_contracts_of_the_house_are_kept() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONPATH": "src"}
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("family", ["formats", "notices", "regimes", "streams", "traces"])
def test_nobody_imports_a_member_of_a_family(family: str) -> None:
    graph = grimp.build_graph("mingwen", cache_dir=None)
    package = f"mingwen.{family}"
    members = [m for m in graph.find_children(package) if not m.rsplit(".", 1)[1].startswith("_")]
    assert len(members) > 2
    importers = {m: graph.find_modules_that_directly_import(m) for m in members}
    assert importers == {m: set() for m in members}


@pytest.mark.parametrize("family", ["formats", "notices", "regimes", "streams", "traces"])
def test_the_shape_of_a_family_knows_no_walker(family: str) -> None:
    graph = grimp.build_graph("mingwen", cache_dir=None)
    below = graph.find_modules_directly_imported_by(f"mingwen.{family}._shape")
    assert all(m.startswith("mingwen.domain.") for m in below)
