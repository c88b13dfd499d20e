"""The platform's gate, by library and by command, on real files of several formats."""

import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

import documents
import mingwen
from conftest import Run
from mingwen import Misused, face, wire
from mingwen.domain.labels import FIELDS
from mingwen.domain.tiers import Tier

CODE = "001191310104MACE0YX63928020"
KINDS = ("png", "jpg", "webp", "wav", "mp3", "m4a", "md", "html", "txt", "mp4", "docx", "bmp")
FOREIGN = json.dumps(dict(zip(FIELDS, ("1", "Studio", "x1", "seal", "Studio", "x1", ""), strict=True)))
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@pytest.fixture(scope="session")
def uploads(samples: Path, media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, and a film, a document and a picture without room for a label."""
    folder = tmp_path_factory.mktemp("uploads")
    shutil.copytree(samples, folder, dirs_exist_ok=True)
    film = ("-i", str(media / "bunny.mp4"), "-t", "1", "-vf", "scale=160:90", "-ac", "1", str(folder / "a.mp4"))
    subprocess.run(("ffmpeg", "-v", "error", *film), check=True)
    (folder / "a.docx").write_bytes(documents.ooxml("docx"))
    with Image.open(folder / "a.png") as picture:
        picture.save(folder / "a.bmp")
    return folder


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """A platform's configuration."""
    return environment | {"MINGWEN_PROPAGATOR": CODE}


def told(run: Run, *arguments: str, status: int = 0) -> list[Any]:
    return [json.loads(line) for line in run("gate", *arguments, "--json", status=status).stdout.splitlines()]


def with_parameters(source: Path, out: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512")
    with Image.open(source) as picture:
        picture.save(out, pnginfo=info)


def with_source_type(source: Path, out: Path) -> None:
    shutil.copy(source, out)
    tag = f"-XMP-iptcExt:DigitalSourceType={TRAINED}"
    subprocess.run(("exiftool", "-q", "-overwrite_original", tag, str(out)), check=True)


def with_foreign_label(source: Path, out: Path) -> None:
    command = ("ffmpeg", "-v", "error", "-i", str(source), "-c", "copy", "-metadata", f"AIGC={FOREIGN}")
    subprocess.run((*command, "-movflags", "use_metadata_tags", str(out)), check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_declared_upload_gets_label_2_once(kind: str, uploads: Path, tmp_path: Path, run: Run, library: None) -> None:
    source = uploads / f"a.{kind}"
    before = source.read_bytes()
    ruled = mingwen.gate(source, tmp_path / f"lib.{kind}", name=str(source), declared="ai", propagate_id="7")
    (said,) = told(run, str(source), "-o", f"cli.{kind}", "--declared", "ai", "--propagate-id", "7")
    assert {**said, "output": None} == wire.ruled(ruled, output=None)
    assert list(said) == ["file", "format", "tier", "wording", "reasons", "verdict", "label", "changed", "held", "output"]
    assert (said["tier"], said["changed"], said["held"], said["output"]) == ("2", True, False, f"cli.{kind}")
    assert "may be" in said["wording"]["en"]
    assert "可能" in said["wording"]["zh"]
    assert said["label"] == dict(zip(FIELDS, ("2", "", "", "", CODE, "7", ""), strict=True))
    assert (tmp_path / f"lib.{kind}").read_bytes() == (tmp_path / f"cli.{kind}").read_bytes()
    assert source.read_bytes() == before
    report = mingwen.verify(tmp_path / f"lib.{kind}")
    assert mingwen.require(report).labels[0].label == ruled.label
    again = mingwen.gate(tmp_path / f"lib.{kind}", tmp_path / f"again.{kind}")
    assert (again.ruling.tier, again.changed, again.held) == (Tier.POSSIBLE, False, False)
    assert (tmp_path / f"again.{kind}").read_bytes() == (tmp_path / f"lib.{kind}").read_bytes()
    assert mingwen.verify(tmp_path / f"again.{kind}").labels == report.labels


@pytest.mark.parametrize("kind", ["png", "mp3", "mp4", "docx", "html"])
def test_a_producers_label_gets_the_platforms_part_and_nothing_else(
    kind: str, uploads: Path, tmp_path: Path, library: None
) -> None:
    marked = "AI生成" if kind == "docx" else ""
    first = mingwen.label(uploads / f"a.{kind}", tmp_path / f"one.{kind}", marked=marked)
    ruled = mingwen.gate(tmp_path / f"one.{kind}", tmp_path / f"two.{kind}")
    assert ruled.ruling.tier is Tier.GENERATED
    assert ruled.label
    differing = [n for n in FIELDS if getattr(first.label, n) != getattr(ruled.label, n)]
    assert differing == ["ContentPropagator", "PropagateID"]
    assert ruled.label.ContentPropagator == CODE
    assert mingwen.compare(tmp_path / f"one.{kind}", tmp_path / f"two.{kind}") == ()


def test_a_strangers_label_is_kept_and_numbered(uploads: Path, tmp_path: Path, run: Run) -> None:
    with_foreign_label(uploads / "a.mp4", tmp_path / "foreign.mp4")
    (said,) = told(run, "foreign.mp4", "-o", "out.mp4")
    assert (said["tier"], said["label"]["ContentPropagator"]) == ("1", CODE)
    assert {n: said["label"][n] for n in FIELDS[:4]} == {n: json.loads(FOREIGN)[n] for n in FIELDS[:4]}
    tag = ("ffprobe", "-v", "error", "-show_entries", "format_tags=AIGC", "-of", "default=nw=1:nk=1", str(tmp_path / "out.mp4"))
    assert json.loads(subprocess.run(tag, capture_output=True, check=True).stdout) == said["label"]
    assert b"as it was" in run("compare", "foreign.mp4", "out.mp4").stdout


def test_traces_make_a_suspicion_and_statements_a_certainty(uploads: Path, tmp_path: Path, run: Run) -> None:
    with_parameters(uploads / "a.png", tmp_path / "sd.png")
    with_source_type(uploads / "a.jpg", tmp_path / "iptc.jpg")
    suspected, certain = told(run, "sd.png", "iptc.jpg", "-o", "out/")
    assert (suspected["tier"], suspected["label"]["Label"]) == ("3", "3")
    assert [r["code"] for r in suspected["reasons"]] == ["gate.trace"]
    assert (certain["tier"], certain["label"]["Label"]) == ("1", "1")
    assert [r["code"] for r in certain["reasons"]] == ["gate.statement"]
    assert "suspected" in suspected["wording"]["en"]
    assert TRAINED.encode() in (tmp_path / "out/iptc.jpg").read_bytes()
    declared, denied = (told(run, "sd.png", "--declared", d)[0] for d in ("ai", "not-ai"))
    assert (declared["tier"], denied["tier"]) == ("2", "3")
    assert [r["code"] for r in denied["reasons"]] == ["gate.trace", "gate.contradicted"]


def test_a_label_that_stands_in_a_text_is_suspected(tmp_path: Path, run: Run) -> None:
    (tmp_path / "b.txt").write_text("一段文字。\n")
    run("label", "b.txt", "-o", "c.txt")
    (tmp_path / "a.txt").write_text("".join((tmp_path / "c.txt").read_text().splitlines(keepends=True)[:-1]))
    (said,) = told(run, "a.txt")
    assert (said["tier"], said["reasons"][0]["code"]) == ("3", "gate.explicit")
    chinese = run("gate", "a.txt", "--language", "zh").stdout.decode()
    assert "开头" in chinese


def test_nothing_found_leaves_the_file_as_it_is(uploads: Path, tmp_path: Path, run: Run) -> None:
    for kind in KINDS:
        (said,) = told(run, str(uploads / f"a.{kind}"), "-o", f"out.{kind}")
        assert (said["tier"], said["label"], said["changed"], said["reasons"]) == ("none", None, False, [])
        assert (tmp_path / f"out.{kind}").read_bytes() == (uploads / f"a.{kind}").read_bytes()


def test_a_later_ruling_that_is_more_certain_changes_the_platforms_own_label(uploads: Path, tmp_path: Path, run: Run) -> None:
    with_parameters(uploads / "a.png", tmp_path / "a.png")
    (suspected,) = told(run, "a.png", "-i")
    (declared,) = told(run, "a.png", "-i", "--declared", "ai")
    assert (suspected["label"]["Label"], declared["label"]["Label"]) == ("3", "2")
    assert suspected["label"]["PropagateID"] == declared["label"]["PropagateID"]
    (same,) = told(run, "a.png", "-i")
    assert (same["label"], same["changed"]) == (declared["label"], False)


def test_in_place_and_again_touches_nothing(uploads: Path, tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "in"
    shutil.copytree(uploads, folder)
    told(run, "in", "-i", "--declared", "ai")
    was = {p.name: (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_ino) for p in folder.iterdir()}
    again = told(run, "in", "-i", "--declared", "ai")
    assert len(again) == len(KINDS)
    assert not any(said["changed"] for said in again)
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_ino) for p in folder.iterdir()} == was


def test_another_number_is_another_stamp(uploads: Path, tmp_path: Path, run: Run) -> None:
    numbers = [
        told(run, str(source), "-o", out, "--declared", "ai", *number)[0]["label"]["PropagateID"]
        for source, out, number in (
            (uploads / "a.png", "1.png", ("--propagate-id", "7")),
            ("1.png", "2.png", ()),
            ("1.png", "3.png", ("--propagate-id", "8")),
        )
    ]
    assert numbers == ["7", "7", "8"]
    assert b"one file for one number" in run("gate", str(uploads), "-o", "o/", "--propagate-id", "7", status=2).stderr


def held(said: Any) -> str:
    (reason,) = (r["message"] for r in said["reasons"] if r["code"] == "gate.held")
    assert said["held"]
    assert said["label"] is None
    return str(reason)


def test_what_a_person_has_to_decide_is_held_and_passes_as_it_came(uploads: Path, tmp_path: Path, run: Run) -> None:
    label = f'{{"AIGC":{FOREIGN}}}'
    cases = {
        "two.txt": (f"{label}\nwords\n{label}\n", "2 labels"),
        "half.txt": ('words\n{"AIGC":{"Label":"1","ContentProducer":"P"}}\n', "lacks production fields"),
        "twice.txt": (f'words\n{label.replace("}}", "") + chr(44)}"Label":"2"}}}}\n', "a key twice"),
        "older.txt": ('words\n{"AIGC":{"ServiceProvider":"P","ContentId":"1"}}\n', "lacks production fields"),
    }
    for name, (text, reason) in cases.items():
        (tmp_path / name).write_text(text)
        (said,) = told(run, name, "-o", f"out-{name}", status=1)
        assert reason in held(said)
        assert (tmp_path / f"out-{name}").read_text() == text
        assert "需人工判断" in run("gate", name, "--language", "zh", status=1).stdout.decode()


def test_a_file_that_takes_no_label_is_held(media: Path, tmp_path: Path, run: Run) -> None:
    subprocess.run(("ffmpeg", "-v", "error", "-i", str(media / "speech.wav"), "-t", "1", str(tmp_path / "a.aac")), check=True)
    (said,) = told(run, "a.aac", "--declared", "ai", "-o", "b.aac", status=1)
    assert "expected" in held(said)
    assert (tmp_path / "a.aac").read_bytes() == (tmp_path / "b.aac").read_bytes()
    chinese = run("gate", "a.aac", "--declared", "ai", "-i", "--language", "zh", status=1).stdout.decode()
    assert "此文件无法写入标识" in chinese


def test_what_could_not_be_read_is_undecided_or_held(uploads: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "cut.png").write_bytes((uploads / "a.png").read_bytes()[:-20])
    (said,) = told(run, "cut.png", status=3)
    assert (said["tier"], said["verdict"]) == ("undecided", "inconclusive")
    (said,) = told(run, "cut.png", "--declared", "ai", status=1)
    assert "could not be read" in held(said)
    (tmp_path / "x.bin").write_bytes(b"\0\1\2")
    (said,) = told(run, "x.bin", status=3)
    assert (said["tier"], said["error"]["code"]) == ("undecided", "format.unknown")


def test_a_label_inside_a_bitmap_is_never_doubled(uploads: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.bmp").write_bytes((uploads / "a.bmp").read_bytes() + f'{{"AIGC":{FOREIGN}}}'.encode())
    (said,) = told(run, "a.bmp", "-o", "b.bmp", status=1)
    assert "found one after the pixels" in held(said)
    assert (tmp_path / "b.bmp").read_bytes() == (tmp_path / "a.bmp").read_bytes()
    assert not (tmp_path / "b.bmp.xmp").exists()


def test_a_sidecar_goes_with_its_file(uploads: Path, tmp_path: Path, run: Run) -> None:
    run("label", uploads / "a.bmp", "-o", "one.bmp", "--marked", "AI生成")
    told(run, "one.bmp", "-o", "two.bmp", "--propagate-id", "7")
    told(run, "two.bmp", "-o", "three.bmp")
    assert (tmp_path / "three.bmp.xmp").read_bytes() == (tmp_path / "two.bmp.xmp").read_bytes()
    assert b"AIGC" in (tmp_path / "three.bmp.xmp").read_bytes()
    (tmp_path / "three.bmp.xmp").write_bytes((tmp_path / "two.bmp.xmp").read_bytes()[:-30])
    assert run("verify", "three.bmp", status=3).stdout.startswith(b"inconclusive")
    assert told(run, "three.bmp", status=3)[0]["tier"] == "undecided"


def test_xmp_of_somebodys_own_stays_where_it_is(uploads: Path, tmp_path: Path, run: Run) -> None:
    shutil.copy(uploads / "a.jpg", tmp_path)
    (tmp_path / "a.jpg.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    assert run("gate", "a.jpg", "-o", "-").stdout == (uploads / "a.jpg").read_bytes()
    run("gate", "a.jpg", "-o", "b.jpg")
    assert not (tmp_path / "b.jpg.xmp").exists()


def test_a_change_of_the_producers_part_is_reported(uploads: Path, tmp_path: Path, run: Run) -> None:
    run("label", uploads / "a.txt", "-o", "a.txt")
    text = (tmp_path / "a.txt").read_text()
    (tmp_path / "b.txt").write_text(text.replace('"Label":"1"', '"Label":"2"'))
    (tmp_path / "c.txt").write_text(text.splitlines()[0])
    for after, code in (("b.txt", "producer.changed"), ("c.txt", "producer.removed")):
        said = json.loads(run("compare", "a.txt", after, "--json", status=1).stdout)
        assert [f["code"] for f in said["findings"]] == [code]
        assert said["changed"]
        assert "《标识办法》第10条" in run("compare", "a.txt", after, "--language", "zh", status=1).stdout.decode()
    assert json.loads(run("compare", "a.txt", "a.txt", "--json").stdout)["findings"] == []


def anonymous(said: Any) -> Any:
    return {**said, "label": said["label"] and {**said["label"], "PropagateID": ""}}


def test_threads_and_processes_rule_alike(uploads: Path, tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "in"
    for n in range(5):
        shutil.copytree(uploads, folder / str(n))
    with_parameters(uploads / "a.png", folder / "sd.png")
    (folder / "cut.png").write_bytes((uploads / "a.png").read_bytes()[:-20])
    one, two = ([anonymous(s) for s in told(run, "in", "-j", jobs, status=3)] for jobs in ("1", "2"))
    assert one == two
    assert len(one) == 5 * len(KINDS) + 2
    a, b = ([anonymous(s) for s in told(run, "in", "-j", jobs, "--declared", "ai", "-o", f"o{jobs}/", status=1)] for jobs in "12")
    assert [{**s, "output": ""} for s in a] == [{**s, "output": ""} for s in b]
    outputs = [sorted(p.name for p in (tmp_path / o / "0").iterdir()) for o in ("o1", "o2")]
    assert outputs == [sorted(f"a.{k}" for k in (*KINDS, "bmp.xmp"))] * 2


def test_each_ruling_is_in_the_log(uploads: Path, tmp_path: Path, run: Run) -> None:
    told(run, str(uploads / "a.png"), "--declared", "ai")
    told(run, str(uploads / "a.png"), "--declared", "ai", "-o", "a.png", "--propagate-id", "7")
    told(run, "a.png")
    newest, *_ = logged = [json.loads(line) for line in run("log", "--json").stdout.splitlines()]
    assert [(e["kind"], e["subject"]) for e in logged] == [
        ("gate.ruled", "7"),
        ("gate.ruled", "7"),
        ("label.propagated", "7"),
        ("gate.ruled", str(uploads / "a.png")),
    ]
    assert (newest["by"], newest["tier"], newest["declared"], newest["changed"]) == (CODE, "2", None, False)
    assert logged[1]["reasons"] == ["gate.declared at declaration"]


def test_rulings_are_kept_by_the_server_too(uploads: Path, tmp_path: Path, run: Run, postgresql: str) -> None:
    run("gate", str(uploads / "a.png"), "--declared", "ai", "-o", "a.png", "--propagate-id", "pg-7", "--store", postgresql)
    log = run("log", "--json", "--store", postgresql, "--subject", "pg-7").stdout
    assert [json.loads(line)["kind"] for line in log.splitlines()] == ["gate.ruled", "label.propagated"]


def test_everything_is_said_in_chinese(uploads: Path, tmp_path: Path, run: Run) -> None:
    with_parameters(uploads / "a.png", tmp_path / "sd.png")
    with_source_type(uploads / "a.jpg", tmp_path / "iptc.jpg")
    out = run("gate", "sd.png", "iptc.jpg", "--declared", "not-ai", "--language", "zh").stdout.decode()
    assert out.startswith("疑似生成合成内容 sd.png (png): 内容疑似AI生成\n")
    for words in ("《标识办法》第6条第（3）项", "Stable Diffusion 界面写入的生成参数", "用户声明为非生成内容", "共 2 个文件"):
        assert words in out
    for words in ("Measures", "trace", "states", "user", "content of"):
        assert words not in out.replace("gate.trace", "").replace("gate.statement", "")


def test_streams_pass_the_gate(uploads: Path, tmp_path: Path, run: Run, library: None) -> None:
    data = (uploads / "a.png").read_bytes()
    sink = io.BytesIO()
    ruled = mingwen.gate(data, sink, name="a.png", declared="ai", propagate_id="7")
    piped = run("gate", "-", "-o", "-", "--declared", "ai", "--propagate-id", "7", input=data).stdout
    assert (ruled.changed, piped) == (True, sink.getvalue())
    assert face.judge(piped).ruling.tier is Tier.POSSIBLE


def test_the_gate_refuses_what_contradicts_itself(uploads: Path, tmp_path: Path, run: Run, library: None) -> None:
    source = str(uploads / "a.png")
    assert b"not both" in run("gate", source, "-i", "-o", "x", status=2).stderr
    run("gate", source, "-o", "x.png", "--declared", "ai")
    assert b"output.exists" in run("gate", source, "-o", "x.png", "--declared", "ai", status=2).stderr
    run("gate", source, "-o", "x.png", "--declared", "ai", "--overwrite")
    with pytest.raises(Misused, match='expected "ai" or "not-ai"'):
        mingwen.gate(source, declared="maybe")


def test_a_place_that_is_chosen_is_where_the_label_goes(tmp_path: Path, run: Run) -> None:
    page = "<!doctype html><html><head><title>t</title></head><body><p>words</p></body></html>\n"
    (tmp_path / "a.html").write_text(page)
    (tmp_path / "a.txt").write_text("words\n")
    (tmp_path / "a.epub").write_bytes(documents.epub())
    places = {"MINGWEN_PLACES": "html=aigc-metadata,text=sidecar,epub=property"}
    for name in ("a.html", "a.txt", "a.epub"):
        marked = ("--marked", "AI生成") if name == "a.epub" else ()
        run("label", name, "-o", f"one-{name}", *marked, env=places)
        assert run("verify", f"one-{name}", env=places).stdout.startswith(b"compliant")
        (said,) = [
            json.loads(line) for line in run("gate", f"one-{name}", "-o", f"two-{name}", "--json", env=places).stdout.splitlines()
        ]
        assert (said["tier"], said["changed"]) == ("1", True)
        (again,) = [
            json.loads(line)
            for line in run("gate", f"two-{name}", "-o", f"three-{name}", "--json", env=places).stdout.splitlines()
        ]
        assert (again["changed"], again["verdict"]) == (False, "compliant")
    assert b'<meta name="aigc-metadata"' in (tmp_path / "two-a.html").read_bytes()
    assert b"ContentProducer" not in (tmp_path / "two-a.txt").read_bytes()
    assert b"ContentProducer" in (tmp_path / "three-a.txt.xmp").read_bytes()
    moved = run("label", "--propagate", "two-a.html", "-o", "default.html").stdout
    assert b"meta AIGC" in moved
    assert (tmp_path / "default.html").read_bytes().count(b"<meta name=") == 1


def test_a_label_inside_stays_inside_where_the_sidecar_was_chosen(tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.txt").write_text(f'words\n{{"AIGC":{FOREIGN}}}\n')
    run("gate", "a.txt", "-o", "b.txt", env={"MINGWEN_PLACES": "text=sidecar"})
    assert (tmp_path / "b.txt").read_text().count("ContentProducer") == 1
    assert not (tmp_path / "b.txt.xmp").exists()
    assert run("verify", "b.txt").stdout.startswith(b"compliant")


@pytest.mark.parametrize(
    ("places", "said"),
    [("html=nowhere", b"among aigc-metadata, sidecar, got 'nowhere'"), ("page=sidecar", b"got 'page'"), ("html", b"got ''")],
)
def test_a_place_that_is_none_is_misuse(places: str, said: bytes, tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.txt").write_text("words\n")
    told_error = run("gate", "a.txt", env={"MINGWEN_PLACES": places}, status=2).stderr
    assert b"places.unknown" in told_error
    assert said in told_error
