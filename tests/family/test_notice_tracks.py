"""Video tracks read and written anew before foreign judges: ffprobe counts packets as we do, and hashes those we left alone."""

import hashlib
import io
import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from struct import pack
from types import ModuleType
from typing import Any, BinaryIO
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mingwen.containers import matroska
from mingwen.containers.boxes import Box, packed, tree, walk
from mingwen.containers.chunk_offsets import Shift, shifted
from mingwen.containers.ebml import CRC32, Element, inside, sealed, unsealed, void
from mingwen.domain.errors import MingwenError, Misused
from mingwen.domain.media import Splice
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


def packets(path: Path, *options: str) -> dict[str, Packets]:
    """Ask ffprobe for all packets of each kind, with the hash of each."""
    fields = ("-show_packets", "-show_data_hash", "MD5", "-of", "json")
    out = run("ffprobe", "-v", "warning", *options, *fields, path)
    assert not out.stderr, out.stderr.decode()
    found: dict[str, Packets] = {}
    for packet in json.loads(out.stdout)["packets"]:
        found.setdefault(packet["codec_type"], []).append(packet)
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
    found, judged = track(film), packets(film, *raw(film))["video"]
    matroska = film.suffix in {".mkv", ".webm"}
    samples = [(0 if matroska else s.offset, s.size, s.key) for s in found.samples]  # there ffprobe tells where the block is
    assert samples == [(0 if matroska else int(p["pos"]), int(p["size"]), "K" in p["flags"]) for p in judged]
    assert [s.pts for s in found.samples] == [int(p["pts"]) for p in judged]
    if not matroska:  # which says nothing of it
        shift = int(judged[0]["dts"]) - found.samples[0].dts  # where pictures would be shown before that, ffmpeg decodes earlier
        assert [s.dts + shift for s in found.samples] == [int(p["dts"]) for p in judged]
    assert all(a.dts <= b.dts for a, b in pairwise(found.samples))
    data, fingerprints = film.read_bytes(), hashes(judged)
    assert [
        f"MD5:{hashlib.md5(data[s.offset : s.offset + s.size], usedforsecurity=False).hexdigest()}" for s in found.samples
    ] == fingerprints
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
    if b"sdtp" not in data:  # which may tell of pictures that none needs: that is not believed of new ones
        assert new.read_bytes() == data


