"""RIFF files made by hand: sizes that lie, chunks without pad bytes, files that never end."""

import io
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingwen.containers import riff, stray
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.media import Keep
from mingwen.formats import _id3, _wav, _xmp, wav, webp
from mingwen.formats._shape import Format, Reading

LABEL = '{"Label":"1","ContentProducer":"MiniMax","ProduceID":"06649909c7a9924cacafe995ce6d4656"}'
WRAPPED = f'{{"AIGC":{LABEL}}}'.encode()
FMT = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
OWN = riff.packed(b"AIGC", LABEL.encode())
CHUNK = riff.packed


def wave(*chunks: bytes, size: int | None = None, kind: bytes = b"WAVE") -> bytes:
    body = kind + b"".join(chunks)
    return b"RIFF" + (len(body) if size is None else size).to_bytes(4, "little") + body


def listed(*children: bytes, kind: bytes = b"INFO") -> bytes:
    return CHUNK(b"LIST", kind + b"".join(children))


def read(data: bytes, member: Format = wav.MEMBER) -> Reading:
    return member.read(io.BytesIO(data))


def spliced(data: bytes, label: str = LABEL, member: Format = wav.MEMBER) -> bytes:
    pieces = member.splice(io.BytesIO(data), label)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def found(data: bytes) -> list[tuple[str, str]]:
    reading = read(data)
    assert reading.unread == ()
    return [(s.place, s.text) for s in reading.sites]


def test_the_chunk_is_appended_and_the_size_follows() -> None:
    data = wave(FMT, CHUNK(b"data", bytes(5)))
    assert spliced(data) == wave(FMT, CHUNK(b"data", bytes(5)), OWN)
    assert spliced(spliced(data, "{}")) == spliced(data)


def test_trailing_zeros_and_several_chunks_are_read_and_end_as_one() -> None:
    data = wave(OWN, FMT, CHUNK(b"data", bytes(4)), CHUNK(b"AIGC", b"{}\0\0"))
    assert found(data) == [("WAV AIGC", LABEL), ("WAV AIGC", "{}")]
    assert spliced(data) == wave(FMT, CHUNK(b"data", bytes(4)), OWN)


def test_a_missing_pad_byte_is_put_where_a_chunk_follows() -> None:
    data = wave(FMT, CHUNK(b"data", bytes(5))[:-1])
    assert spliced(data) == wave(FMT, CHUNK(b"data", bytes(5)), OWN)
    odd = listed(CHUNK(b"IART", b"me"), CHUNK(b"ICMT", WRAPPED)[:-1])
    assert len(WRAPPED) % 2, "the case needs an odd child"
    for data in (wave(FMT, odd, CHUNK(b"data", b"12")), wave(FMT, CHUNK(b"data", b"12"), odd[:-1])):
        assert listed(CHUNK(b"IART", b"me")) in spliced(data)
        assert found(spliced(data)) == [("WAV AIGC", LABEL)]


def test_what_stands_behind_the_end_stays_but_for_a_label() -> None:
    data = wave(FMT, CHUNK(b"data", bytes(4)))
    assert spliced(data + b"tail") == wave(FMT, CHUNK(b"data", bytes(4)), OWN) + b"tail"
    assert found(data + b"<" + WRAPPED + b">") == [("after RIFF", WRAPPED.decode())]
    assert spliced(data + b"<" + WRAPPED + b">").endswith(OWN + b"<>")
    assert read(data + bytes(stray.MAX_TAIL_BYTES + 1)).unread == ()
    assert read(data + bytes(stray.MAX_TAIL_BYTES + 1) + WRAPPED).unread[0].place == "after RIFF"


@pytest.mark.parametrize(("size", "head"), [(0, 0), (0xFFFF_FFFF, 0xFFFF_FFFF), (0, 0xFFFF_FFFF)])
def test_samples_without_an_honest_size_keep_their_end(size: int, head: int) -> None:
    data = wave(FMT, b"data" + size.to_bytes(4, "little") + bytes(range(50)), size=head)
    assert found(data) == []
    out = spliced(data)
    assert found(out) == [("WAV AIGC", LABEL)]
    assert out == wave(FMT, OWN, b"data" + size.to_bytes(4, "little") + bytes(range(50)), size=head)
    assert spliced(spliced(data, "{}")) == out


