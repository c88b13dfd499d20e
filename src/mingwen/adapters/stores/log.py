"""The log's side of a database: one engine, which ``ledger``, ``archive`` and ``holds`` share, for both kinds of store."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mingwen.adapters.stores import rows
from mingwen.adapters.stores.schema import ENTRIES
from mingwen.adapters.stores.sqlite import BUSY_SECONDS, PRAGMAS, place
from mingwen.domain.errors import Unavailable
from mingwen.domain.evidence import Outcome


class Database:
    """A database whose schema stands already; any number of threads may share it."""

    def __init__(self, url: str) -> None:
        if url.startswith("sqlite:///"):
            file = sa.URL.create("sqlite", database=str(place(url)))
            self._engine = sa.create_engine(file, connect_args={"timeout": BUSY_SECONDS})
            sa.event.listen(self._engine, "connect", _set_up)
            sa.event.listen(self._engine, "begin", _begin)
        else:
            self._engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_pre_ping=True)
        self._writing = self._engine.execution_options(writing=True)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection to read from."""
        with _translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, lock: int | None = None) -> Iterator[sa.Connection]:
        """Give a connection in a transaction, alone among all that ask for the same ``lock``; on SQLite among all that write."""
        with _translated(), self._writing.begin() as connection:
            if lock is not None and connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
            yield connection

    def forget(self) -> None:
        """Empty the write-ahead log of SQLite, where earlier pages stand until it begins anew; wait for who still reads them."""
        if self._engine.dialect.name == "sqlite":
            with _translated(), closing(self._engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def save_entries(connection: sa.Connection, outcome: Outcome[None]) -> None:
    """Keep the entries of an outcome in the transaction of ``connection``."""
    ((_, entries),) = rows.outcome_rows([outcome])
    if entries:
        connection.execute(sa.insert(ENTRIES), entries)


def _set_up(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun below
    connection.executescript(PRAGMAS).close()


def _begin(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as e:
        reason = str(getattr(e, "orig", None) or e).strip().splitlines()[0]
        hint = "check store.url, the disk, and that the server runs"
        raise Unavailable("store.unavailable", f"expected to use the log in the store, but: {reason}", hint=hint) from e
