"""Labels in coded sounds: packets are copied, and ffmpeg, mpg123, ogginfo, opusinfo, mutagen and a browser judge the result."""

import http.server
import io
import json
import re
import shutil
import subprocess
import threading
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import mutagen
import mutagen.mp4
import numpy as np
import pytest
from numpy.typing import NDArray

from mingwen import formats, notices
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Style
from mingwen.notices import _mp3_frames, _vorbis_setup
from mingwen.notices._insertions import later
from mingwen.notices._ogg import opened

PITCH = 1046.5
CUE = 14 * 0.12
"""Seconds of the rhythm with the pause at one side; amid the content there is another pause."""
MIDST = CUE + 3 * 0.12
EVERYWHERE = Style(moments=(Moment.START, Moment.MIDDLE, Moment.END), every_seconds=12)
SECONDS = 40
BETWEEN = (12, 24)
"""When the style repeats the label in so many seconds; the middle is near enough to one of them."""

SOUNDS: dict[str, tuple[str, list[str]]] = {
    "cbr.mp3": (
        "mp3",
        ["-ar", "44100", "-ac", "2", "-b:a", "128k", "-id3v2_version", "3", "-write_id3v1", "1", "-metadata", "title=hi"],
    ),
    "most.mp3": ("mp3", ["-ar", "48000", "-ac", "2", "-b:a", "320k"]),
    "vbr.mp3": ("mp3", ["-ar", "44100", "-ac", "2", "-q:a", "4"]),
    "separate.mp3": ("mp3", ["-ar", "32000", "-ac", "2", "-b:a", "64k", "-joint_stereo", "0", "-write_xing", "0"]),
    "mpeg2.mp3": ("mp3", ["-ar", "22050", "-ac", "1", "-b:a", "32k"]),
    "mpeg2.5.mp3": ("mp3", ["-ar", "11025", "-ac", "2", "-b:a", "24k"]),
    "mono.opus": ("opus", ["-ac", "1", "-c:a", "libopus", "-b:a", "32k"]),
    "stereo.opus": ("opus", ["-ac", "2", "-c:a", "libopus", "-b:a", "96k", "-frame_duration", "60"]),
    "surround.opus": ("opus", ["-ac", "6", "-c:a", "libopus"]),
    "mono.ogg": ("ogg", ["-ac", "1", "-c:a", "libvorbis"]),
    "stereo.ogg": ("ogg", ["-ac", "2", "-ar", "44100", "-c:a", "libvorbis", "-q:a", "5"]),
    "surround.ogg": ("ogg", ["-ac", "6", "-ar", "48000", "-c:a", "libvorbis"]),
    "native.ogg": ("ogg", ["-ac", "2", "-c:a", "vorbis", "-strict", "-2"]),
    # noise that a decoder makes up goes on where it was, and is no longer the same behind a label
    "stereo.m4a": ("m4a", ["-ar", "44100", "-ac", "2", "-c:a", "aac", "-aac_pns", "0", "-b:a", "96k"]),
    "mono.mp4": ("mp4", ["-ar", "16000", "-ac", "1", "-c:a", "aac", "-aac_pns", "0"]),
}
LOSSLESS_AGAIN = {"mp3": 2400, "ogg": 5000, "m4a": 2048, "mp4": 2048}
"""Samples behind a cut after which everything decoded is as it was; Opus comes near to it only."""


def run(*args: str | Path) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([str(a) for a in args], check=True, capture_output=True)


def marked(data: bytes, name: str, style: Style) -> bytes:
    sink = io.BytesIO()
    notices.of(Medium.AUDIO).mark(io.BytesIO(data), sink, name, style)
    return sink.getvalue()


