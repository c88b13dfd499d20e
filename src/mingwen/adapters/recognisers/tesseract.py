"""Words on pictures, by the program tesseract (https://github.com/tesseract-ocr/tesseract), an optional one.

A label stands at an edge and is 5 % of the shortest side high (GB 45438-2025 §5.2): the picture is brought to a size at
which such letters are read well, and its top and bottom are read again by themselves, for in a busy picture they are overlooked.
"""

import io
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from math import ceil, floor
from typing import TYPE_CHECKING, BinaryIO, Final

from mingwen.domain.errors import Unavailable
from mingwen.domain.explicit import Words
from mingwen.domain.media import Medium
from mingwen.domain.notices import has_elements

if TYPE_CHECKING:
    from PIL.Image import Image

LANGUAGES: Final = "chi_sim+eng"
SHORTEST_SIDE: Final = 600
"""Pixels that the picture's shortest side is brought to: a label of 5 % is then 30 pixels high, which is read best."""
EDGE_SHARE: Final = 0.2
"""How much of the height the strips at top and bottom have."""
MAX_SECONDS: Final = 30
MAX_DECODED_BYTES: Final = 216_000_000
"""Of a picture with all copies that are made of it; a JPEG is decoded at a fraction of its size."""
PIXEL_BYTES: Final = 9
MAX_FRAME_PIXELS: Final = MAX_DECODED_BYTES // PIXEL_BYTES
WEBP_PIXEL_BYTES: Final = 16
"""Its decoder holds canvases of its own."""
_HINT: Final = "apt install tesseract-ocr tesseract-ocr-chi-sim tesseract-ocr-eng, or set gate.recogniser to none"
LONGEST_SIDE: Final = 4800
_LIGHT: Final = [0 if v > 238 else 255 for v in range(256)]  # noqa: PLR2004 - light letters become black on white
_DARK: Final = [0 if v < 55 else 255 for v in range(256)]  # noqa: PLR2004 - dark letters too
_MISREAD: Final = re.compile(r"A[l1|](?=[生合\s-])")
"""The engine takes a straight I for these."""
_BETWEEN: Final = re.compile(r"(?<=[\u4e00-\u9fff]) +|(?<=\w) +(?=[\u4e00-\u9fff])")
"""Spaces that the engine puts between Chinese letters."""
_COLUMNS, _WORD = 12, "5"
"""Of tesseract's table; the level of a row that is a word."""
_SPARSE: Final = "11"
"""tesseract's --psm: as much text as there is, in any order."""
_BLOCK: Final = "6"
"""tesseract's --psm: one block of text, in which letters are not taken for some of the specks around them."""


class _TooLargeError(Exception):
    """A picture would take more than ``MAX_DECODED_BYTES``."""


class Tesseract:
    """The port ``Recogniser``.

    Raises:
        Unavailable: there is no such program, or one of its languages is missing (``recogniser.missing``).
    """

    def __init__(self) -> None:
        try:
            run = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, timeout=MAX_SECONDS, check=True)  # noqa: S607 - found on PATH
        except (OSError, subprocess.SubprocessError) as e:
            raise Unavailable("recogniser.missing", f"expected the program tesseract, but: {e}", hint=_HINT) from e
        missing = set(LANGUAGES.split("+")) - set(run.stdout.split())
        if missing:
            raise Unavailable(
                "recogniser.missing", f"expected tesseract with {', '.join(sorted(missing))}, found none", hint=_HINT
            )

    def words(self, source: BinaryIO, medium: Medium) -> Sequence[str] | None:
        """Return the lines that can be read, without the spaces between Chinese letters; None where there is nothing to see.

        Raises:
            Unavailable: the program is gone (``recogniser.missing``).
        """
        try:
            picture = (medium is Medium.IMAGE and _still(source)) or _frame(source)
        except _TooLargeError:
            return None
        if picture is None:
            return None
        try:
            return tuple(dict.fromkeys(_read(_grey(picture))))
        except subprocess.SubprocessError:  # it took too long, or failed: what it did not read may hold a label
            return None

    def lines(self, pixels: bytes, width: int, height: int) -> Sequence[Words]:
        """Return the lines that can be read from R′G′B′ pixels, each with its box; one that is read twice comes twice.

        Raises:
            Unavailable: the program is gone (``recogniser.missing``).
        """
        from PIL import Image  # noqa: PLC0415 - see words

        picture = _reduced(Image.frombuffer("RGB", (width, height), pixels))
        scale = width / picture.width
        out: list[Words] = []
        for part, factor, top in _placed(_grey(picture)):
            with suppress(subprocess.SubprocessError):  # it took too long: the other parts may still be read
                for text, box in _table(_run(_png(part), _SPARSE, "tsv")):
                    left, upper, right, lower = (scale * value / factor for value in box)
                    out.append(Words(text, (floor(left), floor(upper + scale * top), ceil(right), ceil(lower + scale * top))))
        return out


def _read(grey: "Image") -> Iterator[str]:
    """Read the strips at top and bottom, and the picture as it is; where that gives no label, the strips again as one block."""
    parts = [_png(part) for part, _, _ in _placed(grey)]
    found = [line for part in parts for line in _lines(part, _SPARSE)]
    yield from found
    if not any(map(has_elements, found)):
        for strip in parts[:-1]:
            yield from _lines(strip, _BLOCK)


