"""What was found by trying to break evidence and its log, and mended."""

import json
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mingwen import wiring, wiring_log
from mingwen.domain.errors import Unproven
from mingwen.domain.evidence import Entry, Outcome, Stamp
from mingwen.ports import LogWorld
from mingwen.proofs import notes, verifier
from mingwen.services import evidence, publishing
from mingwen.services.evidence import ExportEvidence

sys.path.append(str(Path(__file__).parents[2]))
from tools.vector_parts import ROOT, WITNESS, token  # a tool, found by the line above

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def world(library: None) -> LogWorld:
    config = wiring.configuration()
    wiring_log.begin(config)
    return wiring_log.log_world(config)


def labelled(run: Run, tmp_path: Path, name: str = "文.md") -> Path:
    (tmp_path / name).write_text("# 标题\n\nA page.\n", encoding="utf-8")
    run("label", tmp_path / name, "--no-explicit", *_DELIVERY)
    return tmp_path / name.replace(".md", ".labelled.md")


_DELIVERY = ("--recipient", "somebody", "--agreement", "v1", "--reason", "asked")


@pytest.mark.parametrize("entry", ["99999999999999999999999", "#99999999999999999999999"])
def test_a_number_that_fits_no_store_is_no_entry(run: Run, tmp_path: Path, entry: str) -> None:
    done = run("evidence", "export", entry, "-o", tmp_path / "e.zip", status=2)
    assert b"evidence.unknown" in done.stderr


def test_erasing_a_number_that_fits_no_store_is_wrong_usage(run: Run) -> None:
    done = run("retention", "erase", "99999999999999999999999", "--reason", "asked", status=2)
    assert b"internal.fault" not in done.stderr


@pytest.mark.parametrize("key", ["garbage", "x+00000000+AAAA", "x+1", ""])
def test_what_is_no_key_is_named_in_one_line(run: Run, tmp_path: Path, key: str) -> None:
    bundle = tmp_path / "case.zip"
    bundle.write_bytes(b"")
    done = run("evidence", "verify", bundle, "--key", key, status=2)
    assert b"usage.key" in done.stderr
    assert b"expected a verifier key" in done.stderr


def test_a_mistyped_field_is_refused_and_nothing_is_handed_out(run: Run, tmp_path: Path) -> None:
    labelled(run, tmp_path)
    for flag in ("--conceal", "--reveal"):
        done = run("evidence", "export", "1", "-o", tmp_path / "case.zip", flag, "File", status=2)
        assert b"evidence.field" in done.stderr
        assert not (tmp_path / "case.zip").exists()


def test_what_is_kept_back_of_an_entry_is_kept_back_of_its_file(run: Run, tmp_path: Path) -> None:
    file, case = labelled(run, tmp_path, "张三.md"), tmp_path / "case.zip"
    run("evidence", "export", file, "-o", case, "--conceal", "file,label,delivery,by")
    with zipfile.ZipFile(case) as archive:
        content = json.loads(archive.read("bundle.json"))["content"]
        assert content["name"] == ""
        assert content["labels"] == []
        for name in archive.namelist():
            assert "张三" not in archive.read(name).decode("utf-8", "replace"), name
    done = run("evidence", "verify", case, "--content", file, "--json")
    assert json.loads(done.stdout)["content"]["bound"]


def test_a_file_that_was_changed_is_named_as_such(run: Run, tmp_path: Path) -> None:
    file = labelled(run, tmp_path)
    file.write_bytes(file.read_bytes() + b"x")
    done = run("evidence", "export", file, "-o", tmp_path / "case.zip", status=1)
    assert b"evidence.changed" in done.stderr
    assert b"mingwen evidence export 1" in done.stderr


def test_no_entry_about_a_subject_is_left_out_silently(world: LogWorld, run: Run, tmp_path: Path) -> None:
    def saved(subject: str, count: int) -> None:
        entry = Entry("flag.raised", subject, "somebody", world.clock.now(), {})
        world.store.save([Outcome(None, (entry,) * count)])

    saved("many", 1_200)
    saved("too many", 3_500)
    done = run("evidence", "export", "many", "-o", tmp_path / "many.zip", "--json")
    assert len(json.loads(done.stdout)["entries"]) == 1_200
    done = run("evidence", "export", "too many", "-o", tmp_path / "too-many.zip", status=2)
    assert b"bundle.too-large" in done.stderr


def acted(world: LogWorld, subject: str) -> None:
    world.store.save([Outcome(None, (Entry("flag.raised", subject, "somebody", world.clock.now(), {}),))])


