"""ID3 tags made by hand, in every form that the three versions allow."""

import io
import struct
import tracemalloc
import zlib
from typing import Any

import mutagen.id3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.media import Keep
from mingwen.formats import _id3, _xmp, mp3
from mingwen.formats._shape import Reading

LABEL = '{"Label":"1","ContentProducer":"MiniMax","ProduceID":"06649909c7a9924cacafe995ce6d4656"}'
OTHER = LABEL.replace("0664", "9999")
WRAPPED = f'{{"AIGC":{LABEL}}}'
SOUND = (b"\xff\xfb\x90\x00" + bytes(413)) * 3
BODY = b"\0AIGC\0" + LABEL.encode()


def syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def frame(version: int, kind: str, data: bytes, flags: int = 0) -> bytes:
    size = {2: len(data).to_bytes(4)[1:], 3: len(data).to_bytes(4), 4: syncsafe(len(data))}[version]
    return kind.encode() + size + (b"" if version == 2 else flags.to_bytes(2)) + data


def tag(version: int, body: bytes, flags: int = 0) -> bytes:
    head = bytes([version, 0, flags]) + syncsafe(len(body))
    return b"ID3" + head + body + (b"3DI" + head if flags & 0x10 else b"")


def read(data: bytes) -> Reading:
    return mp3.MEMBER.read(io.BytesIO(data))


def spliced(data: bytes, label: str = LABEL) -> bytes:
    pieces = mp3.MEMBER.splice(io.BytesIO(data), label)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def judged(data: bytes) -> list[str]:
    """What mutagen finds under the guide's name."""
    foreign: Any = mutagen.id3
    return [str(text) for frame in foreign.ID3(io.BytesIO(data)).getall("TXXX:AIGC") for text in frame.text]


def found(data: bytes) -> list[tuple[str, str]]:
    reading = read(data)
    assert reading.unread == ()
    return [(s.place, s.text) for s in reading.sites]


@pytest.mark.parametrize("version", [2, 3, 4])
def test_every_version_is_read_and_keeps_its_version(version: int) -> None:
    names = ("TT2", "TXX", "COM") if version == 2 else ("TIT2", "TXXX", "COMM")
    title = frame(version, names[0], b"\0title")
    label = frame(version, names[1], BODY)
    comment = frame(version, names[2], b"\0zho\0" + WRAPPED.encode())
    data = tag(version, title + label + comment + bytes(9)) + SOUND
    assert found(data) == [("ID3 TXXX:AIGC", LABEL), (f"ID3 {names[2]}", WRAPPED)]
    out = spliced(data, OTHER)
    assert len(out) == len(data), "the room of what went is used"
    assert out[3] == version
    assert found(out) == [("ID3 TXXX:AIGC", OTHER)]
    assert judged(out) == [OTHER]
    assert title in out


@pytest.mark.parametrize(
    ("encoding", "codec", "end"),
    [(0, "latin-1", b"\0"), (1, "utf-16", b"\0\0"), (1, "utf-16-le", b"\0\0"), (2, "utf-16-be", b"\0\0"), (3, "utf-8", b"\0")],
)
def test_all_text_encodings_are_read(encoding: int, codec: str, end: bytes) -> None:
    description, text = "AIGC".encode(codec), LABEL.encode(codec)
    data = tag(4, frame(4, "TXXX", bytes([encoding]) + description + end + text + end)) + SOUND
    assert found(data) == [("ID3 TXXX:AIGC", LABEL)]


def test_a_text_without_bom_follows_its_description() -> None:
    body = b"\1\xfe\xff" + "AIGC".encode("utf-16-be") + b"\0\0" + LABEL.encode("utf-16-be")
    assert found(tag(3, frame(3, "TXXX", body)) + SOUND) == [("ID3 TXXX:AIGC", LABEL)]


@pytest.mark.parametrize("description", ["aigc", "x-AIGC"])
def test_a_description_that_only_contains_the_word_is_not_the_guides(description: str) -> None:
    sites = read(tag(4, frame(4, "TXXX", b"\0" + description.encode() + b"\0" + LABEL.encode())) + SOUND).sites
    assert [(s.place, s.guide) for s in sites] == [(f"ID3 TXXX:{description}", False)]


