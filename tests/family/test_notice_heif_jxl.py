"""Labels in HEIF, AVIF and JPEG XL, judged by libheif, libavif, libjxl and ffmpeg: seen, upright, and nothing else changed."""

import contextlib
import io
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401 - the plugin registers itself
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from manifest_store import box
from mingwen import notices
from mingwen.containers import item_meta
from mingwen.containers.boxes import Box, walk
from mingwen.containers.item_properties import properties, references
from mingwen.domain.errors import MingwenError, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Position, Style
from mingwen.formats.heif import MEMBER as HEIF
from mingwen.notices import _heif_pictures

pillow_heif.register_heif_opener()
WIDTH, HEIGHT = 480, 320
INK = 16  # 5 % of 320


def mark(data: bytes, name: str, style: Style | None = None) -> tuple[bytes, str]:
    sink = io.BytesIO()
    note = notices.of(Medium.IMAGE).mark(io.BytesIO(data), sink, name, style or Style())
    return sink.getvalue(), note


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def pixels(data: bytes, mode: str = "RGB") -> NDArray[np.int32]:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert(mode), np.int32)


def run(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def outside(before: NDArray[np.int32], after: NDArray[np.int32]) -> float:
    """Return the peak signal to noise ratio of all but the bottom right, where the label is."""
    squares = np.square(before - after)[: -HEIGHT // 4].astype(float)
    return float(10 * np.log10(255**2 / squares.mean())) if squares.any() else 99.0


def ink_height(picture: NDArray[np.int32]) -> int:
    """Return the rows of near-white letters in the bottom right, where the plate is dark."""
    corner = picture[-HEIGHT // 5 :, -WIDTH // 3 :].min(axis=2)
    rows = np.flatnonzero((corner > 200).any(axis=1))
    return int(rows[-1] - rows[0] + 1) if rows.size else 0


@pytest.fixture(scope="module")
def cup(media: Path) -> Image.Image:
    with Image.open(media / "coffee.png") as picture:
        small = picture.convert("RGB").resize((WIDTH, HEIGHT))
    small.info.clear()
    # Nothing bright where the label comes, so that its letters are all there is.
    small.paste((60, 70, 80), (WIDTH // 2, HEIGHT * 3 // 4, WIDTH, HEIGHT))
    return small


@pytest.fixture(scope="module")
def png(cup: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("png") / "a.png"
    cup.save(path)
    return path


def by(path: Path, suffix: str, *command: str) -> bytes:
    """Let a foreign encoder write the picture; ``IN`` and ``OUT`` stand for the files."""
    out = path.with_name(f"out{suffix}")
    run(*(str(path) if word == "IN" else str(out) if word == "OUT" else word for word in command))
    return out.read_bytes()


Made = Callable[[Image.Image, Path], bytes]


def made(kind: str, mode: str = "RGB", **options: object) -> Made:
    return lambda cup, _: saved(cup.convert(mode), kind, **options)


def command(suffix: str, *words: str) -> Made:
    return lambda _, png: by(png, suffix, *words)


AVIFS: dict[str, Made] = {
    "420": made("AVIF", quality=85),
    "422": made("AVIF", quality=85, subsampling="4:2:2"),
    "444": made("AVIF", quality=85, subsampling="4:4:4"),
    "limited range": made("AVIF", quality=85, range="limited"),
    "limited 444": made("AVIF", quality=85, range="limited", subsampling="4:4:4"),
    "grey": made("AVIF", "L", quality=85),
    "10 bits": command(".avif", "avifenc", "-y", "420", "-d", "10", "-s", "9", "IN", "OUT"),
    "PQ": command(".avif", "avifenc", "-y", "420", "-d", "10", "-s", "9", "--cicp", "9/16/9", "IN", "OUT"),
    "grid": command(".avif", "avifenc", "-y", "420", "-s", "9", "--grid", "2x2", "IN", "OUT"),
    "libheif": command(".avif", "heif-enc", "-A", "IN", "-o", "OUT"),
}
HEICS: dict[str, Made] = {
    "420": made("HEIF", quality=85),
    "422": made("HEIF", quality=85, chroma=422),
    "444": made("HEIF", quality=85, chroma=444),
    "grey": made("HEIF", "L", quality=85),
    "10 bits": command(".heic", "heif-enc", "-b", "10", "IN", "-o", "OUT"),
    "lossless": command(".heic", "heif-enc", "-L", "-p", "chroma=444", "--matrix_coefficients=0", "IN", "-o", "OUT"),
}
STILLS = [("avif", AVIFS, name) for name in AVIFS] + [("heif", HEICS, name) for name in HEICS]


def decoded_by_libheif(data: bytes, suffix: str, folder: Path) -> NDArray[np.int32]:
    (folder / f"judged{suffix}").write_bytes(data)
    run("heif-convert", folder / f"judged{suffix}", folder / "judged.png")
    return pixels((folder / "judged.png").read_bytes())


@pytest.mark.parametrize(("name", "table", "case"), STILLS, ids=[f"{name} {case}" for name, _, case in STILLS])
def test_a_still_bears_the_label_and_looks_the_same(
    name: str, table: dict[str, Made], case: str, cup: Image.Image, png: Path, tmp_path: Path
) -> None:
    data = table[case](cup, png)
    out, note = mark(data, name)
    suffix = f".{'heic' if name == 'heif' else name}"
    before, after = decoded_by_libheif(data, suffix, tmp_path), decoded_by_libheif(out, suffix, tmp_path)
    assert before.shape == after.shape
    assert outside(before, after) > 43
    assert float(note.split(" at ")[-1].split(" dB")[0]) >= 45
    if case != "PQ":  # whose white is not the brightest
        assert INK <= ink_height(after) <= INK + 4
    assert np.abs(after - before)[-HEIGHT // 5 :, -WIDTH // 3 :].max() > 80
    assert "coded again" in note
    run("heif-info", tmp_path / f"judged{suffix}")
    if name == "avif":
        assert "Warning" not in run("avifdec", tmp_path / f"judged{suffix}", tmp_path / "b.png")
        if case != "grid":  # which this ffmpeg cannot read
            assert run("ffmpeg", "-v", "error", "-i", tmp_path / f"judged{suffix}", "-f", "null", "-") == ""
    else:
        assert pixels(out).shape[:2] == before.shape[:2]


def items(data: bytes) -> tuple[item_meta.Meta, dict[int, bytes]]:
    source = io.BytesIO(data)
    meta_box = next(b for b in walk(source, 0, len(data)) if isinstance(b, Box) and b.kind == b"meta")
    meta = item_meta.parse(source, meta_box)
    return meta, {i.number: meta.data(source, i) for i in meta.items}


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_everything_beside_the_coded_picture_stays(kind: str, cup: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0131] = "Model 3"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/></x:xmpmeta>"
    data = saved(cup, kind, exif=exif.tobytes(), icc_profile=profile, xmp=xmp)
    tail = box(b"free", b"a note") + box(b"uuid", bytes(16), b"more")
    out, _ = mark(data + tail, kind.lower())
    assert out.endswith(tail)
    (before, old), (after, new) = items(data), items(out)
    assert before.items == after.items
    assert {n for n in old if old[n] != new[n]} == {before.primary}
    primary = before.primary or 0
    was, is_now = properties(before.node).of(primary), properties(after.node).of(primary)
    assert [n.kind for n in was] == [n.kind for n in is_now]
    assert [n for n in was if n.kind not in {b"av1C", b"hvcC"}] == [n for n in is_now if n.kind not in {b"av1C", b"hvcC"}]
    with Image.open(io.BytesIO(out)) as picture:
        assert picture.info["icc_profile"] == profile
        assert picture.getexif()[0x0131] == "Model 3"


def test_a_label_in_the_metadata_and_one_in_the_picture_stand_together(cup: Image.Image) -> None:
    label = '{"Label":"1"}'
    data = saved(cup, "HEIF")
    pieces = HEIF.splice(io.BytesIO(data), label)
    labelled = b"".join(p if isinstance(p, bytes) else data[p.start : p.stop] for p in pieces)
    out, _ = mark(labelled, "heif")
    assert [s.text for s in HEIF.read(io.BytesIO(out)).sites] == [label]
    assert not HEIF.read(io.BytesIO(out)).unread
    assert ink_height(pixels(out)) >= INK


@pytest.mark.parametrize(("kind", "name"), [("AVIF", "avif"), ("HEIF", "heif"), ("JXL", "jxl")])
def test_a_clear_picture_is_opaque_under_the_label_and_as_clear_as_before_elsewhere(
    kind: str, name: str, cup: Image.Image
) -> None:
    clear = cup.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(cup.size).transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    options = {"lossless": True} if kind == "JXL" else {}
    data = saved(clear, kind, **options)
    out, _ = mark(data, name)
    before, after = pixels(data, "RGBA"), pixels(out, "RGBA")
    letters = np.argwhere(after[-HEIGHT // 5 :, -WIDTH // 3 :, :3].min(axis=2) > 235)
    assert letters.size
    assert after[-HEIGHT // 5 :, -WIDTH // 3 :, 3][tuple(letters.T)].min() >= 250
    assert np.abs(before - after)[: HEIGHT // 2, :, 3].max() <= (0 if kind == "JXL" else 3)
    assert outside(before[..., :3], after[..., :3]) > 43
    opaque = clear.copy()
    opaque.putalpha(255)
    data = saved(opaque, kind, **options)
    out, _ = mark(data, name)
    if name != "jxl":
        (before_meta, old), (_, new) = items(data), items(out)
        assert {n for n in old if old[n] != new[n]} == {before_meta.primary}


def test_ten_bits_of_opacity(cup: Image.Image, png: Path, tmp_path: Path) -> None:
    clear = cup.convert("RGBA")
    clear.putalpha(128)
    clear.save(tmp_path / "clear.png")
    data = by(tmp_path / "clear.png", ".avif", "avifenc", "-y", "420", "-d", "10", "-s", "9", "IN", "OUT")
    out, _ = mark(data, "avif")
    after = pixels(out, "RGBA")
    assert after[-HEIGHT // 5 :, -WIDTH // 3 :, 3].max() >= 254
    assert np.abs(after[: HEIGHT // 2, :, 3] - 128).max() <= 1
    decoded_by_libheif(out, ".avif", tmp_path)
    run("avifdec", tmp_path / "judged.avif", tmp_path / "b.png")


TURNS = [("--irot", str(r), "--imir", str(m)) for r in range(4) for m in range(2)] + [("--irot", str(r)) for r in range(1, 4)]


@pytest.mark.parametrize("turn", TURNS, ids=" ".join)
def test_the_label_is_upright_as_libheif_shows_it(turn: tuple[str, ...], png: Path, tmp_path: Path) -> None:
    data = by(png, ".avif", "avifenc", "-y", "420", "-s", "10", *turn, "IN", "OUT")
    style = Style(position=Position.TOP_LEFT)
    before = decoded_by_libheif(data, ".avif", tmp_path)
    after = decoded_by_libheif(mark(data, "avif", style)[0], ".avif", tmp_path)
    # What the label looks like when it is drawn into the picture as it is shown.
    plain = pixels(mark(saved(Image.fromarray(before.astype(np.uint8)), "PNG"), "png", style)[0])
    corner = np.s_[: HEIGHT // 4, : WIDTH // 4]
    assert np.abs(plain[corner] - after[corner]).mean() < 4
    assert np.abs(before[corner] - after[corner]).mean() > 4


def test_odd_sizes_and_clean_apertures_keep_the_label_in_sight(cup: Image.Image, tmp_path: Path) -> None:
    odd = cup.crop((0, 0, WIDTH - 3, HEIGHT - 1))
    for kind, name, suffix in (("HEIF", "heif", ".heic"), ("AVIF", "avif", ".avif")):
        data = saved(odd, kind)
        after = decoded_by_libheif(mark(data, name)[0], suffix, tmp_path)
        assert after.shape[:2] == (HEIGHT - 1, WIDTH - 3)
        assert ink_height(after) >= INK
    data = saved(cup, "HEIF")
    aperture = struct.pack(">IIIIiIiI", WIDTH // 2, 1, HEIGHT, 1, -WIDTH // 4, 1, 0, 1)
    album = _heif_pictures.opened(io.BytesIO(cropped(data, aperture)))
    assert album.primary.visible == (0, 0, WIDTH // 2, HEIGHT)
    shown = pixels(mark(cropped(data, aperture), "heif")[0])
    assert shown.shape[:2] == (HEIGHT, WIDTH // 2)
    assert np.abs(shown - pixels(cropped(data, aperture)))[-HEIGHT // 5 :].max() > 80


def cropped(data: bytes, aperture: bytes) -> bytes:
    """Put a clean aperture in place of the colours' description, which comes before the picture's size."""
    start = data.index(b"colr") - 4
    stop = start + int.from_bytes(data[start : start + 4])
    clap = box(b"clap", aperture)
    shorter = data[:start] + clap + data[stop:]
    growth = len(clap) - (stop - start)
    for kind in (b"meta", b"iprp", b"ipco"):
        at = shorter.index(kind) - 4
        size = int.from_bytes(shorter[at : at + 4]) + growth
        shorter = shorter[:at] + size.to_bytes(4) + shorter[at + 4 :]
    return moved(shorter, growth)


def moved(data: bytes, growth: int) -> bytes:
    """Mend the one place in the table: pillow-heif gives a base of four bytes."""
    at = data.index(b"iloc") + 4
    end = at - 8 + int.from_bytes(data[at - 8 : at - 4])
    start = data.index(b"mdat") + 4
    place = data.rindex((start - growth).to_bytes(4), at, end)
    return data[:place] + start.to_bytes(4) + data[place + 4 :]


# --- grids and thumbnails ------------------------------------------------------------------------------------------------


def grid(cup: Image.Image, side: int = 128, *, in_idat: bool = False) -> bytes:
    """Build a HEIC as telephones write it: tiles that share their configuration, a grid of them, a thumbnail."""
    columns, rows = -(-cup.width // side), -(-cup.height // side)
    whole = Image.new("RGB", (columns * side, rows * side))
    whole.paste(cup)
    parts = [
        saved(whole.crop((x * side, y * side, (x + 1) * side, (y + 1) * side)), "HEIF", quality=90)
        for y in range(rows)
        for x in range(columns)
    ]
    metas = [items(p) for p in parts]
    (config,) = {bytes(n.body) for m, _ in metas for n in properties(m.node).of(1) if n.kind == b"hvcC"}
    coded = [found[1] for _, found in metas]
    thumb_meta, thumb = items(saved(cup.resize((240, 160)), "HEIF"))
    thumb_config = next(bytes(n.body) for n in properties(thumb_meta.node).of(1) if n.kind == b"hvcC")
    top, last = len(coded) + 1, len(coded) + 2
    shape = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, cup.width, cup.height)
    data = [*coded, shape, thumb[1]]
    kinds = [b"hvc1"] * len(coded) + [b"grid", b"hvc1"]
    entries = [box(b"infe", struct.pack(">IHH4sx", 2 << 24 | (n < top), n, 0, k)) for n, k in enumerate(kinds, 1)]
    sizes = [box(b"ispe", struct.pack(">III", 0, *s)) for s in ((side, side), cup.size, (240, 160))]
    ipco = box(b"ipco", box(b"hvcC", config), *sizes, box(b"hvcC", thumb_config))
    said = [b"".join(struct.pack(">HBBB", n, 2, 0x81, 2) for n in range(1, top)), struct.pack(">HBB", top, 1, 3)]
    ipma = box(b"ipma", struct.pack(">II", 0, last), *said, struct.pack(">HBBB", last, 2, 0x85, 4))
    inputs = struct.pack(f">HH{len(coded)}H", top, len(coded), *range(1, top))
    iref = box(b"iref", bytes(4), box(b"dimg", inputs), box(b"thmb", struct.pack(">HHH", last, 1, top)))

    def build(at: int) -> bytes:
        places, inside = b"", 0
        for number, item in enumerate(data, 1):
            own = in_idat and number < last
            places += struct.pack(">HHHHII", number, own, 0, 1, inside if own else at, len(item))
            inside, at = (inside + len(item), at) if own else (inside, at + len(item))
        idat = [box(b"idat", *data[:-1])] if in_idat else []
        tables = (
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", bytes(4), struct.pack(">H", top)),
            box(b"iinf", bytes(4), struct.pack(">H", last), *entries),
            iref,
            box(b"iprp", ipco, ipma),
            box(b"iloc", struct.pack(">BBHHH", 1, 0, 0, 0x4400, last), places),
            *idat,
        )
        head = box(b"ftyp", b"heic", bytes(4), b"mif1heic") + box(b"meta", bytes(4), *tables)
        return head + box(b"mdat", *(data[-1:] if in_idat else data))

    return build(build(0).index(b"mdat") + 4)


@pytest.mark.parametrize("in_idat", [False, True])
def test_of_a_grid_only_the_tiles_under_the_label_change_and_the_thumbnail_bears_one_too(
    in_idat: bool,  # noqa: FBT001 - a parameter of a test
    cup: Image.Image,
    tmp_path: Path,
) -> None:
    data = grid(cup, in_idat=in_idat)
    out, note = mark(data, "heif")
    (meta, old), (_, new) = items(data), items(out)
    changed = {n for n in old if old[n] != new[n]}
    tiles = len(old) - 2
    assert max(old) in changed
    assert 1 <= len(changed) - 1 < tiles / 2
    assert f"{len(changed) - 1} of {tiles} tiles" in note
    assert changed.isdisjoint({1, tiles + 1})
    before, after = decoded_by_libheif(data, ".heic", tmp_path), decoded_by_libheif(out, ".heic", tmp_path)
    assert (before[: HEIGHT // 3] == after[: HEIGHT // 3]).all()
    assert outside(before, after) > 45
    assert ink_height(after) >= INK
    assert (pixels(out) == after).mean() > 0.9  # libde265, another release of libheif
    assert [r.kind for r in references(meta.node)] == [b"dimg", b"thmb"]
    album = _heif_pictures.opened(io.BytesIO(out))
    (thumb,) = album.thumbnails
    assert album.thumbnail(thumb).width == 240


def test_tiles_of_an_avif_grid_agree_with_each_other(png: Path, tmp_path: Path) -> None:
    data = by(png, ".avif", "avifenc", "-y", "420", "-s", "9", "--grid", "2x2", "IN", "OUT")
    out, note = mark(data, "avif")
    (meta, old), (after, new) = items(data), items(out)
    changed = {n for n in old if old[n] != new[n]}
    assert f"{len(changed)} of 4 tiles" in note
    configs = {bytes(n.body[:4]) for i in changed for n in properties(after.node).of(i) if n.kind == b"av1C"}
    assert configs == {bytes(n.body[:4]) for n in properties(meta.node).of(2) if n.kind == b"av1C"}


@pytest.mark.parametrize("name", ["avif", "heic", "jxl"])
def test_a_user_labels_and_verifies(name: str, cup: Image.Image, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / f"a.{name}").write_bytes(saved(cup, {"heic": "HEIF"}.get(name, name.upper())))
    for words in (("label", f"a.{name}", "--producer", "001191310104MACE0YX63918020"), ("verify", f"a.labelled.{name}")):
        command = [sys.executable, "-m", "mingwen", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "compliant" in done.stdout
    assert ink_height(pixels((tmp_path / f"a.labelled.{name}").read_bytes())) >= INK


# --- what cannot be done -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code"),
    [(("-d", "12"), "notice.pixels"), (("-d", "10", "-y", "444"), "notice.pixels"), (("-l",), "notice.pixels")],
)
def test_av1_that_no_encoder_here_writes_is_refused(options: tuple[str, ...], code: str, png: Path) -> None:
    with pytest.raises(Refused, match=code) as refused:
        mark(by(png, ".avif", "avifenc", "-s", "10", *options, "IN", "OUT"), "avif")
    assert "avifenc" in refused.value.hint


def test_sequences_and_tiny_pictures_are_refused(media: Path, cup: Image.Image, tmp_path: Path) -> None:
    out = tmp_path / "a.avif"
    film = ["-i", str(media / "bunny.mp4"), "-t", "0.2", "-vf", "scale=64:36", "-an", "-c:v", "libaom-av1", "-cpu-used", "8"]
    run("ffmpeg", "-v", "error", *film, out)
    with pytest.raises(Refused, match=r"notice\.sequence"):
        mark(out.read_bytes(), "avif")
    for kind in ("AVIF", "HEIF", "JXL"):
        with pytest.raises(Refused, match=r"notice\.no-room"):
            mark(saved(cup.resize((20, 16)), kind), kind.lower())
    frames = [cup, ImageOps.mirror(cup)]
    run("cjxl", gif(frames, tmp_path), tmp_path / "a.jxl")
    with pytest.raises(Refused, match="animation"):
        mark((tmp_path / "a.jxl").read_bytes(), "jxl")


def gif(frames: list[Image.Image], folder: Path) -> Path:
    frames[0].save(folder / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    return folder / "a.gif"


@pytest.mark.parametrize("kind", ["AVIF", "HEIF", "JXL"])
def test_broken_files_raise_only_our_errors(kind: str, cup: Image.Image) -> None:
    small = cup.resize((120, 90))
    data, chance = saved(small.convert("RGBA"), kind), random.Random(kind)
    head = data.index(b"mdat") if b"mdat" in data else 60
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(chance.randrange(1, 8)):
            broken[chance.randrange(head if chance.random() < 0.8 else len(broken))] = chance.randrange(256)
        if chance.random() < 0.2:
            del broken[chance.randrange(len(broken)) :]
        with contextlib.suppress(MingwenError):
            mark(bytes(broken), kind.lower())


# --- JPEG XL -------------------------------------------------------------------------------------------------------------


def with_profile(cup: Image.Image, png: Path, *options: str) -> bytes:
    """Let a profile be kept as it is: one with bytes at its end that no enumerated colours stand for."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    chance = random.Random(1)
    profile += bytes(chance.randrange(256) for _ in range(-len(profile) % 4 + 400))
    cup.save(png.with_suffix(".jpg"), quality=95, icc_profile=len(profile).to_bytes(4) + profile[4:])
    run("cjxl", *options, png.with_suffix(".jpg"), png.with_suffix(".jxl"))
    return png.with_suffix(".jxl").read_bytes()


cjxl = partial(command, ".jxl", "cjxl", "IN", "OUT")
JXLS: dict[str, Made] = {
    "lossy": cjxl("-d", "1"),
    "lossless": cjxl("-d", "0"),
    "fast lossless": cjxl("-d", "0", "-e", "1"),
    "modular": cjxl("-m", "1", "-d", "2"),
    "in a container": cjxl("--container=1"),
    "progressive": cjxl("--progressive_ac", "--progressive_dc=1"),
    "center first": cjxl("--group_order=1", "-e", "3"),
    "half size": made("JXL", quality=1),
    "grey": made("JXL", "L", quality=90),
    "lossless grey": made("JXL", "L", lossless=True),
    "an ICC profile": lambda cup, png: with_profile(cup, png, "--lossless_jpeg=1"),
    "lossless with an ICC profile": lambda cup, png: with_profile(cup, png, "--lossless_jpeg=0", "-d", "0"),
    "another encoder": made("JXL", quality=90),
    "clear": made("JXL", "RGBA", quality=90),
    "lossless clear": made("JXL", "RGBA", lossless=True),
}


def by_djxl(data: bytes, folder: Path) -> NDArray[np.int32]:
    (folder / "judged.jxl").write_bytes(data)
    run("djxl", folder / "judged.jxl", folder / "judged.png")
    return pixels((folder / "judged.png").read_bytes())


@pytest.mark.parametrize("case", JXLS)
def test_of_a_jpeg_xl_every_pixel_outside_the_label_stays(case: str, cup: Image.Image, png: Path, tmp_path: Path) -> None:
    data = JXLS[case](cup, png)
    out, note = mark(data, "jxl")
    # Two releases of libjxl; the plugin decodes a JPEG within as a JPEG, a little otherwise.
    for judge in (by_djxl, (by_djxl if b"jbrd" in data else lambda d, _: pixels(d))):
        before, after = judge(data, tmp_path), judge(out, tmp_path)
        rows, columns = np.nonzero((before != after).any(axis=2))
        assert rows.min() > HEIGHT * 0.8
        assert columns.min() > WIDTH * 0.7
        assert (HEIGHT - rows.max(), WIDTH - columns.max()) >= (8, 8)
        assert INK <= ink_height(after) <= INK + 4
    assert "every bit" in note
    assert len(out) < len(data) + 6000
    assert data[-200:] in out
    assert run("jxlinfo", tmp_path / "judged.jxl")


def test_what_stands_behind_the_codestream_stays_there(cup: Image.Image, png: Path, tmp_path: Path) -> None:
    data = JXLS["lossy"](cup, png)
    out, _ = mark(data + b"a note", "jxl")
    assert out == mark(data, "jxl")[0] + b"a note"
    assert ink_height(by_djxl(out, tmp_path)) >= INK


def test_the_coded_picture_itself_is_in_the_file_unchanged(cup: Image.Image, png: Path) -> None:
    data = JXLS["lossy"](cup, png)
    out, _ = mark(data, "jxl")
    start = next(n for n in range(len(data)) if data[n:] in out)
    assert start < 60  # nothing but headers before


def test_a_label_larger_than_a_group_is_drawn_in_parts(cup: Image.Image) -> None:
    data = saved(cup.resize((2400, 900)), "JXL", lossless=True, effort=1)
    style = Style(ink_height_share=0.25)
    out, _ = mark(data, "jxl", style)
    before, after = pixels(data), pixels(out)
    columns = np.flatnonzero((before != after).any(axis=(0, 2)))
    assert columns.max() - columns.min() > 1024
    plain = pixels(mark(saved(Image.fromarray(before.astype(np.uint8)), "PNG"), "png", style)[0])
    assert np.abs(plain - after).max() <= 40  # the tone of a plate is chosen by what lies beneath, where that can be seen


def test_sections_in_an_order_of_their_own_before_and_in_the_last_frame(cup: Image.Image, tmp_path: Path) -> None:
    cup.resize((2600, 1400)).save(tmp_path / "a.png")
    run("cjxl", "-e", "3", "--progressive_dc=1", "--group_order=1", tmp_path / "a.png", tmp_path / "a.jxl")
    data = (tmp_path / "a.jxl").read_bytes()
    out, _ = mark(data, "jxl")
    rows = np.flatnonzero((by_djxl(data, tmp_path) != by_djxl(out, tmp_path)).any(axis=(1, 2)))
    assert rows.min() > 1100


def test_grain_is_told_of(png: Path) -> None:
    _, note = mark(by(png, ".jxl", "cjxl", "--photon_noise=ISO3200", "IN", "OUT"), "jxl")
    assert "grain" in note


def test_a_jpeg_within_a_jpeg_xl_is_no_longer_restored(cup: Image.Image, tmp_path: Path) -> None:
    cup.save(tmp_path / "a.jpg", quality=90)
    run("cjxl", "--lossless_jpeg=1", tmp_path / "a.jpg", tmp_path / "a.jxl")
    data = (tmp_path / "a.jxl").read_bytes()
    out, note = mark(data, "jxl")
    assert b"jbrd" in data
    assert b"jbrd" not in out
    assert "no longer be restored" in note
    before, after = by_djxl(data, tmp_path), by_djxl(out, tmp_path)
    assert (before[: HEIGHT // 2] == after[: HEIGHT // 2]).all()
    assert ink_height(after) >= INK


@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_label_on_a_turned_jpeg_xl_is_upright(orientation: int, cup: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    dim = cup.point(lambda value: value // 2)  # a plate is dark then, as it always is on a JPEG XL
    dim.save(tmp_path / "a.jpg", quality=95, exif=exif)
    run("cjxl", "--lossless_jpeg=1", tmp_path / "a.jpg", tmp_path / "a.jxl")
    data = (tmp_path / "a.jxl").read_bytes()
    style = Style(position=Position.TOP_LEFT)
    before, after = by_djxl(data, tmp_path), by_djxl(mark(data, "jxl", style)[0], tmp_path)
    plain = pixels(mark(saved(Image.fromarray(before.astype(np.uint8)), "PNG"), "png", style)[0])
    corner = np.s_[: HEIGHT // 4, : WIDTH // 4]
    assert np.abs(plain[corner] - after[corner]).mean() < 2
    assert (before[corner] != after[corner]).any()


def test_sixteen_bits_stay_sixteen(cup: Image.Image, tmp_path: Path) -> None:
    frame = av.VideoFrame.from_ndarray(np.asarray(cup), format="rgb24").reformat(format="rgb48be")
    coder = av.CodecContext.create("png", "w")
    assert isinstance(coder, av.VideoCodecContext)
    coder.width, coder.height, coder.pix_fmt, coder.framerate = WIDTH, HEIGHT, "rgb48be", Fraction(1)
    (tmp_path / "a.png").write_bytes(b"".join(bytes(p) for p in [*coder.encode(frame), *coder.encode(None)]))
    run("cjxl", "-d", "0", tmp_path / "a.png", tmp_path / "a.jxl")
    out, _ = mark((tmp_path / "a.jxl").read_bytes(), "jxl")
    (tmp_path / "b.jxl").write_bytes(out)
    for name in "ab":
        run("djxl", tmp_path / f"{name}.jxl", tmp_path / f"{name}.ppm")
    before, after = ((tmp_path / f"{name}.ppm").read_bytes() for name in "ab")
    assert before[:20] == after[:20]
    assert b"65535" in after[:20]
    deep = [np.frombuffer(d[-WIDTH * HEIGHT * 6 :], ">u2").reshape(HEIGHT, WIDTH, 3) for d in (before, after)]
    assert (deep[0][: HEIGHT * 4 // 5] == deep[1][: HEIGHT * 4 // 5]).all()
    assert (deep[0] != deep[1]).any()
