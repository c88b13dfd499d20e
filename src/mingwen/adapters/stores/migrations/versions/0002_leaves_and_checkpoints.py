"""Commit to each entry in a leaf; make room for positions, erased fields, checkpoints, stamps and holds."""

import json
from datetime import datetime
from io import BytesIO
from os import urandom

import sqlalchemy as sa
from alembic import op

from mingwen.adapters.stores import rows
from mingwen.domain.evidence import Entry
from mingwen.proofs.canonical import MOST_INTEGER
from mingwen.proofs.leaves import MOST_FIELDS, SALT_BYTES

revision = "0002"
down_revision = "0001"

_CHUNK = 1000


def upgrade() -> None:
    """Add the columns, fill them, and then hold them to be there."""
    op.add_column("entries", sa.Column("content", sa.Text))
    op.add_column("entries", sa.Column("leaf", sa.LargeBinary))
    op.add_column("entries", sa.Column("salts", sa.LargeBinary))
    op.add_column("entries", sa.Column("hidden", sa.LargeBinary, nullable=False, server_default=sa.text("''")))
    op.add_column("entries", sa.Column("position", sa.BigInteger))
    _fill(op.get_bind())
    with op.batch_alter_table("entries", table_kwargs={"sqlite_autoincrement": True}) as entries:
        entries.alter_column("leaf", existing_type=sa.LargeBinary, nullable=False)
        entries.alter_column("salts", existing_type=sa.LargeBinary, nullable=False)
        entries.create_unique_constraint("uq_entries_position", ["position"])
    waiting = sa.text("position IS NULL")
    op.create_index("ix_entries_waiting", "entries", ["number"], postgresql_where=waiting, sqlite_where=waiting)
    _make_tables()


def _make_tables() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("attested", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_checkpoints"),
    )
    op.create_table(
        "stamps",
        sa.Column("size", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("authority", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("size", "authority", "at", name="pk_stamps"),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("placed_at", sa.Text, nullable=False),
        sa.Column("released_at", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
    )


_SOME = sa.text("SELECT * FROM entries WHERE number > :after ORDER BY number LIMIT :most")
_CONTENTS = sa.text("SELECT key FROM contents WHERE produce_id = :number AND label = :label AND file_name = :file ORDER BY key")
_FILL = sa.text(
    'UPDATE entries SET kind = :kind, subject = :subject, "by" = :by, at = :at, detail = :detail, content = :content,'
    " leaf = :leaf, salts = :salts WHERE number = :number"
)


def _fill(connection: sa.Connection) -> None:
    """Give every entry salts and a leaf, and the key of its content: of several that look alike, each a different one."""
    last, taken = 0, set[str]()
    while some := connection.execute(_SOME, {"after": last, "most": _CHUNK}).mappings().all():
        last = some[-1]["number"]
        filled = []
        for row in some:
            entry = _entry(row)
            key = next((k for k in _keys(connection, entry) if k not in taken), None)
            taken.update(k for k in [key] if k is not None)
            filled.append({**rows.entry_row(entry, BytesIO(urandom(SALT_BYTES * MOST_FIELDS)), key), "number": row["number"]})
        connection.execute(_FILL, filled)


def _entry(row: sa.RowMapping) -> Entry:
    """Read an entry; numbers that revision 0001 took and canonical JSON does not become text."""
    detail = json.loads(row["detail"], parse_int=lambda t: int(t) if abs(int(t)) <= MOST_INTEGER else t, parse_constant=str)
    return rows.stored(Entry(row["kind"], row["subject"], row["by"], datetime.fromisoformat(row["at"]), detail))


def _keys(connection: sa.Connection, entry: Entry) -> list[str]:
    label = entry.detail.get("label")
    if not isinstance(label, str) or not entry.kind.startswith("label."):
        return []
    known = {"number": json.loads(label).get("ProduceID", ""), "label": label, "file": entry.detail.get("file", "")}
    return list(connection.execute(_CONTENTS, known).scalars())


def downgrade() -> None:
    """Refuse: a log is not thrown away by a downgrade."""
    raise NotImplementedError
