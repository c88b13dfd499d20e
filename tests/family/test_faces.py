"""Labels stay off faces: OpenCV finds them in a real portrait, and the label goes to another corner."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from mingwen import notices, wiring
from mingwen.adapters.faces.opencv import OpenCvFaces
from mingwen.domain.errors import Misused, Unavailable
from mingwen.domain.media import Medium
from mingwen.domain.notices import Box, Position, Style
from mingwen.notices._faces import LONGEST_SIDE, alternatives
from mingwen.notices._lettering import Turn, label_for

FACE = (178, 69, 270, 161)
"""Of the astronaut, as one sees it: left, top, right, bottom."""


@pytest.fixture(scope="module")
def find() -> OpenCvFaces:
    return OpenCvFaces()


@pytest.fixture(scope="module")
def astronaut(media: Path) -> Image.Image:
    return Image.open(media / "astronaut.png").convert("RGB")


def meet(one: Box, other: Box) -> bool:
    return max(one[0], other[0]) < min(one[2], other[2]) and max(one[1], other[1]) < min(one[3], other[3])


def changed(before: Image.Image, after: Image.Image) -> Box:
    rows, columns = np.nonzero((np.asarray(before) != np.asarray(after)).any(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def marked(picture: Image.Image, style: Style, orientation: int = 1) -> Image.Image:
    exif, data, sink = Image.Exif(), io.BytesIO(), io.BytesIO()
    exif[0x0112] = orientation
    picture.save(data, "PNG", exif=exif)
    notices.of(Medium.IMAGE).mark(data, sink, "png", style)
    image = Image.open(sink)
    image.load()
    return image


# --- the finder --------------------------------------------------------------------------------------------------------------


def test_a_face_is_found_where_it_is(find: OpenCvFaces, astronaut: Image.Image) -> None:
    (found,) = find(astronaut.tobytes(), *astronaut.size)
    assert np.abs(np.subtract(found, FACE)).max() <= 25


@pytest.mark.parametrize("name", ["coffee.png", "rocket.jpg", "chelsea.png"])
def test_things_and_cats_are_no_faces(find: OpenCvFaces, media: Path, name: str) -> None:
    picture = Image.open(media / name).convert("RGB")
    assert find(picture.tobytes(), *picture.size) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 40)])
def test_pictures_without_room_for_a_face_have_none(find: OpenCvFaces, size: tuple[int, int]) -> None:
    assert find(bytes(size[0] * size[1] * 3), *size) == []


def test_without_opencv_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(Unavailable, match=r"opencv-python-headless.*faces\.missing.*mingwen\[faces\]"):
        OpenCvFaces()


def test_the_setting_brings_the_finder() -> None:
    assert isinstance(wiring.style(wiring.configuration(notice_faces="opencv")).faces, OpenCvFaces)
    assert wiring.style(wiring.configuration()).faces is None
    with pytest.raises(Misused, match=r"config\.value"):
        wiring.configuration(notice_faces="eyes")


# --- the label ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_label_goes_to_the_other_corner_of_its_edge(find: OpenCvFaces, astronaut: Image.Image, orientation: int) -> None:
    shown = astronaut.crop((20, 20, 290, 180))  # the face lies at the lower right
    turned = Image.Image.transpose
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions from shown to stored
    stored = turned(shown, Image.Transpose(back[orientation])) if orientation > 1 else shown
    face = tuple(np.subtract(FACE, (20, 20, 20, 20)))
    for style, clear in ((Style(), False), (Style(faces=find), True)):
        after = ImageOps.exif_transpose(marked(stored, style, orientation))
        box = changed(shown, after)
        assert meet(box, face) is not clear
        assert (box[1] > 100, box[0] < 40) == (True, clear)


def test_a_label_that_hides_nobody_stays(find: OpenCvFaces, astronaut: Image.Image) -> None:
    assert changed(astronaut, marked(astronaut, Style(faces=find))) == changed(astronaut, marked(astronaut, Style()))


def test_where_faces_are_everywhere_the_smallest_part_is_hidden() -> None:
    def find(_pixels: bytes, width: int, height: int) -> Sequence[Box]:
        return [(0, 0, width, height // 3 * 2), (0, height // 3 * 2, width // 2, height), (width - 9, 0, width, height)]

    label = label_for(Style(faces=find), 600, 400, look=lambda _: np.zeros((4, 6, 3), np.uint8))
    assert label.box[2] < 600 - 9
    assert label.x == (600 - label.width) // 2 or label.x > 300
    whole = label_for(Style(faces=lambda *_: [(0, 0, 600, 400)]), 600, 400, look=lambda _: np.zeros((400, 600, 3), np.uint8))
    assert whole.box == label_for(Style(), 600, 400).box


def test_alternatives_begin_with_the_same_edge() -> None:
    assert [p.value for p in alternatives(Position.BOTTOM_RIGHT)][:3] == ["bottom-right", "bottom-left", "top-right"]
    assert {p.value for p in alternatives(Position.TOP)[:3]} == {"top", "top-left", "top-right"}
    assert alternatives(Position.TOP)[0] is Position.TOP
    assert all(set(alternatives(p)) == set(Position) for p in Position)


def test_large_pictures_are_looked_at_in_small_and_upright() -> None:
    seen: list[tuple[int, int, int]] = []

    def find(pixels: bytes, width: int, height: int) -> Sequence[Box]:
        upper = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)[: height // 2]
        seen.append((width, height, int(upper.mean())))
        return [(width - 200, height - 200, width, height)]

    stored = np.zeros((200, 400, 3), np.uint8)
    stored[:, :200] = 255  # becomes the upper half: the picture is stored lying on its left side, and given at a tenth
    turn = Turn(mirror_x=True, transpose=True)
    label = label_for(Style(faces=find), 4000, 2000, turn=turn, look=lambda box: stored[: box[3] // 10, : box[2] // 10])
    assert seen == [(LONGEST_SIDE // 2, LONGEST_SIDE, 255)]
    assert label.box == label_for(Style(position=Position.BOTTOM_LEFT), 4000, 2000, turn=turn).box
