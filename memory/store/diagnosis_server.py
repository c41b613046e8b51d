"""What can be wrong with a PostgreSQL server, and with the rights of the role that connects to it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Connection, text

from memory.store import faults
from memory.store.connect import make_engine
from memory.store.finding import Finding, ok, problem, warning
from memory.store.inspection import inspect_server
from memory.store.location import Location
from memory.store.tables import APPEND_ONLY

DRIVER_NEEDED = (3, 2)
SERVER_NEEDED, SERVER_TRIED = 11, 15
"""The first server with what the schema is made of (CREATE TRIGGER ... EXECUTE FUNCTION); the oldest we have tried."""
_SETTINGS = text(
    # What a session of this role begins with: our own connections ask for more where it is too little.
    "SELECT name, reset_val FROM pg_settings WHERE name IN ('server_version', 'server_version_num', 'server_encoding', "
    "'fsync', 'full_page_writes', 'synchronous_commit', 'default_transaction_isolation')"
)
_ROLE = text(
    "SELECT current_user AS name, r.rolsuper AS super, "
    "COALESCE((SELECT bool_or(pg_has_role(c.relowner, 'USAGE')) FROM pg_class c "
    "WHERE c.oid IN (SELECT to_regclass(t) FROM unnest(CAST(:tables AS text[])) t)), false) AS owns "
    "FROM pg_roles r WHERE r.rolname = current_user"
)
_RIGHTS = text(
    "SELECT t AS table_name, p AS privilege, has_table_privilege(to_regclass(t), p) AS granted "
    "FROM unnest(CAST(:tables AS text[])) t, "
    "unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p WHERE to_regclass(t) IS NOT NULL"
)
_GUIDE = "let agents connect as a role that owns nothing: docs/guide/postgresql.md has its grants"


def diagnose_driver() -> Finding | None:
    """Look at psycopg; None where it is not installed."""
    if importlib.util.find_spec("psycopg") is None:
        return None
    import psycopg

    found = tuple(int(part) for part in psycopg.__version__.split(".")[:2])
    if found < DRIVER_NEEDED:
        needed = ".".join(map(str, DRIVER_NEEDED))
        remedy = 'pip install -U "palimpsest-memory[postgres]"'
        return problem("psycopg", f"{psycopg.__version__} is too old: {needed} is needed", remedy)
    return ok("psycopg", f"{psycopg.__version__}, {psycopg.pq.__impl__} over libpq {psycopg.pq.version()}")


@contextmanager
def connected_to(location: Location) -> Iterator[Connection]:
    """Give a connection to a server; its transaction is rolled back whatever happens in it."""
    engine = make_engine(location, "full")
    try:
        with faults.translated(location), engine.connect() as connection:
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


def refuse_writes(location: Location, connection: Connection) -> None:
    """See that the database can hold a log, and let the server refuse every write from here on.

    Raises:
        DatabaseError: One of its kinds says why the database cannot hold a log, or holds something else.
    """
    inspect_server(location, connection)
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def diagnose_server(connection: Connection) -> Iterator[Finding]:
    """Look at the server's version and settings."""
    rows = connection.execute(_SETTINGS)
    settings: Mapping[str, str] = {row.name: row.reset_val for row in rows}
    yield _version(settings["server_version"], int(settings["server_version_num"]) // 10000)
    yield (
        ok("encoding", "UTF8")
        if settings["server_encoding"] == "UTF8"
        else problem("encoding", f"{settings['server_encoding']}, not UTF8", "create the database with ENCODING 'UTF8'")
    )
    for name, risk in (
        ("fsync", "power loss can lose what was acknowledged, and the whole database with it"),
        ("full_page_writes", "power loss in the middle of a write can damage the database"),
    ):
        yield (
            ok(name, "on")
            if settings[name] == "on"
            else problem(name, f"off: {risk}", f"set {name} = on in postgresql.conf and reload")
        )
    commit = settings["synchronous_commit"]
    yield (
        ok("synchronous_commit", commit)
        if commit != "off"
        else warning(
            "synchronous_commit",
            "off for this role: Palimpsest asks for `on` unless durability='normal', and other programs do not",
            "ALTER ROLE ... SET synchronous_commit = on",
        )
    )
    isolation = settings["default_transaction_isolation"]
    yield (
        ok("isolation", isolation)
        if isolation == "read committed"
        else warning(
            "isolation",
            f"{isolation} is this role's default; Palimpsest asks for read committed, which its order needs",
            "nothing to do here; your own programs that append in SQL must ask for it too",
        )
    )


def diagnose_rights(connection: Connection) -> Iterator[Finding]:
    """Look at what this role may do to the log."""
    tables = {"tables": list(APPEND_ONLY)}
    role = connection.execute(_ROLE, tables).one()
    told = connection.execute(_RIGHTS, tables).all()
    if not told:
        return  # there is no log yet
    rights = [(row.table_name, row.privilege) for row in told if row.granted]
    needed = [(table, right) for right in ("SELECT", "INSERT") for table in APPEND_ONLY]
    missing = [each for each in needed if each not in rights]
    dangerous = sorted({right for _, right in rights if right not in ("SELECT", "INSERT")})
    if any(right == "SELECT" for _, right in missing):
        yield problem("rights", f"role {role.name} may not read the log", _GUIDE)
    elif role.super or role.owns:
        why = "is a superuser" if role.super else "owns the log's tables"
        yield warning("rights", f"role {role.name} {why}: it could drop the triggers and rewrite the log", _GUIDE)
    elif dangerous:
        may = f"role {role.name} may {', '.join(dangerous)} on the log: only the triggers stand in its way"
        yield warning("rights", may, f"REVOKE {', '.join(dangerous)} ON {', '.join(APPEND_ONLY)} FROM {role.name}")
    elif missing:
        yield ok("rights", f"role {role.name} may read the log and not append to it")
    else:
        yield ok("rights", f"role {role.name} may read the log and append to it, and owns nothing of it")


def _version(version: str, major: int) -> Finding:
    if major < SERVER_NEEDED:
        remedy = "upgrade the server"
        return problem("postgresql", f"{version} is too old: {SERVER_NEEDED} is needed", remedy)
    if major < SERVER_TRIED:
        told = f"{version} is older than any version Palimpsest was tried with ({SERVER_TRIED} and newer)"
        return warning("postgresql", told, "upgrade the server")
    return ok("postgresql", version)
