"""What was found in the evidence log once: remains of what was erased, and bundles that told what was kept back."""

import base64
import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conftest import Run
from mingwen.adapters.ids import RandomIds
from mingwen.adapters.stores import Log, open_log, open_store
from mingwen.domain.evidence import Entry, Outcome
from mingwen.domain.retention import Policy
from mingwen.ports import RecordWorld, Store
from mingwen.services import retention
from mingwen.services.retention import EraseFields

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "Grosskopf"
NO_RULES = Policy({}, ())


class Clock:
    """A clock that stands."""

    def now(self) -> datetime:
        """Return the same instant always."""
        return NOW


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[Store, Log, RecordWorld]]:
    """A store in a file, its log, and a world of both; nothing is closed before the test has ended."""
    url = f"sqlite:///{tmp_path}/s.db"
    store, log = open_store(url), open_log(url)
    yield store, log, RecordWorld(Clock(), RandomIds(), store, log.ledger, log.holds)
    log.close()
    store.close()


def acts(*entries: Entry) -> list[Outcome[None]]:
    return [Outcome(None, (entry,)) for entry in entries]


def remains(folder: Path, text: str) -> list[str]:
    """Return the files below a folder that hold a text."""
    return [p.name for p in folder.iterdir() if text.encode() in p.read_bytes()]


def test_what_is_erased_is_gone_from_the_files_while_others_have_them_open(
    kept: tuple[Store, Log, RecordWorld], tmp_path: Path
) -> None:
    store, log, world = kept
    store.save(acts(*(Entry("verdict.given", f"{NAME}-{i}", "w", NOW, {"file": f"{NAME}-{i}.png"}) for i in range(30))))
    assert log.ledger.sequence(1000) == 30
    assert remains(tmp_path, NAME)
    command = EraseFields(tuple(range(1, 31)), "request of 3 May", "w", everything=True)
    assert len(retention.erase(world, NO_RULES, command)) == 30
    assert remains(tmp_path, NAME) == []


def test_pages_that_were_split_keep_no_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def as_built_elsewhere(*arguments: Any, **given: Any) -> sqlite3.Connection:
        """Many builds of SQLite leave what is deleted where it is, unless they are told not to."""
        made: sqlite3.Connection = connect(*arguments, **given)
        made.execute("PRAGMA secure_delete=OFF").close()
        return made

    monkeypatch.setattr(sqlite3, "connect", as_built_elsewhere)
    with closing(open_store(f"sqlite:///{tmp_path}/s.db")) as store:
        for i in range(40):
            names = [f"{(i * 50 + j) * 7919 % 2003}-{NAME}" for j in range(50)]
            store.save(acts(*(Entry("verdict.given", n, "w", NOW, {"file": n * (1 + len(n) % 9)}) for n in names)))
    with closing(open_log(f"sqlite:///{tmp_path}/s.db")) as log:
        told = Outcome(None, (Entry("entries.expired", "verdict.given", "w", NOW),))
        assert log.ledger.erase(range(1, 2001), None, told)
        assert remains(tmp_path, NAME) == []


def test_a_hold_that_ended_leaves_its_words_to_its_entries(kept: tuple[Store, Log, RecordWorld], tmp_path: Path) -> None:
    _, log, world = kept
    placed = retention.hold(world, f"case of {NAME}", reason=f"{NAME} sued", by=f"judge {NAME}")
    retention.release(world, placed.id, reason="over", by="w")
    assert retention.holds(world) == []
    retention.erase(world, NO_RULES, EraseFields((1, 2), "request", "w", everything=True))
    assert remains(tmp_path, NAME) == []
    assert [r.entry.kind for r in log.ledger.records()] == ["hold.placed", "hold.released", "entry.erased", "entry.erased"]


def test_a_field_that_somebody_gave_an_act_by_hand_may_name_a_person(
    kept: tuple[Store, Log, RecordWorld], tmp_path: Path
) -> None:
    store, log, world = kept
    detail = {"complainant": NAME, "file": f"{NAME}.pdf", "sha256": "00"}
    store.save(acts(Entry("flag.raised", "content-7", "w", NOW, detail)))
    retention.erase(world, NO_RULES, EraseFields((1,), "request", "w"))
    (first, _) = log.ledger.records()
    assert (first.entry.subject, first.entry.by, first.entry.detail) == ("content-7", "", {"sha256": "00"})
    assert remains(tmp_path, NAME) == []


