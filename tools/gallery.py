"""Draw labels into real pictures and clips of every kind, for people to look at; called by `make gallery`.

python tools/gallery.py MEDIA

Writes docs/gallery: a page, and a reduced copy of each labelled file; of very large ones the label's corner too.
"""

import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PIL import Image, ImageEnhance, ImageOps

from mingwen.domain.media import Medium
from mingwen.domain.notices import WORDINGS, Layout, Position, Style
from mingwen.notices import of

OUT: Final = Path(__file__).parents[1] / "docs/gallery"
SHOWN: Final = 560
"""Pixels that a picture is wide or high at most on the page."""

Made = Callable[[Path, Path], bytes]
"""``(media, scratch folder) → the file to label``."""


@dataclass(frozen=True)
class Piece:
    """One thing to look at."""

    name: str
    told: str
    """What it shows, in words."""
    format: str
    made: Made
    style: Style = field(default_factory=Style)
    corner: bool = False
    """Show the label's corner as it is too."""


def photograph(name: str, change: Callable[[Image.Image], Image.Image] = lambda p: p, kind: str = "JPEG") -> Made:
    def made(media: Path, _: Path) -> bytes:
        out = io.BytesIO()
        with Image.open(media / name) as picture:
            changed = change(picture.convert("RGB"))
        changed.save(out, kind, **({"quality": 90} if kind == "JPEG" else {}))
        return out.getvalue()

    return made


def film(media: Path, _: Path) -> bytes:
    return (media / "bunny.mp4").read_bytes()


def lying(media: Path, scratch: Path) -> bytes:
    """Turn the pictures by a quarter, and have the file say that they are to be turned back."""
    stored, out = scratch / "stored.mp4", scratch / "lying.mp4"
    ffmpeg = ["ffmpeg", "-y", "-v", "error", "-i"]
    subprocess.run([*ffmpeg, media / "bunny.mp4", "-vf", "crop=400:720,scale=320:-2,transpose=2", "-t", "3", stored], check=True)
    subprocess.run([*ffmpeg, stored, "-c", "copy", "-metadata:s:v:0", "rotate=270", out], check=True)
    return out.read_bytes()


def animation(media: Path, _: Path) -> bytes:
    with Image.open(media / "chelsea.png") as picture:
        small = picture.convert("RGB").resize((360, 240))
    frames = [ImageEnhance.Color(small).enhance(n / 4).quantize(64) for n in range(5)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=200, loop=0)
    return out.getvalue()


def light(picture: Image.Image) -> Image.Image:
    return Image.blend(picture, Image.new("RGB", picture.size, "white"), 0.75)


def dark(picture: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(picture).enhance(0.25)


def tiny(picture: Image.Image) -> Image.Image:
    return ImageOps.fit(picture, (64, 64), Image.Resampling.LANCZOS)


def huge(picture: Image.Image) -> Image.Image:
    return picture.resize((12_000, 8_000), Image.Resampling.BICUBIC)


PIECES: Final = (
    Piece("photograph", "a photograph (JPEG): only the blocks beneath were coded anew", "jpeg", photograph("coffee.png")),
    Piece("light", "a light one (PNG): dark letters on a light plate", "png", photograph("chelsea.png", light, "PNG")),
    Piece("dark", "a dark one (JPEG)", "jpeg", photograph("rocket.jpg", dark)),
    Piece("busy", "a busy one (WebP): pixels scattered", "webp", photograph("coffee.png", lambda p: p.effect_spread(12), "WEBP")),
    Piece("tiny", "a tiny one of 64 × 64 pixels (PNG), enlarged here", "png", photograph("chelsea.png", tiny, "PNG")),
    Piece("huge", "a huge one, 12,000 × 8,000 (JPEG), and its corner", "jpeg", photograph("coffee.png", huge), corner=True),
    Piece(
        "vertical", "vertical letters at the top right (PNG)", "png", photograph("rocket.jpg", kind="PNG"),
        Style(layout=Layout.VERTICAL, position=Position.TOP_RIGHT),
    ),
    Piece("english", "English (TIFF)", "tiff", photograph("coffee.png", kind="TIFF"), Style(wording=WORDINGS["en"])),
    Piece("japanese", "Japanese (BMP)", "bmp", photograph("chelsea.png", kind="BMP"), Style(wording=WORDINGS["ja"])),
    Piece(
        "korean", "Korean, at the bottom (JPEG)", "jpeg", photograph("rocket.jpg"),
        Style(wording=WORDINGS["ko"], position=Position.BOTTOM),
    ),
    Piece("animation", "an animation (GIF): every frame bears it", "gif", animation),
    Piece("clip", "a clip (MP4): two seconds from the start, the rest is the packets it was", "mp4", film),
    Piece(
        "upright", "a clip that is stored lying and shown upright (MP4)", "mp4", lying, Style(wording="人工智能合成"),
    ),
)  # fmt: skip


def medium(piece: Piece) -> Medium:
    return Medium.VIDEO if piece.format == "mp4" else Medium.IMAGE


def show(piece: Piece, media: Path, scratch: Path) -> list[str]:
    """Label one piece, and write what is shown of it; return the names of the pictures."""
    notice, sink = of(medium(piece)), io.BytesIO()
    notice.mark(io.BytesIO(piece.made(media, scratch)), sink, piece.format, piece.style)
    if notice.sheet is None:
        raise RuntimeError(piece.name)
    names = [f"{piece.name}.jpg"]
    with Image.open(io.BytesIO(notice.sheet(sink))) as sheet:
        picture = sheet.convert("RGB")
    if medium(piece) is Medium.IMAGE:
        picture.thumbnail((SHOWN, SHOWN), Image.Resampling.LANCZOS)
        if max(picture.size) < SHOWN / 2:
            picture = ImageOps.scale(picture, 4, Image.Resampling.NEAREST)
    else:
        picture.thumbnail((2 * SHOWN, 2 * SHOWN), Image.Resampling.LANCZOS)
    picture.save(OUT / names[0], quality=88)
    if piece.corner:
        names.append(f"{piece.name}-corner.jpg")
        Image.MAX_IMAGE_PIXELS = None
        with Image.open(sink) as whole:
            box = (whole.width - whole.width // 4, whole.height - whole.height // 5, whole.width, whole.height)
            whole.crop(box).convert("RGB").reduce(3).save(OUT / names[1], quality=85)
    return names


def main(media: Path) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Gallery", "", "What labels look like, drawn by `make gallery` into the pictures and the clip that NOTICE lists.", "",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        for piece in PIECES:
            lines += [f"## {piece.name.capitalize()}", "", f"{piece.told[0].upper()}{piece.told[1:]}.", ""]
            for name in show(piece, media, Path(scratch)):
                lines += [f"![{piece.told}]({name})", ""]
            print(f"drew {piece.name}")
    (OUT / "index.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
