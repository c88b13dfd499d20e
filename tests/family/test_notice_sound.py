"""Labels that are heard: as loud as the programme, and sample-exact where samples can be kept. Judges: ffmpeg, flac, metaflac."""

import contextlib
import io
import random
import re
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mingwen import notices
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Moment, Rhythm, Style
from mingwen.notices import _flac_frames, _loudness
from mingwen.notices._cue import cue, times

ALL = tuple(Moment)
UNITS = {Moment.START: 14, Moment.MIDDLE: 17, Moment.END: 14}
"""Of 0.12 s: the rhythm, and the pause on one side or both."""


def ffmpeg(*args: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["ffmpeg", "-hide_banner", "-nostats", "-y", *map(str, args)], check=True, capture_output=True)


def made(path: Path, *options: str | Path) -> Path:
    ffmpeg("-v", "error", *options, path)
    return path


def marked(path: Path, style: Style, name: str = "") -> tuple[Path, str]:
    out = path.with_name(f"marked{path.suffix}")
    with path.open("rb") as source, out.open("w+b") as sink:
        note = notices.of(Medium.AUDIO).mark(source, sink, name or path.suffix[1:], style)
    return out, note


def samples(path: Path, form: str = "s32le") -> NDArray[Any]:
    kinds = {"s32le": "<i4", "s16le": "<i2", "f64le": "<f8", "u8": "u1"}
    run = ffmpeg("-v", "warning", "-i", path, "-f", form, "-")
    assert not [line for line in run.stderr.splitlines() if b"Guessed Channel Layout" not in line]
    channels = int(probed(path, "channels"))
    return np.frombuffer(run.stdout, kinds[form]).reshape(-1, channels)


def probed(path: Path, what: str) -> str:
    run = ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", f"stream={what}", "-of", "csv=p=0", str(path)]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip().splitlines()[0]


def judged(path: Path) -> tuple[float, float]:
    """Return loudness and true peak as ffmpeg measures them."""
    told = ffmpeg("-i", path, "-af", "ebur128=peak=true", "-f", "null", "-").stderr.decode()
    return float(re.findall(r"I:\s+(\S+) LUFS", told)[-1]), float(re.findall(r"Peak:\s+(\S+) dBFS", told)[-1])


def ours(path: Path) -> float:
    import av  # noqa: PLC0415 - one test

    with av.open(str(path)) as content:
        stream = content.streams.audio[0]
        weights = _loudness.channel_weights([c.name for c in stream.codec_context.layout.channels])
        blocks = _loudness.powers((_loudness.as_floats(f) for f in content.decode(stream)), stream.rate, weights)
    return _loudness.lufs(blocks) or -70.0


def wav(path: Path, sound: NDArray[np.float64], rate: int) -> Path:
    (path.with_suffix(".raw")).write_bytes(sound.astype("<f4").tobytes())
    return made(path, "-f", "f32le", "-ar", str(rate), "-ac", str(sound.shape[1]), "-i", path.with_suffix(".raw"))


# --- loudness: EBU R 128, EBU Tech 3341 --------------------------------------------------------------------------------------

STEPS: dict[str, tuple[list[tuple[float, float]], float]] = {
    "1: −23 LUFS": ([(-23, 20)], -23),
    "2: −33 LUFS": ([(-33, 20)], -33),
    "3: the relative gate": ([(-36, 10), (-23, 60), (-36, 10)], -23),
    "4: the absolute gate": ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
    "5: in between": ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
}


@pytest.mark.parametrize("case", STEPS)
def test_loudness_of_the_cases_of_ebu_tech_3341(case: str) -> None:
    rate, (steps, expected) = 48_000, STEPS[case]
    tones = [10 ** (level / 20) * np.sin(2 * np.pi * 1000 * np.arange(round(s * rate)) / rate) for level, s in steps]
    stereo = np.tile(np.concatenate(tones), (2, 1))
    assert abs((_loudness.lufs(_loudness.powers([stereo], rate, (1, 1))) or 0) - expected) < 0.1
    pieces = [stereo[:, at : at + 77_777] for at in range(0, stereo.shape[1], 77_777)]
    assert _loudness.lufs(_loudness.powers(pieces, rate, (1, 1))) == _loudness.lufs(_loudness.powers([stereo], rate, (1, 1)))


