"""What is kept: one file a kind of store; ``open_store`` chooses by the URL."""

from mingwen.domain.errors import Misused
from mingwen.ports import Store


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
