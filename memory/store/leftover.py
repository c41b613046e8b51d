"""Throws away what a rollover wrote into a new database and did not come to open: a log that nobody ever used."""

from __future__ import annotations

from sqlalchemy import Connection, delete, text

from memory.store.migrate import load_metadata
from memory.store.seal import lift_seal
from memory.store.tables import APPEND_ONLY, appends


def empty_unopened(connection: Connection) -> None:
    """Make a log that was never open a log without events again, in the open transaction.

    The triggers that refuse it are put aside for just these statements, which only their owner can do; whether the log
    was really never open is for the caller to know.
    """
    restore = _put_aside(connection)
    for table in load_metadata().tables.values():
        connection.execute(delete(table).where(appends.c.append_id != 0) if table is appends else delete(table))
    for statement in restore:
        connection.exec_driver_sql(statement)
    lift_seal(connection)


def _put_aside(connection: Connection) -> list[str]:
    """Switch the append-only triggers off; give the statements that switch them on again."""
    if connection.dialect.name == "sqlite":
        made = connection.execute(
            text(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%\\_refuses\\_%' ESCAPE '\\'"
            )
        ).all()
        for name, _ in made:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return [statement for _, statement in made]
    for table in APPEND_ONLY:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")
    return [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only" for table in APPEND_ONLY]
