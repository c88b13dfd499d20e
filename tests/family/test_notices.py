"""Every perceptible label, judged by foreign readers: Pillow, ffmpeg, ffprobe, mutagen."""

import contextlib
import io
import json
import random
import struct
import subprocess
from pathlib import Path
from typing import Any
from zlib import crc32

import mutagen
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps, PngImagePlugin

from mingwen import notices
from mingwen.domain.errors import Malformed, MingwenError, Misused, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Position, Style
from mingwen.notices import text

PITCH = 1046.5
BOTH = (Moment.START, Moment.END)


def marked(medium: Medium, data: bytes, name: str, style: Style | None = None) -> bytes:
    sink = io.BytesIO()
    notices.of(medium).mark(io.BytesIO(data), sink, name, style or Style())
    return sink.getvalue()


def picture(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def ffmpeg(*args: str | Path) -> bytes:
    return subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, args)], check=True, capture_output=True).stdout


def probed(path: Path) -> Any:
    args = [
        "ffprobe",
        "-v",
        "error",
        "-show_streams",
        "-show_format",
        "-show_packets",
        "-show_chapters",
        "-of",
        "json",
        str(path),
    ]
    return json.loads(subprocess.run(args, check=True, capture_output=True).stdout)


def changed(before: Image.Image, after: Image.Image, over: int = 0) -> tuple[int, int, int, int]:
    """Return the box of pixels that differ by more than ``over``."""
    difference = np.abs(np.asarray(before.convert("RGB"), int) - np.asarray(after.convert("RGB"), int)).max(axis=2)
    rows, columns = np.flatnonzero((difference > over).any(axis=1)), np.flatnonzero((difference > over).any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def ink_height(image: Image.Image) -> int:
    """Return the rows of near-white pixels, from first to last."""
    rows = np.flatnonzero((np.asarray(image.convert("L")) > 200).any(axis=1))
    return int(rows[-1] - rows[0] + 1)


def luminance(value: float) -> float:
    share = value / 255
    return float(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)


# --- the family ----------------------------------------------------------------------------------------------------------


def test_every_medium_has_one_notice_and_names_its_clause() -> None:
    assert {n.medium for n in notices.every()} == set(Medium)
    assert [notices.of(m).clause for m in (Medium.TEXT, Medium.IMAGE, Medium.AUDIO, Medium.VIDEO)] == [
        "§5.1",
        "§5.2",
        "§5.3",
        "§5.4",
    ]


@pytest.mark.parametrize("medium", list(Medium))
def test_a_format_into_which_nothing_is_drawn_is_refused(medium: Medium) -> None:
    with pytest.raises(Refused, match=r"notice\.format"):
        marked(medium, b"", "xyz")


@pytest.mark.parametrize(
    ("medium", "name", "file"),
    [
        (Medium.IMAGE, "png", "coffee.png"),
        (Medium.IMAGE, "jpeg", "rocket.jpg"),
        (Medium.AUDIO, "wav", "speech.wav"),
        (Medium.AUDIO, "mp3", "speech.mp3"),
        (Medium.VIDEO, "mp4", "bunny.mp4"),
        (Medium.TEXT, "markdown", "document.md"),
    ],
)
def test_broken_files_raise_only_our_errors(medium: Medium, name: str, file: str, media: Path) -> None:
    data, chance = (media / file).read_bytes()[:200_000], random.Random(file)
    for _ in range(6 if medium is Medium.VIDEO else 25):
        broken = bytearray(data[: chance.randrange(len(data))])
        for _ in range(chance.randrange(20)):
            if broken:
                broken[chance.randrange(min(len(broken), 400))] = chance.randrange(256)
        with contextlib.suppress(MingwenError):
            marked(medium, bytes(broken), name)


# --- pictures: §5.2 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "least"), [((1024, 1024), 52), ((1280, 720), 36), ((1920, 1080), 54), ((1080, 2340), 54), ((4000, 200), 10)]
)
@pytest.mark.parametrize("wording", ["AI生成", "人工智能合成", "AI-generated"])
def test_ink_is_at_least_five_percent_of_the_shortest_side(size: tuple[int, int], least: int, wording: str) -> None:
    black = Image.new("RGB", size)
    after = picture(marked(Medium.IMAGE, saved(black, "PNG"), "png", Style(wording=wording)))
    assert ink_height(after) >= least
    drawn = notices.of(Medium.IMAGE).mark(io.BytesIO(saved(black, "PNG")), io.BytesIO(), "png", Style(wording=wording))
    assert int(drawn.split(", ")[1].split()[0]) >= least


