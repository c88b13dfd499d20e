"""Explicit labels once wrong, each with the input that showed it."""

import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mingwen.domain.errors import Malformed
from mingwen.domain.explicit import Words
from mingwen.domain.notices import Moment, Style, TextForm
from mingwen.notices import _look, image, text, video

HEIGHT, WIDTH = 400, 600


def marked(data: bytes, name: str) -> Image.Image:
    sink = BytesIO()
    image.mark(BytesIO(data), sink, name, Style())
    return Image.open(sink)


def test_an_arithmetic_jpeg_of_more_than_one_block_of_the_reader(media: Path) -> None:
    picture = Image.open(media / "coffee.png").convert("RGB")
    ppm = b"P6\n%d %d\n255\n" % picture.size + picture.tobytes()
    data = subprocess.run(["cjpeg", "-arithmetic", "-quality", "90"], input=ppm, capture_output=True, check=True).stdout
    assert len(data) > 2**16
    assert marked(data, "jpeg").size == picture.size


@pytest.mark.parametrize("level", [300, 9_000])
def test_dark_greys_of_16_bits_are_not_taken_for_white(level: int) -> None:
    out = BytesIO()
    Image.fromarray(np.full((HEIGHT, WIDTH), level, np.uint16)).save(out, "PNG")
    made = marked(out.getvalue(), "png")
    drawn = np.asarray(made)[np.asarray(made) != level]
    assert np.median(drawn) < 2**14  # a dark plate with light letters, not a light one
    assert drawn.max() > 2**15


def test_16_bits_are_looked_at_as_they_are_shown() -> None:
    out = BytesIO()
    Image.fromarray(np.full((4, 4), 128 << 8, np.uint16)).save(out, "PNG")
    assert np.unique(_look.upright(out)).tolist() == [128]


def test_specks_around_a_label_are_no_part_of_its_letters() -> None:
    picture = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)
    box = (400, 350, 460, 380)
    for left in (410, 430, 445):
        picture[358:370, left : left + 10] = 240
    picture[347:349, 432] = picture[381:383, 435] = picture[340:, 396] = 240  # above, below, beside
    words = Words("AI生成", box)
    (seen,) = _look.labels_on(picture, lambda *_: (words,))
    assert seen.ink_pixels == 12


@pytest.mark.parametrize("form", list(TextForm))
def test_the_metadata_label_behind_a_text_does_not_move_its_end(form: TextForm) -> None:
    sink = BytesIO()
    text.mark(BytesIO(b"One.\nTwo.\n"), sink, "text", Style(text_form=form, moments=(Moment.END,)))
    written = sink.getvalue().rstrip(b"\n") + b'\n{"AIGC":{"Label":"1"}}\n'
    assert text.found(written.decode()) == (Moment.END,)


def test_a_film_that_is_coded_anew_as_a_whole_says_why(tmp_path: Path) -> None:
    film = tmp_path / "open.mp4"
    size = "testsrc=size=320x240:rate=25:duration=6"
    opened = ["-c:v", "libx264", "-x264opts", "open-gop=1:keyint=25:scenecut=0"]
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", size, *opened, film], check=True)
    with film.open("rb") as source:
        note = video.mark(source, BytesIO(), "mp4", Style())
    assert note.endswith("re-encoded 150 of 150 pictures: none can be entered apart from the label")


@pytest.mark.parametrize("data", [b"\xff\x0a" + bytes(40), b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_cannot_be_looked_at_is_named(data: bytes) -> None:
    with pytest.raises(Malformed, match=r"JPEG XL and SVG cannot") as caught:
        _look.upright(BytesIO(data))
    assert "Errno" not in caught.value.message


def test_a_plate_on_a_light_page_is_not_measured_as_ink() -> None:
    picture = np.full((HEIGHT, WIDTH, 3), 250, np.uint8)
    picture[350:380, 400:470] = 20
    for left in (410, 430, 450):
        picture[358:370, left : left + 10] = 255
    words = Words("AI生成", (402, 351, 468, 379))
    (seen,) = _look.labels_on(picture, lambda *_: (words,))
    assert seen.ink_pixels == 12
