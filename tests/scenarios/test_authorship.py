"""A work in the making, recorded as it happens; on every kind of store."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import new, sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from conftest import Run
from mingwen.adapters.clock import SystemClock
from mingwen.adapters.ids import RandomIds
from mingwen.adapters.stores import open_log, open_store
from mingwen.domain.errors import Misused, Refused
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.steps import Doer
from mingwen.domain.works import Closing, Opening, Step
from mingwen.ports import RecordWorld
from mingwen.services import authorship, recording
from mingwen.services.recording import RecordAct
from stores import elsewhere, engine_of, holds_together, store_url

__all__ = ["store_url"]  # the fixture ``url``


@pytest.fixture
def world(url: str) -> Iterator[RecordWorld]:
    store, log = open_store(url), open_log(url)
    yield RecordWorld(SystemClock(), RandomIds(), store, log.ledger, log.holds)
    log.close()
    store.close()


def test_a_work_is_told_as_it_came_about(world: RecordWorld) -> None:
    work = authorship.open_work(world, Opening("雪中红梅", "李", "a poster"), by="李").work.id
    drafts = [authorship.material(f"{n}.png", BytesIO(n.encode() * 3)) for n in "ab"]
    prompt = "a plum tree in snow " * 10_000
    authorship.step(world, work, Step(prompt=prompt, seed=str(2**64), parameters={"steps": 30, "cfg": 7.5}, doer=Doer.HUMAN))
    authorship.step(world, work, Step(files=tuple(drafts), model="M 2", doer=Doer.MACHINE), by="machine operator")
    authorship.step(world, work, Step(choices=tuple(drafts), chosen=drafts[1], note="the light", doer=Doer.HUMAN))
    closing = authorship.close(world, work, Closing((drafts[1],), "I chose the light."))
    story = authorship.tell(world, work)
    assert story.faults == ()
    assert story.links[-1] == closing
    details = [link.entry.detail for link in story.links]
    assert details[1]["prompt"] == prompt
    assert details[1]["seed"] == "18446744073709551616"
    digests = {"sha256": sha256(b"bbb").hexdigest(), "sm3": new("sm3", b"bbb").hexdigest()}
    assert details[3]["chosen"] == {"name": "b.png", "bytes": 3, **digests}
    assert [link.entry.by for link in story.links] == ["李", "李", "machine operator", "李", "李"]
    records = world.ledger.records(subject=work)
    assert all(holds_together(r) for r in records)
    assert [d.get("previous") for d in details] == [None, *(sha256(r.leaf).hexdigest() for r in records[:-1])]
    with pytest.raises(Refused, match=r"work\.closed"):
        authorship.step(world, work, Step(note="one more"))
    assert len(world.ledger.records(subject=work)) == 5


def test_what_others_record_about_a_work_is_no_step(world: RecordWorld) -> None:
    work = authorship.open_work(world, Opening("t", "x"), by="x").work.id
    world.store.save([Outcome(None, (Entry("evidence.exported", work, "x", datetime(2026, 1, 1, tzinfo=UTC)),))])
    authorship.step(world, work, Step(note="n"))
    assert [link.number for link in authorship.tell(world, work).links] == [1, 3]
    assert authorship.tell(world, work).faults == ()


def test_a_prompt_that_was_erased_leaves_the_chain_whole(world: RecordWorld) -> None:
    work = authorship.open_work(world, Opening("t", "x"), by="x").work.id
    link = authorship.step(world, work, Step(prompt="about a person"))
    authorship.step(world, work, Step(note="n"))
    assert world.ledger.erase([link.number], ["prompt"], Outcome(None, ()))
    story = authorship.tell(world, work)
    assert "prompt" not in story.links[1].entry.detail
    assert story.faults == ()
    authorship.close(world, work, Closing())
    assert authorship.tell(world, work).faults == ()


STEPS = """
import sys
from mingwen.adapters.clock import SystemClock
from mingwen.adapters.ids import RandomIds
from mingwen.adapters.stores import open_log, open_store
from mingwen.domain.works import Step
from mingwen.ports import RecordWorld
from mingwen.services import authorship
url, work, name = sys.argv[1:]
store, log = open_store(url), open_log(url)
world = RecordWorld(SystemClock(), RandomIds(), store, log.ledger, log.holds)
for i in range(15):
    authorship.step(world, work, Step(note=f"{name} {i}"))
