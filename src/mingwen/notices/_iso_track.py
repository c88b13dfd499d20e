"""The video track of MP4 and QuickTime: read as samples, and written anew with some of them replaced.

New bytes stand where the old ones stood, so that chunks, interleaving and everything beside the track stay; offsets of all
tracks, of items, fragments and indexes are moved. Structure: ISO/IEC 14496-12.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from heapq import merge
from struct import pack
from typing import BinaryIO, Final, TypeAlias

import numpy as np

from mingwen.containers import films, fragments, sample_tables, visual_entry
from mingwen.containers.boxes import Node, broken, packed, size
from mingwen.containers.chunk_offsets import patches, shifted
from mingwen.containers.edits import Edit, copied, read_at, streamed
from mingwen.containers.films import Film
from mingwen.containers.fragments import Fragment, Fragments
from mingwen.containers.moves import Moves
from mingwen.containers.sample_tables import Changes, Columns
from mingwen.domain.media import Keep, Splice
from mingwen.notices._samples import Samples, Spans, changes, require, spans
from mingwen.notices._track import New, Track

_INDEXED: Final = frozenset({b"meta", b"mfra", b"sidx"})
_ROUNDS: Final = 4
"""The moov's own growth moves offsets, which may need 64 bits then, which makes it grow once more."""
_UNKNOWN_TABLES: Final = {
    b"csgp": "its groups of samples are packed",
    b"stsh": "it has shadow sync samples",
    b"subs": "it tells of parts of samples",
    b"saiz": "it has auxiliary information for samples",
    b"senc": "it is encrypted",
}
_U32: Final = 1 << 32
_WIDE: Final = b"\0\0\0\1"
"""In place of a size: 64 bits follow the kind."""


def read(source: BinaryIO) -> Track | None:
    """Read the first video track that is no cover; None where there is none.

    Raises:
        Malformed: boxes or tables contradict each other, or there is no moov (``iso.broken``, ``file.truncated``).
    """
    film = films.read(source)
    if film is None:
        return None
    stbl = films.table_of(film.trak)
    parts, columns = films.samples(source, film)
    entries = sample_tables.descriptions(stbl) | parts.descriptions or {1}
    entry = visual_entry.entry(films.needed(stbl, b"stsd"), min(entries))
    first, last, unplayed = films.shown(film, columns.shown_until)
    several = "its samples are coded in several ways" if len(entries) > 1 else ""
    elsewhere = "" if films.is_here(film.trak) else "its data are in another file"
    unknown = next((why for kind, why in _UNKNOWN_TABLES.items() if stbl.first(kind)), "")
    obstacle = entry.obstacle or several or elsewhere or unknown or parts.obstacle or unplayed or films.outside(film, columns)
    return Track(
        entry.codec,
        entry.config,
        entry.width,
        entry.height,
        films.scale_of(films.needed(film.trak, b"mdia", b"mdhd")),
        Samples(columns),
        entry.aspect,
        films.matrix_of(film.trak),
        first,
        last,
        obstacle,
    )


def spliced(source: BinaryIO, sink: BinaryIO, track: Track, news: Mapping[int, New], config: bytes | None) -> None:
    """Write the file anew with some samples replaced; see ``_track``.

    Raises:
        Misused: the track has an obstacle (``track.obstacle``), or samples in ``news`` cannot be replaced (``track.news``).
        Malformed: as ``read``; or another track shares the bytes of a sample that is replaced (``iso.broken``).
    """
    for piece in _pieces(source, track, news, config):
        sink.writelines([piece] if isinstance(piece, bytes) else copied(source, piece.start, piece.stop))


def pieces(source: BinaryIO, track: Track, news: Mapping[int, New], config: bytes | None) -> Splice:
    """Describe what ``spliced`` writes, for those who let the kernel copy."""
    return tuple(_pieces(source, track, news, config))


# --- writing ------------------------------------------------------------------------------------------------------------


def _pieces(source: BinaryIO, track: Track, news: Mapping[int, New], config: bytes | None) -> Iterator[Keep | bytes]:
    require(track)
    film = films.read(source)
    if film is None:
        raise broken("its video track is gone")
    parts, columns = films.samples(source, film)
    changed = changes(columns, news)
    wanted = spans(columns, changed)
    _unshared(film, parts, columns, wanted)
    mended = fragments.mended(parts, columns, changed)
    edits = _settled(source, film, _with_tables(film, columns, changed, config), wanted, (parts.all, mended))
    rows = zip(wanted.number.tolist(), wanted.start.tolist(), wanted.stop.tolist(), strict=True)
    return streamed(merge(sorted(edits), (Edit(start, stop, news[n].data) for n, start, stop in rows)), film.size)


