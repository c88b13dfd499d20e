"""Files that lie, end early, or cannot be touched: a clear error with a hint, nothing lost, nothing half written."""

import json
import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import mingwen
from conftest import Run
from mingwen import MingwenError, Verdict

KINDS = ("png", "jpg", "webp", "wav", "mp3", "m4a", "md", "html", "txt")
BINARY = KINDS[:6]
HUGE = 0xFFFFFFF0
"""A length of nearly 4 GiB, in files of a hundred bytes."""
LIARS = {
    "png": b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 1, 1, 8, 2, 0, 0, 0, 0)
    + struct.pack(">I4s", HUGE, b"tEXt"),
    "jpg": b"\xff\xd8\xff\xe1\xff\xffhttp://ns.adobe.com/xap/1.0/\0<x",
    "webp": b"RIFF" + struct.pack("<I", HUGE) + b"WEBPVP8X" + struct.pack("<I", HUGE) + bytes(60),
    "wav": b"RIFF" + struct.pack("<I", HUGE) + b"WAVEfmt " + struct.pack("<I", HUGE) + bytes(60),
    "mp3": b"ID3\x04\0\0\x7f\x7f\x7f\x7fTXXX\x7f\x7f\x7f\x7f\0\0" + bytes(60),
    "m4a": struct.pack(">I4s4sI", 16, b"ftyp", b"M4A ", 0) + struct.pack(">I4s", HUGE, b"moov") + bytes(60),
}


def labelled(samples: Path, kind: str) -> bytes:
    data = mingwen.label(samples / f"a.{kind}", produce_id="7").data
    assert data
    return data


def outcome(data: bytes, kind: str) -> str:
    """Verify, and try to label; return the verdict or the code of the error."""
    try:
        verdict = mingwen.verify(data, name=f"a.{kind}").verdict.value
    except MingwenError as e:
        verdict = told(e)
    try:
        made = mingwen.label(data, name=f"a.{kind}").data
        assert made
        assert mingwen.verify(made, name=f"a.{kind}").verdict is Verdict.COMPLIANT
    except MingwenError as e:
        told(e)
    return verdict


def told(error: MingwenError) -> str:
    assert error.code != "internal.fault", error.__cause__
    assert error.hint
    return error.code


