"""Matroska, WebM, Flash Video and transport streams before foreign judges: ffmpeg and MKVToolNix."""

import io
import json
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mingwen import formats
from mingwen.containers import ebml
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.labels import wrapped
from mingwen.domain.media import Keep, Medium
from mingwen.domain.sites import Reading, Wrapper
from mingwen.formats import HEAD_BYTES, Channel, Format, _amf, _matroska, _mpegts

LABEL = (
    '{"Label":"1","ContentProducer":"00119144030008867405X210002","ProduceID":"sample-001","ReservedCode1":"",'
    '"ContentPropagator":"","PropagateID":"","ReservedCode2":""}'
)
OLD = '{"Label":"2","ContentProducer":"old","ProduceID":"old-1"}'
LONG = LABEL.replace("sample", "sample" * 100)
"""Below the 1,024 bytes from which ffmpeg's reader of Flash gives up."""
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:T="http://www.tc260.org.cn/ns/AIGC/1.0/"><T:AIGC>{}</T:AIGC></rdf:Description></rdf:RDF></x:xmpmeta>'
)
OLD_TAGS = ("-metadata", f"AIGC={OLD}", "-metadata", "title=A title", "-metadata", "comment=A comment")
SMALL = ("-t", "1", "-vf", "scale=64:36", "-ac", "1")
VP8 = ("-c:v", "libvpx", "-c:a", "libopus")
INDEX = ("-flvflags", "add_keyframe_index")
KEPT = ("chapters", "attachments", "track_tags", "tracks")
H264 = ("-c:v", "libx264", "-g", "5", "-preset", "ultrafast")
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "matroska": ("mkv", H264),
    "matroska, cues first": ("mkv", (*H264, "-cues_to_front", "1")),
    "matroska, room for cues": ("mkv", (*H264, "-reserve_index_space", "2000")),
    "matroska, old label": ("mkv", (*H264, *OLD_TAGS)),
    "matroska, sound": ("mka", ("-vn", "-c:a", "libopus")),
    "webm": ("webm", VP8),
    "webm, old label": ("webm", (*VP8, *OLD_TAGS)),
    "webm, live": ("webm", (*VP8, "-live", "1")),
    "webm, sound": ("weba", ("-vn", "-c:a", "libopus", "-f", "webm")),
    "flash": ("flv", ("-c:v", "flv", "-an")),
    "flash, indexed": ("flv", (*H264, *INDEX, "-an")),
    "flash, old label": ("flv", (*H264, *INDEX, *OLD_TAGS, "-an")),
    "flash, no metadata": ("flv", ("-flvflags", "no_metadata", "-c:v", "flv", "-an")),
    "flash, sound": ("flv", ("-vn", "-c:a", "libmp3lame", "-ar", "44100")),
}


def ffmpeg(*arguments: str | Path, silent: bool = False) -> bytes:
    done = subprocess.run(["ffmpeg", "-v", "warning", "-y", *arguments], check=True, capture_output=True)
    assert not silent or not done.stderr, done.stderr.decode()
    return done.stdout


def member(data: bytes) -> Format:
    return formats.of(data[:HEAD_BYTES])


def spliced(data: bytes, label: str = LABEL) -> bytes:
    pieces = member(data).splice(io.BytesIO(data), label)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def reading(data: bytes) -> Reading:
    return member(data).read(io.BytesIO(data))


def places(data: bytes) -> list[tuple[str, bool]]:
    return [(s.place, s.guide) for s in reading(data).sites]


def only_label(data: bytes) -> str:
    found = reading(data)
    assert not found.unread
    (site,) = found.sites
    assert (site.guide, site.place, site.wrapper) == (True, member(data).place, Wrapper.BARE)
    return site.text


def streams(path: Path) -> bytes:
    """Hash every packet of every stream, and what comes out of a seek near the end."""
    end = ("-map", "0", "-f", "framemd5", "-")
    return ffmpeg("-i", path, "-map", "0", "-c", "copy", "-f", "streamhash", "-", silent=True) + b"".join(
        line for line in ffmpeg("-ss", "0.8", "-i", path, *end).splitlines() if not line.startswith(b"#")
    )


def ffprobe(path: Path) -> dict[str, str]:
    out = subprocess.run(
        ["ffprobe", "-v", "warning", "-show_entries", "format_tags", "-of", "json", path], check=True, capture_output=True
    )
    assert not out.stderr, out.stderr.decode()
    tags: dict[str, str] = json.loads(out.stdout)["format"].get("tags", {})
    return tags


