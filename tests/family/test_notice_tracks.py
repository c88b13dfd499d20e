"""Video tracks read and written anew before foreign judges: ffprobe counts packets as we do, and hashes those we left alone."""

import hashlib
import io
import json
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mingwen.domain.errors import MingwenError
from mingwen.notices import _iso_track, _matroska_track
from mingwen.notices._track import New, Track

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "12", "-bf", "2", "-b_strategy", "0")
HEVC = ("-preset", "ultrafast", "-x265-params", "log-level=error:keyint=12")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "12")
PICTURES = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=3")
SOUND = ("-f", "lavfi", "-i", "sine=440:duration=3")
FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "moov last": ("mp4", (*H264, "-c:a", "aac")),
    "moov first": ("mp4", (*H264, "-c:a", "aac", "-movflags", "+faststart")),
    "signed shifts": ("mp4", (*H264, "-c:a", "aac", "-movflags", "+negative_cts_offsets")),
    "no edit list": ("mp4", (*H264, "-use_editlist", "0")),
    "cut": ("mp4", (*H264, "-c:a", "aac", "-ss", "0.2", "-t", "2.4")),
    "late": ("mp4", (*H264, "-c:a", "aac", "-output_ts_offset", "3")),
    "variable rate": ("mp4", (*H264, "-vf", "select='mod(n,3)+mod(n,7)'", "-fps_mode", "vfr")),
    "hevc": ("mp4", ("-c:v", "libx265", *HEVC, "-tag:v", "hvc1")),
    "vp9": ("mp4", VP9),
    "quicktime": ("mov", (*H264, "-c:a", "pcm_s16le")),
    "quicktime, all keys": ("mov", ("-c:v", "mjpeg", "-c:a", "pcm_s16le", "-movflags", "+faststart")),
    "mpeg-4": ("mp4", ("-c:v", "mpeg4", "-g", "12", "-bf", "2", "-c:a", "aac", "-vf", "setsar=4/3")),
    "fragments": ("mp4", (*H264, "-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov")),
    "fragments with their own base": ("mp4", (*H264, "-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov+default_base_moof")),
    "fragments without offset": ("mp4", (*H264, "-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov+omit_tfhd_offset")),
    "fragments after a whole moov": ("mp4", (*H264, "-c:a", "aac", "-movflags", "+frag_keyframe")),
    "fragments of every picture": ("mp4", (*H264, "-movflags", "+frag_every_frame+empty_moov+default_base_moof")),
    "dash": ("mp4", (*H264, "-c:a", "aac", "-movflags", "+dash+frag_keyframe+global_sidx")),
    "matroska": ("mkv", (*H264, "-c:a", "aac")),
    "matroska, cues first": ("mkv", (*H264, "-c:a", "aac", "-reserve_index_space", "600")),
    "matroska, cues moved first": ("mkv", (*H264, "-c:a", "aac", "-cues_to_front", "1")),
    "matroska, many clusters": ("mkv", (*H264, "-c:a", "aac", "-cluster_time_limit", "200")),
    "matroska, live": ("mkv", (*H264, "-c:a", "aac", "-live", "1")),
    "matroska, groups": ("mkv", (*H264, "-c:a", "aac", "-f", "matroska", "-write_crc32", "0", "-default_mode", "passthrough")),
    "matroska, odd pixels": ("mkv", ("-c:v", "libx265", *HEVC, "-vf", "setsar=4/3")),
    "webm": ("webm", (*VP9, "-c:a", "libopus")),
    "webm, live": ("webm", (*VP9, "-c:a", "libopus", "-live", "1")),
    "webm, dash": ("webm", (*VP9, "-an", "-dash", "1")),
    "webm, vp8": ("webm", ("-c:v", "libvpx", "-deadline", "realtime", "-g", "12", "-auto-alt-ref", "0", "-c:a", "libvorbis")),
    "dash, an index each": ("mp4", (*H264, "-movflags", "+dash+frag_keyframe")),
}
Packets = list[dict[str, Any]]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(arguments, check=True, capture_output=True)


def made(folder: Path, name: str) -> Path:
    suffix, options = FILES[name]
    path = folder / f"a.{suffix}"
    run("ffmpeg", "-v", "error", "-y", *PICTURES, *SOUND, *options, path)
    return path


def packets(path: Path, select: str, *options: str) -> Packets:
    """Ask ffprobe for all packets, with the hash of each."""
    fields = ("-show_packets", "-show_data_hash", "MD5", "-of", "json")
    out = run("ffprobe", "-v", "warning", *options, "-select_streams", select, *fields, path)
    assert not out.stderr, out.stderr.decode()
    found: Packets = json.loads(out.stdout)["packets"]
    return found


def raw(path: Path) -> tuple[str, ...]:
    """Have ffprobe tell times as they stand in the tables."""
    return ("-ignore_editlist", "1") if path.suffix in {".mp4", ".mov"} else ()


def module(path: Path) -> ModuleType:
    return _iso_track if path.suffix in {".mp4", ".mov"} else _matroska_track


