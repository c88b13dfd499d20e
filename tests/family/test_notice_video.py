"""Labels in films: what is made anew, what stays, and whether players take it; judged by ffmpeg, ffprobe and Chromium."""

import base64
import io
import json
import random
import shutil
import subprocess
import threading
from collections import defaultdict
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from mingwen import notices
from mingwen.domain.errors import MingwenError, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Style

Packets: TypeAlias = dict[int, list[dict[str, Any]]]
Frames: TypeAlias = NDArray[np.uint8]

RATE, SECONDS, GROUP = 25, 8, 25
WIDTH, HEIGHT = 320, 240
LABELLED = 2 * RATE
"""Frames that bear the label at one moment."""
SEAM = 40.0
"""Decibels below which a new picture would be told from its neighbours."""
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-g", str(GROUP), "-crf", "20"]
X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "22", "-x265-params"]
VPX9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-g", str(GROUP)]
SVT = ["-c:v", "libsvtav1", "-preset", "12", "-g", str(GROUP), "-crf", "30"]
AOM = ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-g", str(GROUP), "-b:v", "1M"]
HDR = "hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400"

CLIPS: dict[str, tuple[str, list[str]]] = {
    "h264": ("mp4", [*X264]),
    "h264 in mov": ("mov", [*X264, "-pix_fmt", "yuv422p10le", "-bf", "3"]),
    "h264 in mkv": ("mkv", [*X264, "-bf", "3"]),
    "h264 baseline": ("mp4", [*X264, "-profile:v", "baseline"]),
    "h264 fragmented": ("mp4", [*X264, "-movflags", "frag_keyframe+empty_moov+default_base_moof"]),
    "h264 faststart": ("mp4", [*X264, "-movflags", "faststart"]),
    "h264 full range": ("mp4", [*X264, "-pix_fmt", "yuvj420p", "-colorspace", "bt709"]),
    "h264 4:4:4 of varying rate": (
        "mp4",
        [*X264, "-pix_fmt", "yuv444p", "-vf", "select='mod(n,3)+eq(mod(n,7),0)'", "-fps_mode", "vfr"],
    ),
    "h264 interlaced": ("mp4", [*X264, "-flags", "+ildct+ilme", "-vf", "setfield=tff", "-x264-params", "tff=1"]),
    "h264 anamorphic": ("mp4", [*X264, "-vf", "setsar=4/3"]),
    "hevc of open groups": ("mp4", [*X265, f"log-level=error:keyint={GROUP}:open-gop=1:bframes=4", "-tag:v", "hvc1"]),
    "hevc of open groups in mkv": ("mkv", [*X265, f"log-level=error:keyint={GROUP}:open-gop=1:bframes=4"]),
    "hevc of closed groups": ("mov", [*X265, f"log-level=error:keyint={GROUP}:open-gop=0", "-tag:v", "hvc1"]),
    "hevc with HDR10": (
        "mp4",
        [*X265, f"log-level=error:keyint={GROUP}:{HDR}", "-pix_fmt", "yuv420p10le", "-color_trc", "smpte2084"],
    ),
    "vp9": ("mp4", VPX9),
    "vp9 in webm": ("webm", VPX9),
    "vp8 in webm": ("webm", ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-8", "-b:v", "2M", "-g", str(GROUP)]),
    "av1": ("mp4", SVT),
    "av1 in mkv": ("mkv", AOM),
    "av1 in webm": ("webm", AOM),
    "mjpeg": ("mov", ["-c:v", "mjpeg", "-q:v", "3"]),
}

KEPT = (
    *(
        "codec_name",
        "codec_tag_string",
        "profile",
        "pix_fmt",
        "width",
        "height",
        "sample_aspect_ratio",
        "field_order",
        "color_range",
    ),
    *(
        "color_range",
        "color_space",
        "color_transfer",
        "color_primaries",
        "r_frame_rate",
        "time_base",
        "duration_ts",
        "start_time",
        "tags",
    ),
)


def ffmpeg(*args: str | Path) -> bytes:
    return subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, args)], check=True, capture_output=True).stdout


