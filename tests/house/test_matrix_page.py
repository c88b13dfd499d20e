"""The page of the matrix is what the code does, and no cell of it is wrong."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_code_does(media: Path) -> None:
    environment = {**os.environ, "MINGWEN_MEDIA": str(media), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "tools/matrix.py"), "--check"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr


def test_no_cell_is_wrong_or_failed() -> None:
    assert "**" not in (ROOT / "docs/reference/matrix.md").read_text(encoding="utf-8")
