"""What a database's schema is, and databases as released versions left them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url, text

from memory.store import Database

FROZEN = Path(__file__).parent / "frozen" / "schemas"
REVISIONS = tuple(sorted(folder.name for folder in FROZEN.iterdir() if folder.is_dir()))
"""The revisions that are kept with data in them; `frozen/freeze.py` makes them."""


def run_script(url: str, script: str) -> None:
    """Run SQL as somebody without Palimpsest would."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.executescript(script)
        return
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        connection.execute(script)  # type: ignore[arg-type]


def thaw(url: str, revision: str) -> dict[str, Any]:
    """Make a database what it was at a revision; give what its log held."""
    engine = "sqlite" if url.startswith("sqlite") else "postgresql"
    run_script(url, (FROZEN / revision / f"{engine}.sql").read_text())
    held: dict[str, Any] = json.loads((FROZEN / revision / f"{engine}.json").read_text())
    return held


def catalogue(database: Database) -> list[tuple[Any, ...]]:
    """Everything the database holds but rows: tables, columns, indexes, constraints, triggers, views, comments."""
    if database.dialect == "sqlite":
        queries = ["SELECT type, name, tbl_name, sql FROM sqlite_master"]
    else:
        queries = [
            "SELECT table_name, column_name, data_type, is_nullable, ordinal_position FROM information_schema.columns "
            "WHERE table_schema = current_schema()",
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = current_schema()::regnamespace",
            "SELECT tgname, tgenabled::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace",
            "SELECT viewname, definition FROM pg_views WHERE schemaname = current_schema()",
            "SELECT objoid::regclass::text, objsubid, description FROM pg_description d "
            "JOIN pg_class c ON c.oid = d.objoid WHERE c.relnamespace = current_schema()::regnamespace",
        ]
    with database.reading() as connection:
        rows = [row for query in queries for row in connection.execute(text(query))]
    return sorted(tuple(" ".join(str(value).split()) for value in row) for row in rows)


def contents(database: Database) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    if database.dialect == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    else:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    with database.reading() as connection:
        tables = connection.execute(text(query)).scalars().all()
        return {
            table: sorted(repr(tuple(row)) for row in connection.execute(text(f'SELECT * FROM "{table}"')))
            for table in tables
        }
