"""The store on PostgreSQL, for services with several machines."""

import json
import select
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Final, Protocol

import sqlalchemy as sa
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from mingwen.adapters.stores import rows
from mingwen.adapters.stores.schema import CONTENTS, ENTRIES, migrate
from mingwen.domain.contents import Content
from mingwen.domain.errors import Unavailable
from mingwen.domain.evidence import Entry, Outcome

_MIGRATION_LOCK = 0x6D696E67  # "ming": any number that all our processes share


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{c}"' for c in columns)


def _typed(columns: Iterable[str]) -> str:
    return ", ".join(f'"{c}" {"bytea" if c in {"leaf", "salts"} else "text"}' for c in columns)


_SAVE: Final = f"""
WITH fresh AS (
    INSERT INTO contents ({_names(rows.CONTENT_COLUMNS)})
    SELECT * FROM json_to_recordset(%(contents)s) AS given ({_typed(rows.CONTENT_COLUMNS)})
    ON CONFLICT (key) DO NOTHING RETURNING key
)
INSERT INTO entries ({_names(rows.ENTRY_COLUMNS)})
SELECT {_names(rows.ENTRY_COLUMNS)} FROM json_to_recordset(%(entries)s) AS given ({_typed(rows.ENTRY_COLUMNS)}, place int)
WHERE content IS NULL OR content IN (SELECT key FROM fresh) ORDER BY place
"""  # noqa: S608 - all words are constants of ours
"""One round trip and one commit, however much there is to save; an entry goes in with the content it tells of, or not at all."""


def _bytea(data: bytes) -> str:
    return f"\\x{data.hex()}"


class _Socket(Protocol):
    def fileno(self) -> int: ...


def _require_life(connection: _Socket, *_: object) -> None:
    """Let the pool replace a connection that the server gave up: bytes wait on it though nothing was asked.

    A question to the server (``pool_pre_ping``) would say the same, for a round trip each time.
    """
    asleep = select.poll()
    asleep.register(connection.fileno(), select.POLLIN)
    if asleep.poll(0):
        raise sa.exc.DisconnectionError


class PostgresqlStore:
    """The port ``Store`` on a PostgreSQL database, through SQLAlchemy and psycopg."""

    def __init__(self, url: str) -> None:
        with _translated(), ExitStack() as undo:
            self._engine = sa.create_engine(
                url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT", pool_reset_on_return=None
            )
            undo.callback(self._engine.dispose)
            sa.event.listen(self._engine, "checkout", _require_life)
            with self._engine.connect().execution_options(isolation_level="READ COMMITTED") as connection, connection.begin():
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                migrate(connection)
            undo.pop_all()

    def save(self, outcomes: Sequence[Outcome[Content] | Outcome[None]]) -> None:
        """Keep states and entries in one statement, which is a transaction."""
        contents, entries = dict[str | None, rows.ContentRow](), list[Mapping[str, object]]()
        for content, its_entries in rows.outcome_rows(outcomes):
            if content is None or contents.setdefault(content["key"], content) is content:
                entries += its_entries
        given = {
            "contents": json.dumps([content for _, content in sorted(contents.items())]),  # two saves meet in one order
            "entries": json.dumps([{**entry, "place": i} for i, entry in enumerate(entries)], default=_bytea),
        }
        with _translated(), self._unwrapped() as connection:
            connection.cursor().execute(_SAVE, given)

    def find(self, key: str) -> Content | None:
        """Return what was saved under an idempotency key."""
        with _translated(), self._engine.connect() as connection:
            row = connection.execute(sa.select(CONTENTS).where(CONTENTS.c.key == rows.storable(key))).mappings().first()
        return rows.content(dict(row)) if row else None

    def entries(self, *, kind: str | None = None, subject: str | None = None, limit: int = 100) -> Iterable[tuple[int, Entry]]:
        """Return the newest entries first, each with its number."""
        query = sa.select(ENTRIES).order_by(ENTRIES.c.number.desc()).limit(limit)
        for column, wanted in ((ENTRIES.c.kind, kind), (ENTRIES.c.subject, subject)):
            query = query if wanted is None else query.where(column == rows.storable(wanted))
        with _translated(), self._engine.connect() as connection:
            found = connection.execute(query).mappings().all()
        return [(row["number"], rows.entry(dict(row))) for row in found]

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _unwrapped(self) -> Iterator[sa.PoolProxiedConnection]:
        """Give the driver's own connection, as SQLAlchemy's way costs half as much again; to connect may fail too."""
        failure = self._engine.dialect.loaded_dbapi.Error
        try:
            with closing(self._engine.raw_connection()) as connection:
                try:
                    yield connection
                except failure:
                    connection.invalidate()
                    raise
        except failure as e:
            raise sa.exc.DBAPIError(None, None, e) from e


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, CommandError, ValueError) as e:  # ValueError: a port that is no number
        reason = str(getattr(e, "orig", None) or e).strip().splitlines()[0]
        raise Unavailable(
            "store.unavailable",
            f"expected to use the PostgreSQL store, but: {reason}",
            hint="check store.url and that the server runs",
        ) from e
    except ModuleNotFoundError as e:
        raise Unavailable(
            "store.driver", f"expected the driver {e.name}, which is not installed", hint="pip install 'psycopg[binary]'"
        ) from e
