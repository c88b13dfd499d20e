"""Hand-made boxes: offsets of every kind, labels at every place, and files that lie."""

import io
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from struct import pack, unpack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingwen.containers.boxes import MAX_WALKED
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.media import Keep, Splice
from mingwen.formats import mp4
from mingwen.formats._iso import MAX_MOOV_BYTES
from mingwen.formats._moov import PLACE
from mingwen.formats._shape import Reading, Site, Wrapper

LABEL = json.dumps(
    {"Label": "1", "ContentProducer": "00119144030008867405X210002", "ProduceID": "sample-001"}, separators=(",", ":")
)
OLD = json.dumps({"Label": "2", "ContentProducer": "old", "ProduceID": "old-1"})
WRAPPED = f'{{"AIGC":{OLD}}}'
UTF16 = WRAPPED.encode("utf-16-be")
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>video/mp4</dc:format></rdf:Description>'
    '<rdf:Description rdf:about="" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"><TC260:AIGC>{}</TC260:AIGC></rdf:Description>'
    "</rdf:RDF></x:xmpmeta>"
).format(OLD.replace('"', "&quot;"))
XMP_ID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return pack(">I4s", 8 + len(body), kind) + body


def long_box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return pack(">I4sQ", 1, kind, 16 + len(body)) + body


def open_box(kind: bytes, *parts: bytes) -> bytes:
    return pack(">I4s", 0, kind) + b"".join(parts)


def handler(kind: bytes) -> bytes:
    return box(b"hdlr", pack(">II4s13x", 0, 0, kind))


def data(text: str | bytes, kind: int = 1) -> bytes:
    return box(b"data", pack(">II", kind, 0), text.encode() if isinstance(text, str) else text)


def keyed(*pairs: tuple[str, str], head: bytes = bytes(4)) -> bytes:
    """Build an mdta meta; ``head`` is empty in QuickTime."""
    keys = b"".join(pack(">I4s", 8 + len(k), b"mdta") + k.encode() for k, _ in pairs)
    items = b"".join(box(pack(">I", i), data(v)) for i, (_, v) in enumerate(pairs, 1))
    return box(b"meta", head, handler(b"mdta"), box(b"keys", pack(">II", 0, len(pairs)), keys), box(b"ilst", items))


def tagged(*items: bytes) -> bytes:
    return box(b"meta", bytes(4), handler(b"mdir"), box(b"ilst", *items))


def freeform(name: str, text: str) -> bytes:
    return box(b"----", box(b"mean", bytes(4), b"com.apple.iTunes"), box(b"name", bytes(4), name.encode()), data(text))


def track(*tables: bytes, kind: bytes = b"vide", external: bool = False) -> bytes:
    dref = box(b"dref", pack(">II", 0, 1), box(b"url ", pack(">I", 0 if external else 1)))
    return box(b"trak", box(b"mdia", handler(kind), box(b"minf", box(b"dinf", dref), box(b"stbl", *tables))))


def stco(*offsets: int) -> bytes:
    return box(b"stco", pack(">II", 0, len(offsets)), array_bytes("I", offsets))


def co64(*offsets: int) -> bytes:
    return box(b"co64", pack(">II", 0, len(offsets)), array_bytes("Q", offsets))


def array_bytes(code: str, values: tuple[int, ...]) -> bytes:
    return pack(f">{len(values)}{code}", *values)


FTYP = box(b"ftyp", b"isom", bytes(4), b"isom")
MDAT = box(b"mdat", b"CHUNK-ONE", b"CHUNK-TWO")


def run(source: bytes, splice: Splice) -> bytes:
    return b"".join(source[p.start : p.stop] if isinstance(p, Keep) else p for p in splice)


def read(file: bytes) -> Reading:
    return mp4.MEMBER.read(io.BytesIO(file))


def label(file: bytes, text: str = LABEL) -> bytes:
    return run(file, mp4.MEMBER.splice(io.BytesIO(file), text))


def assert_labelled(file: bytes, text: str = LABEL) -> None:
    assert read(file) == Reading((Site(PLACE, text, Wrapper.BARE, guide=True),))


def with_offsets(build: Callable[[int], bytes]) -> bytes:
    """Build a file whose tables point to where its chunks really stand; the size must not depend on the number."""
    return build(build(0).find(b"CHUNK-ONE"))


