"""What was found by trying to break evidence and its log, and mended."""

import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mingwen import wiring, wiring_log
from mingwen.domain.evidence import Entry, Outcome
from mingwen.ports import LogWorld

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
        assert content["name"] == "file.md"
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
    saved("too many", 3_001)
    done = run("evidence", "export", "many", "-o", tmp_path / "many.zip", "--json")
    assert len(json.loads(done.stdout)["entries"]) == 1_200
    done = run("evidence", "export", "too many", "-o", tmp_path / "too-many.zip", status=1)
    assert b"evidence.size" in done.stderr
