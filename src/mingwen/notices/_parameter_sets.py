"""What lets new samples live beside old ones in a track: parameter sets under ids of their own, one configuration for both.

New pictures of H.264 and HEVC refer to parameter sets whose ids the source does not use, and the decoder configuration holds the
source's and ours (ISO/IEC 14496-15 allows several), so that no old sample changes. AV1 and VP9 say in the stream what they need.
Messages that belong to a picture, captions and HDR among them, are carried from the old sample to the new.
"""

from collections.abc import Iterable, Iterator

from mingwen.notices._entry import NAL_TYPE_H264, NAL_TYPE_HEVC, OPEN_HEVC, length_size, units
from mingwen.notices._nal import (
    bits_of,
    coded,
    framed,
    guarded,
    listed,
    listing,
    messages,
    number_at,
    unguarded,
    unit_of,
    with_number,
)

SPS_H264, PPS_H264, SEI_H264, DELIMITER_H264 = 7, 8, 6, 9
SETS_H264 = (SPS_H264, PPS_H264, 13, 15)
VPS, SPS, PPS = 32, 33, 34
SETS_HEVC = (VPS, SPS, PPS)
DELIMITER_HEVC, SEI_HEVC, DOLBY_VISION = 35, 39, 62
BLA_N_LP, NO_OUTPUT_OF_PRIOR = 18, 0x40
CARRIED = {4, 5, 45, 47, 137, 144, 147, 148, 149}
"""SEI messages of a picture, not of a coding: registered (captions, HDR10+) and unregistered data, frame packing, orientation,
mastering display, light level, transfer, ambient viewing, colour volume. By the unregistered ffmpeg knows encoders' faults."""
HIGHEST_H264 = 31
HIGHEST_HEVC = 15
PPS_IDS_HEVC = range(30, 14, -1)
"""Their codes have nine bits where that of id 0 has one: eight more, so that what follows keeps its place in its byte."""
PROFILES_H264 = {66: "baseline", 77: "main", 88: "main", 100: "high", 110: "high10", 122: "high422"}

MOST_H264 = {30: 10, 31: 14, 32: 20, 40: 20, 41: 50, 42: 50, 50: 135}
MOST_HEVC = {93: 10, 120: 12, 123: 20, 150: 25, 153: 40, 156: 60, 180: 60, 183: 120}
"""Mbit/s by level_idc (ITU-T H.264 table A-1, H.265 table A.9); levels below are small enough to be raised."""
LEAST_RATE, MOST_RATE, MARGIN = 10, 240, 2.5


def _free(ids: Iterable[int], used: set[int]) -> int:
    return next(i for i in ids if i not in used)


def _within(level: int, most: dict[int, int], spent: float) -> dict[str, str]:
    """Keep an encoder within the bit rate of a level; one that the old samples did not keep is no measure."""
    rate = max(most.get(level, LEAST_RATE if level < min(most) else MOST_RATE), round(MARGIN * spent))
    return {"maxrate": f"{rate}M", "bufsize": f"{rate}M"}


class _Nal:
    """What H.264 and HEVC have in common."""

    codec: str
    header: int
    sets: tuple[int, ...]
    message: int
    dropped: tuple[int, ...]
    """What an encoder writes and a sample need not have."""
    behind: tuple[int, ...] = ()
    """Units of an old sample that stand behind its picture and are carried."""

    def __init__(self, config: bytes) -> None:
        self.old = config
        self.size = length_size(self.codec, config)
        self.inband = dict[tuple[int, int], bytes]()
        """Parameter sets in the samples that are replaced, by kind and id: old samples behind them may rely on them."""

    def taken(self, old: Iterable[bytes]) -> None:
        """Keep the last parameter set of each id."""
        for sample in old:
            for unit in units(sample, self.size):
                if self.kind(unit) in self.sets:
                    self.inband[self.kind(unit), self.ident(unit)] = unit

    def used(self, *kinds: int) -> set[int]:
        """Return the ids that the source uses for parameter sets of these kinds."""
        stored = {(self.kind(unit), self.ident(unit)) for unit in self.stored()}
        return {ident for kind, ident in stored | self.inband.keys() if kind in kinds}

    def sample(self, made: bytes, old: bytes) -> bytes:
        """Put the carried messages before the new picture; the first one also has the source's own parameter sets."""
        theirs = list(units(old, self.size))
        kept = [m for u in theirs if self.kind(u) == self.message and (m := messages(u, self.header, CARRIED.__contains__))]
        behind = [unit for unit in theirs if self.kind(unit) in self.behind]
        ours = list[bytes]()
        for unit in framed(made):
            if self.kind(unit) == self.message:
                ours += [m for m in [messages(unit, self.header, lambda kind: kind not in CARRIED)] if m]
            elif self.kind(unit) not in self.dropped:
                ours.append(self.renumbered(unit))
        parts = [*self.inband.values(), *kept, *ours, *behind]
        self.inband.clear()
        return self.joined(parts)

    def joined(self, parts: Iterable[bytes]) -> bytes:
        """Return a sample of NAL units."""
        return b"".join(len(unit).to_bytes(self.size, "big") + unit for unit in parts)

    def entered(self, sample: bytes) -> bytes:
        """Leave it: its parameter sets are in the configuration or in itself."""
        return sample

    def kind(self, unit: bytes) -> int:
        """Return nal_unit_type."""
        raise NotImplementedError

    def ident(self, unit: bytes) -> int:
        """Return the id of a parameter set."""
        raise NotImplementedError

    def stored(self) -> list[bytes]:
        """Return the parameter sets of the configuration."""
        raise NotImplementedError

    def renumbered(self, unit: bytes) -> bytes:
        """Return one of our units with ids of our own."""
        return unit