def test_only_replaced_samples_change(film: Path) -> None:
    count = len(track(film).samples)
    news = longer(film, {0: 5, 3: 70_000, 4: 1, count // 2: 300, count - 1: 9})
    new = written(film, news)
    before, after = packets(film), packets(new)
    assert {kind: times(p) for kind, p in before.items()} == {kind: times(p) for kind, p in after.items()}
    assert all(hashes(p) == hashes(after[kind]) for kind, p in before.items() if kind != "video")
    pairs = zip(hashes(before["video"]), hashes(after["video"]), strict=True)
    assert {n for n, (a, b) in enumerate(pairs) if a != b} == set(news)
    data = new.read_bytes()
    assert all(data[s.offset : s.offset + s.size] == news[n].data for n, s in enumerate(track(new).samples) if n in news)
    assert pictures(film) == pictures(new)
    assert pictures(film, "-ss", "2.2") == pictures(new, "-ss", "2.2")


# --- what else may change -----------------------------------------------------------------------------------------------


def patched(path: Path, data: bytes) -> Path:
    target = path.with_name("patched" + path.suffix)
    target.write_bytes(data)
    return target


def bodies(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return [data[s.offset : s.offset + s.size] for s in track(path).samples]


VARIED = ("moov first", "fragments", "dash", "matroska, many clusters", "webm")


@pytest.fixture(scope="module", params=VARIED)
def varied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("varied"), request.param)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_samples_may_have_any_length(varied: Path, data: st.DataObject) -> None:
    found, old = track(varied), bodies(varied)
    lengths = data.draw(st.dictionaries(st.integers(0, len(old) - 1), st.integers(1, 3000), max_size=20))
    news = {n: New(bytes([n & 0xFF]) * length, found.samples[n].pts, found.samples[n].key) for n, length in lengths.items()}
    new = written(varied, news)
    assert bodies(new) == [news[n].data if n in news else body for n, body in enumerate(old)]
    kept = [(s.dts, s.pts, s.key) for s in found.samples]
    assert [(s.dts, s.pts, s.key) for s in track(new).samples] == kept
    restored = {n: New(old[n], found.samples[n].pts, found.samples[n].key) for n in news}
    assert bodies(written(new, restored, name="restored")) == old


@pytest.mark.parametrize("length", [1, 200_000])
def test_sound_stays_whatever_length_pictures_get(varied: Path, length: int) -> None:
    news = longer(varied, dict.fromkeys(range(3, 70, 7), length))
    before, after = packets(varied), packets(written(varied, news))
    assert hashes(before["audio"]) == hashes(after["audio"])
    assert times(before["audio"]) == times(after["audio"])


@pytest.mark.parametrize("turned", [12, 13])
def test_times_and_keys_may_change(varied: Path, turned: int) -> None:
    found, old = track(varied), bodies(varied)
    s = found.samples[turned]
    same = {n: New(old[n], found.samples[n].pts, key=found.samples[n].key) for n in (5, 14)}
    new = written(varied, {turned: New(old[turned], s.pts + 3, key=not s.key), **same})
    samples = [(s.pts, s.key) for s in found.samples]
    samples[turned] = (s.pts + 3, not s.key)
    assert [(s.pts, s.key) for s in track(new).samples] == samples
    assert bodies(new) == old
    judged = packets(new, "-fflags", "noparse", *raw(new))["video"]  # which would look into the pictures themselves
    assert [(int(p["pts"]), "K" in p["flags"]) for p in judged] == samples


def test_the_configuration_may_change(varied: Path) -> None:
    new = written(varied, longer(varied, {3: 100}), b"\1" * 300)
    assert track(new).config == b"\1" * 300
    assert replace(track(new), config=b"", samples=()) == replace(track(varied), config=b"", samples=())
    assert bodies(written(new, {}, track(varied).config, name="restored")) == bodies(new)


def test_an_old_configuration_written_again_changes_nothing(varied: Path) -> None:
    assert bodies(written(varied, {}, track(varied).config)) == bodies(varied)
    assert track(written(varied, {}, track(varied).config)).config == track(varied).config


def test_pictures_may_go_backwards_where_shifts_had_no_sign(tmp_path: Path) -> None:
    film = made(tmp_path, "no edit list")
    s = track(film).samples[7]
    new = written(film, {7: New(bodies(film)[7], s.dts - 5, key=s.key)})
    assert track(new).samples[7].pts == s.dts - 5
    assert track(new).samples[8] == replace(track(new).samples[8], pts=track(film).samples[8].pts)


def test_media_data_may_reach_to_the_end_of_the_file(tmp_path: Path) -> None:
    film = made(tmp_path, "moov first")
    data = film.read_bytes()
    at = data.index(b"mdat") - 4
    open_ended = patched(film, data[:at] + bytes(4) + data[at + 4 :])
    new = written(open_ended, longer(open_ended, {2: 1000}))
    assert pictures(new) == pictures(film)
    assert new.read_bytes()[at + new.read_bytes()[at:].index(b"mdat") - 4 :][:4] == bytes(4)


def test_offsets_beyond_four_gibibytes_get_wide_tables(tmp_path: Path) -> None:
    film = made(tmp_path, "moov first")
    data, hole = film.read_bytes(), (1 << 32) - film.stat().st_size - 100
    with film.open("rb") as source:
        box = next(b for b in walk(source, 0, len(data)) if isinstance(b, Box) and b.kind == b"moov")
    moov, _ = tree(b"moov", memoryview(data[box.body : box.stop]))
    far = tmp_path / "far.mp4"
    with far.open("wb") as sink:
        sink.write(data[: box.start] + packed(shifted(moov, Shift(box.stop, hole))))
        sink.write((1).to_bytes(4) + b"free" + hole.to_bytes(8))
        sink.seek(box.stop + hole)
        sink.write(data[box.stop :])
    new = tmp_path / "new.mp4"
    with far.open("rb") as source, new.open("wb") as sink:
        poured(source, sink, _iso_track.pieces(source, track(far), longer(film, {1: 100_000}), None))
    with new.open("rb") as source:
        assert b"co64" in source.read(2 * box.stop)
    assert pictures(new) == pictures(film)


def poured(source: BinaryIO, sink: BinaryIO, pieces: Splice) -> None:
    """Write pieces; of long ones only the beginning, since they are holes."""
    for piece in pieces:
        if isinstance(piece, bytes):
            sink.write(piece)
            continue
        source.seek(piece.start)
        length = piece.stop - piece.start
        written = sink.write(source.read(min(length, 1 << 20)))
        sink.seek(length - written, io.SEEK_CUR)


def test_the_kernel_may_copy_the_pieces(varied: Path) -> None:
    news = longer(varied, {3: 500})
    new, target = written(varied, news), io.BytesIO()
    with varied.open("rb") as source:
        poured(source, target, module(varied).pieces(source, track(varied), news, None))
    assert target.getvalue() == new.read_bytes()


def unsized(data: bytes) -> bytes:
    """Let a Segment and its Clusters not say their sizes, as a live recording does."""
    out = bytearray(data)
    for element in walked(data):
        if element.kind in {matroska.SEGMENT, matroska.CLUSTER}:
            width = element.data - element.start - 4
            out[element.start + 4 : element.data] = ((1 << 7 * width + 1) - 1).to_bytes(width)
        if element.kind in {matroska.CUES, matroska.SEEKHEAD} or (element.kind == CRC32):
            out[element.start : element.stop] = void(element.stop - element.start)
    return bytes(out)


def walked(data: bytes) -> Iterator[Element]:
    """Yield the Segment, and its parts."""
    source = io.BytesIO(data)
    found = matroska.segment(source)
    yield found.head
    for cluster in found.clusters:
        yield Element(matroska.CLUSTER, cluster.start, cluster.data, cluster.stop, known=True)
        yield from cluster.heads
    yield from found.parts


def test_a_live_recording_needs_no_sizes(tmp_path: Path) -> None:
    film = made(tmp_path, "matroska, many clusters")
    live = patched(film, unsized(film.read_bytes()))
    new = written(live, longer(live, {0: 5, 3: 70_000, 40: 1}))
    assert pictures(film) == pictures(live) == pictures(new)
    assert hashes(packets(film)["audio"]) == hashes(packets(new)["audio"])
    assert not any(c.known for c in matroska.segment(io.BytesIO(new.read_bytes())).clusters)


@pytest.mark.parametrize("options", [(), ("--cluster-length", "300ms"), ("--engage", "no_simpleblocks")], ids=str)
def test_what_mkvmerge_writes_stays_sound(tmp_path: Path, options: tuple[str, ...]) -> None:
    film, merged = made(tmp_path, "moov first"), tmp_path / "merged.mkv"
    run("mkvmerge", "-q", "-o", merged, *options, film)
    found = track(merged)
    assert not found.obstacle
    news = longer(merged, {0: 5, 3: 70_000, 13: 20, 30: 4})
    new = written(merged, news)
    before, after = packets(merged), packets(new)
    assert {kind: times(p) for kind, p in before.items()} == {kind: times(p) for kind, p in after.items()}
    assert hashes(before["audio"]) == hashes(after["audio"])
    assert pictures(merged) == pictures(new)
    assert pictures(merged, "-ss", "2.2") == pictures(new, "-ss", "2.2")
    run("mkvmerge", "-q", "-o", tmp_path / "again.mkv", new)  # which fails with 1 for a warning
    told = run("mkvinfo", "--all", new).stdout.decode()
    assert "(Unknown" not in told
    places(new)


def places(path: Path) -> None:
    """Check all that names a place: cues, SeekHeads, and what Clusters say of themselves and the one before."""
    data = path.read_bytes()
    found = matroska.segment(io.BytesIO(data))
    cues_are_true(data, found)
    for before, cluster in zip((None, *found.clusters), found.clusters, strict=False):
        for head in cluster.heads:
            value = data[head.data : head.stop]
            truth = {
                matroska.POSITION: cluster.start - found.head.data,
                matroska.PREV_SIZE: before.stop - before.start if before else 0,
                CRC32: int.from_bytes(crc32(data[head.stop : cluster.stop]).to_bytes(4, "little")),
            }
            assert int.from_bytes(value) == truth[head.kind]
    seek = found.first(matroska.SEEKHEAD)
    assert seek is not None
    for element, body in inside(unsealed(data[seek.data : seek.stop])):
        values = {e.kind: v for e, v in inside(body)} if element.kind == matroska.SEEK else {}
        at = found.head.data + matroska.number(values.get(matroska.SEEK_POSITION, b""))
        assert data[at:].startswith(values.get(0x53AB, b""))


def cues_are_true(data: bytes, found: matroska.Segment) -> None:
    tracks, cues = found.first(matroska.TRACKS), found.first(matroska.CUES)
    assert tracks is not None
    assert cues is not None
    entry = matroska.video(data[tracks.data : tracks.stop])
    assert entry is not None
    payload = data[cues.data : cues.stop]
    assert payload == unsealed(payload) or payload == sealed(unsealed(payload))
    source, points = io.BytesIO(data), 0
    for _, body in inside(unsealed(payload)):
        time = next(matroska.number(v) for e, v in inside(body) if e.kind == matroska.CUE_TIME)
        for _, value in ((e, v) for e, v in inside(body) if e.kind == matroska.CUE_POSITIONS):
            values = {e.kind: matroska.number(v) for e, v in inside(value)}
            cluster = next(c for c in found.clusters if c.start - found.head.data == values[matroska.CUE_CLUSTER])
            if values[matroska.CUE_TRACK] == entry.number:
                shown = {cluster.time + b.time: b.start - cluster.data for b in matroska.blocks(source, cluster, entry.number)}
                assert values.get(matroska.CUE_RELATIVE, shown[time]) == shown[time]
                points += 1
    assert points > 1


@pytest.mark.parametrize("name", [n for n in FILES if FILES[n][0] in {"mkv", "webm"} and "live" not in n])
def test_all_places_are_true_afterwards(tmp_path: Path, name: str) -> None:
    film = made(tmp_path, name)
    places(film)
    places(written(film, longer(film, {0: 5, 3: 70_000, 40: 1}), bytes(500)))


# --- what stands against it ---------------------------------------------------------------------------------------------

QUARTER = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
KEYS = ("-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb", "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")


def test_an_encrypted_track_is_an_obstacle(tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    run("ffmpeg", "-v", "error", *PICTURES, *H264, "-encryption_scheme", "cenc-aes-ctr", *KEYS, film)
    assert "encrypted" in track(film).obstacle
    with pytest.raises(Misused, match="encrypted"):
        written(film, {})


def test_compressed_blocks_are_an_obstacle(tmp_path: Path) -> None:
    film, merged = made(tmp_path, "moov first"), tmp_path / "merged.mkv"
    run("mkvmerge", "-q", "-o", merged, "--compression", "0:zlib", film)
    assert "compressed" in track(merged).obstacle


def test_a_film_without_pictures_has_no_track(tmp_path: Path) -> None:
    for name in ("a.m4a", "a.mka"):
        run("ffmpeg", "-v", "error", *SOUND, "-c:a", "aac", tmp_path / name)
        with (tmp_path / name).open("rb") as source:
            assert (_iso_track if name == "a.m4a" else _matroska_track).read(source) is None


def test_a_sample_that_is_not_there_is_refused(varied: Path) -> None:
    with pytest.raises(Misused, match="samples below"):
        written(varied, {100_000: New(b"x", 0, key=True)})


def test_a_turned_picture_brings_its_matrix(tmp_path: Path) -> None:
    data = bytearray(made(tmp_path, "moov first").read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = pack(">9i", *QUARTER)
    assert track(patched(tmp_path / "a.mp4", bytes(data))).matrix == QUARTER


def test_what_is_shown_follows_the_edit_list(tmp_path: Path) -> None:
    found = track(made(tmp_path, "cut"))
    first = next(s for s in found.samples if s.key)
    assert found.first_shown >= first.pts
    assert abs((found.last_shown - found.first_shown) / found.scale - 2.4) < 0.05


@pytest.fixture(scope="module")
def whole(varied: Path) -> bytes:
    return varied.read_bytes()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_is_told_of_and_nothing_else(varied: Path, whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    places_ = st.integers(0, min(len(whole), 4000) - 5) | st.integers(max(0, len(whole) - 4000), len(whole) - 5)
    for at in data.draw(st.lists(places_, min_size=1, max_size=4)):
        damaged[at : at + 4] = data.draw(st.binary(min_size=1, max_size=4) | st.sampled_from(EXTREMES)).ljust(4, b"\xff")
    cut = data.draw(st.integers(0, len(whole)) | st.just(len(whole)))
    source = io.BytesIO(damaged[:cut])
    with suppress(MingwenError):
        found = module(varied).read(source)
        if found and not found.obstacle and len(found.samples) > 2:
            s = found.samples[2]
            module(varied).spliced(source, io.BytesIO(), found, {2: New(b"new", s.pts + 1, key=not s.key)}, b"config")


EXTREMES = (b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", bytes(4))
