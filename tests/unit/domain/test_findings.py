"""The table of findings: two languages, the same blanks, one code each."""

import string

import pytest

from mingwen.domain.findings import RULES, Rule, found
from mingwen.domain.labels import FIELDS


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("rule", RULES.values(), ids=str)
def test_a_rule_speaks_both_languages_with_the_same_blanks(rule: Rule) -> None:
    assert rule.en
    assert any("\u4e00" <= c <= "\u9fff" for c in rule.zh)
    assert blanks(rule.en) == blanks(rule.zh)
    assert rule.clause


@pytest.mark.parametrize("rule", RULES.values(), ids=str)
def test_a_rule_begins_lower_case_unless_with_a_field(rule: Rule) -> None:
    first = rule.en.split()[0]
    assert first in FIELDS or not first[0].isupper()
    assert not rule.en.endswith(".")


def test_codes_are_keys() -> None:
    assert all(code == rule.code for code, rule in RULES.items())


def test_a_value_with_braces_stays_as_it_is() -> None:
    finding = found("label.value-illegal", "here", found="'{0.__class__}{evil}'")
    assert "{0.__class__}{evil}" in finding.message()
    assert "{0.__class__}{evil}" in finding.message("zh")


def test_the_clause_of_a_place_is_its_guide() -> None:
    assert found("label.place", "here", wanted="there", guide="TC260-PG-20259A").clause == "TC260-PG-20259A"
