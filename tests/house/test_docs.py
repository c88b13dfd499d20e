"""The reference cannot lag: its pages are made from the code, and name everything a user may meet."""

import importlib.util
from pathlib import Path
from types import ModuleType

import click
import pytest

from mingwen import formats
from mingwen.cli import exits
from mingwen.cli.application import cli
from mingwen.domain.findings import RULES
from mingwen.settings import SETTINGS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools/reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(name: str) -> str:
    return (ROOT / "docs/reference" / name).read_text(encoding="utf-8")


def test_the_pages_are_what_the_code_says(reference: ModuleType) -> None:
    behind = [name for name, made in reference.PAGES.items() if made() != page(name)]
    assert behind == [], "run: python tools/reference.py --write"


def test_every_finding_setting_format_and_status_has_its_line() -> None:
    assert [c for c in RULES if f"| `{c}` |" not in page("findings.md")] == []
    assert [s for s in SETTINGS if f"| `{s}` |" not in page("settings.md")] == []
    assert [f.name for f in formats.every() if f"| `{f.name}` |" not in page("formats.md")] == []
    assert [s for s in exits.MEANING if f"| {s} |" not in page("commands.md")] == []


def test_every_flag_of_every_command_has_its_line(reference: ModuleType) -> None:
    text = page("commands.md")
    for path, command in reference.commands(cli, "mingwen"):
        part = text.split(f"## `{path}`\n")[1].split("\n## ")[0]
        flags = [o for p in command.params if isinstance(p, click.Option) for o in p.opts]
        assert [f for f in flags if f"`{f}`" not in part] == [], path


def test_every_error_code_has_its_line(reference: ModuleType) -> None:
    codes = reference.error_codes()
    assert len(codes) > 50
    assert {"label.present", "disk.full", "file.unreadable", "file.unwritable", "store.newer", "verdict.<verdict>"} <= set(codes)
    assert [c for c in codes if f"| `{c}` |" not in page("errors.md")] == []
