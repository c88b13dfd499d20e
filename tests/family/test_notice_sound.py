"""Labels that are heard: as loud as the programme, and sample-exact where samples can be kept. Judges: ffmpeg, flac, metaflac."""

import contextlib
import io
import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mingwen.domain.errors import MingwenError, Refused
from mingwen.domain.notices import Moment, Rhythm, Style
from mingwen.notices import _loudness
from mingwen.notices._cue import cue, times
from sounds import ALL, assert_kept, ffmpeg, flac_test, lengths, made, marked, marked_bytes, samples


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
    "1 and 2": ([(-33, 20)], -33),
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
        ["-ar", "11025", "-ac", "2", "-t", "20"],
        ["-ar", "44100", "-c:a", "pcm_s24le", "-t", "20"],
        ["-ar", "192000", "-t", "8", "-c:a", "pcm_f32le"],
        ["-af", "volume=-20dB", "-c:a", "pcm_u8"],
        ["-af", "volume=-30dB", "-t", "20"],
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


@pytest.mark.parametrize(("rate", "lufs"), [(8_000, -35.0), (44_100, -23.0), (192_000, -9.0)])
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


@pytest.mark.parametrize(
    ("form", "shape"),
    [
        *((form, shape) for form in FORMS for shape in ("mono 8k", "stereo 44.1k")),
        *((form, shape) for form in ("wav-s24", "aiff-s24", "flac-24") for shape in ("stereo 192k", "8 channels 48k")),
    ],
)
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


@pytest.mark.parametrize(("rate", "channels"), [(768_000, 1_024), (4_000, 1_024), (768_000, 1), (1, 1), (0, 0)])
def test_a_head_that_exaggerates_takes_neither_time_nor_memory(rate: int, channels: int) -> None:
    fmt = struct.pack("<HHIIHH", 1, channels, rate, 0, channels * 4 % 65_536, 32)
    body = b"WAVE" + chunk(b"fmt ", fmt) + chunk(b"data", bytes(1 << 20))
    with contextlib.suppress(MingwenError):
        marked_bytes(b"RIFF" + struct.pack("<I", len(body)) + body, "wav", Style(moments=ALL))


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


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".flac"])
def test_broken_sounds_raise_only_our_errors(suffix: str, media: Path, tmp_path: Path) -> None:
    data = made(tmp_path / f"a{suffix}", "-i", media / "speech.wav", "-t", "2").read_bytes()
    chance = random.Random(suffix)
    for _ in range(40):
        broken = bytearray(data[: chance.randrange(len(data))] if chance.random() < 0.5 else data)
        for _ in range(chance.randrange(20)):
            if broken:
                broken[chance.randrange(min(len(broken), 300))] = chance.randrange(256)
        with contextlib.suppress(MingwenError):
            marked_bytes(bytes(broken), suffix[1:], Style(moments=ALL))
