"""MP4, QuickTime and M4A before foreign judges: ffmpeg, exiftool and mutagen read what we write, and we what they write."""

import importlib
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mingwen.domain.media import Keep, Medium
from mingwen.formats import HEAD_BYTES, Format, Wrapper, m4a, mov, mp4, of
from mingwen.formats._moov import PLACE

mutagen: Any = importlib.import_module("mutagen.mp4")  # half of it is typed

MEMBERS = (m4a.MEMBER, mov.MEMBER, mp4.MEMBER)
LABEL = (
    '{"Label":"1","ContentProducer":"00119144030008867405X210002","ProduceID":"sample-001","ReservedCode1":"",'
    '"ContentPropagator":"","PropagateID":"","ReservedCode2":""}'
)
OLD = '{"Label":"2","ContentProducer":"old","ProduceID":"old-1"}'
TAGS = ("-metadata", "title=A title", "-metadata", "comment=A comment")
OLD_KEY = ("-movflags", "use_metadata_tags", "-metadata", f"AIGC={OLD}", "-metadata", "title=A title")
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "moov last": ("mp4", ()),
    "moov first": ("mp4", ("-movflags", "+faststart")),
    "moov first with room": ("mp4", ("-moov_size", "40000")),
    "tags, moov first": ("mp4", ("-movflags", "+faststart", *TAGS)),
    "old key": ("mp4", OLD_KEY),
    "fragments": ("mp4", ("-movflags", "+frag_keyframe+empty_moov")),
    "fragments with their own base": ("mp4", ("-movflags", "+frag_keyframe+empty_moov+default_base_moof")),
    "fragments without offset": ("mp4", ("-movflags", "+frag_keyframe+empty_moov+omit_tfhd_offset")),
    "fragments, a whole moov": ("mp4", ("-movflags", "+frag_keyframe")),
    "dash": ("mp4", ("-movflags", "+dash+frag_keyframe+global_sidx")),
    "dash, an index each": ("mp4", ("-movflags", "+dash+frag_keyframe", "-frag_duration", "500000")),
    "3gp": ("3gp", ("-an",)),
    "quicktime": ("mov", ()),
    "quicktime tags": ("mov", ("-movflags", "+faststart", *TAGS)),
    "quicktime old key": ("mov", OLD_KEY),
    "sound": ("m4a", ("-vn",)),
    "sound with tags first": ("m4a", ("-vn", "-movflags", "+faststart", *TAGS)),
}


def ffmpeg(*arguments: str | Path) -> bytes:
    return subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, capture_output=True).stdout


def ffprobe_tags(path: Path) -> dict[str, str]:
    out = subprocess.run(
        ["ffprobe", "-v", "warning", "-show_entries", "format_tags", "-of", "json", path], check=True, capture_output=True
    )
    assert not out.stderr, out.stderr.decode()
    tags: dict[str, str] = json.loads(out.stdout)["format"].get("tags", {})
    return tags


def exiftool(path: Path) -> dict[str, Any]:
    out = subprocess.run(["exiftool", "-j", "-G1", "-a", "-s", path], check=True, capture_output=True)
    found: dict[str, Any] = json.loads(out.stdout)[0]
    return found


def packets(path: Path) -> bytes:
    """Hash every packet of every stream with its times, and then the frames that come out of them."""
    each = ffmpeg("-i", path, "-map", "0", "-c", "copy", "-f", "framemd5", "-")
    return each + ffmpeg("-i", path, "-map", "0:v?", "-map", "0:a?", "-f", "md5", "-")


def labelled(path: Path, text: str = LABEL) -> Path:
    """Write the spliced file beside ``path``."""
    out = path.with_name(f"labelled-{path.name}")
    with path.open("rb") as source, out.open("wb") as sink:
        for piece in member(path).splice(source, text):
            if isinstance(piece, Keep):
                source.seek(piece.start)
                sink.write(source.read(piece.stop - piece.start))
            else:
                sink.write(piece)
    return out


