"""WAV, MP3 and WebP before foreign judges: ffmpeg, ffprobe, exiftool, mutagen and Pillow."""

import io
import json
import subprocess
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import mutagen.id3
import mutagen.mp3
import mutagen.wave
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from mingwen.domain.errors import Malformed, MingwenError
from mingwen.domain.media import Keep
from mingwen.formats import _id3, _xmp, mp3, wav, webp
from mingwen.formats._shape import Format, Site, Wrapper

id3: Any = mutagen.id3
wave: Any = mutagen.wave.WAVE
tagged_mp3: Any = mutagen.mp3.MP3

LABEL = (
    '{"Label":"1","ContentProducer":"001191310104MACE0YX63918020","ProduceID":"142569260085903360","ReservedCode1":'
    r'"{\"SecurityData\":{\"Type\":\"TC260PG\",\"Version\":1}}",'
    '"ContentPropagator":"001191310104MACE0YX63918020","PropagateID":"142569260085903360","ReservedCode2":""}'
)
OTHER = LABEL.replace("142569260085903360", "147392816552226816")
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="kept"/></rdf:RDF></x:xmpmeta>'
)
WRAPPED = f'{{"AIGC":{LABEL}}}'


def spliced(member: Format, data: bytes, label: str = LABEL) -> bytes:
    pieces = member.splice(io.BytesIO(data), label)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def guide(member: Format, text: str = LABEL) -> tuple[Site, ...]:
    return (Site(member.place, text, Wrapper.BARE, guide=True),)


def xmp_labels(packet: bytes) -> list[str]:
    return [site.text for site in _xmp.sites(packet, guide=True) if site.guide]


def sites(member: Format, data: bytes) -> tuple[Site, ...]:
    reading = member.read(io.BytesIO(data))
    assert reading.unread == ()
    return reading.sites