@pytest.mark.parametrize("position", list(Position))
def test_the_label_stands_at_its_edge_with_a_margin(position: Position) -> None:
    before = Image.new("RGB", (800, 600), "grey")
    left, top, right, bottom = changed(
        before, picture(marked(Medium.IMAGE, saved(before, "PNG"), "png", Style(position=position)))
    )
    near = {"left": left, "top": top, "right": 800 - right, "bottom": 600 - bottom}
    for side in position.value.split("-"):
        assert 10 <= near[side] <= 30
    for one, other in (("left", "right"), ("top", "bottom")):
        if one not in position.value and other not in position.value:
            assert abs(near[one] - near[other]) <= 1


@pytest.mark.parametrize("background", ["white", "black", "grey", "noise", "photograph"])
def test_letters_stand_out_on_any_background(background: str, media: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (400, 600, 3), np.uint8))
    photograph = Image.open(media / "coffee.png").convert("RGB")
    before = {"noise": noise, "photograph": photograph}.get(background) or Image.new("RGB", (600, 400), background)
    after = picture(marked(Medium.IMAGE, saved(before, "PNG"), "png"))
    box = np.asarray(after.crop((486, 348, 582, 382)).convert("L"))
    plate = luminance(float(np.median(box)))
    letters = max((luminance(float(np.percentile(box, share))) for share in (1, 99)), key=lambda value: abs(value - plate))
    assert (max(letters, plate) + 0.05) / (min(letters, plate) + 0.05) >= 4.5


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (3, 4000), (4000, 5)])
def test_a_picture_too_small_for_a_legible_label_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(Refused, match=r"notice\.no-room"):
        marked(Medium.IMAGE, saved(Image.new("RGB", size), "PNG"), "png")


def test_a_long_wording_breaks_into_lines() -> None:
    before = Image.new("RGB", (400, 400))
    style = Style(wording="本图片由人工智能生成，请注意甄别；generated by AI")
    left, top, right, bottom = changed(before, picture(marked(Medium.IMAGE, saved(before, "PNG"), "png", style)))
    assert bottom - top > 60
    assert right - left <= 400


def test_a_character_the_font_lacks_is_named() -> None:
    with pytest.raises(Misused, match=r"U\+20BB7.*notice\.glyph"):
        marked(Medium.IMAGE, saved(Image.new("RGB", (300, 300)), "PNG"), "png", Style(wording="AI生成𠮷"))
    with pytest.raises(Misused, match=r"notice\.font"):
        marked(Medium.IMAGE, saved(Image.new("RGB", (300, 300)), "PNG"), "png", Style(font=b"no font"))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_keeps_every_pixel_outside_the_label(mode: str, media: Path) -> None:
    cat = Image.open(media / "chelsea.png").convert("RGB")
    wide = Image.fromarray(np.asarray(cat.convert("L"), np.uint16) * 257)
    before = wide if mode == "I;16" else cat.convert(mode)
    if mode in ("LA", "RGBA"):
        before.putalpha(90)
    after = picture(marked(Medium.IMAGE, saved(before, "PNG"), "png"))
    if mode == "I;16":
        assert after.mode == "I;16"
        assert np.array_equal(np.asarray(before)[:240], np.asarray(after)[:240])
        assert not np.array_equal(np.asarray(before), np.asarray(after))
        return
    left, top, _, _ = changed(before.convert("RGBA"), after.convert("RGBA"))
    assert (left > 300, top > 240) == (True, True)
    if mode in ("LA", "RGBA"):
        assert after.getpixel((0, 0))[-1] == 90  # type: ignore[index]
        assert np.asarray(after.getchannel("A")).max() == 255


