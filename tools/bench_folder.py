"""Make the mixed folder of 1,000 files that the gate is measured on: real media, cut and scaled, no two alike, always the same.

Names tell what was done to a file: ``plain``, ``label`` (labelled by us, by exiftool or by ffmpeg), ``trace`` (it bears a
generator's mark), ``cut`` (its end is missing).
"""

import hashlib
import io
import random
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, PngImagePlugin
from PIL.ExifTags import Base

import mingwen

LABEL = '{"Label":"1","ContentProducer":"001191310104MACE0YX63918020","ProduceID":"142569260085903360"}'
CONFIG = """
%Image::ExifTool::UserDefined = (
    'Image::ExifTool::XMP::Main' => { TC260 => { SubDirectory => { TagTable => 'Image::ExifTool::UserDefined::TC260' } } },
    'Image::ExifTool::QuickTime::Keys' => { 'AIGC' => { Name => 'AIGC' } },
);
%Image::ExifTool::UserDefined::TC260 = (
    GROUPS => { 0 => 'XMP', 1 => 'XMP-TC260', 2 => 'Image' },
    NAMESPACE => { 'TC260' => 'http://www.tc260.org.cn/ns/AIGC/1.0/' }, WRITABLE => 'string', AIGC => { },
);
1;
"""
PARAMETERS = "a castle by the sea\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model hash: 6ce0161689"
CUT = 25
"""Every so many files lose their end."""
PIXELS = (600_000, 9_000_000)
"""From a forum's picture to a telephone's."""


@dataclass(frozen=True)
class Kind:
    """Files of one suffix."""

    suffix: str
    count: int
    make: Callable[["Sources", Path, random.Random], None]
    ending: bool = True
    """Does the format say where a file ends, so that one can be seen to be cut?"""
    labels: tuple[str, ...] = ("", "-exiftool")
    """Who writes labels into it in turn, as file names say it; "" is us."""
    traced: bool = False
    """Does ``make`` write a generator's mark if the file's name says so?"""


@dataclass(frozen=True)
class Sources:
    """The real media, opened once."""

    photographs: tuple[Image.Image, ...]
    film: Path
    speech: Path
    words: str


def _picture(sources: Sources, random_: random.Random, most: int = PIXELS[1]) -> Image.Image:
    """Cut a part of a photograph and scale it; small noise makes it as hard to compress as a sensor's."""
    photograph = random_.choice(sources.photographs)
    share = random_.uniform(0.5, 0.95)
    width, height = round(photograph.width * share), round(photograph.height * share)
    left, top = random_.randrange(photograph.width - width), random_.randrange(photograph.height - height)
    scale = (random_.triangular(PIXELS[0], most, PIXELS[0]) / (width * height)) ** 0.5
    size = (round(width * scale), round(height * scale))
    part = photograph.resize(size, Image.Resampling.BILINEAR, (left, top, left + width, top + height))
    grain = Image.frombytes("RGB", (256, 256), random_.randbytes(256 * 256 * 3)).resize(size, Image.Resampling.NEAREST)
    return Image.blend(part, grain, 0.03)


def _camera(random_: random.Random, software: str) -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Model], exif[Base.Software] = "FUJIFILM", "X-T5", software
    exif[Base.DateTime] = f"2026:0{random_.randrange(1, 10)}:1{random_.randrange(10)} 12:00:00"
    return exif


def _raster(**options: str | int) -> Callable[[Sources, Path, random.Random], None]:
    def make(sources: Sources, out: Path, random_: random.Random) -> None:
        exif = _camera(random_, "Midjourney" if out.name.startswith("trace") else "Digital Camera X-T5 Ver3.01")
        _picture(sources, random_).save(out, None, exif=exif, **options)

    return make


def _png(sources: Sources, out: Path, random_: random.Random) -> None:
    info = PngImagePlugin.PngInfo()
    if out.name.startswith("trace"):
        info.add_text("parameters", PARAMETERS)
    picture = _picture(sources, random_, 2_000_000)
    if random_.randrange(3) == 0:
        picture.putalpha(255)
    picture.save(out, pnginfo=info, compress_level=3)


def _small(sources: Sources, out: Path, random_: random.Random) -> None:
    _picture(sources, random_, 1_000_000).save(out)


def _pdf(sources: Sources, out: Path, random_: random.Random) -> None:
    then = time.gmtime(0)
    _picture(sources, random_, 1_000_000).save(out, creationDate=then, modDate=then)


def _ffmpeg(*options: str, seconds: tuple[float, float], film: bool = False) -> Callable[[Sources, Path, random.Random], None]:
    def make(sources: Sources, out: Path, random_: random.Random) -> None:
        source = ["-stream_loop", "9", "-i", str(sources.film if film else sources.speech)]
        start, length = random_.uniform(0, 4), random_.uniform(*seconds)
        exact = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-threads", "1"]
        label = ["-metadata", f"AIGC={LABEL}", "-movflags", "use_metadata_tags"] if out.name.startswith("label-ffmpeg") else []
        run(
            "ffmpeg",
            "-v",
            "error",
            "-y",
            *source,
            "-ss",
            f"{start:.2f}",
            "-t",
            f"{length:.2f}",
            *options,
            *exact,
            *label,
            str(out),
        )

    return make


