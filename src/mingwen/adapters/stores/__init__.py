"""What is kept: one file a kind of store; ``open_store`` chooses by the URL."""

from collections.abc import Callable
from dataclasses import dataclass

from mingwen.domain.errors import Misused
from mingwen.ports import Archive, Holds, Ledger, Store


@dataclass(frozen=True, slots=True)
class Log:
    """What a store keeps for whoever keeps the log."""

    ledger: Ledger
    archive: Archive
    holds: Holds
    close: Callable[[], None]
    """Lets go of files and connections."""


def open_log(url: str) -> Log:
    """Open the log in the store at ``url``, which is made where it is missing; through SQLAlchemy for both kinds.

    Raises:
        Misused: another kind of URL (``store.unknown``).
        Unavailable: the database cannot be opened (``store.unavailable``).
    """
    open_store(url).close()  # the schema is there, and is new
    from mingwen.adapters.stores.archive import SqlArchive  # noqa: PLC0415 - as below
    from mingwen.adapters.stores.holds import SqlHolds  # noqa: PLC0415 - as below
    from mingwen.adapters.stores.ledger import SqlLedger  # noqa: PLC0415 - as below
    from mingwen.adapters.stores.log import Database  # noqa: PLC0415 - as below

    database = Database(url)
    return Log(SqlLedger(database), SqlArchive(database), SqlHolds(database), database.close)


def open_store(url: str) -> Store:
    """Open the store at ``sqlite:///path`` or ``postgresql+psycopg://…``; its schema is made or brought up to date.

    Importing SQLAlchemy costs a third of a second, more than labelling a gigabyte; so each kind is imported when it is asked for.

    Raises:
        Misused: another kind of URL (``store.unknown``).
        Unavailable: the database cannot be opened (``store.unavailable``).
    """
    if url.startswith("sqlite:///"):
        from mingwen.adapters.stores.sqlite import SqliteStore  # noqa: PLC0415 - see above

        return SqliteStore(url)
    if url.startswith("postgresql"):
        from mingwen.adapters.stores.postgresql import PostgresqlStore  # noqa: PLC0415 - see above

        return PostgresqlStore(url)
    raise Misused(
        "store.unknown",
        f"expected sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE, got {url.split(':', maxsplit=1)[0]!r}",
        hint="set --store, MINGWEN_STORE_URL or store.url",
    )
