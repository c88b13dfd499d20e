"""How things are named and said."""

import ast
import importlib.util
import re
import string
from pathlib import Path
from types import ModuleType

import pytest

from mingwen.cli import words
from mingwen.domain.findings import RULES, Severity
from mingwen.domain.labels import FIELDS
from mingwen.domain.tiers import Tier
from mingwen.domain.verdicts import Verdict
from mingwen.regimes import Met

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src/mingwen"
EMPTY_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "misc",
    "manager",
    "handler",
    "core",
    "models",
    "types",
    "lib",
}
ERRORS = {"Refused", "Malformed", "Unproven", "Unavailable", "Misused"}


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools/reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_room_has_an_empty_name() -> None:
    names = {p.stem.strip("_") for p in SRC.rglob("*") if p.is_dir() or p.suffix == ".py"}
    assert names & EMPTY_NAMES == set()


def errors_raised() -> list[tuple[str, ast.Call]]:
    return [
        (f"{path.relative_to(SRC)}:{node.lineno}", node)
        for path in sorted(SRC.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS
    ]


def opening(value: ast.expr) -> str:
    """The literal beginning of a message; empty where it begins with a value."""
    if isinstance(value, ast.JoinedStr):
        value = value.values[0]
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def test_every_error_has_a_hint_and_a_message_that_begins_lower_case() -> None:
    wrong = []
    for where, call in errors_raised():
        hints = [k for k in call.keywords if k.arg == "hint"]
        first = opening(call.args[1]) if len(call.args) > 1 else ""
        if not hints or len(call.args) != 2 or (first[:1].isupper() and first.split()[0] not in FIELDS) or first.endswith("."):
            wrong.append(where)
    assert wrong == []
    assert len(errors_raised()) > 50


def test_codes_are_dotted_lower_case(reference: ModuleType) -> None:
    wrong = [
        where
        for where, call in errors_raised()
        for text in reference._texts(call.args[0])
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+|verdict\.", text)
    ]
    assert wrong == []


def test_a_code_means_one_kind_of_error(reference: ModuleType) -> None:
    assert {code: kinds for code, kinds in reference.error_codes().items() if len(kinds) > 1} == {}


def unread_reasons() -> list[tuple[str, str, str]]:
    """Where each ``Unread`` is made, and the literal beginning and end of its reason; empty where a value stands there."""
    made = []
    for path in sorted((SRC / "formats").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Unread":
                reason = node.args[1]
                last = reason.values[-1] if isinstance(reason, ast.JoinedStr) else reason
                made.append((f"{path.name}:{node.lineno}", opening(reason), opening(last)))
    return made


def test_what_could_not_be_read_is_told_as_a_verb_of_its_place() -> None:
    reasons = unread_reasons()
    assert [where for where, begin, end in reasons if begin[:1].isupper() or end.endswith((".", " "))] == []
    assert len([begin for _, begin, _ in reasons if begin]) > 50


def test_findings_say_the_same_in_both_languages() -> None:
    def blanks(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert {r.code for r in RULES.values() if blanks(r.en) != blanks(r.zh)} == set()
    assert [r.code for r in RULES.values() if r.en.endswith(".") or r.zh.endswith("。")] == []


def test_the_command_speaks_both_languages() -> None:
    english, chinese = words.PHRASES["en"], words.PHRASES["zh"]
    assert english.keys() == chinese.keys()
    for phrase, text in english.items():
        blanks = [{name for _, name, _, _ in string.Formatter().parse(t) if name} for t in (text, chinese[phrase])]
        assert blanks[0] == blanks[1], phrase
    for language in ("en", "zh"):
        assert set(words.VERDICTS[language]) == set(Verdict)
        assert set(words.SEVERITIES[language]) == set(Severity)
        assert set(words.TIERS[language]) == set(Tier)
        assert set(words.ANSWERS[language]) == set(Met)