@pytest.mark.parametrize(
    ("version", "flags", "body"),
    [
        (3, 0x0080, struct.pack(">I", len(BODY)) + zlib.compress(BODY)),
        (3, 0x0020, b"\7" + BODY),
        (3, 0x00A0, struct.pack(">I", len(BODY)) + b"\7" + zlib.compress(BODY)),
        (4, 0x0001, syncsafe(len(BODY)) + BODY),
        (4, 0x0009, syncsafe(len(BODY)) + zlib.compress(BODY)),
        (4, 0x0049, b"\7" + syncsafe(len(BODY)) + zlib.compress(BODY)),
        (4, 0x0003, syncsafe(len(BODY)) + BODY),
        (4, 0x0002, b"\1\xff\0\xfe" + "AIGC".encode("utf-16-le") + b"\0\0\xff\0\xfe" + LABEL.encode("utf-16-le")),
    ],
)
def test_frames_with_flags_are_read(version: int, flags: int, body: bytes) -> None:
    assert found(tag(version, frame(version, "TXXX", body, flags)) + SOUND) == [("ID3 TXXX:AIGC", LABEL)]


@pytest.mark.parametrize(("version", "flags"), [(3, 0x0040), (4, 0x0004)])
def test_an_encrypted_frame_is_told(version: int, flags: int) -> None:
    reading = read(tag(version, frame(version, "TXXX", b"\1" + BODY, flags)) + SOUND)
    assert [(u.place, u.reason) for u in reading.unread] == [("ID3 TXXX", "is encrypted")]


@pytest.mark.parametrize("version", [2, 3])
def test_stuffing_of_the_whole_tag_is_undone_and_done(version: int) -> None:
    names = ("PIC", "TXX") if version == 2 else ("APIC", "TXXX")
    picture = frame(version, names[0], b"\xff\0\xff\xe0\xff" * 70_000)
    body = (
        picture
        + frame(version, names[1], BODY + b" " * (255 - len(BODY)))
        + frame(version, names[1], b"\1\xff\xfea\0\0\0\xff\xfeb\0")
    )
    data = tag(version, body.replace(b"\xff", b"\xff\0") + bytes(20), 0x80) + SOUND
    assert found(data)[0] == ("ID3 TXXX:AIGC", LABEL + " " * (255 - len(BODY)))
    wide = LABEL + " " * (255 - len(BODY))  # a size of 255 is itself stuffed
    out = spliced(data, wide)
    assert found(out) == [("ID3 TXXX:AIGC", wide)]
    assert judged(out) == [wide]
    assert picture.replace(b"\xff", b"\xff\0") in out
    assert spliced(out) == spliced(data)


def test_itunes_sizes_are_recognised_and_kept() -> None:
    picture = b"APIC" + (1000).to_bytes(4) + b"\0\0" + bytes(1000)
    label = b"TXXX" + (len(BODY) + 200).to_bytes(4) + b"\0\0" + BODY + b" " * 200
    data = tag(4, picture + label + bytes(50)) + SOUND
    assert found(data) == [("ID3 TXXX:AIGC", LABEL + " " * 200)]
    out = spliced(data, LABEL + " " * 150)
    assert found(out) == [("ID3 TXXX:AIGC", LABEL + " " * 150)]
    assert judged(out) == [LABEL + " " * 150]
    assert picture in out


def test_extended_headers_are_stepped_over_and_kept_true() -> None:
    for version, extended in ((3, b"\0\0\0\6\0\0" + (300).to_bytes(4)), (4, syncsafe(6) + b"\1\0")):
        data = tag(version, extended + frame(version, "TIT2", b"\0title") + bytes(300), 0x40) + SOUND
        out = spliced(data)
        assert found(out) == [("ID3 TXXX:AIGC", LABEL)]
        assert judged(out) == [LABEL]
        assert len(out) == len(data)
        if version == 3:
            padding = int.from_bytes(out[16:20])
            assert padding == 300 - len(frame(3, "TXXX", BODY))


@pytest.mark.parametrize(
    ("version", "extended"), [(3, b"\0\0\0\12\x80\0" + bytes(8)), (4, syncsafe(12) + b"\1\x20\5" + bytes(5))], ids=["2.3", "2.4"]
)
def test_a_crc_is_not_broken(version: int, extended: bytes) -> None:
    data = tag(version, extended + frame(version, "TXXX", BODY), 0x40) + SOUND
    assert found(data) == [("ID3 TXXX:AIGC", LABEL)]
    with pytest.raises(Refused, match="CRC"):
        spliced(data, OTHER)


def test_a_footer_follows_its_header() -> None:
    data = tag(4, frame(4, "TIT2", b"\0title"), 0x10) + SOUND
    out = spliced(data)
    assert found(out) == [("ID3 TXXX:AIGC", LABEL)]
    assert judged(out) == [LABEL]
    assert out.count(b"3DI" + out[3:10]) == 1
    assert len(out) == len(data) + len(frame(4, "TXXX", BODY)), "no padding with a footer"
    assert spliced(spliced(data, OTHER * 2)) == out