def test_samples_that_are_cut_off_are_told_and_still_labelled() -> None:
    whole = wave(FMT, CHUNK(b"data", bytes(100)))
    reading = read(whole[:-30])
    assert "30 more than there are" in reading.unread[0].reason
    out = spliced(whole[:-30])
    assert out.endswith(OWN + b"data" + (100).to_bytes(4, "little") + bytes(70))
    assert int.from_bytes(out[4:8], "little") == len(whole) - 8 + len(OWN)


def test_a_head_that_promises_more_chunks_is_told() -> None:
    whole = wave(FMT, CHUNK(b"data", bytes(100)), OWN)
    assert "by the size in the head" in read(whole[: -len(OWN)]).unread[0].reason


def test_other_places_are_read_and_only_the_label_goes() -> None:
    tag = _id3.new_tag(LABEL)
    bext = CHUNK(b"bext", bytes(603))
    comment = listed(CHUNK(b"INAM", b"name"), CHUNK(b"ICMT", WRAPPED), CHUNK(b"AIGC", LABEL.encode()))
    packet = CHUNK(b"_PMX", _xmp.edit(None, LABEL))
    data = wave(FMT, bext, comment, CHUNK(b"id3 ", tag), packet, CHUNK(b"data", bytes(4)))
    assert [place for place, _ in found(data)] == [
        "WAV LIST/INFO ICMT",
        "WAV LIST/INFO AIGC",
        "WAV id3 ID3 TXXX:AIGC",
        "WAV _PMX XMP TC260:AIGC",
    ]
    empty = CHUNK(b"id3 ", tag[:10] + bytes(len(tag) - 10))
    blanked = CHUNK(b"_PMX", _xmp.without(_xmp.edit(None, LABEL)))
    assert spliced(data) == wave(FMT, bext, listed(CHUNK(b"INAM", b"name")), empty, blanked, CHUNK(b"data", bytes(4)), OWN)


def test_a_comment_in_gb18030_is_read() -> None:
    text = '说明{"AIGC":{"Label":"1"}}'
    assert found(wave(FMT, listed(CHUNK(b"ICMT", text.encode("gb18030"))))) == [("WAV LIST/INFO ICMT", text)]


def test_free_text_and_other_lists_are_no_labels() -> None:
    cues = listed(CHUNK(b"labl", b"\1\0\0\0verse"), kind=b"adtl")
    assert found(wave(FMT, listed(CHUNK(b"ICMT", b"made with AIGC tools")), cues, CHUNK(b"data", b""))) == []


@pytest.mark.parametrize(
    "chunk",
    [
        b"LIST\xf0\xff\xff\xffINFO",
        CHUNK(b"LIST", b"INFOICMT\xff\xff\xff\xff" + WRAPPED),
        CHUNK(b"_PMX", b"<http://www.tc260.org.cn/ns/AIGC/1.0/"),
        CHUNK(b"id3 ", b"ID3\5\0\0\0\0\0\0"),
        CHUNK(b"id3 ", b"ID3\4\0\0\0\0\0\x40"),
        CHUNK(b"AIGC", bytes(_wav.MAX_TEXT_BYTES + 2)),
        b"\0\1\2\3\4\5\6\7\x08\x09",
        CHUNK(b"LIST", b"INFO" + b"LIST\x10\0\0\0" * 40),
    ],
    ids=["size", "child", "xmp", "id3 version", "id3 size", "large", "no chunk", "nested"],
)
def test_what_cannot_be_read_is_told(chunk: bytes) -> None:
    data = wave(FMT, CHUNK(b"data", bytes(4)), chunk)
    assert read(data).unread
    assert LABEL in [s.text for s in read(spliced(data)).sites if s.guide]


def test_a_million_empty_chunks_are_not_all_walked() -> None:
    data = wave(FMT, CHUNK(b"junk", b"") * 1_000_000, CHUNK(b"data", b""))
    tracemalloc.start()
    assert "more than" in read(data).unread[0].reason
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_riff_that_would_outgrow_its_size_is_refused() -> None:
    # the head says nearly 4 GiB: what a file of that size says, without its bytes
    data = wave(FMT, CHUNK(b"data", b"12"), size=0xFFFF_FFF0)
    with pytest.raises(Refused, match="4 GiB") as caught:
        spliced(data)
    assert "rf64" in caught.value.hint


def test_rf64_without_ds64_and_wav_without_samples_are_malformed() -> None:
    with pytest.raises(Malformed, match="ds64"):
        read(b"RF64\xff\xff\xff\xffWAVE" + FMT + bytes(50))
    with pytest.raises(Malformed, match="data chunk"):
        spliced(wave(FMT))
    with pytest.raises(Malformed, match="RIFF head"):
        read(b"RIFF\0\0\0")


