"""Brings a database's schema to the revision this version needs: one locked upgrade, whole or nothing.

Alembic is imported only when there is something to do, so that opening an up-to-date database costs one small query.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, MetaData, text

from memory.errors import DatabaseUnavailable, ForeignDatabase, MigrationError, SchemaOutdated, SchemaTooNew
from memory.store.engine import Database
from memory.store.inspection import foreign
from memory.store.location import Location
from memory.store.revisions import OWN_NAMES, VERSION_TABLE, check_known, head, revisions, scripts_folder, view_names
from memory.store.tables import APPEND_ONLY, metadata

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "check",
    "current",
    "differences",
    "downgrade",
    "ensure",
    "head",
    "is_compared",
    "load_metadata",
    "missing_search",
    "missing_triggers",
    "revision_of",
    "revisions",
    "upgrade",
]


def current(database: Database) -> str | None:
    """Give the revision a database is at; None for one without a schema.

    Raises:
        SchemaTooNew: A newer version of Palimpsest wrote it.
    """
    with database.reading() as connection:
        return revision_of(database.location, connection)


def ensure(database: Database) -> None:
    """Upgrade a database only if it is not at the head.

    Raises:
        SchemaTooNew: A newer version of Palimpsest wrote it.
        MigrationError: The upgrade failed and was rolled back whole.
    """
    if current(database) != head():
        upgrade(database)


def upgrade(database: Database, revision: str = "head") -> str:
    """Bring a database to a revision, under a lock that several processes may ask for at once; return the revision.

    Raises:
        SchemaTooNew: A newer version of Palimpsest wrote it.
        MigrationError: There is no such revision, or the upgrade failed and was rolled back whole.
    """
    return _run(database, "upgrade", revision)


def downgrade(database: Database, revision: str) -> str | None:
    """Take a database back to an older revision (`base`: none at all); what only newer revisions hold is lost.

    Raises:
        SchemaTooNew: A newer version of Palimpsest wrote it.
        MigrationError: There is no such revision; or it is below the log's own, and there are events, which no
            downgrade removes; or the downgrade failed and was rolled back whole.
    """
    return _run(database, "downgrade", revision) or None


def check(database: Database) -> tuple[str, ...]:
    """Compare a database with the schema this version needs; return each difference in words, none when all is well.

    Raises:
        SchemaOutdated: It is at an older revision.
        SchemaTooNew: A newer version of Palimpsest wrote it.
    """
    with database.reading() as connection:
        found = revision_of(database.location, connection)
        if found != head():
            raise SchemaOutdated(str(database.location), found, head())
        missing = (*missing_triggers(connection), *missing_views(connection), *missing_search(connection))
        return (*differences(connection), *missing)


SEARCH_INDEX = "search_index"
"""The full-text index: an FTS5 table on SQLite, a GIN index on PostgreSQL."""


def load_metadata() -> MetaData:
    """Give the metadata with every table on it, the projections' included."""
    # By name, because the store must not depend on the projections; their tables put themselves on the metadata.
    for name in (
        "memory.projections.tables",
        "memory.projections.finding_tables",
        "memory.projections.knowledge_tables",
        "memory.projections.weight_tables",
    ):
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    return metadata


