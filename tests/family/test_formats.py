"""Every check over every format: a new member is tested by existing."""

import io
import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pillow_heif
import pillow_jxl  # noqa: F401 - the plugin registers itself
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import documents
from mingwen import formats
from mingwen.domain.errors import MingwenError, Refused
from mingwen.domain.labels import produced, to_json
from mingwen.domain.media import Keep, Splice
from mingwen.domain.sites import Reading
from mingwen.formats import HEAD_BYTES, Format, _xmp

LABEL = to_json(produced(producer="001191310104MACE0YX63918020", produce_id="142569260085903360"))
OTHER = to_json(produced(producer="另一个", produce_id="x" * 300))
PAGE = b"<!doctype html>\n<html><head><title>t</title></head><body><p>words</p></body></html>\n"
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>t</title><rect width="9" height="9"/></svg>\n'
NAMES = [f.name for f in formats.every()]
BESIDE = {f.name for f in formats.every() if f.sidecar}
"""Formats without room for a label: what they splice is an XMP file of its own."""
READ_ONLY = {"adts", "mpegts"}
"""Formats that have no place for a label, and refuse."""
WRITTEN = [n for n in NAMES if n not in BESIDE | READ_ONLY]
ENDLESS = {"markdown", "html", "text", "json", "sse"}
"""Formats that have no signature and, but for JSON, no end mark: a cut one is a shorter one."""
FILLED = {"avi", "flac"}
"""Formats that hold filler, from which a label takes its room."""
REWRITTEN = {"mkv": 600, "webm": 600}
"""Bytes at most that are not kept: the tags, which go elsewhere, and the SeekHead that finds them."""


def ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)


def webp(media: Path, out: Path) -> None:
    with Image.open(media / "chelsea.png") as picture:
        picture.save(out, quality=80)


def picture(media: Path, out: Path) -> None:
    """Write a small picture in a format for which Pillow has a plugin, or itself."""
    pillow_heif.register_heif_opener()
    with Image.open(media / "chelsea.png") as cat:
        small = cat.resize((64, 48))
    small.info.clear()
    small.save(out, quality=80)


def pdf(out: Path) -> None:
    with pikepdf.new() as document:
        document.add_blank_page()
        document.docinfo["/Title"] = "标题"
        document.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)


MAKERS: dict[str, Callable[[Path, Path], object]] = {
    "png": lambda media, out: ffmpeg("-i", str(media / "coffee.png"), "-vf", "scale=60:40", str(out)),
    "jpeg": lambda media, out: ffmpeg("-i", str(media / "rocket.jpg"), "-vf", "scale=64:42", str(out)),
    "webp": webp,
    "wav": lambda media, out: ffmpeg("-i", str(media / "speech.wav"), "-t", "0.2", str(out)),
    "mp3": lambda media, out: ffmpeg("-i", str(media / "speech.wav"), "-t", "0.5", str(out)),
    "mp4": lambda media, out: ffmpeg("-i", str(media / "bunny.mp4"), "-t", "0.2", "-vf", "scale=64:36", "-ac", "1", str(out)),
    "mov": lambda media, out: ffmpeg("-i", str(media / "bunny.mp4"), "-t", "0.2", "-vf", "scale=64:36", "-an", str(out)),
    "m4a": lambda media, out: ffmpeg("-i", str(media / "speech.wav"), "-t", "0.5", str(out)),
    "mkv": lambda media, out: ffmpeg("-i", str(media / "bunny.mp4"), "-t", "0.2", "-vf", "scale=64:36", "-ac", "1", str(out)),
    "webm": lambda media, out: ffmpeg("-i", str(media / "bunny.mp4"), "-t", "0.2", "-vf", "scale=64:36", "-ac", "1", str(out)),
    "flv": lambda media, out: ffmpeg("-i", str(media / "bunny.mp4"), "-t", "0.2", "-vf", "scale=64:36", "-an", str(out)),
    "mpegts": lambda media, out: ffmpeg("-i", str(media / "bunny.mp4"), "-t", "0.2", "-vf", "scale=64:36", "-an", str(out)),
    "markdown": lambda media, out: out.write_bytes((media / "document.md").read_bytes()[:2000]),
    "html": lambda _, out: out.write_bytes(PAGE),
    "text": lambda _, out: out.write_text("一段文字。\nwords\n", encoding="utf-8"),
    "gif": lambda media, out: ffmpeg("-i", str(media / "bunny.mp4"), "-t", "0.3", "-vf", "scale=64:36", str(out)),
    "tiff": lambda media, out: ffmpeg("-i", str(media / "coffee.png"), "-vf", "scale=60:40", str(out)),
    "svg": lambda _, out: out.write_bytes(PICTURE),
    "bmp": lambda media, out: ffmpeg("-i", str(media / "coffee.png"), "-vf", "scale=60:40", str(out)),
    "flac": lambda media, out: ffmpeg("-i", str(media / "speech.wav"), "-t", "0.2", str(out)),
    "ogg": lambda media, out: ffmpeg("-i", str(media / "speech.wav"), "-t", "0.5", "-c:a", "libvorbis", str(out)),
    "opus": lambda media, out: ffmpeg("-i", str(media / "speech.wav"), "-t", "0.5", "-c:a", "libopus", str(out)),
    "aiff": lambda media, out: ffmpeg("-i", str(media / "speech.wav"), "-t", "0.2", str(out)),
    "adts": lambda media, out: ffmpeg("-i", str(media / "speech.wav"), "-t", "0.5", str(out)),
    "avi": lambda media, out: ffmpeg("-i", str(media / "bunny.mp4"), "-t", "0.2", "-vf", "scale=64:36", "-ac", "1", str(out)),
    "docx": lambda _, out: out.write_bytes(documents.ooxml("docx")),
    "xlsx": lambda _, out: out.write_bytes(documents.ooxml("xlsx")),
    "pptx": lambda _, out: out.write_bytes(documents.ooxml("pptx")),
    "odt": lambda _, out: out.write_bytes(documents.odf("text")),
    "ods": lambda _, out: out.write_bytes(documents.odf("spreadsheet")),
    "odp": lambda _, out: out.write_bytes(documents.odf("presentation")),
    "epub": lambda _, out: out.write_bytes(documents.epub()),
    "heif": picture,
    "avif": picture,
    "jxl": picture,
    "json": lambda _, out: out.write_text('{"id": "x", "choices": [{"text": "一段文字"}]}\n', encoding="utf-8"),
    "sse": lambda _, out: out.write_bytes(b'event: a\ndata: {"n": 1}\n\ndata: {"n": 2}\n\ndata: [DONE]\n\n'),
    "pdf": lambda _, out: pdf(out),
}


