"""Labels in GIF, TIFF and BMP: pixels elsewhere are what they were, in every frame and page, by foreign decoders."""

import io
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mingwen import MingwenError, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Position, Style
from mingwen.notices import _bmp, _gif, _tiff, of
from mingwen.notices._gif_blocks import blocks
from mingwen.notices._lettering import Label, label_for

Frames = list[NDArray[np.uint8]]


@pytest.fixture(scope="module")
def photograph(media: Path) -> Image.Image:
    return Image.open(media / "coffee.png").convert("RGB").resize((300, 200))


def saved(pictures: list[Image.Image], kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    more = {"save_all": True, "append_images": pictures[1:]} if len(pictures) > 1 else {}
    pictures[0].save(out, kind, **more, **options)
    return out.getvalue()


def frames(data: bytes) -> Frames:
    picture, out = Image.open(io.BytesIO(data)), []
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        shown = np.asarray(picture.convert("RGBA")).copy()
        shown[shown[..., 3] == 0] = 0
        out.append(shown)
    return out


def shown(data: bytes, size: tuple[int, int]) -> Frames:
    """What ffmpeg shows, which clears to nothing as browsers do; Pillow clears to a colour where no index is transparent."""
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", "-", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "-"],
        input=data, capture_output=True, check=True,
    ).stdout  # fmt: skip
    out = np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0], 4).copy()
    out[out[..., 3] == 0] = 0
    return list(out)


def require_only_label(before: Frames, after: Frames, label: Label) -> None:
    assert len(before) == len(after)
    left, top, right, bottom = label.box
    for old, new in zip(before, after, strict=True):
        same = (old == new).all(axis=2)
        same[top:bottom, left:right] = True
        assert same.all()
        inside = new[top:bottom, left:right, :3].astype(int)
        assert inside.max() - inside.min() > 120, "letters stand out"
        assert (new[top + 4 : bottom - 4, left + 8 : right - 8, 3] == 255).all(), "the label is opaque"


def sprites(*, transparent: bool) -> list[Image.Image]:
    out = []
    for number in range(5):
        frame = Image.new("P", (240, 160), 0)
        frame.putpalette([255, 255, 255, 200, 0, 0, 0, 0, 200, *[0] * 9])
        frame.paste(1 + number % 2, (number * 25, 90, number * 25 + 60, 150))
        if transparent:
            frame.info["transparency"] = 0
        out.append(frame)
    return out


ANIMATIONS: dict[str, dict[str, Any]] = {
    "kept": {"disposal": 1},
    "cleared": {"disposal": 2},
    "restored": {"disposal": 3},
    "mixed": {"disposal": [1, 2, 3, 1, 2]},
}


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("kind", ANIMATIONS)
@pytest.mark.parametrize("position", [Position.BOTTOM_RIGHT, Position.TOP])
def test_every_frame_of_a_gif_bears_the_label(kind: str, transparent: bool, position: Position) -> None:  # noqa: FBT001
    more = {"transparency": 0} if transparent else {}
    data = saved(sprites(transparent=transparent), "GIF", duration=70, loop=3, **ANIMATIONS[kind], **more)
    out, label, _ = _gif.mark(data, Style(position=position))
    require_only_label(shown(data, (240, 160)), shown(out, (240, 160)), label)
    first = Image.open(io.BytesIO(out))
    assert (first.info["loop"], first.info["duration"]) == (3, 70)


def test_a_gif_of_256_colours_keeps_them_all(photograph: Image.Image) -> None:
    data = saved([photograph.rotate(a).quantize(256) for a in (0, 4, 8)], "GIF", duration=50, optimize=False)
    out, label, _ = _gif.mark(data, Style())
    require_only_label(frames(data), frames(out), label)


def test_a_frame_that_leaves_the_label_alone_stays_byte_for_byte() -> None:
    still = Image.new("P", (240, 160), 1)
    still.putpalette([0, 0, 0, 90, 90, 90, 200, 30, 30])
    moved = still.copy()
    moved.paste(2, (5, 5, 40, 40))
    data = saved([still, moved], "GIF", duration=50, disposal=1)
    out, _, _ = _gif.mark(data, Style())
    second = [b for b in blocks(data) if not isinstance(b, bytes)][1]
    assert second.raw in out


