"""FLAC with audible labels: frames copied, tables and checksums true. Judges: flac, metaflac, ffmpeg."""

import contextlib
import io
import re
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mingwen.domain.errors import Malformed
from mingwen.domain.notices import Style
from mingwen.notices import _flac_frames
from sounds import ALL, assert_kept, block_of, ffmpeg, flac_test, made, marked, samples


def listed(path: Path, *options: str) -> str:
    return subprocess.run(["metaflac", *options, str(path)], check=True, capture_output=True, text=True).stdout


def test_flac_keeps_tags_tables_and_sheets(media: Path, tmp_path: Path) -> None:
    before = made(
        tmp_path / "a.flac", "-i", media / "speech.wav", "-t", "20", "-ar", "44100", "-ac", "2", "-metadata", "title=题"
    )
    tracks = "TRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 00 00:09:00\nINDEX 01 00:12:00\n"
    (tmp_path / "a.cue").write_text(f'FILE "a.flac" FLAC\n{tracks}')
    listed(before, "--add-seekpoint=1s", f"--import-cuesheet-from={tmp_path / 'a.cue'}")
    data = b"ID3\4\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0" + before.read_bytes() + b"TAG" + bytes(125)
    before.write_bytes(data)
    after, note = marked(before, Style(moments=ALL))
    assert "MD5" not in note
    assert after.read_bytes()[:20] == data[:20]
    assert after.read_bytes()[-128:] == data[-128:]
    (tmp_path / "bare.flac").write_bytes(after.read_bytes()[20:-128])
    after = tmp_path / "bare.flac"
    assert flac_test(after) == ""
    assert "TITLE=题" in listed(after, "--export-tags-to=-").upper().replace("title", "TITLE")
    block = block_of(after)
    start, middle = (-(-round(n * 0.12 * 44_100) // block) * block for n in (14, 17))
    sheet = listed(after, "--list", "--block-type=CUESHEET")
    offsets = [int(n) for n in re.findall(r"offset: (\d+)", sheet)]
    old = [int(n) for n in re.findall(r"offset: (\d+)", listed_sheet(data, tmp_path))]
    assert offsets[0] == old[0] + start
    assert offsets[-1] == int(listed(after, "--show-total-samples"))
    assert offsets[2] == old[2] + start
    assert offsets[4] == 12 * 44_100 - 9 * 44_100 + middle
    points = re.findall(r"point \d+: sample_number=(\d+), stream_offset=(\d+), frame_samples=(\d+)", listed(after, "--list"))
    assert len(points) >= 20
    for at in ("1.0", "7.5", "13", "21"):
        sought = ffmpeg("-v", "error", "-ss", at, "-i", after, "-t", "0.5", "-f", "s16le", "-").stdout
        whole = ffmpeg("-v", "error", "-i", after, "-f", "s16le", "-").stdout
        where = round(float(at) * 44_100) * 4
        assert sought == whole[where : where + len(sought)]


def listed_sheet(data: bytes, tmp_path: Path) -> str:
    (tmp_path / "old.flac").write_bytes(data[20:-128])
    return listed(tmp_path / "old.flac", "--list", "--block-type=CUESHEET")


@pytest.mark.parametrize("level", ["-0", "-5", "-8"])
def test_flac_by_the_reference_encoder_keeps_its_frames(level: str, media: Path, tmp_path: Path) -> None:
    before = tmp_path / "a.flac"
    subprocess.run(["flac", "-s", "-f", level, str(media / "speech.wav"), "-o", str(before)], check=True)
    after, _ = marked(before, Style(moments=ALL, every_seconds=15))
    assert flac_test(after) == ""
    old, new = bodies(before), bodies(after)
    assert old[:-1] == [body for body in new if body in set(old[:-1])]


def bodies(path: Path) -> list[bytes]:
    data, at = path.read_bytes(), 4
    while not data[at] & 0x80:
        at += 4 + int.from_bytes(data[at + 1 : at + 4])
    at += 4 + int.from_bytes(data[at + 1 : at + 4])
    with path.open("rb") as file:
        return [f.data[f.header.size : -2] for f in _flac_frames.walk(file, at, len(data))]


def test_flac_of_varying_blocks_stays_one(media: Path, tmp_path: Path) -> None:
    """A stream of sample numbers: made from one of fixed blocks, with every third frame in two halves' stead a label."""
    before = tmp_path / "a.flac"
    subprocess.run(["flac", "-s", "-f", "--blocksize=4096", str(media / "speech.wav"), "-o", str(before)], check=True)
    data, at = before.read_bytes(), 4
    while not data[at] & 0x80:
        at += 4 + int.from_bytes(data[at + 1 : at + 4])
    at += 4 + int.from_bytes(data[at + 1 : at + 4])
    out, passed = bytearray(data[:at]), 0
    for frame in _flac_frames.walk(io.BytesIO(data), at, len(data)):
        head = frame.header._replace(lead=_flac_frames.VARIABLE_SYNC + frame.header.lead[2:])
        body = _flac_frames.headed(head, passed) + frame.data[frame.header.size : -2]
        out += body + _flac_frames.crc16(body).to_bytes(2)
        passed += frame.header.samples
    before.write_bytes(out)
    assert flac_test(before) == ""
    after, _ = marked(before, Style(moments=ALL))
    assert flac_test(after) == ""
    assert_kept(before, after, 16_000)


def test_flac_of_an_unknown_length_is_counted(media: Path, tmp_path: Path) -> None:
    before = tmp_path / "a.flac"
    before.write_bytes(ffmpeg("-v", "error", "-i", media / "speech.wav", "-t", "5", "-f", "flac", "-").stdout)
    assert listed(before, "--show-total-samples").strip() == "0"
    after, note = marked(before, Style(moments=ALL))
    assert "MD5" not in note
    assert int(listed(after, "--show-total-samples")) == len(samples(after))
    assert_kept(before, after, 16_000)


def test_a_wrong_checksum_is_not_made_right(media: Path, tmp_path: Path) -> None:
    before = made(tmp_path / "a.flac", "-i", media / "speech.wav", "-t", "5")
    data = bytearray(before.read_bytes())
    data[30] ^= 1  # of the MD5
    before.write_bytes(data)
    after, note = marked(before, Style())
    assert note.endswith("; the MD5 of the samples is left unset")
    assert listed(after, "--show-md5sum").strip() == "0" * 32


def test_a_damaged_frame_stays_known_as_damaged(media: Path, tmp_path: Path) -> None:
    before = made(tmp_path / "a.flac", "-i", media / "speech.wav", "-t", "5")
    data = bytearray(before.read_bytes())
    data[len(data) // 2] ^= 0x10
    before.write_bytes(data)
    with contextlib.suppress(Malformed):
        after, _ = marked(before, Style())
        assert "CRC" in flac_test(after) or "ERROR" in flac_test(after)


def test_a_torn_flac_is_malformed(media: Path, tmp_path: Path) -> None:
    before = made(tmp_path / "a.flac", "-i", media / "speech.wav", "-t", "5")
    before.write_bytes(before.read_bytes()[:-500])
    with pytest.raises(Malformed, match=r"flac\.frames"):
        marked(before, Style())


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_our_own_frames_decode_to_what_went_in(bits: int) -> None:
    like = _flac_frames.Header(0, 4096, b"\xff\xf8\x70\x00", b"", 0)
    chance = np.random.default_rng(bits)
    top = 1 << bits - 1
    for block in (
        chance.integers(-top, top, (2, 500)),
        np.rint(np.sin(np.arange(4096) / 9) * (top - 1)).astype(np.int64)[np.newaxis],
        np.zeros((8, 1), np.int64),
        np.array([[-top, top - 1] * 50]),
    ):
        frame = _flac_frames.encoded(block, bits, like)
        info = (
            struct.pack(">HH6x", 4096, 4096) + (44_100 << 44 | block.shape[0] - 1 << 41 | bits - 1 << 36).to_bytes(8) + bytes(16)
        )
        stream = b"fLaC\x80\0\0\x22" + info + frame.data
        run = ["flac", "-d", "-s", "-c", "--force-raw-format", "--endian=little", "--sign=signed", "-"]
        raw = subprocess.run(run, input=stream, capture_output=True, check=True).stdout
        width = -(-bits // 8)
        assert raw == np.ascontiguousarray(block.T).view(np.uint8).reshape(-1, 8)[:, :width].tobytes()