@pytest.fixture(scope="module")
def samples(media: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small real file of every format."""
    folder = tmp_path_factory.mktemp("samples")
    out = {}
    for format_ in formats.every():
        path = folder / f"sample{format_.suffixes[0]}"
        MAKERS[format_.name](media, path)
        out[format_.name] = path.read_bytes()
    return out


def member(name: str) -> Format:
    return next(f for f in formats.every() if f.name == name)


def assembled(data: bytes, pieces: Splice) -> bytes:
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def spliced(name: str, data: bytes, label: str) -> bytes:
    return assembled(data, member(name).splice(io.BytesIO(data), label))


def reading(name: str, data: bytes) -> Reading:
    return member(name).read(io.BytesIO(data))


def test_every_format_has_a_sample() -> None:
    assert sorted(MAKERS) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_one_format_claims_the_sample_whatever_binary_is_called(name: str, samples: dict[str, bytes]) -> None:
    head = samples[name][:HEAD_BYTES]
    assert formats.of(head, member(name).suffixes[0]).name == name
    if name not in ENDLESS:
        assert formats.of(head, ".txt").name == name
        assert formats.of(head, "").name == name


@pytest.mark.parametrize("name", sorted(READ_ONLY))
def test_a_format_without_a_place_is_read_and_refused(name: str, samples: dict[str, bytes]) -> None:
    assert reading(name, samples[name]) == Reading()
    with pytest.raises(Refused) as caught:
        spliced(name, samples[name], LABEL)
    assert "ffmpeg -i" in caught.value.hint


@pytest.mark.parametrize("name", WRITTEN)
def test_a_label_is_read_where_it_was_written_and_replaced_by_the_next(name: str, samples: dict[str, bytes]) -> None:
    assert reading(name, samples[name]) == Reading()
    once = spliced(name, samples[name], LABEL)
    (site,) = reading(name, once).sites
    assert site.guide
    assert site.place == member(name).place
    assert spliced(name, once, LABEL) == once
    twice = reading(name, spliced(name, once, OTHER))
    assert len(twice.sites) == 1
    assert not twice.unread


@pytest.mark.parametrize("name", sorted(BESIDE))
def test_a_label_that_has_no_room_is_written_beside(name: str, samples: dict[str, bytes]) -> None:
    assert reading(name, samples[name]) == Reading()
    assert [s.text for s in _xmp.sites(spliced(name, samples[name], LABEL), guide=True)] == [LABEL]


def rewritten(name: str, data: bytes) -> int:
    """How many bytes may not be kept: of ISO media one box, of documents the parts that tell of a label, else sizes."""
    if data.startswith(b"PK"):
        return documents.told_bytes(data)
    box = data.find(b"meta" if name in {"heif", "avif"} else b"moov")
    return int.from_bytes(data[box - 4 : box]) if box > 0 else REWRITTEN.get(name, len(LABEL) + 62 if name in FILLED else 30)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_kept_is_in_order_and_nearly_all(name: str, samples: dict[str, bytes]) -> None:
    data = samples[name]
    kept = [p for p in member(name).splice(io.BytesIO(data), LABEL) if isinstance(p, Keep)]
    assert all(a.stop <= b.start for a, b in itertools.pairwise(kept))
    assert len(data) - sum(k.stop - k.start for k in kept) <= rewritten(name, data) + 8


@pytest.mark.parametrize("name", [n for n in WRITTEN if n not in ENDLESS])
def test_a_cut_file_is_never_simply_without_label(name: str, samples: dict[str, bytes]) -> None:
    data = spliced(name, samples[name], LABEL)
    for stop in sorted({*range(12, min(len(data), 600)), *range(600, len(data) - 1, 97), len(data) - 3}):
        cut = data[:stop]
        try:
            found = reading(name, cut)
        except MingwenError:
            continue
        assert found.sites or found.unread, f"cut at {stop} of {len(data)}"


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_only_our_errors_escape_a_damaged_file(name: str, samples: dict[str, bytes], data: st.DataObject) -> None:
    broken = bytearray(spliced(name, samples[name], LABEL))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, ord("<"), ord('"'), ord("A")]))
    del broken[data.draw(st.integers(1, len(broken))) :]
    try:
        found = reading(name, bytes(broken))
        out = spliced(name, bytes(broken), OTHER)
    except MingwenError:
        return
    again = reading(name, out)
    if not found.unread and not again.unread:
        assert [s.guide for s in again.sites] == [True]