def member(path: Path) -> Format:
    with path.open("rb") as source:
        return of(source.read(HEAD_BYTES), path.suffix)


def sites(path: Path) -> list[tuple[str, str]]:
    with path.open("rb") as source:
        reading = member(path).read(source)
    assert not reading.unread
    return [(s.place, s.text) for s in reading.sites]


@pytest.fixture(scope="session")
def clip(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real film, cut short, with sound."""
    out = tmp_path_factory.mktemp("iso") / "clip.mp4"
    ffmpeg(
        "-i",
        media / "bunny.mp4",
        "-t",
        "3",
        "-map_metadata",
        "-1",
        "-c:v",
        "libx264",
        "-g",
        "25",
        "-c:a",
        "aac",
        "-s",
        "160x90",
        out,
    )
    return out


@pytest.fixture
def made(clip: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """One of the VARIANTS, by the parameter ``name``."""
    suffix, options = VARIANTS[request.getfixturevalue("name")]
    path = tmp_path / f"made.{suffix}"
    ffmpeg("-i", clip, "-c", "copy", *options, path)
    return path


@pytest.mark.parametrize("name", VARIANTS)
def test_judges_read_the_label_and_play_the_same(made: Path, name: str) -> None:
    before = sites(made)
    assert before == ([(PLACE, OLD)] if "old key" in name else [])
    out = labelled(made)
    assert sites(out) == [(PLACE, LABEL)]
    tags = ffprobe_tags(out)
    assert tags["AIGC"] == LABEL
    assert {k: v for k, v in tags.items() if k != "AIGC"} == {k: v for k, v in ffprobe_tags(made).items() if k != "AIGC"}
    judged, was = exiftool(out), exiftool(made)
    assert judged["Keys:AIGC"] == json.loads(LABEL) or judged["Keys:AIGC"] == LABEL
    assert judged.get("ExifTool:Warning") == was.get("ExifTool:Warning")
    assert packets(out) == packets(made)
    again = labelled(out)
    assert again.read_bytes() == out.read_bytes(), "a second label of the same text changes nothing"


@pytest.mark.parametrize("name", ["moov first with room"])
def test_room_that_ffmpeg_left_is_used(made: Path, name: str) -> None:
    assert labelled(made).stat().st_size == made.stat().st_size


@pytest.mark.parametrize("name", ["tags, moov first", "sound with tags first"])
def test_tags_of_itunes_survive_before_ours(made: Path, name: str) -> None:
    tags = mutagen.MP4(labelled(made)).tags
    assert (tags["©nam"], tags["©cmt"]) == (["A title"], ["A comment"])


@pytest.mark.parametrize("name", ["tags, moov first"])
def test_a_freeform_of_mutagen_is_read_and_gives_way(made: Path, name: str) -> None:
    file = mutagen.MP4(made)
    file["----:com.apple.iTunes:AIGC"] = mutagen.MP4FreeForm(OLD.encode(), mutagen.AtomDataType.UTF8)
    file["----:com.apple.iTunes:MOOD"] = mutagen.MP4FreeForm(b"calm", mutagen.AtomDataType.UTF8)
    file.save()
    assert sites(made) == [("moov/udta/meta ----:com.apple.iTunes:AIGC", OLD)]
    out = labelled(made)
    assert sites(out) == [(PLACE, LABEL)]
    tags = mutagen.MP4(out).tags
    assert "----:com.apple.iTunes:AIGC" not in tags
    assert (tags["----:com.apple.iTunes:MOOD"], tags["©nam"]) == ([b"calm"], ["A title"])
    assert packets(out) == packets(made)


@pytest.mark.parametrize(("suffix", "place"), [("mov", "moov/udta ©cmt"), ("mp4", "moov/udta/meta ©cmt")])
def test_a_comment_that_holds_a_label_is_read_and_goes(clip: Path, tmp_path: Path, suffix: str, place: str) -> None:
    path, wrapped = tmp_path / f"comment.{suffix}", f'{{"AIGC":{OLD}}}'
    ffmpeg("-i", clip, "-c", "copy", "-metadata", f"comment={wrapped}", "-metadata", "title=A title", path)
    assert (place, wrapped) in sites(path)
    with path.open("rb") as source:
        assert all(s.wrapper is Wrapper.WRAPPED and not s.guide for s in member(path).read(source).sites)
    out = labelled(path)
    assert sites(out) == [(PLACE, LABEL)]
    tags = ffprobe_tags(out)
    assert (tags["title"], tags.get("comment")) == ("A title", None)


def test_xmp_of_exiftool_is_read_and_loses_the_label_only(clip: Path, tmp_path: Path) -> None:
    config = tmp_path / "tc260.cfg"
    config.write_text(
        "%Image::ExifTool::UserDefined = ('Image::ExifTool::XMP::Main' => {TC260 => {SubDirectory => "
        "{TagTable => 'Image::ExifTool::UserDefined::TC260'}}});\n%Image::ExifTool::UserDefined::TC260 = (GROUPS => "
        "{0 => 'XMP', 1 => 'XMP-TC260'}, NAMESPACE => {'TC260' => 'http://www.tc260.org.cn/ns/AIGC/1.0/'}, "
        "WRITABLE => 'string', AIGC => {});\n1;\n"
    )
    for suffix, place in (("mp4", "uuid XMP TC260:AIGC"), ("mov", "moov/udta XMP_ TC260:AIGC")):
        path = tmp_path / f"xmp.{suffix}"
        ffmpeg("-i", clip, "-c", "copy", path)
        tags = [f"-XMP-TC260:AIGC={OLD}", "-XMP-dc:Title=A title"]
        subprocess.run(["exiftool", "-config", config, "-q", "-overwrite_original", *tags, path], check=True)
        assert sites(path) == [(place, OLD)]
        out = labelled(path)
        assert sites(out) == [(PLACE, LABEL)]
        assert exiftool(out)["XMP-dc:Title"] == "A title"
        assert packets(out) == packets(path)


def test_keys_of_a_telephone_are_still_read(clip: Path, tmp_path: Path) -> None:
    """A telephone's keys stand in moov/meta, QuickTime's own place; exiftool writes there too."""
    path = tmp_path / "telephone.mov"
    ffmpeg("-i", clip, "-c", "copy", path)
    keys = ["-Keys:Make=Maker", "-Keys:Model=Model 1", "-Keys:Title=A title"]
    subprocess.run(["exiftool", "-q", "-overwrite_original", *keys, path], check=True)
    out = labelled(path)
    assert sites(out) == [(PLACE, LABEL)]
    before, after = ffprobe_tags(path), ffprobe_tags(out)
    assert "Maker" in before.values()
    assert after == {**before, "AIGC": LABEL}
    judged = exiftool(out)
    assert (judged["Keys:Make"], judged["Keys:Model"]) == ("Maker", "Model 1")
    assert "Keys:AIGC" in judged
    assert packets(out) == packets(path)


def test_chapters_and_several_tracks_stay(clip: Path, tmp_path: Path) -> None:
    chapters = tmp_path / "chapters.txt"
    one, two = (
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n",
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=3000\ntitle=Two\n",
    )
    chapters.write_text(f";FFMETADATA1\ntitle=All\n{one}{two}")
    for suffix in ("mp4", "mov"):
        path = tmp_path / f"many.{suffix}"
        maps = ("-map", "0:v", "-map", "0:a", "-map", "0:a", "-map_metadata", "1")
        ffmpeg("-i", clip, "-i", chapters, *maps, "-c", "copy", "-movflags", "+faststart", path)
        out = labelled(path)
        assert packets(out) == packets(path)
        shown = [
            subprocess.run(
                ["ffprobe", "-v", "warning", "-show_chapters", "-show_streams", "-of", "json", p], check=True, capture_output=True
            )
            for p in (path, out)
        ]
        assert shown[0].stdout == shown[1].stdout
        assert json.loads(shown[1].stdout)["chapters"][1]["tags"] == {"title": "Two"}


def test_offsets_that_outgrow_32_bits_still_play(clip: Path, tmp_path: Path) -> None:
    """The film with its data just below 4 GiB, behind a hole: a long label pushes the last chunks over the edge."""
    first, big, out = tmp_path / "first.mp4", tmp_path / "big.mp4", tmp_path / "out.mp4"
    ffmpeg("-i", clip, "-c", "copy", "-movflags", "+faststart", first)
    film = first.read_bytes()
    cut = film.index(b"mdat") - 4
    hole = (1 << 32) - len(film) - 1
    head = bytearray(film[:cut])
    at = -1
    while (at := head.find(b"stco", at + 1)) > 0:
        count = int.from_bytes(head[at + 8 : at + 12])
        for place in range(at + 12, at + 12 + 4 * count, 4):
            head[place : place + 4] = (int.from_bytes(head[place : place + 4]) + hole).to_bytes(4)
    head += (1).to_bytes(4) + b"free" + hole.to_bytes(8)
    with big.open("wb") as sink:
        sink.write(head)
        sink.seek(cut + hole)
        sink.write(film[cut:])
    with big.open("rb") as source:
        *front, last = member(big).splice(source, LABEL.replace('"ReservedCode2":""', f'"ReservedCode2":"{"0" * 40_000}"'))
    assert isinstance(last, Keep)
    assert (last.stop, last.start < len(head)) == (big.stat().st_size, True)
    with out.open("wb") as sink:
        for piece in front:
            sink.write(bytes(head[piece.start : piece.stop]) if isinstance(piece, Keep) else piece)
        sink.write(head[last.start :])
        sink.seek(hole - 16, io.SEEK_CUR)
        sink.write(film[cut:])
    assert b"co64" in b"".join(p for p in front if isinstance(p, bytes))
    assert packets(out) == packets(big) == packets(first)


@pytest.mark.parametrize(
    ("name", "medium"),
    [("moov last", Medium.VIDEO), ("quicktime", Medium.VIDEO), ("sound", Medium.AUDIO), ("dash", Medium.VIDEO)],
)
def test_the_medium_is_what_the_tracks_hold(made: Path, name: str, medium: Medium) -> None:
    assert member(made).medium(io.BytesIO(made.read_bytes())) is medium


def test_sound_alone_in_an_mp4_is_audio(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    ffmpeg("-i", clip, "-vn", "-c", "copy", path)
    assert (member(path).name, member(path).medium(io.BytesIO(path.read_bytes()))) == ("mp4", Medium.AUDIO)


def brand(name: bytes) -> bytes:
    return b"\0\0\0\x10ftyp" + name + bytes(4)


@pytest.mark.parametrize(
    ("names", "heads"),
    [
        (["mp4"], [brand(b) for b in (b"isom", b"iso6", b"mp42", b"avc1", b"dash", b"MSNV", b"3gp5", b"M4V ")]),
        (["m4a"], [brand(b) for b in (b"M4A ", b"M4B ", b"M4P ")]),
        (["mov"], [brand(b"qt  "), *(bytes([0, 0, 0, 8]) + kind for kind in (b"moov", b"mdat", b"wide", b"free", b"skip"))]),
        ([], [brand(b) for b in (b"heic", b"mif1", b"msf1", b"avif", b"avis", b"hevc", b"heix", b"jxl ")]),
        ([], [b"The free software of the world", b"", b"ftyp"]),
    ],
)
def test_at_most_one_member_claims_a_head(names: list[str], heads: list[bytes]) -> None:
    for head in heads:
        assert [m.name for m in MEMBERS if m.claims(head, ".mp4")] == names


def test_without_a_moov_the_brand_decides() -> None:
    nothing = io.BytesIO(brand(b"isom"))
    assert {m.name: m.medium(nothing) for m in MEMBERS} == {"m4a": Medium.AUDIO, "mov": Medium.VIDEO, "mp4": Medium.VIDEO}
