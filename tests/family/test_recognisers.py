"""Words on pictures, with the real engine: our own labels are read, and nothing is read where nothing stands."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import mingwen
from conftest import Run
from mingwen.adapters.recognisers.tesseract import LONGEST_SIDE, Tesseract
from mingwen.domain.errors import Unavailable
from mingwen.domain.media import Medium
from mingwen.domain.notices import has_elements

PICTURES = ("coffee.png", "chelsea.png", "rocket.jpg")


@pytest.fixture(scope="module")
def engine() -> Tesseract:
    return Tesseract()


def labels(engine: Tesseract, data: bytes, medium: Medium = Medium.IMAGE) -> list[str]:
    lines = engine.words(io.BytesIO(data), medium)
    assert lines is not None
    return [line for line in lines if has_elements(line)]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("wording", ["AI生成", "人工智能合成", "AI-generated"])
def test_a_label_on_a_photograph_is_read(
    name: str, wording: str, media: Path, tmp_path: Path, engine: Tesseract, library: None
) -> None:
    mingwen.configure(notice_wording=wording, store_url=str(tmp_path / "s.db"))
    made = mingwen.label(media / name)
    assert made.data
    assert labels(engine, made.data)


@pytest.mark.parametrize("position", ["top-left", "bottom-right"])
def test_a_label_in_any_corner_and_kind_of_picture_is_read(
    position: str, media: Path, tmp_path: Path, engine: Tesseract, library: None
) -> None:
    mingwen.configure(notice_position=position, store_url=str(tmp_path / "s.db"))
    made = mingwen.label(media / "coffee.png", name="coffee.png")
    with Image.open(io.BytesIO(made.data or b"")) as picture:
        for kind, mode in (("WEBP", "RGB"), ("GIF", "P"), ("TIFF", "L"), ("PNG", "RGBA"), ("BMP", "RGB")):
            out = io.BytesIO()
            picture.convert(mode).save(out, kind)
            assert labels(engine, out.getvalue()), kind


@pytest.mark.parametrize("name", PICTURES)
def test_a_photograph_bears_none(name: str, media: Path, engine: Tesseract) -> None:
    assert labels(engine, (media / name).read_bytes()) == []


def test_a_film_is_read_by_its_first_picture(media: Path, tmp_path: Path, engine: Tesseract, library: None) -> None:
    clip = tmp_path / "a.mp4"
    subprocess.run(("ffmpeg", "-v", "error", "-i", str(media / "bunny.mp4"), "-t", "1", str(clip)), check=True)
    assert labels(engine, clip.read_bytes(), Medium.VIDEO) == []
    mingwen.label(clip, tmp_path / "b.mp4")
    assert labels(engine, (tmp_path / "b.mp4").read_bytes(), Medium.VIDEO)


@pytest.mark.parametrize(
    "data", [b"", b"garbage", b"\x89PNG\r\n\x1a\n" + bytes(40), b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
@pytest.mark.parametrize("medium", [Medium.IMAGE, Medium.VIDEO])
def test_what_cannot_be_seen_is_not_called_empty(data: bytes, medium: Medium, engine: Tesseract) -> None:
    assert engine.words(io.BytesIO(data), medium) is None


def test_a_picture_that_is_cut_off_is_not_called_empty(media: Path, engine: Tesseract) -> None:
    assert engine.words(io.BytesIO((media / "coffee.png").read_bytes()[:9000]), Medium.IMAGE) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (2 * LONGEST_SIDE, 2)])
def test_a_sliver_has_no_words(size: tuple[int, int], engine: Tesseract) -> None:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, "PNG")
    assert engine.words(io.BytesIO(out.getvalue()), Medium.IMAGE) == ()


def test_a_picture_beyond_the_bound_is_not_decoded(tmp_path: Path) -> None:
    """Neither by Pillow nor by FFmpeg, which decodes a picture only to see what it is: in a process of its own, for the peak."""
    path = tmp_path / "large.png"
    Image.new("RGB", (9000, 9000)).save(path, compress_level=1)
    program = (
        "import sys; from mingwen.adapters.recognisers import tesseract as t; from mingwen.domain.media import Medium;"
        "source = open(sys.argv[1], 'rb'); print(t.Tesseract().words(source, Medium.IMAGE), t._frame(source));"
        "print(*[line for line in open('/proc/self/status') if line.startswith('VmHWM')])"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    still, frame, _, peak_kib, _ = done.stdout.split()
    assert (still, frame) == ("None", "None")
    assert int(peak_kib) < 160 << 10  # decoded it has 232 MiB


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A folder with a tesseract that lists its languages and then fails."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "tesseract"
    program.write_text('#!/bin/sh\n[ "$1" = --list-langs ] && printf "chi_sim\\neng\\n" || exit 3\n')
    program.chmod(0o755)
    return folder


def test_an_engine_that_fails_has_seen_nothing(broken: Path, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{broken}{os.pathsep}/bin:/usr/bin")
    failing = Tesseract()
    with (media / "coffee.png").open("rb") as picture:
        assert failing.words(picture, Medium.IMAGE) is None
        (broken / "tesseract").unlink()
        monkeypatch.setenv("PATH", str(broken))
        with pytest.raises(Unavailable, match="program tesseract"):
            failing.words(picture, Medium.IMAGE)


def test_a_language_that_is_missing_is_named(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (broken / "tesseract").write_text("#!/bin/sh\necho eng\n")
    monkeypatch.setenv("PATH", f"{broken}{os.pathsep}/bin:/usr/bin")
    with pytest.raises(Unavailable, match="with chi_sim, found none"):
        Tesseract()


def test_a_missing_program_is_told_with_what_to_do(media: Path, run: Run, tmp_path: Path) -> None:
    told = run("gate", media / "coffee.png", "--recogniser", "tesseract", env={"PATH": str(tmp_path)}, status=4).stderr
    assert b"recogniser.missing" in told
    assert b"apt install tesseract-ocr" in told


def test_the_gate_suspects_a_label_that_only_stands_in_the_picture(media: Path, tmp_path: Path, run: Run) -> None:
    run("label", media / "rocket.jpg", "-o", "a.jpg")
    with Image.open(tmp_path / "a.jpg") as picture:
        picture.save(tmp_path / "screenshot.png")
    assert run("gate", "screenshot.png").stdout.startswith(b"nothing found")
    told = run("gate", "screenshot.png", "--recogniser", "tesseract", "--declared", "not-ai").stdout
    assert told.startswith(b"suspected")
    assert b"gate.explicit [Measures Art. 6(3)] image" in told
    assert b"gate.contradicted" in told
    (tmp_path / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>AI</text></svg>')
    unseen = run("gate", "a.svg", "--recogniser", "tesseract", "--language", "zh", status=3).stdout.decode()
    assert unseen.startswith("无法判定")
    assert "无法解码" in unseen
