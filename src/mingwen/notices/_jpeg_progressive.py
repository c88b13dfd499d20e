"""Progressive pictures with new blocks in them: every scan is read and coded again, by the same script with the best tables."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mingwen.domain.errors import Malformed
from mingwen.notices import _jpeg_entropy as entropy
from mingwen.notices import _room
from mingwen.notices._jpeg_blocks import Blocks, Numbers, blocks_of
from mingwen.notices._jpeg_huffman import optimal
from mingwen.notices._jpeg_markers import Frame, Layout, Scan
from mingwen.notices._jpeg_splice import Coding, Written, coding, stuffed

MAX_VISITS = 100_000_000
"""Blocks times the scans that they are in; 12 million pixels in ten scans have two million."""


def decoded(data: bytes, layout: Layout, frame: Frame) -> Blocks:
    """Read every coefficient.

    Raises:
        Refused: it has too many pixels for its bytes (``notice.too-large``).
        Malformed: too much is asked for (``jpeg.scans``).
        ValueError: a scan is broken.
    """
    _room.require(frame.width * frame.height, len(data))
    blocks = blocks_of(frame, (0, 0, *frame.mcus))
    visits = sum(blocks.of_scan(scan)[1].size for scan in layout.scans)
    if visits > MAX_VISITS:
        raise Malformed(
            "jpeg.scans", f"expected at most {MAX_VISITS} visits of a block", hint="the file is built to exhaust readers"
        )
    for scan in layout.scans:
        how, tables = _coding(frame, scan), _coding(frame, scan).lookups()
        for (start, stop), order in _intervals(blocks, scan):
            entropy.read_blocks(entropy.plain(data, start, stop), tables, how.pattern, order, blocks.coefs, *scan.band)
    return blocks


def coded(layout: Layout, blocks: Blocks) -> list[Written]:
    """Write every scan anew."""
    return [_written(scan, blocks) for scan in layout.scans]


def _coding(frame: Frame, scan: Scan) -> Coding:
    first, last, high, low = scan.band
    if first > last or last > 63 or (first == 0) != (last == 0) or (first and len(scan.parts) > 1):  # noqa: PLR2004 - T.81 G.1.1
        raise ValueError("expected a scan of a progressive picture")
    if high not in (0, low + 1):
        raise ValueError("expected a scan that refines by one bit")
    return coding(frame, scan, (first == 0 and high == 0, first > 0))


def _intervals(blocks: Blocks, scan: Scan) -> Iterator[tuple[tuple[int, int], Numbers]]:
    """Yield where the data of each restart interval stand, and its blocks in their order."""
    _, places = blocks.of_scan(scan)
    step = scan.restart or len(places)
    for number, span in enumerate(scan.intervals):
        yield span, np.ascontiguousarray(places[number * step : (number + 1) * step].ravel())


def _written(scan: Scan, blocks: Blocks) -> Written:
    how = _coding(blocks.frame, scan)
    tally = np.zeros((max(len(how.tables), 1), 256), np.int64)
    for _, order in _intervals(blocks, scan):
        entropy.write_blocks(np.zeros_like(tally, np.uint32), how.pattern, order, blocks.coefs, tally, *scan.band)
    new = replace(how, tables=tuple(optimal(row) for row in tally[: len(how.tables)]))
    codes, edits = new.codes(), []
    for (start, stop), order in _intervals(blocks, scan):
        written, _ = entropy.write_blocks(codes, how.pattern, order, blocks.coefs, tally, *scan.band)
        edits.append((start, stop, stuffed(written)))
    return Written(edits, dict(zip(how.ids, new.tables, strict=True)))