# --- offsets -------------------------------------------------------------------------------------------------------------


def fast(at: int) -> bytes:
    return FTYP + box(b"moov", track(stco(at, at + 9))) + MDAT


def wide(at: int) -> bytes:
    return FTYP + long_box(b"moov", track(co64(at, at + 9))) + box(b"wide") + open_box(b"mdat", b"CHUNK-ONE", b"CHUNK-TWO")


def last(at: int) -> bytes:
    return FTYP + long_box(b"mdat", b"CHUNK-ONE", b"CHUNK-TWO") + open_box(b"moov", track(stco(at, at + 9)))


def roomy(at: int) -> bytes:
    return FTYP + box(b"moov", track(stco(at, at + 9))) + box(b"free", bytes(4096)) + MDAT


def table(file: bytes) -> tuple[int, ...]:
    for kind, width, code in ((b"stco", 4, "I"), (b"co64", 8, "Q")):
        at = file.find(kind) + 4
        if at > 4:
            (count,) = unpack(">I", file[at + 4 : at + 8])
            return unpack(f">{count}{code}", file[at + 8 : at + 8 + count * width])
    pytest.fail("expected a table of chunks")


@pytest.mark.parametrize("build", [fast, wide, last, roomy])
def test_chunks_are_found_where_they_went(build: Callable[[int], bytes]) -> None:
    before = with_offsets(build)
    after = label(before)
    assert_labelled(after)
    assert [after[o : o + 9] for o in table(after)] == [b"CHUNK-ONE", b"CHUNK-TWO"]
    assert after[: len(FTYP)] == FTYP


def test_a_shorter_label_gives_the_room_back() -> None:
    before = with_offsets(roomy)
    assert label(label(before), OLD).index(MDAT) == label(before).index(MDAT) == before.index(MDAT)


@pytest.mark.parametrize("left", [0, 1, 7, 8, 9])
def test_room_is_used_whole_or_with_a_header_left(left: int) -> None:
    growth = len(label(with_offsets(fast))) - len(with_offsets(fast))
    before = with_offsets(lambda at: FTYP + box(b"moov", track(stco(at, at + 9))) + box(b"free", bytes(growth + left - 8)) + MDAT)
    after = label(before)
    assert [after[o : o + 9] for o in table(after)] == [b"CHUNK-ONE", b"CHUNK-TWO"]
    assert (len(after) == len(before)) == (left in {0, 8, 9})
    assert (b"free" in after) == (left != 0)


def test_a_track_with_data_in_another_file_keeps_its_offsets() -> None:
    after = label(FTYP + box(b"moov", track(stco(5000, 6000), external=True)) + MDAT)
    assert table(after) == (5000, 6000)


def test_auxiliary_offsets_and_items_move_along() -> None:
    def build(at: int) -> bytes:
        saio = box(b"saio", pack(">I4sI", 1, b"cenc", 0), pack(">II", 1, at))
        iloc = pack(">IHHHHHHII", 1 << 24, 0x4400, 1, 7, 0, 0, 1, at, 9)
        based = pack(">IHHHHIH", 0, 0x0040, 1, 7, 0, at, 1)
        inside = pack(">IHHHHHHII", 1 << 24, 0x4400, 1, 7, 1, 0, 1, at, 9)
        metas = b"".join(box(b"meta", bytes(4), handler(b"null"), box(b"iloc", i)) for i in (iloc, inside))
        return FTYP + box(b"moov", track(saio), metas) + box(b"meta", bytes(4), handler(b"null"), box(b"iloc", based)) + MDAT

    before = with_offsets(build)
    after = label(before)
    was, now = (pack(">I", f.index(b"CHUNK-ONE")) for f in (before, after))
    assert before.count(was) == 4
    assert (after.count(now), after.count(was)) == (3, 1), "an item in an idat counts from there"


def test_an_item_whose_field_is_too_small_is_refused_not_bent() -> None:
    iloc = box(b"iloc", pack(">IHHHHHHHH", 1 << 24, 0x4400, 1, 7, 0, 0, 1, 0xFFFF, 0xFFF0) + bytes(4))
    file = FTYP + box(b"moov", track(), box(b"meta", bytes(4), handler(b"null"), iloc)) + MDAT
    with pytest.raises(Malformed, match="more than its field"):
        label(file)


