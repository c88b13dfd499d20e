"""``mingwen log`` and ``mingwen audit``, as a user types them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Run
from mingwen.proofs import notes

Environment = dict[str, str]


@pytest.fixture
def labelled(run: Run, tmp_path: Path) -> Path:
    for i in range(3):
        (tmp_path / f"{i}.txt").write_text("A note.\n")
    run("label", "0.txt", "1.txt", "2.txt")
    return tmp_path / "state"


def test_a_log_begins_by_itself_and_tells_where_its_key_is(run: Run, labelled: Path, tmp_path: Path) -> None:
    assert b"log.not-begun" in run("audit", status=1).stderr
    first = run("log", "publish", "--json")
    assert b"store-log.key.pem" in first.stderr
    assert (labelled / "store-log.key.pem").stat().st_mode & 0o777 == 0o600
    told = json.loads(first.stdout)
    assert (told["size"], told["origin"][:14]) == (3, "mingwen.local/")
    assert (labelled / "store-log" / "checkpoint").exists()
    assert len(list((tmp_path / "home/.local/state/mingwen").glob("*.head"))) == 1
    again = run("log", "publish")
    assert (again.stdout, again.stderr) == (b"nothing new to publish; 3 entries are signed\n", b"")
    assert run("audit").stdout == b"read 3 entries again: nothing is wrong\n"
    assert run("audit", "--language", "zh").stdout.decode() == "已重读 3 条记录：未发现问题\n"
    key = notes.parse_key(run("log", "key", "show").stdout.decode())
    note = notes.parse((labelled / "store-log" / "checkpoint").read_bytes())
    assert key.name == told["origin"]
    assert notes.check(note, key)


def test_an_audit_names_what_is_wrong_and_says_so_to_scripts(run: Run, labelled: Path) -> None:
    run("log", "publish")
    (labelled / "store-log/tile/0/000.p/3").write_bytes(bytes(96))
    done = run("audit", status=1)
    assert b"tile.changed tile/0/000.p/3: " in done.stdout
    assert done.stdout.endswith(b"read 3 entries again: 1 faults\n")
    lines = [json.loads(line) for line in run("audit", "--json", status=1).stdout.splitlines()]
    assert [(x["code"], x["place"]) for x in lines[:-1]] == [("tile.changed", "tile/0/000.p/3")]
    assert lines[-1] == {"entries": 3, "faults": 1}
    assert run("log", "publish", "--rebuild").stdout.startswith(b"wrote the tiles of 3 entries anew\n")
    run("audit")


def test_what_was_published_is_shown_with_its_position(run: Run, labelled: Path) -> None:
    run("log", "publish")
    run("label", "--overwrite", "-o", "again.txt", "0.txt", status=None)
    shown = [json.loads(line) for line in run("log", "tail", "--json").stdout.splitlines()]
    assert [x["position"] for x in shown] == [0, 1, 2]
    assert {x["kind"] for x in shown} == {"label.produced"}
    assert run("log", "tail", "-n", "1").stdout.startswith(b"#2\n")
    assert run("log", "tail", "-n", "0").stdout == b""
    assert len(run("log", "-n", "2", "--json").stdout.splitlines()) == 2  # the list of the store is as it was


def test_options_before_a_subcommand_are_not_lost_silently(run: Run) -> None:
    assert b"give the options after publish" in run("log", "--store", "x.db", "publish", status=2).stderr


def test_following_shows_what_comes_and_ends_when_told(
    run: Run, labelled: Path, environment: Environment, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "mingwen", "log", "publish", "--follow"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=tmp_path) as publisher:
        assert publisher.stdout
        assert publisher.stderr
        assert publisher.stdout.readline().startswith(b"signed 3 entries of ")
        (tmp_path / "new.txt").write_text("Another.\n")
        run("label", "new.txt")
        assert publisher.stdout.readline().startswith(b"signed 4 entries of ")
        publisher.send_signal(signal.SIGTERM)
        assert publisher.wait(20) == 0
        assert b"Traceback" not in publisher.stderr.read()
    run("audit")


def test_keys_of_three_kinds_sign_together(run: Run, labelled: Path, tmp_path: Path) -> None:
    for kind in ("ed25519", "ml-dsa-44", "sm2"):
        run("log", "key", "new", "--kind", kind, "-o", f"{kind}.pem")
        assert b"key.exists" in run("log", "key", "new", "--kind", kind, "-o", f"{kind}.pem", status=1).stderr
    env = {"MINGWEN_LOG_KEYS": "sm2.pem,ed25519.pem,ml-dsa-44.pem", "MINGWEN_LOG_ORIGIN": "log.example.com/2026"}
    run("log", "publish", env=env)
    keys = [notes.parse_key(line) for line in run("log", "key", "show", env=env).stdout.decode().splitlines()]
    note = notes.parse((labelled / "store-log" / "checkpoint").read_bytes())
    assert [k.kind.name for k in keys] == ["ED25519", "SM2", "ML_DSA_44"]
    assert all(notes.check(note, k) for k in keys)
    assert run("audit", env=env).stdout == b"read 3 entries again: nothing is wrong\n"
    (tmp_path / "ed25519.pem").chmod(0o644)
    assert b"key.permissions" in run("log", "publish", env=env, status=1).stderr


def test_a_lost_key_or_second_place_is_told_with_what_to_do(run: Run, labelled: Path, tmp_path: Path) -> None:
    run("log", "publish")
    (head,) = (tmp_path / "home/.local/state/mingwen").glob("*.head")
    head.unlink()
    refused = run("log", "publish", status=1)
    assert b"log.head-missing" in refused.stderr
    assert b"mingwen log adopt" in refused.stderr
    assert run("log", "adopt").stdout == b"the second place holds the checkpoint of 3 entries again\n"
    run("log", "publish")
    (labelled / "store-log.key.pem").unlink()
    assert b"log.key-missing" in run("log", "publish", status=1).stderr
    assert not (labelled / "store-log.key.pem").exists()


def test_a_folder_that_cannot_be_is_told_in_one_line(run: Run, labelled: Path) -> None:
    done = run("log", "publish", env={"MINGWEN_LOG_FOLDER": "0.txt/log"}, status=4)
    assert b"objects.unavailable" in done.stderr
    run("log", "publish")
    assert run("audit").stdout == b"read 3 entries again: nothing is wrong\n"
