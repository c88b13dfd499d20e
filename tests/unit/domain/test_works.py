"""Works in the making: what may follow what, and which chains are whole."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count

import pytest

from mingwen.domain import works
from mingwen.domain.errors import Misused, Refused
from mingwen.domain.evidence import Outcome
from mingwen.domain.steps import Act, Doer
from mingwen.domain.works import Closing, Link, Material, Opening, Step, Work

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
A = Material("a.png", 1, "aa", "aa")
B = Material("b.png", 2, "bb", "bb")


def material(name: str) -> Material:
    return Material(name, 3, sha256(name.encode()).hexdigest(), "00")


def link(number: int, outcome: Outcome[None]) -> Link:
    return Link(number, outcome.entries[0], sha256(f"{number}".encode()).hexdigest())


@pytest.fixture
def links() -> list[Link]:
    """A work with two steps that was closed."""
    made = [link(3, works.begin("w", Opening("A song", "李", "for two"), by="李", now=NOW))]
    for number, facts in ((5, Step(prompt="a song")), (8, Step(note="too long", doer=Doer.HUMAN))):
        made.append(link(number, works.step(works.standing("w", made), facts, by="李", now=NOW)))
    made.append(link(9, works.close(works.standing("w", made), Closing((A,), "mine"), by="李", now=NOW)))
    return made


def codes(links: list[Link]) -> list[tuple[str, int]]:
    return [(f.code, f.number) for f in works.faults(links)]


def test_a_work_says_what_was_done_and_in_which_order(links: list[Link]) -> None:
    details = [one.entry.detail for one in links]
    assert [d["ordinal"] for d in details] == [0, 1, 2, 3]
    assert [d.get("previous") for d in details] == [None, *(one.digest for one in links[:-1])]
    assert details[0] == {"ordinal": 0, "title": "A song", "author": "李", "note": "for two"}
    assert details[1]["act"] == "prompt"
    assert (details[2]["act"], details[2]["doer"]) == ("note", "human")
    assert details[3]["files"] == [{"name": "a.png", "bytes": 1, "sha256": "aa", "sm3": "aa"}]
    assert {one.entry.subject for one in links} == {"w"}
    assert works.standing("w", links) == Work("w", "李", 3, links[-1].digest, is_closed=True)
    assert codes(links) == []


def test_nothing_that_was_not_said_is_recorded(links: list[Link]) -> None:
    assert set(links[1].entry.detail) == {"ordinal", "previous", "act", "prompt"}


@pytest.mark.parametrize(
    "act", [lambda w: works.step(w, Step(note="n"), by="x", now=NOW), lambda w: works.close(w, Closing(), by="x", now=NOW)]
)
def test_a_closed_work_takes_nothing(links: list[Link], act: Callable[[Work], object]) -> None:
    with pytest.raises(Refused, match=r"work\.closed"):
        act(works.standing("w", links))


def test_there_is_no_work_without_an_entry() -> None:
    with pytest.raises(Misused, match=r"work\.unknown"):
        works.standing("w", [])
    with pytest.raises(Misused, match=r"work\.title"):
        works.begin("w", Opening("  ", "x"), by="x", now=NOW)


@pytest.mark.parametrize(
    ("step", "act"),
    [
        (Step(prompt="p", note="n"), Act.PROMPT),
        (Step(seed="1"), Act.PARAMETERS),
        (Step(parameters={"steps": 3}, note="n"), Act.PARAMETERS),
        (Step(files=(A,)), Act.DRAFT),
        (Step(files=(A,), doer=Doer.HUMAN), Act.EDIT),
        (Step(choices=(A, B), chosen=B, prompt="which?"), Act.CHOICE),
        (Step(note="n"), Act.NOTE),
        (Step(note="n", act=Act.DRAFT), Act.DRAFT),
    ],
)
def test_a_step_is_what_it_says_or_what_it_holds(links: list[Link], step: Step, act: Act) -> None:
    made = works.step(works.standing("w", links[:1]), step, by="x", now=NOW)
    assert made.entries[0].detail["act"] == act.value


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Step(), "work.nothing"),
        (Step(act=Act.NOTE, doer=Doer.HUMAN), "work.nothing"),
        (Step(chosen=A), "work.choice"),
        (Step(choices=(A, B)), "work.choice"),
        (Step(chosen=A, choices=(A,)), "work.choice"),
        (Step(chosen=material("c"), choices=(A, B)), "work.choice"),
        (Step(prompt="x" * (works.MOST_TEXT_CHARS + 1)), "work.too-long"),
        (Step(files=(A,) * (works.MOST_FILES + 1)), "work.too-many"),
    ],
)
def test_a_step_that_says_nothing_or_too_much_is_misuse(links: list[Link], step: Step, code: str) -> None:
    with pytest.raises(Misused) as caught:
        works.step(works.standing("w", links[:1]), step, by="x", now=NOW)
    assert caught.value.code == code


def test_a_work_has_an_end_of_steps(links: list[Link]) -> None:
    with pytest.raises(Refused, match=r"work\.full"):
        works.step(replace(works.standing("w", links[:1]), ordinal=works.MOST_STEPS), Step(note="n"), by="x", now=NOW)


def without(one: Link, *names: str) -> Link:
    return replace(one, entry=replace(one.entry, detail={k: v for k, v in one.entry.detail.items() if k not in names}))


def test_each_fault_of_a_chain_is_named(links: list[Link]) -> None:
    first, second, third, last = links
    assert codes([first, third, last]) == [("work.ordinal", 8), ("work.ordinal", 9)]
    assert codes([second, third, last])[0] == ("work.not-opened", 5)
    assert codes([first, replace(second, digest="0"), third, last]) == [("work.previous", 8)]
    assert codes([first, second, last, third]) == [("work.ordinal", 9), ("work.after-close", 8)]
    assert codes([first, second, second, third]) == [("work.ordinal", 5), ("work.ordinal", 8)]
    assert codes([first, replace(second, is_whole=False), third, last]) == [("work.changed", 5)]
    assert codes([first, replace(first, number=4)]) == [("work.not-opened", 4)]


def test_what_was_erased_cannot_be_checked_and_the_rest_can(links: list[Link]) -> None:
    first, second, third, last = links
    assert codes([first, without(second, "prompt"), third, last]) == []
    assert codes([first, without(second, "ordinal", "previous"), third, last]) == [("work.erased", 5)]
    blank = [replace(one, entry=replace(one.entry, detail={})) for one in links]
    assert {code for code, _ in codes(blank)} == {"work.erased"}
    assert works.standing("w", blank).is_closed


def test_numbers_of_entries_may_have_gaps() -> None:
    numbers = count(10, 7)
    links = [link(next(numbers), works.begin("w", Opening("t", "x"), by="x", now=NOW))]
    links += [link(next(numbers), works.step(works.standing("w", links), Step(note="n"), by="x", now=NOW))]
    assert codes(links) == []