@pytest.mark.parametrize("version", [0, 1])
def test_fragments_and_their_indexes_move_along(version: int) -> None:
    def build(at: int) -> bytes:
        code = "Q" if version else "I"
        early = box(b"sidx", pack(f">III{code}{code}I", version << 24, 1, 1, 0, moov_size, 0))
        late = box(b"sidx", pack(f">III{code}{code}I", version << 24, 1, 1, 0, 0, 0))
        moof = box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", box(b"tfhd", pack(">IIQ", 1, 1, at))))
        free = box(b"moof", box(b"traf", box(b"tfhd", pack(">II", 0x020000, 1))))
        entry = pack(f">{code}{code}BBB", 0, at, 1, 1, 1)
        tfra = box(b"tfra", pack(">IIII", version << 24, 1, 0, 1), entry)
        mfra = box(b"mfra", tfra, box(b"mfro", bytes(8)))
        return FTYP + early + moov + late + moof + free + box(b"mdat", b"CHUNK-ONE") + mfra

    moov = box(b"moov", track(stco()))
    moov_size = len(moov)
    before = with_offsets(build)
    after = label(before)
    assert_labelled(after)
    growth = len(after) - len(before)
    was, now = before.index(b"CHUNK-ONE"), after.index(b"CHUNK-ONE")
    assert now - was == growth
    assert after.count(pack(">Q", now)) + after.count(pack(">I", now)) >= 2
    assert pack(">Q", was) not in after
    at = after.index(b"sidx") + 4 + 12
    fields = unpack(">QQ" if version else ">II", after[at : at + (16 if version else 8)])
    assert fields[1] == moov_size + growth


