"""JPEG labels: every coefficient outside the label's MCUs stays, judged by jpeglib, cjpeg, djpeg, Pillow, ffmpeg, exiftool."""

import io
import json
import random
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import jpeglib
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mingwen import notices
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Position, Style
from mingwen.notices import _entropy_pure, _entropy_pure_bands, _jpeg, _jpeg_entropy
from mingwen.notices._jpeg_huffman import Table, codes, extended, optimal

Box = tuple[int, int, int, int]
FUNCTIONS = ("next_marker", "plain", "read_mcus", "write_mcus", "read_blocks", "write_blocks")


def marked(data: bytes, style: Style | None = None) -> tuple[bytes, str]:
    sink = io.BytesIO()
    note = notices.of(Medium.IMAGE).mark(io.BytesIO(data), sink, "jpeg", style or Style())
    return sink.getvalue(), note


def saved(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def picture(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def cjpeg(image: Image.Image, *args: str) -> bytes:
    out = io.BytesIO()
    image.save(out, "PPM")
    return subprocess.run(["cjpeg", *args], input=out.getvalue(), check=True, capture_output=True).stdout


def with_orientation(data: bytes, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    body = exif.tobytes()
    body = body if body.startswith(b"Exif\0\0") else b"Exif\0\0" + body
    return data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


def coefficients(data: bytes, folder: Path) -> list[NDArray[np.int16]]:
    """Return what libjpeg reads: rows × columns × 8 × 8 for each component."""
    path = folder / "judged.jpg"
    path.write_bytes(data)
    read = jpeglib.read_dct(str(path))
    return [plane for name in ("Y", "Cb", "Cr", "K") if (plane := getattr(read, name, None)) is not None]


def label_box(data: bytes, style: Style) -> Box:
    """Return where the label changes the same picture as PNG."""
    image = picture(data)
    grey = Image.new("L", image.size, 128)
    exif = Image.Exif()
    exif[0x0112] = image.getexif().get(0x0112, 1)
    png, sink = io.BytesIO(), io.BytesIO()
    grey.save(png, "PNG", exif=exif)
    notices.of(Medium.IMAGE).mark(png, sink, "png", style)
    rows, columns = np.nonzero(np.asarray(Image.open(sink)) != 128)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def judged(before: bytes, after: bytes, style: Style, folder: Path) -> None:
    """Fail unless the label is there and everything outside its MCUs is as it was."""
    old, new = picture(before), picture(after)
    layers: list[Any] = old.layer  # type: ignore[attr-defined]
    wide, high = 8 * max(layer[1] for layer in layers), 8 * max(layer[2] for layer in layers)
    wide, high = (8, 8) if len(layers) == 1 else (wide, high)
    left, top, right, bottom = label_box(before, style)
    inside = left // wide, top // high, -(-right // wide), -(-bottom // high)
    pairs = list(zip(coefficients(before, folder), coefficients(after, folder), strict=True))
    assert len(pairs) == len(layers)
    for (a, b), layer in zip(pairs, layers, strict=True):
        assert a.shape == b.shape
        across, down = (1, 1) if len(layers) == 1 else (layer[1], layer[2])
        changed = (a != b).any(axis=(2, 3))
        changed[inside[1] * down : inside[3] * down, inside[0] * across : inside[2] * across] = False
        assert not changed.any()
    assert not np.array_equal(*pairs[-1 if len(pairs) == 4 else 0])
    difference = np.abs(np.asarray(old.convert("RGB"), int) - np.asarray(new.convert("RGB"), int)).max(axis=2)
    box = difference[max(top - 2 * high, 0) : bottom + 2 * high, max(left - 2 * wide, 0) : right + 2 * wide]
    assert box.max() > 40
    assert np.count_nonzero(difference) == np.count_nonzero(box)
    assert (new.mode, new.size, new.info) == (old.mode, old.size, old.info)


def complaints(data: bytes, folder: Path) -> list[str]:
    """Return what decoders have to say."""
    path = folder / "heard.jpg"
    path.write_bytes(data)
    ffmpeg, djpeg = ["ffmpeg", "-v", "warning", "-i", str(path), "-f", "null", "-"], ["djpeg", "-outfile", "/dev/null", str(path)]
    said = [subprocess.run(args, check=False, capture_output=True, text=True).stderr for args in (ffmpeg, djpeg)]
    return [re.sub("0x[0-9a-f]+", "", text) for text in said]


def quiet(before: bytes, after: bytes, folder: Path) -> None:
    """Fail if a decoder has something to say that it did not say before."""
    heard = complaints(before, folder)
    assert all(new in ("", old) for new, old in zip(complaints(after, folder), heard, strict=True))


@pytest.fixture(scope="module")
def cat(media: Path) -> Image.Image:
    return Image.open(media / "chelsea.png").convert("RGB")


@pytest.fixture
def pure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FUNCTIONS:
        monkeypatch.setattr(_jpeg_entropy, name, getattr(_entropy_pure_bands, name, None) or getattr(_entropy_pure, name))


CODED = {
    "4:2:0": ["-sample", "2x2"],
    "4:2:2": ["-sample", "2x1"],
    "4:4:0": ["-sample", "1x2"],
    "4:4:4": ["-sample", "1x1"],
    "4:1:1": ["-sample", "4x1"],
    "4:1:0": ["-sample", "4x2"],
    "odd": ["-sample", "1x1,2x2,1x2"],
    "thirds": ["-sample", "3x1"],
    "grey": ["-grayscale", "-sample", "2x2"],
    "optimised": ["-optimize", "-quality", "95"],
    "coarse": ["-quality", "10", "-optimize"],
    "finest": ["-quality", "100", "-sample", "1x1"],
    "red, green, blue": ["-rgb"],
    "restarts": ["-restart", "3B"],
    "restarts by row": ["-restart", "1", "-optimize"],
    "a restart each": ["-restart", "1B"],
    "progressive": ["-progressive"],
    "progressive with restarts": ["-progressive", "-restart", "7B", "-sample", "2x1"],
    "progressive grey": ["-progressive", "-grayscale"],
    "progressive odd": ["-progressive", "-sample", "1x1,2x2,1x2"],
}
SCRIPTS = {
    "one by one": "0; 1; 2;",
    "luma last": "1 2; 0;",
    "bands": "0,1,2: 0-0, 0, 0; 0: 1-63, 0, 0; 1: 1-63, 0, 0; 2: 1-63, 0, 0;",
    "bits": "0 1 2: 0-0, 0, 2; 0: 1-5, 0, 3; 2: 1-63, 0, 1; 1: 1-63, 0, 1; 0: 6-63, 0, 3; 0: 1-63, 3, 2; 0 1 2: 0-0, 2, 1;"
    "0: 1-63, 2, 1; 0 1 2: 0-0, 1, 0; 2: 1-63, 1, 0; 1: 1-63, 1, 0; 0: 1-63, 1, 0;",
}


@pytest.mark.parametrize("case", [*CODED, *SCRIPTS])
@pytest.mark.parametrize("position", [Position.TOP_LEFT, Position.RIGHT, Position.BOTTOM_RIGHT])
def test_every_other_coefficient_stays(case: str, position: Position, cat: Image.Image, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(SCRIPTS.get(case, ""))
    data = cjpeg(cat, *CODED.get(case, ["-scans", str(tmp_path / "script")]))
    style = Style(position=position)
    after, note = marked(data, style)
    judged(data, after, style, tmp_path)
    quiet(data, after, tmp_path)
    assert note == f"drew AI生成 at {position.value}, 15 pixels high"


@pytest.mark.parametrize("options", [{}, {"adobe": 2}, {"progressive": True}, {"subsampling": 2}])
def test_four_inks_stay_four_inks(options: dict[str, Any], cat: Image.Image, tmp_path: Path) -> None:
    adobe = options.pop("adobe", 0) if "adobe" in options else 0
    data = saved(cat.convert("CMYK"), quality=90, **options)
    at = data.index(b"Adobe") + 11
    data = data[:at] + bytes((adobe,)) + data[at + 1 :]
    after, _ = marked(data)
    judged(data, after, Style(), tmp_path)
    left, top, right, bottom = label_box(data, Style())
    letters = np.asarray(picture(after).crop((left, top, right, bottom)).convert("L"))
    assert letters.max() > 235
    assert np.median(letters) < 130


@settings(max_examples=30, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
@given(chosen=st.data())
def test_any_picture_keeps_what_the_label_does_not_cover(chosen: st.DataObject, cat: Image.Image, tmp_path: Path) -> None:
    size = chosen.draw(st.tuples(st.integers(72, 300), st.integers(72, 300)))
    mode = chosen.draw(st.sampled_from(["L", "RGB", "RGB", "CMYK"]))
    options = {
        "quality": chosen.draw(st.integers(5, 100)),
        "optimize": chosen.draw(st.booleans()),
        "progressive": chosen.draw(st.booleans()),
        "restart_marker_blocks": chosen.draw(st.sampled_from([0, 0, 1, 2, 5, 40])),
    }
    if mode == "RGB":
        options |= chosen.draw(st.sampled_from([{"keep_rgb": True}, *({"subsampling": n} for n in range(3))]))
    noise = np.random.default_rng(chosen.draw(st.integers(0, 9))).normal(0, chosen.draw(st.sampled_from([0, 30])), (300, 451, 3))
    image = Image.fromarray(np.clip(np.asarray(cat) + noise, 0, 255).astype(np.uint8)).crop((0, 0, *size)).convert(mode)
    try:
        coded = saved(image, **options)
    except OSError:  # Pillow's own buffer is too small for some
        reject()
    before = with_orientation(coded, chosen.draw(st.integers(1, 8)))
    style = Style(position=chosen.draw(st.sampled_from(Position)))
    after, _ = marked(before, style)
    judged(before, after, style, tmp_path)


def test_the_label_looks_as_it_does_without_loss(cat: Image.Image) -> None:
    data = saved(cat, quality=95, subsampling=0)
    png, sink = io.BytesIO(), io.BytesIO()
    picture(data).save(png, "PNG")
    notices.of(Medium.IMAGE).mark(png, sink, "png", Style())
    difference = np.abs(np.asarray(picture(marked(data)[0]), int) - np.asarray(Image.open(sink), int))
    assert difference.max() <= 24
    assert difference.mean() < 0.1


def large(cat: Image.Image) -> Image.Image:
    """A picture with more behind its label than is worth reading."""
    noise = np.random.default_rng(3).normal(0, 9, (1000, 1400, 3))
    return Image.fromarray(np.clip(np.asarray(cat.resize((1400, 1000))) + noise, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("seed", range(8))
def test_what_stands_behind_the_label_is_copied_unread(seed: int, cat: Image.Image, tmp_path: Path) -> None:
    data = saved(large(cat).crop((seed, 0, 1400, 1000)), quality=90)
    style = Style(position=Position.TOP)
    after, _ = marked(data, style)
    judged(data, after, style, tmp_path)
    quiet(data, after, tmp_path)
    assert after[-len(data) * 3 // 4 :] == data[-len(data) * 3 // 4 :]


def test_a_table_without_room_is_made_anew(cat: Image.Image, tmp_path: Path) -> None:
    flat = Image.new("RGB", (800, 600), (40, 90, 120))
    flat.paste(large(cat).crop((0, 0, 800, 200)))
    data = saved(flat, quality=98, optimize=True)
    after, _ = marked(data)
    judged(data, after, Style(), tmp_path)
    quiet(data, after, tmp_path)
    flat = Image.new("L", (400, 300), 77)  # one symbol each: codes for the others must be added
    data = saved(flat, optimize=True)
    after, _ = marked(data)
    judged(data, after, Style(), tmp_path)
    quiet(data, after, tmp_path)


@pytest.mark.parametrize("case", ["4:2:0", "optimised", "restarts", "progressive with restarts", "grey", "one by one", "bits"])
def test_the_slow_coder_writes_the_same_bytes(
    case: str, cat: Image.Image, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "script").write_text(SCRIPTS.get(case, ""))
    data = cjpeg(cat.crop((0, 0, 300, 200)), *CODED.get(case, ["-scans", str(tmp_path / "script")]))
    assert _jpeg_entropy.read_mcus.__module__ is None or "pure" not in str(_jpeg_entropy.read_mcus.__module__)
    fast = marked(data)
    request.getfixturevalue("pure")
    assert marked(data) == fast


def test_arithmetic_coding_is_coded_again_and_said(cat: Image.Image, tmp_path: Path) -> None:
    data = cjpeg(cat, "-arithmetic")
    after, note = marked(data)
    assert note.endswith("; the whole picture was coded again, for its coding is arithmetic")
    assert picture(after).size == cat.size
    assert complaints(after, tmp_path) == ["", ""]


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC7, 0xCB, 0xCE])
def test_other_codings_are_refused(marker: int, cat: Image.Image) -> None:
    data = saved(cat)
    at = data.index(b"\xff\xc0")
    with pytest.raises(Refused, match=r"jpeg\.coding"):
        marked(data[: at + 1] + bytes((marker,)) + data[at + 2 :])


def test_twelve_bits_are_refused(cat: Image.Image) -> None:
    data = saved(cat)
    at = data.index(b"\xff\xc0") + 4
    with pytest.raises(Refused, match="12 bits"):
        marked(data[:at] + b"\x0c" + data[at + 1 :])


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (17, 3), (4000, 5)])
def test_a_tiny_picture_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(Refused, match=r"notice\.no-room"):
        marked(saved(Image.new("RGB", size)))


def test_segments_and_what_is_behind_stay_byte_for_byte(cat: Image.Image, tmp_path: Path) -> None:
    data = saved(cat, icc_profile=b"i" * 70_000, comment=b"hello", xmp=b"<x/>", optimize=True) + b"behind the end"
    data = data[:2] + b"\xff\xeb\x00\x06abcd\xff\xff" + data[2:]  # fill bytes before a marker
    after, _ = marked(data)
    scan = data.index(b"\xff\xda")
    assert after[: data.index(b"\xff\xdb")] == data[: data.index(b"\xff\xdb")]
    assert data[:scan] == after[:scan]
    assert after.endswith(b"\xff\xd9behind the end")
    path = tmp_path / "a.jpg"
    path.write_bytes(after.removesuffix(b"behind the end"))
    done = subprocess.run(["exiftool", "-validate", "-warning", "-a", "-j", str(path)], check=True, capture_output=True)
    assert "Warning" not in {key for key in json.loads(done.stdout)[0] if key != "Warning"}


def test_further_pictures_are_left_out_and_said(cat: Image.Image) -> None:
    out = io.BytesIO()
    cat.save(out, "MPO", save_all=True, append_images=[cat.rotate(90)])
    after, note = marked(out.getvalue())
    assert "further pictures" in note
    assert b"MPF\0" not in after
    assert after.count(b"\xff\xd9") == 1
    assert picture(after).format == "JPEG"


@pytest.mark.parametrize("case", ["4:2:0", "restarts", "progressive", "optimised", "one by one"])
def test_a_cut_picture_is_malformed(case: str, cat: Image.Image, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(SCRIPTS.get(case, ""))
    data = cjpeg(cat, *CODED.get(case, ["-scans", str(tmp_path / "script")]))
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(Malformed):
            marked(data[: int(len(data) * share)], Style(position=Position.TOP))


@pytest.mark.parametrize("case", ["4:2:0", "restarts by row", "progressive", "one by one", "bits"])
def test_broken_data_never_do_harm(case: str, cat: Image.Image, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(SCRIPTS.get(case, ""))
    data, chance = cjpeg(cat, *CODED.get(case, ["-scans", str(tmp_path / "script")])), random.Random(case)
    fine = 0
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(chance.choice([700, len(broken)]))] = chance.randrange(256)
        try:
            marked(bytes(broken))
            fine += 1
        except MingwenError:
            pass
    assert fine < 60


# --- tables -------------------------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.integers(0, 255), st.integers(1, 10**9), min_size=1))
def test_the_best_table_is_a_prefix_code_without_the_code_of_ones(often: dict[int, int]) -> None:
    tally = np.zeros(256, np.int64)
    for symbol, count in often.items():
        tally[symbol] = count
    table = optimal(tally)
    found = codes(table)
    assert {symbol for symbol in range(256) if found[symbol]} == set(often)
    assert table.used < 1 << 16
    words = sorted(f"{code & 0xFFFF:0{code >> 16}b}" for code in found.tolist() if code)
    assert not any(b.startswith(a) for a, b in pairwise(words))
    assert not any(set(word) == {"1"} for word in words)


@given(st.sets(st.integers(0, 255), min_size=1, max_size=200), st.sets(st.integers(0, 255), min_size=1, max_size=30))
def test_a_longer_table_keeps_every_code(have: set[int], need: set[int]) -> None:
    tally = np.zeros(256, np.int64)
    tally[list(have)] = np.arange(1, len(have) + 1) ** 2
    table, missing = optimal(tally), bytes(sorted(need - have))
    longer = extended(table, missing) if missing else table
    if longer:
        assert all(codes(longer)[symbol] == codes(table)[symbol] for symbol in have)
        assert all(codes(longer)[symbol] for symbol in missing)
        assert longer.used < 1 << 16
    else:
        assert (1 << 16) - table.used <= len(missing)


def test_a_full_table_has_no_room() -> None:
    assert extended(Table(bytes([1] * 16), bytes(range(16))), b"\xff") is None


def test_it_is_the_compiled_coder_that_is_tested() -> None:
    assert _jpeg.__name__
    assert type(_jpeg_entropy.read_mcus).__name__ == "builtin_function_or_method"