def configuration(database: Database | None = None) -> Config:
    """Give Alembic's configuration for our scripts, without a file."""
    from alembic.config import Config

    config = Config(output_buffer=io.StringIO(), stdout=io.StringIO())
    # A percent sign in a path would be read as an interpolation.
    config.set_main_option("script_location", str(scripts_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if database is not None:
        config.attributes["database"] = database
    return config


def _run(database: Database, direction: str, revision: str) -> str:
    from alembic import command
    from alembic.util.exc import CommandError

    config = configuration(database)
    try:
        with database.writing(lock="migration") as connection:
            revision_of(database.location, connection)
            config.attributes["connection"] = connection
            getattr(command, direction)(config, revision)
            return revision_of(database.location, connection) or ""
    except CommandError as error:
        raise MigrationError(str(error), remedy=f"the revisions are {', '.join(revisions())}") from error
    except (DatabaseUnavailable, ForeignDatabase, MigrationError, SchemaTooNew):
        raise
    except Exception as error:
        raise MigrationError(
            f"the {direction} of {database.location} to {revision} failed and was rolled back whole: {error}",
            remedy=getattr(error, "remedy", "") or "the database is as it was; report this with the message",
        ) from error


def revision_of(location: Location, connection: Connection) -> str | None:
    """Give the revision a database is at, None for one without a schema; refuse one with our tables and no revision.

    Raises:
        ForeignDatabase: It has tables of our names that are not ours.
        SchemaTooNew: A newer version of Palimpsest wrote it.
    """
    present = _present(connection)
    if VERSION_TABLE not in present:
        if present:
            raise foreign(location, present)
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()
    for revision in found:
        check_known(str(location), revision)
    return found[0] if found else None


def _present(connection: Connection) -> list[str]:
    names = [VERSION_TABLE, *OWN_NAMES]
    if connection.dialect.name == "sqlite":
        catalogue = "SELECT name FROM sqlite_master WHERE name IN"
    else:
        catalogue = (
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = current_schema() AND c.relname IN"
        )
    listed = ", ".join(f"'{name}'" for name in names)
    return list(connection.execute(text(f"{catalogue} ({listed})")).scalars())


def differences(connection: Connection) -> list[str]:
    """Compare the tables of a database at the head with those this version needs; give each difference in words."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    target = load_metadata()
    options = {"version_table": VERSION_TABLE, "compare_type": True, "include_name": is_compared}
    context = MigrationContext.configure(connection, opts=options)
    flat: list[tuple[Any, ...]] = []
    for difference in compare_metadata(context, target):
        # Changes of one column come as a list of their own.
        flat.extend(difference if isinstance(difference, list) else [difference])
    return [_in_words(difference) for difference in flat]


def is_compared(name: str | None, kind: str, parents: object) -> bool:
    """Tell Alembic whether a thing of the database is ours to compare with the metadata.

    A database may be shared with other applications: their tables are none of our business. The full-text index is made
    by each engine's own means, which the metadata has no words for: `missing_search` looks at it.
    """
    if kind == "index":
        return name != SEARCH_INDEX
    return kind != "table" or name in load_metadata().tables


def _in_words(difference: tuple[Any, ...]) -> str:
    """Say what an upgrade would have to do: the operation, and the names of what it is about."""
    names = [
        str(getattr(part, "name", part)) for part in difference[1:] if isinstance(getattr(part, "name", part), str)
    ]
    return f"the schema differs: {difference[0]} {' '.join(names)}"


def missing_triggers(connection: Connection) -> list[str]:
    """Give, in words, each trigger that keeps the log append-only and is missing or off."""
    if connection.dialect.name == "sqlite":
        found = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars())
        needed = {f"{table}_refuses_{change}" for table in APPEND_ONLY for change in ("update", "delete", "replace")}
    else:
        found = set(
            connection.execute(
                text(
                    "SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                    "JOIN pg_namespace n ON n.oid = c.relnamespace "
                    "WHERE n.nspname = current_schema() AND t.tgenabled = 'A'"
                )
            ).scalars()
        )
        needed = {f"{table}_append_only" for table in APPEND_ONLY}
    return [f"the trigger {name} is missing or off" for name in sorted(needed - found)]


def missing_views(connection: Connection) -> list[str]:
    """Give, in words, each view of the public SQL contract that is missing."""
    if connection.dialect.name == "sqlite":
        catalogue = "SELECT name FROM sqlite_master WHERE type = 'view'"
    else:
        catalogue = "SELECT viewname FROM pg_views WHERE schemaname = current_schema()"
    found = set(connection.execute(text(catalogue)).scalars())
    return [f"the view {name} is missing" for name in view_names() if name not in found]


def missing_search(connection: Connection) -> list[str]:
    """Give, in words, each part of the full-text index that is missing."""
    if connection.dialect.name == "sqlite":
        catalogue = "SELECT name FROM sqlite_master"
        needed = {SEARCH_INDEX, *(f"search_entries_{change}" for change in ("insert", "update", "delete"))}
    else:
        catalogue = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
        needed = {SEARCH_INDEX}
    found = set(connection.execute(text(catalogue)).scalars())
    return [f"{name}, of the full-text index, is missing" for name in sorted(needed - found)]
