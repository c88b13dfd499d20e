"""Make the tables of labelled contents and of log entries."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "contents",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("produce_id", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("medium", sa.Text, nullable=False),
        sa.Column("notice", sa.Text),
        sa.Column("recipient", sa.Text),
        sa.Column("agreement", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("keep_until", sa.Text),
        sa.PrimaryKeyConstraint("key", name="pk_contents"),
    )
    op.create_index("ix_contents_produce_id", "contents", ["produce_id"], postgresql_using="hash")
    op.create_table(
        "entries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_entries"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_entries_subject", "entries", ["subject"], postgresql_using="hash")
    op.create_index("ix_entries_kind_number", "entries", ["kind", "number"])


def downgrade() -> None:
    """Refuse: a log is not thrown away by a downgrade."""
    raise NotImplementedError
