"""Writing what edits describe: ranges of the source as they are, and the bytes that are new."""

from typing import BinaryIO

from mingwen.containers.edits import copied
from mingwen.domain.media import Splice


def write(source: BinaryIO, splice: Splice, sink: BinaryIO) -> None:
    """Write a splice of ``source`` into ``sink``, a megabyte at a time."""
    for piece in splice:
        sink.writelines((piece,) if isinstance(piece, bytes) else copied(source, piece.start, piece.stop))