def clip(path: Path, *options: str | Path, seconds: float = SECONDS) -> Path:
    """A film with sound, a title, two chapters, and subtitles where the format takes them."""
    folder = path.parent
    (folder / "marks.txt").write_text(
        ";FFMETADATA1\ntitle=题\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2500\ntitle=one\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=2500\nEND=8000\ntitle=two\n"
    )
    (folder / "words.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nhello\n\n2\n00:00:05,000 --> 00:00:06,000\nthere\n")
    kind = path.suffix[1:]
    sound = ["-c:a", "libopus" if kind == "webm" else "aac", "-ac", "1"]
    words = {"mp4": "mov_text", "mov": "mov_text", "mkv": "srt", "webm": "webvtt"}[kind]
    picture = f"testsrc2=s={WIDTH}x{HEIGHT}:r={RATE}:d={seconds}"
    inputs: list[str | Path] = [
        "-f",
        "lavfi",
        "-i",
        picture,
        "-f",
        "lavfi",
        "-i",
        f"sine=d={seconds}",
        "-i",
        folder / "marks.txt",
    ]
    inputs += ["-i", folder / "words.srt", "-map", "0", "-map", "1", "-map", "3", "-map_metadata", "2"]

    ffmpeg(*inputs, *options, *sound, "-c:s", words, path)
    return path


def marked(path: Path, style: Style | None = None) -> tuple[Path, str]:
    after = path.with_name(f"after{path.suffix}")
    with path.open("rb") as source, after.open("w+b") as sink:
        note = notices.of(Medium.VIDEO).mark(source, sink, path.suffix[1:], style or Style())
    return after, note


def probed(path: Path, *what: str) -> Any:
    args = ["ffprobe", "-v", "error", *what, "-of", "json", str(path)]
    return json.loads(subprocess.run(args, check=True, capture_output=True).stdout)


def packets(path: Path) -> Packets:
    out: Packets = defaultdict(list)
    for packet in probed(path, "-show_packets", "-show_data_hash", "md5")["packets"]:
        out[packet["stream_index"]].append({k: v for k, v in packet.items() if k != "pos"})
    return out


def frames(path: Path, kind: str = "gray") -> Frames:
    raw = ffmpeg(
        "-i",
        path,
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-pix_fmt",
        kind,
        "-s",
        f"{WIDTH}x{HEIGHT}",
        "-",
    )
    return np.frombuffer(raw, np.uint8).reshape(-1, HEIGHT, WIDTH)


def warnings(path: Path) -> str:
    """Return what ffmpeg has to say while it decodes all, and while it copies the pictures elsewhere."""
    everything = [
        "ffmpeg",
        "-v",
        "warning",
        "-y",
        "-i",
        str(path),
        "-map",
        "0:v",
        "-map",
        "0:a?",
        "-fps_mode",
        "passthrough",
        "-f",
        "null",
        "-",
    ]
    copied = ["ffmpeg", "-v", "warning", "-y", "-i", str(path), "-map", "0:v", "-c", "copy", str(path.with_name("copied.mkv"))]
    return "".join(subprocess.run(c, check=True, capture_output=True).stderr.decode() for c in (everything, copied))


def decibels(a: Frames, b: Frames) -> list[float]:
    error = ((a.astype(np.float64) - b) ** 2).mean(axis=(1, 2))
    return [99.0 if e == 0 else float(10 * np.log10(255**2 / e)) for e in error]