@pytest.mark.parametrize("kind", KINDS)
def test_no_cut_is_a_fault_and_none_hides_a_label(kind: str, samples: Path, library: None) -> None:
    data = labelled(samples, kind)
    cuts = sorted({0, 1, 7, 11, 12, 13, 20, 40, 100, *range(0, len(data), max(1, len(data) // 24)), len(data) - 1})
    seen = {outcome(data[:cut], kind) for cut in cuts if cut < len(data)}
    if kind in BINARY:  # a cut text is a text; where a label was cut through, it is one that is wrong
        assert "not-found" not in seen, seen


@pytest.mark.parametrize("kind", BINARY)
def test_a_declared_length_is_not_believed(kind: str, library: None) -> None:
    assert len(LIARS[kind]) < 110
    assert outcome(LIARS[kind], kind) not in {"not-found", "compliant"}


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_changed_at_random_places_are_no_fault(kind: str, samples: Path, library: None) -> None:
    data = bytearray(labelled(samples, kind))
    for step in range(24):
        broken = bytearray(data)
        for at in range(step * 3, min(len(broken), 2000), 61):
            broken[at] ^= 0xFF >> (step % 8)
        outcome(bytes(broken), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_file_is_told(kind: str, tmp_path: Path, run: Run) -> None:
    (tmp_path / f"a.{kind}").write_bytes(b"")
    done = run("label", f"a.{kind}", status=None)
    if kind in BINARY:
        assert done.returncode == 3
        assert b"is empty" in done.stderr


@pytest.mark.parametrize("kind", BINARY)
def test_bytes_count_and_not_the_suffix(kind: str, samples: Path, library: None) -> None:
    wrong = "wav" if kind != "wav" else "png"
    report = mingwen.verify(labelled(samples, kind), name=f"a.{wrong}")
    assert (report.verdict, [f.code for f in report.findings]) == (Verdict.COMPLIANT, ["file.suffix"])


@pytest.mark.parametrize("kind", BINARY)
def test_a_tail_of_another_kind_is_kept_and_no_place_for_a_second_label(kind: str, samples: Path, library: None) -> None:
    both = (samples / f"a.{kind}").read_bytes() + b"<!doctype html><p>hello</p>" + b"PK\x05\x06" + bytes(18)
    outcome(both, kind)
    outcome(labelled(samples, "png") + both, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_symbolic_link_is_followed_and_stays(kind: str, samples: Path, tmp_path: Path, library: None) -> None:
    (tmp_path / f"real.{kind}").write_bytes((samples / f"a.{kind}").read_bytes())
    link = tmp_path / f"link.{kind}"
    link.symlink_to(f"real.{kind}")
    mingwen.label(link, link, overwrite=True)
    assert link.is_symlink()
    assert mingwen.verify(tmp_path / f"real.{kind}").verdict is Verdict.COMPLIANT


def test_what_is_no_file_is_told(tmp_path: Path, run: Run) -> None:
    (tmp_path / "dangling.png").symlink_to("nowhere.png")
    (tmp_path / "circle.png").symlink_to("circle.png")
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("dangling.png", "circle.png", "pipe.png", "/dev/null", "a.png/b.png"):
        for words in (("verify", name), ("label", name), ("label", name, "--in-place"), ("inspect", name)):
            done = run(*words, status=3)
            assert b"\n  hint: " in done.stderr
    assert b"input.empty" in run("verify", ".", status=2).stderr
    assert b"a folder" in run("inspect", ".", status=3).stderr
    (told,) = [json.loads(line) for line in run("verify", "pipe.png", "--json", status=3).stdout.splitlines()]
    assert (told["verdict"], told["error"]["code"]) == ("inconclusive", "file.unreadable")


def without_rights(words: list[str], folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[bytes]":
    """Run the command as a user with no right to anything, in a folder all may enter."""
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    probe = subprocess.run([*drop, sys.executable, "-c", "import mingwen"], env=environment, check=False, capture_output=True)
    if probe.returncode:
        pytest.skip("the interpreter stands where only root may read it, so no other user can run it")
    words = [*drop, sys.executable, "-m", "mingwen", *words]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, check=False)


def test_without_permission_nothing_changes(samples: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    folder = Path("/tmp") / f"mingwen-{os.getpid()}"  # noqa: S108 - pytest's own folders are closed to others
    folder.mkdir()
    try:
        (folder / "a.png").write_bytes((samples / "a.png").read_bytes())
        (folder / "closed.png").write_bytes(b"x")
        (folder / "closed.png").chmod(0)
        folder.chmod(0o755 if os.getuid() == 0 else 0o555)
        env = environment | {"MINGWEN_STORE_URL": f"sqlite:////tmp/mingwen-{os.getpid()}.db"}
        before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
        for words, status in ((["verify", "closed.png"], 3), (["label", "a.png"], 4), (["label", "a.png", "--in-place"], 4)):
            done = without_rights(words, folder, env)
            assert done.returncode == status, done
            assert b"permission denied" in done.stderr
            assert b"\n  hint: " in done.stderr
            assert b"Traceback" not in done.stderr
        assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before
    finally:
        folder.chmod(0o755)
        for path in (*folder.iterdir(), *Path("/tmp").glob(f"mingwen-{os.getpid()}.db*")):  # noqa: S108 - as above
            path.unlink()
        folder.rmdir()


def no_file_beyond_a_hundred_kilobytes() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_loses_nothing(kind: str, samples: Path, tmp_path: Path, run: Run, environment: dict[str, str]) -> None:
    """A limit of the process stands for the disk: Python ignores SIGXFSZ, so writing beyond it gives EFBIG."""
    data = (samples / f"a.{kind}").read_bytes()
    if kind in {"md", "txt", "html"}:
        data += b"<!-- a long page -->\n" * 6000
    elif kind in {"png", "jpg", "webp", "mp3"}:
        data = grown(kind, samples, tmp_path)
    elif kind in {"wav", "m4a"}:
        data = grown_sound(kind, tmp_path)
    assert len(data) > 100_000
    (tmp_path / f"a.{kind}").write_bytes(data)
    run("log")  # makes the store, which is larger than the limit
    names = sorted(p.name for p in tmp_path.iterdir())
    words = [sys.executable, "-m", "mingwen", "label", f"a.{kind}", "--in-place"]
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, check=False, preexec_fn=no_file_beyond_a_hundred_kilobytes
    )
    assert done.returncode == 4, done
    assert b"disk.full" in done.stderr
    assert b"Traceback" not in done.stderr
    assert (tmp_path / f"a.{kind}").read_bytes() == data
    assert sorted(p.name for p in tmp_path.iterdir()) == names


def grown(kind: str, samples: Path, tmp_path: Path) -> bytes:
    if kind == "mp3":
        return grown_sound(kind, tmp_path)
    from PIL import Image  # noqa: PLC0415 - only here

    Image.effect_noise((700, 700), 90).convert("RGB").save(tmp_path / f"big.{kind}", quality=95)
    data = (tmp_path / f"big.{kind}").read_bytes()
    (tmp_path / f"big.{kind}").unlink()
    return data


def grown_sound(kind: str, tmp_path: Path) -> bytes:
    path = tmp_path / f"big.{kind}"
    noise = ("-f", "lavfi", "-i", "anoisesrc=d=16:a=0.3", "-bitexact", str(path))
    subprocess.run(("ffmpeg", "-v", "error", *noise), check=True)
    data = path.read_bytes()
    path.unlink()
    return data
