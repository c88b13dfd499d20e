"""The heads of formats are imported at every start, so they import nothing heavy: docs/adr/0012."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "src/mingwen/formats"
HEADS = sorted(p for p in FOLDER.glob("*.py") if not p.stem.startswith("_"))
TABLES = {"_shape", "_brands", "_characters", "_doctype", "_fronts", "_packages"}
"""Small shared files that tell formats apart by their first bytes."""
BELOW = {"_beside"}
"""What the family itself and those files import."""
ALLOWED = {"re", "typing", "mingwen.domain.media", *(f"mingwen.formats.{name}" for name in TABLES)}
HEAVY = {"ctypes", "decimal", "email", "http", "logging", "multiprocessing", "sqlite3", "ssl", "subprocess", "xml", "zipfile"}
"""Of the standard library; of other packages, everything is."""
STARTED = """
import sys
from mingwen import formats
assert formats.every()
print(*sorted(sys.modules))
"""


def imported_at_once(path: Path) -> set[str]:
    """Return what a file imports when it is imported itself; what stands in functions waits for a file of the format."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = node.module == "mingwen.formats"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} if whole else {node.module or ""}
    return names


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    command = [sys.executable, "-c", STARTED]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("path", HEADS, ids=lambda p: p.stem)
def test_a_head_imports_the_shape_and_tables(path: Path) -> None:
    assert imported_at_once(path) - ALLOWED == set()


def test_all_heads_together_load_no_body(loaded: set[str]) -> None:
    inner = {name.removeprefix("mingwen.formats.") for name in loaded if name.startswith("mingwen.formats._")}
    assert inner == TABLES | BELOW
    assert {f"mingwen.formats.{path.stem}" for path in HEADS} <= loaded


def test_all_heads_together_load_no_library(loaded: set[str]) -> None:
    packages = {name.partition(".")[0] for name in loaded}
    assert packages & HEAVY == set()
    foreign = {name for name in packages - sys.stdlib_module_names if not name.startswith("_")}
    assert foreign == {"mingwen", "platformdirs"}  # where configuration lies; the package itself asks for it