def bears(a: Frames, b: Frames) -> list[bool]:
    """Say for each frame whether its lower right quarter differs as a label does."""
    difference = np.abs(a[:, HEIGHT // 2 :, WIDTH // 2 :].astype(int) - b[:, HEIGHT // 2 :, WIDTH // 2 :])
    return [bool((d > 60).sum() > 100) for d in difference]


def replaced(old: Packets, new: Packets) -> list[int]:
    """Return the numbers of the pictures' packets that are not the same, once all else is seen to be."""
    assert old.keys() == new.keys()
    pictures = next(index for index, some in old.items() if some[0]["codec_type"] == "video")
    for index in old.keys() - {pictures}:
        assert new[index] == old[index]
    assert sorted(int(p["pts"]) for p in new[pictures]) == sorted(int(p["pts"]) for p in old[pictures])
    return [n for n, (a, b) in enumerate(zip(old[pictures], new[pictures], strict=True)) if a["data_hash"] != b["data_hash"]]


@pytest.mark.parametrize("name", CLIPS)
def test_only_the_groups_under_the_label_are_made_anew(name: str, tmp_path: Path) -> None:
    kind, options = CLIPS[name]
    before = clip(tmp_path / f"before.{kind}", *options)
    after, note = marked(before, Style(moments=(Moment.START, Moment.END)))
    assert "the whole film" not in note
    old, new = frames(before), frames(after)
    count = len(old)
    assert len(new) == count
    anew = int(note.split("re-encoded ")[1].split()[0])
    assert count // 4 < count - anew
    assert len(replaced(packets(before), packets(after))) <= anew
    assert warnings(after) == ""
    times = sorted(float(p["pts_time"]) for p in probed(before, "-show_packets", "-select_streams", "v")["packets"])
    expected = [t < times[0] + 2 or t > times[-1] - 1.9 for t in times]
    seen = bears(old, new)
    assert [s for t, s in zip(times, seen, strict=True) if t > times[-1] - 1.9 or t < times[-1] - 2.3] == [
        e for t, e in zip(times, expected, strict=True) if t > times[-1] - 1.9 or t < times[-1] - 2.3
    ]
    quality = decibels(old[:, : HEIGHT // 2], new[:, : HEIGHT // 2])
    assert min(quality) > SEAM
    assert sum(q == 99.0 for q in quality) >= count - anew
    old_facts, new_facts = (probed(path, "-show_streams", "-show_format", "-show_chapters") for path in (before, after))
    assert [{k: s.get(k) for k in KEPT} for s in new_facts["streams"]] == [
        {k: s.get(k) for k in KEPT} for s in old_facts["streams"]
    ]
    assert new_facts["chapters"] == old_facts["chapters"]
    assert new_facts["format"].get("tags") == old_facts["format"].get("tags")


def test_the_middle_bears_the_label_too(tmp_path: Path) -> None:
    before = clip(tmp_path / "before.mp4", *X264, seconds=12)
    after, _ = marked(before, Style(moments=(Moment.MIDDLE,)))
    old, new = frames(before), frames(after)
    seen = [n for n, some in enumerate(bears(old, new)) if some]
    assert seen == [*range(50), *range(125, 175)]
    assert len(replaced(packets(before), packets(after))) <= 50 + 50


@pytest.mark.parametrize("persistent", [False, True])
def test_the_light_of_hdr_is_told_on(persistent: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    before = clip(tmp_path / "before.mp4", *CLIPS["hevc with HDR10"][1], seconds=3)
    after, _ = marked(before, Style(persistent=persistent))
    first = ["-show_frames", "-read_intervals", "%+#1", "-select_streams", "v"]
    told = [{s["side_data_type"]: s for s in probed(path, *first)["frames"][0]["side_data_list"]} for path in (before, after)]
    for kind in ("Mastering display metadata", "Content light level metadata"):
        assert told[0][kind] == told[1][kind]


@pytest.mark.parametrize("turn", ["0", "90", "180", "270"])
def test_a_turned_film_is_spliced_and_its_label_upright(turn: str, tmp_path: Path) -> None:
    plain = clip(tmp_path / "plain.mp4", *X264, seconds=4)
    before = tmp_path / "before.mp4"
    ffmpeg("-i", plain, "-map", "0", "-c", "copy", "-metadata:s:v:0", f"rotate={turn}", before)
    after, note = marked(before)
    assert "re-encoded 50 of 100 pictures" in note
    shots = []
    for path in (before, after):
        size = (WIDTH, HEIGHT) if turn in ("0", "180") else (HEIGHT, WIDTH)
        raw = ffmpeg("-ss", "1", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-")
        shots.append(np.frombuffer(raw, np.uint8).reshape(size[1], size[0]).astype(int))
    rows, columns = np.nonzero(np.abs(shots[0] - shots[1]) > 60)
    assert rows.min() > shots[0].shape[0] * 2 // 3
    assert columns.min() > shots[0].shape[1] // 2
    assert columns.max() - columns.min() > 1.8 * (rows.max() - rows.min())


def test_a_film_of_open_groups_in_h264_is_made_anew_to_its_next_entry(tmp_path: Path) -> None:
    before = clip(tmp_path / "before.mp4", *X264, "-x264-params", "open-gop=1:bframes=3:b-adapt=0", seconds=4)
    after, note = marked(before)
    assert "re-encoded 100 of 100 pictures" in note
    assert warnings(after) == ""
    assert sum(bears(frames(before), frames(after))) == LABELLED


def test_the_label_begins_with_what_is_shown(tmp_path: Path) -> None:
    """An edit list hides the first second: the label stands from 1 s to 3 s of what is coded."""
    plain = clip(tmp_path / "plain.mp4", *X264[:-4], "-g", "100", seconds=8)
    before = tmp_path / "before.mp4"
    ffmpeg("-ss", "1", "-i", plain, "-map", "0:v", "-c", "copy", before)
    after, _ = marked(before)
    old, new = frames(before), frames(after)
    assert sum(bears(old, new)) == LABELLED
    assert (
        probed(after, "-show_streams")["streams"][0]["start_time"] == probed(before, "-show_streams")["streams"][0]["start_time"]
    )


@pytest.mark.parametrize("count", [1, 2, 20])
@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_films_shorter_than_the_label_bear_it_throughout(count: int, kind: str, tmp_path: Path) -> None:
    before = tmp_path / f"before.{kind}"
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={WIDTH}x{HEIGHT}:r={RATE}", "-frames:v", str(count), *X264, before)
    after, note = marked(before)
    assert f"re-encoded {count} of {count} pictures" in note
    assert bears(frames(before), frames(after)) == [True] * count


LONG_LABELS = {"mp4": X264, "mkv": [*X265, "log-level=error"], "webm": VPX9, "mov": X264}


@pytest.mark.parametrize("kind", LONG_LABELS)
def test_a_label_may_stand_all_along(kind: str, tmp_path: Path) -> None:
    before = clip(tmp_path / f"before.{kind}", *LONG_LABELS[kind], seconds=3)
    after, note = marked(before, Style(persistent=True))
    assert "re-encoded the whole film, since the label stands on every picture" in note
    assert bears(frames(before), frames(after)) == [True] * 75
    assert min(decibels(frames(before)[:, : HEIGHT // 2], frames(after)[:, : HEIGHT // 2])) > SEAM - 4
    old, new = packets(before), packets(after)
    assert [[p["data_hash"] for p in new[n]] for n in (1, 2)] == [[p["data_hash"] for p in old[n]] for n in (1, 2)]
    titles = [[c["tags"]["title"] for c in probed(path, "-show_chapters")["chapters"]] for path in (before, after)]
    assert titles[0] == titles[1] == ["one", "two"]
    assert probed(after, "-show_format")["format"]["tags"]["title"] == "题"


def test_a_codec_that_cannot_be_spliced_is_made_anew_and_that_is_said(tmp_path: Path) -> None:
    before = clip(tmp_path / "before.mp4", "-c:v", "mpeg4", "-q:v", "3", seconds=3)
    after, note = marked(before)
    assert "re-encoded the whole film, since mpeg4 cannot be spliced" in note
    assert [n for n, seen in enumerate(bears(frames(before), frames(after))) if seen] == [*range(LABELLED)]


def test_pixels_that_no_encoder_takes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"notice\.pixels"):
        marked(clip(tmp_path / "before.webm", *AOM, "-pix_fmt", "yuv444p", seconds=1))


@pytest.mark.parametrize("name", ["h264", "hevc of open groups in mkv", "av1 in webm"])
def test_broken_films_raise_only_our_errors(name: str, tmp_path: Path) -> None:
    kind, options = CLIPS[name]
    data, chance = clip(tmp_path / f"before.{kind}", *options, seconds=2).read_bytes(), random.Random(name)
    for _ in range(12):
        broken = bytearray(data[: chance.choice([len(data), chance.randrange(len(data))])])
        for _ in range(chance.randrange(40)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        with suppress(MingwenError):
            notices.of(Medium.VIDEO).mark(io.BytesIO(bytes(broken)), io.BytesIO(), kind, Style())


# --- a browser ----------------------------------------------------------------------------------------------------------------

PAGE = """<!doctype html><video muted autoplay src="data:video/{kind};base64,{data}"></video><script>
const video = document.querySelector("video"), say = what => fetch("/said", {{method: "POST", body: what}});
video.onended = () => {{ const q = video.getVideoPlaybackQuality();
  say(JSON.stringify([video.currentTime, video.duration, q.totalVideoFrames, video.videoWidth])); }};
video.onerror = () => say(JSON.stringify(video.error.message));
video.playbackRate = 2; video.play();
</script>"""


def played(path: Path, folder: Path) -> Any:
    """Return what Chromium says at the end of a film: when it was, how long it is, how many frames came, how wide."""
    page = PAGE.format(kind=path.suffix[1:], data=base64.b64encode(path.read_bytes()).decode()).encode()
    said: list[bytes] = []
    heard = threading.Event()

    class Room(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def do_POST(self) -> None:
            said.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()
            heard.set()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that it has
            pass

    server = HTTPServer(("127.0.0.1", 0), Room)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
    url = f"http://127.0.0.1:{server.server_port}/"
    browser = subprocess.Popen(
        ["chromium", *flags, f"--user-data-dir={folder}/profile", "--remote-debugging-port=0", url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert heard.wait(50), "the browser said nothing"
    finally:
        browser.terminate()
        browser.wait(20)
        server.shutdown()
        server.server_close()
    return json.loads(said[0])


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser")
@pytest.mark.parametrize("name", ["h264", "vp9 in webm", "av1 in webm"])
def test_a_browser_plays_it_to_the_end(name: str, tmp_path: Path) -> None:
    kind, options = CLIPS[name]
    after, _ = marked(clip(tmp_path / f"before.{kind}", *options, seconds=5), Style(moments=(Moment.START, Moment.END)))
    now, length, count, width = played(after, tmp_path)
    assert now == pytest.approx(length, abs=0.1)
    assert length > 4.9
    assert (count > 60, width) == (True, WIDTH)
