"""Explicit labels measured in finished files, and previews of them; tesseract reads, everything else is counted in pixels."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import mingwen
from mingwen import Refused, Unavailable, Verdict
from mingwen.domain.explicit import Seen, weighed
from mingwen.domain.media import Medium
from mingwen.domain.notices import Position, Style
from mingwen.notices import _font, _look, of
from mingwen.notices._lettering import label_for


def settle(folder: Path, **settings: object) -> None:
    url = f"sqlite:///{folder}/log.db"
    given = {"gate_recogniser": "tesseract"} | settings
    mingwen.configure(producer="001191310104MACE0YX63918020", store_url=url, **given)


@pytest.fixture(autouse=True)
def _configured(tmp_path: Path) -> Iterator[None]:
    settle(tmp_path)
    yield
    mingwen.configure()


def codes(report: mingwen.Report) -> list[str]:
    return [f.code for f in report.findings if f.code.startswith("explicit.")]


@pytest.mark.parametrize("position", [Position.BOTTOM_RIGHT, Position.TOP_LEFT])
def test_our_own_labels_measure_what_was_drawn(position: Position, media: Path, tmp_path: Path) -> None:
    settle(tmp_path, notice_position=position.value)
    made = mingwen.label(media / "coffee.png")
    assert made.data is not None
    report = mingwen.verify(made.data, name="coffee.png", explicit=True)
    assert report.verdict is Verdict.COMPLIANT
    assert codes(report) == ["explicit.seen"]
    seen = next(f for f in report.findings if f.code == "explicit.seen")
    given = dict(seen.given)
    assert given["words"] == "AI生成"
    assert abs(int(given["height"]) - 20) <= 1
    assert given["where"] == position.value.replace("-", " ")
    assert "像素" in seen.message("zh")


def written(size: tuple[int, int], height: int, at: tuple[int, int]) -> bytes:
    """A label as somebody else writes it: bare letters whose ink is so high."""
    picture = Image.new("RGB", size, (40, 60, 90))
    ImageDraw.Draw(picture).text(at, "AI生成", font=_font.with_ink("AI生成", None, height), fill="white", anchor="ls")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def test_a_label_that_is_too_low_is_told_with_its_height() -> None:
    made = mingwen.label(written((800, 600), 20, (30, 560)), name="a.png", marked="AI生成")
    assert made.data is not None
    report = mingwen.verify(made.data, name="a.png", explicit=True)
    assert report.verdict is Verdict.NON_COMPLIANT
    low = next(f for f in report.findings if f.code == "explicit.low")
    assert dict(low.given)["needed"] == "30"
    assert abs(int(dict(low.given)["height"]) - 20) <= 1


def test_a_label_in_the_middle_stands_at_no_edge() -> None:
    made = mingwen.label(written((800, 600), 40, (330, 320)), name="a.png", marked="AI生成")
    assert made.data is not None
    report = mingwen.verify(made.data, name="a.png", explicit=True)
    assert codes(report) == ["explicit.seen", "explicit.place"]
    assert report.verdict is Verdict.COMPLIANT, "where a label stands is a warning"


def test_a_picture_without_label_is_told_so(media: Path) -> None:
    report = mingwen.verify(media / "chelsea.png", explicit=True)
    assert codes(report) == ["explicit.absent"]


@pytest.mark.parametrize("ink", [10, 17, 33, 64])
def test_ink_is_measured_to_the_pixel(ink: int) -> None:
    picture = np.array(Image.open(io.BytesIO(written((900, 300), ink, (50, 200)))))
    ys, xs = np.nonzero(picture[..., 0] > 120)
    box = (int(xs.min()) - 2, int(ys.min()) - 2, int(xs.max()) + 3, int(ys.max()) + 3)
    assert abs(_look.ink_height(picture, box) - ink) <= 1


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds, of which the label stands from 0.5 to 1.5."""
    out = tmp_path_factory.mktemp("clip") / "late.mp4"
    label = label_for(Style(), 320, 240)
    still = np.full((240, 320, 3), 90, np.float32)
    left, top, right, bottom = label.box
    still[top:bottom, left:right] = label.blend(still[top:bottom, left:right], lambda grey: (255 * grey,) * 3)
    plain = np.full((240, 320, 3), 90, np.uint8)
    frames = [still.astype(np.uint8) if 15 <= n < 45 else plain for n in range(90)]
    command = ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "320x240", "-r", "30", "-i", "-"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", out], input=b"".join(f.tobytes() for f in frames), check=True)
    return out