def test_png_keeps_its_chunks(media: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("AIGC", '{"Label":"1"}')
    info.add_itxt("Title", "咖啡")
    data = saved(
        Image.open(media / "coffee.png"), "PNG", pnginfo=info, dpi=(300, 300), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
    )
    extra = b"tIME" + bytes((7, 232, 1, 2, 3, 4, 5))
    end = data.index(b"IEND") - 4
    data = data[:end] + struct.pack(">I", 7) + extra + struct.pack(">I", crc32(extra)) + data[end:]
    after = marked(Medium.IMAGE, data, "png")
    image = picture(after)
    assert isinstance(image, PngImagePlugin.PngImageFile)
    assert image.text == {"AIGC": '{"Label":"1"}', "Title": "咖啡"}
    assert round(image.info["dpi"][0]) == 300
    assert extra in after
    assert b"eXIf" in after


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 83, "subsampling": 0, "dpi": (200, 200)},
        {"quality": 60, "progressive": True},
        {"quality": 90, "keep_rgb": True},
    ],
)
def test_jpeg_keeps_its_quality_and_metadata(options: dict[str, Any], media: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a cat"
    cat = Image.open(media / "chelsea.png").convert("RGB")
    data = saved(cat, "JPEG", exif=exif, icc_profile=b"i" * 70_000, xmp=b"<x/>", comment=b"hello", **options)
    data = data[:2] + b"\xff\xeb\x00\x06abcd" + data[2:] + b"behind the end"
    after = marked(Medium.IMAGE, data, "jpeg")
    old, new = picture(data), picture(after)
    assert new.quantization == old.quantization  # type: ignore[attr-defined]
    assert [layer[1:3] for layer in new.layer] == [layer[1:3] for layer in old.layer]  # type: ignore[attr-defined]
    assert {k: new.info.get(k) for k in old.info} == old.info
    assert b"\xff\xeb\x00\x06abcd" in after
    assert after.endswith(b"behind the end")
    left, top, _, _ = changed(old, new, over=24)
    assert (left > 300, top > 240) == (True, True)


def test_jpeg_in_cmyk_stays_cmyk(media: Path) -> None:
    data = saved(Image.open(media / "chelsea.png").convert("CMYK"), "JPEG", quality=95)
    after = picture(marked(Medium.IMAGE, data, "jpeg"))
    assert after.mode == "CMYK"
    assert changed(picture(data), after, over=24)[:2] > (300, 240)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "name"), [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp")])
def test_the_label_is_upright_as_shown(orientation: int, kind: str, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.new("RGB", (500, 300) if orientation < 5 else (300, 500), "grey")
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    after = picture(marked(Medium.IMAGE, saved(stored, kind, exif=exif, **options), name))
    assert after.getexif()[0x0112] == orientation
    plain = picture(marked(Medium.IMAGE, saved(Image.new("RGB", (500, 300), "grey"), "PNG"), "png"))
    difference = np.abs(np.asarray(ImageOps.exif_transpose(after), int) - np.asarray(plain, int))
    assert difference.max() <= (40 if kind == "JPEG" else 0)


@pytest.mark.parametrize("options", [{"lossless": True, "exact": True}, {"quality": 90}])
def test_webp_keeps_its_kind_and_metadata(options: dict[str, Any], media: Path) -> None:
    cat = Image.open(media / "chelsea.png").convert("RGBA")
    data = saved(cat, "WEBP", icc_profile=b"profile", xmp=b"<x/>", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0", **options)
    after = marked(Medium.IMAGE, data, "webp")
    assert (b"VP8L" in after) == ("lossless" in options)
    new, old = picture(after), picture(data)
    assert {k: new.info.get(k) for k in ("icc_profile", "xmp", "exif")} == {
        k: old.info.get(k) for k in ("icc_profile", "xmp", "exif")
    }
    if "lossless" in options:
        assert changed(old, new)[:2] > (300, 240)


@pytest.mark.parametrize(("kind", "name"), [("PNG", "png"), ("WEBP", "webp")])
def test_animations_keep_every_frame_and_its_time(kind: str, name: str, media: Path) -> None:
    cat = Image.open(media / "chelsea.png").convert("RGBA")
    frames = [cat.rotate(10 * n) for n in range(4)]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=[100, 250, 40, 500], loop=3, **lossless)
    old, new = picture(data), picture(marked(Medium.IMAGE, data, name))
    assert (new.n_frames, new.info["loop"]) == (4, 3)  # type: ignore[attr-defined]
    for number in range(4):
        for image in (old, new):
            image.seek(number)
            image.load()
        assert new.info["duration"] == old.info["duration"]
        left, top, _, _ = changed(old, new)
        assert (left > 300, top > 240) == (True, True)


# --- sounds: §5.3 ----------------------------------------------------------------------------------------------------------


def heard(path: Path, rate: int = 16_000) -> NDArray[np.float32]:
    return np.frombuffer(ffmpeg("-i", path, "-map", "0:a", "-f", "f32le", "-ac", "1", "-ar", str(rate), "-"), np.float32)


def rhythm(samples: NDArray[np.float32], rate: int = 16_000) -> list[tuple[bool, float]]:
    """Return tone and silence with their seconds, by the share of the pitch in windows of 10 ms."""
    size = rate // 100
    windows = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.abs(windows @ np.exp(-2j * np.pi * PITCH / rate * np.arange(size))) / size * 2
    runs: list[list[Any]] = []
    for tone in power > 0.09:
        if runs and runs[-1][0] == tone:
            runs[-1][1] += 1
        else:
            runs.append([bool(tone), 1])
    return [(tone, count / 100) for tone, count in runs]


AI = [(True, 0.12), (False, 0.12), (True, 0.36), (False, 0.36), (True, 0.12), (False, 0.12), (True, 0.12)]


def is_ai(runs: list[tuple[bool, float]]) -> bool:
    return [tone for tone, _ in runs] == [tone for tone, _ in AI] and all(
        abs(a - b) <= 0.045 for (_, a), (_, b) in zip(runs, AI, strict=True)
    )


def begins_with_ai(samples: NDArray[np.float32]) -> bool:
    runs = rhythm(samples[: 16_000 * 3])
    return is_ai(runs[1:8] if not runs[0][0] else runs[:7])


def ends_with_ai(samples: NDArray[np.float32]) -> bool:
    runs = rhythm(samples[-16_000 * 3 :])
    return is_ai(runs[-8:-1] if not runs[-1][0] else runs[-7:])


@pytest.mark.parametrize("moments", [(Moment.START,), (Moment.END,), BOTH])
@pytest.mark.parametrize(("file", "name"), [("speech.wav", "wav"), ("speech.mp3", "mp3")])
def test_the_rhythm_stands_where_it_is_asked_for(
    moments: tuple[Moment, ...], file: str, name: str, media: Path, tmp_path: Path
) -> None:
    out = tmp_path / file
    out.write_bytes(marked(Medium.AUDIO, (media / file).read_bytes(), name, Style(moments=moments)))
    samples = heard(out)
    assert begins_with_ai(samples) == (Moment.START in moments)
    assert ends_with_ai(samples) == (Moment.END in moments)


CODINGS = ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("channels", [1, 6])
def test_wav_keeps_every_sample_and_chunk(coding: str, channels: int, media: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "a.wav", tmp_path / "b.wav"
    ffmpeg("-i", media / "speech.wav", "-t", "3", "-ac", str(channels), "-c:a", coding, "-metadata", "title=hi", before)
    data = before.read_bytes()
    after.write_bytes(out := marked(Medium.AUDIO, data, "wav", Style(moments=BOTH)))
    start = data.index(b"data") + 8
    assert data[start:] in out
    assert b"hi\0" in out
    assert int.from_bytes(out[4:8], "little") == len(out) - 8
    assert begins_with_ai(heard(after))
    assert ends_with_ai(heard(after))
    frames = [int(probed(p)["streams"][0]["duration_ts"]) for p in (before, after)]
    assert frames[1] - frames[0] == 2 * 16_000 * 14 * 0.12


@pytest.mark.parametrize("options", [["-rf64", "always"], []])
def test_wav_from_a_pipe_and_rf64(options: list[str], media: Path, tmp_path: Path) -> None:
    data = ffmpeg("-i", media / "speech.wav", "-t", "2", "-f", "wav", *options, *([tmp_path / "x.wav"] if options else ["-"]))
    data = data or (tmp_path / "x.wav").read_bytes()
    (tmp_path / "y.wav").write_bytes(marked(Medium.AUDIO, data, "wav"))
    samples = heard(tmp_path / "y.wav")
    assert len(samples) == 16_000 * 2 + round(16_000 * 14 * 0.12)
    assert begins_with_ai(samples)


@pytest.mark.parametrize("coding", ["pcm_alaw", "adpcm_ms"])
def test_compressed_wav_is_refused(coding: str, media: Path, tmp_path: Path) -> None:
    ffmpeg("-i", media / "speech.wav", "-c:a", coding, tmp_path / "a.wav")
    with pytest.raises(Refused, match=r"notice\.codec"):
        marked(Medium.AUDIO, (tmp_path / "a.wav").read_bytes(), "wav")


@pytest.mark.parametrize(
    "options",
    [
        ["-ar", "44100", "-ac", "2", "-b:a", "128k", "-write_id3v1", "1", "-metadata", "title=hi"],
        ["-ar", "48000", "-ac", "2", "-q:a", "2"],
        ["-ar", "22050", "-b:a", "64k", "-write_xing", "0"],
        ["-ar", "11025", "-ac", "2", "-b:a", "32k"],
    ],
)
def test_mp3_keeps_its_sound_length_and_tags(options: list[str], media: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "a.mp3", tmp_path / "b.mp3"
    ffmpeg("-i", media / "speech.wav", "-t", "8", *options, before)
    after.write_bytes(marked(Medium.AUDIO, before.read_bytes(), "mp3", Style(moments=BOTH)))
    rate = int(options[1])
    old, new = heard(before, rate), heard(after, rate)
    cue = len(new) - len(old)
    shift = next(s for s in range(0, cue, 576) if np.array_equal(new[s + 5000 : s + 50_000], old[5000:50_000]))
    assert 1.6 < shift / rate < 1.9
    assert abs(mutagen.File(after).info.length - len(new) / rate) < 0.2
    assert mutagen.File(after).tags == mutagen.File(before).tags
    assert begins_with_ai(heard(after))
    assert ends_with_ai(heard(after))


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (16_000, 1), (48_000, 6)])
def test_m4a_keeps_every_packet_tag_and_cover(rate: int, channels: int, media: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "a.m4a", tmp_path / "b.m4a"
    cover: list[str | Path] = [
        "-i",
        media / "coffee.png",
        "-map",
        "0",
        "-map",
        "1",
        "-c:v",
        "copy",
        "-disposition:v:0",
        "attached_pic",
    ]
    sound = ["-ar", str(rate), "-ac", str(channels), "-c:a", "aac", "-t", "5", "-metadata", "title=题"]
    ffmpeg("-i", media / "speech.wav", *cover, *sound, before)
    after.write_bytes(marked(Medium.AUDIO, before.read_bytes(), "m4a", Style(moments=BOTH)))
    assert dict(mutagen.File(after).tags) == dict(mutagen.File(before).tags)
    sizes = [[p["size"] for p in probed(path)["packets"] if p["codec_type"] == "audio"] for path in (before, after)]
    lead = len(heard(after, rate)) // 1024 - len(sizes[0])
    assert any(sizes[1][n : n + len(sizes[0])] == sizes[0] for n in range(lead + 4))
    assert begins_with_ai(heard(after))
    assert ends_with_ai(heard(after))


# --- videos: §5.4 ----------------------------------------------------------------------------------------------------------


def shown(path: Path, seconds: float, tmp_path: Path) -> Image.Image:
    ffmpeg("-ss", str(seconds), "-i", path, "-frames:v", "1", tmp_path / "shown.png")
    return Image.open(tmp_path / "shown.png").convert("RGB")


def whites(image: Image.Image) -> int:
    """Count the near-white pixels of the lower right quarter of a quarter."""
    pixels = np.asarray(image.crop((image.width * 3 // 4, image.height * 3 // 4, image.width, image.height)).convert("L"))
    return int((pixels > 215).sum())


def test_a_video_bears_the_label_for_its_first_two_seconds(media: Path, tmp_path: Path) -> None:
    after = tmp_path / "a.mp4"
    after.write_bytes(marked(Medium.VIDEO, (media / "bunny.mp4").read_bytes(), "mp4"))
    for seconds, labelled in ((0, True), (1, True), (1.9, True), (2.1, False), (3, False)):
        before = shown(media / "bunny.mp4", seconds, tmp_path)
        assert (whites(shown(after, seconds, tmp_path)) > whites(before) + 500) == labelled, seconds
    old, new = probed(media / "bunny.mp4"), probed(after)

    def packets(probe: Any, kind: str, *keys: str) -> list[Any]:
        return sorted(
            [tuple(p.get(k) for k in keys) for p in probe["packets"] if p["codec_type"] == kind], key=lambda t: int(t[0])
        )

    assert packets(new, "video", "pts") == packets(old, "video", "pts")
    assert packets(new, "audio", "pts", "duration", "size") == packets(old, "audio", "pts", "duration", "size")
    assert [s["start_time"] for s in new["streams"]] == [s["start_time"] for s in old["streams"]]
    assert new["format"]["tags"]["encoder"] == old["format"]["tags"]["encoder"]


KEPT = (
    "codec_name",
    "codec_tag_string",
    "pix_fmt",
    "width",
    "height",
    "sample_aspect_ratio",
    "color_space",
    "color_transfer",
    "time_base",
)
CLIPS = {
    "h264.mp4": ["-c:v", "libx264", "-metadata", "title=题", "-vf", "setsar=4/3"],
    "hevc.mp4": [
        "-c:v",
        "libx265",
        "-tag:v",
        "hvc1",
        "-pix_fmt",
        "yuv420p10le",
        "-color_trc",
        "smpte2084",
        "-colorspace",
        "bt2020nc",
    ],
    "422.mov": ["-c:v", "libx264", "-pix_fmt", "yuv422p", "-timecode", "01:00:00:00", "-c:a", "pcm_s16le"],
    "444.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv444p", "-vf", "select='not(mod(n,3))+eq(mod(n,7),0)'", "-vsync", "vfr"],
    "vp9.mp4": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
    "mjpeg.mov": ["-c:v", "mjpeg", "-q:v", "3"],
}


def clip(path: Path, *options: str, source: str = "testsrc2") -> Path:
    ffmpeg("-f", "lavfi", "-i", f"{source}=s=320x240:r=25:d=3", "-f", "lavfi", "-i", "sine=d=3", *options, path)
    return path


@pytest.mark.parametrize("name", CLIPS)
def test_videos_keep_codec_format_and_times(name: str, tmp_path: Path) -> None:
    before, after = clip(tmp_path / name, *CLIPS[name]), tmp_path / f"after-{name}"
    after.write_bytes(marked(Medium.VIDEO, before.read_bytes(), name[-3:]))
    old, new = probed(before), probed(after)
    assert [{k: s.get(k) for k in KEPT} for s in new["streams"]] == [{k: s.get(k) for k in KEPT} for s in old["streams"]]
    times = [sorted(int(p["pts"]) for p in probe["packets"] if p["codec_type"] == "video") for probe in (old, new)]
    assert times[0] == times[1]
    assert new["format"].get("tags", {}).get("title") == old["format"].get("tags", {}).get("title")
    left, top, _, _ = changed(shown(before, 1, tmp_path), shown(after, 1, tmp_path), over=60)
    assert (left > 160, top > 160) == (True, True)


TURNS = {"90": (0, 1, -1, 0), "180": (-1, 0, 0, -1), "270": (0, -1, 1, 0), "mirrored": (-1, 0, 0, 1)}


@pytest.mark.parametrize("turn", TURNS)
def test_the_label_on_a_turned_video_is_upright(turn: str, tmp_path: Path) -> None:
    data = bytearray(clip(tmp_path / "a.mp4", "-c:v", "libx264", source="smptebars").read_bytes())
    a, b, c, d = TURNS[turn]
    data[(at := data.index(b"tkhd") + 44) : at + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    before, after = tmp_path / "b.mp4", tmp_path / "c.mp4"
    before.write_bytes(data)
    after.write_bytes(marked(Medium.VIDEO, bytes(data), "mp4"))
    assert probed(after)["streams"][0]["side_data_list"] == probed(before)["streams"][0]["side_data_list"]
    old, new = shown(before, 1, tmp_path), shown(after, 1, tmp_path)
    left, top, right, bottom = changed(old, new, over=60)
    assert (left > new.width // 2, top > new.height * 2 // 3) == (True, True)
    assert right - left > 1.8 * (bottom - top)


def test_a_codec_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"notice\.codec"):
        marked(Medium.VIDEO, clip(tmp_path / "a.mov", "-c:v", "prores_ks").read_bytes(), "mov")


def test_a_short_video_bears_the_label_throughout(tmp_path: Path) -> None:
    before, after = clip(tmp_path / "a.mp4", "-c:v", "libx264", "-t", "1"), tmp_path / "b.mp4"
    after.write_bytes(marked(Medium.VIDEO, before.read_bytes(), "mp4"))
    for seconds in (0, 0.9):
        assert changed(shown(before, seconds, tmp_path), shown(after, seconds, tmp_path), over=60)[0] > 160


# --- texts: §5.1 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_text_keeps_its_encoding_and_line_ends(encoding: str, newline: str) -> None:
    before = newline.join(["你好，世界", "再见"])
    after = marked(Medium.TEXT, before.encode(encoding), "text", Style(moments=BOTH)).decode(encoding)
    assert after == newline.join(["【AI生成】", "", before, "", "【AI生成】", ""])


CASES: dict[str, tuple[str, str, str]] = {
    "front matter": ("markdown", "---\na: 1\n---\n# Hi\n", "---\na: 1\n---\n\n> AI生成\n\n# Hi\n\n> AI生成\n"),
    "a rule is no front matter": ("markdown", "---\n\nHi\n\n---\n", "> AI生成\n\n---\n\nHi\n\n---\n\n> AI生成\n"),
    "open fence": ("markdown", "```py\nx", "> AI生成\n\n```py\nx\n```\n\n> AI生成\n"),
    "longer fence": ("markdown", "~~~~\n~~~\n", "> AI生成\n\n~~~~\n~~~\n~~~~\n\n> AI生成\n"),
    "open comment": ("markdown", "<!-- x", "> AI生成\n\n<!-- x\n-->\n\n> AI生成\n"),
    "body": (
        "html",
        "<title><body></title><body a='>'>x<!--</body>--></body>",
        "<title><body></title><body a='>'>N x<!--</body>-->N </body>",
    ),
    "no body": ("html", "<!doctype html><title>t</title><p>x", "<!doctype html><title>t</title>N <p>xN "),
    "open script": ("html", "<p>x<script>1", "N <p>x<script>1</script>N "),
    "body in a script": ("html", "<body><script>'</body>'</script></body>", "<body>N <script>'</body>'</script>N </body>"),
    "textarea": ("html", "<textarea><body></textarea>", "N <textarea><body></textarea>N "),
}


@pytest.mark.parametrize("case", CASES)
def test_the_label_is_seen_whatever_stands_around_it(case: str) -> None:
    name, before, expected = CASES[case]
    after = marked(Medium.TEXT, before.encode(), name, Style(moments=BOTH)).decode()
    if name == "html":
        head, *rest = after.split('\n<p role="note" class="aigc-notice"')
        after = "N ".join([head, *(r.split(">AI生成</p>\n", 1)[1] for r in rest)])
    assert after == expected


def test_html_in_another_encoding_is_written_in_ascii() -> None:
    after = marked(Medium.TEXT, "<body>中文</body>".encode("gbk"), "html")
    assert ">AI&#29983;&#25104;</p>" in after.decode("gbk")
    assert "中文</body>".encode("gbk") in after


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
@pytest.mark.parametrize("wording", ["AI生成", "AI-generated"])
@pytest.mark.parametrize("moments", [(Moment.START,), (Moment.END,), BOTH])
def test_labels_are_found_where_they_were_put(name: str, wording: str, moments: tuple[Moment, ...], media: Path) -> None:
    before = (
        (media / "document.md").read_text()
        if name != "html"
        else "<html><head><title>t</title></head><body><p>x</p></body></html>"
    )
    after = marked(Medium.TEXT, before.encode(), name, Style(moments=moments, wording=wording)).decode()
    assert text.found(before) == ()
    assert text.found(after) == moments


@pytest.mark.parametrize(("data", "name"), [(b"\xff\xfe\0", "text"), (b"\x81\x20\xff", "text")])
def test_a_text_in_no_encoding_is_malformed(data: bytes, name: str) -> None:
    with pytest.raises(Malformed, match=r"text\.encoding"):
        marked(Medium.TEXT, data, name)


def test_signs_of_markdown_in_a_wording_are_escaped() -> None:
    assert marked(Medium.TEXT, b"", "markdown", Style(wording="*AI*生成")).decode() == "> \\*AI\\*生成\n"
