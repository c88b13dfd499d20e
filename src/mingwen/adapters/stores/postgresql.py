"""The store on PostgreSQL, for services with several machines."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa
from alembic.util import CommandError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from mingwen.adapters.stores import rows
from mingwen.adapters.stores.schema import CONTENTS, ENTRIES, migrate
from mingwen.domain.contents import Content
from mingwen.domain.errors import Unavailable
from mingwen.domain.evidence import Entry, Outcome

_MIGRATION_LOCK = 0x6D696E67  # "ming": any number that all our processes share


class PostgresqlStore:
    """The port ``Store`` on a PostgreSQL database, through SQLAlchemy and psycopg."""

    def __init__(self, url: str) -> None:
        with _translated(), ExitStack() as undo:
            self._engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_pre_ping=True)
            undo.callback(self._engine.dispose)
            with self._engine.begin() as connection:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                migrate(connection)
            undo.pop_all()

    def save(self, outcomes: Sequence[Outcome[Content] | Outcome[None]]) -> None:
        """Keep states and entries in one transaction."""
        with _translated(), self._engine.begin() as connection:
            for outcome in outcomes:
                if outcome.state is None or _insert(connection, outcome.state):
                    connection.execute(sa.insert(ENTRIES), [rows.entry_row(e) for e in outcome.entries])

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


def _insert(connection: sa.Connection, state: Content) -> bool:
    """Insert a content unless its key is there; say whether it was inserted."""
    statement = insert(CONTENTS).values(rows.content_row(state)).on_conflict_do_nothing(index_elements=["key"])
    return connection.execute(statement.returning(CONTENTS.c.key)).first() is not None


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
