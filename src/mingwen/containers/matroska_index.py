"""Places in Matroska (RFC 9559 §16) when bytes move: in cues, SeekHeads and Clusters; numbers keep their widths if they can."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mingwen.containers import ebml, matroska
from mingwen.containers.ebml import Element
from mingwen.containers.edits import Edit
from mingwen.containers.matroska import Segment
from mingwen.containers.moves import Moves


@dataclass(frozen=True, slots=True)
class Index:
    """What cues have to know of samples that are replaced."""

    track: int
    times: Mapping[int, int | None]
    """When a sample was shown → when it is shown now; None where decoding cannot begin any more."""


def moved(part: Element, payload: bytes, segment: Segment, moves: Moves, index: Index) -> bytes:
    """Return the payload of Cues or a SeekHead as it has to be when bytes stand elsewhere.

    Raises:
        Malformed: elements contradict each other (``ebml.broken``).
    """
    place = _Place(segment, moves, index)
    inside = ebml.unsealed(payload)
    new = place.cues(inside) if part.kind == matroska.CUES else place.seeks(inside)
    return payload if new == inside else ebml.sealed(new) if ebml.has_crc(payload) else new


def positions(segment: Segment, moves: Moves) -> Iterator[Edit]:
    """Mend what Clusters say of their place and of the size of the one before; what has no room for that becomes a Void."""
    zero = moves(segment.head.data)
    for number, cluster in enumerate(segment.clusters):
        last = segment.clusters[max(number - 1, 0)]
        true = {
            matroska.POSITION: moves(cluster.start) - zero,
            matroska.PREV_SIZE: moves(last.stop) - moves(last.start),
        }
        was = {matroska.POSITION: cluster.start - segment.head.data, matroska.PREV_SIZE: last.stop - last.start}
        for element in cluster.heads:
            if element.kind not in true or true[element.kind] == was[element.kind]:
                continue
            width = element.stop - element.data
            value = true[element.kind]
            fits = value < 1 << 8 * width
            new = value.to_bytes(width) if fits else ebml.void(element.stop - element.start)
            yield Edit(element.data if fits else element.start, element.stop, new)


class _Place:
    """Rewrites elements that name places."""

    def __init__(self, segment: Segment, moves: Moves, index: Index) -> None:
        self._moves, self._index = moves, index
        self._zero, self._moved_zero = segment.head.data, moves(segment.head.data)
        self._data = {c.start: c.data for c in segment.clusters}

    def seeks(self, payload: bytes) -> bytes:
        """Move what a SeekHead names."""
        out = list[bytes]()
        for element, body in ebml.inside(payload):
            raw = payload[element.start : element.stop]
            if element.kind == matroska.SEEK and (at := _value(body, matroska.SEEK_POSITION)) is not None:
                raw = _rewritten(raw, element, body, {matroska.SEEK_POSITION: self._position(at)})
            out.append(raw)
        return b"".join(out)

    def cues(self, payload: bytes) -> bytes:
        """Move what cues name; those at which decoding cannot begin any more go."""
        out = list[bytes]()
        for element, body in ebml.inside(payload):
            raw = payload[element.start : element.stop]
            out.append(self._cue(raw, element, body) if element.kind == matroska.CUE_POINT else raw)
        return b"".join(out)

    def _cue(self, raw: bytes, element: Element, body: bytes) -> bytes:
        time = _value(body, matroska.CUE_TIME) or 0
        new: int | None = time
        parts = list[bytes]()
        left = 0
        for child, value in ebml.inside(body):
            piece = body[child.start : child.stop]
            if child.kind == matroska.CUE_POSITIONS:
                if _value(value, matroska.CUE_TRACK) == self._index.track and time in self._index.times:
                    new = self._index.times[time]
                    if new is None:
                        continue
                piece = self._positions(piece, child, value)
                left += 1
            parts.append(piece)
        if not left:
            return b""
        body = b"".join(parts)
        return _rewritten(raw, element, body, {matroska.CUE_TIME: time if new is None else new})

    def _positions(self, raw: bytes, element: Element, body: bytes) -> bytes:
        """Move CueTrackPositions: a Cluster's place in the Segment, and a block's in the Cluster."""
        values = dict[int, int]()
        at = _value(body, matroska.CUE_CLUSTER)
        if at is not None:
            values[matroska.CUE_CLUSTER] = self._position(at)
            data, near = self._data.get(self._zero + at), _value(body, matroska.CUE_RELATIVE)
            if data is not None and near is not None:
                values[matroska.CUE_RELATIVE] = self._moves(data + near) - self._moves(data)
        state = _value(body, matroska.CUE_STATE)
        if state:  # 0 says that the state is that of the track's entry
            values[matroska.CUE_STATE] = self._position(state)
        return _rewritten(raw, element, body, values)

    def _position(self, at: int) -> int:
        return self._moves(self._zero + at) - self._moved_zero


def _value(body: bytes, kind: int) -> int | None:
    return next((matroska.number(value) for element, value in ebml.inside(body) if element.kind == kind), None)


def _rewritten(raw: bytes, element: Element, body: bytes, values: Mapping[int, int]) -> bytes:
    """Write an element anew with other numbers in it; it loses its checksum, if that is wrong now."""
    parts = list[bytes]()
    changed = False
    for child, value in ebml.inside(body):
        piece = body[child.start : child.stop]
        new = values.get(child.kind)
        if new is not None and new != matroska.number(value):
            piece = _number(child, len(value), new)
            changed = True
        parts.append(piece)
    inner = b"".join(parts)
    if inner == raw[element.data - element.start :]:
        return raw
    if changed and ebml.has_crc(inner):
        inner = ebml.sealed(ebml.unsealed(inner))
    id_bytes = (element.kind.bit_length() + 7) // 8
    return ebml.packed(element.kind, inner, element.data - element.start - id_bytes)


def _number(element: Element, width: int, value: int) -> bytes:
    id_bytes = (element.kind.bit_length() + 7) // 8
    data = value.to_bytes(max(width, (value.bit_length() + 7) // 8, 1))
    return ebml.packed(element.kind, data, element.data - element.start - id_bytes)