@dataclass
class Sparse(io.RawIOBase):
    """A file of 5 GiB with bytes at its beginning and end only; it counts what is read."""

    head: bytes
    length: int
    at: int = 0
    taken: int = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there; nothing is checked."""
        self.at = offset + (0 if whence == io.SEEK_SET else self.length)
        return self.at

    def read(self, count: int = -1) -> bytes:
        """Return what is there, or zeros."""
        count = min(count, self.length - self.at)
        found = self.head[self.at : self.at + count].ljust(count, b"\0")
        self.at += count
        self.taken += count
        return found


def test_five_gigabytes_need_the_moov_only_and_get_wide_offsets() -> None:
    entries = 100_000
    step = ((1 << 32) - 2000) // entries
    offsets = (*(2000 + step * i for i in range(entries - 1)), (1 << 32) - 10)
    moov = box(b"moov", track(stco(*offsets)), track(stco(2000, 3000), kind=b"soun"))
    mdat_start = len(FTYP) + len(moov)
    length = 5 << 30
    head = FTYP + moov + pack(">I4sQ", 1, b"mdat", length - mdat_start)
    source = Sparse(head, length)
    tracemalloc.start()
    pieces = mp4.MEMBER.splice(source, LABEL)  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * len(moov)
    assert source.taken < 2 * len(moov)
    assert pieces[-1] == Keep(mdat_start, length)
    new = b"".join(p for p in pieces if isinstance(p, bytes))
    growth = len(new) - len(moov)
    assert growth > 4 * entries
    moved = new[new.index(b"co64") + 12 :][: 8 * entries]
    assert unpack(f">{entries}Q", moved) == tuple(o + growth if o >= mdat_start else o for o in offsets)
    assert new.count(b"stco") == 1, "the short one is not"


# --- labels --------------------------------------------------------------------------------------------------------------

ELSEWHERE: dict[str, tuple[bytes, str, str, Wrapper]] = {
    "beside udta": (keyed(("AIGC", OLD)), "moov/meta AIGC", OLD, Wrapper.BARE),
    "QuickTime meta": (keyed(("AIGC", OLD), head=b""), "moov/meta AIGC", OLD, Wrapper.BARE),
    "other key": (box(b"udta", tagged(box(b"\xa9cmt", data(WRAPPED)))), "moov/udta/meta ©cmt", WRAPPED, Wrapper.WRAPPED),
    "desc": (box(b"udta", tagged(box(b"desc", data(WRAPPED, 0)))), "moov/udta/meta desc", WRAPPED, Wrapper.WRAPPED),
    "UTF-16": (box(b"udta", tagged(box(b"desc", data(UTF16, 2)))), "moov/udta/meta desc", WRAPPED, Wrapper.WRAPPED),
    "freeform": (box(b"udta", tagged(freeform("AIGC", OLD))), "moov/udta/meta ----:com.apple.iTunes:AIGC", OLD, Wrapper.BARE),
    "no keys": (box(b"udta", tagged(box(pack(">I", 1), data(OLD)))), "moov/udta/meta item 1", OLD, Wrapper.EITHER),
    "QuickTime text": (
        box(b"udta", box(b"\xa9cmt", pack(">HH", len(WRAPPED), 0x55C4), WRAPPED.encode()), bytes(4)),
        *("moov/udta ©cmt", WRAPPED, Wrapper.WRAPPED),
    ),
    "3GPP text": (box(b"udta", box(b"dscp", bytes(6), WRAPPED.encode(), b"\0")), "moov/udta dscp", WRAPPED, Wrapper.WRAPPED),
    "XMP": (box(b"udta", box(b"XMP_", XMP.encode())), "moov/udta XMP_ TC260:AIGC", OLD, Wrapper.BARE),
    "track": (box(b"trak", box(b"udta", keyed(("AIGC", OLD)))), "moov/trak/udta/meta AIGC", OLD, Wrapper.BARE),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_labels_elsewhere_are_read_and_go_when_a_new_one_comes(name: str) -> None:
    part, place, text, wrapper = ELSEWHERE[name]
    file = with_offsets(lambda at: FTYP + box(b"moov", track(stco(at)), part) + MDAT)
    assert read(file) == Reading((Site(place, text, wrapper, guide=False),))
    after = label(file)
    assert_labelled(after)
    assert after[table(after)[0] :].startswith(b"CHUNK-ONE")


def test_xmp_beside_the_moov_is_read_and_loses_the_label_but_nothing_else() -> None:
    file = with_offsets(lambda at: FTYP + box(b"uuid", XMP_ID, XMP.encode()) + box(b"moov", track(stco(at))) + MDAT)
    assert read(file) == Reading((Site("uuid XMP TC260:AIGC", OLD, Wrapper.BARE, guide=False),))
    after = label(file)
    assert_labelled(after)
    assert b"<dc:format>video/mp4</dc:format>" in after
    assert after[table(after)[0] :].startswith(b"CHUNK-ONE")


def test_broken_xmp_is_reported() -> None:
    broken = b"<a>http://www.tc260.org.cn/ns/AIGC/1.0/"
    file = FTYP + box(b"uuid", XMP_ID, broken) + box(b"moov", track(), box(b"udta", box(b"XMP_", broken))) + MDAT
    assert [u.place for u in read(file).unread] == ["uuid XMP", "moov/udta XMP_"]


def test_other_keys_keep_their_values_and_others_tags_stay() -> None:
    udta = box(
        b"udta",
        tagged(box(b"\xa9nam", data("Title")), freeform("AIGC", OLD)),
        keyed(("make", "A"), ("x.AIGC", OLD), ("model", "B")),
    )
    after = label(FTYP + box(b"moov", track(), udta) + MDAT)
    assert_labelled(after)
    meta = after[after.index(b"mdta") :]
    for number, value in ((1, "A"), (2, "B"), (3, LABEL)):
        assert box(pack(">I", number), data(value)) in meta
    assert box(b"\xa9nam", data("Title")) in after


def test_labelling_twice_gives_the_same_file() -> None:
    once = label(with_offsets(fast))
    assert label(once) == once


def test_keys_of_a_telephone_are_named_by_ours_too() -> None:
    """Ours come first and with the same numbers, because ffmpeg takes a file's first keys for all its items."""
    after = label(FTYP + box(b"moov", track(), keyed(("make", "A"), ("AIGC", OLD), ("model", "B"), head=b"")) + MDAT)
    assert_labelled(after)
    assert after.index(b"udta") < after.rindex(b"meta")
    assert after.count(b"mdtamake") == after.count(b"mdtamodel") == 2
    assert box(pack(">I", 3), data(LABEL)) in after
    assert label(after) == after


