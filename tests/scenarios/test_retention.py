"""What has to be kept is kept, what may go goes, and the log verifies all the same; on every kind of store."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import Run
from mingwen.adapters.ids import RandomIds
from mingwen.adapters.stores import open_log, open_store
from mingwen.domain.contents import Delivery
from mingwen.domain.errors import MingwenError, Misused, Refused
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.kinds import KINDS
from mingwen.domain.retention import Policy
from mingwen.ports import RecordWorld
from mingwen.proofs import merkle
from mingwen.services import retention
from mingwen.services.retention import EraseFields
from stores import holds_together, outcome, store_url

__all__ = ["store_url"]  # the fixture ``url``

START = datetime(2026, 1, 1, tzinfo=UTC)
SENT = Delivery("李雷", "terms 3", "print")


@dataclass
class Clock:
    """A clock that is moved by hand."""

    at: datetime = field(default=START)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(url: str, clock: Clock) -> Iterator[RecordWorld]:
    store, log = open_store(url), open_log(url)
    yield RecordWorld(clock, RandomIds(), store, log.ledger, log.holds)
    log.close()
    store.close()


def policy(*periods: str) -> Policy:
    return retention.policy(["cn"], periods)


def verdict(subject: str, at: datetime = START) -> Outcome[None]:
    return Outcome(None, (Entry("verdict.given", subject, "王", at, {"file": f"{subject}.png", "verdict": "compliant"}),))


def root(world: RecordWorld, size: int) -> bytes:
    """The root over the first leaves, computed afresh from what the store holds."""
    leaves = world.ledger.leaves(0, size)

    def node(level: int, number: int) -> bytes:
        if level:
            return merkle.node_hash(node(level - 1, 2 * number), node(level - 1, 2 * number + 1))
        return merkle.leaf_hash(leaves[number])

    return merkle.root(size, node)


def left(world: RecordWorld) -> dict[int, set[str]]:
    """The fields that are left of each entry; every entry still leads to its leaf."""
    records = world.ledger.records()
    assert all(holds_together(r) for r in records)
    return {r.number: set(r.entry.detail) | ({"subject"} if r.entry.subject else set()) for r in records}


def expired(world: RecordWorld, rules: Policy, *, dry_run: bool = False) -> list[tuple[str, tuple[int, ...]]]:
    return [(e.kind, e.numbers) for e in retention.expire(world, rules, by="keeper", dry_run=dry_run)]


def test_what_is_due_goes_and_the_log_stands(world: RecordWorld, clock: Clock) -> None:
    world.store.save([verdict("old"), outcome("k"), verdict("older")])
    world.store.save([verdict("new", START + timedelta(days=20))])
    rules = policy("verdict.given=30")
    assert expired(world, rules) == []
    before = root(world, 4)
    clock.at += timedelta(days=31)
    assert expired(world, rules, dry_run=True) == [("verdict.given", (1, 3))]
    assert left(world)[1] == {"subject", "file", "verdict"}
    assert expired(world, rules) == [("verdict.given", (1, 3))]
    assert root(world, 4) == before
    assert {n: left(world)[n] for n in (1, 3)} == {1: set(), 3: set()}
    assert left(world)[4]
    told = world.ledger.records(kind="entries.expired")[0].entry
    assert (told.subject, told.by) == ("verdict.given", "keeper")
    assert told.detail == {"count": 2, "entries": [[1, 1], [3, 3]], "days": 30}
    assert expired(world, rules) == []


def test_a_delivery_without_explicit_label_is_kept_for_six_months(world: RecordWorld, clock: Clock) -> None:
    sent = outcome("sent", delivery=SENT)
    promise = {"keep_until": (START + timedelta(days=184)).isoformat()}
    (entry,) = sent.entries
    world.store.save([replace(sent, entries=(replace(entry, at=START, detail={**entry.detail, **promise}),))])
    with pytest.raises(Refused, match=r"Measures Art\. 9.*retention\.least"):
        policy("label.produced=183")
    clock.at += timedelta(days=183)
    with pytest.raises(Refused, match=r"until 2026-07-04.*retention\.kept"):
        retention.erase(world, policy(), EraseFields((1,), "asked", "x"))
    elsewhere = retention.policy(["eu"], ["label.produced=1"])
    assert expired(world, elsewhere) == []  # the promise was recorded with it, whatever is configured now
    clock.at += timedelta(days=1, seconds=1)
    assert expired(world, policy("label.produced=184")) == [("label.produced", (1,))]
    content = world.store.find("sent")
    assert content is not None
    assert (content.delivery, content.file.name) == (None, "")


def test_nothing_expires_that_nobody_set_a_period_for(world: RecordWorld, clock: Clock) -> None:
    world.store.save([verdict("a"), outcome("sent", delivery=SENT)])
    clock.at += timedelta(days=10_000)
    assert expired(world, policy()) == []
    assert {k.kind: (k.days, k.count, k.due) for k in retention.show(world, policy())} == {
        name: (None, int(name in {"verdict.given", "label.produced"}), 0) for name in KINDS
    }


def test_a_hold_keeps_what_it_covers_until_it_is_released(world: RecordWorld, clock: Clock) -> None:
    world.store.save([verdict("a"), verdict("b"), verdict("c")])
    rules = policy("verdict.given=1")
    clock.at += timedelta(days=2)
    about = retention.hold(world, "a", reason="case 7", by="court clerk")
    one = retention.hold(world, "2", reason="case 8", by="court clerk")
    assert {h.id for h in retention.holds(world)} == {about.id, one.id}
    kept = next(k for k in retention.show(world, rules) if k.kind == "verdict.given")
    assert (kept.count, kept.due, kept.held) == (3, 3, 2)
    assert expired(world, rules) == [("verdict.given", (3,))]
    for number in (1, 2):
        with pytest.raises(Refused, match=r"retention\.held"):
            retention.erase(world, rules, EraseFields((number,), "asked", "x"))
        with pytest.raises(Refused, match=r"retention\.held"):  # a hold that came after the service looked
            world.ledger.erase([number], None, Outcome(None, ()))
    retention.release(world, about.id, reason="settled", by="court clerk")
    with pytest.raises(Misused, match=r"hold\.unknown"):
        retention.release(world, about.id, reason="settled", by="court clerk")
    assert expired(world, rules) == [("verdict.given", (1,))]
    kinds = [r.entry.kind for r in world.ledger.records()][3:]
    assert kinds == ["hold.placed", "hold.placed", "entries.expired", "hold.released", "entries.expired"]


def test_an_erasure_of_several_that_a_hold_stops_leaves_all(world: RecordWorld) -> None:
    world.store.save([verdict("a"), verdict("b")])
    retention.hold(world, "b", reason="case", by="x")
    with pytest.raises(Refused):
        world.ledger.erase([1, 2], None, Outcome(None, ()))
    assert left(world)[1] == {"subject", "file", "verdict"}


def test_a_person_is_forgotten_and_the_verdict_stays(world: RecordWorld) -> None:
    world.store.save([verdict("a"), verdict("b")])
    world.ledger.sequence(100)
    before = root(world, 2)
    assert retention.erase(world, policy(), EraseFields((1, 1), "request of 3 May", "王")) == {1: ("by", "file", "subject")}
    assert left(world)[1] == {"verdict"}
    assert root(world, 2) == before
    told = world.ledger.records(kind="entry.erased")[0].entry
    assert (told.subject, told.detail["fields"]) == ("1", ["by", "file", "subject"])
    assert retention.erase(world, policy(), EraseFields((1,), "again", "王")) == {}
    assert retention.erase(world, policy(), EraseFields((2,), "r", "王", names=("file",))) == {2: ("file",)}
    assert retention.erase(world, policy(), EraseFields((2,), "r", "王", everything=True)) == {2: ("by", "subject", "verdict")}
    assert left(world)[2] == set()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (EraseFields((9,), "r", "x"), "entry.unknown"),
        (EraseFields((1,), " ", "x"), "erasure.empty"),
        (EraseFields((1,), "r", "x", names=("leaf",)), "erasure.field"),
    ],
)
def test_an_erasure_of_nothing_is_misuse(world: RecordWorld, command: EraseFields, code: str) -> None:
    world.store.save([verdict("a")])
    with pytest.raises(MingwenError) as caught:
        retention.erase(world, policy(), command)
    assert caught.value.code == code
    assert left(world) == {1: {"subject", "file", "verdict"}}


def test_many_go_in_batches_each_with_its_entry(world: RecordWorld, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    world.store.save([verdict(str(i)) for i in range(8)])
    retention.hold(world, "0", reason="case", by="x")
    clock.at += timedelta(days=2)
    assert [n for _, n in expired(world, policy("verdict.given=1"))] == [(2, 3), (4, 5, 6), (7, 8)]
    counts = [r.entry.detail["count"] for r in world.ledger.records(kind="entries.expired")]
    assert counts == [2, 3, 2]


@pytest.mark.parametrize(
    "text", ["verdict.given", "verdict.given=0", "verdict.given=-1", "verdict.given=x", "no.such=3", "verdict.given=99999999999"]
)
def test_a_period_that_is_none_is_misuse(text: str) -> None:
    with pytest.raises(Misused, match=r"retention\.period"):
        policy(text)


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def test_the_command_keeps_holds_and_erases(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A note.\n")
    run("verify", "a.txt", status=1)
    run("log", "publish")
    hold = run("retention", "hold", "--subject", "a.txt", "--reason", "case 7").stdout.decode().strip()
    refused = run("retention", "erase", "1", "--reason", "asked", status=1)
    assert b"retention.held" in refused.stderr
    assert [h["hold"] for h in lines(run("retention", "holds", "--json").stdout)] == [hold]
    assert lines(run("retention", "release", hold, "--reason", "settled", "--json").stdout)[0]["released"] is True
    assert {"file", "subject"} <= set(lines(run("retention", "erase", "1", "--reason", "asked", "--json").stdout)[0]["erased"])
    run("log", "publish")
    run("audit")
    shown = {str(k["kind"]): k for k in lines(run("retention", "show", "--json").stdout)}
    assert shown["label.produced"]["least"] == [{"days": 184, "clause": "Measures Art. 9 (A)", "having": "delivery"}]
    assert (shown["verdict.given"]["days"], shown["verdict.given"]["count"]) == (None, 1)
    too_short = {"MINGWEN_RETENTION_PERIODS": "label.produced=30"}
    assert b"Measures Art. 9" in run("retention", "expire", "--dry-run", env=too_short, status=1).stderr
    zh = run("retention", "expire", "--language", "zh", env={"MINGWEN_RETENTION_PERIODS": "verdict.given=1"})
    assert zh.stdout.decode() == "没有到期的记录\n"
