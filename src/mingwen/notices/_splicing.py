"""Writing what edits describe: ranges of the source as they are, and the bytes that are new."""

from typing import BinaryIO

from mingwen.domain.media import Splice

STEP_BYTES = 1 << 20


def write(source: BinaryIO, splice: Splice, sink: BinaryIO) -> None:
    """Write a splice of ``source`` into ``sink``, a megabyte at a time."""
    for piece in splice:
        if isinstance(piece, bytes):
            sink.write(piece)
            continue
        for at in range(piece.start, piece.stop, STEP_BYTES):
            source.seek(at)
            sink.write(source.read(min(STEP_BYTES, piece.stop - at)))
