"""The schema, once, for every database: SQLAlchemy Core tables and the migrations that make them."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, MetaData, Table, Text, text

from mingwen.adapters.stores.rows import REVISION
from mingwen.domain.errors import Misused

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

CONTENTS = Table(
    "contents",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("produce_id", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("medium", Text, nullable=False),
    Column("notice", Text),
    Column("recipient", Text),
    Column("agreement", Text),
    Column("reason", Text),
    Column("keep_until", Text),
    Index("ix_contents_produce_id", "produce_id", postgresql_using="hash"),  # a number may be longer than a b-tree takes
)

_WAITING = text("position IS NULL")
ENTRIES = Table(
    "entries",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("content", Text),  # the key of the content that was saved with it
    Column("leaf", LargeBinary, nullable=False),
    Column("salts", LargeBinary, nullable=False),
    Column("hidden", LargeBinary, nullable=False, server_default=text("''")),
    Column("position", BigInteger, unique=True),
    Index("ix_entries_subject", "subject", postgresql_using="hash"),  # as above: strangers choose it
    Index("ix_entries_kind_number", "kind", "number"),
    Index("ix_entries_waiting", "number", postgresql_where=_WAITING, sqlite_where=_WAITING),
    sqlite_autoincrement=True,
)

CHECKPOINTS = Table(
    "checkpoints",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("attested", Boolean, nullable=False),
)

STAMPS = Table(
    "stamps",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("authority", Text, primary_key=True),
    Column("at", Text, primary_key=True),
    Column("token", LargeBinary, nullable=False),
)

HOLDS = Table(
    "holds",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("placed_at", Text, nullable=False),
    Column("released_at", Text),
)


def migrate(connection: Connection) -> None:
    """Bring the database of ``connection`` to the newest revision, within the caller's transaction.

    Raises:
        Misused: a newer mingwen, which knows revisions that this one does not, made it (``store.newer``).
    """
    known = MigrationContext.configure(connection).get_current_revision()
    if known is not None and known > REVISION:
        raise Misused(
            "store.newer",
            f"expected a store of revision {REVISION} or older, found {known}",
            hint="a newer mingwen wrote it; upgrade this one",
        )
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
