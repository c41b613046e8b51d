"""Temporary twins of tables, filled beside the real ones and put in their place in one transaction.

They are temporary tables of one connection, under the names of the real ones: they need no room in the schema and no
right to make any, hold no lock that others wait for, and are gone with the connection, whatever ends it.

Source: both engines look for an unqualified name among the temporary tables first (sqlite.org/lang_naming.html;
PostgreSQL documentation, search_path).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, MetaData, Table, text

from memory.store import faults
from memory.store.engine import Database


class Workspace:
    """Twins of some tables, empty at first; made by `workspace`."""

    def __init__(self, database: Database, connection: Connection, tables: Sequence[Table], schema: str) -> None:
        self._database = database
        self._connection = connection
        self._tables = tables
        self._schema = schema

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a transaction in which the names of the tables mean the twins; it keeps nobody from writing."""
        with faults.translated(self._database.location), self._connection.begin():
            yield self._connection

    @contextmanager
    def replacing(self) -> Iterator[Connection]:
        """Give a transaction that holds the lock of projections, at the end of which the twins' rows are the tables'.

        Inside, the names of the tables still mean the twins. Readers see the old rows until the commit, and the new
        ones from then on.
        """
        with self._database.writing("projections", on=self._connection) as connection:
            yield connection
            for table in self._tables:
                columns = ", ".join(f'"{column.name}"' for column in table.columns)
                connection.exec_driver_sql(f"DELETE FROM {self._schema}.{table.name}")
                connection.exec_driver_sql(
                    f"INSERT INTO {self._schema}.{table.name} ({columns}) SELECT {columns} FROM {table.name}"
                )


@contextmanager
def workspace(database: Database, tables: Sequence[Table]) -> Iterator[Workspace]:
    """Make empty twins of tables; they are gone at the end.

    Args:
        database: Where the tables are.
        tables: The tables.

    Raises:
        DatabaseError: The engine refused; on PostgreSQL the role may lack the right to make temporary tables.
    """
    sqlite = database.dialect == "sqlite"
    twins = MetaData(schema="temp" if sqlite else "pg_temp")
    for table in tables:
        table.to_metadata(twins)
    with database.aside() as connection:
        with faults.translated(database.location), connection.begin():
            schema = "main" if sqlite else _first_the_temporary(connection)
            twins.create_all(connection, checkfirst=False)
        try:
            yield Workspace(database, connection, tables, schema)
        finally:
            if database.location.in_memory:
                with faults.translated(database.location), connection.begin():
                    twins.drop_all(connection, checkfirst=False)


def _first_the_temporary(connection: Connection) -> str:
    """Make unqualified names mean temporary tables first, whatever the role's search path says; give the schema."""
    quoted = str(connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one())
    connection.exec_driver_sql(f"SET search_path = pg_temp, {quoted}")
    return quoted