@pytest.fixture(scope="session")
def sounds(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each of SOUNDS, and with its labelled copy beside it."""
    folder = tmp_path_factory.mktemp("sounds")
    for name, (kind, options) in SOUNDS.items():
        seconds = 8 if name.startswith("surround") else SECONDS
        run("ffmpeg", "-v", "error", "-i", media / "speech.wav", "-t", str(seconds), *options, folder / name)
        (folder / f"labelled-{name}").write_bytes(marked((folder / name).read_bytes(), kind, EVERYWHERE))
    return folder


@cache
def pcm(path: Path) -> NDArray[np.float32]:
    """Decode, as (samples, channels); nothing may be complained about but that a length is only estimated."""
    done = run("ffmpeg", "-v", "warning", "-i", path, "-map", "0:a", "-f", "f32le", "-")
    complaints = [line for line in done.stderr.decode().splitlines() if line.strip() and "Estimating duration" not in line]
    assert complaints == [], path.name
    return np.frombuffer(done.stdout, np.float32).reshape(-1, about(path)["channels"])


@cache
def about(path: Path) -> Any:
    done = run("ffprobe", "-v", "error", "-select_streams", "a", "-show_streams", "-of", "json", path)
    return json.loads(done.stdout)["streams"][0]


@cache
def hashes(path: Path) -> list[str]:
    args = ("-show_packets", "-show_data_hash", "md5", "-show_entries", "packet=data_hash", "-of", "json")
    packets = json.loads(run("ffprobe", "-v", "error", "-select_streams", "a", *args, path).stdout)["packets"]
    return [p["data_hash"] for p in packets]


def rhythms(samples: NDArray[np.float32], rate: int) -> list[float]:
    """Return where 短长 短短 begins, in seconds, by the share of the pitch in windows of 10 ms."""
    size = rate // 100
    mono = samples[:, 0]
    windows = mono[: len(mono) // size * size].reshape(-1, size)
    tone = np.abs(windows @ np.exp(-2j * np.pi * PITCH / rate * np.arange(size))) / size * 2
    heard = "".join("#" if t > 0.35 * p and p > 0.005 else "." for t, p in zip(tone, np.abs(windows).max(axis=1), strict=True))
    return [m.start() / 100 for m in re.finditer(r"#{10,14}\.{9,14}#{33,39}\.{32,39}#{10,14}\.{9,14}#{10,14}", heard)]


def inserted(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Return before which packets of the content others stand, and how many; the content's are all there, in order."""
    found, at = list[tuple[int, int]](), 0
    for packet in new:
        if at < len(old) and packet == old[at]:
            at += 1
        elif found and found[-1][0] == at:
            found[-1] = (at, found[-1][1] + 1)
        else:
            found.append((at, 1))
    assert at == len(old)
    return found


def shifted(old: NDArray[np.float32], new: NDArray[np.float32], settling: int) -> list[tuple[int, int]]:
    """Return where the decoded content differs, and by how much it is later from there; all else is identical."""
    found, at, shift = list[tuple[int, int]](), 0, 0
    while at < len(old) - settling - 4000:
        length = min(len(old) - at, len(new) - at - shift)
        differs = np.flatnonzero((old[at : at + length] != new[at + shift : at + shift + length]).any(axis=1))
        if not len(differs):
            break
        at += int(differs[0])
        probe = old[at + settling : at + settling + 2000]
        place = new[at + shift :].tobytes().find(probe.tobytes()) // (old.shape[1] * 4) - settling
        assert place > 0, f"not the same behind {at}"
        shift += place
        found.append((at, place))
        at += settling
    return found


def wanted(name: str) -> list[Moment]:
    between = [] if name.startswith("surround") else [Moment.MIDDLE] * len(BETWEEN)
    return [Moment.START, *(between or [Moment.MIDDLE]), Moment.END]


# --- every coding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOUNDS)
def test_the_packets_of_the_content_stay_as_they_are(name: str, sounds: Path) -> None:
    old, new = hashes(sounds / name), hashes(sounds / f"labelled-{name}")
    places = inserted(old, new)
    # a silent packet of a label may be the same as one of the content, so that a cut shows a packet off
    assert len(places) >= len(wanted(name))
    assert places[0][0] == 0
    assert places[-1][0] == len(old)


@pytest.mark.parametrize("name", SOUNDS)
def test_the_label_is_heard_where_it_was_asked_for(name: str, sounds: Path) -> None:
    path = sounds / f"labelled-{name}"
    rate, samples = int(about(path)["sample_rate"]), pcm(path)
    found = rhythms(samples, rate)
    assert len(found) == len(wanted(name)), found
    assert found[0] < 0.12
    assert abs(found[-1] - (len(samples) / rate - CUE + 0.36)) < 0.12
    times = BETWEEN if len(found) > 3 else (4,)
    for number, (heard, time) in enumerate(zip(found[1:-1], times, strict=True)):
        assert abs(heard - 0.36 - (time + CUE + number * MIDST)) < 0.75


@pytest.mark.parametrize("name", SOUNDS)
def test_it_is_as_long_as_content_and_labels(name: str, sounds: Path) -> None:
    old, new = pcm(sounds / name), pcm(sounds / f"labelled-{name}")
    rate, between = int(about(sounds / name)["sample_rate"]), len(wanted(name)) - 2
    frame = {"mp3": 1152 if rate >= 32_000 else 576, "opus": 2880, "ogg": 2048}.get(SOUNDS[name][0], 1024)
    more = len(new) - len(old)
    assert -frame <= more - round((2 * CUE + between * MIDST) * rate) <= frame * (len(wanted(name)) + 1)
    told = mutagen.File(sounds / f"labelled-{name}").info.length
    assert abs(told - len(new) / rate) < 0.12


@pytest.mark.parametrize("name", [n for n, (kind, _) in SOUNDS.items() if kind in LOSSLESS_AGAIN])
def test_what_is_decoded_is_identical_away_from_the_cuts(name: str, sounds: Path) -> None:
    settling = LOSSLESS_AGAIN[SOUNDS[name][0]]
    old, new = pcm(sounds / name), pcm(sounds / f"labelled-{name}")
    cuts = shifted(old, new, settling)
    assert len(cuts) == len(wanted(name)) - 1
    assert cuts[0][0] < settling


@pytest.mark.parametrize("name", [n for n, (kind, _) in SOUNDS.items() if kind == "opus"])
def test_opus_begins_as_it_did_and_comes_back_to_itself_behind_a_label(name: str, sounds: Path) -> None:
    old, new = pcm(sounds / name), pcm(sounds / f"labelled-{name}")
    each = 2880 if name == "stereo.opus" else 960
    places = inserted(hashes(sounds / name), hashes(sounds / f"labelled-{name}"))
    first = places[0][1] * each
    until = places[1][0] * each - 312
    assert np.abs(old[:until] - new[first : first + until]).max() < 1e-6
    shift = 0
    for (place, count), (after, _) in pairwise(places):
        shift += count * each
        here, there = place * each + 48_000 // 2, min(after * each - 400, len(old))
        if there > here:
            assert np.sqrt(np.square(old[here:there] - new[here + shift : there + shift]).mean()) < 2e-3


@pytest.mark.parametrize("name", [n for n in SOUNDS if not n.startswith("surround")])
def test_an_end_alone_is_exact_to_the_sample(name: str, sounds: Path) -> None:
    kind = SOUNDS[name][0]
    after = sounds / f"end-{name}"
    after.write_bytes(marked((sounds / name).read_bytes(), kind, Style(moments=(Moment.END,))))
    old, new, rate = pcm(sounds / name), pcm(after), int(about(after)["sample_rate"])
    told = {"m4a": 1024, "mp4": 1024}.get(kind, 3000 if name == "separate.mp3" else 1)
    assert abs(len(new) - len(old) - round(CUE * rate)) <= told
    assert len(rhythms(new, rate)) == 1


@pytest.mark.parametrize("name", [n for n, (kind, _) in SOUNDS.items() if kind in {"ogg", "opus"}])
def test_ogg_tools_find_nothing_wrong(name: str, sounds: Path) -> None:
    judge = "opusinfo" if SOUNDS[name][0] == "opus" else "ogginfo"
    said = run(judge, sounds / f"labelled-{name}").stdout.decode()
    assert not re.search("warning|error|hole|negative|gap", said, re.IGNORECASE), said


@pytest.mark.skipif(shutil.which("mpg123") is None, reason="no mpg123")
@pytest.mark.parametrize("name", [n for n, (kind, _) in SOUNDS.items() if kind == "mp3"])
def test_mpg123_finds_nothing_wrong_and_hears_as_much(name: str, sounds: Path) -> None:
    path = sounds / f"labelled-{name}"
    done = run("mpg123", "-q", "-s", path)
    assert done.stderr == b""
    assert abs(len(done.stdout) // 2 // about(path)["channels"] - len(pcm(path))) <= 2304


@pytest.mark.parametrize("name", SOUNDS)
def test_the_label_for_machines_goes_in_behind(name: str, sounds: Path) -> None:
    path = sounds / f"labelled-{name}"
    with path.open("rb") as source:
        member = next(f for f in formats.every() if f.name == SOUNDS[name][0])
        assert not member.body().read(source).unread
        assert member.claims(path.read_bytes()[:64], path.suffix)


# --- chapters and lengths that are written down ---------------------------------------------------------------------------


CHAPTERS = """;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=0
END=15000
title=一
[CHAPTER]
TIMEBASE=1/1000
START=15000
END=40000
title=二
"""


@pytest.mark.parametrize("name", ["cbr.mp3", "stereo.m4a", "mono.opus", "mono.ogg"])
def test_chapters_begin_where_their_content_is_heard(name: str, sounds: Path, tmp_path: Path) -> None:
    (tmp_path / "chapters.txt").write_text(CHAPTERS)
    before, after = tmp_path / f"a-{name}", tmp_path / f"b-{name}"
    chapters = ("-i", tmp_path / "chapters.txt", "-map_chapters", "1")
    run("ffmpeg", "-v", "error", "-i", sounds / name, *chapters, "-c", "copy", before)
    if name.endswith("ogg"):
        comments = "CHAPTER000=00:00:00.000\nCHAPTER000NAME=一\nCHAPTER001=00:00:15.000\nCHAPTER001NAME=二\n"
        subprocess.run(["vorbiscomment", "-R", "-w", before], input=comments.encode(), check=True)
    style = Style(moments=(Moment.START, Moment.END), every_seconds=10)
    after.write_bytes(marked(before.read_bytes(), SOUNDS[name][0], style))
    told = json.loads(run("ffprobe", "-v", "error", "-show_chapters", "-of", "json", after).stdout)["chapters"]
    starts = [float(chapter["start_time"]) for chapter in told]
    assert starts[0] == 0
    assert abs(starts[1] - (15 + CUE + MIDST)) < 0.15
    assert [chapter["tags"]["title"] for chapter in told] == ["一", "二"]


def test_chapters_whose_times_cannot_be_changed_are_refused(sounds: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    (tmp_path / "chapters.txt").write_text(CHAPTERS)
    chapters = ("-i", tmp_path / "chapters.txt", "-map_chapters", "1")
    run("ffmpeg", "-v", "error", "-i", sounds / "cbr.mp3", *chapters, "-c", "copy", "-id3v2_version", "3", path)
    data = bytearray(path.read_bytes())
    data[5] |= 0x80
    with pytest.raises(Refused, match=r"notice\.chapters"):
        marked(bytes(data), "mp3", EVERYWHERE)


def test_what_stands_before_a_label_stays_and_what_stands_behind_moves() -> None:
    assert [later(t, [(0, 2.0), (10, 3.0)]) for t in (0, 1, 10, 11)] == [0, 3, 12, 16]


def test_a_tag_for_gapless_playing_stays_true(sounds: Path) -> None:
    for name in ("cbr.mp3", "vbr.mp3"):
        old, new = ((sounds / n).read_bytes() for n in (name, f"labelled-{name}"))
        at = [max(data.find(b"Info"), data.find(b"Xing")) for data in (old, new)]
        frames = [int.from_bytes(data[a + 8 : a + 12], "big") for data, a in zip((old, new), at, strict=True)]
        size = [int.from_bytes(data[a + 12 : a + 16], "big") for data, a in zip((old, new), at, strict=True)]
        assert frames[1] + 1 == len(hashes(sounds / f"labelled-{name}")) + 1
        assert size[1] - size[0] == len(new) - len(old)
        gain = slice(at[0] + 120 + 11, at[0] + 120 + 19)
        assert new[at[1] + 131 : at[1] + 139] == old[gain]


def test_itunes_lengths_are_corrected(sounds: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes((sounds / "stereo.m4a").read_bytes())
    tags = mutagen.File(path)
    samples = SECONDS * 44_100
    said = f" 00000000 00000400 {-(1024 + samples) % 1024:08X} {samples:016X}" + " 00000000" * 8
    freeform: Any = mutagen.mp4.MP4FreeForm
    tags["----:com.apple.iTunes:iTunSMPB"] = [freeform(said.encode())]
    tags.save()
    (tmp_path / "b.m4a").write_bytes(marked(path.read_bytes(), "m4a", EVERYWHERE))
    new = bytes(mutagen.File(tmp_path / "b.m4a")["----:com.apple.iTunes:iTunSMPB"][0]).split()
    assert int(new[1], 16) == 1024
    assert abs(int(new[3], 16) - (samples + round((2 * CUE + 2 * MIDST) * 44_100))) <= 1024 * 4
    assert (int(new[1], 16) + int(new[2], 16) + int(new[3], 16)) % 1024 == 0


# --- odd files --------------------------------------------------------------------------------------------------------------


def frames(data: bytes) -> tuple[int, _mp3_frames.Track]:
    source = io.BytesIO(data)
    begin, stop, _ = _mp3_frames.extent(source)
    start, first = _mp3_frames.first_frame(source, begin, stop)
    return start, _mp3_frames.walked(source, start, stop, first)


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_an_mp3_of_a_few_frames(kept: int, sounds: Path, tmp_path: Path) -> None:
    data = (sounds / "separate.mp3").read_bytes()
    start, track = frames(data)
    _, few = _mp3_frames.around(io.BytesIO(data), track, 0, reach=kept)
    content = b"".join(frame for _, frame in few[:kept])
    out = tmp_path / "a.mp3"
    out.write_bytes(marked(content, "mp3", Style(moments=(Moment.START, Moment.MIDDLE, Moment.END))))
    assert len(rhythms(pcm(out), 32_000)) == 3
    assert start < len(data)


def test_a_frame_that_is_cut_off_stays_last(sounds: Path) -> None:
    data = (sounds / "separate.mp3").read_bytes()
    _, track = frames(data)
    torn = data[: track.stop - 100]
    out = marked(torn, "mp3", Style(moments=(Moment.END,)))
    _, whole = frames(torn)
    assert torn[whole.stop :]
    assert out.endswith(torn[whole.stop :])
    assert out.startswith(torn[: whole.stop])


def test_tags_at_the_end_stay_there(sounds: Path) -> None:
    data = (sounds / "cbr.mp3").read_bytes()
    assert data[-128:-125] == b"TAG"
    ape = b"APETAGEX" + (2000).to_bytes(4, "little") + (32).to_bytes(4, "little") + bytes(16)
    both = data[:-128] + ape + data[-128:]
    assert marked(both, "mp3", Style(moments=(Moment.END,))).endswith(ape + data[-128:])


def test_bytes_that_a_first_frame_lacks_are_not_taken_from_the_label(sounds: Path, tmp_path: Path) -> None:
    data = (sounds / "most.mp3").read_bytes()
    _, track = frames(data)
    first, stretch = _mp3_frames.around(io.BytesIO(data), track, 40, reach=30)
    lacking = next(n for n, (_, d) in enumerate(stretch) if n > 3 and _mp3_frames.Frame(d[:4]).borrowed(d) > 80)
    out = tmp_path / "a.mp3"
    out.write_bytes(marked(data[stretch[lacking][0] :], "mp3", Style()))
    assert first >= 0
    decoded = np.frombuffer(run("ffmpeg", "-v", "quiet", "-i", out, "-f", "f32le", "-").stdout, np.float32)
    assert np.abs(decoded[int(1.7 * 96_000) : int(1.9 * 96_000)]).max() < 0.5


def test_a_free_bit_rate_is_refused() -> None:
    with pytest.raises(Refused, match=r"notice\.codec"):
        marked((b"\xff\xfb\x00\x40" + bytes(1000)) * 8, "mp3", Style())


@pytest.mark.parametrize("name", ["mono.opus", "mono.ogg"])
def test_no_sound_at_all_is_labelled(name: str, sounds: Path, tmp_path: Path) -> None:
    before, after = tmp_path / f"a-{name}", tmp_path / f"b-{name}"
    data = (sounds / name).read_bytes()
    headers = 2 if name.endswith("opus") else 3
    stream = opened(io.BytesIO(data), b"OpusHead" if headers == 2 else b"\1vorbis", headers)
    before.write_bytes(data[: stream.body])
    after.write_bytes(marked(before.read_bytes(), SOUNDS[name][0], Style(moments=(Moment.START, Moment.END))))
    assert len(rhythms(pcm(after), int(about(after)["sample_rate"]))) == 1


@pytest.mark.parametrize("name", ["mono.opus", "mono.ogg"])
def test_a_chain_is_refused(name: str, sounds: Path) -> None:
    data = (sounds / name).read_bytes()
    with pytest.raises(Refused, match=r"notice\.streams"):
        marked(data + data, SOUNDS[name][0], Style())


def test_other_codecs_in_ogg_are_refused(media: Path, tmp_path: Path) -> None:
    run("ffmpeg", "-v", "error", "-i", media / "speech.wav", "-t", "2", "-c:a", "flac", tmp_path / "a.oga")
    with pytest.raises(Refused, match=r"notice\.codec"):
        marked((tmp_path / "a.oga").read_bytes(), "ogg", Style())


@pytest.mark.parametrize("name", ["cbr.mp3", "mono.opus", "stereo.ogg", "native.ogg", "mono.mp4"])
def test_torn_and_damaged_files_raise_nothing_of_others(name: str, sounds: Path) -> None:
    data, chance = (sounds / name).read_bytes()[:60_000], np.random.default_rng(len(name))
    for _ in range(25):
        broken = bytearray(data[: chance.integers(len(data))])
        for at in chance.integers(0, max(min(len(broken), 6_000), 1), chance.integers(12)):
            broken[at : at + 1] = bytes([chance.integers(256)])
        try:
            marked(bytes(broken), SOUNDS[name][0], EVERYWHERE)
        except MingwenError:
            continue


def test_codebooks_without_end_are_refused() -> None:
    huge = b"\5vorbis\0" + b"BCV" + (0xFFFF).to_bytes(2, "little") + (0xFFFFFF).to_bytes(3, "little") + bytes(100)
    first = b"\1vorbis" + bytes(4) + b"\1" + (44_100).to_bytes(4, "little") + bytes(12) + b"\xb8\1"
    with pytest.raises(Malformed, match=r"ogg\.broken"):
        _vorbis_setup.setup((first, b"", huge))


# --- a browser --------------------------------------------------------------------------------------------------------------


PAGE = """<script>
(async () => {
  const said = {};
  for (const name of %s) {
    const sound = new Audio(name);
    said[name] = await new Promise(heard => {
      sound.onended = () => heard({seconds: sound.currentTime, duration: sound.duration});
      sound.onerror = () => heard({error: sound.error.message});
      sound.playbackRate = 16;
      sound.play().catch(e => heard({error: String(e)}));
    });
  }
  await fetch("/said", {method: "POST", body: JSON.stringify(said)});
})();
</script>"""


@pytest.fixture
def browser(sounds: Path, tmp_path: Path) -> dict[str, Any]:
    """Play every labelled file to its end, and say what happened."""
    names = [f"labelled-{name}" for name in SOUNDS]
    (sounds / "index.html").write_text(PAGE % json.dumps(names))
    said: dict[str, Any] = {}
    done = threading.Event()

    class Answering(http.server.SimpleHTTPRequestHandler):
        def do_POST(self) -> None:
            said.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Answering, directory=str(sounds)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required", "--mute-audio")
    url = f"http://127.0.0.1:{server.server_port}/index.html"
    arguments = ("chromium", *flags, f"--user-data-dir={tmp_path}/profile", "--remote-debugging-port=0", url)
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        done.wait(180)
        process.terminate()
    server.shutdown()
    server.server_close()
    thread.join()
    return said


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser")
def test_a_browser_plays_everything_to_its_end(browser: dict[str, Any], sounds: Path) -> None:
    for name in SOUNDS:
        told = browser[f"labelled-{name}"]
        assert "error" not in told, (name, told)
        path = sounds / f"labelled-{name}"
        heard = len(pcm(path)) / int(about(path)["sample_rate"])
        assert abs(told["seconds"] - heard) < 0.35, (name, told)
        assert abs(told["duration"] - heard) < 0.35, (name, told)
