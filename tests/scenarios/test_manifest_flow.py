"""One command for several laws: label with a manifest, verify by name what is wrong, pass the gate, and ask what is met."""

import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import c2pa
import pytest
from PIL import Image

import documents
from conftest import Run
from mingwen.domain.labels import FIELDS

ALL = ("--regime", "cn,eu,us-ca")
EMBEDDED = ("png", "jpg", "mp4")
BESIDE = ("docx", "mkv", "bmp")
KINDS = (*EMBEDDED, *BESIDE)
SELF_DRAWN = {"png", "jpg", "mp4"}
REMOTE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="http://127.0.0.1:9/a.c2pa"/></rdf:RDF></x:xmpmeta>'
)
MIMES = {"png": "image/png", "jpg": "image/jpeg", "mp4": "video/mp4"}


@pytest.fixture(scope="session")
def files(samples: Path, media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for kind in ("png", "jpg", "txt"):
        shutil.copy(samples / f"a.{kind}", folder)
    film = ("-i", str(media / "bunny.mp4"), "-t", "1", "-vf", "scale=160:90", "-ac", "1", str(folder / "a.mp4"))
    subprocess.run(("ffmpeg", "-v", "error", *film), check=True)
    subprocess.run(("ffmpeg", "-v", "error", "-i", str(folder / "a.mp4"), "-c", "copy", str(folder / "a.mkv")), check=True)
    (folder / "a.docx").write_bytes(documents.ooxml("docx"))
    with Image.open(folder / "a.png") as picture:
        picture.save(folder / "a.bmp")
    return folder


@pytest.fixture
def signing(tmp_path: Path, environment: dict[str, str], run: Run) -> dict[str, str]:
    """Give a test chain and the name of the generating system to every run that follows; return the environment."""
    run("key", "new", "--c2pa", "-o", "t")
    environment |= {
        "MINGWEN_MANIFEST_KEY": str(tmp_path / "t.key.pem"),
        "MINGWEN_MANIFEST_CHAIN": str(tmp_path / "t.chain.pem"),
        "MINGWEN_MANIFEST_AGENT": "Painter/1.2",
    }
    return environment


def labelled(run: Run, files: Path, kind: str, out: str = "") -> Any:
    marked = () if kind in SELF_DRAWN else ("--marked", "AI生成")
    return json.loads(run("label", files / f"a.{kind}", "-o", out or f"one.{kind}", *marked, *ALL, "--json").stdout)


def verified(run: Run, name: str, *, status: int | None = 0, **env: str) -> Any:
    return json.loads(run("verify", name, "--json", status=status, env=env).stdout)


def found(report: Any) -> list[str]:
    return [f["code"] for f in report["findings"] if f["code"].startswith("manifest.")]


def manifests(path: Path, kind: str) -> Any:
    """What the C2PA's own library reads."""
    beside = Path(f"{path}.c2pa")
    data = beside.read_bytes() if kind in BESIDE else None
    with c2pa.Reader(MIMES.get(kind, "application/octet-stream"), io.BytesIO(path.read_bytes()), data) as reader:
        return json.loads(reader.json())


@pytest.mark.parametrize("kind", KINDS)
def test_one_command_satisfies_several_laws(kind: str, files: Path, tmp_path: Path, run: Run, signing: dict[str, str]) -> None:
    made = labelled(run, files, kind)
    assert made["manifest"]
    assert made["beside"] == {"bmp": [".c2pa", ".xmp"]}.get(kind, [".c2pa"] if kind in BESIDE else [])
    assert {f"{d['regime']} {d['duty']['en']}" for d in made["open"]} == {
        "eu metadata that are signed and time-stamped",
        "eu an imperceptible watermark",
        *(() if kind == "docx" else ("us-ca permanent, or hard to remove",)),
    }
    said = manifests(tmp_path / f"one.{kind}", kind)
    active = said["manifests"][said["active_manifest"]]
    assert said["validation_state"] == "Valid"
    aigc = next(a["data"] for a in active["assertions"] if a["label"] == "cn.org.tc260.aigc")
    assert (list(aigc), aigc) == (list(FIELDS), made["label"])
    report = verified(run, f"one.{kind}")
    assert (report["verdict"], found(report)) == ("compliant", ["manifest.valid", "manifest.unknown-signer"])
    trusted = verified(run, f"one.{kind}", MINGWEN_MANIFEST_TRUST=str(tmp_path / "t.root.pem"))
    assert found(trusted) == ["manifest.valid", "manifest.trusted"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_platform_signs_anew_with_the_old_manifest_as_ingredient(
    kind: str, files: Path, tmp_path: Path, run: Run, signing: dict[str, str]
) -> None:
    made = labelled(run, files, kind)
    platform = ("--propagator", "PLATFORM", "--json")
    agent = {"MINGWEN_MANIFEST_AGENT": "Feed/7"}
    said = json.loads(run("gate", f"one.{kind}", "-o", f"two.{kind}", *platform, env=agent).stdout)
    assert (said["tier"], said["changed"], said["held"]) == ("1", True, False)
    report = verified(run, f"two.{kind}")
    assert (report["verdict"], found(report)) == ("compliant", ["manifest.valid", "manifest.unknown-signer"])
    old, new = (manifests(tmp_path / f"{n}.{kind}", kind) for n in ("one", "two"))
    active = new["manifests"][new["active_manifest"]]
    (parent,) = active["ingredients"]
    assert (parent["relationship"], parent["active_manifest"]) == ("parentOf", old["active_manifest"])
    assert old["active_manifest"] in new["manifests"]
    assert not [s for s in parent["validation_results"]["activeManifest"]["failure"] if "untrusted" not in s["code"]]
    aigc = next(a["data"] for a in active["assertions"] if a["label"] == "cn.org.tc260.aigc")
    assert {n for n in FIELDS if aigc[n] != made["label"][n]} == {"ContentPropagator", "PropagateID"}
    if kind != "docx":  # the generating system is the producer's, whoever signed last
        duties = {d["duty"]["en"]: d for d in asked(run, f"two.{kind}", "us-ca")}
        assert duties["the name and version of the system"]["why"]["en"] == "it names Painter 1.2"
    again = json.loads(run("gate", f"two.{kind}", "-o", f"three.{kind}", *platform).stdout)
    assert not again["changed"]
    for suffix in ("", ".c2pa", ".xmp"):
        two, three = (Path(f"{tmp_path / n}.{kind}{suffix}") for n in ("two", "three"))
        assert two.exists() == three.exists()
        assert not two.exists() or two.read_bytes() == three.read_bytes()
    third = json.loads(run("gate", f"two.{kind}", "-i", "--propagator", "THIRD", "--json").stdout)
    assert third["changed"]
    assert len(manifests(tmp_path / f"two.{kind}", kind)["manifests"]) == 3


def asked(run: Run, name: str, regimes: str, *, status: int | None = None) -> list[Any]:
    duties: list[Any] = json.loads(run("duties", name, "--regime", regimes, "--json", status=status).stdout)["duties"]
    return duties


def swapped(path: Path, old: bytes, new: bytes, out: Path, *, last: bool = False) -> None:
    data = path.read_bytes()
    at = data.rfind(old) if last else data.find(old)
    assert at >= 0
    out.write_bytes(data[:at] + new + data[at + len(old) :])


def test_what_changed_is_named(files: Path, tmp_path: Path, run: Run, signing: dict[str, str]) -> None:
    number = labelled(run, files, "bmp", "one.bmp")["label"]["ProduceID"].encode()
    other = b"f" * len(number)
    whole = (tmp_path / "one.bmp").read_bytes()
    sidecar, manifest = ((tmp_path / f"one.bmp{s}").read_bytes() for s in (".xmp", ".c2pa"))
    cases = {
        "pixel": (whole[:-9] + b"\0" * 9, sidecar, manifest, ["manifest.tampered-content"]),
        "label": (
            whole,
            sidecar.replace(number, other),
            manifest,
            ["manifest.valid", "manifest.unknown-signer", "manifest.label-differs"],
        ),
        "claim": (whole, sidecar, manifest.replace(number, other), ["manifest.tampered-label", "manifest.label-differs"]),
        "broken": (whole, sidecar, manifest[:400], ["manifest.unreadable"]),
    }
    for name, (picture, xmp, claim, codes) in cases.items():
        (tmp_path / f"{name}.bmp").write_bytes(picture)
        (tmp_path / f"{name}.bmp.xmp").write_bytes(xmp)
        (tmp_path / f"{name}.bmp.c2pa").write_bytes(claim)
        report = verified(run, f"{name}.bmp", status=None)
        assert found(report) == codes, name
        assert report["verdict"] == ("compliant" if name == "broken" else "non-compliant"), name


def test_what_changed_in_a_picture_is_named(files: Path, tmp_path: Path, run: Run, signing: dict[str, str]) -> None:
    number = labelled(run, files, "jpg")["label"]["ProduceID"].encode()
    one = tmp_path / "one.jpg"
    data = one.read_bytes()
    (tmp_path / "pixel.jpg").write_bytes(data[:-40] + bytes([data[-40] ^ 1]) + data[-39:])
    swapped(one, number, b"e" * len(number), tmp_path / "claim.jpg")  # the manifest stands before XMP
    swapped(one, number, b"e" * len(number), tmp_path / "label.jpg", last=True)
    told = {name: found(verified(run, f"{name}.jpg", status=1)) for name in ("pixel", "label", "claim")}
    assert told["pixel"] == ["manifest.tampered-content"]
    assert told["label"] == ["manifest.tampered-content", "manifest.label-differs"]
    assert told["claim"][0] == "manifest.tampered-label"
    statuses = [f["message"] for f in verified(run, "pixel.jpg", status=1)["findings"]]
    assert any("assertion.dataHash.mismatch" in s for s in statuses)


def test_a_changed_file_is_held_instead_of_vouched_for(files: Path, tmp_path: Path, run: Run, signing: dict[str, str]) -> None:
    labelled(run, files, "jpg")
    data = (tmp_path / "one.jpg").read_bytes()
    (tmp_path / "pixel.jpg").write_bytes(data[:-40] + bytes([data[-40] ^ 1]) + data[-39:])
    said = json.loads(run("gate", "pixel.jpg", "-o", "out.jpg", "--propagator", "P", "--json", status=1).stdout)
    assert (said["tier"], said["held"], said["label"]) == ("1", True, None)
    assert "would hide" in said["reasons"][-1]["message"]
    assert (tmp_path / "out.jpg").read_bytes() == (tmp_path / "pixel.jpg").read_bytes()
    refused = run("label", "--propagate", "pixel.jpg", "--propagator", "P", status=1).stderr
    assert b"manifest.stands" in refused
    assert "新清单会掩盖" in run("gate", "pixel.jpg", "--propagator", "P", "--language", "zh", status=1).stdout.decode()
    run("label", files / "a.bmp", "-o", "b.bmp", "--marked", "AI生成", *ALL)
    xmp = tmp_path / "b.bmp.xmp"
    xmp.write_bytes(xmp.read_bytes().replace(b"&quot;1&quot;", b"&quot;2&quot;").replace(b'Label":"1"', b'Label":"2"'))
    said = json.loads(run("gate", "b.bmp", "--propagator", "P", "--json", status=1).stdout)
    assert said["held"]


def test_without_a_key_a_signed_file_is_held_and_label_refuses(
    files: Path, tmp_path: Path, run: Run, signing: dict[str, str]
) -> None:
    labelled(run, files, "png")
    labelled(run, files, "docx")
    for name in ("MINGWEN_MANIFEST_KEY", "MINGWEN_MANIFEST_CHAIN"):
        del signing[name]
    for kind in ("png", "docx"):
        said = json.loads(run("gate", f"one.{kind}", "-o", f"out.{kind}", "--propagator", "P", "--json", status=1).stdout)
        assert said["held"]
        assert "manifest.key" in said["reasons"][-1]["message"]
        assert (tmp_path / f"out.{kind}").read_bytes() == (tmp_path / f"one.{kind}").read_bytes()
        assert found(verified(run, f"out.{kind}")) == ["manifest.valid", "manifest.unknown-signer"]
    assert (
        "需配置签名密钥"
        in run("gate", "one.png", "-o", "z.png", "--propagator", "P", "--language", "zh", status=1).stdout.decode()
    )
    for asked_for in (("--manifest",), ALL):
        refused = run("label", files / "a.png", "-o", "no.png", *asked_for, status=2).stderr
        assert b"manifest.key" in refused
        assert b"key new --c2pa" in refused
        assert not (tmp_path / "no.png").exists()
    refused = run("label", "--propagate", "one.png", "-o", "no.png", "--propagator", "P", status=2).stderr
    assert b"manifest.key" in refused


def test_a_manifest_says_no_more_than_is_known(files: Path, tmp_path: Path, run: Run, signing: dict[str, str]) -> None:
    assert b"manifest.claim" in run("label", files / "a.png", "--manifest", "--claim", "2", status=1).stderr
    assert b"regime.unknown" in run("label", files / "a.png", "--regime", "mars", status=2).stderr


def test_a_manifest_elsewhere_is_told_and_not_left_behind(files: Path, tmp_path: Path, run: Run, signing: dict[str, str]) -> None:
    with Image.open(files / "a.jpg") as picture:
        picture.save(tmp_path / "a.jpg", xmp=REMOTE)
    assert found(verified(run, "a.jpg", status=1)) == ["manifest.remote"]
    said = json.loads(run("gate", "a.jpg", "--declared", "ai", "--json", status=1).stdout)
    assert "127.0.0.1" in said["reasons"][-1]["message"]
    assert said["held"]


def test_duties_before_and_after(files: Path, tmp_path: Path, run: Run, signing: dict[str, str]) -> None:
    before = asked(run, str(files / "a.png"), "cn,eu,us-ca", status=1)
    labelled(run, files, "png")
    after = asked(run, "one.png", "cn,eu,us-ca", status=1)
    assert [d["article"] for d in before] == [d["article"] for d in after]
    assert not [d for d in before if d["answer"] == "met"]
    assert {d["duty"]["en"]: d["answer"] for d in after if d["answer"] != "met"} == {
        "a label that people perceive": "unknown",
        "metadata that are signed and time-stamped": "not-met",
        "an imperceptible watermark": "unknown",
        "disclosure to people, of deep fakes and texts of public interest": "unknown",
        "permanent, or hard to remove": "unknown",
    }
    chinese = run("duties", "one.png", "--regime", "cn,eu,us-ca", "--language", "zh", status=1).stdout.decode()
    for words in ("《标识办法》第4条", "欧盟《人工智能法》第50条第2款", "已满足", "未知", "清单已签名，但没有时间戳"):
        assert words in chinese
    assert "Art." not in chinese
    assert (
        run("duties", "one.png", "--regime", "cn", env={"MINGWEN_GATE_RECOGNISER": "tesseract"}, status=0).stdout.count(
            b"    met"
        )
        == 6
    )


def test_a_text_is_labelled_for_all_laws_beside(files: Path, tmp_path: Path, run: Run, signing: dict[str, str]) -> None:
    made = json.loads(run("label", files / "a.txt", "-o", "a.txt", *ALL, "--json").stdout)
    assert made["beside"] == [".c2pa"]
    answers = {d["duty"]["en"]: d["answer"] for d in asked(run, "a.txt", "cn")}
    assert set(answers.values()) == {"met"}
    (tmp_path / "a.txt").write_text((tmp_path / "a.txt").read_text().replace("第二行", "第三行"))
    assert found(verified(run, "a.txt", status=1)) == ["manifest.tampered-content"]