def test_a_film_is_timed(clip: Path, media: Path) -> None:
    late = mingwen.verify(clip, explicit=True)
    assert codes(late) == ["explicit.seen", "explicit.time", "explicit.short", "explicit.late"]
    made = mingwen.label(media / "bunny.mp4")
    assert made.data is not None
    report = mingwen.verify(made.data, name="bunny.mp4", explicit=True)
    assert codes(report) == ["explicit.seen", "explicit.time"]
    given = dict(next(f for f in report.findings if f.code == "explicit.time").given)
    assert float(given["starts"]) == 0
    assert abs(float(given["seconds"]) - 2) < 0.1


def test_pictures_need_a_recogniser(media: Path, tmp_path: Path) -> None:
    settle(tmp_path, gate_recogniser="none")
    with pytest.raises(Unavailable, match=r"recogniser\.none"):
        mingwen.verify(media / "coffee.png", explicit=True)


def test_texts_are_searched_without_one(media: Path, tmp_path: Path) -> None:
    settle(tmp_path, gate_recogniser="none")
    assert codes(mingwen.verify(media / "document.md", explicit=True)) == ["explicit.absent"]
    labelled = mingwen.label(media / "document.md").data
    assert labelled is not None
    assert codes(mingwen.verify(labelled, name="document.md", explicit=True)) == []


def test_the_rules_of_the_standard_have_their_numbers() -> None:
    for size, needed in (((1024, 1024), 52), ((1280, 720), 36), ((1920, 1080), 54)):
        assert Seen("AI生成", (0, 0, 9, 9), *size, ink_pixels=needed).needed_pixels == needed
    at = Seen("AI生成", (0, 0, 90, 60), 1280, 720, ink_pixels=36, starts=0.0, lasts=1.96)
    assert [f.code for f in weighed([at], Medium.VIDEO)] == ["explicit.seen", "explicit.time"]


def test_previews_show_and_write_nothing_else(media: Path, tmp_path: Path) -> None:
    for name in ("coffee.png", "bunny.mp4", "speech.wav"):
        made = mingwen.preview(media / name)
        assert made.picture is not None
        with Image.open(io.BytesIO(made.picture)) as sheet:
            assert min(sheet.size) > 100
    text = mingwen.preview(media / "document.md")
    assert text.picture is None
    assert [line for line in text.lines if line.startswith("+")] == ["+> AI生成", "+"]
    _, world = mingwen.face.settled()
    assert not list(world.store.entries())
    target = tmp_path / "sheet.png"
    mingwen.preview(media / "coffee.png", target)
    with pytest.raises(mingwen.Misused, match=r"output\.exists"):
        mingwen.preview(media / "coffee.png", target)
    with pytest.raises(Refused, match=r"notice\.no-room"):
        mingwen.preview(written((1, 1), 10, (0, 0)), name="a.png")


def test_the_commands_say_the_same(media: Path, tmp_path: Path) -> None:
    env = {**os.environ, "MINGWEN_STORE_URL": str(tmp_path / "log.db"), "MINGWEN_LANGUAGE": "en"}

    def run(*words: object) -> Any:
        command = [sys.executable, "-m", "mingwen", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    shown = run("preview", media / "rocket.jpg", "-o", "sheet.png", "--position", "top-left", "--json")
    assert shown["preview"] == "sheet.png"
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    run("label", media / "rocket.jpg", "-o", "a.jpg", "--json")
    told = run("verify", "--explicit", "a.jpg", "--json")
    assert "explicit.seen" in [f["code"] for f in told["findings"]]


def test_every_medium_but_text_has_a_sheet() -> None:
    assert [bool(of(m).sheet) for m in (Medium.IMAGE, Medium.VIDEO, Medium.AUDIO, Medium.TEXT)] == [True, True, True, False]
