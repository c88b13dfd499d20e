"""The same story told by the library and by the command: label, verify, propagate, look into the log."""

import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import mingwen
from conftest import Run
from mingwen import Delivery, Misused, Refused, Unproven, Verdict, wire
from mingwen.domain.labels import FIELDS

CODE = "001191310104MACE0YX63918020"
KINDS = ("png", "jpg", "webp", "wav", "mp3", "m4a", "md", "html", "txt")
SENT = ("--no-explicit", "--recipient", "Ms Li", "--agreement", "terms 3", "--reason", "print")


class Pipe(io.RawIOBase):
    """A stream that cannot be sought, as sockets and pipes are."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = io.BytesIO(data)

    def readable(self) -> bool:  # noqa: D102
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: D102
        return self._data.readinto(buffer)


def objects(output: bytes) -> list[Any]:
    return [json.loads(line) for line in output.splitlines()]


def copied(samples: Path, folder: Path, *kinds: str) -> list[Path]:
    folder.mkdir(exist_ok=True, parents=True)
    paths = [folder / f"a.{kind}" for kind in kinds]
    for path in paths:
        path.write_bytes((samples / path.name).read_bytes())
    return paths


@pytest.mark.parametrize("kind", KINDS)
def test_library_and_command_tell_the_same_story(kind: str, samples: Path, tmp_path: Path, run: Run, library: None) -> None:
    (source,) = copied(samples, tmp_path, kind)
    before = source.read_bytes()
    made = mingwen.label(source, tmp_path / f"lib.{kind}", produce_id="7")
    (told,) = objects(run("label", source.name, "-o", f"cli.{kind}", "--produce-id", "7", "--json").stdout)
    assert told == wire.labelled(source.name, f"cli.{kind}", made)
    assert list(told) == ["file", "output", "format", "place", "notice", "label", "manifest", "beside"]
    assert list(told["label"]) == list(FIELDS)
    assert (tmp_path / f"lib.{kind}").read_bytes() == (tmp_path / f"cli.{kind}").read_bytes()
    assert source.read_bytes() == before
    report = mingwen.verify(tmp_path / f"lib.{kind}")
    assert mingwen.require(report) is report
    (verified,) = objects(run("verify", f"lib.{kind}", "--json").stdout)
    assert verified == wire.report(report, language="en")
    assert list(verified) == ["file", "format", "verdict", "labels", "findings"]
    (label,) = verified["labels"]
    assert label == {"place": made.place} | {name: getattr(made.label, name) for name in FIELDS}
    assert (label["ProduceID"], label["ContentPropagator"], verified["verdict"]) == ("7", CODE, "compliant")


@pytest.mark.parametrize("kind", ["png", "mp3", "md"])
def test_paths_bytes_and_streams_give_the_same_file(kind: str, samples: Path, tmp_path: Path, library: None) -> None:
    path = samples / f"a.{kind}"
    data = path.read_bytes()
    sources: list[Any] = [path, str(path), data, bytearray(data), io.BytesIO(data), Pipe(data)]
    made = [mingwen.label(s, name=f"a.{kind}", produce_id="7") for s in sources]
    assert len({m.data for m in made}) == 1
    late = io.BytesIO(b"xx" + data)
    late.seek(2)
    sink = io.BytesIO()
    assert mingwen.label(late, sink, name=f"a.{kind}", produce_id="7").data is None
    assert sink.getvalue() == made[0].data
    with path.open("rb") as file:
        assert mingwen.label(file, produce_id="7").data == made[0].data
    again: list[Any] = [sink.getvalue(), Pipe(sink.getvalue()), io.BytesIO(sink.getvalue())]
    reports = [mingwen.verify(s, name=f"a.{kind}") for s in again]
    assert {r.verdict for r in reports} == {Verdict.COMPLIANT}


def test_a_text_stream_or_a_number_is_misuse(library: None) -> None:
    for source in (io.StringIO("x"), 7, None):
        with pytest.raises(Misused, match=r"source\.kind"):
            mingwen.verify(source)  # type: ignore[arg-type] # that is the point


def test_a_platform_changes_fields_five_to_seven_only(samples: Path, tmp_path: Path, run: Run, library: None) -> None:
    first = mingwen.label(samples / "a.png", tmp_path / "one.png")
    mingwen.configure(propagator="platform")
    second = mingwen.propagate(tmp_path / "one.png", tmp_path / "two.png", propagate_id="42")
    changed = {name for name in FIELDS if getattr(first.label, name) != getattr(second.label, name)}
    assert changed == {"ContentPropagator", "PropagateID"}
    (told,) = objects(
        run(
            "label", "one.png", "-o", "three.png", "--propagate", "--propagator", "platform", "--propagate-id", "42", "--json"
        ).stdout
    )
    assert told["label"] == {name: getattr(second.label, name) for name in FIELDS}
    assert (tmp_path / "two.png").read_bytes() == (tmp_path / "three.png").read_bytes()
    for kind, count in (("label.propagated", 2), ("label.produced", 1)):
        assert len(objects(run("log", "--kind", kind, "--json").stdout)) == count


def test_refusals(samples: Path, tmp_path: Path, run: Run, library: None) -> None:
    copied(samples, tmp_path, "png")
    run("label", "a.png", "-o", "b.png")
    again = run("label", "b.png", "-o", "c.png", "--json", status=1)
    assert objects(again.stdout)[0]["error"]["code"] == "label.present"
    assert b"label.absent" in run("label", "a.png", "-o", "c.png", "--propagate", status=1).stderr
    assert b"delivery.incomplete" in run("label", "a.png", "-o", "c.png", "--no-explicit", status=1).stderr
    assert not (tmp_path / "c.png").exists()
    with pytest.raises(Refused, match=r"delivery\.missing"):
        mingwen.label(samples / "a.png", explicit=False)
    with pytest.raises(Unproven, match=r"verdict\.not-found"):
        mingwen.require(mingwen.verify(samples / "a.png"))


def test_an_unmarked_delivery_changes_no_pixel_and_is_logged(samples: Path, tmp_path: Path, run: Run) -> None:
    copied(samples, tmp_path, "png")
    (told,) = objects(run("label", "a.png", *SENT, "--json").stdout)
    assert told["notice"] is None
    assert told["output"] == "a.labelled.png"
    (entry,) = objects(run("log", "--json").stdout)
    assert entry["delivery"] == {"recipient": "Ms Li", "agreement": "terms 3", "reason": "print"}
    assert entry["keep_until"]
    assert list(entry)[:5] == ["number", "at", "kind", "subject", "by"]
    assert b"delivered unmarked: agreement terms 3, reason print, recipient Ms Li" in run("log").stdout


def test_a_key_gives_the_same_label_once_and_stands_for_nothing_else(
    samples: Path, tmp_path: Path, run: Run, library: None
) -> None:
    one = mingwen.label(samples / "a.png", key="k")
    two = mingwen.label(samples / "a.png", key="k")
    assert (one.label, one.data) == (two.label, two.data)
    copied(samples, tmp_path, "png", "txt")
    (told,) = objects(run("label", "a.png", "--idempotency-key", "k", "--json").stdout)
    assert told["label"]["ProduceID"] == one.label.ProduceID
    assert len(objects(run("log", "--json").stdout)) == 1
    for other in (
        ("a.txt",),
        ("a.png", *SENT),
        ("a.png", "--produce-id", "8"),
        ("a.png", "--claim", "2"),
        ("a.png", "--producer", "x"),
    ):
        refused = run("label", *other, "-o", "other", "--idempotency-key", "k", status=1)
        assert b"key.reused" in refused.stderr
    assert len(objects(run("log", "--json").stdout)) == 1
    assert not (tmp_path / "other").exists()


def test_a_key_never_gives_a_file_another_files_producer(samples: Path, library: None) -> None:
    one, two = (mingwen.label(samples / "a.png").data for _ in range(2))
    assert one
    assert two
    again = [mingwen.propagate(one, name="a.png", key="p") for _ in range(2)]
    assert again[0] == again[1]
    with pytest.raises(Refused, match=r"key\.reused"):
        mingwen.propagate(two, name="a.png", key="p")


def test_threads_that_come_first_together_settle_once(samples: Path, library: None) -> None:
    mingwen.face._settled.pop(os.getpid())[1].store.close()  # as if nobody had come yet
    results: list[object] = []
    data = (samples / "a.txt").read_bytes()

    def work() -> None:
        try:
            results.append(mingwen.label(data, name="a.txt", key="same").label.ProduceID)
        except mingwen.MingwenError as e:
            results.append(e.code)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(results) - {"key.reused"}) == 1  # who came too late is told so, and nobody has a number of their own


def test_in_place_keeps_the_mode_and_the_link(samples: Path, tmp_path: Path, run: Run) -> None:
    (path,) = copied(samples, tmp_path, "png")
    path.chmod(0o640)
    (tmp_path / "link.png").symlink_to("a.png")
    run("label", "link.png", "--in-place")
    assert (tmp_path / "link.png").is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert b"compliant" in run("verify", "a.png").stdout
    assert sorted(p.name for p in tmp_path.glob("*a.png*")) == ["a.png"]


def test_an_interrupted_run_leaves_nothing(samples: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "out").mkdir()
    words = [sys.executable, "-m", "mingwen", "label", "-", "-o", "out/b.png"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment)
    assert process.stdin
    process.stdin.write((samples / "a.png").read_bytes()[:100])
    process.stdin.flush()
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in told
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failure_while_writing_leaves_nothing(samples: Path, tmp_path: Path, library: None) -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(mingwen.Unavailable, match=r"disk\.full"):
        mingwen.label(samples / "a.png", Full())
    (tmp_path / "b.png").write_bytes(b"old")
    with pytest.raises(Misused, match=r"output\.exists"):
        mingwen.label(samples / "a.png", tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == b"old"
    mingwen.label(samples / "a.png", tmp_path / "b.png", overwrite=True)
    with pytest.raises(Misused, match=r"output\.kind"):
        mingwen.label(samples / "a.png", "/dev/null", overwrite=True)
    with pytest.raises(Misused, match=r"file\.name"):
        mingwen.label(samples / "a.png", "a\0b")


def test_exit_statuses(samples: Path, tmp_path: Path, run: Run) -> None:
    copied(samples, tmp_path, "png")
    run("label", "a.png", "-o", "b.png", status=0)
    run("verify", "b.png", status=0)
    run("verify", "a.png", status=1)
    (tmp_path / "half.png").write_bytes((tmp_path / "b.png").read_bytes()[:-40])
    run("verify", "half.png", status=3)
    run("verify", "none.png", status=3)
    run("verify", "b.png", "none.png", "a.png", status=3)
    run("verify", "b.png", "--store", "/proc/none/s.db", status=4)
    run("label", "a.png", "-o", "/proc/none/b.png", status=4)
    for wrong in (
        (),
        ("bogus",),
        ("label",),
        ("label", "a.png", "--claim", "9"),
        ("log", "-n", "9" * 30),
        ("label", ""),
        ("label", "*.gif"),
    ):
        run(*wrong, status=2)
    for wrong in (("-i", "-o", "x"), ("--recipient", "x"), ("--propagate", "--produce-id", "1"), ("--propagate-id", "1")):
        assert b"usage.combination" in run("label", "a.png", *wrong, status=2).stderr
    run("--version")
    run("label", "--help")


def test_folders_patterns_and_jobs(samples: Path, tmp_path: Path, run: Run) -> None:
    copied(samples, tmp_path / "in/deep", *KINDS)
    copied(samples, tmp_path / "in/.hidden", "png")
    (tmp_path / "in/notes.xyz").write_text("no format of ours")
    told = objects(run("label", "in", "-o", "out", "--jobs", "4", "--json").stdout)
    assert [t["file"] for t in told] == sorted(f"in/deep/a.{k}" for k in KINDS)
    assert sorted(p.name for p in (tmp_path / "out/deep").iterdir()) == sorted(f"a.{k}" for k in KINDS)
    verified = run("verify", "out", "--jobs", "4").stdout.decode()
    assert verified.splitlines()[-1] == f"{len(KINDS)} files: {len(KINDS)} compliant"
    assert len(objects(run("verify", "out/deep/*.[pm]*", "--json").stdout)) == 4
    assert len(objects(run("log", "--kind", "verdict.given", "--json").stdout)) == len(KINDS) + 4
    twice = run("label", "in/deep/a.png", "in/.hidden/a.png", "-o", "both", status=2)
    assert b"output.twice" in twice.stderr


def test_standard_input_and_output(samples: Path, tmp_path: Path, run: Run, environment: dict[str, str]) -> None:
    data = (samples / "a.png").read_bytes()
    labelled = run("label", "-", input=data).stdout
    assert labelled.startswith(b"\x89PNG")
    (told,) = objects(run("verify", "-", "--json", input=labelled).stdout)
    assert (told["file"], told["verdict"]) == ("-", "compliant")
    with (samples / "a.png").open("rb") as file:
        assert run("label", "-", "-o", "-", stdin=file).stdout.startswith(b"\x89PNG")
    copied(samples, tmp_path, "png")
    assert run("label", "a.png", "-o", "-").stdout.startswith(b"\x89PNG")
    with Path("/dev/full").open("wb") as full:
        words = [sys.executable, "-m", "mingwen", "config"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False, env=environment)
    assert done.returncode == 4
    assert done.stderr.startswith(b"mingwen: disk.full: ")


def test_default_file_environment_and_flag_in_this_order(samples: Path, tmp_path: Path, run: Run) -> None:
    copied(samples, tmp_path, "png")
    config = tmp_path / "c.toml"
    env = {"MINGWEN_CONFIG": str(config), "MINGWEN_PRODUCER": ""}

    def producer(*flags: str, **more: str) -> str:
        words = ("label", "a.png", "--json", "--overwrite", *flags)
        return str(objects(run(*words, env=env | more).stdout)[0]["label"]["ContentProducer"])

    config.write_text("")
    assert producer() == "MINGWEN-TEST-PRODUCER"
    config.write_text('producer = "file"\n[notice]\nwording = "AI合成"\n')
    assert producer() == "file"
    assert producer(MINGWEN_PRODUCER="environment") == "environment"
    assert producer("--producer", "flag", MINGWEN_PRODUCER="environment") == "flag"
    (shown,) = objects(run("config", "--json", env=env).stdout)
    assert shown["producer"] == {"value": "file", "origin": str(config)}
    assert shown["notice.wording"]["value"] == "AI合成"
    assert shown["store.url"]["origin"] == "MINGWEN_STORE_URL"
    assert shown["language"]["origin"] == "default"
    assert run("config", "--path", env=env).stdout.decode() == f"{config}\n"
    template = run("config", "--template").stdout
    config.write_bytes(re.sub(rb"^# (\w+ = )", rb"\1", template, flags=re.MULTILINE))
    (again,) = objects(run("config", "--json", env=env).stdout)
    assert {k: v["value"] for k, v in again.items()} == {
        k: v["value"] for k, v in shown.items() if k not in {"producer", "notice.wording"}
    } | {"producer": "MINGWEN-TEST-PRODUCER", "notice.wording": "AI生成"}


@pytest.mark.parametrize(
    ("toml", "code", "status"),
    [
        ("producer = ", b"config.toml", 2),
        ("[" * 5000, b"config.toml", 2),
        ("producer = 7", b"config.value", 2),
        ("produzer = 'x'", b"config.unknown", 2),
        ("[notice]\nseconds = 1", b"config.value", 2),
        ("[notice]\nink_height = nan", b"config.value", 2),
        (f"[notice]\nseconds = 1{'0' * 400}", b"config.value", 2),
        ("[notice]\nposition = 'middle'", b"config.value", 2),
        ("[notice]\nwording = 'made by a machine'", b"notice.elements", 1),
        ("[notice]\nfont = '/none'", b"file.unreadable", 3),
        ("[notice]\nfont = '~nobody-of-this-name/x'", b"file.unreadable", 3),
        ("[key]\nfile = '/none'", b"key.unreadable", 4),
        ("[trust]\nkeys = ['/none']", b"trust.key", 2),
        ("[store]\nurl = 'mysql://h/x'", b"store.unknown", 2),
        (None, b"config.missing", 2),
    ],
)
def test_a_wrong_configuration_is_told(toml: str | None, code: bytes, status: int, tmp_path: Path, run: Run) -> None:
    config = tmp_path / "c.toml"
    if toml is not None:
        config.write_text(toml)
    env = {"MINGWEN_CONFIG": str(config), "MINGWEN_STORE_URL": "" if "store" in (toml or "") else f"{tmp_path}/s.db"}
    told = run("label", "-", input=b"", env=env, status=status).stderr
    assert told.startswith(b"mingwen: " + code)
    assert b"\n  hint: " in told


def test_an_unknown_setting_of_the_library_is_misuse(library: None) -> None:
    with pytest.raises(Misused, match=r"config\.unknown"):
        mingwen.configure(produzer="x")


def test_a_signature_proves_integrity_then_trust_and_breaks_with_the_label(samples: Path, tmp_path: Path, run: Run) -> None:
    copied(samples, tmp_path, "png", "txt")
    (key,) = objects(run("key", "new", "-o", "k.pem", "--json").stdout)
    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600
    run("key", "new", "-o", "k.pem", status=1)
    for name in ("k.pem", "k.pub.pem"):
        assert run("key", "show", name).stdout.decode().strip() == key["fingerprint"]
    run("label", "a.txt", "-o", "b.txt", "--key", "k.pem", "--produce-id", "12345")

    def findings(*flags: str, status: int = 0) -> list[str]:
        (told,) = objects(run("verify", "b.txt", "--json", *flags, status=status).stdout)
        return [f["code"] for f in told["findings"] if f["code"].startswith("signature")]

    assert findings() == ["signature.integrity-only"]
    assert findings("--trust", "k.pub.pem") == ["signature.trusted"]
    assert findings("--trust", key["fingerprint"]) == ["signature.trusted"]
    text = (tmp_path / "b.txt").read_text()
    (tmp_path / "b.txt").write_text(text.replace('"ProduceID":"12345"', '"ProduceID":"12346"'))
    assert findings("--trust", "k.pub.pem", status=1) == ["signature.invalid"]
    (tmp_path / "k.pem").chmod(0o644)
    assert b"key.permissions" in run("label", "a.png", "--key", "k.pem", status=1).stderr


def test_messages_in_chinese_and_english(samples: Path, tmp_path: Path, run: Run) -> None:
    copied(samples, tmp_path, "png")
    chinese = run("label", "a.png", "-o", "b.png", env={"LANG": "zh_CN.UTF-8", "PYTHONUTF8": "1"}).stdout.decode()
    assert chinese.startswith("已标识")
    assert run("label", "a.png", "-o", "c.png", "--language", "en").stdout.startswith(b"labelled")
    assert run("verify", "a.png", "--language", "zh", status=1).stdout.decode().startswith("未发现标识")
    assert run("verify", "a.png", status=1).stdout.startswith(b"not found")
    data = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.gif").write_bytes(data)
    (tmp_path / "b.jpg").write_bytes(data)
    assert "文件名以 .jpg 结尾" in run("verify", "b.jpg", "--language", "zh").stdout.decode()
    assert "the name ends in .jpg" in run("verify", "b.jpg").stdout.decode()
    run("verify", "a.png", "--language", "zh", status=1, env={"PYTHONIOENCODING": "ascii"})


HOSTILE = [
    b"\x1b[31mred\x1b]0;title\x07\nnew line.png", b"half\xff\xfe.png", b"--help", b"-",
    "很".encode() * 80 + b".png", "😀".encode() * 62 + b".png", b"a" * 251 + b".png", "right\u202eleft.png".encode(),
    b"{0}%s$HOME.png",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:9]))
def test_a_hostile_name_neither_reaches_the_terminal_nor_stops_the_work(
    name: bytes, samples: Path, tmp_path: Path, run: Run
) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    with open(path, "wb") as file:  # noqa: PTH123 - a name of bytes
        file.write((samples / "a.png").read_bytes())
    typed = path if name == b"-" else name
    shown = run("label", "--in-place", "--", typed)
    assert os.fsencode(objects(run("inspect", "--json", "--", typed).stdout)[0]["file"]) == typed
    verified = run("verify", "--", typed)
    for done in (shown, verified, run("log")):
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80\xae", done.stdout + done.stderr)
    assert len(verified.stdout.splitlines()) < 4


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:9]))
def test_a_hostile_name_that_is_not_there_is_told(name: bytes, run: Run) -> None:
    if name == b"-" or b"[" in name:  # standard input, and a pattern
        return
    told = run("verify", "--", name, status=3)
    assert b"file.unreadable" in told.stderr
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80\xae", told.stderr)


def test_inspect_shows_and_records_nothing(samples: Path, tmp_path: Path, run: Run) -> None:
    copied(samples, tmp_path, "png")
    run("label", "a.png", "-o", "b.png")
    (told,) = objects(run("inspect", "b.png", "--json").stdout)
    assert told["details"][0]["ContentProducer"]["subject_code"] == "91310104MACE0YX639"
    assert CODE.encode() in run("inspect", "b.png").stdout
    assert len(objects(run("log", "--json").stdout)) == 1


def test_the_delivery_of_the_library_is_that_of_the_command(samples: Path, tmp_path: Path, run: Run, library: None) -> None:
    delivery = Delivery("Ms Li", "terms 3", "print")
    made = mingwen.label(samples / "a.jpg", explicit=False, delivery=delivery)
    assert made.notice is None
    (entry,) = objects(run("log", "--json").stdout)
    assert entry["delivery"] == asdict(delivery)


def test_a_folder_does_not_stand_for_the_settings_of_programs(samples: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "package.json").write_text('{"name": "x"}')
    copied(samples, tmp_path, "png")
    (told,) = objects(run("verify", ".", "--json", status=1).stdout)
    assert Path(str(told["file"])).suffix == ".png"
    assert objects(run("verify", "package.json", "--json", status=1).stdout)[0]["format"] == "json"
