"""Streams as the C2PA library wants them: with every method, and with a memory, since it swallows what they raise."""

import os
from typing import BinaryIO


class Watched:
    """A stream that remembers how the outside failed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.fault: OSError | None = None

    def read(self, count: int = -1) -> bytes:
        """Read at most ``count`` bytes."""
        try:
            return self._stream.read(count)
        except OSError as e:
            self.fault = e
            raise

    def write(self, data: bytes) -> int:
        """Write all of ``data``."""
        try:
            return self._stream.write(data)
        except OSError as e:
            self.fault = e
            raise

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position and return it."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._stream.tell()

    def flush(self) -> None:
        """Do nothing: whoever gave the stream flushes it."""


class Nowhere:
    """A sink that keeps nothing but its length, for a manifest that stands beside its file."""

    def __init__(self) -> None:
        self._at = self._end = 0
        self.fault: OSError | None = None

    def read(self, count: int = -1) -> bytes:  # noqa: ARG002 - nothing was kept
        """Return nothing."""
        return b""

    def write(self, data: bytes) -> int:
        """Count ``data``."""
        self._at += len(data)
        self._end = max(self._end, self._at)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position and return it."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def flush(self) -> None:
        """Do nothing."""
