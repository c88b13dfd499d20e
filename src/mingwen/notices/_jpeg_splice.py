"""Sequential scans with new blocks in them, everything else bit for bit as it was.

An interval of coded data is passed as far as the label reaches, only to know where blocks begin and what their DC differences
build on. The blocks beneath the label are written anew, and behind them in each row one MCU more, whose differences change
though its coefficients do not. Bits between are moved. The rest is not even moved: one coefficient under the label is rounded
the other way, so that the new bits end where the old ones ended within a byte, and the rest is copied unread.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mingwen.notices import _jpeg_entropy as entropy
from mingwen.notices._jpeg_blocks import Blocks, Coefs, Numbers, Plane
from mingwen.notices._jpeg_huffman import Table, codes, extended, lookups, optimal
from mingwen.notices._jpeg_markers import Frame, Part, Scan, grid
from mingwen.notices._jpeg_spelling import respelled

Edit: TypeAlias = tuple[int, int, bytes]
"""Where bytes of the file begin and end, and what takes their place."""

LONG_TAIL = 1 << 15
"""Bytes behind the label that are worth leaving unread."""
SOME = 1 << 16
"""Bytes read beyond those that the label should reach to."""
NO_TABLE = Table(bytes(16), b"")
FULL_BLOCK = 63
"""The place whose coefficient leaves no room for an end of block."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One restart interval that the label touches."""

    start: int
    """Of its coded data in the file."""
    stop: int
    bits: bytes | bytearray
    """The same data without stuffing, at least as far as the marks reach."""
    length: int
    """In MCUs."""
    coefs: Coefs
    """Of the MCUs to write: the label's, and the one behind each of its rows."""
    marks: Numbers
    picked: Numbers
    """Which of those are the label's."""
    places: Numbers
    """Where their blocks are among all."""


@dataclass(frozen=True, slots=True)
class Coding:
    """The tables of a scan, and how its MCUs are made of blocks."""

    tables: tuple[Table, ...]
    ids: tuple[int, ...]
    """As DHT has them."""
    pattern: NDArray[np.uint8]

    def codes(self) -> NDArray[np.uint32]:
        """Return what writing takes."""
        return np.stack([codes(table) for table in self.tables or (NO_TABLE,)])

    def lookups(self) -> NDArray[np.uint32]:
        """Return what reading takes."""
        return lookups(self.tables or (NO_TABLE,))


def coding(frame: Frame, scan: Scan, kinds: tuple[bool, bool] = (True, True)) -> Coding:
    """Gather the tables of a scan: of DC, of AC, or of both.

    Raises:
        ValueError: one is not there, or an MCU has more blocks than may be.
    """
    found: dict[int, Table] = {}
    pattern: list[tuple[int, int, int]] = []
    for slot, part in enumerate(scan.parts):
        for used, number, table in zip(kinds, part.ids, (part.dc, part.ac), strict=True):
            if used and table is None:
                raise ValueError("expected the Huffman table of a scan")
            if used and table:
                found[number] = table
        pattern += [(slot, *part.ids)] * _blocks(frame, scan, part)
    if len(pattern) > 10:  # noqa: PLR2004 - T.81 B.2.3
        raise ValueError("expected at most 10 blocks in an MCU")
    row = {number: n for n, number in enumerate(found)}
    rows = [(slot, row.get(dc, 0), row.get(ac, 0)) for slot, dc, ac in pattern]
    return Coding(tuple(found.values()), tuple(found), np.array(rows, np.uint8))


def _blocks(frame: Frame, scan: Scan, part: Part) -> int:
    component = frame.components[part.component]
    return component.across * component.down if len(scan.parts) > 1 else 1


# --- reading ------------------------------------------------------------------------------------------------------------------


def stretches(data: bytes, blocks: Blocks, scan: Scan, *, whole: bool = False) -> list[Stretch]:
    """Read the blocks of a scan, and keep what writing them anew takes; ``whole`` gets every MCU ready to be written."""
    how = coding(blocks.frame, scan)
    out = []
    for stretch, wanted in _intervals(blocks, scan, len(how.pattern), whole=whole):
        out.append(_read(data, stretch, how, wanted))
        blocks.coefs[stretch.places] = stretch.coefs.reshape(len(wanted), -1, 64)[stretch.picked]
    return out