def _docx(sources: Sources, out: Path, random_: random.Random) -> None:
    """Write the smallest document that Word opens, with a photograph in it."""
    picture = io.BytesIO()
    _picture(sources, random_, 1_000_000).save(picture, "JPEG", quality=80)
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    document = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    paragraphs = "".join(f"<w:p><w:r><w:t>{_text(sources, random_, 400)}</w:t></w:r></w:p>" for _ in range(40))
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{types}"><Default Extension="rels" ContentType="application/xml"/>'
        '<Default Extension="jpeg" ContentType="image/jpeg"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{document}" Target="word/document.xml"/>'
        "</Relationships>",
        "word/document.xml": f'<w:document xmlns:w="{word}"><w:body>{paragraphs}</w:body></w:document>',
        "word/media/image1.jpeg": picture.getvalue(),
    }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def _text(sources: Sources, random_: random.Random, chars: int) -> str:
    at = random_.randrange(max(1, len(sources.words) - chars))
    return sources.words[at : at + chars].replace("&", " ").replace("<", " ").replace(">", " ")


def _words(form: str) -> Callable[[Sources, Path, random.Random], None]:
    def make(sources: Sources, out: Path, random_: random.Random) -> None:
        body = "\n\n".join(_text(sources, random_, random_.randrange(200, 900)) for _ in range(random_.randrange(4, 60)))
        out.write_text(form.replace("BODY", body), encoding="utf-8")

    return make


_PAGE = "<!doctype html>\n<html><head><meta charset=utf-8><title>page</title></head><body><p>BODY</p></body></html>\n"
_FILM = ("-vf", "scale=480:-2", "-preset", "ultrafast", "-ac", "1")
_BY_US = ("",)
_BY_FFMPEG = ("", "-ffmpeg")
KINDS = (
    Kind(".jpg", 400, _raster(quality=90), traced=True),
    Kind(".png", 200, _png, traced=True),
    Kind(".webp", 90, _raster(quality=80, method=0), traced=True),
    Kind(".gif", 30, _small),
    Kind(".tif", 20, _raster(compression="tiff_lzw"), traced=True),
    Kind(".mp3", 40, _ffmpeg("-b:a", "128k", seconds=(20, 90)), ending=False, labels=_BY_FFMPEG),
    Kind(".wav", 25, _ffmpeg(seconds=(2, 15)), labels=_BY_US),
    Kind(".m4a", 25, _ffmpeg(seconds=(20, 60)), labels=_BY_FFMPEG),
    Kind(".flac", 15, _ffmpeg(seconds=(5, 20)), ending=False, labels=_BY_FFMPEG),
    Kind(".ogg", 15, _ffmpeg("-c:a", "libvorbis", seconds=(10, 40)), ending=False, labels=_BY_FFMPEG),
    Kind(".mp4", 45, _ffmpeg(*_FILM, seconds=(2, 8), film=True), labels=_BY_FFMPEG),
    Kind(".mkv", 10, _ffmpeg(*_FILM, seconds=(2, 5), film=True), labels=_BY_FFMPEG),
    Kind(".webm", 10, _ffmpeg(*_FILM, "-c:v", "libvpx", "-deadline", "realtime", seconds=(2, 4), film=True), labels=_BY_FFMPEG),
    Kind(".docx", 20, _docx, labels=_BY_US),
    Kind(".pdf", 15, _pdf),
    Kind(".md", 20, _words("# Notes\n\nBODY\n"), ending=False, labels=_BY_US),
    Kind(".html", 10, _words(_PAGE), ending=False, labels=_BY_US),
    Kind(".txt", 10, _words("BODY\n"), ending=False, labels=_BY_US),
)


def folder(media: Path, within: Path) -> Path:
    """Return the folder, made if it is not there or was made by an older form of this file."""
    out, stamp = within / "gate", within / "gate.stamp"
    version = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == version:
        return out
    shutil.rmtree(out, ignore_errors=True)
    config = within / "exiftool.config"
    config.write_text(CONFIG)
    photographs = []
    for name in ("coffee.png", "chelsea.png", "rocket.jpg"):
        with Image.open(media / name) as picture:
            photographs.append(picture.convert("RGB"))
    words = (media / "document.md").read_text(encoding="utf-8")
    sources = Sources(tuple(photographs), media / "bunny.mp4", media / "speech.wav", words)
    for kind in KINDS:
        for number in range(kind.count):
            _one(kind, number, sources, out, config)
    stamp.write_text(version)
    return out


def _one(kind: Kind, number: int, sources: Sources, out: Path, config: Path) -> None:
    random_ = random.Random(f"{kind.suffix} {number}")  # noqa: S311 - the same folder every time, no secret
    what = _fate(kind, number)
    path = out / f"{number % 10}" / f"{what}-{number:03}{kind.suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    kind.make(sources, path, random_)
    if what == "label":
        delivery = mingwen.Delivery("bench", "1", "measuring")
        mingwen.label(path, path, explicit=False, delivery=delivery, produce_id=f"{number:018}", overwrite=True)
    elif what == "label-exiftool":
        run("exiftool", "-config", str(config), "-q", "-overwrite_original", f"-XMP-TC260:AIGC={LABEL}", str(path))
    elif what.startswith("cut"):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 6 // 10])


def _fate(kind: Kind, number: int) -> str:
    """Choose what is done to a file: a third bears a label, some a mark; of some the end is missing."""
    if number % CUT == CUT - 1 and kind.ending:
        return "cut"
    if number % 3 == 0 and kind.labels:
        return f"label{kind.labels[number % len(kind.labels)]}"
    return "trace" if kind.traced and number % 10 == 1 else "plain"


def run(*command: str) -> None:
    """Run another program; it must go well."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