def mkvmerge(path: Path) -> dict[str, Any]:
    out: dict[str, Any] = json.loads(subprocess.run(["mkvmerge", "-J", path], check=True, capture_output=True).stdout)
    return out


@pytest.fixture(scope="module")
def clip(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a small film, each once."""
    folder = tmp_path_factory.mktemp("clips")

    def clip(suffix: str, *arguments: str) -> Path:
        path = folder / f"{zlib.crc32(repr(arguments).encode()):08x}.{suffix}"
        if not path.exists():
            # the label goes into a remux, so that -vf, which has no meaning there, is not given twice
            ffmpeg("-i", media / "bunny.mp4", *SMALL[: 2 if "-vn" in arguments else 6], *arguments, path)
        return path

    return clip


@pytest.fixture(scope="module")
def merged(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film as MKVToolNix writes it, with chapters, an attachment and tags of a track."""
    folder = tmp_path_factory.mktemp("merged")
    (folder / "chapters.txt").write_text("CHAPTER01=00:00:00.000\nCHAPTER01NAME=Beginning\n")
    out = folder / "a.mkv"
    attached = ("--attachment-mime-type", "image/png", "--attach-file", media / "coffee.png")
    subprocess.run(
        ["mkvmerge", "-q", "-o", out, "--chapters", folder / "chapters.txt", *attached, media / "bunny.mp4"], check=True
    )
    return out


# --- all that are written -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_foreign_judges_find_the_label_and_the_same_packets(clip: Callable[..., Path], tmp_path: Path, variant: str) -> None:
    suffix, arguments = VARIANTS[variant]
    source = clip(suffix, *arguments)
    data, before, hashes = source.read_bytes(), ffprobe(source), streams(source)
    matroska = suffix != "flv"
    was = mkvmerge(source) if matroska else {}
    for label in (LABEL, LONG):
        out = tmp_path / f"{len(label)}.{suffix}"
        out.write_bytes(spliced(data, label))
        assert only_label(out.read_bytes()) == label
        moves = {"AIGC", "lastkeyframelocation"}
        after = ffprobe(out)
        assert after["AIGC"] == label
        assert {k: v for k, v in after.items() if k not in moves} == {k: v for k, v in before.items() if k not in moves}
        assert streams(out) == hashes
        told = mkvmerge(out) if matroska else {"warnings": [], "errors": []}
        assert (told["warnings"], told["errors"]) == ([], [])
        assert [told.get(k) for k in KEPT] == [was.get(k) for k in KEPT]
    assert member(data).medium(io.BytesIO(data)) is (Medium.AUDIO if "sound" in variant else Medium.VIDEO)


@pytest.mark.parametrize("variant", VARIANTS)
def test_labelling_again_does_not_grow_the_file(clip: Callable[..., Path], variant: str) -> None:
    suffix, arguments = VARIANTS[variant]
    once = spliced(clip(suffix, *arguments).read_bytes())
    assert spliced(once) == once
    longer = spliced(once, LONG)
    again = spliced(longer, LABEL)
    assert len(longer) - len(once) <= len(LONG) - len(LABEL) + 2
    assert len(again) <= len(longer)
    assert spliced(spliced(again, LONG), LABEL) == again


@pytest.mark.parametrize("suffix", ["mkv", "webm", "flv"])
def test_labels_that_ffmpeg_writes_are_read_and_replaced(clip: Callable[..., Path], suffix: str) -> None:
    hidden = ("-metadata", f"AIGC={OLD}", "-metadata", f"comment={wrapped(OLD)}", "-metadata", f"my_AIGC_tag={OLD}")
    data = clip(suffix, *hidden, "-an").read_bytes()
    found = reading(data)
    assert sorted((s.place.rpartition(" ")[2].upper(), s.guide, s.text) for s in found.sites) == [
        ("AIGC", True, OLD),
        ("COMMENT", False, wrapped(OLD)),
        ("MY_AIGC_TAG", False, OLD),
    ]
    assert not found.unread
    assert only_label(spliced(data)) == LABEL


@pytest.mark.parametrize("suffix", ["mkv", "webm", "flv"])
def test_stray_labels_behind_the_end_are_read_and_go(clip: Callable[..., Path], suffix: str) -> None:
    data = spliced(clip(suffix, "-an").read_bytes())
    assert len(reading(data + wrapped(OLD).encode()).sites) == 2
    assert spliced(data + wrapped(OLD).encode()) == data


@pytest.mark.parametrize("suffix", ["mkv", "webm", "flv"])
def test_clues_name_the_program(clip: Callable[..., Path], suffix: str) -> None:
    data = clip(suffix, "-an", "-metadata", "title=A title").read_bytes()
    told = {(c.name.lower(), c.text) for c in member(data).clues(io.BytesIO(data)) if c.channel is Channel.TAG}
    assert ("title", "A title") in told
    assert any("Lavf" in text for _, text in told)


# --- Matroska -----------------------------------------------------------------------------------------------------------


def test_what_mkvtoolnix_wrote_stays(merged: Path, tmp_path: Path) -> None:
    data, out = merged.read_bytes(), tmp_path / "out.mkv"
    out.write_bytes(spliced(data))
    told, was = mkvmerge(out), mkvmerge(merged)
    assert (told["warnings"], told["errors"]) == ([], [])
    assert told["global_tags"] == [{"num_entries": 1}]
    assert {k: v for k, v in told.items() if k not in {"file_name", "global_tags"}} == {
        k: v for k, v in was.items() if k not in {"file_name", "global_tags"}
    }
    assert streams(out) == streams(merged)
    assert ffprobe(out)["AIGC"] == LABEL


def test_tags_that_mkvpropedit_writes_are_read_and_replaced(merged: Path, tmp_path: Path) -> None:
    path, tags = tmp_path / "a.mkv", tmp_path / "tags.xml"
    path.write_bytes(spliced(merged.read_bytes()))
    simple = "<Simple><Name>{}</Name><String>{}</String>{}</Simple>"
    nested = simple.format("COMMENT", "words", simple.format("AIGC", OLD, ""))
    kept = simple.format("ARTIST", "somebody", simple.format("INSTRUMENTS", "strings", ""))
    tags.write_text(f"<Tags><Tag><Targets/>{nested}{kept}</Tag><Tag>{simple.format('AIGC', OLD, '')}</Tag></Tags>")
    subprocess.run(["mkvpropedit", "-q", path, "--tags", f"global:{tags}"], check=True)
    subprocess.run(["mkvpropedit", "-q", path, "--tags", f"track:1:{tags}"], check=True)
    data = path.read_bytes()
    assert sorted(places(data)) == [
        ("Segment/Tags AIGC", True),
        ("Segment/Tags COMMENT/AIGC", False),
        ("Segment/Tags of a part/AIGC", False),
        ("Segment/Tags of a part/COMMENT/AIGC", False),
    ]
    path.write_bytes(spliced(data))
    assert only_label(path.read_bytes()) == LABEL
    assert {"ARTIST": "somebody", "COMMENT": "words", "AIGC": LABEL}.items() <= ffprobe(path).items()
    subprocess.run(["mkvpropedit", "-q", path, "--edit", "info", "--set", "title=Another"], check=True)
    assert only_label(path.read_bytes()) == LABEL


def test_labels_in_title_and_attachments_are_read_and_go(merged: Path, tmp_path: Path) -> None:
    path, attached, packet = tmp_path / "a.mkv", tmp_path / "AIGC.json", tmp_path / "a.xmp"
    path.write_bytes(merged.read_bytes())
    attached.write_text(OLD)
    packet.write_text(XMP.format(OLD.replace('"', "&quot;")))
    subprocess.run(
        [
            "mkvpropedit",
            "-q",
            path,
            "--edit",
            "info",
            "--set",
            f"title={wrapped(OLD)}",
            *("--add-attachment", attached),
            *("--add-attachment", packet),
        ],
        check=True,
    )
    data = path.read_bytes()
    assert sorted(places(data)) == [
        ("Segment/Attachments AIGC.json", False),
        ("Segment/Attachments a.xmp XMP TC260:AIGC", False),
        ("Segment/Info Title", False),
    ]
    path.write_bytes(spliced(data))
    assert only_label(path.read_bytes()) == LABEL
    told = mkvmerge(path)
    assert [a["file_name"] for a in told["attachments"]] == ["coffee.png"]
    assert (told["warnings"], told["errors"]) == ([], [])


EBML_HEAD = ebml.packed(0x1A45DFA3, ebml.packed(0x4282, b"webm"))
UNKNOWN = b"\x01" + b"\xff" * 7


def simple_tag(name: str, value: bytes, kind: int = 0x4487) -> bytes:
    return ebml.packed(0x67C8, ebml.packed(0x45A3, name.encode()) + ebml.packed(kind, value))


def tags(*simple: bytes) -> bytes:
    return ebml.packed(0x1254C367, ebml.packed(0x7373, ebml.packed(0x63C0, b"") + b"".join(simple)))


def open_ended(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(4) + UNKNOWN + data


def chromium(clip: Callable[..., Path]) -> bytes:
    """A recording as browsers make it: unknown sizes everywhere, no SeekHead, no Cues, no Void, no Tags."""
    data = clip("webm", *VP8, "-live", "1").read_bytes()
    (segment,) = _matroska._segments(io.BytesIO(data))
    parts = {p.kind: data[p.start : p.stop] for p in segment.parts}
    clusters = [e for e in ebml.walk(io.BytesIO(data), segment.cluster or 0, segment.stop) if e.kind == 0x1F43B675]
    inner = b"".join(open_ended(0x1F43B675, data[c.data : c.stop]) for c in clusters)
    return EBML_HEAD + open_ended(0x18538067, parts[0x1549A966] + parts[0x1654AE6B] + inner)


def test_a_recording_of_a_browser_gets_its_label_before_the_clusters(clip: Callable[..., Path], tmp_path: Path) -> None:
    data = chromium(clip)
    source, out = tmp_path / "source.webm", tmp_path / "out.webm"
    source.write_bytes(data)
    out.write_bytes(spliced(data))
    assert only_label(out.read_bytes()) == LABEL
    assert out.read_bytes().find(b"AIGC") < out.read_bytes().find(b"\x1f\x43\xb6\x75")
    assert ffprobe(out)["AIGC"] == LABEL
    assert mkvmerge(out)["warnings"] == []
    assert streams(out) == streams(source)
    assert len(spliced(spliced(out.read_bytes(), LONG))) == len(spliced(out.read_bytes(), LONG))


def test_a_void_within_an_open_cluster_is_no_room(clip: Callable[..., Path]) -> None:
    cues = ebml.packed(0x1C53BB6B, b"")
    cluster = open_ended(0x1F43B675, ebml.packed(0xE7, b"\0") + ebml.void(2000) + ebml.packed(0xA3, b"\x81\0\0\x80block"))
    data = EBML_HEAD + open_ended(0x18538067, cues + cluster)
    out = spliced(data)
    assert out.startswith(data)
    assert only_label(out) == LABEL


@pytest.mark.parametrize("width", [1, 2, 8])
def test_the_segment_keeps_its_size_true(width: int) -> None:
    inner = ebml.packed(0x1C53BB6B, bytes(60))
    data = EBML_HEAD + ebml.packed(0x18538067, inner, width)
    out = spliced(data)
    (segment,) = _matroska._segments(io.BytesIO(out))
    assert segment.stop == segment.head.stop == len(out)
    assert only_label(out) == LABEL


def test_checksums_of_what_changes_are_true_or_gone(clip: Callable[..., Path]) -> None:
    data = clip("mkv", *H264, *OLD_TAGS, "-metadata", f"title={wrapped(OLD)}").read_bytes()
    for label in (LABEL, LONG):
        out = spliced(data, label)
        (segment,) = _matroska._segments(io.BytesIO(out))
        sealed = [out[p.data : p.stop] for p in segment.parts if ebml.has_crc(out[p.data : p.data + 6])]
        assert len(sealed) >= 3
        assert [p for p in sealed if int.from_bytes(p[2:6], "little") != zlib.crc32(p[6:])] == []


def test_the_seek_head_names_the_tags_where_they_are(clip: Callable[..., Path]) -> None:
    out = spliced(clip("mkv", *H264).read_bytes())
    source = io.BytesIO(out)
    (segment,) = _matroska._segments(source)
    (head,), (labelled,) = segment.of(0x114D9B74), segment.of(0x1254C367)
    named = [segment.head.data + s.position for s in _matroska._seeks(source, head) if s.target == 0x1254C367]
    assert named == [labelled.start]


def test_labels_of_further_segments_and_odd_tags_are_read_and_go() -> None:
    first = EBML_HEAD + ebml.packed(0x18538067, tags(simple_tag("AIGC", OLD.encode(), kind=0x4485), simple_tag("A", b"b")))
    second = EBML_HEAD + ebml.packed(0x18538067, tags(simple_tag("AIGC", OLD.encode())))
    found = reading(first + second)
    assert [(s.text, s.guide) for s in found.sites] == [(OLD, False), (OLD, False)]
    out = spliced(first + second)
    assert only_label(out) == LABEL
    assert len(_matroska._segments(io.BytesIO(out))) == 2
    assert b"b" in out


@pytest.mark.parametrize("name", ["AIGC", "com.AIGC.label", "comment"])
def test_a_tag_cannot_hide_by_being_odd(name: str) -> None:
    deep = simple_tag("AIGC", OLD.encode())
    for _ in range(20):
        deep = ebml.packed(0x67C8, ebml.packed(0x45A3, b"x") + deep)
    empty = ebml.packed(0x67C8, ebml.packed(0x45A3, b"AIGC"))
    nul = simple_tag(name, b"words\0" + wrapped(OLD).encode())
    for simple in (deep, empty, nul):
        found = reading(EBML_HEAD + ebml.packed(0x18538067, tags(simple)))
        assert found.unread


def test_a_label_where_no_place_is_makes_no_file_unlabelled() -> None:
    for kind in (0x1043A770, 0x1654AE6B, 0x4D4D):
        assert reading(EBML_HEAD + ebml.packed(0x18538067, ebml.packed(kind, wrapped(OLD).encode()))).unread


@pytest.mark.parametrize("filler", [ebml.void(2), b"\x1f\x43\xb6\x75\x80", b"\xec\x81\0"])
def test_tiny_elements_are_walked(filler: bytes) -> None:
    data = EBML_HEAD + open_ended(0x18538067, filler * ((1 << 18) // len(filler)))
    assert reading(data) == Reading()
    assert only_label(spliced(data)) == LABEL


# --- Flash --------------------------------------------------------------------------------------------------------------


def numbers(data: bytes) -> dict[tuple[str, ...], float]:
    tag = int.from_bytes(data[14:17])
    body = data[24 : 24 + tag]
    return {v.path[1:]: _amf.number(body, v) for v in _amf.values(body) if v.kind == _amf.NUMBER}


@pytest.mark.parametrize("label", [LABEL, LONG])
def test_the_offsets_of_flash_move_with_its_tags(clip: Callable[..., Path], label: str) -> None:
    data = clip("flv", *H264, *INDEX, *OLD_TAGS, "-an").read_bytes()
    out = spliced(data, label)
    before, after = numbers(data), numbers(out)
    assert after["filesize",] == len(out)
    positions = [p for p in before if p[:2] == ("keyframes", "filepositions")]
    assert len(positions) > 4
    for path in [*positions, ("lastkeyframelocation",)]:
        old, new = int(before[path]), int(after[path])
        assert new - old == len(out) - len(data)
        assert out[new : new + 20] == data[old : old + 20]
    assert {k: v for k, v in after.items() if k not in positions} | before == before | {
        k: v for k, v in after.items() if k not in before
    }


def test_every_tag_of_flash_is_followed_by_its_size(clip: Callable[..., Path]) -> None:
    for arguments in (INDEX, ("-flvflags", "no_metadata")):
        out = spliced(clip("flv", *H264, *arguments, "-an").read_bytes())
        at = 13
        while at < len(out):
            size = int.from_bytes(out[at + 1 : at + 4])
            assert int.from_bytes(out[at + 11 + size : at + 15 + size]) == 11 + size
            at += 15 + size
        assert at == len(out)


def script(*values: bytes) -> bytes:
    body = b"".join(values)
    return bytes([18]) + len(body).to_bytes(3) + bytes(7) + body + (11 + len(body)).to_bytes(4)


def array(**properties: bytes) -> bytes:
    inner = b"".join(_amf.packed_name(k.encode()) + v for k, v in properties.items())
    return bytes([8]) + len(properties).to_bytes(4) + inner + b"\0\0\x09"


def text(value: str) -> bytes:
    return _amf.packed_string(value.encode())


FLV = b"FLV\x01\x01\0\0\0\x09\0\0\0\0"


def test_labels_in_all_corners_of_flash_are_read_and_go() -> None:
    packet = XMP.format(OLD.replace('"', "&quot;"))
    nested = array(inner=array(AIGC=text(OLD), kept=text("k")), comment=text(wrapped(OLD)))
    data = FLV + b"".join(
        (
            script(text("onMetaData"), nested),
            script(text("onMetaData"), array(AIGC=text(OLD))),
            script(text("onXMPData"), array(liveXML=text(packet))),
            script(text("onTextData"), bytes([10]) + (2).to_bytes(4) + text(wrapped(OLD)) + text("words")),
        )
    )
    assert [(s.place.split(" at ")[0], s.guide) for s in reading(data).sites] == [
        ("onMetaData inner/AIGC", False),
        ("onMetaData comment", False),
        ("script tag", False),
        ("script tag", False),
        ("script tag", False),
    ]
    assert {s.text for s in reading(data).sites} == {OLD, wrapped(OLD)}
    out = spliced(data)
    assert only_label(out) == LABEL
    assert spliced(out) == out
    assert text("words") in out
    assert array(kept=text("k")) in out
    clues = list(member(out).clues(io.BytesIO(out)))
    assert [c.channel for c in clues].count(Channel.XMP) == 1


@pytest.mark.parametrize(
    "values",
    [
        (text("onMetaData"), b"\x11\x0a" + OLD.encode()),
        (text("onMetaData"), array(AIGC=array(Label=text("1")))),
        (text("onMetaData"), array(AIGC=b"\x01\x01")),
        (text("onMetaData"), bytes([10, 0, 0, 0, 1]) * 20 + text(OLD)),
        (text("onMetaData"), bytes([8, 0, 0, 0, 1]) + _amf.packed_name(b"AIGC") + b"\x02\x7f\xff" + OLD.encode()),
    ],
)
def test_metadata_that_cannot_be_read_is_told_of(values: tuple[bytes, ...]) -> None:
    found = reading(FLV + script(*values))
    assert found.unread
    assert not found.sites


def test_an_encrypted_script_tag_is_told_of() -> None:
    tag = bytearray(script(text("onMetaData"), array()))
    tag[0] |= 0x20
    assert [u.reason for u in reading(FLV + bytes(tag)).unread] == ["is encrypted"]


# --- transport streams --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stream(clip: Callable[..., Path]) -> bytes:
    return clip("ts", "-metadata", "service_name=nothing").read_bytes()


def test_a_transport_stream_is_refused_with_a_way_out(stream: bytes) -> None:
    assert reading(stream) == Reading()
    with pytest.raises(Refused, match=r"ffmpeg -i in\.ts -c copy out\.mp4"):
        spliced(stream)


@pytest.mark.parametrize("layout", [(), ("-mpegts_m2ts_mode", "1")])
def test_a_label_in_a_table_of_a_stream_is_told_of(clip: Callable[..., Path], layout: tuple[str, ...]) -> None:
    data = clip("ts", "-metadata", f"service_name={OLD}", *layout).read_bytes()
    assert member(data).name == "mpegts"
    assert reading(data).unread


@pytest.mark.parametrize("shift", [0, 5, 14])
def test_a_label_across_packets_is_told_of(stream: bytes, shift: int) -> None:
    word = b"x" * (184 - shift) + OLD.encode()[OLD.index("ContentProducer") :]
    packets = [b"\x47\x01\x23\x10" + word[at : at + 184].ljust(184, b"\0") for at in (0, 184)]
    data = packets[0] + stream[: 188 * 20] + packets[1]
    assert b"ContentProducer" not in data or not shift
    assert reading(data).unread


def test_what_was_not_searched_is_told_of(stream: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    scrambled = bytearray(stream)
    scrambled[3] |= 0x80
    slipped = stream[: 188 * 30] + stream[188 * 30 + 1 :]
    for data in (bytes(scrambled), slipped):
        assert reading(data).unread
    monkeypatch.setattr(_mpegts, "MAX_SEARCHED_BYTES", 188 * 20)
    monkeypatch.setattr(_mpegts, "END_BYTES", 188 * 10)
    end = len(stream) - 188 * 10
    assert [u.reason for u in reading(stream).unread] == [f"are not searched from byte {188 * 20} to {end}"]


# --- damage -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mkv", "flv", "ts"])
def test_only_our_errors_escape_any_changed_byte(clip: Callable[..., Path], suffix: str) -> None:
    data = clip(suffix, "-an", "-metadata", f"AIGC={OLD}").read_bytes()
    for at in range(0, min(len(data), 1200), 3):
        for value in (0, 0x80, 0xFF):
            broken = data[:at] + bytes([value]) + data[at + 1 :]
            try:
                reading(broken)
                spliced(broken)
            except MingwenError:
                continue


def test_a_cut_film_is_refused(clip: Callable[..., Path]) -> None:
    for suffix in ("mkv", "flv"):
        data = clip(suffix, "-an").read_bytes()
        assert reading(data[:-7]).unread
        with pytest.raises(Malformed):
            spliced(data[:-7])