def bundle_texts(path: Path) -> dict[str, bytes]:
    """Return every file of a bundle, disclosures decoded, streams of the reports unpacked."""
    out = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            out[name] = archive.read(name)
            if name.endswith(".fields.json"):
                said = json.loads(out[name])["disclosed"]
                out[f"{name} disclosed"] = b"".join(base64.urlsafe_b64decode(text + "==") for text in said)
            if name.endswith(".pdf"):
                done = subprocess.run(["pdftotext", "-", "-"], input=out[name], capture_output=True, check=True)
                out[f"{name} text"] = done.stdout
    return out


def test_what_is_kept_back_is_nowhere_in_the_bundle(run: Run, samples: Path, tmp_path: Path) -> None:
    (tmp_path / "Zeugin-Grosskopf.png").write_bytes((samples / "a.png").read_bytes())
    run("label", "Zeugin-Grosskopf.png", "-i")
    digest = hashlib.sha256((tmp_path / "Zeugin-Grosskopf.png").read_bytes()).hexdigest()
    words = ("evidence", "export", "Zeugin-Grosskopf.png", "-o")
    run(*words, "all.zip")
    kept_back = ("file", "by", "label", "sha256", "sm3")
    told = run(*words, "some.zip", "--conceal", ",".join(kept_back))
    assert b"still stand" not in told.stderr
    secrets = (b"Grosskopf", b"001191310104MACE0YX63918020", digest.encode())
    for secret in secrets:
        assert any(secret in data for data in bundle_texts(tmp_path / "all.zip").values())
        assert [n for n, data in bundle_texts(tmp_path / "some.zip").items() if secret in data] == []
    report = json.loads(run("evidence", "verify", "some.zip", "--json").stdout)
    assert (report["outcome"], report["content"]["bound"], report["content"]["labels"]) == ("consistent", False, [])
    assert b"Grosskopf" not in run("evidence", "verify", "some.zip").stdout
    assert b"Grosskopf" not in run("log", "--kind", "evidence.exported", "-n", "1", "--json").stdout


def test_words_that_another_field_repeats_are_told_and_misspelt_names_refused(run: Run, samples: Path, tmp_path: Path) -> None:
    run("label", samples / "a.png", "-o", "b.png")
    done = run("evidence", "export", "b.png", "-o", "c.zip", "--conceal", "by,prompt", "--custody", "handed over", "--json")
    assert json.loads(done.stdout)["repeated"] == {"by": ["content", "custody", "label"]}
    assert b"the field by is kept back, but its words still stand in" in done.stderr
    assert b"evidence.field" in run("evidence", "export", "1", "-o", "d.zip", "--conceal", "by,flie", status=2).stderr
    assert not (tmp_path / "d.zip").exists()


def test_what_keeps_the_log_is_not_loaded_for_a_label() -> None:
    program = "import sys; from mingwen.cli import application, labelling, verification; print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split())
    below = {"domain.retention", "domain.sm2_signatures", "domain.works", "proofs.notes", "proofs.verifier", "reports"}
    assert loaded & {f"mingwen.{name}" for name in below} == set()
    assert "mingwen.services.labelling" in loaded


def test_the_tail_goes_on_when_the_store_comes_back(run: Run, samples: Path, environment: dict[str, str], tmp_path: Path) -> None:
    run("label", samples / "a.png", "-o", "b.png")
    run("log", "publish")
    words = [sys.executable, "-m", "mingwen", "log", "tail", "--follow", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=tmp_path) as tail:
        assert tail.stdout
        assert tail.stderr
        assert json.loads(tail.stdout.readline())["position"] == 0
        with closing(sqlite3.connect(tmp_path / "state/store.db")) as store:  # what a failing disk does
            store.execute("ALTER TABLE checkpoints RENAME TO away").close()
            assert b"store.unavailable" in tail.stderr.readline()
            store.execute("ALTER TABLE away RENAME TO checkpoints").close()
        run("label", samples / "a.png", "-o", "c.png")
        run("log", "publish")
        assert json.loads(tail.stdout.readline())["position"] == 1
        tail.send_signal(signal.SIGTERM)
        assert tail.wait(20) == 0
        assert b"Traceback" not in tail.stderr.read()