class H264(_Nal):
    """avcC, ISO/IEC 14496-15 §5.3.3."""

    codec, header, sets, message = "h264", 1, SETS_H264, SEI_H264
    dropped = (*SETS_H264, DELIMITER_H264)

    def options(self, spent: float) -> dict[str, str]:
        """Let x264 write another id, and no more than the source's profile has."""
        ident = _free(range(HIGHEST_H264, -1, -1), self.used(SPS_H264, PPS_H264))
        profile = PROFILES_H264.get(self.old[1], "high444")
        rate = _within(self.old[3], MOST_H264, spent)
        return {**rate, "profile": profile, "x264-params": f"sps-id={ident}:keyint=infinite:scenecut=0"}

    def config(self, made: bytes, depth: int) -> bytes | None:
        """Add our SPS and PPS to the source's; the level is the higher of both."""
        ours = framed(made)
        new = {kind: [unit for unit in ours if self.kind(unit) == kind] for kind in (SPS_H264, PPS_H264)}
        sps, at = listed(self.old, 6, self.old[5] & 0x1F)
        pps, end = listed(self.old, at + 1, self.old[at])
        all_sps, all_pps = sps + [_delayed_h264(unit, depth) for unit in new[SPS_H264]], pps + new[PPS_H264]
        compatible, level = self.old[2] & new[SPS_H264][0][2], max(self.old[3], new[SPS_H264][0][3])
        head = bytes((1, self.old[1], compatible, level, self.old[4], 0xE0 | len(all_sps)))
        return head + listing(all_sps) + bytes((len(all_pps),)) + listing(all_pps) + self.old[end:]

    def kind(self, unit: bytes) -> int:
        """ITU-T H.264 §7.3.1."""
        return unit[0] & NAL_TYPE_H264

    def ident(self, unit: bytes) -> int:
        """ITU-T H.264 §7.3.2.1.1, §7.3.2.2."""
        return number_at(bits_of(unit), 32 if self.kind(unit) in (SPS_H264, 15) else 8)[0]

    def stored(self) -> list[bytes]:
        """Return SPS and PPS."""
        sps, at = listed(self.old, 6, self.old[5] & 0x1F)
        return sps + listed(self.old, at + 1, self.old[at])[0]