def test_sizes_in_the_table_of_ds64_are_used() -> None:
    entry = b"junk" + (6).to_bytes(8, "little")
    chunks = FMT + b"junk\xff\xff\xff\xff" + bytes(6) + b"data\xff\xff\xff\xff" + bytes(10)
    ds64 = CHUNK(b"ds64", struct.pack("<QQQI", 4 + 48 + len(chunks), 10, 10, 1) + entry)
    data = b"RF64\xff\xff\xff\xffWAVE" + ds64 + chunks
    assert found(data) == []
    assert spliced(data).endswith(bytes(10) + OWN)


@pytest.mark.parametrize(
    "chunks",
    [
        [b""],
        [CHUNK(b"VP8 ", b"short")],
        [CHUNK(b"VP8 ", b"\1\0\0\x9d\x01\x2a\1\0\1\0")],
        [CHUNK(b"VP8L", b"\x2e\0\0\0\0")],
        [CHUNK(b"VP8X", b"\0\0")],
        [CHUNK(b"VP8L", b"\x2f\0\0\0\0"), CHUNK(b"XMP ", b"<http://www.tc260.org.cn/ns/AIGC/1.0/")],
        [CHUNK(b"VP8L", b"\x2f\0\0\0\0"), b"ALPH\xff\xff\xff\xff"],
    ],
    ids=["empty", "short", "no key frame", "no signature", "VP8X", "xmp", "size"],
)
def test_a_webp_that_cannot_be_kept_is_malformed(chunks: list[bytes]) -> None:
    with pytest.raises(Malformed):
        spliced(wave(*chunks, kind=b"WEBP"), member=webp.MEMBER)


def test_a_simple_webp_gets_the_canvas_and_the_alpha_of_its_picture() -> None:
    lossless = CHUNK(b"VP8L", b"\x2f" + (0x3FFF | 99 << 14 | 1 << 28).to_bytes(4, "little"))
    lossy = CHUNK(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 640 | 1 << 14, 480))
    for picture, flags, width, height in ((lossless, 0x14, 16384, 100), (lossy, 0x04, 640, 480)):
        out = spliced(wave(picture, kind=b"WEBP"), member=webp.MEMBER)
        canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        assert out[12:30] == CHUNK(b"VP8X", bytes([flags, 0, 0, 0]) + canvas)
        assert out[30 : 30 + len(picture)] == picture


def test_two_packets_become_one_and_too_many_are_told() -> None:
    packet = CHUNK(b"XMP ", _xmp.edit(None, "{}"))
    data = wave(CHUNK(b"VP8L", b"\x2f\0\0\0\0"), *[packet] * 20, kind=b"WEBP")
    assert "more than the 16" in read(data, webp.MEMBER).unread[0].reason
    out = read(spliced(data, member=webp.MEMBER), webp.MEMBER)
    assert [s.text for s in out.sites] == [LABEL]
    assert out.unread == ()


CHUNKS = st.one_of(
    st.builds(CHUNK, st.sampled_from([b"junk", b"data", b"AIGC", b"id3 ", b"LIST", b"_PMX"]), st.binary(max_size=40)),
    st.sampled_from([OWN, listed(CHUNK(b"ICMT", WRAPPED)), CHUNK(b"id3 ", _id3.new_tag(LABEL)), CHUNK(b"data", b"123")]),
    st.binary(max_size=9),
)


@settings(max_examples=400, deadline=None)
@given(
    chunks=st.lists(CHUNKS, max_size=6),
    size=st.one_of(st.none(), st.integers(0, 300), st.just(0xFFFF_FFFF)),
    tail=st.one_of(st.binary(max_size=20), st.just(WRAPPED)),
)
def test_any_riff_is_read_or_refused_and_ends_with_one_label(chunks: list[bytes], size: int | None, tail: bytes) -> None:
    data = wave(FMT, *chunks, CHUNK(b"data", b"12"), size=size) + tail
    other = LABEL.replace("0664", "9999")
    try:
        read(data)
        out = spliced(data, other)
    except MingwenError:
        return
    again = read(out)
    assert [s.text for s in again.sites if s.guide] == [other]
    if not again.unread:
        assert len(again.sites) == 1
    assert spliced(spliced(data), other) == out
