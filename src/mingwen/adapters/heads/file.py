"""The last checkpoint in a file, on another disk than the store where there is one."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mingwen.adapters import durable
from mingwen.domain.errors import Unavailable


class FileHead:
    """The port ``Head`` in one file; a lock beside it keeps out others on the same machine."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()  # a link may lead to another disk: it stays, and the lock lies where the file is

    def read(self) -> bytes | None:
        """See ``ports.Head``."""
        with _translated(f"read {self._path}"):
            return self._read()

    def swap(self, old: bytes | None, new: bytes) -> bool:
        """See ``ports.Head``."""
        with _translated(f"write {self._path}"), self._locked():
            if self._read() != old:
                return False
            part = self._path.with_name(f"{self._path.name}.new")  # ours alone, under the lock
            with part.open("wb") as file:
                file.write(new)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
            if old is None:
                durable.sync_above(self._path)
            else:
                durable.sync(self._path.parent)
            return True

    def _read(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(f"{self._path.name}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file is closed, by a kill too
            yield


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        code = "disk.full" if e.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} else "head.unavailable"
        hint = "check log.head; nothing was signed, publishing goes on from here"
        raise Unavailable(code, f"expected to {what}, but: {(e.strerror or str(e)).lower()}", hint=hint) from e
