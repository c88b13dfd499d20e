"""What an attacker sent to be drawn on, or through a stream: files of less than a MiB that took seconds or gigabytes."""

import io
import struct
import time
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from mingwen import notices
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.media import Medium
from mingwen.domain.notices import Pages, Style
from mingwen.streams._events_of import Events
from mingwen.streams._shape import Mark
from mingwen.streams.events import MEMBER as EVENTS

MAX_SECONDS = 5


def flat(form: str, side: int, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("L", (side, side)).save(out, form, **options)
    return out.getvalue()


def animated(side: int, frames: int) -> bytes:
    """Make a GIF whose frames claim the whole screen and hold one pixel; the first is sound."""
    first, frame = (b"," + struct.pack("<HHHHB", 0, 0, n, n, 0) + b"\2\2\x44\1\0" for n in (1, side))
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(3) + b"\xff" * 3 + first + frame * frames + b";"


def tiff(samples: int) -> bytes:
    data = zlib.compress(bytes(1 << 20))
    entries = ((256, 1000), (257, 1000), (258, 8), (259, 8), (262, 2), (273, 122), (277, samples), (278, 1000), (279, len(data)))
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4) + data


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "flat.png": ("png", lambda: flat("PNG", 6000)),
    "flat.webp": ("webp", lambda: flat("WEBP", 6000, lossless=True, method=0)),
    "flat.jpg": ("jpeg", lambda: flat("JPEG", 6000, progressive=True)),
    "screen.gif": ("gif", lambda: animated(6000, 1)),
    "film.gif": ("gif", lambda: animated(500, 4000)),
    "strip.tif": ("tiff", lambda: flat("TIFF", 6000, compression="tiff_adobe_deflate", strip_size=1 << 30)),
    "samples.tif": ("tiff", lambda: tiff(65535)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_picture_is_in_proportion_to_its_bytes(name: str) -> None:
    form, make = BOMBS[name]
    data = make()
    assert len(data) < 1 << 20
    begun = time.process_time()
    with pytest.raises(Refused):
        notices.of(Medium.IMAGE).mark(io.BytesIO(data), io.BytesIO(), form, Style())
    assert time.process_time() - begun < 1


def test_a_picture_that_is_looked_at_is_in_proportion_too() -> None:
    perceived = notices.of(Medium.IMAGE).perceived
    assert perceived is not None
    with pytest.raises(Refused, match="pixels"):
        perceived(io.BytesIO(flat("PNG", 6000)), lambda *_: ())


def test_a_flat_picture_of_a_telephone_is_drawn_on() -> None:
    assert notices.of(Medium.IMAGE).mark(io.BytesIO(flat("PNG", 3500)), io.BytesIO(), "png", Style())


def test_a_sound_of_one_sample_a_second_is_not_resampled() -> None:
    head = struct.pack("<HHIIHH", 1, 1, 1, 2, 2, 16)
    data = (
        b"RIFF" + struct.pack("<I", 100_036) + b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", 100_000)
    )
    perceived = notices.of(Medium.AUDIO).perceived
    assert perceived is not None
    with pytest.raises(Malformed, match="samples a second"):
        perceived(io.BytesIO(data + bytes(100_000)), lambda *_: ())


def test_pages_of_very_many_sizes_take_seconds_not_more() -> None:
    count = 4000
    bodies = [b"<</Type/Catalog/Pages 2 0 R>>"]
    bodies += [b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(b"%d 0 R" % n for n in range(3, count + 3)), count)]
    bodies += [b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d 800]>>" % n for n in range(300, count + 300)]
    out, places = b"%PDF-1.5\n", list[int]()
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1) + b"".join(b"%010d 00000 n \n" % at for at in places)
    out += table + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(bodies) + 1, len(out))
    begun = time.process_time()
    notices.of(Medium.TEXT).mark(io.BytesIO(out), io.BytesIO(), "pdf", Style(pages=Pages.ALL))
    assert time.process_time() - begun < MAX_SECONDS


def test_an_event_in_very_many_pieces_takes_linear_time() -> None:
    labeller = EVENTS.labeller(Mark({"Label": "1"}, "A", ""))
    begun = time.process_time()
    for piece in ("data: ", *["y"] * 400_000):
        labeller.feed(piece)
    assert time.process_time() - begun < MAX_SECONDS


def test_an_event_that_nests_too_deep_is_refused() -> None:
    deep: dict[str, object] = {}
    for _ in range(20_000):
        deep = {"a": deep}
    with pytest.raises(MingwenError):
        Events(Mark({"Label": "1"}, "A", "")).fed({"choices": [{"delta": {"content": "y", "more": deep}}]})


def test_an_answer_may_have_any_index() -> None:
    (sent,) = Events(Mark({"Label": "1"}, "A", "")).fed({"choices": [{"index": [1], "delta": {"content": "y"}}]})
    assert isinstance(sent, dict)
    assert sent["choices"][0]["delta"]["content"] == "Ay"