def run(*arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(arguments, input=stdin, capture_output=True, check=True).stdout


def ffmpeg(*arguments: str | Path, stdin: bytes = b"") -> bytes:
    return run("ffmpeg", "-v", "error", "-y", *map(str, arguments), stdin=stdin)


def decoded(path: Path) -> bytes:
    return ffmpeg("-i", path, "-map", "0:a", "-f", "framemd5", "-")


def exif(path: Path, *options: str) -> Any:
    return json.loads(run("exiftool", "-json", "-struct", *options, str(path)))[0]


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=440:duration=0.05:sample_rate=8000", "-metadata", "title=Tone", "-bitexact", path)
    return path


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "short.mp3"
    ffmpeg("-f", "lavfi", "-i", "sine=440:duration=0.2:sample_rate=16000", "-b:a", "32k", "-metadata", "title=Tone", path)
    return path


# WAV


def test_a_labelled_wav_sounds_the_same_and_is_claimed_once(media: Path, tmp_path: Path) -> None:
    data = (media / "speech.wav").read_bytes()
    out = tmp_path / "out.wav"
    out.write_bytes(spliced(wav.MEMBER, data))
    assert wav.claims(data[:4096], "")
    assert not webp.claims(data[:4096], "")
    assert sites(wav.MEMBER, out.read_bytes()) == guide(wav.MEMBER)
    assert decoded(out) == decoded(media / "speech.wav")
    assert wave(out).info.length == wave(media / "speech.wav").info.length
    assert int.from_bytes(out.read_bytes()[4:8], "little") == out.stat().st_size - 8


def test_ffmpeg_loses_the_key_in_wav_and_that_is_not_found_rather_than_unread(tone: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    ffmpeg("-i", tone, "-c", "copy", "-metadata", f"AIGC={LABEL}", out)
    assert sites(wav.MEMBER, out.read_bytes()) == ()


def test_a_comment_by_ffmpeg_is_read_and_makes_way(tone: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    ffmpeg("-i", tone, "-c", "copy", "-metadata", f"comment={WRAPPED}", out)
    data = out.read_bytes()
    assert sites(wav.MEMBER, data) == (Site("WAV LIST/INFO ICMT", WRAPPED, Wrapper.WRAPPED, guide=False),)
    out.write_bytes(spliced(wav.MEMBER, data, OTHER))
    assert sites(wav.MEMBER, out.read_bytes()) == guide(wav.MEMBER, OTHER)
    assert decoded(out) == decoded(tone)
    assert exif(out)["Title"] == "Tone"
    assert "Comment" not in exif(out)


def test_a_tag_by_mutagen_in_wav_is_read_and_only_its_label_goes(tone: Path) -> None:
    tagged = wave(tone)
    tagged.add_tags()
    tagged.tags.add(id3.TXXX(encoding=3, desc="AIGC", text=[LABEL]))
    tagged.tags.add(id3.TIT2(encoding=3, text=["铭文"]))
    tagged.save()
    before = decoded(tone)
    assert [(s.place, s.text, s.guide) for s in sites(wav.MEMBER, tone.read_bytes())] == [("WAV id3 ID3 TXXX:AIGC", LABEL, False)]
    tone.write_bytes(spliced(wav.MEMBER, tone.read_bytes()))
    assert sites(wav.MEMBER, tone.read_bytes()) == guide(wav.MEMBER)
    kept = wave(tone).tags
    assert kept["TIT2"].text == ["铭文"]
    assert not kept.getall("TXXX")
    assert decoded(tone) == before


@pytest.mark.parametrize("rf64", [False, True])
def test_a_wav_from_a_pipe_gets_the_label_before_its_samples(tone: Path, tmp_path: Path, *, rf64: bool) -> None:
    piped = ffmpeg("-i", tone, "-c", "copy", *(["-rf64", "always"] if rf64 else []), "-f", "wav", "-")
    out = tmp_path / "out.wav"
    (source := tmp_path / "piped.wav").write_bytes(piped)
    out.write_bytes(spliced(wav.MEMBER, piped))
    assert sites(wav.MEMBER, out.read_bytes()) == guide(wav.MEMBER)
    assert out.read_bytes().index(b"AIGC") < out.read_bytes().index(b"data")
    assert decoded(out) == decoded(source)


def test_rf64_keeps_its_64_bit_size_true(tone: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    ffmpeg("-i", tone, "-c", "copy", "-rf64", "always", long)
    out = tmp_path / "out.wav"
    out.write_bytes(spliced(wav.MEMBER, long.read_bytes()))
    data = out.read_bytes()
    assert data[:8] == b"RF64\xff\xff\xff\xff"
    assert int.from_bytes(data[20:28], "little") == len(data) - 8
    assert sites(wav.MEMBER, data) == guide(wav.MEMBER)
    assert decoded(out) == decoded(long)


def test_a_sparse_rf64_beyond_4_gib_takes_little_memory(tmp_path: Path) -> None:
    samples = 5 << 30
    fmt = b"fmt " + (16).to_bytes(4, "little") + bytes.fromhex("0100010040 1f0000 803e0000 02001000".replace(" ", ""))
    ds64 = b"ds64" + (28).to_bytes(4, "little") + (samples + 72).to_bytes(8, "little") + samples.to_bytes(8, "little") + bytes(12)
    path = tmp_path / "big.wav"
    with path.open("wb") as sink:
        sink.write(b"RF64\xff\xff\xff\xffWAVE" + ds64 + fmt + b"data\xff\xff\xff\xff")
        sink.truncate(sink.tell() + samples)
    with path.open("rb") as source:
        tracemalloc.start()
        assert wav.MEMBER.read(source).sites == ()
        pieces = wav.MEMBER.splice(source, LABEL)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1 << 20
    assert isinstance(pieces[-1], bytes)
    assert pieces[-1].startswith(b"AIGC")
    size = sum(p.stop - p.start if isinstance(p, Keep) else len(p) for p in pieces)
    assert (size - 8).to_bytes(8, "little") in pieces


# MP3


def test_a_labelled_mp3_sounds_the_same_and_foreigners_see_the_label(media: Path, tmp_path: Path) -> None:
    data = (media / "speech.mp3").read_bytes()
    out = tmp_path / "out.mp3"
    out.write_bytes(spliced(mp3.MEMBER, data))
    assert mp3.claims(data[:4096], "")
    assert sites(mp3.MEMBER, out.read_bytes()) == guide(mp3.MEMBER)
    assert decoded(out) == decoded(media / "speech.mp3")
    assert id3.ID3(out)["TXXX:AIGC"].text == [LABEL]
    assert exif(out, "-UserDefinedText")["UserDefinedText"] == f"(AIGC) {LABEL}"
    probed = json.loads(run("ffprobe", "-v", "error", "-show_format", "-of", "json", str(out)))
    assert probed["format"]["tags"]["AIGC"] == LABEL


def test_an_mp3_without_a_tag_gets_one(short: Path, tmp_path: Path) -> None:
    id3.delete(short)
    bare = short.read_bytes()
    assert mp3.claims(bare[:4096], "")
    assert sites(mp3.MEMBER, bare) == ()
    out = tmp_path / "out.mp3"
    out.write_bytes(spliced(mp3.MEMBER, bare))
    assert out.read_bytes().endswith(bare)
    assert tagged_mp3(out).tags.version == (2, 4, 0)
    assert tagged_mp3(out).tags["TXXX:AIGC"].text == [LABEL]
    assert decoded(out) == decoded(short)


@pytest.mark.parametrize("version", [3, 4])
def test_labels_by_ffmpeg_and_mutagen_are_read(short: Path, tmp_path: Path, version: int) -> None:
    out = tmp_path / "out.mp3"
    ffmpeg("-i", short, "-c", "copy", "-id3v2_version", str(version), "-metadata", f"AIGC={LABEL}", out)
    assert sites(mp3.MEMBER, out.read_bytes()) == guide(mp3.MEMBER)
    for encoding in (0, 1, 3) if version == 3 else (0, 1, 2, 3):
        tags = id3.ID3()
        tags.add(id3.TXXX(encoding=encoding, desc="AIGC", text=[LABEL]))
        tags.add(id3.COMM(encoding=encoding, lang="zho", desc="note", text=[WRAPPED]))
        tags.save(out, v2_version=version)
        found = sites(mp3.MEMBER, out.read_bytes())
        assert sorted((s.place, s.text) for s in found) == [("ID3 COMM:note", WRAPPED), ("ID3 TXXX:AIGC", LABEL)]
        assert sites(mp3.MEMBER, spliced(mp3.MEMBER, out.read_bytes(), OTHER)) == guide(mp3.MEMBER, OTHER)


@pytest.mark.parametrize("version", [3, 4])
def test_cover_and_other_frames_stay_byte_for_byte(short: Path, media: Path, version: int) -> None:
    cover = (media / "rocket.jpg").read_bytes()
    tags = id3.ID3()
    tags.add(id3.APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=cover))
    tags.add(id3.TIT2(encoding=1, text=["铭文"]))
    tags.save(short, v2_version=version, padding=lambda _: 4096)
    before, sound = short.stat().st_size, decoded(short)
    short.write_bytes(spliced(mp3.MEMBER, short.read_bytes()))
    assert short.stat().st_size == before, "padding that is large enough is used"
    kept = id3.ID3(short, translate=False)
    assert kept.version == (2, version, 0)
    assert kept["APIC:"].data == cover
    assert kept["TIT2"].text == ["铭文"]
    assert kept["TXXX:AIGC"].text == [LABEL]
    assert decoded(short) == sound


@pytest.mark.parametrize(
    ("container", "codec", "word"), [("adts", "aac", "M4A"), ("flac", "flac", "FLAC"), ("mp2", "mp2", "MP3")]
)
def test_what_is_no_mp3_behind_a_tag_is_named(tone: Path, container: str, codec: str, word: str) -> None:
    stranger = ffmpeg("-i", tone, "-ar", "44100", "-c:a", codec, "-f", container, "-")
    tag = _id3.new_tag(LABEL)
    assert not mp3.claims(stranger[:4096], ".mp3")
    for verb in (mp3.MEMBER.read, partial(mp3.MEMBER.splice, label=LABEL)):
        with pytest.raises(Malformed) as caught:
            verb(io.BytesIO(tag + stranger))
        assert caught.value.code == "mp3.stranger"
        assert word in caught.value.hint


# WebP


def picture(path: Path, **options: Any) -> bytes:
    out = io.BytesIO()
    with Image.open(path) as image:
        image.resize((61, 43)).save(out, "WEBP", **options)
    return out.getvalue()


def frames(data: bytes) -> list[bytes]:
    with Image.open(io.BytesIO(data)) as image:
        out = []
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            out.append(image.convert("RGBA").tobytes())
        return out


@pytest.mark.parametrize(
    "kind", ["lossy", "lossless", "alpha", "lossless alpha", "exif", "exif prefix", "icc", "xmp", "animation"]
)
def test_a_labelled_webp_shows_the_same_picture(media: Path, tmp_path: Path, kind: str) -> None:
    options: dict[str, Any] = {"lossless": "lossless" in kind}
    source = media / "coffee.png"
    if "alpha" in kind:
        with Image.open(source) as image:
            image.putalpha(image.convert("L"))
            image.save(source := tmp_path / "alpha.png")
    if "exif" in kind:
        block = Image.Exif()
        block[0x010E] = WRAPPED
        options["exif"] = block.tobytes() if "prefix" in kind else block.tobytes().removeprefix(b"Exif\0\0")
    if kind == "icc":
        options["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if kind == "xmp":
        options["xmp"] = XMP
    if kind == "animation":
        options |= {"save_all": True, "append_images": [Image.new("RGB", (61, 43), c) for c in ("red", "blue")]}
    data = picture(source, **options)
    assert [s.place for s in sites(webp.MEMBER, data)] == (["Exif ImageDescription"] if "exif" in kind else [])
    out = spliced(webp.MEMBER, data)
    assert sites(webp.MEMBER, out) == guide(webp.MEMBER)
    assert frames(out) == frames(data)
    assert int.from_bytes(out[4:8], "little") == len(out) - 8
    (path := tmp_path / "out.webp").write_bytes(out)
    with Image.open(path) as image:
        assert xmp_labels(image.info["xmp"]) == [LABEL]
        assert image.info.get("icc_profile") == options.get("icc_profile")
        assert image.size == (61, 43)
        assert kind == "animation" or image.mode == ("RGBA" if "alpha" in kind else "RGB")
    assert xmp_labels(run("exiftool", "-b", "-XMP", str(path))) == [LABEL]
    found = exif(path, "-XMP:All", "-RIFF:ImageWidth", "-Warning")
    assert "Warning" not in found
    assert (kind != "xmp") or found["Source"] == "kept"


def test_a_stray_label_behind_a_webp_is_read_and_goes(media: Path) -> None:
    data = picture(media / "coffee.png") + b"AIGC" + LABEL.encode() + b"!"
    assert [(s.place, s.text) for s in sites(webp.MEMBER, data)] == [("after RIFF", LABEL)]
    out = spliced(webp.MEMBER, data)
    assert out.endswith(b"AIGC!")
    assert sites(webp.MEMBER, out) == guide(webp.MEMBER)


# All three


SEEDS: list[tuple[Format, bytes]] = []


@pytest.fixture
def seeds(tone: Path, short: Path, media: Path) -> list[tuple[Format, bytes]]:
    """Small valid files of each kind, with metadata of several writers."""
    if not SEEDS:
        tagged = id3.ID3()
        tagged.add(id3.TXXX(encoding=1, desc="AIGC", text=[LABEL]))
        tagged.add(id3.COMM(encoding=3, lang="zho", desc="", text=[WRAPPED]))
        two = tone.with_name("two.mp3")
        two.write_bytes(short.read_bytes())
        tagged.save(two, v2_version=3, padding=lambda _: 20)
        listed = ffmpeg("-i", tone, "-c", "copy", "-metadata", f"comment={WRAPPED}", tone.with_name("listed.wav"))
        listed = tone.with_name("listed.wav").read_bytes()
        SEEDS.extend(
            [
                (wav.MEMBER, tone.read_bytes()),
                (wav.MEMBER, listed),
                (mp3.MEMBER, short.read_bytes()),
                (mp3.MEMBER, two.read_bytes()),
                (webp.MEMBER, picture(media / "coffee.png", quality=1)),
                (webp.MEMBER, spliced(webp.MEMBER, picture(media / "coffee.png", quality=1, lossless=True), OTHER)),
            ]
        )
    return SEEDS


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    choice=st.integers(0, 5),
    changes=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=4),
    cut=st.floats(0, 2),
)
def test_only_our_errors_escape_and_what_is_written_is_read(
    seeds: list[tuple[Format, bytes]], choice: int, changes: list[tuple[int, int]], cut: float
) -> None:
    member, seed = seeds[choice]
    data = bytearray(seed[: int(len(seed) * cut)] if cut < 1 else seed)
    for at, value in changes:
        if at < len(data):
            data[at] = value
    try:
        member.read(io.BytesIO(data))
        out = spliced(member, bytes(data))
    except MingwenError:
        return
    found = member.read(io.BytesIO(out))
    assert [s.text for s in found.sites if s.guide] == [LABEL]
    if not found.unread:
        assert len(found.sites) == 1
    assert spliced(member, spliced(member, bytes(data), OTHER)) == out, "what was written before leaves no trace"


def test_every_truncation_of_a_riff_is_told(seeds: list[tuple[Format, bytes]]) -> None:
    for member, data in seeds:
        for length in range(12, len(data), 7) if member is not mp3.MEMBER else ():  # sound may end anywhere
            assert member.read(io.BytesIO(data[:length])).unread, f"{member.name} cut to {length} of {len(data)} bytes"