@pytest.mark.parametrize(
    "options",
    [
        ["-ar", "8000"],
        ["-ar", "11025", "-ac", "2"],
        ["-ar", "44100", "-c:a", "pcm_s24le"],
        ["-ar", "192000", "-t", "15", "-c:a", "pcm_f32le"],
        ["-af", "volume=-20dB", "-c:a", "pcm_u8"],
        ["-af", "volume=-30dB"],
    ],
)
def test_loudness_of_speech_is_what_ffmpeg_measures(options: list[str], media: Path, tmp_path: Path) -> None:
    path = made(tmp_path / "a.wav", "-i", media / "speech.wav", *options)
    assert abs(ours(path) - judged(path)[0]) <= 0.1


@pytest.mark.parametrize("layout", ["stereo", "5.1", "quad"])
def test_loudness_of_noise_in_several_channels_is_what_ffmpeg_measures(layout: str, tmp_path: Path) -> None:
    noise = "anoisesrc=d=6:c=pink:a=0.3:r=48000:seed="
    count = {"stereo": 2, "5.1": 6, "quad": 4}[layout]
    inputs = [part for n in range(count) for part in ("-f", "lavfi", "-i", f"{noise}{n}")]
    path = made(tmp_path / "a.wav", *inputs, "-filter_complex", f"join=inputs={count}:channel_layout={layout}")
    assert abs(ours(path) - judged(path)[0]) <= 0.1


def test_a_long_programme_is_sampled(media: Path, tmp_path: Path) -> None:
    loud = made(tmp_path / "loud.wav", "-i", media / "speech.wav", "-af", "volume=5dB")
    (tmp_path / "list").write_text(f"file {media / 'speech.wav'}\nfile {loud}\n" * 5)
    long = made(tmp_path / "long.flac", "-f", "concat", "-safe", "0", "-i", tmp_path / "list")
    with long.open("rb") as source:
        assert abs(_loudness.programme(source) - judged(long)[0]) <= 1.5


@pytest.mark.parametrize("channels", [1, 2])
def test_beside_silence_the_label_has_the_loudness_of_a_programme(channels: int, tmp_path: Path) -> None:
    layout = "mono" if channels == 1 else "stereo"
    path = made(tmp_path / "a.wav", "-f", "lavfi", "-i", f"anullsrc=d=2:cl={layout}:r=48000")
    out, _ = marked(path, Style())
    assert abs(judged(out)[0] + 23) <= 0.6


@pytest.mark.parametrize("data", [b"", b"garbage", b"RIFF\0\0\0\0WAVE"])
def test_what_cannot_be_decoded_counts_as_silence(data: bytes) -> None:
    assert _loudness.programme(io.BytesIO(data)) == _loudness.SILENCE_LUFS


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
@pytest.mark.parametrize("lufs", [-35.0, -23.0, -9.0])
@pytest.mark.parametrize("level", [-6.0, 0.0, 12.0])
def test_the_rhythm_is_as_loud_as_asked_for(rate: int, lufs: float, level: float, tmp_path: Path) -> None:
    sound = cue(Style(rhythm=Rhythm(level_lu=level)), rate, Moment.START, lufs=lufs)
    loudness, peak = judged(wav(tmp_path / "a.wav", sound[:, np.newaxis], rate))
    assert peak <= -0.9
    assert abs(loudness - (lufs + level)) <= 0.2 or (peak >= -1.2 and loudness < lufs + level)


