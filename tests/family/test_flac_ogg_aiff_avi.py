"""FLAC, Ogg, AIFF, raw AAC and AVI before foreign judges: ffmpeg, flac, metaflac, ogginfo, opusinfo, mutagen and exiftool."""

import io
import json
import re
import struct
import subprocess
import tracemalloc
from pathlib import Path
from typing import Any

import mutagen.aiff
import mutagen.flac
import mutagen.id3
import mutagen.oggflac
import mutagen.oggopus
import mutagen.oggspeex
import mutagen.oggvorbis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manifest_store import box
from mingwen import formats
from mingwen.containers import ogg_pages, riff
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.labels import produced, to_json, wrapped
from mingwen.domain.media import Keep, Medium
from mingwen.domain.sites import Reading
from mingwen.formats import Channel, Format, _id3, _ogg, _vorbis
from mingwen.formats.adts import MEMBER as ADTS
from mingwen.formats.aiff import MEMBER as AIFF
from mingwen.formats.avi import MEMBER as AVI
from mingwen.formats.flac import MEMBER as FLAC
from mingwen.formats.mp3 import MEMBER as MP3
from mingwen.formats.ogg import MEMBER as OGG
from mingwen.formats.opus import MEMBER as OPUS
from mingwen.formats.wav import MEMBER as WAV

id3: Any = mutagen.id3
flac_file: Any = mutagen.flac.FLAC
aiff_file: Any = mutagen.aiff.AIFF
OGG_FILES: dict[str, Any] = {
    "libvorbis": mutagen.oggvorbis.OggVorbis,
    "libopus": mutagen.oggopus.OggOpus,
    "flac": mutagen.oggflac.OggFLAC,
    "libspeex": mutagen.oggspeex.OggSpeex,
}

LABEL = to_json(produced(producer="001191310104MACE0YX63918020", produce_id="142569260085903360"))
OTHER = to_json(produced(producer="另一个", produce_id="x" * 300))
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'rdf:about="" xmlns:T="http://www.tc260.org.cn/ns/AIGC/1.0/"><T:AIGC>{"Label":"1"}</T:AIGC></rdf:Description>'
    b"</rdf:RDF></x:xmpmeta>"
)


