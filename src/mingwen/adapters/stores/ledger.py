"""The entries of a store as a log: positions, leaves, and what is left of an entry when fields of it are erased."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from mingwen.adapters.stores import rows
from mingwen.adapters.stores.holds import HOLDS_LOCK, active
from mingwen.adapters.stores.log import Database, save_entries
from mingwen.adapters.stores.schema import CONTENTS, ENTRIES
from mingwen.domain.evidence import Hold, Outcome, Record
from mingwen.domain.retention import require_free
from mingwen.proofs.leaves import DIGEST_BYTES, SALT_BYTES, digests, disclosures, fields

_SEQUENCER_LOCK: Final = 0x6D696E68
"""Any number that all our processes share, and no other lock of ours has."""
_FOLLOWERS_LOCK: Final = 0x6D696E6B
_HIDDEN_BYTES: Final = 2 * DIGEST_BYTES

_ERASED: Final[Mapping[str, Mapping[str, str | None]]] = {
    "label": {"label": "", "produce_id": ""},
    "file": {"file_name": ""},
    "notice": {"notice": None},
    "delivery": {"recipient": None, "agreement": None, "reason": None},
}
"""What a content loses with a field of its entry."""


class SqlLedger:
    """The port ``Ledger`` on SQLite and PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sequence(self, most: int) -> int:
        """Give up to ``most`` waiting entries the next positions; return how many entries have one now.

        One sequencer works at a time, and sees all that the one before it did: on PostgreSQL each statement sees what was
        committed before it, and the lock is a statement of its own.
        """
        with self._database.writing(_SEQUENCER_LOCK) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(_IN_ORDER)
            size = connection.execute(_SIZE).scalar_one()
            given = connection.execute(_SEQUENCE, {"size": size, "most": most})
            return int(size + given.rowcount)

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """Return the leaves at the positions from ``start`` up to ``end``."""
        wanted = sa.select(ENTRIES.c.leaf).where(ENTRIES.c.position >= start, ENTRIES.c.position < end)
        with self._database.reading() as connection:
            return connection.execute(wanted.order_by(ENTRIES.c.position)).scalars().all()

    def records(
        self,
        *,
        number: int | None = None,
        subject: str | None = None,
        kind: str | None = None,
        start: int | None = None,
        before: datetime | None = None,
        limit: int = 1000,
    ) -> Sequence[Record]:
        """Return the records that pass every filter, in order of numbers, or of positions where ``start`` is given."""
        c = ENTRIES.c
        texts = [(column, value and rows.storable(value)) for column, value in ((c.subject, subject), (c.kind, kind))]
        tests = [column == value for column, value in ((c.number, number), *texts) if value is not None]
        if start is not None:
            tests.append(c.position >= start)
        if before is not None:
            tests += [c.at < rows.instant(before), sa.func.length(c.salts) > 0]
        wanted = sa.select(ENTRIES).where(*tests)
        with self._database.reading() as connection:
            found = connection.execute(wanted.order_by(c.number if start is None else c.position).limit(limit)).mappings().all()
        return [_record(row) for row in found]

    def erase(self, numbers: Sequence[int], names: Sequence[str] | None, outcome: Outcome[None]) -> bool:
        """Erase these fields of entries, or all, and with them those of contents; save ``outcome`` if there were any.

        No hold is placed between the look at the holds and the end of the transaction.
        """
        with self._database.writing(HOLDS_LOCK) as connection:
            standing = active(connection)
            erased = [_erase(connection, number, names, standing) for number in numbers]
            if any(erased):
                save_entries(connection, outcome)
        if any(erased):
            self._database.forget()
        return any(erased)

    def follow(self, number: int, outcome: Outcome[None]) -> bool:
        """Save an outcome of one entry if none about its subject came after ``number``; one at a time does."""
        (entry,) = outcome.entries
        newest = sa.select(sa.func.max(ENTRIES.c.number)).where(ENTRIES.c.subject == rows.storable(entry.subject))
        with self._database.writing(_FOLLOWERS_LOCK) as connection:
            follows = bool(connection.execute(newest).scalar_one() == number)
            if follows:
                save_entries(connection, outcome)
            return follows


def _erase(connection: sa.Connection, number: int, names: Sequence[str] | None, standing: Sequence[Hold]) -> bool:
    """Erase fields of one entry and of its content, and say whether there were any."""
    row = connection.execute(_ONE, {"number": number}).mappings().first()
    before = _record(row) if row else None
    going = before and (fields(before.entry).keys() if names is None else fields(before.entry).keys() & set(names))
    if not (row and before and going):
        return False
    require_free(number, before.entry, standing)
    connection.execute(sa.update(ENTRIES).where(ENTRIES.c.number == number), _remains(before, going))
    for lost in (_ERASED[name] for name in going if name in _ERASED):
        connection.execute(sa.update(CONTENTS).where(CONTENTS.c.key == row["content"]), lost)
    return True


_IN_ORDER: Final = sa.select(sa.func.set_config("enable_sort", "off", True))  # noqa: FBT003 - for this transaction
"""Take waiting entries from their index one by one; by its statistics the server would rather sort them all for each batch."""
_SIZE: Final = sa.select(sa.func.coalesce(sa.func.max(ENTRIES.c.position) + 1, 0))
_ONE: Final = sa.select(ENTRIES).where(ENTRIES.c.number == sa.bindparam("number")).with_for_update()


def _sequence() -> sa.Update:
    """One statement: the rank of each waiting entry, by number, is its distance from the size of the log."""
    waiting = sa.select(ENTRIES.c.number).where(sa.text("position IS NULL")).order_by(ENTRIES.c.number)
    first = waiting.limit(sa.bindparam("most")).subquery("first")
    rank = sa.func.row_number().over(order_by=first.c.number) - 1
    ranked = sa.select(first.c.number, rank.label("rank")).subquery("ranked")
    place = sa.bindparam("size", type_=sa.BigInteger) + ranked.c.rank
    return sa.update(ENTRIES).values(position=place).where(ENTRIES.c.number == ranked.c.number)


_SEQUENCE: Final = _sequence()


def _record(row: sa.RowMapping) -> Record:
    return Record(row["number"], row["position"], rows.entry(dict(row)), row["leaf"], row["salts"], row["hidden"])


def _remains(record: Record, going: Iterable[str]) -> dict[str, str | bytes]:
    """Return the columns of an entry without the fields that go: their digests stay, their salts do not."""
    values, gone = fields(record.entry), set(going)
    names = sorted(values)
    written = dict(zip(names, disclosures(values, record.salts), strict=True))
    salts = {name: record.salts[i * SALT_BYTES : (i + 1) * SALT_BYTES] for i, name in enumerate(names)}
    known = [digests(written[name]) for name in gone]
    hidden = [record.hidden[i : i + _HIDDEN_BYTES] for i in range(0, len(record.hidden), _HIDDEN_BYTES)]
    entry = record.entry
    return {
        "subject": "" if "subject" in gone else entry.subject,
        "by": "" if "by" in gone else entry.by,
        "detail": rows.detail({name: value for name, value in entry.detail.items() if name not in gone}),
        "salts": b"".join(salts[name] for name in names if name not in gone),
        "hidden": b"".join(sorted([*hidden, *(d.sha256 + d.sm3 for d in known)])),  # their order tells nothing of the names
    }