def _read(data: bytes, stretch: Stretch, how: Coding, wanted: Numbers) -> Stretch:
    """Read as much of an interval as should be enough; all of it, if it is not."""
    count = int(wanted[-1]) + 1
    some = stretch.start + (stretch.stop - stretch.start) * 3 * count // (2 * stretch.length) + SOME
    for stop in (min(some, stretch.stop), stretch.stop):
        bits = entropy.plain(data, stretch.start, stop)
        try:
            entropy.read_mcus(bits, how.lookups(), how.pattern, wanted, stretch.coefs, stretch.marks, count)
        except ValueError:
            if stop == stretch.stop:
                raise
        else:
            break
    return replace(stretch, bits=bits)


def _intervals(blocks: Blocks, scan: Scan, size: int, *, whole: bool) -> Iterator[tuple[Stretch, Numbers]]:
    """Yield each interval that is to be read, with the numbers of its MCUs to keep, each of ``size`` blocks."""
    across, down = grid(blocks.frame, tuple(part.component for part in scan.parts))
    numbers, places = blocks.of_scan(scan)
    for n, (start, stop) in enumerate(scan.intervals):
        first = n * scan.restart
        length = min(scan.restart or across * down, across * down - first)
        inside = slice(*np.searchsorted(numbers, (first, first + length)))
        own = numbers[inside] - first
        if not whole and not len(own):
            continue
        behind = own + 1
        wanted = np.arange(length) if whole else np.union1d(own, behind[behind < length])
        coefs = np.empty((len(wanted) * size, 64), np.int16)
        marks = np.empty((len(wanted), 6), np.int64)
        yield Stretch(start, stop, b"", length, coefs, marks, np.searchsorted(wanted, own), places[inside]), wanted


# --- writing ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """What becomes of a scan: bytes of the file to replace, and the tables it is now coded with."""

    edits: list[Edit]
    tables: dict[int, Table]


def spliced(data: bytes, scan: Scan, found: list[Stretch], blocks: Blocks, exact: Plane) -> Written:
    """Write the new blocks into a scan; ``exact`` is what their coefficients would be without rounding."""
    how = coding(blocks.frame, scan)
    for stretch in found:
        _fill(stretch, blocks)
    tally, bits = _tally(how, found)
    tables = _with_room(how, tally)
    if None in tables:
        for stretch in found:
            _respell(stretch, how, tables, exact)
        tally, bits = _tally(how, found)
        tables = _with_room(how, tally)
    if None in tables:
        found = stretches(data, replace(blocks, coefs=blocks.coefs.copy()), scan, whole=True)
        for stretch in found:
            _fill(stretch, blocks)
        tables = tuple(optimal(row) for row in _tally(how, found)[0])
    new = replace(how, tables=tuple(table for table in tables if table))
    if None not in tables and new.tables != how.tables:
        _, bits = _tally(new, found)
    edits = [_edit(data, stretch, (how, new), exact, count) for stretch, count in zip(found, bits, strict=True)]
    return Written(edits, dict(zip(how.ids, new.tables, strict=True)))


def _fill(stretch: Stretch, blocks: Blocks) -> None:
    stretch.coefs.reshape(len(stretch.marks), -1, 64)[stretch.picked] = blocks.coefs[stretch.places]


def _respell(stretch: Stretch, how: Coding, tables: tuple[Table | None, ...], exact: Plane) -> None:
    """Spell the label's blocks with the codes that there are, where a table has no room for more."""
    coefs = stretch.coefs.reshape(len(stretch.marks), -1, 64)
    for number, (_, _, row) in enumerate(how.pattern.tolist()):
        if not tables[row]:
            own = coefs[stretch.picked, number]
            respelled(own, exact[stretch.places[:, number]], frozenset(how.tables[row].symbols))
            coefs[stretch.picked, number] = own