def run(*arguments: str | Path) -> str:
    done = subprocess.run(list(map(str, arguments)), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return (done.stdout + done.stderr).decode(errors="replace")


def ffmpeg(*arguments: str | Path) -> str:
    return run("ffmpeg", "-v", "error", "-y", *arguments)


def hashes(path: Path) -> tuple[str, str]:
    """Checksums of the packets and the samples that ffmpeg takes in the file; Vorbis has its comments in extra and side data."""
    packets = ffmpeg("-i", path, "-map", "0", "-c", "copy", "-f", "framemd5", "-")
    return re.sub(r"#extradata .*|, S=1, .*", "", packets), ffmpeg("-i", path, "-f", "streamhash", "-")


def tags(path: Path) -> dict[str, str]:
    shown = json.loads(run("ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path))
    found: dict[str, str] = dict(shown["format"].get("tags", {}))
    for stream in shown["streams"]:
        found |= stream.get("tags", {})
    return found


def spliced(member: Format, data: bytes, label: str = LABEL) -> bytes:
    pieces = member.splice(io.BytesIO(data), label)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def read(member: Format, data: bytes) -> Reading:
    return member.read(io.BytesIO(data))


def texts(member: Format, data: bytes) -> list[tuple[str, str]]:
    found = read(member, data)
    assert found.unread == ()
    return [(s.place, s.text) for s in found.sites]


def only(member: Format, data: bytes, text: str = LABEL) -> None:
    """Check that the label stands at the guide's place, and nowhere else."""
    assert texts(member, data) == [(member.place, text)]
    assert read(member, data).sites[0].guide
    assert data.count(b"ContentProducer") == 1


def clues(member: Format, data: bytes) -> dict[tuple[Channel, str], str]:
    return {(c.channel, c.name): c.text for c in member.body().clues(io.BytesIO(data))}


def labelled(member: Format, path: Path, label: str = LABEL) -> Path:
    """Label the file, and check that ffmpeg finds the same packets and samples in it."""
    out = path.with_name(f"labelled-{path.name}")
    out.write_bytes(spliced(member, path.read_bytes(), label))
    only(member, out.read_bytes(), label)
    assert hashes(out) == hashes(path)
    return out


@pytest.fixture
def speech(media: Path, tmp_path: Path) -> Path:
    path = tmp_path / "speech.wav"
    ffmpeg("-i", media / "speech.wav", "-t", "0.6", "-ar", "16000", path)
    return path


@pytest.fixture
def flac(speech: Path) -> Path:
    path = speech.with_suffix(".flac")
    ffmpeg("-i", speech, "-metadata", "title=题", path)
    return path


# FLAC


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    at, out, last = data.index(b"fLaC") + 4, [], False
    while not last:
        size = int.from_bytes(data[at + 1 : at + 4])
        out.append((data[at] & 0x7F, data[at + 4 : at + 4 + size]))
        last, at = data[at] > 0x7F, at + 4 + size
    return out


def test_a_labelled_flac_is_found_sound_and_its_sound_does_not_move(media: Path, speech: Path, tmp_path: Path) -> None:
    path, sheet = tmp_path / "full.flac", tmp_path / "a.cue"
    sheet.write_text('FILE "a.wav" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n')
    ffmpeg("-i", speech, "-ar", "44100", tmp_path / "cd.wav")
    picture = f"--picture={media / 'rocket.jpg'}"
    run("flac", "-s", f"--cuesheet={sheet}", picture, "-S", "10x", "-T", "TITLE=题", tmp_path / "cd.wav", "-o", path)
    out = labelled(FLAC, path)
    before, after = blocks(path.read_bytes()), blocks(out.read_bytes())
    assert out.stat().st_size == path.stat().st_size
    assert {3, 5, 6} <= {kind for kind, _ in after}
    assert [b for b in after if b[0] not in {1, 4}] == [b for b in before if b[0] not in {1, 4}]
    assert "AIGC=" + LABEL in run("metaflac", "--list", "--block-type=VORBIS_COMMENT", out)
    run("flac", "-ts", out)
    assert flac_file(out)["AIGC"] == [LABEL]
    assert flac_file(out)["TITLE"] == ["题"]
    assert tags(out)["AIGC"] == LABEL


def test_a_flac_without_comments_and_padding_gets_a_block(flac: Path) -> None:
    run("metaflac", "--remove-all", "--dont-use-padding", flac)
    out = labelled(FLAC, flac)
    assert [kind for kind, _ in blocks(out.read_bytes())] == [0, 4]
    run("flac", "-ts", out)
    assert flac_file(out)["AIGC"] == [LABEL]
    labelled(FLAC, out, OTHER)


@pytest.mark.parametrize("field", ["AIGC", "aigc"])
def test_labels_by_ffmpeg_and_mutagen_are_read_and_replaced(flac: Path, field: str) -> None:
    by_ffmpeg = flac.with_name("by-ffmpeg.flac")
    ffmpeg("-i", flac, "-c", "copy", "-metadata", f"{field}={OTHER}", by_ffmpeg)
    tagged = flac_file(flac)
    tagged[field] = [OTHER, OTHER]
    tagged["DESCRIPTION"] = wrapped(OTHER)
    tagged["xAIGCx"] = OTHER
    tagged.save()
    only(FLAC, by_ffmpeg.read_bytes(), OTHER)
    places = [place for place, _ in texts(FLAC, flac.read_bytes())]
    assert sorted(places) == sorted([FLAC.place, FLAC.place, "Vorbis comment DESCRIPTION", "Vorbis comment xAIGCx"])
    for path in (by_ffmpeg, flac):
        assert flac_file(labelled(FLAC, path))["TITLE"] == ["题"]


def test_of_several_comment_blocks_one_keeps_a_label(flac: Path) -> None:
    data = flac.read_bytes()
    field = b"AIGC=" + OTHER.encode()
    block = bytes(4) + struct.pack("<II", 1, len(field)) + field
    twice = data[:42] + b"\4" + len(block).to_bytes(3) + block + data[42:]
    assert texts(FLAC, twice) == [(FLAC.place, OTHER)]
    flac.write_bytes(twice)
    assert [kind for kind, _ in blocks(labelled(FLAC, flac).read_bytes())] == [0, 4, 4, 1]


def test_an_id3_tag_before_a_flac_is_no_mp3(flac: Path) -> None:
    sound = flac.read_bytes()
    tag = id3.ID3()
    tag.add(id3.TXXX(encoding=3, desc="AIGC", text=OTHER))
    tag.add(id3.TIT2(encoding=1, text="题"))
    store = box(b"jumb", box(b"cbor", b"c2pa.created"))
    tag.add(id3.GEOB(encoding=0, mime="application/c2pa", filename="c2pa", desc="c2pa", data=store))
    raw = io.BytesIO()
    tag.save(raw, padding=lambda _: 100)
    data = raw.getvalue() + sound + b"TAG".ljust(128, b"\0")
    assert formats.of(data[:4096], ".mp3") is FLAC
    flac.write_bytes(data)
    assert texts(FLAC, data) == [("ID3 TXXX:AIGC", OTHER)]
    out = spliced(FLAC, data)
    only(FLAC, out)
    assert out.index(b"fLaC") == data.index(b"fLaC")
    assert out.endswith(data[-128:])
    found = clues(FLAC, out)
    assert found[Channel.TAG, "TIT2"] == "题"
    assert found[Channel.MANIFEST, "GEOB"] == "c2pa.created"


@pytest.mark.parametrize(("suffix", "member"), [(".flac", FLAC), (".mp3", MP3), (".aac", ADTS), ("", MP3)])
def test_behind_a_long_id3_tag_the_suffix_tells(flac: Path, suffix: str, member: Format) -> None:
    data = b"ID3\4\0\0\0\0\x40\0" + bytes(8192) + flac.read_bytes()
    assert formats.of(data[:4096], suffix) is member
    if member is FLAC:
        only(FLAC, spliced(FLAC, data))
    else:
        with pytest.raises(Malformed):
            read(member, data)


def test_the_label_of_a_wav_that_flac_keeps_is_read_and_blanked(speech: Path, tmp_path: Path) -> None:
    wav, path, back = tmp_path / "labelled.wav", tmp_path / "kept.flac", tmp_path / "back.wav"
    wav.write_bytes(spliced(WAV, speech.read_bytes(), OTHER))
    run("flac", "-s", "--keep-foreign-metadata", wav, "-o", path)
    assert texts(FLAC, path.read_bytes()) == [("FLAC APPLICATION", OTHER)]
    out = labelled(FLAC, path)
    run("flac", "-ds", "--keep-foreign-metadata", out, "-o", back)
    assert hashes(back) == hashes(speech)


def test_a_label_glued_behind_a_flac_is_read_and_blanked_and_a_broken_one_is_told(flac: Path) -> None:
    data = flac.read_bytes()
    assert texts(FLAC, data + OTHER.encode()) == [("behind the sound", OTHER)]
    only(FLAC, spliced(FLAC, data + OTHER.encode()))
    broken = read(FLAC, data + OTHER[:-9].encode())
    assert (broken.sites, [u.place for u in broken.unread]) == ((), ["behind the sound"])
    assert spliced(FLAC, data + OTHER[:-9].encode()).endswith(OTHER[:-9].encode())


def test_a_flac_tells_what_made_it(flac: Path) -> None:
    found = clues(FLAC, flac.read_bytes())
    assert found[Channel.TAG, "vendor"].startswith("Lavf")
    assert found[Channel.TAG, "ENCODER"].startswith("Lavf")


# Ogg


def made(speech: Path, codec: str, *options: str) -> tuple[Format, Path]:
    suffix = {"libopus": ".opus", "flac": ".oga", "libspeex": ".spx"}.get(codec, ".ogg")
    path = speech.with_suffix(suffix)
    ffmpeg("-i", speech, "-c:a", codec, "-metadata", "title=题", *options, path)
    return (OPUS if codec == "libopus" else OGG), path


def pages(data: bytes) -> list[ogg_pages.Page]:
    return list(ogg_pages.walk(io.BytesIO(data)))


def assert_pages_hold(data: bytes) -> None:
    """Check every checksum the slow way, and that each stream's pages are counted without a gap."""
    expected: dict[int, int] = {}
    for page in pages(data):
        whole = data[page.start : page.start + 22] + bytes(4) + data[page.start + 26 : page.stop]
        register = 0
        for byte in whole:
            register ^= byte << 24
            for _ in range(8):
                register = (register << 1 ^ (0x04C11DB7 if register >> 31 else 0)) & 0xFFFF_FFFF
        assert register == page.checksum
        assert page.sequence == expected.get(page.serial, 0)
        expected[page.serial] = page.sequence + 1
    assert page.stop == len(data)


@pytest.mark.parametrize("codec", OGG_FILES)
def test_a_labelled_ogg_sounds_the_same_and_keeps_its_pages(speech: Path, codec: str) -> None:
    member, path = made(speech, codec)
    assert formats.of(path.read_bytes()[:4096], "") is member
    out = labelled(member, path)
    assert len(pages(out.read_bytes())) == len(pages(path.read_bytes()))
    assert_pages_hold(out.read_bytes())
    assert OGG_FILES[codec](out)["AIGC"] == [LABEL]
    assert OGG_FILES[codec](out)["TITLE"] == ["题"]
    assert tags(out)["AIGC"] == LABEL
    if codec in {"libvorbis", "libopus"}:
        told = run("opusinfo" if codec == "libopus" else "ogginfo", out)
        assert "AIGC=" + LABEL in told
        assert "WARNING" not in told
    assert clues(member, path.read_bytes())[Channel.TAG, "TITLE"] == "题"


def test_a_labelled_flac_in_ogg_counts_its_block(speech: Path) -> None:
    _, path = made(speech, "flac")
    data = spliced(OGG, path.read_bytes())
    at = data.index(b"reference libFLAC") if b"reference libFLAC" in data else data.index(b"Lavf")
    size = int.from_bytes(data[at - 7 : at - 4])
    assert data[at - 8] & 0x7F == 4
    assert _vorbis.parse(data[at - 4 : at - 4 + size]).stop == size


@pytest.mark.parametrize("codec", ["libvorbis", "libopus"])
def test_labels_by_ffmpeg_and_mutagen_in_ogg_are_replaced(speech: Path, codec: str) -> None:
    member, path = made(speech, codec, "-metadata", f"AIGC={OTHER}")
    only(member, path.read_bytes(), OTHER)
    tagged = OGG_FILES[codec](path)
    tagged["comment"] = [wrapped(OTHER), "kept"]
    tagged.save()
    assert len(texts(member, path.read_bytes())) == 2
    assert OGG_FILES[codec](labelled(member, path))["comment"] == ["kept"]


@pytest.mark.parametrize("codec", ["libvorbis", "libopus"])
@pytest.mark.parametrize("size", [9_000, 64_900, 130_000, 200_000])
def test_long_comments_span_pages_and_a_page_more_counts_the_others_on(speech: Path, codec: str, size: int) -> None:
    member, path = made(speech, codec)
    tagged = OGG_FILES[codec](path)
    tagged["long"] = "z" * size
    tagged.save(padding=lambda _: 0)
    long = to_json(produced(producer="p" * 3_900, produce_id="q"))
    before = path.read_bytes()
    out = labelled(member, path, long)
    assert_pages_hold(out.read_bytes())
    assert len(pages(out.read_bytes())) - len(pages(before)) in {0, 1}
    assert "WARNING" not in run("opusinfo" if codec == "libopus" else "ogginfo", out)
    shorter = labelled(member, out)
    assert len(pages(shorter.read_bytes())) == len(pages(out.read_bytes()))
    assert_pages_hold(shorter.read_bytes())


def test_where_the_pages_are_full_those_behind_are_counted_on_within_bounds(
    speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, path = made(speech, "libopus")
    data = path.read_bytes()
    head, comment, *rest = pages(data)
    full = ogg_pages.paged([_opus_tags(255 * 255 - 1)], [comment])
    assert len(full) == 1
    tight = data[: head.stop] + full[0] + data[comment.stop :]
    path.write_bytes(tight)
    out = labelled(member, path)
    assert len(pages(out.read_bytes())) == len(pages(tight)) + 1
    assert_pages_hold(out.read_bytes())
    monkeypatch.setattr(_ogg, "MAX_RENUMBERED", len(rest) - 1)
    with pytest.raises(Refused) as caught:
        spliced(member, tight)
    assert caught.value.code == "ogg.too-many-pages"


def _opus_tags(size: int) -> bytes:
    field = b"long=".ljust(size - 8 - 4 - 4 - 4, b"z")
    return b"OpusTags" + bytes(4) + struct.pack("<II", 1, len(field)) + field


def test_in_a_chain_the_first_link_bears_the_label(speech: Path) -> None:
    _, one = made(speech, "libvorbis", "-serial_offset", "1", "-metadata", f"AIGC={OTHER}")
    first = one.read_bytes()
    _, two = made(speech, "libvorbis", "-serial_offset", "9", "-metadata", f"AIGC={OTHER}")
    one.write_bytes(first + two.read_bytes())
    assert len(texts(OGG, one.read_bytes())) == 2
    out = one.with_name("chain.ogg")
    out.write_bytes(spliced(OGG, one.read_bytes()))
    only(OGG, out.read_bytes())
    assert "WARNING" not in run("ogginfo", out)
    assert ffmpeg("-i", out, "-f", "streamhash", "-") == ffmpeg("-i", one, "-f", "streamhash", "-")
    second = pages(out.read_bytes())[len(pages(first))]
    assert_pages_hold(out.read_bytes()[: second.start])
    assert_pages_hold(out.read_bytes()[second.start :])


def test_films_and_streams_side_by_side_are_read_and_refused(media: Path, speech: Path, tmp_path: Path) -> None:
    film, pair = tmp_path / "film.ogv", tmp_path / "pair.ogg"
    clip = ("-i", media / "bunny.mp4", "-t", "0.3", "-vf", "scale=64:36")
    ffmpeg(*clip, "-c:v", "libtheora", "-c:a", "libvorbis", "-metadata", f"AIGC={LABEL}", film)
    ffmpeg("-i", speech, "-map", "0", "-map", "0", "-c:a:0", "libvorbis", "-c:a:1", "libopus", pair)
    assert OGG.medium(io.BytesIO(film.read_bytes())) is Medium.VIDEO
    assert OGG.medium(io.BytesIO(pair.read_bytes())) is Medium.AUDIO
    assert LABEL in {text for _, text in texts(OGG, film.read_bytes())}
    assert texts(OGG, pair.read_bytes()) == []
    for path in (film, pair):
        with pytest.raises(Refused) as caught:
            spliced(OGG, path.read_bytes())
        assert caught.value.code == "ogg.multiplexed"


def test_an_unknown_codec_in_ogg_is_told(speech: Path) -> None:
    _, path = made(speech, "libvorbis")
    data = path.read_bytes().replace(b"\x01vorbis", b"\x01sibrov", 1)
    assert "not known" in read(OGG, data).unread[0].reason


def test_a_label_behind_the_last_page_is_read_and_goes(speech: Path) -> None:
    member, path = made(speech, "libopus")
    data = path.read_bytes()
    assert texts(member, data + OTHER.encode()) == [("after Ogg", OTHER)]
    assert spliced(member, data + OTHER.encode()) == spliced(member, data)


def test_a_long_ogg_takes_little_memory(speech: Path) -> None:
    member, path = made(speech, "libopus")
    data = path.read_bytes()
    last = pages(data)[-1]
    page = bytearray(data[last.start : last.stop])
    page[5] = 0
    long = data[: last.start] + bytes(page) * (40 << 20 >> 12) + data[last.start :]
    source = io.BytesIO(long)
    tracemalloc.start()
    pieces = member.splice(source, LABEL)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20
    assert len(pieces) < 12


# AIFF


@pytest.mark.parametrize("suffix", [".aiff", ".aifc"])
def test_a_labelled_aiff_sounds_the_same_and_others_read_it(speech: Path, suffix: str) -> None:
    path = speech.with_suffix(".aiff")
    codec = ("-c:a", "pcm_s16le") if suffix == ".aifc" else ()
    ffmpeg("-i", speech, *codec, "-metadata", "title=Tone", path)
    assert path.read_bytes()[8:12] == (b"AIFC" if codec else b"AIFF")
    out = labelled(AIFF, path)
    assert aiff_file(out).tags["TXXX:AIGC"].text == [LABEL]
    assert tags(out)["AIGC"] == LABEL
    assert int.from_bytes(out.read_bytes()[4:8]) == out.stat().st_size - 8
    assert clues(AIFF, out.read_bytes())[Channel.TAG, "NAME"] == "Tone"
    assert len(labelled(AIFF, out, OTHER).read_bytes()) == out.stat().st_size


def test_tags_by_mutagen_and_ffmpeg_in_aiff_are_read_and_replaced(speech: Path) -> None:
    path, tagged = speech.with_suffix(".aiff"), speech.with_name("tagged.aiff")
    ffmpeg("-i", speech, path)
    ffmpeg("-i", speech, "-write_id3v2", "1", "-metadata", f"AIGC={OTHER}", "-metadata", "artist=kept", tagged)
    sound = aiff_file(path)
    sound.add_tags()
    sound.tags.add(id3.TXXX(encoding=3, desc="AIGC", text=OTHER))
    sound.tags.add(id3.TIT2(encoding=3, text="题"))
    sound.save()
    for one, kept in ((path, "TIT2"), (tagged, "TPE1")):
        only(AIFF, one.read_bytes(), OTHER)
        assert aiff_file(labelled(AIFF, one)).tags[kept].text
        assert clues(AIFF, one.read_bytes())[Channel.TAG, kept] in {"题", "kept"}


def test_labels_in_other_chunks_of_an_aiff_are_read_and_go(speech: Path) -> None:
    path = speech.with_suffix(".aiff")
    ffmpeg("-i", speech, path)
    data = path.read_bytes()
    chunks = ((b"ANNO", wrapped(OTHER).encode()), (b"APPL", b"XMP " + XMP), (b"APPL", b"stoc" + OTHER.encode()))
    more = b"".join(kind + len(d).to_bytes(4) + d + bytes(len(d) % 2) for kind, d in chunks)
    path.write_bytes(b"FORM" + (len(data) + len(more) - 8).to_bytes(4) + data[8:] + more + OTHER.encode())
    places = [place for place, _ in texts(AIFF, path.read_bytes())]
    assert places == ["AIFF ANNO", "AIFF APPL XMP TC260:AIGC", "AIFF APPL", "after FORM"]
    labelled(AIFF, path)


def test_an_aiff_from_a_pipe_does_not_know_its_size_and_is_told(speech: Path) -> None:
    data = subprocess.run(["ffmpeg", "-v", "error", "-i", speech, "-f", "aiff", "-"], capture_output=True, check=True).stdout
    assert [u.place for u in read(AIFF, data).unread] == ["AIFF chunks"]
    with pytest.raises(Malformed):
        spliced(AIFF, data)


# raw AAC


def test_raw_aac_is_read_and_refused_whatever_stands_before_it(speech: Path) -> None:
    path = speech.with_suffix(".aac")
    ffmpeg("-i", speech, path)
    data = path.read_bytes()
    tagged = _id3.new_tag(OTHER) + data
    assert formats.of(data[:4096], ".mp3") is ADTS
    assert formats.of(tagged[:4096], "") is ADTS
    assert texts(ADTS, tagged) == [("ID3 TXXX:AIGC", OTHER)]
    assert not read(ADTS, tagged).sites[0].guide
    assert texts(ADTS, data + OTHER.encode()) == [("behind the sound", OTHER)]
    with pytest.raises(Refused, match=r"out\.m4a") as caught:
        spliced(ADTS, tagged)
    assert caught.value.code == "adts.no-place"
    assert clues(ADTS, tagged)[Channel.TAG, "TXXX:AIGC"] == OTHER


def test_sound_of_layer_3_is_no_raw_aac(media: Path) -> None:
    data = (media / "speech.mp3").read_bytes()
    at = re.search(rb"\xff[\xe2-\xfb]", data)
    assert at
    assert not ADTS.claims(data[at.start() : at.start() + 4096], ".aac")


# AVI


@pytest.fixture
def film(media: Path, tmp_path: Path) -> Path:
    path = tmp_path / "film.avi"
    clip = ("-i", media / "bunny.mp4", "-t", "0.5", "-vf", "scale=64:36", "-ac", "1")
    ffmpeg(*clip, "-c:v", "mjpeg", "-metadata", "comment=kept", path)
    return path


def chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    return [
        (data[c.data : c.data + 4] if c.kind == b"LIST" else c.kind, c.start, c.stop) for c in riff.form(io.BytesIO(data)).chunks
    ]


def without_filler(data: bytes) -> bytes:
    ((_, start, stop),) = [c for c in chunks(data) if c[0] == b"JUNK"]
    rest = data[:start] + data[stop:]
    return rest[:4] + (len(rest) - 8).to_bytes(4, "little") + rest[8:]


def test_a_labelled_avi_plays_the_same_and_its_pictures_do_not_move(film: Path) -> None:
    out = labelled(AVI, film)
    before, after = film.read_bytes(), out.read_bytes()
    assert len(after) == len(before)
    assert after.index(b"movi") == before.index(b"movi")
    assert after[after.index(b"movi") :] == before[before.index(b"movi") :]
    assert ffmpeg("-ss", "0.3", "-i", out, "-f", "md5", "-") == ffmpeg("-ss", "0.3", "-i", film, "-f", "md5", "-")
    assert tags(out)["comment"] == "kept"
    assert "Comment" in json.loads(run("exiftool", "-json", out))[0]
    assert clues(AVI, after)[Channel.TAG, "ISFT"].startswith("Lavf")
    shorter = labelled(AVI, out, OTHER)
    assert spliced(AVI, shorter.read_bytes()) == after


@pytest.mark.parametrize("absolute", [False, True])
def test_without_filler_the_label_stands_behind_and_the_index_stays_true(film: Path, *, absolute: bool) -> None:
    data = bytearray(without_filler(film.read_bytes()))
    movi, index = data.index(b"movi"), data.rindex(b"idx1")
    if absolute:
        for at in range(index + 8, len(data) - 15, 16):
            offset = int.from_bytes(data[at + 8 : at + 12], "little")
            data[at + 8 : at + 12] = (offset + movi).to_bytes(4, "little")
    film.write_bytes(data)
    out = labelled(AVI, film)
    assert out.read_bytes()[8 : len(data)] == data[8:]
    assert [name for name, *_ in chunks(out.read_bytes())][-1] == b"INFO"
    assert ffmpeg("-ss", "0.3", "-i", out, "-f", "md5", "-") == ffmpeg("-ss", "0.3", "-i", film, "-f", "md5", "-")
    assert "AVI" in run("exiftool", "-FileType", out)
    again = labelled(AVI, out, OTHER)
    assert spliced(AVI, again.read_bytes()) == out.read_bytes()


def test_the_riffs_behind_the_first_never_move(film: Path) -> None:
    further = riff.packed(b"RIFF", b"AVIX" + riff.packed(b"LIST", b"movi" + riff.packed(b"00dc", b"x" * 90)))
    data = film.read_bytes() + further
    out = spliced(AVI, data)
    only(AVI, out)
    assert out.index(further) == data.index(further)
    with pytest.raises(Refused) as caught:
        spliced(AVI, without_filler(film.read_bytes()) + further)
    assert caught.value.code == "avi.no-room"


def test_labels_at_other_places_of_an_avi_are_read_and_go(film: Path) -> None:
    data = film.read_bytes()
    ((_, start, _),) = [c for c in chunks(data) if c[0] == b"JUNK"]
    own = riff.packed(b"AIGC", OTHER.encode())
    inner = riff.packed(b"ICMT", wrapped(OTHER).encode()) + own
    more = riff.packed(b"LIST", b"INFO" + inner) + riff.packed(b"_PMX", XMP) + riff.packed(b"XYZW", OTHER.encode())
    film.write_bytes(
        b"RIFF" + (len(data) + len(more) - 8).to_bytes(4, "little") + data[8:start] + more + data[start:] + OTHER.encode()
    )
    places = [place for place, _ in texts(AVI, film.read_bytes())]
    assert places == ["LIST/INFO ICMT", "LIST/INFO AIGC", "AVI _PMX XMP TC260:AIGC", "AVI XYZW", "after RIFF"]
    labelled(AVI, film)
    assert clues(AVI, film.read_bytes())[Channel.XMP, "_PMX"] == XMP.decode()


def test_an_avi_loses_its_label_in_a_copy_by_ffmpeg(film: Path) -> None:
    out = labelled(AVI, film)
    copied = out.with_name("copied.avi")
    ffmpeg("-i", out, "-c", "copy", copied)
    assert texts(AVI, copied.read_bytes()) == []


# All of them, damaged


@pytest.fixture
def seeds(speech: Path, film: Path, flac: Path) -> list[tuple[Format, bytes]]:
    """Files with labels at many places."""
    aiff = speech.with_suffix(".aiff")
    ffmpeg("-i", speech, "-write_id3v2", "1", "-metadata", f"AIGC={OTHER}", aiff)
    found = [(AIFF, aiff.read_bytes() + OTHER.encode()), (AVI, without_filler(film.read_bytes())), (AVI, film.read_bytes())]
    found.append((FLAC, _id3.new_tag(OTHER) + flac.read_bytes()[:9000] + OTHER.encode()))
    for codec in OGG_FILES:
        member, path = made(speech, codec, "-metadata", f"comment={wrapped(OTHER)}")
        found.append((member, path.read_bytes() * 2))
    return found


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_only_our_errors_escape_and_what_is_written_is_read(seeds: list[tuple[Format, bytes]], data: st.DataObject) -> None:
    member, seed = data.draw(st.sampled_from(seeds))
    broken = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, min(len(broken), 1200) - 1) | st.integers(0, len(broken) - 1))
        broken[at] = data.draw(st.integers(0, 255))
    del broken[data.draw(st.integers(1, len(broken)) | st.just(len(broken))) :]
    try:
        found = read(member, bytes(broken))
        list(member.body().clues(io.BytesIO(broken)))
        out = spliced(member, bytes(broken))
    except MingwenError:
        return
    again = read(member, out)
    if not found.unread and not again.unread:
        assert [s.guide for s in again.sites] == [True]
        assert spliced(member, out) == out