"""


def test_two_processes_at_once_never_fork_the_chain(world: RecordWorld, url: str) -> None:
    work = authorship.open_work(world, Opening("t", "x"), by="x").work.id
    processes = [elsewhere(STEPS, url, work, name) for name in "ab"]
    assert [p.wait() for p in processes] == [0, 0]
    story = authorship.tell(world, work)
    assert story.faults == ()
    assert [link.entry.detail["ordinal"] for link in story.links] == list(range(31))
    for name in "ab":
        notes = [link.entry.detail["note"] for link in story.links[1:] if str(link.entry.detail["note"]).startswith(name)]
        assert notes == [f"{name} {i}" for i in range(15)]


def test_a_fork_that_somebody_made_is_told(world: RecordWorld) -> None:
    work = authorship.open_work(world, Opening("t", "x"), by="x").work.id
    link = authorship.step(world, work, Step(note="n"))
    world.store.save([Outcome(None, (link.entry,))])  # around the service
    assert [f.code for f in authorship.tell(world, work).faults] == ["work.ordinal"]


@pytest.mark.parametrize(
    "detail", ['{"note":"other","ordinal":1}', '{"more":1,"note":"n","ordinal":1}', '{"by":"y","note":"n"}', "{}"]
)
def test_a_step_that_somebody_changed_in_the_store_is_told(world: RecordWorld, url: str, detail: str) -> None:
    work = authorship.open_work(world, Opening("t", "x"), by="x").work.id
    link = authorship.step(world, work, Step(note="n"))
    authorship.step(world, work, Step(note="m"))
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE entries SET detail = :d WHERE number = :n"), {"d": detail, "n": link.number})
    engine.dispose()
    assert [(f.code, f.number) for f in authorship.tell(world, work).faults] == [("work.changed", link.number)]


def test_an_act_by_hand_is_recorded_with_the_digests_of_its_file(world: RecordWorld) -> None:
    file = recording.material("order.pdf", BytesIO(b"%PDF"))
    number = recording.record(world, RecordAct("ruling.given", "P1", "court", {"ruling": "to be taken down"}, file))
    ((kept, entry),) = world.store.entries(subject="P1")
    assert kept == number
    assert entry.detail == {
        "ruling": "to be taken down",
        "file": "order.pdf",
        "bytes": 4,
        "sha256": sha256(b"%PDF").hexdigest(),
        "sm3": new("sm3", b"%PDF").hexdigest(),
    }


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (RecordAct("label.produced", "P1", "x", {}), "kind.not-by-hand"),
        (RecordAct("entry.erased", "P1", "x", {}), "kind.not-by-hand"),
        (RecordAct("flag.raised", " ", "x", {}), "entry.subject"),
        (RecordAct("flag.raised", "P1", "x", {"sha256": "00"}), "entry.field"),
        (RecordAct("flag.raised", "P1", "x", {"": "v"}), "entry.field"),
        (RecordAct("flag.raised", "P1", "x", {"a": "v" * (recording.MOST_VALUE_CHARS + 1)}), "entry.field"),
        (RecordAct("flag.raised", "P1", "x", {str(i): "v" for i in range(recording.MOST_FIELDS + 1)}), "entry.field"),
    ],
)
def test_an_act_that_is_none_is_misuse(world: RecordWorld, command: RecordAct, code: str) -> None:
    with pytest.raises(Misused) as caught:
        recording.record(world, command)
    assert caught.value.code == code
    assert list(world.store.entries()) == []


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def test_the_command_tells_the_story(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("a plum tree\n梅\n", encoding="utf-8")
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(name.encode())
    work = run("create", "open", "Plum", "--author", "李").stdout.decode().strip()
    step = lines(run("create", "step", work, "--prompt", "@p.txt", "--parameters", "steps=30", "--parameters", '{"cfg": 7.5}',
                     "--seed", str(2**63), "--human", "--json").stdout)[0]  # fmt: skip
    assert step["prompt"] == "a plum tree\n梅\n"
    assert step["parameters"] == {"steps": 30, "cfg": 7.5}
    assert (step["act"], step["doer"], step["seed"], step["by"]) == ("prompt", "human", str(2**63), "李")
    run("create", "step", work, "--chose", "b.png", "--from", "a.png", "--from", "b.png")
    assert b"work.choice" in run("create", "step", work, "--chose", "b.png", "--from", "a.png", status=2).stderr
    assert b"work.nothing" in run("create", "step", work, status=2).stderr
    assert b"file.unreadable" in run("create", "step", work, "--file", "none.png", status=3).stderr
    assert run("create", "close", work, "--file", "b.png", "--language", "zh").stdout.decode().startswith("第 3 步")
    assert b"work.closed" in run("create", "step", work, "--note", "n", status=1).stderr
    shown = lines(run("create", "show", work, "--json").stdout)[0]
    assert (shown["closed"], len(shown["entries"]), shown["faults"]) == (True, 4, [])
    text = run("create", "show", work, "--language", "zh").stdout.decode()
    assert sha256(b"b").hexdigest() in text
    assert "每一步均载明其前一步的摘要" in text
    assert lines(run("create", "list", "--json").stdout)[0]["title"] == "Plum"
    run("create", "timeline", work, "-o", "t.html", "--language", "zh")
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    assert "a plum tree" in page
    assert b"output.exists" in run("create", "timeline", work, "-o", "t.html", status=2).stderr


def test_the_command_records_an_act(run: Run) -> None:
    added = run("log", "add", "flag.raised", "--subject", "P1", "--field", "reason=looks wrong", "--by", "reader", "--json")
    assert lines(added.stdout) == [{"number": 1, "kind": "flag.raised", "subject": "P1"}]
    assert lines(run("log", "--kind", "flag.raised", "--json").stdout)[0]["reason"] == "looks wrong"
    assert b"a content was flagged" in run("log").stdout
    assert run("log", "add", "label.produced", "--subject", "P1", status=2).stdout == b""