def test_numbers_without_a_key_never_come_to_name_ours() -> None:
    items = box(b"ilst", box(pack(">I", 0), data("zero")), box(pack(">I", 2), data("beyond")), box(pack(">I", 1), data("A")))
    keys = box(b"keys", pack(">II", 0, 1), pack(">I4s", 12, b"mdta"), b"make")
    file = FTYP + box(b"moov", track(), box(b"udta", box(b"meta", bytes(4), handler(b"mdta"), keys, items))) + MDAT
    after = label(file)
    assert_labelled(after)
    assert box(pack(">I", 1), data("A")) in after


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (data(b"\xff\xfe", 1), "is no utf-8"),
        (data(b"{}", 13), "is of a type that is no text"),
        (data(bytes(1 << 21)), "has 2097152 bytes, more than the 1048576 that are read"),
        (b"", "has no data"),
    ],
)
def test_a_label_that_cannot_be_read_is_reported_and_replaced(value: bytes, reason: str) -> None:
    keys = box(b"keys", pack(">II", 0, 1), pack(">I4s", 12, b"mdta"), b"AIGC")
    meta = box(b"meta", bytes(4), handler(b"mdta"), keys, box(b"ilst", box(pack(">I", 1), value)))
    file = FTYP + box(b"moov", track(), box(b"udta", meta)) + MDAT
    assert [(u.place, u.reason) for u in read(file).unread] == [(PLACE, reason)]
    assert_labelled(label(file))


def test_prose_about_labels_is_no_label() -> None:
    file = FTYP + box(b"moov", track(), box(b"udta", tagged(box(b"\xa9cmt", data("AIGC Label: see {producer}"))))) + MDAT
    assert read(file) == Reading()


# --- files that lie --------------------------------------------------------------------------------------------------------


def nested(kind: bytes, depth: int) -> bytes:
    return b"".join(pack(">I4s", 8 * (depth - i), kind) for i in range(depth))


def test_ten_thousand_boxes_deep_are_no_depth_at_all() -> None:
    for kind in (b"moov", b"trak", b"udta", b"meta", b"mdia", b"ilst"):
        file = FTYP + box(b"moov", nested(kind, 10_000)) + MDAT
        try:
            assert_labelled(label(file))
        except MingwenError:
            assert read(file).unread


LIES: dict[str, tuple[bytes, str]] = {
    **{f"size {n}": (FTYP + pack(">I4s", n, b"moov") + bytes(20), "moov") for n in (2, 7)},
    "4 GB in 100 bytes": (FTYP + pack(">I4s", 0xFFFFFFFF, b"moov") + bytes(60), "moov"),
    "2**64 in 100 bytes": (FTYP + pack(">I4sQ", 1, b"moov", (1 << 64) - 1) + bytes(60), "moov"),
    "size 1 without a size": (FTYP + box(b"moov") + pack(">I4s", 1, b"mdat"), "mdat"),
    "mdat cut off": (with_offsets(fast)[:-1], "mdat"),
    "moov cut off": (with_offsets(last)[:-40], "moov/trak"),
    "no moov": (FTYP + MDAT, "moov"),
    "two moov": (FTYP + box(b"moov", track()) * 2 + MDAT, "moov"),
    "child too long": (FTYP + box(b"moov", pack(">I4s", 99, b"udta")) + MDAT, "moov/udta"),
    "child too short": (FTYP + box(b"moov", pack(">I4s", 3, b"udta")) + MDAT, "moov/udta"),
    "rubbish in udta": (FTYP + box(b"moov", box(b"udta", b"abcd")) + MDAT, "moov/udta"),
    "compressed": (FTYP + box(b"moov", box(b"cmov", bytes(8))) + MDAT, "moov"),
    "keys lie": (FTYP + box(b"moov", box(b"meta", bytes(4), box(b"keys", pack(">II", 0, 1 << 31)))) + MDAT, "moov/meta"),
    "key lies": (FTYP + box(b"moov", box(b"meta", bytes(4), box(b"keys", pack(">III", 0, 1, 99)))) + MDAT, "moov/meta"),
    "a million boxes": (FTYP + box(b"free") * 1_000_000, f"boxes from byte {20 + 8 * (MAX_WALKED - 1)}"),
    "a million boxes in the moov": (FTYP + box(b"moov", box(b"free") * 1_000_000) + MDAT, "moov"),
    "a million tags": (FTYP + box(b"moov", box(b"udta", tagged(box(b"\xa9cmt") * 100_000))) + MDAT, "moov/udta/meta/ilst"),
}


