"""Runs migrations on the connection that `boss_kit.migrate` holds the deployers' lock with."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
