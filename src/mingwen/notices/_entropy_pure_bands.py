"""The functions of _entropy.c for the scans of a progressive picture, in Python (T.81, Annex G)."""

from dataclasses import dataclass, field

from mingwen.notices._entropy_pure import CORRECTIONS, DC_BOUND, EOB_RUN, Coefs, Counts, Pattern, Sink, Source, Words


@dataclass(slots=True)
class Band:
    """Which coefficients a scan holds (Ss, Se, Ah, Al), and what is due."""

    first: int
    last: int
    high: int
    low: int
    run: int = field(default=0, init=False)
    """Blocks to come that end before they begin."""
    corrections: list[int] = field(default_factory=list, init=False)
    """Bits to write behind the next code."""


def _set(coefs: list[int], k: int, value: int) -> None:
    if abs(value) > DC_BOUND:
        raise ValueError("expected a coefficient in range")
    coefs[k] = value


def _correct(source: Source, coefs: list[int], k: int, step: int) -> None:
    """Move a coefficient with a history away from zero, if its bit says so (G.1.2.3)."""
    if source.take(1) and not coefs[k] & step:
        _set(coefs, k, coefs[k] - step if coefs[k] < 0 else coefs[k] + step)


def _passed(source: Source, band: Band, coefs: list[int], k: int, zeros: int) -> int:
    """Pass so many zeros, correct what stands between them, and return where the next zero is."""
    while k <= band.last:
        if band.high and coefs[k]:
            _correct(source, coefs, k, 1 << band.low)
        elif zeros:
            zeros -= 1
        else:
            break
        k += 1
    return k


def _read_block(source: Source, table: list[int], band: Band, coefs: list[int]) -> None:
    k, step = band.first, 1 << band.low
    while not band.run and k <= band.last:
        zeros, size = source.symbol(table)
        if band.high and size > 1:
            raise ValueError("expected a Huffman code, found other bits")
        if not size and zeros < 15:  # noqa: PLR2004 - ZRL
            band.run = (1 << zeros) + source.take(zeros)
            break
        value = source.value(size) * step
        k = _passed(source, band, coefs, k, zeros)
        if size and k > band.last:
            raise ValueError("expected at most 64 coefficients in a block")
        if size:
            _set(coefs, k, value)
        k += 1
    if band.run:
        band.run -= 1
        for rest in range(k, band.last + 1) if band.high else ():
            if coefs[rest]:
                _correct(source, coefs, rest, step)


def read_blocks(bits: bytes | bytearray, tables: Words, pattern: Pattern, order: Counts, coefs: Coefs, *band: int) -> int:
    """Read one interval of a progressive scan into the blocks it names, and return the bit at the end."""
    source, part, before = Source(bits), Band(*band), [0] * 4
    rows, blocks = tables.tolist(), pattern.tolist()
    for number, at in enumerate(order.tolist()):
        slot, dc, ac = blocks[number % len(blocks)]
        block = coefs[at].tolist()
        if part.first:
            _read_block(source, rows[ac], part, block)
        elif part.high:
            block[0] |= source.take(1) << part.low
        else:
            before[slot] += source.difference(rows[dc])
            _set(block, 0, before[slot] << part.low)
        coefs[at] = block
        source.check()
    if part.run:
        raise ValueError("expected at most 64 coefficients in a block")
    return source.at


def _put_run(sink: Sink, table: int, band: Band) -> None:
    """Write what is due: a run of ended blocks, then the correction bits of those blocks."""
    if band.run:
        size = band.run.bit_length() - 1
        sink.symbol(table, size << 4)
        sink.put(band.run, size)
        band.run = 0
    _put_bits(sink, band.corrections)


def _put_bits(sink: Sink, bits: list[int]) -> None:
    for bit in bits:
        sink.put(bit, 1)
    bits.clear()


def _write_block(sink: Sink, table: int, band: Band, coefs: list[int]) -> None:
    run, own = 0, list[int]()
    sizes = [abs(value) >> band.low for value in coefs]
    end = max((k + 1 for k in range(band.first, band.last + 1) if (sizes[k] == 1 if band.high else sizes[k])), default=0)
    for k in range(band.first, band.last + 1):
        if not sizes[k]:
            run += 1
            continue
        while run > 15 and k < end:  # noqa: PLR2004 - ZRL
            _put_run(sink, table, band)
            sink.symbol(table, 0xF0)
            _put_bits(sink, own)
            run -= 16
        if band.high and sizes[k] > 1:
            own.append(sizes[k] & 1)
            continue
        _put_run(sink, table, band)
        size = sizes[k].bit_length()
        sink.symbol(table, run << 4 | size)
        if band.high:
            sink.put(coefs[k] > 0, 1)
        else:
            sink.value(-sizes[k] if coefs[k] < 0 else sizes[k], size)
        _put_bits(sink, own)
        run = 0
    if run or own:
        band.run += 1
        band.corrections += own
        if band.run == EOB_RUN or len(band.corrections) > CORRECTIONS - 64:
            _put_run(sink, table, band)


def write_blocks(codes: Words, pattern: Pattern, order: Counts, coefs: Coefs, tally: Counts, *band: int) -> tuple[bytes, int]:
    """Return one interval of a progressive scan, and its number of bits."""
    sink, part, before, table = Sink(codes, tally), Band(*band), [0] * 4, 0
    blocks = pattern.tolist()
    for number, at in enumerate(order.tolist()):
        slot, dc, ac = blocks[number % len(blocks)]
        if part.first:
            table = ac
            _write_block(sink, ac, part, coefs[at].tolist())
            continue
        value = int(coefs[at, 0]) >> part.low
        if part.high:
            sink.put(value & 1, 1)
        else:
            sink.difference(dc, value - before[slot])
            before[slot] = value
    _put_run(sink, table, part)
    return sink.finished()