@pytest.mark.parametrize("name", LIES)
def test_what_cannot_be_followed_is_reported_and_not_written(name: str) -> None:
    file, place = LIES[name]
    reading = read(file)
    assert not reading.sites
    assert place in {u.place for u in reading.unread}
    with pytest.raises((Malformed, Refused)):
        label(file)


@pytest.mark.parametrize("kind", [b"stco", b"co64", b"saio"])
def test_a_table_that_lies_about_its_length_is_not_written(kind: bytes) -> None:
    with pytest.raises(Malformed, match="declares 4294967295 entries"):
        label(FTYP + box(b"moov", track(box(kind, pack(">II", 0, 0xFFFFFFFF)))) + MDAT)


def test_items_without_size_are_not_counted_through() -> None:
    iloc = box(b"iloc", pack(">IHI", 2 << 24, 0, 60_000), pack(">IHHH", 1, 0, 0, 0xFFFF) * 60_000)
    file = FTYP + box(b"moov", track(), box(b"meta", bytes(4), handler(b"null"), iloc)) + MDAT
    assert_labelled(label(file))


def test_a_moov_too_large_is_refused_unread() -> None:
    source = Sparse(FTYP + pack(">I4s", MAX_MOOV_BYTES + 9, b"moov"), len(FTYP) + MAX_MOOV_BYTES + 9)
    assert [u.place for u in mp4.MEMBER.read(source).unread] == ["moov"]  # type: ignore[arg-type]
    with pytest.raises(Refused, match="at most 67108864 bytes"):
        mp4.MEMBER.splice(source, LABEL)  # type: ignore[arg-type]
    assert source.taken < 1000


FULL = with_offsets(
    lambda at: (
        FTYP
        + box(b"uuid", XMP_ID, XMP.encode())
        + box(
            b"moov",
            track(stco(at), box(b"saio", pack(">III", 0, 1, at))),
            box(b"udta", tagged(box(b"\xa9nam", data("T")), freeform("AIGC", OLD)), keyed(("make", "A"), ("AIGC", OLD))),
            box(b"meta", bytes(4), handler(b"null"), box(b"iloc", pack(">IHHHHHHII", 1 << 24, 0x4400, 1, 7, 0, 0, 1, at, 9))),
        )
        + box(b"sidx", pack(">IIIIII", 0, 1, 1, 0, 0, 0))
        + box(b"moof", box(b"traf", box(b"tfhd", pack(">IIQ", 1, 1, at))))
        + MDAT
        + box(b"mfra", box(b"tfra", pack(">IIII", 0, 1, 0, 1), pack(">IIBBB", 0, at, 1, 1, 1)))
    )
)


def survive(file: bytes) -> None:
    """Only our errors may leave; and what was written reads back, unless something was unreadable before and stays so."""
    reading = read(file)
    mp4.MEMBER.medium(io.BytesIO(file))
    try:
        after = label(file)
    except MingwenError:
        return
    written = read(after)
    assert [s.text for s in written.sites if s.guide] == [LABEL]
    assert written.sites == tuple(s for s in written.sites if s.guide)
    assert len(written.unread) <= len(reading.unread)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(FULL) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_changed_bytes_are_survived(changes: list[tuple[int, int]]) -> None:
    file = bytearray(FULL)
    for at, value in changes:
        file[at] = value
    survive(bytes(file))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(FULL)), st.integers(0, len(FULL)))
def test_any_lost_bytes_are_survived(start: int, stop: int) -> None:
    survive(FULL[:start])
    survive(FULL[: min(start, stop)] + FULL[max(start, stop) :])


def test_every_cut_is_noticed() -> None:
    """However short the file, it is never said to be whole: a label or something unread comes out, or it ends between boxes."""
    ends = [len(FTYP)]
    while ends[-1] < len(FULL):
        ends.append(ends[-1] + int.from_bytes(FULL[ends[-1] : ends[-1] + 4]))
    for start, stop in pairwise(ends):
        for cut in (start + 8, (start + stop) // 2, stop - 1):
            assert read(FULL[:cut]).unread
