"""Alembic's entry: runs the migrations on the connection it is handed, inside that connection's transaction."""

from alembic import context

from harnessfix.store.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE, render_as_batch=True)
context.run_migrations()