def _placed(grey: "Image") -> "Iterator[tuple[Image, float, float]]":
    """Yield what is to be read, how much larger it is than the picture, and at which of the picture's rows it begins."""
    from PIL import Image  # noqa: PLC0415 - see words

    rows = grey.height
    factor = min(SHORTEST_SIDE / min(grey.size), LONGEST_SIDE / max(grey.size))
    grey = grey.resize((max(1, round(grey.width * factor)), max(1, round(rows * factor))), Image.Resampling.BICUBIC)
    strip = max(1, round(grey.height * EDGE_SHARE))
    for top in (grey.height - strip, 0):
        edge = grey.crop((0, top, grey.width, top + strip))
        yield edge.point(_LIGHT), grey.height / rows, top * rows / grey.height
        yield edge.point(_DARK), grey.height / rows, top * rows / grey.height
    yield grey, grey.height / rows, 0.0


def _grey(picture: "Image") -> "Image":
    """Take the colours away; what is transparent becomes grey, so that light and dark letters stand out from it."""
    from PIL import Image  # noqa: PLC0415 - see words

    if picture.mode.startswith("I;16"):
        picture = picture.point(lambda value: value / 256).convert("L")  # which Pillow would take for white
    if not picture.has_transparency_data:
        return picture.convert("L")
    opaque = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", opaque.size, (128, 128, 128, 255)), opaque).convert("L")


def _still(source: BinaryIO) -> "Image | None":
    from PIL import Image, ImageOps  # noqa: PLC0415 - see words

    source.seek(0)
    try:
        picture = Image.open(source)
        picture.draft("L", (2 * SHORTEST_SIDE, 2 * SHORTEST_SIDE))  # a JPEG is decoded at a fraction of its size
        each = WEBP_PIXEL_BYTES if picture.format == "WEBP" else PIXEL_BYTES
        if picture.width * picture.height * each > MAX_DECODED_BYTES:
            raise _TooLargeError  # noqa: TRY301 - another decoder must not try it either
        ImageOps.exif_transpose(picture, in_place=True)
        return _reduced(picture)
    except (_TooLargeError, Image.DecompressionBombError, Image.DecompressionBombWarning) as e:
        raise _TooLargeError from e
    except Exception:  # noqa: BLE001 - Pillow raises a dozen kinds
        return None


def _reduced(picture: "Image") -> "Image":
    """Take whole fractions of a large picture, before anything else makes copies of it."""
    factor = max(min(picture.size) // (2 * SHORTEST_SIDE), max(picture.size) // (2 * LONGEST_SIDE))
    if factor <= 1:
        return picture
    if picture.mode not in {"L", "LA", "RGB", "RGBA"}:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "L")
    return picture.reduce(factor)


def _frame(source: BinaryIO) -> "Image | None":
    """Take the first picture of a film, where the label stands (§5.4), or of a still that Pillow has no plugin for."""
    import av  # noqa: PLC0415 - see words
    from av.error import FFmpegError  # noqa: PLC0415 - the same

    source.seek(0)
    bound = {"max_pixels": str(MAX_FRAME_PIXELS)}  # for the guess at what the file is as well, which decodes
    try:
        with av.open(source, "r", options=bound) as container:
            stream = container.streams.video[0]
            stream.codec_context.options = bound
            if stream.width * stream.height > MAX_FRAME_PIXELS:
                return None
            frame = next(iter(container.decode(stream)), None)
            fits = frame is not None and frame.width * frame.height <= MAX_FRAME_PIXELS
            return frame.to_image() if frame and fits else None  # type: ignore[no-untyped-call]  # PyAV's own annotation is incomplete
    except (FFmpegError, ValueError, IndexError, AttributeError):  # a stream without a decoder has neither context nor width
        return None


def _png(picture: "Image") -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _lines(picture: bytes, form: str) -> Iterator[str]:
    for line in _run(picture, form).splitlines():
        if text := _mended(line):
            yield text


def _table(tsv: str) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Yield each line and its box; the engine gives a row for every word, with the numbers of its block, paragraph and line."""
    rows = (row.split("\t") for row in tsv.splitlines()[1:])
    words = (row for row in rows if len(row) == _COLUMNS and row[0] == _WORD and row[11].strip())
    for _, line in groupby(words, key=lambda row: row[1:5]):
        each = list(line)
        boxes = [[int(value) for value in row[6:10]] for row in each]
        left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
        right, bottom = max(b[0] + b[2] for b in boxes), max(b[1] + b[3] for b in boxes)
        if text := _mended(" ".join(row[11] for row in each)):
            yield text, (left, top, right, bottom)


def _mended(line: str) -> str:
    return _MISREAD.sub("AI", _BETWEEN.sub("", line.strip()))


def _run(picture: bytes, form: str, *output: str) -> str:
    command = ["tesseract", "stdin", "stdout", "-l", LANGUAGES, "--psm", form, *output]
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        run = subprocess.run(  # noqa: S603 - our own words
            command, input=picture, env=environment, capture_output=True, timeout=MAX_SECONDS, check=True
        )
    except OSError as e:
        raise Unavailable("recogniser.missing", f"expected the program tesseract, but: {e}", hint=_HINT) from e
    return run.stdout.decode("utf-8", "replace")