def track(path: Path) -> Track:
    with path.open("rb") as source:
        found: Track | None = module(path).read(source)
    assert found is not None
    return found


def written(path: Path, news: dict[int, New], config: bytes | None = None, name: str = "new") -> Path:
    found, target = track(path), path.with_name(name + path.suffix)
    with path.open("rb") as source, target.open("wb") as sink:
        module(path).spliced(source, sink, found, news, config)
    return target


def padded(codec: str, picture: bytes, length: int) -> bytes:
    """Add bytes that a decoder ignores: a unit of filler, user data, or what stands behind a picture."""
    if codec in {"h264", "hevc"}:
        head = b"\x0c" if codec == "h264" else b"\x4c\x01"
        body = head + b"\xff" * length + b"\x80"
        return picture + len(body).to_bytes(4) + body
    return b"\0\0\1\xb2" + b"x" * length + picture if codec == "mpeg4" else picture + b"\0" * length


def longer(path: Path, lengths: dict[int, int]) -> dict[int, New]:
    """Make samples longer by so many bytes of filler and more."""
    found, data = track(path), path.read_bytes()
    out: dict[int, New] = {}
    for number, length in lengths.items():
        s = found.samples[number]
        out[number] = New(padded(found.codec, data[s.offset : s.offset + s.size], length), s.pts, s.key)
    return out


def pictures(path: Path, *seek: str) -> list[str]:
    """Return the hash of each decoded picture, and let no warning pass."""
    out = run("ffmpeg", "-v", "warning", *seek, "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-")
    assert not out.stderr, out.stderr.decode()
    return [line for line in out.stdout.decode().splitlines() if not line.startswith("#")]


def hashes(found: Packets) -> list[str]:
    return [p["data_hash"] for p in found]


def times(found: Packets) -> list[tuple[str, str, str]]:
    return [(str(p.get("pts")), str(p.get("dts")), p["flags"]) for p in found]


@pytest.fixture(scope="module", params=FILES)
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("film"), request.param)


def test_a_track_is_read_as_ffprobe_reads_it(film: Path) -> None:
    found, judged = track(film), packets(film, "v:0", *raw(film))
    matroska = film.suffix in {".mkv", ".webm"}
    samples = [(0 if matroska else s.offset, s.size, s.key) for s in found.samples]  # there ffprobe tells where the block is
    assert samples == [(0 if matroska else int(p["pos"]), int(p["size"]), "K" in p["flags"]) for p in judged]
    assert [s.pts for s in found.samples] == [int(p["pts"]) for p in judged]
    if not matroska:  # which says nothing of it
        shift = int(judged[0]["dts"]) - found.samples[0].dts  # where pictures would be shown before that, ffmpeg decodes earlier
        assert [s.dts + shift for s in found.samples] == [int(p["dts"]) for p in judged]
    assert all(a.dts <= b.dts for a, b in pairwise(found.samples))
    data, fingerprints = film.read_bytes(), hashes(judged)
    assert [f"MD5:{hashlib.md5(data[s.offset : s.offset + s.size]).hexdigest()}" for s in found.samples] == fingerprints
    entries = "stream=codec_name,width,height,sample_aspect_ratio,time_base"
    stream = json.loads(
        run("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "json", film).stdout
    )
    told = stream["streams"][0]
    ratio = Fraction(told.get("sample_aspect_ratio", "1:1").replace(":", "/"))
    assert (found.codec, found.width, found.height, found.aspect) == (told["codec_name"], told["width"], told["height"], ratio)
    assert Fraction(1, found.scale) == Fraction(told["time_base"])
    assert not found.obstacle


def test_the_same_samples_give_the_same_file(film: Path) -> None:
    found, data = track(film), film.read_bytes()
    same = {n: New(data[s.offset : s.offset + s.size], s.pts, s.key) for n, s in enumerate(found.samples)}
    new = written(film, same)
    before, after = packets(film, "v"), packets(new, "v")
    assert (hashes(before), times(before)) == (hashes(after), times(after))
    if b"sdtp" not in data:  # which may tell of pictures that none needs: that is not believed of new ones
        assert new.read_bytes() == data


def test_only_replaced_samples_change(film: Path) -> None:
    count = len(track(film).samples)
    news = longer(film, {0: 5, 3: 70_000, 4: 1, count // 2: 300, count - 1: 9})
    new = written(film, news)
    for kind in ("a", "d", "s"):
        before, after = packets(film, kind), packets(new, kind)
        assert (hashes(before), times(before)) == (hashes(after), times(after))
    before, after = packets(film, "v"), packets(new, "v")
    assert times(before) == times(after)
    assert {n for n, (a, b) in enumerate(zip(hashes(before), hashes(after), strict=True)) if a != b} == set(news)
    data = new.read_bytes()
    assert all(data[s.offset : s.offset + s.size] == news[n].data for n, s in enumerate(track(new).samples) if n in news)
    assert pictures(film) == pictures(new)
    assert pictures(film, "-ss", "2.2") == pictures(new, "-ss", "2.2")
