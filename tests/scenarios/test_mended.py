"""What reviewers broke once, by command and library."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import mingwen
from conftest import Run


def test_a_text_that_a_label_would_break_is_refused_before_anything_is_drawn(tmp_path: Path, run: Run) -> None:
    for name, text in (("x.txt", '<?xml version="1.0"?>\n<note/>'), ("r.txt", "{\\rtf1 hi}")):
        (tmp_path / name).write_text(text)
        assert b"text.structured" in run("label", name, status=1).stderr
    (tmp_path / "f.html").write_text("<html><head></head><frameset><frame src=a></frameset></html>")
    assert b"notice.frameset" in run("label", "f.html", status=1).stderr
    assert sorted(p.name for p in tmp_path.iterdir() if "labelled" in p.name) == []


def test_a_film_without_pictures_gets_the_rhythm(media: Path, tmp_path: Path, run: Run) -> None:
    for suffix in ("mp4", "mov"):
        command = ["ffmpeg", "-v", "error", "-i", str(media / "speech.wav"), "-t", "1", str(tmp_path / f"a.{suffix}")]
        subprocess.run(command, check=True)
        assert "短长 短短".encode() in run("label", f"a.{suffix}").stdout
        assert run("verify", f"a.labelled.{suffix}").stdout.startswith(b"compliant")


def test_a_misspelt_variable_is_told(tmp_path: Path, run: Run) -> None:
    assert b"config.unknown" in run("config", env={"MINGWEN_PRODUCR": "x"}, status=2).stderr


def test_a_label_with_doubled_keys_is_not_spread(tmp_path: Path, run: Run) -> None:
    label = '{"AIGC":{"Label":"1","ContentProducer":"P","ContentProducer":"Q","ProduceID":"7"}}'
    (tmp_path / "d.txt").write_text(f"words\n{label}\n")
    assert b"label.ambiguous" in run("label", "--propagate", "d.txt", status=1).stderr


def test_closed_outputs_end_no_run_in_a_traceback(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "a.txt").write_text("words\n")
    for closing in (">&-", ">&- 2>&-"):
        command = f"{sys.executable} -m mingwen verify a.txt --json {closing}"
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, check=False)
        assert done.returncode == 1
        assert b"Traceback" not in done.stderr


def test_a_new_output_has_the_rights_that_the_umask_leaves(tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.txt").write_text("words\n")
    old = os.umask(0o027)
    try:
        run("label", "a.txt")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.labelled.txt").stat().st_mode) == 0o640


def test_a_store_that_is_gone_takes_no_label(tmp_path: Path, library: None) -> None:
    store = tmp_path / "s.db"
    mingwen.configure(store_url=str(store))
    mingwen.label(b"words\n", name="a.txt")
    store.unlink()
    with pytest.raises(mingwen.Unavailable, match="deleted"):
        mingwen.label(b"words\n", tmp_path / "b.txt", name="a.txt")
    assert not (tmp_path / "b.txt").exists()


@pytest.mark.parametrize("recipient", ["\udcff", "a\0b", 5])
def test_a_delivery_that_cannot_be_kept_is_refused_at_once(recipient: str) -> None:
    with pytest.raises(mingwen.Misused, match="recipient"):
        mingwen.Delivery(recipient, "1", "r")


def test_a_forked_child_labels_as_its_parent_was_told_to(tmp_path: Path, library: None) -> None:
    mingwen.configure(producer="Parent", store_url=str(tmp_path / "s.db"))
    child = os.fork()
    if child == 0:
        try:
            made = mingwen.label(b"words\n", name="a.txt")
            os._exit(0 if made.label.ContentProducer == "Parent" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_one_number_is_for_one_file(tmp_path: Path, run: Run) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "in" / name).write_text("words\n")
    assert b"usage.combination" in run("label", "in", "--produce-id", "7", status=2).stderr
    run("label", "in/a.txt", "-o", "new/")
    assert (tmp_path / "new" / "a.txt").exists()


def test_a_picture_without_a_suffix_is_found_in_a_folder(media: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "upload").write_bytes((media / "rocket.jpg").read_bytes())
    (tmp_path / "in" / "c.labelled.png").write_bytes((media / "coffee.png").read_bytes())
    (tmp_path / "in" / "table.csv").write_text("a,b\n")
    assert run("verify", "in", "--json", status=1).stdout.count(b"not-found") == 2


def test_markdown_by_pipe_has_a_name(tmp_path: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "mingwen", "label", "-", "--name", "a.md"]
    done = subprocess.run(command, input=b"# Title\n", cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert done.stdout.startswith(b"---\nAIGC:")