@pytest.mark.parametrize("corner", [(0.05, 200, 1), (0.5, 3000, 7), (0.05, 3000, 7), (0.5, 200, 1)])
def test_every_rhythm_can_be_made(corner: tuple[float, float, int]) -> None:
    unit, pitch, gap = corner
    sound = cue(Style(rhythm=Rhythm(unit_seconds=unit, pitch_hz=pitch, letter_gap_units=gap)), 8000, Moment.MIDDLE)
    assert len(sound) == round((8 + gap + 6) * unit * 8000)


def test_a_pitch_that_the_rate_cannot_carry_is_refused() -> None:
    with pytest.raises(Refused, match=r"notice\.rate"):
        cue(Style(rhythm=Rhythm(pitch_hz=4000)), 8000, Moment.START)


# --- when -------------------------------------------------------------------------------------------------------------------

WHEN: list[tuple[tuple[Moment, ...], float, float, list[float]]] = [
    (ALL, 0, 600, [0, 300, 600]),
    (ALL, 300, 600, [0, 300, 600]),
    (ALL, 90, 600, [0, 90, 180, 270, 300, 360, 450, 540, 600]),
    (ALL, 295, 600, [0, 295, 590, 600]),
    ((Moment.START,), 60, 130, [0, 60, 120]),
    ((Moment.START,), 60, 125, [0, 60]),
    ((Moment.MIDDLE,), 0, 0, [0]),
    (ALL, 10, 0, [0]),
    ((Moment.END,), 0, 0.001, [0.001]),
]


@pytest.mark.parametrize(("moments", "every", "seconds", "expected"), WHEN)
def test_labels_stand_when_they_are_asked_for_and_never_twice(
    moments: tuple[Moment, ...], every: float, seconds: float, expected: list[float]
) -> None:
    assert [t for t, _ in times(Style(moments=moments, every_seconds=every), seconds)] == expected


def test_a_length_that_is_a_lie_does_not_exhaust() -> None:
    with pytest.raises(Refused, match=r"notice\.interval"):
        times(Style(every_seconds=10), 1e12)


# --- sample by sample ---------------------------------------------------------------------------------------------------------

FORMS = {
    "wav-s16": (".wav", ["-c:a", "pcm_s16le"]),
    "wav-u8": (".wav", ["-c:a", "pcm_u8"]),
    "wav-s24": (".wav", ["-c:a", "pcm_s24le"]),
    "wav-f64": (".wav", ["-c:a", "pcm_f64le"]),
    "rf64": (".wav", ["-rf64", "always"]),
    "aiff-s8": (".aiff", ["-c:a", "pcm_s8"]),
    "aiff-s16": (".aiff", ["-c:a", "pcm_s16be"]),
    "aiff-s24": (".aiff", ["-c:a", "pcm_s24be"]),
    "aiff-s32": (".aiff", ["-c:a", "pcm_s32be"]),
    "aifc-sowt": (".aiff", ["-c:a", "pcm_s16le"]),
    "aifc-f32": (".aiff", ["-c:a", "pcm_f32be"]),
    "aifc-f64": (".aiff", ["-c:a", "pcm_f64be"]),
    "flac-16": (".flac", ["-sample_fmt", "s16"]),
    "flac-24": (".flac", ["-sample_fmt", "s32"]),
}
SHAPES = {"mono 8k": (1, 8_000), "stereo 44.1k": (2, 44_100), "stereo 192k": (2, 192_000), "8 channels 48k": (8, 48_000)}


def lengths(path: Path, moment: Moment, rate: int) -> int:
    """Return how many frames a label takes; in FLAC it is filled up to whole blocks where content follows."""
    count = round(UNITS[moment] * 0.12 * rate)
    if path.suffix != ".flac" or moment is Moment.END:
        return count
    return count + -count % block_of(path)


def block_of(path: Path) -> int:
    run = subprocess.run(["metaflac", "--show-max-blocksize", str(path)], check=True, capture_output=True, text=True)
    return int(run.stdout)


