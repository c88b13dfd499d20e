"""Coding a label as Vorbis with the codebooks of the content, so that its packets fit into the content's stream.

Vorbis has no fixed codebooks: each file brings its own. So the label is written with those: a level floor, and of the
residue whatever vectors of the content's books come nearest (Vorbis I specification §4.3, §7.2, §8.6).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mingwen.domain.errors import Refused
from mingwen.notices._vorbis_setup import STAGES, Book, Floor, FloorClass, Residue, Setup, Values

FLOOR_STEPS = (256, 128, 86, 64)
"""Levels of a floor, by its multiplier (§7.2.3)."""
LEAST_FLOOR = 1.0649863e-07
"""The lowest of 256 levels in equal ratios up to 1 (§10.1)."""
MOST_ABOVE_FLOOR, REACH_SHARE = 40.0, 0.8
"""How many times the floor the largest coefficient is: as much as the books can say, but no more than is heard."""
LEAST_COEFFICIENT = 0.4
"""Of the floor: what is smaller is left out."""
BIT_WORTH = 0.01
"""Squares of the floor that a bit must save."""
SILENCE = 1e-7


class Writer:
    """Numbers in a packet, least significant bit first (§2)."""

    def __init__(self) -> None:
        self.value = self.count = 0

    def put(self, value: int, bits: int) -> None:
        """Append a number."""
        self.value |= value << self.count
        self.count += bits

    def packet(self) -> bytes:
        """Return what was written."""
        return self.value.to_bytes((self.count + 7) // 8, "little")


@dataclass(slots=True)
class Coder:
    """Codes blocks of one sound on all channels alike."""

    setup: Setup
    words: dict[FloorClass, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """What says that a partition of a floor is level."""

    def silence(self, *, long: bool, around: tuple[bool, bool]) -> bytes:
        """Return a block of silence; ``around`` tells which of its neighbours are long."""
        writer = self._begun(long=long, around=around)
        writer.put(0, self.setup.channels)
        return writer.packet()

    def blocks(self, samples: Values, around: tuple[bool, bool]) -> list[bytes]:
        """Code ``samples``, whose length is a multiple of half a long block, in long blocks that overlap by half.

        The first block begins with the samples, the last one ends with them; ``around`` tells whether the blocks before and
        behind them are long.
        """
        size = self.setup.sizes[1]
        out = list[bytes]()
        starts = range(0, len(samples) - size + 1, size // 2)
        for start in starts:
            near = (around[0] if start == 0 else True, around[1] if start == starts[-1] else True)
            window = _slope(size, self.setup.sizes[near[0]]), _slope(size, self.setup.sizes[near[1]])[::-1]
            spectrum = _mdct(samples[start : start + size] * np.concatenate(window))
            if np.abs(spectrum).max() < SILENCE:
                out.append(self.silence(long=True, around=near))
            else:
                out.append(self._block(spectrum, near))
        return out

    def _block(self, spectrum: Values, around: tuple[bool, bool]) -> bytes:
        setup = self.setup
        mode = next(m for m in setup.modes if m.long)
        mapping = setup.mappings[mode.mapping]
        writer = self._begun(long=True, around=around)
        vectors = np.empty((setup.channels, len(spectrum)))
        most = reach(setup.residues[mapping.submaps[mapping.mux[0]][1]], setup.books)
        wanted = float(np.abs(spectrum).max()) / min(max(most * REACH_SHARE, 1), MOST_ABOVE_FLOOR)
        for channel, submap in enumerate(mapping.mux):
            floor = setup.floors[mapping.submaps[submap][0]]
            step, height = _level(floor, wanted)
            vectors[channel] = spectrum / height
            writer.put(1, 1)
            for _ in range(2):
                writer.put(step, (FLOOR_STEPS[floor.multiplier - 1] - 1).bit_length())
            for partition in floor.partitions:
                if partition not in self.words:
                    self.words[partition] = _unused(partition, setup.books)
                for word in self.words[partition]:
                    writer.put(*word)
        for magnitude, angle in mapping.coupling:
            vectors[magnitude], vectors[angle] = _coupled(vectors[magnitude], vectors[angle])
        for number, (_, residue) in enumerate(mapping.submaps):
            part = vectors[[c for c, submap in enumerate(mapping.mux) if submap == number]]
            _write_residue(writer, part, setup.residues[residue], setup.books)
        return writer.packet()

    def _begun(self, *, long: bool, around: tuple[bool, bool]) -> Writer:
        """Begin a packet (§4.3.1)."""
        number = next((n for n, mode in enumerate(self.setup.modes) if mode.long == long), None)
        if number is None:
            raise _unfit("blocks of both sizes")
        writer = Writer()
        writer.put(number << 1, 1 + self.setup.mode_bits)
        if long:
            writer.put(around[0] | around[1] << 1, 2)
        return writer


def _unfit(expected: str) -> Refused:
    return Refused("notice.codec", f"expected Vorbis with {expected}", hint="convert the sound to Opus or FLAC first")


def _mdct(block: Values) -> Values:
    """Return the coefficients of a windowed block, as a decoder without any factor of its own expects them (§4.3.7)."""
    n = len(block)
    shift = (n / 2 + 1) / 2
    turned = np.fft.fft(block * np.exp(-1j * np.pi * np.arange(n) / n))[: n // 2]
    return np.asarray((turned * np.exp(-2j * np.pi * shift * (np.arange(n // 2) + 0.5) / n)).real * 4 / n)


def _slope(size: int, other: int) -> Values:
    """Return the first half of a block's window beside a block of another size (§4.3.1)."""
    rise = min(size, other) // 2
    curve = np.sin(np.pi / 2 * np.sin(np.pi * (np.arange(rise) + 0.5) / (2 * rise)) ** 2)
    flat = (size // 2 - rise) // 2
    return np.concatenate([np.zeros(flat), curve, np.ones(flat)])


def _coupled(one: Values, other: Values) -> tuple[Values, Values]:
    """Return magnitude and angle of two channels (the inverse of §4.3.5)."""
    first = np.abs(one) > np.abs(other)
    magnitude = np.where(first, one, other)
    return magnitude, np.where(magnitude > 0, one - other, other - one)


# --- floors -----------------------------------------------------------------------------------------------------------


def _level(floor: Floor, wanted: float) -> tuple[int, float]:
    """Return the step of a level floor that is at least as high as wanted, and its height (§7.2.4)."""
    place = 255 * (1 - np.log(max(wanted, LEAST_FLOOR)) / np.log(LEAST_FLOOR))
    step = min(max(int(np.ceil(place / floor.multiplier)), 0), FLOOR_STEPS[floor.multiplier - 1] - 1)
    return step, float(LEAST_FLOOR ** (1 - min(step * floor.multiplier, 255) / 255))


def _unused(partition: FloorClass, books: Sequence[Book]) -> tuple[tuple[int, int], ...]:
    """Return the words which say that all values of a partition follow from those beside it: each is 0."""

    def zeros(choice: int) -> list[tuple[int, int]] | None:
        out = list[tuple[int, int]]()
        for n in range(partition.dimensions):
            number = partition.books[choice >> n * partition.bits & len(partition.books) - 1]
            if number >= 0:
                if not books[number].lengths[0]:
                    return None
                out.append((books[number].words[0], books[number].lengths[0]))
        return out

    if partition.master < 0:
        masters = {0: list[tuple[int, int]]()}
    else:
        master = books[partition.master]
        masters = {n: [(master.words[n], length)] for n, length in enumerate(master.lengths) if length}
    choices = [[*words, *rest] for n, words in masters.items() if (rest := zeros(n)) is not None]
    if not choices:
        raise _unfit("floors that can be level")
    return tuple(min(choices, key=lambda words: sum(length for _, length in words)))


# --- residues ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """The partitions of one vector, coded in every class; the last one is a partition of zeros."""

    entries: list[list[NDArray[np.intp] | None]]
    """For each class and stage the entries of every partition."""
    costs: Values
    """(partitions, classes)."""
    place: NDArray[np.intp]
    """Which of them each partition of the vector is."""


def reach(residue: Residue, books: Sequence[Book]) -> float:
    """Return the largest number that a residue can hold."""
    tops = [float(np.abs(b.vectors).max()) if b.vectors is not None and b.vectors.size else 0.0 for b in books]
    return max(sum(tops[number] for number in stages if number >= 0) for stages in residue.stages)


def _write_residue(writer: Writer, vectors: Values, residue: Residue, books: Sequence[Book]) -> None:
    """Write a residue for some channels (§8.6.2)."""
    if residue.kind == 2:  # noqa: PLR2004 - §8.6.5: channels interleaved
        vectors = vectors.T.reshape(1, -1)
    begin, end = (min(n, vectors.shape[1]) for n in (residue.begin, residue.end))
    count = (end - begin) // residue.size
    parts = vectors[:, begin : begin + count * residue.size].reshape(len(vectors), count, residue.size)
    rows = [_row(part, residue, books) for part in parts]
    book = books[residue.class_book]
    classes = [_classes(row, book) for row in rows]
    for stage in range(STAGES):
        for first in range(0, count, book.dimensions):
            for _, words in classes if stage == 0 else ():
                writer.put(book.words[words[first // book.dimensions]], book.lengths[words[first // book.dimensions]])
            for here in range(first, min(first + book.dimensions, count)):
                for row, (chosen, _) in zip(rows, classes, strict=True):
                    said = row.entries[chosen[here]][stage]
                    if said is not None:
                        used = books[residue.stages[chosen[here]][stage]]
                        for entry in said[row.place[here]]:
                            writer.put(used.words[entry], used.lengths[entry])


def _row(parts: Values, residue: Residue, books: Sequence[Book]) -> _Row:
    """Code the partitions of a vector in every class; what would be rounded to nothing is taken for zeros."""
    active = np.abs(parts).max(axis=1, initial=0) > LEAST_COEFFICIENT
    place = np.where(active, np.cumsum(active) - 1, active.sum())
    kept = np.concatenate([parts[active], np.zeros((1, residue.size))])
    entries, costs = list[list[NDArray[np.intp] | None]](), np.empty((len(kept), len(residue.stages)))
    for number, stages in enumerate(residue.stages):
        rest, bits, said = kept, np.zeros(len(kept)), list[NDArray[np.intp] | None]()
        for stage in stages:
            if stage < 0:
                said.append(None)
                continue
            book = books[stage]
            # §8.6.3: in type 0 the numbers of a vector stand far apart
            shape = (len(kept), book.dimensions, -1) if residue.kind == 0 else (len(kept), -1, book.dimensions)
            vectors = rest.reshape(shape)
            vectors = vectors.transpose(0, 2, 1) if residue.kind == 0 else vectors
            found = _nearest(vectors.reshape(-1, book.dimensions), book).reshape(vectors.shape[:2])
            bits += np.array(book.lengths)[found].sum(axis=1)
            left = vectors - _vectors(book)[found]
            rest = (left.transpose(0, 2, 1) if residue.kind == 0 else left).reshape(len(kept), -1)
            said.append(found)
        entries.append(said)
        costs[:, number] = np.square(rest).sum(axis=1) + BIT_WORTH * bits
    return _Row(entries, costs, place)


def _vectors(book: Book) -> Values:
    if book.vectors is None or not book.usable.any():
        raise _unfit("residues that are vectors")
    return book.vectors


def _nearest(vectors: Values, book: Book) -> NDArray[np.intp]:
    """Return the entries of a book that come nearest to some vectors."""
    of_book = _vectors(book)
    if book.lattice is not None:
        digits = np.abs(vectors[..., np.newaxis] - book.lattice).argmin(axis=-1)
        found = digits @ len(book.lattice) ** np.arange(book.dimensions)
        if book.usable[found].all():
            return np.asarray(found, np.intp)
    distances = np.square(of_book).sum(axis=1) - 2 * vectors @ of_book.T
    return np.asarray(np.where(book.usable, distances, np.inf).argmin(axis=1), np.intp)


def _classes(row: _Row, book: Book) -> tuple[list[int], list[int]]:
    """Choose the class of each partition; a word names those of as many as its book has dimensions (§8.6.2)."""
    chosen, words = list[int](), list[int]()
    count = row.costs.shape[1]
    entries = np.arange(len(book.lengths))
    digits = entries[:, np.newaxis] // count ** np.arange(book.dimensions)[::-1] % count
    price = np.where(book.usable & (entries < count**book.dimensions), BIT_WORTH * np.array(book.lengths), np.inf)
    for first in range(0, len(row.place), book.dimensions):
        group = row.place[first : first + book.dimensions]
        best = int((price + sum(row.costs[part, digits[:, n]] for n, part in enumerate(group))).argmin())
        words.append(best)
        chosen += digits[best].tolist()
    return chosen, words
