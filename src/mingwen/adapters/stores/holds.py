"""Holds: what must not expire as long as they stand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from mingwen.adapters.stores import rows
from mingwen.adapters.stores.log import Database, save_entries
from mingwen.adapters.stores.schema import HOLDS
from mingwen.domain.errors import Misused
from mingwen.domain.evidence import Hold, Outcome

HOLDS_LOCK: Final = 0x6D696E6A


class SqlHolds:
    """The port ``Holds`` on SQLite and PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def place(self, hold: Hold, outcome: Outcome[None]) -> None:
        """Keep a hold; an id that was placed before changes nothing."""
        texts = {name: rows.storable(getattr(hold, name)) for name in ("id", "subject", "reason", "by")}
        with self._database.writing(HOLDS_LOCK) as connection:
            if _find(connection, hold.id) is None:
                connection.execute(sa.insert(HOLDS), {**texts, "placed_at": rows.instant(hold.placed_at)})
                save_entries(connection, outcome)

    def release(self, id: str, at: datetime, outcome: Outcome[None]) -> None:  # noqa: A002 - as Hold has it
        """End a hold: its id stays, so that it ends once; what it was for stands in its entries, where it can be erased."""
        with self._database.writing(HOLDS_LOCK) as connection:
            row = _find(connection, id)
            if row is None:
                hint = "`mingwen retention holds` lists them"
                raise Misused("hold.unknown", f"expected the id of a hold, got {id!r}", hint=hint)
            if row["released_at"] is None:
                ended = {"released_at": rows.instant(at), "subject": "", "reason": "", "by": ""}
                connection.execute(sa.update(HOLDS).where(HOLDS.c.id == row["id"]).values(ended))
                save_entries(connection, outcome)

    def active(self) -> Sequence[Hold]:
        """Return the holds that were not released, oldest first."""
        with self._database.reading() as connection:
            return active(connection)


def active(connection: sa.Connection) -> Sequence[Hold]:
    """Return the holds that stand, as ``connection`` sees them."""
    query = sa.select(HOLDS).where(HOLDS.c.released_at.is_(None)).order_by(HOLDS.c.placed_at, HOLDS.c.id)
    found = connection.execute(query).mappings().all()
    return [Hold(r["id"], r["subject"], r["reason"], r["by"], datetime.fromisoformat(r["placed_at"])) for r in found]


def _find(connection: sa.Connection, wanted: str) -> sa.RowMapping | None:
    return connection.execute(sa.select(HOLDS).where(HOLDS.c.id == rows.storable(wanted))).mappings().first()