def test_tags_in_a_row_and_at_the_end_are_read_and_end_as_one() -> None:
    end = tag(4, frame(4, "TXXX", BODY) + frame(4, "TIT2", b"\0end"), 0x10)
    ape = ape_tag((b"AIGC", LABEL.encode()), (b"Title", b"kept"), (b"Comment", WRAPPED.encode()))
    v1 = b"TAG".ljust(128, b"\0")
    data = tag(3, frame(3, "TIT2", b"\0one")) + tag(4, frame(4, "TXXX", BODY)) + SOUND + ape + end + v1
    assert sorted(found(data)) == [("APEv2 AIGC", LABEL), ("APEv2 Comment", WRAPPED), *[("ID3 TXXX:AIGC", LABEL)] * 2]
    out = spliced(data, OTHER)
    assert found(out) == [("ID3 TXXX:AIGC", OTHER)]
    assert out.endswith(ape_tag((b"Title", b"kept")) + tag(4, frame(4, "TIT2", b"\0end"), 0x10) + v1)


def ape_tag(*items: tuple[bytes, bytes]) -> bytes:
    body = b"".join(struct.pack("<II", len(value), 0) + key + b"\0" + value for key, value in items)
    counts = struct.pack("<III", 2000, len(body) + 32, len(items))
    ends = [b"APETAGEX" + counts + struct.pack("<I", flags) + bytes(8) for flags in (0xA000_0000, 0x8000_0000)]
    return ends[0] + body + ends[1]


def test_padding_is_used_and_a_tag_that_grows_gets_room_for_the_next() -> None:
    roomy = tag(4, frame(4, "TIT2", b"\0title") + bytes(500)) + SOUND
    assert len(spliced(roomy)) == len(roomy)
    tight = tag(4, frame(4, "TIT2", b"\0title")) + SOUND
    out = spliced(tight)
    assert len(out) == len(tight) + _id3.SLOT_BYTES
    assert len(spliced(out, LABEL + " " * 300)) == len(out)


@pytest.mark.parametrize("length", range(11, 130, 7))
def test_a_tag_that_ends_early_is_told(length: int) -> None:
    reading = read((tag(4, frame(4, "TIT2", b"\0title") + frame(4, "TXXX", BODY) + bytes(40)))[:length])
    assert any("early" in u.reason for u in reading.unread)
    with pytest.raises(Malformed):
        spliced((tag(4, frame(4, "TXXX", BODY) + bytes(200)))[:length])


def test_a_packed_bomb_is_not_unpacked() -> None:
    bomb = zlib.compress(b"\0AIGC\0" + bytes(100 << 20))
    data = tag(4, frame(4, "TXXX", syncsafe(0) + bomb, 0x0009)) + SOUND
    tracemalloc.start()
    reading = read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "unpacks to more" in reading.unread[0].reason
    assert peak < 8 << 20


def test_many_small_bombs_are_not_all_unpacked() -> None:
    bomb = frame(4, "TXXX", syncsafe(0) + zlib.compress(b"\0" + bytes(1_000_000)), 0x0009)
    assert "no more are read" in read(tag(4, bomb * 1_500) + SOUND).unread[-1].reason


def test_a_large_cover_is_stepped_over() -> None:
    data = tag(3, frame(3, "APIC", bytes(64 << 20)) + frame(3, "TXXX", BODY)) + SOUND
    source = io.BytesIO(data)
    tracemalloc.start()
    assert [s.text for s in mp3.MEMBER.read(source).sites] == [LABEL]
    mp3.MEMBER.splice(source, OTHER)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_million_frames_are_not_all_walked() -> None:
    data = tag(4, frame(4, "TXXX", b"") * 1_000_000) + SOUND
    assert "more than" in read(data).unread[0].reason


@pytest.mark.parametrize(
    "body",
    [
        b"TXXX\x7f\x7f\x7f\x7f\0\0" + BODY,
        b"\xff\xff\xff\xff" + bytes(20),
        frame(4, "TIT2", b"\0title") + bytes(30) + b"hidden" + bytes(9),
        frame(4, "TXXX", b"\x09AIGC\0" + LABEL.encode()),
        frame(4, "TXXX", b"\3AIGC\0\xff"),
        frame(4, "TXXX", b"\0\0\0\0no zlib", 0x0009),
        frame(4, "PRIV", b"XMP\0<http://www.tc260.org.cn/ns/AIGC/1.0/"),
        frame(4, "COMM", b"\0zho\0" + bytes(_id3.MAX_FRAME_BYTES)),
        frame(4, "TXXX", BODY) * 20,
    ],
    ids=["size", "kind", "padding", "encoding", "text", "packing", "xmp", "large", "many"],
)
def test_what_cannot_be_read_is_told(body: bytes) -> None:
    assert read(tag(4, body) + SOUND).unread