def published(world: LogWorld, *, cosigned: bool = False, stamped: bool = False) -> None:
    """Publish what waits; let a witness or an authority speak of it."""
    while publishing.publish(world):
        pass
    newest, now = world.archive.newest(), datetime.now(UTC)
    assert newest
    text = notes.parse(newest.note.encode()).text
    if cosigned:
        world.archive.attest(newest.size, note=f"{newest.note}{WITNESS.sign(text, now)}")
    if stamped:
        world.archive.attest(newest.size, stamp=Stamp("https://tsa.example", token(text, now), now))


def test_a_stamp_is_not_left_out_for_a_witness(world: LogWorld) -> None:
    world = replace(world, watchers=(WITNESS.key,))
    for stamped in (True, False, False, True, False):
        acted(world, "other")
        published(world, cosigned=True, stamped=stamped)
    made = evidence.export(world, ExportEvidence("me", positions=(2,)))
    assert [h.published.size for h in made.case.heads] == [1, 2, 3, 4, 5]
    report = verifier.verify(made.data, (str(world.signers[0].key),), (str(WITNESS.key),), (ROOT.pem,))
    assert report.outcome == "proven"
    assert sorted(a["size"] for a in report.attested if a["kind"] == "stamp") == [1, 4]


def test_what_was_stamped_before_a_key_came_can_be_handed_out_after_it(
    world: LogWorld, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acted(world, "first")
    published(world, stamped=True)
    first = str(world.signers[0].key)
    run("log", "key", "new", "-o", "more.pem", "--kind", "sm2")
    (mine,) = tmp_path.rglob("*.key.pem")
    monkeypatch.setenv("MINGWEN_LOG_KEYS", f"{mine},{tmp_path}/more.pem")
    monkeypatch.setenv("MINGWEN_LOG_ORIGIN", world.origin)
    later = wiring_log.log_world(wiring.configuration())
    acted(later, "second")
    published(later)
    made = evidence.export(later, ExportEvidence("me", positions=(0,)))
    report = verifier.verify(made.data, (first,), (), (ROOT.pem,))
    assert report.outcome == "proven"
    assert [a["size"] for a in report.attested] == [1]


def test_a_log_keeps_its_key(world: LogWorld, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acted(world, "first")
    published(world)
    run("log", "key", "new", "-o", "another.pem")
    monkeypatch.setenv("MINGWEN_LOG_KEYS", f"{tmp_path}/another.pem")
    monkeypatch.setenv("MINGWEN_LOG_ORIGIN", world.origin)
    later = wiring_log.log_world(wiring.configuration())
    acted(later, "second")
    with pytest.raises(Unproven, match="signed by"):
        publishing.publish(later)


def test_an_audit_reads_what_is_not_published_too(world: LogWorld, run: Run, tmp_path: Path) -> None:
    acted(world, "first")
    published(world)
    acted(world, "second")
    (store,) = tmp_path.rglob("*.db")
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE entries SET subject = 'forged' WHERE position IS NULL")
    done = run("audit", "--json", status=1)
    found, total = map(json.loads, done.stdout.splitlines())
    assert (found["code"], found["place"]) == ("entry.changed", "entry 2")
    assert total == {"entries": 2, "faults": 1}


def test_the_list_of_acts_speaks_the_language_that_was_asked_for(run: Run, tmp_path: Path) -> None:
    file = labelled(run, tmp_path)
    run("verify", file, status=None)
    run("log", "add", "flag.raised", "--subject", "1")
    run("log", "publish")
    for told in (run("log", "--language", "zh"), run("log", "tail", "--language", "zh")):
        text = told.stdout.decode()
        assert "举报或标记内容" in text
        assert "未加显式标识交付：" in text
        assert "由 " in text
        assert "无显式标识" in text
        assert " by " not in text


def test_values_are_printed_as_json_writes_them(world: LogWorld, run: Run, tmp_path: Path) -> None:
    entry = Entry("flag.raised", "1", "somebody", world.clock.now(), {"files": [{"name": "猫", "seen": None, "good": True}]})
    world.store.save([Outcome(None, (entry,))])
    run("evidence", "export", "1", "-o", tmp_path / "case.zip")
    assert '[{"good": true, "name": "猫", "seen": null}]' in run("evidence", "verify", tmp_path / "case.zip").stdout.decode()


def test_a_mistyped_key_is_wrong_usage_wherever_it_is_typed(run: Run, tmp_path: Path) -> None:
    run("witness", "key", "new", "-o", "w.pem", "--name", "w.example/1")
    serve = ("witness", "serve", "--name", "w.example/1", "--key", "w.pem", "--state", "s.db", "--log", "garbage")
    for command in (serve, ("monitor", tmp_path, "--key", "garbage")):
        assert b"usage.key" in run(*command, status=2).stderr


def test_a_bundle_goes_to_standard_output(run: Run, tmp_path: Path) -> None:
    done = run("evidence", "export", labelled(run, tmp_path), "-o", "-", "--json")
    assert verifier.verify(done.stdout).outcome == "consistent"
    assert not (tmp_path / "-").exists()