class Hevc(_Nal):
    """hvcC, ISO/IEC 14496-15 §8.3.3; x265 has no option for ids, so that its units are rewritten."""

    codec, header, sets, message = "hevc", 2, SETS_HEVC, SEI_HEVC
    dropped, behind = (*SETS_HEVC, DELIMITER_HEVC), (DOLBY_VISION,)
    ids: tuple[int, int, int] = (0, 0, 0)

    def taken(self, old: Iterable[bytes]) -> None:
        """Choose the ids, too."""
        super().taken(old)
        ids = range(HIGHEST_HEVC, -1, -1)
        self.ids = _free(ids, self.used(VPS)), _free(ids, self.used(SPS)), _free(PPS_IDS_HEVC, self.used(PPS))

    def options(self, spent: float) -> dict[str, str]:
        """Keep the encoder to one coded video sequence without comments on itself."""
        rate = _within(self.old[12], MOST_HEVC, spent)
        return {**rate, "x265-params": "log-level=error:info=0:bframes=0:open-gop=0:keyint=-1:scenecut=0:repeat-headers=0"}

    def config(self, made: bytes, depth: int) -> bytes | None:
        """Add our VPS, SPS and PPS to the source's; tier and level are the higher of both, flags what both have."""
        ours = {kind: [self.renumbered(u) for u in framed(made) if self.kind(u) == kind] for kind in SETS_HEVC}
        ours[VPS], ours[SPS] = [_delayed(u, 144, depth) for u in ours[VPS]], [_delayed(u, _order_at(u), depth) for u in ours[SPS]]
        general = unguarded(ours[SPS][0])[3:15]
        old = self.old
        head = bytes((1, old[1] | general[0] & 0x20, *(a & b for a, b in zip(old[2:12], general[1:11], strict=True))))
        head += bytes((max(old[12], general[11]), 0xF0, 0, 0xFC)) + old[16:22]  # no segmentation or parallelism is promised
        arrays = [(first, kept + ours.pop(first & NAL_TYPE_HEVC, [])) for first, kept in self._arrays()]
        arrays += [(0x80 | kind, new) for kind, new in ours.items()]
        order = sorted(arrays, key=lambda array: array[0] & NAL_TYPE_HEVC)
        body = b"".join(bytes((first,)) + len(nals).to_bytes(2, "big") + listing(nals) for first, nals in order)
        return head + bytes((len(order),)) + body

    def _arrays(self) -> Iterator[tuple[int, list[bytes]]]:
        at = 23
        for _ in range(self.old[22]):
            first, count = self.old[at], int.from_bytes(self.old[at + 1 : at + 3], "big")
            nals, at = listed(self.old, at + 3, count)
            yield first, nals

    def entered(self, sample: bytes) -> bytes:
        """Call a CRA picture BLA_N_LP, as H.265 §8.1.3 has it for splices; only then are pictures before it sure to be shown."""
        parts = list(units(sample, self.size))
        if not any(self.kind(unit) in OPEN_HEVC for unit in parts):
            return sample
        return self.joined(_broken_link(unit) if self.kind(unit) in OPEN_HEVC else unit for unit in parts)

    def kind(self, unit: bytes) -> int:
        """ITU-T H.265 §7.3.1.2."""
        return unit[0] >> 1 & NAL_TYPE_HEVC

    def ident(self, unit: bytes) -> int:
        """ITU-T H.265 §7.3.2."""
        bits = bits_of(unit)
        if self.kind(unit) == VPS:
            return int(bits[16:20], 2)
        return number_at(bits, 16 if self.kind(unit) == PPS else _sps_id_at(bits))[0]

    def stored(self) -> list[bytes]:
        """Return VPS, SPS and PPS."""
        return [unit for first, nals in self._arrays() if first & NAL_TYPE_HEVC in SETS_HEVC for unit in nals]

    def renumbered(self, unit: bytes) -> bytes:
        """Put our ids into a parameter set or a slice; the data of a slice begin at a byte and are copied."""
        vps, sps, pps = self.ids
        kind = self.kind(unit)
        if kind not in SETS_HEVC:
            return _slice(unit, kind, pps) if kind < VPS else unit
        bits = bits_of(unit)
        if kind == PPS:
            bits, at = with_number(bits, 16, pps)
            return unit_of(with_number(bits, at, sps)[0])
        bits = f"{bits[:16]}{vps:04b}{bits[20:]}"
        return unit_of(bits if kind == VPS else with_number(bits, _sps_id_at(bits), sps)[0])


def _sps_id_at(bits: str) -> int:
    """Return where profile_tier_level ends in an SPS (ITU-T H.265 §7.3.3)."""
    layers, at = int(bits[20:23], 2), 24 + 96
    flags = bits[at : at + 2 * layers]
    lengths = sum(88 * (flags[n] == "1") + 8 * (flags[n + 1] == "1") for n in range(0, 2 * layers, 2))
    return at + (16 if layers else 0) + lengths


def _order_at(sps: bytes) -> int:
    """Return where sps_sub_layer_ordering_info_present_flag stands."""
    bits = bits_of(sps)
    _, at = number_at(bits, _sps_id_at(bits))
    chroma, at = number_at(bits, at)
    at += chroma == 3  # noqa: PLR2004 - 4:4:4 says whether planes are separate
    for _ in "wh":
        _, at = number_at(bits, at)
    windows, at = bits[at] == "1", at + 1
    for _ in range(4 * windows + 3):  # cropping; depths of luma and chroma, bits of the picture order count
        _, at = number_at(bits, at)
    return at


def _delayed(unit: bytes, at: int, depth: int) -> bytes:
    """Raise max_dec_pic_buffering and max_num_reorder_pics behind the flag at a bit."""
    bits = bits_of(unit)
    buffered, then = number_at(bits, at + 1)
    bits, then = with_number(bits, at + 1, max(buffered, depth))
    return unit_of(with_number(bits, then, depth)[0])


def _delayed_h264(sps: bytes, depth: int) -> bytes:
    """Raise max_num_reorder_frames and max_dec_frame_buffering, which end what x264 writes for one reference picture."""
    bits, last = bits_of(sps), coded(0) + coded(1)
    return unit_of(bits.removesuffix(last) + coded(depth) + coded(max(depth, 1))) if depth and bits.endswith(last) else sps


def _broken_link(unit: bytes) -> bytes:
    return bytes((BLA_N_LP << 1 | unit[0] & 1, unit[1], unit[2] & ~NO_OUTPUT_OF_PRIOR)) + unit[3:]


def _slice(unit: bytes, kind: int, pps: int) -> bytes:
    """Replace slice_pic_parameter_set_id 0, which stands behind one flag or, in random access pictures, two (§7.3.6.1)."""
    at = 2 if 16 <= kind <= 23 else 1  # noqa: PLR2004 - BLA_W_LP to RSV_IRAP_VCL23
    raw = unguarded(unit)
    bits = f"{raw[2]:08b}"
    if bits[at] != "1":
        raise ValueError(bits)
    return guarded(raw[:2] + int(bits[:at] + coded(pps) + bits[at + 1 :], 2).to_bytes(2, "big") + raw[3:])
