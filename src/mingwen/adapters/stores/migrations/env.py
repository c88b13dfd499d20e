"""Run migrations on the connection that the store hands over; there is no other mode."""

from alembic import context

from mingwen.adapters.stores.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
