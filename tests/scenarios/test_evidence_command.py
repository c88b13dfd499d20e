"""Evidence out of the log and back: chosen by entry or by file, fields kept back, checkpoints that bound the time."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mingwen import wiring, wiring_log
from mingwen.domain.errors import Misused, Refused
from mingwen.domain.evidence import Entry, Outcome, Stamp
from mingwen.ports import LogWorld
from mingwen.proofs import notes, verifier
from mingwen.proofs.bundle import Case
from mingwen.proofs.notes import Signature
from mingwen.services import evidence, publishing
from mingwen.services.evidence import ExportEvidence, File

sys.path.append(str(Path(__file__).parents[2]))
from tools.vector_parts import ROOT, WITNESS, token  # a tool, found by the line above

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


class LocalWitness:
    """A witness in the same process."""

    name = WITNESS.key.name

    def cosign(self, old: int, proof: Sequence[bytes], note: str) -> Sequence[Signature]:
        """Sign whatever comes."""
        return [WITNESS.sign(notes.parse(note.encode()).text, datetime.now(UTC))]


class LocalAuthority:
    """A time-stamping authority in the same process."""

    name = "https://tsa.example"

    def stamp(self, data: bytes) -> Stamp:
        """Stamp whatever comes."""
        now = datetime.now(UTC)
        return Stamp(self.name, token(data.decode(), now), now)


@pytest.fixture
def world(library: None, tmp_path: Path) -> LogWorld:
    config = wiring.configuration()
    wiring_log.begin(config)
    return replace(
        wiring_log.log_world(config), witnesses=(LocalWitness(),), watchers=(WITNESS.key,), authorities=(LocalAuthority(),)
    )


def acted(world: LogWorld, subject: str, **detail: object) -> None:
    world.store.save([Outcome(None, (Entry("label.produced", subject, "somebody", world.clock.now(), detail),))])


def published(world: LogWorld) -> None:
    while publishing.publish(world):
        pass
    assert publishing.attest(world, stamp_seconds=0) == []


def test_an_entry_is_bounded_by_what_others_attested_before_and_after(world: LogWorld) -> None:
    acted(world, "first")
    published(world)
    acted(world, "second", file="b.png")
    published(world)
    acted(world, "third")
    published(world)
    command = ExportEvidence("me", subjects=("second",), conceal=frozenset({"by"}))
    made = evidence.export(world, command)
    assert [h.published.size for h in made.case.heads] == [1, 2, 3]
    key = str(world.signers[0].key)
    report = verifier.verify(made.data, (key,), (str(WITNESS.key),), (ROOT.pem,))
    assert (report.outcome, report.findings) == ("proven", [])
    (entry,) = report.entries
    assert entry["disclosed"] == {"subject": "second", "file": "b.png"}
    assert entry["hidden"] == 1
    assert entry["after"]["size"] == 1
    assert entry["before"]["size"] == 2
    (act,) = made.case.acts
    assert act.after
    assert act.before
    assert act.after.at <= act.before.at
    (told,) = world.ledger.records(kind="evidence.exported")
    assert told.entry.subject == made.sha256
    assert told.entry.detail["entries"] == list(made.numbers)


def test_reports_go_along_and_see_the_bounds(world: LogWorld) -> None:
    acted(world, "first")
    published(world)
    seen: list[Case] = []

    def reports(case: Case) -> dict[str, bytes]:
        seen.append(case)
        return {"report.en.html": b"<p>what took place</p>"}

    made = evidence.export(world, ExportEvidence("me", positions=(0,)), reports=reports)
    assert verifier.verify(made.data).outcome == "consistent"
    assert b"what took place" in made.data
    assert seen[0].acts[0].before


def test_what_is_not_published_or_not_there_is_refused(world: LogWorld) -> None:
    acted(world, "first")
    with pytest.raises(Refused, match="not published yet"):
        evidence.export(world, ExportEvidence("me", subjects=("first",)))
    with pytest.raises(Misused, match="found 0"):
        evidence.export(world, ExportEvidence("me", numbers=(77,)))


def test_an_erased_field_leaves_its_digest(world: LogWorld) -> None:
    acted(world, "first", file="a.png")
    published(world)
    told = Entry("entry.erased", "1", "me", world.clock.now())
    assert world.ledger.erase([1], ["subject"], Outcome(None, (told,)))
    report = verifier.verify(evidence.export(world, ExportEvidence("me", numbers=(1,))).data)
    assert report.outcome == "consistent"
    assert report.entries[0]["disclosed"] == {"by": "somebody", "file": "a.png"}
    assert report.entries[0]["hidden"] == 1


def test_of_a_file_the_entry_that_is_bound_to_its_bytes_is_taken(world: LogWorld, tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(b"some bytes")
    digests = verifier.digest("sha256", b"some bytes").hex()
    acted(world, "a.dat", sha256="0" * 64)
    acted(world, "a.dat", sha256=digests)
    published(world)
    with (tmp_path / "a.dat").open("rb") as source:
        made = evidence.export(world, ExportEvidence("me"), file=File("a.dat", source))
    assert made.numbers == (2,)
    assert made.case.content
    assert made.case.content.bound
    assert verifier.verify(made.data, content=(10, digests, made.case.content.sm3 or "")).outcome == "consistent"


def test_the_command_publishes_exports_and_verifies(run: Run, samples: Path, tmp_path: Path) -> None:
    run("label", samples / "a.png", "-o", "b.png")
    told = json.loads(run("evidence", "export", "b.png", "-o", "case.zip", "--custody", "as it came", "--json").stdout)
    with zipfile.ZipFile(tmp_path / "case.zip") as made:
        assert made.testzip() is None
    key = run("log", "key", "show").stdout.decode().strip()
    nowhere = {"MINGWEN_CONFIG": "/nowhere/config.toml", "MINGWEN_STORE_URL": "sqlite:////nowhere/x.db"}
    proven = json.loads(run("evidence", "verify", "case.zip", "--key", key, "--content", "b.png", "--json", env=nowhere).stdout)
    assert (proven["outcome"], proven["content"]["name"]) == ("proven", "b.png")
    assert proven["custody"][0]["what"] == "as it came"
    assert [e["index"] + 1 for e in proven["entries"]] == told["entries"]
    words = run("evidence", "verify", "case.zip", "--language", "zh", env=nowhere).stdout.decode()
    assert "未指定密钥" in words
    assert key in words
    other = run("evidence", "verify", "case.zip", "--content", samples / "a.png", status=1).stdout
    assert b"content.other" in other
    assert b"evidence.exported" in run("log").stdout


def test_an_output_that_exists_stays(run: Run, samples: Path, tmp_path: Path) -> None:
    run("label", samples / "a.png", "-o", "b.png")
    (tmp_path / "case.zip").write_bytes(b"mine")
    assert b"output.exists" in run("evidence", "export", "1", "-o", "case.zip", status=2).stderr
    assert (tmp_path / "case.zip").read_bytes() == b"mine"
    run("evidence", "export", "1", "-o", "case.zip", "--overwrite", "--reveal", "subject")
    report: dict[str, Any] = json.loads(run("evidence", "verify", "case.zip", "--json").stdout)
    assert list(report["entries"][0]["disclosed"]) == ["subject"]


def test_the_verifier_that_is_written_runs_alone(run: Run, samples: Path, tmp_path: Path) -> None:
    run("label", samples / "a.png", "-o", "b.png")
    run("evidence", "export", "1", "-o", "case.zip")
    run("evidence", "verifier", "-o", "verifier.py")
    made = subprocess.run([sys.executable, "-I", "verifier.py", "case.zip"], cwd=tmp_path, capture_output=True, check=True)
    assert json.loads(made.stdout)["outcome"] == "consistent"