def test_unknown_versions_are_told_and_not_written() -> None:
    for data in (tag(5, b"") + SOUND, tag(2, b"", 0x40) + SOUND, tag(3, b"\0\0", 0x40) + SOUND):
        assert read(data).unread
        with pytest.raises(Malformed):
            spliced(data)


def test_a_label_goes_before_frames_that_cannot_be_followed_unless_their_sizes_are_guessed() -> None:
    rubbish = b"?" * 40
    with pytest.raises(Malformed, match="can be followed"):
        spliced(tag(4, rubbish) + SOUND)
    out = spliced(tag(3, rubbish) + SOUND)
    assert out == tag(3, frame(3, "TXXX", BODY) + rubbish) + SOUND
    assert [s.text for s in read(out).sites] == [LABEL]


def test_an_apev2_header_that_disagrees_gets_the_footers_counts() -> None:
    ape = ape_tag((b"AIGC", LABEL.encode()), (b"Title", b"kept"))
    out = spliced(tag(3, b"") + SOUND + ape[:12] + bytes(8) + ape[20:])
    assert out.endswith(ape_tag((b"Title", b"kept")))
    for broken in (ape[:-20] + b"\xff\xff\xff\x7f" + ape[-16:], ape[:32] + b"\xff\xff" + ape[34:]):
        assert [u.place for u in read(SOUND + broken).unread] == ["APEv2"]


@pytest.mark.parametrize(
    ("head", "claimed"),
    [
        (b"ID3", True),
        (SOUND, True),
        (SOUND[:417], True),
        (SOUND[:417] + b"junk", False),
        (b"\xff\xf1\x50\x80" * 9, False),
        (b"\xff\xfd\x90\x00" * 200, False),
        (b"\xff\xfb\xf0\x00" * 200, False),
        (b"\xff\xd8\xff\xe0", False),
        (b"\xff\xfe<\0", False),
        (b"", False),
    ],
)
def test_layer_iii_is_told_from_what_looks_like_it(head: bytes, *, claimed: bool) -> None:
    assert mp3.claims(head, ".mp3") is claimed


def test_xmp_in_a_private_frame_is_read_and_makes_way() -> None:
    packet = _xmp.edit(None, LABEL)
    data = tag(4, frame(4, "PRIV", b"other\0" + packet) + frame(4, "PRIV", b"XMP\0" + packet)) + SOUND
    assert found(data) == [("ID3 PRIV XMP TC260:AIGC", LABEL)]
    assert found(spliced(data)) == [("ID3 TXXX:AIGC", LABEL)]


PIECES = st.one_of(
    st.builds(
        frame,
        st.sampled_from([3, 4]),
        st.sampled_from(["TXXX", "COMM", "TIT2", "APIC", "PRIV"]),
        st.one_of(st.binary(max_size=300), st.just(BODY), st.just(b"\0zho\0" + WRAPPED.encode())),
        st.sampled_from([0, 0, 0, 1, 2, 4, 8, 9, 0x20, 0x40, 0x80]),
    ),
    st.binary(max_size=20),
    st.just(bytes(30)),
)


@settings(max_examples=400, deadline=None)
@given(
    version=st.sampled_from([2, 3, 4]),
    flags=st.sampled_from([0, 0, 0x80, 0x40, 0x10, 0x90, 0xC0]),
    pieces=st.lists(PIECES, max_size=5),
    tail=st.sampled_from([b"", tag(4, frame(4, "TXXX", BODY), 0x10), ape_tag((b"AIGC", LABEL.encode()))]),
)
def test_any_tag_is_read_or_refused_and_ends_with_one_label(version: int, flags: int, pieces: list[bytes], tail: bytes) -> None:
    data = tag(version, b"".join(pieces), flags) + SOUND + tail
    try:
        read(data)
        out = spliced(data, OTHER)
    except MingwenError:
        return
    again = read(out)
    assert OTHER in [s.text for s in again.sites if s.guide]
    assert SOUND in out
    if not again.unread:
        assert len(again.sites) == 1
    assert spliced(spliced(data), OTHER) == out