def test_comments_and_interlacing_of_a_gif(photograph: Image.Image, tmp_path: Path) -> None:
    data = saved([photograph.quantize(64)], "GIF", interlace=1, comment=b"kept")
    out, label, _ = _gif.mark(data, Style())
    require_only_label(frames(data), frames(out), label)
    assert b"\x21\xfe\x04kept\0" in out
    (tmp_path / "a.gif").write_bytes(out)
    judged = subprocess.run(
        ["ffmpeg", "-v", "warning", "-i", tmp_path / "a.gif", "-f", "null", "-"], capture_output=True, text=True, check=True
    )
    assert judged.stderr == ""


MODES = ["1", "L", "P", "RGB", "RGBA", "CMYK", "I;16"]


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", MODES)
def test_pixels_of_a_tiff_stay(mode: str, compression: str, photograph: Image.Image) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(photograph.convert("L")).astype(np.uint16) * 257)
    else:
        picture = photograph.quantize(100) if mode == "P" else photograph.convert(mode)
    more = {"tiffinfo": {317: 2}} if compression in {"tiff_lzw", "tiff_adobe_deflate"} and mode not in {"1", "P"} else {}
    data = saved([picture], "TIFF", compression=compression, strip_size=2000, **more)
    out, label, _ = _tiff.mark(data, Style())
    before, after = np.asarray(Image.open(io.BytesIO(data))), np.asarray(Image.open(io.BytesIO(out)))
    left, top, right, bottom = label.box
    differs = before != after
    assert differs[top:bottom, left:right].any()
    differs[top:bottom, left:right] = False
    assert not differs.any()


def test_all_pages_and_the_profile_of_a_tiff(photograph: Image.Image, tmp_path: Path) -> None:
    profile = b"profile " * 20
    data = saved([photograph, photograph.rotate(180)], "TIFF", compression="tiff_lzw", icc_profile=profile)
    out, label, _ = _tiff.mark(data, Style(position=Position.TOP_LEFT))
    require_only_label(frames(data), frames(out), label)
    assert Image.open(io.BytesIO(out)).info["icc_profile"] == profile
    (tmp_path / "a.tif").write_bytes(out)
    judged = subprocess.run(["exiftool", "-validate", "-warning", tmp_path / "a.tif"], capture_output=True, text=True, check=True)
    before = tmp_path / "b.tif"
    before.write_bytes(data)
    same = subprocess.run(["exiftool", "-validate", "-warning", before], capture_output=True, text=True, check=True)
    assert judged.stdout == same.stdout


def test_nothing_of_the_unlabelled_pixels_is_left_in_a_tiff(photograph: Image.Image) -> None:
    data = saved([photograph], "TIFF", compression="tiff_lzw", strip_size=4000)
    out, label, _ = _tiff.mark(data, Style())
    rows = Image.open(io.BytesIO(data)).tag_v2  # type: ignore[attr-defined]
    strip = label.box[1] // rows[278]
    old = data[rows[273][strip] : rows[273][strip] + rows[279][strip]]
    assert old in data
    assert old not in out


def big_endian_planes(picture: NDArray[np.uint16]) -> bytes:
    """A TIFF of 16 bits, planes apart, big endian, in tiles: what Pillow does not write."""
    height, width, _ = picture.shape
    tile, across, down = 64, -(-width // 64), -(-height // 64)
    padded = np.zeros((down * tile, across * tile, 3), ">u2")
    padded[:height, :width] = picture
    pieces = [
        padded[y * tile : (y + 1) * tile, x * tile : (x + 1) * tile, plane].tobytes()
        for plane in range(3)
        for y in range(down)
        for x in range(across)
    ]
    count = len(pieces)
    at = 8 + 2 + 11 * 12 + 4
    offsets = [at + 8 * count + 6 + n * tile * tile * 2 for n in range(count)]
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, at + 8 * count), (259, 3, 1, 1 << 16), (262, 3, 1, 2 << 16),
        (277, 3, 1, 3 << 16), (284, 3, 1, 2 << 16), (322, 4, 1, tile), (323, 4, 1, tile),
        (324, 4, count, at), (325, 4, count, at + 4 * count),
    ]  # fmt: skip
    directory = struct.pack(">H", 11) + b"".join(struct.pack(">HHII", *tag) for tag in tags) + bytes(4)
    arrays = struct.pack(f">{count}I", *offsets) + struct.pack(f">{count}I", *[tile * tile * 2] * count)
    return b"MM\0*" + struct.pack(">I", 8) + directory + arrays + struct.pack(">3H", 16, 16, 16) + b"".join(pieces)


