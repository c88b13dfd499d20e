"""The embedded store, on SQLite through Python's own driver: the hot path of every command imports nothing heavy.

The schema is that of ``schema`` and its migrations, which are run (and SQLAlchemy imported) only when the file is new or old.
The same tests run on this store and on PostgreSQL (tests/family/test_stores.py).
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from mingwen.adapters import durable
from mingwen.adapters.stores import rows
from mingwen.domain.contents import Content
from mingwen.domain.errors import Unavailable
from mingwen.domain.evidence import Entry, Outcome

BUSY_SECONDS: Final = 30
"""How long a writer waits for others; SQLite has one writer at a time."""
BUSY_STEP_SECONDS: Final = 0.01
PRAGMAS: Final = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
"""A commit survives a power cut: FULL syncs the log of the WAL. What is erased, or moved to another page, is overwritten."""
_PRIMARY: Final = 0xFF
"""The part of an extended error code of SQLite that names its kind."""
_HINT_DISK: Final = "check the disk and its free space; what was saved is there, what was not can be saved again"


def _insert(table: str, columns: tuple[str, ...], ending: str = "") -> str:
    names, values = ", ".join(f'"{c}"' for c in columns), ", ".join(f":{c}" for c in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({values}) {ending}"  # noqa: S608 - all words are constants of ours


_INSERT_CONTENT: Final = _insert("contents", rows.CONTENT_COLUMNS, "ON CONFLICT (key) DO NOTHING")
_INSERT_ENTRY: Final = _insert("entries", rows.ENTRY_COLUMNS)


def place(url: str) -> Path:
    """Return the path in a URL."""
    return Path(os.path.expanduser(url.removeprefix("sqlite:///")))  # noqa: PTH111 - raises for no name


class SqliteStore:
    """The port ``Store`` in one file, readable by its owner alone; any number of processes and threads may share it."""

    def __init__(self, url: str) -> None:
        self._path = place(url)
        self._lock = threading.Lock()
        with _translated(self._path), ExitStack() as undo:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            undo.callback(self._connection.close)
            self._connection.row_factory = sqlite3.Row
            self._write_ahead()
            if self._revision() != rows.REVISION:
                self._migrate()
            undo.pop_all()

    def save(self, outcomes: Sequence[Outcome[Content] | Outcome[None]]) -> None:
        """Keep states and entries in one transaction."""
        if not os.path.exists(self._path):  # noqa: PTH110 - a file without a name takes entries that nobody will ever read
            raise Unavailable("store.gone", f"expected the store at {self._path}, but somebody deleted it", hint="start anew")
        laid_out = rows.outcome_rows(outcomes)
        with _translated(self._path), self._lock, self._transaction() as connection:
            for content, entries in laid_out:
                if content is None or connection.execute(_INSERT_CONTENT, content).rowcount == 1:
                    connection.executemany(_INSERT_ENTRY, entries)

    def find(self, key: str) -> Content | None:
        """Return what was saved under an idempotency key."""
        with _translated(self._path), self._lock:
            row = self._connection.execute("SELECT * FROM contents WHERE key = ?", (rows.storable(key),)).fetchone()
        return rows.content(dict(row)) if row else None

    def entries(self, *, kind: str | None = None, subject: str | None = None, limit: int = 100) -> Iterable[tuple[int, Entry]]:
        """Return the newest entries first, each with its number."""
        wanted = {name: rows.storable(value) for name, value in (("kind", kind), ("subject", subject)) if value is not None}
        where = f"WHERE {' AND '.join(f'{name} = :{name}' for name in wanted)}" if wanted else ""
        query = f"SELECT * FROM entries {where} ORDER BY number DESC LIMIT :limit"  # noqa: S608 - the names are ours
        with _translated(self._path), self._lock:
            found = self._connection.execute(query, {**wanted, "limit": limit}).fetchall()
        return [(row["number"], rows.entry(dict(row))) for row in found]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _write_ahead(self) -> None:
        """Turn on the WAL. Where the file is new, SQLite does not wait for another process that does the same: we do."""
        last = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._connection.executescript(PRAGMAS)
            except sqlite3.OperationalError as e:
                if e.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                    raise
                time.sleep(BUSY_STEP_SECONDS)
            else:
                return

    def _revision(self) -> str | None:
        try:
            row = self._connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError as e:
            if "no such table" in str(e):
                return None
            raise
        return row[0] if row else None

    def _migrate(self) -> None:
        """Make or renew the schema, one process at a time: the transaction holds the write lock from its start."""
        import sqlalchemy as sa  # noqa: PLC0415 - only new or old files pay for it
        from alembic.util import CommandError  # noqa: PLC0415 - the same

        from mingwen.adapters.stores.schema import migrate  # noqa: PLC0415 - the same

        durable.sync_above(self._path)  # nobody saves before the schema stands: from here on its file has a name for good
        engine = sa.create_engine(sa.URL.create("sqlite", database=str(self._path)), connect_args={"timeout": BUSY_SECONDS})
        sa.event.listen(engine, "connect", _hand_over_transactions)
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        try:
            with engine.begin() as connection:
                migrate(connection)
        except (sa.exc.SQLAlchemyError, CommandError) as e:  # for example tables of somebody else's
            raise sqlite3.DatabaseError(str(getattr(e, "orig", None) or e)) from e
        finally:
            engine.dispose()


def _hand_over_transactions(connection: sqlite3.Connection, _: object) -> None:
    """Let SQLAlchemy begin transactions, which the driver otherwise does too late for a schema."""
    connection.isolation_level = None
    connection.execute("PRAGMA secure_delete=ON").close()  # tables are copied


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as e:  # ValueError: a NUL in the path
        reason = (getattr(e, "strerror", None) or str(e)).lower()
        failed = getattr(e, "sqlite_errorcode", 0) & _PRIMARY in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
        hint = _HINT_DISK if failed else "choose another place with --store, MINGWEN_STORE_URL or store.url"
        raise Unavailable("store.unavailable", f"expected to use the store at {path}, but: {reason}", hint=hint) from e