def assert_kept(before: Path, after: Path, rate: int) -> None:
    """Every sample of the content is there, in order, between labels at start, middle and end."""
    form = "f64le" if "f" in probed(before, "sample_fmt") or "d" in probed(before, "sample_fmt") else "s32le"
    old, new = samples(before, form), samples(after, form)
    step = block_of(before) if before.suffix == ".flac" else 1
    middle = min(round(len(old) / 2 / step) * step, len(old) // step * step)
    start, between = (lengths(before, m, rate) for m in (Moment.START, Moment.MIDDLE))
    assert len(new) == len(old) + start + between + lengths(before, Moment.END, rate)
    assert np.array_equal(new[start : start + middle], old[:middle])
    assert np.array_equal(new[start + middle + between :][: len(old) - middle], old[middle:])
    assert np.abs(new[:start].astype(float)).max() > 0
    assert all(np.array_equal(new[:start, 0], new[:start, n]) for n in range(new.shape[1]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", FORMS)
def test_every_sample_outside_the_labels_stays(form: str, shape: str, media: Path, tmp_path: Path) -> None:
    suffix, options = FORMS[form]
    channels, rate = SHAPES[shape]
    before = made(
        tmp_path / f"a{suffix}",
        "-ss",
        "1",
        "-i",
        media / "speech.wav",
        "-t",
        "1.237",
        "-ac",
        str(channels),
        "-ar",
        str(rate),
        *options,
    )
    after, note = marked(before, Style(moments=ALL))
    assert note == "put 短长 短短 (Morse AI, 1046.5 Hz) at start and middle and end"
    assert_kept(before, after, rate)
    if suffix == ".flac":
        assert flac_test(after) == ""


def flac_test(path: Path) -> str:
    run = subprocess.run(["flac", "-t", "-s", str(path)], capture_output=True, text=True, check=False)
    return run.stderr


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".flac"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_almost_no_sound_at_all(suffix: str, count: int, tmp_path: Path) -> None:
    cut = ["-f", "lavfi", "-i", "sine=r=8000", "-af", f"atrim=end_sample={count}"]
    before = made(tmp_path / f"a{suffix}", *cut)
    after, _ = marked(before, Style(moments=ALL))
    new = samples(after)
    expected = [Moment.START] if not count else ALL
    assert len(new) == count + sum(lengths(before, m, 8000) for m in expected)
    if suffix == ".flac":
        assert flac_test(after) == ""


def test_the_label_comes_again_and_again(media: Path, tmp_path: Path) -> None:
    for suffix in (".wav", ".aiff", ".flac"):
        before = made(tmp_path / f"a{suffix}", "-i", media / "speech.wav")
        after, note = marked(before, Style(every_seconds=20))
        assert note.endswith("at start, and every 20 s")
        added = len(samples(after)) - len(samples(before))
        assert added == sum(lengths(before, m, 16_000) for m in (Moment.START, Moment.MIDDLE, Moment.MIDDLE))


# --- what counts samples -------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, body: bytes, order: str = "<") -> bytes:
    return kind + struct.pack(f"{order}I", len(body)) + body + bytes(len(body) % 2)


def chunks(data: bytes, order: str = "<") -> dict[bytes, bytes]:
    at, out = 12, dict[bytes, bytes]()
    while at < len(data):
        (size,) = struct.unpack_from(f"{order}I", data, at + 4)
        out[data[at : at + 4]] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return out


def marked_bytes(data: bytes, name: str, style: Style) -> bytes:
    sink = io.BytesIO()
    notices.of(Medium.AUDIO).mark(io.BytesIO(data), sink, name, style)
    return sink.getvalue()


def test_marks_of_a_wav_stay_with_their_sound() -> None:
    rate, frames = 8000, 80_000
    points = b"".join(
        struct.pack("<II4sIII", n, at, b"data", 0, 0, at) for n, at in ((1, 0), (2, 39_999), (3, 40_000), (4, frames))
    )
    parts = [
        chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16)),
        chunk(b"bext", bytes(338) + struct.pack("<Q", 100_000) + bytes(256)),
        chunk(b"fact", struct.pack("<I", frames)),
        chunk(b"LIST", b"adtl" + chunk(b"labl", b"\1\0\0\0a\0") + chunk(b"ltxt", struct.pack("<II4s8x", 2, 1000, b"rgn "))),
        chunk(b"plst", struct.pack("<I", 1) + struct.pack("<III", 1, 40_000, 2)),
        chunk(b"cue ", struct.pack("<I", 4) + points),
        chunk(b"smpl", bytes(28) + struct.pack("<II", 1, 0) + struct.pack("<IIIIII", 1, 0, 39_999, 79_999, 0, 0)),
        chunk(b"data", bytes(frames * 2)),
        chunk(b"odd ", b"xyz"),
    ]
    body = b"WAVE" + b"".join(parts)
    old = b"RIFF" + struct.pack("<I", len(body)) + body
    out = marked_bytes(old, "wav", Style(moments=ALL))
    new = chunks(out)
    start, middle, end = 13_440, 16_320, 13_440
    assert struct.unpack("<I", out[4:8]) == (len(out) - 8,)
    assert struct.unpack_from("<4x" + "4xI12xI" * 4, new[b"cue "]) == tuple(
        at for at in (start, start + 39_999, start + middle + 40_000, start + middle + frames) for _ in range(2)
    )
    assert struct.unpack_from("<8xI", new[b"smpl"], 36) == (start + 39_999,)
    assert struct.unpack_from("<12xI", new[b"smpl"], 36) == (start + middle + 79_999,)
    assert struct.unpack("<IIII", new[b"plst"]) == (1, 1, 40_000, 2)
    assert struct.unpack_from("<I", new[b"LIST"], 4 + 14 + 12) == (1000 + middle,)
    assert struct.unpack_from("<Q", new[b"bext"], 338) == (100_000 - start,)
    assert struct.unpack("<I", new[b"fact"]) == (frames + start + middle + end,)
    assert new[b"odd "] == b"xyz"


def test_markers_of_an_aiff_stay_with_their_sound(tmp_path: Path) -> None:
    before = made(tmp_path / "a.aiff", "-f", "lavfi", "-i", "sine=r=8000:d=10")
    data = before.read_bytes()
    names = ((1, 0, b"a"), (2, 40_000, b"be"), (3, 80_000, b"see"))
    markers = struct.pack(">H", 3) + b"".join(
        struct.pack(">HIB", n, at, len(name)) + name + bytes((len(name) + 1) % 2) for n, at, name in names
    )
    data += chunk(b"MARK", markers, ">")
    data = data[:4] + struct.pack(">I", len(data) - 8) + data[8:]
    out = marked_bytes(data, "aiff", Style(moments=ALL))
    new = chunks(out, ">")
    start, middle = 13_440, 16_320
    assert [struct.unpack_from(">I", new[b"MARK"], at)[0] for at in (4, 12, 22)] == [
        start,
        start + middle + 40_000,
        start + middle + 80_000,
    ]
    assert struct.unpack_from(">I", new[b"COMM"], 2) == (80_000 + start + middle + 13_440,)
    assert struct.unpack_from(">I", out, 4) == (len(out) - 8,)


# --- FLAC ---------------------------------------------------------------------------------------------------------------------


def listed(path: Path, *options: str) -> str:
    return subprocess.run(["metaflac", *options, str(path)], check=True, capture_output=True, text=True).stdout


def test_flac_keeps_tags_tables_and_sheets(media: Path, tmp_path: Path) -> None:
    before = made(
        tmp_path / "a.flac", "-i", media / "speech.wav", "-t", "20", "-ar", "44100", "-ac", "2", "-metadata", "title=题"
    )
    tracks = "TRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 00 00:09:00\nINDEX 01 00:12:00\n"
    (tmp_path / "a.cue").write_text(f'FILE "a.flac" FLAC\n{tracks}')
    listed(before, "--add-seekpoint=1s", f"--import-cuesheet-from={tmp_path / 'a.cue'}")
    data = b"ID3\4\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0" + before.read_bytes() + b"TAG" + bytes(125)
    before.write_bytes(data)
    after, note = marked(before, Style(moments=ALL))
    assert "MD5" not in note
    assert after.read_bytes()[:20] == data[:20]
    assert after.read_bytes()[-128:] == data[-128:]
    (tmp_path / "bare.flac").write_bytes(after.read_bytes()[20:-128])
    after = tmp_path / "bare.flac"
    assert flac_test(after) == ""
    assert "TITLE=题" in listed(after, "--export-tags-to=-").upper().replace("title", "TITLE")
    block = block_of(after)
    start, middle = (-(-round(n * 0.12 * 44_100) // block) * block for n in (14, 17))
    sheet = listed(after, "--list", "--block-type=CUESHEET")
    offsets = [int(n) for n in re.findall(r"offset: (\d+)", sheet)]
    old = [int(n) for n in re.findall(r"offset: (\d+)", listed_sheet(data, tmp_path))]
    assert offsets[0] == old[0] + start
    assert offsets[-1] == int(listed(after, "--show-total-samples"))
    assert offsets[2] == old[2] + start
    assert offsets[4] == 12 * 44_100 - 9 * 44_100 + middle
    points = re.findall(r"point \d+: sample_number=(\d+), stream_offset=(\d+), frame_samples=(\d+)", listed(after, "--list"))
    assert len(points) >= 20
    for at in ("1.0", "7.5", "13", "21"):
        sought = ffmpeg("-v", "error", "-ss", at, "-i", after, "-t", "0.5", "-f", "s16le", "-").stdout
        whole = ffmpeg("-v", "error", "-i", after, "-f", "s16le", "-").stdout
        where = round(float(at) * 44_100) * 4
        assert sought == whole[where : where + len(sought)]


def listed_sheet(data: bytes, tmp_path: Path) -> str:
    (tmp_path / "old.flac").write_bytes(data[20:-128])
    return listed(tmp_path / "old.flac", "--list", "--block-type=CUESHEET")


@pytest.mark.parametrize("level", ["-0", "-5", "-8"])
def test_flac_by_the_reference_encoder_keeps_its_frames(level: str, media: Path, tmp_path: Path) -> None:
    before = tmp_path / "a.flac"
    subprocess.run(["flac", "-s", "-f", level, str(media / "speech.wav"), "-o", str(before)], check=True)
    after, _ = marked(before, Style(moments=ALL, every_seconds=15))
    assert flac_test(after) == ""
    old, new = bodies(before), bodies(after)
    assert old[:-1] == [body for body in new if body in set(old[:-1])]


def bodies(path: Path) -> list[bytes]:
    data, at = path.read_bytes(), 4
    while not data[at] & 0x80:
        at += 4 + int.from_bytes(data[at + 1 : at + 4])
    at += 4 + int.from_bytes(data[at + 1 : at + 4])
    with path.open("rb") as file:
        return [f.data[f.header.size : -2] for f in _flac_frames.walk(file, at, len(data))]


def test_flac_of_varying_blocks_stays_one(media: Path, tmp_path: Path) -> None:
    """A stream of sample numbers: made from one of fixed blocks, with every third frame in two halves' stead a label."""
    before = tmp_path / "a.flac"
    subprocess.run(["flac", "-s", "-f", "--blocksize=4096", str(media / "speech.wav"), "-o", str(before)], check=True)
    data, at = before.read_bytes(), 4
    while not data[at] & 0x80:
        at += 4 + int.from_bytes(data[at + 1 : at + 4])
    at += 4 + int.from_bytes(data[at + 1 : at + 4])
    out, passed = bytearray(data[:at]), 0
    for frame in _flac_frames.walk(io.BytesIO(data), at, len(data)):
        head = frame.header._replace(lead=_flac_frames.VARIABLE_SYNC + frame.header.lead[2:])
        body = _flac_frames.headed(head, passed) + frame.data[frame.header.size : -2]
        out += body + _flac_frames.crc16(body).to_bytes(2)
        passed += frame.header.samples
    before.write_bytes(out)
    assert flac_test(before) == ""
    after, _ = marked(before, Style(moments=ALL))
    assert flac_test(after) == ""
    assert_kept(before, after, 16_000)


def test_flac_of_an_unknown_length_is_counted(media: Path, tmp_path: Path) -> None:
    before = tmp_path / "a.flac"
    before.write_bytes(ffmpeg("-v", "error", "-i", media / "speech.wav", "-t", "5", "-f", "flac", "-").stdout)
    assert listed(before, "--show-total-samples").strip() == "0"
    after, note = marked(before, Style(moments=ALL))
    assert "MD5" not in note
    assert int(listed(after, "--show-total-samples")) == len(samples(after))
    assert_kept(before, after, 16_000)


def test_a_wrong_checksum_is_not_made_right(media: Path, tmp_path: Path) -> None:
    before = made(tmp_path / "a.flac", "-i", media / "speech.wav", "-t", "5")
    data = bytearray(before.read_bytes())
    data[30] ^= 1  # of the MD5
    before.write_bytes(data)
    after, note = marked(before, Style())
    assert note.endswith("; the MD5 of the samples is left unset")
    assert listed(after, "--show-md5sum").strip() == "0" * 32


def test_a_damaged_frame_stays_known_as_damaged(media: Path, tmp_path: Path) -> None:
    before = made(tmp_path / "a.flac", "-i", media / "speech.wav", "-t", "5")
    data = bytearray(before.read_bytes())
    data[len(data) // 2] ^= 0x10
    before.write_bytes(data)
    with contextlib.suppress(Malformed):
        after, _ = marked(before, Style())
        assert "CRC" in flac_test(after) or "ERROR" in flac_test(after)


def test_a_torn_flac_is_malformed(media: Path, tmp_path: Path) -> None:
    before = made(tmp_path / "a.flac", "-i", media / "speech.wav", "-t", "5")
    before.write_bytes(before.read_bytes()[:-500])
    with pytest.raises(Malformed, match=r"flac\.frames"):
        marked(before, Style())


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_our_own_frames_decode_to_what_went_in(bits: int) -> None:
    like = _flac_frames.Header(0, 4096, b"\xff\xf8\x70\x00", b"", 0)
    chance = np.random.default_rng(bits)
    top = 1 << bits - 1
    for block in (
        chance.integers(-top, top, (2, 500)),
        np.rint(np.sin(np.arange(4096) / 9) * (top - 1)).astype(np.int64)[np.newaxis],
        np.zeros((8, 1), np.int64),
        np.array([[-top, top - 1] * 50]),
    ):
        frame = _flac_frames.encoded(block, bits, like)
        info = (
            struct.pack(">HH6x", 4096, 4096) + (44_100 << 44 | block.shape[0] - 1 << 41 | bits - 1 << 36).to_bytes(8) + bytes(16)
        )
        stream = b"fLaC\x80\0\0\x22" + info + frame.data
        run = ["flac", "-d", "-s", "-c", "--force-raw-format", "--endian=little", "--sign=signed", "-"]
        raw = subprocess.run(run, input=stream, capture_output=True, check=True).stdout
        width = -(-bits // 8)
        assert raw == np.ascontiguousarray(block.T).view(np.uint8).reshape(-1, 8)[:, :width].tobytes()


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".flac"])
def test_broken_sounds_raise_only_our_errors(suffix: str, media: Path, tmp_path: Path) -> None:
    data = made(tmp_path / f"a{suffix}", "-i", media / "speech.wav", "-t", "2").read_bytes()
    chance = random.Random(suffix)
    for _ in range(60):
        broken = bytearray(data[: chance.randrange(len(data))] if chance.random() < 0.5 else data)
        for _ in range(chance.randrange(20)):
            if broken:
                broken[chance.randrange(min(len(broken), 300))] = chance.randrange(256)
        with contextlib.suppress(MingwenError):
            marked_bytes(bytes(broken), suffix[1:], Style(moments=ALL))
