"""The port ``Seen`` in one SQLite file, which any number of processes and threads may share."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mingwen.domain.errors import Unavailable

BUSY_SECONDS: Final = 10
"""How long one waits for others; a client of a witness does not wait longer."""

_TABLE: Final = "CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT"
_READ: Final = "SELECT note FROM seen WHERE origin = ?"
_WRITE: Final = "INSERT INTO seen VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET note = excluded.note"


class SqliteSeen:
    """See ``ports.Seen``; the file is readable by its owner alone, and made if it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            self._file = _identity(path)
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            # The journal is deleted at each commit, and EXTRA syncs its folder too: what was swapped survives a power cut.
            self._connection.executescript(f"PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA; {_TABLE};")

    def read(self, origin: str) -> str | None:
        """Return the signed note."""
        with _translated(self._path), self._lock:
            return self._kept(origin)

    def swap(self, origin: str, old: str | None, new: str) -> bool:
        """Compare and write in one transaction, which locks out all others from its start."""
        with _translated(self._path), self._lock, self._transaction():
            if self._kept(origin) != old:
                return False
            self._connection.execute(_WRITE, (origin, new))
            return True

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _kept(self, origin: str) -> str | None:
        if _identity(self._path) != self._file:  # what is written to a file without a name is forgotten with the process
            hint = "put the file back, or start anew with the newest copy of it"
            raise Unavailable("seen.gone", f"expected the file {self._path}, but somebody took it away", hint=hint)
        row = self._connection.execute(_READ, (origin,)).fetchone()
        return row[0] if row else None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # an error of COMMIT may have ended it already
                self._connection.execute("ROLLBACK")
            raise


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, sqlite3.Error) as e:
        hint = "check the path, the permissions and the space on the disk; the file is made if it is missing"
        raise Unavailable("seen.failed", f"expected to keep what was seen in {path}, but: {e}", hint=hint) from e