def _with_tables(film: Film, columns: Columns, changed: Changes, config: bytes | None) -> Node:
    """Return the moov with tables that fit the new samples; its offsets are those of the source still."""
    stbl = films.table_of(film.trak)
    own = len(sample_tables.sizes(stbl))
    among = changed.number < own
    before = columns[:own]
    here = Changes(changed.number[among], changed.size[among], changed.pts[among], changed.key[among])
    new = sample_tables.replaced(stbl, before, here) if len(here.number) else stbl
    if config is not None:
        stsd = films.needed(stbl, b"stsd")
        numbers = sample_tables.descriptions(stbl)
        new = new.with_child(visual_entry.configured(stsd, min(numbers, default=1), config))
    mdia = films.needed(film.trak, b"mdia")
    trak = film.trak.with_child(mdia.with_child(films.needed(mdia, b"minf").with_child(new)))
    children = film.moov.children or ()
    return replace(film.moov, children=(*children[: film.at], trak, *children[film.at + 1 :]))


_Twice: TypeAlias = tuple[tuple[Fragment, ...], tuple[Fragment, ...]]


def _settled(source: BinaryIO, film: Film, moov: Node, wanted: Spans, parts: _Twice) -> list[Edit]:
    """Return all edits but those of samples, with every offset as it is in the output."""
    media = _heads(source, film, wanted)
    others = [(e.start, e.stop, len(e.new)) for e in media] + list(fragments.lengths(*parts))
    length, place = size(moov), film.place
    for _ in range(_ROUNDS):
        rows = np.array([*others, (place.start, place.stop, length)], np.int64)
        moves = Moves(*(np.concatenate(c) for c in zip(rows.T, (wanted.start, wanted.stop, wanted.length), strict=True)))
        moved = shifted(moov, moves)
        if size(moved) == length:
            break
        length = size(moved)
    else:
        raise broken("the moov's offsets do not settle")
    fitted = (fragments.placed(old, new, moves) for old, new in zip(*parts, strict=True))
    index = (edit for box in film.boxes if box.kind in _INDEXED for edit in patches(source, box, moves))
    return [Edit(place.start, place.stop, packed(moved)), *media, *(e for e in fitted if e), *index]


def _heads(source: BinaryIO, film: Film, wanted: Spans) -> list[Edit]:
    """Return the heads of media data that change their size; what reaches to the file's end says no size."""
    out: list[Edit] = []
    growth = wanted.length - (wanted.stop - wanted.start)
    for box in film.boxes:
        if box.kind != b"mdat":
            continue
        a, b = np.searchsorted(wanted.start, (box.body, box.stop))
        head = read_at(source, box.start, box.head, what="mdat")
        grown = int(growth[a:b].sum())
        if grown and any(head[:4]):
            length = box.stop - box.start + grown
            wide = head[:4] == _WIDE or length >= _U32
            longer = length + (16 - box.head if wide else 0)
            new = pack(">I4sQ", 1, b"mdat", longer) if wide else pack(">I4s", length, b"mdat")
            out.append(Edit(box.start, box.body, new))
    return out


def _unshared(film: Film, parts: Fragments, columns: Columns, wanted: Spans) -> None:
    """Make sure that no other sample has the bytes of one that is replaced.

    Raises:
        Malformed: one has (``iso.broken``).
    """
    kept = np.ones(len(columns.size), np.bool_)
    kept[wanted.number] = False
    runs = [(run.start, run.stop) for f in parts.all for p in f.parts for run in p.runs if run.first < 0]
    table = np.array(runs or np.empty((0, 2)), np.int64)
    claims = [films.claims(t) for t in film.others]
    claims += [(columns.offset[kept], (columns.offset + columns.size)[kept]), (table[:, 0], table[:, 1])]
    for start, stop in claims:
        last = np.searchsorted(wanted.start, stop) - 1  # the last that begins before it ends
        if ((last >= 0) & (start < stop) & (np.append(wanted.stop, 0)[last] > start)).any():
            raise broken("two samples share bytes")
