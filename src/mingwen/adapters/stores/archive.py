"""The checkpoints that were signed, and what others said of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from mingwen.adapters.stores import rows
from mingwen.adapters.stores.log import Database
from mingwen.adapters.stores.schema import CHECKPOINTS, STAMPS
from mingwen.domain.errors import Misused, Unproven
from mingwen.domain.evidence import Published, Stamp
from mingwen.proofs import notes

GRACE: Final = timedelta(minutes=10)
"""How long a checkpoint of which nobody spoke is kept behind a newer one: somebody may be speaking of it just now."""
_ARCHIVE_LOCK: Final = 0x6D696E69


class SqlArchive:
    """The port ``Archive`` on SQLite and PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(self, size: int, note: str, at: datetime) -> None:
        """Keep a signed checkpoint, or add signatures to it."""
        with self._database.writing(_ARCHIVE_LOCK) as connection:
            if _add_signatures(connection, size, note):
                return
            new = {"size": size, "note": note, "at": rows.instant(at), "attested": False}
            connection.execute(sa.insert(CHECKPOINTS), new)
            c = CHECKPOINTS.c
            stale = sa.and_(c.size < size, sa.not_(c.attested), c.at < rows.instant(at - GRACE))
            connection.execute(sa.delete(CHECKPOINTS).where(stale))

    def attest(self, size: int, *, note: str | None = None, stamp: Stamp | None = None) -> None:
        """Add what a witness or an authority said of the checkpoint of this size."""
        with self._database.writing(_ARCHIVE_LOCK) as connection:
            if not _add_signatures(connection, size, note):
                hint = "publish it first"
                raise Misused(
                    "checkpoint.unknown", f"expected a checkpoint of size {size} in the store, there is none", hint=hint
                )
            connection.execute(sa.update(CHECKPOINTS).where(CHECKPOINTS.c.size == size).values(attested=True))
            if stamp and stamp not in _stamps(connection, size):
                row = {"size": size, "authority": stamp.authority, "at": rows.instant(stamp.at), "token": stamp.token}
                connection.execute(sa.insert(STAMPS), row)

    def newest(self, *, most: int | None = None, attested: bool = False, stamped: bool = False) -> Published | None:
        """Return the largest checkpoint of at most this size, of all, of the attested ones, or of those with a time stamp."""
        size = CHECKPOINTS.c.size
        return self._first(sa.true() if most is None else size <= most, size.desc(), attested=attested, stamped=stamped)

    def oldest(self, *, least: int, attested: bool = False, stamped: bool = False) -> Published | None:
        """Return the smallest checkpoint of at least this size, of all, of the attested ones, or of those with a time stamp."""
        return self._first(CHECKPOINTS.c.size >= least, CHECKPOINTS.c.size.asc(), attested=attested, stamped=stamped)

    def _first(
        self, wanted: sa.ColumnElement[bool], order: sa.UnaryExpression[int], *, attested: bool, stamped: bool
    ) -> Published | None:
        c, tests = CHECKPOINTS.c, [wanted]
        tests += [c.attested] if attested else []
        tests += [sa.exists().where(STAMPS.c.size == c.size)] if stamped else []
        query = sa.select(CHECKPOINTS).where(*tests).order_by(order).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            at, stamps = datetime.fromisoformat(row["at"]), _stamps(connection, row["size"])
        return Published(row["size"], row["note"], at, tuple(stamps), row["attested"])


def _add_signatures(connection: sa.Connection, size: int, note: str | None) -> bool:
    """Add what is new in ``note`` to the checkpoint of this size; say whether there is one."""
    here = CHECKPOINTS.c.size == size
    known = connection.execute(sa.select(CHECKPOINTS.c.note).where(here)).scalar()
    if known is not None and note is not None:
        connection.execute(sa.update(CHECKPOINTS).where(here).values(note=_merged(known, note)))
    return known is not None


def _merged(known: str, more: str) -> str:
    """Return a note with the signatures of both; of two by the same key the first, which is the earlier, stands.

    Raises:
        Unproven: they are about different checkpoints.
    """
    old, new = notes.parse(known.encode()), notes.parse(more.encode())
    if old.text != new.text:
        hint = "the log has forked: stop, keep both notes, and find out which process signed the second"
        raise Unproven("checkpoint.forked", f"expected {old.text!r} to be signed again, got {new.text!r}", hint=hint)
    signatures = {(s.name, s.id): s for s in (*new.signatures, *old.signatures)}
    ids = dict.fromkeys((s.name, s.id) for s in (*old.signatures, *new.signatures))
    return str(replace(old, signatures=tuple(signatures[i] for i in ids)))


def _stamps(connection: sa.Connection, size: int) -> Sequence[Stamp]:
    query = sa.select(STAMPS).where(STAMPS.c.size == size).order_by(STAMPS.c.at, STAMPS.c.authority)
    found = connection.execute(query).mappings()
    return [Stamp(row["authority"], row["token"], datetime.fromisoformat(row["at"])) for row in found]
