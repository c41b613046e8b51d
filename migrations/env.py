"""Runs the migrations: for `memory.store.migrate`, and for the `alembic` command from a checkout.

Both go through the same lock, the same version table and one transaction. The command takes its database from
`-x url=...`, else from PALIMPSEST_URL, else sqlite:///research.db.
"""

from __future__ import annotations

import os

from alembic import context
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from memory.errors import MigrationError
from memory.store.engine import MIGRATION_LOCK_SQL, Database
from memory.store.location import Location, locate
from memory.store.migrate import is_compared, load_metadata
from memory.store.revisions import VERSION_TABLE


def _location_text() -> str:
    return context.get_x_argument(as_dictionary=True).get("url") or os.environ.get(
        "PALIMPSEST_URL", "sqlite:///research.db"
    )


def _options() -> dict[str, object]:
    return {
        "target_metadata": load_metadata(),
        "version_table": VERSION_TABLE,
        "compare_type": True,
        "include_name": is_compared,
    }


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, **_options())
    with context.begin_transaction():
        context.run_migrations()


def _online() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _migrate(connection)
        return
    database = Database.open(_location_text())
    try:
        with database.writing(lock="migration") as connection:
            _migrate(connection)
    except MigrationError as error:
        # The `alembic` command shows its own kind of error as one line, and any other as a traceback.
        raise CommandError(str(error)) from error
    finally:
        database.close()


def _offline(location: Location) -> None:
    # Named parameters: the driver's own style would double every percent sign in what is written out.
    style = {"paramstyle": "named"}
    context.configure(url=location.url, literal_binds=True, transactional_ddl=False, dialect_opts=style, **_options())
    emit = context.get_context().impl.static_output
    if location.dialect == "sqlite":
        emit("BEGIN IMMEDIATE;\n")
    else:
        emit("BEGIN;\n")
        for statement in MIGRATION_LOCK_SQL:
            emit(f"{statement};\n")
    context.run_migrations()
    emit("COMMIT;\n")


if context.is_offline_mode():
    _offline(locate(_location_text()))
else:
    _online()
