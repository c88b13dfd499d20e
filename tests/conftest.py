"""What every test may ask for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real media: photographs, speech, a clip and a document (NOTICE says whose)."""
    folder = Path(os.environ.get("MINGWEN_MEDIA") or Path(__file__).parents[1] / ".cache/media")
    if not (folder / "bunny.mp4").exists():
        pytest.fail(f"expected real media in {folder}; `make media` fetches them")
    return folder