def _tally(how: Coding, found: list[Stretch]) -> tuple[Numbers, list[int]]:
    """Count the symbols that the new blocks take, and the bits of each interval up to the end of the last one."""
    tally = np.zeros((len(how.tables), 256), np.int64)
    return tally, [_write(stretch, how, int(stretch.marks[-1, 1]), tally)[1] for stretch in found]


def _write(stretch: Stretch, how: Coding, stop: int, tally: Numbers | None = None) -> tuple[bytes, int]:
    tally = np.zeros((len(how.tables), 256), np.int64) if tally is None else tally
    return entropy.write_mcus(stretch.bits, how.codes(), how.pattern, stretch.coefs, stretch.marks, tally, stop)


def _with_room(how: Coding, tally: Numbers) -> tuple[Table | None, ...]:
    """Return the tables with codes for symbols that they lacked; None for one that has no room for them."""
    out = []
    for table, row in zip(how.tables, tally, strict=True):
        missing = bytes(int(symbol) for symbol in np.flatnonzero((row > 0) & (codes(table) == 0)))
        out.append(extended(table, missing) if missing else table)
    return tuple(out)


def _edit(data: bytes, stretch: Stretch, codings: tuple[Coding, Coding], exact: Plane, bits: int) -> Edit:
    """Return the bytes of the file that an interval's new blocks replace, and what with.

    ``codings`` are the old one and the new one, ``bits`` what the new blocks take.
    """
    first, last = int(stretch.marks[0, 0]) // 8, int(stretch.marks[-1, 1])
    old, new = codings
    if stretch.stop - stretch.start - last // 8 > LONG_TAIL and _in_step(stretch, new, exact, (last - bits) % 8):
        stop = -(-last // 8) * 8
        return _offset(stretch, first), _offset(stretch, stop // 8), stuffed(_write(stretch, new, stop)[0])
    stretch = replace(stretch, bits=entropy.plain(data, stretch.start, stretch.stop))
    return _offset(stretch, first), stretch.stop, stuffed(_write(stretch, new, _end(stretch, old))[0])


def _end(stretch: Stretch, old: Coding) -> int:
    """Return the bit at which an interval's last MCU ends; what follows fills up the byte."""
    if len(stretch.marks) == stretch.length:
        return int(stretch.marks[-1, 1])
    none = np.empty(0, np.int64), np.empty((0, 64), np.int16), np.empty((0, 6), np.int64)
    return entropy.read_mcus(stretch.bits, old.lookups(), old.pattern, *none, stretch.length)


def _offset(stretch: Stretch, byte: int) -> int:
    """Return where a byte of the plain data stands in the file."""
    return stretch.start + byte + stretch.bits.count(b"\xff", 0, byte)


def stuffed(written: bytes) -> bytes:
    """Put a zero byte behind each FF (T.81 B.1.1.5)."""
    return written.replace(b"\xff", b"\xff\0")


def _in_step(stretch: Stretch, how: Coding, exact: Plane, missing: int) -> bool:
    """Take ``missing`` bits more, so that the new ones end where the old ones end within a byte; say whether it worked.

    Of all that were rounded to nothing, behind the last of their block, one is rounded up instead: that one whose code
    has the wanted length and whose error is smallest.
    """
    if not missing:
        return True
    places = stretch.places[:, 0]  # the first block of each MCU is of the first component
    coefs = stretch.coefs.reshape(len(stretch.marks), -1, 64)
    new = coefs[stretch.picked, 0]
    last = FULL_BLOCK - np.argmax(new[:, ::-1] != 0, axis=1)
    last[~new.any(axis=1)] = 0
    run = np.arange(64) - last[:, None] - 1
    lengths = codes(how.tables[how.pattern[0, 2]]) >> 16
    length = lengths[np.clip(run, 0, 15) << 4 | 1]
    fits = (run >= 0) & (run < 16) & (length > 0) & ((length + 1) % 8 == missing)  # noqa: PLR2004 - longer runs take ZRL
    fits[:, FULL_BLOCK] = False
    share = np.where(fits, np.abs(exact[places]), 0)
    best = int(np.argmax(share))
    block, place = divmod(best, 64)
    if not share[block, place]:
        return False
    coefs[stretch.picked[block], 0, place] = np.sign(exact[places[block], place])
    return True