def test_tiles_planes_and_the_other_order_of_bytes(photograph: Image.Image) -> None:
    picture = np.asarray(photograph).astype(np.uint16) * 257
    data = big_endian_planes(picture)
    out, label, _ = _tiff.mark(data, Style())
    before, after = (np.moveaxis(tifffile.imread(io.BytesIO(d)), 0, 2).copy() for d in (data, out))
    assert (before == picture).all()
    left, top, right, bottom = label.box
    assert (before[top:bottom, left:right] != after[top:bottom, left:right]).any()
    after[top:bottom, left:right] = before[top:bottom, left:right]
    assert (before == after).all()


def test_codings_that_are_not_drawn_into_are_refused_with_a_way_out(photograph: Image.Image) -> None:
    with pytest.raises(Refused, match=r"compression 7 \(notice\.codec\)") as refused:
        _tiff.mark(saved([photograph], "TIFF", compression="jpeg"), Style())
    assert "tiffcp" in refused.value.hint


@pytest.mark.parametrize("mode", ["1", "P", "L", "RGB", "RGBA"])
def test_pixels_of_a_bmp_stay(mode: str, photograph: Image.Image) -> None:
    data = saved([photograph.quantize(30) if mode == "P" else photograph.convert(mode)], "BMP")
    out, label, _ = _bmp.mark(data, Style())
    require_only_label(frames(data), frames(out), label)
    assert len(out) == len(data)


def test_other_depths_and_directions_of_a_bmp(photograph: Image.Image, tmp_path: Path) -> None:
    for layout in ("rgb565le", "rgb555le", "bgra"):
        made = subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "300x200", "-i", "-", "-pix_fmt", layout,
             "-f", "image2pipe", "-c:v", "bmp", "-"], input=photograph.tobytes(), capture_output=True, check=True,
        ).stdout  # fmt: skip
        out, label, _ = _bmp.mark(made, Style(position=Position.TOP_RIGHT))
        require_only_label(frames(made), frames(out), label)


@pytest.mark.parametrize(("size", "mark"), [((1, 1), _gif.mark), ((1, 1), _tiff.mark), ((1, 1), _bmp.mark)])
def test_a_picture_of_one_pixel_has_no_room(size: tuple[int, int], mark: Any) -> None:
    kind = mark.__module__.rsplit("_", 1)[1].upper()
    with pytest.raises(Refused, match=r"notice\.no-room"):
        mark(saved([Image.new("RGB" if kind != "GIF" else "P", size)], kind), Style())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP"])
def test_damaged_files_raise_nothing_else(kind: str, data: st.DataObject, photograph: Image.Image) -> None:
    small = photograph.resize((80, 64))
    whole = bytearray(saved([small.quantize(16), small.quantize(8)] if kind == "GIF" else [small], kind))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, min(len(whole), 600) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        of(Medium.IMAGE).mark(io.BytesIO(bytes(whole[: cut or None])), io.BytesIO(), kind.lower(), Style())
    except MingwenError:
        return


@pytest.mark.parametrize("colours", [5, 16, 100, 250])
@pytest.mark.parametrize("clear", [None, 1, bytes([255, 0, 128])])
def test_the_palette_of_a_png_stays(colours: int, clear: int | bytes | None, photograph: Image.Image) -> None:
    before = photograph.quantize(colours)
    data = saved([before], "PNG", **({} if clear is None else {"transparency": clear}))
    sink = io.BytesIO()
    of(Medium.IMAGE).mark(io.BytesIO(data), sink, "png", Style())
    after = Image.open(sink)
    assert after.mode == "P"
    label = label_for(Style(), *before.size)
    left, top, right, bottom = label.box
    old, new = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")), np.array(after.convert("RGBA"))
    assert (new[top + 4 : bottom - 4, left + 6 : right - 6, 3] == 255).all()
    assert np.ptp(new[top:bottom, left:right, :3].astype(int)) > 120
    new[top:bottom, left:right] = old[top:bottom, left:right]
    assert (new == old).all()
